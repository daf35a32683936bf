/* resolve.c - pass R: every name to what it means.
 * Needs: c->probes with targets (A).
 * Gives: CALL nodes with their row, VAR with their variable, MAP with their map; enumerators, positional parameters and
 * constant expressions as literals; one probe per layout of args; the number of arguments is right everywhere. */
#include <stdlib.h>
#include "sema/infer.h"

struct binding { struct binding *next; struct var *var; };
struct scope { struct scope *up; struct binding *vars; };
struct resolve {
	struct compile *c;
	struct probe *probe;
	struct scope *scope;
	unsigned callbacks;              /* for bodies around the place at hand */
	unsigned loops;                  /* loops of any kind around it */
	bool ok;
};
static void resolve_expr(struct resolve *, struct node *);
static void resolve_list(struct resolve *, struct node *);
static void resolve_block(struct resolve *, struct node *);

unsigned
node_count(const struct node *list)
{
	unsigned n = 0;

	for (; list; list = list->next)
		n++;
	return n;
}

static void
fail(struct resolve *r)
{
	r->ok = false;
}

/* ---- scratch variables ---- */

static struct var *
var_find(struct resolve *r, const char *name)
{
	for (struct scope *s = r->scope; s; s = s->up)
		for (struct binding *b = s->vars; b; b = b->next)
			if (b->var->name == name)
				return b->var;
	return NULL;
}

static struct var *
var_add(struct resolve *r, const struct node *at)
{
	struct var *v = arena_alloc(r->c->tmp, sizeof(*v));
	struct binding *b = arena_alloc(r->c->tmp, sizeof(*b));

	v->name = at->u.str;
	v->at = at->at;
	v->loop_depth = r->callbacks;
	b->var = v;
	b->next = r->scope->vars;
	r->scope->vars = b;
	if ((r->probe->n_vars & (r->probe->n_vars - 1)) == 0) {
		struct var **grown = arena_alloc(r->c->tmp, (r->probe->n_vars ? r->probe->n_vars * 2 : 1) * sizeof(*grown));

		if (r->probe->n_vars)
			memcpy(grown, r->probe->vars, r->probe->n_vars * sizeof(*grown));
		r->probe->vars = grown;
	}
	r->probe->vars[r->probe->n_vars++] = v;
	return v;
}

static void
var_use(struct resolve *r, struct node *n)
{
	struct var *v = var_find(r, n->u.str);
	struct near near = { 0 };

	if (v) {
		n->ref.var = v;
		v->is_captured |= r->callbacks > v->loop_depth;
		return;
	}
	for (struct scope *s = r->scope; s; s = s->up)
		for (struct binding *b = s->vars; b; b = b->next)
			near_offer(&near, n->u.str, b->var->name);
	diag_error(r->c->diags, n->at, E_VAR_UNDEF, "Undefined or undeclared variable: %s", n->u.str);
	if (near.best)
		diag_hint(r->c->diags, "did you mean '%s'?", near.best);
	fail(r);
}

static void
var_declare(struct resolve *r, struct node *n)
{
	if (var_find(r, n->u.str)) {
		diag_error(r->c->diags, n->at, E_VAR_REDECL,
			   "Variable %s was already declared. Variable shadowing is not allowed.", n->u.str);
		fail(r);
	}
	n->ref.var = var_add(r, n);
}

/* ---- maps ---- */

static struct mapdesc *
map_named(struct compile *c, const char *name)
{
	for (uint32_t i = N_INTERNAL_MAPS; i < c->img->n_maps; i++)
		if (strcmp(c->img->maps[i].name, name) == 0)
			return &c->img->maps[i];
	return NULL;
}

struct map_names { struct compile *c; struct { const char *name; struct span at; } *seen; uint32_t n, cap; };

