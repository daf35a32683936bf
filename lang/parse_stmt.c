/* parse_stmt.c - blocks and statements, and how reading goes on after an error in one (LANGUAGE 1.4). */
#include "lang/parse.h"

/* ---- which expressions are values ---- */

void
parse_settle_if(struct parser *p, struct node *n, bool is_value)
{
	for (; n; n = n->els) {
		if (n->kind != N_IF) {
			parse_settle(p, n, is_value);
			return;
		}
		parse_settle(p, n->then, is_value);
	}
}

static bool
has_else(const struct node *n)
{
	while (n->els && n->els->kind == N_IF)
		n = n->els;
	return n->els != NULL;
}

/* Bodies of loops, and of blocks that are expressions, have settled theirs already. */
void
parse_settle(struct parser *p, struct node *block, bool is_value)
{
	for (struct node **s = &block->kid[0], *n; (n = *s) != NULL; s = &(*s)->next) {
		bool gives = is_value && !n->next;
		if (n->kind == N_EXPR) {
			n->op = n->op && gives;
			continue;
		}
		if (n->kind != N_IF && n->kind != N_BLOCK)
			continue;
		gives = gives && (n->kind == N_BLOCK || has_else(n));
		if (n->kind == N_IF)
			parse_settle_if(p, n, gives);
		else
			parse_settle(p, n, gives);
		if (gives) {
			*s = node_new(p->mem, N_EXPR, n->at);
			(*s)->op = 1;
			(*s)->kid[0] = n;
		}
	}
}

/* ---- going on after an error ---- */

/* Skips the rest of a statement: behind its ';', behind a block it ends in, or to the '}' around it. */
static void
recover(struct parser *p)
{
	unsigned depth = 0;

	p->no_brace = false;
	p->lex.is_quiet = true;
	while (!p->is_lost && p->tok.kind != TK_EOF) {
		enum token_kind kind = p->tok.kind;
		if (parse_is_probe_line(p)) {
			p->is_lost = true;
			break;
		}
		if (kind == TK_RBRACE && depth == 0)
			break;
		depth += kind == TK_LBRACE;
		depth -= kind == TK_RBRACE;
		bool is_end = depth == 0 && (kind == TK_SEMI || kind == TK_RBRACE);
		p->lex.is_quiet = !is_end || p->is_silent; /* what follows the end is read for good */
		parse_take(p);
		if (is_end && p->tok.kind == TK_IDENT && p->tok.word == WORD_ELSE) {
			p->lex.is_quiet = true;
			continue;
		}
		if (is_end)
			break;
	}
	p->lex.is_quiet = p->is_silent;
}

/* ---- blocks ---- */

static struct node *parse_statement(struct parser *p);

/* A probe in a block: says so, and the program goes on with it. */
static bool
check_lost(struct parser *p, struct span open)
{
	if (!parse_is_probe(p))
		return false;
	parse_error(p, p->tok.at, E_SYNTAX, "expected a statement, found a probe: is a '}' missing before it?");
	p->is_hushed = false;
	parse_hint_line(p, "the innermost open block begins", open);
	p->is_lost = true;
	return true;
}

static void
parse_statements(struct parser *p, struct node *block)
{
	struct node **end = &block->kid[0];
	unsigned depth = p->depth;

	while (!p->is_lost) {
		while (parse_accept(p, TK_SEMI))
			;
		if (p->tok.kind == TK_RBRACE || p->tok.kind == TK_EOF || check_lost(p, block->at))
			break;
		struct node *n = parse_statement(p);
		if (n) {
			*end = n;
			end = &n->next;
		} else {
			p->depth = depth;
			recover(p);
		}
	}
	if (p->tok.kind == TK_EOF && !p->is_lost) {
		parse_unexpected(p, "'}'");
		parse_hint_line(p, "the block begins", block->at);
		p->is_lost = p->is_fatal = true;
	}
}

struct node *
parse_block_open(struct parser *p)
{
	struct node *n = node_new(p->mem, N_BLOCK, p->tok.at);
	bool no_brace = p->no_brace;

	if (!parse_expect(p, TK_LBRACE, "'{'") || !parse_enter(p))
		return NULL;
	p->no_brace = false;
	parse_statements(p, n);
	p->no_brace = no_brace;
	n->at = span_join(n->at, p->tok.at);
	p->depth--;
	return p->is_lost ? NULL : n;
}

/* Any block but a probe's. */
static struct node *
parse_raw_block(struct parser *p)
{
	struct node *n = parse_block_open(p);

	if (n)
		parse_take(p);
	return n;
}

struct node *
parse_block(struct parser *p, bool is_value)
{
	struct node *n = parse_raw_block(p);

	if (n)
		parse_settle(p, n, is_value);
	return n;
}

/* ---- control flow ---- */

