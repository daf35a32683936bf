/* now.c - clocks and dates: nsecs, elapsed, time(), strftime(). */
#include <linux/bpf.h>
#include <time.h>
#include "stdlib/rows.h"

static const char *const clock_words[] = { "monotonic", "boot", "tai", "sw_tai", NULL };

/* What the kernel's atomic clock is ahead of the boot clock, now: for kernels without the tai helper. */
static uint64_t
tai_offset(void)
{
	struct timespec tai, boot;

	clock_gettime(CLOCK_TAI, &tai);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	return (uint64_t)(tai.tv_sec - boot.tv_sec) * 1000000000u + (uint64_t)(tai.tv_nsec - boot.tv_nsec);
}

static bool
gen_nsecs(struct gen *g, const struct node *call, struct gval *out)
{
	const char *word = arg_word(call->kid[0]);
	int func = BPF_FUNC_ktime_get_boot_ns;

	if (word && strcmp(word, "monotonic") == 0)
		func = BPF_FUNC_ktime_get_ns;
	else if (word && strcmp(word, "tai") == 0)
		func = BPF_FUNC_ktime_get_tai_ns;
	*out = gen_helper(g, func, NULL, 0);
	if (word && strcmp(word, "sw_tai") == 0)
		*out = gen_bin(g, TK_PLUS, *out, gen_u64(g, tai_offset()));
	*out = gen_cast(g, *out, call->type);
	return true;
}

const struct builtin builtin_nsecs = {
	.name = "nsecs", .sig = "u64 ([word])", .flags = BI_VAR | BI_CALL, .gen = gen_nsecs, .words = clock_words,
	.doc = "nanoseconds since boot; nsecs(monotonic | boot | tai | sw_tai) for another clock",
};

static bool
gen_elapsed(struct gen *g, const struct node *call, struct gval *out)
{
	struct gval start = gen_load(g, gen_state(g, offsetof(struct run_state, start_ns), 8));

	*out = gen_cast(g, gen_bin(g, TK_MINUS, gen_helper(g, BPF_FUNC_ktime_get_boot_ns, NULL, 0), start), call->type);
	return true;
}

const struct builtin builtin_elapsed = {
	.name = "elapsed", .sig = "u64", .flags = BI_VAR, .gen = gen_elapsed,
	.doc = "nanoseconds since tracing began",
};

static bool
gen_jiffies(struct gen *g, const struct node *call, struct gval *out)
{
	*out = gen_cast(g, gen_helper(g, BPF_FUNC_jiffies64, NULL, 0), call->type);
	return true;
}

const struct builtin builtin_jiffies = {
	.name = "jiffies", .sig = "u64", .flags = BI_VAR, .gen = gen_jiffies,
	.doc = "the kernel's count of timer ticks",
};

const struct builtin builtin_time = {
	.name = "time", .sig = "void ([lit])", .flags = BI_CALL | BI_ACTION | BI_FORMAT,
	.doc = "prints the wall clock time, by default as \"%H:%M:%S\\n\" (strftime's letters)",
};

/* ---- strftime ----
 * The value is the stamp; its type is a record whose name is the format and whose field's name is the clock, so that it can be
 * stored, be a key and be saved like any other value, and prints without knowing where it came from. */
static const struct type *
result_strftime(struct compile *c, struct node *call)
{
	const struct node *fmt = call->kid[0], *stamp = fmt ? fmt->next : NULL;
	const char *word = stamp && stamp->kind == N_CALL ? arg_word(stamp->kid[0]) : NULL;
	struct field f = { .name = "boot", .type = type_int(c->types, 8, false) };

	if (!fmt || fmt->kind != N_STR)
		return NULL;
	if (word && stamp->ref.bi == &builtin_nsecs && strstr(word, "tai"))
		f.name = "tai";
	return type_printed(c, "timestamp", type_record(c->types, arena_strndup(c->keep, fmt->u.str, strlen(fmt->u.str)), 8, false, &f, 1));
}

static bool
check_strftime(struct compile *c, struct node *call)
{
	const struct node *stamp = call->kid[0]->next;
	const char *word = stamp->kind == N_CALL && stamp->ref.bi == &builtin_nsecs ? arg_word(stamp->kid[0]) : NULL;
	int64_t n;

	if (word && strcmp(word, "monotonic") == 0)
		return diag_error(c->diags, stamp->at, E_ARG_VALUE,
				  "strftime() can not take a monotonic timestamp: it does not say when the machine booted");
	if (fold_int(stamp, &n) && n < 0)
		return diag_error(c->diags, stamp->at, E_ARG_VALUE, "strftime() can not take a negative timestamp");
	return true;
}

static bool
gen_strftime(struct gen *g, const struct node *call, struct gval *out)
{
	struct gval ns;

	if (!gen_expr_reg(g, call->kid[0]->next, &ns))
		return false;
	gen_store(g, gen_slot(g, *out, 0, 8, false), ns);
	return true;
}

const struct builtin builtin_strftime = {
	.name = "strftime", .sig = "? (lit, int)", .flags = BI_CALL | BI_RESULT, .result = result_strftime,
	.check = check_strftime, .gen = gen_strftime,
	.doc = "the date of a timestamp of nsecs, printed by strftime's letters and %f %k %l (micro-, nano-, milliseconds)",
};
