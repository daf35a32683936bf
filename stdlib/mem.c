/* mem.c - memory and addresses: buf, kptr, uptr, kaddr, bswap, is_err. */
#include "stdlib/rows.h"

/* ---- kptr, uptr: whose address it is ---- */

static const struct type *
result_space(struct compile *c, struct node *call)
{
	const struct type *t = call->kid[0]->type;

	if (!t)
		return NULL;
	return type_ptr(c->types, t->kind == T_PTR ? t->elem : NULL, strcmp(call->ref.bi->name, "uptr") == 0 ? AS_USER : AS_KERNEL);
}

static bool
gen_space(struct gen *g, const struct node *call, struct gval *out)
{
	if (!gen_expr_reg(g, call->kid[0], out))
		return false;
	*out = gen_cast(g, *out, call->type);
	out->space = call->type->space;
	out->is_trusted = false;
	return true;
}

const struct builtin builtin_kptr = {
	.name = "kptr", .sig = "? (ptr)", .flags = BI_CALL | BI_RESULT, .result = result_space, .gen = gen_space,
	.doc = "the same address, as one of kernel memory",
};
const struct builtin builtin_uptr = {
	.name = "uptr", .sig = "? (ptr)", .flags = BI_CALL | BI_RESULT, .result = result_space, .gen = gen_space,
	.doc = "the same address, as one of the process's memory",
};

/* ---- kaddr ---- */

static bool
check_kaddr(struct compile *c, struct node *call)
{
	const struct node *name = call->kid[0];

	if (kernel_sym(c->kernel, name->u.str))
		return true;
	diag_error(c->diags, name->at, E_ARG_VALUE, "Failed to resolve kernel symbol: %s", name->u.str);
	if (!kernel_sym(c->kernel, "_stext"))
		diag_hint(c->diags, "the kernel shows this user no addresses: run as root (see kernel.kptr_restrict)");
	return false;
}

static bool
gen_kaddr(struct gen *g, const struct node *call, struct gval *out)
{
	*out = gen_int(g, call->type, kernel_sym(gen_compile(g)->kernel, call->kid[0]->u.str));
	return true;
}

const struct builtin builtin_kaddr = {
	.name = "kaddr", .sig = "u64 (lit)", .flags = BI_CALL | BI_RESULT, .check = check_kaddr, .gen = gen_kaddr,
	.doc = "address of a kernel symbol",
};

/* ---- is_err ---- */

static bool
gen_is_err(struct gen *g, const struct node *call, struct gval *out)
{
	struct gval v;

	if (!gen_expr_reg(g, call->kid[0], &v))
		return false;
	*out = gen_cmp(g, TK_GE, false, v, gen_u64(g, (uint64_t)-4095));
	return true;
}

const struct builtin builtin_is_err = {
	.name = "is_err", .sig = "bool (ptr)", .flags = BI_CALL | BI_RESULT, .gen = gen_is_err,
	.doc = "true when a pointer of the kernel's is an error number (-4095 to -1)",
};

/* ---- bswap ---- */

static const struct type *
result_bswap(struct compile *c, struct node *call)
{
	const struct type *t = call->kid[0]->type;

	return t ? type_int(c->types, type_is_number(t) ? t->size : 8, false) : NULL;
}

static bool
gen_bswap(struct gen *g, const struct node *call, struct gval *out)
{
	unsigned size = call->type->size;
	struct gval v, byte = gen_u64(g, 0xff), swapped = gen_u64(g, 0);

	if (!gen_expr_reg(g, call->kid[0], &v))
		return false;
	for (unsigned i = 0; i < size; i++) {
		struct gval one = gen_bin(g, TK_AMP, gen_bin(g, TK_SHR, v, gen_u64(g, i * 8)), byte);

		swapped = gen_bin(g, TK_PIPE, swapped, gen_bin(g, TK_SHL, one, gen_u64(g, (size - 1 - i) * 8)));
	}
	*out = gen_cast(g, swapped, call->type);
	return true;
}

