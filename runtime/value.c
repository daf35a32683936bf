/* value.c - reads values in memory, and makes the typed values of sonde.h from them. */
#include "runtime/rt.h"

bool
value_read(const struct type *t, const void *data, int64_t *out)
{
	uint64_t v = 0;

	switch (t->kind) {
	case T_INT:
		*out = type_read_int(t, data);
		return true;
	case T_BOOL:
		*out = *(const uint8_t *)data != 0;
		return true;
	case T_PTR:
		if (t->size == 4) {
			uint32_t low;

			memcpy(&low, data, sizeof(low));
			v = low;
		} else {
			memcpy(&v, data, sizeof(v));
		}
		*out = (int64_t)v;
		return true;
	default:
		return false;
	}
}

int64_t
field_read(const struct field *f, const void *record)
{
	struct type unit = *f->type;
	int64_t v = 0;
	unsigned len = f->bit_len;

	if (len)
		unit.is_signed = false;
	if (!value_read(&unit, (const char *)record + f->off, &v) || !len || len >= 64)
		return v;
	v = (int64_t)((uint64_t)v >> f->bit_off & ((UINT64_C(1) << len) - 1));
	if (f->type->is_signed && (uint64_t)v >> (len - 1))
		v -= INT64_C(1) << len;
	return v;
}

size_t
str_length(const struct type *t, const void *data, bool *is_cut)
{
	const void *nul = memchr(data, 0, t->size);

	*is_cut = !nul && t->size > 0;
	if (*is_cut && ((const uint8_t *)data)[t->size - 1] == STR_CUT)
		return t->size - 1;
	return nul ? (size_t)((const char *)nul - (const char *)data) : t->size;
}

const uint8_t *
bytes_read(const struct type *t, const void *data, uint32_t *len)
{
	memcpy(len, data, sizeof(*len));
	if (*len > t->n)
		*len = t->n;
	return (const uint8_t *)data + 8;
}

/* ---- typed values ---- */
static void
set_text(struct render *r, const struct type *t, const void *data, int64_t div, struct arena *arena, struct sonde_value *out)
{
	struct buf text = { .arena = arena };

	print_value(r, t, data, div, &text);
	out->text = buf_cstr(&text);
	out->len = text.failed ? 0 : text.len;
}

static enum sonde_kind
kind_of_number(const struct type *t)
{
	if (t->kind != T_INT)
		return t->kind == T_BOOL ? SONDE_BOOL : SONDE_PTR;
	return t->enums ? SONDE_ENUM : t->is_signed ? SONDE_INT : SONDE_UINT;
}

/* As print(@m, top, div) shows it: names of an enum stay what they are. */
static void
divide(const struct type *t, int64_t div, struct sonde_value *out)
{
	if (div <= 1 || (out->kind != SONDE_INT && out->kind != SONDE_UINT))
		return;
	if (t->is_signed)
		out->num.i /= div;
	else
		out->num.u /= (uint64_t)div;
}

/* ---- what holds other values ---- */
static void
make_array(struct render *r, const struct type *t, const void *data, struct arena *arena, struct sonde_value *out)
{
	struct sonde_value *item = arena_alloc(arena, (t->n + 1) * sizeof(*item));

	if (!item)
		return;
	for (uint32_t i = 0; i < t->n; i++)
		value_make(r, t->elem, (const char *)data + (size_t)i * t->elem->size, 0, arena, &item[i]);
	out->item = item;
	out->n_items = t->n;
}

static void
make_field(struct render *r, const struct type *record, const struct field *f, const void *data, struct arena *arena,
	   struct sonde_value *out)
{
	struct buf text = { .arena = arena };
	size_t len;

	if (!f->is_data_loc && !f->bit_len) {
		value_make(r, f->type, (const char *)data + f->off, 0, arena, out);
	} else {
		print_field(r, record, f, data, &text);
		*out = (struct sonde_value){ .text = buf_cstr(&text), .len = text.failed ? 0 : text.len };
		if (f->is_data_loc) {
			out->kind = data_loc_text(record, f, data, &len) ? SONDE_STR : SONDE_NONE;
		} else {
			out->kind = kind_of_number(f->type);
			out->num.i = field_read(f, data);
		}
	}
	out->name = f->name;
}

