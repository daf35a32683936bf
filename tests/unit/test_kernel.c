/* test_kernel.c - the questions to the kernel: against the pinned fake kernel, against BTF made by hand, and, for the running
 * kernel, against what libbpf reads from the same BTF. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <bpf/btf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "sema/sema.h"

#ifndef SONDE_TEST_DATA
#define SONDE_TEST_DATA "tests/data"
#endif
static const char fake_root[] = SONDE_TEST_DATA "/kernel";

/* ---- a kernel at hand ---- */

struct fixture { struct sonde *ctx; struct kernel *k; struct arena *mem; struct types *ts; };

static struct fixture
open_kernel(const char *sysroot, const char *btf_path)
{
	struct sonde_opts opts = { .size = sizeof(opts), .sysroot = sysroot, .btf_path = btf_path };
	struct fixture f;

	assert_int_equal(context_new(&opts, &f.ctx), SONDE_OK);
	f.k = kernel_open(f.ctx);
	assert_non_null(f.k);
	f.mem = arena_new();
	f.ts = types_new(f.mem);
	return f;
}

static void
close_kernel(struct fixture *f)
{
	kernel_close(f->k);
	arena_free(f->mem);
	context_free(f->ctx);
}

static void
expect_type(struct fixture *f, const char *name, const char *want)
{
	const struct type *t = kernel_type(f->k, f->ts, name);

	if (!t)
		fail_msg("%s is not known", name);
	if (strcmp(type_name(f->mem, t), want) != 0)
		fail_msg("%s is %s, not %s", name, type_name(f->mem, t), want);
}

/* "type @ off" or "type @ off : bit_off + bit_len". */
static void
expect_field(struct fixture *f, const char *record, const char *name, const char *want)
{
	const struct type *t = kernel_type(f->k, f->ts, record);
	struct field field;
	struct buf b = { 0 };

	if (!t || !kernel_field(f->k, f->ts, t, name, &field))
		fail_msg("%s has no %s", record, name);
	buf_fmt(&b, "%s @ %u", type_name(f->mem, field.type), field.off);
	if (field.bit_len)
		buf_fmt(&b, " : %u + %u", field.bit_off, field.bit_len);
	if (strcmp(buf_cstr(&b), want) != 0)
		fail_msg("%s.%s is %s, not %s", record, name, buf_cstr(&b), want);
	buf_free(&b);
}

struct seen { struct buf text; int stop_after; };

static int
note_name(void *ud, const char *name, const char *doc)
{
	struct seen *s = ud;

	(void)doc;
	buf_fmt(&s->text, "%s ", name);
	return s->stop_after && !--s->stop_after ? 77 : 0;
}

static void
expect_seen(struct seen *s, int got, int want, const char *text)
{
	assert_string_equal(buf_cstr(&s->text), text);
	assert_int_equal(got, want);
	buf_free(&s->text);
}

/* ---- the fake kernel: types ---- */

static void
test_words(void **state)
{
	struct fixture f = open_kernel(fake_root, NULL);

	(void)state;
	expect_type(&f, "char", "int8");
	expect_type(&f, "unsigned char", "uint8");
	expect_type(&f, "short", "int16");
	expect_type(&f, "unsigned", "uint32");
	expect_type(&f, "unsigned int", "uint32");
	expect_type(&f, "long", "int64");
	expect_type(&f, "long unsigned int", "uint64");
	expect_type(&f, " unsigned  long long ", "uint64");
	expect_type(&f, "signed char", "int8");
	expect_type(&f, "bool", "bool");
	expect_type(&f, "_Bool", "bool");
	expect_type(&f, "void", "void");
	expect_type(&f, "int16", "int16");
	expect_type(&f, "uint64", "uint64");
	expect_type(&f, "size_t", "uint64");
	expect_type(&f, "pid_t", "int32");
	expect_type(&f, "u64", "uint64");
	expect_type(&f, "__be16", "uint16");
	expect_type(&f, "umode_t", "uint16");
	expect_type(&f, "atomic_t", "atomic_t");
	expect_type(&f, "refcount_t", "struct refcount_struct");
	expect_type(&f, "zone_t", "zone_t");
	expect_type(&f, "struct file", "struct file");
	expect_type(&f, "enum  pid_type", "enum pid_type");
	expect_type(&f, "struct open_how", "struct open_how");
	assert_int_equal(kernel_type(f.k, f.ts, "struct open_how")->size, 0);
	assert_ptr_equal(kernel_type(f.k, f.ts, "struct file"), kernel_type(f.k, f.ts, "struct file"));
	static const char *const none[] = { "", " ", "struct", "struct ", "struct file x", "union file", "struct pid_type", "long char",
					    "long long long", "unsigned signed", "int int", "file", "nonesuch", "int x", "unsigned u64",
					    "enum file", "struct nonesuch" };
	for (size_t i = 0; i < LENGTH(none); i++)
		if (kernel_type(f.k, f.ts, none[i]))
			fail_msg("'%s' is a type", none[i]);
	close_kernel(&f);
}

