/* parse.h - the parser's state and its files: parse.c (program), parse_decl.c,
 * parse_macro.c, parse_stmt.c, parse_expr.c, parse_type.c.  Private to them. */
#ifndef LANG_PARSE_H
#define LANG_PARSE_H
#include "lang/cdef.h"
#include "lang/lex.h"

enum {
	MAX_NESTING = 200, /* of brackets and blocks: what the parser's own recursion follows */
	MAX_TREE = 1000,   /* depth of the tree, which chains of operators make deep: what later passes follow */
};
/* Two ways of reading: attach points and what else begins at the outer level are read raw from lex.pos, everything
 * inside by tokens, of which `tok` has been read but not taken.  A function that finishes an outer construct leaves the
 * construct's last token in `tok`, because behind it begins raw text.
 * Functions that give a node return NULL after they added an error; statements are where reading goes on. */
struct parser {
	struct lexer lex;
	struct token tok;
	struct span last;    /* the token taken last */
	struct arena *mem;
	struct diags *diags;
	const struct parse_opts *opts;
	struct c_file *c;
	unsigned depth;
	bool is_lost;        /* no block goes on: the end of the text, or a probe inside a block */
	bool is_fatal;       /* and neither does the program */
	bool no_brace;       /* a '{' here begins the block of a statement, not a value */
	bool is_silent;      /* parse_text: no error is added, wherever reading stops */
	bool is_hushed;      /* parse_unexpected kept quiet, because of what the lexer has said */
};

/* parse.c */
void parse_take(struct parser *);
bool parse_accept(struct parser *, enum token_kind);
/* Takes that token, or adds "expected WHAT, found ..." and returns false. */
bool parse_expect(struct parser *, enum token_kind, const char *what);
/* All three add an error and return NULL. */
struct node *parse_error(struct parser *, struct span, enum diag_tag, const char *fmt, ...) PRINTF(4, 5);
struct node *parse_unexpected(struct parser *, const char *wanted);
struct node *parse_unsupported(struct parser *, struct span, const char *what);
void parse_hint(struct parser *, const char *text);                   /* to what parse_unexpected said */
void parse_hint_line(struct parser *, const char *text, struct span); /* ... "TEXT on line N" */
bool parse_enter(struct parser *);                                    /* one level deeper; false after E_NESTING */
struct token parse_peek(const struct parser *);                       /* the token after tok */
bool parse_is_probe(const struct parser *);                           /* tok looks like the begin of a probe */
bool parse_is_probe_line(const struct parser *);                      /* ... at the begin of a line */
/* Skips an outer construct from tok: to the '}' of its block, or to the ';' of one that has no block. */
void parse_skip_item(struct parser *);

/* parse_decl.c */
enum item { ITEM_PROBE, ITEM_CONFIG, ITEM_IMPORT, ITEM_MACRO, ITEM_FN, ITEM_C, ITEM_TYPEDEF, ITEM_MAP, ITEM_CPP };
enum item parse_item_at(const struct parser *); /* what begins at lex.pos, at the outer level */
struct node *parse_config(struct parser *);
struct node *parse_map_decl(struct parser *);
/* tok begins it, and the next word may name it: says that it is not supported.  The caller skips it. */
void parse_skip_unsupported(struct parser *, enum item);

/* parse_macro.c */
struct node *parse_macro(struct parser *);
struct node *parse_import(struct parser *);

/* parse_stmt.c */
/* "{ ... }"; leaves the '}' in tok.  Its values are not settled. */
struct node *parse_block_open(struct parser *);
/* Decides which expressions without ';' are values, in a block that has to give one or not. */
void parse_settle(struct parser *, struct node *block, bool is_value);
struct node *parse_block(struct parser *, bool is_value); /* takes the '}' and settles */
struct node *parse_if(struct parser *);                   /* does not settle */
void parse_settle_if(struct parser *, struct node *n, bool is_value);

/* parse_expr.c */
struct node *parse_expr(struct parser *);
struct node *parse_unary(struct parser *);
int parse_precedence(enum token_kind); /* of a binary operator, 1 for the loosest; 0: it is none */

/* parse_type.c */
struct node *parse_type(struct parser *);
struct node *parse_tref(struct parser *);        /* what sizeof, typeof ... take: a type or an expression */
bool parse_is_cast(const struct parser *);       /* tok is "(": does a cast begin here? */
bool parse_is_type(const struct parser *);       /* tok begins a type where an expression could stand too, up to "," or ")" */
bool parse_is_value_name(const char *name);      /* a name that is never a type's */
#endif
