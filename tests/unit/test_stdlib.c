/* test_stdlib.c - rows of stdlib/: prototypes, cells merged and printed, histogram labels, formats (LANGUAGE 4.7, 5.2 to 5.4, 6.1, 16). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <cmocka.h>
#include "image/format.h"
#include "runtime/rt.h"
#include "sema/plug.h"
#include "stdlib/buckets.h"

struct fixture { struct arena *keep; struct types *types; struct render render; struct sonde_image img; };

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

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
aggr_type(struct fixture *f, const char *name, bool is_signed, int64_t p0, int64_t p1, int64_t p2)
{
	const struct aggr *a = run_find_aggr(name);

	assert_non_null(a);
	return type_aggr(f->types, a, a->has_sign || strcmp(name, "count") == 0 ? type_int(f->types, 8, is_signed) : NULL,
			 (int64_t[4]){ p0, p1, p2 });
}

static void
expect_cell(struct fixture *f, const struct type *t, const void *cell, int64_t div, const char *want)
{
	struct buf out = { 0 };

	print_value(&f->render, t, cell, div, &out);
	assert_string_equal(buf_cstr(&out), want);
	buf_free(&out);
}

/* ---- rows ---- */

static void
test_rows(void **state)
{
	struct proto p;

	(void)state;
	for (const struct builtin *const *b = plugs.builtins; *b; b++) {
		assert_true(proto_read((*b)->sig, &p));
		assert_true((*b)->doc && *(*b)->doc);
		assert_true((*b)->flags & (BI_VAR | BI_CALL));
		assert_true(!(*b)->aggr == !((*b)->flags & BI_AGGR));
		assert_true((strcmp(p.ret, "?") == 0) == ((*b)->result != NULL || (*b)->fold != NULL));
		if ((*b)->flags & BI_ACTION)
			assert_non_null(run_find_builtin((*b)->name));
		else
			assert_true((*b)->gen || (*b)->aggr || (*b)->fold);
		if ((*b)->aggr)
			assert_non_null(run_find_aggr((*b)->aggr->run));
		for (const struct builtin *const *o = b + 1; *o; o++)
			assert_string_not_equal((*b)->name, (*o)->name);
	}
}

/* ---- numbers ---- */

static void
test_numbers(void **state)
{
	struct fixture *f = *state;
	int64_t a[2] = { 10, 0 }, b[2] = { -20, 0 };
	const struct type *sum = aggr_type(f, "sum", true, 0, 0, 0), *usum = aggr_type(f, "sum", false, 0, 0, 0);

	sum->aggr->merge(sum, a, b);
	expect_cell(f, sum, a, 0, "-10");
	expect_cell(f, sum, a, 3, "-3");
	expect_cell(f, usum, a, 0, "18446744073709551606");
	assert_string_equal(type_name(f->keep, sum), "sum_t");
	assert_string_equal(type_name(f->keep, usum), "usum_t");
	assert_string_equal(type_name(f->keep, aggr_type(f, "count", false, 0, 0, 0)), "count_t");
}

static void
test_best(void **state)
{
	struct fixture *f = *state;
	int64_t into[2] = { 0, 0 }, minus[2] = { -5, 1 }, seven[2] = { 7, 1 }, unset[2] = { -9, 0 };
	const struct type *min = aggr_type(f, "min", true, 0, 0, 0), *max = aggr_type(f, "max", true, 0, 0, 0);
	bool is_signed = true;

	min->aggr->merge(min, into, seven);
	expect_cell(f, min, into, 0, "7");
	min->aggr->merge(min, into, minus);
	min->aggr->merge(min, into, unset);
	expect_cell(f, min, into, 0, "-5");
	assert_true(min->aggr->weight(min, into, &is_signed) == (uint64_t)-5);
	assert_false(is_signed);
	max->aggr->merge(max, into, seven);
	expect_cell(f, max, into, 0, "7");
	max = aggr_type(f, "max", false, 0, 0, 0);
	max->aggr->merge(max, into, minus);
	expect_cell(f, max, into, 0, "18446744073709551611");
}

