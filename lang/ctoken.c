/* ctoken.c - C's tokens (LANGUAGE 1.2): what is read of a definition, with object-like macros expanded on the way. */
#include "lang/cread.h"

/* ---- names to things ---- */

struct c_slot { const char *key; void *value; };

static uint32_t
slot_of(const struct c_table *t, const char *key)
{
	uint32_t i = (uint32_t)(((uintptr_t)key * 0x9e3779b97f4a7c15u) >> 32);

	for (i &= t->cap - 1; t->slot[i].key && t->slot[i].key != key; i = (i + 1) & (t->cap - 1))
		;
	return i;
}

void *
c_table_get(const struct c_table *t, const char *key)
{
	return t->cap ? t->slot[slot_of(t, key)].value : NULL;
}

void
c_table_put(struct c_table *t, struct arena *mem, const char *key, void *value)
{
	uint32_t i;

	if (t->n * 2 >= t->cap) {
		struct c_table more = { .cap = t->cap ? t->cap * 2 : 32, .n = t->n };

		more.slot = arena_alloc(mem, more.cap * sizeof(*more.slot));
		for (i = 0; i < t->cap; i++)
			if (t->slot[i].key)
				more.slot[slot_of(&more, t->slot[i].key)] = t->slot[i];
		*t = more;
	}
	i = slot_of(t, key);
	t->n += !t->slot[i].key;
	t->slot[i] = (struct c_slot){ key, value };
}

void
c_table_each(const struct c_table *t, void (*fn)(void *ud, const char *key, void *value), void *ud)
{
	for (uint32_t i = 0; i < t->cap; i++)
		if (t->slot[i].key)
			fn(ud, t->slot[i].key, t->slot[i].value);
}

/* ---- macros ---- */

struct c_file *
c_file_new(struct arena *mem, struct diags *diags)
{
	struct c_file *f = arena_alloc(mem, sizeof(*f));

	f->mem = mem;
	f->diags = diags;
	f->decls_end = &f->decls;
	return f;
}

struct c_macro *
c_macro_find(struct c_file *f, const char *name)
{
	struct c_macro *m = c_table_get(&f->macros, name);

	if (m)
		return m->is_on ? m : NULL;
	if (!f->is_predefined || !f->is_predefined(f->ud, name))
		return NULL;
	m = arena_alloc(f->mem, sizeof(*m));
	*m = (struct c_macro){ .name = name, .text = "1", .text_len = 1, .is_on = true };
	c_table_put(&f->macros, f->mem, name, m);
	return m;
}

/* ---- errors ---- */

bool
c_error(struct c_reader *r, struct span at, const char *fmt, ...)
{
	struct buf text = { .arena = r->file->mem };
	va_list ap;

	if (r->failed)
		return false;
	r->failed = true;
	va_start(ap, fmt);
	buf_vfmt(&text, fmt, ap);
	va_end(ap);
	return lex_error(r->lex, at, r->tag ? r->tag : E_CDEF, "%s", buf_cstr(&text));
}

bool
c_unexpected(struct c_reader *r, const char *wanted)
{
	const char *text = r->lex->text + r->tok.at.off;
	int len = (int)(r->tok.at.len > 40 ? 40 : r->tok.at.len);

	if (r->tok.kind == TK_EOF)
		return c_error(r, r->tok.at, "expected %s, found the end of the %s", wanted, r->text ? "line" : "text");
	return c_error(r, r->tok.at, "expected %s, found '%.*s'", wanted, len, text);
}

bool
c_too_deep(struct c_reader *r, struct span at, const char *what, unsigned max)
{
	r->tag = E_NESTING;
	return c_error(r, at, "%s nest up to %u levels deep", what, max);
}

bool
c_enter(struct c_reader *r)
{
	if (++r->depth <= MAX_C_DEPTH)
		return true;
	return c_too_deep(r, r->tok.at, "C definitions", MAX_C_DEPTH);
}

/* ---- characters to tokens ---- */

struct window { const char *text; uint32_t pos, end; };

static char
peek(const struct window *w, uint32_t ahead)
{
	return w->end - w->pos > ahead ? w->text[w->pos + ahead] : '\0';
}

/* Blanks, comments, and the ends of lines that go on. */
static void
skip_blanks(struct window *w)
{
	for (;;) {
		char c = peek(w, 0), next = peek(w, 1);

		if (is_blank(c) || c == '\f' || c == '\v') {
			w->pos++;
		} else if (c == '\\' && (next == '\n' || (next == '\r' && peek(w, 2) == '\n'))) {
			w->pos += next == '\n' ? 2 : 3;
		} else if (c == '/' && next == '/') {
			while (w->pos < w->end && w->text[w->pos] != '\n')
				w->pos++;
		} else if (c == '/' && next == '*') {
			for (w->pos += 2; w->pos < w->end && !(peek(w, 0) == '*' && peek(w, 1) == '/'); w->pos++)
				;
			w->pos += w->end - w->pos >= 2 ? 2 : w->end - w->pos;
		} else {
			return;
		}
	}
}

