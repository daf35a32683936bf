/* parse_expr.c - expressions (LANGUAGE 1.5). */
#include "lang/parse.h"

/* ---- primary expressions ---- */

static struct node *
new_int(struct parser *p, struct span at, uint64_t num)
{
	struct node *n = node_new(p->mem, N_INT, at);

	n->u.num = num;
	n->op = num > INT64_MAX;
	return n;
}

static struct node *
new_str(struct parser *p, struct span at, const char *s, size_t len)
{
	struct node *n = node_new(p->mem, N_STR, at);

	n->u.str = str_intern(p->mem, s, len);
	n->op = (int)len;
	return n;
}

static struct node *
parse_positional(struct parser *p)
{
	struct span at = p->tok.at;
	uint64_t i = p->tok.num, value;
	unsigned argc = p->opts && p->opts->argc > 0 ? (unsigned)p->opts->argc : 0;
	bool is_count = p->lex.text[at.off + 1] == '#', is_neg;

	parse_take(p);
	if (is_count)
		return new_int(p, at, argc);
	if (i > argc) {
		struct node *n = node_new(p->mem, N_POSITIONAL, at);
		n->u.num = i;
		return n;
	}
	const char *text = p->opts->argv[i - 1];
	size_t len = strlen(text);
	if (len > INT32_MAX)
		return parse_error(p, at, E_STRING, "the positional parameter is too long");
	if (number_read(text, len, &value, &is_neg))
		return new_str(p, at, text, len);
	struct node *n = new_int(p, at, value);
	if (!is_neg)
		return n;
	struct node *minus = node_new(p->mem, N_UNARY, at);
	minus->op = TK_MINUS;
	minus->kid[0] = n;
	return minus;
}

static struct node *
parse_number(struct parser *p)
{
	struct span at = p->tok.at;
	uint32_t end = at.off + at.len;

	if (end + 1 < p->lex.len && p->lex.text[end] == '.' && is_digit(p->lex.text[end + 1])) {
		for (end++; end < p->lex.len && is_name(p->lex.text[end]);)
			end++;
		return parse_error(p, lex_span(&p->lex, at.off, end), E_NUMBER,
				   "there are no floating-point numbers");
	}
	struct node *n = new_int(p, at, p->tok.num);
	parse_take(p);
	return n;
}

/* Expressions with commas between them, up to a closing bracket, which is taken. */
static bool
parse_list(struct parser *p, enum token_kind close, const char *what, struct node **end)
{
	bool no_brace = p->no_brace;

	p->no_brace = false;
	do {
		*end = parse_expr(p);
		if (!*end)
			return false;
		end = &(*end)->next;
	} while (parse_accept(p, TK_COMMA));
	p->no_brace = no_brace;
	return parse_expect(p, close, what);
}

static struct node *
parse_map(struct parser *p)
{
	struct node *n = node_new(p->mem, N_MAP, p->tok.at);

	n->u.str = p->tok.str;
	parse_take(p);
	if (!parse_accept(p, TK_LBRACKET))
		return n;
	if (!parse_list(p, TK_RBRACKET, "',' or ']' after the key", &n->kid[0]))
		return NULL;
	n->at = span_join(n->at, p->last);
	return n;
}

/* sizeof(T), sizeof(e), typeinfo(e), offsetof(T, a.b) */
static struct node *
parse_measure(struct parser *p)
{
	enum word word = p->tok.word;
	struct node *n = node_new(p->mem, word == WORD_SIZEOF ? N_SIZEOF : word == WORD_TYPEINFO ? N_TYPEINFO : N_OFFSETOF, p->tok.at);

	parse_take(p);
	if (!parse_expect(p, TK_LPAREN, word == WORD_SIZEOF ? "'(' after sizeof" : word == WORD_TYPEINFO ? "'(' after typeinfo" :
												  "'(' after offsetof"))
		return NULL;
	n->kid[0] = parse_tref(p);
	if (!n->kid[0])
		return NULL;
	if (word == WORD_OFFSETOF) {
		if (!parse_expect(p, TK_COMMA, "',' and a field"))
			return NULL;
		struct node *of = node_new(p->mem, N_DISCARD, p->tok.at);
		do {
			if (p->tok.kind != TK_IDENT)
				return parse_unexpected(p, "a field name");
			struct node *field = node_new(p->mem, N_FIELD, span_join(of->at, p->tok.at));
			field->u.str = p->tok.str;
			field->kid[0] = of;
			of = field;
			parse_take(p);
		} while (parse_accept(p, TK_DOT));
		n->kid[1] = of;
	}
	if (!parse_expect(p, TK_RPAREN, "')'"))
		return NULL;
	n->at = span_join(n->at, p->last);
	return n;
}

