/* test_binary.c - functions in ELF files and the files themselves, compared with what nm, readelf and ldconfig say. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include "image/context.h"

struct line { char name[200]; uint64_t addr, size; bool is_old; };
struct lines { struct line *line; size_t n; };

int binary_test_target(int x);
__attribute__((noinline)) int
binary_test_target(int x)
{
	return x * 3 + getpid();
}

static char *
own_path(void)
{
	static char path[4096];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);

	assert_true(n > 0);
	path[n] = 0;
	return path;
}

static const char *
libc_path(struct buf *b)
{
	assert_int_equal(binary_find("libc", NULL, 0, b), 0);
	return buf_cstr(b);
}

/* ---- what the other tools say ---- */

static int
by_name(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	return c ? c : x->is_old - y->is_old;
}

/* Functions by readelf: "  num: value size type bind vis ndx name@version". */
static struct lines
readelf_functions(const char *option, const char *path)
{
	struct lines l = { calloc(100000, sizeof(struct line)), 0 };
	char command[5000], text[1000], type[32], ndx[32], name[200], size[32];
	unsigned long long value;
	FILE *p;

	snprintf(command, sizeof(command), "readelf -W %s '%s' 2>/dev/null", option, path);
	p = popen(command, "r");
	while (fgets(text, sizeof(text), p) && l.n < 100000) {
		struct line *out = &l.line[l.n];

		if (sscanf(text, " %*d: %llx %31s %31s %*s %*s %31s %199s", &value, size, type, ndx, name) != 5 || value == 0 ||
		    strcmp(ndx, "UND") == 0 || (strcmp(type, "FUNC") != 0 && strcmp(type, "IFUNC") != 0))
			continue;
		out->addr = value;
		out->size = strtoull(size, NULL, 0);
		out->is_old = strchr(name, '@') && !strstr(name, "@@");
		snprintf(out->name, sizeof(out->name), "%.*s", (int)strcspn(name, "@"), name);
		l.n++;
	}
	pclose(p);
	qsort(l.line, l.n, sizeof(*l.line), by_name);
	return l;
}

/* The offset in the file by readelf's program headers: "LOAD offset vaddr paddr filesz ...". */
static uint64_t
readelf_offset(const char *path, uint64_t vaddr)
{
	static struct { char path[4096]; unsigned long long off[64], va[64], size[64]; int n; } known;
	char command[5000], text[1000];

	if (strcmp(known.path, path) != 0) {
		snprintf(command, sizeof(command), "readelf -lW '%s' 2>/dev/null", path);
		FILE *p = popen(command, "r");

		snprintf(known.path, sizeof(known.path), "%s", path);
		known.n = 0;
		while (fgets(text, sizeof(text), p) && known.n < 64)
			known.n += sscanf(text, " LOAD %llx %llx %*x %llx", &known.off[known.n], &known.va[known.n],
					  &known.size[known.n]) == 3;
		pclose(p);
	}
	for (int i = 0; i < known.n; i++)
		if (vaddr >= known.va[i] && vaddr < known.va[i] + known.size[i])
			return vaddr - known.va[i] + known.off[i];
	return UINT64_MAX;
}

/* ---- symbols ---- */

static void
own_functions_are_where_nm_says(void **state)
{
	char command[5000], text[1000], name[500], kind;
	unsigned long long addr;
	uint64_t off, size;
	unsigned n = 0;
	FILE *p;

	(void)state;
	snprintf(command, sizeof(command), "nm '%s'", own_path());
	p = popen(command, "r");
	while (fgets(text, sizeof(text), p)) {
		if (sscanf(text, "%llx %c %499s", &addr, &kind, name) != 3 || kind != 'T')
			continue;
		assert_int_equal(binary_symbol(own_path(), name, &off, &size), 0);
		assert_true(off == readelf_offset(own_path(), addr));
		n++;
	}
	pclose(p);
	assert_true(n > 2); /* the others are hidden, and local then */
	assert_int_equal(binary_symbol(own_path(), "binary_test_target", &off, &size), 0);
	assert_true(size > 0);
	assert_int_equal(binary_test_target(0), getpid());
}