static int
digit_of(char c)
{
	return is_digit(c) ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : 99;
}

/* C's type of a literal: the first of int, unsigned, long, unsigned long that holds it; unsigned ones only with a base or a u. */
static const char *
number_of(const char *s, uint32_t n, struct c_num *out)
{
	uint32_t i = 0, n_long = 0;
	unsigned base = 10;
	bool has_u = false;
	uint64_t v = 0;

	if (s[0] == '0' && n > 1) {
		base = (s[1] | 0x20) == 'x' ? 16 : (s[1] | 0x20) == 'b' ? 2 : 8;
		i = base == 8 ? 1 : 2;
		if (base != 8 && (n == 2 || digit_of(s[2]) >= (int)base))
			return "digits are missing in this number";
	}
	for (; i < n && digit_of(s[i]) < (int)base; i++)
		if (__builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, (unsigned)digit_of(s[i]), &v))
			return "the number does not fit in 64 bits";
	for (; i < n; i++) {
		if ((s[i] | 0x20) == 'u' && !has_u)
			has_u = true;
		else if ((s[i] | 0x20) == 'l' && n_long < 2)
			n_long++;
		else
			return "this is no integer";
	}
	out->v = v;
	out->size = n_long || v > UINT32_MAX || (v > INT32_MAX && base == 10 && !has_u) ? 8 : 4;
	out->is_unsigned = has_u || (base != 10 && out->size == 4 && v > INT32_MAX) || v > INT64_MAX;
	return NULL;
}

/* 'a' and its escapes; w->pos is on the quote and moves behind the other. */
static const char *
character_of(struct window *w, struct c_num *out)
{
	static const char plain[] = "n\nt\tr\ra\ab\bf\fv\v''\"\"\\\\??e\033";
	char c = peek(w, 1);
	unsigned v = (unsigned char)c;

	w->pos += 2;
	if (!c || c == '\'' || c == '\n')
		return "there is no character in these quotes";
	if (c == '\\') {
		c = peek(w, 0);
		v = 256;
		for (size_t i = 0; i + 1 < sizeof(plain) && c; i += 2)
			if (plain[i] == c)
				v = (unsigned char)plain[i + 1];
		if (v < 256) {
			w->pos++;
		} else if (c == 'x' || (c >= '0' && c <= '7')) {
			unsigned base = c == 'x' ? 16 : 8;

			w->pos += c == 'x';
			for (v = 0; digit_of(peek(w, 0)) < (int)base && v < 256; w->pos++)
				v = v * base + (unsigned)digit_of(peek(w, 0));
		}
	}
	if (v > 255 || peek(w, 0) != '\'')
		return "a character is one byte, or an escape for one";
	w->pos++;
	*out = (struct c_num){ (uint64_t)(int64_t)(int8_t)v, 4, false };
	return NULL;
}

static enum token_kind
operator_of(const struct window *w, uint32_t *len)
{
	enum token_kind best = TK_ERROR;

	*len = 1;
	if (peek(w, 0) == '.' && peek(w, 1) == '.' && peek(w, 2) == '.') {
		*len = 3;
		return TK_DOTDOT;
	}
	for (int k = TK_LBRACE; k < N_TOKENS; k++) {
		const char *text = token_text((enum token_kind)k);
		uint32_t n = (uint32_t)strlen(text);

		if (n <= w->end - w->pos && (best == TK_ERROR || n > *len) && !memcmp(text, w->text + w->pos, n)) {
			best = (enum token_kind)k;
			*len = n;
		}
	}
	return best;
}

/* The token at w->pos, which is behind blanks; its place in the text that w looks at. */
static struct c_token
scan(struct c_reader *r, struct window *w, const char **wrong)
{
	struct c_token t = { .kind = TK_EOF };
	uint32_t start = w->pos, len;

	*wrong = NULL;
	t.at = (struct span){ start, 1, r->lex->file };
	if (start >= w->end)
		return t;
	char c = w->text[start];
	if (is_name_start(c)) {
		while (is_name(peek(w, 0)))
			w->pos++;
		t.kind = TK_IDENT;
		t.str = str_intern(r->file->mem, w->text + start, w->pos - start);
	} else if (is_digit(c)) {
		while (is_name(peek(w, 0)) || peek(w, 0) == '.')
			w->pos++;
		t.kind = TK_NUMBER;
		*wrong = number_of(w->text + start, w->pos - start, &t.num);
	} else if (c == '\'') {
		t.kind = TK_NUMBER;
		*wrong = character_of(w, &t.num);
		if (w->pos > w->end)
			w->pos = w->end;
	} else if (c == '"') {
		t.kind = TK_STRING;
		for (w->pos++; w->pos < w->end && peek(w, 0) != '"' && peek(w, 0) != '\n'; w->pos++)
			w->pos += peek(w, 0) == '\\' && w->end - w->pos > 1;
		if (peek(w, 0) == '"')
			w->pos++;
		else
			*wrong = "the string has no end";
	} else {
		t.kind = operator_of(w, &len);
		w->pos += len;
	}
	t.at.len = w->pos - start;
	return t;
}

