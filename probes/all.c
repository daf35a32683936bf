/* all.c - the compile halves of all probe types, in the order listings show them; and the table of all rows. */
#include "probes/common.h"

extern const struct builtin *const all_builtins[]; /* stdlib/all.c */
extern const struct std_script all_scripts[];           /* stdlib/scripts.c */
extern const struct provider *const all_providers[];

const struct provider *const all_providers[] = {
	&provider_begin, &provider_end, &provider_test, &provider_bench,
	&provider_kprobe, &provider_kretprobe,
	&provider_tracepoint, &provider_rawtracepoint,
	&provider_interval, &provider_profile, &provider_software,
	&provider_uprobe, &provider_uretprobe,
	NULL,
};

const struct plugs plugs = { .builtins = all_builtins, .providers = all_providers, .scripts = all_scripts };
