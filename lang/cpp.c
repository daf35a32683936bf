/* cpp.c - the preprocessor's lines in a script (LANGUAGE 1.2): #define, conditions, #include as a wish that sema fulfils.
 * A condition that is false leaves out whatever is between its lines, probes too. */
#include "lang/cread.h"

uint32_t
c_line_end(const struct lexer *l, uint32_t pos)
{
	for (; pos < l->len && l->text[pos] != '\n'; pos++) {
		char c = l->text[pos], next = pos + 1 < l->len ? l->text[pos + 1] : '\0';

		if (c == '\\' && next == '\n') {
			pos++;
		} else if (c == '\\' && next == '\r' && pos + 2 < l->len && l->text[pos + 2] == '\n') {
			pos += 2;
		} else if (c == '/' && next == '*') {
			for (pos += 2; pos + 1 < l->len && !(l->text[pos] == '*' && l->text[pos + 1] == '/'); pos++)
				;
			pos += pos + 1 < l->len;
		} else if (c == '"') {
			uint32_t at = pos + 1;

			while (at < l->len && l->text[at] != '"' && l->text[at] != '\n')
				at += l->text[at] == '\\' && at + 1 < l->len && l->text[at + 1] != '\n' ? 2 : 1;
			if (at < l->len && l->text[at] == '"')
				pos = at;
		}
	}
	return pos < l->len ? pos : l->len;
}

struct line {                            /* a directive at work */
	struct c_file *file;
	struct lexer *lex;
	struct span at;                  /* of the whole line, without blanks at its end */
	struct span word;
	struct c_reader r;               /* what follows the word */
};

static bool
line_error(struct line *x, struct span at, const char *text)
{
	return lex_error(x->lex, at, E_CPP, "%s", text);
}

/* The name that follows, before macros are looked at. */
static const char *
read_name(struct line *x, const char *what, struct span *at)
{
	struct lexer *l = x->lex;
	uint32_t pos = x->r.pos;

	while (pos < x->r.end && (x->r.text[pos] == ' ' || x->r.text[pos] == '\t'))
		pos++;
	uint32_t start = pos;
	if (pos < x->r.end && is_name_start(x->r.text[pos]))
		while (pos < x->r.end && is_name(x->r.text[pos]))
			pos++;
	x->r.pos = pos;
	*at = lex_span(l, (uint32_t)(x->r.text - l->text) + start, (uint32_t)(x->r.text - l->text) + pos);
	if (pos == start) {
		line_error(x, x->at, what);
		return NULL;
	}
	return str_intern(x->file->mem, x->r.text + start, pos - start);
}

static bool
do_define(struct line *x)
{
	struct c_macro *m = arena_alloc(x->file->mem, sizeof(*m));

	m->name = read_name(x, "#define takes the name of a macro", &m->at);
	if (!m->name)
		return false;
	if (!strcmp(m->name, "defined"))
		return line_error(x, m->at, "'defined' is no name for a macro");
	m->is_function = x->r.pos < x->r.end && x->r.text[x->r.pos] == '(';
	m->text = x->r.text + x->r.pos;
	m->text_len = x->r.end - x->r.pos;
	m->is_on = true;
	c_table_put(&x->file->macros, x->file->mem, m->name, m);
	return true;
}

static bool
do_undef(struct line *x)
{
	struct span at;
	struct c_macro *gone = arena_alloc(x->file->mem, sizeof(*gone));

	gone->name = read_name(x, "#undef takes the name of a macro", &at);
	if (gone->name)                  /* a predefined one is remembered as gone, too */
		c_table_put(&x->file->macros, x->file->mem, gone->name, gone);
	return gone->name != NULL;
}

static bool
do_include(struct line *x)
{
	struct c_decl *d = arena_alloc(x->file->mem, sizeof(*d));
	const char *s = x->r.text + x->r.pos, *end = x->r.text + x->r.end, *close;

	while (s < end && (*s == ' ' || *s == '\t'))
		s++;
	close = s < end && (*s == '<' || *s == '"') ? memchr(s + 1, *s == '<' ? '>' : '"', (size_t)(end - s - 1)) : NULL;
	if (!close || close == s + 1)
		return line_error(x, x->at, "#include takes <file> or \"file\"");
	d->kind = C_DECL_INCLUDE;
	d->name = str_intern(x->file->mem, s + 1, (size_t)(close - s - 1));
	d->is_quoted = *s == '"';
	d->at = x->at;
	*x->file->decls_end = d;
	x->file->decls_end = &d->next;
	return true;
}

static bool
do_error(struct line *x)
{
	const char *text = x->lex->text + x->at.off;

	return lex_error(x->lex, x->at, E_CPP, "%.*s", (int)(x->at.len > 200 ? 200 : x->at.len), text);
}

