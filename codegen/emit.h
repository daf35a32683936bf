/* emit.h - the emitter from inside: LLVM's objects of one compilation, the program and the function being emitted. */
#ifndef CODEGEN_EMIT_H
#define CODEGEN_EMIT_H
#include <llvm-c/Core.h>
#include <llvm-c/DebugInfo.h>
#include <llvm-c/TargetMachine.h>
#include "codegen/gen.h"

struct slot {                            /* a piece of a function's stack, used by one temporary after the other */
	struct slot *next;
	struct slot *below;              /* the one taken before it, while is_busy */
	LLVMValueRef mem;
	uint32_t size;
	bool is_busy;
};
struct mark { struct slot *held; uint32_t scratch; };  /* what is in use at the start of a statement */
struct loop {                            /* a loop around the statement at hand, within one function */
	struct loop *outer;
	LLVMBasicBlockRef next, done;    /* both NULL: the body is a callback, which leaves by its return value */
	unsigned n_events;
};
struct exit_place { struct exit_place *next; LLVMValueRef ret; };
struct func {                            /* the program's entry, or the callback of a loop inside it */
	struct func *outer;
	LLVMValueRef fn, ctx, frame;     /* ctx: NULL in callbacks; frame: NULL when the program has no callback */
	LLVMBasicBlockRef entry, start, claim, body; /* entry: the stack's; start: what follows it */
	LLVMValueRef scratch;            /* alloca of the pointer to the scratch entry */
	LLVMMetadataRef sub;
	struct loop *loops;
	struct slot *slots, *held;
	struct exit_place *exits;        /* returns behind the claim of scratch memory */
	uint32_t stack_used, stack_max;
	LLVMValueRef zero_key;
	bool uses_scratch, has_return;
	unsigned n_events;               /* that were begun outside of it */
	LLVMBasicBlockRef back;          /* where emission of the outer function goes on */
	struct mark mark;
};
enum place_kind { PLACE_SLOT, PLACE_FRAME, PLACE_SCRATCH };
struct place {                           /* where a scratch variable lives */
	enum place_kind kind;
	uint32_t off;                    /* in the frame or the scratch entry */
	LLVMValueRef fn, mem;            /* SLOT: of which function */
	unsigned n_writes;
	bool is_ready, is_addressed;
	bool is_raw;                     /* text whose bytes behind its NUL are looked at: they are kept zero */
	bool is_trusted, is_padded;      /* of the one value written, when n_writes is 1 */
};
/* Words of a program's frame: memory of the entry function that its callbacks reach through their context argument. */
enum { FRAME_RETURNED, FRAME_VALUE, FRAME_KEY, FRAME_COOKIE, FRAME_FIXED };
struct event { struct event *below; LLVMValueRef mem; LLVMBasicBlockRef done; };
struct gen {
	struct compile *c;
	LLVMContextRef lc;
	LLVMModuleRef mod;
	LLVMBuilderRef b, allocas;
	LLVMTargetMachineRef tm;
	LLVMDIBuilderRef di;
	LLVMMetadataRef di_file, di_unit, di_proto;
	LLVMTypeRef i1, i8, i16, i32, i64, ptr;
	LLVMValueRef *map_sym, *val_sym;
	uint32_t *line_start, n_lines;   /* offsets at which the script's lines begin */
	uint32_t n_errors_cap;
	bool is_used[N_INTERNAL_MAPS];
	bool has_exit;                   /* some probe calls exit() */
	bool needs_passes;               /* memory that LLVM has to make registers of, functions it may have to drop */
	uint32_t zero_size;              /* largest piece of zeros asked for */
	uint32_t scratch_size, scratch_entries;
	uint32_t longest;                /* LLVM instructions in one function */
	struct span longest_at;
	/* the program at hand */
	const struct probe *probe;
	struct func *f;
	unsigned n_callbacks, loop_depth, n_frame;
	uint32_t scratch_top, scratch_max, scratch_entry;
	uint32_t big_size;
	struct span big_at, at;
	struct event *events;
	unsigned n_events;
	bool has_loop, needs_cookie;

