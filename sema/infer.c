/* infer.c - pass T: a type for every expression, variable and map, over the whole program to a fixed point.
 * Needs: names resolved (R).
 * Gives: node->type on every expression; var->type; mapdesc key and val.  Integers, strings, tuples and records widen to the
 * largest type over all assignments (LANGUAGE 2.2, 2.4, 2.5).
 *
 * The statements are walked again and again, joining types silently, until a walk changes nothing; then once more with
 * is_final, which joins nothing, settles literals and reports what does not fit. */
#include <stdlib.h>
#include "sema/infer.h"

const char *
infer_name(struct infer *in, const struct type *t)
{
	return t ? type_name(in->c->tmp, type_settle(in->c->types, t)) : "unknown";
}

static enum space
default_space(const struct infer *in)
{
	return in->probe->prov->flags & PROV_USER ? AS_USER : AS_KERNEL;
}

static const struct type *
aggr_value(struct infer *in, const struct type *t)
{
	return t && type_is_readable_aggr(t) ? type_int(in->c->types, 8, t->elem->is_signed) : t;
}

const struct type *
infer_value(struct infer *in, struct node *n)
{
	return aggr_value(in, infer_expr(in, n));
}

const struct type *
infer_wrong(struct infer *in, struct span at, enum diag_tag tag, const char *fmt, ...)
{
	va_list ap;

	if (!in->is_final)
		return NULL;
	va_start(ap, fmt);
	struct buf b = { .arena = in->c->tmp };
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	diag_error(in->c->diags, at, tag, "%s", buf_cstr(&b));
	return NULL;
}

/* ---- names ---- */

static const struct type *
infer_var(struct infer *in, struct node *n)
{
	struct var *v = n->ref.var;

	if (!v->type && v->declared)
		v->type = v->declared;
	if (!v->type)
		return infer_wrong(in, n->at, E_VAR_UNDEF, "Undefined or undeclared variable: %s", v->name);
	return v->type;
}

static const struct type *
join_into(struct infer *in, const struct type **slot, const struct type *t)
{
	const struct type *joined;

	if (!t || in->is_final)
		return *slot;
	joined = type_join(in->c->types, *slot, t);
	if (joined && joined != *slot) {
		*slot = joined;
		in->changed = true;
	}
	return *slot;
}

/* The type of the key as written in one place. */
static const struct type *
keys_type(struct infer *in, struct node *keys)
{
	const struct type *elem[16];
	uint32_t n = 0;
	bool is_known = true;

	for (struct node *k = keys; k; k = k->next) {
		const struct type *t = infer_value(in, k);

		if (n == LENGTH(elem))
			return infer_wrong(in, k->at, E_MAP_TYPE, "a key has up to %zu parts", LENGTH(elem));
		if (t && !type_is_key(t) && t->kind != T_VOID)
			return infer_wrong(in, k->at, E_MAP_TYPE, "%s cannot be part of a map key", infer_name(in, t));
		if (t && t->kind == T_VOID)
			return infer_wrong(in, k->at, E_MAP_TYPE, "Value '%s' cannot be used as a map key", infer_name(in, t));
		elem[n++] = t;
		is_known &= t != NULL;
	}
	if (!is_known)
		return NULL;
	return n == 1 ? elem[0] : type_tuple(in->c->types, elem, n);
}

const struct type *
infer_keys(struct infer *in, struct node *map)
{
	struct mapdesc *m = map->ref.map;
	const struct type *t;

	if (!map->kid[0])
		return NULL;
	t = keys_type(in, map->kid[0]);
	if (!t)
		return NULL;
	if (m->key && m->key->kind == T_VOID)
		m->key = NULL;
	join_into(in, &m->key, t);
	if (!m->key)
		m->key = t;
	if (in->is_final && !type_can_assign(m->key, t))
		return infer_wrong(in, map->kid[0]->at, E_MAP_TYPE,
			     "Argument mismatch for %s: trying to access with arguments: '%s' when map expects arguments: '%s'",
			     m->name, infer_name(in, t), infer_name(in, m->key));
	return m->key;
}

