/* save.c - writes an image as bytes; inner.h has the form. */
#include <errno.h>
#include "image/inner.h"

struct saved_type {
	const struct type *type;
	bool behind_ptr;                         /* records without their fields */
};
struct writer {
	struct buf out;
	struct saved_type *type;
	uint32_t n_types, cap;
	bool failed;
};

uint64_t
image_checksum(const void *body, size_t len)
{
	const uint8_t *p = body;
	uint64_t h = 0xcbf29ce484222325u;        /* FNV-1a: a single changed byte always changes the sum */

	for (size_t i = 0; i < len; i++)
		h = (h ^ p[i]) * 0x100000001b3u;
	return h;
}

static void
store_le(uint8_t *p, uint64_t v, int n)
{
	for (int i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

void
image_seal(void *data, size_t len)
{
	uint8_t *p = data;

	memcpy(p, IMAGE_MAGIC, 8);
	store_le(p + 8, IMAGE_VERSION, 4);
	store_le(p + 12, 0, 4);
	store_le(p + 16, len - IMAGE_HEADER, 8);
	store_le(p + 24, image_checksum(p + IMAGE_HEADER, len - IMAGE_HEADER), 8);
}

/* ---- pieces ---- */

static void
put(struct writer *w, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_char(&w->out, (char)(v | 0x80));
	buf_char(&w->out, (char)v);
}

static void
put_signed(struct writer *w, int64_t v)
{
	put(w, (uint64_t)v << 1 ^ (uint64_t)(v >> 63));
}

static void
put_bytes(struct writer *w, const void *data, size_t len)
{
	put(w, data ? (uint64_t)len + 1 : 0);
	if (data && len)
		buf_add(&w->out, data, len);
}

static void
put_str(struct writer *w, const char *s)
{
	put_bytes(w, s, s ? strlen(s) : 0);
}

/* Only the script itself travels with the image: places elsewhere (macros) are lost. */
static void
put_span(struct writer *w, struct span at, const struct sonde_image *img)
{
	bool is_known = at.file == 0 && (size_t)at.off + at.len <= img->source_len;

	put(w, is_known);
	if (is_known) {
		put(w, at.off);
		put(w, at.len);
	}
}

/* ---- types ---- */

static uint32_t
type_index(const struct writer *w, const struct type *t, bool behind_ptr)
{
	for (uint32_t i = w->n_types; i-- > 0;)  /* backwards: parts were met just before */
		if (w->type[i].type == t && w->type[i].behind_ptr == behind_ptr)
			return i;
	return UINT32_MAX;
}

static bool
is_without_fields(const struct type *t, bool behind_ptr)
{
	return t->kind == T_RECORD && (behind_ptr || t->is_open);
}

/* Lists the type after all it is made of.  behind_ptr spreads to the parts, so nothing can come back to where it began. */
static void
collect_type(struct writer *w, const struct type *t, bool behind_ptr)
{
	if (!t || type_index(w, t, behind_ptr) != UINT32_MAX)
		return;
	collect_type(w, t->elem, behind_ptr || t->kind == T_PTR);
	if (t->fields && !is_without_fields(t, behind_ptr))
		for (uint32_t i = 0; i < t->n; i++)
			collect_type(w, t->fields[i].type, behind_ptr);
	if (w->n_types == w->cap) {
		uint32_t cap = w->cap ? w->cap * 2 : 64;
		struct saved_type *more = mem_realloc(w->type, cap * sizeof(*more));

		if (!more) {
			w->failed = true;
			return;
		}
		w->type = more;
		w->cap = cap;
	}
	w->type[w->n_types++] = (struct saved_type){ t, behind_ptr };
}

static void
put_type_ref(struct writer *w, const struct type *t, bool behind_ptr)
{
	put(w, t ? (uint64_t)type_index(w, t, behind_ptr) + 1 : 0);
}

static void
put_record(struct writer *w, const struct type *t, bool behind_ptr)
{
	uint32_t n = t->fields ? t->n : 0;

	put_str(w, t->name);
	put(w, t->size);
	put(w, t->align);
	if (is_without_fields(t, behind_ptr))
		return;
	put(w, n);
	for (uint32_t i = 0; i < n; i++) {
		const struct field *f = &t->fields[i];

		put_str(w, f->name);
		put_type_ref(w, f->type, behind_ptr);
		put(w, f->off);
		put(w, f->bit_off);
		put(w, f->bit_len);
		put(w, f->is_data_loc);
	}
}

static void
put_int(struct writer *w, const struct type *t)
{
	put(w, t->size);
	if (!t->enums)
		return;
	put_str(w, t->name);
	put(w, t->n);
	for (uint32_t i = 0; i < t->n; i++) {
		put_str(w, t->enums[i].name);
		put_signed(w, t->enums[i].value);
	}
}

static void
put_aggr(struct writer *w, const struct type *t, bool behind_ptr)
{
	put_str(w, t->aggr->name);
	put_type_ref(w, t->elem, behind_ptr);
	for (int i = 0; i < 4; i++)
		put_signed(w, t->param[i]);
}

static void
put_type(struct writer *w, const struct type *t, bool behind_ptr)
{
	put(w, t->kind);
	put(w, (t->is_signed ? SAVED_SIGNED : 0) | (t->is_union ? SAVED_UNION : 0) | (t->is_user ? SAVED_USER : 0) |
	       (t->fmt ? SAVED_FMT : 0) | (t->enums ? SAVED_ENUM : 0) |
	       (is_without_fields(t, behind_ptr) ? SAVED_OPEN : 0));
	switch (t->kind) {
	case T_VOID:
	case T_BOOL:
		break;
	case T_INT:
		put_int(w, t);
		break;
	case T_STR:
		put(w, t->size);
		break;
	case T_BYTES:
		put(w, t->n);
		break;
	case T_PTR:
		put_type_ref(w, t->elem, true);
		put(w, t->space);
		break;
	case T_ARRAY:
		put_type_ref(w, t->elem, behind_ptr);
		put(w, t->n);
		break;
	case T_RECORD:
		put_record(w, t, behind_ptr);
		break;
	case T_TUPLE:
		put(w, t->n);
		for (uint32_t i = 0; i < t->n; i++)
			put_type_ref(w, t->fields[i].type, behind_ptr);
		break;
	case T_AGGR:
		put_aggr(w, t, behind_ptr);
		break;
	case T_STACK:
		put(w, t->n);
		put(w, (uint64_t)t->param[0]);
		break;
	case T_WORD:
		put_str(w, t->name);
		break;
	}
	if (t->fmt)
		put_str(w, t->fmt->name);
}

static void
put_types(struct writer *w, const struct sonde_image *img)
{
	for (uint32_t i = 0; i < img->n_maps; i++) {
		collect_type(w, img->maps[i].key, false);
		collect_type(w, img->maps[i].val, false);
	}
	for (uint32_t i = 0; i < img->n_actions; i++)
		collect_type(w, img->actions[i].payload, false);
	put(w, w->n_types);
	for (uint32_t i = 0; i < w->n_types; i++)
		put_type(w, w->type[i].type, w->type[i].behind_ptr);
}

/* ---- tables ---- */

static void
put_maps(struct writer *w, const struct sonde_image *img)
{
	put(w, img->n_maps);
	for (uint32_t i = 0; i < img->n_maps; i++) {
		const struct mapdesc *m = &img->maps[i];

		put_str(w, m->name);
		put_type_ref(w, m->key, false);
		put_type_ref(w, m->val, false);
		put(w, (m->is_percpu ? SAVED_PERCPU : 0) | (m->is_atomic ? SAVED_ATOMIC : 0) |
		       (m->is_declared ? SAVED_DECLARED : 0) | (m->is_scalar ? SAVED_SCALAR : 0));
		put(w, m->bpf_type);
		put(w, m->bpf_flags);
		put(w, m->key_size);
		put(w, m->val_size);
		put(w, m->max);
		put(w, m->set_off);
		put_span(w, m->first, img);
	}
}

static void
put_actions(struct writer *w, const struct sonde_image *img)
{
	put(w, img->n_actions);
	for (uint32_t i = 0; i < img->n_actions; i++) {
		const struct action *a = &img->actions[i];

		put_str(w, a->builtin);
		put_type_ref(w, a->payload, false);
		put_str(w, a->fmt);
		put_signed(w, a->map);
		put(w, (uint64_t)a->n_num);
		for (int k = 0; k < a->n_num; k++)
			put_signed(w, a->num[k]);
		put_span(w, a->at, img);
	}
}

static void
put_progs(struct writer *w, const struct sonde_image *img)
{
	put(w, img->n_targets);
	for (uint32_t i = 0; i < img->n_targets; i++) {
		const struct target *t = &img->targets[i];

		put_str(w, t->provider);
		put_str(w, t->name);
		for (int k = 0; k < 4; k++)
			put_str(w, t->part[k]);
		put(w, t->num);
		put(w, t->num2);
		put_span(w, t->at, img);
	}
	put(w, img->n_progs);
	for (uint32_t i = 0; i < img->n_progs; i++) {
		const struct prog *p = &img->progs[i];

		put_str(w, p->section);
		put_str(w, p->name);
		put(w, p->prog_type);
		put(w, p->attach_type);
		put_str(w, p->btf_attach);
		put(w, p->btf_kind);
		put(w, p->first_target);
		put(w, p->n_targets);
		put_span(w, p->at, img);
	}
}

static void
put_rest(struct writer *w, const struct sonde_image *img)
{
	const struct image_config *c = &img->config;

	put(w, img->n_errors);
	for (uint32_t i = 0; i < img->n_errors; i++) {
		const struct errsite *e = &img->errors[i];

		put(w, e->what);
		put_str(w, e->detail);
		put_span(w, e->at, img);
	}
	put_str(w, img->kernel_id);
	put_str(w, img->license);
	put(w, img->max_payload);
	put(w, c->print_maps_on_exit);
	put(w, c->max_cat_bytes);
	put(w, c->stack_mode);
	put(w, c->missing_probes);
	put(w, c->log_size);
	put_str(w, c->str_trunc_trailer);
	put_bytes(w, img->elf, img->elf_len);
}

int
image_save(const struct sonde_image *img, sonde_write_fn write, void *ud)
{
	static const char header[IMAGE_HEADER];
	struct writer w = { 0 };
	int err = -ENOMEM;

	buf_add(&w.out, header, IMAGE_HEADER);
	put_str(&w, img->source_name);
	put_bytes(&w, img->source, img->source_len);
	put_types(&w, img);
	put_maps(&w, img);
	put_actions(&w, img);
	put_progs(&w, img);
	put_rest(&w, img);
	if (!w.failed && !w.out.failed) {
		image_seal(w.out.data, w.out.len);
		err = write(ud, w.out.data, w.out.len);
	}
	mem_free(w.type);
	buf_free(&w.out);
	return err;
}
