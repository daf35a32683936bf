/* gen_loop.c - while, unroll, and for: loops over ranges and maps, whose bodies are callbacks of the kernel's.
 * A callback returns 0 to go on and 1 to end the loop.  What it shares with the program lies in the frame, memory of the entry
 * function, whose address is the callback's context; a return from inside sets a word there that the code behind the loop looks at. */
#include <linux/bpf.h>
#include "codegen/emit.h"

enum { MAX_LOOPS = 8 << 20 };            /* of bpf_loop() */

bool
gen_while(struct gen *g, const struct node *n)
{
	struct gblock *test = gen_label(g, "while"), *body = gen_label(g, "body"), *done = gen_label(g, "while_done");
	struct loop loop = { .outer = g->f->loops, .next = block(test), .done = block(done), .n_events = g->n_events };
	struct mark m = temp_mark(g);

	gen_place(g, test);
	if (!gen_cond(g, n->kid[0], body, done))
		return false;
	temp_release(g, m);
	gen_place(g, body);
	g->f->loops = &loop;
	bool ok = gen_block(g, n->kid[1]->kid[0]);
	g->f->loops = loop.outer;
	gen_jump(g, test);
	LLVMPositionBuilderAtEnd(g->b, block(done));
	return ok;
}

bool
gen_unroll(struct gen *g, const struct node *n)
{
	struct gblock *done = gen_label(g, "unroll_done");
	int64_t count = 0;

	fold_int(n->kid[0], &count);
	for (int64_t i = 0; i < count; i++) {
		struct gblock *next = gen_label(g, "unroll");
		struct loop loop = { .outer = g->f->loops, .next = block(next), .done = block(done), .n_events = g->n_events };

		g->f->loops = &loop;
		bool ok = gen_block(g, n->kid[1]->kid[0]);
		g->f->loops = loop.outer;
		if (!ok)
			return false;
		gen_place(g, next);
	}
	gen_place(g, done);
	return true;
}

bool
gen_leave(struct gen *g, const struct node *n)
{
	struct loop *loop = g->f->loops;

	if (!loop) /* resolve.c has said so */
		return diag_error(g->c->diags, n->at, E_LOOP, "%s outside of a loop", node_name(n->kind));
	event_unwind(g, loop->n_events);
	if (loop->next)
		LLVMBuildBr(g->b, n->kind == N_BREAK ? loop->done : loop->next);
	else
		LLVMBuildRet(g->b, const64(g, n->kind == N_BREAK));
	emit_dead(g);
	return true;
}

/* ---- callbacks ---- */

static struct func *
callback_begin(struct gen *g, const struct node *n, unsigned n_args, struct loop *loop)
{
	LLVMTypeRef range[] = { g->i64, g->ptr }, each[] = { g->ptr, g->ptr, g->ptr, g->ptr };
	struct func *f = func_begin(g, "loop", LLVMFunctionType(g->i64, n_args == 2 ? range : each, n_args, 0), n->at);

	f->frame = LLVMGetParam(f->fn, n_args - 1);
	*loop = (struct loop){ .n_events = g->n_events };
	f->loops = loop;
	g->loop_depth++;
	return f;
}

static void
callback_end(struct gen *g)
{
	if (!emit_is_ended(g))
		LLVMBuildRet(g->b, const64(g, 0));
	g->loop_depth--;
	func_end(g);
}

/* Behind a loop whose body may have returned. */
static void
pass_return(struct gen *g)
{
	struct gblock *out = gen_label(g, "returned"), *on = gen_label(g, "loop_on");
	const struct type *i64 = type_int(g->c->types, 8, true);

	gen_branch(g, reg_of(emit_load(g, g->i64, frame_word(g, FRAME_RETURNED), 8), i64), out, on);
	gen_place(g, out);
	gen_return(g, reg_of(emit_load(g, g->i64, frame_word(g, FRAME_VALUE), 8), i64));
	gen_place(g, on);
}

