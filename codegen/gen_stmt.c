/* gen_stmt.c - statements and calls. */
#include "codegen/emit.h"

/* ---- calls ---- */

static bool
run_row(struct gen *g, const struct node *call, struct gval *out)
{
	const struct builtin *bi = call->ref.bi;

	if (bi->flags & BI_EXIT)
		gen_store(g, gen_state(g, offsetof(struct run_state, exiting), 8), gen_u64(g, 1));
	if (bi->gen)
		return bi->gen(g, call, out);
	if (bi->flags & BI_ACTION)
		return gen_action(g, call);
	return diag_error(g->c->diags, call->at, E_INTERNAL, "%s has no code", bi->name);
}

static bool
is_memory(const struct type *t)
{
	return !type_is_scalar(t) && t->kind != T_VOID && t->kind != T_AGGR && t->kind != T_WORD;
}

bool
gen_call(struct gen *g, const struct node *n, struct gval *out)
{
	const struct type *t = n->type;

	g->at = n->at;
	dbg_place(g, n->at);
	*out = is_memory(t) ? gen_temp(g, t) : gen_u64(g, 0);
	out->type = t;
	if (!run_row(g, n, out))
		return false;
	if (n->ref.bi->flags & BI_EXIT)
		gen_return(g, gen_u64(g, 0));
	if (type_is_scalar(t) && out->kind == GV_REG && out->type != t && out->type)
		*out = gen_cast(g, *out, t);
	out->type = t;
	return true;
}

/* The row writes to where the value shall be.  Whether it also zeroes what lies behind a NUL is known only afterwards: the zeros,
 * where they are needed, are put in front of what it emitted. */
bool
gen_call_to(struct gen *g, const struct node *n, struct gval dst, bool pad)
{
	const struct type *t = n->type;
	struct gval out = dst, all = dst;
	LLVMBasicBlockRef at = LLVMGetInsertBlock(g->b), end;
	LLVMValueRef last;

	if (t->size > dst.type->size || t->kind != dst.type->kind || (t != dst.type && t->kind != T_STR) || align_of(dst) < 8)
		return gen_call(g, n, &out) && gen_to(g, out, dst, pad);
	g->at = n->at;
	dbg_place(g, n->at);
	last = LLVMGetLastInstruction(at);
	out.type = t;
	out.is_padded = false;
	if (!run_row(g, n, &out))
		return false;
	if (out.kind != GV_MEM || out.v != dst.v) /* it had one at hand */
		return gen_to(g, out, dst, pad);
	if (!pad || (out.is_padded && t->size == dst.type->size) || !type_has_text(t))
		return true;
	end = LLVMGetInsertBlock(g->b);
	if (last)
		last = LLVMGetNextInstruction(last);
	else
		last = LLVMGetFirstInstruction(at);
	if (last)
		LLVMPositionBuilder(g->b, at, last);
	else
		LLVMPositionBuilderAtEnd(g->b, at);
	if (out.is_padded)
		all = gen_at(g, dst, t->size, type_str(g->c->types, dst.type->size - t->size));
	gen_zero(g, all);
	LLVMPositionBuilderAtEnd(g->b, end);
	return true;
}

/* ---- assignments ---- */

static enum token_kind
op_of_assign(int op)
{
	switch (op) {
	case TK_PLUS_EQ: return TK_PLUS;
	case TK_MINUS_EQ: return TK_MINUS;
	case TK_STAR_EQ: return TK_STAR;
	case TK_SLASH_EQ: return TK_SLASH;
	case TK_PERCENT_EQ: return TK_PERCENT;
	case TK_AMP_EQ: return TK_AMP;
	case TK_PIPE_EQ: return TK_PIPE;
	case TK_CARET_EQ: return TK_CARET;
	case TK_SHL_EQ: return TK_SHL;
	default: return TK_SHR;
	}
}

