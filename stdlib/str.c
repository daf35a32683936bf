/* str.c - strings: str(), strncmp(), join(). */
#include <linux/bpf.h>
#include "stdlib/rows.h"

/* ---- str(address, [length]) ---- */

static bool
is_text(const struct type *t)
{
	return t->kind == T_STR || (t->kind == T_ARRAY && t->elem->size == 1);
}

/* The size asked for: a literal one cut to max_strlen, else 0. */
static uint32_t
literal_length(struct compile *c, const struct node *len)
{
	int64_t n;

	if (!arg_int(len, &n) || n <= 0)
		return 0;
	return n > c->limit.max_strlen ? c->limit.max_strlen : (uint32_t)n;
}

static const struct type *
result_str(struct compile *c, struct node *call)
{
	const struct node *from = call->kid[0], *len = from->next;
	uint32_t n = literal_length(c, len);

	if (!from->type)
		return NULL;
	if (is_text(from->type))
		return type_str(c->types, n && n < from->type->size ? n : from->type->size ? from->type->size : 1);
	return type_str(c->types, n ? n : c->limit.max_strlen);
}

/* str($1) and str($1 + n) take the parameter's text, even when it reads as a number; one that was not given is empty. */
static bool
rewrite_str(struct compile *c, struct node *call)
{
	struct node *from = call->kid[0];
	const char *text;

	while (from && from->kind == N_BINARY && from->op == TK_PLUS)
		from = from->lhs;
	text = from ? positional_text(c, from) : NULL;
	if (!text)
		return true;
	from->kind = N_STR;
	from->op = (int)strlen(text);
	from->u.str = str_intern(c->tmp, text, strlen(text));
	memset(from->kid, 0, sizeof(from->kid));
	return true;
}

static bool
check_str(struct compile *c, struct node *call)
{
	const struct node *from = call->kid[0], *len = from->next;
	int64_t n;

	if (!is_text(from->type) && from->type->kind != T_INT && from->type->kind != T_PTR)
		return diag_error(c->diags, from->at, E_ARG_TYPE, "str() expects an integer or a pointer type as first argument (%s provided)",
				  type_name(c->tmp, from->type));
	if (!len || !arg_int(len, &n))
		return true;
	if (n < 0)
		return diag_error(c->diags, len->at, E_ARG_VALUE, "str() cannot use negative length (%lld)", (long long)n);
	if (n > c->limit.max_strlen)
		diag_warn(c->diags, len->at, W_ARG_VALUE, "length param (%lld) is too long and will be shortened to %u bytes (see max_strlen)",
			  (long long)n, c->limit.max_strlen);
	return true;
}

/* A string that filled all its room may go on in memory.  Its last byte is then made to say so: text without a NUL has been cut, and
 * one that no text holds says that it was cut here (str_length in runtime/value.c).  The second read is paid for by such strings only. */
static void
mark_cut(struct gen *g, struct gval dst, struct gval addr, enum space space, struct gval len)
{
	uint32_t size = dst.type->size;
	struct gblock *full = gen_label(g, "str_full"), *done = gen_label(g, "str_end");
	struct gval last = gen_slot(g, dst, size - 1, 1, false), more;

	gen_branch(g, gen_cmp(g, TK_EQ, true, len, gen_u64(g, size)), full, done);
	gen_place(g, full);
	gen_probe_read(g, last, gen_u64(g, 1), gen_bin(g, TK_PLUS, addr, gen_u64(g, size - 1)), space);
	more = gen_cmp(g, TK_NE, false, gen_load(g, last), gen_u64(g, 0));
	gen_store(g, last, gen_select(g, more, gen_u64(g, STR_CUT), gen_u64(g, 0)));
	gen_jump(g, done);
	gen_place(g, done);
}

struct str_read { struct gval dst, n, addr; bool is_whole; };

static void
read_str(struct gen *g, const struct str_read *r, enum space space)
{
	struct gval len = gen_probe_read_str(g, r->dst, r->n, r->addr, space);

	if (r->is_whole)
		mark_cut(g, r->dst, r->addr, space, len);
}

/* What has no address space of its own: in a kernel probe both kinds of address reach a script (a system call's path name beside a
 * dentry's), and the address itself tells which it is. */
