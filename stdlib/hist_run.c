/* hist_run.c - run half of the histograms: merging, labels, rows (LANGUAGE 4.7, 5.4). */
#include "runtime/rt.h"
#include "stdlib/buckets.h"

static uint64_t
slot(const void *cell, size_t i)
{
	uint64_t v;

	memcpy(&v, (const char *)cell + i * 8, sizeof(v));
	return v;
}

static void
merge_hist(const struct type *t, void *into, const void *from)
{
	for (size_t i = 0; i < t->size / 8; i++) {
		uint64_t v = slot(into, i) + slot(from, i);

		memcpy((char *)into + i * 8, &v, sizeof(v));
	}
}

static uint64_t
weight_hist(const struct type *t, const void *cell, bool *is_signed)
{
	uint64_t total = 0;

	*is_signed = false;
	for (size_t i = 0; i < t->size / 8; i++)
		total += slot(cell, i);
	return total;
}

/* The smallest number of bucket i > 0 is mantissa << power. */
static void
hist_bound(int64_t k, size_t i, uint64_t *mantissa, unsigned *power)
{
	uint64_t j = i - 1, one = (uint64_t)1 << k;

	*power = j < 2 * one ? 0 : (unsigned)(j >> k) - 1;
	*mantissa = j < 2 * one ? j : one + (j & (one - 1));
}

static void
print_bound(int64_t k, size_t i, struct buf *out)
{
	uint64_t mantissa;
	unsigned power;

	hist_bound(k, i, &mantissa, &power);
	buf_fmt(out, "%llu", (unsigned long long)(mantissa << power % 10));
	if (power >= 10)
		buf_char(out, " KMGTPE"[power / 10]);
}

static void
label_hist(void *ud, size_t i, struct buf *out)
{
	int64_t k = ((const struct type *)ud)->param[0];

	if (i == 0) {
		buf_str(out, "(..., 0)");
		return;
	}
	buf_char(out, '[');
	print_bound(k, i, out);
	if (i - 1 < (size_t)2 << k) {
		buf_char(out, ']');
		return;
	}
	buf_str(out, ", ");
	print_bound(k, i + 1, out);
	buf_char(out, ')');
}

/* Counts as numbers that lie at multiples of 8, which a cell inside other bytes may not. */
static void
print_buckets(const struct type *t, const void *cell, int64_t div, void (*label)(void *, size_t, struct buf *), struct buf *out)
{
	uint64_t *counts = mem_alloc(t->size);

	if (!counts) {
		out->failed = true;
		return;
	}
	memcpy(counts, cell, t->size);
	print_histogram(counts, t->size / 8, div, label, (void *)(uintptr_t)t, out);
	mem_free(counts);
}

static void
print_hist(struct render *r, const struct type *t, const void *cell, int64_t div, struct buf *out)
{
	(void)r;
	print_buckets(t, cell, div, label_hist, out);
}

/* ---- typed values ---- */

struct bounds { int64_t low, high; bool is_open; }; /* both in the bucket; is_open: from INT64_MIN or up to INT64_MAX */

static void
value_int(struct arena *a, int64_t v, bool is_signed, const char *name, struct sonde_value *out)
{
	out->kind = is_signed ? SONDE_INT : SONDE_UINT;
	out->num.i = v;
	out->text = is_signed ? arena_printf(a, "%lld", (long long)v) : arena_printf(a, "%llu", (unsigned long long)v);
	out->len = out->text ? strlen(out->text) : 0;
	out->name = name;
}

static void
value_bucket(struct arena *a, struct bounds b, uint64_t count, const char *label, struct sonde_value *out)
{
	struct sonde_value *item = arena_alloc(a, 3 * sizeof(*item));

	out->kind = SONDE_TUPLE;
	out->text = label;
	out->len = label ? strlen(label) : 0;
	out->item = item;
	out->n_items = item ? 3 : 0;
	if (!item)
		return;
	value_int(a, b.low, true, "low", &item[0]);
	value_int(a, b.high, true, "high", &item[1]);
	if (b.is_open)
		item[b.low == INT64_MIN ? 0 : 1].kind = SONDE_NONE;
	value_int(a, (int64_t)count, false, "count", &item[2]);
}

