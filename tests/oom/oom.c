/* oom.c - makes the n-th allocation of the library fail, for n = 1, 2, ... until a whole run succeeds: compile, save,
 * load and, as root, attach, poll, stop and read the maps.  Each failure has to be a status, never a crash; what leaks
 * the sanitized build tells. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "include/sonde.h"

void *oom_malloc(size_t n);
void *oom_calloc(size_t n, size_t size);
void *oom_realloc(void *p, size_t n);

static unsigned long fails_at, n_allocations; /* 0: never fails */

static bool
may_allocate(void)
{
	return ++n_allocations != fails_at;
}

void *
oom_malloc(size_t n)
{
	return may_allocate() ? malloc(n) : NULL;
}

void *
oom_calloc(size_t n, size_t size)
{
	return may_allocate() ? calloc(n, size) : NULL;
}

void *
oom_realloc(void *p, size_t n)
{
	return may_allocate() ? realloc(p, n) : NULL;
}

struct bytes {
	char data[1 << 20];
	size_t len;
};
static struct bytes saved;
static char message[256];                /* of the last run that failed */

static int
keep(void *ud, const void *data, size_t len)
{
	struct bytes *b = ud;

	if (b->len + len > sizeof(b->data))
		return 1;
	memcpy(b->data + b->len, data, len);
	b->len += len;
	return 0;
}

static int
ignore_row(void *ud, const struct sonde_value *key, const struct sonde_value *val)
{
	(void)ud;
	(void)key;
	(void)val;
	return 0;
}

static int
ignore_event(void *ud, const struct sonde_event *e)
{
	(void)ud;
	sonde_event_each(e, ignore_row, NULL);
	return 0;
}

static int
ignore_name(void *ud, const char *name, const char *doc)
{
	(void)ud;
	(void)name;
	(void)doc;
	return 0;
}

/* Loads the image into the kernel and runs it through.  Returns the first status that is negative. */
static int
run(sonde *ctx, sonde_image *img)
{
	sonde_session *ses = NULL;
	int status = sonde_attach(ctx, img, &ses);

	for (int i = 0; status >= 0 && i < 20 && !sonde_finished(ses, NULL); i++)
		status = sonde_poll(ses, 10);
	if (ses) {
		int stopped = sonde_stop(ses), shown = sonde_map_print(ses, NULL);
		int listed = sonde_map_each(ses, "@k", ignore_row, NULL);

		status = status < 0 ? status : stopped < 0 ? stopped : shown < 0 ? shown : listed < 0 ? listed : status;
	}
	sonde_session_free(ses);
	return status;
}

static int
whole_run(const char *source, const char *sysroot, bool is_run)
{
	struct sonde_opts opts = { .size = sizeof(opts), .event = ignore_event, .sysroot = sysroot, .dump = "P" };
	sonde *ctx = NULL;
	sonde_image *img = NULL, *again = NULL;
	int status = sonde_open(&opts, &ctx);

	if (status >= 0)
		status = sonde_compile(ctx, "oom", source, strlen(source), NULL, 0, &img);
	saved.len = 0;
	if (status >= 0)
		status = sonde_format(ctx, "oom", source, strlen(source), keep, &saved);
	if (status >= 0)
		status = sonde_image_probes(img, ignore_name, NULL);
	saved.len = 0;
	if (status >= 0)
		status = sonde_image_save(img, keep, &saved);
	if (status >= 0)
		status = sonde_image_load(ctx, saved.data, saved.len, &again);
	if (status >= 0 && is_run)
		status = run(ctx, again);
	snprintf(message, sizeof(message), "%s", ctx ? sonde_errmsg(ctx) : "");
	sonde_image_free(img);
	sonde_image_free(again);
	if (ctx)
		sonde_close(ctx);
	return status;
}

