/* gen_expr.c - expressions: from a typed tree to values. */
#include "codegen/emit.h"

/* ---- truth ---- */

bool
gen_is_true(struct gen *g, struct gval v, struct gval *out)
{
	if (v.kind != GV_REG && v.type->kind == T_STR)
		v = gen_load(g, gen_at(g, v, 0, type_int(g->c->types, 1, false)));
	else if (v.kind != GV_REG)
		v = gen_load(g, v);
	*out = emit_from_bool(g, emit_bool(g, v));
	return true;
}

/* Branches straight from comparisons and logical operators, without making a number of them first. */
bool
gen_cond(struct gen *g, const struct node *n, struct gblock *yes, struct gblock *no)
{
	struct gval v;

	while (n->kind == N_UNARY && n->op == TK_NOT) {
		struct gblock *swap = yes;

		yes = no;
		no = swap;
		n = n->kid[0];
	}
	if (n->kind == N_BINARY && (n->op == TK_LAND || n->op == TK_LOR)) {
		struct gblock *next = gen_label(g, "next");

		if (!(n->op == TK_LAND ? gen_cond(g, n->lhs, next, no) : gen_cond(g, n->lhs, yes, next)))
			return false;
		gen_place(g, next);
		return gen_cond(g, n->rhs, yes, no);
	}
	if (!gen_expr(g, n, &v) || !gen_is_true(g, v, &v))
		return false;
	gen_branch(g, v, yes, no);
	return true;
}

static bool
gen_logic(struct gen *g, const struct node *n, struct gval *out)
{
	const struct type *b = type_bool(g->c->types);
	struct gblock *yes = gen_label(g, "yes"), *no = gen_label(g, "no"), *done = gen_label(g, "bool");

	if (!gen_cond(g, n, yes, no))
		return false;
	gen_place(g, no);
	gen_jump(g, done);
	gen_place(g, yes);
	gen_place(g, done);
	*out = gen_phi(g, b, gen_int(g, b, 1), yes, gen_int(g, b, 0), no);
	return true;
}

/* ---- pointers and members ---- */

static struct gval
deref(struct gval p)
{
	const struct type *t = p.type;

	return (struct gval){ .kind = GV_FAR, .v = p.v, .type = t->kind == T_PTR ? t->elem : t, .space = t->kind == T_PTR ? t->space : AS_KERNEL,
			      .is_trusted = p.is_trusted, .is_nullable = p.is_nullable };
}

static bool
find_field(struct gen *g, const struct type *record, const char *name, struct span at, struct field *f)
{
	if (script_field(g->c, record, name, f))
		return true;
	return diag_error(g->c->diags, at, E_INTERNAL, "field %s was lost between types and code", name);
}

/* args.x: the provider may have it elsewhere than in the context at the record's offset. */
static bool
gen_args_field(struct gen *g, const struct node *n, struct gval *out)
{
	const struct provider *prov = g->probe->prov;
	struct gval ctx = mem_of(emit_ctx(g), n->kid[0]->type);
	struct field f;

	if (!find_field(g, n->kid[0]->type, n->u.str, n->at, &f))
		return false;
	if (prov->gen_field)
		return prov->gen_field(g, gen_target(g), &f, out);
	ctx.is_ctx = true;
	*out = gen_load_field(g, ctx, &f);
	return true;
}

static bool
gen_field(struct gen *g, const struct node *n, struct gval *out)
{
	const struct node *of = n->kid[0];
	struct field f;
	struct gval v;

	if (of->kind == N_CALL && of->type->kind == T_RECORD && (of->ref.bi->uses & USES_ARGS))
		return gen_args_field(g, n, out);
	if (!gen_lazy(g, of, &v))
		return false;
	while (v.type->kind == T_PTR) {
		if (v.kind != GV_REG)
			v = gen_load(g, v);
		v = deref(v);
	}
	if (!find_field(g, v.type, n->u.str, n->at, &f))
		return false;
	bool is_padded = v.is_padded;
	*out = gen_load_field(g, v, &f);
	if (out->kind == GV_MEM)
		out->is_padded = is_padded && !v.type->home;
	if (n->type->kind == T_STR && out->type->kind == T_STR && out->type->size < n->type->size) {
		struct gval whole = gen_temp(g, n->type);

		if (!gen_to(g, *out, whole, true))
			return false;
		*out = whole;
		out->is_padded = true;
	}
	if (type_is_scalar(n->type) && out->kind == GV_REG)
		out->type = n->type; /* with the address space that the expression gives it */
	return true;
}

