/* infer_stmt.c - pass T over statements: what assignments and loops tell of types, and the fixed point. */
#include "sema/infer.h"

static void infer_stmt(struct infer *, struct node *);

/* Types are reported when they are final; before, they may still change. */
static void
stmt_error(struct infer *in, struct span at, enum diag_tag tag, const char *fmt, ...)
{
	struct buf b = { .arena = in->c->tmp };
	va_list ap;

	if (!in->is_final)
		return;
	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	diag_error(in->c->diags, at, tag, "%s", buf_cstr(&b));
}

static bool
join(struct infer *in, const struct type **slot, const struct type *t)
{
	const struct type *joined = type_join(in->c->types, *slot, t);

	if (!joined)
		return false;
	if (joined != *slot) {
		*slot = joined;
		in->changed = true;
	}
	return true;
}

/* A literal written into a declared integer must fit (LANGUAGE 2.2). */
static bool
literal_fits(const struct type *to, const struct node *from)
{
	if (from->kind != N_INT || to->kind != T_INT || to->size == 8)
		return from->kind != N_INT || to->kind != T_INT || to->is_signed || from->op != 2;
	int64_t v = (int64_t)from->u.num, max = (int64_t)((1ull << (to->size * 8 - (to->is_signed ? 1 : 0))) - 1);

	if (from->op != 2 && from->u.num > INT64_MAX)
		return false;
	return v <= max && v >= (to->is_signed ? -max - 1 : 0);
}

static void
assign_var(struct infer *in, struct node *at, struct var *v, const struct type *t, const struct node *from)
{
	if (!t)
		return;
	if (t->kind == T_VOID || t->kind == T_AGGR || t->kind == T_WORD) {
		stmt_error(in, at->at, E_ASSIGN, "Value '%s' cannot be assigned to a scratch variable", infer_name(in, t));
		return;
	}
	if (v->declared) {
		v->type = v->declared;
		if (from && !literal_fits(v->declared, from))
			stmt_error(in, from->at, E_ASSIGN, "the literal does not fit into %s of type '%s'", v->name, infer_name(in, v->type));
	} else if (!in->is_final) {
		join(in, &v->type, t);
	}
	if (in->is_final && v->type && !type_can_assign(v->type, t))
		stmt_error(in, at->at, E_ASSIGN, "Type mismatch for %s: trying to assign value of type '%s' when variable already has a type '%s'",
			   v->name, infer_name(in, t), infer_name(in, v->type));
}

static void
assign_aggr(struct infer *in, struct node *n)
{
	struct mapdesc *m = n->lhs->ref.map;
	const struct builtin *bi = n->rhs->ref.bi;
	const struct type *cell;
	bool is_known = true;

	for (struct node *a = n->rhs->kid[0]; a; a = a->next)
		is_known &= infer_value(in, a) != NULL;
	n->rhs->type = type_void(in->c->types);
	infer_keys(in, n->lhs);
	if (!is_known)
		return;
	cell = bi->aggr->cell(in->c, n->rhs);
	if (!cell)
		return;
	if (!in->is_final)
		join(in, &m->val, cell);
	else if (!m->val)
		m->val = cell;           /* an argument that only the last walk could give a type */
	n->lhs->type = m->val;
	if (m->val->aggr != cell->aggr || memcmp(m->val->param, cell->param, sizeof(cell->param)) != 0)
		stmt_error(in, n->at, E_MAP_TYPE, "Type mismatch for %s: trying to assign value of type '%s' when map already has a type '%s'",
			   m->name, infer_name(in, cell), infer_name(in, m->val));
}

