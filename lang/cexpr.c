/* cexpr.c - C's constant expressions: reading them, and their values with C's types. */
#include "lang/cread.h"

enum { MAX_EXPR_DEPTH = 500 };

static struct c_expr *
expr_new(struct c_reader *r, enum c_expr_kind kind, struct span at)
{
	struct c_expr *e = arena_alloc(r->file->mem, sizeof(*e));

	e->kind = kind;
	e->at = at;
	return e;
}

static unsigned
depth_of(const struct c_expr *e)
{
	return e ? e->depth : 0;
}

static struct c_expr *
expr_of(struct c_reader *r, enum c_expr_kind kind, int op, const struct c_expr *a, const struct c_expr *b, const struct c_expr *c)
{
	struct c_expr *e = expr_new(r, kind, span_join(a->at, c ? c->at : b ? b->at : a->at));

	e->op = op;
	e->a = a;
	e->b = b;
	e->c = c;
	e->depth = depth_of(a);
	if (depth_of(b) > e->depth)
		e->depth = depth_of(b);
	if (depth_of(c) > e->depth)
		e->depth = depth_of(c);
	if (++e->depth > MAX_EXPR_DEPTH) {
		c_too_deep(r, e->at, "C expressions", MAX_EXPR_DEPTH);
		return NULL;
	}
	return e;
}

static const struct c_expr *read_cond(struct c_reader *);
static const struct c_expr *read_unary(struct c_reader *);

/* sizeof and _Alignof: of a type in parentheses or, sizeof alone, of an expression. */
static const struct c_expr *
read_sizeof(struct c_reader *r, enum c_expr_kind kind)
{
	struct c_expr *e = expr_new(r, kind, r->tok.at);

	c_take(r);
	if (r->tok.kind == TK_LPAREN) {
		c_take(r);
		if (c_begins_type(r))
			e->type = c_parse_type_name(r);
		else
			e->a = read_cond(r);
		if ((!e->type && !e->a) || !c_expect(r, TK_RPAREN, "')'"))
			return NULL;
	} else {
		e->a = read_unary(r);
		if (!e->a)
			return NULL;
	}
	e->depth = depth_of(e->a) + 1;
	e->at = span_join(e->at, r->last);
	return e;
}

static const struct c_expr *
read_parens(struct c_reader *r)
{
	struct span start = r->tok.at;
	const struct c_expr *e;

	c_take(r);
	if (!c_begins_type(r)) {
		e = read_cond(r);
		return e && c_expect(r, TK_RPAREN, "')'") ? e : NULL;
	}
	const struct c_type *type = c_parse_type_name(r);
	if (!type || !c_expect(r, TK_RPAREN, "')' after the type of a cast"))
		return NULL;
	e = read_unary(r);
	if (!e)
		return NULL;
	struct c_expr *cast = expr_of(r, CE_CAST, 0, e, NULL, NULL);
	if (cast) {
		cast->type = type;
		cast->at = span_join(start, e->at);
	}
	return cast;
}

static const struct c_expr *
read_primary(struct c_reader *r)
{
	struct c_expr *e;

	switch (r->tok.kind) {
	case TK_NUMBER:
		e = expr_new(r, CE_NUM, r->tok.at);
		e->num = r->tok.num;
		c_take(r);
		return e;
	case TK_IDENT:
		if (c_is_word(r, "sizeof"))
			return read_sizeof(r, CE_SIZEOF);
		if (c_is_word(r, "_Alignof") || c_is_word(r, "__alignof__") || c_is_word(r, "alignof"))
			return read_sizeof(r, CE_ALIGNOF);
		e = expr_new(r, CE_NAME, r->tok.at);
		e->name = r->tok.str;
		c_take(r);
		return e;
	case TK_LPAREN:
		return read_parens(r);
	default:
		c_unexpected(r, "a number or a name");
		return NULL;
	}
}

static const struct c_expr *
read_unary(struct c_reader *r)
{
	enum token_kind op = r->tok.kind;
	struct span start = r->tok.at;
	const struct c_expr *a;
	struct c_expr *e = NULL;

	if (!c_enter(r))
		return NULL;
	if (op != TK_MINUS && op != TK_PLUS && op != TK_NOT && op != TK_TILDE) {
		a = read_primary(r);
		r->depth--;
		return a;
	}
	c_take(r);
	a = read_unary(r);
	r->depth--;
	if (a)
		e = expr_of(r, CE_UNARY, (int)op, a, NULL, NULL);
	if (e)
		e->at = span_join(start, a->at);
	return e;
}