static void
versions_and_ifuncs_are_found(void **state)
{
	struct buf b = { 0 };
	const char *libc = libc_path(&b);
	struct lines l = readelf_functions("--dyn-syms", libc);
	uint64_t off;

	(void)state;
	assert_true(l.n > 1000);
	for (size_t i = 0; i < l.n; i++) {       /* the first of a name is the default version */
		if (i && strcmp(l.line[i].name, l.line[i - 1].name) == 0)
			continue;
		if (i % 40 && strcmp(l.line[i].name, "memcpy") != 0 && strcmp(l.line[i].name, "malloc") != 0)
			continue;
		assert_int_equal(binary_symbol(libc, l.line[i].name, &off, NULL), 0);
		assert_true(off == readelf_offset(libc, l.line[i].addr));
	}
	assert_int_equal(binary_symbol(libc, "mallo", &off, NULL), -ENOENT);
	assert_int_equal(binary_symbol(libc, "mallocx", &off, NULL), -ENOENT);
	assert_int_equal(binary_symbol(libc, "", &off, NULL), -ENOENT);
	assert_int_equal(binary_symbol(libc, "environ", &off, NULL), -ENOENT); /* data */
	free(l.line);
	buf_free(&b);
}

static void
errors_are_told_apart(void **state)
{
	uint64_t off;

	(void)state;
	assert_int_equal(binary_symbol("/nowhere/at/all", "f", &off, NULL), -ENOENT);
	assert_int_equal(binary_symbol("/etc/passwd", "f", &off, NULL), -ENOEXEC);
	assert_int_equal(binary_symbol("/dev/null", "f", &off, NULL), -ENOEXEC);
	assert_int_equal(binary_symbol("/", "f", &off, NULL), -ENOEXEC);
	assert_int_equal(binary_offset("/etc/passwd", 0, &off), -ENOEXEC);
	assert_int_equal(binary_offset("/nowhere/at/all", 0, &off), -ENOENT);
	assert_int_equal(binary_offset(own_path(), UINT64_MAX, &off), -ENOENT);
}

struct seen { struct line *line; size_t n; };

static int
see(void *ud, const char *name, uint64_t offset, uint64_t size)
{
	struct seen *s = ud;

	snprintf(s->line[s->n].name, sizeof(s->line[s->n].name), "%s", name);
	s->line[s->n].size = size;
	s->line[s->n++].addr = offset;
	return 0;
}

static int
stop_at_third(void *ud, const char *name, uint64_t offset, uint64_t size)
{
	int *n = ud;

	(void)name, (void)offset, (void)size;
	return ++*n == 3 ? 77 : 0;
}

/* Stripped of what our own executable has twice: libc has versions, but only .dynsym. */
static void
all_symbols_are_those_of_readelf(void **state)
{
	struct buf b = { 0 };
	const char *libc = libc_path(&b);
	struct lines l = readelf_functions("--dyn-syms", libc), full = readelf_functions("-s", libc);
	struct seen s = { calloc(100000, sizeof(struct line)), 0 };
	size_t k = 0;
	int n = 0;

	(void)state;
	n = binary_each_symbol(libc, see, &s);
	assert_int_equal(n, s.n);
	n = 0;
	if (full.n == l.n) {                     /* no .symtab here: the two must agree entry by entry */
		for (size_t i = 0; i < l.n; i++) {
			if (i && strcmp(l.line[i].name, l.line[i - 1].name) == 0)
				continue;
			assert_true(k < s.n);
			assert_string_equal(s.line[k].name, l.line[i].name);
			assert_true(s.line[k].size == l.line[i].size);
			k++;
		}
		assert_int_equal(k, s.n);
	}
	for (size_t i = 1; i < s.n; i++)
		assert_true(strcmp(s.line[i - 1].name, s.line[i].name) < 0);
	assert_int_equal(binary_each_symbol(libc, stop_at_third, &n), 77);
	assert_int_equal(binary_each_symbol("/etc/passwd", see, &s), -ENOEXEC);
	free(l.line);
	free(full.line);
	free(s.line);
	buf_free(&b);
}

static void
addresses_become_offsets(void **state)
{
	struct lines l = readelf_functions("-s", own_path());
	uint64_t off;

	(void)state;
	assert_true(l.n > 10);
	for (size_t i = 0; i < l.n; i += 7) {
		assert_int_equal(binary_offset(own_path(), l.line[i].addr + 1, &off), 0);
		assert_true(off == readelf_offset(own_path(), l.line[i].addr + 1));
	}
	free(l.line);
}

/* ---- broken files ---- */

static int
count_symbol(void *ud, const struct binary_symbol *sym)
{
	assert_true(sym->name_len > 0 && strlen(sym->name) >= sym->name_len);
	++*(unsigned *)ud;
	return 0;
}

static uint32_t
next_random(uint32_t *seed)
{
	*seed = *seed * 1664525u + 1013904223u;
	return *seed >> 8;
}

