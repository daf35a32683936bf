/* image.h - what compile side and run side both see: types, maps, actions, targets, and the image that holds them.
 * Knows no syntax tree, no LLVM, no libbpf. */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H
#include <stdatomic.h>
#include "lang/base.h"

/* ---- types (type.c) ---- */
enum type_kind {
	T_VOID,
	T_BOOL,   /* 1 byte in memory */
	T_INT,    /* size 1 2 4 8; enums has the names when it is an enum */
	T_STR,    /* size bytes, ends at the first NUL; without one it was cut off (a last byte STR_CUT is not part of it) */
	T_BYTES,  /* buffer[n]: u32 length, u32 zero, n bytes; size = 8 + n rounded up to 8 */
	T_PTR,
	T_ARRAY,
	T_RECORD, /* struct, union, args, record literal */
	T_TUPLE,
	T_AGGR,   /* a cell of count(), hist() ... */
	T_STACK,  /* u32 pid, u32 number of frames, then n u64 addresses, unused ones zero */
	T_WORD,   /* a mode word such as boot, perf: only as an argument */
};
enum stack_mode { STACK_BPFTRACE, STACK_PERF, STACK_RAW, STACK_BUILD_ID, N_STACK_MODES }; /* STACK: param[0]; LANGUAGE 5.6 */
enum { STR_CUT = 0xff };                    /* no text in UTF-8 holds this byte */
enum space { AS_BPF, AS_KERNEL, AS_USER };  /* where a pointer points: which read to emit */
struct enumval { const char *name; int64_t value; };
struct field {
	const char *name;                /* NULL: anonymous (struct members: search inside) */
	const struct type *type;
	uint32_t off;                    /* bytes from the start */
	uint8_t bit_off, bit_len;        /* bit field: first bit (from the lowest) in the `type`-sized unit at off; 0 0: none */
	bool is_data_loc;                /* __data_loc of a tracepoint: u32 at off, low half: offset of the text, high: length */
};
struct aggr;
struct fmt;
struct type {                            /* hash-consed: equal types are the same pointer, within one struct types */
	enum type_kind kind;
	uint32_t size, align;            /* bytes */
	uint32_t n;                      /* ARRAY: length; RECORD, TUPLE: fields; BYTES: capacity; STACK: frames; enum: values */
	bool is_signed;                  /* INT; AGGR: of what was aggregated */
	bool is_union, is_user;          /* RECORD; STACK: user stack */
	bool is_open;                    /* RECORD: fields not read yet; sema's kernel_expand() fills them in */
	enum space space;                /* PTR */
	const char *name;                /* RECORD "struct task_struct", "args", "record"; enum "enum pid_type"; WORD the word; typedef'd ints NULL */
	const struct type *elem;         /* PTR (NULL: void), ARRAY, AGGR */
	const struct field *fields;      /* RECORD, TUPLE */
	const struct enumval *enums;     /* INT that is an enum */
	const struct aggr *aggr;         /* AGGR */
	const struct fmt *fmt;           /* how to print: ksym, inet ...; NULL: by kind */
	int64_t param[4];                /* AGGR: constant arguments: hist k; lhist min max step; STACK: [0] mode */
	uint32_t btf_id;                 /* RECORD from kernel BTF; 0: none */
	const void *home;                /* RECORD from BTF: the struct btf it came from; never saved */
};
struct types;                            /* the table of one compile or image; lives in an arena */
struct types *types_new(struct arena *keep);
const struct type *type_void(struct types *);
const struct type *type_bool(struct types *);
const struct type *type_int(struct types *, uint32_t size, bool is_signed);
const struct type *type_enum(struct types *, const char *name, uint32_t size, bool is_signed, const struct enumval *, uint32_t n);
const struct type *type_str(struct types *, uint32_t size);
const struct type *type_bytes(struct types *, uint32_t capacity);
const struct type *type_ptr(struct types *, const struct type *elem, enum space);
const struct type *type_array(struct types *, const struct type *elem, uint32_t n);
const struct type *type_tuple(struct types *, const struct type *const *elems, uint32_t n); /* C layout; str, bytes align 1 */
/* A record with known fields (args, record literals).  Equal name, size and fields: the same type. */
const struct type *type_record(struct types *, const char *name, uint32_t size, bool is_union, const struct field *, uint32_t n);
/* A struct or union of kernel BTF whose fields are read later.  Keyed by home and btf_id. */
struct type *type_open(struct types *, const char *name, uint32_t size, bool is_union, const void *home, uint32_t btf_id);
/* elem: what was aggregated, or NULL; size: what the row's size() says; is_signed: elem's. */
const struct type *type_aggr(struct types *, const struct aggr *, const struct type *elem, const int64_t param[4]);
const struct type *type_stack(struct types *, bool is_user, uint32_t n, int mode);
const struct type *type_word(struct types *, const char *word);
const struct type *type_fmt(struct types *, const struct type *base, const struct fmt *); /* base printed another way */
static inline bool type_is_number(const struct type *t) { return t->kind == T_INT || t->kind == T_BOOL; }
/* Lives in a register (64 bits), not in memory. */
static inline bool type_is_scalar(const struct type *t) { return type_is_number(t) || t->kind == T_PTR; }
/* LANGUAGE 2.1 spelling: "int8", "string[3]", "(int8,string[3])", "struct task_struct *". */
void type_name_to(struct buf *, const struct type *);
const char *type_name(struct arena *, const struct type *);
const char *stack_mode_name(int mode);   /* "perf"; NULL: no such mode */
/* Reads an integer of 1..8 bytes at p, extended by sign. */
int64_t type_read_int(const struct type *, const void *p);