static uint32_t
count_fields(const struct type *t)
{
	uint32_t n = t->n;

	for (uint32_t i = 0; i < t->n; i++)
		if (!t->fields[i].name && t->fields[i].type->kind == T_RECORD)
			n += count_fields(t->fields[i].type);
	return n;
}

/* Members of anonymous structs and unions stand among those around them, as print_record() shows them. */
static void
add_fields(struct render *r, const struct type *t, const void *data, struct arena *arena, struct sonde_value *item, size_t *n)
{
	for (uint32_t i = 0; i < t->n; i++) {
		const struct field *f = &t->fields[i];

		if (f->name || t->kind == T_TUPLE)
			make_field(r, t, f, data, arena, &item[(*n)++]);
		else if (f->type->kind == T_RECORD)
			add_fields(r, f->type, (const char *)data + f->off, arena, item, n);
	}
}

static void
make_items(struct render *r, const struct type *t, const void *data, struct arena *arena, struct sonde_value *out)
{
	struct sonde_value *item = NULL;

	out->kind = t->is_open ? SONDE_NONE : t->kind == T_RECORD ? SONDE_RECORD : SONDE_TUPLE;
	set_text(r, t, data, 0, arena, out);
	if (t->is_open)
		return;
	if (t->kind == T_ARRAY) {
		make_array(r, t, data, arena, out);
		return;
	}
	item = arena_alloc(arena, (count_fields(t) + 1) * sizeof(*item));
	if (!item)
		return;
	add_fields(r, t, data, arena, item, &out->n_items);
	out->item = item;
}

static void
make_stack(struct render *r, const struct type *t, const void *data, struct arena *arena, struct sonde_value *out)
{
	struct sonde_value *item;
	uint32_t head[2], n;

	memcpy(head, data, sizeof(head));
	n = head[1] < t->n ? head[1] : t->n;
	out->kind = SONDE_STACK;
	set_text(r, t, data, 0, arena, out);
	item = arena_alloc(arena, (n + 1) * sizeof(*item));
	if (!item)
		return;
	for (uint32_t i = 0; i < n; i++) {
		struct buf text = { .arena = arena };

		memcpy(&item[i].num.u, (const char *)data + 8 + (size_t)i * 8, 8);
		item[i].kind = SONDE_UINT;
		print_frame(r, t, head[0], item[i].num.u, &text);
		item[i].text = buf_cstr(&text);
		item[i].len = text.failed ? 0 : text.len;
	}
	out->item = item;
	out->n_items = n;
}

static void
make_bytes(const struct type *t, const void *data, struct arena *arena, struct sonde_value *out)
{
	uint32_t len;
	const uint8_t *p = bytes_read(t, data, &len);
	char *copy = arena_alloc(arena, (size_t)len + 1);

	out->kind = SONDE_BYTES;
	out->text = copy ? copy : "";
	out->len = copy ? len : 0;
	if (copy)
		memcpy(copy, p, len);
}

void
value_make(struct render *r, const struct type *t, const void *data, int64_t div, struct arena *arena, struct sonde_value *out)
{
	*out = (struct sonde_value){ .kind = SONDE_STR };
	if (value_read(t, data, &out->num.i) && !t->fmt) {
		out->kind = kind_of_number(t);
		divide(t, div, out);
		set_text(r, t, data, div, arena, out);
		return;
	}
	if (t->fmt) {                    /* an address, a name: its text is what it is */
		set_text(r, t, data, 0, arena, out);
		return;
	}
	switch (t->kind) {
	case T_BYTES:
		make_bytes(t, data, arena, out);
		break;
	case T_ARRAY:
	case T_TUPLE:
	case T_RECORD:
		make_items(r, t, data, arena, out);
		break;
	case T_STACK:
		make_stack(r, t, data, arena, out);
		break;
	case T_AGGR:
		if (t->aggr->value)
			t->aggr->value(r, t, data, div, arena, out);
		else
			set_text(r, t, data, div, arena, out);
		break;
	case T_VOID:
		out->kind = SONDE_NONE;
		set_text(r, t, data, 0, arena, out);
		break;
	default:
		set_text(r, t, data, 0, arena, out);
	}
}
