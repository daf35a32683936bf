/* tseries.c - tseries(): numbers by intervals of time (LANGUAGE 4.7).  tseries_run.c merges and draws them. */
#include <linux/bpf.h>
#include "stdlib/rows.h"
#include "stdlib/series.h"

static const char *const op_names[N_SERIES_OPS] = { "", "avg", "max", "min", "sum" };

struct series { int64_t interval, num; int op; };

static int
op_of(const struct node *arg)
{
	for (int op = SERIES_AVG; arg && op < N_SERIES_OPS; op++)
		if (strcmp(arg->u.str, op_names[op]) == 0)
			return op;
	return arg ? N_SERIES_OPS : SERIES_LAST;
}

static bool
series_of(const struct node *call, struct series *s)
{
	const struct node *interval = call->kid[0]->next, *num = interval->next;

	s->op = op_of(num->next && num->next->kind == N_STR ? num->next : NULL);
	return arg_int(interval, &s->interval) && arg_int(num, &s->num);
}

static const struct type *
cell_tseries(struct compile *c, const struct node *call)
{
	const struct type *arg = call->kid[0]->type, *elem = type_int(c->types, 8, arg && arg->kind != T_PTR && arg->is_signed);
	struct series s = { 0 };

	if (!series_of(call, &s) || s.interval < 1 || s.num < 1 || s.num > SERIES_MAX_SLOTS || s.op == N_SERIES_OPS)
		s = (struct series){ 1, 1, SERIES_LAST }; /* check_tseries says what is wrong */
	if (arg && type_is_literal(arg))                  /* its sign stays open while types are inferred */
		elem = type_fmt(c->types, elem, arg->fmt);
	return type_aggr(c->types, run_find_aggr("tseries"), elem, (int64_t[4]){ s.interval, s.num, s.op });
}

/* Config variable unstable_tseries: error, warn (the default, once a script) or enable. */
static bool
check_stability(struct compile *c, const struct node *call)
{
	enum { FORBIDDEN, WARNED, ENABLED };
	bool is_error = c->limit.unstable_tseries == FORBIDDEN;

	if (c->limit.unstable_tseries == ENABLED)
		return true;
	c->limit.unstable_tseries = ENABLED;
	if (is_error)
		diag_error(c->diags, call->at, E_UNSTABLE, "tseries() is unstable, and the config variable unstable_tseries forbids it");
	else
		diag_warn(c->diags, call->at, W_UNSTABLE, "tseries() is unstable: other versions may print it another way");
	diag_hint(c->diags, "config = { unstable_tseries = enable } takes it without a word");
	return !is_error;
}

static bool
check_tseries(struct compile *c, struct node *call)
{
	const struct node *interval = call->kid[0]->next, *num = interval->next, *op = num->next;
	struct series s;

	if (!series_of(call, &s))
		return true;
	if (s.interval < 1)
		return diag_error(c->diags, interval->at, E_ARG_VALUE, "tseries() interval must be >= 1 (%lld provided)", (long long)s.interval);
	if (s.num < 1)
		return diag_error(c->diags, num->at, E_ARG_VALUE, "tseries() number of intervals must be >= 1 (%lld provided)", (long long)s.num);
	if (s.num > SERIES_MAX_SLOTS)
		return diag_error(c->diags, num->at, E_ARG_VALUE, "tseries() number of intervals must be < %d (%lld provided)", SERIES_MAX_SLOTS + 1,
				  (long long)s.num);
	if (s.op == N_SERIES_OPS)
		return diag_error(c->diags, op->at, E_ARG_VALUE, "tseries() aggregates by \"avg\", \"max\", \"min\" or \"sum\" (\"%s\" provided)",
				  op->u.str);
	return check_stability(c, call);
}