/* A place of an array, counted at run time: outside of it, the value is 0. */
static bool
gen_checked_index(struct gen *g, const struct node *n, struct gval of, struct gval i, uint32_t len, struct gval *out)
{
	const struct type *elem = n->type;
	struct gblock *in = gen_label(g, "index"), *bad = gen_label(g, "index_bad"), *done = gen_label(g, "index_done"), *from;
	struct gval v, dst = { .v = NULL };

	if (of.kind == GV_MEM && of.is_ctx) {
		struct gval copy = gen_temp(g, of.type);

		gen_copy(g, copy, of, of.type->size);
		of = copy;
	}
	if (!type_is_scalar(elem))
		dst = gen_temp(g, elem);
	from = gen_here(g);
	emit_likely(g, gen_cmp(g, TK_LT, false, i, gen_u64(g, len)), in, bad);
	gen_place(g, bad);
	gen_error(g, RE_INDEX, NULL, n->at, gen_u64(g, 0));
	if (dst.v)
		gen_zero(g, dst);
	bad = gen_here(g);
	gen_jump(g, done);
	emit_place_hot(g, in, from);
	v = gen_index(g, of, emit_hide(g, i), elem->size, elem);
	if (dst.v)
		gen_copy(g, dst, v, elem->size);
	else
		v = gen_load(g, v);
	from = gen_here(g);
	gen_place(g, done);
	*out = dst.v ? dst : gen_phi(g, elem, v, from, gen_int(g, elem, 0), bad);
	return true;
}

static bool
gen_index_expr(struct gen *g, const struct node *n, struct gval *out)
{
	struct gval of, i;
	const struct type *t;
	int64_t k;
	bool is_const = fold_int(n->rhs, &k);

	if (!gen_lazy(g, n->lhs, &of))
		return false;
	t = of.type;
	if (t->kind == T_TUPLE) {
		bool is_padded = of.is_padded;

		*out = gen_load_field(g, of, &t->fields[k]);
		out->is_padded = is_padded;
		return true;
	}
	if (t->kind != T_PTR && is_const) {
		*out = gen_at(g, of, (uint32_t)k * n->type->size, n->type);
	} else {
		if (!gen_expr_reg(g, n->rhs, &i))
			return false;
		if (t->kind == T_ARRAY && !t->n && of.kind == GV_FAR) { /* [] of C: as long as its struct says */
			*out = gen_index(g, of, i, n->type->size, n->type);
			if (type_is_scalar(n->type))
				*out = gen_load(g, *out);
			return true;
		}
		if (t->kind != T_PTR)
			return gen_checked_index(g, n, of, i, t->kind == T_STR ? t->size : t->n, out);
		if (of.kind != GV_REG)
			of = gen_load(g, of);
		if (of.is_trusted)
			of = emit_plain(g, of);
		i = gen_bin(g, TK_PLUS, of, gen_bin(g, TK_STAR, i, gen_u64(g, n->type->size)));
		*out = (struct gval){ .kind = GV_FAR, .v = i.v, .type = n->type, .space = t->space };
	}
	if (type_is_scalar(n->type))
		*out = gen_load(g, *out);
	return true;
}

/* ---- operators ---- */

static bool
gen_address(struct gen *g, const struct node *n, struct gval *out)
{
	struct gval mem;

	if (n->kid[0]->kind == N_VAR)
		mem = var_mem(g, n->kid[0]->ref.var);
	else
		mem = gen_mem_at(g, gen_map_lookup(g, n->kid[0]->ref.map, gen_u64(g, 0)), n->kid[0]->type);
	*out = emit_plain(g, gen_addr(g, mem));
	out->type = n->type;
	return true;
}

