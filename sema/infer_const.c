/* infer_const.c - pass T over what is decided by types: sizeof, offsetof, typeof, typeinfo, comptime (LANGUAGE 1.5, 1.6). */
#include "sema/infer.h"

/* ---- types that an expression names ---- */

/* What a bare map is to typeof: its keys, where it has any. */
static const struct type *
map_type(struct infer *in, struct node *n)
{
	const struct mapdesc *m = n->ref.map;
	const struct type *key = m->key && m->key->kind != T_VOID ? m->key : NULL;

	if (!key && !m->val)
		return infer_wrong(in, n->at, E_MAP_UNDEF, "Undefined map: %s", m->name);
	n->type = type_settle(in->c->types, key ? key : m->val);
	return n->type;
}

/* In the end the operand is forgotten: nothing is to be evaluated, or planned for. */
static const struct type *
infer_typeof(struct infer *in, struct node *n)
{
	struct node *of = n->kid[0];
	const struct type *t;

	if (!of)
		return n->type;
	t = of->kind == N_MAP && !of->kid[0] ? map_type(in, of) : of->kind == N_TYPE || of->kind == N_TYPEOF ? infer_tref(in, of) : infer_value(in, of);
	n->type = t ? type_suffixed(in->c, type_settle(in->c->types, t), n->kid[1]) : NULL;
	if (in->is_final && n->type)
		n->kid[0] = n->kid[1] = NULL;
	return n->type;
}

const struct type *
infer_tref(struct infer *in, struct node *n)
{
	if (n->kind == N_TYPEOF)
		return infer_typeof(in, n);
	if (n->kind != N_TYPE)
		return infer_expr(in, n);
	if (!n->type)
		n->type = type_of_node(in->c, n);
	return n->type;
}

/* ---- what is asked of types ---- */

/* sizeof(p->name): what the member takes in its struct, which may be less than its value does here. */
static uint32_t
size_of(struct infer *in, const struct node *n, const struct type *t)
{
	const struct type *record = n->kind == N_FIELD && t->kind == T_STR ? n->kid[0]->type : NULL;
	struct field f;

	while (record && record->kind == T_PTR)
		record = record->elem;
	if (record && record->kind == T_RECORD && script_field(in->c, record, n->u.str, &f))
		return f.type->size;
	return type_settle(in->c->types, t)->size;
}

const struct type *
infer_size(struct infer *in, struct node *n)
{
	const struct type *t = infer_tref(in, n->kid[0]);

	if (t && in->is_final) {
		n->kind = N_INT;
		n->op = 0;
		n->u.num = size_of(in, n->kid[0], t);
		n->kid[0] = NULL;
	}
	return type_int(in->c->types, 8, false);
}

static bool
offset_of(struct infer *in, const struct type *t, const struct node *path, uint64_t *off)
{
	struct field f;

	if (path->kind != N_FIELD)
		return true;
	if (path->kid[0]->kind == N_FIELD) {
		if (!offset_of(in, t, path->kid[0], off))
			return false;
		t = path->kid[0]->type;
	}
	while (t && t->kind == T_PTR && path->kid[0]->kind != N_FIELD)
		t = t->elem;
	if (!t || t->kind != T_RECORD || !script_field(in->c, t, path->u.str, &f)) {
		infer_wrong(in, path->at, E_FIELD, "Struct/union of type '%s' does not contain a field named '%s'", infer_name(in, t), path->u.str);
		return false;
	}
	*off += f.off;
	((struct node *)path)->type = f.type;
	return true;
}

const struct type *
infer_offsetof(struct infer *in, struct node *n)
{
	const struct type *t = infer_tref(in, n->kid[0]);
	uint64_t off = 0;

	if (t && in->is_final && offset_of(in, t, n->kid[1], &off)) {
		n->kind = N_INT;
		n->op = 0;
		n->u.num = off;
		n->kid[0] = n->kid[1] = NULL;
	}
	return type_int(in->c->types, 8, false);
}

static const char *
base_name(const struct type *t)
{
	switch (t->kind) {
	case T_VOID: return "void";
	case T_BOOL: return "bool";
	case T_INT: return "int";
	case T_STR: return "string";
	case T_BYTES: return "buffer";
	case T_PTR: return "pointer";
	case T_ARRAY: return "array";
	case T_TUPLE: return "tuple";
	case T_RECORD: return type_is_literal_record(t) ? "record" : t->is_union ? "union" : "struct";
	case T_STACK: return t->is_user ? "ustack" : "kstack";
	case T_AGGR: return t->aggr->type_name;
	default: return "none";
	}
}

