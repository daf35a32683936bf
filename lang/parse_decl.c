/* parse_decl.c - what stands beside probes (LANGUAGE 1.2): config, map declarations, and what is skipped. */
#include "lang/parse.h"

static struct node *
parse_config_set(struct parser *p)
{
	if (p->tok.kind != TK_IDENT)
		return parse_unexpected(p, "the name of a config variable");
	struct node *n = node_new(p->mem, N_CONFIG_SET, p->tok.at), *value;
	n->u.str = p->tok.str;
	parse_take(p);
	if (!parse_expect(p, TK_ASSIGN, "'=' after the config variable"))
		return NULL;
	value = node_new(p->mem, N_IDENT, p->tok.at);
	if (p->tok.kind == TK_STRING) {
		value->kind = N_STR;
		value->op = (int)p->tok.str_len;
		value->u.str = p->tok.str;
	} else if (p->tok.kind == TK_NUMBER) {
		value->kind = N_INT;
		value->op = p->tok.num > INT64_MAX;
		value->u.num = p->tok.num;
	} else if (p->tok.kind != TK_IDENT) {
		return parse_unexpected(p, "a string, a number, true, false or a word");
	} else if (p->tok.word == WORD_TRUE || p->tok.word == WORD_FALSE) {
		value->kind = N_BOOL;
		value->u.num = p->tok.word == WORD_TRUE;
	} else {
		value->u.str = p->tok.str;
	}
	parse_take(p);
	n->kid[0] = value;
	n->at = span_join(n->at, p->last);
	if (p->tok.kind != TK_SEMI && p->tok.kind != TK_RBRACE)
		return parse_unexpected(p, "';' or '}'");
	return n;
}

static void
skip_config_set(struct parser *p)
{
	p->lex.is_quiet = true;
	while (p->tok.kind != TK_SEMI && p->tok.kind != TK_RBRACE && p->tok.kind != TK_EOF)
		parse_take(p);
	p->lex.is_quiet = p->is_silent;
}

struct node *
parse_config(struct parser *p)
{
	struct node *n = node_new(p->mem, N_CONFIG, p->tok.at), **end = &n->kid[0];

	parse_take(p);
	if (!parse_expect(p, TK_ASSIGN, "'=' after config") || !parse_expect(p, TK_LBRACE, "'{'"))
		return NULL;
	while (p->tok.kind != TK_RBRACE && p->tok.kind != TK_EOF) {
		if (parse_accept(p, TK_SEMI))
			continue;
		struct node *set = parse_config_set(p);
		if (!set) {
			skip_config_set(p);
			continue;
		}
		*end = set;
		end = &set->next;
	}
	if (p->tok.kind == TK_EOF)
		return parse_unexpected(p, "'}' at the end of config");
	if (lex_peek_char(&p->lex) == ';') /* not in the grammar, but harmless */
		parse_take(p);
	return n;
}

/* let @a = hash(10); */
struct node *
parse_map_decl(struct parser *p)
{
	struct node *n = node_new(p->mem, N_MAPDECL, p->tok.at);

	parse_take(p);
	if (p->tok.kind != TK_MAP)
		return parse_unexpected(p, "a map: outside of probes, let declares one");
	n->u.str = p->tok.str;
	parse_take(p);
	if (!parse_expect(p, TK_ASSIGN, "'=' and the kind of map"))
		return NULL;
	if (p->tok.kind != TK_IDENT)
		return parse_unexpected(p, "the kind of map");
	struct node *call = node_new(p->mem, N_CALL, p->tok.at);
	call->u.str = p->tok.str;
	parse_take(p);
	if (!parse_expect(p, TK_LPAREN, "'(' and the number of entries"))
		return NULL;
	call->kid[0] = parse_unary(p);
	if (!call->kid[0])
		return NULL;
	if (call->kid[0]->kind != N_INT)
		return parse_error(p, call->kid[0]->at, E_SYNTAX, "expected a number of entries");
	if (p->tok.kind != TK_RPAREN)
		return parse_unexpected(p, "')'");
	call->at = span_join(call->at, p->tok.at);
	n->kid[0] = call;
	n->at = span_join(n->at, p->tok.at);
	if (lex_peek_char(&p->lex) == ';')
		parse_take(p);
	return n;
}

void
parse_skip_unsupported(struct parser *p, enum item item)
{
	struct token next = parse_peek(p);
	struct span at = next.kind == TK_IDENT ? span_join(p->tok.at, next.at) : p->tok.at;
	const char *word = arena_strndup(p->mem, p->lex.text + p->tok.at.off, p->tok.at.len);

	if (item == ITEM_IMPORT)
		at = span_join(at, next.at);
	if (next.kind == TK_IDENT)
		word = arena_printf(p->mem, "%s %s", word, next.str);
	parse_unsupported(p, at, word);
}
