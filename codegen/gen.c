/* gen.c - pass G: the LLVM module, one function for each probe and one for each loop body in it.
 * Needs: the plan (P): maps with slots, actions, programs.
 * Gives: c->gen with a verified module; sizes of the internal maps; error sites of the image. */
#include <linux/bpf.h>
#include "codegen/emit.h"
#include "codegen/open.h"

enum {
	STACK_ALL = 512,                 /* the kernel's, for a program and its callbacks together */
	STACK_SPILL = 112,               /* of it for registers that LLVM has to put away */
	SCRATCH_MAX = 32768,             /* the largest per-CPU value */
	SCRATCH_SLOTS = 4,               /* for programs that can be preempted: so many at once on a CPU */
	MAX_REG_VARS = 24,
	MAX_STACK_VARS = 128,            /* bytes */
};

/* ---- functions ---- */

static uint32_t
stack_of(const struct gen *g, bool is_callback)
{
	if (!g->has_loop)
		return STACK_ALL - STACK_SPILL;
	return is_callback ? 64 : 208;
}

struct func *
func_begin(struct gen *g, const char *name, LLVMTypeRef type, struct span at)
{
	const struct prog *prog = &g->c->img->progs[g->probe->index];
	struct func *f = arena_alloc(g->c->tmp, sizeof(*f));
	bool is_callback = g->f != NULL;

	/* A function cannot have its section's name. */
	name = is_callback ? arena_printf(g->c->tmp, "%s_%s%u", prog->section, name, g->n_callbacks++) : arena_printf(g->c->tmp, "%s_entry", prog->section);
	f->outer = g->f;
	f->back = is_callback ? LLVMGetInsertBlock(g->b) : NULL;
	f->n_events = g->n_events;
	f->fn = LLVMAddFunction(g->mod, name, type);
	LLVMSetSection(f->fn, prog->section);
	if (is_callback) {
		LLVMSetLinkage(f->fn, LLVMInternalLinkage);
		g->needs_passes = true; /* one that is never called has to go: the verifier refuses code that is not reached */
	}
	f->sub = dbg_function(g, is_callback ? name : prog->name, at);
	LLVMSetSubprogram(f->fn, f->sub);
	f->entry = LLVMAppendBasicBlockInContext(g->lc, f->fn, "entry");
	f->claim = LLVMAppendBasicBlockInContext(g->lc, f->fn, "claim");
	f->body = LLVMAppendBasicBlockInContext(g->lc, f->fn, "body");
	f->stack_max = stack_of(g, is_callback);
	LLVMPositionBuilderAtEnd(g->allocas, f->entry);
	g->f = f;
	f->scratch = temp_alloca(g, g->ptr);
	f->start = f->claim;
	LLVMPositionBuilderAtEnd(g->b, f->body);
	dbg_place(g, at);
	return f;
}

/* Blocks that nothing leads to, and ends that nothing was put behind. */
static void
close_blocks(struct gen *g)
{
	uint32_t n = 0;

	for (LLVMBasicBlockRef b = LLVMGetFirstBasicBlock(g->f->fn); b; b = LLVMGetNextBasicBlock(b)) {
		if (!LLVMGetBasicBlockTerminator(b)) {
			LLVMPositionBuilderAtEnd(g->b, b);
			LLVMBuildUnreachable(g->b);
		}
		for (LLVMValueRef i = LLVMGetFirstInstruction(b); i; i = LLVMGetNextInstruction(i))
			n++;
	}
	if (n > g->longest) {
		g->longest = n;
		g->longest_at = g->probe->node->at;
	}
}

static LLVMValueRef
scratch_lookup(struct gen *g, LLVMValueRef number)
{
	LLVMValueRef key = temp_alloca(g, g->i64), arg[] = { map_symbol(g, MAP_SCRATCH), key };

	emit_store(g, number, key, 8);
	return emit_helper(g, BPF_FUNC_map_lookup_elem, arg, 2);
}

static void
scratch_none(struct gen *g, LLVMBasicBlockRef at)
{
	LLVMPositionBuilderAtEnd(g->b, at);
	LLVMBuildRet(g->b, const64(g, g->f->outer != NULL));
}

