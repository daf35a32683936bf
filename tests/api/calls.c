/* calls.c - the public header used as a host program would: wrong uses, use after failures, images that are saved,
 * damaged and loaded again, typed values.  Writes an image for run_image.c where a file name is given. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "include/sonde.h"

static int n_passed, n_failed;

static void
check(int is_true, const char *what)
{
	if (is_true) {
		n_passed++;
		return;
	}
	n_failed++;
	printf("FAILED %s\n", what);
}

struct bytes {
	char data[1 << 20];
	size_t len;
};
static struct bytes saved, text;

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
refuse(void *ud, const void *data, size_t len)
{
	(void)ud;
	(void)data;
	(void)len;
	return 1;
}

static int
on_event(void *ud, const struct sonde_event *e)
{
	(void)ud;
	return e->kind == SONDE_EV_TEXT || e->kind == SONDE_EV_VALUE ? keep(&text, e->text, e->len) : 0;
}

static int
compile(sonde *ctx, const char *src, sonde_image **img)
{
	return sonde_compile(ctx, "api", src, strlen(src), NULL, 0, img);
}

static void
test_free_null(void)
{
	sonde_close(NULL);
	sonde_image_free(NULL);
	sonde_session_free(NULL);
	check(sonde_image_ref(NULL) == NULL, "a reference to no image is none");
	check(sonde_version()[0] >= '0' && sonde_strerror(SONDE_ENOMEM)[0] && sonde_strerror(-1000)[0], "texts are there");
}

static void
test_after_failure(sonde *ctx)
{
	sonde_image *img = (sonde_image *)ctx;
	const struct sonde_diag *d;

	check(compile(ctx, "begin { $x = ; }", &img) == SONDE_ESOURCE && !img, "a wrong script gives ESOURCE and no image");
	check(sonde_diag_count(ctx) > 0 && sonde_errmsg(ctx)[0], "it has a message");
	d = sonde_diag_at(ctx, 0);
	check(d && d->level == SONDE_ERROR && d->at.line == 1 && d->at.col > 1 && d->tag[0] == 'E', "the message has a place and a tag");
	text.len = 0;
	check(sonde_diag_render(ctx, 0, 0, keep, &text) == 0 && text.len > 20, "it can be rendered");
	check(sonde_diag_render(ctx, 0, 0, refuse, NULL) == SONDE_EIO, "a writer that fails is reported");
	check(sonde_diag_render(ctx, 1000, 0, keep, &text) < 0 && !sonde_diag_at(ctx, 1000), "there is no message 1000");
	check(compile(ctx, "begin { @x = 1; }", &img) == 0 && img, "the context works after a failure");
	check(sonde_diag_count(ctx) == 0 && !sonde_errmsg(ctx)[0], "the old messages are gone");
	sonde_image_free(img);
}

static void
test_images(sonde *ctx)
{
	sonde_image *img = NULL, *again = NULL;
	static struct bytes second;
	int status;

	check(compile(ctx, "begin { @x[1, \"a\"] = hist(5); printf(\"%d\\n\", 7); exit(); }", &img) == 0, "compile");
	if (!img)
		return;
	saved.len = 0;
	check(sonde_image_save(img, keep, &saved) == 0 && saved.len > 100, "save");
	check(sonde_image_save(img, refuse, NULL) < 0, "a writer that fails is reported");
	check(sonde_image_load(ctx, saved.data, saved.len, &again) == 0 && again, "load");
	if (again)
		check(sonde_image_save(again, keep, &second) == 0 && second.len == saved.len &&
		      memcmp(second.data, saved.data, saved.len) == 0, "what was loaded saves as the same bytes");
	sonde_image_free(again);
	check(sonde_image_load(ctx, saved.data, 0, &again) == SONDE_EIMAGE && !again, "nothing is no image");
	check(sonde_image_load(ctx, "#!/bin/sh\n", 10, &again) == SONDE_EIMAGE && !again, "a script is no image");
	for (size_t n = 1, wrong = 0; n < saved.len; n += 1 + n / 50) {
		status = sonde_image_load(ctx, saved.data, n, &again);
		wrong += status != SONDE_EIMAGE || again != NULL;
		sonde_image_free(again);
		if (n + 1 + n / 50 >= saved.len)
			check(wrong == 0, "a cut image is refused");
	}
	for (size_t i = 0; i < saved.len; i += 1 + i / 40) { /* must not crash; most are refused */
		saved.data[i] ^= 0x55;
		if (sonde_image_load(ctx, saved.data, saved.len, &again) == 0)
			sonde_image_free(again);
		saved.data[i] ^= 0x55;
	}
	check(1, "damaged images do no harm");
	sonde_image_free(img);
}