static struct node *
parse_name(struct parser *p)
{
	struct node *n = node_new(p->mem, N_IDENT, p->tok.at);

	n->u.str = p->tok.str;
	parse_take(p);
	if (p->tok.kind == TK_NOT && parse_peek(p).kind == TK_LPAREN) /* name!(): the same as name() */
		parse_take(p);
	if (!parse_accept(p, TK_LPAREN))
		return n;
	n->kind = N_CALL;
	if (!parse_accept(p, TK_RPAREN) && !parse_list(p, TK_RPAREN, "',' or ')' after the argument", &n->kid[0]))
		return NULL;
	n->at = span_join(n->at, p->last);
	return n;
}

static struct node *
parse_word(struct parser *p)
{
	struct span at = p->tok.at;
	struct node *n;

	switch (p->tok.word) {
	case WORD_NONE:
		return parse_name(p);
	case WORD_TRUE: case WORD_FALSE:
		n = node_new(p->mem, N_BOOL, at);
		n->u.num = p->tok.word == WORD_TRUE;
		parse_take(p);
		return n;
	case WORD_SIZEOF: case WORD_OFFSETOF: case WORD_TYPEINFO:
		return parse_measure(p);
	case WORD_IF:
		n = parse_if(p);
		if (n)
			parse_settle_if(p, n, true);
		return n;
	case WORD_TYPEOF: /* an argument of a macro; elsewhere an error of resolve's */
		return parse_type(p);
	default:
		return parse_unexpected(p, "an expression");
	}
}

/* ---- parentheses: groups, tuples, records ---- */

static struct node *
parse_record(struct parser *p, struct span start)
{
	struct node *n = node_new(p->mem, N_RECORD, start), **end = &n->kid[0];

	do {
		if (p->tok.kind != TK_IDENT || p->tok.word != WORD_NONE)
			return parse_unexpected(p, "a field name of the record");
		for (const struct node *f = n->kid[0]; f; f = f->next)
			if (f->u.str == p->tok.str)
				return parse_error(p, p->tok.at, E_SYNTAX, "the record has a field '%s' already",
						   p->tok.str);
		struct node *field = node_new(p->mem, N_RECORD_FIELD, p->tok.at);
		field->u.str = p->tok.str;
		parse_take(p);
		if (!parse_expect(p, TK_ASSIGN, "'=' after the field name"))
			return NULL;
		field->kid[0] = parse_expr(p);
		if (!field->kid[0])
			return NULL;
		field->at = span_join(field->at, field->kid[0]->at);
		*end = field;
		end = &field->next;
	} while (parse_accept(p, TK_COMMA));
	return n;
}

/* Inside the parentheses, up to the ")". */
static struct node *
parse_group(struct parser *p, struct span start)
{
	if (p->tok.kind == TK_RPAREN)
		return node_new(p->mem, N_TUPLE, start);
	if (p->tok.kind == TK_IDENT && p->tok.word == WORD_NONE && !parse_is_value_name(p->tok.str) &&
	    parse_peek(p).kind == TK_ASSIGN)
		return parse_record(p, start);
	struct node *first = parse_expr(p);
	if (!first || p->tok.kind != TK_COMMA)
		return first;
	struct node *n = node_new(p->mem, N_TUPLE, start), **end = &first->next;
	n->kid[0] = first;
	while (parse_accept(p, TK_COMMA) && p->tok.kind != TK_RPAREN) {
		*end = parse_expr(p);
		if (!*end)
			return NULL;
		end = &(*end)->next;
	}
	return n;
}

static struct node *
parse_parens(struct parser *p)
{
	struct span start = p->tok.at;
	bool no_brace = p->no_brace;

	p->no_brace = false;
	parse_take(p);
	struct node *n = parse_group(p, start);
	p->no_brace = no_brace;
	if (!n)
		return NULL;
	if (p->tok.kind != TK_RPAREN) {
		bool is_assign = p->tok.kind == TK_ASSIGN;
		parse_unexpected(p, n->kind == N_TUPLE || n->kind == N_RECORD ? "',' or ')'" : "')'");
		if (is_assign)
			parse_hint(p, "values are compared with '=='");
		return NULL;
	}
	parse_take(p);
	n->at = span_join(start, p->last);
	return n;
}