/* The entry of the program at hand, looked up once; a callback finds it again by the number in the frame. */
static void
claim_plain(struct gen *g, LLVMValueRef number)
{
	LLVMBasicBlockRef none = block(gen_label(g, "no_scratch")), got = block(gen_label(g, "scratch"));
	LLVMValueRef at = scratch_lookup(g, number);

	LLVMBuildCondBr(g->b, LLVMBuildICmp(g->b, LLVMIntNE, at, const64(g, 0), ""), got, none);
	scratch_none(g, none);
	LLVMPositionBuilderAtEnd(g->b, got);
	LLVMBuildStore(g->b, LLVMBuildIntToPtr(g->b, at, g->ptr, ""), g->f->scratch);
	LLVMBuildBr(g->b, g->f->body);
}

/* The program may be preempted by a task that runs it too, on the same CPU: entries have a word that says they are taken. */
static void
claim_slot(struct gen *g)
{
	const struct type *u64 = type_int(g->c->types, 8, false);

	for (unsigned i = 0; i < SCRATCH_SLOTS; i++) {
		LLVMBasicBlockRef none = block(gen_label(g, "no_scratch")), got = block(gen_label(g, "scratch"));
		LLVMBasicBlockRef own = block(gen_label(g, "claimed")), taken = block(gen_label(g, "taken"));
		LLVMValueRef at = scratch_lookup(g, const64(g, g->scratch_entry + i)), old;
		struct gval word;

		LLVMBuildCondBr(g->b, LLVMBuildICmp(g->b, LLVMIntNE, at, const64(g, 0), ""), got, none);
		scratch_none(g, none);
		LLVMPositionBuilderAtEnd(g->b, got);
		word = mem_of(LLVMBuildIntToPtr(g->b, at, g->ptr, ""), u64);
		old = llvm(gen_atomic_add(g, word, gen_u64(g, 1)));
		LLVMBuildCondBr(g->b, LLVMBuildICmp(g->b, LLVMIntEQ, old, const64(g, 0), ""), own, taken);
		LLVMPositionBuilderAtEnd(g->b, own);
		LLVMBuildStore(g->b, llvm(word), g->f->scratch);
		if (g->f->frame)
			emit_store(g, const64(g, g->scratch_entry + i), frame_word(g, FRAME_KEY), 8);
		LLVMBuildBr(g->b, g->f->body);
		LLVMPositionBuilderAtEnd(g->b, taken);
		gen_atomic_add(g, word, gen_u64(g, (uint64_t)-1));
	}
	gen_atomic_add(g, gen_state(g, offsetof(struct run_state, scratch_busy), 8), gen_u64(g, 1));
	LLVMBuildRet(g->b, const64(g, 0));
}

static bool
is_preemptible(const struct gen *g)
{
	return g->probe->prov->flags & PROV_PREEMPTIBLE;
}

static void
release_slot(struct gen *g)
{
	for (struct exit_place *e = g->f->exits; e; e = e->next) {
		LLVMPositionBuilderBefore(g->b, e->ret);
		gen_atomic_add(g, mem_of(LLVMBuildLoad2(g->b, g->ptr, g->f->scratch, ""), NULL), gen_u64(g, (uint64_t)-1));
	}
}

void
func_end(struct gen *g)
{
	struct func *f = g->f;

	LLVMPositionBuilderAtEnd(g->b, f->claim);
	if (!f->uses_scratch)
		LLVMBuildBr(g->b, f->body);
	else if (!is_preemptible(g))
		claim_plain(g, const64(g, g->scratch_entry));
	else if (f->outer)
		claim_plain(g, emit_load(g, g->i64, frame_word(g, FRAME_KEY), 8));
	else
		claim_slot(g);
	if (f->uses_scratch && is_preemptible(g) && !f->outer)
		release_slot(g);
	if (!f->uses_scratch)
		LLVMInstructionEraseFromParent(f->scratch);
	LLVMBuildBr(g->allocas, f->start);
	close_blocks(g);
	if (f->outer) {
		f->outer->uses_scratch |= f->uses_scratch;
		f->outer->has_return |= f->has_return && f->outer->outer;
	}
	g->f = f->outer;
	if (!g->f)
		return;
	LLVMPositionBuilderAtEnd(g->allocas, g->f->entry);
	LLVMPositionBuilderAtEnd(g->b, f->back);
	dbg_place(g, g->at);
}

LLVMValueRef
frame_word(struct gen *g, unsigned i)
{
	return emit_offset(g, g->f->frame, 8 * i);
}

/* ---- before a program: what its tree tells ---- */

struct survey { struct gen *g; unsigned depth, max_depth, n_regs; uint32_t stack; };

static struct place *
place_of(struct gen *g, struct var *v)
{
	if (!v->storage)
		v->storage = arena_alloc(g->c->tmp, sizeof(struct place));
	return v->storage;
}