/* #pragma pack(n), pack(push, n), pack(pop), pack(); others say nothing to us. */
static bool
do_pragma(struct line *x)
{
	struct c_file *f = x->file;
	struct c_reader *r = &x->r;

	c_take(r);
	if (!c_is_word(r, "pack"))
		return !r->failed;
	c_take(r);
	c_expect(r, TK_LPAREN, "'(' after pack");
	bool is_push = c_is_word(r, "push"), is_pop = c_is_word(r, "pop");
	if (is_push && f->n_pack == LENGTH(f->pack_saved))
		return c_error(r, x->at, "#pragma pack(push) goes %zu levels deep", LENGTH(f->pack_saved));
	if (is_pop && !f->n_pack)
		return c_error(r, x->at, "#pragma pack(pop) without a push");
	if (is_push)
		f->pack_saved[f->n_pack++] = f->pack;
	if (is_pop)
		f->pack = f->pack_saved[--f->n_pack];
	if (is_push || is_pop) {
		c_take(r);
		c_accept(r, TK_COMMA);
	} else if (r->tok.kind == TK_RPAREN) {
		f->pack = 0;
	}
	if (r->tok.kind == TK_NUMBER) {
		uint64_t n = r->tok.num.v;

		if (n != 0 && n != 1 && n != 2 && n != 4 && n != 8 && n != 16)
			return c_error(r, r->tok.at, "#pragma pack takes 1, 2, 4, 8 or 16");
		f->pack = (unsigned)n;
		c_take(r);
	}
	return c_expect(r, TK_RPAREN, "')' after pack(");
}

/* ---- conditions ---- */

static bool
name_is_zero(struct c_env *env, const struct c_expr *e, struct c_num *out)
{
	(void)env;
	*out = (struct c_num){ strcmp(e->name, "true") == 0, 8, false };
	return true;
}

static bool
no_types(struct c_env *env, const struct c_expr *e, struct c_num *out)
{
	(void)out;
	return diag_error(env->diags, e->at, env->tag, "a condition of the preprocessor knows no types");
}

/* The condition of #if, #elif; false as a value after an error, too. */
static bool
condition(struct line *x, bool *ok)
{
	struct c_env env = { .diags = x->file->diags, .tag = E_CPP, .is_wide = true, .name = name_is_zero, .cast = no_types, .size = no_types };
	struct c_num n = { 0 };
	const struct c_expr *e;

	x->r.is_if = true;
	c_take(&x->r);
	if (x->r.tok.kind == TK_EOF) {
		*ok = c_error(&x->r, x->at, "a condition is missing");
		return false;
	}
	e = c_parse_expr(&x->r);
	if (e && x->r.tok.kind != TK_EOF) {
		c_unexpected(&x->r, "an operator or the end of the line");
		e = NULL;
	}
	if (e && !c_eval(&env, e, &n)) {
		x->lex->failed = true;
		e = NULL;
	}
	*ok = e != NULL;
	return e && n.v;
}

static bool
condition_defined(struct line *x, bool *ok)
{
	struct span at;
	const char *name = read_name(x, "#ifdef and #ifndef take the name of a macro", &at);

	*ok = name != NULL;
	return name && c_macro_find(x->file, name);
}

static bool
is_line_word(const struct line *x, const char *word)
{
	return x->word.len == strlen(word) && !memcmp(x->lex->text + x->word.off, word, x->word.len);
}

static bool
condition_of(struct line *x, bool *ok)
{
	const char *word = x->lex->text + x->word.off;
	bool wants_none = memchr(word, 'n', x->word.len) != NULL; /* ifndef, elifndef */

	if (is_line_word(x, "if") || is_line_word(x, "elif"))
		return condition(x, ok);
	return condition_defined(x, ok) != wants_none && *ok;
}

static bool
is_if(const struct line *x)
{
	return is_line_word(x, "if") || is_line_word(x, "ifdef") || is_line_word(x, "ifndef");
}

static bool
is_elif(const struct line *x)
{
	return is_line_word(x, "elif") || is_line_word(x, "elifdef") || is_line_word(x, "elifndef");
}

/* lex->pos is on '#': reads the line's word and moves behind the line. */
static void
line_start(struct line *x, struct c_file *f, struct lexer *l)
{
	uint32_t start = l->pos, end = c_line_end(l, start), pos = start + 1, trimmed = end;

	while (pos < end && (l->text[pos] == ' ' || l->text[pos] == '\t'))
		pos++;
	uint32_t word = pos;
	while (pos < end && is_name(l->text[pos]))
		pos++;
	while (trimmed > start + 1 && is_blank(l->text[trimmed - 1]))
		trimmed--;
	*x = (struct line){ .file = f, .lex = l, .at = lex_span(l, start, trimmed), .word = lex_span(l, word, pos) };
	x->r = (struct c_reader){ .file = f, .lex = l, .text = l->text + pos, .end = end - pos, .tag = E_CPP };
	l->pos = l->last_end = end + (end < l->len);
}