/* Fails every allocation once.  step: not every number for long runs, but all the first ones. */
static bool
exhaust(const char *what, const char *source, const char *sysroot, bool is_run, int want)
{
	unsigned long n;
	int status, n_wrong = 0;

	fails_at = n_allocations = 0;
	status = whole_run(source, sysroot, is_run);
	if ((status < 0 ? status : 0) != want) {
		printf("FAILED %s: status %d with all the memory there is: %s\n", what, status, message);
		return false;
	}
	n = n_allocations;
	for (unsigned long i = 1; i <= n; i++) {
		fails_at = i;
		n_allocations = 0;
		status = whole_run(source, sysroot, is_run);
		/* A message or an event may be lost: then the run itself goes on.  A question to the kernel that failed
		 * may surface as what could not be known: but a script is never found right or wrong by accident. */
		if (status < 0 && status != SONDE_ENOMEM && !message[0]) {
			printf("FAILED %s: allocation %lu of %lu gives status %d (%s) and no message\n", what, i, n, status,
			       sonde_strerror(status));
			n_wrong++;
		}
		if (status >= 0 && want < 0) {
			printf("FAILED %s: allocation %lu of %lu makes a wrong script right\n", what, i, n);
			n_wrong++;
		}
	}
	fprintf(stderr, "%s: %lu allocations\n", what, n);
	return !n_wrong;
}

int
main(void)
{
	static const char pinned[] =
		"config = { max_strlen = 64 }\n"
		"import \"tests/data/import/tools.bt\";\n"
		"macro more(x, @m) { let $t = x; if comptime (is_str(x)) { @m[$t] = 1; } else { @m[\"\"] = getopt(\"n\", 1); } }\n"
		"tracepoint:sched:sched_switch /args.next_pid > 0/ {\n"
		"  $x = (1, \"two\", comm); @t[$x] = count(); @h[comm] = hist(args.next_pid);\n"
		"  @k[pid, tid] = sum(-1); for ($kv : @k) { print($kv); } if (@h2 > 1) { printf(\"%s %d\\n\", comm, 5); }\n"
		"  more(\"a\", @z); more(plus_one(2), @z); $y = if comptime (getopt(\"b\")) { 1 } else { sizeof(pid) };\n"
		"  @h2 = avg(3); @l = lhist(5, 0, 10, 1); @s[kstack] = stats(2); print(curtask.real_parent.comm);\n"
		"}\n";
	static const char c_defs[] =
		"#define N 3\n#if N > 2\ntypedef struct { int a : N; struct list_head l; char c[N]; } t;\n#endif\nenum e { A = sizeof(t), B };\n"
		"struct s { struct s *next; t in; enum e e; };\nbegin { $s = (struct s *)0; print(($s->in.a, A, N + 1)); }";
	static const char wrong[] = "macro a(x) { a(x) } macro b(x) { x + $q } macro c { @q } begin { a(b(1)); b(2); } begin { $x = nonsense; @a = 1; @a[1] = 2; $y = \"a\" * 3; } foo:bar { prinf(1); }";
	static const char runs[] =
		"begin { @k[1] = count(); @k[2] = count(); @h = hist(5); printf(\"%s %d\\n\", comm, 1); print(@h); print((1, \"a\")); exit(); }\n"
		"end { @s[\"a\"] = stats(3); }";
	bool is_root = geteuid() == 0;
	int n_failed = 0;

	n_failed += !exhaust("compile", pinned, "tests/data/kernel", false, SONDE_OK);
	n_failed += !exhaust("C definitions", c_defs, "tests/data/kernel", false, SONDE_OK);
	n_failed += !exhaust("errors", wrong, "tests/data/kernel", false, SONDE_ESOURCE);
	if (is_root)
		n_failed += !exhaust("run", runs, NULL, true, SONDE_OK);
	else
		printf("skipped run: needs root\n");
	printf("%d passed, %d failed, %d skipped\n", 3 + is_root - n_failed, n_failed, !is_root);
	return n_failed != 0;
}
