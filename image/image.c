/* image.c - an image's life, and its text form for dumps. */
#include <linux/bpf.h>
#include "image/image.h"

struct sonde_image *
image_new(void)
{
	struct arena *keep = arena_new();
	struct sonde_image *img = keep ? arena_alloc(keep, sizeof(*img)) : NULL;

	if (!img) {
		arena_free(keep);
		return NULL;
	}
	img->keep = keep;
	img->types = types_new(keep);
	if (!img->types) {
		arena_free(keep);
		return NULL;
	}
	atomic_init(&img->refs, 1);
	return img;
}

void
image_unref(struct sonde_image *img)
{
	if (img && atomic_fetch_sub(&img->refs, 1) == 1)
		arena_free(img->keep);   /* img lives in it */
}

/* ---- dump P ---- */

static void
dump_progs(const struct sonde_image *img, struct buf *out)
{
	for (uint32_t i = 0; i < img->n_progs; i++) {
		const struct prog *p = &img->progs[i];

		buf_fmt(out, "prog %u", i);
		for (uint32_t k = 0; k < p->n_targets; k++)
			buf_fmt(out, "%s%s\n", k ? "       " : " ", p->targets[k].name);
		if (p->n_targets == 0)
			buf_char(out, '\n');
	}
}

static bool
is_lru(uint32_t bpf_type)
{
	return bpf_type == BPF_MAP_TYPE_LRU_HASH || bpf_type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

/* Sizes and flags for the kernel stay out: they are codegen's business and would make the text change with it. */
static void
dump_maps(const struct sonde_image *img, struct buf *out)
{
	for (uint32_t i = N_INTERNAL_MAPS; i < img->n_maps; i++) {
		const struct mapdesc *m = &img->maps[i];

		buf_fmt(out, "map %s", m->name);
		if (m->key) {
			buf_str(out, "  key ");
			type_name_to(out, m->key);
		}
		buf_str(out, "  val ");
		if (m->val)
			type_name_to(out, m->val);
		if (m->is_percpu)
			buf_str(out, "  per-cpu");
		if (m->is_atomic)
			buf_str(out, "  atomic");
		if (is_lru(m->bpf_type))
			buf_str(out, "  lru");
		if (!m->is_scalar)
			buf_fmt(out, "  max %u", m->max);
		buf_char(out, '\n');
	}
}

static void
quote(struct buf *out, const char *s)
{
	static const char plain[] = "\n\t\r\\\"", letter[] = "ntr\\\"";

	buf_char(out, '"');
	for (; *s; s++) {
		const char *p = strchr(plain, *s);

		if (p)
			buf_fmt(out, "\\%c", letter[p - plain]);
		else if ((unsigned char)*s < 32)
			buf_fmt(out, "\\x%02x", (unsigned char)*s);
		else
			buf_char(out, *s);
	}
	buf_char(out, '"');
}

static void
dump_actions(const struct sonde_image *img, struct buf *out)
{
	for (uint32_t i = 0; i < img->n_actions; i++) {
		const struct action *a = &img->actions[i];

		buf_fmt(out, "action %u %s", i, a->builtin);
		if (a->map >= 0 && (uint32_t)a->map < img->n_maps)
			buf_fmt(out, " %s", img->maps[a->map].name);
		if (a->fmt) {
			buf_char(out, ' ');
			quote(out, a->fmt);
		}
		for (int k = 0; k < a->n_num; k++)
			buf_fmt(out, " %lld", (long long)a->num[k]);
		if (a->payload) {
			buf_char(out, ' ');
			type_name_to(out, a->payload);
		}
		buf_char(out, '\n');
	}
}

void
image_dump(const struct sonde_image *img, struct buf *out)
{
	dump_progs(img, out);
	dump_maps(img, out);
	dump_actions(img, out);
}
