/* cdef.c - C declarations (LANGUAGE 1.2): struct, union, enum and typedef as C has them, GNU's attributes included. */
#include "lang/cread.h"

struct specs {                           /* what stands before a declarator */
	const struct c_type *type;
	struct c_attr attr;
	bool is_user;
};

static struct c_type *
type_new(struct c_reader *r, enum c_type_kind kind, struct span at)
{
	struct c_type *t = arena_alloc(r->file->mem, sizeof(*t));

	t->kind = kind;
	t->at = at;
	return t;
}

static const struct c_type *read_tag(struct c_reader *, bool is_item);

static bool
is_tag_word(const char *s)
{
	return !strcmp(s, "struct") || !strcmp(s, "union") || !strcmp(s, "enum");
}

static bool
read_specs(struct c_reader *r, struct specs *s)
{
	struct span at = r->tok.at;
	struct c_words w = { 0 };
	bool has_words = false;
	unsigned *n;

	*s = (struct specs){ .type = NULL };
	while (r->tok.kind == TK_IDENT) {
		if (c_is_qualifier(r->tok.str)) {
			c_take(r);
		} else if (c_is_word(r, "__user")) {
			s->is_user = true;
			c_take(r);
		} else if (c_is_attribute(r->tok.str)) {
			if (!c_read_attributes(r, &s->attr))
				return false;
		} else if (c_is_word(r, "typeof") || c_is_word(r, "__typeof__")) {
			return c_error(r, r->tok.at, "%s is not supported in C definitions", r->tok.str);
		} else if (is_tag_word(r->tok.str) && !s->type && !has_words) {
			s->type = read_tag(r, false);
			if (!s->type)
				return false;
		} else if (!s->type && (n = c_word_count(&w, r->tok.str))) {
			++*n;
			has_words = true;
			at = span_join(at, r->tok.at);
			c_take(r);
		} else if (!s->type && !has_words) {
			struct c_type *t = type_new(r, C_NAME, r->tok.at);

			t->name = r->tok.str;
			s->type = t;
			c_take(r);
		} else {
			break;
		}
	}
	if (has_words)
		s->type = c_base_type(r, &w, at);
	return s->type || c_unexpected(r, "a type");
}

/* ---- declarators ---- */

static struct c_type *
derive(struct c_reader *r, enum c_type_kind kind, const struct c_type *of)
{
	struct c_type *t = type_new(r, kind, r->tok.at);

	t->of = of;
	if (++r->derived > MAX_C_DEPTH) {
		c_too_deep(r, r->tok.at, "stars, brackets and parentheses", MAX_C_DEPTH);
		return NULL;
	}
	return t;
}

/* [2][3], (int, char): what stands behind a name. */
static const struct c_type *
read_suffixes(struct c_reader *r, const struct c_type *base)
{
	struct c_type *t;

	if (r->tok.kind == TK_LPAREN) {
		t = derive(r, C_FUNC, base);
		return t && c_skip_parens(r) ? t : NULL;
	}
	if (r->tok.kind != TK_LBRACKET)
		return base;
	t = derive(r, C_ARRAY, NULL);
	if (!t)
		return NULL;
	c_take(r);
	if (r->tok.kind != TK_RBRACKET) {
		t->len = c_parse_expr(r);
		if (!t->len)
			return NULL;
	}
	if (!c_expect(r, TK_RBRACKET, "']' after the length of the array"))
		return NULL;
	t->of = read_suffixes(r, base);
	return t->of ? t : NULL;
}

static bool
begins_declarator(struct c_reader *r)
{
	struct c_token t = c_peek(r);

	if (t.kind != TK_IDENT)
		return t.kind == TK_STAR || t.kind == TK_LPAREN || t.kind == TK_LBRACKET;
	return !c_word_count(&(struct c_words){ 0 }, t.str) && !is_tag_word(t.str) && !c_is_qualifier(t.str) &&
	       !c_table_get(&r->file->typedefs, t.str);
}

