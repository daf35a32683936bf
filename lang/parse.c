/* parse.c - the parser's tools, attach points, and a script's outer level (LANGUAGE 1.2, 1.3). */
#include "lang/cread.h"

/* ---- tools ---- */

void
parse_take(struct parser *p)
{
	p->last = p->tok.at;
	p->tok = lex_next(&p->lex);
}

bool
parse_accept(struct parser *p, enum token_kind kind)
{
	if (p->tok.kind != kind)
		return false;
	parse_take(p);
	return true;
}

bool
parse_expect(struct parser *p, enum token_kind kind, const char *what)
{
	if (parse_accept(p, kind))
		return true;
	parse_unexpected(p, what);
	return false;
}

struct node *
parse_error(struct parser *p, struct span at, enum diag_tag tag, const char *fmt, ...)
{
	struct buf text = { .arena = p->mem };
	va_list ap;

	va_start(ap, fmt);
	buf_vfmt(&text, fmt, ap);
	va_end(ap);
	lex_error(&p->lex, at, tag, "%s", buf_cstr(&text));
	return NULL;
}

struct node *
parse_unexpected(struct parser *p, const char *wanted)
{
	const struct token *t = &p->tok;
	const char *text = p->lex.text + t->at.off;
	int len = (int)(t->at.len > 40 ? 40 : t->at.len);

	p->is_hushed = p->is_silent || t->is_after_error || (t->kind == TK_EOF && p->lex.is_cut);
	if (p->is_hushed) {
		p->lex.was_quiet = true;
		return NULL;
	}
	switch (t->kind) {
	case TK_EOF:
		return parse_error(p, t->at, E_SYNTAX, "expected %s, found the end of the text", wanted);
	case TK_STRING:
		return parse_error(p, t->at, E_SYNTAX, "expected %s, found a string", wanted);
	case TK_IDENT:
		if (t->word != WORD_NONE)
			return parse_error(p, t->at, E_SYNTAX, "expected %s, found the reserved word '%s'", wanted,
					   t->str);
		return parse_error(p, t->at, E_SYNTAX, "expected %s, found '%.*s'", wanted, len, text);
	default:
		return parse_error(p, t->at, E_SYNTAX, "expected %s, found '%.*s'", wanted, len, text);
	}
}

struct node *
parse_unsupported(struct parser *p, struct span at, const char *what)
{
	return parse_error(p, at, E_UNSUPPORTED, "%s: the language has this, but this build of sonde does not", what);
}

void
parse_hint(struct parser *p, const char *text)
{
	if (!p->is_hushed)
		diag_hint(p->diags, "%s", text);
}

void
parse_hint_line(struct parser *p, const char *text, struct span at)
{
	if (!p->is_hushed)
		diag_hint(p->diags, "%s on line %u", text, diags_place(p->diags, at).line);
}

bool
parse_enter(struct parser *p)
{
	if (p->depth < MAX_NESTING) {
		p->depth++;
		return true;
	}
	if (!p->is_fatal)
		parse_error(p, p->tok.at, E_NESTING, "this is nested more than %d levels deep", MAX_NESTING);
	p->is_lost = p->is_fatal = true;
	return false;
}

struct token
parse_peek(const struct parser *p)
{
	struct lexer l = p->lex;

	l.is_quiet = true;
	return lex_next(&l);
}

static bool
is_word_at(const struct parser *p, struct span at, const char *lower)
{
	if (at.len != strlen(lower))
		return false;
	for (uint32_t i = 0; i < at.len; i++)
		if ((p->lex.text[at.off + i] | 0x20) != lower[i])
			return false;
	return true;
}

bool
parse_is_probe(const struct parser *p)
{
	uint32_t end = p->tok.at.off + p->tok.at.len;

	if (p->tok.kind != TK_IDENT || p->tok.word != WORD_NONE)
		return false;
	if (end + 1 < p->lex.len && p->lex.text[end] == ':' && !is_blank(p->lex.text[end + 1]))
		return true;
	return (is_word_at(p, p->tok.at, "begin") || is_word_at(p, p->tok.at, "end")) &&
	       lex_peek_char(&p->lex) == '{';
}

bool
parse_is_probe_line(const struct parser *p)
{
	uint32_t off = p->tok.at.off;

	return parse_is_probe(p) && (off == 0 || p->lex.text[off - 1] == '\n');
}

void
parse_skip_item(struct parser *p)
{
	unsigned depth = 0;

	p->lex.is_quiet = true;
	for (; p->tok.kind != TK_EOF && !p->is_lost; parse_take(p)) {
		if (parse_is_probe_line(p)) {
			p->is_lost = true;
			break;
		}
		if (depth == 0 && p->tok.kind == TK_SEMI)
			break;
		depth += p->tok.kind == TK_LBRACE;
		if (p->tok.kind == TK_RBRACE && (depth == 0 || --depth == 0))
			break;
	}
	p->lex.is_quiet = p->is_silent;
}