static const struct type *
infer_map(struct infer *in, struct node *n)
{
	struct mapdesc *m = n->ref.map;

	infer_keys(in, n);
	if (!m->val) {
		if (in->is_final) {
			infer_wrong(in, n->at, E_MAP_UNDEF, "Undefined map: %s", m->name);
			diag_hint(in->c->diags, "nothing is ever assigned to %s", m->name);
		}
		return NULL;
	}
	return m->val;
}

/* ---- members ---- */

/* A member or element of the value `of`: a pointer there points to where it was read, unless it is known to be the user's. */
static const struct type *
in_place(struct infer *in, const struct node *of, const struct type *t)
{
	if (t->kind != T_PTR || t->space == AS_USER)
		return t;
	for (; of->type && of->type->kind != T_PTR; of = of->kid[0])
		if (of->kind != N_FIELD && of->kind != N_INDEX && !(of->kind == N_UNARY && of->op == TK_STAR))
			return t;
	if (!of->type || of->type->space == AS_BPF)
		return t;
	return type_in_space(in->c->types, t, of->type->space);
}

static const struct type *
infer_field(struct infer *in, struct node *n)
{
	struct compile *c = in->c;
	const struct type *t = infer_expr(in, n->kid[0]);
	struct near near = { 0 };
	struct field f;

	if (!t)
		return NULL;
	while (t->kind == T_PTR && t->elem)
		t = t->elem;
	if (t->kind != T_RECORD) {
		const char *why;

		infer_wrong(in, n->at, E_FIELD, "Can not access field '%s' on expression of type '%s'", n->u.str,
		      infer_name(in, n->kid[0]->type));
		if (in->is_final && t->kind == T_PTR && !kernel_has_btf(c->kernel, &why))
			diag_hint(c->diags, "kernel types are not known here: %s", why);
		return NULL;
	}
	if (script_field(c, t, n->u.str, &f))
		return in_place(in, n->kid[0], script_value(c, t, f.type));
	if (!in->is_final)
		return NULL;
	if (strncmp(n->u.str, "common_", 7) == 0 && strcmp(t->name, "args") == 0)
		return infer_wrong(in, n->at, E_FIELD, "BPF does not support accessing common tracepoint fields");
	if (type_is_literal_record(t))
		infer_wrong(in, n->at, E_FIELD, "Record does not contain a field named '%s'", n->u.str);
	else
		infer_wrong(in, n->at, E_FIELD, "Struct/union of type '%s' does not contain a field named '%s'", infer_name(in, t), n->u.str);
	kernel_near_field(c->kernel, c->types, t, n->u.str, &near);
	if (near.best)
		diag_hint(c->diags, "did you mean '%s'?", near.best);
	return NULL;
}

static const struct type *
infer_index(struct infer *in, struct node *n)
{
	const struct type *t = infer_expr(in, n->lhs), *i = infer_value(in, n->rhs);
	int64_t k;

	if (!t || !i)
		return NULL;
	if (!type_is_number(i))
		return infer_wrong(in, n->rhs->at, E_TYPE, "The array index operator [] only accepts positive integer indices, this is %s", infer_name(in, i));
	if (t->kind == T_TUPLE) {
		if (!fold_int(n->rhs, &k))
			return infer_wrong(in, n->rhs->at, E_INDEX, "a tuple's index must be a constant");
		if (k < 0 || k >= t->n)
			return infer_wrong(in, n->at, E_INDEX, "Invalid tuple index: %lld. Found %u elements in tuple.", (long long)k, t->n);
		return t->fields[k].type;
	}
	if (t->kind == T_ARRAY || t->kind == T_STR) {
		uint32_t len = t->kind == T_STR ? t->size : t->n;

		if (fold_int(n->rhs, &k) && (k < 0 || (len && k >= len)))
			return infer_wrong(in, n->rhs->at, E_INDEX, "the index %lld is out of bounds for array of size %u", (long long)k, len);
		return t->kind == T_STR ? type_int(in->c->types, 1, true) : in_place(in, n->lhs, t->elem);
	}
	if (t->kind == T_PTR && t->elem && t->elem->size)
		return in_place(in, n->lhs, t->elem);
	return infer_wrong(in, n->lhs->at, E_TYPE, "The array index operator [] can only be used on arrays and pointers, found %s", infer_name(in, t));
}

