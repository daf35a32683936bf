/* emit.c - numbers, control flow and helper calls as LLVM instructions.  Every number is 64 bits wide. */
#include <linux/bpf.h>
#include "codegen/emit.h"

struct compile *
gen_compile(struct gen *g)
{
	return g->c;
}

const struct probe *
gen_probe(struct gen *g)
{
	return g->probe;
}

const struct target *
gen_target(struct gen *g)
{
	return g->probe->n_targets ? &g->probe->targets[0] : NULL;
}

struct gval
gen_reg(struct gen *g, struct gref *v, const struct type *t)
{
	(void)g;
	return (struct gval){ .kind = GV_REG, .v = v, .type = t };
}

struct gval
gen_int(struct gen *g, const struct type *t, uint64_t n)
{
	return reg_of(const64(g, n), t);
}

struct gval
gen_u64(struct gen *g, uint64_t n)
{
	return gen_int(g, type_int(g->c->types, 8, false), n);
}

struct gval
emit_hide(struct gen *g, struct gval reg)
{
	LLVMTypeRef fn = LLVMFunctionType(g->i64, &g->i64, 1, 0);
	LLVMValueRef as = LLVMGetInlineAsm(fn, "", 0, "=r,0", 4, 1, 0, LLVMInlineAsmDialectATT, 0), v = llvm(reg);

	reg.v = (struct gref *)LLVMBuildCall2(g->b, fn, as, &v, 1, "");
	return reg;
}

/* The verifier refuses most arithmetic on typed pointers, but negating one gives a plain number. */
struct gval
emit_plain(struct gen *g, struct gval reg)
{
	reg.is_trusted = reg.is_nullable = false;
	reg.v = (struct gref *)LLVMBuildNeg(g->b, llvm(reg), "");
	reg = emit_hide(g, reg);
	reg.v = (struct gref *)LLVMBuildNeg(g->b, llvm(reg), "");
	return reg;
}

static struct gval
number(struct gen *g, struct gval v)
{
	if (v.kind != GV_REG)
		v = gen_load(g, v);
	return v.is_trusted ? emit_plain(g, v) : v;
}

struct gval
gen_bin(struct gen *g, enum token_kind op, struct gval a, struct gval b)
{
	bool is_signed = a.type->is_signed || b.type->is_signed;
	LLVMValueRef x, y, r;

	a = number(g, a);
	b = number(g, b);
	x = llvm(a);
	y = llvm(b);
	switch (op) {
	case TK_PLUS: r = LLVMBuildAdd(g->b, x, y, ""); break;
	case TK_MINUS: r = LLVMBuildSub(g->b, x, y, ""); break;
	case TK_STAR: r = LLVMBuildMul(g->b, x, y, ""); break;
	case TK_AMP: r = LLVMBuildAnd(g->b, x, y, ""); break;
	case TK_PIPE: r = LLVMBuildOr(g->b, x, y, ""); break;
	case TK_CARET: r = LLVMBuildXor(g->b, x, y, ""); break;
	/* LLVM leaves a shift by 64 or more undefined, the machine takes the count modulo 64. */
	case TK_SHL: r = LLVMBuildShl(g->b, x, LLVMBuildAnd(g->b, y, const64(g, 63), ""), ""); break;
	default: r = LLVMBuildLShr(g->b, x, LLVMBuildAnd(g->b, y, const64(g, 63), ""), ""); break;
	}
	return reg_of(r, type_int(g->c->types, 8, is_signed));
}

struct gval
gen_udiv(struct gen *g, struct gval a, struct gval b)
{
	return reg_of(LLVMBuildUDiv(g->b, llvm(number(g, a)), llvm(number(g, b)), ""), type_int(g->c->types, 8, false));
}

struct gval
gen_umod(struct gen *g, struct gval a, struct gval b)
{
	return reg_of(LLVMBuildURem(g->b, llvm(number(g, a)), llvm(number(g, b)), ""), type_int(g->c->types, 8, false));
}

struct gval
emit_from_bool(struct gen *g, LLVMValueRef bit)
{
	return reg_of(LLVMBuildZExt(g->b, bit, g->i64, ""), type_bool(g->c->types));
}

