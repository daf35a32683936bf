/* format_script.c - the standard layout of a script: --fmt (LANGUAGE 7.2).
 *
 * Tokens stay what they are, and in their order; only what lies between them is made anew: blanks, line ends, and ';' and ','
 * that change nothing.  Comments stay where they stood.  Line ends inside an expression are the writer's own. */
#include "lang/format_script.h"

enum { INDENT = 2, CONTINUED = 4, MAX_BRACES = 1024 };
struct brace {                           /* an open '{' */
	bool is_statements;              /* the block of a statement or probe, not a value */
	bool is_inline;                  /* stays on its line */
	bool is_plain;                   /* its statements give no value: a last ';' changes nothing */
	bool is_control;                 /* of the statement around it: it begins with if, while ... */
	unsigned parens;                 /* of the expression around it */
};
struct layout {
	const char *text;
	const struct pieces *pieces;
	const struct piece *last;        /* the piece before, NULL: none */
	uint32_t last_end;               /* where it ended in the text */
	struct buf *out;
	struct brace brace[MAX_BRACES];
	unsigned n_braces, indent, parens;
	bool is_control;                 /* the statement at hand begins with if, while, for ... */
	bool is_statement_end;           /* last was the '}' of a statement's block */
	bool must_break;                 /* a comment up to the line's end was written */
	bool has_text;                   /* on the line at hand */
};

/* ---- output ---- */

static void
put(struct layout *l, const char *text, size_t len)
{
	buf_add(l->out, text, len);
	l->has_text = true;
}

static void
end_line(struct layout *l)
{
	if (l->has_text)
		buf_char(l->out, '\n');
	l->has_text = l->must_break = false;
}

static void
begin_line(struct layout *l, unsigned extra)
{
	end_line(l);
	buf_fill(l->out, ' ', (size_t)l->indent * INDENT + extra);
}

/* ---- comments ---- */

struct gap { uint32_t pos, end; unsigned n_lines; }; /* n_lines: line ends read since the last text */

/* The next comment between two pieces; false: there is none. */
static bool
next_comment(const struct layout *l, struct gap *g, uint32_t *off, uint32_t *len)
{
	g->n_lines = 0;
	for (; g->pos < g->end; g->pos++) {
		uint32_t at = g->pos;

		g->n_lines += l->text[at] == '\n';
		if (l->text[at] != '/' || at + 1 >= g->end || (l->text[at + 1] != '/' && l->text[at + 1] != '*'))
			continue;
		bool is_line = l->text[at + 1] == '/';
		for (g->pos += 2; g->pos < g->end; g->pos++) {
			if (is_line && l->text[g->pos] == '\n')
				break;
			if (!is_line && l->text[g->pos] == '*' && g->pos + 1 < g->end && l->text[g->pos + 1] == '/') {
				g->pos += 2;
				break;
			}
		}
		*off = at;
		*len = g->pos - at;
		while (is_line && *len && is_blank(l->text[*off + *len - 1]))
			--*len;
		return true;
	}
	return false;
}

static bool
is_in_expression(const struct layout *l)
{
	return l->last && (l->parens || (l->last->kind != TK_SEMI && l->last->kind != TK_LBRACE && !l->is_statement_end &&
					 (l->n_braces || l->last->role == ROLE_PREDICATE)));
}

static void
put_comment(struct layout *l, uint32_t off, uint32_t len, unsigned n_lines)
{
	bool is_line = l->text[off + 1] == '/';

	if (n_lines && l->last) {
		bool is_first = l->last->kind == TK_LBRACE && l->last_end <= off && !l->must_break && l->out->len && l->has_text;

		end_line(l);
		if (n_lines > 1 && !(is_first && l->last->kind == TK_LBRACE))
			buf_char(l->out, '\n');
		begin_line(l, is_in_expression(l) ? CONTINUED : 0);
	} else if (l->must_break) {
		begin_line(l, 0);
	} else if (l->has_text) {
		buf_char(l->out, ' ');
	}
	put(l, l->text + off, len);
	l->must_break = is_line;
}