/* ---- operators ---- */

/* A literal that is not negative has no sign of its own. */
static bool
is_flexible(const struct node *n)
{
	return n->kind == N_INT && n->op != 2;
}

static const struct type *
infer_unary(struct infer *in, struct node *n)
{
	const struct type *t = n->op == TK_STAR || n->op == TK_AMP ? infer_expr(in, n->kid[0]) : infer_value(in, n->kid[0]);
	struct types *ts = in->c->types;

	if (!t)
		return NULL;
	switch (n->op) {
	case TK_NOT:
		return type_is_condition(t) ? type_bool(ts) : infer_wrong(in, n->at, E_TYPE, "The ! operator can not be used on expressions of type '%s'", infer_name(in, t));
	case TK_STAR:
		if (t->kind == T_PTR && t->elem && t->elem->kind != T_VOID)
			return t->elem;
		if (t->kind == T_INT)
			return t;
		return infer_wrong(in, n->at, E_DEREF, "Can not dereference type '%s'. It is not a pointer.", infer_name(in, t));
	case TK_AMP:
		if (n->kid[0]->kind != N_VAR && n->kid[0]->kind != N_MAP)
			return infer_wrong(in, n->at, E_TYPE, "The & operator takes a scratch variable or a map");
		return type_ptr(ts, type_settle(ts, t), AS_BPF);
	default:
		if (!type_is_number(t))
			return infer_wrong(in, n->at, E_TYPE, "The %s operator can not be used on expressions of type '%s'", token_text((enum token_kind)n->op),
				     infer_name(in, t));
		return type_int(ts, 8, n->op == TK_MINUS || (t->is_signed && !is_flexible(n->kid[0])));
	}
}

/* A literal beside an unsigned number is unsigned (its value is the same), so that comparisons are. */
static void
adapt_literal(struct infer *in, struct node *lit, const struct type *other)
{
	if (lit->kind == N_INT && lit->op != 2 && other->kind == T_INT && !other->is_signed && lit->type->is_signed && !lit->type->enums)
		lit->type = type_int(in->c->types, lit->type->size, false);
}

static const struct type *
infer_compare(struct infer *in, struct node *n, const struct type *a, const struct type *b)
{
	bool is_order = n->op != TK_EQ && n->op != TK_NE;
	bool ok;

	if (n->lhs->kind == N_CALL && n->lhs->ref.bi->gen_equal && n->rhs->kind == N_STR)
		ok = !is_order; /* printed by name, compared by name: probe == "kprobe:f" */
	else if (type_is_scalar(a) && type_is_scalar(b))
		ok = true;
	else if (is_order)
		ok = false;
	else if (a->kind == T_STR || a->kind == T_BYTES)
		ok = b->kind == a->kind;
	else
		ok = type_join(in->c->types, a, b) != NULL || (a->kind == T_ARRAY && a == b);
	if (!ok && is_order && a->kind == b->kind)
		return infer_wrong(in, n->at, E_TYPE, "The %s operator can not be used on expressions of types '%s', '%s'",
			     token_text((enum token_kind)n->op), infer_name(in, a), infer_name(in, b));
	if (!ok)
		return infer_wrong(in, n->at, E_TYPE, "Type mismatch for '%s': comparing '%s' with '%s'", token_text((enum token_kind)n->op),
			     infer_name(in, a), infer_name(in, b));
	return type_bool(in->c->types);
}