/* *a, (*a)[3], (*a)(int) ...: the type and, when there is one, the name. */
static const struct c_type *
read_declarator(struct c_reader *r, const struct c_type *base, bool is_user, const char **name, struct c_attr *attr)
{
	struct c_type *t, *hole;
	const struct c_type *inner;

	while (r->tok.kind == TK_STAR) {
		t = derive(r, C_PTR, base);
		if (!t)
			return NULL;
		t->is_user = is_user;
		is_user = false;
		base = t;
		c_take(r);
		while (r->tok.kind == TK_IDENT && (c_is_qualifier(r->tok.str) || c_is_word(r, "__user"))) {
			is_user |= c_is_word(r, "__user");
			c_take(r);
		}
		if (!c_read_attributes(r, attr))
			return NULL;
	}
	if (!c_read_attributes(r, attr))
		return NULL;
	if (r->tok.kind == TK_LPAREN && begins_declarator(r)) {
		hole = derive(r, C_BASE, NULL);
		if (!hole || !c_enter(r))
			return NULL;
		c_take(r);
		inner = read_declarator(r, hole, false, name, attr);
		if (!inner || !c_expect(r, TK_RPAREN, "')'"))
			return NULL;
		r->depth--;
		base = read_suffixes(r, base);
		if (!base)
			return NULL;
		*hole = *base;
		return inner;
	}
	if (r->tok.kind == TK_IDENT && name) {
		*name = r->tok.str;
		c_take(r);
	}
	return read_suffixes(r, base);
}

/* u32 and its like are names of types wherever they come from; what else could be a value is one. */
static bool
looks_like_type(struct c_reader *r)
{
	const char *s = r->tok.str;
	size_t n = strlen(s);

	if (c_table_get(&r->file->typedefs, s))
		return true;
	if (n > 2 && !strcmp(s + n - 2, "_t"))
		return true;
	s += !strncmp(s, "__", 2) ? 2 : 0;
	return (s[0] == 'u' || s[0] == 's') && (!strcmp(s + 1, "8") || !strcmp(s + 1, "16") || !strcmp(s + 1, "32") || !strcmp(s + 1, "64"));
}

bool
c_begins_type(struct c_reader *r)
{
	if (r->tok.kind != TK_IDENT || r->is_if)
		return false;
	return is_tag_word(r->tok.str) || c_is_qualifier(r->tok.str) || c_word_count(&(struct c_words){ 0 }, r->tok.str) || looks_like_type(r);
}

const struct c_type *
c_parse_type_name(struct c_reader *r)
{
	struct c_attr attr = { 0 };
	struct specs s;

	if (!c_enter(r) || !read_specs(r, &s))
		return NULL;
	const struct c_type *t = read_declarator(r, s.type, s.is_user, NULL, &attr);
	r->depth--;
	return t;
}

/* ---- bodies ---- */

static struct c_member *
member_new(struct c_reader *r, struct c_member ***end)
{
	struct c_member *m = arena_alloc(r->file->mem, sizeof(*m));

	m->at = r->tok.at;
	**end = m;
	*end = &m->next;
	return m;
}

static bool
read_enumerators(struct c_reader *r, struct c_body *body)
{
	struct c_member **end = &body->members, *m;

	while (r->tok.kind != TK_RBRACE) {
		struct c_attr ignored = { 0 };

		if (r->tok.kind != TK_IDENT)
			return c_unexpected(r, "a name or '}'");
		m = member_new(r, &end);
		m->name = r->tok.str;
		c_take(r);
		if (!c_read_attributes(r, &ignored))
			return false;
		if (c_accept(r, TK_ASSIGN)) {
			m->bits = c_parse_expr(r);
			if (!m->bits)
				return false;
		}
		if (!c_accept(r, TK_COMMA) && r->tok.kind != TK_RBRACE)
			return c_unexpected(r, "',' or '}'");
	}
	return true;
}

