/* format.c - formats every script in the repository twice: the second time changes nothing, and what both texts compile to is the
 * same, instruction by instruction (issue 3, LANGUAGE 7.2 --fmt).
 *   format FILE...    a script, with or without expectations behind it; of a .md file every program in -e '...' */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "include/sonde.h"

struct text { char *s; size_t n; };
static int n_passed, n_failed;

static int
add(struct text *t, const char *s, size_t n)
{
	t->s = realloc(t->s, t->n + n + 1);
	if (!t->s)
		exit(1);
	if (n)
		memcpy(t->s + t->n, s, n);
	t->n += n;
	t->s[t->n] = '\0';
	return 0;
}

static int
write_text(void *ud, const void *s, size_t n)
{
	return add(ud, s, n);
}

/* Dumps without what tells of lines and columns: directives and labels of the debug information. */
static int
on_event(void *ud, const struct sonde_event *e)
{
	const char *p = e->text, *end = e->text + e->len;

	while (e->kind == SONDE_EV_LOG && p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p)), *next = nl ? nl + 1 : end;

		if (strncmp(p, "\t.", 2) != 0 && strncmp(p, ".L", 2) != 0)
			add(ud, p, (size_t)(next - p));
		p = next;
	}
	return 0;
}

static sonde *
open_context(struct text *log, const char *dump)
{
	struct sonde_opts opts = {
		.size = sizeof(opts), .event = on_event, .ud = log, .dump = dump, .sysroot = "tests/data/kernel",
		.flags = SONDE_UNSAFE | SONDE_TEST | SONDE_BENCH,
	};
	sonde *ctx = NULL;

	if (sonde_open(&opts, &ctx) < 0)
		exit(1);
	return ctx;
}

/* What it compiles to: programs, maps, actions, and the code; or the tags of its errors. */
static struct text
compiled(const struct text *script, const char *const *argv, int argc)
{
	struct text log = { NULL, 0 };
	sonde *ctx = open_context(&log, "PO");
	sonde_image *img = NULL;

	add(&log, "", 0);
	if (sonde_compile(ctx, "script", script->s, script->n, argv, argc, &img) < 0)
		for (size_t i = 0; i < sonde_diag_count(ctx); i++)
			if (sonde_diag_at(ctx, i)->level == SONDE_ERROR)
				add(&log, sonde_diag_at(ctx, i)->tag, strlen(sonde_diag_at(ctx, i)->tag));
	sonde_image_free(img);
	sonde_close(ctx);
	return log;
}

static int
format(const struct text *script, struct text *out)
{
	sonde *ctx = open_context(NULL, NULL);
	int status;

	*out = (struct text){ NULL, 0 };
	add(out, "", 0);
	status = sonde_format(ctx, "script", script->s, script->n, write_text, out);
	for (size_t i = 0; i < sonde_diag_count(ctx); i++)
		if (strcmp(sonde_diag_at(ctx, i)->tag, "E_INTERNAL") == 0)
			status = -100;
	sonde_close(ctx);
	return status;
}

static void
fail(const char *path, const char *what, const struct text *a, const struct text *b)
{
	n_failed++;
	printf("FAILED %s: %s\n--- one\n%s\n--- the other\n%s\n", path, what, a->s, b->s);
}

/* Is there a comment, and not a path in an attach point? */
static int
is_comment(const struct text *t, size_t i)
{
	if (t->s[i] != '/' || (t->s[i + 1] != '*' && t->s[i + 1] != '/'))
		return 0;
	return !i || t->s[i + 1] == '*' || !(isalnum((unsigned char)t->s[i - 1]) || strchr(":./*\"", t->s[i - 1]));
}

/* Comments of a text, one after the other and without blanks: none may be lost. */
static struct text
comments(const struct text *t)
{
	struct text out = { NULL, 0 };
	int in_string = 0;

	add(&out, "", 0);
	for (size_t i = 0; i + 1 < t->n; i++) {
		int is_line = t->s[i + 1] == '/';

		if (t->s[i] == '\n')
			in_string = 0;
		if (in_string && t->s[i] == '\\') {
			i++;
			continue;
		}
		in_string ^= t->s[i] == '"';
		if (in_string || !is_comment(t, i))
			continue;
		for (; i < t->n && (is_line ? t->s[i] != '\n' : strncmp(t->s + i, "*/", 2) != 0); i++)
			if (!isspace((unsigned char)t->s[i]))
				add(&out, t->s + i, 1);
	}
	return out;
}