static bool
gen_unary(struct gen *g, const struct node *n, struct gval *out)
{
	struct gval v;

	if (n->op == TK_AMP)
		return gen_address(g, n, out);
	if (n->op == TK_NOT) {
		if (!gen_expr(g, n->kid[0], &v) || !gen_is_true(g, v, &v))
			return false;
		*out = gen_cmp(g, TK_EQ, false, v, gen_u64(g, 0));
		return true;
	}
	if (!gen_expr_reg(g, n->kid[0], &v))
		return false;
	if (n->op == TK_STAR) {
		*out = deref(v);
		out->type = n->type;
		if (type_is_scalar(n->type))
			*out = gen_load(g, *out);
		return true;
	}
	if (n->op == TK_MINUS)
		*out = gen_bin(g, TK_MINUS, gen_u64(g, 0), v);
	else
		*out = gen_bin(g, TK_CARET, v, gen_u64(g, UINT64_MAX));
	out->type = n->type;
	return true;
}

/* The old value, or the new one for the prefix form. */
static bool
gen_incdec(struct gen *g, const struct node *n, struct gval *out)
{
	const struct node *of = n->kid[0];
	enum token_kind op = n->op == TK_INC ? TK_PLUS : TK_MINUS;
	const struct type *t = of->type;
	struct gval by = gen_u64(g, t->kind == T_PTR && t->elem && t->elem->size ? t->elem->size : 1), old, now;

	if (of->kind == N_MAP)
		return map_change(g, of, op, by, n->u.num == 1, out);
	old = var_read(g, of->ref.var);
	now = gen_cast(g, gen_bin(g, op, old, by), t);
	var_store(g, of->ref.var, now);
	*out = n->u.num == 1 ? now : old;
	return true;
}

static bool
equal_texts(struct gen *g, struct gval a, struct gval b, const struct node *rhs, struct gval *out)
{
	uint32_t n = a.type->size < b.type->size ? a.type->size : b.type->size;

	if (rhs && n <= EQUAL_TEXT)
		*out = emit_text_equal(g, a, rhs->u.str, n);
	else if (a.is_padded && b.is_padded && a.kind == GV_MEM && b.kind == GV_MEM)
		*out = emit_mem_equal(g, a, b, n);
	else
		*out = gen_str_equal(g, a, b, n);
	return true;
}

static bool
gen_equal_text(struct gen *g, const struct node *n, struct gval *out)
{
	const struct node *lit = n->rhs->kind == N_STR ? n->rhs : n->lhs->kind == N_STR ? n->lhs : NULL;
	const struct node *other = lit == n->rhs ? n->lhs : n->rhs;
	struct gval a, b = { .v = NULL };

	if (lit && other->kind != N_STR) {
		uint32_t size = (uint32_t)strlen(lit->u.str) + 1;

		if (!gen_expr(g, other, &a))
			return false;
		b.type = type_str(g->c->types, size);
		if (size > EQUAL_TEXT && !gen_expr(g, lit, &b))
			return false;
		return equal_texts(g, a, b, size <= EQUAL_TEXT ? lit : NULL, out);
	}
	return gen_expr(g, n->lhs, &a) && gen_expr(g, n->rhs, &b) && equal_texts(g, a, b, NULL, out);
}

/* Tuples, arrays ...: both as one type, padding zeroed, then by memory. */
static bool
gen_equal_mem(struct gen *g, const struct node *n, struct gval *out)
{
	const struct type *t = type_join(g->c->types, n->lhs->type, n->rhs->type);
	struct gval a, b;

	if (!t)
		t = n->lhs->type;
	a = gen_temp(g, t);
	b = gen_temp(g, t);
	if (!gen_expr_to(g, n->lhs, a, true) || !gen_expr_to(g, n->rhs, b, true))
		return false;
	*out = emit_mem_equal(g, a, b, t->size);
	return true;
}

static bool
gen_compare(struct gen *g, const struct node *n, struct gval *out)
{
	enum token_kind op = (enum token_kind)n->op;
	const struct node *l = n->lhs, *r = n->rhs;
	struct gval a, b;
	bool ok;

	if ((type_is_scalar(l->type) || l->type->kind == T_AGGR) && (type_is_scalar(r->type) || r->type->kind == T_AGGR)) {
		if (!gen_expr_reg(g, l, &a) || !gen_expr_reg(g, r, &b))
			return false;
		*out = gen_cmp(g, op, a.type->is_signed || b.type->is_signed, a, b);
		return true;
	}
	if (l->kind == N_CALL && l->ref.bi->gen_equal && r->kind == N_STR)
		ok = l->ref.bi->gen_equal(g, l, r->u.str, out);
	else if (l->type->kind == T_STR && r->type->kind == T_STR)
		ok = gen_equal_text(g, n, out);
	else
		ok = gen_equal_mem(g, n, out);
	if (ok && op == TK_NE)
		*out = gen_cmp(g, TK_EQ, false, *out, gen_u64(g, 0));
	return ok;
}

