/* gen_var.c - scratch variables: registers where LLVM can make them so, else the stack, the frame of a program with callbacks, or
 * scratch memory. */
#include "codegen/emit.h"

struct mention { const struct var *var; const struct mapdesc *map; bool found; };

static bool
look(struct node *n, void *ud)
{
	struct mention *m = ud;

	m->found |= (n->kind == N_VAR && m->var && n->ref.var == m->var) || (n->kind == N_MAP && m->map && n->ref.map == m->map);
	return !m->found;
}

bool
is_mentioned(const struct node *in, const struct var *v, const struct mapdesc *map)
{
	struct mention m = { v, map, false };

	node_walk((struct node *)in, look, &m);
	return m.found;
}

static uint32_t
size_of(const struct var *v)
{
	return type_is_scalar(v->type) ? 8 : round8(v->type->size ? v->type->size : 1);
}

/* A variable of the function at hand; survey_program() has seen that there is room.  In a loop that is unrolled, each copy of a callback has its own. */
static void
make_slot(struct gen *g, struct var *v, struct place *p)
{
	uint32_t size = size_of(v);
	bool is_number = type_is_scalar(v->type);

	if (is_number && !p->is_addressed) {
		p->mem = temp_alloca(g, g->i64); /* becomes a register */
		g->needs_passes = true;
	} else {
		g->f->stack_used += size;
		p->mem = temp_alloca(g, LLVMArrayType(g->i64, size / 8));
	}
	if (is_number)
		LLVMBuildStore(g->allocas, const64(g, 0), p->mem);
	p->fn = g->f->fn;
	p->kind = PLACE_SLOT;
	p->is_ready = true;
}

struct gval
var_mem(struct gen *g, struct var *v)
{
	struct place *p = v->storage;
	const struct type *t = type_is_scalar(v->type) ? type_int(g->c->types, 8, v->type->is_signed) : v->type;

	if (!p->is_ready || (p->kind == PLACE_SLOT && p->fn != g->f->fn))
		make_slot(g, v, p);
	if (p->kind == PLACE_SLOT)
		return mem_of(p->mem, t);
	if (p->kind == PLACE_FRAME)
		return mem_of(emit_offset(g, g->f->frame, p->off), t);
	return mem_of(scratch_at(g, p->off), t);
}

struct gval
var_read(struct gen *g, struct var *v)
{
	struct place *p = v->storage;
	struct gval r = var_mem(g, v);

	if (type_is_scalar(v->type)) {
		r = gen_load(g, r);
		r.type = v->type;
		r.is_trusted = r.is_nullable = p->n_writes == 1 && p->is_trusted;
	} else {
		r.is_padded = v->type->kind != T_STR || p->is_raw || (p->n_writes == 1 && p->is_padded);
	}
	return r;
}

/* A register's worth: a typed pointer keeps its type only in a variable that is written once, in the function that reads it. */
void
var_store(struct gen *g, struct var *v, struct gval value)
{
	struct place *p = v->storage;
	struct gval mem = var_mem(g, v);

	value = gen_cast(g, value, v->type);
	if (value.is_trusted && (p->n_writes != 1 || p->kind != PLACE_SLOT || p->is_addressed || v->is_loop))
		value = emit_plain(g, value);
	p->is_trusted = value.is_trusted;
	value.type = mem.type;
	if (value.is_trusted)
		emit_store(g, llvm(value), llvm(mem), 8);
	else
		gen_store(g, mem, value);
}

bool
var_assign(struct gen *g, struct var *v, const struct node *from)
{
	struct place *p = v->storage;
	struct gval value, mem;
	bool pad = v->type->kind != T_STR || p->is_raw;

	if (type_is_scalar(v->type)) {
		if (!gen_expr_reg(g, from, &value))
			return false;
		var_store(g, v, value);
		return true;
	}
	if (from->kind == N_STR || (from->kind == N_CALL && !is_mentioned(from, v, NULL))) {
		mem = var_mem(g, v);
		p->is_padded = from->kind == N_STR;
		return gen_expr_to(g, from, mem, pad);
	}
	if (is_mentioned(from, v, NULL)) {
		value = gen_temp(g, v->type);
		if (!gen_expr_to(g, from, value, true))
			return false;
		value.is_padded = true;
	} else if (!gen_lazy(g, from, &value)) {
		return false;
	}
	p->is_padded = value.is_padded && value.type == v->type;
	return gen_to(g, value, var_mem(g, v), pad);
}
