/* macro.c - pass M: macros are expanded, as trees (LANGUAGE 1.7).
 * Needs: the tree with its imports in place (S).
 * Gives: probes without a call of a macro, and a program without definitions.  What was expanded has places of its own
 * (diags_add_expansion), so that the messages of every later pass tell which calls led there.
 *
 * Arguments are expanded where they stand, then copied to each place of their parameter.  Variables of a body get a name that is
 * no other's: the same text at another address, names being compared by address. */
#include "sema/macro.h"

enum { MAX_NODES = 500000, MAX_DEPTH = 1000 /* of the tree, as the parser bounds it for later passes */ };

static struct node *inst(struct expand *, struct env *, const struct node *, unsigned depth);

/* ---- limits ---- */

static bool
is_within(struct expand *x, const struct node *n, unsigned depth, unsigned n_nodes)
{
	x->n_nodes += n_nodes;
	if (x->is_over || (depth <= MAX_DEPTH && x->n_nodes <= MAX_NODES))
		return !x->is_over;
	x->is_over = true;
	if (depth > MAX_DEPTH)
		return diag_error(x->c->diags, n->at, E_NESTING, "this nests more than %d levels deep, with its macros expanded", MAX_DEPTH);
	return diag_error(x->c->diags, n->at, E_NESTING, "the macros of this program expand to more than %d nodes", MAX_NODES);
}

static void
measure(const struct node *n, unsigned depth, struct arg *a)
{
	a->depth = depth > a->depth ? depth : a->depth;
	a->n_nodes++;
	for (int i = 0; i < node_kids(n->kind); i++)
		for (const struct node *kid = n->kid[i]; kid; kid = kid->next)
			measure(kid, depth + 1, a);
}

/* ---- parameters and locals ---- */

static struct arg *
find_arg(const struct env *env, enum node_kind kind, const char *name)
{
	for (unsigned i = 0; env && i < env->macro->n_params; i++)
		if (env->arg[i].param->u.str == name && env->arg[i].param->kind == kind)
			return &env->arg[i];
	return NULL;
}

/* A node of a body in this expansion. */
static struct node *
place(struct expand *x, const struct env *env, const struct node *n)
{
	struct node *copy = arena_dup(x->c->tmp, n, sizeof(*n));

	copy->next = NULL;
	if (env && copy->at.file == env->macro->node->at.file)
		copy->at.file = (uint16_t)env->file;
	return copy;
}

/* The argument at one of its uses; variables and maps cannot be written through a plain name. */
static struct node *
use_arg(struct expand *x, const struct arg *a, unsigned depth)
{
	if (!is_within(x, a->value, depth + a->depth + 2, a->n_nodes))
		return NULL;
	struct node *value = node_copy(x->c->tmp, a->value);
	if (value->kind != N_VAR && value->kind != N_MAP)
		return value;
	struct node *block = node_new(x->c->tmp, N_BLOCK, value->at);
	block->kid[0] = node_new(x->c->tmp, N_EXPR, value->at);
	block->kid[0]->op = 1;
	block->kid[0]->kid[0] = value;
	return block;
}

static const char *
local_name(struct expand *x, struct env *env, const char *name)
{
	for (const struct local *l = env->locals; l; l = l->next)
		if (l->from == name)
			return l->to;
	struct local *l = arena_alloc(x->c->tmp, sizeof(*l));
	*l = (struct local){ env->locals, name, arena_strndup(x->c->tmp, name, strlen(name)) };
	env->locals = l;
	return l->to;
}

static struct node *
inst_var(struct expand *x, struct env *env, const struct node *n)
{
	struct node *copy = place(x, env, n);
	const struct arg *a = find_arg(env, N_VAR, n->u.str);

	if (env)
		copy->u.str = a ? a->value->u.str : local_name(x, env, n->u.str);
	return copy;
}

/* ---- types as arguments ---- */

static struct node *
append(struct node *list, struct node *more)
{
	struct node *last = list;

	if (!list)
		return more;
	while (last->next)
		last = last->next;
	last->next = more;
	return list;
}

static struct node *
inst_list(struct expand *x, struct env *env, const struct node *list, unsigned depth)
{
	struct node *head = NULL, **end = &head;

	for (; list && !x->is_over; list = list->next) {
		*end = inst(x, env, list, depth);
		if (*end)
			end = &(*end)->next;
	}
	return head;
}