static int
sum_row(void *ud, const struct sonde_value *key, const struct sonde_value *val)
{
	uint64_t *sum = ud;

	if (key->kind == SONDE_TUPLE && key->n_items == 2 && key->item[1].kind == SONDE_STR)
		*sum += key->item[0].num.u * 1000 + val->num.u + (key->item[1].len == 3);
	return 0;
}

static int
count_name(void *ud, const char *name, const char *doc)
{
	(void)name;
	(void)doc;
	++*(int *)ud;
	return 0;
}

static void
test_session(sonde *ctx)
{
	static const char src[] = "begin { @m[3, \"abc\"] = 39; @n = count(); @h = hist(5); printf(\"text %d\\n\", 1); exit(7); }";
	sonde_image *img = NULL;
	sonde_session *ses = NULL;
	uint64_t sum = 0;
	int code = -1, n = 0;

	text.len = 0;                            /* begin runs, and is heard, while attaching */
	if (compile(ctx, src, &img) < 0 || sonde_attach(ctx, img, &ses) < 0) {
		check(0, sonde_errmsg(ctx));
		sonde_image_free(img);
		return;
	}
	sonde_image_free(img);                   /* the session holds its own */
	while (!sonde_finished(ses, &code) && sonde_poll(ses, 100) >= 0)
		;
	check(sonde_stop(ses) == 0, "stop");
	sonde_finished(ses, &code);
	check(code == 7, "exit code");
	check(text.len >= 7 && memcmp(text.data, "text 1\n", 7) == 0, "output");
	check(sonde_poll(ses, 0) == SONDE_ESTATE && sonde_stop(ses) == SONDE_ESTATE, "a stopped session says so");
	check(sonde_map_each(ses, "@m", sum_row, &sum) >= 0 && sum == 3040, "typed keys and values");
	check(sonde_map_each(ses, "@none", sum_row, &sum) < 0, "no such map");
	check(sonde_map_list(ses, count_name, &n) >= 0 && n == 3, "list of maps");
	text.len = 0;
	check(sonde_map_print(ses, "@m") >= 0 && text.len == 15 && memcmp(text.data, "@m[3, abc]: 39\n", 15) == 0, "a map's text");
	check(sonde_map_clear(ses, "@m") >= 0, "clear");
	sum = 0;
	check(sonde_map_each(ses, "@m", sum_row, &sum) >= 0 && sum == 0, "a cleared map is empty");
	sonde_session_free(ses);
}

static void
write_image(sonde *ctx, const char *path)
{
	static const char src[] = "begin { @m[1] = count(); printf(\"from an image\\n\"); exit(); } end { printf(\"the end\\n\"); }";
	sonde_image *img = NULL;
	FILE *f = fopen(path, "wb");

	saved.len = 0;
	check(f && compile(ctx, src, &img) == 0 && sonde_image_save(img, keep, &saved) == 0 &&
	      fwrite(saved.data, 1, saved.len, f) == saved.len, "image for the run side");
	if (f)
		fclose(f);
	sonde_image_free(img);
}

int
main(int argc, char **argv)
{
	struct sonde_opts opts = { .size = sizeof(opts), .event = on_event };
	sonde *ctx;
	int n = 0;

	test_free_null();
	check(sonde_open(NULL, &ctx) == 0 && ctx, "open with defaults");
	sonde_close(ctx);
	if (sonde_open(&opts, &ctx) < 0)
		return 1;
	test_after_failure(ctx);
	test_images(ctx);
	check(sonde_complete(ctx, "str", count_name, &n) >= 0 && n >= 2, "completion");
	check(sonde_is_unfinished("begin {", 7) == 1 && sonde_is_unfinished("begin { }", 9) == 0, "unfinished");
	if (argc > 1)
		write_image(ctx, argv[1]);
	if (geteuid() == 0)
		test_session(ctx);
	else
		puts("skipped session: needs root");
	sonde_close(ctx);
	printf("%d passed, %d failed, %d skipped\n", n_passed, n_failed, geteuid() != 0);
	return n_failed != 0;
}