static void
test_fields(void **state)
{
	struct fixture f = open_kernel(fake_root, NULL);
	struct field field;

	(void)state;
	expect_field(&f, "struct qstr", "len", "uint32 @ 4");
	expect_field(&f, "struct qstr", "name", "uint8 * @ 8");
	expect_field(&f, "struct path", "dentry", "struct dentry * @ 8");
	expect_field(&f, "struct file", "f_lock", "spinlock_t @ 0");
	expect_field(&f, "struct file", "f_op", "struct file_operations * @ 8");
	expect_field(&f, "struct file_operations", "read", "void * @ 16");
	expect_field(&f, "struct super_block", "s_id", "string[32] @ 32");
	expect_field(&f, "struct dentry", "d_iname", "uint8[40] @ 40");
	expect_field(&f, "struct sock_common", "skc_dport", "uint16 @ 8");
	expect_field(&f, "struct sock_common", "skc_state", "uint8 @ 14");
	expect_field(&f, "struct sock_common", "skc_reuse", "uint8 @ 15 : 0 + 4");
	expect_field(&f, "struct sock_common", "skc_ipv6only", "uint8 @ 15 : 5 + 1");
	expect_field(&f, "struct tcp_sock", "snd_cwnd", "uint32 @ 96");
	expect_field(&f, "struct task_struct", "comm", "string[16] @ 344");
	expect_field(&f, "struct task_struct", "rseq_len", "uint32 @ 388");
	expect_field(&f, "struct task_struct", "deep_inside", "int32 @ 392");
	expect_field(&f, "struct task_struct", "in_iowait", "uint32 @ 180 : 1 + 1");
	expect_field(&f, "struct task_struct", "frozen_depth", "uint32 @ 180 : 2 + 5");
	expect_field(&f, "struct pid", "numbers", "struct upid[0] @ 72");
	expect_field(&f, "struct shapes", "grid", "string[8][3] @ 0");
	expect_field(&f, "struct shapes", "matrix", "int32[3][2] @ 24");
	expect_field(&f, "struct shapes", "bytes", "uint8[6] @ 48");
	expect_field(&f, "struct shapes", "mode", "enum migrate_mode @ 56");
	expect_field(&f, "struct shapes", "zone", "zone_t @ 60");
	expect_field(&f, "struct shapes", "tiny", "int8 @ 64");
	expect_field(&f, "struct shapes", "flags_on", "bool @ 80 : 0 + 1");
	expect_field(&f, "struct shapes", "kind", "enum pid_type @ 80 : 1 + 3");
	expect_field(&f, "struct shapes", "big", "int64 @ 80 : 4 + 40");
	expect_field(&f, "struct shapes", "pair", "struct <anonymous>[2] @ 88");
	expect_field(&f, "struct shapes", "names", "int8 *[4] @ 104");
	expect_field(&f, "struct shapes", "table", "void *[2] @ 144");
	expect_field(&f, "struct shapes", "opaque", "struct never_defined * @ 168");
	expect_field(&f, "struct shapes", "text", "int8 * @ 176");
	expect_field(&f, "struct shapes", "tail", "int8[0] @ 184");
	/* Bits that lie in no aligned unit of their type: the least unit that holds them, else bytes from where they begin. */
	expect_field(&f, "struct squeezed", "value", "uint32 @ 1");
	expect_field(&f, "struct squeezed", "low", "uint16 @ 4 : 8 + 3");
	expect_field(&f, "struct squeezed", "crossing", "uint32 @ 4 : 11 + 15");
	expect_field(&f, "struct squeezed", "far", "uint64 @ 7 : 2 + 60");

	const struct type *mm = kernel_type(f.k, f.ts, "struct mm_struct"), *user;

	assert_true(kernel_field(f.k, f.ts, mm, "exe_file", &field));
	assert_int_equal(field.type->space, AS_KERNEL); /* tagged rcu */
	user = kernel_type(f.k, f.ts, "struct iovec");
	assert_true(kernel_field(f.k, f.ts, user, "iov_base", &field));
	assert_int_equal(field.type->space, AS_USER);
	assert_null(field.type->elem);
	assert_false(kernel_field(f.k, f.ts, mm, "nonesuch", &field));
	assert_false(kernel_field(f.k, f.ts, kernel_type(f.k, f.ts, "struct empty"), "x", &field));
	assert_false(kernel_field(f.k, f.ts, kernel_type(f.k, f.ts, "struct open_how"), "flags", &field));
	assert_false(kernel_field(f.k, f.ts, kernel_type(f.k, f.ts, "int"), "x", &field));
	close_kernel(&f);
}