static const struct c_expr *
read_binary(struct c_reader *r, int min)
{
	const struct c_expr *a = read_unary(r), *b;

	while (a && parse_precedence(r->tok.kind) >= min) {
		enum token_kind op = r->tok.kind;

		c_take(r);
		b = read_binary(r, parse_precedence(op) + 1);
		a = b ? expr_of(r, CE_BINARY, (int)op, a, b, NULL) : NULL;
	}
	return a;
}

static const struct c_expr *
read_cond(struct c_reader *r)
{
	const struct c_expr *a = NULL, *b, *c;

	if (!c_enter(r))
		return NULL;
	a = read_binary(r, 1);
	if (a && c_accept(r, TK_QUESTION)) {
		b = read_cond(r);
		c = b && c_expect(r, TK_COLON, "':'") ? read_cond(r) : NULL;
		a = c ? expr_of(r, CE_COND, 0, a, b, c) : NULL;
	}
	r->depth--;
	return a;
}

const struct c_expr *
c_parse_expr(struct c_reader *r)
{
	return read_cond(r);
}

const struct c_expr *
c_expr_of_text(struct c_file *f, const char *text, size_t len, struct span at)
{
	struct lexer quiet = { .text = text, .len = (uint32_t)len, .mem = f->mem, .diags = f->diags, .is_quiet = true };
	struct c_reader r = { .file = f, .lex = &quiet, .text = text, .end = (uint32_t)len, .fixed = at };
	const struct c_expr *e;

	r.fixed.len = at.len ? at.len : 1;
	c_take(&r);
	e = c_parse_expr(&r);
	return e && !r.failed && r.tok.kind == TK_EOF ? e : NULL;
}

/* ---- values ---- */

struct c_num
c_num_fit(struct c_num n, unsigned size, bool is_unsigned)
{
	unsigned bits = size >= 8 ? 0 : 64 - size * 8;

	n.v = is_unsigned ? n.v << bits >> bits : (uint64_t)((int64_t)(n.v << bits) >> bits);
	n.size = size >= 8 ? 8 : 4;
	n.is_unsigned = is_unsigned && size >= 4;
	return n;
}

/* C's usual conversions: both operands to one type. */
static void
usual(struct c_num *a, struct c_num *b)
{
	unsigned size = a->size > b->size ? a->size : b->size;
	bool is_unsigned = (a->is_unsigned && a->size == size) || (b->is_unsigned && b->size == size);

	*a = c_num_fit(*a, size, is_unsigned);
	*b = c_num_fit(*b, size, is_unsigned);
}

static bool
eval_divide(struct c_env *env, const struct c_expr *e, struct c_num a, struct c_num b, uint64_t *v)
{
	int64_t x = (int64_t)a.v, y = (int64_t)b.v;

	if (b.v == 0)
		return env->diags ? diag_error(env->diags, e->at, env->tag, "division by zero") : false;
	if (a.is_unsigned)
		*v = e->op == TK_SLASH ? a.v / b.v : a.v % b.v;
	else if (y == -1)                /* INT64_MIN / -1 is what a processor stumbles over */
		*v = e->op == TK_SLASH ? 0 - a.v : 0;
	else
		*v = (uint64_t)(e->op == TK_SLASH ? x / y : x % y);
	return true;
}

static bool
eval_shift(struct c_env *env, const struct c_expr *e, struct c_num a, struct c_num b, struct c_num *out)
{
	if (b.v >= a.size * 8u)
		return !env->diags ? false : diag_error(env->diags, e->at, env->tag, "a shift of %lld bits is more than the number has", (long long)b.v);
	if (e->op == TK_SHL)
		a.v <<= b.v;
	else
		a.v = a.is_unsigned ? a.v >> b.v : (uint64_t)((int64_t)a.v >> b.v);
	*out = c_num_fit(a, a.size, a.is_unsigned);
	return true;
}

static bool
eval_arith(struct c_env *env, const struct c_expr *e, struct c_num a, struct c_num b, struct c_num *out)
{
	uint64_t v = 0;

	usual(&a, &b);
	switch (e->op) {
	case TK_PLUS: v = a.v + b.v; break;
	case TK_MINUS: v = a.v - b.v; break;
	case TK_STAR: v = a.v * b.v; break;
	case TK_AMP: v = a.v & b.v; break;
	case TK_PIPE: v = a.v | b.v; break;
	case TK_CARET: v = a.v ^ b.v; break;
	default:
		if (!eval_divide(env, e, a, b, &v))
			return false;
	}
	a.v = v;
	*out = c_num_fit(a, a.size, a.is_unsigned);
	return true;
}