static void
read_anywhere(struct gen *g, const struct str_read *r)
{
	struct gblock *user = gen_label(g, "str_user"), *kernel = gen_label(g, "str_kernel"), *done = gen_label(g, "str_done");

	gen_branch(g, gen_cmp(g, TK_LT, true, r->addr, gen_u64(g, 0)), kernel, user);
	gen_place(g, kernel);
	read_str(g, r, AS_KERNEL);
	gen_jump(g, done);
	gen_place(g, user);
	read_str(g, r, AS_USER);
	gen_jump(g, done);
	gen_place(g, done);
}

static bool
gen_str_at(struct gen *g, const struct node *call, struct gval *out)
{
	const struct node *from = call->kid[0], *len = from->next;
	struct str_read r = { .dst = *out, .n = gen_u64(g, call->type->size), .is_whole = !len };

	if (!gen_expr_reg(g, from, &r.addr))
		return false;
	if (len && !literal_length(gen_compile(g), len)) {
		struct gval want;

		/* A length of 0 reads nothing, so the string is made empty first. */
		gen_store(g, gen_slot(g, *out, 0, 1, false), gen_u64(g, 0));
		if (!gen_expr_reg(g, len, &want))
			return false;
		r.n = gen_at_most(g, want, call->type->size);
	}
	if (from->type->kind == T_PTR || (gen_probe(g)->prov->flags & PROV_USER))
		read_str(g, &r, space_of(g, from->type));
	else
		read_anywhere(g, &r);
	return true;
}

static bool
gen_str(struct gen *g, const struct node *call, struct gval *out)
{
	const struct node *from = call->kid[0];
	struct gval text;

	if (!is_text(from->type))
		return gen_str_at(g, call, out);
	if (from->type->kind == T_STR && from->type->size <= call->type->size)
		return out->is_padded = gen_expr_to(g, from, *out, true);
	if (!gen_expr(g, from, &text))
		return false;
	gen_copy(g, *out, text, call->type->size);
	if (call->type->size < from->type->size) /* cut by the length argument, which counts a NUL */
		gen_store(g, gen_slot(g, *out, call->type->size - 1, 1, false), gen_u64(g, 0));
	out->is_padded = false;
	return true;
}

const struct builtin builtin_str = {
	.name = "str", .sig = "? (any, [int])", .flags = BI_CALL | BI_RESULT, .rewrite = rewrite_str, .result = result_str,
	.check = check_str, .gen = gen_str,
	.doc = "the string at an address, up to length bytes with its NUL (max_strlen by default)",
};

/* ---- strncmp ---- */

static bool
check_strncmp(struct compile *c, struct node *call)
{
	const struct node *n = call->kid[0]->next->next;
	int64_t len;

	if (arg_int(n, &len) && len < 0)
		return diag_error(c->diags, n->at, E_ARG_VALUE, "strncmp() requires a non-negative length (%lld provided)", (long long)len);
	return true;
}

static bool
gen_strncmp(struct gen *g, const struct node *call, struct gval *out)
{
	const struct node *a = call->kid[0], *b = a->next;
	struct gval va, vb;
	int64_t n = 0;

	arg_int(b->next, &n);
	if (!gen_expr(g, a, &va) || !gen_expr(g, b, &vb))
		return false;
	if (n > a->type->size)
		n = a->type->size;
	if (n > b->type->size)
		n = b->type->size;
	if (n == 0) {
		*out = gen_int(g, call->type, 0);
		return true;
	}
	struct gval same = gen_cast(g, gen_str_equal(g, va, vb, (uint32_t)n), call->type);
	*out = gen_cast(g, gen_bin(g, TK_CARET, same, gen_u64(g, 1)), call->type);
	return true;
}

const struct builtin builtin_strncmp = {
	.name = "strncmp", .sig = "i64 (str, str, num)", .flags = BI_CALL | BI_RESULT, .check = check_strncmp, .gen = gen_strncmp,
	.doc = "0 when the first n bytes of two strings are equal, else 1",
};

/* ---- strlen ---- */