/* T, T* where T is a parameter: the argument has to be typeof(...). */
static struct node *
inst_type(struct expand *x, struct env *env, const struct node *n, unsigned depth)
{
	const struct arg *a = find_arg(env, N_IDENT, n->u.str);
	struct node *copy;

	if (a && a->value->kind == N_TYPEOF) {
		copy = use_arg(x, a, depth);
		if (copy)
			copy->kid[1] = append(copy->kid[1], inst_list(x, env, n->kid[0], depth + 1));
		return copy;
	}
	copy = place(x, env, n);
	copy->kid[0] = inst_list(x, env, n->kid[0], depth + 1);
	if (a) {
		x->ok = diag_error(x->c->diags, copy->at, E_MACRO, "parameter %s is used as a type, and is given a value", n->u.str);
		diag_hint(x->c->diags, "pass typeof(...) for %s", n->u.str);
	}
	return copy;
}

/* What sizeof and its like take: a parameter there is a type or an expression. */
static struct node *
inst_operand(struct expand *x, struct env *env, const struct node *n, unsigned depth)
{
	const struct arg *a = n->kind == N_TYPE && !n->kid[0] ? find_arg(env, N_IDENT, n->u.str) : NULL;

	return a ? use_arg(x, a, depth) : inst(x, env, n, depth);
}

/* The names of an argument such as a or a.b, behind `of`.  NULL: it is something else. */
static struct node *
as_path(struct expand *x, const struct node *arg, struct node *of)
{
	struct node *n;

	if (arg->kind == N_FIELD)
		of = as_path(x, arg->kid[0], of);
	else if (arg->kind != N_IDENT)
		return NULL;
	if (!of)
		return NULL;
	n = node_new(x->c->tmp, N_FIELD, arg->at);
	n->u.str = arg->u.str;
	n->kid[0] = of;
	return n;
}

/* The members of offsetof(T, a.b): a parameter may stand for some. */
static struct node *
inst_path(struct expand *x, struct env *env, const struct node *n, unsigned depth)
{
	const struct arg *a = n->kind == N_FIELD ? find_arg(env, N_IDENT, n->u.str) : NULL;
	struct node *copy = place(x, env, n), *path;

	if (n->kind != N_FIELD || !is_within(x, n, depth, 1))
		return copy;
	copy->kid[0] = inst_path(x, env, n->kid[0], depth + 1);
	path = a ? as_path(x, a->value, copy->kid[0]) : NULL;
	return path ? path : copy;
}

/* ---- expansion ---- */

/* At most MAX_DEPTH of them: each takes a level of inst(). */
static void
name_chain(const struct env *env, struct buf *out)
{
	if (env->up)
		name_chain(env->up, out);
	buf_fmt(out, "%s%s", env->up ? " > " : "", env->macro->name);
}

static bool
is_recursive(struct expand *x, const struct env *env, const struct macro *m, struct span at)
{
	struct buf chain = { .arena = x->c->tmp };
	const struct env *e = env;

	while (e && e->macro != m)
		e = e->up;
	if (!e)
		return false;
	name_chain(env, &chain);
	x->ok = diag_error(x->c->diags, at, E_MACRO, "Recursive macro call detected. Call chain: %s", buf_cstr(&chain));
	return true;
}

/* The body's one expression, where it has nothing else. */
static const struct node *
only_value(const struct node *block)
{
	const struct node *s = block->kid[0];

	return s && !s->next && s->kind == N_EXPR && s->op ? s->kid[0] : NULL;
}

static struct node *
expand(struct expand *x, struct env *env, const struct macro *m, const struct node *call, unsigned depth)
{
	struct env own = { .up = env, .macro = m };
	const struct node *body = m->node->kid[1], *value = only_value(body);
	struct span at = place(x, env, call)->at;
	unsigned i = 0;

	if (is_recursive(x, env, m, at))
		return place(x, env, body);
	own.arg = arena_alloc(x->c->tmp, (m->n_params + 1) * sizeof(*own.arg));
	for (const struct node *a = m->n_params ? call->kid[0] : NULL, *p = m->node->kid[0]; a; a = a->next, p = p->next, i++) {
		own.arg[i].param = p;
		own.arg[i].value = inst(x, env, a, depth + 1);
		if (!own.arg[i].value)
			return NULL;
		measure(own.arg[i].value, 0, &own.arg[i]);
	}
	own.file = diags_add_expansion(x->c->diags, m->node->at.file, at);
	return inst(x, &own, value ? value : body, depth + 1);
}

