/* infer.h - private to sema/: what the typing passes share. */
#ifndef SEMA_INFER_H
#define SEMA_INFER_H
#include "sema/plug.h"

/* ---- convert.c ---- */
const struct type *type_flexible(struct types *, uint64_t num);  /* of a literal whose sign is open */
const struct type *type_settle(struct types *, const struct type *); /* literals inside become plain integers */
bool type_is_literal_record(const struct type *);        /* of (x = 1, y = 2) */
const struct type *type_suffixed(struct compile *, const struct type *, const struct node *suffixes); /* typeof(e)*; NULL after an error */
/* The same pointer type with another address space, all levels. */
const struct type *type_in_space(struct types *, const struct type *, enum space);

/* ---- fold.c ---- */
bool fold_node(struct compile *, struct node *);         /* turns constant expressions into literals in place */
bool fold_tree(struct compile *, struct node *);         /* the same for all that is below, too */
bool is_literal(const struct node *);                    /* INT, BOOL or STR */
bool fold_truth(const struct node *literal);
void node_become(struct node *, const struct node *other); /* in its list; NULL: an empty block */

/* ---- infer.c: the walk over expressions, used by infer_stmt.c ---- */
struct infer {
	struct compile *c;
	struct probe *probe;
	bool is_final;                   /* types are settled: check and report, join nothing */
	bool changed;
};
const struct type *infer_expr(struct infer *, struct node *);  /* NULL: not known yet, or (final) an error was added */
const struct type *infer_value(struct infer *, struct node *); /* the same; an aggregate reads as its integer */
void infer_list(struct infer *, struct node *list);            /* statements */
/* What a block or an if gives as an expression: its last one, else void. */
const struct type *infer_block_value(struct infer *, struct node *block);
/* The key as the whole program has it; NULL: a scalar, not known yet, or (final) an error was added. */
const struct type *infer_keys(struct infer *, struct node *map);
const struct type *infer_wrong(struct infer *, struct span, enum diag_tag, const char *fmt, ...) PRINTF(4, 5); /* NULL; says so when final */
/* ---- infer_const.c: types named by expressions, and what is decided by types ---- */
const struct type *infer_tref(struct infer *, struct node *);  /* TYPE, TYPEOF, or an expression's */
const struct type *infer_typeinfo(struct infer *, struct node *);
const struct type *infer_size(struct infer *, struct node *);
const struct type *infer_offsetof(struct infer *, struct node *);
const struct type *infer_comptime(struct infer *, struct node *);
enum branch { BRANCH_RUNTIME, BRANCH_UNKNOWN, BRANCH_DEAD, BRANCH_LIVE }; /* DEAD: the other, and there is none */
/* What "if comptime" does; when final, the node has become *live, an empty block if there is none. */
enum branch infer_branch(struct infer *, struct node *, struct node **live);
const char *infer_name(struct infer *, const struct type *);     /* for messages; NULL is "unknown" */
#endif
