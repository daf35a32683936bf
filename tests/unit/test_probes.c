/* test_probes.c - probe types: their rows, the reading of prototypes and attach points, and how a program is attached. */
#include "tests/unit/kernel_at_hand.h"
#include "probes/common.h"

/* ---- rows ---- */

static void
take_word(const char *seen[], size_t *n, const char *word, size_t len)
{
	char *copy = strndup(word, len);

	for (size_t i = 0; i < *n; i++)
		if (strcmp(seen[i], copy) == 0)
			fail_msg("%s names two rows", copy);
	assert_true(*n < 512);
	seen[(*n)++] = copy;
}

static void
take_names(const char *seen[], size_t *n, const char *name, const char *alias)
{
	take_word(seen, n, name, strlen(name));
	for (const char *a = alias; a && *a; a += strspn(a, " ")) {
		take_word(seen, n, a, strcspn(a, " "));
		a += strcspn(a, " ");
	}
}

static void
free_names(const char *seen[], size_t n)
{
	for (size_t i = 0; i < n; i++)
		free((char *)seen[i]);
}

static void
test_provider_rows(void **state)
{
	const char *seen[512];
	size_t n = 0;

	(void)state;
	for (const struct provider *const *p = plugs.providers; *p; p++) {
		take_names(seen, &n, (*p)->name, (*p)->alias);
		assert_non_null((*p)->doc);
		assert_non_null((*p)->form);
		assert_non_null((*p)->parse);
		assert_int_equal((*p)->arg_type != NULL, (*p)->arg_type && ((*p)->gen_arg || (*p)->gen_field));
		assert_ptr_equal(plug_provider(&plugs, (*p)->name), *p);
		if (!run_find_provider((*p)->name))
			fail_msg("%s has no run half", (*p)->name);
		const struct run_provider *run = run_find_provider((*p)->name);
		assert_int_equal(run->when == ON_ATTACH, run->attach != NULL);
	}
	free_names(seen, n);
}

static void
test_builtin_rows(void **state)
{
	const char *seen[512];
	struct proto p;
	size_t n = 0;

	(void)state;
	for (const struct builtin *const *b = plugs.builtins; *b; b++) {
		take_names(seen, &n, (*b)->name, (*b)->alias);
		assert_non_null((*b)->doc);
		if (!proto_read((*b)->sig, &p))
			fail_msg("the prototype of %s cannot be read: %s", (*b)->name, (*b)->sig);
		assert_ptr_equal(plug_builtin(&plugs, (*b)->name), *b);
	}
	free_names(seen, n);
}

static void
test_provider_names(void **state)
{
	(void)state;
	assert_ptr_equal(plug_provider(&plugs, "BEGIN"), &provider_begin);
	assert_ptr_equal(plug_provider(&plugs, "Tracepoint"), &provider_tracepoint);
	assert_ptr_equal(plug_provider(&plugs, "t"), &provider_tracepoint);
	assert_ptr_equal(plug_provider(&plugs, "RT"), &provider_rawtracepoint);
	assert_ptr_equal(plug_provider(&plugs, "ur"), &provider_uretprobe);
	assert_null(plug_provider(&plugs, ""));
	assert_null(plug_provider(&plugs, "trace"));
	assert_null(plug_builtin(&plugs, ""));
}

static void
test_proto(void **state)
{
	static const char *const bad[] = { "", "(", "u32 (", "u32 (int", "u32 (int,", "u32 (int,)", "u32 ([int)", "u32 ([int], int)",
					   "u32 (...,int)", "u32 (int) x", "u32 x", "u32 (toolongaword)",
					   "u8 (int,int,int,int,int,int,int,int,int)" };
	struct proto p;

	(void)state;
	assert_false(proto_read(NULL, &p));
	for (size_t i = 0; i < LENGTH(bad); i++)
		if (proto_read(bad[i], &p))
			fail_msg("'%s' was read", bad[i]);
	assert_true(proto_read("u32", &p) && p.is_var && !p.n_args && strcmp(p.ret, "u32") == 0);
	assert_true(proto_read("? ()", &p) && !p.is_var && !p.n_args && !p.is_variadic);
	assert_true(proto_read("str (ptr, [int], [ word ])", &p));
	assert_int_equal(p.n_args, 3);
	assert_int_equal(p.n_min, 1);
	assert_string_equal(p.arg[2].word, "word");
	assert_true(p.arg[1].is_optional && !p.arg[0].is_optional && !p.is_variadic);
	assert_true(proto_read("void(lit,...)", &p) && p.is_variadic && p.n_args == 1 && p.n_min == 1);
	assert_true(proto_read("void (...)", &p) && p.is_variadic && !p.n_args);
}

