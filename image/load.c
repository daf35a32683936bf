/* load.c - reads the bytes that save.c writes; inner.h has the form.  Any bytes are safe: what does not fit ends the load. */
#include "image/inner.h"

enum {                                   /* limits that no script comes near, but that keep hostile types affordable */
	MAX_SIZE = 1 << 24,              /* bytes of one value */
	MAX_DEPTH = 64,                  /* types within types: printing recurses */
	MAX_PARTS = 1 << 20,             /* leaves of one value: printing takes that long */
	MAX_FRAMES = 1 << 12,
};
struct read_type {
	const struct type *type;
	uint32_t depth, parts;
};
struct reader {
	const uint8_t *at, *end;
	const char *why;                 /* the first thing that was wrong; then everything reads as zero */
	struct sonde_image *img;
	struct read_type *type;
	uint32_t n_types;
	jmp_buf nomem;
};

/* ---- pieces ---- */

static uint64_t
bad(struct reader *r, const char *why)
{
	if (!r->why)
		r->why = why;
	r->at = r->end;
	return 0;
}

static uint64_t
get(struct reader *r)
{
	uint64_t v = 0;

	for (unsigned shift = 0; r->at < r->end && shift < 64; shift += 7) {
		uint8_t byte = *r->at++;

		v |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return shift == 63 && byte > 1 ? bad(r, "a number is too large") : v;
	}
	return bad(r, "it ends too early");
}

static uint32_t
get_max(struct reader *r, uint32_t max)
{
	uint64_t v = get(r);

	return (uint32_t)(v <= max ? v : bad(r, "a number is out of its range"));
}

static uint32_t
get_u32(struct reader *r)
{
	return get_max(r, UINT32_MAX);
}

static int64_t
get_signed(struct reader *r)
{
	uint64_t v = get(r);

	return (int64_t)(v >> 1 ^ -(v & 1));
}

/* The length of a list: every item has at least one byte, so memory stays in proportion to the input. */
static uint32_t
get_count(struct reader *r)
{
	uint64_t n = get(r);

	return (uint32_t)(n <= (uint64_t)(r->end - r->at) && n <= INT32_MAX ? n : bad(r, "a list is longer than the image"));
}

static void *
list_of(struct reader *r, uint32_t n, size_t size)
{
	return arena_alloc(r->img->keep, (n ? n : 1) * size);
}

/* NULL for NULL; the bytes are followed by a NUL that len does not count. */
static const char *
get_bytes(struct reader *r, size_t *len)
{
	uint64_t n = get(r);
	const char *s;

	*len = 0;
	if (n == 0)
		return NULL;
	if (n - 1 > (uint64_t)(r->end - r->at)) {
		bad(r, "a text is longer than the image");
		return NULL;
	}
	*len = (size_t)n - 1;
	s = arena_strndup(r->img->keep, (const char *)r->at, *len);
	r->at += *len;
	return s;
}

static const char *
get_str(struct reader *r)
{
	size_t len;
	const char *s = get_bytes(r, &len);

	if (s && strlen(s) != len) {
		bad(r, "a name holds a zero byte");
		return NULL;
	}
	return s;
}

static struct span
get_span(struct reader *r)
{
	struct span at = { 0 };

	if (!get_max(r, 1))
		return NO_SPAN;
	at.off = get_u32(r);
	at.len = get_u32(r);
	return at;
}

/* ---- types ---- */

static bool
add_parts(struct reader *r, struct read_type *into, uint64_t parts)
{
	if (parts > MAX_PARTS - into->parts)
		return bad(r, "a type has too many parts");
	into->parts += (uint32_t)parts;
	return true;
}

/* Type number i (from 1) of those read before, n times in `into`.  NULL after a failure, or for 0. */
static const struct type *
use_type(struct reader *r, uint32_t i, struct read_type *into, uint32_t n)
{
	const struct read_type *t;

	if (i == 0 || r->why)
		return NULL;
	t = i <= r->n_types ? &r->type[i - 1] : NULL;
	if (!t || t->depth + 1 > MAX_DEPTH) {
		bad(r, "a type is used before it is there, or too deep");
		return NULL;
	}
	if (!add_parts(r, into, (uint64_t)n * t->parts))
		return NULL;
	if (into->depth < t->depth + 1)
		into->depth = t->depth + 1;
	return t->type;
}

static const struct type *
get_type(struct reader *r, struct read_type *into)
{
	return use_type(r, get_u32(r), into, 1);
}

/* The type of a key, a value or a payload. */
static const struct type *
get_top_type(struct reader *r)
{
	return get_type(r, &(struct read_type){ 0 });
}