/* A statement takes no value: what would be the value of the block becomes a statement of it. */
static void
drop_value(struct node *n)
{
	if (n->kind == N_IF) {
		for (; n && n->kind == N_IF; n = n->els)
			drop_value(n->then);
		if (n)
			drop_value(n);
		return;
	}
	for (struct node **s = &n->kid[0]; *s; s = &(*s)->next) {
		struct node *last = *s;

		if (last->next || last->kind != N_EXPR || !last->op)
			continue;
		last->op = 0;
		if (last->kid[0]->kind != N_IF && last->kid[0]->kind != N_BLOCK)
			continue;
		*s = last->kid[0];
		drop_value(*s);
	}
}

static struct node *
inst_kids(struct expand *x, struct env *env, const struct node *n, unsigned depth)
{
	struct node *copy = place(x, env, n);

	for (int i = 0; i < node_kids(n->kind); i++)
		copy->kid[i] = inst_list(x, env, n->kid[i], depth + 1);
	return copy;
}

static struct node *
inst_measure(struct expand *x, struct env *env, const struct node *n, unsigned depth)
{
	struct node *copy = place(x, env, n);

	copy->kid[0] = inst_operand(x, env, n->kid[0], depth + 1);
	if (n->kind == N_OFFSETOF)
		copy->kid[1] = inst_path(x, env, n->kid[1], depth + 1);
	else if (n->kind == N_TYPEOF)
		copy->kid[1] = inst_list(x, env, n->kid[1], depth + 1);
	return copy;
}

static struct node *
inst(struct expand *x, struct env *env, const struct node *n, unsigned depth)
{
	const struct macro *m;
	const struct arg *a;
	struct node *copy;

	if (!is_within(x, n, depth, 1))
		return NULL;
	switch (n->kind) {
	case N_VAR: return inst_var(x, env, n);
	case N_TYPE: return inst_type(x, env, n, depth);
	case N_SIZEOF:
	case N_OFFSETOF:
	case N_TYPEINFO:
	case N_TYPEOF: return inst_measure(x, env, n, depth);
	case N_IDENT:
	case N_CALL:
		a = n->kind == N_IDENT ? find_arg(env, N_IDENT, n->u.str) : NULL;
		if (a)
			return use_arg(x, a, depth);
		m = macro_find(x, env, n);
		return m ? expand(x, env, m, n, depth) : inst_kids(x, env, n, depth);
	case N_MAP:
		copy = inst_kids(x, env, n, depth);
		a = find_arg(env, N_MAP, n->u.str);
		if (a)
			copy->u.str = a->value->u.str;
		return copy;
	case N_EXPR:
		copy = inst_kids(x, env, n, depth);
		if (copy->op || !copy->kid[0] || (copy->kid[0]->kind != N_BLOCK && copy->kid[0]->kind != N_IF))
			return copy;
		drop_value(copy->kid[0]);
		return copy->kid[0];
	default: return inst_kids(x, env, n, depth);
	}
}

/* ---- the program ---- */

struct need { const struct plugs *plugs; bool found; };

static bool
look(struct node *n, void *ud)
{
	struct need *need = ud;

	if ((n->kind == N_IDENT || n->kind == N_CALL) && !plug_builtin(need->plugs, n->u.str))
		need->found |= macro_is_std(need->plugs, n->u.str);
	return !need->found;
}

/* Takes the definitions out of the program; true when there is anything to expand. */
static bool
take_definitions(struct expand *x)
{
	struct node **slot = &x->c->prog->kid[0], **end = &x->c->macros;
	struct need need = { x->c->plugs, false };

	while (*slot) {
		struct node *n = *slot;

		if (n->kind != N_MACRO) {
			slot = &n->next;
			continue;
		}
		*slot = n->next;
		n->next = NULL;
		*end = n;
		end = &n->next;
		macro_define(x, n, false);
	}
	if (x->macros || !x->ok)
		return true;
	node_walk(x->c->prog, look, &need);
	return need.found;
}

bool
pass_macro(struct compile *c)
{
	struct expand x = { .c = c, .ok = true };
	size_t n_scripts = 0;

	x.end = &x.macros;
	while (c->plugs->scripts[n_scripts].name)
		n_scripts++;
	x.loaded = arena_alloc(c->tmp, n_scripts + 1);
	if (!take_definitions(&x))
		return true;
	for (struct node *n = c->prog->kid[0]; n && !x.is_over; n = n->next) {
		if (n->kind != N_PROBE)
			continue;
		if (n->kid[1])
			n->kid[1] = inst(&x, NULL, n->kid[1], 1);
		n->kid[2] = inst(&x, NULL, n->kid[2], 1);
	}
	return x.ok && !x.is_over;
}