static bool
compare(int op, struct c_num a, struct c_num b)
{
	usual(&a, &b);
	bool less = a.is_unsigned ? a.v < b.v : (int64_t)a.v < (int64_t)b.v;

	switch (op) {
	case TK_EQ: return a.v == b.v;
	case TK_NE: return a.v != b.v;
	case TK_LT: return less;
	case TK_LE: return less || a.v == b.v;
	case TK_GT: return !less && a.v != b.v;
	default: return !less;
	}
}

static bool
eval_binary(struct c_env *env, const struct c_expr *e, struct c_num *out)
{
	struct c_num a, b;

	if (!c_eval(env, e->a, &a))
		return false;
	if ((e->op == TK_LAND && !a.v) || (e->op == TK_LOR && a.v)) { /* what is not needed may even be wrong: 0 && 1/0 */
		*out = (struct c_num){ e->op == TK_LOR, 4, false };
		return true;
	}
	if (!c_eval(env, e->b, &b))
		return false;
	switch (e->op) {
	case TK_LAND: case TK_LOR:
		*out = (struct c_num){ b.v != 0, 4, false };
		return true;
	case TK_EQ: case TK_NE: case TK_LT: case TK_LE: case TK_GT: case TK_GE:
		*out = (struct c_num){ compare(e->op, a, b), 4, false };
		return true;
	case TK_SHL: case TK_SHR:
		return eval_shift(env, e, a, b, out);
	default:
		return eval_arith(env, e, a, b, out);
	}
}

static bool
eval_unary(struct c_env *env, const struct c_expr *e, struct c_num *out)
{
	struct c_num a;

	if (!c_eval(env, e->a, &a))
		return false;
	if (e->op == TK_NOT) {
		*out = (struct c_num){ !a.v, 4, false };
		return true;
	}
	if (e->op == TK_MINUS)
		a.v = 0 - a.v;
	else if (e->op == TK_TILDE)
		a.v = ~a.v;
	*out = c_num_fit(a, a.size, a.is_unsigned);
	return true;
}

/* The type of an expression, as a number of no value: of the branch of ?: that is not taken, and may be wrong. */
static bool
type_of(struct c_env *env, const struct c_expr *e, struct c_num *out)
{
	bool is_shift = e->op == TK_SHL || e->op == TK_SHR;
	struct c_num b;

	*out = (struct c_num){ 0, 4, false };
	switch (e->kind) {
	case CE_NUM: *out = e->num; return true;
	case CE_NAME: return env->name(env, e, out);
	case CE_UNARY: return e->op == TK_NOT || type_of(env, e->a, out);
	case CE_CAST: return env->cast(env, e, out);
	case CE_SIZEOF: case CE_ALIGNOF: *out = (struct c_num){ 0, 8, true }; return true;
	case CE_BINARY:
		if (parse_precedence((enum token_kind)e->op) < parse_precedence(TK_SHL) && e->op != TK_AMP && e->op != TK_PIPE && e->op != TK_CARET)
			return true;     /* a comparison, && or || */
		if (is_shift)
			return type_of(env, e->a, out);
		break;
	case CE_COND: break;
	}
	if (!type_of(env, e->kind == CE_COND ? e->c : e->a, out) || !type_of(env, e->b, &b))
		return false;
	usual(out, &b);
	return true;
}

static bool
eval_cond(struct c_env *env, const struct c_expr *e, struct c_num *out)
{
	struct c_num a, other;

	if (!c_eval(env, e->a, &a) || !c_eval(env, a.v ? e->b : e->c, out) || !type_of(env, a.v ? e->c : e->b, &other))
		return false;
	usual(out, &other);
	return true;
}

bool
c_eval(struct c_env *env, const struct c_expr *e, struct c_num *out)
{
	bool ok;

	switch (e->kind) {
	case CE_NUM:
		*out = e->num;
		ok = true;
		break;
	case CE_NAME: ok = env->name(env, e, out); break;
	case CE_UNARY: ok = eval_unary(env, e, out); break;
	case CE_BINARY: ok = eval_binary(env, e, out); break;
	case CE_COND: ok = eval_cond(env, e, out); break;
	case CE_CAST: ok = c_eval(env, e->a, out) && env->cast(env, e, out); break;
	default: ok = env->size(env, e, out);
	}
	if (ok && env->is_wide)
		out->size = 8;
	return ok;
}
