/* common.h - what the compile halves of probes/ share. */
#ifndef PROBES_COMMON_H
#define PROBES_COMMON_H
#include <linux/bpf.h>
#include "codegen/gen.h"

/* The program being made, with what plan chose for it. */
const struct prog *gen_prog(struct gen *);
/* arg_type and gen_arg of argN, retval, ctx and func for programs whose context is struct pt_regs. */
const struct type *regs_arg_type(struct compile *, const struct target *, int n, bool is_return, const char **why);
bool regs_gen_arg(struct gen *, const struct target *, int n, struct gval *out);
/* "    int dfd\n" for each field of args: what -lv shows. */
void args_doc(struct compile *, const struct type *args, struct buf *out);
/* near_offer as a callback that keeps its own copy of the best name. */
struct nearest { struct compile *c; const char *name; struct near near; };
int nearest_offer(void *ud, const char *name, const char *doc);
/* System call events (syscall.c).  Which: num 1 sys_enter, 2 sys_exit, with its number in num2; left alone when it is not known. */
enum { SYSCALL_ENTER = 1, SYSCALL_EXIT };
void syscall_number(struct target *, const char *event);
/* May a raw program that dispatches serve these targets? */
bool syscall_can_dispatch(struct compile *, const struct probe *);
bool syscall_gen_entry(struct gen *, const struct probe *); /* returns unless it is one of the probe's calls */
bool syscall_gen_field(struct gen *, const struct target *, const struct field *, struct gval *out);
void syscall_gen_which(struct gen *, struct gval *out);
/* Gives a name to a listing: 0 to go on.  Counts in *n. */
int list_one(sonde_name_fn, void *ud, int *n, const char *name, const char *doc);
/* A number as a script writes it, all of the text, not negative. */
bool spec_number(const char *text, uint64_t *out);
/* The value of an enumerator of the running kernel, or -1: what the kernel knows how to do. */
int64_t kernel_knows(struct compile *, const char *enumerator);

/* Do raw tracepoints of this kernel take a cookie? */
bool kernel_has_raw_cookie(struct compile *);
/* can_share: no two targets. */
bool share_never(struct compile *, const struct target *, const struct target *);
int count_name(void *ud, const char *name, const char *doc); /* a callback that does nothing: what counts is the count */

extern const struct provider provider_begin, provider_end, provider_test, provider_bench, provider_tracepoint, provider_rawtracepoint,
	provider_interval, provider_profile, provider_software, provider_uprobe, provider_uretprobe, provider_kprobe,
	provider_kretprobe;
#endif