static bool
check_strlen(struct compile *c, struct node *call)
{
	const struct type *t = call->kid[0]->type;

	return is_text(t) || t->kind == T_PTR ||
	       diag_error(c->diags, call->kid[0]->at, E_ARG_TYPE, "strlen() expects a string or a pointer to one (%s provided)", type_name(c->tmp, t));
}

/* Reading a string gives its length with the NUL, from our own memory as well as from anywhere else. */
static bool
gen_strlen(struct gen *g, const struct node *call, struct gval *out)
{
	const struct node *of = call->kid[0];
	struct types *types = gen_compile(g)->types;
	bool is_string = is_text(of->type);
	struct gval text, len, copy = gen_temp(g, type_str(types, is_string ? of->type->size + 1 : gen_compile(g)->limit.max_strlen));
	enum space space = is_string ? AS_KERNEL : space_of(g, of->type);

	if (is_string ? !gen_expr(g, of, &text) : !gen_expr_reg(g, of, &text))
		return false;
	if (text.kind == GV_FAR)
		space = text.space;
	/* one byte more than the string has room for: it is cut there, but never read as longer than it can be */
	len = gen_probe_read_str(g, copy, gen_u64(g, copy.type->size), text.kind == GV_REG ? text : gen_addr(g, text), space);
	len = gen_select(g, gen_cmp(g, TK_LT, true, len, gen_u64(g, 1)), gen_u64(g, 0), gen_bin(g, TK_MINUS, len, gen_u64(g, 1)));
	*out = gen_cast(g, len, call->type);
	return true;
}

const struct builtin builtin_strlen = {
	.name = "strlen", .sig = "u64 (any)", .flags = BI_CALL | BI_RESULT, .check = check_strlen, .gen = gen_strlen,
	.doc = "number of bytes of a string before its NUL",
};

/* ---- join: an array of pointers to strings, printed as one line ---- */

enum { JOIN_STRINGS = 16, JOIN_BYTES = 1024 };

/* The event holds how many there are and room for each. */
static void
plan_join(struct compile *c, const struct node *call, struct action *a)
{
	const struct node *sep = call->kid[0]->next;
	const struct type *part[] = {
		type_int(c->types, 4, false),
		type_array(c->types, type_str(c->types, JOIN_BYTES), JOIN_STRINGS),
	};

	a->payload = type_tuple(c->types, part, 2);
	a->fmt = sep ? arena_strndup(c->keep, sep->u.str, strlen(sep->u.str)) : NULL;
}

static bool
gen_join(struct gen *g, const struct node *call, struct gval *out)
{
	const struct type *u64 = type_int(gen_compile(g)->types, 8, false);
	const struct node *from = call->kid[0];
	enum space space = space_of(g, from->type);
	struct gblock *done = gen_label(g, "join_done");
	struct gval list, one, event;

	(void)out;
	if (!gen_expr_reg(g, from, &list))
		return false;
	one = gen_temp(g, u64);
	event = gen_event_begin(g, call->action);
	struct gval n = gen_slot(g, event, 0, 4, false);
	gen_store(g, n, gen_u64(g, 0));
	for (uint32_t i = 0; i < JOIN_STRINGS; i++) {
		struct gblock *more = gen_label(g, "join_more");
		struct gval room = gen_at(g, event, 4 + i * JOIN_BYTES, type_str(gen_compile(g)->types, JOIN_BYTES)), at;

		gen_probe_read(g, one, gen_u64(g, 8), gen_bin(g, TK_PLUS, list, gen_u64(g, i * 8)), space);
		at = gen_load(g, one);
		gen_branch(g, gen_cmp(g, TK_EQ, false, at, gen_u64(g, 0)), done, more);
		gen_place(g, more);
		gen_probe_read_str(g, room, gen_u64(g, JOIN_BYTES), at, space);
		gen_store(g, n, gen_u64(g, i + 1));
	}
	gen_jump(g, done);
	gen_place(g, done);
	gen_event_end(g);
	return true;
}

const struct builtin builtin_join = {
	.name = "join", .sig = "void (ptr, [lit])", .flags = BI_CALL | BI_ACTION, .plan = plan_join, .gen = gen_join,
	.doc = "prints the strings of a char ** (up to 16), with a blank or the given text between them",
};