	char llvm_text[256];
	const uint8_t *elf;              /* from mem_alloc, owned */
};

/* ---- LLVM values and ours ---- */
static inline LLVMValueRef llvm(struct gval v) { return (LLVMValueRef)v.v; }
static inline struct gval
reg_of(LLVMValueRef v, const struct type *t)
{
	return (struct gval){ .kind = GV_REG, .v = (struct gref *)v, .type = t };
}
static inline struct gval
mem_of(LLVMValueRef v, const struct type *t)
{
	return (struct gval){ .kind = GV_MEM, .v = (struct gref *)v, .type = t };
}
static inline LLVMValueRef const64(struct gen *g, uint64_t n) { return LLVMConstInt(g->i64, n, 0); }
static inline LLVMBasicBlockRef block(struct gblock *b) { return (LLVMBasicBlockRef)b; }
static inline uint32_t round8(uint32_t n) { return (n + 7) & ~7u; }
static inline uint32_t align_of(struct gval v) { return v.align ? v.align : 8; }

/* emit.c */
LLVMValueRef emit_bool(struct gen *, struct gval);               /* i1: not zero */
struct gval emit_from_bool(struct gen *, LLVMValueRef i1);       /* a bool */
/* Calls a helper of the kernel (enum bpf_func_id); its result as i64. */
LLVMValueRef emit_helper(struct gen *, int func, const LLVMValueRef *args, unsigned n);
/* A pointer so many bytes on. */
LLVMValueRef emit_offset(struct gen *, LLVMValueRef ptr, uint32_t off);
struct gval emit_plain(struct gen *, struct gval reg);           /* a typed pointer as a number without bounds */
bool emit_is_ended(struct gen *);                                /* the block at hand has its last instruction */
/* A branch that nearly always goes to yes; emit_place_hot() then puts yes right behind `from`, where it stands. */
void emit_likely(struct gen *, struct gval cond, struct gblock *yes, struct gblock *no);
void emit_place_hot(struct gen *, struct gblock *at, struct gblock *from);
void emit_dead(struct gen *);                                    /* what follows is never reached */
struct gval emit_hide(struct gen *, struct gval reg);            /* the same number, opaque to LLVM: stays behind its check */
LLVMValueRef emit_ctx(struct gen *);                             /* the program's context; null in callbacks */

/* mem.c, str.c */
/* Temporaries taken between the two are free again behind the second. */
struct mark temp_mark(struct gen *);
void temp_release(struct gen *, struct mark);
LLVMValueRef temp_alloca(struct gen *, LLVMTypeRef);             /* in the function's first block, aligned to 8 */
uint32_t temp_scratch(struct gen *, uint32_t size);              /* offset in the scratch entry */
LLVMValueRef scratch_at(struct gen *, uint32_t off);             /* a place in it; the program then claims one */
LLVMValueRef emit_zeros(struct gen *, uint32_t n);               /* n bytes of zeros to read */
LLVMValueRef emit_load(struct gen *, LLVMTypeRef, LLVMValueRef ptr, uint32_t align);
void emit_store(struct gen *, LLVMValueRef v, LLVMValueRef ptr, uint32_t align);
struct gval emit_untrust(struct gen *, struct gval far);         /* FAR without the trust: a plain address */
LLVMTypeRef int_type(struct gen *, uint32_t size);               /* of 1, 2, 4 or 8 bytes */
/* Writes text of len bytes, and zeros up to size. */
void emit_text(struct gen *, struct gval dst, const char *s, uint32_t len, uint32_t size);
void emit_pad(struct gen *, struct gval dst, struct gval src, uint32_t n); /* copies a string, zeros behind its NUL */
enum { EQUAL_TEXT = 64 };                /* bytes compared by straight code */
/* A bool: n bytes are the same, padding too. */
struct gval emit_mem_equal(struct gen *, struct gval a, struct gval b, uint32_t n);
struct gval emit_text_equal(struct gen *, struct gval a, const char *s, uint32_t n); /* n bytes, the NUL among them */