static bool
survey_node(struct node *n, void *ud)
{
	struct survey *s = ud;

	if (n->kind == N_VAR)
		place_of(s->g, n->ref.var);
	else if ((n->kind == N_ASSIGN || n->kind == N_LET || n->kind == N_INCDEC) && n->kid[0]->kind == N_VAR)
		place_of(s->g, n->kid[0]->ref.var)->n_writes++;
	else if (n->kind == N_UNARY && n->op == TK_AMP && n->kid[0]->kind == N_VAR)
		place_of(s->g, n->kid[0]->ref.var)->is_addressed = place_of(s->g, n->kid[0]->ref.var)->is_raw = true;
	else if (n->kind == N_INDEX && n->lhs->kind == N_VAR)
		place_of(s->g, n->lhs->ref.var)->is_raw = true;
	else if (n->kind == N_CAST && n->rhs->kind == N_VAR)
		place_of(s->g, n->rhs->ref.var)->is_raw = true;
	else if (n->kind == N_FOR)
		s->max_depth++;
	else if (n->kind == N_CALL && (n->ref.bi->uses & USES_PROBE))
		s->g->needs_cookie = true;
	return true;
}

/* Large variables, and small ones past what registers and stack take, get their scratch memory for the whole program. */
static void
place_var(struct gen *g, struct survey *s, struct var *v)
{
	struct place *p = place_of(g, v);
	uint32_t size = type_is_scalar(v->type) ? 8 : round8(v->type->size ? v->type->size : 1);
	bool is_reg = type_is_scalar(v->type) && !p->is_addressed && !v->is_captured;

	g->at = v->at;
	if (is_reg ? s->n_regs++ < MAX_REG_VARS : size <= g->c->limit.on_stack && s->stack + size <= MAX_STACK_VARS) {
		if (!is_reg)
			s->stack += size;
		if (v->is_captured) {
			p->kind = PLACE_FRAME;
			p->off = 8 * g->n_frame;
			p->is_ready = true;
			g->n_frame += size / 8;
		}
		return; /* the function that uses it makes room */
	}
	p->kind = PLACE_SCRATCH;
	p->off = temp_scratch(g, size);
	p->is_ready = true;
}

static void
survey_program(struct gen *g, const struct probe *p)
{
	struct survey s = { .g = g };

	g->needs_cookie = false;
	for (uint32_t i = 0; i < p->n_vars; i++)
		p->vars[i]->storage = NULL;
	node_walk(p->node, survey_node, &s);
	g->has_loop = s.max_depth != 0;
	g->n_frame = FRAME_FIXED + (s.max_depth < 6 ? s.max_depth : 6);
	g->scratch_top = g->scratch_max = is_preemptible(g) ? 8 : 0;
	for (uint32_t i = 0; i < p->n_vars; i++)
		place_var(g, &s, p->vars[i]);
}

/* ---- programs ---- */

static void
begin_frame(struct gen *g)
{
	if (!g->has_loop)
		return;
	g->f->frame = temp_alloca(g, LLVMArrayType(g->i64, g->n_frame));
	g->f->stack_used += 8 * g->n_frame;
	for (unsigned i = 0; i < g->n_frame; i++)
		LLVMBuildStore(g->allocas, const64(g, 0), LLVMBuildGEP2(g->allocas, g->i64, g->f->frame, (LLVMValueRef[]){ const64(g, i) }, 1, ""));
	if (g->needs_cookie && g->probe->n_targets > 1)
		emit_store(g, llvm(gen_cookie(g)), frame_word(g, FRAME_COOKIE), 8);
}

static bool
is_standalone(const struct gen *g)
{
	return g->probe->prov->flags & (PROV_STANDALONE | PROV_TEST);
}

/* -p PID. */
static void
filter_pid(struct gen *g)
{
	int pid = g->c->opts->pid;

	if (pid > 0 && (g->probe->prov->flags & PROV_PID_FILTER))
		gen_return_if(g, gen_cmp(g, TK_NE, false, gen_pid_of(g, false, false), gen_u64(g, (uint64_t)pid)));
}

