/* parse_type.c - types in a script, and where a type stands instead of an expression (LANGUAGE 1.5, 1.6). */
#include <inttypes.h>
#include "lang/parse.h"

/* Names that are values in all scripts, so "(pid) - 1" subtracts where "(foo) - 1" casts. */
static const char *const value_names[] = {
	"args", "cgroup", "comm", "cpid", "cpu", "ctx", "curtask", "elapsed", "func", "gid", "jiffies", "kstack",
	"ncpus", "nsecs", "pid", "probe", "rand", "retval", "tid", "uid", "usermode", "username", "ustack",
};

bool
parse_is_value_name(const char *s)
{
	if (!strncmp(s, "__builtin_", 10))
		return true;
	const char *n = !strncmp(s, "sarg", 4) ? s + 4 : !strncmp(s, "arg", 3) ? s + 3 : "";
	if (is_digit(n[0]) && n[1 + is_digit(n[1])] == '\0')
		return true;
	for (size_t i = 0; i < LENGTH(value_names); i++)
		if (!strcmp(value_names[i], s))
			return true;
	return false;
}

static bool
is_record_word(enum word w)
{
	return w == WORD_STRUCT || w == WORD_UNION || w == WORD_ENUM;
}

/* Follows a type in a copy of the lexer, t being its first token and then the one behind it.
 * *is_sure: it can be nothing but a type. */
static bool
scan_type(struct lexer *l, struct token *t, bool *is_sure)
{
	*is_sure = false;
	if (t->kind != TK_IDENT)
		return false;
	if (is_record_word(t->word)) {
		*t = lex_next(l);
		*is_sure = true;
		if (t->kind != TK_IDENT)
			return true; /* parse_type says what is missing */
	} else if (t->word == WORD_TYPEOF) {
		*is_sure = true;
		return true;
	} else if (t->word != WORD_NONE || parse_is_value_name(t->str)) {
		return false;
	}
	*t = lex_next(l);
	while (t->kind == TK_STAR || t->kind == TK_LBRACKET) {
		bool is_star = t->kind == TK_STAR, is_empty = false;
		*t = lex_next(l);
		if (!is_star) {
			is_empty = t->kind == TK_RBRACKET;
			if (t->kind == TK_NUMBER)
				*t = lex_next(l);
			if (t->kind != TK_RBRACKET)
				return *is_sure;
			*t = lex_next(l);
		}
		*is_sure = *is_sure || is_empty || (is_star && t->kind == TK_RPAREN);
	}
	return true;
}

static bool
begins_operand(const struct token *t, bool no_brace)
{
	switch (t->kind) {
	case TK_IDENT:
		return t->word != WORD_ELSE;
	case TK_NUMBER: case TK_STRING: case TK_VAR: case TK_MAP: case TK_POSITIONAL: case TK_LPAREN: case TK_MINUS:
	case TK_NOT: case TK_TILDE: case TK_STAR: case TK_AMP: case TK_INC: case TK_DEC:
		return true;
	case TK_LBRACE:
		return !no_brace;
	default:
		return false;
	}
}

bool
parse_is_cast(const struct parser *p)
{
	struct lexer l = p->lex;
	bool is_sure;

	l.is_quiet = true;
	struct token t = lex_next(&l);
	if (!scan_type(&l, &t, &is_sure))
		return false;
	if (is_sure)
		return true;
	if (t.kind != TK_RPAREN)
		return false;
	t = lex_next(&l);
	return begins_operand(&t, p->no_brace);
}

bool
parse_is_type(const struct parser *p)
{
	struct lexer l = p->lex;
	struct token t = p->tok;
	bool is_sure;

	l.is_quiet = true;
	return scan_type(&l, &t, &is_sure) && (is_sure || t.kind == TK_RPAREN || t.kind == TK_COMMA);
}

static struct node *
parse_suffix(struct parser *p)
{
	struct node *n = node_new(p->mem, N_TYPE_SUFFIX, p->tok.at);

	n->op = (int)p->tok.kind;
	parse_take(p);
	if (n->op == TK_STAR)
		return n;
	n->u.num = UINT64_MAX;
	if (p->tok.kind == TK_NUMBER) {
		if (p->tok.num > UINT32_MAX)
			return parse_error(p, p->tok.at, E_NUMBER, "an array of %" PRIu64 " elements is too large",
					   p->tok.num);
		n->u.num = p->tok.num;
		parse_take(p);
	}
	if (!parse_expect(p, TK_RBRACKET, "']' after the length of the array"))
		return NULL;
	n->at = span_join(n->at, p->last);
	return n;
}

static bool
parse_suffixes(struct parser *p, struct node **end)
{
	while (p->tok.kind == TK_STAR || p->tok.kind == TK_LBRACKET) {
		*end = parse_suffix(p);
		if (!*end)
			return false;
		end = &(*end)->next;
	}
	return true;
}

struct node *
parse_tref(struct parser *p)
{
	bool no_brace = p->no_brace;

	if (!parse_enter(p))
		return NULL;
	p->no_brace = false;
	struct node *n = parse_is_type(p) ? parse_type(p) : parse_expr(p);
	p->no_brace = no_brace;
	p->depth--;
	return n;
}

static struct node *
parse_typeof(struct parser *p)
{
	struct node *n = node_new(p->mem, N_TYPEOF, p->tok.at);

	parse_take(p);
	if (!parse_expect(p, TK_LPAREN, "'(' after typeof"))
		return NULL;
	n->kid[0] = parse_tref(p);
	if (!n->kid[0] || !parse_expect(p, TK_RPAREN, "')'") || !parse_suffixes(p, &n->kid[1]))
		return NULL;
	n->at = span_join(n->at, p->last);
	return n;
}

struct node *
parse_type(struct parser *p)
{
	struct span start = p->tok.at;

	if (p->tok.kind == TK_IDENT && p->tok.word == WORD_TYPEOF)
		return parse_typeof(p);
	if (p->tok.kind != TK_IDENT || (p->tok.word != WORD_NONE && !is_record_word(p->tok.word)))
		return parse_unexpected(p, "a type");
	struct node *n = node_new(p->mem, N_TYPE, start);
	n->u.str = p->tok.str;
	bool is_record = is_record_word(p->tok.word);
	parse_take(p);
	if (is_record) {
		if (p->tok.kind != TK_IDENT)
			return parse_unexpected(p, "a name of the type");
		char *name = arena_printf(p->mem, "%s %s", n->u.str, p->tok.str);
		n->u.str = str_intern(p->mem, name, strlen(name));
		parse_take(p);
	}
	if (!parse_suffixes(p, &n->kid[0]))
		return NULL;
	n->at = span_join(start, p->last);
	return n;
}