static struct node *
parse_primary(struct parser *p)
{
	struct node *n;

	switch (p->tok.kind) {
	case TK_NUMBER:
		return parse_number(p);
	case TK_STRING:
		n = new_str(p, p->tok.at, p->tok.str, p->tok.str_len);
		parse_take(p);
		return n;
	case TK_VAR:
		n = node_new(p->mem, N_VAR, p->tok.at);
		n->u.str = p->tok.str;
		parse_take(p);
		return n;
	case TK_MAP:
		return parse_map(p);
	case TK_POSITIONAL:
		return parse_positional(p);
	case TK_IDENT:
		return parse_word(p);
	case TK_LPAREN:
		return parse_parens(p);
	case TK_LBRACE:
		if (!p->no_brace)
			return parse_block(p, true);
		return parse_unexpected(p, "an expression");
	default:
		return parse_unexpected(p, "an expression");
	}
}

/* ---- postfix and prefix operators ---- */

static bool
is_place(const struct node *n)
{
	return n->kind == N_VAR || n->kind == N_MAP;
}

static struct node *
parse_field(struct parser *p, struct node *of)
{
	bool is_dot = p->tok.kind == TK_DOT;
	struct node *n;

	parse_take(p);
	if (p->tok.kind == TK_IDENT) {
		n = node_new(p->mem, N_FIELD, span_join(of->at, p->tok.at));
		n->u.str = p->tok.str;
	} else if (is_dot && p->tok.kind == TK_NUMBER) {
		n = node_new(p->mem, N_INDEX, span_join(of->at, p->tok.at));
		n->op = 1;
		n->kid[1] = new_int(p, p->tok.at, p->tok.num);
	} else {
		return parse_unexpected(p, is_dot ? "a field name or an index" : "a field name");
	}
	n->kid[0] = of;
	parse_take(p);
	return n;
}

static struct node *
parse_index(struct parser *p, struct node *of)
{
	struct node *n = node_new(p->mem, N_INDEX, of->at);
	bool no_brace = p->no_brace;

	parse_take(p);
	p->no_brace = false;
	n->kid[0] = of;
	n->kid[1] = parse_expr(p);
	p->no_brace = no_brace;
	if (!n->kid[1] || !parse_expect(p, TK_RBRACKET, "']' after the index"))
		return NULL;
	n->at = span_join(of->at, p->last);
	return n;
}

static struct node *
new_incdec(struct parser *p, struct token op, struct node *of, bool is_prefix)
{
	if (!is_place(of))
		return parse_error(p, op.at, E_SYNTAX, "'%s' takes a variable or a map", token_text(op.kind));
	struct node *n = node_new(p->mem, N_INCDEC, span_join(of->at, op.at));
	n->op = (int)op.kind;
	n->u.num = is_prefix;
	n->kid[0] = of;
	return n;
}

static struct node *
parse_postfix(struct parser *p)
{
	struct node *n = parse_primary(p);

	while (n) {
		struct token op = p->tok;
		switch (op.kind) {
		case TK_DOT: case TK_ARROW:
			n = parse_field(p, n);
			break;
		case TK_LBRACKET:
			n = parse_index(p, n);
			break;
		case TK_INC: case TK_DEC:
			parse_take(p);
			n = new_incdec(p, op, n, false);
			break;
		default:
			return n;
		}
	}
	return NULL;
}

/* The operand of ++, -- and &, which end a chain of prefixes: they take a name, not a value. */
static struct node *
parse_place_prefix(struct parser *p)
{
	struct token op = p->tok;

	parse_take(p);
	struct node *of = parse_primary(p);
	if (!of)
		return NULL;
	if (op.kind != TK_AMP)
		return new_incdec(p, op, of, true);
	if (!is_place(of) || (of->kind == N_MAP && of->kid[0]))
		return parse_error(p, span_join(op.at, of->at), E_SYNTAX,
				   "'&' takes a variable or a map without a key");
	struct node *n = node_new(p->mem, N_UNARY, span_join(op.at, of->at));
	n->op = TK_AMP;
	n->kid[0] = of;
	return n;
}

