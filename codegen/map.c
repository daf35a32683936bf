/* map.c - the script's maps: keys, elements, aggregates over CPUs, assignments. */
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include "codegen/emit.h"

enum { STACK_ZEROS = 64 };               /* larger keys and values of zeros come from a map */

static LLVMValueRef
symbol(struct gen *g, LLVMValueRef *known, const char *prefix, uint32_t slot)
{
	if (slot < N_INTERNAL_MAPS)
		g->is_used[slot] = true;
	if (!*known) {
		*known = LLVMAddGlobal(g->mod, g->i8, arena_printf(g->c->tmp, "%s%u", prefix, slot));
		LLVMSetAlignment(*known, 8);
	}
	return *known;
}

LLVMValueRef
map_symbol(struct gen *g, uint32_t slot)
{
	return symbol(g, &g->map_sym[slot], "map_", slot);
}

LLVMValueRef
map_value(struct gen *g, uint32_t slot)
{
	return symbol(g, &g->val_sym[slot], "mapval_", slot);
}

struct gval
gen_map_ref(struct gen *g, uint32_t slot)
{
	return reg_of(map_symbol(g, slot), type_int(g->c->types, 8, false));
}

/* ---- keys ---- */

static struct gval
zero_key(struct gen *g)
{
	struct func *f = g->f;

	if (!f->zero_key) {
		f->zero_key = temp_alloca(g, g->i64);
		LLVMBuildStore(g->allocas, const64(g, 0), f->zero_key);
	}
	return mem_of(f->zero_key, type_int(g->c->types, 4, false));
}

bool
gen_map_key(struct gen *g, const struct node *map, struct gval *out)
{
	const struct mapdesc *m = map->ref.map;
	const struct node *key = map->kid[0];
	uint32_t used = 0, i = 0;

	if (m->is_scalar || !key) {
		*out = zero_key(g);
		return true;
	}
	*out = gen_temp(g, m->key);
	out->is_padded = true;
	if (!key->next)
		return gen_expr_to(g, key, *out, true);
	for (i = 0; i < m->key->n; i++)
		used += m->key->fields[i].type->size;
	if (used != m->key->size)
		gen_zero(g, *out);
	for (i = 0; key && i < m->key->n; key = key->next, i++)
		if (!gen_expr_to(g, key, gen_at(g, *out, m->key->fields[i].off, m->key->fields[i].type), true))
			return false;
	return true;
}

/* ---- elements ---- */

struct gval
gen_map_lookup(struct gen *g, const struct mapdesc *m, struct gval key)
{
	const struct type *u64 = type_int(g->c->types, 8, false);
	LLVMValueRef arg[2];

	if (m->is_scalar && !m->is_percpu)
		return reg_of(LLVMBuildPtrToInt(g->b, map_value(g, m->slot), g->i64, ""), u64);
	arg[0] = map_symbol(g, m->slot);
	arg[1] = llvm(key);
	return reg_of(emit_helper(g, BPF_FUNC_map_lookup_elem, arg, 2), u64);
}

static LLVMValueRef
zeros(struct gen *g, uint32_t size)
{
	struct gval temp;

	if (size > STACK_ZEROS)
		return emit_zeros(g, size);
	temp = gen_temp_bytes(g, size);
	gen_zero(g, temp);
	return llvm(temp);
}

static LLVMValueRef
update(struct gen *g, const struct mapdesc *m, struct gval key, LLVMValueRef value, uint64_t flags)
{
	LLVMValueRef arg[] = { map_symbol(g, m->slot), llvm(key), value, const64(g, flags) };

	return emit_helper(g, BPF_FUNC_map_update_elem, arg, 4);
}

static void
update_error(struct gen *g, const struct mapdesc *m, struct gval code)
{
	struct gblock *full = gen_label(g, "map_full"), *other = gen_label(g, "map_failed"), *done = gen_label(g, "map_error");

	gen_branch(g, gen_cmp(g, TK_EQ, true, code, gen_u64(g, (uint64_t)-7 /* E2BIG */)), full, other);
	gen_place(g, full);
	gen_error(g, RE_MAP_FULL, m->name, g->at, code);
	gen_jump(g, done);
	gen_place(g, other);
	gen_error(g, RE_MAP_UPDATE, m->name, g->at, code);
	gen_place(g, done);
}

