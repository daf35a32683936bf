/* comptime.c - functions that the compiler answers: getopt(), static_assert(), fail(). */
#include <inttypes.h>
#include "sema/infer.h"
#include "stdlib/rows.h"

const struct builtin builtin_getopt = {
	.name = "getopt", .sig = "? (lit, [any], [lit])", .flags = BI_CALL, .fold = option_fold,
	.doc = "the program's option --NAME, with a default and a description",
};

/* Nothing is left of it when the program runs. */
static bool
gen_nothing(struct gen *g, const struct node *call, struct gval *out)
{
	(void)g;
	(void)call;
	(void)out;
	return true;
}

static bool
check_static_assert(struct compile *c, struct node *call)
{
	struct node *cond = call->kid[0];

	if (!fold_tree(c, cond))
		return false;
	if (!is_literal(cond))
		return diag_error(c->diags, cond->at, E_COMPTIME, "static_assert() takes what is known at compile time, this is known only when the program runs");
	if (fold_truth(cond))
		return true;
	return diag_error(c->diags, call->at, E_ASSERT, "static_assert failed: %s", cond->next->u.str);
}

const struct builtin builtin_static_assert = {
	.name = "static_assert", .sig = "void (any, lit)", .flags = BI_CALL, .check = check_static_assert, .gen = gen_nothing,
	.doc = "a compile error with this message unless the condition holds",
};

/* One literal as its conversion asks for it. */
static void
add_literal(struct buf *out, const struct node *a, char conversion)
{
	if (a->kind == N_STR)
		buf_str(out, a->u.str);
	else if (a->kind == N_BOOL && conversion == 's')
		buf_str(out, a->u.num ? "true" : "false");
	else if (conversion == 'x' || conversion == 'p')
		buf_fmt(out, "%s%" PRIx64, conversion == 'p' ? "0x" : "", a->u.num);
	else if (a->op == 2)
		buf_fmt(out, "%" PRId64, (int64_t)a->u.num);
	else
		buf_fmt(out, "%" PRIu64, a->u.num);
}

static bool
check_fail(struct compile *c, struct node *call)
{
	struct buf text = { .arena = c->tmp };
	struct node *a = call->kid[0]->next;

	for (struct node *n = a; n; n = n->next)
		if (!fold_tree(c, n))
			return false;
		else if (!is_literal(n))
			return diag_error(c->diags, n->at, E_COMPTIME, "fail() takes literals, this is known only when the program runs");
	for (const char *s = call->kid[0]->u.str; *s; s++) {
		if (*s != '%' || s[1] == '%') {
			buf_char(&text, *s);
			s += *s == '%';
			continue;
		}
		s += strcspn(s, "diouxXcps");
		if (!*s || !a)
			return diag_error(c->diags, call->kid[0]->at, E_FORMAT, "the format of fail() does not fit its arguments");
		add_literal(&text, a, *s);
		a = a->next;
	}
	if (a)
		return diag_error(c->diags, a->at, E_FORMAT, "the format of fail() does not fit its arguments");
	return diag_error(c->diags, call->at, E_ASSERT, "%s", buf_cstr(&text));
}

const struct builtin builtin_fail = {
	.name = "fail", .sig = "void (lit, ...)", .flags = BI_CALL, .check = check_fail, .gen = gen_nothing,
	.doc = "a compile error with this message, where it is not left out by \"if comptime\"",
};
