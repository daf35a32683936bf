/* check.c - pass C: what types alone do not forbid, and warnings.
 * Needs: every expression typed (T).
 * Gives: calls whose arguments fit their rows, loops within their limits, sizes the kernel accepts. */
#include <linux/bpf.h>
#include "sema/infer.h"

struct check {
	struct compile *c;
	bool ok;
	const struct node *untyped;      /* an argument without a type: some check must fail */
	const struct node *format;       /* the literal that is no value, and may be of any length */
};
enum { MAX_LITERAL = 16384 };            /* as max_strlen: more would be a program of stores only */

/* ---- arguments against the prototype ---- */

static bool
only(struct check *ck, const struct node *call, const struct node *a, const char *what)
{
	return diag_error(ck->c->diags, a->at, E_ARG_TYPE, "%s() only supports %s arguments (%s provided)", call->ref.bi->name, what,
			  type_name(ck->c->tmp, a->type));
}

static bool
literal(struct check *ck, const struct node *call, const struct node *a, const char *what)
{
	return diag_error(ck->c->diags, a->at, E_ARG_TYPE, "%s() expects %s literal (%s provided)", call->ref.bi->name, what,
			  type_name(ck->c->tmp, a->type));
}

static bool
is_value(const struct type *t)
{
	return t->kind != T_VOID && t->kind != T_WORD && (t->kind != T_AGGR || type_is_readable_aggr(t));
}

static bool
words_of(struct check *ck, const struct node *call, const struct node *a)
{
	struct buf b = { .arena = ck->c->tmp };

	for (const char *const *w = call->ref.bi->words; w && *w; w++)
		buf_fmt(&b, "%s%s", b.len ? ", " : "", *w);
	return diag_error(ck->c->diags, a->at, E_ARG_VALUE, "%s() takes one of these words here: %s", call->ref.bi->name, buf_cstr(&b));
}

static bool
check_arg(struct check *ck, const struct node *call, const struct node *a, const char *word)
{
	const struct type *t = a->type;
	bool is_bare_map = a->kind == N_MAP && !a->kid[0];

	if (strcmp(word, "word") == 0)
		return t->kind == T_WORD || words_of(ck, call, a);
	if (t->kind == T_WORD)
		return true; /* kstack(perf, 3): the row's check knows where words may stand */
	if (strcmp(word, "map") == 0 || strcmp(word, "keyed") == 0) {
		if (!is_bare_map)
			return diag_error(ck->c->diags, a->at, E_ARG_TYPE, "%s() expects a map argument", call->ref.bi->name);
		if (strcmp(word, "keyed") == 0 && a->ref.map->is_scalar)
			return diag_error(ck->c->diags, a->at, E_ARG_TYPE, "call to %s() expects a map with explicit keys (non-scalar map)", call->ref.bi->name);
		return true;
	}
	if (strcmp(word, "key") == 0)
		return (a->kind == N_MAP) || diag_error(ck->c->diags, a->at, E_ARG_TYPE, "%s() expects a map element", call->ref.bi->name);
	if (strcmp(word, "show") == 0 && is_bare_map)
		return true;
	if (strcmp(word, "int") == 0)
		return type_is_number(t) || type_is_readable_aggr(t) || only(ck, call, a, "int");
	if (strcmp(word, "ptr") == 0)
		return type_is_scalar(t) || only(ck, call, a, "int or pointer");
	if (strcmp(word, "str") == 0)
		return t->kind == T_STR || only(ck, call, a, "string");
	if (strcmp(word, "lit") == 0)
		return a->kind == N_STR || literal(ck, call, a, "a string");
	if (strcmp(word, "num") == 0)
		return a->kind == N_INT || literal(ck, call, a, "an int");
	if (strcmp(word, "bytes") == 0)
		return t->kind == T_BYTES || only(ck, call, a, "buffer");
	return is_value(t) || strcmp(word, "show") == 0 || only(ck, call, a, "printable");
}

static void
check_call(struct check *ck, struct node *n)
{
	const struct builtin *bi = n->ref.bi;
	struct proto p;
	unsigned i = 0;
	bool ok = true;

	for (const struct node *a = n->kid[0]; a; a = a->next)
		if (!a->type) {
			ck->untyped = a; /* a call inside whose own check says what is wrong */
			return;
		}
	proto_read(bi->sig, &p);
	for (struct node *a = n->kid[0]; a; a = a->next, i++)
		ok &= check_arg(ck, n, a, i < p.n_args ? p.arg[i].word : "any");
	if (ok && bi->check)
		ok = bi->check(ck->c, n);
	ck->ok &= ok;
}

