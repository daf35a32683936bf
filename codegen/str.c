/* str.c - text in BPF memory: literals, padding, comparison. */
#include <linux/bpf.h>
#include "codegen/emit.h"

enum {
	PAD_INLINE = 64,
	EQUAL_INLINE = EQUAL_TEXT,       /* more at once and LLVM keeps all words in registers it does not have */
};

static uint64_t
word_of(const char *s, uint32_t len, uint32_t off, uint32_t n)
{
	uint64_t w = 0;

	for (uint32_t i = 0; i < n; i++)
		if (off + i < len)
			w |= (uint64_t)(uint8_t)s[off + i] << (8 * i);
	return w;
}

void
emit_text(struct gen *g, struct gval dst, const char *s, uint32_t len, uint32_t size)
{
	uint32_t align = align_of(dst), off = 0, end;

	if (len > size)
		len = size;
	end = round8(len) < size ? round8(len) : size;
	for (uint32_t step = align; step; step /= 2)
		for (; end - off >= step; off += step)
			emit_store(g, LLVMConstInt(int_type(g, step), word_of(s, len, off, step), 0), emit_offset(g, llvm(dst), off), step);
	if (off < size)
		gen_zero(g, gen_at(g, dst, off, type_str(g->c->types, size - off)));
}

struct gval
gen_str_literal(struct gen *g, const char *s, uint32_t len, uint32_t size)
{
	struct gval temp = gen_temp(g, type_str(g->c->types, size));

	emit_text(g, temp, s, len, size);
	temp.is_padded = true;
	return temp;
}

/* The lowest bit set belongs to the first byte of w that is 0 (in each byte, the top bit). */
static LLVMValueRef
zero_bytes(struct gen *g, LLVMValueRef w)
{
	LLVMValueRef t = LLVMBuildSub(g->b, w, const64(g, 0x0101010101010101ull), "");

	t = LLVMBuildAnd(g->b, t, LLVMBuildXor(g->b, w, const64(g, UINT64_MAX), ""), "");
	return LLVMBuildAnd(g->b, t, const64(g, 0x8080808080808080ull), "");
}

/* All bits up to the end of the first zero byte; all ones when there is none. */
static LLVMValueRef
mask_to_nul(struct gen *g, LLVMValueRef zeros)
{
	LLVMValueRef low = LLVMBuildAnd(g->b, zeros, LLVMBuildNeg(g->b, zeros, ""), "");

	return LLVMBuildOr(g->b, low, LLVMBuildSub(g->b, low, const64(g, 1), ""), "");
}

static void
pad_inline(struct gen *g, struct gval dst, struct gval src, uint32_t n)
{
	LLVMValueRef alive = const64(g, UINT64_MAX);

	for (uint32_t off = 0; off < n; off += 8) {
		LLVMValueRef w = emit_load(g, g->i64, emit_offset(g, llvm(src), off), 8), zeros = zero_bytes(g, w), none;

		w = LLVMBuildAnd(g->b, LLVMBuildAnd(g->b, w, mask_to_nul(g, zeros), ""), alive, "");
		emit_store(g, w, emit_offset(g, llvm(dst), off), 8);
		none = LLVMBuildSExt(g->b, LLVMBuildICmp(g->b, LLVMIntEQ, zeros, const64(g, 0), ""), g->i64, "");
		alive = LLVMBuildAnd(g->b, alive, none, "");
	}
}