LLVMValueRef
emit_bool(struct gen *g, struct gval v)
{
	LLVMValueRef x = llvm(v);

	if (LLVMIsAZExtInst(x) && LLVMTypeOf(LLVMGetOperand(x, 0)) == g->i1)
		return LLVMGetOperand(x, 0);
	return LLVMBuildICmp(g->b, LLVMIntNE, x, const64(g, 0), "");
}

struct gval
gen_cmp(struct gen *g, enum token_kind op, bool is_signed, struct gval a, struct gval b)
{
	LLVMIntPredicate p;

	switch (op) {
	case TK_EQ: p = LLVMIntEQ; break;
	case TK_NE: p = LLVMIntNE; break;
	case TK_LT: p = is_signed ? LLVMIntSLT : LLVMIntULT; break;
	case TK_LE: p = is_signed ? LLVMIntSLE : LLVMIntULE; break;
	case TK_GT: p = is_signed ? LLVMIntSGT : LLVMIntUGT; break;
	default: p = is_signed ? LLVMIntSGE : LLVMIntUGE; break;
	}
	if (a.kind != GV_REG)
		a = gen_load(g, a);
	if (b.kind != GV_REG)
		b = gen_load(g, b);
	return emit_from_bool(g, LLVMBuildICmp(g->b, p, llvm(a), llvm(b), ""));
}

struct gval
gen_select(struct gen *g, struct gval cond, struct gval a, struct gval b)
{
	struct gval r = a;

	r.v = (struct gref *)LLVMBuildSelect(g->b, emit_bool(g, cond), llvm(a), llvm(b), "");
	r.is_trusted = a.is_trusted && b.is_trusted;
	return r;
}

/* LLVM compares the lower half where it knows the upper to be zero, and the verifier then has no bound for the whole: "R2 unbounded
 * memory access". */
struct gval
gen_at_most(struct gen *g, struct gval v, uint64_t most)
{
	v = emit_hide(g, number(g, v));
	return gen_select(g, gen_cmp(g, TK_LT, false, v, gen_u64(g, most)), v, gen_u64(g, most));
}

LLVMTypeRef
int_type(struct gen *g, uint32_t size)
{
	return size == 1 ? g->i8 : size == 2 ? g->i16 : size == 4 ? g->i32 : g->i64;
}

struct gval
gen_cast(struct gen *g, struct gval v, const struct type *to)
{
	LLVMValueRef x;

	if (v.kind != GV_REG)
		v = gen_load(g, v);
	if (to->kind == T_PTR) {
		if (v.is_trusted && (v.type->kind != T_PTR || v.type->elem != to->elem))
			v = emit_plain(g, v);
		v.type = to;
		return v;
	}
	if (to->kind == T_BOOL)
		return v.type->kind == T_BOOL ? reg_of(llvm(v), to) : reg_of(LLVMBuildZExt(g->b, emit_bool(g, v), g->i64, ""), to);
	v = number(g, v);
	x = llvm(v);
	if (to->size < 8 && (v.type->size > to->size || (v.type->size == to->size && v.type->is_signed != to->is_signed) ||
			     (v.type->size < to->size && v.type->is_signed && !to->is_signed))) {
		x = LLVMBuildTrunc(g->b, x, int_type(g, to->size), "");
		x = to->is_signed ? LLVMBuildSExt(g->b, x, g->i64, "") : LLVMBuildZExt(g->b, x, g->i64, "");
	}
	return reg_of(x, to);
}

/* ---- control ---- */

struct gblock *
gen_label(struct gen *g, const char *name)
{
	return (struct gblock *)LLVMAppendBasicBlockInContext(g->lc, g->f->fn, name);
}

bool
emit_is_ended(struct gen *g)
{
	return LLVMGetBasicBlockTerminator(LLVMGetInsertBlock(g->b)) != NULL;
}

void
emit_dead(struct gen *g)
{
	LLVMPositionBuilderAtEnd(g->b, LLVMAppendBasicBlockInContext(g->lc, g->f->fn, "dead"));
}

void
gen_jump(struct gen *g, struct gblock *to)
{
	if (!emit_is_ended(g))
		LLVMBuildBr(g->b, block(to));
}

void
gen_branch(struct gen *g, struct gval cond, struct gblock *yes, struct gblock *no)
{
	if (!emit_is_ended(g))
		LLVMBuildCondBr(g->b, emit_bool(g, cond), block(yes), block(no));
}