static struct gval
scale(struct gen *g, struct gval i, const struct type *pointer)
{
	uint32_t size = pointer->elem && pointer->elem->size ? pointer->elem->size : 1;

	return size == 1 ? i : gen_bin(g, TK_STAR, i, gen_u64(g, size));
}

static bool
gen_arith(struct gen *g, const struct node *n, struct gval a, struct gval *out)
{
	struct gval b;

	if (!gen_expr_reg(g, n->rhs, &b))
		return false;
	if (a.type->kind == T_PTR && b.type->kind != T_PTR)
		b = scale(g, b, a.type);
	else if (b.type->kind == T_PTR && a.type->kind != T_PTR)
		a = scale(g, a, b.type);
	*out = emit_arith(g, (enum token_kind)n->op, a, b);
	out->type = n->type;
	return true;
}

/* The left spine of a long chain a + b + c ... is followed by a loop, not by recursion. */
static bool
gen_binary(struct gen *g, const struct node *n, struct gval *out)
{
	const struct node **spine, *leaf = n;
	size_t depth = 0;

	if (n->op == TK_LAND || n->op == TK_LOR)
		return gen_logic(g, n, out);
	if (token_is_compare(n->op))
		return gen_compare(g, n, out);
	for (; leaf->kind == N_BINARY && leaf->op != TK_LAND && leaf->op != TK_LOR && !token_is_compare(leaf->op); leaf = leaf->lhs)
		depth++;
	spine = arena_alloc(g->c->tmp, depth * sizeof(*spine));
	leaf = n;
	for (size_t i = 0; i < depth; i++, leaf = leaf->lhs)
		spine[i] = leaf;
	if (!gen_expr_reg(g, leaf, out))
		return false;
	while (depth--) {
		g->at = spine[depth]->at;
		if (!gen_arith(g, spine[depth], *out, out))
			return false;
	}
	return true;
}

/* ---- conversions in the script ---- */

static bool
gen_cast_expr(struct gen *g, const struct node *n, struct gval *out)
{
	const struct type *to = n->type;
	struct gval v;

	if (type_is_scalar(to)) {
		if (!gen_expr(g, n->rhs, &v))
			return false;
		if (type_is_scalar(v.type))
			*out = gen_cast(g, v, to);
		else if (to->kind == T_BOOL && v.type->kind == T_STR)
			return gen_is_true(g, v, out);
		else {
			struct gval temp = gen_temp(g, to);

			if (!gen_to(g, v, temp, false))
				return false;
			*out = gen_load(g, temp);
		}
		return true;
	}
	*out = gen_temp(g, to);
	out->is_padded = true;
	if (n->rhs->kind == N_STR && to->kind != T_STR) { /* all bytes of the literal, whatever they are */
		v = gen_str_literal(g, n->rhs->u.str, (uint32_t)n->rhs->op, n->rhs->type->size);
		return gen_to(g, v, *out, true);
	}
	return gen_expr_to(g, n->rhs, *out, true);
}

/* ---- the rest ---- */

static bool
gen_literal(struct gen *g, const struct node *n, struct gval *out)
{
	if (n->kind == N_STR)
		*out = gen_str_literal(g, n->u.str, (uint32_t)strlen(n->u.str), n->type->size);
	else
		*out = gen_int(g, n->type, n->u.num);
	return true;
}

static bool
gen_members(struct gen *g, const struct node *n, struct gval *out)
{
	*out = gen_temp(g, n->type);
	out->is_padded = true;
	return gen_expr_to(g, n, *out, true);
}

