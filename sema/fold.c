/* fold.c - constant expressions: what is known before the program runs becomes a literal (LANGUAGE 1.5). */
#include "sema/infer.h"

static bool
is_num(const struct node *n)
{
	return n && (n->kind == N_INT || n->kind == N_BOOL);
}

/* Literals above INT64_MAX are the only unsigned ones (op 1 marks them; op 2 marks a negative one). */
static bool
is_unsigned(const struct node *n)
{
	return n->kind == N_INT && n->op != 2 && n->u.num > INT64_MAX;
}

static void
become_int(struct node *n, uint64_t v, bool is_neg)
{
	n->kind = N_INT;
	n->op = is_neg ? 2 : v > INT64_MAX ? 1 : 0;
	n->u.num = v;
	memset(n->kid, 0, sizeof(n->kid));
}

static void
become_bool(struct node *n, bool v)
{
	n->kind = N_BOOL;
	n->op = 0;
	n->u.num = v;
	memset(n->kid, 0, sizeof(n->kid));
}

static void
become_str(struct compile *c, struct node *n, const char *s, size_t len)
{
	n->kind = N_STR;
	n->op = (int)len;
	n->u.str = str_intern(c->tmp, s, len);
	memset(n->kid, 0, sizeof(n->kid));
}

static bool
too_large(struct compile *c, const struct node *n)
{
	return diag_error(c->diags, n->at, E_NUMBER, "unable to fold literals due to overflow or underflow");
}

static bool
fold_unsigned(struct compile *c, struct node *n, uint64_t a, uint64_t b)
{
	uint64_t v;
	bool bad = false;

	switch (n->op) {
	case TK_PLUS: bad = __builtin_add_overflow(a, b, &v); break;
	case TK_MINUS: bad = __builtin_sub_overflow(a, b, &v); break;
	case TK_STAR: bad = __builtin_mul_overflow(a, b, &v); break;
	case TK_SLASH: v = a / b; break;
	default: v = a % b; break;
	}
	if (bad)
		return too_large(c, n);
	become_int(n, v, false);
	return true;
}

static bool
fold_arith(struct compile *c, struct node *n, const struct node *a, const struct node *b)
{
	int64_t v, x = (int64_t)a->u.num, y = (int64_t)b->u.num;
	bool bad = false;

	if ((n->op == TK_SLASH || n->op == TK_PERCENT) && (y == 0 || x < 0 || y < 0) && !is_unsigned(a) && !is_unsigned(b))
		return true; /* by zero, or unsigned division of negative numbers: as the program would do it */
	if (is_unsigned(a) || is_unsigned(b)) {
		if (a->op == 2 || b->op == 2 || ((n->op == TK_SLASH || n->op == TK_PERCENT) && y == 0))
			return true;
		return fold_unsigned(c, n, a->u.num, b->u.num);
	}
	switch (n->op) {
	case TK_PLUS: bad = __builtin_add_overflow(x, y, &v); break;
	case TK_MINUS: bad = __builtin_sub_overflow(x, y, &v); break;
	case TK_STAR: bad = __builtin_mul_overflow(x, y, &v); break;
	case TK_SLASH: v = x / y; break;
	default: v = x % y; break;
	}
	if (bad && x >= 0 && y >= 0)
		return fold_unsigned(c, n, (uint64_t)x, (uint64_t)y);
	if (bad)
		return too_large(c, n);
	become_int(n, (uint64_t)v, v < 0);
	return true;
}

static bool
fold_compare(struct node *n, const struct node *a, const struct node *b)
{
	bool wide = is_unsigned(a) || is_unsigned(b);
	uint64_t ua = a->u.num, ub = b->u.num;
	int64_t sa = (int64_t)ua, sb = (int64_t)ub;

	if (wide && (a->op == 2 || b->op == 2))
		return true;
	switch (n->op) {
	case TK_EQ: become_bool(n, ua == ub); break;
	case TK_NE: become_bool(n, ua != ub); break;
	case TK_LT: become_bool(n, wide ? ua < ub : sa < sb); break;
	case TK_LE: become_bool(n, wide ? ua <= ub : sa <= sb); break;
	case TK_GT: become_bool(n, wide ? ua > ub : sa > sb); break;
	default: become_bool(n, wide ? ua >= ub : sa >= sb); break;
	}
	return true;
}

static bool
fold_bits(struct node *n, const struct node *a, const struct node *b)
{
	uint64_t x = a->u.num, y = b->u.num, v;

	if (a->op == 2 || b->op == 2 || ((n->op == TK_SHL || n->op == TK_SHR) && y > 63))
		return true;
	switch (n->op) {
	case TK_AMP: v = x & y; break;
	case TK_PIPE: v = x | y; break;
	case TK_CARET: v = x ^ y; break;
	case TK_SHL: v = x << y; break;
	default: v = x >> y; break;
	}
	become_int(n, v, false);
	return true;
}

