/* gen_value.c - c ? a : b, and statements that have a value: blocks and if chains. */
#include "codegen/emit.h"


static bool
either(struct gen *g, const struct node *n, struct gval *v, const struct gval *dst, bool pad, const struct type *t)
{
	if (n->kind == N_BLOCK || n->kind == N_IF) {
		if (!gen_list_value(g, n, v, dst, pad))
			return false;
		if (dst || !type_is_scalar(t) || v->kind != GV_REG)
			return true;
		*v = gen_cast(g, *v, t);
		if (v->is_trusted)
			*v = emit_plain(g, *v);
		return true;
	}
	if (dst)
		return gen_expr_to(g, n, *dst, pad);
	if (t->kind == T_VOID)
		return gen_lazy(g, n, v);
	if (!gen_expr_reg(g, n, v))
		return false;
	*v = gen_cast(g, *v, t);
	if (v->is_trusted)
		*v = emit_plain(g, *v);
	return true;
}

bool
gen_choice_to(struct gen *g, const struct node *n, struct gval *out, const struct gval *dst, bool pad)
{
	struct gblock *yes = gen_label(g, "yes"), *no = gen_label(g, "no"), *done = gen_label(g, "chosen"), *from_yes, *from_no;
	struct gval a = { .v = NULL }, b = { .v = NULL };
	bool is_reg = !dst && n->type->kind != T_VOID;

	if (!n->then) { /* c ?: b */
		struct gval c, is;

		if (!gen_expr(g, n->cond, &c) || !gen_is_true(g, c, &is))
			return false;
		gen_branch(g, is, yes, no);
		gen_place(g, yes);
		if (dst ? !gen_to(g, c, *dst, pad) : (a = gen_cast(g, c, n->type), false))
			return false;
		if (a.is_trusted)
			a = emit_plain(g, a);
	} else {
		if (!gen_cond(g, n->cond, yes, no))
			return false;
		gen_place(g, yes);
		if (!either(g, n->then, &a, dst, pad, n->type))
			return false;
	}
	from_yes = gen_here(g);
	gen_jump(g, done);
	gen_place(g, no);
	if (n->els && !either(g, n->els, &b, dst, pad, n->type))
		return false;
	from_no = gen_here(g);
	gen_place(g, done);
	*out = dst ? *dst : is_reg ? gen_phi(g, n->type, a, from_yes, b, from_no) : gen_u64(g, 0);
	return true;
}

bool
gen_choice(struct gen *g, const struct node *n, struct gval *out)
{
	struct gval dst;

	if (type_is_scalar(n->type) || n->type->kind == T_VOID)
		return gen_choice_to(g, n, out, NULL, false);
	dst = gen_temp(g, n->type);
	dst.is_padded = true;
	return gen_choice_to(g, n, out, &dst, true);
}

/* What the last expression of a block gives: written to dst when there is one. */
bool
gen_list_value(struct gen *g, const struct node *n, struct gval *out, const struct gval *dst, bool pad)
{
	const struct node *s;

	if (n->kind == N_IF)
		return gen_choice_to(g, n, out, dst, pad);
	*out = gen_u64(g, 0);
	for (s = n->kid[0]; s; s = s->next) {
		if (s->next || s->kind != N_EXPR || s->op != 1) {
			if (!gen_stmt(g, s))
				return false;
			continue;
		}
		if (dst)
			return gen_expr_to(g, s->kid[0], *dst, pad);
		return s->kid[0]->type->kind == T_VOID || !type_is_scalar(s->kid[0]->type) ? gen_expr(g, s->kid[0], out)
											     : gen_expr_reg(g, s->kid[0], out);
	}
	return true;
}

bool
gen_block_value(struct gen *g, const struct node *n, struct gval *out)
{
	const struct node *only = n->kid[0];
	struct gval dst;

	if (only && !only->next && only->kind == N_EXPR && only->op == 1 && only->kid[0]->type == n->type)
		return gen_lazy(g, only->kid[0], out);
	if (!n->type || type_is_scalar(n->type) || n->type->kind == T_VOID)
		return gen_list_value(g, n, out, NULL, false);
	dst = gen_temp(g, n->type);
	*out = dst;
	return gen_list_value(g, n, out, &dst, true) && (*out = dst, true);
}
