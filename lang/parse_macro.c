/* parse_macro.c - macros and imports at a script's outer level (LANGUAGE 1.2, 1.7). */
#include "lang/parse.h"

/* The words that no macro can stand for, because the parser itself knows them. */
static bool
is_context_word(const char *s)
{
	static const char *const words[] = { "args", "ctx", "kstack", "ustack", "nsecs", "pid", "tid" };

	for (size_t i = 0; i < LENGTH(words); i++)
		if (!strcmp(words[i], s))
			return true;
	return parse_is_value_name(s) && (!strncmp(s, "__builtin_", 10) || (!strncmp(s, "arg", 3) && is_digit(s[3])));
}

static struct node *
parse_param(struct parser *p, const struct node *others)
{
	struct node *n = node_new(p->mem, p->tok.kind == TK_VAR ? N_VAR : p->tok.kind == TK_MAP ? N_MAP : N_IDENT, p->tok.at);

	if (p->tok.kind != TK_VAR && p->tok.kind != TK_MAP && (p->tok.kind != TK_IDENT || p->tok.word != WORD_NONE))
		return parse_unexpected(p, "a parameter: $variable, @map or name");
	n->u.str = p->tok.str;
	if (n->kind == N_IDENT && is_context_word(n->u.str))
		return parse_error(p, n->at, E_SYNTAX, "'%s' is a builtin: no parameter can have its name", n->u.str);
	for (; others; others = others->next)
		if (others->u.str == n->u.str)
			return parse_error(p, n->at, E_SYNTAX, "the macro has a parameter '%s' already", n->u.str);
	parse_take(p);
	return n;
}

static bool
parse_params(struct parser *p, struct node *macro)
{
	struct node **end = &macro->kid[0];

	if (parse_accept(p, TK_RPAREN))
		return true;
	do {
		*end = parse_param(p, macro->kid[0]);
		if (!*end)
			return false;
		end = &(*end)->next;
	} while (parse_accept(p, TK_COMMA));
	return parse_expect(p, TK_RPAREN, "',' or ')' after the parameter");
}

struct node *
parse_macro(struct parser *p)
{
	struct node *n = node_new(p->mem, N_MACRO, p->tok.at);

	parse_take(p);
	if (p->tok.kind != TK_IDENT || p->tok.word != WORD_NONE)
		return parse_unexpected(p, "the name of the macro");
	n->u.str = p->tok.str;
	n->at = span_join(n->at, p->tok.at);
	parse_take(p);
	if (parse_accept(p, TK_LPAREN) && !parse_params(p, n))
		return NULL;
	n->kid[1] = parse_block_open(p);
	if (!n->kid[1])
		return NULL;
	parse_settle(p, n->kid[1], true);
	return n;
}

struct node *
parse_import(struct parser *p)
{
	struct node *n = node_new(p->mem, N_IMPORT, p->tok.at);

	parse_take(p);
	if (p->tok.kind != TK_STRING)
		return parse_unexpected(p, "the name of a file in quotes");
	n->u.str = p->tok.str;
	n->at = span_join(n->at, p->tok.at);
	if (strlen(n->u.str) != p->tok.str_len)
		return parse_error(p, p->tok.at, E_STRING, "the name of a file cannot contain a NUL");
	parse_take(p);
	return p->tok.kind == TK_SEMI ? n : parse_unexpected(p, "';' after the import");
}
