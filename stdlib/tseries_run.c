/* tseries_run.c - run half of tseries(): cells of all CPUs as one, and the graph of an element (LANGUAGE 5.5). */
#include <time.h>
#include "runtime/rt.h"
#include "stdlib/series.h"

#define GRAPH 53                         /* columns, both frames among them */
#define SECOND INT64_C(1000000000)

static uint64_t
slots_of(const struct type *t)
{
	return (uint64_t)t->param[1];
}

static struct series_slot
read_slot(const void *cell, uint64_t i)
{
	struct series_slot s;

	memcpy(&s, (const char *)cell + SERIES_HEAD + i * sizeof(s), sizeof(s));
	return s;
}

static uint32_t
size_tseries(const int64_t param[4])
{
	if (param[0] < 1 || param[1] < 1 || param[1] > SERIES_MAX_SLOTS || param[2] < 0 || param[2] >= N_SERIES_OPS)
		return 0;
	return SERIES_HEAD + (uint32_t)param[1] * (uint32_t)sizeof(struct series_slot);
}

/* ---- merging ---- */
static struct series_slot
merge_slots(const struct type *t, struct series_slot a, struct series_slot b)
{
	bool is_less = t->is_signed ? (int64_t)b.value < (int64_t)a.value : b.value < a.value;

	if (!b.more || (a.more && a.epoch > b.epoch))
		return a;
	if (!a.more || b.epoch > a.epoch)
		return b;
	switch (t->param[2]) {
	case SERIES_LAST:
		return b.more > a.more ? b : a;
	case SERIES_MIN:
	case SERIES_MAX:
		a.value = (t->param[2] == SERIES_MIN) == is_less ? b.value : a.value;
		break;
	default:
		a.value += b.value;
	}
	a.more += b.more;
	return a;
}

static void
merge_tseries(const struct type *t, void *into, const void *from)
{
	for (uint64_t i = 0; i < slots_of(t); i++) {
		struct series_slot s = merge_slots(t, read_slot(into, i), read_slot(from, i));

		memcpy((char *)into + SERIES_HEAD + i * sizeof(s), &s, sizeof(s));
	}
}

/* The newest interval that has a number; false: none has. */
static bool
newest_of(const struct type *t, const void *cell, uint64_t *epoch)
{
	bool is_there = false;

	for (uint64_t i = 0; i < slots_of(t); i++) {
		struct series_slot s = read_slot(cell, i);

		if (s.more && (!is_there || s.epoch > *epoch))
			*epoch = s.epoch;
		is_there |= s.more != 0;
	}
	return is_there;
}

/* All elements of a map end at the same time. */
static void
align_tseries(const struct type *t, void *const *cells, size_t n)
{
	uint64_t newest = 0, epoch;

	for (size_t i = 0; i < n; i++)
		if (newest_of(t, cells[i], &epoch) && epoch > newest)
			newest = epoch;
	for (size_t i = 0; i < n; i++)
		memcpy(cells[i], &newest, sizeof(newest));
}

/* ---- walking through the intervals that show ---- */
struct walk { uint64_t first, last; bool is_empty; };

static int64_t
value_of(const struct type *t, struct series_slot s)
{
	if (t->param[2] != SERIES_AVG || s.more == 0)
		return (int64_t)s.value;
	if (t->is_signed)
		return (int64_t)s.value / (int64_t)(s.more > INT64_MAX ? INT64_MAX : s.more);
	return (int64_t)(s.value / s.more);
}

/* The number of an interval; false: it has none. */
static bool
interval_value(const struct type *t, const void *cell, uint64_t epoch, int64_t *v)
{
	struct series_slot s = read_slot(cell, epoch % slots_of(t));

	if (!s.more || s.epoch != epoch)
		return false;
	*v = value_of(t, s);
	return true;
}

/* The last num intervals up to the newest of the map; those before the element's first number are left out. */
static struct walk
walk_of(const struct type *t, const void *cell)
{
	uint64_t own = 0, n = slots_of(t);
	struct walk w = { 0 };
	int64_t v;

	memcpy(&w.last, cell, sizeof(w.last));
	w.is_empty = !newest_of(t, cell, &own);
	if (own > w.last)
		w.last = own;            /* one that stands alone */
	w.first = w.last >= n - 1 ? w.last - (n - 1) : 0;
	while (!w.is_empty && w.first < w.last && !interval_value(t, cell, w.first, &v))
		w.first++;
	w.is_empty |= !interval_value(t, cell, w.first, &v);
	return w;
}

