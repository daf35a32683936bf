/* test_tseries.c - tseries(): handmade cells merged over CPUs, aligned, drawn, and as typed values (LANGUAGE 4.7, 5.5, 5.7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>
#include "runtime/rt.h"
#include "stdlib/series.h"

#define MS INT64_C(1000000)
#define SLOTS 5

struct cell { uint64_t newest; struct series_slot slot[SLOTS]; };
struct fixture { struct arena *keep; struct types *types; struct render render; struct sonde_image img; };

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	setenv("TZ", "UTC", 1);
	tzset();
	f->keep = arena_new();
	f->types = types_new(f->keep);
	f->render.img = &f->img;
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	arena_free(f->keep);
	free(f);
	return 0;
}

static const struct type *
series_type(struct fixture *f, bool is_signed, int64_t interval, enum series_op op)
{
	return type_aggr(f->types, run_find_aggr("tseries"), type_int(f->types, 8, is_signed), (int64_t[4]){ interval, SLOTS, op });
}

/* The number of the interval that begins ns after 1970 by the wall clock: epochs are counted by the kernel's atomic clock. */
static uint64_t
epoch_at(int64_t ns, int64_t interval)
{
	struct timespec tai, wall;

	clock_gettime(CLOCK_TAI, &tai);
	clock_gettime(CLOCK_REALTIME, &wall);
	ns += (tai.tv_sec - wall.tv_sec + (tai.tv_nsec - wall.tv_nsec > 500000000) - (tai.tv_nsec - wall.tv_nsec < -500000000)) * 1000 * MS;
	return (uint64_t)(ns / interval);
}

static void
put(struct cell *c, uint64_t epoch, int64_t value, uint64_t more)
{
	c->slot[epoch % SLOTS] = (struct series_slot){ (uint64_t)value, more, epoch };
}

static void
expect(struct fixture *f, const struct type *t, const struct cell *c, const char *want)
{
	struct buf out = { 0 };

	print_value(&f->render, t, c, 0, &out);
	assert_string_equal(buf_cstr(&out), want);
	buf_free(&out);
}

static void
test_no_data(void **state)
{
	struct fixture *f = *state;
	const struct type *t = series_type(f, true, 1000 * MS, SERIES_LAST);
	struct cell c = { 0 };
	struct sonde_value v = { 0 };

	assert_int_equal(t->size, sizeof(c));
	expect(f, t, &c, "<no data>\n");
	t->aggr->value(&f->render, t, &c, 0, f->keep, &v);
	assert_int_equal(v.kind, SONDE_TSERIES);
	assert_int_equal(v.n_items, 0);
}

static void
test_graph(void **state)
{
	struct fixture *f = *state;
	const struct type *t = series_type(f, true, 100 * MS, SERIES_LAST);
	uint64_t e = epoch_at((int64_t)3600 * 1000 * MS, 100 * MS);
	struct cell c = { 0 };

	put(&c, e, 10, 1);
	put(&c, e + 1, 20, 1);
	put(&c, e + 3, 36, 1);
	expect(f, t, &c,
	       "             10                                                 36\n"
	       "hh:mm:ss.ms  |___________________________________________________|\n"
	       "01:00:00.000 *                                                   | 10\n"
	       "01:00:00.100 |                   *                               | 20\n"
	       "01:00:00.200 |                                                   | -\n"
	       "01:00:00.300 |                                                   * 36\n"
	       "             v___________________________________________________v\n"
	       "             10                                                 36\n");
}

/* The zero has a mark where numbers lie on both sides of it. */
static void
test_graph_zero(void **state)
{
	struct fixture *f = *state;
	const struct type *t = series_type(f, true, 1000 * MS, SERIES_LAST);
	uint64_t e = epoch_at(0, 1000 * MS) + 2;
	struct cell c = { 0 };

	put(&c, e, -13, 1);
	put(&c, e + 1, 0, 1);
	put(&c, e + 2, 13, 1);
	expect(f, t, &c,
	       "         -13                                                13\n"
	       "hh:mm:ss |___________________________________________________|\n"
	       "00:00:02 *                         .                         | -13\n"
	       "00:00:03 |                         *                         | 0\n"
	       "00:00:04 |                         .                         * 13\n"
	       "         v___________________________________________________v\n"
	       "         -13                                                13\n");
}