/* Writes the comments before `end`.  How many line ends lie behind the last one, or in all; *any: there was one. */
static unsigned
put_comments(struct layout *l, uint32_t end, bool *any)
{
	struct gap g = { l->last_end, end, 0 };
	uint32_t off, len;
	bool is_first = true;

	*any = false;
	while (next_comment(l, &g, &off, &len)) {
		if (!l->last && !is_first && g.n_lines) { /* at the head of the script */
			end_line(l);
			if (g.n_lines > 1)
				buf_char(l->out, '\n');
		}
		put_comment(l, off, len, l->last ? g.n_lines : 0);
		/* a comment on lines of its own is followed by a line of its own */
		if (g.n_lines && l->last && l->text[off + 1] == '*' && memchr(l->text + off, '\n', len))
			l->must_break = true;
		is_first = false;
		*any = true;
	}
	return g.n_lines;
}

/* ---- blanks ---- */

/* A word behind which a bracket is no call's. */
static bool
is_statement_word(const struct piece *x)
{
	switch (x->word) {
	case WORD_IF: case WORD_WHILE: case WORD_FOR: case WORD_UNROLL: case WORD_RETURN: case WORD_ELSE: case WORD_LET: case WORD_COMPTIME:
	case WORD_IMPORT:
		return x->kind == TK_IDENT;
	default:
		return false;
	}
}

/* Would the two read as something else without a blank? */
static bool
would_merge(const struct layout *l, const struct piece *a, const struct piece *b)
{
	char x = l->text[a->off + a->len - 1], y = l->text[b->off];

	if (is_name(x) && is_name(y))
		return true;
	if (x == '/' && (y == '/' || y == '*'))
		return true;
	return (x == y && strchr("+-&|<>=.", x)) || (y == '=' && strchr("+-*/%&|^<>=!", x)) || (x == '-' && y == '>');
}

static bool
wants_blank(const struct piece *a, const struct piece *b)
{
	if (a->role == ROLE_PREDICATE || b->role == ROLE_PREDICATE_END)
		return false;
	if (b->role == ROLE_PREDICATE || a->role == ROLE_PREDICATE_END)
		return true;
	if (a->role == ROLE_PREFIX || a->role == ROLE_CAST)
		return false;
	if (b->role == ROLE_STAR)
		return a->role != ROLE_STAR;
	if (a->role == ROLE_STAR && (b->kind == TK_RPAREN || b->kind == TK_LBRACKET))
		return false;
	switch (b->kind) {
	case TK_SEMI: case TK_COMMA: case TK_RPAREN: case TK_RBRACKET: case TK_DOT: case TK_ARROW: case TK_DOTDOT: case TK_LBRACKET:
		return false;
	case TK_LPAREN:
		if (a->kind == TK_NOT)
			return false;    /* name!(...), a macro's call */
		if (a->kind == TK_IDENT)
			return is_statement_word(a);
		break;
	case TK_INC: case TK_DEC:
		if (b->role != ROLE_PREFIX)
			return false;
		break;
	case TK_NOT:
		if (b->role != ROLE_PREFIX)
			return false;
		break;
	case TK_COLON:
		return a->kind != TK_QUESTION;
	default:
		break;
	}
	switch (a->kind) {
	case TK_LPAREN: case TK_LBRACKET: case TK_DOT: case TK_ARROW: case TK_DOTDOT:
		return false;
	default:
		return true;
	}
}

/* ---- line ends inside an expression ---- */

static bool
is_operator(const struct piece *x)
{
	return (parse_precedence(x->kind) || x->kind == TK_QUESTION || x->kind == TK_COLON) && x->role == ROLE_NONE;
}

/* May the writer's line end stay here? */
static bool
may_break(const struct piece *a, const struct piece *b)
{
	if (b->kind == TK_LBRACE)
		return false;
	if (a->kind == TK_COMMA || a->kind == TK_LPAREN || a->kind == TK_LBRACKET || a->role == ROLE_PREDICATE)
		return true;
	if (is_operator(a) || (a->kind >= TK_ASSIGN && a->kind <= TK_SHR_EQ))
		return true;
	return b->kind == TK_RPAREN || b->kind == TK_RBRACKET || b->kind == TK_DOT || b->kind == TK_ARROW || is_operator(b);
}

