/* test_type.c - types: one of each, laid out as C does, named as the language does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <cmocka.h>
#include "image/image.h"

static uint32_t
size_cell(const int64_t param[4])
{
	return param[0] < 0 || param[0] > 5 ? 0 : 8 * (uint32_t)(param[0] + 1);
}

static const struct aggr aggr_a = { .name = "a", .type_name = "a_t", .size = size_cell };
static const struct aggr aggr_s = { .name = "s", .type_name = "s_t", .has_sign = true, .size = size_cell };
static const struct fmt fmt_plain = { .name = "plain_t" };
static const struct fmt fmt_sized = { .name = "sized[]" };

struct fixture { struct arena *mem; struct types *ts; };

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->mem = arena_new();
	f->ts = types_new(f->mem);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	arena_free(f->mem);
	free(f);
	return 0;
}

static void
equal_types_are_one(void **state)
{
	struct fixture *f = *state;
	struct types *ts = f->ts;
	const struct type *i8 = type_int(ts, 1, true), *pair[] = { i8, type_str(ts, 3) };
	struct field fields[] = { { .name = "a", .type = i8 } };
	char a[] = "a", record[] = "record";
	struct field again[] = { { .name = a, .type = i8 } };
	struct enumval vals[] = { { "ONE", 1 }, { "TWO", 2 } };
	const int64_t none[4] = { 0 }, two[4] = { 2 };

	assert_ptr_equal(i8, type_int(ts, 1, true));
	assert_ptr_not_equal(i8, type_int(ts, 1, false));
	assert_ptr_not_equal(i8, type_bool(ts));
	assert_ptr_equal(type_tuple(ts, pair, 2), type_tuple(ts, pair, 2));
	assert_ptr_not_equal(type_tuple(ts, pair, 2), type_tuple(ts, pair, 1));
	assert_ptr_equal(type_record(ts, "record", 1, false, fields, 1), type_record(ts, record, 1, false, again, 1));
	assert_ptr_not_equal(type_record(ts, "record", 1, false, fields, 1), type_record(ts, "args", 1, false, fields, 1));
	assert_ptr_equal(type_enum(ts, "enum e", 4, false, vals, 2), type_enum(ts, "enum e", 4, false, vals, 2));
	assert_ptr_not_equal(type_enum(ts, "enum e", 4, false, vals, 2), type_enum(ts, "enum e", 4, false, vals, 1));
	assert_ptr_not_equal(type_enum(ts, "enum e", 4, false, NULL, 0), type_int(ts, 4, false));
	assert_ptr_equal(type_ptr(ts, type_void(ts), AS_KERNEL), type_ptr(ts, NULL, AS_KERNEL));
	assert_ptr_not_equal(type_ptr(ts, i8, AS_USER), type_ptr(ts, i8, AS_KERNEL));
	assert_ptr_equal(type_aggr(ts, &aggr_a, i8, two), type_aggr(ts, &aggr_a, i8, two));
	assert_ptr_not_equal(type_aggr(ts, &aggr_a, i8, two), type_aggr(ts, &aggr_a, i8, none));
	assert_ptr_not_equal(type_fmt(ts, i8, &fmt_plain), i8);
	assert_ptr_equal(type_fmt(ts, type_fmt(ts, i8, &fmt_plain), NULL), i8);
	assert_ptr_equal(type_open(ts, "struct x", 8, false, ts, 7), type_open(ts, "struct x", 8, false, ts, 7));
	assert_ptr_not_equal(type_open(ts, "struct x", 8, false, ts, 7), type_open(ts, "struct x", 8, false, ts, 8));
}

static void
many_types_stay_apart(void **state)
{
	struct fixture *f = *state;
	const struct type *first[2000];

	for (uint32_t i = 0; i < 2000; i++)
		first[i] = type_str(f->ts, i);
	for (uint32_t i = 0; i < 2000; i++) {
		assert_ptr_equal(first[i], type_str(f->ts, i));
		assert_int_equal(first[i]->size, i);
	}
}

/* LANGUAGE 16, and C: the compiler that builds this test says what C does. */
static void
tuples_have_c_layout(void **state)
{
	struct fixture *f = *state;
	struct types *ts = f->ts;
	const struct type *i8 = type_int(ts, 1, true), *i16 = type_int(ts, 2, true), *i32 = type_int(ts, 4, true);
	const struct type *i64 = type_int(ts, 8, true), *t;
	struct c_tuple { int8_t a; char s[3]; int16_t b; int64_t c; int32_t d; char e[5]; };

	t = type_tuple(ts, (const struct type *[]){ i8, i64, i8, i64 }, 4);
	assert_int_equal(t->size, 32);
	assert_int_equal(t->align, 8);
	assert_int_equal(t->fields[3].off, 24);
	assert_int_equal(type_tuple(ts, (const struct type *[]){ i8, i16, i32 }, 3)->size, 8);
	assert_int_equal(type_tuple(ts, (const struct type *[]){ i32, i16, i8 }, 3)->size, 8);
	assert_int_equal(type_tuple(ts, (const struct type *[]){ i8, type_str(ts, 4) }, 2)->size, 5);
	assert_int_equal(type_tuple(ts, NULL, 0)->size, 0);
	t = type_tuple(ts, (const struct type *[]){ i8, type_str(ts, 3), i16, i64, i32, type_str(ts, 5) }, 6);
	assert_int_equal(t->size, sizeof(struct c_tuple));
	assert_int_equal(t->fields[2].off, offsetof(struct c_tuple, b));
	assert_int_equal(t->fields[3].off, offsetof(struct c_tuple, c));
	assert_int_equal(t->fields[5].off, offsetof(struct c_tuple, e));
	t = type_tuple(ts, (const struct type *[]){ i8, t, i8 }, 3); /* inner tuples keep their alignment */
	assert_int_equal(t->fields[1].off, 8);
	assert_int_equal(t->size, 8 + sizeof(struct c_tuple) + 8);
	assert_int_equal(type_bytes(ts, 5)->size, 16);
	assert_int_equal(type_bytes(ts, 8)->size, 16);
	assert_int_equal(type_bytes(ts, 9)->size, 24);
	assert_int_equal(type_stack(ts, true, 127, STACK_RAW)->size, 8 + 127 * 8);
	assert_int_equal(type_array(ts, i32, 4)->size, 16);
	assert_int_equal(type_array(ts, i32, 4)->align, 4);
}