/* The kernel's string copy ends at the NUL, and puts one in the last byte where there was none: that byte is set right. */
static void
pad_copy(struct gen *g, struct gval dst, struct gval src, uint32_t n)
{
	struct gblock *full = gen_label(g, "full"), *done = gen_label(g, "padded");
	const struct type *byte = type_int(g->c->types, 1, false);
	struct gval len;

	dst.type = type_str(g->c->types, n);
	gen_zero(g, dst);
	len = gen_probe_read_str(g, dst, gen_u64(g, n), src, src.kind == GV_FAR ? src.space : AS_KERNEL);
	gen_branch(g, gen_cmp(g, TK_EQ, false, len, gen_u64(g, n)), full, done);
	gen_place(g, full);
	if (src.kind == GV_FAR)
		gen_probe_read(g, gen_at(g, dst, n - 1, byte), gen_u64(g, 1), gen_at(g, src, n - 1, byte), src.space);
	else
		gen_store(g, gen_at(g, dst, n - 1, byte), gen_load(g, gen_at(g, src, n - 1, byte)));
	gen_place(g, done);
}

void
emit_pad(struct gen *g, struct gval dst, struct gval src, uint32_t n)
{
	bool is_small = n <= PAD_INLINE && n % 8 == 0 && align_of(dst) == 8;

	if (is_small && src.kind == GV_FAR) {
		gen_copy(g, dst, src, n);
		pad_inline(g, dst, dst, n);
	} else if (is_small && align_of(src) == 8) {
		pad_inline(g, dst, src, n);
	} else {
		pad_copy(g, dst, src, n);
	}
}

/* ---- comparison ---- */

struct gval
emit_text_equal(struct gen *g, struct gval a, const char *s, uint32_t n)
{
	uint32_t off = 0, len = (uint32_t)strlen(s) < n ? (uint32_t)strlen(s) : n;
	LLVMValueRef differ = NULL;

	for (uint32_t step = align_of(a); step; step /= 2)
		for (; n - off >= step; off += step) {
			LLVMValueRef w = emit_load(g, int_type(g, step), emit_offset(g, llvm(a), off), step), x;

			x = LLVMBuildXor(g->b, w, LLVMConstInt(int_type(g, step), word_of(s, len, off, step), 0), "");
			if (step < 8)
				x = LLVMBuildZExt(g->b, x, g->i64, "");
			differ = differ ? LLVMBuildOr(g->b, differ, x, "") : x;
		}
	if (!differ)
		return gen_int(g, type_bool(g->c->types), 1);
	return emit_from_bool(g, LLVMBuildICmp(g->b, LLVMIntEQ, differ, const64(g, 0), ""));
}

/* A loop over n / step pieces: leaves with 1 at a NUL (of a) before which nothing differed, with 0 at a difference. */
struct walk { struct gblock *differ, *same; bool to_nul; };

static void
compare_step(struct gen *g, struct walk *w, LLVMValueRef x, LLVMValueRef y, uint32_t step)
{
	LLVMValueRef d = LLVMBuildXor(g->b, x, y, ""), end;
	struct gblock *equal = gen_label(g, "equal"), *more;

	if (!w->to_nul) {
		LLVMBuildCondBr(g->b, LLVMBuildICmp(g->b, LLVMIntEQ, d, LLVMConstInt(LLVMTypeOf(d), 0, 0), ""), block(equal), block(w->differ));
		gen_place(g, equal);
		return;
	}
	more = gen_label(g, "more");
	if (step == 8) {
		LLVMValueRef zeros = zero_bytes(g, x);

		d = LLVMBuildAnd(g->b, d, mask_to_nul(g, zeros), "");
		end = LLVMBuildICmp(g->b, LLVMIntNE, zeros, const64(g, 0), "");
	} else {
		end = LLVMBuildICmp(g->b, LLVMIntEQ, x, LLVMConstInt(g->i8, 0, 0), "");
	}
	LLVMBuildCondBr(g->b, LLVMBuildICmp(g->b, LLVMIntEQ, d, LLVMConstInt(LLVMTypeOf(d), 0, 0), ""), block(equal), block(w->differ));
	gen_place(g, equal);
	LLVMBuildCondBr(g->b, end, block(w->same), block(more));
	gen_place(g, more);
}