/* convert.c: values between types */
bool type_has_text(const struct type *);                         /* a string or buffer is (in) it */

/* map.c */
LLVMValueRef map_symbol(struct gen *, uint32_t slot);            /* the map, as an argument of helpers */
LLVMValueRef map_value(struct gen *, uint32_t slot);             /* the one value of an array */
/* An aggregation of all CPUs as one integer. */
bool map_read_aggr(struct gen *, const struct mapdesc *, struct gval key, struct gval *out);
/* @m[key] = from, count() and its kind too. */
bool map_assign(struct gen *, const struct node *map, const struct node *from);
/* The value of an element; zeros where there is none. */
bool map_load(struct gen *, const struct node *map, struct gval *out);
struct gval emit_arith(struct gen *, enum token_kind op, struct gval a, struct gval b); /* every operator, / and % checked for zero */
/* @m op= by; sums are atomic.  *out: the old value, or the new one. */
bool map_change(struct gen *, const struct node *map, enum token_kind op, struct gval by, bool wants_new, struct gval *out);

/* event.c */
void event_unwind(struct gen *, unsigned depth);                 /* gives back the room of events that will not be sent */

/* gen.c */
/* The program's entry, or inside one a callback.  What is emitted up to func_end() is its body. */
struct func *func_begin(struct gen *, const char *name, LLVMTypeRef type, struct span at);
void func_end(struct gen *);
LLVMValueRef frame_word(struct gen *, unsigned i);               /* FRAME_RETURNED ..., or a word of a loop */

/* gen_expr.c */
bool gen_lazy(struct gen *, const struct node *, struct gval *out); /* memory of any type may stay FAR */
/* Branches to yes or no by an expression. */
bool gen_cond(struct gen *, const struct node *, struct gblock *yes, struct gblock *no);

/* gen_value.c: into *dst when it is not NULL, else *out */
bool gen_choice(struct gen *, const struct node *, struct gval *out); /* c ? a : b, c ?: b, if as an expression */
bool gen_choice_to(struct gen *, const struct node *, struct gval *out, const struct gval *dst, bool pad);
bool gen_list_value(struct gen *, const struct node *, struct gval *out, const struct gval *dst, bool pad); /* the same, to dst unless NULL */
bool gen_block_value(struct gen *, const struct node *, struct gval *out); /* what its last expression gives */

/* gen_var.c */
struct gval var_mem(struct gen *, struct var *);                 /* where it lives now */
struct gval var_read(struct gen *, struct var *);
/* Of any type from an expression; var_store: a scalar at hand. */
bool var_assign(struct gen *, struct var *, const struct node *from);
void var_store(struct gen *, struct var *, struct gval);
/* Is one of them (NULL: none) used in the expression? */
bool is_mentioned(const struct node *in, const struct var *, const struct mapdesc *);

/* gen_loop.c */
bool gen_for(struct gen *, const struct node *);
bool gen_while(struct gen *, const struct node *);
bool gen_unroll(struct gen *, const struct node *);
bool gen_leave(struct gen *, const struct node *);               /* break and continue */

/* gen_stmt.c */
bool gen_stmt(struct gen *, const struct node *);
/* A call of a row: into memory of its own, or straight to where its value shall be (converted, padded). */
bool gen_call(struct gen *, const struct node *, struct gval *out);
bool gen_call_to(struct gen *, const struct node *, struct gval dst, bool pad);

/* dbg.c */
void dbg_open(struct gen *);                                     /* before the first function */
/* What the function is called in BTF, and where it begins. */
LLVMMetadataRef dbg_function(struct gen *, const char *name, struct span at);
void dbg_place(struct gen *, struct span at);                    /* where the code that follows comes from */
void dbg_close(struct gen *);                                    /* behind the last */
/* Puts the script's lines into .BTF of the object, for the verifier's log and bpftool.  false: the object is not as expected. */
bool dbg_add_lines(struct gen *, const uint8_t *elf, size_t len, const uint8_t **out, size_t *out_len);
#endif