bool
gen_lazy(struct gen *g, const struct node *n, struct gval *out)
{
	*out = (struct gval){ .type = n->type };
	switch (n->kind) {
	case N_INT:
	case N_BOOL:
	case N_STR: return gen_literal(g, n, out);
	case N_VAR: *out = var_read(g, n->ref.var); return true;
	case N_MAP: return map_load(g, n, out);
	case N_CALL: return gen_call(g, n, out);
	case N_FIELD: return gen_field(g, n, out);
	case N_INDEX: return gen_index_expr(g, n, out);
	case N_TUPLE:
	case N_RECORD: return gen_members(g, n, out);
	case N_UNARY: return gen_unary(g, n, out);
	case N_INCDEC: return gen_incdec(g, n, out);
	case N_BINARY: return gen_binary(g, n, out);
	case N_IF:
	case N_TERNARY: return gen_choice(g, n, out);
	case N_CAST: return gen_cast_expr(g, n, out);
	case N_BLOCK: return gen_block_value(g, n, out);
	case N_COMPTIME: return gen_lazy(g, n->kid[0], out);
	default: return diag_error(g->c->diags, n->at, E_INTERNAL, "no code for %s", node_name(n->kind));
	}
}

bool
gen_expr(struct gen *g, const struct node *n, struct gval *out)
{
	struct gval temp;

	if (!gen_lazy(g, n, out))
		return false;
	if (out->kind == GV_FAR && out->type->kind == T_STR) {
		temp = gen_temp(g, out->type);
		gen_copy(g, temp, *out, out->type->size);
		*out = temp;
	} else if (out->kind != GV_REG && type_is_scalar(out->type)) {
		*out = gen_load(g, *out);
	}
	return true;
}

bool
gen_expr_reg(struct gen *g, const struct node *n, struct gval *out)
{
	if (!gen_expr(g, n, out))
		return false;
	if (out->kind != GV_REG) { /* up to 8 bytes of an array */
		struct gval temp = gen_temp(g, type_int(g->c->types, 8, false));

		if (!gen_to(g, *out, temp, false))
			return false;
		*out = gen_load(g, temp);
	}
	return true;
}

/* Tuples and records element by element, straight to where they shall be. */
static bool
members_to(struct gen *g, const struct node *n, struct gval dst, bool pad)
{
	const struct type *t = dst.type;
	uint32_t used = 0, i = 0;

	for (uint32_t k = 0; k < t->n; k++)
		used += t->fields[k].type->size;
	if (pad && used != t->size)
		gen_zero(g, dst);
	for (const struct node *e = n->kid[0]; e; e = e->next, i++) {
		const struct field *f = i < t->n ? &t->fields[i] : NULL;

		if (e->kind == N_RECORD_FIELD)
			for (uint32_t k = 0; k < t->n; k++)
				if (t->fields[k].name && strcmp(t->fields[k].name, e->u.str) == 0)
					f = &t->fields[k];
		if (f && !gen_expr_to(g, e->kind == N_RECORD_FIELD ? e->kid[0] : e, gen_at(g, dst, f->off, f->type), pad))
			return false;
	}
	return true;
}

bool
gen_expr_to(struct gen *g, const struct node *n, struct gval dst, bool pad)
{
	const struct type *t = dst.type;
	struct gval v;

	if (n->kind == N_STR && t->kind == T_STR) {
		uint32_t len = (uint32_t)strlen(n->u.str), all = n->type->size < t->size ? n->type->size : t->size;

		if (!pad && len + 1 < all)
			all = len + 1;
		emit_text(g, dst, n->u.str, len, pad ? t->size : all);
		return true;
	}
	if ((n->kind == N_TUPLE && t->kind == T_TUPLE) || (n->kind == N_RECORD && t->kind == T_RECORD))
		return members_to(g, n, dst, pad);
	if (n->kind == N_CALL && !type_is_scalar(t))
		return gen_call_to(g, n, dst, pad);
	if ((n->kind == N_TERNARY || n->kind == N_IF) && !type_is_scalar(t) && n->type == t)
		return gen_choice_to(g, n, &v, &dst, pad);
	if (n->kind == N_BLOCK && !type_is_scalar(t) && n->type == t)
		return gen_list_value(g, n, &v, &dst, pad);
	return gen_lazy(g, n, &v) && gen_to(g, v, dst, pad);
}
