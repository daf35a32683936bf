/* btf_type.c - turns records of kernel BTF into types: which kind becomes what, where members and bit fields lie. */
#include "sema/kernel.h"

enum { KIND_TYPE_TAG = 18, KIND_ENUM64 = 19, MAX_CHAIN = 64, MAX_DEPTH = 16 };

/* Behind typedefs and qualifiers; id 0 and kind 0: void.  alias: name of the last typedef passed, 0: none. */
struct btf_plain { struct btf_rec rec; uint32_t alias; bool is_user; };

/* False: damaged. */
static bool
btf_plain(struct btf_view *b, uint32_t id, struct btf_plain *out)
{
	*out = (struct btf_plain){ .alias = 0 };
	for (int i = 0; i < MAX_CHAIN; i++) {
		if (id == 0) {
			out->rec = (struct btf_rec){ 0 };
			return true;
		}
		if (!btf_get(b, id, &out->rec))
			return false;
		switch (out->rec.kind) {
		case BTF_KIND_TYPEDEF:
			out->alias = out->rec.name;
			break;
		case KIND_TYPE_TAG:
			if (strcmp(btf_str(b, out->rec.name), "user") == 0)
				out->is_user = true;
			break;
		case BTF_KIND_CONST:
		case BTF_KIND_VOLATILE:
		case BTF_KIND_RESTRICT:
			break;
		default:
			return true;
		}
		id = out->rec.size;
	}
	return false;
}

/* Bytes whose meaning has no type here: floats, numbers of 128 bits. */
static const struct type *
opaque(struct types *ts, uint32_t size)
{
	const struct type *byte = type_int(ts, 1, false);

	return byte ? type_array(ts, byte, size) : NULL;
}