struct gval
gen_map_cell(struct gen *g, const struct mapdesc *m, struct gval key, struct gblock *failed)
{
	const struct type *i64 = type_int(g->c->types, 8, true);
	struct gval at = gen_map_lookup(g, m, key), again, code;
	struct gblock *from, *missing, *found, *none;

	if (m->is_scalar && !m->is_percpu)
		return at;
	if (m->is_scalar) { /* always there; the verifier wants it checked */
		found = gen_label(g, "cell");
		emit_likely(g, at, found, failed);
		gen_place(g, found);
		return at;
	}
	found = gen_label(g, "cell");
	missing = gen_label(g, "cell_new");
	none = gen_label(g, "cell_none");
	from = gen_here(g);
	emit_likely(g, at, found, missing);
	gen_place(g, missing);
	code = reg_of(update(g, m, key, zeros(g, m->val_size), BPF_NOEXIST), i64);
	again = gen_map_lookup(g, m, key);
	missing = gen_here(g);
	emit_likely(g, again, found, none);
	gen_place(g, none);
	update_error(g, m, code);
	gen_jump(g, failed);
	emit_place_hot(g, found, from);
	return gen_phi(g, at.type, at, from, again, missing);
}

void
gen_map_mark_set(struct gen *g, const struct mapdesc *m, struct gval value)
{
	struct gval cell;

	if (!m->is_scalar)
		return;
	cell = value.kind == GV_MEM ? value : gen_mem_at(g, value, NULL);
	gen_store(g, gen_at(g, cell, m->set_off, type_int(g->c->types, 8, false)), gen_u64(g, 1));
}

/* ---- aggregates as numbers ---- */

uint32_t
gen_possible_cpus(struct gen *g)
{
	char *text, *s;
	uint32_t last = 0;
	const char *path = arena_printf(g->c->tmp, "%s/sys/devices/system/cpu/possible", g->c->opts->sysroot);

	if (file_read(AT_FDCWD, path, &text) < 0)
		return 1;
	for (s = text; *s; s += strcspn(s, "0123456789")) /* "0-3,5": the last number */
		last = (uint32_t)strtoul(s, &s, 10);
	mem_free(text);
	return last < 8191 ? last + 1 : 8192;
}

/* One CPU's cell after the other, until the kernel has no more. */
bool
map_read_aggr(struct gen *g, const struct mapdesc *m, struct gval key, struct gval *out)
{
	const struct aggr_gen *aggr = m->aggr_row->aggr;
	const struct type *i64 = type_int(g->c->types, 8, true), *u64 = type_int(g->c->types, 8, false);
	struct gblock *loop = gen_label(g, "each_cpu"), *cell = gen_label(g, "cpu_cell"), *done = gen_label(g, "cpus_done"), *from;
	LLVMValueRef acc = temp_alloca(g, LLVMArrayType(g->i64, 2)), cpu, next, start = const64(g, 0);
	LLVMBasicBlockRef before, end;
	struct gval at, pair = mem_of(acc, type_array(g->c->types, i64, 2));

	g->f->stack_used += 16;
	g->needs_passes = true;
	gen_zero(g, pair);
	before = LLVMGetInsertBlock(g->b);
	gen_place(g, loop);
	cpu = LLVMBuildPhi(g->b, g->i64, "");
	LLVMAddIncoming(cpu, &start, &before, 1);
	LLVMValueRef arg[] = { map_symbol(g, m->slot), llvm(key), cpu };
	at = reg_of(emit_helper(g, BPF_FUNC_map_lookup_percpu_elem, arg, 3), u64);
	gen_branch(g, at, cell, done);
	gen_place(g, cell);
	aggr->read(g, gen_mem_at(g, at, m->val), pair);
	next = LLVMBuildAdd(g->b, cpu, const64(g, 1), "");
	from = gen_here(g);
	end = block(from);
	LLVMBuildCondBr(g->b, LLVMBuildICmp(g->b, LLVMIntULT, next, const64(g, gen_possible_cpus(g)), ""), block(loop), block(done));
	LLVMAddIncoming(cpu, &next, &end, 1);
	gen_place(g, done);
	*out = gen_int(g, type_int(g->c->types, 8, m->val->elem ? m->val->elem->is_signed : m->val->is_signed), 0);
	aggr->result(g, pair, out);
	return true;
}

/* ---- reading and writing ---- */

