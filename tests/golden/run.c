/* run.c - runs golden files: a script and, behind it, what is expected of it (HACKING.md, "Tests").
 *
 *   golden [--update] [--kernel DIR] FILE...     compiles against the kernel pinned under DIR; no root
 *   golden --accepted FILE...                    compiles against the running kernel and loads; root
 *   golden --self FILE...                        runs it and compares its output; root
 *
 * Lines of an expectation, from the first line beginning with #! that is not the first of the file:
 *   #! S | M | A | R | T | C | P | G       the lines that follow (#!   text) are that pass's dump
 *   #! error 1:15-1:23 E_ARGC          and, if lines follow, its text and hints
 *   #! warning 1:1-1:5 W_CAST
 *   #! out                             the lines that follow are the script's output (--self)
 *   #! args a b c                      positional parameters
 *   #! config NAME=VALUE               a config variable that beats the script's
 *   #! unsafe                          compiled with SONDE_UNSAFE
 *   #! ok                              nothing but that it compiles
 * Files under self/ are compiled with SONDE_TEST. */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "include/sonde.h"

enum { PASSED, FAILED, SKIPPED };
enum mode { COMPILE, UPDATE, ACCEPTED, SELF };
#define MAX_BLOCKS 64
#define SECONDS 60

struct text {
	char *s;
	size_t n;
};
struct block {                           /* one directive and the lines under it */
	char *head;                      /* "error 1:15-1:23 E_ARGC" */
	struct text body;
};
struct golden {
	const char *path;
	char *file;                      /* all of it */
	size_t source_len;
	struct block block[MAX_BLOCKS];
	int n_blocks;
	const char *arg[32];
	int n_args;
	char *config;
	bool is_unsafe, is_test;
};
struct seen {                            /* what the library said */
	struct text log, out, warnings;  /* warnings: of the run, shown behind what the script printed */
};

static void
add(struct text *t, const char *s, size_t n)
{
	t->s = realloc(t->s, t->n + n + 1);
	if (!t->s)
		exit(FAILED);
	memcpy(t->s + t->n, s, n);
	t->n += n;
	t->s[t->n] = '\0';
}

static void
add_fmt(struct text *t, const char *fmt, ...)
{
	char *s;
	va_list ap;

	va_start(ap, fmt);
	int n = vasprintf(&s, fmt, ap);
	va_end(ap);
	if (n >= 0)
		add(t, s, (size_t)n);
	free(s);
}

static const char *
str(const struct text *t)
{
	return t->s ? t->s : "";
}

/* ---- reading ---- */

static void
read_words(struct golden *g, char *s)
{
	for (char *w = strtok(s, " "); w && g->n_args < 32; w = strtok(NULL, " "))
		g->arg[g->n_args++] = w;
}

static void
take_line(struct golden *g, char *line)
{
	struct block *b = g->n_blocks ? &g->block[g->n_blocks - 1] : NULL;

	line += 2;
	if (b && (!*line || strncmp(line, "   ", 3) == 0)) {
		add(&b->body, *line ? line + 3 : "", strlen(*line ? line + 3 : ""));
		add(&b->body, "\n", 1);
		return;
	}
	line += *line == ' ';
	if (g->n_blocks == MAX_BLOCKS) {
		fprintf(stderr, "%s: more than %d expectations\n", g->path, MAX_BLOCKS);
		exit(FAILED);
	}
	b = &g->block[g->n_blocks++];
	b->head = strdup(line);
	if (strncmp(line, "args ", 5) == 0)
		read_words(g, line + 5);
	else if (strncmp(line, "config ", 7) == 0)
		g->config = strdup(line + 7);
	else if (strcmp(line, "unsafe") == 0)
		g->is_unsafe = true;
}

/* A new file begins with what its directory is about. */
static void
default_block(struct golden *g)
{
	static const char *const about[][2] = {
		{ "/parse/", "S" }, { "/macro/", "M" }, { "/attach/", "A" }, { "/resolve/", "R" }, { "/types/", "T" }, { "/plan/", "P" }, { "/self/", "out" },
	};

	for (size_t i = 0; i < sizeof(about) / sizeof(about[0]); i++)
		if (!g->n_blocks && strstr(g->path, about[i][0]))
			g->block[g->n_blocks++].head = strdup(about[i][1]);
}