static const struct type *
read_int(struct reader *r, unsigned flags)
{
	struct types *ts = r->img->types;
	uint32_t size = get_max(r, 8), n;
	const char *name;
	struct enumval *vals;

	if (size == 0 || (size & (size - 1)))
		bad(r, "an integer has an odd size");
	if (r->why)
		return NULL;
	if (!(flags & SAVED_ENUM))
		return type_int(ts, size, flags & SAVED_SIGNED);
	name = get_str(r);
	n = get_count(r);
	vals = list_of(r, n, sizeof(*vals));
	for (uint32_t i = 0; i < n; i++) {
		vals[i].name = get_str(r);
		vals[i].value = get_signed(r);
		if (!vals[i].name)
			bad(r, "an enumerator has no name");
	}
	return r->why ? NULL : type_enum(ts, name, size, flags & SAVED_SIGNED, vals, n);
}

static const struct type *
read_array(struct reader *r, struct read_type *into)
{
	uint32_t i = get_u32(r), n = get_u32(r);
	const struct type *elem = use_type(r, i, into, n ? n : 1);

	if (!elem || (uint64_t)n * elem->size > MAX_SIZE) {
		bad(r, "an array is too large");
		return NULL;
	}
	return type_array(r->img->types, elem, n);
}

static bool
field_fits(const struct field *f, uint32_t size)
{
	uint32_t bytes = f->is_data_loc ? 4 : f->type->size;

	if (f->off > size || bytes > size - f->off)
		return false;
	return f->bit_len == 0 ? f->bit_off == 0
			       : type_is_number(f->type) && f->bit_off + f->bit_len <= f->type->size * 8;
}

static const struct type *
read_record(struct reader *r, struct read_type *into, unsigned flags)
{
	const char *name = get_str(r);
	uint32_t size = get_max(r, MAX_SIZE), align = get_max(r, 64), n;
	struct field *f;

	if (align == 0 || (align & (align - 1)))
		bad(r, "a record has an odd alignment");
	if (r->why)
		return NULL;
	if (flags & SAVED_OPEN)
		return type_opaque(r->img->types, name, size, align, flags & SAVED_UNION);
	n = get_count(r);
	f = list_of(r, n, sizeof(*f));
	for (uint32_t i = 0; i < n && !r->why; i++) {
		f[i].name = get_str(r);
		f[i].type = get_type(r, into);
		f[i].off = get_u32(r);
		f[i].bit_off = (uint8_t)get_max(r, 64);
		f[i].bit_len = (uint8_t)get_max(r, 64);
		f[i].is_data_loc = get_max(r, 1);
		if (!f[i].type || !field_fits(&f[i], size))
			bad(r, "a field lies outside of its record");
	}
	return r->why ? NULL : type_record_aligned(r->img->types, name, size, align, flags & SAVED_UNION, f, n);
}

static const struct type *
read_tuple(struct reader *r, struct read_type *into)
{
	uint32_t n = get_count(r);
	const struct type **elem = list_of(r, n, sizeof(*elem));
	uint64_t size = 0;

	for (uint32_t i = 0; i < n && !r->why; i++) {
		elem[i] = get_type(r, into);
		size += elem[i] ? elem[i]->size + 64 : 0;
		if (!elem[i] || size > MAX_SIZE)
			bad(r, "a tuple is too large");
	}
	return r->why ? NULL : type_tuple(r->img->types, elem, n);
}

static const struct type *
read_aggr(struct reader *r, struct read_type *into)
{
	const struct aggr *aggr = run_find_aggr(get_str(r));
	const struct type *elem = get_type(r, into);
	int64_t param[4];
	uint32_t size;

	for (int i = 0; i < 4; i++)
		param[i] = get_signed(r);
	if (r->why)
		return NULL;
	if (!aggr) {
		bad(r, "an aggregation is not known");
		return NULL;
	}
	size = aggr->size ? aggr->size(param) : 8;
	if (size == 0 || size % 8 || size > MAX_SIZE || !add_parts(r, into, size / 8)) {
		bad(r, "an aggregation's parameters are not possible");
		return NULL;
	}
	return type_aggr(r->img->types, aggr, elem, param);
}

static const struct type *
read_stack(struct reader *r, unsigned flags)
{
	uint32_t n = get_max(r, MAX_FRAMES), mode = get_max(r, N_STACK_MODES - 1);

	return r->why ? NULL : type_stack(r->img->types, flags & SAVED_USER, n, (int)mode);
}