static void
test_averages(void **state)
{
	struct fixture *f = *state;
	int64_t into[2] = { 0, 0 }, a[2] = { -10, 2 }, b[2] = { 5, 1 }, c[2] = { -40, 2 };
	const struct type *avg = aggr_type(f, "avg", true, 0, 0, 0);
	const struct type *stats = aggr_type(f, "stats", true, 0, 0, 0);
	bool is_signed;

	expect_cell(f, avg, c, 0, "-20");
	expect_cell(f, avg, into, 0, "0");
	expect_cell(f, stats, into, 0, "{ .count = 0, .average = 0, .total = 0 }");
	/* stats(-10), stats(-5), stats(5) */
	a[0] = -15;
	stats->aggr->merge(stats, into, a);
	stats->aggr->merge(stats, into, b);
	expect_cell(f, stats, into, 0, "{ .count = 3, .average = -3, .total = -10 }");
	expect_cell(f, stats, into, 3, "{ .count = 3, .average = -1, .total = -10 }");
	assert_true((int64_t)stats->aggr->weight(stats, into, &is_signed) == -3 && is_signed);
}

/* ---- histograms ---- */

/* The rule of LANGUAGE 4.7, written down a second time and in another way than hist.c has it. */
static unsigned
hist_bucket(int64_t v, unsigned k)
{
	unsigned top = 0;

	if (v < 0)
		return 0;
	if (v < (int64_t)1 << k)
		return 1 + (unsigned)v;
	while (v >> top > 1)
		top++;
	return 1 + (((top + 1 - k) << k) | (unsigned)(v >> (top - k) & ((1 << k) - 1)));
}

static void
count_in(uint64_t *cell, int64_t v, unsigned k)
{
	assert_true(hist_bucket(v, k) < hist_slots(k));
	cell[hist_bucket(v, k)]++;
}

static void
test_hist_text(void **state)
{
	struct fixture *f = *state;
	const struct type *t = aggr_type(f, "hist", false, 0, 0, 0);
	uint64_t cell[512] = { 0 };

	assert_int_equal(t->size, hist_slots(0) * 8);
	expect_cell(f, t, cell, 0, "");
	count_in(cell, -3, 0);
	count_in(cell, 2, 0);
	count_in(cell, 3, 0);
	expect_cell(f, t, cell, 0,
		    "(..., 0)               1 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |\n"
		    "[0]                    0 |                                                    |\n"
		    "[1]                    0 |                                                    |\n"
		    "[2, 4)                 2 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n");
	memset(cell, 0, sizeof(cell));
	count_in(cell, 600 << 10, 0);
	expect_cell(f, t, cell, 0, "[512K, 1M)             1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n");
	memset(cell, 0, sizeof(cell));
	count_in(cell, 1 << 30, 0);
	cell[hist_bucket(1 << 30, 0)] = 50;
	expect_cell(f, t, cell, 10, "[1G, 2G)               5 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n");
	memset(cell, 0, sizeof(cell));
	count_in(cell, INT64_MAX, 0);
	expect_cell(f, t, cell, 0, "[4E, 8E)               1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n");
}

static void
test_hist_bits(void **state)
{
	struct fixture *f = *state;
	const struct type *t = aggr_type(f, "hist", false, 1, 0, 0);
	uint64_t cell[4096] = { 0 };

	count_in(cell, 3, 1);
	count_in(cell, 4, 1);
	count_in(cell, 6, 1);
	expect_cell(f, t, cell, 0,
		    "[3]                    1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n"
		    "[4, 6)                 1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n"
		    "[6, 8)                 1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n");
	memset(cell, 0, sizeof(cell));
	count_in(cell, 1500, 1);
	expect_cell(f, t, cell, 0, "[1024, 1536)           1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n");
	memset(cell, 0, sizeof(cell));
	count_in(cell, 2048, 1);
	expect_cell(f, t, cell, 0, "[2K, 3K)               1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n");
}

/* Every number lies in the bucket that its typed value says it lies in. */
static void
test_hist_values(void **state)
{
	struct fixture *f = *state;
	static const int64_t numbers[] = { INT64_MIN, -1, 0, 1, 2, 3, 31, 32, 33, 63, 64, 1000, 1023, 1024, 123456789, INT64_MAX - 1, INT64_MAX };

	for (unsigned k = 0; k <= HIST_K_MAX; k++)
		for (size_t i = 0; i < LENGTH(numbers); i++) {
			const struct type *t = aggr_type(f, "hist", false, k, 0, 0);
			uint64_t cell[4096] = { 0 };
			struct sonde_value v = { 0 };

			assert_true(t->size <= sizeof(cell));
			count_in(cell, numbers[i], k);
			t->aggr->value(&f->render, t, cell, 0, f->keep, &v);
			assert_int_equal(v.kind, SONDE_HIST);
			assert_int_equal(v.n_items, 1);
			assert_int_equal(v.item[0].kind, SONDE_TUPLE);
			assert_true(v.item[0].item[0].num.i <= numbers[i] && numbers[i] <= v.item[0].item[1].num.i);
			assert_int_equal(v.item[0].item[2].num.u, 1);
		}
}

