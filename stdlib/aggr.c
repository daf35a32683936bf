/* aggr.c - aggregations: what a program adds to a cell.  aggr_run.c merges, orders and prints cells. */
#include "stdlib/rows.h"
#include "stdlib/buckets.h"

/* Layouts: count, sum: u64.  min, max: u64 value, u64 is set.  avg, stats: i64 total, u64 count.  hist, lhist: u64 buckets. */

/* A literal's sign stays open as long as types are inferred: sum(1) fits beside sum(nsecs). */
static const struct type *
cell_of(struct compile *c, const char *run, const struct type *arg)
{
	const struct type *elem = type_int(c->types, 8, arg && arg->kind != T_PTR && arg->is_signed);

	if (arg && type_is_literal(arg))
		elem = type_fmt(c->types, elem, arg->fmt);
	return type_aggr(c->types, run_find_aggr(run), elem, NULL);
}

static void
add(struct gen *g, struct gval slot, struct gval v, bool atomic)
{
	if (atomic)
		gen_atomic_add(g, slot, v);
	else
		gen_store(g, slot, gen_bin(g, TK_PLUS, gen_load(g, slot), v));
}

static void
read_total(struct gen *g, struct gval cell, struct gval acc)
{
	struct gval sum = gen_slot(g, acc, 0, 8, true);

	gen_store(g, sum, gen_bin(g, TK_PLUS, gen_load(g, sum), gen_load(g, gen_slot(g, cell, 0, 8, true))));
}

static void
result_total(struct gen *g, struct gval acc, struct gval *out)
{
	*out = gen_cast(g, gen_load(g, gen_slot(g, acc, 0, 8, true)), out->type);
}

/* ---- count, sum ---- */

static const struct type *
cell_count(struct compile *c, const struct node *call)
{
	(void)call;
	return cell_of(c, "count", NULL);
}

static bool
update_count(struct gen *g, struct gval cell, const struct node *call, bool atomic)
{
	(void)call;
	add(g, gen_slot(g, cell, 0, 8, false), gen_u64(g, 1), atomic);
	return true;
}

static const struct aggr_gen aggr_count = {
	.run = "count", .cell = cell_count, .update = update_count, .read = read_total, .result = result_total,
};
const struct builtin builtin_count = {
	.name = "count", .sig = "void ()", .flags = BI_AGGR | BI_CALL, .aggr = &aggr_count, .doc = "counts how often it is called: @ = count()",
};

static const struct type *
cell_sum(struct compile *c, const struct node *call)
{
	return cell_of(c, "sum", call->kid[0]->type);
}

static bool
update_sum(struct gen *g, struct gval cell, const struct node *call, bool atomic)
{
	struct gval v;

	if (!gen_expr_reg(g, call->kid[0], &v))
		return false;
	add(g, gen_slot(g, cell, 0, 8, false), v, atomic);
	return true;
}

static const struct aggr_gen aggr_sum = {
	.run = "sum", .cell = cell_sum, .update = update_sum, .read = read_total, .result = result_total,
};
const struct builtin builtin_sum = {
	.name = "sum", .sig = "void (int)", .flags = BI_AGGR | BI_CALL, .aggr = &aggr_sum, .doc = "adds up numbers: @ = sum(n)",
};

/* ---- min, max ---- */

/* Takes (v, is_set) into the pair at mem, where v is the better one or the first. */
static void
take_better(struct gen *g, struct gval mem, struct gval v, enum token_kind better, bool is_signed)
{
	struct gval value = gen_slot(g, mem, 0, 8, is_signed), set = gen_slot(g, mem, 8, 8, false);
	struct gblock *compare = gen_label(g, "best_compare"), *take = gen_label(g, "best_take"), *done = gen_label(g, "best_done");

	gen_branch(g, gen_cmp(g, TK_EQ, false, gen_load(g, set), gen_u64(g, 0)), take, compare);
	gen_place(g, compare);
	gen_branch(g, gen_cmp(g, better, is_signed, v, gen_load(g, value)), take, done);
	gen_place(g, take);
	gen_store(g, value, v);
	gen_store(g, set, gen_u64(g, 1));
	gen_jump(g, done);
	gen_place(g, done);
}

static bool
update_best(struct gen *g, struct gval cell, const struct node *call, enum token_kind better)
{
	struct gval v;

	if (!gen_expr_reg(g, call->kid[0], &v))
		return false;
	take_better(g, cell, v, better, cell.type->is_signed);
	return true;
}