/* The next prefix as a node that waits for its operand in *slot.  NULL: there is none, or an error. */
static struct node *
parse_prefix(struct parser *p, struct node ***slot, bool *failed)
{
	struct node *n;

	switch (p->tok.kind) {
	case TK_MINUS: case TK_NOT: case TK_TILDE: case TK_STAR:
		n = node_new(p->mem, N_UNARY, p->tok.at);
		n->op = (int)p->tok.kind;
		break;
	case TK_LPAREN:
		if (!parse_is_cast(p))
			return NULL;
		n = node_new(p->mem, N_CAST, p->tok.at);
		parse_take(p);
		n->kid[0] = parse_type(p);
		*failed = !n->kid[0] || !parse_expect(p, TK_RPAREN, "')' after the type");
		*slot = &n->kid[1];
		return n;
	case TK_IDENT:
		if (p->tok.word != WORD_COMPTIME)
			return NULL;
		n = node_new(p->mem, N_COMPTIME, p->tok.at);
		break;
	default:
		return NULL;
	}
	parse_take(p);
	*slot = &n->kid[0];
	return n;
}

static struct node *
parse_prefixed(struct parser *p)
{
	struct node *head = NULL, **slot = &head, *operand;

	for (;;) {
		struct node **inner = NULL;
		bool failed = false;
		struct node *n = parse_prefix(p, &inner, &failed);
		if (failed)
			return NULL;
		if (!n)
			break;
		*slot = n;
		slot = inner;
	}
	if (p->tok.kind == TK_INC || p->tok.kind == TK_DEC || p->tok.kind == TK_AMP)
		operand = parse_place_prefix(p);
	else
		operand = parse_postfix(p);
	if (!operand)
		return NULL;
	*slot = operand;
	for (struct node *n = head; n != operand; n = n->kind == N_CAST ? n->kid[1] : n->kid[0])
		n->at = span_join(n->at, operand->at);
	return head;
}

struct node *
parse_unary(struct parser *p)
{
	if (!parse_enter(p))
		return NULL;
	struct node *n = parse_prefixed(p);
	p->depth--;
	return n;
}

/* ---- binary operators and ?: ---- */

int
parse_precedence(enum token_kind op)
{
	switch (op) {
	case TK_LOR:
		return 1;
	case TK_LAND:
		return 2;
	case TK_PIPE:
		return 3;
	case TK_CARET:
		return 4;
	case TK_AMP:
		return 5;
	case TK_EQ: case TK_NE:
		return 6;
	case TK_LT: case TK_LE: case TK_GT: case TK_GE:
		return 7;
	case TK_SHL: case TK_SHR:
		return 8;
	case TK_PLUS: case TK_MINUS:
		return 9;
	case TK_STAR: case TK_SLASH: case TK_PERCENT:
		return 10;
	default:
		return 0;
	}
}

static struct node *
parse_binary(struct parser *p, int at_least)
{
	struct node *left = parse_unary(p);

	while (left) {
		enum token_kind op = p->tok.kind;
		int level = parse_precedence(op);
		if (!level || level < at_least)
			return left;
		if (op == TK_SLASH && lex_peek_char(&p->lex) == '{')
			return left; /* the end of a predicate */
		parse_take(p);
		struct node *right = parse_binary(p, level + 1);
		if (!right)
			return NULL;
		struct node *n = node_new(p->mem, N_BINARY, span_join(left->at, right->at));
		n->op = (int)op;
		n->lhs = left;
		n->rhs = right;
		left = n;
	}
	return NULL;
}

/* Between ? and :, where expressions nest without a bracket. */
static struct node *
parse_middle(struct parser *p)
{
	if (!parse_enter(p))
		return NULL;
	struct node *n = parse_expr(p);
	p->depth--;
	return n;
}

struct node *
parse_expr(struct parser *p)
{
	struct node *head = NULL, **slot = &head, *n;

	for (;;) {
		n = parse_binary(p, 1);
		if (!n)
			return NULL;
		if (p->tok.kind != TK_QUESTION)
			break;
		struct node *t = node_new(p->mem, N_TERNARY, n->at);
		t->cond = n;
		parse_take(p);
		if (p->tok.kind != TK_COLON) {
			t->then = parse_middle(p);
			if (!t->then)
				return NULL;
		}
		if (!parse_expect(p, TK_COLON, "':' of the '?'"))
			return NULL;
		*slot = t;
		slot = &t->els;
	}
	*slot = n;
	for (struct node *t = head; t != n; t = t->els)
		t->at = span_join(t->at, n->at);
	return head;
}
