/* format_tokens.c - a script's tokens for the formatter.  The lexer gives them; the tree knows where attach points lie, and
 * which of an operator's or a bracket's meanings is meant. */
#include "lang/format_script.h"

struct reader {
	struct pieces *out;
	struct parser p;                 /* for its lexer and parse_item_at() */
	uint8_t *role;                   /* by offset in the text */
	const struct node *probe;        /* the next one of the tree */
	struct piece proto;              /* what all pieces of the construct at hand have in common */
};

/* ---- what the tree knows ---- */

static bool
note_role(struct node *n, void *ud)
{
	uint8_t *role = ud;

	if (n->at.file == NO_SPAN.file)
		return true;
	switch (n->kind) {
	case N_UNARY:
		role[n->at.off] = ROLE_PREFIX;
		break;
	case N_INCDEC:
		if (n->u.num)
			role[n->at.off] = ROLE_PREFIX;
		break;
	case N_CAST:                     /* the '(' is the token before its type */
		role[n->kid[0]->at.off] = ROLE_CAST;
		break;
	case N_TYPE_SUFFIX:
		if (n->op == TK_STAR)
			role[n->at.off] = ROLE_STAR;
		break;
	default:
		break;
	}
	return true;
}

/* ---- pieces ---- */

static void
add(struct reader *r, enum token_kind kind, enum word word, enum role role, struct span at)
{
	struct pieces *s = r->out;
	struct piece *x;

	if (s->n == s->cap) {
		uint32_t cap = s->cap ? s->cap * 2 : 256;
		struct piece *more = arena_alloc(s->mem, cap * sizeof(*more));

		if (s->n)
			memcpy(more, s->list, s->n * sizeof(*more));
		s->list = more;
		s->cap = cap;
	}
	x = &s->list[s->n++];
	*x = r->proto;
	x->kind = kind;
	x->word = word;
	x->role = role;
	x->off = at.off;
	x->len = at.len;
	r->proto.is_first = false;
}

static bool
ends_operand(const struct piece *x)
{
	switch (x->kind) {
	case TK_NUMBER: case TK_STRING: case TK_VAR: case TK_MAP: case TK_POSITIONAL: case TK_RPAREN: case TK_RBRACKET: case TK_INC:
	case TK_DEC:
		return true;
	case TK_IDENT:
		return x->word != WORD_RETURN && x->word != WORD_IF && x->word != WORD_WHILE && x->word != WORD_COMPTIME;
	case TK_RBRACE:                  /* a value, or else the tree has marked what follows */
		return true;
	default:
		return false;
	}
}

/* Where no tree tells (the bodies of what is not expanded yet), the token before it does, but for what follows a ')'. */
static enum role
role_of(const struct reader *r, const struct token *t)
{
	const struct piece *last = r->out->n ? &r->out->list[r->out->n - 1] : NULL;
	enum role role = (enum role)r->role[t->at.off];

	switch (t->kind) {
	case TK_STAR:
		if (role == ROLE_STAR)
			return role;
		/* fall through */
	case TK_MINUS: case TK_NOT: case TK_TILDE: case TK_AMP: case TK_INC: case TK_DEC:
		return role == ROLE_PREFIX || !last || r->proto.is_first || !ends_operand(last) ? ROLE_PREFIX : ROLE_NONE;
	default:
		return ROLE_NONE;
	}
}

static struct token
take(struct reader *r)
{
	struct token t = lex_next(&r->p.lex);

	if (t.kind == TK_IDENT && r->role[t.at.off] == ROLE_CAST && r->out->n)
		r->out->list[r->out->n - 1].role = ROLE_CAST;
	if (t.kind != TK_EOF)
		add(r, t.kind, t.word, role_of(r, &t), t.at);
	return t;
}

/* The mark of a cast goes from its '(' to its ')'. */
static void
mark_casts(struct pieces *s)
{
	uint32_t *open = arena_alloc(s->mem, (s->n + 1) * sizeof(*open)), n = 0;

	for (uint32_t i = 0; i < s->n; i++) {
		struct piece *x = &s->list[i];

		if (x->kind == TK_LPAREN) {
			open[n++] = i;
		} else if (x->kind == TK_RPAREN && n) {
			x->role = s->list[open[--n]].role;
			s->list[open[n]].role = ROLE_NONE;
		}
	}
}

/* ---- outer constructs ---- */

