/* cmacro.c - #defines in a script's expressions (LANGUAGE 1.2): the text of one becomes the tree of an expression. */
#include "sema/cdef.h"
#include "sema/macro.h"

enum { MAX_EXPANDED = 1 << 19, MAX_DEPTH = 1000 };
struct c_expand {
	struct cdefs *d;
	const struct node *in_macro;     /* the macro at work: its parameters are no names for us */
	struct parse_opts opts;
	const struct c_macro *open[64];  /* around the place at hand */
	unsigned n_open, depth;          /* depth: levels of the tree that they have added there */
	uint64_t size;                   /* bytes of text expanded */
};

static bool expand_node(struct node *, void *ud);

static bool
recursion(struct c_expand *x, const struct node *n, const struct c_macro *m)
{
	struct buf chain = { .arena = x->d->c->tmp };
	bool is_in = false;

	for (unsigned i = 0; i < x->n_open; i++) {
		is_in |= x->open[i] == m;
		if (is_in)
			buf_fmt(&chain, "%s > ", x->open[i]->name);
	}
	return cdef_error(x->d, n->at, E_CPP, "Macro recursion: %s%s", buf_cstr(&chain), m->name);
}

/* Its text, on one line and without blanks at its ends, for a message. */
static const char *
shown(struct c_expand *x, const struct c_macro *m)
{
	struct buf out = { .arena = x->d->c->tmp };
	const char *s = m->text, *end = m->text + (m->text_len > 200 ? 200 : m->text_len);

	for (; s < end; s++) {
		bool is_blank = *s == ' ' || *s == '\t' || *s == '\n' || *s == '\r' || *s == '\\';

		if (!is_blank)
			buf_char(&out, *s);
		else if (out.len && out.data[out.len - 1] != ' ')
			buf_char(&out, ' ');
	}
	while (out.len && out.data[out.len - 1] == ' ')
		out.len--;
	return out.len ? buf_cstr(&out) : m->name;
}

/* C has constants that the language does not spell: 'a', 1UL, sizeof of C's words.  They stand for numbers. */
static struct node *
constant_of(struct c_expand *x, const struct node *n, struct c_macro *m)
{
	struct cdefs *d = x->d;
	const struct c_expr *e = c_expr_of_text(d->file, m->text, m->text_len, n->at);
	struct c_num v = { 0 };

	if (!e)
		return NULL;
	d->is_quiet = m->is_open = true;
	bool ok = cdef_number(d, e, &v);
	d->is_quiet = m->is_open = false;
	if (!ok)
		return NULL;
	struct node *num = node_new(d->c->tmp, N_INT, n->at);
	num->u.num = v.v;
	num->op = !v.is_unsigned && (int64_t)v.v < 0 ? 2 : v.v > INT64_MAX;
	return num;
}

static bool
expand(struct c_expand *x, struct node *n, struct c_macro *m)
{
	struct compile *c = x->d->c;
	struct node *next = n->next, *tree;
	unsigned depth;

	if (m->is_open)
		return recursion(x, n, m);
	x->size += 32 + m->text_len;
	if (x->size > MAX_EXPANDED)
		return cdef_error(x->d, n->at, E_CPP, "the macros of this script stand for more than %d KB of text", MAX_EXPANDED / 1024);
	tree = parse_text(c->tmp, c->diags, m->text, m->text_len, n->at, &x->opts);
	if (!tree)
		tree = constant_of(x, n, m);
	if (!tree)
		return cdef_error(x->d, n->at, E_CPP, "unable to expand macro as an expression: %s", shown(x, m));
	depth = node_depth(tree, MAX_DEPTH);
	if (x->n_open == LENGTH(x->open) || x->depth + depth > MAX_DEPTH)
		return cdef_error(x->d, n->at, E_NESTING, "this nests more than %d levels deep, with macros expanded", MAX_DEPTH);
	x->open[x->n_open++] = m;
	x->depth += depth;
	m->is_open = true;
	node_walk(tree, expand_node, x);
	m->is_open = false;
	x->depth -= depth;
	x->n_open--;
	*n = *tree;
	n->next = next;
	return true;
}

/* Names that the language itself has are not replaced: they mean the same in every script. */
static bool
is_builtin(struct compile *c, const char *name)
{
	return plug_builtin(c->plugs, name) || macro_is_std(c->plugs, name);
}

static bool
is_param(const struct c_expand *x, const char *name)
{
	for (const struct node *p = x->in_macro ? x->in_macro->kid[0] : NULL; p; p = p->next)
		if (p->kind == N_IDENT && p->u.str == name)
			return true;
	return false;
}

static bool
is_mode_word(struct compile *c, const char *name)
{
	for (const struct builtin *const *b = c->plugs->builtins; *b; b++)
		for (const char *const *w = (*b)->words; w && *w; w++)
			if (!strcmp(*w, name))
				return true;
	return false;
}

/* The macro of that name; the headers of the kernel are asked last. */
static struct c_macro *
find_macro(struct c_expand *x, const char *name)
{
	struct c_macro *m = c_macro_find(x->d->file, name);
	struct compile *c = x->d->c;
	const struct type *type;
	int64_t value;

	if (m || !x->d->has_kernel_headers || is_mode_word(c, name) || cdef_enum_value(c, name, &value, &type) ||
	    kernel_enum_value(c->kernel, c->types, name, &value, NULL))
		return m;
	cdef_more_constants(x->d);
	return c_macro_find(x->d->file, name);
}

static bool
expand_node(struct node *n, void *ud)
{
	struct c_expand *x = ud;
	struct compile *c = x->d->c;
	struct c_macro *m;

	if (x->size > MAX_EXPANDED || x->d->n_errors > MAX_C_ERRORS || n->kind == N_CONFIG)
		return false;
	if (n->kind == N_MACRO) {
		x->in_macro = n;
		node_walk(n->kid[1], expand_node, x);
		x->in_macro = NULL;
		return false;
	}
	if ((n->kind != N_IDENT && n->kind != N_CALL) || is_builtin(c, n->u.str) || is_param(x, n->u.str))
		return true;
	m = n->kind == N_IDENT ? find_macro(x, n->u.str) : c_macro_find(x->d->file, n->u.str);
	if (m && m->is_function)
		cdef_error(x->d, n->at, E_CPP, "%s() is a C macro with parameters, and those are not expanded", m->name);
	else if (m && n->kind == N_IDENT)
		expand(x, n, m);
	return n->kind == N_CALL;
}

bool
cdef_expand(struct cdefs *d)
{
	struct c_expand x = { .d = d, .opts = { d->c->argv, d->c->argc, d->file } };

	node_walk(d->c->prog, expand_node, &x);
	return d->ok;
}
