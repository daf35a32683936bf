/* run_all.c - the run halves of all probe types. */
#include "image/image.h"

extern const struct run_provider *const all_run_providers[];
extern const struct run_provider run_provider_begin, run_provider_end, run_provider_test, run_provider_bench, run_provider_tracepoint,
	run_provider_rawtracepoint, run_provider_interval, run_provider_profile, run_provider_software, run_provider_uprobe,
	run_provider_uretprobe, run_provider_kprobe, run_provider_kretprobe;

const struct run_provider *const all_run_providers[] = {
	&run_provider_begin, &run_provider_end, &run_provider_test, &run_provider_bench,
	&run_provider_tracepoint, &run_provider_rawtracepoint,
	&run_provider_interval, &run_provider_profile, &run_provider_software,
	&run_provider_uprobe, &run_provider_uretprobe,
	&run_provider_kprobe, &run_provider_kretprobe,
	NULL,
};