static bool
collect_map(struct node *n, void *ud)
{
	struct map_names *m = ud;

	if (n->kind != N_MAP && n->kind != N_MAPDECL)
		return true;
	for (uint32_t i = 0; i < m->n; i++)
		if (m->seen[i].name == n->u.str)
			return true;
	if (m->n == m->cap) {
		void *grown = arena_alloc(m->c->tmp, (m->cap ? m->cap * 2 : 16) * sizeof(*m->seen));

		if (m->n)
			memcpy(grown, m->seen, m->n * sizeof(*m->seen));
		m->seen = grown;
		m->cap = m->cap ? m->cap * 2 : 16;
	}
	m->seen[m->n].name = n->u.str;
	m->seen[m->n++].at = n->at;
	return true;
}

static void
make_maps(struct compile *c)
{
	struct map_names m = { .c = c };
	struct sonde_image *img = c->img;

	node_walk(c->prog, collect_map, &m);
	img->n_maps = N_INTERNAL_MAPS + m.n;
	img->maps = arena_alloc(c->keep, img->n_maps * sizeof(*img->maps));
	for (uint32_t i = 0; i < m.n; i++) {
		struct mapdesc *d = &img->maps[N_INTERNAL_MAPS + i];

		d->name = str_intern(c->keep, m.seen[i].name, strlen(m.seen[i].name));
		d->slot = N_INTERNAL_MAPS + i;
		d->first = m.seen[i].at;
	}
}

/* How a map is used in one place; the first use that tells decides, a contradiction is an error. */
static void
map_use(struct resolve *r, struct node *n, bool is_keyed)
{
	struct mapdesc *m = n->ref.map;

	if (m->first.len == 0 || !(m->is_scalar || m->key)) {
		/* key is not known before T; until then any non-NULL pointer stands for "has one" */
		m->is_scalar = !is_keyed;
		m->key = is_keyed ? type_void(r->c->types) : NULL;
		m->first = n->at;
		return;
	}
	if (m->is_scalar == !is_keyed)
		return;
	if (is_keyed)
		diag_error(r->c->diags, n->at, E_MAP_KEYED, "%s used as a map with an explicit key (non-scalar map), "
			   "previously used without an explicit key (scalar map)", m->name);
	else
		diag_error(r->c->diags, n->at, E_MAP_KEYED, "%s used as a map without an explicit key (scalar map), "
			   "previously used with an explicit key (non-scalar map)", m->name);
	fail(r);
}

static void
map_write(struct resolve *r, struct node *n)
{
	struct mapdesc *m = n->ref.map;

	m->is_written = true;
	if ((m->writer && m->writer != r->probe) || (r->probe->prov->flags & PROV_PREEMPTIBLE))
		m->is_atomic = true;
	m->writer = r->probe;
}

static void
resolve_map(struct resolve *r, struct node *n)
{
	n->ref.map = map_named(r->c, n->u.str);
	resolve_list(r, n->kid[0]);
}

/* ---- calls ---- */

bool
want_args(struct compile *c, const struct node *call, unsigned min, unsigned max)
{
	unsigned n = node_count(call->kid[0]);
	const char *s = max == 1 || (n < min && min == 1) ? "" : "s";

	if (n >= min && n <= max)
		return true;
	if (max == 0)
		return diag_error(c->diags, call->at, E_ARGC, "%s() requires no arguments (%u provided)", call->u.str, n);
	if (min == max && min == 1)
		return diag_error(c->diags, call->at, E_ARGC, "%s() requires one argument (%u provided)", call->u.str, n);
	if (min == max)
		return diag_error(c->diags, call->at, E_ARGC, "%s() requires %u arguments (%u provided)", call->u.str, min, n);
	if (n < min)
		return diag_error(c->diags, call->at, E_ARGC, "%s() requires at least %u argument%s (%u provided)", call->u.str, min, s, n);
	return diag_error(c->diags, call->at, E_ARGC, "%s() takes up to %u argument%s (%u provided)", call->u.str, max, s, n);
}

static bool
is_mode_word(const struct builtin *bi, const char *text)
{
	for (const char *const *w = bi->words; w && *w; w++)
		if (strcmp(*w, text) == 0)
			return true;
	return false;
}

