/* sema.h - the meaning of a script: the compilation at work, its passes, questions to the kernel. */
#ifndef SEMA_SEMA_H
#define SEMA_SEMA_H
#include "image/context.h"
#include "image/image.h"
#include "lang/lang.h"

struct builtin;
struct provider;
struct plugs;
struct kernel;
struct gen;

struct var {                             /* a scratch variable */
	const char *name;                /* with $ */
	const struct type *type;         /* NULL until infer knows; grows to a fixed point */
	const struct type *declared;     /* let $x : type, or NULL */
	struct span at;                  /* where it was declared or first assigned */
	bool is_assigned, is_loop;       /* is_loop: the variable of a for */
	uint32_t loop_depth;             /* callbacks around its declaration: used deeper, it is captured */
	bool is_captured;                /* used inside a for body that is a callback, and declared outside it */
	void *storage;                   /* codegen's */
};
struct probe {                           /* one body with the targets that share it: becomes one BPF program */
	struct probe *next;
	const struct provider *prov;
	struct node *node;               /* N_PROBE: predicate and block; its own copy of the tree */
	struct target *targets; uint32_t n_targets;   /* codegen reads targets[0] for what all of them share */
	unsigned uses;                   /* USES_ bits of the rows the body calls (plug.h) */
	const struct type *args;         /* of `args` in the body; NULL when it is not used */
	unsigned index;                  /* number of its program */
	struct var **vars; uint32_t n_vars; /* in order of declaration */
};
enum { MAX_PERCPU = 32768 }; /* bytes of a value in a per-CPU map: PCPU_MIN_UNIT_SIZE of include/linux/percpu.h */
struct limits { uint32_t max_map_keys, max_strlen, max_probes, max_progs, on_stack, unstable_tseries; };
struct compile {                         /* one compilation, on the stack of sonde_compile(); every pass takes it */
	struct sonde *ctx;
	const struct plugs *plugs;
	struct kernel *kernel;           /* == ctx->kernel, never NULL */
	const struct sonde_opts *opts;   /* == &ctx->opts */
	struct diags *diags;
	struct arena *tmp, *keep;        /* tmp dies with the call; keep is the image's (img->keep) */
	struct types *types;             /* img->types */
	int file;                        /* the script among diags' sources */
	const char *const *argv; int argc; /* from S on: positional parameters only */
	const char *const *named; int n_named; /* the program's options behind "--", without their -- */
	struct option *options;          /* what getopt() asks for */
	struct limits limit;
	struct node *prog;               /* after S */
	struct node *macros;             /* after M: the definitions the script had, for near names */
	struct probe *probes, **probes_end; uint32_t n_probes; /* after A, split by R where bodies must differ */
	struct attach *attach;           /* during A: the attach points of the probe at work */
	struct probe *at_work;           /* the probe whose body a pass walks: result and check hooks of rows ask it */
	struct mapdesc **maps; uint32_t n_maps; /* after R: script maps; P copies them behind the internal ones */
	struct c_file *c_file;           /* during S: C definitions as they are written */
	struct cdefs *cdefs;             /* after S: what C definitions mean (cdef.c) */
	struct gen *gen;                 /* during G and O; freed by gen_free() */
	struct sonde_image *img;
	jmp_buf nomem;                   /* the library's only longjmp target: out of memory */
};
struct pass {                            /* codegen/compile.c has the list */
	char letter;
	const char *name;
	bool (*run)(struct compile *);   /* false: exactly when it added an error */
	void (*dump)(struct compile *, struct buf *);
};
void options_split(struct compile *);    /* option.c, before S: parameters and options apart */
/* getopt(): the call becomes the option's value. */
bool option_fold(struct compile *, struct node *call);
bool import_scripts(struct compile *);   /* import.c, during S: imported scripts stand in the place of their imports */
bool config_apply(struct compile *);     /* config.c, end of S: limits and settings from options and the config block */
bool pass_macro(struct compile *);       /* macro.c   M: macros expanded in every probe; no MACRO is left */
/* cdef.c, end of S: C definitions become types and constants, #defines in the tree what they stand for. */
struct c_file *cdef_file(struct compile *); /* for c->c_file */
bool cdef_apply(struct compile *);
bool pass_attach(struct compile *);      /* attach.c  A: attach points parsed, wildcards expanded: c->probes */
bool pass_resolve(struct compile *);     /* resolve.c R: names to rows, variables, maps; probes split by args */
bool pass_infer(struct compile *);       /* infer.c   T: a type on every expression, variable and map */
bool pass_check(struct compile *);       /* check.c   C: what types alone do not forbid; warnings */
bool pass_plan(struct compile *);        /* plan.c    P: programs, maps and actions of the image */
void dump_probes(struct compile *, struct buf *);
void dump_types(struct compile *, struct buf *);