const struct builtin builtin_bswap = {
	.name = "bswap", .sig = "? (int)", .flags = BI_CALL | BI_RESULT, .result = result_bswap, .gen = gen_bswap,
	.doc = "the number with its bytes in opposite order",
};

/* ---- buf: u32 length, u32 zero, bytes ---- */

static bool
is_object(const struct type *t)
{
	return t->kind == T_STR || t->kind == T_ARRAY || t->kind == T_RECORD;
}

static uint32_t
buf_capacity(struct compile *c, const struct node *call)
{
	const struct type *t = call->kid[0]->type;
	uint32_t most = c->limit.max_strlen > 4 ? c->limit.max_strlen - 4 : 1;
	int64_t n;

	if (call->kid[0]->next) {
		if (arg_int(call->kid[0]->next, &n) && n > 0 && n < most)
			most = (uint32_t)n;
		return is_object(t) && t->size < most ? t->size : most;
	}
	return is_object(t) && t->size < most ? t->size : most;
}

static const struct type *
result_buf(struct compile *c, struct node *call)
{
	return call->kid[0]->type ? type_bytes(c->types, buf_capacity(c, call)) : NULL;
}

static bool
check_buf(struct compile *c, struct node *call)
{
	const struct node *from = call->kid[0], *len = from->next;
	int64_t n;

	if (!is_object(from->type) && !type_is_scalar(from->type))
		return diag_error(c->diags, from->at, E_ARG_TYPE, "buf() expects an integer, a pointer or an array (%s provided)",
				  type_name(c->tmp, from->type));
	if (!len && !is_object(from->type))
		return diag_error(c->diags, call->at, E_ARGC, "buf() of an address needs a length: buf(address, length)");
	if (len && arg_int(len, &n) && n < 1)
		return diag_error(c->diags, len->at, E_ARG_VALUE, "buf() expects a length of at least 1 (%lld provided)", (long long)n);
	if (len && arg_int(len, &n) && n > call->type->n)
		diag_warn(c->diags, len->at, W_ARG_VALUE, "length param (%lld) is too long and will be shortened to %u bytes", (long long)n,
			  call->type->n);
	return true;
}

static bool
gen_buf(struct gen *g, const struct node *call, struct gval *out)
{
	const struct node *from = call->kid[0], *len = from->next;
	struct compile *c = gen_compile(g);
	struct gval v, n = gen_u64(g, call->type->n), want, bytes;
	int64_t fixed;

	gen_zero(g, *out); /* bytes behind the length count when buffers are compared */
	bytes = gen_at(g, *out, 8, type_array(c->types, type_int(c->types, 1, false), call->type->n));
	if (len && !arg_int(len, &fixed)) {
		if (!gen_expr_reg(g, len, &want))
			return false;
		n = gen_at_most(g, want, call->type->n);
	}
	gen_store(g, gen_slot(g, *out, 0, 4, false), n);
	if (!is_object(from->type)) {
		if (!gen_expr_reg(g, from, &v))
			return false;
		gen_probe_read(g, bytes, n, v, space_of(g, from->type));
		return true;
	}
	if (from->kind == N_STR) { /* all bytes of the literal, whatever they are */
		v = gen_str_literal(g, from->u.str, (uint32_t)from->op, from->type->size);
	} else if (from->kind == N_VAR && from->type->kind == T_STR) { /* what lies behind the NUL is zero */
		v = gen_temp(g, from->type);
		if (!gen_expr_to(g, from, v, true))
			return false;
	} else if (!gen_expr(g, from, &v)) {
		return false;
	}
	if (v.kind == GV_MEM && (!len || arg_int(len, &fixed)))
		gen_copy(g, bytes, v, call->type->n);
	else
		gen_probe_read(g, bytes, n, gen_addr(g, v), v.kind == GV_FAR ? v.space : AS_KERNEL);
	return true;
}

const struct builtin builtin_buf = {
	.name = "buf", .sig = "? (any, [int])", .flags = BI_CALL | BI_RESULT, .result = result_buf, .check = check_buf, .gen = gen_buf,
	.doc = "bytes of memory: of an array, or length bytes at an address; printf shows them with %r, %rx, %rh",
};
