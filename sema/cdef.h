/* cdef.h - what C definitions mean; private to sema's cdef.c, clayout.c, cmacro.c and clang.c. */
#ifndef SEMA_CDEF_H
#define SEMA_CDEF_H
#include "lang/cdef.h"
#include "sema/kernel.h"
#include "sema/plug.h"

enum { MAX_C_SIZE = 1 << 28, MAX_C_NESTED = 60, MAX_C_ERRORS = 100 };
struct meaning {                         /* of a C type */
	const struct type *type;         /* NULL after an error */
	uint32_t size, align;            /* as C sees them: type->align may be less */
	unsigned depth;                  /* pointers, arrays and members until a type has no parts */
	bool is_incomplete, is_function;
	bool is_char;                    /* plain char: an array of it is a string */
};
struct tag {                             /* a struct, union or enum that the script or a header names */
	const char *name;                /* "struct x"; "": it has none */
	const struct c_body *body;       /* what it was made of, NULL: declared only */
	struct meaning is;
	struct type *record;             /* == is.type, to fill in; NULL: an enum */
	bool is_open;                    /* its members are being looked at */
};
struct constant { struct c_num num; const struct type *type; };
struct cdefs {
	struct compile *c;
	struct c_file *file;
	struct c_table bodies;           /* all tags with a body anywhere in the script: name to c_type */
	struct c_table tags, aliases, constants; /* to struct tag, struct meaning, struct constant */
	struct tag **all; uint32_t n_all, all_cap; /* records; all[i] is the one with btf_id i + 1 */
	bool is_quiet;                   /* a header is read: what is wrong there is nobody's error */
	bool has_kernel_headers;         /* one was included and passed over: BTF has its types */
	bool ok;
	unsigned n_errors;
};

/* cdef.c */
bool cdef_error(struct cdefs *, struct span, enum diag_tag, const char *fmt, ...) PRINTF(4, 5); /* returns false */
bool cdef_mean(struct cdefs *, const struct c_type *, const char *alias, struct meaning *out);  /* false after an error */
bool cdef_number(struct cdefs *, const struct c_expr *, struct c_num *out);                     /* the same */
struct tag *cdef_tag_new(struct cdefs *, const char *name, bool is_union, bool is_enum);
void cdef_constant(struct cdefs *, const char *name, struct c_num, const struct type *);
/* Remembers tags with bodies, the first of each name. */
void cdef_collect(struct cdefs *, const struct c_type *);
void cdef_define(struct cdefs *, const struct c_decl *);
/* What C says of a type that did not come from C. */
struct meaning cdef_meaning(struct cdefs *, const struct type *);
/* clayout.c: the members of a struct or union, by the rules that compilers follow on Linux (SysV ABI, GNU's attributes). */
bool cdef_layout(struct cdefs *, struct tag *);
struct placed { struct field f; uint64_t bit; uint32_t n_bits; }; /* bit: from the start; n_bits: of a bit field, else 0 */
bool cdef_fill(struct cdefs *, struct tag *, struct placed *, uint32_t n, uint64_t size, uint32_t align);
/* cmacro.c: #defines in the script's expressions. */
bool cdef_expand(struct cdefs *);
/* clang.c: a header that BTF does not stand in for.  false after an error. */
bool cdef_header(struct cdefs *, const struct c_decl *);
/* A name is not known: reads the kernel's headers too, for their #defines, if that was not done. */
void cdef_more_constants(struct cdefs *);
#endif