/* What an if or a loop asks for: "(e)" or a unary expression, and then a block. */
static struct node *
parse_cond(struct parser *p)
{
	p->no_brace = true;
	struct node *n = parse_unary(p);
	p->no_brace = false;
	if (!n || p->tok.kind == TK_LBRACE)
		return n;
	parse_unexpected(p, "'{' after the condition");
	if (parse_precedence(p->tok.kind) || p->tok.kind == TK_QUESTION)
		parse_hint(p, "a condition with operators stands in parentheses");
	return NULL;
}

struct node *
parse_if(struct parser *p)
{
	struct node *head = NULL, **slot = &head;
	bool no_brace = p->no_brace;

	for (;;) {
		struct node *n = node_new(p->mem, N_IF, p->tok.at);
		parse_take(p);
		n->cond = parse_cond(p);
		if (!n->cond)
			return NULL;
		n->at = span_join(n->at, n->cond->at);
		n->then = parse_raw_block(p);
		if (!n->then)
			return NULL;
		*slot = n;
		slot = &n->els;
		if (p->tok.kind != TK_IDENT || p->tok.word != WORD_ELSE)
			break;
		parse_take(p);
		if (p->tok.kind == TK_IDENT && p->tok.word == WORD_IF)
			continue;
		n->els = parse_raw_block(p);
		if (!n->els)
			return NULL;
		break;
	}
	p->no_brace = no_brace;
	return head;
}

/* while (c) { }, unroll (n) { } */
static struct node *
parse_repeat(struct parser *p)
{
	struct node *n = node_new(p->mem, p->tok.word == WORD_WHILE ? N_WHILE : N_UNROLL, p->tok.at);

	parse_take(p);
	n->lhs = parse_cond(p);
	if (!n->lhs)
		return NULL;
	n->at = span_join(n->at, n->lhs->at);
	n->rhs = parse_block(p, false);
	return n->rhs ? n : NULL;
}

/* What a for goes over: a map, or from..to. */
static struct node *
parse_for_source(struct parser *p, bool in_parens)
{
	p->no_brace = !in_parens;
	struct node *from = parse_unary(p);
	if (!from)
		return NULL;
	if (!parse_accept(p, TK_DOTDOT)) {
		p->no_brace = false;
		if (from->kind == N_MAP && !from->kid[0])
			return from;
		if (from->kind == N_MAP)
			return parse_error(p, from->at, E_SYNTAX, "a for goes over the whole map: %s without a key",
					   from->u.str);
		return parse_error(p, from->at, E_SYNTAX, "a for goes over a map or a range such as 0..5");
	}
	struct node *to = parse_unary(p);
	p->no_brace = false;
	if (!to)
		return NULL;
	struct node *n = node_new(p->mem, N_RANGE, span_join(from->at, to->at));
	n->lhs = from;
	n->rhs = to;
	return n;
}

/* Most likely a for as C writes it: its semicolons end no statements. */
static struct node *
parse_no_for(struct parser *p, const char *wanted)
{
	parse_unexpected(p, wanted);
	parse_hint(p, "a for is written \"for ($i : 0..10) { }\" or \"for ($kv : @map) { }\"");
	p->lex.is_quiet = true;
	while (p->tok.kind != TK_LBRACE && p->tok.kind != TK_RBRACE && p->tok.kind != TK_EOF)
		parse_take(p);
	p->lex.is_quiet = p->is_silent;
	return NULL;
}

static struct node *
parse_for(struct parser *p)
{
	struct node *n = node_new(p->mem, N_FOR, p->tok.at);

	parse_take(p);
	bool in_parens = parse_accept(p, TK_LPAREN);
	if (p->tok.kind != TK_VAR)
		return parse_no_for(p, "a variable");
	n->kid[0] = node_new(p->mem, N_VAR, p->tok.at);
	n->kid[0]->u.str = p->tok.str;
	parse_take(p);
	if (!parse_accept(p, TK_COLON))
		return parse_no_for(p, "':' after the variable");
	n->kid[1] = parse_for_source(p, in_parens);
	if (!n->kid[1])
		return NULL;
	if (p->tok.kind != (in_parens ? TK_RPAREN : TK_LBRACE)) {
		parse_unexpected(p, in_parens ? "')'" : "'{'");
		if (parse_precedence(p->tok.kind))
			parse_hint(p, "the ends of a range stand in parentheses when they have operators");
		return NULL;
	}
	if (in_parens)
		parse_take(p);
	n->at = span_join(n->at, p->last);
	n->kid[2] = parse_block(p, false);
	return n->kid[2] ? n : NULL;
}

/* ---- the other statements ---- */

/* A block behind what looks like a call or a name: perhaps the word is one of the language's, misspelt. */
static void
hint_word(struct parser *p, const struct node *n)
{
	static const char *const words[] = { "if", "else", "while", "for", "unroll", "let" };
	const struct node *word = n && n->kind == N_EXPR ? n->kid[0] : NULL;
	struct near near = { 0 };

	if (p->tok.kind != TK_LBRACE || !word || (word->kind != N_CALL && word->kind != N_IDENT))
		return;
	for (size_t i = 0; i < LENGTH(words); i++)
		near_offer(&near, word->u.str, words[i]);
	if (near.best)
		parse_hint(p, arena_printf(p->mem, "did you mean '%s'?", near.best));
}

