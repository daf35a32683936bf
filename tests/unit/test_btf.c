/* test_btf.c - BTF that is made by hand: shapes that today's compilers no longer write, damage, none at all. */
#include "kernel_at_hand.h"
#include <errno.h>
#include <linux/btf.h>
#include "image/btf.h"

static void
test_no_btf(void **state)
{
	struct fixture f = open_kernel(tree, NULL);
	const char *why = NULL;
	struct seen s = { 0 };
	int64_t value;

	(void)state;
	assert_false(kernel_has_btf(f.k, &why));
	assert_non_null(strstr(why, "CONFIG_DEBUG_INFO_BTF"));
	assert_non_null(strstr(why, "/sys/kernel/btf/vmlinux"));
	assert_non_null(strstr(why, "btf_path"));
	assert_null(strchr(why, '\n'));
	assert_null(kernel_id(f.k));
	assert_null(kernel_type(f.k, f.ts, "struct file"));
	assert_null(kernel_type(f.k, f.ts, "size_t"));
	assert_non_null(kernel_type(f.k, f.ts, "unsigned long"));
	assert_false(kernel_enum_value(f.k, f.ts, "TCP_CLOSE", &value, NULL));
	assert_int_equal(kernel_each_func(f.k, "nonesuch*", note_name, &s), 0);
	assert_int_equal(kernel_each_tracepoint(f.k, "*", "*", note_name, &s, &why), -ENOENT);
	assert_non_null(strstr(why, "tracefs"));
	assert_null(kernel_tracepoint_args(f.k, f.ts, "sched", "sched_switch", &why));
	close_kernel(&f);

	write_text("/sys/kernel/tracing/events/sched/sched_switch/format", "name: sched_switch\n");
	write_text("/sys/kernel/tracing/available_events", "sched:sched_switch\nirq:irq_handler_entry\n");
	f = open_kernel(tree, NULL);
	expect_seen(&s, kernel_each_rawtracepoint(f.k, "*s*", note_name, &s), 1, "sched_switch ");
	assert_int_equal(kernel_tracepoint_args(f.k, f.ts, "sched", "sched_switch", &why)->n, 0);
	close_kernel(&f);
}

/* ---- BTF made by hand ---- */

struct maker { struct buf types, strs; };

static uint32_t
put_str(struct maker *m, const char *s)
{
	uint32_t at = (uint32_t)m->strs.len;

	buf_add(&m->strs, s, strlen(s) + 1);
	return at;
}

static void
put(struct maker *m, uint32_t word)
{
	buf_add(&m->types, &word, sizeof(word));
}

static void
put_type(struct maker *m, const char *name, unsigned kind, unsigned vlen, uint32_t size)
{
	put(m, *name ? put_str(m, name) : 0);
	put(m, kind << 24 | vlen);
	put(m, size);
}

static struct fixture
open_made(struct maker *m)
{
	struct btf_header h = { .magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(h) };
	struct buf all = { 0 };
	struct fixture f;

	h.type_len = h.str_off = (uint32_t)m->types.len;
	h.str_len = (uint32_t)m->strs.len;
	buf_add(&all, &h, sizeof(h));
	buf_add(&all, m->types.data, m->types.len);
	buf_add(&all, m->strs.data, m->strs.len);
	write_file("/made", all.data, all.len);
	buf_free(&all);
	buf_free(&m->types);
	buf_free(&m->strs);
	f = open_kernel(tree, in_tree("/made"));
	assert_true(kernel_has_btf(f.k, NULL));
	return f;
}