static bool
golden_read(struct golden *g, const char *path)
{
	FILE *f = fopen(path, "r");
	struct text t = { 0 };
	char part[8192];
	size_t n;
	char *line, *rest;

	*g = (struct golden){ .path = path, .is_test = strstr(path, "/self/") != NULL };
	if (!f) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return false;
	}
	add(&t, "", 0);
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		add(&t, part, n);
	fclose(f);
	g->file = t.s;
	line = strstr(t.s, "\n#!");
	g->source_len = line ? (size_t)(line + 1 - t.s) : t.n;
	if (!line) {
		default_block(g);
		return true;
	}
	for (line = strtok_r(strdup(line + 1), "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		if (strncmp(line, "#!", 2) == 0)
			take_line(g, line);
	return true;
}

static const struct block *
find_block(const struct golden *g, const char *word)
{
	size_t n = strlen(word);

	for (int i = 0; i < g->n_blocks; i++)
		if (strncmp(g->block[i].head, word, n) == 0 && (!g->block[i].head[n] || g->block[i].head[n] == ' '))
			return &g->block[i];
	return NULL;
}

/* ---- compiling ---- */

static int
on_event(void *ud, const struct sonde_event *e)
{
	struct seen *seen = ud;

	switch (e->kind) {
	case SONDE_EV_TEXT:
	case SONDE_EV_VALUE:
		add(&seen->out, e->text, e->len);
		break;
	case SONDE_EV_RUNTIME_ERROR:
		add_fmt(&seen->warnings, "WARNING %u:%u-%u:%u: %.*s\n", e->at.line, e->at.col, e->at.end_line, e->at.end_col,
			(int)e->len, e->text);
		if (e->helper)
			add_fmt(&seen->warnings, "Additional Info - helper: %s, retcode: %lld\n", e->helper, (long long)e->retcode);
		break;
	case SONDE_EV_LOST:
		add_fmt(&seen->out, "lost %llu\n", (unsigned long long)e->lost);
		break;
	case SONDE_EV_LOG:
		add(&seen->log, e->text, e->len);
		break;
	default:
		break;
	}
	return 0;
}

static sonde *
open_context(const struct golden *g, struct seen *seen, const char *dump, const char *sysroot)
{
	struct sonde_opts opts = {
		.size = sizeof(opts), .event = on_event, .ud = seen, .dump = dump, .sysroot = sysroot,
		.flags = (g->is_test ? SONDE_TEST : 0) | (g->is_unsafe ? SONDE_UNSAFE : 0), .config = g->config,
	};
	sonde *ctx = NULL;

	if (sonde_open(&opts, &ctx) < 0)
		exit(FAILED);
	return ctx;
}

static sonde_image *
compile(const struct golden *g, sonde *ctx)
{
	sonde_image *img;
	int status = sonde_compile(ctx, "test", g->file, g->source_len, g->arg, g->n_args, &img);

	if ((status == 0) != (img != NULL))
		printf("status %d does not agree with the image\n", status);
	return img;
}

/* The messages as expectation lines. */
static void
write_diags(const sonde *ctx, bool is_image, struct text *out)
{
	size_t n_errors = 0;

	for (size_t i = 0; i < sonde_diag_count(ctx); i++) {
		const struct sonde_diag *d = sonde_diag_at(ctx, i);
		const char *hint = d->hint;

		if (d->level == SONDE_NOTE)
			continue;
		n_errors += d->level == SONDE_ERROR;
		add_fmt(out, "#! %s %u:%u-%u:%u %s\n#!   %s\n", d->level == SONDE_ERROR ? "error" : "warning",
			d->at.line, d->at.col, d->at.end_line, d->at.end_col, d->tag, d->text);
		while (hint && *hint) {
			int n = (int)strcspn(hint, "\n");

			add_fmt(out, "#!   hint: %.*s\n", n, hint);
			hint += n + (hint[n] == '\n');
		}
		for (size_t k = 0; k < d->n_from; k++)
			add_fmt(out, "#!   expanded from %s:%u:%u-%u:%u\n", d->from[k].file, d->from[k].line, d->from[k].col,
				d->from[k].end_line, d->from[k].end_col);
	}
	if (is_image != (n_errors == 0))
		add_fmt(out, "#! %s\n", is_image ? "an image in spite of errors" : "no image and no error");
}

static void
write_lines(struct text *out, const char *s)
{
	while (*s) {
		int n = (int)strcspn(s, "\n");

		if (n)
			add_fmt(out, "#!   %.*s\n", n, s);
		else
			add_fmt(out, "#!\n");
		s += n + (s[n] == '\n');
	}
}

static void
show_diags(const sonde *ctx)
{
	for (size_t i = 0; i < sonde_diag_count(ctx); i++) {
		const struct sonde_diag *d = sonde_diag_at(ctx, i);

		if (d->level == SONDE_ERROR)
			printf("    %u:%u %s %s\n", d->at.line, d->at.col, d->tag, d->text);
	}
}

/* Runs it on this kernel to its end; false after its messages. */
static bool
run_here(const struct golden *g, struct text *out)
{
	struct seen seen = { 0 };
	sonde *ctx = open_context(g, &seen, NULL, NULL);
	sonde_session *ses = NULL;
	sonde_image *img = compile(g, ctx);
	bool ok = img && sonde_attach(ctx, img, &ses) >= 0;

	if (!ok) {
		show_diags(ctx);
	} else {
		while (!sonde_finished(ses, NULL) && sonde_poll(ses, 100) >= 0)
			;
		sonde_stop(ses);
		add(&seen.out, seen.warnings.s ? seen.warnings.s : "", seen.warnings.n);
		sonde_map_print(ses, NULL);
		if (seen.out.n && seen.out.s[seen.out.n - 1] != '\n')
			add(&seen.out, "\n", 1);
	}
	sonde_session_free(ses);
	sonde_image_free(img);
	sonde_close(ctx);
	*out = seen.out;
	free(seen.log.s);
	free(seen.warnings.s);
	return ok;
}

/* Expectations of the same kinds as the file's, with what is true now; the output only where is_run. */
static void
write_actual(const struct golden *g, const char *kernel, bool is_run, struct text *out)
{
	struct text diags = { 0 };
	sonde_image *img;
	bool is_compiled = false;

	for (int i = 0; i < g->n_blocks; i++) {
		const char *head = g->block[i].head;
		struct seen seen = { 0 };
		sonde *ctx;

		if (strncmp(head, "error", 5) == 0 || strncmp(head, "warning", 7) == 0)
			continue;
		add_fmt(out, "#! %s\n", head);
		if (strcmp(head, "out") == 0) {
			struct text here = { 0 };

			write_lines(out, is_run && run_here(g, &here) ? str(&here) : str(&g->block[i].body));
			free(here.s);
		}
		if (strlen(head) != 1)
			continue;
		ctx = open_context(g, &seen, head, kernel);
		img = compile(g, ctx);
		write_lines(out, str(&seen.log));
		if (!is_compiled)
			write_diags(ctx, img != NULL, &diags);
		sonde_image_free(img);
		is_compiled = true;
		sonde_close(ctx);
		free(seen.log.s);
		free(seen.out.s);
	}
	if (!is_compiled) {
		struct seen seen = { 0 };
		sonde *ctx = open_context(g, &seen, NULL, kernel);

		img = compile(g, ctx);
		write_diags(ctx, img != NULL, &diags);
		sonde_image_free(img);
		sonde_close(ctx);
	}
	add(out, str(&diags), diags.n);
	free(diags.s);
}

/* The file's own expectations in the same order and form.  Messages whose text is not given match any text. */
static void
write_expected(const struct golden *g, struct text *out)
{
	for (int pass = 0; pass < 2; pass++)
		for (int i = 0; i < g->n_blocks; i++) {
			const struct block *b = &g->block[i];
			bool is_diag = strncmp(b->head, "error", 5) == 0 || strncmp(b->head, "warning", 7) == 0;

			if (is_diag != (pass == 1))
				continue;
			add_fmt(out, "#! %s\n", b->head);
			write_lines(out, str(&b->body));
		}
}

/* Where the expectation gives no text for a message, drops the actual one. */
static char *
without_text(const char *actual, const char *expected)
{
	struct text out = { 0 };

	add(&out, "", 0);
	while (*actual) {
		size_t n = strcspn(actual, "\n") + 1, m = strcspn(expected, "\n");
		bool is_diag = strncmp(actual, "#! error", 8) == 0 || strncmp(actual, "#! warning", 10) == 0;

		add(&out, actual, n);
		expected += m + (expected[m] == '\n');
		actual += n;
		if (is_diag && strncmp(expected, "#!   ", 5) != 0)
			while (strncmp(actual, "#!   ", 5) == 0)
				actual += strcspn(actual, "\n") + 1;
	}
	return out.s;
}

static void
show_lines(const char *label, const char *s)
{
	for (int i = 0; i < 3 && (*s || !i); i++) {
		int n = (int)strcspn(s, "\n");

		printf("    %s %.*s\n", i ? "         " : label, n, s);
		s += n + (s[n] == '\n');
	}
}

static void
show_difference(const char *want, const char *got)
{
	while (*want && *got) {
		size_t n = strcspn(want, "\n"), m = strcspn(got, "\n");

		if (n != m || memcmp(want, got, n) != 0)
			break;
		want += n + (want[n] == '\n');
		got += m + (got[m] == '\n');
	}
	show_lines("expected:", want);
	show_lines("got:     ", got);
}

static int
run_compile(struct golden *g, const char *kernel, bool is_update)
{
	struct text want = { 0 }, got = { 0 };
	char *cut;
	int result = PASSED;

	write_actual(g, kernel, is_update && geteuid() == 0, &got);
	write_expected(g, &want);
	add(&want, "", 0);
	add(&got, "", 0);
	cut = without_text(got.s, want.s);
	if (strcmp(want.s, got.s) != 0 && strcmp(want.s, cut) != 0) {
		result = FAILED;
		if (!is_update)
			show_difference(want.s, got.s);
	}
	if (is_update && result == FAILED) {
		FILE *f = fopen(g->path, "w");

		if (f && fwrite(g->file, 1, g->source_len, f) == g->source_len && fputs(got.s, f) >= 0 && fclose(f) == 0) {
			printf("    rewritten\n");
			result = PASSED;
		}
	}
	free(want.s);
	free(got.s);
	free(cut);
	return result;
}

/* ---- the running kernel ---- */

/* The tag of the first error where it only says that this kernel lacks what the script wants. */
static const char *
lacking(const sonde *ctx)
{
	static const char *const tags[] = { "E_PROBE_TARGET", "E_NO_MATCH", "E_ATTACH", "E_KERNEL", "E_FIELD",
					    "E_TYPE_NAME", "E_NAME", "E_NO_PROBES" };
	const struct sonde_diag *d = sonde_diag_count(ctx) ? sonde_diag_at(ctx, 0) : NULL;

	for (size_t i = 0; d && i < sizeof(tags) / sizeof(tags[0]); i++)
		if (strcmp(d->tag, tags[i]) == 0)
			return d->text;
	return NULL;
}

static int
run_accepted(const struct golden *g)
{
	struct seen seen = { 0 };
	sonde *ctx = open_context(g, &seen, NULL, NULL);
	sonde_session *ses = NULL;
	sonde_image *img;
	int result = PASSED;

	if (find_block(g, "error")) {
		sonde_close(ctx);
		return -1;               /* not one that compiles */
	}
	if (g->is_unsafe && strstr(g->file, "signal(")) {
		printf("    it would signal us\n");
		sonde_close(ctx);
		return SKIPPED;
	}
	img = compile(g, ctx);
	if (!img || sonde_attach(ctx, img, &ses) < 0) {
		const char *why = lacking(ctx);

		result = why ? SKIPPED : FAILED;
		if (why)
			printf("    not on this kernel: %s\n", why);
		else
			show_diags(ctx);
	}
	sonde_session_free(ses);
	sonde_image_free(img);
	sonde_close(ctx);
	free(seen.out.s);
	free(seen.log.s);
	return result;
}

static int
run_self(const struct golden *g)
{
	const struct block *want = find_block(g, "out");
	struct text got = { 0 };
	int result = FAILED;

	if (!want)
		return -1;
	if (run_here(g, &got)) {
		result = strcmp(str(&got), str(&want->body)) == 0 ? PASSED : FAILED;
		if (result == FAILED)
			show_difference(str(&want->body), str(&got));
	}
	free(got.s);
	return result;
}

/* ---- all files ---- */

/* Each file in a process of its own: a crash or a hang is one failure. */
static int
run_file(const char *path, enum mode mode, const char *kernel)
{
	pid_t pid;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		struct golden g;
		int result = FAILED;

		alarm(SECONDS);
		if (golden_read(&g, path))
			result = mode == ACCEPTED ? run_accepted(&g) : mode == SELF ? run_self(&g) :
				 run_compile(&g, kernel, mode == UPDATE);
		exit(result < 0 ? 99 : result);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return FAILED;
	if (WIFSIGNALED(status)) {
		printf("    %s\n", WTERMSIG(status) == SIGALRM ? "hangs" : strsignal(WTERMSIG(status)));
		return FAILED;
	}
	return WEXITSTATUS(status) == 99 ? -1 : WEXITSTATUS(status) > SKIPPED ? FAILED : WEXITSTATUS(status);
}

int
main(int argc, char **argv)
{
	static const char *const words[] = { "passed", "FAILED", "skipped" };
	const char *kernel = "tests/data/kernel";
	enum mode mode = COMPILE;
	int count[3] = { 0 };

	for (int i = 1; i < argc; i++) {
		int result;

		if (strcmp(argv[i], "--update") == 0) {
			mode = UPDATE;
		} else if (strcmp(argv[i], "--accepted") == 0) {
			mode = ACCEPTED;
		} else if (strcmp(argv[i], "--self") == 0) {
			mode = SELF;
		} else if (strcmp(argv[i], "--kernel") == 0 && i + 1 < argc) {
			kernel = argv[++i];
		} else {
			result = run_file(argv[i], mode, kernel);
			if (result < 0)
				continue;
			count[result]++;
			if (result != PASSED)
				printf("%s %s\n", words[result], argv[i]);
		}
	}
	printf("%d passed, %d failed, %d skipped\n", count[PASSED], count[FAILED], count[SKIPPED]);
	return count[FAILED] != 0;
}