/* ---- maps, programs, targets, actions ---- */
enum { MAP_RING, MAP_STATE, MAP_SCRATCH, MAP_ZERO, N_INTERNAL_MAPS }; /* the first slots of every image's maps, in this order */
/* MAP_RING: ring buffer of events.  MAP_STATE: array, 1 entry struct run_state, mmap'ed by the session.
 * MAP_SCRATCH: per-CPU array, 1 entry: temporaries too large for the stack; entries x size chosen by codegen.
 * MAP_ZERO: array, 1 entry never written: source of zeros.  One that no program refers to has max 0 and is not made. */
struct mapdesc {
	const char *name;                /* "@x"; internal ones ".ring" */
	const struct type *key, *val;    /* key NULL: scalar.  val: what the script sees (AGGR: the cell) */
	uint32_t bpf_type, bpf_flags;    /* enum bpf_map_type */
	uint32_t key_size, val_size;     /* bytes as created; scalar script maps: u32 key, value then a u64 "is set" */
	uint32_t max;                    /* entries */
	uint32_t slot;                   /* index in the image */
	bool is_percpu, is_atomic;       /* is_atomic: more than one program, or a preemptible one, updates it */
	bool is_declared, is_scalar;
	uint32_t set_off;                /* scalar: offset of the "is set" u64 in the value */
	struct span first;               /* first use */
	/* compile side only, not saved */
	bool is_read, is_written;
	const void *writer;              /* the first program seen writing it */
	const struct builtin *aggr_row;
	struct node *aggr_call;
};
struct run_state {                       /* value of MAP_STATE, shared with the kernel by mmap */
	uint32_t awake;                  /* 1 while the session drains the ring: programs need not wake it */
	uint32_t child_pid;
	uint64_t start_ns;               /* CLOCK_BOOTTIME at attach, for elapsed */
	uint64_t exiting;                /* set by exit(): programs return at once */
	uint64_t lost;                   /* events that found no room (atomic add) */
	uint64_t scratch_busy;           /* runs given up for lack of a scratch slot (atomic add) */
	struct { uint64_t count; int64_t code; } error[]; /* one per entry of the image's errors: how often, last helper code */
};
#define TARGET_MATCHED ((uint64_t)1 << 63) /* one of those that a wildcard matched: may fail to attach without a word */
struct target {                          /* one attach point after expansion */
	const char *provider;            /* "tracepoint": the row's canonical name */
	const char *name;                /* in full, as the builtin probe gives it */
	const char *part[4];             /* provider's own: category, event ...; NULL when not used */
	uint64_t num, num2;              /* provider's own: period, offset, address ...; num2: TARGET_MATCHED too */
	struct span at;
	const struct run_provider *run;  /* set when image is made or loaded */
	const struct type *args;         /* compile side only: what args is here, NULL when not asked for */
};
struct prog {                            /* one BPF program: a section of the ELF object */
	const char *section;             /* "p0", "p1": entry is its first instruction */
	const char *name;                /* shown by bpftool: [A-Za-z0-9_.]* */
	uint32_t prog_type, attach_type; /* enum bpf_prog_type, bpf_attach_type (expected) */
	const char *btf_attach;          /* tp_btf, fentry: name of the BTF type to attach to, else NULL */
	uint32_t btf_kind;               /* BTF_KIND_TYPEDEF or BTF_KIND_FUNC, of btf_attach */
	struct target *targets;          /* attach cookie: index in image->targets of each */
	uint32_t n_targets, first_target; /* targets == &image->targets[first_target] */
	struct span at;
};
struct action {                          /* what a kind of event means; the u32 that begins an event is an index here */
	const char *builtin;             /* row name: "printf" */
	const struct run_builtin *run;   /* set when image is made or loaded */
	const struct type *payload;      /* TUPLE of the arguments sent with the event, at offset 8 of it */
	const char *fmt;                 /* literal first string argument, or NULL */
	int map;                         /* slot of a map argument, or -1 */
	int64_t num[2];                  /* literal integer arguments that are not sent: print(@, top, div) */
	int n_num;
	struct span at;
};
enum run_error {                         /* what can fail while a program runs; the texts are in runtime/poll.c */
	RE_MAP_FULL, RE_MAP_UPDATE, RE_DELETE_MISSING, RE_DIV_ZERO, RE_INDEX, RE_STACK, RE_HELPER, N_RUN_ERRORS
};
struct errsite { enum run_error what; const char *detail /* helper or map name, or NULL */; struct span at; };