static void
test_old_bit_fields(void **state)
{
	struct maker m = { 0 };
	struct fixture f;

	(void)state;
	put_str(&m, "");
	put_type(&m, "unsigned int", BTF_KIND_INT, 0, 4); put(&m, 32);          /* 1 */
	put_type(&m, "unsigned int", BTF_KIND_INT, 0, 4); put(&m, 5);           /* 2: five bits of one */
	put_type(&m, "unsigned int", BTF_KIND_INT, 0, 4); put(&m, 4 << 16 | 3); /* 3: three bits, four up */
	put_type(&m, "old", BTF_KIND_STRUCT, 4, 12);                            /* 4 */
	put(&m, put_str(&m, "whole")), put(&m, 1), put(&m, 0);
	put(&m, put_str(&m, "five")), put(&m, 2), put(&m, 32 + 7);
	put(&m, put_str(&m, "three")), put(&m, 3), put(&m, 32 + 20);
	put(&m, put_str(&m, "after")), put(&m, 1), put(&m, 64);
	f = open_made(&m);
	expect_field(&f, "struct old", "whole", "uint32 @ 0");
	expect_field(&f, "struct old", "five", "uint32 @ 4 : 7 + 5");
	expect_field(&f, "struct old", "three", "uint32 @ 4 : 24 + 3");
	expect_field(&f, "struct old", "after", "uint32 @ 8");
	close_kernel(&f);
}

static void
test_damaged_types(void **state)
{
	struct maker m = { 0 };
	const struct type *type[4], *t;
	const char *name[4];
	struct fixture f;
	struct field field;

	(void)state;
	put_str(&m, "");
	put_type(&m, "loop", BTF_KIND_TYPEDEF, 0, 2);             /* 1: two typedefs of each other */
	put_type(&m, "loop2", BTF_KIND_TYPEDEF, 0, 1);            /* 2 */
	put_type(&m, "", BTF_KIND_PTR, 0, 3);                     /* 3: a pointer to itself */
	put_type(&m, "nest", BTF_KIND_STRUCT, 2, 8);              /* 4: holds itself, anonymously, twice */
	put(&m, 0), put(&m, 4), put(&m, 0);
	put(&m, 0), put(&m, 4), put(&m, 0);
	put_type(&m, "far", BTF_KIND_STRUCT, 4, 8);               /* 5 */
	put(&m, put_str(&m, "ptr")), put(&m, 3), put(&m, 0);
	put(&m, put_str(&m, "outside")), put(&m, 3), put(&m, 8);
	put(&m, put_str(&m, "missing")), put(&m, 999), put(&m, 0);
	put(&m, 0xfffffff0), put(&m, 3), put(&m, 0);              /* a name outside the strings */
	put_type(&m, "huge", BTF_KIND_TYPEDEF, 0, 7);             /* 6 */
	put_type(&m, "", BTF_KIND_ARRAY, 0, 0);                   /* 7: 2^31 of 2^31 pointers */
	put(&m, 8), put(&m, 3), put(&m, 0x80000000);
	put_type(&m, "", BTF_KIND_ARRAY, 0, 0);                   /* 8 */
	put(&m, 3), put(&m, 3), put(&m, 0x80000000);
	put_type(&m, "vararg", BTF_KIND_FUNC, 0, 10);             /* 9 */
	put_type(&m, "", BTF_KIND_FUNC_PROTO, 2, 0);              /* 10 */
	put(&m, put_str(&m, "fmt")), put(&m, 3);
	put(&m, 0), put(&m, 0);
	put_type(&m, "no_proto", BTF_KIND_FUNC, 0, 3);            /* 11 */
	put_type(&m, "cut", BTF_KIND_STRUCT, 1000, 8);            /* 12: its members are not there */
	f = open_made(&m);
	expect_type(&f, "loop", "void");
	assert_non_null(kernel_type(f.k, f.ts, "huge"));
	t = kernel_type(f.k, f.ts, "struct nest");
	assert_false(kernel_field(f.k, f.ts, t, "x", &field));
	t = kernel_type(f.k, f.ts, "struct far");
	assert_true(kernel_field(f.k, f.ts, t, "ptr", &field));
	assert_false(kernel_field(f.k, f.ts, t, "outside", &field));
	assert_false(kernel_field(f.k, f.ts, t, "missing", &field));
	assert_int_equal(kernel_func_params(f.k, f.ts, "vararg", name, type, 4, NULL), 1);
	assert_int_equal(kernel_func_params(f.k, f.ts, "no_proto", name, type, 4, NULL), -1);
	assert_null(kernel_type(f.k, f.ts, "struct cut"));
	close_kernel(&f);
}