/* ---- attach points ---- */

struct script { struct fixture f; struct compile c; };

static void
open_script(struct script *s)
{
	s->f = open_kernel(FAKE_ROOT, FAKE_BTF);
	s->c = (struct compile){
		.ctx = s->f.ctx, .plugs = &plugs, .kernel = s->f.k, .opts = &s->f.ctx->opts, .diags = s->f.ctx->diags,
		.tmp = arena_new(), .img = image_new(), .limit = { 4096, 1024, 1024, 1024, 32 },
	};
	s->c.keep = s->c.img->keep;
	s->c.types = s->c.img->types;
}

static void
close_script(struct script *s)
{
	arena_free(s->c.tmp);
	image_unref(s->c.img);
	close_kernel(&s->f);
}

static bool
attach(struct script *s, const char *src)
{
	struct parse_opts opts = { 0 };

	diags_reset(s->c.diags);
	s->c.file = diags_add_source(s->c.diags, "t.bt", src, strlen(src));
	s->c.prog = parse_program(s->c.tmp, s->c.diags, s->c.file, &opts);
	assert_non_null(s->c.prog);
	return pass_attach(&s->c);
}

static void
test_split(void **state)
{
	struct script s;
	const char *part[3];

	(void)state;
	open_script(&s);
	assert_int_equal(spec_split(&s.c, "a:b:c:d", part, 3), 4);
	assert_string_equal(part[2], "c");
	assert_int_equal(spec_split(&s.c, "", part, 3), 1);
	assert_string_equal(part[0], "");
	assert_int_equal(spec_split(&s.c, "\"a:b\":c", part, 3), 2);
	assert_string_equal(part[0], "a:b");
	assert_string_equal(part[1], "c");
	assert_int_equal(spec_split(&s.c, "x\"y\\\":z\"w", part, 3), 1);
	assert_string_equal(part[0], "xy\":zw");
	close_script(&s);
}

static void
test_every_error_is_told(void **state)
{
	struct script s;

	(void)state;
	open_script(&s);
	assert_false(attach(&s, "nope:x { 1 } begin { 1 } end:x, wibble { 1 } interval:s:0 { 1 }"));
	assert_int_equal(diags_errors(s.c.diags), 4);
	assert_int_equal(s.c.n_probes, 1);
	close_script(&s);
}

static void
test_limit(void **state)
{
	struct script s;

	(void)state;
	open_script(&s);
	s.c.limit.max_probes = 2;
	assert_true(attach(&s, "begin, end { 1 }"));
	assert_false(attach(&s, "begin, end, begin { 1 }"));
	assert_string_equal(diags_at(s.c.diags, 0)->tag, "E_PROBE_LIMIT");
	close_script(&s);
}

/* ---- system call events ---- */

static void
expect_call(const char *event, uint64_t kind, int64_t number)
{
	struct target t = { 0 };

	syscall_number(&t, event);
	if (t.num != kind || (kind && (int64_t)t.num2 != number))
		fail_msg("%s: %llu %llu", event, (unsigned long long)t.num, (unsigned long long)t.num2);
}

static void
test_syscall_numbers(void **state)
{
	(void)state;
#if defined(__x86_64__)
	expect_call("sys_enter_openat", SYSCALL_ENTER, 257);
	expect_call("sys_exit_openat", SYSCALL_EXIT, 257);
	expect_call("sys_enter_newfstat", SYSCALL_ENTER, 5);
	expect_call("sys_exit_umount", SYSCALL_EXIT, 166);
	expect_call("sys_enter_sendfile64", SYSCALL_ENTER, 40);
#endif
	expect_call("sys_enter_futex_wait", SYSCALL_ENTER, 455);
	expect_call("sys_enter_fstat", 0, 0); /* another call than the one with that number's name */
	expect_call("sys_enter_uname", 0, 0);
	expect_call("sys_enter_nope", 0, 0);
	expect_call("openat", 0, 0);
}

/* ---- how a program is attached ---- */