/* A missing element reads as zeros. */
static struct gval
read_plain(struct gen *g, const struct mapdesc *m, struct gval key)
{
	struct gval at = gen_map_lookup(g, m, key), v, zero;
	struct gblock *from, *found, *missing, *end;

	if (m->is_scalar && !m->is_percpu) {
		struct gval mem = gen_mem_at(g, at, m->val);

		return type_is_scalar(m->val) ? gen_load(g, mem) : mem;
	}
	if (!type_is_scalar(m->val)) { /* made before the branch: an address of zeros to read instead */
		zero = reg_of(LLVMBuildPtrToInt(g->b, emit_zeros(g, m->val->size), g->i64, ""), at.type);
	} else {
		zero = gen_int(g, m->val, 0);
	}
	found = gen_label(g, "found");
	missing = gen_label(g, "missing");
	from = gen_here(g);
	emit_likely(g, at, found, missing);
	gen_place(g, found);
	v = type_is_scalar(m->val) ? gen_load(g, gen_mem_at(g, at, m->val)) : at;
	end = gen_here(g);
	gen_place(g, missing);
	v = gen_phi(g, v.type, v, end, zero, from);
	return type_is_scalar(m->val) ? v : gen_mem_at(g, v, m->val);
}

bool
map_load(struct gen *g, const struct node *n, struct gval *out)
{
	const struct mapdesc *m = n->ref.map;
	struct gval key;

	if (!gen_map_key(g, n, &key))
		return false;
	if (m->val->kind == T_AGGR && m->aggr_row && m->aggr_row->aggr->read)
		return map_read_aggr(g, m, key, out);
	*out = read_plain(g, m, key);
	return true;
}

static bool
assign_aggr(struct gen *g, const struct node *map, const struct node *call)
{
	const struct mapdesc *m = map->ref.map;
	struct gblock *failed = gen_label(g, "no_cell");
	struct gval key, cell;

	if (!gen_map_key(g, map, &key))
		return false;
	cell = gen_map_cell(g, m, key, failed);
	if (!call->ref.bi->aggr->update(g, gen_mem_at(g, cell, m->val), call, m->is_atomic))
		return false;
	gen_map_mark_set(g, m, cell);
	gen_place(g, failed);
	return true;
}

static bool
assign_scalar(struct gen *g, const struct node *map, const struct node *from)
{
	const struct mapdesc *m = map->ref.map;
	struct gval mem = mem_of(map_value(g, m->slot), m->val), v;

	if (type_is_scalar(m->val)) {
		if (!gen_expr_reg(g, from, &v))
			return false;
		gen_store(g, mem, gen_cast(g, v, m->val));
	} else if (is_mentioned(from, NULL, m)) {
		v = gen_temp(g, m->val);
		if (!gen_expr_to(g, from, v, true))
			return false;
		gen_copy(g, mem, v, m->val->size);
	} else if (!gen_expr_to(g, from, mem, true)) {
		return false;
	}
	gen_map_mark_set(g, m, mem);
	return true;
}

/* An element that is there is written in place, a third of what an update costs; only small ones, which no reader sees half written. */
static void
put_number(struct gen *g, const struct mapdesc *m, struct gval key, struct gval v)
{
	const struct type *i64 = type_int(g->c->types, 8, true);
	struct gblock *found = gen_label(g, "found"), *missing = gen_label(g, "missing"), *bad = gen_label(g, "put_failed"), *done = gen_label(g, "put"), *from;
	struct gval temp = gen_temp(g, m->val), at, code;

	gen_store(g, temp, v);
	at = gen_map_lookup(g, m, key);
	emit_likely(g, at, found, missing);
	gen_place(g, found);
	gen_store(g, gen_mem_at(g, at, m->val), v);
	gen_jump(g, done);
	from = gen_here(g);
	gen_place(g, missing);
	code = reg_of(update(g, m, key, llvm(temp), BPF_ANY), i64);
	emit_likely(g, gen_cmp(g, TK_EQ, true, code, gen_u64(g, 0)), done, bad);
	gen_place(g, bad);
	update_error(g, m, code);
	emit_place_hot(g, done, from);
}