/* ---- types of a script (convert.c) ---- */
/* The type that holds both without loss, or NULL when there is none (LANGUAGE 2.2, 2.4, 2.5). */
const struct type *type_join(struct types *, const struct type *a, const struct type *b);
/* What a literal's type is: the smallest signed that holds it. */
const struct type *type_of_literal(struct types *, uint64_t num, bool is_neg);
bool type_can_assign(const struct type *to, const struct type *from);
bool type_can_cast(const struct type *to, const struct type *from);
bool type_is_key(const struct type *);   /* may be (part of) a map key */
bool type_is_condition(const struct type *);
bool type_is_literal(const struct type *); /* while T runs: of a literal that takes the other side's sign */
bool type_is_readable_aggr(const struct type *); /* count sum min max avg: reads as an integer in expressions */
/* The type a script's words name ("uint8", "struct file *", "string[8]", typedefs and enums of BTF).  NULL after an error. */
const struct type *type_of_node(struct compile *, const struct node *type_node);

/* ---- C definitions of the script (cdef.c); all find nothing when there are none ---- */
const struct type *cdef_type(struct compile *, const char *name); /* "struct x", or a typedef.  NULL: the script defines no such */
bool cdef_enum_value(struct compile *, const char *name, int64_t *value, const struct type **type);
void cdef_near_type(struct compile *, const char *name, struct near *);
void cdef_near_constant(struct compile *, const char *name, struct near *);
/* A member as scripts see it: of a kernel struct that the script defines too, the script's.  As kernel_field(). */
bool script_field(struct compile *, const struct type *record, const char *name, struct field *out);
/* The type of such a member's value: char x[N] of a C definition reads as a string[N+1], which is never cut (LANGUAGE 2.4). */
const struct type *script_value(struct compile *, const struct type *record, const struct type *member);

/* True when the expression is a literal, which R makes of every constant one and T of sizeof; gives its value. */
bool fold_int(const struct node *, int64_t *value);
/* The text of a positional parameter that the literal was written as ($1), whatever it reads as; NULL: it was not. */
const char *positional_text(struct compile *, const struct node *);
/* Offers the names of macros, the script's and the standard library's. */
void macro_near(struct compile *, const char *name, struct near *);
/* The compile's own message helpers: they add the error and return false. */
bool want_args(struct compile *, const struct node *call, unsigned min, unsigned max);
unsigned node_count(const struct node *list);

/* ---- questions to the kernel (kernel.c, tracefs.c, ksyms.c) ----
 * Everything below asks the running kernel (or the tree under opts.sysroot), opens lazily, and caches.  */
struct kernel *kernel_open(struct sonde *); /* NULL: out of memory.  Kept in ctx->kernel by the caller */
void kernel_close(struct kernel *);
const char *kernel_id(struct kernel *);  /* of the BTF that was used, or NULL when none was */
bool kernel_has_btf(struct kernel *, const char **why); /* why: one line on what is missing and what to do */
/* A struct, union, enum or typedef'd type of that spelling ("struct file", "enum pid_type", "size_t"), or NULL. */
const struct type *kernel_type(struct kernel *, struct types *, const char *name);
/* Fills in the fields of an open record, one level; false when its BTF is gone. */
bool kernel_expand(struct kernel *, struct types *, const struct type *record);
/* A member by name, anonymous members searched, offset from the start of the record.  False: none. */
bool kernel_field(struct kernel *, struct types *, const struct type *record, const char *name, struct field *out);
/* Offers each field name of a record to near. */
void kernel_near_field(struct kernel *, struct types *, const struct type *record, const char *name, struct near *);
/* An enumerator by name, and the enum it is of (type may be NULL).  False: none. */
bool kernel_enum_value(struct kernel *, struct types *, const char *name, int64_t *value, const struct type **type);
/* Parameters of a BTF function (FUNC): types[] in the given table, names[]; returns how many, -1: no such function. */
int kernel_func_params(struct kernel *, struct types *, const char *func, const char **names, const struct type **types, int max,
		       const struct type **ret);
bool kernel_has_func(struct kernel *, const char *func);     /* kallsyms or BTF knows a function of that name */
uint64_t kernel_sym(struct kernel *, const char *name);      /* address by kallsyms; 0: none (or hidden) */
int kernel_each_func(struct kernel *, const char *pattern, sonde_name_fn, void *ud); /* traceable functions, else kallsyms and BTF */
/* Tracepoints: events of tracefs.  pattern parts may hold *.  fn gets "category:event".  Count, or -errno with *why. */
int kernel_each_tracepoint(struct kernel *, const char *category, const char *event, sonde_name_fn, void *ud, const char **why);
/* The record of a tracepoint's format file, named "args" fields in order, common_ ones left out; NULL with *why. */
const struct type *kernel_tracepoint_args(struct kernel *, struct types *, const char *category, const char *event, const char **why);
/* The same fields as text for listings: "    int dfd\n" for each, in the file's words.  False: no such tracepoint. */
bool kernel_tracepoint_text(struct kernel *, const char *category, const char *event, struct buf *out);
int kernel_each_rawtracepoint(struct kernel *, const char *pattern, sonde_name_fn, void *ud); /* btf_trace_ typedefs, else available_events */
/* pid namespace of this process: true when it is not the initial one. */
bool kernel_pid_ns(struct kernel *, uint64_t *dev, uint64_t *ino);
bool glob_match(const char *pattern, const char *text); /* * is the only wildcard */
#endif
