/* convert.c - which types fit together: joins, assignments, casts, literals, and the types a script's words name. */
#include "sema/infer.h"

/* A literal that was not written with a minus takes the other side's signedness (LANGUAGE 2.2).  While types are
 * inferred such a literal's type carries this row; type_settle() takes it off in the end. */
static const struct fmt fmt_literal = { .name = "literal" };

bool
type_is_literal(const struct type *t)
{
	return t->kind == T_INT && t->fmt == &fmt_literal;
}

const struct type *
type_of_literal(struct types *ts, uint64_t num, bool is_neg)
{
	if (is_neg) {
		int64_t v = (int64_t)num;

		return type_int(ts, v >= INT8_MIN ? 1 : v >= INT16_MIN ? 2 : v >= INT32_MIN ? 4 : 8, true);
	}
	if (num > INT64_MAX)
		return type_int(ts, 8, false);
	return type_int(ts, num <= INT8_MAX ? 1 : num <= INT16_MAX ? 2 : num <= INT32_MAX ? 4 : 8, true);
}

const struct type *
type_flexible(struct types *ts, uint64_t num)
{
	return num > INT64_MAX ? type_int(ts, 8, false) : type_fmt(ts, type_of_literal(ts, num, false), &fmt_literal);
}

/* The member of other that belongs to field i of t: tuples by position, records by name. */
static const struct field *
partner(const struct type *t, uint32_t i, const struct type *other)
{
	if (t->kind != T_RECORD)
		return &other->fields[i];
	for (uint32_t k = 0; k < other->n; k++)
		if (strcmp(other->fields[k].name, t->fields[i].name) == 0)
			return &other->fields[k];
	return NULL;
}

/* Rebuilds a tuple or record with each element passed through fn; in t's order. */
static const struct type *
map_elements(struct types *ts, const struct type *t,
	     const struct type *(*fn)(struct types *, const struct type *, const struct type *), const struct type *other)
{
	const struct type *elem[64];
	struct field fields[64];
	const struct type *tuple;

	if (t->n > LENGTH(elem))
		return NULL;
	for (uint32_t i = 0; i < t->n; i++) {
		elem[i] = fn(ts, t->fields[i].type, other ? partner(t, i, other)->type : NULL);
		if (!elem[i])
			return NULL;
	}
	tuple = type_tuple(ts, elem, t->n);
	if (t->kind == T_TUPLE)
		return tuple;
	for (uint32_t i = 0; i < t->n; i++) {
		fields[i] = tuple->fields[i];
		fields[i].name = t->fields[i].name;
	}
	return type_record(ts, t->name, tuple->size, false, fields, t->n);
}

static const struct type *
settle(struct types *ts, const struct type *t, const struct type *unused)
{
	(void)unused;
	return type_settle(ts, t);
}

const struct type *
type_settle(struct types *ts, const struct type *t)
{
	if (!t)
		return NULL;
	if (type_is_literal(t))
		return type_int(ts, t->size, true);
	if ((t->kind == T_TUPLE && !t->fmt) || type_is_literal_record(t)) /* one that a row prints is no literal */
		return map_elements(ts, t, settle, NULL);
	if (t->kind == T_AGGR && t->elem)
		return type_aggr(ts, t->aggr, type_settle(ts, t->elem), t->param);
	return t;
}

bool
type_is_literal_record(const struct type *t)
{
	return t->kind == T_RECORD && !t->btf_id && t->name && strcmp(t->name, "record") == 0;
}

static const struct type *
join_ints(struct types *ts, const struct type *a, const struct type *b)
{
	bool lit_a = type_is_literal(a), lit_b = type_is_literal(b);
	uint32_t size = a->size > b->size ? a->size : b->size;

	if (lit_a && lit_b)
		return a->size >= b->size ? a : b;
	if (lit_a)
		return type_int(ts, size, b->is_signed);
	if (lit_b)
		return type_int(ts, size, a->is_signed);
	if (a->is_signed == b->is_signed)
		return type_int(ts, size, a->is_signed);
	const struct type *s = a->is_signed ? a : b, *u = a->is_signed ? b : a;
	if (s->size > u->size)
		return type_int(ts, s->size, true);
	return type_int(ts, u->size < 8 ? u->size * 2 : 8, true);
}

/* In whatever order: a record has no name twice. */
static bool
same_names(const struct type *a, const struct type *b)
{
	for (uint32_t i = 0; i < a->n; i++)
		if (!partner(a, i, b))
			return false;
	return true;
}