/* ---- expressions ---- */

static void
check_division(struct check *ck, const struct node *n, const struct type *a, const struct type *b)
{
	if (n->op != TK_SLASH && n->op != TK_PERCENT && n->op != TK_SLASH_EQ && n->op != TK_PERCENT_EQ)
		return;
	if ((a->is_signed && a->kind == T_INT && !(n->lhs->kind == N_INT && n->lhs->op != 2)) ||
	    (b->is_signed && b->kind == T_INT && !(n->rhs->kind == N_INT && n->rhs->op != 2)))
		diag_warn(ck->c->diags, n->at, W_SIGNED_DIV,
			  "signed operands for '%s' can lead to undefined behavior (cast to unsigned to silence warning)",
			  n->op == TK_SLASH || n->op == TK_SLASH_EQ ? "/" : "%");
}

/* Where 64 bits of either sign meet, a comparison may surprise; sums and products have the same bits either way. */
static void
check_signs(struct check *ck, const struct node *n, const struct type *a, const struct type *b)
{
	bool compares = token_is_compare(n->op);

	if (compares && a->kind == T_PTR && b->kind == T_PTR && a->elem && b->elem && a->elem != b->elem && a->elem->kind != T_VOID &&
	    b->elem->kind != T_VOID)
		diag_warn(ck->c->diags, n->at, W_POINTER_MIX, "comparison of distinct pointer types: '%s' and '%s'",
			  type_name(ck->c->tmp, a), type_name(ck->c->tmp, b));
	if (!compares || a->kind != T_INT || b->kind != T_INT || a->is_signed == b->is_signed)
		return;
	const struct type *u = a->is_signed ? b : a;
	const struct node *other = a->is_signed ? n->lhs : n->rhs;
	bool is_flexible = other->kind == N_INT && other->op != 2;

	if (u->size == 8 && !is_flexible)
		diag_warn(ck->c->diags, n->at, W_SIGN_MIX, "Expression of type: %s being cast to type: int64. This may cause unexpected results. "
			  "Use an explicit cast to suppress this warning.", type_name(ck->c->tmp, u));
}

static bool
check_node(struct node *n, void *ud)
{
	struct check *ck = ud;

	if (n->kind == N_CALL && n->ref.bi) {
		check_call(ck, n);
		if (n->ref.bi->flags & BI_FORMAT)
			ck->format = n->kid[0];
	}
	if (n->kind == N_STR && n != ck->format && n->op > MAX_LITERAL)
		ck->ok &= diag_error(ck->c->diags, n->at, E_SIZE, "String is too long (over %d bytes)", MAX_LITERAL);
	if (n->kind == N_BINARY && n->lhs->type && n->rhs->type) {
		check_division(ck, n, n->lhs->type, n->rhs->type);
		check_signs(ck, n, n->lhs->type, n->rhs->type);
	}
	if (n->kind == N_ASSIGN && n->op != TK_ASSIGN && n->lhs->type && n->rhs->type)
		check_division(ck, n, n->lhs->type, n->rhs->type);
	return true;
}

/* ---- statements ---- */

static bool
leaves(const struct node *n)
{
	return n->kind == N_RETURN || n->kind == N_BREAK || n->kind == N_CONTINUE ||
	       (n->kind == N_EXPR && n->kid[0]->kind == N_CALL && (n->kid[0]->ref.bi->flags & BI_EXIT));
}

enum { MAX_UNROLLED = 100000 };          /* nodes: compiling as many takes a second, and the verifier accepts no more */

/* How many nodes this becomes once its loops are unrolled, up to a number that is too many anyway. */
static uint64_t
unrolled_size(const struct node *n)
{
	uint64_t size = 1;
	int64_t count = 1;

	if (n->kind == N_UNROLL && (!fold_int(n->kid[0], &count) || count < 1 || count > 100))
		count = 1;               /* has its own message */
	for (int i = 0; i < node_kids(n->kind); i++)
		for (const struct node *kid = n->kid[i]; kid; kid = kid->next)
			size += unrolled_size(kid);
	return size > MAX_UNROLLED ? MAX_UNROLLED + 1 : size * (uint64_t)count;
}