/* The ';' behind a statement, which only a '}' replaces. */
static bool
parse_end(struct parser *p, const struct node *n)
{
	if (p->tok.kind == TK_RBRACE || parse_accept(p, TK_SEMI))
		return true;
	struct sonde_span last = diags_place(p->diags, p->last), next = diags_place(p->diags, p->tok.at);
	if (last.end_line < next.line) { /* it is missing where the line ends, and the next one can be read */
		uint32_t end = p->last.off + p->last.len;
		parse_error(p, lex_span(&p->lex, end, end + 1), E_SYNTAX, "expected ';' after the statement");
		return p->tok.kind != TK_EOF && !parse_is_probe_line(p);
	}
	parse_unexpected(p, "';' after the statement");
	hint_word(p, n);
	return false;
}

static struct node *
parse_let(struct parser *p)
{
	struct node *n = node_new(p->mem, N_LET, p->tok.at);

	parse_take(p);
	if (p->tok.kind == TK_MAP)
		return parse_error(p, p->tok.at, E_SYNTAX, "map %s is declared outside of probes", p->tok.str);
	if (p->tok.kind != TK_VAR)
		return parse_unexpected(p, "a variable after let");
	n->kid[0] = node_new(p->mem, N_VAR, p->tok.at);
	n->kid[0]->u.str = p->tok.str;
	parse_take(p);
	if (parse_accept(p, TK_COLON)) {
		n->kid[1] = parse_type(p);
		if (!n->kid[1])
			return NULL;
	}
	if (parse_accept(p, TK_ASSIGN)) {
		n->kid[2] = parse_expr(p);
		if (!n->kid[2])
			return NULL;
	}
	n->at = span_join(n->at, p->last);
	return parse_end(p, n) ? n : NULL;
}

static struct node *
parse_jump(struct parser *p)
{
	enum word word = p->tok.word;
	enum node_kind kind = word == WORD_BREAK ? N_BREAK : word == WORD_CONTINUE ? N_CONTINUE : N_RETURN;
	struct node *n = node_new(p->mem, kind, p->tok.at);

	parse_take(p);
	if (kind == N_RETURN && p->tok.kind != TK_SEMI && p->tok.kind != TK_RBRACE) {
		n->kid[0] = parse_expr(p);
		if (!n->kid[0])
			return NULL;
		n->at = span_join(n->at, p->last);
	}
	return parse_end(p, n) ? n : NULL;
}

static bool
is_assign(enum token_kind kind)
{
	return kind >= TK_ASSIGN && kind <= TK_SHR_EQ;
}

static bool
check_target(struct parser *p, struct node *n)
{
	if (n->kind == N_VAR || n->kind == N_MAP)
		return true;
	if (n->kind == N_IDENT && !strcmp(n->u.str, "_") && p->tok.kind == TK_ASSIGN) {
		n->kind = N_DISCARD;
		return true;
	}
	if (n->kind == N_FIELD || n->kind == N_INDEX)
		parse_error(p, n->at, E_ASSIGN, "fields and elements cannot be assigned, only variables and maps");
	else
		parse_error(p, n->at, E_ASSIGN, "only variables and maps can be assigned");
	return false;
}

static struct node *
parse_simple(struct parser *p)
{
	struct node *left = parse_expr(p);

	if (!left)
		return NULL;
	struct node *n = node_new(p->mem, N_EXPR, left->at);
	n->kid[0] = left;
	if (is_assign(p->tok.kind)) {
		if (!check_target(p, left))
			return NULL;
		n->kind = N_ASSIGN;
		n->op = (int)p->tok.kind;
		parse_take(p);
		n->rhs = parse_expr(p);
		if (!n->rhs)
			return NULL;
		n->at = span_join(left->at, n->rhs->at);
	} else if (p->tok.kind == TK_RBRACE) {
		n->op = 1;
	}
	return parse_end(p, n) ? n : NULL;
}

static struct node *
parse_statement(struct parser *p)
{
	if (p->tok.kind == TK_LBRACE)
		return parse_raw_block(p);
	if (p->tok.kind != TK_IDENT)
		return parse_simple(p);
	switch (p->tok.word) {
	case WORD_IF:
		return parse_if(p);
	case WORD_WHILE: case WORD_UNROLL:
		return parse_repeat(p);
	case WORD_FOR:
		return parse_for(p);
	case WORD_LET:
		return parse_let(p);
	case WORD_BREAK: case WORD_CONTINUE: case WORD_RETURN:
		return parse_jump(p);
	case WORD_IMPORT:
		return parse_unsupported(p, p->tok.at, "import");
	case WORD_ELSE:
		return parse_error(p, p->tok.at, E_SYNTAX, "'else' without an 'if' before it");
	default:
		return parse_simple(p);
	}
}