static void
resolve_arg(struct resolve *r, const struct builtin *bi, const char *word, struct node *a)
{
	if (a->kind == N_IDENT && is_mode_word(bi, a->u.str)) {
		a->type = type_word(r->c->types, a->u.str);
		return;
	}
	if (a->kind == N_MAP) {
		resolve_map(r, a);
		if (strcmp(word, "map") == 0 || strcmp(word, "show") == 0) {
			if (a->kid[0])
				map_use(r, a, true);
		} else if (strcmp(word, "keyed") == 0) {
			if (a->kid[0])
				diag_error(r->c->diags, a->at, E_ARG_TYPE, "%s() expects a map argument", bi->name), fail(r);
			else
				map_use(r, a, true);
		} else {
			map_use(r, a, a->kid[0]);
			a->ref.map->is_read = true;
		}
		return;
	}
	resolve_expr(r, a);
}

/* The name of a row in the tree, from IDENT or CALL. */
static void
resolve_row(struct resolve *r, struct node *n, const struct builtin *bi)
{
	struct compile *c = r->c;
	struct proto p;
	unsigned i = 0;

	n->kind = N_CALL;
	n->ref.bi = bi;
	if (!proto_read(bi->sig, &p)) {
		diag_error(c->diags, n->at, E_INTERNAL, "the prototype of %s cannot be read: %s", bi->name, bi->sig);
		fail(r);
		return;
	}
	if ((bi->flags & BI_NO_LOOP) && r->callbacks) {
		diag_error(c->diags, n->at, E_CONTEXT, "'%s' builtin is not allowed in a for-loop", bi->name);
		fail(r);
	}
	if ((bi->flags & BI_UNSAFE) && !(c->opts->flags & SONDE_UNSAFE)) {
		diag_error(c->diags, n->at, E_UNSAFE, "%s() is unsafe. To use you need the --unsafe flag", bi->name);
		fail(r);
	}
	r->probe->uses |= bi->uses;
	for (struct node *a = n->kid[0]; a; a = a->next, i++)
		resolve_arg(r, bi, i < p.n_args ? p.arg[i].word : "any", a);
	if (!want_args(c, n, p.n_min, p.is_variadic ? UINT32_MAX : p.n_args))
		fail(r);
}

static void
unknown_name(struct resolve *r, const struct node *n, bool is_call)
{
	struct near near = { 0 };

	for (const struct builtin *const *b = r->c->plugs->builtins; *b; b++) {
		near_offer(&near, n->u.str, (*b)->name);
		if ((*b)->alias)
			near_offer(&near, n->u.str, (*b)->alias);
	}
	if (is_call)
		diag_error(r->c->diags, n->at, E_NAME, "Unknown function: '%s'", n->u.str);
	else
		diag_error(r->c->diags, n->at, E_NAME, "Unknown identifier: '%s'", n->u.str);
	if (near.best)
		diag_hint(r->c->diags, "did you mean '%s'?", near.best);
	fail(r);
}

static void
resolve_ident(struct resolve *r, struct node *n)
{
	struct compile *c = r->c;
	const struct builtin *bi = plug_builtin(c->plugs, n->u.str);
	const struct type *type;
	int64_t value;

	if (bi && (bi->flags & BI_VAR)) {
		resolve_row(r, n, bi);
	} else if (kernel_enum_value(c->kernel, c->types, n->u.str, &value, &type)) {
		n->kind = N_INT;
		n->op = value < 0 ? 2 : 0;
		n->u.num = (uint64_t)value;
		n->type = type;
	} else if (bi) {
		diag_error(c->diags, n->at, E_CALL, "%s is a function: write %s(...)", n->u.str, n->u.str);
		fail(r);
	} else {
		unknown_name(r, n, false);
	}
}