static void
records_align_as_their_fields_do(void **state)
{
	struct fixture *f = *state;
	const struct type *i8 = type_int(f->ts, 1, true), *i32 = type_int(f->ts, 4, true);
	struct field whole[] = { { .name = "a", .type = i8 }, { .name = "b", .type = i32, .off = 4 } };
	struct field packed[] = { { .name = "a", .type = i8 }, { .name = "b", .type = i32, .off = 1 } };

	assert_int_equal(type_record(f->ts, "struct w", 8, false, whole, 2)->align, 4);
	assert_int_equal(type_record(f->ts, "struct p", 5, false, packed, 2)->align, 1);
	assert_int_equal(type_record(f->ts, "struct o", 6, false, whole, 1)->align, 1);
	assert_int_equal(type_open(f->ts, "struct t", 24, false, f, 1)->align, 8);
	assert_int_equal(type_open(f->ts, "struct t", 12, false, f, 2)->align, 4);
	assert_int_equal(type_open(f->ts, "struct t", 0, false, f, 3)->align, 8);
}

static void
integers_are_read_by_size_and_sign(void **state)
{
	struct fixture *f = *state;
	const uint64_t v = 0xfffffffffffffff6u;  /* -10, little and big endian alike in its low bytes */

	for (uint32_t size = 1; size <= 8; size *= 2) {
		const char *p = (const char *)&v + (*(const uint8_t *)&v == 0xf6 ? 0 : 8 - size);

		assert_int_equal(type_read_int(type_int(f->ts, size, true), p), -10);
		assert_true((uint64_t)type_read_int(type_int(f->ts, size, false), p) == (size == 8 ? v : v & ((1ull << 8 * size) - 1)));
	}
	assert_int_equal(type_read_int(type_bool(f->ts), "\1"), 1);
}

