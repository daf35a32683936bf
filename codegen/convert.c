/* convert.c - a value of one type into memory of another: widening, padding, members one by one. */
#include "codegen/emit.h"

bool
type_has_text(const struct type *t)
{
	if (t->kind == T_STR || t->kind == T_BYTES)
		return true;
	if (t->kind == T_ARRAY)
		return type_has_text(t->elem);
	if (t->kind == T_TUPLE || (t->kind == T_RECORD && !t->home))
		for (uint32_t i = 0; i < t->n; i++)
			if (type_has_text(t->fields[i].type))
				return true;
	return false;
}

static void
zero_from(struct gen *g, struct gval dst, uint32_t off)
{
	if (off < dst.type->size)
		gen_zero(g, gen_at(g, dst, off, type_str(g->c->types, dst.type->size - off)));
}

static void
text_to(struct gen *g, struct gval from, struct gval dst, bool pad)
{
	uint32_t n = from.type->size < dst.type->size ? from.type->size : dst.type->size;

	if (pad && !from.is_padded)
		emit_pad(g, dst, from, n);
	else
		gen_copy(g, dst, from, n);
	if (n == dst.type->size)
		return;
	if (pad)
		zero_from(g, dst, n);
	else /* cut text has no NUL of its own */
		gen_store(g, gen_at(g, dst, n, type_int(g->c->types, 1, false)), gen_u64(g, 0));
}

static const struct field *
field_of(const struct type *t, const char *name, uint32_t i)
{
	if (!name)
		return i < t->n ? &t->fields[i] : NULL;
	for (uint32_t k = 0; k < t->n; k++)
		if (t->fields[k].name && strcmp(t->fields[k].name, name) == 0)
			return &t->fields[k];
	return NULL;
}

/* Tuples by position, records by name. */
static bool
members_to(struct gen *g, struct gval from, struct gval dst, bool pad)
{
	uint32_t used = 0;

	for (uint32_t i = 0; i < dst.type->n; i++)
		used += dst.type->fields[i].type->size;
	if (pad && used != dst.type->size)
		gen_zero(g, dst);
	for (uint32_t i = 0; i < dst.type->n; i++) {
		const struct field *to = &dst.type->fields[i], *f = field_of(from.type, from.type->kind == T_RECORD ? to->name : NULL, i);

		if (!f) {
			gen_zero(g, gen_at(g, dst, to->off, to->type));
			continue;
		}
		struct gval v = gen_load_field(g, from, f);

		if (v.kind == GV_MEM)
			v.is_padded = from.is_padded;
		if (!gen_to(g, v, gen_at(g, dst, to->off, to->type), pad))
			return false;
	}
	return true;
}

/* An integer's bytes as an array or text, and the other way round. */
static void
bytes_to(struct gen *g, struct gval from, struct gval dst)
{
	uint32_t n = from.type->size < dst.type->size ? from.type->size : dst.type->size;

	if (from.kind == GV_REG) {
		struct gval temp = gen_temp(g, type_int(g->c->types, 8, false));

		gen_store(g, temp, from);
		from = temp;
		n = dst.type->size < 8 ? dst.type->size : 8;
	}
	gen_copy(g, dst, from, n);
	zero_from(g, dst, n);
}

static bool
scalar_to(struct gen *g, struct gval from, struct gval dst)
{
	if (!type_is_scalar(from.type)) {
		uint32_t n = from.type->size;

		from.type = type_int(g->c->types, n >= 8 ? 8 : n >= 4 ? 4 : n >= 2 ? 2 : 1, false); /* an array or text seen as an integer */
		from = gen_load(g, from);
	} else if (from.kind != GV_REG) {
		from = gen_load(g, from);
	}
	gen_store(g, dst, from.type == dst.type ? from : gen_cast(g, from, dst.type));
	return true;
}

bool
gen_to(struct gen *g, struct gval from, struct gval dst, bool pad)
{
	const struct type *a = from.type, *b = dst.type;

	if (type_is_scalar(b))
		return scalar_to(g, from, dst);
	if (a->kind == T_STR && b->kind == T_STR) {
		text_to(g, from, dst, pad);
		return true;
	}
	if (from.kind != GV_REG && a == b && !(pad && !from.is_padded && type_has_text(b) && b->kind != T_BYTES)) {
		gen_copy(g, dst, from, b->size);
		return true;
	}
	if ((b->kind == T_TUPLE && a->kind == T_TUPLE) || (b->kind == T_RECORD && a->kind == T_RECORD && !b->home))
		return members_to(g, from, dst, pad);
	bytes_to(g, from, dst);
	return true;
}