/* A single value lies in the middle; microseconds and nanoseconds show where intervals need them. */
static void
test_graph_of_one(void **state)
{
	struct fixture *f = *state;
	struct cell c = { 0 };
	uint64_t e = epoch_at(0, 1000) + 1;

	put(&c, e, 7, 1);
	expect(f, series_type(f, false, 1000, SERIES_LAST), &c,
	       "                6                                                   8\n"
	       "hh:mm:ss.us     |___________________________________________________|\n"
	       "00:00:00.000001 |                         *                         | 7\n"
	       "                v___________________________________________________v\n"
	       "                6                                                   8\n");
	memset(&c, 0, sizeof(c));
	e = epoch_at(0, 1) + 1;
	put(&c, e, 0, 1);
	expect(f, series_type(f, false, 1, SERIES_LAST), &c,
	       "                   0                                                   1\n"
	       "hh:mm:ss.ns        |___________________________________________________|\n"
	       "00:00:00.000000001 *                                                   | 0\n"
	       "                   v___________________________________________________v\n"
	       "                   0                                                   1\n");
	memset(&c, 0, sizeof(c));
	e = epoch_at(0, 1000 * MS) + 1;
	put(&c, e, -1, 1);               /* 2^64 - 1 */
	expect(f, series_type(f, false, 1000 * MS, SERIES_LAST), &c,
	       "         18446744073709551614             18446744073709551615\n"
	       "hh:mm:ss |___________________________________________________|\n"
	       "00:00:01 |                                                   * 18446744073709551615\n"
	       "         v___________________________________________________v\n"
	       "         18446744073709551614             18446744073709551615\n");
}

/* The last num intervals up to the newest one of all elements; before an element's first number nothing shows, behind its last
 * one gaps do. */
static void
test_align(void **state)
{
	struct fixture *f = *state;
	const struct type *t = series_type(f, false, 1000 * MS, SERIES_SUM);
	uint64_t e = epoch_at(0, 1000 * MS) + 10;
	struct cell a = { 0 }, b = { 0 }, none = { 0 };
	void *cells[] = { &a, &b, &none };

	put(&a, e, 1, 1);                /* too old beside e + 5 */
	put(&a, e + 2, 2, 1);
	put(&b, e + 5, 9, 1);
	t->aggr->align(t, cells, LENGTH(cells));
	expect(f, t, &a,
	       "         1                                                   3\n"
	       "hh:mm:ss |___________________________________________________|\n"
	       "00:00:12 |                         *                         | 2\n"
	       "00:00:13 |                                                   | -\n"
	       "00:00:14 |                                                   | -\n"
	       "00:00:15 |                                                   | -\n"
	       "         v___________________________________________________v\n"
	       "         1                                                   3\n");
	expect(f, t, &none, "<no data>\n");
	memset(&a, 0, sizeof(a));
	put(&a, e, 1, 1);
	t->aggr->align(t, cells, LENGTH(cells));
	expect(f, t, &a, "<no data>\n");
}

static void
merge(const struct type *t, struct cell *into, const struct cell *a, const struct cell *b)
{
	memset(into, 0, sizeof(*into));
	t->aggr->merge(t, into, a);
	t->aggr->merge(t, into, b);
}