static uint32_t
form_of(struct script *s, const char *src, unsigned uses)
{
	struct prog prog = { 0 };

	assert_true(attach(s, src));
	struct probe *p = s->c.probes;

	p->uses = uses;
	prog.prog_type = p->prov->prog_type;
	assert_true(!p->prov->plan || p->prov->plan(&s->c, p, &prog));
	return prog.prog_type;
}

static void
test_forms(void **state)
{
	struct script s;

	(void)state;
	open_script(&s);
	assert_int_equal(form_of(&s, "tracepoint:syscalls:sys_enter_openat { 1 }", 0), BPF_PROG_TYPE_TRACING);
	assert_int_equal(form_of(&s, "tracepoint:syscalls:sys_enter_* { 1 }", USES_PROBE), BPF_PROG_TYPE_TRACING);
	assert_int_equal(form_of(&s, "tracepoint:syscalls:sys_enter_openat { 1 }", USES_STACK), BPF_PROG_TYPE_TRACEPOINT);
	assert_int_equal(form_of(&s, "tracepoint:sched:sched_switch { 1 }", 0), BPF_PROG_TYPE_RAW_TRACEPOINT);
	assert_int_equal(form_of(&s, "tracepoint:sched:sched_switch { 1 }", USES_ARGS), BPF_PROG_TYPE_TRACEPOINT);
	assert_int_equal(form_of(&s, "tracepoint:sched:sched_switch { 1 }", USES_STACK), BPF_PROG_TYPE_TRACEPOINT);
	assert_int_equal(form_of(&s, "rawtracepoint:sched_switch { 1 }", 0), BPF_PROG_TYPE_RAW_TRACEPOINT);
	assert_int_equal(form_of(&s, "rawtracepoint:sched_switch { 1 }", USES_ARGS), BPF_PROG_TYPE_TRACING);
	close_script(&s);
}

/* ---- listing ---- */

static int
collect(void *ud, const char *name, const char *doc)
{
	struct buf *b = ud;

	buf_fmt(b, "%s\n%s", name, doc ? doc : "");
	return 0;
}

static void
expect_list(unsigned flags, const char *pattern, const char *want)
{
	struct sonde_opts opts = { .size = sizeof(opts), .sysroot = FAKE_ROOT, .btf_path = FAKE_BTF, .flags = flags };
	struct buf got = { 0 };
	sonde *ctx;

	assert_int_equal(sonde_open(&opts, &ctx), SONDE_OK);
	assert_true(sonde_list_probes(ctx, pattern, collect, &got) >= 0);
	assert_string_equal(buf_cstr(&got), want);
	buf_free(&got);
	sonde_close(ctx);
}

static void
test_list(void **state)
{
	(void)state;
	expect_list(0, "begin,END", "begin\nend\n");
	expect_list(0, "interval:*s:", "interval:s:\ninterval:ms:\ninterval:us:\n");
	expect_list(0, "soft*:page*", "software:page-faults:\n");
	expect_list(0, "tracepoint:sched:sched_sw*", "tracepoint:sched:sched_switch\n");
	expect_list(0, "t:sched:nope", "");
	expect_list(0, "nope:x", "");
	expect_list(SONDE_VERBOSE, "tracepoint:syscalls:sys_exit_read", "tracepoint:syscalls:sys_exit_read\n    int __syscall_nr\n    long ret\n");
	expect_list(0, "sys_exit_rea", "tracepoint:syscalls:sys_exit_read\n");
}

static int
stop_at_once(void *ud, const char *name, const char *doc)
{
	(void)name;
	(void)doc;
	++*(int *)ud;
	return 77;
}

static void
test_list_stops(void **state)
{
	struct sonde_opts opts = { .size = sizeof(opts), .sysroot = FAKE_ROOT, .btf_path = FAKE_BTF };
	sonde *ctx;
	int n = 0;

	(void)state;
	assert_int_equal(sonde_open(&opts, &ctx), SONDE_OK);
	assert_int_equal(sonde_list_probes(ctx, NULL, stop_at_once, &n), 77);
	assert_int_equal(n, 1);
	sonde_close(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_provider_rows), cmocka_unit_test(test_builtin_rows), cmocka_unit_test(test_provider_names),
		cmocka_unit_test(test_proto), cmocka_unit_test(test_split), cmocka_unit_test(test_every_error_is_told),
		cmocka_unit_test(test_limit), cmocka_unit_test(test_syscall_numbers),
		cmocka_unit_test(test_forms), cmocka_unit_test(test_list), cmocka_unit_test(test_list_stops),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