/* ---- attach points ---- */

static void
add_positional(struct parser *p, uint32_t start, struct buf *raw)
{
	const char *digits = p->lex.text + start + 1;
	uint32_t n = p->lex.pos - start - 1;
	struct span at = lex_span(&p->lex, start, p->lex.pos);
	uint64_t i = 0;
	bool is_neg;

	while (n > 1 && digits[0] == '0') {
		digits++;
		n--;
	}
	if (number_read(digits, n, &i, &is_neg) || i > INT64_MAX)
		parse_error(p, at, E_NUMBER, "the number of a positional parameter is too large");
	else if (i == 0)
		parse_error(p, at, E_NUMBER, "positional parameters begin with $1");
	else if (!p->opts || p->opts->argc < 0 || i > (uint64_t)p->opts->argc)
		diag_warn(p->diags, at, W_POSITIONAL, "Positional parameter $%llu is empty or not provided.",
			  (unsigned long long)i);
	else
		buf_str(raw, p->opts->argv[i - 1]);
}

/* "...": l->pos is on the first quote and moves behind the last.  What is in it is raw. */
static bool
skip_quoted(struct parser *p)
{
	struct lexer *l = &p->lex;
	uint32_t start = l->pos++;

	for (; l->pos < l->len && l->text[l->pos] != '\n'; l->pos++) {
		if (l->text[l->pos] == '"') {
			l->pos++;
			return true;
		}
		if (l->text[l->pos] == '\\' && l->pos + 1 < l->len && l->text[l->pos + 1] != '\n')
			l->pos++;
	}
	return lex_error(l, lex_span(l, start, l->pos), E_STRING, "unterminated string: '\"' is missing");
}

/* Reads raw text up to what ends an attach point. */
static bool
read_attach(struct parser *p, struct buf *raw)
{
	struct lexer *l = &p->lex;
	bool has_colon = false;

	while (l->pos < l->len) {
		char c = l->text[l->pos];
		uint32_t start = l->pos;
		if (is_blank(c) || c == '{' || c == ',' || (c == '/' && !has_colon))
			break;
		if (c == '"') {
			if (!skip_quoted(p))
				return false;
			buf_add(raw, l->text + start, l->pos - start);
			continue;
		}
		l->pos++;
		if ((unsigned char)c < ' ' || c == 0x7f) {
			struct span at = lex_span(l, start, l->pos);
			return lex_error(l, at, E_SYNTAX, "unexpected byte 0x%02x", (unsigned char)c);
		}
		if (c == '$' && l->pos < l->len && is_digit(l->text[l->pos])) {
			while (l->pos < l->len && is_digit(l->text[l->pos]))
				l->pos++;
			add_positional(p, start, raw);
			continue;
		}
		has_colon = has_colon || c == ':';
		buf_char(raw, c);
	}
	return true;
}

/* Behind the name of name=provider:..., which the language keeps for later. */
static const char *
skip_label(const char *raw)
{
	const char *s = raw;

	while (is_name(*s))
		s++;
	return is_name_start(*raw) && *s == '=' && s[1] ? s + 1 : raw;
}

static struct node *
parse_attach(struct parser *p)
{
	struct buf raw = { .arena = p->mem };
	uint32_t start = p->lex.pos;

	if (!read_attach(p, &raw)) {
		parse_take(p);
		return NULL;
	}
	struct span at = lex_span(&p->lex, start, p->lex.pos);
	p->lex.last_end = p->lex.pos;
	if (!at.len) {
		parse_take(p);
		return parse_unexpected(p, "a probe");
	}
	const char *text = buf_cstr(&raw);
	if (strchr("};)]=", p->lex.text[start]) || p->lex.text[p->lex.pos - 1] == ';') {
		/* A statement, or a '}' too many: what follows it may be read again. */
		p->tok = (struct token){ .kind = TK_SEMI, .at = at };
		return parse_error(p, at, E_SYNTAX, "expected a probe, found '%.*s'",
				   (int)(at.len > 40 ? 40 : at.len), p->lex.text + start);
	}
	text = skip_label(text);
	struct node *n = node_new(p->mem, N_ATTACH, at);
	n->u.str = str_intern(p->mem, text, strlen(text));
	return n;
}

/* The list of attach points; tok is then what follows it. */
static bool
parse_attach_list(struct parser *p, struct node *probe)
{
	struct node **end = &probe->kid[0];
	char c;

	for (;;) {
		struct node *n = parse_attach(p);
		if (!n)
			return false;
		*end = n;
		end = &n->next;
		probe->at = span_join(probe->kid[0]->at, n->at);
		lex_skip(&p->lex);
		c = lex_peek_char(&p->lex);
		if (c != ',')
			break;
		p->lex.last_end = ++p->lex.pos;
		lex_skip(&p->lex);
		c = lex_peek_char(&p->lex);
		if (c == '{' || c == '/') /* a trailing comma */
			break;
	}
	p->last = probe->at;
	p->tok = lex_next(&p->lex);
	return true;
}

