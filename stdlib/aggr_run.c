/* aggr_run.c - run half of count, sum, min, max, avg and stats: cells of all CPUs as one, their order and their text. */
#include "runtime/rt.h"

struct pair { uint64_t value, more; };   /* min, max: value, is set; avg, stats: total, count */

static uint64_t
read_u64(const void *cell)
{
	uint64_t v;

	memcpy(&v, cell, sizeof(v));
	return v;
}

static struct pair
read_pair(const void *cell)
{
	struct pair p;

	memcpy(&p, cell, sizeof(p));
	return p;
}

static uint32_t
size_8(const int64_t param[4])
{
	(void)param;
	return 8;
}

static uint32_t
size_16(const int64_t param[4])
{
	(void)param;
	return 16;
}

/* A number of the aggregation's sign, divided as print(@m, top, div) asks. */
static void
print_number(const struct type *t, uint64_t v, int64_t div, struct buf *out)
{
	if (t->is_signed)
		buf_fmt(out, "%lld", (long long)(div > 1 ? (int64_t)v / div : (int64_t)v));
	else
		buf_fmt(out, "%llu", (unsigned long long)(div > 1 ? v / (uint64_t)div : v));
}

/* A number and its text, for embedders. */
static void
value_number(struct arena *a, bool is_signed, uint64_t v, int64_t div, struct sonde_value *out)
{
	if (div > 1)
		v = is_signed ? (uint64_t)((int64_t)v / div) : v / (uint64_t)div;
	out->kind = is_signed ? SONDE_INT : SONDE_UINT;
	out->num.u = v;
	out->text = is_signed ? arena_printf(a, "%lld", (long long)v) : arena_printf(a, "%llu", (unsigned long long)v);
	out->len = out->text ? strlen(out->text) : 0;
	out->item = NULL;
	out->n_items = 0;
}

/* ---- count, sum ---- */

static void
merge_sum(const struct type *t, void *into, const void *from)
{
	uint64_t v = read_u64(into) + read_u64(from);

	(void)t;
	memcpy(into, &v, sizeof(v));
}

static uint64_t
weight_sum(const struct type *t, const void *cell, bool *is_signed)
{
	*is_signed = t->is_signed;
	return read_u64(cell);
}

static void
print_sum(struct render *r, const struct type *t, const void *cell, int64_t div, struct buf *out)
{
	(void)r;
	print_number(t, read_u64(cell), div, out);
}

static void
value_sum(struct render *r, const struct type *t, const void *cell, int64_t div, struct arena *a, struct sonde_value *out)
{
	(void)r;
	value_number(a, t->is_signed, read_u64(cell), div, out);
}

const struct aggr run_aggr_count = {
	.name = "count", .type_name = "count_t", .is_number = true, .size = size_8, .merge = merge_sum, .weight = weight_sum, .print = print_sum, .value = value_sum,
};
const struct aggr run_aggr_sum = {
	.name = "sum", .type_name = "sum_t", .is_number = true, .has_sign = true, .size = size_8, .merge = merge_sum, .weight = weight_sum, .print = print_sum,
	.value = value_sum,
};

/* ---- min, max ---- */

static void
merge_best(const struct type *t, void *into, const void *from, bool want_less)
{
	struct pair a = read_pair(into), b = read_pair(from);
	bool is_less = t->is_signed ? (int64_t)b.value < (int64_t)a.value : b.value < a.value;

	if (b.more && (!a.more || (a.value != b.value && is_less == want_less)))
		memcpy(into, &b, sizeof(b));
}

static void
merge_min(const struct type *t, void *into, const void *from)
{
	merge_best(t, into, from, true);
}

static void
merge_max(const struct type *t, void *into, const void *from)
{
	merge_best(t, into, from, false);
}

/* Unsigned whatever the numbers are (LANGUAGE 5.3). */
static uint64_t
weight_best(const struct type *t, const void *cell, bool *is_signed)
{
	(void)t;
	*is_signed = false;
	return read_u64(cell);
}

const struct aggr run_aggr_min = {
	.name = "min", .type_name = "min_t", .is_number = true, .has_sign = true, .size = size_16, .merge = merge_min, .weight = weight_best, .print = print_sum,
	.value = value_sum,
};
const struct aggr run_aggr_max = {
	.name = "max", .type_name = "max_t", .is_number = true, .has_sign = true, .size = size_16, .merge = merge_max, .weight = weight_best, .print = print_sum,
	.value = value_sum,
};

/* ---- avg, stats ---- */

static void
merge_avg(const struct type *t, void *into, const void *from)
{
	struct pair a = read_pair(into), b = read_pair(from);

	(void)t;
	a.value += b.value;
	a.more += b.more;
	memcpy(into, &a, sizeof(a));
}

static uint64_t
average(struct pair p, bool is_signed)
{
	if (p.more == 0)
		return 0;
	/* no count is near 2^63, so it is a positive number in both readings */
	return is_signed ? (uint64_t)((int64_t)p.value / (int64_t)(p.more > INT64_MAX ? INT64_MAX : p.more)) : p.value / p.more;
}

static uint64_t
weight_avg(const struct type *t, const void *cell, bool *is_signed)
{
	*is_signed = t->is_signed;
	return average(read_pair(cell), t->is_signed);
}

static void
print_avg(struct render *r, const struct type *t, const void *cell, int64_t div, struct buf *out)
{
	(void)r;
	print_number(t, average(read_pair(cell), t->is_signed), div, out);
}

static void
value_avg(struct render *r, const struct type *t, const void *cell, int64_t div, struct arena *a, struct sonde_value *out)
{
	(void)r;
	value_number(a, t->is_signed, average(read_pair(cell), t->is_signed), div, out);
}

const struct aggr run_aggr_avg = {
	.name = "avg", .type_name = "avg_t", .is_number = true, .has_sign = true, .size = size_16, .merge = merge_avg, .weight = weight_avg, .print = print_avg,
	.value = value_avg,
};

static void
print_stats(struct render *r, const struct type *t, const void *cell, int64_t div, struct buf *out)
{
	struct pair p = read_pair(cell);

	(void)r;
	buf_fmt(out, "{ .count = %llu, .average = ", (unsigned long long)p.more);
	print_number(t, average(p, t->is_signed), div, out);
	buf_str(out, ", .total = ");
	print_number(t, p.value, 1, out);
	buf_str(out, " }");
}

static void
value_stats(struct render *r, const struct type *t, const void *cell, int64_t div, struct arena *a, struct sonde_value *out)
{
	static const char *const names[] = { "count", "average", "total" };
	struct sonde_value *item = arena_alloc(a, LENGTH(names) * sizeof(*item));
	struct pair p = read_pair(cell);
	struct buf text = { .arena = a };
	uint64_t number[] = { p.more, average(p, t->is_signed), p.value };

	print_stats(r, t, cell, div, &text);
	out->kind = SONDE_STATS;
	out->text = buf_cstr(&text);
	out->len = text.len;
	out->item = item;
	out->n_items = item ? LENGTH(names) : 0;
	for (size_t i = 0; i < out->n_items; i++) {
		value_number(a, i > 0 && t->is_signed, number[i], i == 1 ? div : 0, &item[i]);
		item[i].name = names[i];
	}
}

const struct aggr run_aggr_stats = {
	.name = "stats", .type_name = "stats_t", .has_sign = true, .size = size_16, .merge = merge_avg, .weight = weight_avg, .print = print_stats,
	.value = value_stats,
};
