/* test_sym.c - names of addresses: a made-up kernel, the running one, this process, its libraries, dead processes. */
#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "runtime/rt.h"

int sym_test_function(int x);
__attribute__((noinline)) int
sym_test_function(int x)
{
	return x * 7 + getpid();
}

__attribute__((noinline)) static int
sym_test_local(int x)
{
	return x * 9 + getpid();
}

static const char *
kernel_name(struct syms *syms, uint64_t addr, bool with_offset)
{
	static struct buf b;

	b.len = 0;
	sym_kernel(syms, addr, with_offset, &b);
	return buf_cstr(&b);
}

static const char *
user_name(struct syms *syms, pid_t pid, const void *addr, size_t plus, bool with_offset)
{
	static struct buf b;

	b.len = 0;
	sym_user(syms, (uint32_t)pid, (uintptr_t)addr + plus, with_offset, &b);
	return buf_cstr(&b);
}

/* ---- the kernel ---- */

static struct syms *
syms_with(const char *kallsyms, struct sonde **ctx)
{
	char root[] = "/tmp/sonde-test-XXXXXX", path[100];
	struct sonde_opts opts = { .size = sizeof(opts), .sysroot = root };
	struct syms *syms;
	FILE *f;

	assert_non_null(mkdtemp(root));
	snprintf(path, sizeof(path), "mkdir %s/proc", root);
	assert_int_equal(system(path), 0);
	snprintf(path, sizeof(path), "%s/proc/kallsyms", root);
	f = fopen(path, "w");
	fputs(kallsyms, f);
	fclose(f);
	assert_int_equal(context_new(&opts, ctx), SONDE_OK);
	syms = syms_new(*ctx);
	kernel_name(syms, 0, false);             /* read on first use: the file may go */
	snprintf(path, sizeof(path), "rm -r %s", root);
	assert_int_equal(system(path), 0);
	return syms;
}

