/* macro_find.c - pass M over definitions: what macros may contain, and which of them a call means (LANGUAGE 1.7). */
#include "sema/macro.h"

/* ---- definitions ---- */

struct body { struct expand *x; const struct node *macro; };

static bool
is_param(const struct node *macro, const char *name)
{
	for (const struct node *p = macro->kid[0]; p; p = p->next)
		if (p->u.str == name)
			return true;
	return false;
}

static bool
check_body(struct node *n, void *ud)
{
	struct body *b = ud;
	struct diags *d = b->x->c->diags;

	switch (n->kind) {
	case N_BREAK:
	case N_CONTINUE:
	case N_RETURN:
		b->x->ok = diag_error(d, n->at, E_MACRO, "'%s' cannot be used in a macro", node_name(n->kind));
		break;
	case N_LET:
	case N_FOR:
		if (is_param(b->macro, n->kid[0]->u.str))
			b->x->ok = diag_error(d, n->kid[0]->at, E_MACRO, "Variable declaration shadows macro arg: %s", n->kid[0]->u.str);
		break;
	case N_MAP:
		if (!is_param(b->macro, n->u.str))
			b->x->ok = diag_error(d, n->at, E_MACRO,
					      "Unhygienic access to map: %s. Maps must be passed into the macro as arguments.", n->u.str);
		break;
	default:
		break;
	}
	return true;
}

static bool
same_kinds(const struct node *a, const struct node *b)
{
	for (; a && b; a = a->next, b = b->next)
		if (a->kind != b->kind)
			return false;
	return a == b;
}

void
macro_define(struct expand *x, struct node *n, bool is_std)
{
	struct macro *m = arena_alloc(x->c->tmp, sizeof(*m));
	struct body b = { x, n };

	for (const struct macro *o = x->macros; o; o = o->next)
		if (o->name == n->u.str && o->is_std == is_std && same_kinds(o->node->kid[0], n->kid[0])) {
			x->ok = diag_error(x->c->diags, n->at, E_MACRO, "Redefinition of macro: %s", n->u.str);
			diag_hint(x->c->diags, "it is defined on line %u of %s with the same parameters",
				  diags_place(x->c->diags, o->node->at).line, diags_place(x->c->diags, o->node->at).file);
			return;
		}
	*m = (struct macro){ .name = n->u.str, .node = n, .n_params = node_count(n->kid[0]), .is_std = is_std };
	*x->end = m;
	x->end = &m->next;
	node_walk(n->kid[1], check_body, &b);
}

/* ---- the standard library ---- */

static bool
has_name(const struct std_script *s, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = s->macros; (at = strstr(at, name)) != NULL; at += len)
		if (at[-1] == ' ' && at[len] == ' ')
			return true;
	return false;
}

bool
macro_is_std(const struct plugs *all, const char *name)
{
	for (const struct std_script *s = all->scripts; s->name; s++)
		if (has_name(s, name))
			return true;
	return false;
}

/* Defines the macros of the script that has one of that name. */
static void
load_std(struct expand *x, const char *name)
{
	struct compile *c = x->c;

	for (size_t i = 0; c->plugs->scripts[i].name; i++) {
		const struct std_script *s = &c->plugs->scripts[i];
		struct parse_opts o = { NULL, 0, NULL };

		if (x->loaded[i] || !has_name(s, name))
			continue;
		x->loaded[i] = true;
		int file = diags_add_source(c->diags, s->name, s->text, strlen(s->text));
		if (file < 0)
			longjmp(c->nomem, 1);
		struct node *prog = parse_program(c->tmp, c->diags, file, &o);
		x->ok &= prog != NULL;
		for (struct node *n = prog ? prog->kid[0] : NULL, *next; n; n = next) {
			next = n->next;
			if (n->kind == N_MACRO)
				macro_define(x, n, true);
		}
	}
}

/* ---- which one a call means ---- */

/* How well an argument fits: 0 not at all, 2 exactly. */
static unsigned
fits(const struct node *param, const struct node *arg)
{
	switch (param->kind) {
	case N_VAR: return arg->kind == N_VAR ? 2 : 0;
	case N_MAP: return arg->kind == N_MAP && !arg->kid[0] ? 2 : 0;
	default: return arg->kind == N_VAR || arg->kind == N_MAP ? 1 : 2;
	}
}

