/* stack.c - call stacks and symbols: kstack, ustack, ksym, usym. */
#include <linux/bpf.h>
#include "stdlib/rows.h"

enum { FRAMES_DEFAULT = 127, FRAMES_MAX = 1024 };
static const char *const mode_words[] = { "bpftrace", "perf", "raw", "build_id", NULL };

/* kstack([mode,] [frames]).  n stays what was written, right or wrong. */
static void
stack_args(const struct compile *c, const struct node *call, int *mode, int64_t *n)
{
	*mode = (int)c->img->config.stack_mode;
	*n = FRAMES_DEFAULT;
	for (const struct node *a = call->kid[0]; a; a = a->next) {
		const char *word = arg_word(a);

		for (int i = 0; word && stack_mode_name(i); i++)
			if (strcmp(word, stack_mode_name(i)) == 0)
				*mode = i;
		if (!word && !arg_int(a, n))
			*n = 0;
	}
}

static bool
is_user(const struct node *call)
{
	return strcmp(call->ref.bi->name, "ustack") == 0;
}

static const struct type *
result_stack(struct compile *c, struct node *call)
{
	int mode;
	int64_t n;

	stack_args(c, call, &mode, &n);
	return type_stack(c->types, is_user(call), n < 1 || n > FRAMES_MAX ? 1 : (uint32_t)n, mode);
}

static bool
check_stack(struct compile *c, struct node *call)
{
	const struct node *first = call->kid[0], *second = first ? first->next : NULL;
	const char *name = call->ref.bi->name;
	int mode;
	int64_t n, k;

	if (second && !arg_word(first))
		return diag_error(c->diags, first->at, E_ARG_TYPE, "%s() expects a mode as first argument: bpftrace, perf or raw", name);
	for (const struct node *a = first; a; a = a->next)
		if (!arg_word(a) && !arg_int(a, &k))
			return diag_error(c->diags, a->at, E_ARG_TYPE, "%s() expects an integer literal (%s provided)", name,
					  a->type ? type_name(c->tmp, a->type) : "none");
	stack_args(c, call, &mode, &n);
	if (n < 1 || n > FRAMES_MAX)
		return diag_error(c->diags, call->at, E_ARG_VALUE, "%s([int limit]): limit is 1 to %d frames, %lld given", name, FRAMES_MAX, (long long)n);
	if (mode == STACK_BUILD_ID)
		return diag_error(c->diags, call->at, E_UNSUPPORTED, "stacks of build ids are not supported by this build of sonde");
	return true;
}

/* The helper clears what it does not fill, so that equal stacks are equal keys, and gives the number of bytes. */
static bool
gen_stack(struct gen *g, const struct node *call, struct gval *out)
{
	const struct type *t = call->type;
	uint64_t flags = t->is_user ? BPF_F_USER_STACK : 0;
	struct gblock *failed = gen_label(g, "stack_failed"), *good = gen_label(g, "stack_good"), *done = gen_label(g, "stack_done");
	struct gval count = gen_slot(g, *out, 4, 4, false), size, arg[4];

	gen_store(g, gen_slot(g, *out, 0, 4, false), t->is_user ? gen_pid_of(g, false, false) : gen_u64(g, 0));
	arg[0] = gen_ctx(g);
	arg[1] = gen_addr(g, gen_at(g, *out, 8, type_array(gen_compile(g)->types, type_int(gen_compile(g)->types, 8, false), t->n)));
	arg[2] = gen_u64(g, (uint64_t)t->n * 8);
	arg[3] = gen_u64(g, flags);
	size = gen_helper(g, BPF_FUNC_get_stack, arg, 4);
	gen_branch(g, gen_cmp(g, TK_LT, true, size, gen_u64(g, 0)), failed, good);
	gen_place(g, failed);
	gen_store(g, count, gen_u64(g, 0));
	gen_error(g, RE_STACK, t->is_user ? "ustack" : "kstack", call->at, size);
	gen_jump(g, done);
	gen_place(g, good);
	gen_store(g, count, gen_bin(g, TK_SHR, size, gen_u64(g, 3)));
	gen_jump(g, done);
	gen_place(g, done);
	out->is_padded = true;
	return true;
}

const struct builtin builtin_kstack = {
	.name = "kstack", .sig = "? ([any], [any])", .flags = BI_VAR | BI_CALL | BI_NO_LOOP, .uses = USES_STACK | USES_CTX,
	.result = result_stack, .check = check_stack, .gen = gen_stack, .words = mode_words,
	.doc = "the kernel's call stack: kstack([mode,] [frames]), mode bpftrace, perf or raw",
};
const struct builtin builtin_ustack = {
	.name = "ustack", .sig = "? ([any], [any])", .flags = BI_VAR | BI_CALL | BI_NO_LOOP, .uses = USES_STACK | USES_CTX,
	.result = result_stack, .check = check_stack, .gen = gen_stack, .words = mode_words,
	.doc = "the process's call stack: ustack([mode,] [frames]), mode bpftrace, perf or raw",
};

/* ---- symbols ---- */

static bool
gen_ksym(struct gen *g, const struct node *call, struct gval *out)
{
	if (!gen_expr_reg(g, call->kid[0], out))
		return false;
	*out = gen_cast(g, *out, call->type);
	return true;
}

const struct builtin builtin_ksym = {
	.name = "ksym", .sig = "ksym_t (ptr)", .flags = BI_CALL | BI_RESULT, .gen = gen_ksym,
	.doc = "the kernel symbol at an address, looked up when printed",
};

static const struct type *
result_usym(struct compile *c, struct node *call)
{
	(void)call;
	return type_usym(c);
}

/* A user address means nothing without its process. */
static bool
gen_usym(struct gen *g, const struct node *call, struct gval *out)
{
	struct gval addr;

	if (!gen_expr_reg(g, call->kid[0], &addr))
		return false;
	gen_zero(g, *out); /* the padding too: it may be a key */
	gen_store(g, gen_slot(g, *out, 0, 8, false), addr);
	gen_store(g, gen_slot(g, *out, 8, 4, false), gen_pid_of(g, false, false));
	return true;
}

const struct builtin builtin_usym = {
	.name = "usym", .sig = "? (ptr)", .flags = BI_CALL | BI_RESULT, .result = result_usym, .gen = gen_usym,
	.doc = "the symbol at an address of the current process, looked up when printed",
};
