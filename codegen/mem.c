/* mem.c - memory: temporaries on the stack and in scratch maps, loads, stores, copies. */
#include <linux/bpf.h>
#include "codegen/emit.h"

/* Up to so many bytes are copied or zeroed by instructions (5 ns), more by a helper (25 ns at any size). */
enum { INLINE_BYTES = 128, INLINE_STEPS = 24 };

/* ---- temporaries ---- */

struct mark
temp_mark(struct gen *g)
{
	return (struct mark){ g->f->held, g->scratch_top };
}

void
temp_release(struct gen *g, struct mark m)
{
	while (g->f->held != m.held) {
		g->f->held->is_busy = false;
		g->f->held = g->f->held->below;
	}
	g->scratch_top = m.scratch;
}

LLVMValueRef
temp_alloca(struct gen *g, LLVMTypeRef type)
{
	LLVMValueRef mem = LLVMBuildAlloca(g->allocas, type, "");

	LLVMSetAlignment(mem, 8);
	return mem;
}

static struct slot *
slot_find(struct func *f, uint32_t size, uint32_t limit)
{
	struct slot *best = NULL;

	for (struct slot *s = f->slots; s; s = s->next)
		if (!s->is_busy && s->size >= size && s->size <= limit && (!best || s->size < best->size))
			best = s;
	return best;
}

static LLVMValueRef
temp_stack(struct gen *g, uint32_t size)
{
	struct func *f = g->f;
	struct slot *s = slot_find(f, size, size);

	if (!s && f->stack_used + size <= f->stack_max) {
		s = arena_alloc(g->c->tmp, sizeof(*s));
		*s = (struct slot){ .next = f->slots, .size = size, .mem = temp_alloca(g, LLVMArrayType(g->i64, size / 8)) };
		f->slots = s;
		f->stack_used += size;
	}
	if (!s)
		s = slot_find(f, size, UINT32_MAX);
	if (!s)
		return NULL;
	s->is_busy = true;
	s->below = f->held;
	f->held = s;
	return s->mem;
}

uint32_t
temp_scratch(struct gen *g, uint32_t size)
{
	uint32_t off = g->scratch_top;

	if (size > g->big_size) {
		g->big_size = size;
		g->big_at = g->at;
	}
	if (size > INT32_MAX / 2 || g->scratch_top > INT32_MAX / 2)
		return off; /* far over the limit already, which the end of the program reports */
	g->scratch_top += round8(size);
	if (g->scratch_max < g->scratch_top)
		g->scratch_max = g->scratch_top;
	return off;
}

LLVMValueRef
scratch_at(struct gen *g, uint32_t off)
{
	LLVMValueRef base;

	g->f->uses_scratch = g->needs_passes = true;
	base = LLVMBuildLoad2(g->b, g->ptr, g->f->scratch, "");
	return emit_offset(g, base, off);
}

struct gval
gen_temp(struct gen *g, const struct type *t)
{
	uint32_t size = round8(t->size ? t->size : 1);
	LLVMValueRef mem = NULL;
	struct gval r;

	if (size <= g->c->limit.on_stack || size == 8)
		mem = temp_stack(g, size);
	if (mem)
		return mem_of(mem, t);
	r = mem_of(scratch_at(g, temp_scratch(g, size)), t);
	r.is_loose = true;
	return r;
}

struct gval
gen_temp_bytes(struct gen *g, uint32_t size)
{
	return gen_temp(g, type_array(g->c->types, type_int(g->c->types, 1, false), size));
}

/* ---- places ---- */

LLVMValueRef
emit_offset(struct gen *g, LLVMValueRef ptr, uint32_t off)
{
	LLVMValueRef i = const64(g, off);

	return off ? LLVMBuildGEP2(g->b, g->i8, ptr, &i, 1, "") : ptr;
}

struct gval
gen_at(struct gen *g, struct gval mem, uint32_t off, const struct type *t)
{
	uint32_t align = align_of(mem);

	if (mem.kind == GV_FAR) {
		if (mem.is_trusted) /* the verifier wants the pointer itself checked, and the offset in the load */
			mem.off += off;
		else if (off)
			mem.v = (struct gref *)LLVMBuildAdd(g->b, llvm(mem), const64(g, off), "");
	} else {
		mem.v = (struct gref *)emit_offset(g, llvm(mem), off);
		if (!mem.is_loose && off & 7 && (off & -off & 7) < align)
			mem.align = (uint8_t)(off & -off & 7);
	}
	mem.type = t;
	mem.is_padded = false;
	return mem;
}

struct gval
emit_untrust(struct gen *g, struct gval far)
{
	uint32_t off = far.off;

	if (!far.is_trusted)
		return far;
	far = emit_plain(g, far);
	far.off = 0;
	if (off)
		far.v = (struct gref *)LLVMBuildAdd(g->b, llvm(far), const64(g, off), "");
	return far;
}