/* The slot's value and count with v taken in. */
static void
take_in(struct gen *g, const struct type *cell, struct gval slot, struct gval v, struct gval now, bool atomic)
{
	struct gval value = gen_slot(g, slot, 0, 8, cell->elem->is_signed), more = gen_slot(g, slot, 8, 8, false), old = gen_load(g, value);
	int op = (int)cell->param[2];

	switch (op) {
	case SERIES_LAST:
		gen_store(g, value, v);
		gen_store(g, more, now);
		return;
	case SERIES_MAX:
	case SERIES_MIN:
		gen_store(g, value, gen_select(g, gen_cmp(g, op == SERIES_MAX ? TK_GT : TK_LT, cell->elem->is_signed, v, old), v, old));
		break;
	default:
		if (atomic) {
			gen_atomic_add(g, value, v);
			gen_atomic_add(g, more, gen_u64(g, 1));
			return;
		}
		gen_store(g, value, gen_bin(g, TK_PLUS, old, v));
	}
	gen_store(g, more, gen_bin(g, TK_PLUS, gen_load(g, more), gen_u64(g, 1)));
}

/* A slot of an older interval begins anew.  In a map that the CPUs share (a series too long for per-CPU memory) two that begin
 * one at the same time lose a number. */
static void
update_slot(struct gen *g, const struct type *cell, struct gval slot, struct gval v, struct gval now, struct gval epoch, bool atomic)
{
	struct gblock *fresh = gen_label(g, "series_fresh"), *old = gen_label(g, "series_old"), *compare = gen_label(g, "series_epoch"),
		      *done = gen_label(g, "series_done");
	struct gval more = gen_slot(g, slot, 8, 8, false), at = gen_slot(g, slot, 16, 8, false);

	gen_branch(g, gen_cmp(g, TK_EQ, false, gen_load(g, more), gen_u64(g, 0)), fresh, compare);
	gen_place(g, compare);
	gen_branch(g, gen_cmp(g, TK_EQ, false, gen_load(g, at), epoch), old, fresh);
	gen_place(g, fresh);
	gen_store(g, gen_slot(g, slot, 0, 8, cell->elem->is_signed), v);
	gen_store(g, at, epoch);
	gen_store(g, more, cell->param[2] == SERIES_LAST ? now : gen_u64(g, 1));
	gen_jump(g, done);
	gen_place(g, old);
	take_in(g, cell, slot, v, now, atomic);
	gen_jump(g, done);
	gen_place(g, done);
}

static bool
update_tseries(struct gen *g, struct gval cell, const struct node *call, bool atomic)
{
	struct compile *c = gen_compile(g);
	const struct type *t = cell.type, *bytes = type_array(c->types, type_int(c->types, 1, false), sizeof(struct series_slot));
	uint64_t num = (uint64_t)t->param[1];
	struct gval v, now, epoch, i;

	if (!gen_expr_reg(g, call->kid[0], &v))
		return false;
	now = gen_helper(g, BPF_FUNC_ktime_get_tai_ns, NULL, 0);
	epoch = gen_udiv(g, now, gen_u64(g, (uint64_t)t->param[0]));
	/* the verifier does not know that a remainder is small */
	i = gen_at_most(g, gen_umod(g, epoch, gen_u64(g, num)), num - 1);
	update_slot(g, t, gen_index(g, gen_at(g, cell, SERIES_HEAD, bytes), i, sizeof(struct series_slot), bytes), v, now, epoch, atomic);
	return true;
}

static const struct aggr_gen aggr_tseries = { .run = "tseries", .cell = cell_tseries, .update = update_tseries };
const struct builtin builtin_tseries = {
	.name = "tseries", .sig = "void (int, num, num, [lit])", .flags = BI_AGGR | BI_CALL, .check = check_tseries, .aggr = &aggr_tseries,
	.doc = "numbers over time, a graph: @ = tseries(n, 1s, 10) keeps the last of each of 10 intervals; a fourth argument \"avg\", \"max\", \"min\" or \"sum\"",
};