static void
value_buckets(const struct type *t, const void *cell, int64_t div, struct arena *a, struct sonde_value *out,
	      void (*label)(void *, size_t, struct buf *), struct bounds (*bounds)(const struct type *, size_t))
{
	size_t n = t->size / 8, first = 0, last;
	struct buf text = { .arena = a };
	struct sonde_value *item;

	while (first < n && slot(cell, first) == 0)
		first++;
	for (last = n; last > first && slot(cell, last - 1) == 0; last--)
		;
	print_buckets(t, cell, div, label, &text);
	out->kind = SONDE_HIST;
	out->text = buf_cstr(&text);
	out->len = text.len;
	out->n_items = 0;
	out->item = item = arena_alloc(a, (last - first + 1) * sizeof(*item));
	if (!item)
		return;
	out->n_items = last - first;
	for (size_t i = first; i < last; i++) {
		struct buf name = { .arena = a };

		label((void *)(uintptr_t)t, i, &name);
		value_bucket(a, bounds(t, i), slot(cell, i) / (div > 1 ? (uint64_t)div : 1), buf_cstr(&name), &item[i - first]);
	}
}

static struct bounds
bounds_hist(const struct type *t, size_t i)
{
	struct bounds b = { INT64_MIN, -1, true };
	uint64_t mantissa;
	unsigned power;

	if (i == 0)
		return b;
	b.is_open = false;
	hist_bound(t->param[0], i, &mantissa, &power);
	b.low = (int64_t)(mantissa << power);
	hist_bound(t->param[0], i + 1, &mantissa, &power);
	/* behind the last bucket lies 2^64, which no shift reaches */
	b.high = power < 64 && mantissa << power >> power == mantissa ? (int64_t)((mantissa << power) - 1) : INT64_MAX;
	return b;
}

static void
value_hist(struct render *r, const struct type *t, const void *cell, int64_t div, struct arena *a, struct sonde_value *out)
{
	(void)r;
	value_buckets(t, cell, div, a, out, label_hist, bounds_hist);
}

static uint32_t
size_hist(const int64_t param[4])
{
	return param[0] < 0 || param[0] > HIST_K_MAX ? 0 : hist_slots(param[0]) * 8;
}

const struct aggr run_aggr_hist = {
	.name = "hist", .type_name = "hist_t", .size = size_hist, .merge = merge_hist, .weight = weight_hist, .print = print_hist,
	.value = value_hist, .is_block = true,
};

/* ---- lhist: param is min, max, step ---- */

/* K and M only where all bounds can have them. */
static void
print_step_bound(int64_t v, int64_t step, struct buf *out)
{
	if (step % 1024 != 0 || v == 0 || v % 1024 != 0)
		buf_fmt(out, "%lld", (long long)v);
	else if (v % (1024 * 1024) == 0)
		buf_fmt(out, "%lldM", (long long)(v / (1024 * 1024)));
	else
		buf_fmt(out, "%lldK", (long long)(v / 1024));
}

static struct bounds
bounds_lhist(const struct type *t, size_t i)
{
	int64_t min = t->param[0], max = t->param[1], step = t->param[2], low;

	if (i == 0)
		return (struct bounds){ INT64_MIN, min - 1, true };
	if (i + 1 >= lhist_buckets(min, max, step))
		return (struct bounds){ max, INT64_MAX, true };
	low = min + (int64_t)(i - 1) * step;
	return (struct bounds){ low, low + step - 1, false };
}

static void
label_lhist(void *ud, size_t i, struct buf *out)
{
	const struct type *t = ud;
	struct bounds b = bounds_lhist(t, i);
	int64_t step = t->param[2];

	if (i == 0) {
		buf_str(out, "(..., ");
		print_step_bound(t->param[0], step, out);
		buf_char(out, ')');
		return;
	}
	buf_char(out, '[');
	print_step_bound(b.low, step, out);
	if (b.high == INT64_MAX) {
		buf_str(out, ", ...)");
	} else if (step == 1) {
		buf_char(out, ']');
	} else {
		buf_str(out, ", ");
		print_step_bound(b.high + 1, step, out);
		buf_char(out, ')');
	}
}

static void
print_lhist(struct render *r, const struct type *t, const void *cell, int64_t div, struct buf *out)
{
	(void)r;
	(void)div; /* without effect here (LANGUAGE 5.3) */
	print_buckets(t, cell, 0, label_lhist, out);
}

static void
value_lhist(struct render *r, const struct type *t, const void *cell, int64_t div, struct arena *a, struct sonde_value *out)
{
	(void)r;
	(void)div;
	value_buckets(t, cell, 0, a, out, label_lhist, bounds_lhist);
}

static uint32_t
size_lhist(const int64_t param[4])
{
	return lhist_fits(param[0], param[1], param[2]) ? lhist_slots(param[0], param[1], param[2]) * 8 : 0;
}

const struct aggr run_aggr_lhist = {
	.name = "lhist", .type_name = "lhist_t", .size = size_lhist, .merge = merge_hist, .weight = weight_hist, .print = print_lhist,
	.value = value_lhist, .is_block = true,
};