static const struct type *
infer_pointer_math(struct infer *in, struct node *n, const struct type *a, const struct type *b)
{
	if ((n->op == TK_PLUS || n->op == TK_MINUS) && a->kind == T_PTR && type_is_number(b))
		return a;
	if (n->op == TK_PLUS && b->kind == T_PTR && type_is_number(a))
		return b;
	return infer_wrong(in, n->at, E_TYPE, "The %s operator can not be used on expressions of types '%s', '%s'",
		     token_text((enum token_kind)n->op), infer_name(in, a), infer_name(in, b));
}

/* The left spine of a long chain is followed by a loop (see resolve_binary). */
static const struct type *
infer_step(struct infer *in, struct node *n)
{
	const struct type *a = aggr_value(in, n->lhs->type), *b = infer_value(in, n->rhs);
	struct types *ts = in->c->types;

	if (!a || !b)
		return NULL;
	if (in->is_final) {
		adapt_literal(in, n->lhs, b);
		adapt_literal(in, n->rhs, a);
		a = aggr_value(in, n->lhs->type);
		b = aggr_value(in, n->rhs->type);
	}
	if (n->op == TK_LAND || n->op == TK_LOR) {
		if (type_is_condition(a) && type_is_condition(b))
			return type_bool(ts);
	} else if (token_is_compare(n->op)) {
		return infer_compare(in, n, a, b);
	} else if (a->kind == T_PTR || b->kind == T_PTR) {
		return infer_pointer_math(in, n, a, b);
	} else if (type_is_number(a) && type_is_number(b)) {
		bool is_signed = (a->is_signed && !type_is_literal(a)) || (b->is_signed && !type_is_literal(b));

		return type_int(ts, 8, n->op == TK_MINUS || is_signed || (type_is_literal(a) && type_is_literal(b)));
	}
	return infer_wrong(in, n->at, E_TYPE, "The %s operator can not be used on expressions of types '%s', '%s'",
		     token_text((enum token_kind)n->op), infer_name(in, a), infer_name(in, b));
}

static const struct type *
infer_binary(struct infer *in, struct node *n)
{
	struct node *leaf = n, **spine;
	size_t depth = 0;

	for (; leaf->kind == N_BINARY; leaf = leaf->lhs)
		depth++;
	spine = arena_alloc(in->c->tmp, depth * sizeof(struct node *));
	leaf = n;
	for (size_t i = 0; i < depth; i++, leaf = leaf->lhs)
		spine[i] = leaf;
	infer_expr(in, leaf);
	while (depth--)
		spine[depth]->type = infer_step(in, spine[depth]);
	return n->type;
}

static const struct type *
infer_ternary(struct infer *in, struct node *n)
{
	const struct type *c, *a, *b, *t;
	struct node *live;

	switch (infer_branch(in, n, &live)) {
	case BRANCH_RUNTIME: break;
	case BRANCH_LIVE: return infer_value(in, live);
	default: return NULL;
	}
	c = infer_value(in, n->cond);
	a = n->then ? infer_value(in, n->then) : c;
	b = infer_value(in, n->els);
	if (!a || !b)
		return a ? a : b;
	if (c && !type_is_condition(c))
		return infer_wrong(in, n->cond->at, E_TYPE, "Invalid condition: %s", infer_name(in, c));
	t = a->kind == T_VOID && b->kind == T_VOID ? a : type_join(in->c->types, a, b);
	return t ? t : infer_wrong(in, n->at, E_TYPE, "Branches must return the same type or compatible types: have '%s' and '%s'", infer_name(in, a), infer_name(in, b));
}