static struct node *
parse_probe(struct parser *p)
{
	struct node *n = node_new(p->mem, N_PROBE, NO_SPAN);

	if (!parse_attach_list(p, n))
		return NULL;
	if (p->tok.kind != TK_SLASH && p->tok.kind != TK_LBRACE)
		return parse_unexpected(p, "'{', a predicate or ',' after the probe");
	if (parse_accept(p, TK_SLASH)) {
		n->kid[1] = parse_expr(p);
		if (!n->kid[1])
			return NULL;
		if (!parse_expect(p, TK_SLASH, "'/' after the predicate") && p->tok.kind != TK_LBRACE)
			return NULL;
	}
	n->kid[2] = parse_block_open(p);
	if (!n->kid[2])
		return NULL;
	parse_settle(p, n->kid[2], false);
	return n;
}

/* ---- the program ---- */

/* What begins at lex.pos: a word, and what follows it where the word could also begin a probe. */
static enum item
item_at(const struct parser *p)
{
	static const struct {
		const char *word;
		enum item item;
		const char *next; /* characters behind the word; NULL: any name */
	} items[] = {
		{ "config", ITEM_CONFIG, "={" }, { "import", ITEM_IMPORT, "\"" }, { "macro", ITEM_MACRO, NULL },
		{ "fn", ITEM_FN, NULL },         { "struct", ITEM_C, NULL },      { "struct", ITEM_C, "{" },
		{ "union", ITEM_C, NULL },       { "union", ITEM_C, "{" },        { "enum", ITEM_C, NULL },
		{ "enum", ITEM_C, "{" },         { "typedef", ITEM_TYPEDEF, NULL }, { "let", ITEM_MAP, "@$" },
		{ "let", ITEM_MAP, NULL },
	};
	struct lexer l = p->lex;

	if (l.text[l.pos] == '#')
		return ITEM_CPP;
	if (!is_name_start(l.text[l.pos]))
		return ITEM_PROBE;
	l.is_quiet = true;
	struct token word = lex_next(&l);
	char next = lex_peek_char(&l);
	for (size_t i = 0; i < LENGTH(items); i++) {
		if (strcmp(items[i].word, word.str))
			continue;
		if (items[i].next ? next && strchr(items[i].next, next) : is_name_start(next))
			return items[i].item;
	}
	return ITEM_PROBE;
}

enum item
parse_item_at(const struct parser *p)
{
	return item_at(p);
}

struct seen {
	bool config, probe;
};

/* config and imports stand before probes; a script has one config. */
static bool
check_order(struct parser *p, enum item item, struct seen *seen)
{
	enum diag_tag tag = E_ORDER;
	const char *wrong = NULL;

	if (item == ITEM_CONFIG && seen->config) {
		tag = E_SYNTAX;
		wrong = "duplicate config block";
	} else if (item == ITEM_CONFIG && seen->probe) {
		wrong = "config must appear before probes and functions";
	} else if (item == ITEM_IMPORT && seen->probe) {
		wrong = "imports must appear before probes and functions";
	}
	seen->config = seen->config || item == ITEM_CONFIG;
	seen->probe = seen->probe || item == ITEM_PROBE || item == ITEM_MACRO || item == ITEM_FN || item == ITEM_MAP;
	if (wrong)
		parse_error(p, p->tok.at, tag, "%s", wrong);
	return !wrong;
}

/* Reads or skips what begins at lex.pos. */
static struct node *
parse_item(struct parser *p, struct seen *seen)
{
	enum item item = item_at(p);
	struct node *n = NULL;

	if (item == ITEM_CPP) {
		cpp_line(p->c, &p->lex);
		return NULL;
	}
	if (item == ITEM_C || item == ITEM_TYPEDEF) {
		cdef_parse(p->c, &p->lex);
		return NULL;
	}
	if (item != ITEM_PROBE)
		parse_take(p);
	bool is_in_order = check_order(p, item, seen);
	if (item == ITEM_PROBE)
		n = parse_probe(p);
	else if (item == ITEM_CONFIG)
		n = parse_config(p);
	else if (item == ITEM_MAP)
		n = parse_map_decl(p);
	else if (item == ITEM_MACRO)
		n = parse_macro(p);
	else if (item == ITEM_IMPORT)
		n = parse_import(p);
	else if (is_in_order)
		parse_skip_unsupported(p, item);
	if (!n && !p->is_lost)
		parse_skip_item(p);
	return n;
}

