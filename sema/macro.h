/* macro.h - private to pass M: macros, and one expansion of one. */
#ifndef SEMA_MACRO_H
#define SEMA_MACRO_H
#include "sema/plug.h"

struct macro {
	struct macro *next;              /* in order of definition */
	const char *name;
	struct node *node;               /* N_MACRO */
	unsigned n_params;
	bool is_std;                     /* of a script in stdlib/: sees no macros of the user's */
};
struct arg { const struct node *param; struct node *value; unsigned depth, n_nodes; }; /* value: expanded where it was written */
struct local { struct local *next; const char *from, *to; };
struct env {                             /* one expansion */
	struct env *up;                  /* the one whose body calls it */
	const struct macro *macro;
	struct arg *arg;
	struct local *locals;            /* names of its own for the variables of the body */
	unsigned file;                   /* of its nodes: diags_add_expansion() */
};
struct expand {
	struct compile *c;
	struct macro *macros, **end;
	bool *loaded;                    /* of plugs->scripts */
	unsigned n_nodes;
	bool is_over;                    /* a limit was reached: nothing is expanded any more */
	bool ok;
};
/* macro_find.c */
void macro_define(struct expand *, struct node *, bool is_std);
/* The macro a call or name means, or NULL: none, or an error was added.  args: as written. */
const struct macro *macro_find(struct expand *, const struct env *, const struct node *n);
/* Has a script of the standard library a macro of that name? */
bool macro_is_std(const struct plugs *, const char *name);
#endif
