/* fuzz_compile.c - whole compilations against the pinned kernel, to BPF and back through an image: no crash, no LLVM abort, no
 * long wait, an image exactly when there is no error, every message inside the source, an image that saves and loads back as
 * the same bytes.  A first byte below 64: the rest is the script; else the rest makes one (grammar.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "include/sonde.h"
#include "tests/fuzz/grammar.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* What a compilation may take, in seconds of this process; sanitizers make it slow. */
#ifndef __has_feature
#define __has_feature(x) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || __has_feature(address_sanitizer)
enum { MAX_SECONDS = 20 };
#else
enum { MAX_SECONDS = 2 };
#endif
enum { MAX_SCRIPT = 65536 };

struct bytes {
	char *data;
	size_t len;
};

static void
require(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "fuzz_compile: %s\n", what);
	abort();
}

static int
keep(void *ud, const void *data, size_t len)
{
	struct bytes *b = ud;

	b->data = realloc(b->data, b->len + len + 1);
	require(b->data != NULL, "out of memory");
	memcpy(b->data + b->len, data, len);
	b->len += len;
	return 0;
}

/* How long line `line` (from 1) is, or -1 when the text has none; what follows the last newline is a line. */
static long
line_length(const char *text, size_t len, unsigned line)
{
	const char *end = text + len;

	while (--line) {
		text = text < end ? memchr(text, '\n', (size_t)(end - text)) : NULL;
		if (!text++)
			return -1;
	}
	const char *stop = text < end ? memchr(text, '\n', (size_t)(end - text)) : NULL;
	return (stop ? stop : end) - text;
}

static void
check_diags(const sonde *ctx, const char *text, size_t len, int status)
{
	size_t n_errors = 0;

	for (size_t i = 0; i < sonde_diag_count(ctx); i++) {
		const struct sonde_diag *d = sonde_diag_at(ctx, i);
		struct bytes shown = { 0 };

		require(d && d->text && d->text[0] && d->tag, "a message without a text");
		require(strcmp(d->tag, "E_INTERNAL") != 0, d->text);
		n_errors += d->level == SONDE_ERROR;
		if (d->at.file) {
			require(d->at.line > 0 && d->at.col > 0 && d->at.end_line >= d->at.line, "a place that is none");
			require(d->at.end_line > d->at.line || d->at.end_col >= d->at.col, "a place that ends before it begins");
			/* one behind the end is where something was expected */
			require((long)d->at.col <= line_length(text, len, d->at.line) + 1, "a place outside of its line");
			require((long)d->at.end_col <= line_length(text, len, d->at.end_line) + 2, "an end outside of its line");
		}
		sonde_diag_render(ctx, i, 0, keep, &shown);
		free(shown.data);
	}
	require((n_errors > 0) == (status != SONDE_OK), "an error without a failure, or the other way round");
}

static void
check_image(sonde *ctx, sonde_image *img)
{
	struct bytes once = { 0 }, twice = { 0 };
	sonde_image *again;

	require(sonde_image_save(img, keep, &once) == 0, "an image that cannot be saved");
	require(sonde_image_load(ctx, once.data, once.len, &again) == 0, "an image that cannot be loaded");
	require(sonde_image_save(again, keep, &twice) == 0, "a loaded image that cannot be saved");
	require(once.len == twice.len && !memcmp(once.data, twice.data, once.len), "an image that is not what was saved");
	sonde_image_free(again);
	free(once.data);
	free(twice.data);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sonde_opts opts = { .size = sizeof(opts), .sysroot = "tests/data/kernel", .flags = SONDE_UNSAFE | SONDE_TEST };
	static char made[MAX_SCRIPT];
	sonde_image *img;
	clock_t begin;
	size_t n;
	sonde *ctx;
	char *text;
	int status;

	if (!len || sonde_open(&opts, &ctx) < 0)
		return 0;
	n = data[0] < 64 ? len - 1 : grammar_make(data + 1, len - 1, 0, made, sizeof(made));
	text = malloc(n ? n : 1); /* exactly as long, so that a sanitizer sees a read behind it */
	require(text != NULL, "out of memory");
	memcpy(text, data[0] < 64 ? (const char *)data + 1 : made, n);
	if (getenv("SHOW"))
		fprintf(stderr, "%.*s\n", (int)n, text);
	begin = clock();
	status = sonde_compile(ctx, "fuzz", text, n, NULL, 0, &img);
	require(clock() - begin <= (clock_t)MAX_SECONDS * CLOCKS_PER_SEC, "compiles too long");
	require((status == SONDE_OK) == (img != NULL), "an image with a failure, or none without one");
	check_diags(ctx, text, n, status);
	if (img)
		check_image(ctx, img);
	sonde_image_free(img);
	sonde_close(ctx);
	free(text);
	return 0;
}
