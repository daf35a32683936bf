/* cattr.c - what stands around C's declarations: attributes, qualifiers, and the words that make a type of numbers. */
#include "lang/cread.h"

static bool
is_one_of(const char *s, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(s, *list))
			return true;
	return false;
}

/* ---- attributes ---- */

bool
c_skip_parens(struct c_reader *r)
{
	unsigned depth = 0;

	do {
		if (r->tok.kind == TK_EOF)
			return c_unexpected(r, "')'");
		depth += r->tok.kind == TK_LPAREN;
		depth -= r->tok.kind == TK_RPAREN;
		c_take(r);
	} while (depth);
	return true;
}

/* aligned, aligned(n); an expression, or with _Alignas a type. */
static bool
read_aligned(struct c_reader *r, struct c_attr *attr)
{
	attr->is_aligned = true;
	if (!c_accept(r, TK_LPAREN))
		return true;
	attr->align = c_parse_expr(r);
	return attr->align && c_expect(r, TK_RPAREN, "')' after the alignment");
}

/* __attribute__((a, b(c))): those that say nothing about where members lie are passed over. */
static bool
read_attribute(struct c_reader *r, struct c_attr *attr)
{
	c_take(r);
	if (!c_expect(r, TK_LPAREN, "'((' after __attribute__") || !c_expect(r, TK_LPAREN, "'((' after __attribute__"))
		return false;
	while (r->tok.kind != TK_RPAREN) {
		if (c_is_word(r, "packed") || c_is_word(r, "__packed__")) {
			attr->is_packed = true;
			c_take(r);
		} else if (c_is_word(r, "aligned") || c_is_word(r, "__aligned__")) {
			c_take(r);
			if (!read_aligned(r, attr))
				return false;
		} else if (c_is_word(r, "vector_size") || c_is_word(r, "__vector_size__") || c_is_word(r, "mode") ||
			   c_is_word(r, "__mode__") || c_is_word(r, "scalar_storage_order")) {
			return c_error(r, r->tok.at, "the attribute '%s' is not supported", r->tok.str);
		} else if (r->tok.kind == TK_IDENT) {
			c_take(r);
			if (r->tok.kind == TK_LPAREN && !c_skip_parens(r))
				return false;
		} else if (!c_accept(r, TK_COMMA)) {
			return c_unexpected(r, "an attribute");
		}
	}
	c_take(r);
	return c_expect(r, TK_RPAREN, "'))' after the attributes");
}

bool
c_is_attribute(const char *s)
{
	static const char *const words[] = {
		"__attribute__", "__attribute", "__packed", "__aligned", "_Alignas", "alignas", "____cacheline_aligned",
		"____cacheline_aligned_in_smp", "__randomize_layout", "__designated_init", "__counted_by", "__nonstring", NULL,
	};
	return is_one_of(s, words);
}

/* Any number of attributes, GNU's and the words that the kernel has for them. */
bool
c_read_attributes(struct c_reader *r, struct c_attr *attr)
{
	while (r->tok.kind == TK_IDENT && c_is_attribute(r->tok.str)) {
		if (!strncmp(r->tok.str, "__attribute", 11)) {
			if (!read_attribute(r, attr))
				return false;
			continue;
		}
		bool is_align = c_is_word(r, "__aligned") || c_is_word(r, "_Alignas") || c_is_word(r, "alignas");
		attr->is_packed |= c_is_word(r, "__packed");
		if (!strncmp(r->tok.str, "____cacheline", 13))
			return c_error(r, r->tok.at, "how long a cache line is depends on the kernel: write __attribute__((aligned(64)))");
		c_take(r);
		if (is_align ? !read_aligned(r, attr) : r->tok.kind == TK_LPAREN && !c_skip_parens(r))
			return false;
	}
	return true;
}

/* ---- specifiers ---- */

bool
c_is_qualifier(const char *s)
{
	static const char *const words[] = {
		"const", "volatile", "restrict", "__const", "__volatile__", "__volatile", "__restrict", "__restrict__", "_Atomic",
		"__extension__", "static", "extern", "inline", "__inline", "__inline__", "register",
		"__kernel", "__rcu", "__percpu", "__iomem", "__force", "__bitwise", "__private", "__must_check", NULL,
	};
	return is_one_of(s, words);
}

unsigned *
c_word_count(struct c_words *w, const char *s)
{
	const struct { const char *word; unsigned *n; } known[] = {
		{ "signed", &w->n_signed }, { "__signed__", &w->n_signed }, { "__signed", &w->n_signed }, { "unsigned", &w->n_unsigned },
		{ "long", &w->n_long }, { "short", &w->n_short }, { "char", &w->n_char }, { "int", &w->n_int }, { "float", &w->n_float },
		{ "double", &w->n_double }, { "void", &w->n_void }, { "_Bool", &w->n_bool }, { "bool", &w->n_bool },
		{ "__int128", &w->n_128 }, { "__int128_t", &w->n_128 },
	};

	for (size_t i = 0; i < LENGTH(known); i++)
		if (!strcmp(known[i].word, s))
			return known[i].n;
	return NULL;
}

/* C's words for numbers, in any order. */
const struct c_type *
c_base_type(struct c_reader *r, const struct c_words *w, struct span at)
{
	struct c_type *t = arena_alloc(r->file->mem, sizeof(*t));
	unsigned kinds = w->n_char + w->n_float + w->n_double + w->n_void + w->n_bool + w->n_128;
	unsigned n_signs = w->n_signed + w->n_unsigned, is_exact = w->n_void + w->n_bool + w->n_float + w->n_double;

	if (kinds > 1 || n_signs > 1 || w->n_int > 1 || w->n_short > 1 || w->n_long > 2 || (w->n_short && w->n_long) ||
	    (kinds && (w->n_int || w->n_short)) || (is_exact && n_signs) ||
	    (kinds && w->n_long && !(w->n_double && w->n_long == 1))) {
		c_error(r, at, "these words name no type together");
		return NULL;
	}
	t->kind = C_BASE;
	t->at = at;
	t->is_unsigned = w->n_unsigned;
	t->word = w->n_void ? C_VOID : w->n_bool ? C_BOOL : w->n_float || w->n_double || w->n_128 ? C_FLOAT :
		  w->n_char && !n_signs ? C_CHAR : C_INT;
	if (w->n_void)
		t->size = 0;
	else if (w->n_bool || w->n_char)
		t->size = 1;
	else if (w->n_short)
		t->size = 2;
	else if (w->n_128 || (w->n_double && w->n_long))
		t->size = 16;
	else
		t->size = w->n_long || w->n_double ? 8 : 4;
	return t;
}
