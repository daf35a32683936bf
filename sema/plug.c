/* plug.c - finds rows by name, and reads the prototypes that rows carry. */
#include <ctype.h>
#include <strings.h>
#include "sema/plug.h"

/* Is `name` one of blank-separated words? */
static bool
has_word(const char *words, const char *name, bool any_case)
{
	size_t len = strlen(name);

	for (const char *w = words; w && *w; w += strspn(w, " ")) {
		size_t n = strcspn(w, " ");

		if (n == len && (any_case ? strncasecmp(w, name, n) : strncmp(w, name, n)) == 0)
			return true;
		w += n;
	}
	return false;
}

const struct builtin *
plug_builtin(const struct plugs *p, const char *name)
{
	if (!*name)
		return NULL;
	for (const struct builtin *const *b = p->builtins; *b; b++)
		if (strcmp((*b)->name, name) == 0 || has_word((*b)->alias, name, false))
			return *b;
	return NULL;
}

const struct provider *
plug_provider(const struct plugs *p, const char *name)
{
	if (!*name)
		return NULL;
	for (const struct provider *const *v = p->providers; *v; v++)
		if (strcasecmp((*v)->name, name) == 0 || has_word((*v)->alias, name, true))
			return *v;
	return NULL;
}

/* ---- prototypes: "RET", "RET (ARG, [ARG], ...)" ---- */

static const char *
skip_blanks(const char *s)
{
	return s + strspn(s, " \t");
}

/* A word of letters, digits, _ and ?; NULL when there is none or it does not fit. */
static const char *
read_word(const char *s, char *out, size_t size)
{
	size_t n = 0;

	s = skip_blanks(s);
	while (isalnum((unsigned char)s[n]) || s[n] == '_' || s[n] == '?')
		n++;
	if (!n || n >= size)
		return NULL;
	memcpy(out, s, n);
	out[n] = 0;
	return skip_blanks(s + n);
}

/* One argument from s; what follows it, or NULL. */
static const char *
read_arg(const char *s, struct proto *p)
{
	struct proto_arg *a = &p->arg[p->n_args];

	if (strncmp(s, "...", 3) == 0) {
		p->is_variadic = true;
		return skip_blanks(s + 3);
	}
	if (p->n_args == LENGTH(p->arg))
		return NULL;
	a->is_optional = *s == '[';
	s = read_word(a->is_optional ? s + 1 : s, a->word, sizeof(a->word));
	if (!s || (a->is_optional && *s != ']'))
		return NULL;
	if (a->is_optional)
		s = skip_blanks(s + 1);
	else if (p->n_args > p->n_min)
		return NULL;             /* one that must be given behind one that need not */
	p->n_args++;
	p->n_min += !a->is_optional;
	return s;
}

bool
proto_read(const char *sig, struct proto *out)
{
	const char *s;

	memset(out, 0, sizeof(*out));
	s = sig ? read_word(sig, out->ret, sizeof(out->ret)) : NULL;
	if (!s)
		return false;
	out->is_var = *s != '(';
	if (out->is_var)
		return !*s;
	s = skip_blanks(s + 1);
	if (*s == ')')
		return !*skip_blanks(s + 1);
	for (;;) {
		s = read_arg(s, out);
		if (!s)
			return false;
		if (*s == ')')
			return !*skip_blanks(s + 1);
		if (*s != ',' || out->is_variadic)
			return false;
		s = skip_blanks(s + 1);
	}
}
