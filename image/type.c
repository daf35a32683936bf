/* type.c - types: made once each, so that equal types are the same pointer; their layout and their spelling. */
#include "image/inner.h"

struct entry {
	struct entry *next;
	uint32_t hash;
	struct type type;
};
struct types {
	struct arena *keep;
	struct entry **bucket;
	uint32_t n_buckets, n_entries;           /* n_buckets: a power of two */
	void *parts;                             /* where fields and enums are put together before they are looked up */
	size_t parts_size;
};
enum { FIRST_BUCKETS = 64 };

struct types *
types_new(struct arena *keep)
{
	struct types *ts = arena_alloc(keep, sizeof(*ts));

	if (!ts)
		return NULL;
	ts->keep = keep;
	ts->n_buckets = FIRST_BUCKETS;
	ts->bucket = arena_alloc(keep, FIRST_BUCKETS * sizeof(struct entry *));
	return ts->bucket ? ts : NULL;
}

/* ---- identity ---- */

static uint64_t
mix(uint64_t hash, uint64_t value)
{
	hash ^= value;
	hash *= 0x9e3779b97f4a7c15u;
	return hash ^ (hash >> 29);
}

/* Names are interned and parts are types of the same table, so pointers stand for what they point to. */
static uint32_t
type_hash(const struct type *t)
{
	uint64_t h = mix(t->kind, (uint64_t)t->size << 32 | t->n);

	h = mix(h, (uintptr_t)t->name);
	h = mix(h, (uintptr_t)t->fmt);
	if (t->home)
		return (uint32_t)mix(h, (uintptr_t)t->home ^ t->btf_id);
	h = mix(h, (uintptr_t)t->elem);
	h = mix(h, (uintptr_t)t->aggr);
	h = mix(h, (uint64_t)t->is_signed << 8 | (uint64_t)t->is_union << 4 | (uint64_t)t->is_user << 3 | t->space);
	for (int i = 0; i < 4; i++)
		h = mix(h, (uint64_t)t->param[i]);
	for (uint32_t i = 0; t->fields && i < t->n; i++)
		h = mix(mix(h, (uintptr_t)t->fields[i].type), (uint64_t)(uintptr_t)t->fields[i].name + t->fields[i].off);
	for (uint32_t i = 0; t->enums && i < t->n; i++)
		h = mix(mix(h, (uintptr_t)t->enums[i].name), (uint64_t)t->enums[i].value);
	return (uint32_t)h;
}

static bool
fields_equal(const struct type *a, const struct type *b)
{
	if (!a->fields != !b->fields || !a->enums != !b->enums)
		return false;
	for (uint32_t i = 0; a->fields && i < a->n; i++) {
		const struct field *x = &a->fields[i], *y = &b->fields[i];

		if (x->name != y->name || x->type != y->type || x->off != y->off || x->bit_off != y->bit_off ||
		    x->bit_len != y->bit_len || x->is_data_loc != y->is_data_loc)
			return false;
	}
	for (uint32_t i = 0; a->enums && i < a->n; i++)
		if (a->enums[i].name != b->enums[i].name || a->enums[i].value != b->enums[i].value)
			return false;
	return true;
}

static bool
type_equal(const struct type *a, const struct type *b)
{
	if (a->kind != b->kind || a->name != b->name || a->size != b->size || a->fmt != b->fmt || a->home != b->home)
		return false;
	if (a->home)                             /* fields of a record from BTF come later: its id is what it is */
		return a->btf_id == b->btf_id;
	return a->align == b->align && a->n == b->n && a->is_signed == b->is_signed && a->is_union == b->is_union &&
	       a->is_user == b->is_user && a->space == b->space && a->elem == b->elem && a->aggr == b->aggr &&
	       memcmp(a->param, b->param, sizeof(a->param)) == 0 && fields_equal(a, b);
}

static void
types_grow(struct types *ts)
{
	uint32_t n = ts->n_buckets * 2;
	struct entry **bucket = arena_alloc(ts->keep, n * sizeof(*bucket));

	if (!bucket)
		return;                          /* longer chains work too */
	for (uint32_t i = 0; i < ts->n_buckets; i++) {
		for (struct entry *e = ts->bucket[i], *next; e; e = next) {
			next = e->next;
			e->next = bucket[e->hash & (n - 1)];
			bucket[e->hash & (n - 1)] = e;
		}
	}
	ts->bucket = bucket;
	ts->n_buckets = n;
}