static void
names_are_those_of_the_language(void **state)
{
	struct fixture *f = *state;
	struct types *ts = f->ts;
	const struct type *i8 = type_int(ts, 1, true), *i32 = type_int(ts, 4, true), *s3 = type_str(ts, 3);
	struct field fields[] = { { .name = "a", .type = i8 }, { .name = "b", .type = s3, .off = 1 } };
	const struct type *task = type_open(ts, "struct task_struct", 9792, false, ts, 1);
	const int64_t none[4] = { 0 };
	const struct { const struct type *type; const char *name; } row[] = {
		{ type_void(ts), "void" }, { type_bool(ts), "bool" },
		{ i8, "int8" }, { type_int(ts, 2, true), "int16" }, { i32, "int32" }, { type_int(ts, 8, true), "int64" },
		{ type_int(ts, 1, false), "uint8" }, { type_int(ts, 2, false), "uint16" },
		{ type_int(ts, 4, false), "uint32" }, { type_int(ts, 8, false), "uint64" },
		{ type_enum(ts, "enum pid_type", 4, false, NULL, 0), "enum pid_type" },
		{ s3, "string[3]" }, { type_bytes(ts, 16), "buffer[16]" },
		{ type_array(ts, i32, 4), "int32[4]" }, { type_array(ts, type_array(ts, i32, 4), 2), "int32[4][2]" },
		{ type_ptr(ts, i32, AS_USER), "int32 *" }, { type_ptr(ts, NULL, AS_USER), "void *" },
		{ type_ptr(ts, type_ptr(ts, i32, AS_USER), AS_USER), "int32 * *" },
		{ task, "struct task_struct" }, { type_ptr(ts, task, AS_KERNEL), "struct task_struct *" },
		{ type_tuple(ts, (const struct type *[]){ i8, s3 }, 2), "(int8,string[3])" },
		{ type_tuple(ts, NULL, 0), "()" },
		{ type_tuple(ts, (const struct type *[]){ i8, type_tuple(ts, &i32, 1) }, 2), "(int8,(int32))" },
		{ type_record(ts, "record", 4, false, fields, 1), "record { .a = int8 }" },
		{ type_record(ts, "record", 4, false, fields, 2), "record { .a = int8, .b = string[3] }" },
		{ type_record(ts, "record", 0, false, NULL, 0), "record {}" },
		{ type_record(ts, NULL, 4, true, fields, 1), "union <anonymous>" },
		{ type_stack(ts, false, 127, STACK_BPFTRACE), "kstack_bpftrace_127" },
		{ type_stack(ts, true, 3, STACK_PERF), "ustack_perf_3" },
		{ type_stack(ts, true, 3, STACK_BUILD_ID), "ustack_build_id_3" },
		{ type_word(ts, "boot"), "boot" },
		{ type_aggr(ts, &aggr_a, i8, none), "a_t" }, { type_aggr(ts, &aggr_a, NULL, none), "a_t" },
		{ type_aggr(ts, &aggr_s, i8, none), "s_t" }, { type_aggr(ts, &aggr_s, type_int(ts, 8, false), none), "us_t" },
		{ type_fmt(ts, type_int(ts, 8, false), &fmt_plain), "plain_t" },
		{ type_fmt(ts, type_bytes(ts, 16), &fmt_sized), "sized[16]" },
	};

	for (size_t i = 0; i < LENGTH(row); i++) {
		assert_non_null(row[i].type);
		assert_string_equal(type_name(f->mem, row[i].type), row[i].name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(equal_types_are_one, setup, teardown),
		cmocka_unit_test_setup_teardown(many_types_stay_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(tuples_have_c_layout, setup, teardown),
		cmocka_unit_test_setup_teardown(records_align_as_their_fields_do, setup, teardown),
		cmocka_unit_test_setup_teardown(integers_are_read_by_size_and_sign, setup, teardown),
		cmocka_unit_test_setup_teardown(names_are_those_of_the_language, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
