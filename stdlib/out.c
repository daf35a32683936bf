/* out.c - what a script says and does outside the kernel: printf, print, cat, system, clear, zero, exit. */
#include "image/format.h"
#include "stdlib/rows.h"

/* ---- formats (LANGUAGE 6.1) ---- */

static bool
fits_conversion(const struct type *t, const char *conv)
{
	bool is_integer = (type_is_scalar(t) && !t->fmt) || type_is_readable_aggr(t);

	if (strcmp(conv, "s") == 0)
		return t->kind != T_VOID && t->kind != T_WORD && (t->kind != T_AGGR || type_is_readable_aggr(t));
	if (strcmp(conv, "r") == 0 || strcmp(conv, "rx") == 0 || strcmp(conv, "rh") == 0)
		return t->kind == T_BYTES;
	return is_integer && !strchr("eEfFgGaAn", conv[0] == 'g' && conv[1] ? 'd' : conv[0]);
}

static bool
check_conversion(struct compile *c, const struct node *arg, const struct format_spec *s)
{
	if (strchr("eEfFaAn", s->conv[0]) || ((s->conv[0] == 'g' || s->conv[0] == 'G') && !s->conv[1]))
		return diag_error(c->diags, arg->at, E_FORMAT, "unsupported format specifier: %s", s->conv);
	if (!fits_conversion(arg->type, s->conv))
		return diag_error(c->diags, arg->at, E_FORMAT, "unsupported format specifier for type '%s': %s",
				  type_name(c->tmp, arg->type), s->conv);
	return true;
}

enum { MAX_FORMAT_ARGS = 128 };

static bool
check_format(struct compile *c, struct node *call)
{
	const struct node *fmt = call->kid[0], *arg = fmt->next;
	unsigned want, have = node_count(arg);
	const char *at = fmt->u.str;
	struct format_spec s;
	bool ok = true;

	if (strlen(fmt->u.str) != (size_t)fmt->op)
		return diag_error(c->diags, fmt->at, E_FORMAT, "a format string ends at its first NUL: this one has more behind it");
	want = format_count(fmt->u.str);
	for (enum format_part part; (part = format_next(&at, &s)) != FORMAT_END;) {
		if (part == FORMAT_BAD)
			return diag_error(c->diags, fmt->at, E_FORMAT, "'%.*s' is not a format specifier (write %%%% for a percent sign)",
					  (int)s.len, s.text);
		for (int i = 0; part == FORMAT_SPEC && i < s.star_width + s.star_prec && arg; i++, arg = arg->next)
			if (!fits_conversion(arg->type, "d"))
				ok = diag_error(c->diags, arg->at, E_FORMAT, "a width or precision (*) takes an integer, this is '%s'",
						type_name(c->tmp, arg->type));
		if (part == FORMAT_SPEC && arg) {
			ok &= check_conversion(c, arg, &s);
			arg = arg->next;
		}
	}
	if (have != want)
		return diag_error(c->diags, call->at, E_FORMAT, "%s(): %s arguments for format string (%u supplied, %u expected)",
				  call->u.str, have < want ? "not enough" : "too many", have, want);
	if (have > MAX_FORMAT_ARGS)
		return diag_error(c->diags, call->at, E_FORMAT, "%s(): more than %d arguments (%u supplied)", call->u.str, MAX_FORMAT_ARGS, have);
	return ok;
}

const struct builtin builtin_printf = {
	.name = "printf", .sig = "void (lit, ...)", .flags = BI_CALL | BI_ACTION | BI_FORMAT, .check = check_format,
	.doc = "prints values by a format: %d %u %x %o %c %p %s %r, %ld for 64 bits",
};
const struct builtin builtin_cat = {
	.name = "cat", .sig = "void (lit, ...)", .flags = BI_CALL | BI_ACTION | BI_FORMAT, .check = check_format,
	.doc = "prints the beginning of a file whose path is made by a format (max_cat_bytes)",
};
const struct builtin builtin_system = {
	.name = "system", .sig = "void (lit, ...)", .flags = BI_CALL | BI_ACTION | BI_FORMAT | BI_UNSAFE, .check = check_format,
	.doc = "runs a shell command made by a format and prints what it prints; needs --unsafe",
};

/* ---- print ---- */

static bool
is_bare_map(const struct node *n)
{
	return n->kind == N_MAP && !n->kid[0];
}

static bool
check_print(struct compile *c, struct node *call)
{
	const struct node *what = call->kid[0];
	const struct type *t = what->type;
	int64_t n;

	for (const struct node *a = what->next; a; a = a->next)
		if (arg_int(a, &n) && n < 0)
			return diag_error(c->diags, a->at, E_ARG_VALUE, "print() takes numbers from 0 on as top and div (%lld provided)", (long long)n);
	if (!is_bare_map(what)) {
		if (what->next)
			return diag_error(c->diags, call->at, E_ARGC, "Only one argument allowed when printing a value of type '%s': top and div are for maps",
					  type_name(c->tmp, t));
		if (t->kind == T_VOID || t->kind == T_WORD || (t->kind == T_AGGR && !type_is_readable_aggr(t)))
			return diag_error(c->diags, what->at, E_ARG_TYPE, "value of type '%s' cannot be printed", type_name(c->tmp, t));
		return true;
	}
	if (what->next && what->ref.map->is_scalar && !type_is_number(t) && t->kind != T_AGGR)
		diag_warn(c->diags, call->at, W_ARG_VALUE, "top and div arguments are ignored when printing a scalar map of type '%s'",
			  type_name(c->tmp, t));
	return true;
}

const struct builtin builtin_print = {
	.name = "print", .sig = "void (show, [num], [num])", .flags = BI_CALL | BI_ACTION, .check = check_print,
	.doc = "prints a map, print(@m, top, div), or any value",
};

/* ---- maps, from outside ---- */

static bool
check_whole_map(struct compile *c, struct node *call)
{
	const struct node *m = call->kid[0];

	if (is_bare_map(m))
		return true;
	return diag_error(c->diags, m->at, E_ARG_TYPE, "%s() expects a map argument", call->u.str);
}

const struct builtin builtin_clear = {
	.name = "clear", .sig = "void (map)", .flags = BI_CALL | BI_ACTION, .check = check_whole_map,
	.doc = "removes all elements of a map",
};
const struct builtin builtin_zero = {
	.name = "zero", .sig = "void (map)", .flags = BI_CALL | BI_ACTION, .check = check_whole_map,
	.doc = "sets all values of a map to zero",
};

const struct builtin builtin_exit = {
	.name = "exit", .sig = "void ([int])", .flags = BI_CALL | BI_ACTION | BI_EXIT,
	.doc = "ends tracing, with an exit status if given; this run of the probe ends at once",
};
