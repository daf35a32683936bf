/* fuzz_image.c - any bytes as a saved image.  What is accepted must be fit to be used: dumped, printed from, saved and loaded
 * again with the same bytes as the result. */
#include <stdint.h>
#include <stdlib.h>
#include "image/inner.h"
#include "runtime/rt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int
add_bytes(void *ud, const void *data, size_t len)
{
	buf_add(ud, data, len);
	return 0;
}

static int
ignore(void *ud, const struct sonde_event *ev)
{
	(void)ud, (void)ev;
	return 0;
}

/* Made once: symbols of the kernel take long to read. */
static struct sonde *
context(void)
{
	static struct sonde *ctx;
	struct sonde_opts opts = { .size = sizeof(opts), .event = ignore, .sysroot = "/nowhere" };

	if (!ctx && context_new(&opts, &ctx) != SONDE_OK)
		abort();
	return ctx;
}

/* A value of exactly that size, so that a read behind it is seen: all zeros, all ones, and a mixture. */
static void
try_value(struct render *r, const struct type *t, const char *fmt, struct buf *out)
{
	uint8_t *data = malloc(t->size ? t->size : 1);

	for (int fill = 0; fill < 3; fill++) {
		struct arena *arena = arena_new();
		struct sonde_value value;

		for (uint32_t i = 0; i < t->size; i++)
			data[i] = fill == 0 ? 0 : fill == 1 ? 0xff : (uint8_t)(i * 37 + 1);
		out->len = 0;
		print_value(r, t, data, 0, out);
		print_key(r, t, data, out);
		if (fmt)
			print_format(r, fmt, t, data, out);
		value_make(r, t, data, 0, arena, &value);
		if (t->kind == T_AGGR) {
			uint8_t *into = calloc(1, t->size);
			bool is_signed;

			t->aggr->merge(t, into, data);
			t->aggr->weight(t, into, &is_signed);
			t->aggr->print(r, t, into, 3, out);
			free(into);
		}
		arena_free(arena);
	}
	free(data);
}

static void
show_all(struct sonde_image *img)
{
	struct sonde_session ses = { .ctx = context(), .img = img };
	struct render r = { &ses, img };
	struct buf out = { 0 };

	ses.syms = syms_new(ses.ctx);
	for (uint32_t i = N_INTERNAL_MAPS; i < img->n_maps; i++) {
		if (img->maps[i].key)
			try_value(&r, img->maps[i].key, NULL, &out);
		try_value(&r, img->maps[i].val, NULL, &out);
	}
	for (uint32_t i = 0; i < img->n_actions; i++)
		try_value(&r, img->actions[i].payload, img->actions[i].fmt, &out);
	syms_free(ses.syms);
	buf_free(&out);
}

/* Numbers need not be written in the shortest form, so the first save may differ from the input; the second may not. */
static void
save_twice(const struct sonde_image *img)
{
	struct buf once = { 0 }, twice = { 0 };
	struct sonde_image *again;
	struct diags *d = diags_new();

	if (image_save(img, add_bytes, &once) != 0)
		abort();
	again = image_load(once.data, once.len, d);
	if (!again || image_save(again, add_bytes, &twice) != 0 || once.len != twice.len || memcmp(once.data, twice.data, once.len) != 0)
		abort();
	image_unref(again);
	buf_free(&once);
	buf_free(&twice);
	diags_free(d);
}

static void
load_one(const uint8_t *data, size_t len)
{
	struct diags *d = diags_new();
	struct sonde_image *img = image_load(data, len, d);
	struct buf text = { 0 };

	if (!img && diags_errors(d) != 1)
		abort();
	if (img) {
		image_dump(img, &text);
		show_all(img);
		save_twice(img);
	}
	buf_free(&text);
	image_unref(img);
	diags_free(d);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	uint8_t *sealed;

	load_one(data, len);
	if (len < IMAGE_HEADER)
		return 0;
	sealed = malloc(len);                    /* the same with a header that agrees: the way to what lies behind it */
	memcpy(sealed, data, len);
	image_seal(sealed, len);
	load_one(sealed, len);
	free(sealed);
	return 0;
}