static void
kernel_symbols_by_address(void **state)
{
	struct sonde *ctx;
	struct syms *syms = syms_with("0000000000000000 A fixed_percpu_data\n"
				      "0000000000001000 A cpu_debug_store\n"
				      "ffffffff81000100 T second\n"
				      "ffffffff81000000 T _text\n"
				      "ffffffff81000000 t alias\n"
				      "ffffffff81000200 t last_of_core\n"
				      "ffffffffc0001000 t mod_fn\t[some_mod]\n"
				      "ffffffffc0000000 t bpf_prog_6deef7357e7b4530\t[bpf]\n", &ctx);
	const struct { uint64_t addr; const char *plain, *with_offset; } row[] = {
		{ 0xffffffff81000000, "_text", "_text+0" },
		{ 0xffffffff810000ff, "_text", "_text+255" },
		{ 0xffffffff81000100, "second", "second+0" },
		{ 0xffffffff81000210, "last_of_core", "last_of_core+16" },
		{ 0xffffffffc0001001, "mod_fn", "mod_fn+1" },
		{ 0xffffffffc0000010, "bpf_prog_6deef7357e7b4530", "bpf_prog_6deef7357e7b4530+16" },
		{ 0xffffffff80ffffff, "0xffffffff80ffffff", "0xffffffff80ffffff" },
		{ 0xffffffffa0000000, "0xffffffffa0000000", "0xffffffffa0000000" }, /* far behind the core's last */
		{ 0xffffffffffffffff, "0xffffffffffffffff", "0xffffffffffffffff" },
		{ 0x1001, "0x1001", "0x1001" },
		{ 0, "0x0", "0x0" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(row); i++) {
		assert_string_equal(kernel_name(syms, row[i].addr, false), row[i].plain);
		assert_string_equal(kernel_name(syms, row[i].addr, true), row[i].with_offset);
	}
	syms_free(syms);
	context_free(ctx);
}

static void
hidden_or_odd_kallsyms_give_addresses(void **state)
{
	static const char *const text[] = {
		"0000000000000000 T _text\n0000000000000000 t other\n", "", "\n\n \nxyz\nffffffff81000000\nffffffff81000000 \nffffffff81000000 T",
	};
	struct sonde *ctx;

	(void)state;
	for (size_t i = 0; i < LENGTH(text); i++) {
		struct syms *syms = syms_with(text[i], &ctx);

		assert_string_equal(kernel_name(syms, 0xffffffff81000004, true), "0xffffffff81000004");
		syms_free(syms);
		context_free(ctx);
	}
}

/* Lines are "address type name"; of several names for one address any may be printed, so those are left out. */
static void
running_kernel_is_read(void **state)
{
	FILE *f = fopen("/proc/kallsyms", "r");
	char line[1000], name[500], next_name[500], want[600], kind, next_kind;
	unsigned long long addr, next, before = 0;
	struct sonde *ctx;
	unsigned n = 0, i = 0;

	(void)state;
	if (!f || !fgets(line, sizeof(line), f) || sscanf(line, "%llx %c %499s", &addr, &kind, name) != 3) {
		print_message("skipped: /proc/kallsyms cannot be read\n");
		skip();
	}
	context_new(NULL, &ctx);
	struct syms *syms = syms_new(ctx);

	while (fgets(line, sizeof(line), f) && n < 2000) {
		if (sscanf(line, "%llx %c %499s", &next, &next_kind, next_name) != 3)
			continue;
		if (addr && addr > before && next > addr + 3 && next - addr < 4096 && (kind | 32) == 't' && i++ % 37 == 0 && !strchr(line, '[')) {
			snprintf(want, sizeof(want), "%s+3", name);
			assert_string_equal(kernel_name(syms, addr + 3, true), want);
			n++;
		}
		before = addr;
		addr = next;
		kind = next_kind;
		strcpy(name, next_name);
	}
	fclose(f);
	syms_free(syms);
	context_free(ctx);
	if (n == 0) {
		print_message("skipped: the kernel hides its addresses from this user\n");
		skip();
	}
}

/* ---- processes ---- */

static void
own_functions_have_names(void **state)
{
	struct sonde *ctx;
	char want[32];

	(void)state;
	context_new(NULL, &ctx);
	struct syms *syms = syms_new(ctx);

	assert_string_equal(user_name(syms, getpid(), (void *)sym_test_function, 0, true), "sym_test_function+0");
	assert_string_equal(user_name(syms, getpid(), (void *)sym_test_function, 3, true), "sym_test_function+3");
	assert_string_equal(user_name(syms, getpid(), (void *)sym_test_function, 3, false), "sym_test_function");
	assert_string_equal(user_name(syms, getpid(), (void *)sym_test_local, 1, true), "sym_test_local+1");
	assert_string_equal(user_name(syms, getpid(), (void *)mkdtemp, 2, true), "mkdtemp+2");
	assert_string_equal(user_name(syms, getpid(), (void *)printf, 1, true), "printf+1"); /* not _IO_printf */
	assert_string_equal(user_name(syms, getpid(), (void *)8, 8, true), "0x10");
	snprintf(want, sizeof(want), "0x%" PRIxPTR, (uintptr_t)&ctx); /* on the stack is no code */
	assert_string_equal(user_name(syms, getpid(), &ctx, 0, true), want);
	snprintf(want, sizeof(want), "0x%" PRIxPTR, (uintptr_t)sym_test_function);
	assert_string_equal(user_name(syms, 0x7ffffff0, (void *)sym_test_function, 0, true), want);
	assert_string_equal(user_name(syms, -1, (void *)sym_test_function, 0, true), want);
	assert_int_equal(sym_test_function(0) + sym_test_local(0), 2 * getpid());
	syms_free(syms);
	context_free(ctx);
}

struct vdso { const char *name; uint64_t offset; char kept[100]; };

static int
take_first(void *ud, const struct binary_symbol *sym)
{
	struct vdso *v = ud;

	if (strncmp(sym->name, "__vdso_", 7) != 0 || sym->size == 0)
		return 0;
	snprintf(v->kept, sizeof(v->kept), "%.*s", (int)sym->name_len, sym->name);
	v->offset = sym->offset;
	return 1;
}

static void
vdso_has_names(void **state)
{
	const char *base = (const char *)getauxval(AT_SYSINFO_EHDR), *name;
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned long long from, to, len = 0;
	struct vdso v = { 0 };
	struct sonde *ctx;
	char line[500];

	(void)state;
	while (fgets(line, sizeof(line), f))
		if (strstr(line, "[vdso]") && sscanf(line, "%llx-%llx", &from, &to) == 2)
			len = to - from;
	fclose(f);
	if (!base || !len) {
		print_message("skipped: there is no vdso\n");
		skip();
	}
	assert_int_equal(binary_walk_memory(base, len, take_first, &v), 1);
	context_new(NULL, &ctx);
	struct syms *syms = syms_new(ctx);

	name = user_name(syms, getpid(), base, v.offset, false);
	assert_non_null(strstr(name, v.kept + strlen("__vdso_"))); /* __vdso_time and time are one */
	syms_free(syms);
	context_free(ctx);
}

/* A process that is gone: known while it lived, its names stay; never seen, it has none. */
static void
dead_processes_keep_what_was_known(void **state)
{
	struct sonde *ctx;
	pid_t child[2];
	char want[32];

	(void)state;
	context_new(NULL, &ctx);
	struct syms *syms = syms_new(ctx);

	for (int i = 0; i < 2; i++) {
		child[i] = fork();
		if (child[i] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			pause();
			_exit(0);
		}
	}
	assert_string_equal(user_name(syms, child[0], (void *)sym_test_function, 0, true), "sym_test_function+0");
	for (int i = 0; i < 2; i++) {
		kill(child[i], SIGKILL);
		waitpid(child[i], NULL, 0);
	}
	usleep(1100 * 1000);                     /* past the time after which mappings are read again */
	assert_string_equal(user_name(syms, child[0], (void *)sym_test_function, 0, true), "sym_test_function+0");
	snprintf(want, sizeof(want), "0x%" PRIxPTR, (uintptr_t)sym_test_function);
	assert_string_equal(user_name(syms, child[1], (void *)sym_test_function, 0, true), want);
	syms_free(syms);
	context_free(ctx);
}

/* More processes than are remembered at once. */
static void
many_processes_are_bounded(void **state)
{
	enum { N = 100 };
	struct sonde *ctx;
	pid_t child[N];

	(void)state;
	context_new(NULL, &ctx);
	struct syms *syms = syms_new(ctx);

	for (int i = 0; i < N; i++) {
		child[i] = fork();
		if (child[i] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			pause();
			_exit(0);
		}
	}
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < N; i++)
			assert_string_equal(user_name(syms, child[i], (void *)sym_test_function, 1, true), "sym_test_function+1");
	for (int i = 0; i < N; i++) {
		kill(child[i], SIGKILL);
		waitpid(child[i], NULL, 0);
	}
	syms_free(syms);
	context_free(ctx);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_symbols_by_address),
		cmocka_unit_test(hidden_or_odd_kallsyms_give_addresses),
		cmocka_unit_test(running_kernel_is_read),
		cmocka_unit_test(own_functions_have_names),
		cmocka_unit_test(vdso_has_names),
		cmocka_unit_test(dead_processes_keep_what_was_known),
		cmocka_unit_test(many_processes_are_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
