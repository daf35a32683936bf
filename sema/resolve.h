/* resolve.h - private to pass R: the walk's state, and names. */
#ifndef SEMA_RESOLVE_H
#define SEMA_RESOLVE_H
#include "sema/infer.h"

struct binding { struct binding *next; struct var *var; };
struct scope { struct scope *up; struct binding *vars; };
struct resolve {
	struct compile *c;
	struct probe *probe;
	struct scope *scope;
	unsigned callbacks;              /* for bodies around the place at hand */
	unsigned loops;                  /* loops of any kind around it */
	bool ok;
};
/* resolve_name.c */
void resolve_fail(struct resolve *);                                  /* after a message was added */
struct var *var_find(struct resolve *, const char *name);              /* NULL: not in scope */
struct var *var_add(struct resolve *, const struct node *at);          /* into the innermost scope */
void var_use(struct resolve *, struct node *);                   /* sets its variable, or says that there is none */
void var_declare(struct resolve *, struct node *);               /* let: a new one, shadowing none */
struct mapdesc *map_named(struct compile *, const char *name);   /* NULL: the script has none */
/* A place that uses the map with a key or without; the first decides which it is. */
void map_use(struct resolve *, struct node *, bool is_keyed);
void map_write(struct resolve *, struct node *);                 /* is_written, and is_atomic where two may write */
void make_maps(struct compile *);                                      /* img->maps, one for each name */
void resolve_map(struct resolve *, struct node *);               /* sets its map; its keys */
/* The node becomes a CALL of the row: what the row asks for is checked, its arguments are resolved. */
void resolve_row(struct resolve *, struct node *, const struct builtin *);
void resolve_ident(struct resolve *, struct node *);             /* a builtin or an enumerator */
void resolve_call(struct resolve *, struct node *);              /* a row, by name */
/* option.c */
bool options_check(struct compile *);                                  /* every program option given is one the script asks for */
/* resolve.c */
void resolve_expr(struct resolve *, struct node *);              /* and folds what is constant */
void resolve_list(struct resolve *, struct node *);              /* statements */
#endif