static bool
is_int_size(uint32_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

/* char counts as signed on every CPU, as in the language's own words. */
static bool
is_char(const struct btf_view *b, const struct btf_rec *r)
{
	return r->kind == BTF_KIND_INT && r->size == 1 && strcmp(btf_str(b, r->name), "char") == 0;
}

static const struct type *
int_type(struct kernel *k, struct types *ts, const struct btf_rec *r)
{
	uint32_t encoding = BTF_INT_ENCODING(btf_word(&k->btf, r, 0));

	if (!is_int_size(r->size))
		return opaque(ts, r->size);
	if (r->size == 1 && (encoding & BTF_INT_BOOL || strcmp(btf_str(&k->btf, r->name), "_Bool") == 0))
		return type_bool(ts);
	return type_int(ts, r->size, (encoding & BTF_INT_SIGNED) || is_char(&k->btf, r));
}

/* "struct x" in k->text; the typedef's name where the type itself has none. */
static const char *
tagged_name(struct kernel *k, const char *word, const struct btf_plain *p)
{
	const char *tag = btf_str(&k->btf, p->rec.name);

	k->text.len = 0;
	if (*tag)
		buf_fmt(&k->text, "%s %s", word, tag);
	else
		buf_str(&k->text, btf_str(&k->btf, p->alias));
	return buf_cstr(&k->text);
}

static const struct type *
enum_type(struct kernel *k, struct types *ts, const struct btf_plain *p)
{
	const struct btf_rec *r = &p->rec;
	const char *name;

	if (!is_int_size(r->size))
		return opaque(ts, r->size);
	if (r->vlen > k->enums_cap) {
		struct enumval *more = mem_realloc(k->enums, r->vlen * sizeof(*more));

		if (!more)
			return type_int(ts, r->size, r->flag);
		k->enums = more;
		k->enums_cap = r->vlen;
	}
	for (uint32_t i = 0; i < r->vlen; i++) {
		uint32_t at;

		k->enums[i].value = btf_enum_value(&k->btf, r, i, &at);
		k->enums[i].name = btf_str(&k->btf, at);
	}
	name = tagged_name(k, "enum", p);
	return type_enum(ts, *name ? name : NULL, r->size, r->flag, k->enums, r->vlen);
}

static const struct type *plain_type(struct kernel *k, struct types *ts, const struct btf_plain *p, unsigned depth);

static const struct type *
array_type(struct kernel *k, struct types *ts, const struct btf_rec *r, unsigned depth)
{
	uint32_t n = btf_word(&k->btf, r, 2);
	const struct type *elem;
	struct btf_plain p;

	if (!btf_plain(&k->btf, btf_word(&k->btf, r, 0), &p))
		return opaque(ts, 0);
	if (is_char(&k->btf, &p.rec) && n && n <= INT32_MAX)
		return type_str(ts, n);
	elem = plain_type(k, ts, &p, depth + 1);
	if (!elem)
		return NULL;
	if (elem->size && n > INT32_MAX / elem->size)
		return opaque(ts, 0);
	return type_array(ts, elem, n);
}

static const struct type *
ptr_type(struct kernel *k, struct types *ts, uint32_t id, unsigned depth)
{
	struct btf_plain p;

	if (!btf_plain(&k->btf, id, &p))
		return type_ptr(ts, NULL, AS_KERNEL);
	return type_ptr(ts, plain_type(k, ts, &p, depth + 1), p.is_user ? AS_USER : AS_KERNEL);
}

static const struct type *
plain_type(struct kernel *k, struct types *ts, const struct btf_plain *p, unsigned depth)
{
	const struct btf_rec *r = &p->rec;
	bool is_union;

	if (depth > MAX_DEPTH)
		return type_void(ts);
	switch (r->kind) {
	case BTF_KIND_INT:
		return int_type(k, ts, r);
	case BTF_KIND_PTR:
		return ptr_type(k, ts, r->size, depth);
	case BTF_KIND_ARRAY:
		return array_type(k, ts, r, depth);
	case BTF_KIND_ENUM:
	case KIND_ENUM64:
		return enum_type(k, ts, p);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
	case BTF_KIND_FWD:
		is_union = r->kind == BTF_KIND_UNION || (r->kind == BTF_KIND_FWD && r->flag);
		return type_open(ts, tagged_name(k, is_union ? "union" : "struct", p), r->kind == BTF_KIND_FWD ? 0 : r->size,
				 is_union, &k->btf, r->id);
	case BTF_KIND_FLOAT:
		return opaque(ts, r->size);
	}
	return type_void(ts);                    /* void itself, functions */
}

const struct type *
btf_type(struct kernel *k, struct types *ts, uint32_t id)
{
	struct btf_plain p;

	return btf_plain(&k->btf, id, &p) ? plain_type(k, ts, &p, 0) : type_void(ts);
}

/* ---- members ---- */

/* Puts bits [bit, bit + n) into a unit of `size` bytes that begins at a multiple of `step`; false when it sticks out. */
static bool
place_bits(struct field *f, uint32_t bit, uint32_t n, uint32_t size, uint32_t step, uint32_t end)
{
	uint32_t off = bit / 8 / step * step;

	if (step == 1 && size <= end && off > end - size)
		off = end - size;        /* the last bytes of a packed struct */
	if (bit - off * 8 + n > size * 8 || off > end || size > end - off)
		return false;
	f->off = off;
	f->bit_off = (uint8_t)(bit - off * 8);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	f->bit_off = (uint8_t)(size * 8 - f->bit_off - n); /* BTF counts from the highest bit there */
#endif
	f->bit_len = (uint8_t)n;
	if (n == size * 8)
		f->bit_off = f->bit_len = 0;
	return true;
}

bool
btf_bit_field(struct types *ts, struct field *f, uint32_t bit, uint32_t n, uint32_t end)
{
	const struct type *t = f->type;

	if (!type_is_number(t) || n > 64)
		return false;
	if (place_bits(f, bit, n, t->size, t->size, end))
		return true;
	for (int aligned = 1; aligned >= 0; aligned--) {
		for (uint32_t size = 1; size <= 8; size *= 2) {
			if (place_bits(f, bit, n, size, aligned ? size : 1, end)) {
				f->type = type_int(ts, size, t->is_signed);
				return f->type != NULL;
			}
		}
	}
	return false;
}

/* False: a member that cannot be used: damaged, outside its struct, or padding. */
static bool
member_field(struct kernel *k, struct types *ts, const struct btf_rec *r, uint32_t i, struct field *f)
{
	struct btf_mem m = btf_member(&k->btf, r, i);
	const char *name = btf_str(&k->btf, m.name);
	struct btf_plain p;

	*f = (struct field){ .name = *name ? name : NULL };
	if (!btf_plain(&k->btf, m.type, &p))
		return false;
	f->type = plain_type(k, ts, &p, 0);
	if (!f->type || (!f->name && f->type->kind != T_RECORD))
		return false;
	if (!r->flag && p.rec.kind == BTF_KIND_INT) { /* the older way: an int type of fewer bits, or one that starts late */
		uint32_t word = btf_word(&k->btf, &p.rec, 0), bits = BTF_INT_BITS(word);

		if (bits != p.rec.size * 8 || BTF_INT_OFFSET(word) || m.bit % 8) {
			if (m.bit > UINT32_MAX - 512)
				return false;
			m.bits = bits;
			m.bit += BTF_INT_OFFSET(word);
		}
	}
	if (m.bits)
		return btf_bit_field(ts, f, m.bit, m.bits, r->size);
	f->off = m.bit / 8;
	return f->off <= r->size && f->type->size <= r->size - f->off;
}

int64_t
btf_fields(struct kernel *k, struct types *ts, const struct btf_rec *r)
{
	uint32_t n = 0;

	if (r->kind != BTF_KIND_STRUCT && r->kind != BTF_KIND_UNION)
		return 0;
	if (r->vlen > k->fields_cap) {
		struct field *more = mem_realloc(k->fields, r->vlen * sizeof(*more));

		if (!more)
			return -1;
		k->fields = more;
		k->fields_cap = r->vlen;
	}
	for (uint32_t i = 0; i < r->vlen; i++)
		if (member_field(k, ts, r, i, &k->fields[n]))
			n++;
	return n;
}
