/* net.c - addresses of networks: ntop(), macaddr(). */
#include <sys/socket.h>
#include "stdlib/rows.h"

enum { ADDR_BYTES = 16 };

/* inet: u32 address family, 16 bytes of which the family uses the first 4 or all. */
static const struct type *
result_ntop(struct compile *c, struct node *call)
{
	const struct field part[] = {
		{ .name = "family", .type = type_int(c->types, 4, false) },
		{ .name = "addr", .type = type_array(c->types, type_int(c->types, 1, false), ADDR_BYTES), .off = 4 },
	};

	(void)call;
	return type_printed(c, "inet", type_record(c->types, "inet", 4 + ADDR_BYTES, false, part, LENGTH(part)));
}

static bool
check_ntop(struct compile *c, struct node *call)
{
	const struct node *first = call->kid[0], *addr = first->next ? first->next : first;
	const struct type *t = addr->type;

	if (first != addr && !type_is_number(first->type))
		return diag_error(c->diags, first->at, E_ARG_TYPE, "ntop() expects an integer as address family (%s provided)",
				  type_name(c->tmp, first->type));
	if (t->kind == T_INT)
		return true;
	if (t->kind != T_ARRAY && t->kind != T_STR && t->kind != T_RECORD)
		return diag_error(c->diags, addr->at, E_ARG_TYPE, "ntop() expects an integer or array argument, got %s", type_name(c->tmp, t));
	if (t->size != 4 && t->size != ADDR_BYTES)
		return diag_error(c->diags, addr->at, E_ARG_TYPE, "ntop() argument must be an address of 4 or 16 bytes, got %u", t->size);
	return true;
}

static bool
gen_ntop(struct gen *g, const struct node *call, struct gval *out)
{
	const struct node *first = call->kid[0], *addr = first->next ? first->next : first;
	struct gval v, family;

	if (first == addr)
		family = gen_u64(g, addr->type->kind != T_INT && addr->type->size == ADDR_BYTES ? AF_INET6 : AF_INET);
	else if (!gen_expr_reg(g, first, &family))
		return false;
	gen_zero(g, *out); /* all of it counts when it is a key */
	gen_store(g, gen_slot(g, *out, 0, 4, false), family);
	if (addr->type->kind == T_INT) {
		if (!gen_expr_reg(g, addr, &v))
			return false;
		gen_store(g, gen_slot(g, *out, 4, 4, false), v);
		return true;
	}
	if (!gen_expr(g, addr, &v))
		return false;
	gen_copy(g, gen_at(g, *out, 4, addr->type), v, addr->type->size);
	return true;
}

const struct builtin builtin_ntop = {
	.name = "ntop", .sig = "? (any, [any])", .flags = BI_CALL | BI_RESULT, .result = result_ntop, .check = check_ntop, .gen = gen_ntop,
	.doc = "an IPv4 or IPv6 address as text: ntop([family,] address)",
};

/* ---- macaddr ---- */

enum { MAC_BYTES = 6 };

static const struct type *
result_macaddr(struct compile *c, struct node *call)
{
	(void)call;
	return type_printed(c, "macaddr_t", type_array(c->types, type_int(c->types, 1, false), MAC_BYTES));
}

static bool
check_macaddr(struct compile *c, struct node *call)
{
	const struct type *t = call->kid[0]->type;

	if ((t->kind == T_ARRAY || t->kind == T_STR) && t->size == MAC_BYTES)
		return true;
	return diag_error(c->diags, call->kid[0]->at, E_ARG_TYPE, "macaddr() expects an array of %d bytes (%s provided)", MAC_BYTES,
			  type_name(c->tmp, t));
}

static bool
gen_macaddr(struct gen *g, const struct node *call, struct gval *out)
{
	struct gval v;

	if (!gen_expr(g, call->kid[0], &v))
		return false;
	gen_copy(g, *out, v, MAC_BYTES);
	return true;
}

const struct builtin builtin_macaddr = {
	.name = "macaddr", .sig = "? (any)", .flags = BI_CALL | BI_RESULT, .result = result_macaddr, .check = check_macaddr,
	.gen = gen_macaddr, .doc = "a hardware address of 6 bytes as text",
};
