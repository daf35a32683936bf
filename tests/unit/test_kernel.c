/* test_kernel.c - questions about types: to the pinned fake kernel, and to the running one with libbpf, which reads the same
 * BTF with its own code, as the second witness. */
#include "kernel_at_hand.h"
#include <bpf/btf.h>

/* ---- the fake kernel ---- */

static void
test_words(void **state)
{
	struct fixture f = open_kernel(FAKE_ROOT, NULL);

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
	struct fixture f = open_kernel(FAKE_ROOT, NULL);
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
	struct fixture f = open_kernel(FAKE_ROOT, NULL), other = open_kernel(FAKE_ROOT, NULL);
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
	struct fixture f = open_kernel(FAKE_ROOT, NULL);
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
	struct fixture f = open_kernel(FAKE_ROOT, NULL), g = open_kernel("", FAKE_BTF);

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_expand),
		cmocka_unit_test(test_enums),
		cmocka_unit_test(test_glob),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_running_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
