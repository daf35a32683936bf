/* plug.h - all that a builtin or a probe type is on the compile side.  A NULL hook means the default.  No pass knows a
 * row by name: what a pass needs to know of it is a flag or a hook here. */
#ifndef SEMA_PLUG_H
#define SEMA_PLUG_H
#include "sema/sema.h"

struct gen;
struct gval;

enum {
	BI_VAR = 1 << 0,      /* may be written without (): pid */
	BI_CALL = 1 << 1,     /* may be written with (): str(x).  Both: kstack, kstack(3) */
	BI_AGGR = 1 << 2,     /* right side of a map assignment; .aggr is set */
	BI_UNSAFE = 1 << 3,   /* needs --unsafe */
	BI_ACTION = 1 << 4,   /* becomes an event: plan makes an action of it, the default gen sends its arguments */
	BI_EXIT = 1 << 5,     /* the program returns after it */
	BI_FORMAT = 1 << 6,   /* the first argument is a literal format for the others (LANGUAGE 6.1) */
	BI_RESULT = 1 << 7,   /* its value matters: a warning when thrown away */
	BI_NO_LOOP = 1 << 8,  /* not inside a for body: needs the probe's own context */
};
enum {                        /* what a row's code needs of the program it stands in */
	USES_ARGS = 1 << 0,   /* args: one program per layout of args */
	USES_CTX = 1 << 1,
	USES_PROBE = 1 << 2,  /* the target that fired: attach cookie */
	USES_RETVAL = 1 << 3,
	USES_STACK = 1 << 4,
	USES_FUNC = 1 << 5,
};
/* sig: the prototype in our own notation, checked before .check is called.
 *     RET                       a variable: "u32"
 *     RET (ARG, ARG, [ARG])     a call; [ ] optional; a last "..." any number more
 * RET: void bool u8 u16 u32 u64 i8 ... i64 str16 (string of 16 bytes) str (string of max_strlen) ptr, a fmt row's name such
 *      as ksym_t (u64 printed by that row), or "?": .result gives it.
 * ARG: any (printable value) int (integer, bool, enum) ptr (pointer or integer) str (string) lit (literal string)
 *      num (constant integer) bytes (a buffer) word (a mode word) map (a bare map) keyed (a bare map with keys)
 *      key (a map element @m[k]) show (any, or a bare map that is meant as a map). */
struct builtin {
	const char *name, *alias, *sig, *doc;
	unsigned flags, uses;
	/* The result type when sig says "?".  Argument types are known.  NULL: not yet known, infer comes again; after an error too. */
	const struct type *(*result)(struct compile *, struct node *call);
	/* Brings a call into the one form that the hooks know, before its arguments are looked at: delete(@m, k) becomes
	 * delete(@m[k]).  false after an error.  NULL: nothing to do. */
	bool (*rewrite)(struct compile *, struct node *call);
	/* Turns a call whose value is known into a literal (INT: with a type when ref.bi stays), its arguments being resolved and
	 * folded, types not known.  false after an error. */
	bool (*fold)(struct compile *, struct node *call);
	bool (*check)(struct compile *, struct node *call);      /* beyond what sig says; types are final */
	/* BI_ACTION: changes the action that plan made of the call, when the event holds something else than the arguments. */
	void (*plan)(struct compile *, const struct node *call, struct action *);
	/* Emits the call.  A result that lives in memory (string, tuple, stack ...) is to be written to out->v, which is
	 * writable memory of call->type->size bytes; scalars: set *out.  Arguments: gen_expr(g, arg). */
	bool (*gen)(struct gen *, const struct node *call, struct gval *out);
	/* A value that prints as a name, compared with a literal one: probe == "begin".  Sets *out to a bool.  NULL: cannot be. */
	bool (*gen_equal)(struct gen *, const struct node *call, const char *name, struct gval *out);
	const struct aggr_gen *aggr;
	const char *const *words;                                /* mode words it takes, ends in NULL */
};
struct aggr_gen {                                                /* compile half of an aggregation; run half: struct aggr */
	const char *run;                                         /* name of the run row */
	/* Type of a map's value, from the call's arguments (types known). */
	const struct type *(*cell)(struct compile *, const struct node *call);
	bool (*update)(struct gen *, struct gval cell, const struct node *call, bool atomic); /* cell: memory of the map */
	/* Reads it as one integer in an expression: adds one CPU's cell to acc[] (two i64 slots), then result.  NULL: not readable. */
	void (*read)(struct gen *, struct gval cell, struct gval acc);
	void (*result)(struct gen *, struct gval acc, struct gval *out);
};

