/* lex.c - text to tokens (LANGUAGE 1.1).  Attach points are no tokens: the parser reads them raw. */
#include "lang/lex.h"

static const char *const token_name[] = {
#define T(tag, text) [TK_##tag] = text,
#include "lang/token.def"
#undef T
};

static const struct {
	const char *text;
	enum word word;
} words[] = {
	{ "break", WORD_BREAK },       { "comptime", WORD_COMPTIME }, { "config", WORD_CONFIG },
	{ "continue", WORD_CONTINUE }, { "else", WORD_ELSE },         { "enum", WORD_ENUM },
	{ "false", WORD_FALSE },       { "fn", WORD_FN },             { "for", WORD_FOR },
	{ "if", WORD_IF },             { "import", WORD_IMPORT },     { "let", WORD_LET },
	{ "macro", WORD_MACRO },       { "offsetof", WORD_OFFSETOF }, { "return", WORD_RETURN },
	{ "sizeof", WORD_SIZEOF },     { "struct", WORD_STRUCT },     { "true", WORD_TRUE },
	{ "typeinfo", WORD_TYPEINFO }, { "typeof", WORD_TYPEOF },     { "union", WORD_UNION },
	{ "unroll", WORD_UNROLL },     { "while", WORD_WHILE },
};

const char *
token_text(enum token_kind kind)
{
	return kind < N_TOKENS ? token_name[kind] : "bad token";
}

struct span
lex_span(const struct lexer *l, uint32_t from, uint32_t to)
{
	return (struct span){ from, to - from, l->file };
}

bool
lex_error(struct lexer *l, struct span at, enum diag_tag tag, const char *fmt, ...)
{
	va_list ap;

	if (l->is_quiet) {
		l->was_quiet = true;
		return false;
	}
	l->failed = true;
	va_start(ap, fmt);
	struct buf text = { .arena = l->mem };
	buf_vfmt(&text, fmt, ap);
	va_end(ap);
	return diag_error(l->diags, at, tag, "%s", buf_cstr(&text));
}

static char
char_at(const struct lexer *l, uint32_t pos)
{
	return pos < l->len ? l->text[pos] : '\0';
}

static uint32_t
line_end(const struct lexer *l, uint32_t pos)
{
	const char *end = pos < l->len ? memchr(l->text + pos, '\n', l->len - pos) : NULL;

	return end ? (uint32_t)(end - l->text) : l->len;
}

void
lex_start(struct lexer *l, struct arena *mem, struct diags *diags, int file)
{
	const struct source *src = file >= 0 ? diags_source(diags, (unsigned)file) : NULL;

	*l = (struct lexer){ .mem = mem, .diags = diags, .file = (uint16_t)file, .text = "" };
	if (src) {
		l->text = src->text;
		l->len = (uint32_t)src->len;
	}
	if (l->len >= 3 && !memcmp(l->text, "\xef\xbb\xbf", 3)) /* the byte order mark of some editors */
		l->pos = 3;
	if (l->len - l->pos >= 2 && !memcmp(l->text + l->pos, "#!", 2))
		l->pos = line_end(l, l->pos);
}

/* ---- layout ---- */

/* Where the comment that begins at pos ends; 0: it does not. */
static uint32_t
comment_end(const struct lexer *l, uint32_t pos)
{
	for (pos += 2; pos + 1 < l->len; pos++)
		if (l->text[pos] == '*' && l->text[pos + 1] == '/')
			return pos + 2;
	return 0;
}

static uint32_t
skip_layout(const struct lexer *l, uint32_t pos, uint32_t *open_comment)
{
	for (;;) {
		char c = char_at(l, pos), next = char_at(l, pos + 1);
		if (is_blank(c)) {
			pos++;
		} else if (c == '/' && next == '/') {
			pos = line_end(l, pos);
		} else if (c == '/' && next == '*') {
			uint32_t end = comment_end(l, pos);
			if (!end) {
				*open_comment = pos;
				return l->len;
			}
			pos = end;
		} else {
			return pos;
		}
	}
}

void
lex_skip(struct lexer *l)
{
	uint32_t open_comment = UINT32_MAX;

	l->pos = skip_layout(l, l->pos, &open_comment);
	if (open_comment == UINT32_MAX)
		return;
	l->is_cut = l->is_cut || !l->is_quiet;
	lex_error(l, lex_span(l, open_comment, open_comment + 2), E_SYNTAX,
		  "the comment has no end: '*/' is missing");
}

char
lex_peek_char(const struct lexer *l)
{
	uint32_t ignored;

	return char_at(l, skip_layout(l, l->pos, &ignored));
}

/* ---- tokens with a value ---- */

static uint32_t
name_end(const struct lexer *l, uint32_t pos)
{
	while (is_name(char_at(l, pos)))
		pos++;
	return pos;
}

