/* hist.c - hist() and lhist(): the bucket of a number, without branches (LANGUAGE 4.7). */
#include "stdlib/buckets.h"
#include "stdlib/rows.h"

static struct gval
shift(struct gen *g, enum token_kind op, struct gval v, uint64_t by)
{
	return by ? gen_bin(g, op, v, gen_u64(g, by)) : v;
}

/* Number of the highest bit that is set, v not being 0.  In each step t is 2^i times "something is above the lower 2^i bits", which
 * is the sign bit of a subtraction: a comparison would be a branch, and the verifier would walk each of the 64 ways. */
static struct gval
log2_of(struct gen *g, struct gval v)
{
	struct gval high = shift(g, TK_SHR, v, 32);
	struct gval t = shift(g, TK_SHL, shift(g, TK_SHR, gen_bin(g, TK_MINUS, gen_u64(g, 0), high), 63), 5), log = t;

	v = gen_bin(g, TK_SHR, v, t);
	for (int i = 4; i >= 0; i--) {
		uint64_t most = ((uint64_t)1 << (1 << i)) - 1;

		t = shift(g, TK_SHL, shift(g, TK_SHR, gen_bin(g, TK_MINUS, gen_u64(g, most), v), 63), (uint64_t)i);
		log = gen_bin(g, TK_PIPE, log, t);
		if (i)
			v = gen_bin(g, TK_SHR, v, t);
	}
	return log;
}

/* v < 0: 0.  Else with e, how far the top bit lies above bit k (0 for what is below): 1 + e * 2^k + (v >> e), where v >> e keeps the top
 * bit and the k bits behind it.  Both masks change nothing; they are what the verifier knows the bounds by. */
static struct gval
hist_index(struct gen *g, struct gval v, uint64_t k)
{
	struct gval top = log2_of(g, gen_bin(g, TK_PIPE, v, gen_u64(g, (uint64_t)1 << k)));
	struct gval e = gen_bin(g, TK_AMP, k ? gen_bin(g, TK_MINUS, top, gen_u64(g, k)) : top, gen_u64(g, 63));
	struct gval rest = gen_bin(g, TK_AMP, gen_bin(g, TK_SHR, v, e), gen_u64(g, ((uint64_t)2 << k) - 1));
	struct gval i = gen_bin(g, TK_PLUS, gen_bin(g, TK_PLUS, shift(g, TK_SHL, e, k), rest), gen_u64(g, 1));
	/* all ones for v >= 0, 0 for v < 0 */
	struct gval keep = gen_bin(g, TK_MINUS, shift(g, TK_SHR, v, 63), gen_u64(g, 1));

	return gen_bin(g, TK_AMP, i, keep);
}

static bool
count_bucket(struct gen *g, struct gval cell, struct gval i, uint32_t n, bool atomic)
{
	const struct type *u64 = type_int(gen_compile(g)->types, 8, false);
	struct gval slot = gen_index(g, gen_at(g, cell, 0, type_array(gen_compile(g)->types, u64, n)), i, 8, u64);

	if (atomic)
		gen_atomic_add(g, slot, gen_u64(g, 1));
	else
		gen_store(g, slot, gen_bin(g, TK_PLUS, gen_load(g, slot), gen_u64(g, 1)));
	return true;
}

/* ---- hist ---- */

static int64_t
hist_k(const struct node *call)
{
	int64_t k = 0;

	if (call->kid[0]->next)
		arg_int(call->kid[0]->next, &k);
	return k < 0 || k > HIST_K_MAX ? 0 : k;
}

static const struct type *
cell_hist(struct compile *c, const struct node *call)
{
	return type_aggr(c->types, run_find_aggr("hist"), NULL, (int64_t[4]){ hist_k(call) });
}

static bool
check_hist(struct compile *c, struct node *call)
{
	const struct node *bits = call->kid[0]->next;
	int64_t k;

	if (bits && arg_int(bits, &k) && (k < 0 || k > HIST_K_MAX))
		return diag_error(c->diags, bits->at, E_ARG_VALUE, "hist: bits %lld must be 0..%d", (long long)k, HIST_K_MAX);
	return true;
}