static void
test_expand(void **state)
{
	struct fixture f = open_kernel(fake_root, NULL), other = open_kernel(fake_root, NULL);
	const struct type *t = kernel_type(f.k, f.ts, "struct vm_area_struct");
	struct near near = { 0 };

	(void)state;
	assert_true(t->is_open);
	assert_true(kernel_has_btf(other.k, NULL));
	assert_false(kernel_expand(other.k, other.ts, t)); /* another kernel's */
	assert_true(kernel_expand(f.k, f.ts, t));
	assert_true(kernel_expand(f.k, f.ts, t));
	assert_false(t->is_open);
	assert_int_equal(t->n, 3);
	assert_null(t->fields[0].name);
	assert_true(t->fields[0].type->is_union);
	assert_true(t->fields[0].type->is_open);
	assert_string_equal(t->fields[0].type->name, "");
	assert_string_equal(t->fields[1].name, "vm_mm");
	assert_ptr_equal(kernel_type(f.k, f.ts, "struct vm_area_struct"), t);
	kernel_near_field(f.k, f.ts, t, "vm_strat", &near); /* inside two anonymous ones */
	assert_string_equal(near.best, "vm_start");
	close_kernel(&f);
	close_kernel(&other);
}

static void
expect_enum(struct fixture *f, const char *name, int64_t want, const char *type)
{
	const struct type *t = NULL;
	int64_t value = 0;

	assert_true(kernel_enum_value(f->k, f->ts, name, &value, &t));
	assert_int_equal(value, want);
	assert_string_equal(type_name(f->mem, t), type);
}

static void
test_enums(void **state)
{
	struct fixture f = open_kernel(fake_root, NULL);
	const struct type *t;
	int64_t value;

	(void)state;
	expect_enum(&f, "PIDTYPE_SID", 3, "enum pid_type");
	expect_enum(&f, "MIGRATE_ASYNC", -1, "enum migrate_mode");
	expect_enum(&f, "TCP_LISTEN", 10, "enum");
	expect_enum(&f, "ZONE_HIGH", 1, "enum"); /* asked for by value: no typedef was passed */
	expect_enum(&f, "BPF_F_CTXLEN_MASK", 0xfffffLL << 32, "enum");
	expect_enum(&f, "FAKE_LOWEST", -0x7000000000LL, "enum fake_signed");
	assert_false(kernel_enum_value(f.k, f.ts, "task_struct", &value, &t)); /* a name, but no enumerator's */
	assert_false(kernel_enum_value(f.k, f.ts, "NONESUCH", &value, &t));
	assert_false(kernel_enum_value(f.k, f.ts, "", &value, &t));
	t = kernel_type(f.k, f.ts, "enum sock_type");
	assert_int_equal(t->n, 4);
	assert_string_equal(t->enums[3].name, "SOCK_SEQPACKET");
	assert_int_equal(t->enums[3].value, 5);
	assert_int_equal(t->size, 4);
	close_kernel(&f);
}

