/* resolve_name.c - pass R over names: scratch variables, maps, builtins and calls. */
#include "sema/resolve.h"

unsigned
node_count(const struct node *list)
{
	unsigned n = 0;

	for (; list; list = list->next)
		n++;
	return n;
}

void
resolve_fail(struct resolve *r)
{
	r->ok = false;
}

/* ---- scratch variables ---- */

struct var *
var_find(struct resolve *r, const char *name)
{
	for (struct scope *s = r->scope; s; s = s->up)
		for (struct binding *b = s->vars; b; b = b->next)
			if (b->var->name == name)
				return b->var;
	return NULL;
}

struct var *
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

void
var_use(struct resolve *r, struct node *n)
{
	struct var *v = var_find(r, n->u.str);
	struct near near = { 0 };

	if (v) {
		n->ref.var = v;
		return;
	}
	for (struct scope *s = r->scope; s; s = s->up)
		for (struct binding *b = s->vars; b; b = b->next)
			near_offer(&near, n->u.str, b->var->name);
	diag_error(r->c->diags, n->at, E_VAR_UNDEF, "Undefined or undeclared variable: %s", n->u.str);
	if (near.best)
		diag_hint(r->c->diags, "did you mean '%s'?", near.best);
	resolve_fail(r);
}

void
var_declare(struct resolve *r, struct node *n)
{
	if (var_find(r, n->u.str)) {
		diag_error(r->c->diags, n->at, E_VAR_REDECL,
			   "Variable %s was already declared. Variable shadowing is not allowed.", n->u.str);
		resolve_fail(r);
	}
	n->ref.var = var_add(r, n);
}

/* ---- maps ---- */

struct mapdesc *
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

void
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
void
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
	resolve_fail(r);
}

void
map_write(struct resolve *r, struct node *n)
{
	struct mapdesc *m = n->ref.map;

	m->is_written = true;
	if ((m->writer && m->writer != r->probe) || (r->probe->prov->flags & PROV_PREEMPTIBLE))
		m->is_atomic = true;
	m->writer = r->probe;
}

void
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
				diag_error(r->c->diags, a->at, E_ARG_TYPE, "%s() expects a map argument", bi->name), resolve_fail(r);
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
void
resolve_row(struct resolve *r, struct node *n, const struct builtin *bi)
{
	struct compile *c = r->c;
	struct proto p;
	unsigned i = 0;

	n->kind = N_CALL;
	n->ref.bi = bi;
	if (!proto_read(bi->sig, &p)) {
		diag_error(c->diags, n->at, E_INTERNAL, "the prototype of %s cannot be read: %s", bi->name, bi->sig);
		resolve_fail(r);
		return;
	}
	if ((bi->flags & BI_NO_LOOP) && r->callbacks) {
		diag_error(c->diags, n->at, E_CONTEXT, "'%s' builtin is not allowed in a for-loop", bi->name);
		resolve_fail(r);
	}
	if ((bi->flags & BI_UNSAFE) && !(c->opts->flags & SONDE_UNSAFE)) {
		diag_error(c->diags, n->at, E_UNSAFE, "%s() is unsafe. To use you need the --unsafe flag", bi->name);
		resolve_fail(r);
	}
	r->probe->uses |= bi->uses;
	if (bi->rewrite && !bi->rewrite(c, n)) {
		resolve_fail(r);
		return;
	}
	for (struct node *a = n->kid[0]; a; a = a->next, i++)
		resolve_arg(r, bi, i < p.n_args ? p.arg[i].word : "any", a);
	if (!want_args(c, n, p.n_min, p.is_variadic ? UINT32_MAX : p.n_args) || (bi->fold && !bi->fold(c, n)))
		resolve_fail(r);
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
	macro_near(r->c, n->u.str, &near);
	cdef_near_constant(r->c, n->u.str, &near);
	if (is_call)
		diag_error(r->c->diags, n->at, E_NAME, "Unknown function: '%s'", n->u.str);
	else
		diag_error(r->c->diags, n->at, E_NAME, "Unknown identifier: '%s'", n->u.str);
	if (near.best)
		diag_hint(r->c->diags, "did you mean '%s'?", near.best);
	resolve_fail(r);
}

void
resolve_ident(struct resolve *r, struct node *n)
{
	struct compile *c = r->c;
	const struct builtin *bi = plug_builtin(c->plugs, n->u.str);
	const struct type *type;
	int64_t value;

	if (bi && (bi->flags & BI_VAR)) {
		resolve_row(r, n, bi);
	} else if (cdef_enum_value(c, n->u.str, &value, &type) ||
		   kernel_enum_value(c->kernel, c->types, n->u.str, &value, &type)) {
		n->kind = N_INT;
		n->op = value < 0 ? 2 : 0;
		n->u.num = (uint64_t)value;
		n->type = type;
	} else if (bi) {
		diag_error(c->diags, n->at, E_CALL, "%s is a function: write %s(...)", n->u.str, n->u.str);
		resolve_fail(r);
	} else {
		unknown_name(r, n, false);
	}
}

void
resolve_call(struct resolve *r, struct node *n)
{
	const struct builtin *bi = plug_builtin(r->c->plugs, n->u.str);

	if (!bi) {
		unknown_name(r, n, true);
	} else if (!(bi->flags & (BI_CALL | BI_AGGR)) && n->kid[0]) {
		want_args(r->c, n, 0, 0);
		resolve_fail(r);
	} else {
		resolve_row(r, n, bi);
	}
}