static void
resolve_call(struct resolve *r, struct node *n)
{
	const struct builtin *bi = plug_builtin(r->c->plugs, n->u.str);

	if (!bi) {
		unknown_name(r, n, true);
		resolve_list(r, NULL);
	} else if (!(bi->flags & (BI_CALL | BI_AGGR)) && n->kid[0]) {
		want_args(r->c, n, 0, 0);
		fail(r);
	} else {
		resolve_row(r, n, bi);
	}
}

/* ---- expressions ---- */

static void
resolve_positional(struct resolve *r, struct node *n)
{
	diag_warn(r->c->diags, n->at, W_POSITIONAL, "Positional parameter $%llu is empty or not provided.",
		  (unsigned long long)n->u.num);
	n->kind = N_INT;
	n->op = 0;
	n->u.num = 0;
}

static void
resolve_incdec(struct resolve *r, struct node *n)
{
	struct node *to = n->kid[0];

	resolve_expr(r, to);
	if (to->kind == N_MAP) {
		map_write(r, to);
	} else if (to->kind == N_VAR) {
		if (to->ref.var)
			to->ref.var->is_assigned = true;
	} else {
		diag_error(r->c->diags, n->at, E_ASSIGN, "%s needs a variable or a map", token_text((enum token_kind)n->op));
		fail(r);
	}
}

/* A chain a + b + c ... leans left as deep as it is long: the spine is walked by a loop. */
static void
resolve_binary(struct resolve *r, struct node *n)
{
	struct node *leaf = n, **spine;
	size_t depth = 0;

	for (; leaf->kind == N_BINARY; leaf = leaf->lhs)
		depth++;
	spine = arena_alloc(r->c->tmp, depth * sizeof(struct node *));
	leaf = n;
	for (size_t i = 0; i < depth; i++, leaf = leaf->lhs)
		spine[i] = leaf;
	resolve_expr(r, leaf);
	while (depth--) {
		resolve_expr(r, spine[depth]->rhs);
		if (!fold_node(r->c, spine[depth]))
			fail(r);
	}
}

static void
resolve_kids(struct resolve *r, struct node *n)
{
	for (int i = 0; i < node_kids(n->kind); i++)
		resolve_list(r, n->kid[i]);
}

static void
resolve_expr(struct resolve *r, struct node *n)
{
	switch (n->kind) {
	case N_VAR: var_use(r, n); return;
	case N_MAP:
		resolve_map(r, n);
		map_use(r, n, n->kid[0]);
		n->ref.map->is_read = true;
		return;
	case N_IDENT: resolve_ident(r, n); return;
	case N_CALL: resolve_call(r, n); return;
	case N_POSITIONAL: resolve_positional(r, n); return;
	case N_INCDEC: resolve_incdec(r, n); return;
	case N_BINARY: resolve_binary(r, n); return;
	case N_BLOCK: resolve_block(r, n); return;
	case N_TYPE: return;
	case N_OFFSETOF: /* the second kid names members, not values */
		resolve_expr(r, n->kid[0]);
		return;
	case N_IF:
	case N_FOR:
	case N_WHILE:
	case N_UNROLL:
		resolve_list(r, n);
		return;
	default:
		resolve_kids(r, n);
		if (!fold_node(r->c, n))
			fail(r);
	}
}

/* ---- statements ---- */

static void
resolve_block(struct resolve *r, struct node *block)
{
	struct scope s = { .up = r->scope };

	r->scope = &s;
	resolve_list(r, block->kid[0]);
	r->scope = s.up;
}