static void
assign_map(struct infer *in, struct node *n, const struct type *t)
{
	struct mapdesc *m = n->lhs->ref.map;

	infer_keys(in, n->lhs);
	if (!t)
		return;
	if (t->kind == T_AGGR && n->rhs->kind == N_MAP) {
		stmt_error(in, n->rhs->at, E_MAP_TYPE, "Map value '%s' cannot be assigned from one map to another", infer_name(in, t));
		if (in->is_final)
			diag_hint(in->c->diags, type_is_readable_aggr(t) ? "cast it to an integer: %s = (int64)%s" : "aggregate the same value into both: %s and %s",
				  m->name, n->rhs->u.str);
		return;
	}
	if (t->kind == T_VOID || t->kind == T_AGGR || t->kind == T_WORD) {
		stmt_error(in, n->rhs->at, E_ASSIGN, "Value '%s' cannot be assigned to a map", infer_name(in, t));
		return;
	}
	if (!in->is_final)
		join(in, &m->val, t);
	n->lhs->type = m->val;
	if (in->is_final && m->val && !type_can_assign(m->val, t))
		stmt_error(in, n->at, E_MAP_TYPE, "Type mismatch for %s: trying to assign value of type '%s' when map already has a type '%s'",
			   m->name, infer_name(in, t), infer_name(in, m->val));
}

/* x op= e has the type of x op e: numbers become 64 bits wide. */
static const struct type *
compound_type(struct infer *in, struct node *n, const struct type *t)
{
	const struct type *old = infer_expr(in, n->lhs);
	struct types *ts = in->c->types;
	bool is_signed;

	if (!t || (!old && n->lhs->kind == N_VAR))
		return NULL;
	if (old && old->kind == T_PTR && (n->op == TK_PLUS_EQ || n->op == TK_MINUS_EQ) && type_is_number(t))
		return old;
	if (!type_is_number(t) || (old && !type_is_number(old))) {
		stmt_error(in, n->at, E_TYPE, "The %s operator can not be used on expressions of types '%s', '%s'",
			   token_text((enum token_kind)n->op), infer_name(in, old), infer_name(in, t));
		return NULL;
	}
	is_signed = (old && old->is_signed && !type_is_literal(old)) || (t->is_signed && !type_is_literal(t)) || n->op == TK_MINUS_EQ ||
		    ((!old || type_is_literal(old)) && type_is_literal(t));
	return type_int(ts, 8, is_signed);
}

static void
infer_assign(struct infer *in, struct node *n)
{
	const struct type *t;

	if (n->rhs->kind == N_CALL && n->rhs->ref.bi && (n->rhs->ref.bi->flags & BI_AGGR) && n->lhs->kind == N_MAP && n->op == TK_ASSIGN) {
		assign_aggr(in, n);
		return;
	}
	t = infer_expr(in, n->rhs);
	if (t && t->kind == T_AGGR && !(n->lhs->kind == N_MAP && n->rhs->kind == N_MAP))
		t = infer_value(in, n->rhs);
	if (n->lhs->kind == N_DISCARD)
		return;
	if (n->op != TK_ASSIGN) {
		t = infer_value(in, n->rhs);
		t = compound_type(in, n, t);
	}
	if (n->lhs->kind == N_MAP) {
		assign_map(in, n, t);
		return;
	}
	assign_var(in, n, n->lhs->ref.var, t, n->op == TK_ASSIGN ? n->rhs : NULL);
	n->lhs->type = n->lhs->ref.var->type;
}

static void
infer_let(struct infer *in, struct node *n)
{
	struct var *v = n->kid[0]->ref.var;

	if (n->kid[1] && n->kid[1]->kind == N_TYPEOF) {
		const struct type *t = infer_tref(in, n->kid[1]);

		in->changed |= !in->is_final && t && t != v->declared;
		v->declared = v->type = t ? t : v->declared;
	}
	if (v->declared && !v->type)
		v->type = v->declared;
	if (n->kid[2])
		assign_var(in, n, v, infer_value(in, n->kid[2]), n->kid[2]);
	if (in->is_final && !v->type && !v->is_assigned)
		v->type = type_int(in->c->types, 8, true); /* declared, never given a value, never read */
	n->kid[0]->type = v->type;
}