static void
test_functions(void **state)
{
	struct fixture f = open_kernel(fake_root, NULL);
	const struct type *type[8], *ret;
	const char *name[8];
	struct seen s = { 0 };

	(void)state;
	assert_int_equal(kernel_func_params(f.k, f.ts, "vfs_read", name, type, 8, &ret), 4);
	assert_string_equal(name[1], "buf");
	assert_int_equal(type[1]->space, AS_USER);
	assert_string_equal(type_name(f.mem, type[0]), "struct file *");
	assert_string_equal(type_name(f.mem, type[2]), "uint64");
	assert_string_equal(type_name(f.mem, ret), "int64");
	assert_int_equal(kernel_func_params(f.k, f.ts, "vfs_read", name, type, 2, NULL), 2);
	assert_int_equal(kernel_func_params(f.k, f.ts, "__traceiter_sched_switch", name, type, 8, &ret), 5);
	assert_string_equal(type_name(f.mem, type[2]), "struct task_struct *");
	assert_int_equal(kernel_func_params(f.k, f.ts, "nonesuch", name, type, 8, &ret), -1);
	assert_int_equal(kernel_func_params(f.k, f.ts, "file", name, type, 8, &ret), -1);

	assert_true(kernel_has_func(f.k, "vfs_read"));
	assert_true(kernel_has_func(f.k, "only_in_kallsyms"));
	assert_true(kernel_has_func(f.k, "nf_hook_slow"));
	assert_false(kernel_has_func(f.k, "not_a_function"));
	assert_false(kernel_has_func(f.k, "vfs_rea"));
	assert_false(kernel_has_func(f.k, ""));
	assert_true(kernel_sym(f.k, "jiffies") == 0xffffffff82000000u);
	assert_true(kernel_sym(f.k, "nf_hook_slow") == 0xffffffffc0001000u);
	assert_true(kernel_sym(f.k, "vfs") == 0);

	expect_seen(&s, kernel_each_func(f.k, "vfs_*", note_name, &s), 4, "vfs_fsync vfs_open vfs_read vfs_write ");
	expect_seen(&s, kernel_each_func(f.k, "*switch*", note_name, &s), 1, "finish_task_switch.isra.0 ");
	expect_seen(&s, kernel_each_func(f.k, "nf_*", note_name, &s), 1, "nf_hook_slow ");
	expect_seen(&s, kernel_each_func(f.k, "notrace*", note_name, &s), 0, "");
	s.stop_after = 2;
	expect_seen(&s, kernel_each_func(f.k, "*", note_name, &s), 77, "do_sys_openat2 finish_task_switch.isra.0 ");
	close_kernel(&f);
}

/* ---- a tree of one's own ---- */

static char tree[64];

static const char *
in_tree(const char *path)
{
	static char full[256];

	snprintf(full, sizeof(full), "%s%s", tree, path);
	return full;
}