/* ---- times ---- */

/* Whole seconds that the kernel's atomic clock is ahead of the wall clock: its epochs are counted by the one, people read the other. */
static int64_t
tai_seconds(void)
{
	struct timespec tai, wall;
	int64_t ns;

	clock_gettime(CLOCK_TAI, &tai);
	clock_gettime(CLOCK_REALTIME, &wall);
	ns = (tai.tv_sec - wall.tv_sec) * SECOND + tai.tv_nsec - wall.tv_nsec;
	return (ns + SECOND / 2) / SECOND;
}

static void
start_of(const struct type *t, uint64_t epoch, int64_t ahead, time_t *s, long *ns)
{
	uint64_t at = epoch * (uint64_t)t->param[0];

	*s = (time_t)(at / SECOND) - ahead;
	*ns = (long)(at % SECOND);
}

/* Digits behind the seconds that starts of intervals need: 0, 3, 6 or 9. */
static int
digits_of(const struct type *t)
{
	int64_t interval = t->param[0];

	return interval % SECOND == 0 ? 0 : interval % 1000000 == 0 ? 3 : interval % 1000 == 0 ? 6 : 9;
}

static void
print_clock(const struct type *t, uint64_t epoch, int64_t ahead, struct buf *out)
{
	int digits = digits_of(t);
	struct tm tm = { 0 };
	char text[16];
	time_t s;
	long ns;

	start_of(t, epoch, ahead, &s, &ns);
	localtime_r(&s, &tm);
	strftime(text, sizeof(text), "%H:%M:%S", &tm);
	buf_str(out, text);
	if (digits)
		buf_fmt(out, ".%0*ld", digits, digits == 3 ? ns / 1000000 : digits == 6 ? ns / 1000 : ns);
}

/* ---- the graph ---- */
struct scale { int64_t min, max; bool is_signed; };

static bool
is_less(const struct scale *s, int64_t a, int64_t b)
{
	return s->is_signed ? a < b : (uint64_t)a < (uint64_t)b;
}

static struct scale
scale_of(const struct type *t, const void *cell, struct walk w)
{
	struct scale s = { .is_signed = t->is_signed };
	int64_t v;

	interval_value(t, cell, w.first, &s.min);
	s.max = s.min;
	for (uint64_t i = 0; i <= w.last - w.first; i++) {
		if (!interval_value(t, cell, w.first + i, &v))
			continue;
		if (is_less(&s, v, s.min))
			s.min = v;
		if (is_less(&s, s.max, v))
			s.max = v;
	}
	if (s.min == s.max) {            /* a line in the middle, where there is room on both sides */
		s.min -= s.min != (s.is_signed ? INT64_MIN : 0);
		s.max += s.max != (s.is_signed ? INT64_MAX : -1);
	}
	return s;
}

static size_t
column_of(const struct scale *s, int64_t v)
{
	/* differences are right in either reading, and never negative */
	double share = (double)((uint64_t)v - (uint64_t)s->min) / (double)((uint64_t)s->max - (uint64_t)s->min);

	return (size_t)(share * (GRAPH - 1));
}

static void
print_number(const struct scale *s, int64_t v, struct buf *out)
{
	if (s->is_signed)
		print_i64(out, v);
	else
		print_u64(out, (uint64_t)v);
}

static void
print_bounds(const struct scale *s, size_t margin, struct buf *out)
{
	struct buf max = { 0 };
	size_t at;

	print_number(s, s->max, &max);
	buf_fill(out, ' ', margin);
	at = out->len;
	print_number(s, s->min, out);
	at = out->len - at;
	buf_fill(out, ' ', at + max.len < GRAPH ? GRAPH - at - max.len : 1);
	buf_add(out, max.data, max.len);
	buf_char(out, '\n');
	buf_free(&max);
}

static void
print_edge(char end, struct buf *out)
{
	buf_char(out, end);
	buf_fill(out, '_', GRAPH - 2);
	buf_char(out, end);
	buf_char(out, '\n');
}