static void
test_merge(void **state)
{
	static const struct { enum series_op op; bool is_signed; int64_t a, b; uint64_t n_a, n_b; int64_t value; uint64_t more; } rows[] = {
		{ SERIES_LAST, true, 5, 9, 100, 200, 9, 200 },
		{ SERIES_LAST, true, 5, 9, 200, 100, 5, 200 },
		{ SERIES_SUM, true, 5, -9, 1, 2, -4, 3 },
		{ SERIES_AVG, true, 5, -9, 1, 2, -4, 3 },
		{ SERIES_MIN, true, 5, -9, 1, 1, -9, 2 },
		{ SERIES_MIN, false, 5, -9, 1, 1, 5, 2 },
		{ SERIES_MAX, true, 5, -9, 1, 1, 5, 2 },
		{ SERIES_MAX, false, 5, -9, 1, 1, -9, 2 },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < LENGTH(rows); i++) {
		const struct type *t = series_type(f, rows[i].is_signed, 1000, rows[i].op);
		struct cell a = { 0 }, b = { 0 }, c;

		put(&a, 11, rows[i].a, rows[i].n_a);
		put(&b, 11, rows[i].b, rows[i].n_b);
		merge(t, &c, &a, &b);
		assert_int_equal(c.slot[1].value, (uint64_t)rows[i].value);
		assert_int_equal(c.slot[1].more, rows[i].more);
		put(&b, 16, 1000, 1);    /* a newer interval in the same slot wins, whichever comes first */
		merge(t, &c, &a, &b);
		assert_int_equal(c.slot[1].epoch, 16);
		assert_int_equal(c.slot[1].value, 1000);
		merge(t, &c, &b, &a);
		assert_int_equal(c.slot[1].epoch, 16);
		assert_int_equal(c.slot[1].value, 1000);
	}
}

static void
test_values(void **state)
{
	struct fixture *f = *state;
	const struct type *t = series_type(f, true, 500 * MS, SERIES_AVG);
	uint64_t e = epoch_at(0, 500 * MS);
	struct cell c = { 0 };
	struct sonde_value v = { 0 };

	put(&c, e + 1, 27, 3);
	put(&c, e + 3, -7, 2);
	t->aggr->value(&f->render, t, &c, 0, f->keep, &v);
	assert_int_equal(v.n_items, 2);
	assert_int_equal(v.item[0].kind, SONDE_RECORD);
	assert_string_equal(v.item[0].item[0].name, "interval_start");
	assert_string_equal(v.item[0].item[0].text, "1970-01-01 00:00:00.500000000");
	assert_string_equal(v.item[0].item[1].name, "value");
	assert_int_equal(v.item[0].item[1].num.i, 9);
	assert_string_equal(v.item[1].item[0].text, "1970-01-01 00:00:01.500000000");
	assert_int_equal(v.item[1].item[1].kind, SONDE_INT);
	assert_int_equal(v.item[1].item[1].num.i, -3);
	assert_string_equal(v.item[1].item[1].text, "-3");
}

/* An image from somewhere may ask for anything. */
static void
test_refused(void **state)
{
	const struct aggr *a = run_find_aggr("tseries");

	(void)state;
	assert_int_equal(a->size((int64_t[4]){ 0, 1, 0 }), 0);
	assert_int_equal(a->size((int64_t[4]){ 1, 0, 0 }), 0);
	assert_int_equal(a->size((int64_t[4]){ 1, 1000000, 0 }), 0);
	assert_int_equal(a->size((int64_t[4]){ 1, 1, N_SERIES_OPS }), 0);
	assert_int_equal(a->size((int64_t[4]){ 1, 1, -1 }), 0);
	assert_int_equal(a->size((int64_t[4]){ 1, 999999, 0 }), 8 + 999999 * 24);
}

static void
test_extremes(void **state)
{
	struct fixture *f = *state;
	const struct type *t = series_type(f, true, INT64_MAX, SERIES_AVG);
	struct cell c;
	struct buf out = { 0 };

	memset(&c, 0xff, sizeof(c));
	print_value(&f->render, t, &c, 0, &out);
	assert_true(out.len > 0);
	buf_free(&out);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_no_data), T(test_graph), T(test_graph_zero), T(test_graph_of_one), T(test_align), T(test_merge), T(test_values),
		T(test_refused), T(test_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
