/* rows.c - what several families of rows need. */
#include "stdlib/rows.h"

const char *
arg_word(const struct node *arg)
{
	if (!arg)
		return NULL;
	if (arg->type && arg->type->kind == T_WORD)
		return arg->type->name;
	return arg->kind == N_IDENT ? arg->u.str : NULL;
}

bool
arg_int(const struct node *arg, int64_t *value)
{
	return arg && fold_int(arg, value);
}

const struct type *
type_printed(struct compile *c, const char *fmt, const struct type *base)
{
	return type_fmt(c->types, base ? base : type_int(c->types, 8, false), run_find_fmt(fmt));
}

enum space
space_of(struct gen *g, const struct type *t)
{
	if (t->kind == T_PTR)
		return t->space;
	return gen_probe(g)->prov->flags & PROV_USER ? AS_USER : AS_KERNEL;
}

const struct type *
type_usym(struct compile *c)
{
	const struct field part[] = {
		{ .name = "addr", .type = type_int(c->types, 8, false) },
		{ .name = "pid", .type = type_int(c->types, 4, false), .off = 8 },
	};

	return type_printed(c, "usym_t", type_record(c->types, "usym_t", 16, false, part, LENGTH(part)));
}

struct gval
gen_slot(struct gen *g, struct gval mem, uint32_t off, uint32_t size, bool is_signed)
{
	return gen_at(g, mem, off, type_int(gen_compile(g)->types, size, is_signed));
}