static bool
update_hist(struct gen *g, struct gval cell, const struct node *call, bool atomic)
{
	int64_t k = hist_k(call);
	struct gval v;

	if (!gen_expr_reg(g, call->kid[0], &v))
		return false;
	return count_bucket(g, cell, hist_index(g, gen_cast(g, v, type_int(gen_compile(g)->types, 8, false)), (uint64_t)k),
			    hist_slots(k), atomic);
}

static const struct aggr_gen aggr_hist = { .run = "hist", .cell = cell_hist, .update = update_hist };
const struct builtin builtin_hist = {
	.name = "hist", .sig = "void (int, [num])", .flags = BI_AGGR | BI_CALL, .check = check_hist, .aggr = &aggr_hist,
	.doc = "histogram in powers of two: @ = hist(n); hist(n, bits) splits each power into 2^bits buckets",
};

/* ---- lhist ---- */

struct range { int64_t min, max, step; };

static bool
lhist_range(const struct node *call, struct range *r)
{
	const struct node *min = call->kid[0]->next, *max = min->next, *step = max->next;

	return arg_int(min, &r->min) && arg_int(max, &r->max) && arg_int(step, &r->step);
}

static bool
is_good_range(const struct range *r)
{
	return lhist_fits(r->min, r->max, r->step);
}

static const struct type *
cell_lhist(struct compile *c, const struct node *call)
{
	struct range r;

	if (!lhist_range(call, &r) || !is_good_range(&r))
		r = (struct range){ 0, 1, 1 }; /* check_lhist says what is wrong */
	return type_aggr(c->types, run_find_aggr("lhist"), NULL, (int64_t[4]){ r.min, r.max, r.step });
}

static bool
check_lhist(struct compile *c, struct node *call)
{
	const struct node *min = call->kid[0]->next, *max = min->next, *step = max->next;
	struct range r;

	if (!lhist_range(call, &r) || is_good_range(&r))
		return true;
	if (r.min < 0)
		return diag_error(c->diags, min->at, E_ARG_VALUE, "lhist() min must be non-negative (provided min %lld)", (long long)r.min);
	if (r.min >= r.max)
		return diag_error(c->diags, span_join(min->at, max->at), E_ARG_VALUE,
				  "lhist() min must be less than max (provided min %lld and max %lld)", (long long)r.min, (long long)r.max);
	if (r.step < 1)
		return diag_error(c->diags, step->at, E_ARG_VALUE, "lhist() step must be >= 1 (%lld provided)", (long long)r.step);
	if (r.step > r.max - r.min)
		return diag_error(c->diags, step->at, E_ARG_VALUE, "lhist() step is too large for the given range (provided step %lld for range %lld)",
				  (long long)r.step, (long long)(r.max - r.min));
	return diag_error(c->diags, call->at, E_ARG_VALUE, "lhist() too many buckets, must be <= %d (would need %lld)", LHIST_BUCKETS_MAX,
			  (long long)((r.max - r.min) / r.step));
}

static bool
update_lhist(struct gen *g, struct gval cell, const struct node *call, bool atomic)
{
	const int64_t *p = cell.type->param;
	uint32_t n = lhist_slots(p[0], p[1], p[2]);
	struct gval v, i;

	if (!gen_expr_reg(g, call->kid[0], &v))
		return false;
	bool is_signed = call->kid[0]->type->is_signed;
	struct gval min = gen_u64(g, (uint64_t)p[0]), max = gen_u64(g, (uint64_t)p[1]);
	i = gen_bin(g, TK_PLUS, gen_udiv(g, gen_bin(g, TK_MINUS, v, min), gen_u64(g, (uint64_t)p[2])), gen_u64(g, 1));
	i = gen_select(g, gen_cmp(g, TK_GT, is_signed, v, max), gen_u64(g, lhist_buckets(p[0], p[1], p[2]) - 1), i);
	i = gen_select(g, gen_cmp(g, TK_LT, is_signed, v, min), gen_u64(g, 0), i);
	return count_bucket(g, cell, gen_bin(g, TK_AMP, i, gen_u64(g, n - 1)), n, atomic);
}

static const struct aggr_gen aggr_lhist = { .run = "lhist", .cell = cell_lhist, .update = update_lhist };
const struct builtin builtin_lhist = {
	.name = "lhist", .sig = "void (int, num, num, num)", .flags = BI_AGGR | BI_CALL, .check = check_lhist, .aggr = &aggr_lhist,
	.doc = "histogram in equal steps: @ = lhist(n, min, max, step)",
};