static void
test_lhist(void **state)
{
	struct fixture *f = *state;
	const struct type *t = aggr_type(f, "lhist", false, 0, 20, 10);
	uint64_t cell[64] = { 1, 2, 0, 4 };

	assert_int_equal(t->size, 4 * 8);
	expect_cell(f, t, cell, 5,
		    "(..., 0)               1 |@@@@@@@@@@@@@                                       |\n"
		    "[0, 10)                2 |@@@@@@@@@@@@@@@@@@@@@@@@@@                          |\n"
		    "[10, 20)               0 |                                                    |\n"
		    "[20, ...)              4 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n");
	t = aggr_type(f, "lhist", false, 0, 3, 1);
	memset(cell, 0, sizeof(cell));
	cell[1] = cell[2] = 1;
	expect_cell(f, t, cell, 0,
		    "[0]                    1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n"
		    "[1]                    1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n");
	t = aggr_type(f, "lhist", false, 0, 2 << 20, 512 << 10);
	memset(cell, 0, sizeof(cell));
	cell[1] = cell[2] = cell[5] = 1;
	expect_cell(f, t, cell, 0,
		    "[0, 512K)              1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n"
		    "[512K, 1M)             1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n"
		    "[1M, 1536K)            0 |                                                    |\n"
		    "[1536K, 2M)            0 |                                                    |\n"
		    "[2M, ...)              1 |@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@|\n");
}

static void
test_refused_parameters(void **state)
{
	static const int64_t bad[][4] = { { 0, 0, 1 }, { -1, 5, 1 }, { 0, 5, 0 }, { 0, 5, -1 }, { 0, 5, 6 }, { 0, 2000, 1 }, { INT64_MIN, INT64_MAX, 1 } };
	const struct aggr *hist = run_find_aggr("hist"), *lhist = run_find_aggr("lhist");

	(void)state;
	for (size_t i = 0; i < LENGTH(bad); i++)
		assert_int_equal(lhist->size(bad[i]), 0);
	assert_int_equal(hist->size((int64_t[4]){ -1 }), 0);
	assert_int_equal(hist->size((int64_t[4]){ 6 }), 0);
	assert_int_not_equal(lhist->size((int64_t[4]){ 0, 1000, 1 }), 0);
}

/* ---- printed types ---- */

static void
test_printed_types(void **state)
{
	struct fixture *f = *state;
	const struct type *part[] = { type_int(f->types, 4, false), type_array(f->types, type_int(f->types, 1, false), 16) };
	const struct type *inet = type_fmt(f->types, type_tuple(f->types, part, 2), run_find_fmt("inet"));
	const struct type *ksym = type_fmt(f->types, type_int(f->types, 8, false), run_find_fmt("ksym_t"));
	const struct type *user = type_fmt(f->types, type_int(f->types, 8, false), run_find_fmt("username_t"));
	const struct type *probe = type_fmt(f->types, type_int(f->types, 4, false), run_find_fmt("probe"));
	struct target targets[] = { { .name = "begin" }, { .name = "kprobe:f" } };
	struct { uint32_t family; uint8_t addr[16]; } a = { AF_INET, { 127, 0, 0, 1 } }, b = { AF_INET6, { [15] = 1 } }, c = { 77, { 0 } };
	uint64_t addr = 0xabc, root = 0, nobody = 0xfffffff0;
	uint32_t index = 1;

	expect_cell(f, inet, &a, 0, "127.0.0.1");
	expect_cell(f, inet, &b, 0, "::1");
	expect_cell(f, inet, &c, 0, "(address family 77)");
	expect_cell(f, ksym, &addr, 0, "0xabc");
	expect_cell(f, user, &root, 0, "root");
	expect_cell(f, user, &nobody, 0, "4294967280");
	f->img.targets = targets;
	f->img.n_targets = 2;
	expect_cell(f, probe, &index, 0, "kprobe:f");
	index = 2;
	expect_cell(f, probe, &index, 0, "probe 2");
	assert_string_equal(type_name(f->keep, inet), "inet");
}

