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
set_text(struct render *r, const struct type *t, const void *data, struct arena *arena, struct sonde_value *out)
{
	struct buf text = { .arena = arena };

	print_value(r, t, data, 0, &text);
	out->text = buf_cstr(&text);
	out->len = text.failed ? 0 : text.len;
}

static void
make_items(struct render *r, const struct type *t, const void *data, struct arena *arena, struct sonde_value *out)
{
	struct sonde_value *item = arena_alloc(arena, (t->n + 1) * sizeof(*item));

	out->kind = SONDE_TUPLE;
	set_text(r, t, data, arena, out);
	if (!item)
		return;
	for (uint32_t i = 0; i < t->n; i++) {
		const struct field *f = t->kind == T_ARRAY ? NULL : &t->fields[i];
		const struct type *of = f ? f->type : t->elem;
		size_t off = f ? f->off : (size_t)i * t->elem->size;

		if (f && f->is_data_loc) {
			item[i].kind = SONDE_STR;
			item[i].text = "";
		} else if (f && f->bit_len) {
			item[i].kind = of->is_signed ? SONDE_INT : SONDE_UINT;
			item[i].num.i = field_read(f, data);
			item[i].text = arena_printf(arena, of->is_signed ? "%lld" : "%llu", (long long)item[i].num.i);
			item[i].len = item[i].text ? strlen(item[i].text) : 0;
		} else {
			value_make(r, of, (const char *)data + off, arena, &item[i]);
		}
		item[i].name = f ? f->name : NULL;
	}
	out->item = item;
	out->n_items = t->n;
}

static void
make_stack(struct render *r, const struct type *t, const void *data, struct arena *arena, struct sonde_value *out)
{
	struct sonde_value *item;
	uint32_t head[2], n;

	memcpy(head, data, sizeof(head));
	n = head[1] < t->n ? head[1] : t->n;
	out->kind = SONDE_STACK;
	set_text(r, t, data, arena, out);
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
make_str(const struct type *t, const void *data, struct arena *arena, struct sonde_value *out)
{
	bool is_cut;
	size_t len = str_length(t, data, &is_cut);
	char *text = arena_strndup(arena, data, len);

	out->kind = SONDE_STR;
	out->text = text ? text : "";
	out->len = text ? len : 0;
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
value_make(struct render *r, const struct type *t, const void *data, struct arena *arena, struct sonde_value *out)
{
	*out = (struct sonde_value){ 0 };
	if (value_read(t, data, &out->num.i)) {
		out->kind = t->kind == T_INT && t->is_signed ? SONDE_INT : SONDE_UINT;
		set_text(r, t, data, arena, out);
		return;
	}
	if (t->fmt) {                    /* an address, a name: its text is what it is */
		out->kind = SONDE_STR;
		set_text(r, t, data, arena, out);
		return;
	}
	switch (t->kind) {
	case T_STR:
		make_str(t, data, arena, out);
		break;
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
			t->aggr->value(r, t, data, arena, out);
		else
			set_text(r, t, data, arena, out);
		break;
	default:
		out->kind = SONDE_STR;
		set_text(r, t, data, arena, out);
	}
}