bool
map_assign(struct gen *g, const struct node *map, const struct node *from)
{
	const struct mapdesc *m = map->ref.map;
	struct gblock *bad, *done, *from_here;
	struct gval key, value, code;

	if (from->kind == N_CALL && (from->ref.bi->flags & BI_AGGR))
		return assign_aggr(g, map, from);
	if (m->is_scalar)
		return assign_scalar(g, map, from);
	if (type_is_scalar(m->val)) {
		if (!gen_expr_reg(g, from, &value))
			return false;
		value = gen_cast(g, value, m->val);
		if (!gen_map_key(g, map, &key))
			return false;
		put_number(g, m, key, value);
		return true;
	}
	value = gen_temp(g, m->val);
	if (!gen_expr_to(g, from, value, true) || !gen_map_key(g, map, &key))
		return false;
	code = reg_of(update(g, m, key, llvm(value), BPF_ANY), type_int(g->c->types, 8, true));
	bad = gen_label(g, "put_failed");
	done = gen_label(g, "put");
	from_here = gen_here(g);
	emit_likely(g, gen_cmp(g, TK_EQ, true, code, gen_u64(g, 0)), done, bad);
	gen_place(g, bad);
	update_error(g, m, code);
	emit_place_hot(g, done, from_here);
	return true;
}

/* ---- @x += n, @x++ ---- */

static struct gval
divide(struct gen *g, enum token_kind op, struct gval a, struct gval b)
{
	struct gblock *zero = gen_label(g, "div_zero"), *safe = gen_label(g, "div"), *done = gen_label(g, "div_done"), *end, *from;
	struct gval q;

	from = gen_here(g);
	emit_likely(g, b, safe, zero);
	gen_place(g, zero);
	gen_error(g, RE_DIV_ZERO, NULL, g->at, gen_u64(g, 0));
	zero = gen_here(g);
	gen_jump(g, done);
	emit_place_hot(g, safe, from);
	q = op == TK_SLASH ? gen_udiv(g, a, b) : gen_umod(g, a, b);
	end = gen_here(g);
	gen_place(g, done);
	return gen_phi(g, type_int(g->c->types, 8, false), q, end, gen_u64(g, 1), zero);
}

struct gval
emit_arith(struct gen *g, enum token_kind op, struct gval a, struct gval b)
{
	return op == TK_SLASH || op == TK_PERCENT ? divide(g, op, a, b) : gen_bin(g, op, a, b);
}

bool
map_change(struct gen *g, const struct node *map, enum token_kind op, struct gval by, bool wants_new, struct gval *out)
{
	const struct mapdesc *m = map->ref.map;
	struct gblock *failed = gen_label(g, "no_cell"), *done = gen_label(g, "changed"), *end;
	struct gval key, cell, mem, old, now;
	bool is_sum = (op == TK_PLUS || op == TK_MINUS) && m->val->size >= 4 && m->val->kind != T_BOOL;

	if (!gen_map_key(g, map, &key))
		return false;
	cell = gen_map_cell(g, m, key, failed);
	mem = gen_mem_at(g, cell, m->val);
	if (is_sum) {
		struct gval add = op == TK_MINUS ? gen_bin(g, TK_MINUS, gen_u64(g, 0), by) : by;

		old = gen_atomic_add(g, mem, add);
		now = gen_bin(g, TK_PLUS, old, add);
	} else {
		old = gen_load(g, mem);
		now = gen_cast(g, emit_arith(g, op, old, by), m->val);
		gen_store(g, mem, now);
	}
	old.type = now.type = m->val;
	gen_map_mark_set(g, m, cell);
	end = gen_here(g);
	gen_jump(g, done);
	gen_place(g, failed);
	gen_place(g, done);
	*out = wants_new ? now : old;
	if (LLVMGetFirstUse(LLVMBasicBlockAsValue(block(failed))))
		*out = gen_phi(g, m->val, *out, end, gen_int(g, m->val, 0), failed);
	return true;
}

/* ---- counting ---- */

/* The number of elements: for_each_map_elem returns how many it visited. */
struct gval
gen_map_count(struct gen *g, const struct mapdesc *m)
{
	LLVMTypeRef arg_type[] = { g->ptr, g->ptr, g->ptr, g->ptr };
	LLVMTypeRef type = LLVMFunctionType(g->i64, arg_type, 4, 0);
	struct func *f;
	LLVMValueRef fn;

	f = func_begin(g, "count", type, g->at);
	fn = f->fn;
	LLVMBuildRet(g->b, const64(g, 0));
	func_end(g);
	LLVMValueRef arg[] = { map_symbol(g, m->slot), fn, LLVMConstNull(g->ptr), const64(g, 0) };
	return reg_of(emit_helper(g, BPF_FUNC_for_each_map_elem, arg, 4), type_int(g->c->types, 8, true));
}
