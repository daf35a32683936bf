/* signal.c - signal(): to the process that runs. */
#include <linux/bpf.h>
#include <stdlib.h>
#include "stdlib/rows.h"

enum { SIGNAL_MAX = 64 };
/* By number, as on every architecture sonde runs on. */
static const char *const signal_names[] = {
	"", "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2", "PIPE", "ALRM", "TERM", "STKFLT",
	"CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG", "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
};

/* Number of "SIGKILL" or "KILL"; 0: no signal is called that. */
static int
signal_number(const char *name)
{
	if (strncmp(name, "SIG", 3) == 0)
		name += 3;
	for (size_t i = 1; i < LENGTH(signal_names); i++)
		if (strcmp(name, signal_names[i]) == 0)
			return (int)i;
	return 0;
}

static bool
check_signal(struct compile *c, struct node *call)
{
	const struct node *arg = call->kid[0];
	int64_t n;

	if (c->at_work && (c->at_work->prov->flags & (PROV_STANDALONE | PROV_TEST)))
		return diag_error(c->diags, call->at, E_CONTEXT, "signal can not be used with \"%s\" probes", c->at_work->prov->name);
	if (arg->kind == N_STR)
		return signal_number(arg->u.str) ? true
		     : diag_error(c->diags, arg->at, E_ARG_VALUE, "%s is not a valid signal", arg->u.str);
	if (!type_is_number(arg->type))
		return diag_error(c->diags, arg->at, E_ARG_TYPE, "signal() expects a signal's name as a literal, or its number (%s provided)",
				  type_name(c->tmp, arg->type));
	if (arg_int(arg, &n) && (n < 1 || n > SIGNAL_MAX))
		return diag_error(c->diags, arg->at, E_ARG_VALUE, "%lld is not a valid signal, allowed range: [1,%d]", (long long)n, SIGNAL_MAX);
	return true;
}

static bool
gen_signal(struct gen *g, const struct node *call, struct gval *out)
{
	const struct node *arg = call->kid[0];
	struct gblock *failed = gen_label(g, "signal_failed"), *done = gen_label(g, "signal_done");
	struct gval number, code;

	(void)out;
	if (arg->kind == N_STR)
		number = gen_u64(g, (uint64_t)signal_number(arg->u.str));
	else if (!gen_expr_reg(g, arg, &number))
		return false;
	code = gen_helper(g, BPF_FUNC_send_signal, &number, 1);
	gen_branch(g, gen_cmp(g, TK_NE, true, code, gen_u64(g, 0)), failed, done);
	gen_place(g, failed);
	gen_error(g, RE_HELPER, "send_signal", call->at, code);
	gen_jump(g, done);
	gen_place(g, done);
	return true;
}

const struct builtin builtin_signal = {
	.name = "signal", .sig = "void (any)", .flags = BI_CALL | BI_UNSAFE, .check = check_signal, .gen = gen_signal,
	.doc = "sends a signal to the current process: signal(\"SIGKILL\") or signal(9); needs --unsafe",
};