/* Later passes go down the tree by recursion: says where it is too deep for them. */
static bool
check_depth(struct parser *p, const struct node *n, unsigned depth)
{
	for (; n; n = n->next) {
		if (depth > MAX_TREE) {
			parse_error(p, n->at, E_NESTING, "this nests more than %d levels deep, operators counted", MAX_TREE);
			return false;
		}
		for (int i = 0; i < node_kids(n->kind); i++)
			if (!check_depth(p, n->kid[i], depth + 1))
				return false;
	}
	return true;
}

struct node *
parse_program(struct arena *mem, struct diags *diags, int file, const struct parse_opts *opts)
{
	struct parser p = { .mem = mem, .diags = diags, .opts = opts, .c = opts && opts->c ? opts->c : c_file_new(mem, diags) };
	struct seen seen = { false, false };

	lex_start(&p.lex, mem, diags, file);
	struct node *program = node_new(mem, N_PROGRAM, lex_span(&p.lex, 0, p.lex.len)), **end = &program->kid[0];
	for (lex_skip(&p.lex); p.lex.pos < p.lex.len && !p.is_fatal; lex_skip(&p.lex)) {
		p.depth = 0;
		p.no_brace = false;
		struct node *n = parse_item(&p, &seen);
		if (n) {
			*end = n;
			end = &n->next;
		}
		if (p.is_lost && !p.is_fatal) { /* tok is the begin of a probe that a broken construct ran into */
			p.lex.pos = p.tok.at.off;
			p.is_lost = false;
		}
	}
	cpp_finish(p.c, &p.lex);
	if (p.lex.failed || !check_depth(&p, program, 0))
		return NULL;
	return program;
}

static bool
place_at(struct node *n, void *at)
{
	n->at = *(struct span *)at;
	return true;
}

struct node *
parse_text(struct arena *mem, struct diags *diags, const char *text, size_t len, struct span at, const struct parse_opts *opts)
{
	struct parser p = { .mem = mem, .diags = diags, .opts = opts, .is_silent = true };
	struct buf plain = { .arena = mem };

	for (size_t i = 0; i < len; i++) { /* C's line ends that do not end a line */
		size_t skip = text[i] != '\\' || i + 1 == len ? 0 : text[i + 1] == '\n' ? 1 : text[i + 1] == '\r' && i + 2 < len && text[i + 2] == '\n' ? 2 : 0;

		buf_char(&plain, skip ? ' ' : text[i]);
		i += skip;
	}
	p.lex = (struct lexer){ .text = buf_cstr(&plain), .len = (uint32_t)plain.len, .mem = mem, .diags = diags, .is_quiet = true };
	parse_take(&p);
	struct node *n = parse_expr(&p);
	if (!n || p.tok.kind != TK_EOF || p.lex.was_quiet || node_depth(n, MAX_TREE) > MAX_TREE)
		return NULL;
	node_walk(n, place_at, &at);
	return n;
}

/* ---- is more to come? ---- */

/* A '/' at the outer level that is part of a path in an attach point: no blank since a ':'. */
static bool
is_path_slash(const char *src, size_t pos)
{
	while (pos > 0 && !is_blank(src[pos - 1]) && !strchr("{},;", src[pos - 1]))
		if (src[--pos] == ':')
			return true;
	return false;
}

/* The place behind the string or comment at pos; SIZE_MAX: it does not end. */
static size_t
skip_opaque(const char *src, size_t len, size_t pos)
{
	bool is_string = src[pos] == '"', is_line = !is_string && src[pos + 1] == '/';

	for (pos += is_string ? 1 : 2; pos < len; pos++) {
		if (src[pos] == '\n' && (is_string || is_line))
			return pos;
		if (is_string && src[pos] == '"')
			return pos + 1;
		if (is_string && src[pos] == '\\' && pos + 1 < len && src[pos + 1] != '\n')
			pos++;
		if (!is_string && !is_line && src[pos] == '*' && pos + 1 < len && src[pos + 1] == '/')
			return pos + 2;
	}
	return is_line ? len : SIZE_MAX;
}

bool
parse_is_unfinished(const char *src, size_t len)
{
	size_t depth = 0, pos = 0;

	while (pos < len) {
		char c = src[pos];
		bool is_comment = c == '/' && pos + 1 < len && (src[pos + 1] == '/' || src[pos + 1] == '*') &&
				  (depth || !is_path_slash(src, pos));
		if (c == '"' || is_comment) {
			pos = skip_opaque(src, len, pos);
			if (pos == SIZE_MAX)
				return true;
			continue;
		}
		if (c == '{' || c == '(' || c == '[')
			depth++;
		else if ((c == '}' || c == ')' || c == ']') && depth-- == 0)
			return false; /* one too many: nothing that follows helps */
		pos++;
	}
	return depth > 0;
}