static const struct type *
infer_incdec(struct infer *in, struct node *n)
{
	struct node *to = n->kid[0];
	const struct type *t = infer_expr(in, to), *wide = type_int(in->c->types, 8, true);

	if (to->kind == N_MAP) {
		if (!t || type_is_number(t))
			join_into(in, &to->ref.map->val, t && t->is_signed == false && !type_is_literal(t) ? type_int(in->c->types, 8, false) : wide);
		t = to->type = to->ref.map->val;
	} else if (t && type_is_number(t) && !to->ref.var->declared) {
		join_into(in, &to->ref.var->type, type_int(in->c->types, 8, t->is_signed));
		t = to->type = to->ref.var->type;
	}
	if (t && !type_is_number(t) && t->kind != T_PTR)
		return infer_wrong(in, n->at, E_TYPE, "The %s operator can not be used on expressions of type '%s'", token_text((enum token_kind)n->op), infer_name(in, t));
	return t;
}

static const struct type *
infer_cast(struct infer *in, struct node *n)
{
	struct types *ts = in->c->types;
	const struct type *from = infer_expr(in, n->rhs), *to = infer_tref(in, n->lhs);

	if (!to && n->lhs->kind == N_TYPE)
		to = n->lhs->type = type_void(ts); /* reported once */
	if (!to || !from || to->kind == T_VOID)
		return NULL;
	if (to->kind == T_ARRAY && to->n == 0 && to->elem->size)
		to = type_array(ts, to->elem, from->size / to->elem->size ? from->size / to->elem->size : 1);
	if (!type_can_cast(to, from))
		return infer_wrong(in, n->at, E_CAST, "Cannot cast from \"%s\" to \"%s\"", infer_name(in, from), infer_name(in, to));
	if (to->kind == T_PTR)
		to = type_in_space(ts, to, from->kind == T_PTR ? from->space : default_space(in));
	/* a macro casts what it may be given */
	if (in->is_final && to == from && n->rhs->kind != N_INT && n->rhs->kind != N_MAP &&
	    diags_written(in->c->diags, n->at).file == n->at.file)
		diag_warn(in->c->diags, n->at, W_CAST, "Unnecessary cast: expression is already of type %s", infer_name(in, to));
	if (in->is_final && to->enums && n->rhs->kind == N_INT) {
		for (uint32_t i = 0; i < to->n; i++)
			if ((uint64_t)to->enums[i].value == n->rhs->u.num)
				return to;
		return infer_wrong(in, n->at, E_CAST, "Enum: %s doesn't contain a variant value of %lld", to->name, (long long)n->rhs->u.num);
	}
	return to;
}

static const struct type *
infer_tuple(struct infer *in, struct node *n)
{
	uint32_t count = node_count(n->kid[0]), i = 0;
	const struct type **elem = arena_alloc(in->c->tmp, (count + 1) * sizeof(*elem));
	struct field *fields = arena_alloc(in->c->tmp, (count + 1) * sizeof(*fields));
	bool is_known = true;

	if (count > 64)
		return infer_wrong(in, n->at, E_SIZE, "a tuple has up to 64 elements, this has %u", count);
	for (struct node *e = n->kid[0]; e; e = e->next, i++) {
		struct node *value = e->kind == N_RECORD_FIELD ? e->kid[0] : e;

		elem[i] = infer_value(in, value);
		fields[i].name = e->kind == N_RECORD_FIELD ? e->u.str : NULL;
		if (e->kind == N_RECORD_FIELD)
			e->type = elem[i];
		if (elem[i] && (elem[i]->kind == T_AGGR || elem[i]->kind == T_VOID || elem[i]->kind == T_WORD))
			return infer_wrong(in, e->at, E_TYPE, "Map type %s cannot exist inside a tuple", infer_name(in, elem[i]));
		is_known &= elem[i] != NULL;
	}
	if (!is_known)
		return NULL;
	const struct type *t = type_tuple(in->c->types, elem, count);
	if (n->kind == N_TUPLE)
		return t;
	for (i = 0; i < count; i++) {
		const char *name = fields[i].name;

		fields[i] = t->fields[i];
		fields[i].name = name;
	}
	return type_record(in->c->types, "record", t->size, false, fields, count);
}

/* ---- calls ---- */