static bool
for_range(struct gen *g, const struct node *n)
{
	const struct type *i64 = type_int(g->c->types, 8, true);
	struct gblock *run = gen_label(g, "range"), *bad = gen_label(g, "range_long"), *done = gen_label(g, "range_done");
	unsigned word = FRAME_FIXED + g->loop_depth;
	struct gval from, to, count;
	struct func *f;
	struct loop loop;

	if (!gen_expr_reg(g, n->kid[1]->kid[0], &from) || !gen_expr_reg(g, n->kid[1]->kid[1], &to))
		return false;
	from.type = to.type = i64;
	emit_store(g, llvm(from), frame_word(g, word), 8);
	gen_branch(g, gen_cmp(g, TK_LT, true, from, to), run, done);
	gen_place(g, run);
	count = gen_bin(g, TK_MINUS, to, from);
	run = gen_label(g, "range_run");
	gen_branch(g, gen_cmp(g, TK_GT, false, count, gen_u64(g, MAX_LOOPS)), bad, run);
	gen_place(g, bad);
	gen_error(g, RE_HELPER, "loop", n->kid[1]->at, gen_int(g, i64, (uint64_t)-7 /* E2BIG */));
	gen_jump(g, done);
	gen_place(g, run);
	f = callback_begin(g, n, 2, &loop);
	from = reg_of(emit_load(g, g->i64, frame_word(g, word), 8), i64);
	var_store(g, n->kid[0]->ref.var, gen_bin(g, TK_PLUS, from, reg_of(LLVMGetParam(f->fn, 0), i64)));
	if (!gen_block(g, n->kid[2]->kid[0]))
		return false;
	callback_end(g);
	LLVMValueRef arg[] = { llvm(count), f->fn, g->f->frame, const64(g, 0) };
	emit_helper(g, BPF_FUNC_loop, arg, 4);
	if (f->has_return)
		pass_return(g);
	gen_place(g, done);
	return true;
}

/* $kv = (key, value): aggregates are summed over the CPUs. */
static bool
load_pair(struct gen *g, const struct mapdesc *m, struct var *v, struct func *f)
{
	struct gval pair = var_mem(g, v), key = mem_of(LLVMGetParam(f->fn, 1), m->key), val = mem_of(LLVMGetParam(f->fn, 2), m->val);
	const struct field *to = v->type->fields;

	if (m->val->kind == T_AGGR && !map_read_aggr(g, m, key, &val))
		return false;
	if (to[0].type->size + to[1].type->size != v->type->size)
		gen_zero(g, pair);
	key.is_padded = true;
	return gen_to(g, key, gen_at(g, pair, to[0].off, to[0].type), true) && gen_to(g, val, gen_at(g, pair, to[1].off, to[1].type), true);
}

static bool
for_map(struct gen *g, const struct node *n)
{
	const struct mapdesc *m = n->kid[1]->ref.map;
	struct mark mark;
	struct func *f;
	struct loop loop;

	f = callback_begin(g, n, 4, &loop);
	mark = temp_mark(g);
	if (!load_pair(g, m, n->kid[0]->ref.var, f))
		return false;
	temp_release(g, mark);
	if (!gen_block(g, n->kid[2]->kid[0]))
		return false;
	callback_end(g);
	LLVMValueRef arg[] = { map_symbol(g, m->slot), f->fn, g->f->frame, const64(g, 0) };
	emit_helper(g, BPF_FUNC_for_each_map_elem, arg, 4);
	if (f->has_return)
		pass_return(g);
	return true;
}

bool
gen_for(struct gen *g, const struct node *n)
{
	if (g->loop_depth == 6)
		return diag_error(g->c->diags, n->at, E_NESTING, "for loops nest up to 6 deep");
	return n->kid[1]->kind == N_RANGE ? for_range(g, n) : for_map(g, n);
}