const struct type *
type_join(struct types *ts, const struct type *a, const struct type *b)
{
	if (a == b || !b)
		return a;
	if (!a)
		return b;
	if (a->kind != b->kind) {
		if (type_is_number(a) && type_is_number(b))
			return a->kind == T_INT ? a : b;
		if (a->kind == T_PTR && type_is_literal(b))
			return a;
		if (b->kind == T_PTR && type_is_literal(a))
			return b;
		return NULL;
	}
	switch (a->kind) {
	case T_INT:
		if (a->fmt != b->fmt && !type_is_literal(a) && !type_is_literal(b))
			return NULL;
		if (a->fmt && !type_is_literal(a))
			return a;
		if (b->fmt && !type_is_literal(b))
			return b;
		return join_ints(ts, a, b);
	case T_STR:
		return a->size >= b->size ? a : b;
	case T_BYTES:
		return a->n >= b->n ? a : b;
	case T_PTR:
		return !a->elem ? b : !b->elem ? a : a->elem->kind == b->elem->kind ? a : NULL;
	case T_TUPLE:
		return a->n == b->n ? map_elements(ts, a, type_join, b) : NULL;
	case T_RECORD:
		if (type_is_literal_record(a) && type_is_literal_record(b) && a->n == b->n && same_names(a, b))
			return map_elements(ts, a, type_join, b);
		return NULL;
	case T_AGGR:
		if (a->aggr == b->aggr && memcmp(a->param, b->param, sizeof(a->param)) == 0 && a->elem && b->elem)
			return type_aggr(ts, a->aggr, join_ints(ts, a->elem, b->elem), a->param);
		return NULL;
	default:
		return NULL;
	}
}

bool
type_can_assign(const struct type *to, const struct type *from)
{
	if (to == from)
		return true;
	if (type_is_number(to) && type_is_number(from))
		return to->fmt == from->fmt || !to->fmt || type_is_literal(to) || type_is_literal(from) || !from->fmt;
	if (to->kind == T_PTR && type_is_number(from))
		return true;
	if (to->kind != from->kind)
		return false;
	switch (to->kind) {
	case T_STR: return to->size >= from->size;
	case T_BYTES: return to->n >= from->n;
	case T_PTR: return !to->elem || !from->elem || to->elem->kind == from->elem->kind;
	case T_TUPLE:
	case T_RECORD:
		if (to->n != from->n || (to->kind == T_RECORD && !(type_is_literal_record(to) && type_is_literal_record(from) && same_names(to, from))))
			return false;
		for (uint32_t i = 0; i < to->n; i++)
			if (!type_can_assign(to->fields[i].type, partner(to, i, from)->type))
				return false;
		return true;
	default: return false;
	}
}

bool
type_can_cast(const struct type *to, const struct type *from)
{
	if (type_is_scalar(to) && type_is_scalar(from))
		return true;
	if (type_is_readable_aggr(from))
		return type_is_number(to);
	if (from->kind == T_STR)
		return to->kind == T_BOOL || (to->kind == T_STR && to->size >= from->size) ||
		       (to->kind == T_ARRAY && to->elem->size == 1 && to->size >= from->size);
	if (to->kind == T_ARRAY)
		return type_is_number(to->elem) && ((type_is_number(from) && (to->size == from->size || from->size <= to->size)) ||
						    (from->kind == T_ARRAY && from->size == to->size));
	if (type_is_number(to))
		return from->kind == T_ARRAY && from->size == to->size;
	return to->kind == from->kind && type_can_assign(to, from);
}

bool
type_is_readable_aggr(const struct type *t)
{
	return t->kind == T_AGGR && t->aggr->is_number;
}

bool
type_is_key(const struct type *t)
{
	switch (t->kind) {
	case T_VOID: case T_AGGR: case T_WORD: return false;
	case T_TUPLE:
		for (uint32_t i = 0; i < t->n; i++)
			if (!type_is_key(t->fields[i].type))
				return false;
		return true;
	default: return t->size > 0;
	}
}

bool
type_is_condition(const struct type *t)
{
	return type_is_scalar(t) || type_is_readable_aggr(t) || t->kind == T_STR;
}

/* ---- words of a script that name types ---- */