/* ---- blocks ---- */

/* A value in braces without statements stays on its line: { 1 }. */
static bool
is_short(const struct layout *l, const struct piece *open)
{
	const struct piece *end = l->pieces->list + l->pieces->n;
	unsigned depth = 1;

	for (const struct piece *x = open + 1; x < end; x++) {
		uint32_t before = x[-1].off + x[-1].len;

		for (uint32_t i = before; i + 1 < x->off; i++)
			if (l->text[i] == '/' && (l->text[i + 1] == '/' || l->text[i + 1] == '*'))
				return false;
		if (x->kind == TK_SEMI)
			return false;
		depth += x->kind == TK_LBRACE;
		depth -= x->kind == TK_RBRACE;
		if (!depth)
			return true;
	}
	return false;
}

static void
open_brace(struct layout *l, const struct piece *x)
{
	struct brace *around = l->n_braces ? &l->brace[l->n_braces - 1] : NULL, *b = &l->brace[l->n_braces++];
	bool is_outer = !around, is_begin = around && (l->last->kind == TK_SEMI || l->last->kind == TK_LBRACE || l->is_statement_end);

	b->is_statements = is_outer || (!l->parens && around->is_statements && (l->is_control || is_begin));
	if (l->last && l->last->role == ROLE_PREDICATE)
		b->is_statements = false;
	b->is_inline = !b->is_statements && is_short(l, x);
	b->is_plain = b->is_statements && (is_outer ? x->item == ITEM_PROBE || x->item == ITEM_CONFIG : around->is_plain);
	b->is_control = l->is_control;
	b->parens = l->parens;
	l->parens = 0;
	l->is_control = false;
	l->indent += !b->is_inline;
}

/* Returns the brace that was open. */
static struct brace
close_brace(struct layout *l)
{
	struct brace b = l->brace[--l->n_braces];

	l->indent -= !b.is_inline;
	l->parens = b.parens;
	l->is_control = b.is_control;
	return b;
}

/* ---- the pieces ---- */

static const struct brace *
innermost(const struct layout *l)
{
	return l->n_braces ? &l->brace[l->n_braces - 1] : NULL;
}

/* Adds the ';' that the writer left out before a '}' where it changes nothing. */
static void
put_last_semicolon(struct layout *l)
{
	const struct brace *b = innermost(l);

	if (b && b->is_plain && !l->parens && l->last->kind != TK_SEMI && l->last->kind != TK_LBRACE && l->last->kind != TK_RBRACE)
		put(l, ";", 1);
}

/* A ';' behind nothing, or behind the block of a statement. */
static bool
is_needless(const struct layout *l, const struct piece *x)
{
	const struct brace *b = innermost(l);

	return x->kind == TK_SEMI && b && b->is_plain && !l->parens &&
	       (l->last->kind == TK_SEMI || l->last->kind == TK_LBRACE || l->is_statement_end);
}

/* Does a line begin with x inside an outer construct? */
static bool
begins_line(const struct layout *l, const struct piece *x)
{
	const struct piece *a = l->last;
	const struct brace *b = innermost(l);

	if (x->role == ROLE_ATTACH || (a->role == ROLE_ATTACH && x->role == ROLE_PREDICATE && a > l->pieces->list && !a->is_first))
		return true;
	if (!b || b->is_inline || l->parens)
		return false;
	if (x->kind == TK_RBRACE)
		return a->kind != TK_LBRACE;
	if (a->kind == TK_LBRACE || a->kind == TK_SEMI)
		return true;
	return l->is_statement_end && !(x->kind == TK_IDENT && x->word == WORD_ELSE);
}