static void
test_timestamp(void **state)
{
	struct fixture *f = *state;
	struct field boot = { .name = "boot", .type = type_int(f->types, 8, false) };
	const struct type *t = type_fmt(f->types, type_record(f->types, "%Y year", 8, false, &boot, 1), run_find_fmt("timestamp"));
	struct buf out = { 0 };
	uint64_t ns = 1;

	print_value(&f->render, t, &ns, 0, &out);
	assert_string_equal(buf_cstr(&out) + 4, " year");
	assert_true(strtol(buf_cstr(&out), NULL, 10) > 2000);
	buf_free(&out);
	assert_string_equal(type_name(f->keep, t), "timestamp");
}

/* ---- formats ---- */

static void
test_format_parts(void **state)
{
	const char *at = "a%-5d%%%*.*lx%.3s%hhu%rh%gr%Q%";
	struct format_spec s;

	(void)state;
	assert_int_equal(format_count(at), 8);
	assert_int_equal(format_next(&at, &s), FORMAT_TEXT);
	assert_memory_equal(s.text, "a", s.len);
	assert_int_equal(format_next(&at, &s), FORMAT_SPEC);
	assert_true(s.minus && s.has_width && s.width == 5 && s.size == 4);
	assert_string_equal(s.conv, "d");
	assert_int_equal(format_next(&at, &s), FORMAT_TEXT);
	assert_true(s.len == 1 && s.text[0] == '%');
	assert_int_equal(format_next(&at, &s), FORMAT_SPEC);
	assert_true(s.star_width && s.star_prec && s.size == 8);
	assert_int_equal(format_next(&at, &s), FORMAT_SPEC);
	assert_true(s.has_prec && s.prec == 3);
	assert_int_equal(format_next(&at, &s), FORMAT_SPEC);
	assert_int_equal(s.size, 1);
	assert_int_equal(format_next(&at, &s), FORMAT_SPEC);
	assert_string_equal(s.conv, "rh");
	assert_int_equal(format_next(&at, &s), FORMAT_SPEC);
	assert_string_equal(s.conv, "gr");
	assert_int_equal(format_next(&at, &s), FORMAT_BAD);
	assert_memory_equal(s.text, "%Q", s.len);
	assert_int_equal(format_next(&at, &s), FORMAT_BAD);
	assert_int_equal(format_next(&at, &s), FORMAT_END);
}

static void
expect_format(struct fixture *f, const char *fmt, const struct type *payload, const void *data, const char *want)
{
	struct buf out = { 0 };

	print_format(&f->render, fmt, payload, data, &out);
	assert_string_equal(buf_cstr(&out), want);
	buf_free(&out);
}

static void
test_format_text(void **state)
{
	struct fixture *f = *state;
	const struct type *u64 = type_int(f->types, 8, false);
	const struct type *four[] = { u64, u64, u64, u64 }, *text[] = { type_str(f->types, 3), u64 };
	uint64_t n[] = { 0x12345678abcdef, 0x12345678abcdef, 0x12345678abcdef, 0x12345678abcdef };
	uint64_t w[] = { 5, 42, 0, 0 }, positional[] = { 123, 509, 291, 0 };
	struct { char s[8]; uint64_t v; } t = { "ba", 2 };

	expect_format(f, "%hhx %hx %x %jx", type_tuple(f->types, four, 4), n, "ef cdef 78abcdef 12345678abcdef");
	expect_format(f, "%5s %04x", type_tuple(f->types, text, 2), &t, "   ba 0002");
	expect_format(f, "[%*d]", type_tuple(f->types, four, 2), w, "[   42]");
	expect_format(f, "%d %o 0x%x", type_tuple(f->types, four, 3), positional, "123 775 0x123");
	expect_format(f, "100%%", type_tuple(f->types, four, 0), n, "100%");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_best, setup, teardown),
		cmocka_unit_test_setup_teardown(test_averages, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hist_text, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hist_bits, setup, teardown),
		cmocka_unit_test_setup_teardown(test_hist_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lhist, setup, teardown),
		cmocka_unit_test(test_refused_parameters),
		cmocka_unit_test_setup_teardown(test_printed_types, setup, teardown),
		cmocka_unit_test_setup_teardown(test_timestamp, setup, teardown),
		cmocka_unit_test(test_format_parts),
		cmocka_unit_test_setup_teardown(test_format_text, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
