/* resolve.c - pass R: every name to what it means.
 * Needs: c->probes with targets (A).
 * Gives: CALL nodes with their row, VAR with their variable, MAP with their map; enumerators, positional parameters and
 * constant expressions as literals; one probe per layout of args; the number of arguments is right everywhere. */
#include <linux/bpf.h>
#include "sema/resolve.h"

static void resolve_block(struct resolve *, struct node *);
static void resolve_stmt(struct resolve *, struct node *);

/* ---- expressions ---- */

/* The parser put the value in; the place still shows what was written. */
const char *
positional_text(struct compile *c, const struct node *n)
{
	const struct source *src = diags_source(c->diags, n->at.file);
	uint64_t i = 0;

	if (!src || n->at.len < 2 || src->text[n->at.off] != '$' || src->text[n->at.off + 1] == '#')
		return NULL;
	for (uint32_t k = 1; k < n->at.len; k++) {
		char d = src->text[n->at.off + k];

		if (d < '0' || d > '9' || i > (uint64_t)c->argc)
			return NULL;
		i = i * 10 + (uint64_t)(d - '0');
	}
	return i > (uint64_t)c->argc ? "" : c->argv[i - 1];
}

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
		resolve_fail(r);
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
			resolve_fail(r);
	}
}

static void
resolve_kids(struct resolve *r, struct node *n)
{
	for (int i = 0; i < node_kids(n->kind); i++)
		resolve_list(r, n->kid[i]);
}

static bool
is_write(struct node *n, void *ud)
{
	bool *found = ud;

	*found |= (n->kind == N_ASSIGN || n->kind == N_INCDEC) && n->kid[0]->kind == N_MAP;
	return !*found;
}

/* What sizeof, typeof ... take; it is never evaluated.  is_typeof: a bare map stands for its keys. */
static void
resolve_tref(struct resolve *r, struct node *n, bool is_typeof)
{
	bool writes = false;

	if (n->kind == N_TYPE)
		return;
	if (n->kind == N_TYPEOF) {
		resolve_tref(r, n->kid[0], true);
		return;
	}
	if (is_typeof && n->kind == N_MAP && !n->kid[0]) {
		resolve_map(r, n);
		return;
	}
	node_walk(n, is_write, &writes);
	if (writes) {
		diag_error(r->c->diags, n->at, E_ASSIGN, "only the type of this is asked for, it is not evaluated: no map can be assigned in it");
		resolve_fail(r);
	}
	resolve_expr(r, n);
}

/* Resolves the condition; true when the node has become the branch that is live, the other being none of the program. */
static bool
resolve_cond(struct resolve *r, struct node *n)
{
	bool is_comptime = n->cond->kind == N_COMPTIME;

	resolve_expr(r, n->cond);
	if (!is_comptime || !is_literal(n->cond))
		return false;
	node_become(n, !fold_truth(n->cond) ? n->els : n->then ? n->then : n->cond);
	return true;
}

static void
resolve_ternary(struct resolve *r, struct node *n)
{
	if (resolve_cond(r, n)) {
		resolve_expr(r, n);
		return;
	}
	if (n->then)
		resolve_expr(r, n->then);
	resolve_expr(r, n->els);
}

void
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
	case N_TYPEOF:
		diag_error(r->c->diags, n->at, E_MACRO, "typeof() is a type, not a value: it can be a macro's argument");
		resolve_fail(r);
		return;
	case N_SIZEOF:
	case N_TYPEINFO:
	case N_OFFSETOF: /* the second kid names members, not values */
		resolve_tref(r, n->kid[0], false);
		return;
	case N_CAST:
		resolve_tref(r, n->lhs, false);
		resolve_expr(r, n->rhs);
		return;
	case N_TERNARY: resolve_ternary(r, n); return;
	case N_IF:
	case N_FOR:
	case N_WHILE:
	case N_UNROLL: /* it alone: as an argument it has others behind it */
		resolve_stmt(r, n);
		return;
	default:
		resolve_kids(r, n);
		if (!fold_node(r->c, n))
			resolve_fail(r);
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
		resolve_fail(r);
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
	if (n->kid[1])
		resolve_tref(r, n->kid[1], false);
	var_declare(r, n->kid[0]);
	n->kid[0]->ref.var->is_assigned = n->kid[2] != NULL;
	if (n->kid[1] && n->kid[1]->kind == N_TYPE) {
		n->kid[0]->ref.var->declared = type_of_node(r->c, n->kid[1]);
		if (!n->kid[0]->ref.var->declared)
			resolve_fail(r);
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
			resolve_fail(r);
		}
		map_use(r, over, true);
		over->ref.map->is_read = true;
	} else {
		resolve_expr(r, over);
	}
	if (var_find(r, n->kid[0]->u.str)) {
		diag_error(r->c->diags, n->kid[0]->at, E_VAR_REDECL, "Loop declaration shadows existing variable: %s", n->kid[0]->u.str);
		resolve_fail(r);
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
		while (n && n->kind == N_IF) {
			if (resolve_cond(r, n))
				continue;
			resolve_block(r, n->then);
			n = n->els;
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
			resolve_fail(r);
		}
		return;
	default: resolve_expr(r, n);
	}
}

void
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
static void
split_by_args(struct compile *c, struct probe *p)
{
	uint32_t n = p->n_targets, kept = 0;
	struct target *rest;
	uint32_t n_rest = 0;

	for (uint32_t i = 0; i < n; i++) {
		const char *why = NULL;

		if (p->targets[i].args)  /* asked when it was split off */
			continue;
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
		return;
	struct probe *q = arena_alloc(c->tmp, sizeof(*q));
	*q = *p;
	q->node = node_copy(c->tmp, p->node);
	q->targets = rest;
	q->n_targets = n_rest;
	p->next = q;
	if (!q->next)
		c->probes_end = &q->next;
	c->n_probes++;
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
	if ((u.bits & USES_ARGS) && p->n_targets)
		split_by_args(c, p);
	if (p->node->kid[1])
		resolve_expr(&r, p->node->kid[1]);
	resolve_block(&r, p->node->kid[2]);
	*ok &= r.ok;
}

static bool
resolve_mapdecl(struct compile *c, const struct node *n)
{
	static const struct { const char *name; uint32_t type; } kinds[] = {
		{ "hash", BPF_MAP_TYPE_HASH }, { "lruhash", BPF_MAP_TYPE_LRU_HASH },
		{ "percpuhash", BPF_MAP_TYPE_PERCPU_HASH }, { "percpulruhash", BPF_MAP_TYPE_LRU_PERCPU_HASH },
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
	return ok && options_check(c);
}