/* Between the outer constructs: an empty line where one of them has a block, elsewhere what the writer left. */
static bool
wants_empty_line(const struct layout *l, const struct piece *x, unsigned n_lines)
{
	enum item a = l->last->item, b = x->item;
	bool is_one_line = a != ITEM_PROBE && a != ITEM_CONFIG && a != ITEM_MACRO && a != ITEM_FN && a == b;

	return !is_one_line || n_lines > 1;
}

static unsigned
count_lines(const struct layout *l, uint32_t from, uint32_t to)
{
	unsigned n = 0;

	for (; from < to; from++)
		n += l->text[from] == '\n';
	return n;
}

/* What lies between two constructs: the comments behind the first stay there, those before the second go with it. */
static void
separate(struct layout *l, const struct piece *x)
{
	struct gap g = { l->last_end, x->off, 0 };
	bool is_empty = false;
	uint32_t off, len;

	while (next_comment(l, &g, &off, &len)) {
		if (g.n_lines == 0 && l->has_text && !l->must_break) {
			buf_char(l->out, ' ');
		} else {
			end_line(l);
			if (!is_empty && wants_empty_line(l, x, g.n_lines))
				buf_char(l->out, '\n');
			else if (is_empty && g.n_lines > 1)
				buf_char(l->out, '\n');
			is_empty = true;
		}
		put(l, l->text + off, len);
		l->must_break = l->text[off + 1] == '/';
	}
	end_line(l);
	if (is_empty ? g.n_lines > 1 : wants_empty_line(l, x, g.n_lines))
		buf_char(l->out, '\n');
}

/* No blank stands before it, not even behind a comment. */
static bool
closes(const struct piece *x)
{
	return x->kind == TK_SEMI || x->kind == TK_COMMA || x->kind == TK_RPAREN || x->kind == TK_RBRACKET;
}

/* Brings the line to where x is to be written. */
static void
go_to(struct layout *l, const struct piece *x)
{
	uint32_t start = l->last_end;
	bool any, is_new;
	unsigned n_lines, before = l->indent;

	if (x->is_first && l->last) {
		separate(l, x);
		return;
	}
	n_lines = put_comments(l, x->off, &any);
	if (!l->last) {
		if (any)
			end_line(l);
		if (any && n_lines > 1)
			buf_char(l->out, '\n');
		return;
	}
	is_new = begins_line(l, x);
	if (x->kind == TK_RBRACE && l->n_braces && !l->brace[l->n_braces - 1].is_inline)
		l->indent--;
	if (is_new || (any && x->kind == TK_RBRACE)) {
		end_line(l);
		if (n_lines > 1 && x->kind != TK_RBRACE && x->role == ROLE_NONE && (any || l->last->kind != TK_LBRACE))
			buf_char(l->out, '\n');
		begin_line(l, 0);
	} else if (l->must_break) {
		begin_line(l, x->kind == TK_LBRACE || x->word == WORD_ELSE || x->role == ROLE_PREDICATE ? 0 : CONTINUED);
	} else if ((any ? n_lines : count_lines(l, start, x->off)) && may_break(l->last, x)) {
		begin_line(l, x->kind == TK_RPAREN || x->kind == TK_RBRACKET ? 0 : CONTINUED);
	} else if (l->last->kind == TK_LBRACE && x->kind == TK_RBRACE && !any) {
		;
	} else if (wants_blank(l->last, x) || would_merge(l, l->last, x) || (any && !closes(x))) {
		buf_char(l->out, ' ');
	}
	l->indent = before;
}

static bool
begins_control(const struct piece *x)
{
	return x->kind == TK_IDENT && (x->word == WORD_IF || x->word == WORD_WHILE || x->word == WORD_FOR || x->word == WORD_UNROLL);
}