/* Up to the '}' of the first block, or to what ends a construct without one. */
static void
read_to_end(struct reader *r, enum token_kind end)
{
	unsigned depth = 0;
	struct token t;

	do {
		t = take(r);
		depth += t.kind == TK_LBRACE;
		depth -= t.kind == TK_RBRACE && depth;
	} while (t.kind != TK_EOF && (depth || (t.kind != TK_RBRACE && t.kind != end)));
}

static void
read_predicate(struct reader *r)
{
	unsigned depth = 0;

	for (;;) {
		struct token t = take(r);

		depth += t.kind == TK_LPAREN || t.kind == TK_LBRACKET || t.kind == TK_LBRACE;
		depth -= (t.kind == TK_RPAREN || t.kind == TK_RBRACKET || t.kind == TK_RBRACE) && depth;
		if (t.kind == TK_EOF)
			return;
		if (t.kind == TK_SLASH && !depth && lex_peek_char(&r->p.lex) == '{') {
			r->out->list[r->out->n - 1].role = ROLE_PREDICATE_END;
			return;
		}
	}
}

static void
read_probe(struct reader *r)
{
	struct lexer *l = &r->p.lex;

	while (r->probe && r->probe->kind != N_PROBE)
		r->probe = r->probe->next;
	for (const struct node *n = r->probe ? r->probe->kid[0] : NULL; n; n = n->next) {
		add(r, TK_IDENT, WORD_NONE, ROLE_ATTACH, n->at);
		l->pos = n->at.off + n->at.len;
		if (lex_peek_char(l) == ',')
			take(r);
	}
	if (r->probe)
		r->probe = r->probe->next;
	if (lex_peek_char(l) == '/') {
		take(r);
		r->out->list[r->out->n - 1].role = ROLE_PREDICATE;
		read_predicate(r);
	}
	read_to_end(r, TK_EOF);
}

/* The end of a line, and of those that it goes on to. */
static uint32_t
line_end(const struct lexer *l, uint32_t pos)
{
	while (pos < l->len && !(l->text[pos] == '\n' && l->text[pos - 1] != '\\'))
		pos++;
	return pos;
}

/* A definition of C: what is behind its '}' belongs to it as far as the ';', or as an attribute. */
static uint32_t
definition_end(struct reader *r)
{
	struct lexer *l = &r->p.lex;
	unsigned depth = 0;
	struct token t;

	do {
		t = lex_next(l);
		depth += t.kind == TK_LBRACE || t.kind == TK_LPAREN;
		depth -= (t.kind == TK_RBRACE || t.kind == TK_RPAREN) && depth;
		if (t.kind == TK_RBRACE && !depth && r->proto.item == ITEM_C && lex_peek_char(l) != ';' &&
		    strncmp(l->text + l->pos, " __attribute__", 14) != 0)
			break;
	} while (t.kind != TK_EOF && (depth || t.kind != TK_SEMI));
	return l->last_end;
}

static void
read_raw(struct reader *r)
{
	struct lexer *l = &r->p.lex;
	uint32_t start = l->pos, end = r->proto.item == ITEM_CPP ? line_end(l, start) : definition_end(r);

	while (end > start && is_blank(l->text[end - 1]))
		end--;
	l->pos = end;
	add(r, TK_IDENT, WORD_NONE, ROLE_RAW, lex_span(l, start, end));
}

static void
read_item(struct reader *r)
{
	struct lexer *l = &r->p.lex;

	r->proto = (struct piece){ .item = parse_item_at(&r->p), .is_first = true };
	switch (r->proto.item) {
	case ITEM_PROBE:
		read_probe(r);
		break;
	case ITEM_CPP: case ITEM_C: case ITEM_TYPEDEF:
		read_raw(r);
		break;
	case ITEM_IMPORT:
		read_to_end(r, TK_SEMI);
		break;
	case ITEM_MAP:
		read_to_end(r, TK_RPAREN);
		break;
	default:
		read_to_end(r, TK_EOF);
	}
	if ((r->proto.item == ITEM_MAP || r->proto.item == ITEM_CONFIG) && lex_peek_char(l) == ';')
		take(r);
}

void
pieces_read(struct pieces *out, struct diags *diags, int file, struct node *program)
{
	struct reader r = { .out = out, .probe = program->kid[0] };
	struct lexer *l = &r.p.lex;

	lex_start(l, out->mem, diags, file);
	l->is_quiet = true;
	r.role = arena_alloc(out->mem, (size_t)l->len + 1);
	node_walk(program, note_role, r.role);
	for (lex_skip(l); l->pos < l->len; lex_skip(l)) {
		uint32_t before = l->pos;

		read_item(&r);
		if (l->pos == before)
			break;           /* nothing that parses does this */
	}
	mark_casts(out);
}