static void
print_interval(const struct scale *s, bool has_value, int64_t v, struct buf *out)
{
	char line[GRAPH];

	memset(line, ' ', sizeof(line));
	line[0] = line[GRAPH - 1] = '|';
	if (s->is_signed && s->min < 0 && s->max > 0)
		line[column_of(s, 0)] = '.';
	if (has_value)
		line[column_of(s, v)] = '*';
	buf_add(out, line, sizeof(line));
	buf_char(out, ' ');
	if (has_value)
		print_number(s, v, out);
	else
		buf_char(out, '-');
	buf_char(out, '\n');
}

static void
print_tseries(struct render *r, const struct type *t, const void *cell, int64_t div, struct buf *out)
{
	static const char *const units[] = { "", ".ms", ".us", ".ns" };
	int digits = digits_of(t);
	size_t margin = strlen("hh:mm:ss ") + (digits ? (size_t)digits + 1 : 0);
	struct walk w = walk_of(t, cell);
	int64_t ahead = tai_seconds(), v = 0;
	struct scale s;

	(void)r;
	(void)div;                       /* without effect here (LANGUAGE 5.3) */
	if (w.is_empty) {
		buf_str(out, "<no data>\n");
		return;
	}
	s = scale_of(t, cell, w);
	print_bounds(&s, margin, out);
	buf_fmt(out, "hh:mm:ss%s", units[digits / 3]);
	buf_fill(out, ' ', margin - strlen("hh:mm:ss") - strlen(units[digits / 3]));
	print_edge('|', out);
	for (uint64_t i = 0; i <= w.last - w.first; i++) {
		bool has_value = interval_value(t, cell, w.first + i, &v);

		print_clock(t, w.first + i, ahead, out);
		buf_char(out, ' ');
		print_interval(&s, has_value, v, out);
	}
	buf_fill(out, ' ', margin);
	print_edge('v', out);
	print_bounds(&s, margin, out);
}

/* ---- typed values ---- */
static const char *
start_text(const struct type *t, uint64_t epoch, int64_t ahead, struct arena *a)
{
	struct tm tm = { 0 };
	char text[64];
	time_t s;
	long ns;

	start_of(t, epoch, ahead, &s, &ns);
	gmtime_r(&s, &tm);
	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm);
	return arena_printf(a, "%s.%09ld", text, ns);
}

static void
value_interval(const struct type *t, const char *start, int64_t v, struct arena *a, struct sonde_value *out)
{
	struct sonde_value *item = arena_alloc(a, 2 * sizeof(*item));
	struct scale s = { .is_signed = t->is_signed };
	struct buf text = { .arena = a };

	out->kind = SONDE_RECORD;
	out->text = start ? start : "";
	out->len = strlen(out->text);
	if (!item)
		return;
	print_number(&s, v, &text);
	item[0] = (struct sonde_value){ .kind = SONDE_STR, .name = "interval_start", .text = out->text, .len = out->len };
	item[1] = (struct sonde_value){ .kind = t->is_signed ? SONDE_INT : SONDE_UINT, .name = "value", .num.i = v, .text = buf_cstr(&text),
					.len = text.len };
	out->item = item;
	out->n_items = 2;
}

static void
value_tseries(struct render *r, const struct type *t, const void *cell, int64_t div, struct arena *a, struct sonde_value *out)
{
	struct walk w = walk_of(t, cell);
	struct buf text = { .arena = a };
	struct sonde_value *item;
	int64_t ahead = tai_seconds(), v;
	size_t n = 0;

	print_tseries(r, t, cell, div, &text);
	out->kind = SONDE_TSERIES;
	out->text = buf_cstr(&text);
	out->len = text.len;
	if (w.is_empty)
		return;
	out->item = item = arena_alloc(a, (w.last - w.first + 1) * sizeof(*item));
	for (uint64_t i = 0; item && i <= w.last - w.first; i++)
		if (interval_value(t, cell, w.first + i, &v))
			value_interval(t, start_text(t, w.first + i, ahead, a), v, a, &item[n++]);
	out->n_items = n;
}

const struct aggr run_aggr_tseries = {
	.name = "tseries", .type_name = "tseries_t", .size = size_tseries, .merge = merge_tseries, .print = print_tseries,
	.value = value_tseries, .align = align_tseries, .is_block = true,
};