static bool
check_list(struct node *n, void *ud)
{
	struct check *ck = ud;
	int64_t count;

	if (n->kind == N_BLOCK) {
		for (const struct node *s = n->kid[0]; s; s = s->next)
			if (leaves(s) && s->next) {
				diag_warn(ck->c->diags, s->next->at, W_UNREACHABLE, "Unreachable statement.");
				break;
			}
	} else if (n->kind == N_EXPR && n->op != 1 && n->kid[0]->kind == N_CALL) {
		n->kid[0]->op = 1;
		if (n->kid[0]->ref.bi->flags & BI_RESULT)
			diag_warn(ck->c->diags, n->at, W_UNUSED_VALUE, "Return value discarded.");
	} else if (n->kind == N_UNROLL) {
		if (!fold_int(n->kid[0], &count))
			ck->ok &= diag_error(ck->c->diags, n->kid[0]->at, E_LOOP, "unroll takes a constant number");
		else if (count < 1)
			ck->ok &= diag_error(ck->c->diags, n->kid[0]->at, E_LOOP, "unroll minimum value is 1");
		else if (count > 100)
			ck->ok &= diag_error(ck->c->diags, n->kid[0]->at, E_LOOP, "unroll maximum value is 100");
		else if (unrolled_size(n) > MAX_UNROLLED)
			ck->ok &= diag_error(ck->c->diags, n->kid[0]->at, E_SIZE, "the loop is too large to be unrolled that often");
	}
	return true;
}

/* ---- maps ---- */

enum {
	MAX_VALUE = 1 << 20,             /* a sane end */
	MAX_ELEMENT = (4 << 20) - 128,   /* KMALLOC_MAX_SIZE without what the kernel adds to an element of a hash */
};

static bool
check_map(struct compile *c, const struct mapdesc *m)
{
	bool is_aggr = m->val && m->val->kind == T_AGGR;
	bool is_percpu = m->bpf_type == BPF_MAP_TYPE_PERCPU_HASH || m->bpf_type == BPF_MAP_TYPE_LRU_PERCPU_HASH;

	if (!m->val && !m->is_declared)
		return true; /* of code that "if comptime" left out */
	if (!m->val) {
		if (m->is_declared)      /* else a probe that is left out has it (test, bench) */
			diag_warn(c->diags, m->first, W_UNUSED_MAP, "Unused map: %s", m->name);
		return true;
	}
	if (is_aggr && m->is_declared && m->val->size > MAX_PERCPU - 8)
		return diag_error(c->diags, m->first, E_SIZE, "a value of %s takes %u bytes, a CPU's share is limited to %u", m->name, m->val->size, MAX_PERCPU - 8);
	if (is_aggr && m->key && m->key->kind != T_VOID && (uint64_t)m->key->size + m->val->size > MAX_ELEMENT)
		return diag_error(c->diags, m->first, E_SIZE, "an element of %s takes %u bytes, a map with keys has room for %u", m->name,
				  m->key->size + m->val->size, MAX_ELEMENT);
	if ((!is_aggr && m->val->size > MAX_VALUE) || (m->key && m->key->size > MAX_VALUE))
		return diag_error(c->diags, m->first, E_SIZE, "keys and values are limited to %u bytes, those of %s are not", MAX_VALUE, m->name);
	if (m->is_declared && is_aggr && !is_percpu)
		return diag_error(c->diags, m->first, E_MAP_DECL, "Incompatible map types: %s is declared without per-CPU values, but used with %s()",
				  m->name, m->val->aggr->name);
	if (m->is_declared && !is_aggr && is_percpu)
		return diag_error(c->diags, m->first, E_MAP_DECL, "Incompatible map types: %s is declared per CPU, that is for aggregations such as count()", m->name);
	return true;
}

bool
pass_check(struct compile *c)
{
	struct check ck = { .c = c, .ok = true };

	for (struct probe *p = c->probes; p; p = p->next) {
		c->at_work = p;
		if (p->node->kid[1])
			node_walk(p->node->kid[1], check_node, &ck);
		node_walk(p->node->kid[2], check_node, &ck);
		node_walk(p->node->kid[2], check_list, &ck);
	}
	for (uint32_t i = N_INTERNAL_MAPS; i < c->img->n_maps; i++)
		ck.ok &= check_map(c, &c->img->maps[i]);
	if (ck.ok && ck.untyped)
		ck.ok = diag_error(c->diags, ck.untyped->at, E_INTERNAL, "this has no type, and nobody says why");
	return ck.ok;
}