static void
infer_for(struct infer *in, struct node *n)
{
	struct node *over = n->kid[1];
	struct var *v = n->kid[0]->ref.var;
	struct types *ts = in->c->types;

	if (over->kind == N_RANGE) {
		for (int i = 0; i < 2; i++) {
			const struct type *t = infer_value(in, over->kid[i]);

			if (t && !type_is_number(t))
				stmt_error(in, over->kid[i]->at, E_TYPE, "a loop's range is made of integers, this is %s", infer_name(in, t));
		}
		v->type = type_int(ts, 8, true);
		over->type = v->type;
	} else {
		struct mapdesc *m = over->ref.map;

		over->type = m->val;
		if (!m->val && in->is_final)
			stmt_error(in, over->at, E_MAP_UNDEF, "Undefined map: %s", m->name);
		if (m->val && m->val->kind == T_AGGR && !type_is_readable_aggr(m->val))
			stmt_error(in, over->at, E_TYPE, "a for loop cannot go over %s: its values are of type '%s'", m->name, infer_name(in, m->val));
		if (m->val && m->key && m->key->kind != T_VOID) {
			const struct type *kv[2] = { type_settle(ts, m->key), type_settle(ts, m->val) };
			const struct type *t;

			if (type_is_readable_aggr(kv[1]))
				kv[1] = type_int(ts, 8, kv[1]->elem->is_signed);
			t = type_tuple(ts, kv, 2);
			in->changed |= t != v->type;
			v->type = t;
		}
	}
	n->kid[0]->type = v->type;
	infer_list(in, n->kid[2]->kid[0]);
}

static void
infer_cond(struct infer *in, struct node *cond)
{
	const struct type *t = infer_value(in, cond);

	if (t && !type_is_condition(t))
		stmt_error(in, cond->at, E_TYPE, "Invalid condition: %s", infer_name(in, t));
}

static void
infer_return(struct infer *in, struct node *n)
{
	const struct type *t = n->kid[0] ? infer_value(in, n->kid[0]) : NULL;

	if (t && !type_is_number(t))
		stmt_error(in, n->kid[0]->at, E_TYPE, "Probe return values can only be integers, this is %s", infer_name(in, t));
}

static void
infer_if(struct infer *in, struct node *n)
{
	struct node *live;

	while (n && n->kind == N_IF) {
		if (infer_branch(in, n, &live) != BRANCH_RUNTIME) {
			n = live;
			continue;
		}
		infer_cond(in, n->cond);
		infer_list(in, n->then->kid[0]);
		n = n->els;
	}
	if (n)
		infer_list(in, n->kid[0]);
}

static void
infer_stmt(struct infer *in, struct node *n)
{
	switch (n->kind) {
	case N_EXPR: infer_expr(in, n->kid[0]); return;
	case N_ASSIGN: infer_assign(in, n); return;
	case N_LET: infer_let(in, n); return;
	case N_FOR: infer_for(in, n); return;
	case N_IF: infer_if(in, n); return;
	case N_WHILE:
	case N_UNROLL:
		infer_cond(in, n->kid[0]);
		infer_list(in, n->kid[1]->kid[0]);
		return;
	case N_RETURN: infer_return(in, n); return;
	case N_BLOCK: infer_list(in, n->kid[0]); return;
	case N_BREAK:
	case N_CONTINUE: return;
	default: infer_expr(in, n);
	}
}

void
infer_list(struct infer *in, struct node *list)
{
	for (; list; list = list->next)
		infer_stmt(in, list);
}

/* The value of { a; b; c } and of if c { a } else { b }: what the last expression of each gives. */
const struct type *
infer_block_value(struct infer *in, struct node *n)
{
	struct node *last;

	if (n->kind == N_IF) {
		const struct type *a, *b, *t;
		struct node *live;

		switch (infer_branch(in, n, &live)) {
		case BRANCH_RUNTIME: break;
		case BRANCH_LIVE: return n->type = infer_block_value(in, live);
		case BRANCH_DEAD: return type_void(in->c->types);
		default: return NULL;
		}
		infer_cond(in, n->cond);
		a = infer_block_value(in, n->then);
		b = n->els ? infer_block_value(in, n->els) : type_void(in->c->types);
		n->then->type = a;
		if (n->els)
			n->els->type = b;
		if (!a || !b)
			return a ? a : b;
		if (a->kind == T_VOID || b->kind == T_VOID)
			return type_void(in->c->types);
		t = type_join(in->c->types, a, b);
		if (!t)
			stmt_error(in, n->at, E_TYPE, "Branches must return the same type or compatible types: have '%s' and '%s'", infer_name(in, a), infer_name(in, b));
		return t;
	}
	infer_list(in, n->kid[0]);
	for (last = n->kid[0]; last && last->next; last = last->next)
		;
	return last && last->kind == N_EXPR && last->op == 1 ? infer_value(in, last->kid[0]) : type_void(in->c->types);
}