static void
resolve_assign(struct resolve *r, struct node *n)
{
	struct node *to = n->lhs, *from = n->rhs;
	bool is_plain = n->op == TK_ASSIGN;

	if (from->kind == N_CALL && to->kind == N_MAP && is_plain) {
		const struct builtin *bi = plug_builtin(r->c->plugs, from->u.str);

		if (bi && (bi->flags & BI_AGGR)) {
			resolve_map(r, to);
			map_use(r, to, to->kid[0]);
			resolve_row(r, from, bi);
			if (!to->ref.map->aggr_row) {
				to->ref.map->aggr_row = bi;
				to->ref.map->aggr_call = from;
			}
			map_write(r, to);
			return;
		}
	}
	resolve_expr(r, from);
	if (to->kind == N_DISCARD)
		return;
	if (to->kind == N_VAR && is_plain && !var_find(r, to->u.str)) {
		to->ref.var = var_add(r, to);
	} else if (to->kind == N_VAR || to->kind == N_MAP) {
		bool was_read = to->kind == N_MAP && map_named(r->c, to->u.str)->is_read;

		resolve_expr(r, to);
		if (to->kind == N_MAP && is_plain)
			to->ref.map->is_read = was_read;
	} else {
		diag_error(r->c->diags, to->at, E_ASSIGN, "invalid assignment target");
		fail(r);
		return;
	}
	if (to->kind == N_MAP)
		map_write(r, to);
	else if (to->ref.var)
		to->ref.var->is_assigned = true;
}

static void
resolve_let(struct resolve *r, struct node *n)
{
	if (n->kid[2])
		resolve_expr(r, n->kid[2]);
	if (n->kid[1] && n->kid[1]->kind != N_TYPE)
		resolve_expr(r, n->kid[1]);
	var_declare(r, n->kid[0]);
	n->kid[0]->ref.var->is_assigned = n->kid[2] != NULL;
	if (n->kid[1] && n->kid[1]->kind == N_TYPE) {
		n->kid[0]->ref.var->declared = type_of_node(r->c, n->kid[1]);
		if (!n->kid[0]->ref.var->declared)
			fail(r);
	}
}

static void
resolve_for(struct resolve *r, struct node *n)
{
	struct scope s = { .up = r->scope };
	struct node *over = n->kid[1];

	if (over->kind == N_MAP) {
		resolve_map(r, over);
		if (over->kid[0]) {
			diag_error(r->c->diags, over->at, E_TYPE, "a for loop goes over a map or a range, this is one element of %s", over->u.str);
			fail(r);
		}
		map_use(r, over, true);
		over->ref.map->is_read = true;
	} else {
		resolve_expr(r, over);
	}
	if (var_find(r, n->kid[0]->u.str)) {
		diag_error(r->c->diags, n->kid[0]->at, E_VAR_REDECL, "Loop declaration shadows existing variable: %s", n->kid[0]->u.str);
		fail(r);
	}
	r->callbacks++;
	r->loops++;
	r->scope = &s;
	n->kid[0]->ref.var = var_add(r, n->kid[0]);
	n->kid[0]->ref.var->is_loop = n->kid[0]->ref.var->is_assigned = true;
	resolve_block(r, n->kid[2]);
	r->scope = s.up;
	r->loops--;
	r->callbacks--;
}

static void
resolve_stmt(struct resolve *r, struct node *n)
{
	switch (n->kind) {
	case N_ASSIGN: resolve_assign(r, n); return;
	case N_LET: resolve_let(r, n); return;
	case N_FOR: resolve_for(r, n); return;
	case N_IF: /* else-if chains are as long as they like: no recursion along them */
		for (; n && n->kind == N_IF; n = n->els) {
			resolve_expr(r, n->cond);
			resolve_block(r, n->then);
		}
		if (n)
			resolve_block(r, n);
		return;
	case N_WHILE:
	case N_UNROLL:
		resolve_expr(r, n->kid[0]);
		r->loops++;
		resolve_block(r, n->kid[1]);
		r->loops--;
		return;
	case N_BREAK:
	case N_CONTINUE:
		if (!r->loops) {
			diag_error(r->c->diags, n->at, E_LOOP, "%s outside a loop", node_name(n->kind));
			fail(r);
		}
		return;
	default: resolve_expr(r, n);
	}
}

static void
resolve_list(struct resolve *r, struct node *list)
{
	for (; list; list = list->next)
		resolve_stmt(r, list);
}

/* ---- probes ---- */

struct uses { struct compile *c; unsigned bits; };

