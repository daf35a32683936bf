/* test_tracefs.c - questions about events and functions: format files, lists of names, symbols. */
#include "kernel_at_hand.h"

/* ---- functions ---- */

static void
test_functions(void **state)
{
	struct fixture f = open_kernel(FAKE_ROOT, NULL);
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

static void
test_no_list_of_traceable(void **state)
{
	struct fixture f;
	struct seen s = { 0 };

	(void)state;
	write_text("/proc/kallsyms", "ffffffff81000000 T one\nffffffff81000010 t two\t[mod]\nffffffff81000020 D data\nbroken line\n"
				     "ffffffff81000030 t two\t[mod2]\nffffffff81000040 t forbidden\nffffffff81000050 t __pfx_one\n");
	write_text("/sys/kernel/debug/kprobes/blacklist", "0xffffffff81000040-0xffffffff81000044\tforbidden\n");
	f = open_kernel(tree, FAKE_BTF);
	expect_seen(&s, kernel_each_func(f.k, "*o*", note_name, &s), 10, "__traceiter_block_rq_complete __traceiter_block_rq_issue "
		"__traceiter_sched_process_exec __traceiter_sched_process_exit __traceiter_sched_process_fork do_sys_openat2 one "
		"tcp_connect two vfs_open ");
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
	struct fixture f = open_kernel(FAKE_ROOT, NULL);
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
	f = open_kernel(tree, FAKE_BTF);
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
	struct fixture f = open_kernel(FAKE_ROOT, NULL);
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
		cmocka_unit_test(test_functions),
		cmocka_unit_test_setup_teardown(test_no_list_of_traceable, make_tree, drop_tree),
		cmocka_unit_test(test_tracepoint_args),
		cmocka_unit_test_setup_teardown(test_odd_formats, make_tree, drop_tree),
		cmocka_unit_test(test_tracepoint_lists),
		cmocka_unit_test(test_running_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