/* What runs before the body, and may end the program.  Scratch memory is claimed behind it unless it is needed here. */
static bool
gen_prologue(struct gen *g, const struct probe *p)
{
	const struct node *predicate = p->node->kid[1];
	struct gblock *yes, *no;
	struct mark m = temp_mark(g);

	if (g->has_exit && !is_standalone(g))
		gen_return_if(g, gen_load(g, gen_state(g, offsetof(struct run_state, exiting), 8)));
	if (p->prov->gen_entry && !p->prov->gen_entry(g, p))
		return false;
	filter_pid(g);
	if (predicate) {
		yes = gen_label(g, "match");
		no = gen_label(g, "no_match");
		g->at = predicate->at;
		dbg_place(g, predicate->at);
		if (!gen_cond(g, predicate, yes, no))
			return false;
		gen_place(g, no);
		gen_return(g, gen_u64(g, 0));
		LLVMPositionBuilderAtEnd(g->b, block(yes));
	}
	temp_release(g, m);
	if (!g->f->uses_scratch) { /* entry, filters, claim, the rest */
		struct gblock *rest = gen_label(g, "rest");

		g->f->exits = NULL;
		g->f->start = g->f->body;
		LLVMBuildBr(g->b, g->f->claim);
		LLVMMoveBasicBlockAfter(g->f->claim, LLVMGetInsertBlock(g->b));
		LLVMMoveBasicBlockAfter(block(rest), g->f->claim);
		g->f->body = block(rest);
		LLVMPositionBuilderAtEnd(g->b, block(rest));
	}
	return true;
}

static bool
end_program(struct gen *g)
{
	uint32_t need = g->scratch_max;
	bool uses = g->f->uses_scratch;

	if (!emit_is_ended(g))
		gen_return(g, gen_u64(g, 0));
	func_end(g);
	if (!uses)
		return true;
	if (need > SCRATCH_MAX) {
		diag_error(g->c->diags, g->big_at, E_SIZE, "this needs %u bytes of memory, and with the rest of the program %u: the kernel allows %u",
			   g->big_size, need, (unsigned)SCRATCH_MAX);
		diag_hint(g->c->diags, "shorter strings need less: the config variable max_strlen, or str(x, length)");
		return false;
	}
	if (g->scratch_size < need)
		g->scratch_size = need;
	g->scratch_entry += is_preemptible(g) ? SCRATCH_SLOTS : 1;
	return true;
}

static bool
gen_program(struct gen *g, const struct probe *p)
{
	LLVMTypeRef arg = g->ptr;

	g->probe = p;
	g->f = NULL;
	g->events = NULL;
	g->n_events = g->n_callbacks = g->loop_depth = 0;
	g->big_size = 0;
	g->at = g->big_at = p->node->at;
	survey_program(g, p);
	func_begin(g, NULL, LLVMFunctionType(g->i64, &arg, 1, 0), p->node->at);
	g->f->ctx = LLVMGetParam(g->f->fn, 0);
	begin_frame(g);
	return gen_prologue(g, p) && gen_block(g, p->node->kid[2]->kid[0]) && end_program(g);
}

static bool
find_exit(struct node *n, void *ud)
{
	struct gen *g = ud;

	if (n->kind == N_CALL && (n->ref.bi->flags & BI_EXIT))
		g->has_exit = true;
	return !g->has_exit;
}

/* Sizes of the maps that the emitter itself uses; one that no program refers to is not made. */
static void
finish_maps(struct gen *g)
{
	struct mapdesc *m = g->c->img->maps;

	m[MAP_STATE].val_size = (uint32_t)(offsetof(struct run_state, error) + g->c->img->n_errors * sizeof(((struct run_state *)0)->error[0]));
	m[MAP_SCRATCH].val_size = round8(g->scratch_size);
	m[MAP_SCRATCH].max = g->is_used[MAP_SCRATCH] ? g->scratch_entry : 0;
	m[MAP_ZERO].val_size = round8(g->zero_size);
	m[MAP_ZERO].max = g->is_used[MAP_ZERO];
	if (!g->is_used[MAP_RING])
		m[MAP_RING].max = 0;
}

bool
pass_generate(struct compile *c)
{
	struct gen *g = arena_alloc(c->tmp, sizeof(*g));

	g->c = c;
	g->map_sym = arena_alloc(c->tmp, (c->img->n_maps + 1) * sizeof(*g->map_sym));
	g->val_sym = arena_alloc(c->tmp, (c->img->n_maps + 1) * sizeof(*g->val_sym));
	c->gen = g;
	if (!llvm_open(g))
		return false;
	dbg_open(g);
	for (const struct probe *p = c->probes; p; p = p->next)
		node_walk(p->node, find_exit, g);
	for (const struct probe *p = c->probes; p; p = p->next)
		if (!gen_program(g, p))
			return false;
	finish_maps(g);
	dbg_close(g);
	return llvm_verify(g);
}