static const struct type *
proto_result(struct infer *in, struct node *n, const struct proto *p)
{
	struct types *ts = in->c->types;
	const char *w = p->ret;

	if (strcmp(w, "?") == 0)
		return n->ref.bi->result(in->c, n);
	if (strcmp(w, "void") == 0)
		return type_void(ts);
	if (strcmp(w, "bool") == 0)
		return type_bool(ts);
	if (strcmp(w, "ptr") == 0)
		return type_ptr(ts, NULL, AS_KERNEL);
	if (strcmp(w, "str") == 0)
		return type_str(ts, in->c->limit.max_strlen);
	if (strncmp(w, "str", 3) == 0)
		return type_str(ts, (uint32_t)strtoul(w + 3, NULL, 10));
	if ((w[0] == 'u' || w[0] == 'i') && w[1] >= '1' && w[1] <= '9')
		return type_int(ts, (uint32_t)strtoul(w + 1, NULL, 10) / 8, w[0] == 'i');
	const struct fmt *fmt = run_find_fmt(w);
	return fmt ? type_fmt(ts, type_int(ts, 8, false), fmt) : infer_wrong(in, n->at, E_INTERNAL, "the prototype of %s cannot be read", n->ref.bi->name);
}

static const struct type *
infer_call(struct infer *in, struct node *n)
{
	const struct builtin *bi = n->ref.bi;
	struct proto p;
	bool is_known = true;
	unsigned i = 0;

	if (bi->flags & BI_AGGR)
		return infer_wrong(in, n->at, E_CALL, "%s() must be assigned directly to a map", bi->name);
	proto_read(bi->sig, &p);
	for (struct node *a = n->kid[0]; a; a = a->next, i++) {
		const char *word = i < p.n_args ? p.arg[i].word : "any";

		if (a->type && a->type->kind == T_WORD)
			continue;
		if (a->kind == N_MAP && !a->kid[0] && (strcmp(word, "map") == 0 || strcmp(word, "keyed") == 0 || strcmp(word, "show") == 0)) {
			a->type = a->ref.map->val;
			if (!a->type && in->is_final)
				infer_map(in, a);
		} else {
			infer_expr(in, a);
		}
		is_known &= a->type != NULL;
	}
	return is_known ? proto_result(in, n, &p) : NULL;
}

static const struct type *
infer_node(struct infer *in, struct node *n)
{
	struct types *ts = in->c->types;

	switch (n->kind) {
	case N_INT:
		if (n->ref.bi)
			return n->type;
		if (n->type && (n->type->enums || in->is_final) && !type_is_literal(n->type))
			return n->type;
		if (in->is_final || n->op)
			return type_of_literal(ts, n->u.num, n->op == 2);
		return type_flexible(ts, n->u.num);
	case N_BOOL: return type_bool(ts);
	case N_STR: return type_str(ts, (uint32_t)n->op + 1);
	case N_VAR: return infer_var(in, n);
	case N_MAP: return infer_map(in, n);
	case N_CALL: return infer_call(in, n);
	case N_FIELD: return infer_field(in, n);
	case N_INDEX: return infer_index(in, n);
	case N_UNARY: return infer_unary(in, n);
	case N_BINARY: return infer_binary(in, n);
	case N_INCDEC: return infer_incdec(in, n);
	case N_TERNARY: return infer_ternary(in, n);
	case N_CAST: return infer_cast(in, n);
	case N_SIZEOF: return infer_size(in, n);
	case N_OFFSETOF: return infer_offsetof(in, n);
	case N_TUPLE:
	case N_RECORD: return infer_tuple(in, n);
	case N_COMPTIME: return infer_comptime(in, n);
	case N_TYPEINFO: return infer_typeinfo(in, n);
	case N_IF:
	case N_BLOCK: return infer_block_value(in, n);
	default: return infer_wrong(in, n->at, E_INTERNAL, "no type for a %s", node_name(n->kind));
	}
}

const struct type *
infer_expr(struct infer *in, struct node *n)
{
	n->type = infer_node(in, n);
	return n->type;
}