static void
lex_number(struct lexer *l, struct token *t)
{
	uint32_t start = l->pos;
	bool is_neg;

	l->pos = name_end(l, start);
	t->kind = TK_NUMBER;
	const char *wrong = number_read(l->text + start, l->pos - start, &t->num, &is_neg);
	if (wrong)
		lex_error(l, lex_span(l, start, l->pos), E_NUMBER, "%s", wrong);
}

static int
hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool
is_octal(char c)
{
	return c >= '0' && c <= '7';
}

/* The byte that an escape stands for; l->pos is on the backslash and moves behind the escape. */
static char
lex_escape(struct lexer *l)
{
	static const char plain[] = "n\nt\tr\r\"\"\\\\";
	uint32_t start = l->pos;
	char c = char_at(l, start + 1);
	unsigned value = 0, digits = 0;

	l->pos += 2;
	for (size_t i = 0; i + 1 < sizeof(plain) && c; i += 2)
		if (plain[i] == c)
			return plain[i + 1];
	if (is_octal(c)) {
		for (l->pos = start + 1; digits < 3 && is_octal(char_at(l, l->pos)); digits++)
			value = value * 8 + (unsigned)(char_at(l, l->pos++) - '0');
		if (value > 255)
			lex_error(l, lex_span(l, start, l->pos), E_STRING,
				  "an octal escape is at most \\377: a string holds bytes");
		return (char)value;
	}
	if (c == 'x' || c == 'X') {
		for (; digits < 2 && hex_value(char_at(l, l->pos)) >= 0; digits++)
			value = value * 16 + (unsigned)hex_value(char_at(l, l->pos++));
		if (!digits)
			lex_error(l, lex_span(l, start, l->pos), E_STRING, "\\%c wants hexadecimal digits", c);
		return (char)value;
	}
	while ((char_at(l, l->pos) & 0xc0) == 0x80) /* the rest of a UTF-8 character */
		l->pos++;
	lex_error(l, lex_span(l, start, l->pos), E_STRING, "invalid escape character '%.*s'", (int)(l->pos - start),
		  l->text + start);
	return c;
}

static void
lex_string(struct lexer *l, struct token *t)
{
	uint32_t start = l->pos++;
	struct buf text = { .arena = l->mem };

	t->kind = TK_STRING;
	for (;;) {
		char c = char_at(l, l->pos);
		if (l->pos >= l->len || c == '\n' || (c == '\\' && (l->pos + 1 >= l->len || l->text[l->pos + 1] == '\n'))) {
			l->pos += c == '\\';
			lex_error(l, lex_span(l, start, l->pos), E_STRING, "unterminated string: '\"' is missing");
			l->is_hurt = true;
			l->is_cut = l->is_cut || !l->is_quiet;
			break;
		}
		if (c == '"') {
			l->pos++;
			break;
		}
		if (c == '\\')
			c = lex_escape(l);
		else
			l->pos++;
		buf_char(&text, c);
	}
	t->str_len = (uint32_t)text.len;
	t->str = str_intern(l->mem, text.len ? text.data : "", text.len);
}

static void
lex_name(struct lexer *l, struct token *t)
{
	uint32_t start = l->pos;

	t->kind = TK_IDENT;
	l->pos = name_end(l, start);
	uint32_t n = l->pos - start;
	t->str = str_intern(l->mem, l->text + start, n);
	for (size_t i = 0; i < LENGTH(words); i++)
		if (words[i].text[0] == t->str[0] && !strcmp(words[i].text, t->str))
			t->word = words[i].word;
}

/* $name, $1, $# */
static void
lex_dollar(struct lexer *l, struct token *t)
{
	uint32_t start = l->pos;
	char c = char_at(l, start + 1);
	bool is_neg;

	if (is_name_start(c)) {
		l->pos = name_end(l, start + 1);
		t->kind = TK_VAR;
		t->str = str_intern(l->mem, l->text + start, l->pos - start);
		return;
	}
	t->kind = TK_POSITIONAL;
	if (c == '#') {
		l->pos += 2;
		return;
	}
	if (!is_digit(c)) {
		l->pos++;
		t->num = 1;
		lex_error(l, lex_span(l, start, l->pos), E_SYNTAX, "'$' begins a name, a number or $#");
		return;
	}
	l->pos = name_end(l, start + 1);
	const char *digits = l->text + start + 1;
	uint32_t n = l->pos - start - 1;
	struct span at = lex_span(l, start, l->pos);
	for (uint32_t i = 0; i < n; i++)
		if (!is_digit(digits[i])) {
			lex_error(l, at, E_SYNTAX, "the number of a positional parameter has only digits");
			t->num = 1;
			return;
		}
	while (n > 1 && digits[0] == '0') {
		digits++;
		n--;
	}
	if (number_read(digits, n, &t->num, &is_neg) || t->num > INT64_MAX)
		lex_error(l, at, E_NUMBER, "the number of a positional parameter is too large");
	else if (t->num == 0)
		lex_error(l, at, E_NUMBER, "positional parameters begin with $1");
	if (!t->num)
		t->num = 1;
}