/* From l->pos, the begin of a line, to the next '#' that begins one; false at the end. */
static bool
next_hash(struct lexer *l)
{
	bool is_begin = true;

	while (l->pos < l->len) {
		char c = l->text[l->pos], next = l->pos + 1 < l->len ? l->text[l->pos + 1] : '\0';
		char before = l->pos ? l->text[l->pos - 1] : '\n';

		if (c == '#' && is_begin)
			return true;
		if (c == '\n' || (c == '/' && next == '/')) {
			while (l->pos < l->len && l->text[l->pos] != '\n')
				l->pos++;
			l->pos += l->pos < l->len;
			is_begin = true;
		} else if (c == '/' && next == '*' && (is_blank(before) || strchr(";{}),", before))) {
			/* in the path of an attach point such as uprobe:/bin/\* no comment begins */
			for (l->pos += 2; l->pos + 1 < l->len && !(l->text[l->pos] == '*' && l->text[l->pos + 1] == '/'); l->pos++)
				;
			l->pos = l->pos + 2 < l->len ? l->pos + 2 : l->len;
		} else {
			is_begin = is_begin && is_blank(c);
			l->pos++;
		}
	}
	return false;
}

/* Leaves out text up to the line where the innermost condition has something to say, or ends. */
static bool
skip_group(struct c_file *f, struct lexer *l)
{
	struct c_if *top = &f->ifs[f->n_ifs - 1];
	unsigned nested = 0;
	bool ok = true;
	struct line x;

	while (next_hash(l)) {
		line_start(&x, f, l);
		if (is_if(&x)) {
			nested++;
		} else if (is_line_word(&x, "endif")) {
			if (nested == 0) {
				f->n_ifs--;
				return ok;
			}
			nested--;
		} else if (nested == 0 && (is_elif(&x) || is_line_word(&x, "else"))) {
			if (top->has_else)
				ok = line_error(&x, x.at, "this comes behind #else");
			top->has_else |= is_line_word(&x, "else");
			if (!top->is_taken && (is_line_word(&x, "else") || condition_of(&x, &ok))) {
				top->is_taken = true;
				return ok;
			}
		}
	}
	return ok;                       /* cpp_finish() says that #endif is missing */
}

static bool
do_if(struct line *x)
{
	struct c_file *f = x->file;
	bool ok, is_true = condition_of(x, &ok);

	if (f->n_ifs == f->ifs_cap) {
		unsigned cap = f->ifs_cap ? f->ifs_cap * 2 : 8;
		struct c_if *more = arena_alloc(f->mem, cap * sizeof(*more));

		if (f->n_ifs)
			memcpy(more, f->ifs, f->n_ifs * sizeof(*more));
		f->ifs = more;
		f->ifs_cap = cap;
	}
	f->ifs[f->n_ifs++] = (struct c_if){ .at = x->at, .is_taken = is_true };
	if (is_true)
		return ok;
	return skip_group(f, x->lex) && ok;
}

/* #else, #elif: what came before was taken, or the line would have been met by skip_group(). */
static bool
do_else(struct line *x)
{
	struct c_if *top = x->file->n_ifs ? &x->file->ifs[x->file->n_ifs - 1] : NULL;

	if (!top)
		return line_error(x, x->at, "there is no #if that this belongs to");
	if (top->has_else)
		return line_error(x, x->at, "this comes behind #else");
	top->has_else = is_line_word(x, "else");
	return skip_group(x->file, x->lex);
}

static bool
do_endif(struct line *x)
{
	if (!x->file->n_ifs)
		return line_error(x, x->at, "there is no #if that this belongs to");
	x->file->n_ifs--;
	return true;
}

static bool
do_nothing(struct line *x)
{
	(void)x;
	return true;
}

bool
cpp_line(struct c_file *f, struct lexer *l)
{
	static const struct { const char *word; bool (*run)(struct line *); } words[] = {
		{ "define", do_define }, { "undef", do_undef }, { "include", do_include }, { "include_next", do_include },
		{ "import", do_include }, { "if", do_if }, { "ifdef", do_if }, { "ifndef", do_if }, { "elif", do_else },
		{ "elifdef", do_else }, { "elifndef", do_else }, { "else", do_else }, { "endif", do_endif }, { "error", do_error },
		{ "warning", do_nothing }, { "line", do_nothing }, { "pragma", do_pragma }, { "", do_nothing },
	};
	struct line x;

	line_start(&x, f, l);
	for (size_t i = 0; i < LENGTH(words); i++)
		if (is_line_word(&x, words[i].word))
			return words[i].run(&x);
	lex_error(l, x.at, E_SYNTAX, "'#' begins no statement");
	if (!l->is_quiet)
		diag_hint(f->diags, "a comment begins with // or /*");
	return false;
}

bool
cpp_finish(struct c_file *f, struct lexer *l)
{
	bool ok = !f->n_ifs || lex_error(l, f->ifs[f->n_ifs - 1].at, E_CPP, "this condition has no #endif");

	f->n_ifs = f->n_pack = f->pack = 0; /* another script may follow, which is imported */
	return ok;
}