static const struct { const char *name; uint8_t size; bool is_signed; } int_names[] = {
	{ "int8", 1, true }, { "int16", 2, true }, { "int32", 4, true }, { "int64", 8, true },
	{ "uint8", 1, false }, { "uint16", 2, false }, { "uint32", 4, false }, { "uint64", 8, false },
	{ "int8_t", 1, true }, { "int16_t", 2, true }, { "int32_t", 4, true }, { "int64_t", 8, true },
	{ "uint8_t", 1, false }, { "uint16_t", 2, false }, { "uint32_t", 4, false }, { "uint64_t", 8, false },
	{ "u8", 1, false }, { "u16", 2, false }, { "u32", 4, false }, { "u64", 8, false },
	{ "s8", 1, true }, { "s16", 2, true }, { "s32", 4, true }, { "s64", 8, true },
	{ "char", 1, true }, { "short", 2, true }, { "int", 4, true }, { "long", 8, true },
	{ "unsigned", 4, false }, { "size_t", 8, false }, { "ssize_t", 8, true }, { "pid_t", 4, true },
};

static const struct type *
named_type(struct compile *c, const struct node *n, bool *is_counted)
{
	struct near near = { 0 };

	*is_counted = false;
	const struct type *t = cdef_type(c, n->u.str);
	if (t)
		return t;
	for (size_t i = 0; i < LENGTH(int_names); i++)
		if (strcmp(n->u.str, int_names[i].name) == 0)
			return type_int(c->types, int_names[i].size, int_names[i].is_signed);
	if (strcmp(n->u.str, "bool") == 0)
		return type_bool(c->types);
	if (strcmp(n->u.str, "void") == 0)
		return type_void(c->types);
	*is_counted = true;
	if (strcmp(n->u.str, "string") == 0)
		return type_str(c->types, c->limit.max_strlen);
	if (strcmp(n->u.str, "buffer") == 0)
		return type_bytes(c->types, c->limit.max_strlen);
	*is_counted = false;
	t = kernel_type(c->kernel, c->types, n->u.str);
	if (t)
		return t;
	for (size_t i = 0; i < LENGTH(int_names); i++)
		near_offer(&near, n->u.str, int_names[i].name);
	cdef_near_type(c, n->u.str, &near);
	if (strncmp(n->u.str, "struct ", 7) == 0 || strncmp(n->u.str, "union ", 6) == 0)
		diag_error(c->diags, n->at, E_TYPE_NAME, "Unknown struct/union: '%s'", n->u.str);
	else
		diag_error(c->diags, n->at, E_TYPE_NAME, "Cannot resolve unknown type \"%s\"", n->u.str);
	const char *why;
	if (!kernel_has_btf(c->kernel, &why))
		diag_hint(c->diags, "kernel types are not known here: %s", why);
	else if (near.best)
		diag_hint(c->diags, "did you mean '%s'?", near.best);
	return NULL;
}

/* is_counted: the first number is a capacity, not the length of an array. */
static const struct type *
with_suffixes(struct compile *c, const struct type *t, const struct node *s, bool is_counted)
{
	for (; s; s = s->next) {
		if (s->op == TK_STAR) {
			t = type_ptr(c->types, t->kind == T_VOID ? NULL : t, AS_KERNEL);
		} else if (is_counted) {
			if (s->u.num == 0 || s->u.num > 1 << 20)
				return diag_error(c->diags, s->at, E_SIZE, "the capacity of a %s is 1 to 1048576 bytes",
						  t->kind == T_STR ? "string" : "buffer"), NULL;
			t = t->kind == T_STR ? type_str(c->types, (uint32_t)s->u.num) : type_bytes(c->types, (uint32_t)s->u.num);
		} else {
			uint64_t len = s->u.num == UINT64_MAX ? 0 : s->u.num;

			if (t->kind == T_VOID || (t->size && len > (1 << 20) / t->size))
				return diag_error(c->diags, s->at, E_SIZE, "an array of %s of this size is not possible", type_name(c->tmp, t)), NULL;
			t = type_array(c->types, t, (uint32_t)len);
		}
		is_counted = false;
	}
	return t;
}

const struct type *
type_of_node(struct compile *c, const struct node *n)
{
	bool is_counted;
	const struct type *t = named_type(c, n, &is_counted);

	return t ? with_suffixes(c, t, n->kid[0], is_counted) : NULL;
}

const struct type *
type_suffixed(struct compile *c, const struct type *t, const struct node *suffixes)
{
	return with_suffixes(c, t, suffixes, false);
}

/* The same pointer type with another address space, all levels. */
const struct type *
type_in_space(struct types *ts, const struct type *t, enum space space)
{
	if (t->kind != T_PTR || t->space == space)
		return t;
	return type_ptr(ts, t->elem ? type_in_space(ts, t->elem, space) : NULL, space);
}