/* The one type equal to *want.  Its fields and enums are copied when they are new: callers keep theirs. */
static struct type *
type_make(struct types *ts, const struct type *want)
{
	uint32_t hash = type_hash(want);
	struct entry *e;

	for (e = ts->bucket[hash & (ts->n_buckets - 1)]; e; e = e->next)
		if (e->hash == hash && type_equal(&e->type, want))
			return &e->type;
	e = arena_alloc(ts->keep, sizeof(*e));
	if (!e)
		return NULL;
	e->hash = hash;
	e->type = *want;
	if (want->fields)
		e->type.fields = arena_dup(ts->keep, want->fields, (want->n ? want->n : 1) * sizeof(*want->fields));
	if (want->enums)
		e->type.enums = arena_dup(ts->keep, want->enums, (want->n ? want->n : 1) * sizeof(*want->enums));
	if ((want->fields && !e->type.fields) || (want->enums && !e->type.enums))
		return NULL;
	if (ts->n_entries >= ts->n_buckets * 2)
		types_grow(ts);
	e->next = ts->bucket[hash & (ts->n_buckets - 1)];
	ts->bucket[hash & (ts->n_buckets - 1)] = e;
	ts->n_entries++;
	return &e->type;
}

static const char *
name_of(struct types *ts, const char *name)
{
	return name ? str_intern(ts->keep, name, strlen(name)) : NULL;
}

/* ---- kinds ---- */

const struct type *
type_void(struct types *ts)
{
	return type_make(ts, &(struct type){ .kind = T_VOID, .align = 1 });
}

const struct type *
type_bool(struct types *ts)
{
	return type_make(ts, &(struct type){ .kind = T_BOOL, .size = 1, .align = 1 });
}

const struct type *
type_int(struct types *ts, uint32_t size, bool is_signed)
{
	return type_make(ts, &(struct type){ .kind = T_INT, .size = size, .align = size, .is_signed = is_signed });
}

/* Room for n parts of that size, and for one when there are none: an enum without values is an enum still. */
static void *
parts_room(struct types *ts, uint32_t n, size_t size)
{
	size_t want = (n ? n : 1) * size;

	if (want > ts->parts_size) {
		ts->parts = arena_alloc(ts->keep, want * 2);
		ts->parts_size = ts->parts ? want * 2 : 0;
	}
	if (ts->parts)
		memset(ts->parts, 0, want);
	return ts->parts;
}

const struct type *
type_enum(struct types *ts, const char *name, uint32_t size, bool is_signed, const struct enumval *vals, uint32_t n)
{
	struct enumval *own = parts_room(ts, n, sizeof(*own));

	if (!own)
		return NULL;
	for (uint32_t i = 0; i < n; i++)
		own[i] = (struct enumval){ name_of(ts, vals[i].name), vals[i].value };
	return type_make(ts, &(struct type){ .kind = T_INT, .size = size, .align = size, .is_signed = is_signed,
					     .name = name_of(ts, name ? name : "enum"), .enums = own, .n = n });
}

const struct type *
type_str(struct types *ts, uint32_t size)
{
	return type_make(ts, &(struct type){ .kind = T_STR, .size = size, .align = 1 });
}

const struct type *
type_bytes(struct types *ts, uint32_t capacity)
{
	return type_make(ts, &(struct type){ .kind = T_BYTES, .size = (8 + capacity + 7) & ~7u, .align = 1, .n = capacity });
}

const struct type *
type_ptr(struct types *ts, const struct type *elem, enum space space)
{
	if (elem && elem->kind == T_VOID)        /* one spelling of void pointers */
		elem = NULL;
	return type_make(ts, &(struct type){ .kind = T_PTR, .size = 8, .align = 8, .elem = elem, .space = space });
}

const struct type *
type_array(struct types *ts, const struct type *elem, uint32_t n)
{
	return type_make(ts, &(struct type){ .kind = T_ARRAY, .size = elem->size * n, .align = elem->align, .elem = elem, .n = n });
}

static uint32_t
round_up(uint32_t n, uint32_t align)
{
	return (n + align - 1) / align * align;
}

