/* option.c - a program's own options: --name=value behind "--", and getopt(), which asks for them (LANGUAGE 1.8). */
#include <strings.h>
#include "sema/resolve.h"

struct option {                          /* one that the script asks for */
	struct option *next;
	const char *name, *doc;          /* doc: "" when there is none */
	const struct node *usual;        /* the default: INT, BOOL or STR */
};

/* ---- what was given ---- */

void
options_split(struct compile *c)
{
	const char **words = arena_alloc(c->tmp, ((size_t)c->argc + 1) * sizeof(*words)), **named;
	int n = 0, total = c->argc;
	bool is_behind = false;

	named = arena_alloc(c->tmp, ((size_t)c->argc + 1) * sizeof(*named));
	for (int i = 0; i < total; i++) {
		const char *word = c->argv[i];

		if (!is_behind && strcmp(word, "--") == 0)
			is_behind = true;
		else if (is_behind && strncmp(word, "--", 2) == 0 && word[2])
			named[c->n_named++] = word + 2;
		else
			words[n++] = word;
	}
	c->argv = words;
	c->argc = n;
	c->named = named;
}

static const char *
given(const struct compile *c, const char *name, bool *is_there)
{
	const char *value = NULL;
	size_t len = strlen(name);

	*is_there = false;
	for (int i = 0; i < c->n_named; i++)
		if (strncmp(c->named[i], name, len) == 0 && (c->named[i][len] == '=' || !c->named[i][len])) {
			*is_there = true;
			value = c->named[i][len] ? c->named[i] + len + 1 : NULL;
		}
	return value;
}

/* ---- getopt() ---- */

static bool
same_value(const struct node *a, const struct node *b)
{
	return a->kind == b->kind && a->op == b->op &&
	       (a->kind == N_STR ? memcmp(a->u.str, b->u.str, (size_t)a->op) == 0 : a->u.num == b->u.num);
}

static bool
bad_value(struct compile *c, const struct node *call, const char *name, const char *what, const char *value)
{
	return diag_error(c->diags, call->at, E_OPTION, "program command line option --%s invalid %s (value: %s)", name, what, value ? value : "");
}

static bool
read_bool(struct compile *c, const struct node *call, const char *name, const char *value, struct node *out)
{
	bool yes = !value || strcasecmp(value, "true") == 0 || strcmp(value, "1") == 0;

	if (!yes && strcasecmp(value, "false") != 0 && strcmp(value, "0") != 0)
		return bad_value(c, call, name, "bool", value);
	out->u.num = yes;
	return true;
}

/* The type comes from the default: unsigned, unless that is negative. */
static bool
read_int(struct compile *c, const struct node *call, const char *name, const char *value, struct node *out)
{
	bool is_signed = out->op == 2, is_neg = false;
	uint64_t num = 0;

	if (!value || number_read(value, strlen(value), &num, &is_neg) || (is_neg && num && !is_signed))
		return bad_value(c, call, name, "integer", value);
	if (is_signed && num > (uint64_t)INT64_MAX + is_neg)
		return bad_value(c, call, name, "integer", value);
	out->u.num = is_neg ? 0 - num : num;
	out->op = is_neg && num ? 2 : num > INT64_MAX ? 1 : 0;
	return true;
}

static bool
read_value(struct compile *c, const struct node *call, const struct option *o, struct node *out)
{
	bool is_there;
	const char *value = given(c, o->name, &is_there);

	if (!is_there)
		return true;
	if (out->kind == N_BOOL)
		return read_bool(c, call, o->name, value, out);
	if (out->kind == N_INT)
		return read_int(c, call, o->name, value, out);
	out->u.str = value ? str_intern(c->tmp, value, strlen(value)) : "";
	out->op = value ? (int)strlen(value) : 0;
	return true;
}

/* The option of a call, made by the first; NULL after an error. */
static const struct option *
option_of(struct compile *c, const struct node *call)
{
	const struct node *name = call->kid[0], *usual = name->next, *doc = usual ? usual->next : NULL;
	struct option **end = &c->options;
	struct node *no;

	if (name->kind != N_STR || !name->u.str[0] || (doc && doc->kind != N_STR))
		return diag_error(c->diags, name->kind == N_STR && doc ? doc->at : name->at, E_ARG_TYPE, "getopt() expects a string literal"), NULL;
	if (usual && !is_literal(usual))
		return diag_error(c->diags, usual->at, E_ARG_TYPE, "the default of getopt() is an integer, a bool or a string, and a literal"), NULL;
	if (!usual) {
		no = node_new(c->tmp, N_BOOL, call->at);
		usual = no;
	}
	for (; *end; end = &(*end)->next)
		if (strcmp((*end)->name, name->u.str) == 0) {
			if (doc && !(*end)->doc[0])
				(*end)->doc = doc->u.str;
			if (same_value((*end)->usual, usual))
				return *end;
			diag_error(c->diags, call->at, E_OPTION, "option --%s has another default elsewhere", name->u.str);
			diag_hint(c->diags, "line %u has the other one", diags_place(c->diags, (*end)->usual->at).line);
			return NULL;
		}
	*end = arena_alloc(c->tmp, sizeof(**end));
	**end = (struct option){ .name = name->u.str, .doc = doc ? doc->u.str : "", .usual = usual };
	return *end;
}

bool
option_fold(struct compile *c, struct node *call)
{
	const struct option *o = option_of(c, call);
	struct node value;

	if (!o)
		return false;
	value = *o->usual;
	value.at = call->at;
	value.type = NULL;
	value.ref.bi = NULL;
	if (!read_value(c, call, o, &value))
		return false;
	if (value.kind == N_INT) {
		value.type = type_int(c->types, 8, o->usual->op == 2);
		value.ref.bi = call->ref.bi;
	}
	node_become(call, &value);
	return true;
}

/* ---- all of them ---- */

static bool
is_known(const struct compile *c, const char *word)
{
	size_t len = strcspn(word, "=");

	for (const struct option *o = c->options; o; o = o->next)
		if (strlen(o->name) == len && strncmp(o->name, word, len) == 0)
			return true;
	return false;
}

/* What sonde_image_options() tells. */
static void
keep_options(struct compile *c)
{
	struct sonde_image *img = c->img;
	uint32_t n = 0;

	for (const struct option *o = c->options; o; o = o->next)
		n++;
	img->options = arena_alloc(c->keep, (n + 1) * sizeof(*img->options));
	for (const struct option *o = c->options; o; o = o->next) {
		img->options[img->n_options].name = arena_strndup(c->keep, o->name, strlen(o->name));
		img->options[img->n_options++].doc = o->doc[0] ? arena_strndup(c->keep, o->doc, strlen(o->doc)) : NULL;
	}
}

bool
options_check(struct compile *c)
{
	struct buf unknown = { .arena = c->tmp };

	if (c->options)
		keep_options(c);
	for (int i = 0; i < c->n_named; i++)
		if (!is_known(c, c->named[i]) && strcmp(c->named[i], "help") != 0)
			buf_fmt(&unknown, "%s--%.*s", unknown.len ? ", " : "", (int)strcspn(c->named[i], "="), c->named[i]);
	if (!unknown.len)
		return true;
	diag_error(c->diags, NO_SPAN, E_OPTION, "unexpected program command line options: %s", buf_cstr(&unknown));
	for (const struct option *o = c->options; o; o = o->next)
		diag_hint(c->diags, "expected program options: --%s%s%s", o->name, o->doc[0] ? ": " : "", o->doc);
	return false;
}