static int
is_equal(const struct text *a, const struct text *b)
{
	return a->n == b->n && memcmp(a->s, b->s, a->n) == 0;
}

/* nsecs(sw_tai) compiles to what the clocks say: such a script never compiles to the same. */
static int
varies(const struct text *script, const struct text *was, const char *const *argv, int argc)
{
	struct text again = compiled(script, argv, argc);
	int differs = !is_equal(&again, was);

	free(again.s);
	return differs;
}

static void
check(const char *path, const struct text *script, const char *const *argv, int argc)
{
	struct text once, twice, a, b;
	int status = format(script, &once);

	if (status == -100) {
		fail(path, "formatting broke it", script, &once);
	} else if (status < 0) {
		free(once.s);            /* does not parse: nothing to format */
		return;
	}
	if (format(&once, &twice) < 0 || !is_equal(&once, &twice))
		fail(path, "formatted again it changes", &once, &twice);
	else
		n_passed++;
	a = compiled(script, argv, argc);
	b = compiled(&once, argv, argc);
	if (!is_equal(&a, &b) && !varies(script, &a, argv, argc))
		fail(path, "formatted it compiles to something else", &a, &b);
	else
		n_passed++;
	free(a.s);
	free(b.s);
	a = comments(script);
	b = comments(&once);
	if (!is_equal(&a, &b))
		fail(path, "comments are missing", &a, &b);
	free(a.s);
	free(b.s);
	free(once.s);
	free(twice.s);
}

static struct text
read_file(const char *path)
{
	struct text t = { NULL, 0 };
	char block[65536];
	FILE *f = fopen(path, "rb");

	if (!f) {
		perror(path);
		exit(1);
	}
	add(&t, "", 0);
	for (size_t n; (n = fread(block, 1, sizeof(block), f)) > 0;)
		add(&t, block, n);
	fclose(f);
	return t;
}

/* NAME.in.bt is to become NAME.out.bt. */
static void
check_layout(const char *path, const struct text *script)
{
	struct text once, want;
	size_t len = strlen(path);
	char name[512];

	if (len < 6 || len >= sizeof(name) || strcmp(path + len - 6, ".in.bt") != 0)
		return;
	snprintf(name, sizeof(name), "%.*s.out.bt", (int)len - 6, path);
	want = read_file(name);
	if (format(script, &once) < 0 || !is_equal(&once, &want))
		fail(path, "not the layout that was expected", &once, &want);
	else
		n_passed++;
	free(once.s);
	free(want.s);
}

/* A golden file: the script is what stands before its expectations, one of which may be its arguments. */
static void
check_golden(const char *path, struct text *t)
{
	char *end = strncmp(t->s, "#! ", 3) == 0 ? t->s : strstr(t->s, "\n#! "), *args, *save = NULL;
	const char *argv[32];
	int argc = 0;

	args = end ? strstr(end, "#! args ") : NULL;
	if (args) {
		args += 8;
		args[strcspn(args, "\n")] = '\0';
		for (char *w = strtok_r(args, " ", &save); w && argc < 32; w = strtok_r(NULL, " ", &save))
			argv[argc++] = w;
	}
	if (end) {
		end[end != t->s] = '\0';
		t->n = strlen(t->s);
	}
	check(path, t, argv, argc);
}

static void
check_manual(const char *path, const struct text *t)
{
	static const char *const argv[] = { "5" };

	for (const char *p = t->s; (p = strstr(p, "-e '")) != NULL;) {
		const char *end = strchr(p + 4, '\'');
		struct text script = { NULL, 0 };

		if (!end)
			break;
		add(&script, p + 4, (size_t)(end - p - 4));
		check(path, &script, argv, 1);
		free(script.s);
		p = end;
	}
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct text t = read_file(argv[i]);
		size_t len = strlen(argv[i]);

		if (len > 3 && strcmp(argv[i] + len - 3, ".md") == 0) {
			check_manual(argv[i], &t);
		} else {
			check_layout(argv[i], &t);
			check_golden(argv[i], &t);
		}
		free(t.s);
	}
	printf("%d passed, %d failed, 0 skipped\n", n_passed, n_failed);
	return n_failed != 0;
}