static bool
collect_uses(struct node *n, void *ud)
{
	struct uses *u = ud;

	if (n->kind == N_IDENT || n->kind == N_CALL) {
		const struct builtin *bi = plug_builtin(u->c->plugs, n->u.str);

		if (bi)
			u->bits |= bi->uses;
	}
	return true;
}

/* Attach points whose args differ cannot share a program: one probe per layout, in order of first appearance. */
static bool
split_by_args(struct compile *c, struct probe *p)
{
	uint32_t n = p->n_targets, kept = 0;
	struct target *rest;
	uint32_t n_rest = 0;

	for (uint32_t i = 0; i < n; i++) {
		const char *why = NULL;

		p->targets[i].args = p->prov->arg_type ? p->prov->arg_type(c, &p->targets[i], ARG_ALL, &why) : NULL;
		if (!p->targets[i].args)
			p->targets[i].args = type_void(c->types);
	}
	rest = arena_alloc(c->tmp, n * sizeof(*rest) + 1);
	p->args = p->targets[0].args;
	for (uint32_t i = 0; i < n; i++) {
		if (p->targets[i].args == p->args)
			p->targets[kept++] = p->targets[i];
		else
			rest[n_rest++] = p->targets[i];
	}
	p->n_targets = kept;
	if (!n_rest)
		return true;
	struct probe *q = arena_alloc(c->tmp, sizeof(*q));
	*q = *p;
	q->node = node_copy(c->tmp, p->node);
	q->targets = rest;
	q->n_targets = n_rest;
	p->next = q;
	if (!q->next)
		c->probes_end = &q->next;
	c->n_probes++;
	return true;
}

static void
resolve_probe(struct compile *c, struct probe *p, bool *ok)
{
	struct scope top = { 0 };
	struct resolve r = { .c = c, .probe = p, .scope = &top, .ok = true };
	struct uses u = { .c = c };

	if (p->node->kid[1])
		node_walk(p->node->kid[1], collect_uses, &u);
	node_walk(p->node->kid[2], collect_uses, &u);
	p->uses = u.bits;
	if ((u.bits & USES_ARGS) && p->n_targets && !split_by_args(c, p))
		*ok = false;
	if (p->node->kid[1])
		resolve_expr(&r, p->node->kid[1]);
	resolve_block(&r, p->node->kid[2]);
	*ok &= r.ok;
}

static bool
resolve_mapdecl(struct compile *c, const struct node *n)
{
	static const struct { const char *name; uint32_t type; } kinds[] = {
		{ "hash", 1 }, { "percpuhash", 5 }, { "lruhash", 9 }, { "percpulruhash", 10 },
	};
	struct mapdesc *m = map_named(c, n->u.str);
	int64_t max;

	if (m->is_declared)
		return diag_error(c->diags, n->at, E_MAP_DECL, "%s was already declared", n->u.str);
	if (!fold_int(n->kid[0]->kid[0], &max) || max < 1 || max > UINT32_MAX)
		return diag_error(c->diags, n->at, E_MAP_DECL, "a map declaration takes the number of entries: let %s = hash(5000)", n->u.str);
	for (size_t i = 0; i < LENGTH(kinds); i++)
		if (strcmp(n->kid[0]->u.str, kinds[i].name) == 0) {
			m->bpf_type = kinds[i].type;
			m->max = (uint32_t)max;
			m->is_declared = true;
			return true;
		}
	diag_error(c->diags, n->kid[0]->at, E_MAP_DECL, "Invalid bpf map type: %s", n->kid[0]->u.str);
	diag_hint(c->diags, "Valid map types: hash, lruhash, percpuhash, percpulruhash");
	return false;
}

bool
pass_resolve(struct compile *c)
{
	bool ok = true;
	unsigned index = 0;

	make_maps(c);
	for (struct node *n = c->prog->kid[0]; n; n = n->next)
		if (n->kind == N_MAPDECL)
			ok &= resolve_mapdecl(c, n);
	for (struct probe *p = c->probes; p; p = p->next) {
		p->index = index++;
		resolve_probe(c, p, &ok);
	}
	return ok;
}
