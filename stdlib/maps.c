/* maps.c - maps from inside a program: delete, has_key, len. */
#include <linux/bpf.h>
#include "stdlib/rows.h"

static bool
is_bare_map(const struct node *n)
{
	return n && n->kind == N_MAP && !n->kid[0];
}

/* f(@m, k) becomes f(@m[k]). */
static void
move_key(struct node *call)
{
	struct node *m = call->kid[0];

	m->kid[0] = m->next;
	m->next = NULL;
	m->at = span_join(m->at, m->kid[0]->at);
}

/* ---- delete ---- */

static bool
rewrite_delete(struct compile *c, struct node *call)
{
	(void)c;
	if (is_bare_map(call->kid[0]) && node_count(call->kid[0]) == 2)
		move_key(call);
	return true;
}

static bool
check_delete(struct compile *c, struct node *call)
{
	for (const struct node *a = call->kid[0]; a; a = a->next) {
		if (a->kind != N_MAP)
			return diag_error(c->diags, a->at, E_ARG_TYPE, "delete() expects a map argument");
		if (is_bare_map(a) && !a->ref.map->is_scalar)
			return diag_error(c->diags, a->at, E_ARG_TYPE, "delete() expects the key that goes: delete(%s, key), or clear(%s) for all",
					  a->u.str, a->u.str);
		if (is_bare_map(a) && a != call->kid[0])
			return diag_error(c->diags, a->at, E_ARG_TYPE, "delete() of several elements takes them as %s[key]", a->u.str);
	}
	return true;
}

/* A scalar cannot leave its array; it becomes unset.  was_set is made 1 when it was set. */
static void
unset(struct gen *g, const struct mapdesc *m, struct gval value, struct gval was_set)
{
	struct types *types = gen_compile(g)->types;
	struct gval mem = gen_mem_at(g, value, type_array(types, type_int(types, 1, false), m->set_off + 8));

	gen_store(g, was_set, gen_bin(g, TK_PIPE, gen_load(g, was_set), gen_load(g, gen_slot(g, mem, m->set_off, 8, false))));
	gen_zero(g, mem);
}

/* An aggregation has a cell for each CPU.  The kernel has none left when it gives no address; the number of CPUs is there for the
 * verifier, which wants to see the loop end. */
static void
unset_each_cpu(struct gen *g, const struct mapdesc *m, struct gval key, struct gval was_set)
{
	struct gblock *loop = gen_label(g, "delete_cpu"), *found = gen_label(g, "delete_found"), *done = gen_label(g, "delete_done");
	struct gval next = gen_temp(g, type_int(gen_compile(g)->types, 8, false)), zero = gen_u64(g, 0), cpu, value;

	gen_store(g, next, zero);
	gen_jump(g, loop);
	gen_place(g, loop);
	cpu = gen_load(g, next);
	struct gval arg[] = { gen_map_ref(g, m->slot), gen_addr(g, key), cpu };
	value = gen_helper(g, BPF_FUNC_map_lookup_percpu_elem, arg, 3);
	gen_branch(g, gen_cmp(g, TK_NE, false, value, zero), found, done);
	gen_place(g, found);
	unset(g, m, value, was_set);
	cpu = gen_bin(g, TK_PLUS, cpu, gen_u64(g, 1));
	gen_store(g, next, cpu);
	gen_branch(g, gen_cmp(g, TK_LT, false, cpu, gen_u64(g, gen_possible_cpus(g))), loop, done);
	gen_place(g, done);
}

static struct gval
delete_scalar(struct gen *g, const struct mapdesc *m, struct gval key)
{
	struct gval was_set = gen_temp(g, type_int(gen_compile(g)->types, 8, false)), zero = gen_u64(g, 0);

	gen_store(g, was_set, zero);
	if (m->is_percpu)
		unset_each_cpu(g, m, key, was_set);
	else
		unset(g, m, gen_map_lookup(g, m, key), was_set);
	return gen_cmp(g, TK_NE, false, gen_load(g, was_set), zero);
}