struct sonde_image {
	atomic_uint refs;
	struct arena *keep;              /* owns all below, and itself */
	struct types *types;
	const uint8_t *elf; size_t elf_len;
	struct prog *progs; uint32_t n_progs;
	struct target *targets; uint32_t n_targets;
	struct mapdesc *maps; uint32_t n_maps;           /* N_INTERNAL_MAPS first */
	struct action *actions; uint32_t n_actions;
	struct errsite *errors; uint32_t n_errors;
	const char *source_name, *source; size_t source_len;
	const char *kernel_id;           /* what the offsets came from: a hash of the BTF; NULL: none were used */
	uint32_t max_payload;
	struct { const char *name, *doc; } *options; uint32_t n_options; /* the script's own; doc may be NULL.  Not saved */
	const char *license;             /* "GPL" */
	struct image_config {            /* the config variables the run side needs, by name */
		uint32_t print_maps_on_exit, max_cat_bytes, stack_mode, missing_probes, log_size;
		const char *str_trunc_trailer;
	} config;
};

/* ---- rows the run side plugs in; found by name when an image is made or loaded ---- */
struct render;                           /* what printing may ask of the session; runtime/rt.h */
struct sonde_session;
struct aggr {                            /* run half of an aggregation */
	const char *name;                /* "hist": the builtin's name; shown as hist_t */
	const char *type_name;           /* "hist_t", "sum_t" */
	bool is_number;                  /* reads as one integer in expressions */
	bool has_sign;                   /* type_name gets a u in front when what was aggregated is unsigned: "usum_t" */
	/* Bytes of a cell, a multiple of 8: type_aggr() asks; align 8.  A loaded image may ask with any parameters: 0 refuses
	 * them (step 0 ...), and merge, weight, print and value see none that were refused. */
	uint32_t (*size)(const int64_t param[4]);
	void (*merge)(const struct type *, void *into, const void *from);      /* cells of two CPUs; into starts as zeros */
	/* The sort key (LANGUAGE 5.3), one number; is_signed: compare as int64. */
	uint64_t (*weight)(const struct type *, const void *cell, bool *is_signed);
	/* Text of one element: after "@x[key]:".  is_block: starts a new line and ends in an empty one (histograms). */
	void (*print)(struct render *, const struct type *, const void *cell, int64_t div, struct buf *out);
	bool is_block;
	/* Where the text of one element depends on the others: sees all cells of a map, merged, before any is printed.  NULL: not so. */
	void (*align)(const struct type *, void *const *cells, size_t n);
	/* Fills *out (items from the arena); div as in print. */
	void (*value)(struct render *, const struct type *, const void *cell, int64_t div, struct arena *, struct sonde_value *out);
};
struct fmt {                             /* how a value prints when its kind alone does not say */
	const char *name;                /* "ksym_t": also its type name in messages; "inet[]": the capacity is put between */
	/* True when print may be given values of base; asked of images that are loaded.  NULL: any of 8 bytes or more. */
	bool (*fits)(const struct type *base);
	void (*print)(struct render *, const struct type *, const void *data, struct buf *out);
};
struct run_builtin {                     /* run half of an asynchronous builtin */
	const char *name;
	/* One event: data has payload->size bytes.  0, or -errno after rt_error(). */
	int (*event)(struct sonde_session *, const struct action *, const void *data);
	/* True when the action has what event() relies on (fields of the payload, map, fmt, num); asked of images that are loaded,
	 * which may hold anything.  NULL: event() looks for itself. */
	bool (*fits)(const struct sonde_image *, const struct action *);
};
enum run_when { ON_ATTACH, ON_BEGIN, ON_END, ON_TEST, ON_BENCH };
struct links;
struct run_provider {                    /* run half of a probe type */
	const char *name;                /* canonical */
	enum run_when when;              /* not ON_ATTACH: run by test_run, attach is NULL */
	/* Attaches targets [0, n) of the program and adds what must be closed to links.  0 or -errno after rt_error().
	 * Nothing stays attached on failure beyond what is in links. */
	int (*attach)(struct sonde_session *, const struct prog *, int prog_fd, struct links *);
	bool (*fits)(const struct target *); /* the parts attach() relies on are there; as in run_builtin */
};
struct run_plugs {                       /* all rows of the run side; each array ends in NULL */
	const struct run_builtin *const *builtins;
	const struct run_provider *const *providers;
	const struct aggr *const *aggrs;
	const struct fmt *const *fmts;
};
extern const struct run_plugs run_plugs; /* stdlib/run_all.c */
const struct run_builtin *run_find_builtin(const char *name);
const struct run_provider *run_find_provider(const char *name);
const struct aggr *run_find_aggr(const char *name);
const struct fmt *run_find_fmt(const char *name);

/* ---- images (image.c) ---- */
struct sonde_image *image_new(void);     /* one reference; NULL: out of memory.  keep and types are ready */
void image_unref(struct sonde_image *);
/* Writes the image as bytes, format version first.  0 or -errno / what write returned. */
int image_save(const struct sonde_image *, sonde_write_fn, void *ud);
/* Reads and verifies.  NULL with a diagnostic (E_IMAGE), or without one when memory ran out.  Any bytes are safe. */
struct sonde_image *image_load(const void *data, size_t len, struct diags *);
/* True when all indexes, offsets and sizes fit together; else *why says what does not. */
bool image_verify(const struct sonde_image *, const char **why);
void image_dump(const struct sonde_image *, struct buf *); /* programs, maps, actions: dump P */
#endif