static bool
fold_strings(struct compile *c, struct node *n, const struct node *a, const struct node *b)
{
	if (n->op == TK_PLUS && b->kind == N_STR) {
		struct buf both = { .arena = c->tmp };

		buf_add(&both, a->u.str, (size_t)a->op);
		buf_add(&both, b->u.str, (size_t)b->op);
		become_str(c, n, buf_cstr(&both), both.len);
	} else if (n->op == TK_PLUS && b->kind == N_INT) {
		size_t len = (size_t)a->op, skip = b->u.num > len ? len : (size_t)b->u.num;

		become_str(c, n, a->u.str + skip, len - skip);
	} else if (b->kind == N_STR && (n->op == TK_EQ || n->op == TK_NE)) {
		become_bool(n, (strcmp(a->u.str, b->u.str) == 0) == (n->op == TK_EQ));
	}
	return true;
}

static bool
fold_binary(struct compile *c, struct node *n)
{
	const struct node *a = n->lhs, *b = n->rhs;

	if (a->kind == N_STR)
		return fold_strings(c, n, a, b);
	if (!is_num(a) || !is_num(b))
		return true;
	switch (n->op) {
	case TK_PLUS: case TK_MINUS: case TK_STAR: case TK_SLASH: case TK_PERCENT: return fold_arith(c, n, a, b);
	case TK_EQ: case TK_NE: case TK_LT: case TK_LE: case TK_GT: case TK_GE: return fold_compare(n, a, b);
	case TK_LAND: become_bool(n, a->u.num && b->u.num); return true;
	case TK_LOR: become_bool(n, a->u.num || b->u.num); return true;
	default: return fold_bits(n, a, b);
	}
}

static bool
fold_unary(struct compile *c, struct node *n)
{
	const struct node *a = n->kid[0];

	if (!is_num(a))
		return true;
	if (n->op == TK_NOT) {
		become_bool(n, !a->u.num);
	} else if (n->op == TK_MINUS) {
		if (a->op != 2 && a->u.num > (uint64_t)INT64_MAX + 1)
			return too_large(c, n);
		become_int(n, 0 - a->u.num, a->op != 2 && a->u.num != 0);
	}
	return true;
}

bool
is_literal(const struct node *n)
{
	return is_num(n) || n->kind == N_STR;
}

bool
fold_truth(const struct node *n)
{
	return n->kind == N_STR ? n->u.str[0] != '\0' : n->u.num != 0;
}

void
node_become(struct node *n, const struct node *other)
{
	struct node *next = n->next;

	if (other)
		*n = *other;
	else
		*n = (struct node){ .kind = N_BLOCK, .at = n->at };
	n->next = next;
}

/* (x = 1, y = 2).x, of literals only: the other members are not evaluated then. */
static void
fold_member(struct node *n)
{
	const struct node *found = NULL;

	if (n->kid[0]->kind != N_RECORD)
		return;
	for (const struct node *f = n->kid[0]->kid[0]; f; f = f->next) {
		if (!is_literal(f->kid[0]))
			return;
		if (strcmp(f->u.str, n->u.str) == 0)
			found = f->kid[0];
	}
	if (found)
		node_become(n, found);
}

/* Kids are folded already.  Becoming a literal keeps the node's place, so that messages show the whole expression. */
bool
fold_node(struct compile *c, struct node *n)
{
	switch (n->kind) {
	case N_UNARY: return fold_unary(c, n);
	case N_BINARY: return fold_binary(c, n);
	case N_COMPTIME:
		if (is_literal(n->kid[0]))
			node_become(n, n->kid[0]);
		return true;
	case N_TERNARY:
		if (is_literal(n->cond) && (n->then || !fold_truth(n->cond)))
			node_become(n, fold_truth(n->cond) ? n->then : n->els);
		else if (is_literal(n->cond))
			node_become(n, n->cond);
		return true;
	case N_FIELD:
		fold_member(n);
		return true;
	case N_INDEX:
		if (n->lhs->kind == N_STR && n->rhs->kind == N_INT && n->rhs->u.num <= (uint64_t)n->lhs->op)
			become_int(n, (uint64_t)(int64_t)(int8_t)n->lhs->u.str[n->rhs->u.num],
				   (int8_t)n->lhs->u.str[n->rhs->u.num] < 0);
		return true;
	default: return true;
	}
}

bool
fold_tree(struct compile *c, struct node *n)
{
	for (int i = 0; i < node_kids(n->kind); i++)
		for (struct node *kid = n->kid[i]; kid; kid = kid->next)
			if (kid->kind != N_TYPE && !fold_tree(c, kid))
				return false;
	return fold_node(c, n);
}

bool
fold_int(const struct node *n, int64_t *value)
{
	if (!n || (n->kind != N_INT && n->kind != N_BOOL))
		return false;
	*value = (int64_t)n->u.num;
	return true;
}