/* A branch that nearly always goes to yes; emit_place_hot() then puts yes right behind it and the other way out of line.  The verifier,
 * which follows the line first and keeps one entry of its stack of 8192 for each branch it passes, gets through longer programs so. */
void
emit_likely(struct gen *g, struct gval cond, struct gblock *yes, struct gblock *no)
{
	LLVMMetadataRef md[3];
	LLVMValueRef br;

	if (emit_is_ended(g))
		return;
	br = LLVMBuildCondBr(g->b, emit_bool(g, cond), block(yes), block(no));
	md[0] = LLVMMDStringInContext2(g->lc, "branch_weights", 14);
	md[1] = LLVMValueAsMetadata(LLVMConstInt(g->i32, 2000, 0));
	md[2] = LLVMValueAsMetadata(LLVMConstInt(g->i32, 1, 0));
	LLVMSetMetadata(br, LLVMGetMDKindIDInContext(g->lc, "prof", 4), LLVMMetadataAsValue(g->lc, LLVMMDNodeInContext2(g->lc, md, 3)));
}

void
gen_place(struct gen *g, struct gblock *at)
{
	LLVMBasicBlockRef here = LLVMGetInsertBlock(g->b);

	gen_jump(g, at);
	if (here != block(at))
		LLVMMoveBasicBlockAfter(block(at), here);
	LLVMPositionBuilderAtEnd(g->b, block(at));
}

void
emit_place_hot(struct gen *g, struct gblock *at, struct gblock *from)
{
	gen_jump(g, at);
	LLVMMoveBasicBlockAfter(block(at), block(from));
	LLVMPositionBuilderAtEnd(g->b, block(at));
}

struct gblock *
gen_here(struct gen *g)
{
	return (struct gblock *)LLVMGetInsertBlock(g->b);
}

struct gval
gen_phi(struct gen *g, const struct type *t, struct gval a, struct gblock *from_a, struct gval b, struct gblock *from_b)
{
	LLVMValueRef phi = LLVMBuildPhi(g->b, LLVMTypeOf(llvm(a)), ""), v[] = { llvm(a), llvm(b) };
	LLVMBasicBlockRef from[] = { block(from_a), block(from_b) };
	struct gval r = a;

	LLVMAddIncoming(phi, v, from, 2);
	r.v = (struct gref *)phi;
	r.type = t;
	r.is_trusted = a.is_trusted && b.is_trusted;
	return r;
}

void
gen_return_if(struct gen *g, struct gval cond)
{
	struct gblock *out = gen_label(g, "leave"), *on = gen_label(g, "on");

	gen_branch(g, cond, out, on);
	gen_place(g, out);
	gen_return(g, gen_u64(g, 0));
	gen_place(g, on);
}

/* Each place returns by itself: one common exit would be farther away than a jump of BPF reaches in long programs. */
void
gen_return(struct gen *g, struct gval value)
{
	struct exit_place *e = arena_alloc(g->c->tmp, sizeof(*e));

	if (value.kind != GV_REG)
		value = gen_load(g, value);
	event_unwind(g, g->f->n_events);
	if (g->f->outer) {
		emit_store(g, const64(g, 1), frame_word(g, FRAME_RETURNED), 8);
		emit_store(g, llvm(value), frame_word(g, FRAME_VALUE), 8);
		g->f->has_return = true;
		LLVMBuildRet(g->b, const64(g, 1));
	} else {
		e->ret = LLVMBuildRet(g->b, llvm(value));
		e->next = g->f->exits;
		g->f->exits = e;
	}
	emit_dead(g);
}

/* ---- the kernel ---- */

LLVMValueRef
emit_helper(struct gen *g, int func, const LLVMValueRef *args, unsigned n)
{
	LLVMTypeRef type[5], fn;
	LLVMValueRef copy[5];

	for (unsigned i = 0; i < n; i++) {
		type[i] = LLVMTypeOf(args[i]);
		copy[i] = args[i];
	}
	fn = LLVMFunctionType(g->i64, type, n, 0);
	return LLVMBuildCall2(g->b, fn, LLVMConstIntToPtr(const64(g, (uint64_t)func), g->ptr), copy, n, "");
}

