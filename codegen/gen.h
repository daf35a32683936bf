/* gen.h - the emitter as rows see it: values, arithmetic, memory, maps, events.  No LLVM type appears here.
 * Nothing here can fail but by running out of memory (which jumps) or by a message the pass gives: bool results are passed up. */
#ifndef CODEGEN_GEN_H
#define CODEGEN_GEN_H
#include "sema/plug.h"

struct gref;                             /* an LLVM value */
enum gkind {
	GV_REG,                          /* v: the number itself, always 64 bits, extended by the type's sign */
	GV_MEM,                          /* v: pointer to type->size bytes of BPF memory (stack, scratch, map, context) */
	GV_FAR,                          /* v: 64-bit address in kernel or user memory of an object of this type, not read yet */
};
struct gval {
	enum gkind kind;
	struct gref *v;
	const struct type *type;
	enum space space;                /* FAR: which read to emit */
	bool is_trusted;                 /* FAR, or REG of a pointer: the verifier knows the pointer's BTF type, loads may be direct */
	bool is_padded;                  /* MEM: bytes behind a string's NUL are zero */
	bool is_ctx;                     /* MEM: memory of the context: fields load at their exact size only */
	bool is_nullable;                /* FAR, or REG of a pointer: trusted, but read from memory: may be 0 */
	bool is_loose;                   /* MEM: neither stack nor context: words may be read and written at any address */
	uint8_t align;                   /* MEM: what the address is a multiple of; 0: of 8, or is_loose */
	uint32_t off;                    /* FAR and trusted: the object lies so far behind the pointer v (gen_addr adds it) */
};

/* ---- expressions ---- */
bool gen_expr(struct gen *, const struct node *, struct gval *out);   /* FAR records stay FAR; scalars are read */
bool gen_expr_reg(struct gen *, const struct node *, struct gval *out); /* as a number: aggregates are summed */
/* Writes the value into dst (MEM; dst.type is the wanted type: converts, widens, pads with zeros when pad). */
bool gen_expr_to(struct gen *, const struct node *, struct gval dst, bool pad);
bool gen_to(struct gen *, struct gval from, struct gval dst, bool pad);  /* the same with a value at hand */
bool gen_is_true(struct gen *, struct gval, struct gval *out);           /* as condition: 0 or 1 */
bool gen_block(struct gen *, const struct node *list);                   /* statements */

/* ---- numbers ---- */
struct gval gen_int(struct gen *, const struct type *, uint64_t);
struct gval gen_u64(struct gen *, uint64_t);
struct gval gen_bin(struct gen *, enum token_kind op, struct gval a, struct gval b); /* PLUS MINUS STAR AMP PIPE CARET SHL SHR: 64 bits */
struct gval gen_udiv(struct gen *, struct gval a, struct gval b);        /* b must not be zero */
struct gval gen_umod(struct gen *, struct gval a, struct gval b);
struct gval gen_cmp(struct gen *, enum token_kind op, bool is_signed, struct gval a, struct gval b); /* EQ NE LT LE GT GE: bool */
struct gval gen_select(struct gen *, struct gval cond, struct gval a, struct gval b);
struct gval gen_at_most(struct gen *, struct gval, uint64_t most);       /* the smaller, unsigned: a size that the verifier sees bounded */
struct gval gen_cast(struct gen *, struct gval, const struct type *to);  /* truncates and extends scalars; only the type for pointers */
struct gval gen_reg(struct gen *, struct gref *, const struct type *);

/* ---- control ---- */
struct gblock;                           /* a basic block */
struct gblock *gen_label(struct gen *, const char *name);
void gen_jump(struct gen *, struct gblock *);
void gen_branch(struct gen *, struct gval cond, struct gblock *yes, struct gblock *no);
void gen_place(struct gen *, struct gblock *);  /* what follows is emitted there */
struct gblock *gen_here(struct gen *);
struct gval gen_phi(struct gen *, const struct type *, struct gval a, struct gblock *from_a, struct gval b, struct gblock *from_b);
void gen_return_if(struct gen *, struct gval cond);                      /* leaves the program with 0 */
void gen_return(struct gen *, struct gval value);                        /* leaves the program, from inside loops too */

