/* lang.h - the language as text and as a tree: tokens, nodes, the parser. */
#ifndef LANG_LANG_H
#define LANG_LANG_H
#include "lang/base.h"

/* ---- tokens (lex.c) ---- */
enum token_kind {
#define T(tag, text) TK_##tag,
#include "lang/token.def"
#undef T
	N_TOKENS
};
const char *token_text(enum token_kind); /* "+=": as written in a script, for messages and dumps */
static inline bool
token_is_compare(int op)
{
	return op == TK_EQ || op == TK_NE || op == TK_LT || op == TK_LE || op == TK_GT || op == TK_GE;
}

/* ---- the tree (node.c) ---- */
enum node_kind {
#define N(kind, name, kids) N_##kind,
#include "lang/node.def"
#undef N
	N_NODE_KINDS
};
struct type;
struct var;
struct mapdesc;
struct builtin;
struct node {                            /* one shape, so walk, copy, dump and check are generic */
	enum node_kind kind;
	int op;                          /* see node.def */
	struct span at;
	struct node *next;               /* next statement, argument, key ... */
	union {
		struct node *kid[3];     /* how many: node_kids() */
		struct { struct node *lhs, *rhs; };
		struct { struct node *cond, *then, *els; };
	};
	union {
		uint64_t num;
		const char *str;         /* interned in the compile's tmp arena: compare with == */
	} u;
	const struct type *type;         /* set by infer; then never NULL on an expression */
	union {                          /* set by resolve; which one: by kind */
		struct var *var;         /* VAR, and the var of FOR */
		struct mapdesc *map;     /* MAP */
		const struct builtin *bi; /* CALL */
	} ref;
	struct action *action;           /* CALL of an asynchronous builtin: set by plan */
	struct probe *owner;             /* PROBE, set by attach */
};
int node_kids(enum node_kind);            /* slots of kid[] in use */
const char *node_name(enum node_kind);    /* as in dumps */
struct node *node_new(struct arena *, enum node_kind, struct span);
struct node *node_copy(struct arena *, const struct node *); /* deep; chains of kids too, not the node's own next */
/* Calls fn on the node and all below it, parents first; fn returning false skips the kids.  Follows chains of kids. */
void node_walk(struct node *, bool (*fn)(struct node *, void *ud), void *ud);
void node_dump(const struct node *, struct buf *); /* one node a line, two blanks a level: dump S */

/* ---- the parser (parse.c) ----
 * Needs: a registered source.  Gives: a PROGRAM, or NULL after at least one error was added.  Recovers at
 * statement and probe ends, so one call reports several errors.  argv: positional parameters; $N inside attach
 * points and expressions is replaced here.  Nodes and strings live in `mem`, which jumps when memory runs out.
 * A tree is at most 1000 nodes deep, chains through next not counted (E_NESTING): passes may recurse. */
struct c_file;
struct parse_opts {
	const char *const *argv;
	int argc;
	struct c_file *c;                /* where C definitions go (cdef.h); NULL: they are read and forgotten */
};
struct node *parse_program(struct arena *mem, struct diags *, int file, const struct parse_opts *);
/* The expression that a text holds, of a script or not; all its nodes are at one place.  NULL: it holds none; adds no error. */
struct node *parse_text(struct arena *mem, struct diags *, const char *text, size_t len, struct span at, const struct parse_opts *);
unsigned node_depth(const struct node *, unsigned max); /* levels of the tree, not more than max + 1; chains not counted */
/* Number text as in a script, suffixes and bases included (LANGUAGE 1.1).  Returns NULL when it is one, else what is
 * wrong with it; *is_neg tells of a leading minus. */
const char *number_read(const char *s, size_t n, uint64_t *value, bool *is_neg);
/* A registered source in the standard layout, added to *out (format_script.c).  false after an error: it does not parse. */
bool format_script(struct arena *, struct diags *, int file, struct buf *out);
/* true when the text is an unfinished program: open bracket, string or comment (the prompt asks for more). */
bool parse_is_unfinished(const char *src, size_t len);
#endif