/* ---- tokens of the script, a line or a macro ---- */

/* The next token before macros are looked at.  The script's directives are carried out on the way. */
static struct c_token
raw_token(struct c_reader *r)
{
	const struct c_frame *f = r->top;
	struct window w = { f ? f->macro->text : r->text ? r->text : r->lex->text, f ? f->pos : r->text ? r->pos : r->lex->pos,
			    f ? f->macro->text_len : r->text ? r->end : r->lex->len };
	const char *wrong;
	struct c_token t;

	skip_blanks(&w);
	while (!f && !r->text && !r->lex->is_quiet && peek(&w, 0) == '#') {
		r->lex->pos = w.pos;
		if (!cpp_line(r->file, r->lex))
			r->failed = true;
		w.pos = r->lex->pos;
		skip_blanks(&w);
	}
	t = scan(r, &w, &wrong);
	if (f)
		r->top->pos = w.pos;
	else if (r->text)
		r->pos = w.pos;
	else
		r->lex->pos = r->lex->last_end = w.pos;
	if (f)
		t.at = r->use;
	else if (r->text && r->fixed.len)
		t.at = r->fixed;
	else if (r->text)
		t.at.off += (uint32_t)(r->text - r->lex->text);
	if (wrong)
		c_error(r, t.at, "%s", wrong);
	return t;
}

static bool
is_open(const struct c_reader *r, const struct c_macro *m)
{
	for (const struct c_frame *f = r->top; f; f = f->up)
		if (f->macro == m)
			return true;
	return false;
}

/* defined X, defined(X): t is the word. */
static struct c_token
read_defined(struct c_reader *r, struct c_token t)
{
	struct c_token name = raw_token(r);
	bool is_paren = name.kind == TK_LPAREN;

	if (is_paren)
		name = raw_token(r);
	if (name.kind != TK_IDENT)
		c_error(r, name.at, "defined() takes the name of a macro");
	else if (is_paren && raw_token(r).kind != TK_RPAREN)
		c_error(r, name.at, "defined( has no ')'");
	t.kind = TK_NUMBER;
	t.num = (struct c_num){ name.kind == TK_IDENT && c_macro_find(r->file, name.str), 4, false };
	return t;
}

static bool
begin_macro(struct c_reader *r, const struct c_macro *m, struct span at)
{
	struct c_frame *f;

	r->file->size_expanded += 32 + m->text_len;
	if (r->file->size_expanded > MAX_EXPANDED)
		return c_error(r, at, "the macros of these definitions stand for more than %d KB of text", MAX_EXPANDED / 1024);
	f = arena_alloc(r->file->mem, sizeof(*f));
	f->macro = m;
	f->up = r->top;
	if (!r->top)
		r->use = at;
	r->top = f;
	return true;
}

void
c_take(struct c_reader *r)
{
	r->last = r->tok.at;
	for (;;) {
		struct c_token t = raw_token(r);
		const struct c_macro *m;

		if (t.kind == TK_EOF && r->top) {
			r->top = r->top->up;
			continue;
		}
		if (t.kind == TK_IDENT && r->is_if && !strcmp(t.str, "defined"))
			t = read_defined(r, t);
		m = t.kind == TK_IDENT ? c_macro_find(r->file, t.str) : NULL;
		if (m && m->is_function)
			c_error(r, t.at, "%s() is a macro with parameters, and those are not expanded", m->name);
		if (r->failed) {         /* the end of all reading */
			r->top = NULL;
			r->tok = (struct c_token){ .kind = TK_EOF, .at = t.at };
			return;
		}
		if (m && !is_open(r, m) && begin_macro(r, m, t.at))
			continue;
		r->tok = t;
		return;
	}
}

struct c_token
c_peek(const struct c_reader *r)
{
	struct c_reader ahead = *r;
	struct lexer l = *r->lex;        /* what is looked at here is read again */

	l.is_quiet = true;
	ahead.lex = &l;
	for (struct c_frame **f = &ahead.top; *f; f = &(*f)->up)
		*f = arena_dup(r->file->mem, *f, sizeof(**f));
	c_take(&ahead);
	return ahead.tok;
}

bool
c_accept(struct c_reader *r, enum token_kind kind)
{
	if (r->tok.kind != kind)
		return false;
	c_take(r);
	return true;
}

bool
c_expect(struct c_reader *r, enum token_kind kind, const char *what)
{
	return c_accept(r, kind) || c_unexpected(r, what);
}

bool
c_is_word(const struct c_reader *r, const char *word)
{
	return r->tok.kind == TK_IDENT && !strcmp(r->tok.str, word);
}