static const struct type *
read_kind(struct reader *r, struct read_type *into, unsigned kind, unsigned flags)
{
	struct types *ts = r->img->types;
	const struct type *elem;
	const char *word;
	uint32_t n;

	switch (kind) {
	case T_VOID:
		return type_void(ts);
	case T_BOOL:
		return type_bool(ts);
	case T_INT:
		return read_int(r, flags);
	case T_STR:
		n = get_max(r, MAX_SIZE);
		return type_str(ts, n);
	case T_BYTES:
		n = get_max(r, MAX_SIZE - 16);
		return type_bytes(ts, n);
	case T_PTR:
		elem = get_type(r, into);
		n = get_max(r, AS_USER);
		return type_ptr(ts, elem, (enum space)n);
	case T_ARRAY:
		return read_array(r, into);
	case T_RECORD:
		return read_record(r, into, flags);
	case T_TUPLE:
		return read_tuple(r, into);
	case T_AGGR:
		return read_aggr(r, into);
	case T_STACK:
		return read_stack(r, flags);
	case T_WORD:
		word = get_str(r);
		return word ? type_word(ts, word) : NULL;
	}
	return NULL;
}

static void
read_type(struct reader *r)
{
	struct read_type t = { .parts = 1 };
	unsigned kind = get_max(r, T_WORD), flags = get_max(r, 63);
	const struct fmt *fmt;

	t.type = read_kind(r, &t, kind, flags);
	if (!t.type)
		bad(r, "a type cannot be read");
	if (!r->why && (flags & SAVED_FMT)) {
		fmt = run_find_fmt(get_str(r));
		if (!fmt)
			bad(r, "a way of printing is not known");
		else if (fmt->fits ? !fmt->fits(t.type) : t.type->size < 8)
			bad(r, "a value cannot be printed that way");
		else
			t.type = type_fmt(r->img->types, t.type, fmt);
	}
	if (!r->why)
		r->type[r->n_types++] = t;
}

static void
read_types(struct reader *r)
{
	uint32_t n = get_count(r);

	r->type = list_of(r, n, sizeof(*r->type));
	for (uint32_t i = 0; i < n && !r->why; i++)
		read_type(r);
}

/* ---- tables ---- */

static void
read_maps(struct reader *r)
{
	struct sonde_image *img = r->img;
	unsigned flags;

	img->n_maps = get_count(r);
	img->maps = list_of(r, img->n_maps, sizeof(*img->maps));
	for (uint32_t i = 0; i < img->n_maps && !r->why; i++) {
		struct mapdesc *m = &img->maps[i];

		m->name = get_str(r);
		m->key = get_top_type(r);
		m->val = get_top_type(r);
		flags = get_max(r, 15);
		m->is_percpu = flags & SAVED_PERCPU;
		m->is_atomic = flags & SAVED_ATOMIC;
		m->is_declared = flags & SAVED_DECLARED;
		m->is_scalar = flags & SAVED_SCALAR;
		m->bpf_type = get_u32(r);
		m->bpf_flags = get_u32(r);
		m->key_size = get_u32(r);
		m->val_size = get_u32(r);
		m->max = get_u32(r);
		m->set_off = get_u32(r);
		m->first = get_span(r);
		m->slot = i;
	}
}

static void
read_actions(struct reader *r)
{
	struct sonde_image *img = r->img;

	img->n_actions = get_count(r);
	img->actions = list_of(r, img->n_actions, sizeof(*img->actions));
	for (uint32_t i = 0; i < img->n_actions && !r->why; i++) {
		struct action *a = &img->actions[i];
		int64_t map;

		a->builtin = get_str(r);
		a->run = run_find_builtin(a->builtin);
		if (!r->why && !a->run)
			bad(r, "an action is of a builtin that this build has not");
		a->payload = get_top_type(r);
		a->fmt = get_str(r);
		map = get_signed(r);
		a->map = map >= -1 && map < img->n_maps ? (int)map : (int)bad(r, "an action's map is not there");
		a->n_num = (int)get_max(r, LENGTH(a->num));
		for (int k = 0; k < a->n_num; k++)
			a->num[k] = get_signed(r);
		a->at = get_span(r);
	}
}

static void
read_targets(struct reader *r)
{
	struct sonde_image *img = r->img;

	img->n_targets = get_count(r);
	img->targets = list_of(r, img->n_targets, sizeof(*img->targets));
	for (uint32_t i = 0; i < img->n_targets && !r->why; i++) {
		struct target *t = &img->targets[i];

		t->provider = get_str(r);
		t->run = run_find_provider(t->provider);
		if (!r->why && !t->run)
			bad(r, "a probe is of a type that this build has not");
		t->name = get_str(r);
		for (int k = 0; k < 4; k++)
			t->part[k] = get_str(r);
		t->num = get(r);
		t->num2 = get(r);
		t->at = get_span(r);
	}
}