/* Headers of the file and of its sections, where a changed byte does most. */
static void
broken_files_are_safe(void **state)
{
	char *data, *copy;
	ssize_t len = file_read(AT_FDCWD, "/bin/true", &data);
	uint32_t seed = 1;
	unsigned n = 0;
	uint64_t shoff;

	(void)state;
	assert_true(len > 4096);
	assert_int_equal(binary_walk_memory(data, (size_t)len, count_symbol, &n), 0);
	memcpy(&shoff, data + 40, 8);
	for (int round = 0; round < 20000; round++) {
		copy = malloc((size_t)len);
		memcpy(copy, data, (size_t)len);
		for (int k = next_random(&seed) % 4; k >= 0; k--) {
			size_t at = next_random(&seed) % 3 ? next_random(&seed) % 4096 : shoff + next_random(&seed) % 2048;

			copy[at % (size_t)len] = next_random(&seed) % 3 ? (char)next_random(&seed) : (char)0xff;
		}
		binary_walk_memory(copy, (size_t)len, count_symbol, &n);
		free(copy);
	}
	for (size_t cut = 0; cut < (size_t)len; cut += 1 + cut / 16) {
		copy = malloc(cut ? cut : 1);
		memcpy(copy, data, cut);
		binary_walk_memory(copy, cut, count_symbol, &n);
		free(copy);
	}
	mem_free(data);
}

/* ---- files ---- */

static bool
is_own_class(const char *path)
{
	char own[20], other[20];
	FILE *a = fopen("/proc/self/exe", "r"), *b = fopen(path, "r");
	bool is_same = a && b && fread(own, 20, 1, a) == 1 && fread(other, 20, 1, b) == 1 && own[4] == other[4] &&
		       memcmp(own + 18, other + 18, 2) == 0;

	if (a)
		fclose(a);
	if (b)
		fclose(b);
	return is_same;
}

/* Lines of ldconfig -p are "name (kind[, ...]) => path". */
static void
libraries_are_those_of_ldconfig(void **state)
{
	FILE *p = popen("PATH=$PATH:/sbin:/usr/sbin ldconfig -p", "r");
	char text[2000], name[300], path[1000], last[300] = "";
	struct buf b = { 0 };
	unsigned n = 0;

	(void)state;
	while (fgets(text, sizeof(text), p)) {
		char *arrow = strstr(text, " => ");

		if (!arrow || strstr(text, "hwcap") || sscanf(text, " %299s (", name) != 1 || sscanf(arrow, " => %999s", path) != 1)
			continue;
		if (!is_own_class(path) || strcmp(name, last) == 0)
			continue;                /* of two with one name the first is taken */
		strcpy(last, name);
		assert_int_equal(binary_find(name, NULL, 0, &b), 0);
		assert_string_equal(buf_cstr(&b), path);
		n++;
	}
	pclose(p);
	assert_int_equal(binary_find("libc", NULL, 0, &b), 0);
	assert_non_null(strstr(buf_cstr(&b), "/libc.so.6"));
	assert_int_equal(binary_find("libnosuchthing", NULL, 0, &b), -ENOENT);
	assert_int_equal(binary_find("lib", NULL, 0, &b), -ENOENT);
	buf_free(&b);
	if (n == 0) {
		print_message("skipped: there is no ldconfig\n");
		skip();
	}
}