struct gval
gen_index(struct gen *g, struct gval mem, struct gval i, uint32_t size, const struct type *elem)
{
	struct gval off = gen_bin(g, TK_STAR, i, gen_u64(g, size));
	LLVMValueRef at = llvm(off);

	if (mem.kind == GV_FAR) {
		mem = emit_untrust(g, mem);
		mem.v = (struct gref *)LLVMBuildAdd(g->b, llvm(mem), at, "");
	} else {
		mem.v = (struct gref *)LLVMBuildGEP2(g->b, g->i8, llvm(mem), &at, 1, "");
		if (!mem.is_loose && size & 7 && (size & -size & 7) < align_of(mem))
			mem.align = (uint8_t)(size & -size & 7);
	}
	mem.type = elem;
	return mem;
}

struct gval
gen_mem_at(struct gen *g, struct gval reg, const struct type *t)
{
	struct gval r = mem_of(LLVMBuildIntToPtr(g->b, llvm(reg), g->ptr, ""), t);

	r.is_loose = true;
	return r;
}

struct gval
gen_addr(struct gen *g, struct gval mem)
{
	LLVMValueRef v = mem.kind == GV_MEM ? LLVMBuildPtrToInt(g->b, llvm(mem), g->i64, "") : llvm(emit_untrust(g, mem));

	return reg_of(v, type_int(g->c->types, 8, false));
}

struct gval
gen_state(struct gen *g, uint32_t off, uint32_t size)
{
	struct gval state = mem_of(map_value(g, MAP_STATE), NULL);

	return gen_at(g, state, off, type_int(g->c->types, size, false));
}

/* ---- loads and stores ---- */

LLVMValueRef
emit_load(struct gen *g, LLVMTypeRef type, LLVMValueRef ptr, uint32_t align)
{
	LLVMValueRef v = LLVMBuildLoad2(g->b, type, ptr, "");

	LLVMSetAlignment(v, align);
	return v;
}

void
emit_store(struct gen *g, LLVMValueRef v, LLVMValueRef ptr, uint32_t align)
{
	LLVMSetAlignment(LLVMBuildStore(g->b, v, ptr), align);
}

static LLVMValueRef
extend(struct gen *g, LLVMValueRef v, bool is_signed)
{
	if (LLVMTypeOf(v) == g->i64)
		return v;
	return is_signed ? LLVMBuildSExt(g->b, v, g->i64, "") : LLVMBuildZExt(g->b, v, g->i64, "");
}

static struct gval
load_mem(struct gen *g, struct gval mem)
{
	uint32_t size = mem.type->size, align = align_of(mem) < size ? align_of(mem) : size;

	/* The context's own access rules count, not the record's alignment: it is loaded at its exact size. */
	return reg_of(extend(g, emit_load(g, int_type(g, size), llvm(mem), mem.is_ctx ? size : align), mem.type->is_signed), mem.type);
}

/* Behind a typed pointer that was itself read from memory: it may be 0, which the verifier asks to be checked. */
static struct gval
load_trusted(struct gen *g, struct gval far)
{
	struct gblock *load = NULL, *none = NULL, *from;
	struct gval mem, v;

	if (far.is_nullable) {
		load = gen_label(g, "is_set");
		none = gen_label(g, "is_null");
		from = gen_here(g);
		emit_likely(g, reg_of(llvm(far), type_int(g->c->types, 8, false)), load, none);
		gen_place(g, load);
	}
	mem = gen_at(g, gen_mem_at(g, far, far.type), far.off, far.type);
	mem.align = 0;
	v = load_mem(g, mem);
	if (load) {
		struct gblock *end = gen_here(g);

		gen_place(g, none);
		v = gen_phi(g, far.type, gen_int(g, far.type, 0), from, v, end);
	}
	/* The verifier follows pointers to structs only, and only in the kernel. */
	v.is_trusted = v.is_nullable = far.type->kind == T_PTR && far.type->space == AS_KERNEL && far.type->elem && far.type->elem->kind == T_RECORD;
	return v;
}

struct gval
gen_load(struct gen *g, struct gval v)
{
	struct gval temp;

	if (v.kind == GV_REG)
		return v;
	if (v.kind == GV_MEM)
		return load_mem(g, v);
	if (v.is_trusted)
		return load_trusted(g, v);
	temp = gen_temp(g, v.type);
	gen_probe_read(g, temp, gen_u64(g, v.type->size), v, v.space);
	return load_mem(g, temp);
}

static struct gval
load_bits(struct gen *g, struct gval unit, const struct field *f)
{
	uint32_t left = 64 - f->bit_off - f->bit_len, right = 64 - f->bit_len;
	struct gval v = gen_load(g, gen_at(g, unit, 0, type_int(g->c->types, f->type->size, false)));
	LLVMValueRef x = LLVMBuildShl(g->b, llvm(v), const64(g, left), "");

	x = f->type->is_signed ? LLVMBuildAShr(g->b, x, const64(g, right), "") : LLVMBuildLShr(g->b, x, const64(g, right), "");
	return reg_of(x, f->type);
}

