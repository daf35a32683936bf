/* cread.h - reading C: tokens behind macros.  Private to ctoken.c, cpp.c, cexpr.c, cdef.c. */
#ifndef LANG_CREAD_H
#define LANG_CREAD_H
#include "lang/cdef.h"
#include "lang/parse.h"

enum { MAX_C_DEPTH = 150, MAX_EXPANDED = 1 << 21 };
struct c_token {
	enum token_kind kind;            /* NUMBER is a character too; DOTDOT is "..." */
	struct span at;                  /* in the script: of the macro's use where it came from one */
	const char *str;                 /* IDENT; interned */
	struct c_num num;
};
struct c_frame {                         /* a macro whose text is being read */
	struct c_frame *up;
	const struct c_macro *macro;
	uint32_t pos;
};
struct c_reader {
	struct c_file *file;
	struct lexer *lex;               /* where errors go, and what is read when `line` is not set */
	const char *text;                /* one line or one text; NULL: the script, from lex->pos */
	uint32_t pos, end;
	struct span fixed;               /* the place of everything in `text`; len 0: text is the script's */
	struct c_frame *top;
	struct c_token tok;
	struct span last;                /* of the token taken last */
	struct span use;                 /* of the outermost macro at work */
	unsigned depth, derived;
	bool is_if;                      /* `defined` means something */
	enum diag_tag tag;               /* of errors; 0: E_CDEF */
	bool failed;
};
void c_take(struct c_reader *);                              /* the next token into tok */
struct c_token c_peek(const struct c_reader *);              /* the token behind tok; carries out no directive */
bool c_accept(struct c_reader *, enum token_kind);
bool c_expect(struct c_reader *, enum token_kind, const char *what);
bool c_is_word(const struct c_reader *, const char *word);   /* tok is that name */
bool c_error(struct c_reader *, struct span, const char *fmt, ...) PRINTF(3, 4); /* returns false; only the first is shown */
bool c_too_deep(struct c_reader *, struct span, const char *what, unsigned max); /* the same */
bool c_unexpected(struct c_reader *, const char *wanted);    /* the same */
bool c_enter(struct c_reader *);                             /* one level deeper; false after an error */
uint32_t c_line_end(const struct lexer *, uint32_t pos);     /* of the logical line: on its newline, or the end */
/* A directive: lex->pos is on the '#' and moves behind its line, and behind what a false condition leaves out.
 * false after an error; reading goes on. */
bool cpp_line(struct c_file *, struct lexer *);
bool cpp_finish(struct c_file *, struct lexer *);            /* at the end of the script: is every #if closed? */

const struct c_expr *c_parse_expr(struct c_reader *);        /* cexpr.c; NULL after an error */
/* cattr.c */
struct c_words { unsigned n_signed, n_unsigned, n_long, n_short, n_char, n_int, n_float, n_double, n_void, n_bool, n_128; };
bool c_skip_parens(struct c_reader *);                       /* from '(' in tok behind its ')'; false after an error, like all here */
bool c_is_attribute(const char *word);                       /* __attribute__, or one of the kernel's words for one */
bool c_read_attributes(struct c_reader *, struct c_attr *);  /* any number of them */
bool c_is_qualifier(const char *word);                       /* const and others that say nothing about where members lie */
unsigned *c_word_count(struct c_words *, const char *word);  /* where that word of a type is counted; NULL: it is none */
const struct c_type *c_base_type(struct c_reader *, const struct c_words *, struct span at); /* NULL after an error */
/* cdef.c */
bool c_begins_type(struct c_reader *);                       /* in an expression, behind '(' */
const struct c_type *c_parse_type_name(struct c_reader *);
/* struct, union, enum, typedef: lex->pos is on it and moves behind.  false after an error; reading goes on. */
bool cdef_parse(struct c_file *, struct lexer *);
#endif