static void
programs_are_found_in_the_path(void **state)
{
	char dir[] = "/tmp/sonde-test-XXXXXX", path[100], file[200];
	struct buf b = { 0 };

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/prog", dir);
	snprintf(path, sizeof(path), "/nowhere:%s:/bin", dir);
	close(open(file, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(binary_find("prog", path, 0, &b), -ENOENT); /* not executable */
	assert_int_equal(chmod(file, 0700), 0);
	assert_int_equal(binary_find("prog", path, 0, &b), 0);
	assert_string_equal(buf_cstr(&b), file);
	assert_int_equal(binary_find("prog", NULL, 0, &b), -ENOENT);
	assert_int_equal(binary_find("sh", path, 0, &b), 0);
	assert_string_equal(buf_cstr(&b), "/bin/sh");
	assert_int_equal(binary_find("", path, 0, &b), -ENOENT);
	assert_int_equal(binary_find(file, path, 0, &b), 0);
	assert_string_equal(buf_cstr(&b), file);
	assert_int_equal(binary_find(dir, path, 0, &b), -ENOENT); /* a directory */
	assert_int_equal(binary_find("/nowhere/prog", path, 0, &b), -ENOENT);
	assert_int_equal(chdir(dir), 0);
	assert_int_equal(binary_find("./prog", NULL, 0, &b), 0);
	assert_string_equal(buf_cstr(&b), "./prog");
	assert_int_equal(binary_find("prog", ":/bin", 0, &b), 0);
	assert_int_equal(chdir("/"), 0);
	unlink(file);
	rmdir(dir);
	buf_free(&b);
}

static void
mapped_objects_are_found_by_process(void **state)
{
	const char *own = own_path(), *base = strrchr(own, '/') + 1;
	struct buf b = { 0 };

	(void)state;
	assert_int_equal(binary_find(base, NULL, 0, &b), -ENOENT);
	assert_int_equal(binary_find(base, NULL, getpid(), &b), 0);
	assert_string_equal(buf_cstr(&b), own);
	assert_int_equal(binary_find("libcmocka", NULL, getpid(), &b), 0);
	assert_non_null(strstr(buf_cstr(&b), "libcmocka.so"));
	assert_int_equal(binary_find("/bin/sh", NULL, getpid(), &b), 0);
	assert_string_equal(buf_cstr(&b), "/bin/sh"); /* the same root: no detour */
	buf_free(&b);
}

/* A process with another root sees another /etc/ld.so.cache: here one of ours, whole and in ruins. */
static void
another_root_has_another_cache(void **state)
{
	char dir[] = "/tmp/sonde-test-XXXXXX", command[1000], cache[100], want[100], *data;
	struct buf a = { 0 }, b = { 0 };
	struct stat ours, theirs;
	int ends[2];
	pid_t child;
	uint32_t seed = 7;

	(void)state;
	if (geteuid() != 0 || access("/etc/ld.so.cache", R_OK) != 0) {
		print_message("skipped: needs root and /etc/ld.so.cache\n");
		skip();
	}
	assert_non_null(mkdtemp(dir));
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(binary_find("libthread_db", NULL, 0, &b), 0); /* one that this test has not mapped */
	snprintf(command, sizeof(command), "mkdir -p %s/etc %s$(dirname %s) && cp %s %s%s", dir, dir, b.data, b.data, dir, b.data);
	snprintf(want, sizeof(want), "%s", b.data);
	assert_int_equal(system(command), 0);
	child = fork();
	if (child == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a failed assertion must not leave it behind */
		if (chroot(dir) == 0)
			(void)!write(ends[1], "x", 1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(ends[0], command, 1), 1);
	libc_path(&a);
	assert_int_equal(binary_find("libc.so.6", NULL, child, &b), 0); /* mapped before it changed its root */
	assert_int_equal(stat(a.data, &ours), 0);
	assert_int_equal(stat(b.data, &theirs), 0);
	assert_int_equal(ours.st_ino, theirs.st_ino);
	assert_int_equal(binary_find("libthread_db", NULL, child, &b), -ENOENT); /* there is no cache yet */
	snprintf(cache, sizeof(cache), "%s/etc/ld.so.cache", dir);
	ssize_t len = file_read(AT_FDCWD, "/etc/ld.so.cache", &data);

	assert_true(len > 100);
	for (int round = 0; round < 3000; round++) {
		size_t n = round % 3 ? (size_t)len : (size_t)round * (size_t)len / 3000;
		char *copy = malloc((size_t)len);
		FILE *f = fopen(cache, "w");

		memcpy(copy, data, (size_t)len);
		for (int k = 0; round && k < 3; k++)
			copy[next_random(&seed) % (k ? 200 : (size_t)len)] = (char)next_random(&seed);
		fwrite(copy, n, 1, f);
		fclose(f);
		free(copy);
		binary_find("libnot", NULL, child, &b);
	}
	FILE *f = fopen(cache, "w");

	fwrite(data, (size_t)len, 1, f);
	fclose(f);
	assert_int_equal(binary_find("libthread_db", NULL, child, &b), 0);
	snprintf(command, sizeof(command), "/proc/%d/root%s", (int)child, want);
	assert_string_equal(buf_cstr(&b), command);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	mem_free(data);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
	close(ends[0]);
	close(ends[1]);
	buf_free(&a);
	buf_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_functions_are_where_nm_says),
		cmocka_unit_test(versions_and_ifuncs_are_found),
		cmocka_unit_test(errors_are_told_apart),
		cmocka_unit_test(all_symbols_are_those_of_readelf),
		cmocka_unit_test(addresses_become_offsets),
		cmocka_unit_test(broken_files_are_safe),
		cmocka_unit_test(libraries_are_those_of_ldconfig),
		cmocka_unit_test(programs_are_found_in_the_path),
		cmocka_unit_test(mapped_objects_are_found_by_process),
		cmocka_unit_test(another_root_has_another_cache),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