static void
compare_pieces(struct gen *g, struct walk *w, struct gval a, struct gval b, uint32_t from, uint32_t to, uint32_t step)
{
	LLVMTypeRef type = int_type(g, step);
	LLVMBasicBlockRef before = LLVMGetInsertBlock(g->b), end;
	struct gblock *loop = gen_label(g, "compare"), *done = gen_label(g, "compared");
	LLVMValueRef i, next, start = const64(g, from), x, y;

	if (from >= to) {
		gen_place(g, loop);
		gen_place(g, done);
		return;
	}
	gen_place(g, loop);
	i = LLVMBuildPhi(g->b, g->i64, "");
	LLVMAddIncoming(i, &start, &before, 1);
	x = emit_load(g, type, LLVMBuildGEP2(g->b, g->i8, llvm(a), &i, 1, ""), step);
	y = emit_load(g, type, LLVMBuildGEP2(g->b, g->i8, llvm(b), &i, 1, ""), step);
	compare_step(g, w, x, y, step);
	next = LLVMBuildAdd(g->b, i, const64(g, step), "");
	end = LLVMGetInsertBlock(g->b);
	LLVMBuildCondBr(g->b, LLVMBuildICmp(g->b, LLVMIntULT, next, const64(g, to), ""), block(loop), block(done));
	LLVMAddIncoming(i, &next, &end, 1);
	gen_place(g, done);
}

/* Memory whose bytes must be read at fixed places (context, kernel) is copied first. */
static struct gval
near(struct gen *g, struct gval v, uint32_t n)
{
	struct gval temp;

	if (v.kind == GV_MEM && !v.is_ctx)
		return v;
	temp = gen_temp(g, type_str(g->c->types, n));
	gen_copy(g, temp, v, n);
	return temp;
}

static struct gval
equal_by_loop(struct gen *g, struct gval a, struct gval b, uint32_t max, bool to_nul)
{
	struct walk w = { gen_label(g, "differ"), gen_label(g, "same"), to_nul };
	struct gblock *done = gen_label(g, "str_done");
	uint32_t words;
	struct gval r;

	words = align_of(a) == 8 && align_of(b) == 8 ? max & ~7u : 0;
	compare_pieces(g, &w, a, b, 0, words, 8);
	compare_pieces(g, &w, a, b, words, max, 1);
	gen_place(g, w.same);
	gen_jump(g, done);
	gen_place(g, w.differ);
	gen_place(g, done);
	r = gen_phi(g, type_bool(g->c->types), gen_int(g, type_bool(g->c->types), 1), (struct gblock *)w.same,
		    gen_int(g, type_bool(g->c->types), 0), (struct gblock *)w.differ);
	return r;
}

struct gval
gen_str_equal(struct gen *g, struct gval a, struct gval b, uint32_t max)
{
	return equal_by_loop(g, near(g, a, max), near(g, b, max), max, true);
}

/* Memory of two values of one type, padding included. */
struct gval
emit_mem_equal(struct gen *g, struct gval a, struct gval b, uint32_t n)
{
	uint32_t off = 0;
	LLVMValueRef differ = NULL;

	if (n > EQUAL_INLINE)
		return equal_by_loop(g, a, b, n, false);
	for (uint32_t step = 8; step; step /= 2)
		for (; n - off >= step; off += step) {
			LLVMValueRef x = emit_load(g, int_type(g, step), emit_offset(g, llvm(a), off), step);
			LLVMValueRef y = emit_load(g, int_type(g, step), emit_offset(g, llvm(b), off), step);

			x = LLVMBuildXor(g->b, x, y, "");
			if (step < 8)
				x = LLVMBuildZExt(g->b, x, g->i64, "");
			differ = differ ? LLVMBuildOr(g->b, differ, x, "") : x;
		}
	if (!differ)
		return gen_int(g, type_bool(g->c->types), 1);
	return emit_from_bool(g, LLVMBuildICmp(g->b, LLVMIntEQ, differ, const64(g, 0), ""));
}