static struct node *
member(struct infer *in, struct span at, const char *name, struct node *value)
{
	struct node *n = node_new(in->c->tmp, N_RECORD_FIELD, at);

	n->u.str = name;
	n->kid[0] = value;
	return n;
}

static struct node *
text(struct infer *in, struct span at, const char *s)
{
	struct node *n = node_new(in->c->tmp, N_STR, at);

	n->u.str = str_intern(in->c->tmp, s, strlen(s));
	n->op = (int)strlen(s);
	return n;
}

/* A record that is written anew in each walk, as the type grows. */
const struct type *
infer_typeinfo(struct infer *in, struct node *n)
{
	const struct type *t = infer_tref(in, n->kid[0]);
	struct node *id, *record;

	if (!t)
		return NULL;
	t = type_settle(in->c->types, t);
	id = node_new(in->c->tmp, N_INT, n->at);
	id->u.num = t->kind == T_RECORD && t->home != in->c->cdefs ? t->btf_id : 0;
	record = node_new(in->c->tmp, N_RECORD, n->at);
	record->kid[0] = member(in, n->at, "btf_id", id);
	record->kid[0]->next = member(in, n->at, "base_type", text(in, n->at, base_name(t)));
	record->kid[0]->next->next = member(in, n->at, "full_type", text(in, n->at, type_name(in->c->tmp, t)));
	n->kid[1] = record;
	if (!in->is_final)
		return infer_expr(in, record);
	node_become(n, record);
	return infer_expr(in, n);
}

/* ---- comptime ---- */

/* Writes what is known of types into a copy of an expression that has been walked; false: something is not known yet. */
static bool
put_types(struct infer *in, struct node *n)
{
	uint64_t off = 0;

	if (n->kind == N_TYPEINFO) {
		if (!n->kid[1])
			return false;
		node_become(n, n->kid[1]);
		return true;
	}
	if (n->kind == N_SIZEOF || n->kind == N_OFFSETOF) {
		const struct type *t = n->kid[0]->type;

		if (!t || (n->kind == N_OFFSETOF && !offset_of(in, t, n->kid[1], &off)))
			return false;
		n->u.num = n->kind == N_SIZEOF ? size_of(in, n->kid[0], t) : off;
		n->kind = N_INT;
		n->op = 0;
		n->kid[0] = n->kid[1] = NULL;
		return true;
	}
	for (int i = 0; i < node_kids(n->kind); i++)
		for (struct node *kid = n->kid[i]; kid; kid = kid->next)
			if (!put_types(in, kid))
				return false;
	return true;
}

/* The literal an expression is; NULL: not known yet, or none. */
static struct node *
constant(struct infer *in, const struct node *n)
{
	struct node *copy = node_copy(in->c->tmp, n);

	while (copy->kind == N_COMPTIME)
		copy = copy->kid[0];
	if (!put_types(in, copy) || !fold_tree(in->c, copy))
		return NULL;
	if (copy->kind == N_BLOCK && copy->kid[0] && !copy->kid[0]->next && copy->kid[0]->kind == N_EXPR)
		copy = copy->kid[0]->kid[0];
	return is_literal(copy) ? copy : NULL;
}

static const struct type *
not_constant(struct infer *in, const struct node *n)
{
	return infer_wrong(in, n->at, E_COMPTIME, "comptime takes what is known at compile time, this is known only when the program runs");
}

const struct type *
infer_comptime(struct infer *in, struct node *n)
{
	const struct type *t = infer_value(in, n->kid[0]);
	struct node *lit;

	if (!t || !in->is_final)
		return t;
	lit = constant(in, n->kid[0]);
	if (!lit)
		return not_constant(in, n);
	node_become(n, lit);
	return t->kind == T_STR ? type_str(in->c->types, (uint32_t)n->op + 1) : t;
}

enum branch
infer_branch(struct infer *in, struct node *n, struct node **live)
{
	struct node *lit;
	uint64_t now;

	*live = NULL;
	if (n->cond->kind != N_COMPTIME)
		return BRANCH_RUNTIME;
	lit = infer_value(in, n->cond->kid[0]) ? constant(in, n->cond) : NULL;
	if (!lit) {
		not_constant(in, n->cond);
		return BRANCH_UNKNOWN;
	}
	now = 1 + fold_truth(lit);
	if (n->u.num && n->u.num != now) {
		diag_error(in->c->diags, n->cond->at, E_COMPTIME, "this type has been locked because it was used in comptime; later assignments change it");
		return BRANCH_UNKNOWN;
	}
	n->u.num = now;
	*live = now == 1 ? n->els : n->then ? n->then : n->cond;
	if (!in->is_final)
		return *live ? BRANCH_LIVE : BRANCH_DEAD;
	node_become(n, *live);
	*live = n;
	return BRANCH_LIVE;
}