const struct type *
type_tuple(struct types *ts, const struct type *const *elems, uint32_t n)
{
	struct type t = { .kind = T_TUPLE, .align = 1, .n = n };
	struct field *f = parts_room(ts, n, sizeof(*f));

	if (!f)
		return NULL;
	for (uint32_t i = 0; i < n; i++) {
		f[i].type = elems[i];
		f[i].off = round_up(t.size, elems[i]->align);
		t.size = f[i].off + elems[i]->size;
		if (elems[i]->align > t.align)
			t.align = elems[i]->align;
	}
	t.size = round_up(t.size, t.align);
	t.fields = f;
	return type_make(ts, &t);
}

/* The largest alignment that every field and the size agree with: less than the fields' own in packed structs. */
static uint32_t
record_align(uint32_t size, const struct field *f, uint32_t n)
{
	uint32_t align = 1, bits = size;

	for (uint32_t i = 0; i < n; i++) {
		if (f[i].type->align > align)
			align = f[i].type->align;
		if (!f[i].bit_len)
			bits |= f[i].off & (f[i].type->align - 1);
	}
	while (align > 1 && (bits & (align - 1)))
		align /= 2;
	return align;
}

const struct type *
type_record(struct types *ts, const char *name, uint32_t size, bool is_union, const struct field *fields, uint32_t n)
{
	return type_record_aligned(ts, name, size, record_align(size, fields, n), is_union, fields, n);
}

const struct type *
type_record_aligned(struct types *ts, const char *name, uint32_t size, uint32_t align, bool is_union,
		    const struct field *fields, uint32_t n)
{
	struct field *f = parts_room(ts, n, sizeof(*f));

	if (!f)
		return NULL;
	for (uint32_t i = 0; i < n; i++) {       /* one by one: padding of the caller's array must not count */
		f[i].name = name_of(ts, fields[i].name);
		f[i].type = fields[i].type;
		f[i].off = fields[i].off;
		f[i].bit_off = fields[i].bit_off;
		f[i].bit_len = fields[i].bit_len;
		f[i].is_data_loc = fields[i].is_data_loc;
	}
	return type_make(ts, &(struct type){ .kind = T_RECORD, .size = size, .align = align, .n = n, .is_union = is_union,
					     .name = name_of(ts, name), .fields = f });
}

const struct type *
type_opaque(struct types *ts, const char *name, uint32_t size, uint32_t align, bool is_union)
{
	return type_make(ts, &(struct type){ .kind = T_RECORD, .size = size, .align = align, .is_union = is_union, .is_open = true,
					     .name = name_of(ts, name) });
}

struct type *
type_open(struct types *ts, const char *name, uint32_t size, bool is_union, const void *home, uint32_t btf_id)
{
	uint32_t align = size & -size;           /* a guess that stays: tuples are laid out before the fields are read */

	return type_make(ts, &(struct type){ .kind = T_RECORD, .size = size, .align = align == 0 || align > 8 ? 8 : align,
					     .is_union = is_union, .is_open = true, .name = name_of(ts, name), .home = home,
					     .btf_id = btf_id });
}

const struct type *
type_aggr(struct types *ts, const struct aggr *aggr, const struct type *elem, const int64_t param[4])
{
	struct type t = { .kind = T_AGGR, .align = 8, .elem = elem, .aggr = aggr };

	if (param)
		memcpy(t.param, param, sizeof(t.param));
	t.size = aggr->size ? aggr->size(t.param) : 8;
	t.is_signed = elem && elem->is_signed;
	return type_make(ts, &t);
}

const struct type *
type_stack(struct types *ts, bool is_user, uint32_t n, int mode)
{
	return type_make(ts, &(struct type){ .kind = T_STACK, .size = 8 + 8 * n, .align = 8, .n = n, .is_user = is_user,
					     .param = { mode } });
}

const struct type *
type_word(struct types *ts, const char *word)
{
	return type_make(ts, &(struct type){ .kind = T_WORD, .align = 1, .name = name_of(ts, word) });
}

const struct type *
type_fmt(struct types *ts, const struct type *base, const struct fmt *fmt)
{
	struct type t = *base;

	t.fmt = fmt;
	return type_make(ts, &t);
}