static bool
gen_compound(struct gen *g, const struct node *n)
{
	const struct type *t = n->lhs->type;
	enum token_kind op = op_of_assign(n->op);
	struct gval by, old;

	if (!gen_expr_reg(g, n->rhs, &by))
		return false;
	if (t->kind == T_PTR && t->elem && t->elem->size > 1)
		by = gen_bin(g, TK_STAR, by, gen_u64(g, t->elem->size));
	if (n->lhs->kind == N_MAP)
		return map_change(g, n->lhs, op, by, false, &old);
	old = emit_arith(g, op, var_read(g, n->lhs->ref.var), by);
	var_store(g, n->lhs->ref.var, gen_cast(g, old, n->lhs->ref.var->type));
	return true;
}

static bool
gen_assign(struct gen *g, const struct node *n)
{
	struct gval v;

	if (n->op != TK_ASSIGN)
		return gen_compound(g, n);
	if (n->lhs->kind == N_MAP)
		return map_assign(g, n->lhs, n->rhs);
	if (n->lhs->kind == N_VAR)
		return var_assign(g, n->lhs->ref.var, n->rhs);
	return gen_expr(g, n->rhs, &v);
}

static bool
gen_let(struct gen *g, const struct node *n)
{
	struct var *v = n->kid[0]->ref.var;

	if (n->kid[2])
		return var_assign(g, v, n->kid[2]);
	gen_zero(g, var_mem(g, v));
	return true;
}

/* ---- control ---- */

static bool
gen_if(struct gen *g, const struct node *n)
{
	struct gblock *done = gen_label(g, "if_done");

	for (; n; n = n->els) {
		struct gblock *yes = gen_label(g, "then"), *no = n->kind == N_IF && n->els ? gen_label(g, "else") : done;
		struct mark m = temp_mark(g);

		if (n->kind != N_IF) { /* the last else */
			if (!gen_block(g, n->kid[0]))
				return false;
			LLVMDeleteBasicBlock(block(yes));
			break;
		}
		g->at = n->cond->at;
		dbg_place(g, n->cond->at);
		if (!gen_cond(g, n->cond, yes, no))
			return false;
		temp_release(g, m);
		gen_place(g, yes);
		if (!gen_block(g, n->then->kid[0]))
			return false;
		gen_jump(g, done);
		if (no != done)
			LLVMPositionBuilderAtEnd(g->b, block(no));
	}
	gen_place(g, done);
	return true;
}

static bool
gen_return_stmt(struct gen *g, const struct node *n)
{
	struct gval v = gen_u64(g, 0);

	if (n->kid[0] && !gen_expr_reg(g, n->kid[0], &v))
		return false;
	gen_return(g, v);
	return true;
}

static bool
gen_one(struct gen *g, const struct node *n)
{
	struct gval v;

	switch (n->kind) {
	case N_EXPR: return gen_lazy(g, n->kid[0], &v);
	case N_ASSIGN: return gen_assign(g, n);
	case N_LET: return gen_let(g, n);
	case N_IF: return gen_if(g, n);
	case N_WHILE: return gen_while(g, n);
	case N_UNROLL: return gen_unroll(g, n);
	case N_FOR: return gen_for(g, n);
	case N_BREAK:
	case N_CONTINUE: return gen_leave(g, n);
	case N_RETURN: return gen_return_stmt(g, n);
	case N_BLOCK: return gen_block(g, n->kid[0]);
	default: return gen_lazy(g, n, &v);
	}
}

bool
gen_stmt(struct gen *g, const struct node *n)
{
	struct mark m = temp_mark(g);
	bool ok;

	g->at = n->at;
	dbg_place(g, n->at);
	ok = gen_one(g, n);
	temp_release(g, m);
	return ok;
}

bool
gen_block(struct gen *g, const struct node *list)
{
	for (; list; list = list->next)
		if (!gen_stmt(g, list))
			return false;
	return true;
}