/* One line of a struct: types, names, widths. */
static bool
read_members(struct c_reader *r, struct c_member ***end)
{
	struct specs s;
	struct c_member *m;

	if (!read_specs(r, &s))
		return false;
	if (r->tok.kind == TK_SEMI) {
		m = member_new(r, end);
		m->at = s.type->at;
		m->type = s.type;
		m->attr = s.attr;
		m->is_no_member = s.type->kind != C_TAG || s.type->is_enum || s.type->name || !s.type->body;
		if (m->is_no_member && (s.type->kind != C_TAG || (!s.type->body && !s.type->name)))
			return c_unexpected(r, "the name of a member");
		c_take(r);
		return true;
	}
	do {
		m = member_new(r, end);
		m->attr = s.attr;
		m->type = s.type;
		r->derived = 0;
		if (r->tok.kind != TK_COLON) {
			m->type = read_declarator(r, s.type, s.is_user, &m->name, &m->attr);
			if (!m->type)
				return false;
			if (!m->name)
				return c_unexpected(r, "the name of a member");
		}
		if (c_accept(r, TK_COLON)) {
			m->bits = c_parse_expr(r);
			if (!m->bits)
				return false;
		}
		if (!c_read_attributes(r, &m->attr))
			return false;
		m->at = span_join(m->at, r->last);
	} while (c_accept(r, TK_COMMA));
	return c_expect(r, TK_SEMI, "';' after the member");
}

static bool
read_body(struct c_reader *r, struct c_body *body)
{
	struct c_member **end = &body->members;

	while (r->tok.kind != TK_RBRACE) {
		if (r->tok.kind == TK_EOF)
			return c_unexpected(r, "'}'");
		if (c_accept(r, TK_SEMI))
			continue;
		if (c_is_word(r, "_Static_assert") || c_is_word(r, "static_assert")) {
			c_take(r);
			if (!c_skip_parens(r))
				return false;
		} else if (!read_members(r, &end)) {
			return false;
		}
	}
	return true;
}

/* tok is the '}' of a definition at the outer level: does C go on behind it?  Text of another kind may follow. */
static bool
goes_on(struct c_reader *r)
{
	struct lexer l = *r->lex;

	l.is_quiet = true;
	struct token next = lex_next(&l);
	return next.kind == TK_IDENT && (c_is_attribute(next.str) || c_macro_find(r->file, next.str));
}

/* struct x, struct x { ... }, with tok on the first word.  is_item: at the outer level, and the last '}' stays in tok. */
static const struct c_type *
read_tag(struct c_reader *r, bool is_item)
{
	struct c_type *t = type_new(r, C_TAG, r->tok.at);
	struct c_attr attr = { 0 };
	struct c_body *body;
	const char *word = r->tok.str;

	t->is_union = c_is_word(r, "union");
	t->is_enum = c_is_word(r, "enum");
	c_take(r);
	if (!c_read_attributes(r, &attr) || !c_enter(r))
		return NULL;
	if (r->tok.kind == TK_IDENT) {
		char *name = arena_printf(r->file->mem, "%s %s", word, r->tok.str);

		t->name = str_intern(r->file->mem, name, strlen(name));
		t->at = span_join(t->at, r->tok.at);
		c_take(r);
	}
	body = arena_alloc(r->file->mem, sizeof(*body));
	if (t->is_enum && c_accept(r, TK_COLON)) {
		struct specs s;

		if (!read_specs(r, &s))
			return NULL;
		body->base = s.type;
	}
	if (r->tok.kind != TK_LBRACE) {
		if (!t->name)
			c_unexpected(r, "a name or '{'");
		r->depth--;
		return t->name ? t : NULL;
	}
	c_take(r);
	body->pack = r->file->pack;
	body->at = t->at;
	t->body = body;
	if (!(t->is_enum ? read_enumerators(r, body) : read_body(r, body)))
		return NULL;
	if (!is_item || goes_on(r)) {
		c_take(r);
		if (!c_read_attributes(r, &attr))
			return NULL;
	}
	body->attr = attr;
	r->depth--;
	return t;
}

/* ---- the outer level ---- */