/* ---- memory ---- */
struct gval gen_temp(struct gen *, const struct type *);                 /* fresh memory: stack when small, else scratch.  Not zeroed */
struct gval gen_temp_bytes(struct gen *, uint32_t size);                 /* the same, type u8 array */
struct gval gen_at(struct gen *, struct gval mem, uint32_t off, const struct type *); /* MEM inside MEM, or FAR inside FAR */
struct gval gen_load(struct gen *, struct gval);                         /* MEM or FAR scalar to REG (bit fields: gen_load_field) */
struct gval gen_load_field(struct gen *, struct gval record, const struct field *);  /* scalar: REG; else MEM or FAR */
void gen_store(struct gen *, struct gval mem, struct gval reg);          /* at the size of mem.type */
void gen_zero(struct gen *, struct gval mem);                            /* all type->size bytes */
void gen_copy(struct gen *, struct gval dst, struct gval src, uint32_t n); /* bytes; src MEM or FAR; dst MEM */
struct gval gen_addr(struct gen *, struct gval mem);                     /* MEM's address as a helper argument (REG) */
struct gval gen_index(struct gen *, struct gval mem, struct gval i, uint32_t size, const struct type *elem); /* element i; caller bounds i */
struct gval gen_str_literal(struct gen *, const char *s, uint32_t len, uint32_t size); /* temp of `size` bytes, padded */
struct gval gen_atomic_add(struct gen *, struct gval mem64, struct gval v);            /* gives the old value */
struct gval gen_str_equal(struct gen *, struct gval a, struct gval b, uint32_t max);   /* bool; stops at NUL, compares at most max bytes */

/* ---- kernel ---- */
struct gval gen_helper(struct gen *, int func, const struct gval *args, int n); /* enum bpf_func_id; i64 result */
struct gval gen_ctx(struct gen *);                                       /* the program's context pointer, as a helper argument */
struct gval gen_ctx_field(struct gen *, uint32_t off, uint32_t size, bool is_signed);  /* direct load from the context */
struct gval gen_curtask(struct gen *);                                   /* trusted struct task_struct pointer */
/* Process or thread id (u32) of the current task as the pid namespace of sonde itself counts; is_init: the initial one. */
struct gval gen_pid_of(struct gen *, bool is_init, bool is_thread);
/* probe_read of n bytes into dst from an address in space; failed reads give zeros. */
void gen_probe_read(struct gen *, struct gval dst, struct gval n, struct gval addr, enum space);
struct gval gen_probe_read_str(struct gen *, struct gval dst, struct gval n, struct gval addr, enum space); /* i64: length with NUL or -errno */
const struct probe *gen_probe(struct gen *);
const struct target *gen_target(struct gen *);
struct compile *gen_compile(struct gen *);
struct gval gen_state(struct gen *, uint32_t off, uint32_t size);        /* MEM: struct run_state at off */
struct gval gen_cookie(struct gen *);                                    /* attach cookie: index into image targets */

/* ---- maps ---- */
bool gen_map_key(struct gen *, const struct node *map_node, struct gval *out); /* MEM: the key, padded; scalar: u32 0 */
struct gval gen_map_lookup(struct gen *, const struct mapdesc *, struct gval key); /* REG: address of the value, 0: missing */
struct gval gen_mem_at(struct gen *, struct gval reg, const struct type *);        /* a checked address as MEM */
/* Finds or makes (zeroed) the element: REG address, never 0 behind it: on failure the error is counted and control goes to *failed. */
struct gval gen_map_cell(struct gen *, const struct mapdesc *, struct gval key, struct gblock *failed);
void gen_map_mark_set(struct gen *, const struct mapdesc *, struct gval value);    /* scalar: sets its "is set" */
/* How many elements a keyed map has (i64): for_each_map_elem with a callback that does nothing gives their number. */
struct gval gen_map_count(struct gen *, const struct mapdesc *);
uint32_t gen_possible_cpus(struct gen *);                                          /* how many CPUs a per-CPU map may have */
struct gval gen_map_ref(struct gen *, uint32_t slot);                              /* the map itself, for helpers */
/* Counts a failure at a place: becomes a warning at run time.  code: the helper's result or 0. */
void gen_error(struct gen *, enum run_error, const char *detail, struct span, struct gval code);

/* ---- events ---- */
/* Room for an event of this action's payload: MEM of payload type; where the ring is full the loss is counted and control
 * goes behind gen_event_end. */
struct gval gen_event_begin(struct gen *, const struct action *);
void gen_event_end(struct gen *);                                        /* submits; control joins here */
/* The default of BI_ACTION rows: an event holding every argument that is sent. */
bool gen_action(struct gen *, const struct node *call);

/* ---- the machine (arch.c) ---- */
struct arch {
	const char *name;                /* "x86_64": uname */
	const char *triple;              /* LLVM's for the target: "bpfel" */
	int arg_off[8]; unsigned n_args; /* offsets of argument registers in struct pt_regs */
	int ret_off, ip_off, sp_off, syscall_nr_off;
	uint32_t pt_regs_size;
	int sys_arg_off[6];              /* offsets of a system call's arguments in struct pt_regs */
};
const struct arch *arch_host(void);

/* ---- for the pass list (compile.c) ---- */
bool pass_generate(struct compile *);    /* gen.c    G: LLVM module */
bool pass_object(struct compile *);      /* object.c O: optimise, emit ELF, into c->img */
void gen_free(struct gen *);             /* NULL does nothing */
#endif