static void
write_piece(struct layout *l, const struct piece *x)
{
	const struct brace *b = innermost(l);
	bool is_begin = b && b->is_statements && !l->parens &&
			(l->last->kind == TK_SEMI || l->last->kind == TK_LBRACE || l->is_statement_end);
	bool is_else = x->kind == TK_IDENT && x->word == WORD_ELSE && l->is_statement_end;

	if (is_begin)
		l->is_control = begins_control(x) || is_else;
	if (x->kind == TK_LBRACE && l->n_braces < MAX_BRACES)
		open_brace(l, x);
	l->is_statement_end = false;
	if (x->kind == TK_RBRACE && l->n_braces) {
		struct brace closed = close_brace(l);

		l->is_statement_end = closed.is_statements;
	}
	l->parens += x->kind == TK_LPAREN || x->kind == TK_LBRACKET;
	l->parens -= (x->kind == TK_RPAREN || x->kind == TK_RBRACKET) && l->parens;
	put(l, l->text + x->off, x->len);
}

/* A ',' behind the last attach point. */
static bool
is_trailing_comma(const struct layout *l, const struct piece *x)
{
	return x->kind == TK_COMMA && l->last && l->last->role == ROLE_ATTACH && x[1].role != ROLE_ATTACH;
}

static void
write_script(struct layout *l)
{
	const struct piece *x = l->pieces->list, *end = x + l->pieces->n;
	bool any;

	for (; x < end; x++) {
		if (is_trailing_comma(l, x) || (l->last && is_needless(l, x))) {
			put_comments(l, x->off, &any);
			l->last_end = x->off + x->len;
			continue;
		}
		if (x->kind == TK_RBRACE && l->n_braces)
			put_last_semicolon(l);
		go_to(l, x);
		write_piece(l, x);
		if (x->item == ITEM_MAP && x->kind == TK_RPAREN && (x + 1 == end || x[1].is_first))
			put(l, ";", 1);
		l->last = x;
		l->last_end = x->off + x->len;
	}
}

/* ---- the whole ---- */

/* The first line of an executable script; where the rest begins. */
static uint32_t
put_shebang(struct layout *l, const struct source *src)
{
	uint32_t pos = src->len >= 3 && !memcmp(src->text, "\xef\xbb\xbf", 3) ? 3 : 0, start = pos, end;

	if (src->len - pos < 2 || memcmp(src->text + pos, "#!", 2) != 0)
		return pos;
	while (pos < src->len && src->text[pos] != '\n')
		pos++;
	for (end = pos; end > start && is_blank(src->text[end - 1]);)
		end--;
	put(l, src->text + start, end - start);
	end_line(l);
	if (count_lines(l, pos, (uint32_t)src->len) > 1 && pos + 1 < src->len && src->text[pos + 1] == '\n')
		buf_char(l->out, '\n');
	return pos;
}

/* Is the formatted text the same program? */
static bool
is_same(struct arena *mem, struct diags *diags, const struct node *program, struct buf *text)
{
	struct buf a = { .arena = mem }, b = { .arena = mem };
	int file = diags_add_source(diags, "formatted", buf_cstr(text), text->len);
	struct node *again = file < 0 ? NULL : parse_program(mem, diags, file, NULL);

	if (file < 0)
		text->failed = true;     /* no memory */
	if (text->failed)
		return true;
	if (!again)
		return diag_error(diags, program->at, E_INTERNAL, "formatted, the script would no longer parse");
	node_dump(program, &a);
	node_dump(again, &b);
	return (a.len == b.len && memcmp(buf_cstr(&a), buf_cstr(&b), a.len) == 0) ||
	       diag_error(diags, program->at, E_INTERNAL, "formatted, the script would mean something else");
}

bool
format_script(struct arena *mem, struct diags *diags, int file, struct buf *out)
{
	struct node *program = parse_program(mem, diags, file, NULL);
	const struct source *src = diags_source(diags, (unsigned)file);
	struct pieces pieces = { .mem = mem };
	struct layout *l;
	bool any;

	if (!program)
		return false;
	pieces_read(&pieces, diags, file, program);
	l = arena_alloc(mem, sizeof(*l));
	l->text = src->text;
	l->pieces = &pieces;
	l->out = out;
	l->last_end = put_shebang(l, src);
	write_script(l);
	put_comments(l, (uint32_t)src->len, &any);
	end_line(l);
	return is_same(mem, diags, program, out);
}