struct gval
gen_helper(struct gen *g, int func, const struct gval *args, int n)
{
	LLVMValueRef v[5];

	for (int i = 0; i < n; i++)
		v[i] = llvm(args[i]);
	return reg_of(emit_helper(g, func, v, (unsigned)n), type_int(g->c->types, 8, true));
}

LLVMValueRef
emit_ctx(struct gen *g)
{
	return g->f->ctx ? g->f->ctx : LLVMConstNull(g->ptr); /* BI_NO_LOOP keeps it out of callbacks */
}

struct gval
gen_ctx(struct gen *g)
{
	return reg_of(LLVMBuildPtrToInt(g->b, emit_ctx(g), g->i64, ""), type_ptr(g->c->types, NULL, AS_KERNEL));
}

struct gval
gen_ctx_field(struct gen *g, uint32_t off, uint32_t size, bool is_signed)
{
	struct gval ctx = mem_of(emit_ctx(g), NULL);

	ctx.is_ctx = true;
	return gen_load(g, gen_at(g, ctx, off, type_int(g->c->types, size, is_signed)));
}

struct gval
gen_curtask(struct gen *g)
{
	const struct type *task = kernel_type(g->c->kernel, g->c->types, "struct task_struct");
	struct gval v = reg_of(emit_helper(g, BPF_FUNC_get_current_task_btf, NULL, 0), type_ptr(g->c->types, task, AS_KERNEL));

	v.is_trusted = true;
	return v;
}

struct gval
gen_pid_of(struct gen *g, bool is_init, bool is_thread)
{
	const struct type *u32 = type_int(g->c->types, 4, false), *u64 = type_int(g->c->types, 8, false);
	uint64_t dev, ino;

	if (is_init || !kernel_pid_ns(g->c->kernel, &dev, &ino)) {
		struct gval both = reg_of(emit_helper(g, BPF_FUNC_get_current_pid_tgid, NULL, 0), u64);

		return gen_cast(g, is_thread ? both : gen_bin(g, TK_SHR, both, gen_u64(g, 32)), u32);
	}
	/* struct bpf_pidns_info: u32 pid, tgid; zeros when the task has no id in that namespace. */
	struct gval info = gen_temp_bytes(g, 8);
	struct gval arg[] = { gen_u64(g, dev), gen_u64(g, ino), gen_addr(g, info), gen_u64(g, 8) };
	gen_helper(g, BPF_FUNC_get_ns_current_pid_tgid, arg, 4);
	return gen_load(g, gen_at(g, info, is_thread ? 0 : 4, u32));
}

void
gen_probe_read(struct gen *g, struct gval dst, struct gval n, struct gval addr, enum space space)
{
	LLVMValueRef arg[] = { llvm(dst), llvm(n), llvm(addr.kind == GV_FAR ? emit_untrust(g, addr) : addr) };

	/* A failed read fills the memory with zeros itself. */
	emit_helper(g, space == AS_USER ? BPF_FUNC_probe_read_user : BPF_FUNC_probe_read_kernel, arg, 3);
}

struct gval
gen_probe_read_str(struct gen *g, struct gval dst, struct gval n, struct gval addr, enum space space)
{
	LLVMValueRef arg[] = { llvm(dst), llvm(n), llvm(addr.kind == GV_FAR ? emit_untrust(g, addr) : addr) };

	return reg_of(emit_helper(g, space == AS_USER ? BPF_FUNC_probe_read_user_str : BPF_FUNC_probe_read_kernel_str, arg, 3),
		      type_int(g->c->types, 8, true));
}

struct gval
gen_cookie(struct gen *g)
{
	const struct prog *prog = &g->c->img->progs[g->probe->index];
	LLVMValueRef ctx = emit_ctx(g);
	struct gval which;

	if (prog->n_targets == 1)
		return gen_u64(g, prog->first_target);
	if (g->f->outer)
		return reg_of(emit_load(g, g->i64, frame_word(g, FRAME_COOKIE), 8), type_int(g->c->types, 8, false));
	if (g->probe->prov->gen_which && g->probe->prov->gen_which(g, &which))
		return which;
	return reg_of(emit_helper(g, BPF_FUNC_get_attach_cookie, &ctx, 1), type_int(g->c->types, 8, false));
}