static void
read_progs(struct reader *r)
{
	struct sonde_image *img = r->img;

	img->n_progs = get_count(r);
	img->progs = list_of(r, img->n_progs, sizeof(*img->progs));
	for (uint32_t i = 0; i < img->n_progs && !r->why; i++) {
		struct prog *p = &img->progs[i];

		p->section = get_str(r);
		p->name = get_str(r);
		p->prog_type = get_u32(r);
		p->attach_type = get_u32(r);
		p->btf_attach = get_str(r);
		p->btf_kind = get_u32(r);
		p->first_target = get_max(r, img->n_targets);
		p->n_targets = get_max(r, img->n_targets - p->first_target);
		p->targets = img->targets + p->first_target;
		p->at = get_span(r);
	}
}

static void
read_rest(struct reader *r)
{
	struct sonde_image *img = r->img;
	struct image_config *c = &img->config;

	img->n_errors = get_count(r);
	img->errors = list_of(r, img->n_errors, sizeof(*img->errors));
	for (uint32_t i = 0; i < img->n_errors && !r->why; i++) {
		img->errors[i].what = (enum run_error)get_max(r, N_RUN_ERRORS - 1);
		img->errors[i].detail = get_str(r);
		img->errors[i].at = get_span(r);
	}
	img->kernel_id = get_str(r);
	img->license = get_str(r);
	img->max_payload = get_u32(r);
	c->print_maps_on_exit = get_u32(r);
	c->max_cat_bytes = get_u32(r);
	c->stack_mode = get_u32(r);
	c->missing_probes = get_u32(r);
	c->log_size = get_u32(r);
	c->str_trunc_trailer = get_str(r);
	img->elf = (const uint8_t *)get_bytes(r, &img->elf_len);
}

/* The rows that will run it look at what they will be given. */
static void
ask_rows(struct reader *r)
{
	const struct sonde_image *img = r->img;

	for (uint32_t i = 0; i < img->n_actions; i++)
		if (img->actions[i].run->fits && !img->actions[i].run->fits(img, &img->actions[i]))
			bad(r, "an action is not what its builtin expects");
	for (uint32_t i = 0; i < img->n_targets; i++)
		if (img->targets[i].run->fits && !img->targets[i].run->fits(&img->targets[i]))
			bad(r, "a probe is not what its type expects");
}

/* False when memory ran out: a frame of its own, as arena_alloc() jumps back into it (C11 7.13.2.1). */
static bool
read_body(struct reader *r)
{
	const char *why = NULL;

	if (setjmp(r->nomem))
		return false;
	arena_on_nomem(r->img->keep, &r->nomem);
	r->img->source_name = get_str(r);
	r->img->source = get_bytes(r, &r->img->source_len);
	read_types(r);
	read_maps(r);
	read_actions(r);
	read_targets(r);
	read_progs(r);
	read_rest(r);
	if (!r->why && r->at != r->end)
		bad(r, "something follows its end");
	if (!r->why && !image_verify(r->img, &why))
		bad(r, why);
	if (!r->why)
		ask_rows(r);
	arena_on_nomem(r->img->keep, NULL);
	return true;
}

/* ---- the header ---- */

static uint64_t
load_le(const uint8_t *p, int n)
{
	uint64_t v = 0;

	while (n-- > 0)
		v = v << 8 | p[n];
	return v;
}

static bool
header_fits(const uint8_t *p, size_t len, struct diags *d)
{
	if (len < 8 || memcmp(p, IMAGE_MAGIC, 8) != 0)
		return diag_error(d, NO_SPAN, E_IMAGE, "this is not a compiled script (it does not begin with %s)", IMAGE_MAGIC);
	if (len < IMAGE_HEADER)
		return diag_error(d, NO_SPAN, E_IMAGE, "the image is damaged: it ends too early");
	if (load_le(p + 8, 4) != IMAGE_VERSION)
		return diag_error(d, NO_SPAN, E_IMAGE, "the image has version %u of the format, this build reads version %u: "
				  "compile the script again", (unsigned)load_le(p + 8, 4), (unsigned)IMAGE_VERSION);
	if (load_le(p + 12, 4) != 0 || load_le(p + 16, 8) != len - IMAGE_HEADER)
		return diag_error(d, NO_SPAN, E_IMAGE, "the image is damaged: its length is not what it says");
	if (load_le(p + 24, 8) != image_checksum(p + IMAGE_HEADER, len - IMAGE_HEADER))
		return diag_error(d, NO_SPAN, E_IMAGE, "the image is damaged: its checksum is wrong");
	return true;
}

struct sonde_image *
image_load(const void *data, size_t len, struct diags *d)
{
	struct reader r = { .at = data, .end = (const uint8_t *)data + len };

	if (!header_fits(data, len, d))
		return NULL;
	r.at += IMAGE_HEADER;
	r.img = image_new();
	if (!r.img)
		return NULL;
	if (read_body(&r) && !r.why)
		return r.img;
	if (r.why)
		diag_error(d, NO_SPAN, E_IMAGE, "the image is damaged: %s", r.why);
	image_unref(r.img);
	return NULL;
}