/* The text of a tracepoint's dynamic array lies behind the record; only an address can be made of it. */
static struct gval
data_loc(struct gen *g, struct gval record, const struct field *f)
{
	struct gval loc = gen_load(g, gen_at(g, record, f->off, type_int(g->c->types, 4, false)));
	struct gval off = gen_bin(g, TK_AMP, loc, gen_u64(g, 0xffff));
	struct gval far = { .kind = GV_FAR, .type = f->type, .space = AS_KERNEL };
	struct gval base = gen_addr(g, record);

	far.v = (struct gref *)LLVMBuildAdd(g->b, llvm(base), llvm(off), "");
	if (type_is_scalar(f->type))
		return reg_of(llvm(far), f->type);
	return far;
}

struct gval
gen_load_field(struct gen *g, struct gval record, const struct field *f)
{
	struct gval at;

	if (f->is_data_loc)
		return data_loc(g, record, f);
	at = gen_at(g, record, f->off, f->type);
	if (f->bit_len)
		return load_bits(g, at, f);
	return type_is_scalar(f->type) ? gen_load(g, at) : at;
}

void
gen_store(struct gen *g, struct gval mem, struct gval reg)
{
	uint32_t size = mem.type->size, align = align_of(mem) < size ? align_of(mem) : size;
	LLVMValueRef v;

	if (reg.kind != GV_REG)
		reg = gen_load(g, reg);
	if (reg.is_trusted) /* LLVM may keep the memory in registers and cut the pointer in pieces for what copies it from there */
		reg = emit_plain(g, reg);
	v = llvm(reg);
	if (size < 8)
		v = LLVMBuildTrunc(g->b, v, int_type(g, size), "");
	emit_store(g, v, llvm(mem), align);
}

/* ---- pieces of memory ---- */

LLVMValueRef
emit_zeros(struct gen *g, uint32_t n)
{
	if (g->zero_size < n)
		g->zero_size = n;
	return map_value(g, MAP_ZERO);
}

void
gen_zero(struct gen *g, struct gval mem)
{
	uint32_t n = mem.type->size, align = align_of(mem), off = 0;

	if (n > INLINE_BYTES || n / align > INLINE_STEPS) {
		LLVMValueRef arg[] = { llvm(mem), const64(g, n), emit_zeros(g, n) };

		emit_helper(g, BPF_FUNC_probe_read_kernel, arg, 3);
		return;
	}
	for (uint32_t step = align; step; step /= 2)
		for (; n - off >= step; off += step)
			emit_store(g, LLVMConstInt(int_type(g, step), 0, 0), emit_offset(g, llvm(mem), off), step);
}

static void
copy_inline(struct gen *g, LLVMValueRef dst, LLVMValueRef src, uint32_t n, uint32_t align)
{
	uint32_t off = 0;

	for (uint32_t step = align; step; step /= 2)
		for (; n - off >= step; off += step) {
			LLVMValueRef v = emit_load(g, int_type(g, step), emit_offset(g, src, off), step);

			emit_store(g, v, emit_offset(g, dst, off), step);
		}
}

/* Text and integers inside a typed kernel object: loads of any width, as long as they stay inside the member. */
static bool
is_plain_array(const struct type *t)
{
	return t->kind == T_STR || (t->kind == T_ARRAY && t->elem->kind == T_INT);
}

static void
copy_trusted(struct gen *g, struct gval dst, struct gval src, uint32_t n)
{
	struct gblock *set = gen_label(g, "is_set"), *done = gen_label(g, "is_null");
	struct gval from;

	if (src.is_nullable) {
		dst.type = type_array(g->c->types, type_int(g->c->types, 1, false), n);
		gen_zero(g, dst);
		gen_branch(g, reg_of(llvm(src), type_int(g->c->types, 8, false)), set, done);
	}
	gen_place(g, set);
	from = gen_at(g, gen_mem_at(g, src, src.type), src.off, src.type);
	copy_inline(g, llvm(dst), llvm(from), n, align_of(dst));
	gen_place(g, done);
}

void
gen_copy(struct gen *g, struct gval dst, struct gval src, uint32_t n)
{
	uint32_t align = align_of(dst) < align_of(src) ? align_of(dst) : align_of(src);

	if (src.kind == GV_FAR) {
		if (src.is_trusted && is_plain_array(src.type) && n <= src.type->size && n <= INLINE_BYTES && n / align_of(dst) <= INLINE_STEPS)
			copy_trusted(g, dst, src, n);
		else
			gen_probe_read(g, dst, gen_u64(g, n), src, src.space);
		return;
	}
	if (n <= INLINE_BYTES && n / align <= INLINE_STEPS)
		copy_inline(g, llvm(dst), llvm(src), n, align);
	else
		gen_probe_read(g, dst, gen_u64(g, n), src, AS_KERNEL);
}

struct gval
gen_atomic_add(struct gen *g, struct gval mem, struct gval v)
{
	bool is_narrow = mem.type && mem.type->size == 4;
	LLVMValueRef by = llvm(v), old;

	if (is_narrow)
		by = LLVMBuildTrunc(g->b, by, g->i32, "");
	old = LLVMBuildAtomicRMW(g->b, LLVMAtomicRMWBinOpAdd, llvm(mem), by, LLVMAtomicOrderingMonotonic, 0);
	return reg_of(extend(g, old, mem.type && mem.type->is_signed), mem.type ? mem.type : type_int(g->c->types, 8, false));
}