/* Which variables callbacks share with the program is known only now: what sizeof asks of, and what "if comptime" leaves out,
 * shares nothing. */
static void
find_captured(struct node *n, uint32_t callbacks)
{
	if (n->kind == N_VAR && n->ref.var)
		n->ref.var->is_captured |= callbacks > n->ref.var->loop_depth;
	for (int i = 0; i < node_kids(n->kind); i++)
		for (struct node *kid = n->kid[i]; kid; kid = kid->next)
			find_captured(kid, callbacks + (n->kind == N_FOR && i == 2));
}

static void
settle_vars(struct compile *c)
{
	for (struct probe *p = c->probes; p; p = p->next) {
		for (uint32_t i = 0; i < p->n_vars; i++) {
			p->vars[i]->is_captured = false;
			if (!p->vars[i]->type) /* only in code that "if comptime" left out */
				p->vars[i]->type = type_int(c->types, 8, true);
		}
		if (p->node->kid[1])
			find_captured(p->node->kid[1], 0);
		find_captured(p->node->kid[2], 0);
	}
}

static void
walk_probes(struct infer *in)
{
	for (struct probe *p = in->c->probes; p; p = p->next) {
		in->probe = in->c->at_work = p;
		if (p->node->kid[1])
			infer_cond(in, p->node->kid[1]);
		infer_list(in, p->node->kid[2]->kid[0]);
	}
}

static void
settle_all(struct compile *c)
{
	for (uint32_t i = N_INTERNAL_MAPS; i < c->img->n_maps; i++) {
		struct mapdesc *m = &c->img->maps[i];

		m->key = type_settle(c->types, m->key);
		m->val = type_settle(c->types, m->val);
	}
	for (struct probe *p = c->probes; p; p = p->next)
		for (uint32_t i = 0; i < p->n_vars; i++)
			p->vars[i]->type = type_settle(c->types, p->vars[i]->type);
}

bool
pass_infer(struct compile *c)
{
	struct infer in = { .c = c };
	size_t before = diags_errors(c->diags);
	/* Every walk that changes something widens at least one of finitely many types; the bound only guards against a mistake of ours. */
	unsigned walks = 0;

	do {
		in.changed = false;
		walk_probes(&in);
		if (diags_errors(c->diags) != before)
			return false;
	} while (in.changed && ++walks < 100);
	settle_all(c);
	in.is_final = true;
	walk_probes(&in);
	if (diags_errors(c->diags) != before)
		return false;
	settle_vars(c);
	return !in.changed || diag_error(c->diags, c->prog->at, E_INTERNAL, "types do not settle");
}

void
dump_types(struct compile *c, struct buf *out)
{
	for (uint32_t i = N_INTERNAL_MAPS; i < c->img->n_maps; i++) {
		const struct mapdesc *m = &c->img->maps[i];

		buf_fmt(out, "map %s", m->name);
		if (m->key && m->key->kind != T_VOID)
			buf_fmt(out, "  key %s", type_name(c->tmp, m->key));
		buf_fmt(out, "  val %s\n", m->val ? type_name(c->tmp, m->val) : "unknown");
	}
	for (struct probe *p = c->probes; p; p = p->next) {
		buf_fmt(out, "probe %u %s\n", p->index, p->n_targets ? p->targets[0].name : p->prov->name);
		for (uint32_t i = 0; i < p->n_vars; i++)
			buf_fmt(out, "  %s  %s\n", p->vars[i]->name, p->vars[i]->type ? type_name(c->tmp, p->vars[i]->type) : "unknown");
	}
}