/* @name or @ */
static void
lex_map(struct lexer *l, struct token *t)
{
	uint32_t start = l->pos++;

	t->kind = TK_MAP;
	if (is_name_start(char_at(l, l->pos)))
		l->pos = name_end(l, l->pos);
	t->str = str_intern(l->mem, l->text + start, l->pos - start);
}

/* ---- operators ---- */

/* The longest operator at this place; TK_ERROR: none. */
static enum token_kind
operator_at(const struct lexer *l, uint32_t *len)
{
	enum token_kind best = TK_ERROR;

	*len = 0;
	for (int k = TK_LBRACE; k < N_TOKENS; k++) {
		const char *text = token_name[k];
		uint32_t n = (uint32_t)strlen(text);
		if (text[0] == l->text[l->pos] && n > *len && n <= l->len - l->pos &&
		    !memcmp(text, l->text + l->pos, n)) {
			best = (enum token_kind)k;
			*len = n;
		}
	}
	return best;
}

static bool
begins_token(char c)
{
	return is_name(c) || is_blank(c) || (c && strchr("\"$@#{}()[];,:?.=+-*/%&|^<>!~", c));
}

/* How long the UTF-8 character at pos is; 0: these bytes are none. */
static uint32_t
utf8_len(const struct lexer *l, uint32_t pos)
{
	unsigned char c = (unsigned char)char_at(l, pos);
	uint32_t n = c >= 0xf0 && c < 0xf5 ? 4 : c >= 0xe0 ? 3 : 2;

	if (c < 0xc2 || c >= 0xf5)
		return 0;
	for (uint32_t i = 1; i < n; i++)
		if (((unsigned char)char_at(l, pos + i) & 0xc0) != 0x80)
			return 0;
	return n;
}

/* 'text': reads on as if it were a string. */
static bool
lex_single_quotes(struct lexer *l, struct token *t)
{
	uint32_t start = l->pos, end = line_end(l, start);
	const char *quote = memchr(l->text + start + 1, '\'', end - start - 1);

	if (!quote)
		return false;
	l->pos = (uint32_t)(quote + 1 - l->text);
	t->kind = TK_STRING;
	t->str = str_intern(l->mem, "", 0);
	t->at = lex_span(l, start, l->pos);
	l->last_end = l->pos;
	lex_error(l, t->at, E_SYNTAX, "strings stand in double quotes, not in single ones");
	return true;
}

/* Bytes that begin no token: neighbours that are not ASCII in one message. */
static void
skip_garbage(struct lexer *l)
{
	uint32_t start = l->pos++, n = utf8_len(l, start);
	unsigned char c = (unsigned char)l->text[start];

	while (c >= 0x80 && l->pos < l->len && (unsigned char)l->text[l->pos] >= 0x80)
		l->pos++;
	struct span at = lex_span(l, start, l->pos);
	l->is_hurt = true;
	if (c == '\'')
		lex_error(l, at, E_SYNTAX, "unexpected \"'\": strings stand in double quotes");
	else if (c >= ' ' && c < 0x7f)
		lex_error(l, at, E_SYNTAX, "unexpected character '%c'", c);
	else if (n)
		lex_error(l, at, E_SYNTAX, "unexpected character '%.*s'", (int)n, l->text + start);
	else
		lex_error(l, at, E_SYNTAX, "unexpected byte 0x%02x", c);
}

struct token
lex_next(struct lexer *l)
{
	struct token t = { .kind = TK_EOF };
	uint32_t len;

	lex_skip(l);
	while (l->pos < l->len && !begins_token(l->text[l->pos])) {
		if (l->text[l->pos] == '\'' && lex_single_quotes(l, &t))
			return t;
		skip_garbage(l);
		lex_skip(l);
	}
	uint32_t start = l->pos;
	char c = char_at(l, start);
	t.is_after_error = l->is_hurt;
	l->is_hurt = false;
	if (start >= l->len) {
		t.at = lex_span(l, l->last_end, l->last_end + 1);
		return t;
	}
	if (is_name_start(c)) {
		lex_name(l, &t);
	} else if (is_digit(c)) {
		lex_number(l, &t);
	} else if (c == '"') {
		lex_string(l, &t);
	} else if (c == '$') {
		lex_dollar(l, &t);
	} else if (c == '@') {
		lex_map(l, &t);
	} else {
		t.kind = operator_at(l, &len); /* '#' is none: TK_ERROR, the parser knows what it means */
		l->pos += t.kind == TK_ERROR ? 1 : len;
	}
	t.at = lex_span(l, start, l->pos);
	l->last_end = l->pos;
	return t;
}