static void
expect_refused(const void *data, size_t len, const char *want)
{
	struct fixture f;
	const char *why;

	write_file("/bad", data, len);
	f = open_kernel(tree, in_tree("/bad"));
	assert_false(kernel_has_btf(f.k, &why));
	if (!strstr(why, want) || !strstr(why, "/bad"))
		fail_msg("'%s' does not say '%s'", why, want);
	close_kernel(&f);
}

static void
test_damaged_header(void **state)
{
	struct btf_header h = { .magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(h), .str_len = 1 }, bad;
	char all[sizeof(h) + 2] = { 0 };
	const char *why;
	struct fixture f;

	(void)state;
	memcpy(all, &h, sizeof(h));
	for (size_t len = 0; len <= sizeof(h); len++)
		expect_refused(all, len, "damaged");
	write_file("/bad", all, sizeof(h) + 1);
	f = open_kernel(tree, in_tree("/bad"));
	assert_true(kernel_has_btf(f.k, &why));
	assert_null(kernel_type(f.k, f.ts, "struct file"));
	close_kernel(&f);

	bad = h, bad.magic = __builtin_bswap16(BTF_MAGIC), memcpy(all, &bad, sizeof(h));
	expect_refused(all, sizeof(all), "byte order");
	bad = h, bad.version = 9, memcpy(all, &bad, sizeof(h));
	expect_refused(all, sizeof(all), "version");
	bad = h, bad.hdr_len = 0xffffffff, memcpy(all, &bad, sizeof(h));
	expect_refused(all, sizeof(all), "damaged");
	bad = h, bad.type_off = 0xffffffff, memcpy(all, &bad, sizeof(h));
	expect_refused(all, sizeof(all), "damaged");
	bad = h, bad.type_len = 0xffffffff, bad.type_off = 1, memcpy(all, &bad, sizeof(h));
	expect_refused(all, sizeof(all), "damaged");
	bad = h, bad.str_len = 3, memcpy(all, &bad, sizeof(h));
	expect_refused(all, sizeof(all), "damaged");
	bad = h, bad.str_len = 2, memcpy(all, &bad, sizeof(h));
	all[sizeof(h) + 1] = 'x';                /* strings without an end */
	expect_refused(all, sizeof(all), "damaged");
	f = open_kernel(tree, in_tree("/not/there"));
	assert_false(kernel_has_btf(f.k, &why));
	assert_non_null(strstr(why, "no such file"));
	close_kernel(&f);
}

/* Ids in the BTF of the kernel that runs: what programs are loaded for. */
static void
test_running_kernel(void **state)
{
	struct btf_view btf;
	struct btf_rec rec;
	const char *why;

	(void)state;
	assert_int_equal(btf_open(&btf, "/nonexistent", &why), -ENOENT);
	if (btf_open(&btf, "/sys/kernel/btf/vmlinux", &why))
		skip();
	assert_true(btf_find(&btf, "btf_trace_sys_enter", 1u << BTF_KIND_TYPEDEF, &rec) && rec.id > 0);
	assert_true(btf_find(&btf, "task_struct", 1u << BTF_KIND_STRUCT, &rec) && rec.id > 0);
	assert_false(btf_find(&btf, "no_such_name", 1u << BTF_KIND_FUNC, &rec));
	btf_close(&btf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_running_kernel),
		cmocka_unit_test_setup_teardown(test_no_btf, make_tree, drop_tree),
		cmocka_unit_test_setup_teardown(test_old_bit_fields, make_tree, drop_tree),
		cmocka_unit_test_setup_teardown(test_damaged_types, make_tree, drop_tree),
		cmocka_unit_test_setup_teardown(test_damaged_header, make_tree, drop_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