static void
read_best(struct gen *g, struct gval cell, struct gval acc, enum token_kind better)
{
	bool is_signed = cell.type->is_signed;
	struct gblock *set = gen_label(g, "best_set"), *done = gen_label(g, "best_unset");

	gen_branch(g, gen_cmp(g, TK_NE, false, gen_load(g, gen_slot(g, cell, 8, 8, false)), gen_u64(g, 0)), set, done);
	gen_place(g, set);
	take_better(g, acc, gen_load(g, gen_slot(g, cell, 0, 8, is_signed)), better, is_signed);
	gen_jump(g, done);
	gen_place(g, done);
}

static const struct type *
cell_min(struct compile *c, const struct node *call)
{
	return cell_of(c, "min", call->kid[0]->type);
}

static bool
update_min(struct gen *g, struct gval cell, const struct node *call, bool atomic)
{
	(void)atomic; /* the kernel has no atomic minimum; a lost race loses one value */
	return update_best(g, cell, call, TK_LT);
}

static void
read_min(struct gen *g, struct gval cell, struct gval acc)
{
	read_best(g, cell, acc, TK_LT);
}

static const struct aggr_gen aggr_min = {
	.run = "min", .cell = cell_min, .update = update_min, .read = read_min, .result = result_total,
};
const struct builtin builtin_min = {
	.name = "min", .sig = "void (int)", .flags = BI_AGGR | BI_CALL, .aggr = &aggr_min, .doc = "keeps the smallest number: @ = min(n)",
};

static const struct type *
cell_max(struct compile *c, const struct node *call)
{
	return cell_of(c, "max", call->kid[0]->type);
}

static bool
update_max(struct gen *g, struct gval cell, const struct node *call, bool atomic)
{
	(void)atomic;
	return update_best(g, cell, call, TK_GT);
}

static void
read_max(struct gen *g, struct gval cell, struct gval acc)
{
	read_best(g, cell, acc, TK_GT);
}

static const struct aggr_gen aggr_max = {
	.run = "max", .cell = cell_max, .update = update_max, .read = read_max, .result = result_total,
};
const struct builtin builtin_max = {
	.name = "max", .sig = "void (int)", .flags = BI_AGGR | BI_CALL, .aggr = &aggr_max, .doc = "keeps the largest number: @ = max(n)",
};

/* ---- avg, stats ---- */

static bool
update_avg(struct gen *g, struct gval cell, const struct node *call, bool atomic)
{
	struct gval v;

	if (!gen_expr_reg(g, call->kid[0], &v))
		return false;
	add(g, gen_slot(g, cell, 0, 8, true), v, atomic);
	add(g, gen_slot(g, cell, 8, 8, false), gen_u64(g, 1), atomic);
	return true;
}

static void
read_avg(struct gen *g, struct gval cell, struct gval acc)
{
	struct gval count = gen_slot(g, acc, 8, 8, false);

	read_total(g, cell, acc);
	gen_store(g, count, gen_bin(g, TK_PLUS, gen_load(g, count), gen_load(g, gen_slot(g, cell, 8, 8, false))));
}

/* BPF divides unsigned numbers only.  A negative total is turned over before and after. */
static void
result_avg(struct gen *g, struct gval acc, struct gval *out)
{
	struct gval zero = gen_u64(g, 0), one = gen_u64(g, 1), is_neg, size;
	struct gval total = gen_load(g, gen_slot(g, acc, 0, 8, true)), count = gen_load(g, gen_slot(g, acc, 8, 8, false));

	count = gen_select(g, gen_cmp(g, TK_EQ, false, count, zero), one, count);
	if (!out->type->is_signed) {
		*out = gen_cast(g, gen_udiv(g, total, count), out->type);
		return;
	}
	is_neg = gen_cmp(g, TK_LT, true, total, zero);
	size = gen_udiv(g, gen_select(g, is_neg, gen_bin(g, TK_MINUS, zero, total), total), count);
	*out = gen_cast(g, gen_select(g, is_neg, gen_bin(g, TK_MINUS, zero, size), size), out->type);
}

static const struct type *
cell_avg(struct compile *c, const struct node *call)
{
	return cell_of(c, "avg", call->kid[0]->type);
}

static const struct aggr_gen aggr_avg = {
	.run = "avg", .cell = cell_avg, .update = update_avg, .read = read_avg, .result = result_avg,
};
const struct builtin builtin_avg = {
	.name = "avg", .sig = "void (int)", .flags = BI_AGGR | BI_CALL, .aggr = &aggr_avg, .doc = "the average of numbers: @ = avg(n)",
};

static const struct type *
cell_stats(struct compile *c, const struct node *call)
{
	return cell_of(c, "stats", call->kid[0]->type);
}

static const struct aggr_gen aggr_stats = { .run = "stats", .cell = cell_stats, .update = update_avg };
const struct builtin builtin_stats = {
	.name = "stats", .sig = "void (int)", .flags = BI_AGGR | BI_CALL, .aggr = &aggr_stats,
	.doc = "count, average and total of numbers: @ = stats(n)",
};