enum { ARG_ALL = -1, ARG_RET = -2, ARG_CTX = -3, ARG_FUNC = -4 };
enum {
	PROV_PREEMPTIBLE = 1 << 0, /* its programs may be preempted or run nested: per-CPU memory is not private */
	PROV_TEST = 1 << 1,        /* only with opts SONDE_TEST */
	PROV_USER = 1 << 2,        /* user-space addresses: pointers are AS_USER by default, listed only when asked for */
	PROV_PID_FILTER = 1 << 3,  /* with opts->pid, programs leave at once in other processes */
	PROV_STANDALONE = 1 << 4,  /* needs nobody to wait for: begin, end */
	PROV_RETURN = 1 << 5,      /* fires when a function returns */
	PROV_BENCH = 1 << 6,       /* only with opts SONDE_BENCH */
};
struct provider {
	const char *name, *alias, *form, *doc;   /* alias: blank-separated "t kprobe2"; form: "tracepoint:CATEGORY:EVENT" */
	unsigned flags;
	uint32_t prog_type, attach_type;         /* enum bpf_prog_type, bpf_attach_type */
	/* Reads the text after "name:" (NULL: no colon) and calls target_add(c, &target) for each match (wildcards expanded here).
	 * target.name, part, num are set by it; strings in c->keep.  false after diag_error() at target.at. */
	bool (*parse)(struct compile *, const char *spec, struct target *proto);
	/* Listing: every probe matching; with lv its arguments as doc ("    int dfd\n").  part: text after "name:". */
	int (*list)(struct compile *, const char *part, bool lv, sonde_name_fn, void *ud); /* count, fn's non-zero, or -errno */
	/* Can this kernel attach any?  Else a listing of everything leaves them out.  NULL: yes. */
	bool (*is_there)(struct compile *);
	/* Type of argN (n >= 0), args (ARG_ALL: a RECORD), retval, ctx, func for this target.  NULL: has none; *why says so in one line. */
	const struct type *(*arg_type)(struct compile *, const struct target *, int n, const char **why);
	bool (*gen_arg)(struct gen *, const struct target *, int n, struct gval *out);
	/* args.field; default: load at the field's offset in the context. */
	bool (*gen_field)(struct gen *, const struct target *, const struct field *, struct gval *out);
	/* Code before the predicate: may return from the program (gen_return_if).  NULL: none. */
	bool (*gen_entry)(struct gen *, const struct probe *);
	/* Chooses how the program is loaded once the body's uses are known: may change prog->prog_type, attach_type, btf_attach. */
	bool (*plan)(struct compile *, struct probe *, struct prog *);
	/* May both targets be served by one program?  NULL: always. */
	bool (*can_share)(struct compile *, const struct target *, const struct target *);
	/* Index among the image's targets of the one that fired, where no attach cookie tells: true when *out is set. */
	bool (*gen_which)(struct gen *, struct gval *out);
};
/* Adds one attach point to the probe at work; copies *t.  False when no more are wanted (past the limit: counted only). */
bool target_add(struct compile *, const struct target *t);
/* Has the script an earlier target of that full name? */
bool target_seen(struct compile *, const char *name);
/* Nothing matches an attach point: an error, or by the config variable missing_probes a warning or nothing, and then true.
 * near: the nearest name that exists, or NULL. */
bool target_missing(struct compile *, const struct target *proto, const char *spec, const char *near);
/* Splits the text behind "provider:" at colons outside of quotes; quotes are taken off, escapes resolved.  How many parts there
 * are; the first `max` are stored, in the keep arena. */
int spec_split(struct compile *, const char *spec, const char **part, int max);
/* Says that an attach point has the wrong number of parts: "N" or "N or M". */
bool spec_arity(struct compile *, const struct target *proto, const char *wanted, int found);

/* Does each event of the action hold the argument?  Else it is in the action itself.  (plan.c) */
bool action_sends(const struct action *, const struct node *call, const struct node *arg);

struct std_script { const char *name, *text, *macros; };              /* "stdlib/x.bt"; macros: the names it defines, blanks around each */
struct plugs {
	const struct builtin *const *builtins;                   /* both end in NULL */
	const struct provider *const *providers;
	const struct std_script *scripts;                            /* stdlib/X.bt, compiled when used; ends in a row without a name */
};
extern const struct plugs plugs;                                 /* stdlib/all.c, probes/all.c */
const struct builtin *plug_builtin(const struct plugs *, const char *name);
const struct provider *plug_provider(const struct plugs *, const char *name); /* any case, aliases too */
/* The prototype of a row, read from sig. */
struct proto_arg { char word[8]; bool is_optional; };
struct proto { char ret[24]; struct proto_arg arg[8]; unsigned n_args, n_min; bool is_variadic, is_var; };
bool proto_read(const char *sig, struct proto *out);             /* false: sig is malformed (a unit test forbids it) */
#endif