/* The sum over the arguments, 1 more than that; 0 when one does not fit, which *bad then is. */
static unsigned
fits_all(const struct macro *m, const struct node *arg, const struct node **bad)
{
	unsigned sum = 1;

	for (const struct node *p = m->node->kid[0]; p; p = p->next, arg = arg->next) {
		unsigned one = fits(p, arg);

		if (!one && !*bad)
			*bad = arg;
		sum = one && sum ? sum + one : 0;
	}
	return sum;
}

static const struct macro *
best_of(const struct expand *x, const struct node *n, bool is_std)
{
	const struct node *args = n->kind == N_CALL ? n->kid[0] : NULL, *bad = NULL;
	unsigned n_args = node_count(args), best = 0;
	const struct macro *found = NULL;

	for (const struct macro *m = x->macros; m; m = m->next)
		if (m->name == n->u.str && m->is_std == is_std && m->n_params == n_args) {
			unsigned sum = fits_all(m, args, &bad);

			if (sum > best) {
				best = sum;
				found = m;
			}
		}
	return found;
}

static const char *
prototype(struct compile *c, const struct macro *m)
{
	struct buf b = { .arena = c->tmp };

	buf_fmt(&b, "%s(", m->name);
	for (const struct node *p = m->node->kid[0]; p; p = p->next)
		buf_fmt(&b, "%s%s", p->u.str, p->next ? ", " : ")");
	if (!m->node->kid[0])
		buf_char(&b, ')');
	return buf_cstr(&b);
}

static void
no_match(struct expand *x, const struct node *n, const struct macro *same_name, const struct macro *same_count)
{
	struct diags *d = x->c->diags;
	const struct macro *m = same_count ? same_count : same_name;
	const struct node *bad = NULL;
	unsigned i = 1;

	x->ok = false;
	if (!same_count) {
		diag_error(d, n->at, E_MACRO, "Call to %s() has the wrong number of arguments (%u provided, %u expected)", n->u.str,
			   node_count(n->kid[0]), m->n_params);
		diag_hint(d, "closest definition: %s", prototype(x->c, m));
		return;
	}
	fits_all(m, n->kid[0], &bad);
	const struct node *p = m->node->kid[0];
	for (const struct node *a = n->kid[0]; a != bad; a = a->next, p = p->next)
		i++;
	diag_error(d, n->at, E_MACRO, "Call to %s() has arguments that do not match any definition", n->u.str);
	diag_hint(d, "closest definition: %s", prototype(x->c, m));
	diag_hint(d, "argument %u has to be %s for %s", i, p->kind == N_MAP ? "a map without a key" : "a scratch variable", p->u.str);
}

const struct macro *
macro_find(struct expand *x, const struct env *env, const struct node *n)
{
	bool in_std = env && env->macro->is_std, is_row = plug_builtin(x->c->plugs, n->u.str) != NULL;
	const struct macro *m = in_std ? NULL : best_of(x, n, false), *same_name = NULL, *same_count = NULL;

	if (m || is_row)
		return m;
	load_std(x, n->u.str);
	m = best_of(x, n, true);
	if (m || n->kind != N_CALL)
		return m;
	for (const struct macro *o = x->macros; o; o = o->next)
		if (o->name == n->u.str && !(in_std && !o->is_std)) {
			same_name = same_name ? same_name : o;
			if (!same_count && o->n_params == node_count(n->kid[0]))
				same_count = o;
		}
	if (same_name)
		no_match(x, n, same_name, same_count);
	return NULL;
}

void
macro_near(struct compile *c, const char *name, struct near *near)
{
	for (const struct node *m = c->macros; m; m = m->next)
		near_offer(near, name, m->u.str);
	for (const struct std_script *s = c->plugs->scripts; s->name; s++)
		for (const char *word = s->macros + 1; *word;) {
			size_t len = strcspn(word, " ");

			near_offer(near, name, str_intern(c->tmp, word, len));
			word += len + (word[len] == ' ');
			word += strspn(word, " ");
		}
}