static struct c_decl *
decl_new(struct c_reader *r, struct span at)
{
	struct c_decl *d = arena_alloc(r->file->mem, sizeof(*d));

	d->at = at;
	*r->file->decls_end = d;
	r->file->decls_end = &d->next;
	return d;
}

static bool
read_typedef(struct c_reader *r)
{
	struct specs s;

	c_take(r);
	if (!read_specs(r, &s))
		return false;
	do {
		struct c_attr attr = s.attr;
		struct span at = r->tok.at;
		const char *name = NULL;

		r->derived = 0;
		const struct c_type *type = read_declarator(r, s.type, s.is_user, &name, &attr);
		if (!type || !c_read_attributes(r, &attr))
			return false;
		if (!name)
			return c_unexpected(r, "the name of the type");
		struct c_decl *d = decl_new(r, at);
		d->kind = C_DECL_TYPEDEF;
		d->name = name;
		d->type = type;
		d->attr = attr;
		if (!r->lex->is_quiet || !c_table_get(&r->file->typedefs, name))
			c_table_put(&r->file->typedefs, r->file->mem, name, d);
	} while (c_accept(r, TK_COMMA));
	return r->tok.kind == TK_SEMI || c_unexpected(r, "';' after the typedef");
}

static bool
read_struct(struct c_reader *r)
{
	const struct c_type *t = read_tag(r, true);
	struct c_decl *d;

	if (!t)
		return false;
	if (!t->body && r->tok.kind != TK_SEMI)
		return c_unexpected(r, "'{' or ';'");
	d = decl_new(r, t->at);
	d->kind = C_DECL_TYPE;
	d->type = t;
	if (!t->body || r->tok.kind == TK_SEMI)
		return true;
	if (r->tok.kind != TK_RBRACE) {  /* attributes have been read, and what follows them too: back to where it begins */
		r->lex->pos = r->tok.at.off;
		r->top = NULL;
	}
	if (lex_peek_char(r->lex) == ';') {
		lex_skip(r->lex);
		r->lex->pos++;
	}
	return true;
}

/* A definition that is wrong: goes to its end, which is a ';' outside of braces, or a '}' without one on its line. */
static void
skip_definition(struct lexer *l)
{
	unsigned depth = 0;
	bool was_quiet = l->is_quiet;

	l->is_quiet = true;
	while (l->pos < l->len) {
		lex_skip(l);
		if (l->pos >= l->len)
			break;
		char c = l->text[l->pos++];
		if (c == '{')
			depth++;
		if (c == ';' && !depth)
			break;
		if (c == '}' && (!depth || --depth == 0)) {
			const char *line = memchr(l->text + l->pos, '\n', l->len - l->pos);
			const char *semi = memchr(l->text + l->pos, ';', l->len - l->pos);

			if (semi && (!line || semi < line) && !memchr(l->text + l->pos, '{', (size_t)(semi - l->text) - l->pos))
				l->pos = (uint32_t)(semi - l->text) + 1;
			break;
		}
	}
	l->is_quiet = was_quiet;
}

bool
cdef_parse(struct c_file *f, struct lexer *l)
{
	struct c_reader r = { .file = f, .lex = l };
	uint32_t start = l->pos;
	bool ok;

	c_take(&r);
	ok = c_is_word(&r, "typedef") ? read_typedef(&r) : read_struct(&r);
	if (r.failed)
		ok = false;
	if (!ok) {
		l->pos = start;
		skip_definition(l);
	}
	return ok;
}

struct c_decl *
c_read_text(struct c_file *f, const char *text, size_t len)
{
	struct lexer l = { .text = text, .len = (uint32_t)len, .mem = f->mem, .diags = f->diags, .is_quiet = true, .file = NO_SPAN.file };
	struct c_decl *list = NULL, **end = f->decls_end;

	f->decls_end = &list;
	for (lex_skip(&l); l.pos < l.len; lex_skip(&l)) {
		uint32_t start = l.pos;

		cdef_parse(f, &l);
		if (lex_peek_char(&l) == ';')
			l.pos++;
		l.pos += l.pos == start;
	}
	f->decls_end = end;
	return list;
}
