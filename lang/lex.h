/* lex.h - tokens as the parser reads them.  Private to lex.c, parse*.c and their tests. */
#ifndef LANG_LEX_H
#define LANG_LEX_H
#include "lang/lang.h"

/* Reserved words.  A word of this list is an IDENT token all the same: fields may have any name. */
enum word {
	WORD_NONE,
	WORD_BREAK, WORD_COMPTIME, WORD_CONFIG, WORD_CONTINUE, WORD_ELSE, WORD_ENUM, WORD_FALSE, WORD_FN, WORD_FOR,
	WORD_IF, WORD_IMPORT, WORD_LET, WORD_MACRO, WORD_OFFSETOF, WORD_RETURN, WORD_SIZEOF, WORD_STRUCT, WORD_TRUE,
	WORD_TYPEINFO, WORD_TYPEOF, WORD_UNION, WORD_UNROLL, WORD_WHILE,
};
struct token {
	enum token_kind kind;
	enum word word;   /* IDENT */
	struct span at;
	uint64_t num;     /* NUMBER; POSITIONAL: 1 ..., 0 for $# */
	const char *str;  /* IDENT, VAR, MAP: interned, sigil included; STRING: escapes resolved, interned */
	uint32_t str_len; /* STRING: it may hold NULs */
	bool is_after_error; /* what is directly before it is wrong: that it stands here is no news */
};
/* A place in a text.  A copy of the struct is a place to come back to. */
struct lexer {
	const char *text;
	uint32_t len, pos;
	uint16_t file;
	bool is_quiet;     /* skipping what is already known to be wrong: adds no errors */
	bool failed;       /* an error was added */
	bool was_quiet;    /* one was not, for is_quiet */
	bool is_cut;       /* a comment or string had no end: that brackets are missing is no news */
	bool is_hurt;      /* the next token is_after_error */
	uint32_t last_end; /* where the last token ended: the place of the end of file */
	struct arena *mem;
	struct diags *diags;
};
void lex_start(struct lexer *, struct arena *, struct diags *, int file); /* skips a byte order mark and a shebang line */
struct token lex_next(struct lexer *);
/* Skips layout: blanks and comments. */
void lex_skip(struct lexer *);
/* The byte after layout at this place, 0 at the end; moves nothing, adds no errors. */
char lex_peek_char(const struct lexer *);
bool lex_error(struct lexer *, struct span, enum diag_tag, const char *fmt, ...) PRINTF(4, 5); /* returns false */
struct span lex_span(const struct lexer *, uint32_t from, uint32_t to);

static inline bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}
static inline bool
is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
static inline bool
is_name(char c)
{
	return is_name_start(c) || is_digit(c);
}
static inline bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
#endif