static bool
delete_one(struct gen *g, const struct node *call, const struct node *element, struct gval *gone)
{
	const struct mapdesc *m = element->ref.map;
	struct gval key;

	if (!gen_map_key(g, element, &key))
		return false;
	if (m->is_scalar) {
		*gone = delete_scalar(g, m, key);
		return true;
	}
	struct gval arg[] = { gen_map_ref(g, m->slot), gen_addr(g, key) };
	struct gval code = gen_helper(g, BPF_FUNC_map_delete_elem, arg, 2);
	*gone = gen_cmp(g, TK_EQ, false, code, gen_u64(g, 0));
	if (call->op == 1) { /* nobody looks at the result: a missing element is worth a word */
		struct gblock *missing = gen_label(g, "delete_missing"), *done = gen_label(g, "delete_done");

		gen_branch(g, *gone, done, missing);
		gen_place(g, missing);
		gen_error(g, RE_DELETE_MISSING, m->name, call->kid[0]->next ? element->at : call->at, code);
		gen_jump(g, done);
		gen_place(g, done);
	}
	return true;
}

static bool
gen_delete(struct gen *g, const struct node *call, struct gval *out)
{
	struct gval gone;

	for (const struct node *a = call->kid[0]; a; a = a->next) {
		if (!delete_one(g, call, a, &gone))
			return false;
		*out = a == call->kid[0] ? gone : gen_cast(g, gen_bin(g, TK_AMP, *out, gone), call->type);
	}
	return true;
}

const struct builtin builtin_delete = {
	.name = "delete", .sig = "bool (show, ...)", .flags = BI_CALL, .rewrite = rewrite_delete, .check = check_delete, .gen = gen_delete,
	.doc = "removes an element, delete(@m, key), or a scalar map's value, delete(@m); true when there was one",
};

/* ---- has_key ---- */

static bool
rewrite_has_key(struct compile *c, struct node *call)
{
	if (!want_args(c, call, 2, 2))
		return false;
	if (!is_bare_map(call->kid[0]))
		return diag_error(c->diags, call->kid[0]->at, E_ARG_TYPE, "has_key() expects a map argument");
	move_key(call);
	return true;
}

static bool
gen_has_key(struct gen *g, const struct node *call, struct gval *out)
{
	const struct node *element = call->kid[0];
	struct gval key;

	if (!gen_map_key(g, element, &key))
		return false;
	*out = gen_cmp(g, TK_NE, false, gen_map_lookup(g, element->ref.map, key), gen_u64(g, 0));
	return true;
}

const struct builtin builtin_has_key = {
	.name = "has_key", .sig = "bool (key)", .flags = BI_CALL | BI_RESULT, .rewrite = rewrite_has_key, .gen = gen_has_key,
	.doc = "true when the map has an element of that key: has_key(@m, key)",
};

/* ---- len ---- */

static bool
check_len(struct compile *c, struct node *call)
{
	const struct node *of = call->kid[0];

	if (is_bare_map(of) && !of->ref.map->is_scalar)
		return true;
	if (of->type->kind == T_STACK)
		return true;
	if (is_bare_map(of))
		return diag_error(c->diags, of->at, E_ARG_TYPE, "call to len() expects a map with explicit keys (non-scalar map)");
	return diag_error(c->diags, of->at, E_ARG_TYPE, "len() expects a map or stack to be provided (%s provided)", type_name(c->tmp, of->type));
}

static bool
gen_len(struct gen *g, const struct node *call, struct gval *out)
{
	const struct node *of = call->kid[0];
	struct gval stack;

	if (is_bare_map(of) && !of->ref.map->is_scalar) {
		*out = gen_map_count(g, of->ref.map);
		return true;
	}
	if (!gen_expr(g, of, &stack))
		return false;
	*out = gen_cast(g, gen_load(g, gen_slot(g, stack, 4, 4, false)), call->type);
	return true;
}

const struct builtin builtin_len = {
	.name = "len", .sig = "i64 (show)", .flags = BI_CALL | BI_RESULT, .check = check_len, .gen = gen_len,
	.doc = "number of elements of a map, or of frames of a stack",
};