int64_t
type_read_int(const struct type *t, const void *p)
{
	union { uint8_t u8; uint16_t u16; uint32_t u32; uint64_t u64; } v;

	memcpy(&v, p, t->size <= 8 ? t->size : 8);
	switch (t->size) {
	case 1:
		return t->is_signed ? (int8_t)v.u8 : (int64_t)v.u8;
	case 2:
		return t->is_signed ? (int16_t)v.u16 : (int64_t)v.u16;
	case 4:
		return t->is_signed ? (int32_t)v.u32 : (int64_t)v.u32;
	case 8:
		return (int64_t)v.u64;
	}
	return 0;
}

/* ---- spelling ---- */

const char *
stack_mode_name(int mode)
{
	static const char *const name[N_STACK_MODES] = {
		[STACK_BPFTRACE] = "bpftrace", [STACK_PERF] = "perf", [STACK_RAW] = "raw", [STACK_BUILD_ID] = "build_id",
	};

	return mode >= 0 && mode < N_STACK_MODES ? name[mode] : NULL;
}

static void
tuple_name_to(struct buf *out, const struct type *t)
{
	buf_char(out, '(');
	for (uint32_t i = 0; i < t->n; i++) {
		if (i)
			buf_char(out, ',');
		type_name_to(out, t->fields[i].type);
	}
	buf_char(out, ')');
}

/* Records of the script's own have no name but their fields. */
static void
record_name_to(struct buf *out, const struct type *t)
{
	if (!t->name || !*t->name) {
		buf_str(out, t->is_union ? "union <anonymous>" : "struct <anonymous>");
		return;
	}
	buf_str(out, t->name);
	if (strcmp(t->name, "record") != 0)
		return;
	buf_str(out, " {");
	for (uint32_t i = 0; i < t->n; i++) {
		buf_fmt(out, "%s .%s = ", i ? "," : "", t->fields[i].name ? t->fields[i].name : "");
		type_name_to(out, t->fields[i].type);
	}
	buf_str(out, t->n ? " }" : "}");
}

static void
fmt_name_to(struct buf *out, const struct type *t)
{
	size_t len = strlen(t->fmt->name);

	if (len > 2 && strcmp(t->fmt->name + len - 2, "[]") == 0)
		buf_fmt(out, "%.*s[%u]", (int)len - 2, t->fmt->name, t->kind == T_BYTES || t->kind == T_ARRAY ? t->n : t->size);
	else
		buf_str(out, t->fmt->name);
}

void
type_name_to(struct buf *out, const struct type *t)
{
	const char *mode;

	if (t->fmt) {
		fmt_name_to(out, t);
		return;
	}
	switch (t->kind) {
	case T_VOID:
		buf_str(out, "void");
		break;
	case T_BOOL:
		buf_str(out, "bool");
		break;
	case T_INT:
		if (t->name)
			buf_str(out, t->name);
		else
			buf_fmt(out, "%sint%u", t->is_signed ? "" : "u", t->size * 8);
		break;
	case T_STR:
		buf_fmt(out, "string[%u]", t->size);
		break;
	case T_BYTES:
		buf_fmt(out, "buffer[%u]", t->n);
		break;
	case T_PTR:
		if (t->elem)
			type_name_to(out, t->elem);
		else
			buf_str(out, "void");
		buf_str(out, " *");
		break;
	case T_ARRAY:
		type_name_to(out, t->elem);
		buf_fmt(out, "[%u]", t->n);
		break;
	case T_RECORD:
		record_name_to(out, t);
		break;
	case T_TUPLE:
		tuple_name_to(out, t);
		break;
	case T_AGGR:
		buf_fmt(out, "%s%s", t->aggr->has_sign && !t->is_signed ? "u" : "", t->aggr->type_name);
		break;
	case T_STACK:
		mode = stack_mode_name((int)t->param[0]);
		buf_fmt(out, "%s_%s_%u", t->is_user ? "ustack" : "kstack", mode ? mode : "?", t->n);
		break;
	case T_WORD:
		buf_str(out, t->name);
		break;
	}
}

const char *
type_name(struct arena *a, const struct type *t)
{
	struct buf b = { .arena = a };

	type_name_to(&b, t);
	return buf_cstr(&b);
}