static void
write_file(const char *path, const void *data, size_t len)
{
	char dir[256];
	FILE *file;

	snprintf(dir, sizeof(dir), "%s", in_tree(path));
	for (char *slash = strchr(dir + strlen(tree) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		(void)mkdir(dir, 0700);
		*slash = '/';
	}
	file = fopen(dir, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	fclose(file);
}

static void
write_text(const char *path, const char *text)
{
	write_file(path, text, strlen(text));
}

static int
make_tree(void **state)
{
	(void)state;
	strcpy(tree, "/tmp/sonde-kernel-XXXXXX");
	return mkdtemp(tree) ? 0 : -1;
}

static int
drop_tree(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", tree);
	return system(command);
}

static void
test_no_list_of_traceable(void **state)
{
	struct fixture f;
	struct seen s = { 0 };

	(void)state;
	write_text("/proc/kallsyms", "ffffffff81000000 T one\nffffffff81000010 t two\t[mod]\nffffffff81000020 D data\nbroken line\n"
				     "ffffffff81000030 t two\t[mod2]\nffffffff81000040 t forbidden\nffffffff81000050 t __pfx_one\n");
	write_text("/sys/kernel/debug/kprobes/blacklist", "0xffffffff81000040-0xffffffff81000044\tforbidden\n");
	f = open_kernel(tree, SONDE_TEST_DATA "/kernel/sys/kernel/btf/vmlinux");
	expect_seen(&s, kernel_each_func(f.k, "*o*", note_name, &s), 10, "__traceiter_block_rq_complete __traceiter_block_rq_issue "
		"__traceiter_sched_process_exec __traceiter_sched_process_exit __traceiter_sched_process_fork do_sys_openat2 one "
		"tcp_connect two vfs_open ");
	close_kernel(&f);
}

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

/* ---- tracepoints ---- */

static void
expect_args(struct fixture *f, const char *category, const char *event, const char *want)
{
	const char *why;
	const struct type *t = kernel_tracepoint_args(f->k, f->ts, category, event, &why);
	struct buf b = { 0 };

	if (!t)
		fail_msg("%s", why);
	assert_string_equal(type_name(f->mem, t), "args");
	for (uint32_t i = 0; i < t->n; i++) {
		const struct field *x = &t->fields[i];

		buf_fmt(&b, "%s%s%s %s %u; ", x->is_data_loc ? "loc " : "",
			x->type->kind == T_PTR && x->type->space == AS_USER ? "user " : "", type_name(f->mem, x->type), x->name, x->off);
	}
	if (strcmp(buf_cstr(&b), want) != 0)
		fail_msg("%s:%s is %s, not %s", category, event, buf_cstr(&b), want);
	buf_free(&b);
}

static void
test_tracepoint_args(void **state)
{
	struct fixture f = open_kernel(fake_root, NULL);
	struct buf b = { 0 };
	const char *why;

	(void)state;
	expect_args(&f, "syscalls", "sys_enter_openat",
		    "int32 __syscall_nr 8; int32 dfd 16; user int8 * filename 24; int32 flags 32; uint16 mode 40; ");
	expect_args(&f, "syscalls", "sys_exit_read", "int32 __syscall_nr 8; int64 ret 16; ");
	expect_args(&f, "syscalls", "sys_enter_execve",
		    "int32 __syscall_nr 8; user int8 * filename 16; user int8 * * argv 24; user int8 * * envp 32; ");
	expect_args(&f, "syscalls", "sys_enter_connect",
		    "int32 __syscall_nr 8; int32 fd 16; user struct sockaddr * uservaddr 24; int32 addrlen 32; ");
	expect_args(&f, "sched", "sched_switch",
		    "string[16] prev_comm 8; int32 prev_pid 24; int32 prev_prio 28; int64 prev_state 32; "
		    "string[16] next_comm 40; int32 next_pid 56; int32 next_prio 60; ");
	expect_args(&f, "sched", "sched_process_exec", "loc int8 * filename 8; int32 pid 12; int32 old_pid 16; ");
	expect_args(&f, "raw_syscalls", "sys_enter", "int64 id 8; uint64[6] args 16; ");
	assert_null(kernel_tracepoint_args(f.k, f.ts, "sched", "nonesuch", &why));
	assert_string_equal(why, "there is no tracepoint sched:nonesuch");
	assert_null(kernel_tracepoint_args(f.k, f.ts, "..", "kernel", &why));
	assert_null(kernel_tracepoint_args(f.k, f.ts, "sched/sched_switch", "", &why));
	assert_true(kernel_tracepoint_text(f.k, "sched", "sched_process_exec", &b));
	assert_string_equal(buf_cstr(&b), "    __data_loc char[] filename\n    pid_t pid\n    pid_t old_pid\n");
	buf_free(&b);
	assert_false(kernel_tracepoint_text(f.k, "sched", "nonesuch", &b));
	close_kernel(&f);
}

static void
test_odd_formats(void **state)
{
	struct fixture f;

	(void)state;
	write_text("/sys/kernel/tracing/events/odd/shapes/format",
		   "name: shapes\nID: 1\nformat:\n"
		   "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n\n"
		   "\tfield:char comm[TASK_COMM_LEN];\toffset:8;\tsize:16;\tsigned:1;\n"
		   "\tfield:u32 by_name[COUNT];\toffset:24;\tsize:12;\tsigned:0;\n"
		   "\tfield:enum migrate_mode mode;\toffset:36;\tsize:4;\tsigned:1;\n"
		   "\tfield:struct in6_addr addr;\toffset:40;\tsize:16;\tsigned:0;\n"
		   "\tfield:struct nonesuch what;\toffset:56;\tsize:24;\tsigned:0;\n"
		   "\tfield:struct file * file;\toffset:80;\tsize:8;\tsigned:0;\n"
		   "\tfield:const struct nonesuch __user *p;\toffset:88;\tsize:8;\tsigned:0;\n"
		   "\tfield:void (*call)(int, char);\toffset:96;\tsize:8;\tsigned:0;\n"
		   "\tfield:bool yes;\toffset:104;\tsize:1;\tsigned:0;\n"
		   "\tfield:__data_loc u64[] many;\toffset:108;\tsize:4;\tsigned:0;\n"
		   "\tfield:__data_loc nonesuch_t[] some;\toffset:112;\tsize:4;\tsigned:0;\n"
		   "\tfield:__rel_loc char[] near;\toffset:116;\tsize:4;\tsigned:0;\n"
		   "\tfield:unsigned char m[2][3];\toffset:120;\tsize:6;\tsigned:0;\n"
		   "\tfield:nonesuch_t n[3];\toffset:128;\tsize:24;\tsigned:1;\n"
		   "\tfield:char *names[2];\toffset:152;\tsize:16;\tsigned:1;\n"
		   "\tfield:unsigned long args[];\toffset:168;\tsize:0;\tsigned:0;\n"
		   "\tfield:int far;\toffset:99999;\tsize:4;\tsigned:1;\n"
		   "\tfield:int;\toffset:168;\tsize:4;\tsigned:1;\n"
		   "\tfield:int unfinished;\toffset:168;\n"
		   "\tfield:char last;\toffset:168;\tsize:1;\tsigned:0;\n"
		   "print fmt: \"%d\", REC->x\n");
	f = open_kernel(tree, SONDE_TEST_DATA "/kernel/sys/kernel/btf/vmlinux");
	expect_args(&f, "odd", "shapes",
		    "string[16] comm 8; uint32[3] by_name 24; enum migrate_mode mode 36; struct in6_addr addr 40; uint8[24] what 56; "
		    "struct file * file 80; void * p 88; void * call 96; bool yes 104; loc uint64 * many 108; loc void * some 112; "
		    "uint8[6] m 120; int64[3] n 128; int8 *[2] names 152; uint64[0] args 168; uint8 last 168; ");
	close_kernel(&f);
	f = open_kernel(tree, in_tree("/none"));         /* the same where types are not known */
	expect_args(&f, "odd", "shapes",
		    "string[16] comm 8; uint8[12] by_name 24; int32 mode 36; uint8[16] addr 40; uint8[24] what 56; "
		    "void * file 80; void * p 88; void * call 96; bool yes 104; loc void * many 108; loc void * some 112; "
		    "uint8[6] m 120; int64[3] n 128; int8 *[2] names 152; uint64[0] args 168; uint8 last 168; ");
	close_kernel(&f);
}

static void
test_tracepoint_lists(void **state)
{
	struct fixture f = open_kernel(fake_root, NULL);
	struct seen s = { 0 };
	const char *why;

	(void)state;
	expect_seen(&s, kernel_each_tracepoint(f.k, "sched", "sched_switch", note_name, &s, &why), 1, "sched:sched_switch ");
	expect_seen(&s, kernel_each_tracepoint(f.k, "sched", "*exe*", note_name, &s, &why), 1, "sched:sched_process_exec ");
	expect_seen(&s, kernel_each_tracepoint(f.k, "*sys*", "sys_*r", note_name, &s, &why), 1, "raw_syscalls:sys_enter ");
	expect_seen(&s, kernel_each_tracepoint(f.k, "*", "*rq*", note_name, &s, &why), 2, "block:block_rq_complete block:block_rq_issue ");
	expect_seen(&s, kernel_each_tracepoint(f.k, "ftrace", "*", note_name, &s, &why), 0, "");
	expect_seen(&s, kernel_each_tracepoint(f.k, "ftrace", "function", note_name, &s, &why), 0, "");
	expect_seen(&s, kernel_each_tracepoint(f.k, "nonesuch", "*", note_name, &s, &why), 0, "");
	expect_seen(&s, kernel_each_tracepoint(f.k, "..", "events", note_name, &s, &why), 0, "");
	expect_seen(&s, kernel_each_tracepoint(f.k, "sched/..", "*", note_name, &s, &why), 0, "");
	expect_seen(&s, kernel_each_rawtracepoint(f.k, "sys_*", note_name, &s), 2, "sys_enter sys_exit ");
	expect_seen(&s, kernel_each_rawtracepoint(f.k, "kfree_skb", note_name, &s), 1, "kfree_skb ");
	expect_seen(&s, kernel_each_rawtracepoint(f.k, "kfree", note_name, &s), 0, "");
	assert_false(kernel_pid_ns(f.k, &(uint64_t){ 0 }, &(uint64_t){ 0 }));
	close_kernel(&f);
}

static void
test_glob(void **state)
{
	(void)state;
	assert_true(glob_match("", ""));
	assert_true(glob_match("*", ""));
	assert_true(glob_match("a*c", "abc"));
	assert_true(glob_match("a*b*c", "axxbyyc"));
	assert_true(glob_match("*ab", "aab"));
	assert_true(glob_match("**", "x"));
	assert_false(glob_match("a*c", "abd"));
	assert_false(glob_match("", "x"));
	assert_false(glob_match("a", "ab"));
	assert_false(glob_match("a?c", "abc"));
	assert_false(glob_match("*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

static void
test_identity(void **state)
{
	struct fixture f = open_kernel(fake_root, NULL), g = open_kernel("", SONDE_TEST_DATA "/kernel/sys/kernel/btf/vmlinux");

	(void)state;
	assert_null(kernel_id(f.k));             /* nothing was asked */
	assert_non_null(kernel_type(f.k, f.ts, "struct file"));
	assert_true(kernel_has_btf(g.k, NULL));
	assert_int_equal(strlen(kernel_id(f.k)), 16);
	assert_string_equal(kernel_id(f.k), kernel_id(g.k));
	close_kernel(&f);
	close_kernel(&g);
}

/* ---- the running kernel, with libbpf as the second witness ---- */

static struct btf *witness;
static unsigned n_members, n_bit_fields;

static void
compare_member(struct fixture *f, const struct type *t, const char *name, uint32_t bit, uint32_t bits, uint32_t type)
{
	long long size = btf__resolve_size(witness, type);
	struct field field;

	if (!kernel_field(f->k, f->ts, t, name, &field))
		fail_msg("%s: no member %s", t->name, name);
	if (field.off * 8 + field.bit_off != bit)
		fail_msg("%s.%s: at bit %u, libbpf says %u", t->name, name, field.off * 8 + field.bit_off, bit);
	if (bits ? (field.bit_len ? field.bit_len : field.type->size * 8) != bits : size >= 0 && field.type->size != (uint64_t)size)
		fail_msg("%s.%s: size %u, bits %u; libbpf says %lld, %u", t->name, name, field.type->size, field.bit_len, size, bits);
	n_members++;
	n_bit_fields += bits != 0;
}

static void
compare_record(struct fixture *f, const struct type *t, uint32_t id, uint32_t base)
{
	const struct btf_type *w = btf__type_by_id(witness, id);

	for (uint32_t i = 0; i < btf_vlen(w); i++) {
		const struct btf_member *m = &btf_members(w)[i];
		const char *name = btf__name_by_offset(witness, m->name_off);
		uint32_t bit = base + btf_member_bit_offset(w, i), bits = btf_member_bitfield_size(w, i);
		const struct btf_type *inner = btf__type_by_id(witness, m->type);

		if (*name)
			compare_member(f, t, name, bit, bits, m->type);
		else if (btf_is_composite(inner))
			compare_record(f, t, m->type, bit);
	}
}

static const char *const compared[] = {
	"task_struct", "file", "dentry", "inode", "path", "qstr", "super_block", "vfsmount", "mm_struct", "vm_area_struct", "cred",
	"nsproxy", "pid", "pid_namespace", "signal_struct", "sighand_struct", "files_struct", "fs_struct", "sched_entity", "rq",
	"cfs_rq", "sock", "sock_common", "inet_sock", "tcp_sock", "udp_sock", "sk_buff", "skb_shared_info", "socket", "msghdr",
	"net", "net_device", "iphdr", "tcphdr", "ipv6hdr", "request", "bio", "gendisk", "block_device", "page", "folio", "address_space",
	"cgroup", "css_set", "kernfs_node", "linux_binprm", "seq_file", "pt_regs", "bpf_prog", "bpf_map", "bpf_insn", "perf_event",
	"perf_event_attr", "module", "work_struct", "timer_list", "hrtimer", "device", "kobject", "user_namespace", "desc_struct",
	"irq_desc", "zone", "kmem_cache", "xarray", "rb_node", "list_head", "pipe_inode_info", "sockaddr", "kernel_siginfo",
};

static void
test_running_kernel(void **state)
{
	struct fixture f = open_kernel(NULL, NULL);
	const char *why;
	unsigned n = 0;

	(void)state;
	witness = btf__load_vmlinux_btf();
	if (!witness || !kernel_has_btf(f.k, &why)) {
		close_kernel(&f);
		print_message("skipped: this kernel has no BTF\n");
		skip();
	}
	for (size_t i = 0; i < LENGTH(compared); i++) {
		int id = btf__find_by_name_kind(witness, compared[i], BTF_KIND_STRUCT);
		const struct type *t;
		char name[64];

		if (id < 0)
			continue;
		snprintf(name, sizeof(name), "struct %s", compared[i]);
		t = kernel_type(f.k, f.ts, name);
		assert_non_null(t);
		assert_int_equal(t->size, btf__type_by_id(witness, (uint32_t)id)->size);
		compare_record(&f, t, (uint32_t)id, 0);
		n++;
	}
	print_message("%u structs, %u members, %u bit fields agree with libbpf\n", n, n_members, n_bit_fields);
	assert_true(n >= 50);
	assert_true(n_bit_fields > 20);
	btf__free(witness);
	close_kernel(&f);
}

struct events { struct fixture *f; unsigned n, n_fields; };

static int
read_event(void *ud, const char *name, const char *doc)
{
	struct events *e = ud;
	char category[128];
	const char *colon = strchr(name, ':'), *why;
	const struct type *t;

	(void)doc;
	snprintf(category, sizeof(category), "%.*s", (int)(colon - name), name);
	t = kernel_tracepoint_args(e->f->k, e->f->ts, category, colon + 1, &why);
	if (!t)
		fail_msg("%s: %s", name, why);
	for (uint32_t i = 0; i < t->n; i++) {
		const struct field *x = &t->fields[i];

		if (x->off < 8 || x->off + (x->is_data_loc ? 4 : x->type->size) > t->size)
			fail_msg("%s: %s lies outside", name, x->name);
	}
	e->n++;
	e->n_fields += t->n;
	return 0;
}

static void
test_running_events(void **state)
{
	struct fixture f = open_kernel(NULL, NULL);
	struct events e = { .f = &f };
	const char *why;
	int n = kernel_each_tracepoint(f.k, "*", "*", read_event, &e, &why);

	(void)state;
	if (n < 0) {
		print_message("skipped: %s\n", why);
		close_kernel(&f);
		skip();
	}
	assert_int_equal(n, e.n);
	assert_true(n > 100 && e.n_fields > e.n);
	print_message("%u events, %u fields\n", e.n, e.n_fields);
	close_kernel(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_expand),
		cmocka_unit_test(test_enums),
		cmocka_unit_test(test_functions),
		cmocka_unit_test_setup_teardown(test_no_list_of_traceable, make_tree, drop_tree),
		cmocka_unit_test_setup_teardown(test_no_btf, make_tree, drop_tree),
		cmocka_unit_test_setup_teardown(test_old_bit_fields, make_tree, drop_tree),
		cmocka_unit_test_setup_teardown(test_damaged_types, make_tree, drop_tree),
		cmocka_unit_test_setup_teardown(test_damaged_header, make_tree, drop_tree),
		cmocka_unit_test(test_tracepoint_args),
		cmocka_unit_test_setup_teardown(test_odd_formats, make_tree, drop_tree),
		cmocka_unit_test(test_tracepoint_lists),
		cmocka_unit_test(test_glob),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_running_kernel),
		cmocka_unit_test(test_running_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
