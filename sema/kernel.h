/* kernel.h - what the files that question the kernel share; private to kernel.c, btf_type.c, tracefs.c and ksyms.c. */
#ifndef SEMA_KERNEL_H
#define SEMA_KERNEL_H
#include "image/btf.h"
#include "sema/sema.h"

enum { FIND_SLOTS = 256 };
struct names;
struct kernel {
	struct sonde *ctx;
	struct btf_view btf;
	enum { BTF_UNASKED, BTF_READY, BTF_MISSING } btf_state;
	struct buf btf_why;              /* why it is missing */
	char id[20];                     /* "" until asked for */
	/* Looked-up names: key is a hash of name and kinds, 0: free; id 0: known to be missing. */
	struct { uint64_t key; uint32_t id; } found[FIND_SLOTS];
	/* What types are put together in, kept here because making a type may jump. */
	struct field *fields; uint32_t fields_cap;
	struct enumval *enums; uint32_t enums_cap;
	struct buf text;
	char *format;                    /* the format file read last */
	struct buf event_why;
	struct buf header, header_macros; /* what libclang said of the header read last */
	char *kallsyms; size_t kallsyms_len; bool is_kallsyms_read;
	struct names *names;             /* lists being walked; a callback that jumps leaves them to kernel_close() */
};

/* True when there is BTF to ask, which is opened by the first call. */
bool kernel_btf(struct kernel *);
/* As btf_find, remembering the answer. */
bool kernel_find(struct kernel *, const char *name, unsigned kinds, struct btf_rec *out);
/* sysroot + path.  "" when memory ran out. */
const char *kernel_path(struct kernel *, struct buf *, const char *path);

/* ---- btf_type.c ---- */
/* The type with that id.  NULL only when memory ran out and the table's arena does not jump. */
const struct type *btf_type(struct kernel *, struct types *, uint32_t id);
/* Places a bit field: bits [bit, bit + n) of a record of `end` bytes.  The unit is the type's own where the bits are within one
 * (always, unless the struct is packed), else the least that holds them.  false: none does. */
bool btf_bit_field(struct types *, struct field *, uint32_t bit, uint32_t n, uint32_t end);
/* Reads the fields of a struct or union into k->fields.  How many, -1: out of memory. */
int64_t btf_fields(struct kernel *, struct types *, const struct btf_rec *);

/* ---- ksyms.c: sorted lists of names ---- */
struct names {
	struct names *next;              /* in k->names */
	struct buf text;                 /* each name with its NUL */
	const char **name;               /* once it is sorted */
	size_t n;
};
struct names *names_new(struct kernel *); /* NULL: out of memory */
void names_add(struct names *, const char *s, size_t len);
void names_free(struct kernel *, struct names *); /* NULL does nothing */
/* Sorts, offers each name and frees the list.  Count, fn's non-zero, or -ENOMEM. */
int names_each(struct kernel *, struct names *, sonde_name_fn, void *ud);
#endif
