/* cdef.h - the C definitions of a script (LANGUAGE 1.2) as they are written: declarations, macros, constant expressions.
 * lang/ reads them, sema/cdef.c gives them a meaning.  Everything lives in the arena of the compile; names are interned. */
#ifndef LANG_CDEF_H
#define LANG_CDEF_H
#include "lang/lang.h"

/* Names to things.  Keys are interned: their pointers are compared. */
struct c_table { struct c_slot *slot; uint32_t n, cap; };
void *c_table_get(const struct c_table *, const char *key);                      /* NULL: none */
void c_table_put(struct c_table *, struct arena *, const char *key, void *value); /* replaces */
/* Calls fn for each, in no order. */
void c_table_each(const struct c_table *, void (*fn)(void *ud, const char *key, void *value), void *ud);

/* ---- constant expressions (cexpr.c) ---- */
struct c_num { uint64_t v; uint8_t size; bool is_unsigned; }; /* size: 4 or 8, as C's int and long; v is extended by its sign */
enum c_expr_kind { CE_NUM, CE_NAME, CE_UNARY, CE_BINARY, CE_COND, CE_CAST, CE_SIZEOF, CE_ALIGNOF };
struct c_type;
struct c_expr {
	enum c_expr_kind kind;
	int op;                          /* UNARY, BINARY: a token */
	struct span at;
	struct c_num num;                /* NUM */
	const char *name;                /* NAME */
	const struct c_expr *a, *b, *c;  /* SIZEOF of an expression: a */
	const struct c_type *type;       /* CAST; SIZEOF and ALIGNOF of a type */
	unsigned depth;
};
struct c_env {                           /* what an expression may refer to */
	struct diags *diags;             /* NULL: errors are not told */
	enum diag_tag tag;               /* of errors */
	bool is_wide;                    /* #if: every number has 64 bits */
	/* Fills in *out, or adds an error and returns false. */
	bool (*name)(struct c_env *, const struct c_expr *, struct c_num *out);
	bool (*cast)(struct c_env *, const struct c_expr *, struct c_num *io);
	bool (*size)(struct c_env *, const struct c_expr *, struct c_num *out); /* SIZEOF, ALIGNOF */
};
bool c_eval(struct c_env *, const struct c_expr *, struct c_num *out); /* false after an error */
struct c_num c_num_fit(struct c_num, unsigned size, bool is_unsigned);  /* cut to 1, 2, 4 or 8 bytes, and extended again */

/* ---- declarations (cdef.c) ---- */
struct c_attr {
	bool is_packed, is_aligned;
	const struct c_expr *align;      /* with is_aligned; NULL: as far as anything needs it */
};
struct c_member {                        /* of a struct or union; an enumerator */
	struct c_member *next;
	const char *name;                /* NULL: anonymous, or a bit field that is only room */
	struct span at;
	const struct c_type *type;       /* enumerator: NULL */
	const struct c_expr *bits;       /* width of a bit field or NULL; enumerator: its value or NULL */
	struct c_attr attr;
	bool is_no_member;               /* only declares its type: enum { A }; inside a struct */
};
struct c_body {                          /* { ... } of a struct, union or enum */
	struct c_member *members;
	struct c_attr attr;
	const struct c_type *base;       /* enum x : base { ... }, or NULL */
	unsigned pack;                   /* of #pragma pack; 0: none */
	struct span at;
};
enum c_type_kind { C_BASE, C_NAME, C_TAG, C_PTR, C_ARRAY, C_FUNC };
enum c_word { C_VOID, C_BOOL, C_CHAR, C_INT, C_FLOAT }; /* CHAR: plain char; INT: all other integers */
struct c_type {
	enum c_type_kind kind;
	struct span at;
	enum c_word word; uint8_t size; bool is_unsigned; /* BASE */
	const char *name;                /* NAME: of the typedef; TAG: "struct x", NULL: it has none */
	bool is_union, is_enum;          /* TAG; neither: struct */
	const struct c_body *body;       /* TAG: defined here, or NULL */
	const struct c_type *of;         /* PTR, ARRAY, FUNC */
	const struct c_expr *len;        /* ARRAY; NULL: [] */
	bool is_user;                    /* PTR: marked __user */
};
struct c_decl {                          /* at the outer level, in the order of the script */
	struct c_decl *next;
	enum { C_DECL_TYPE, C_DECL_TYPEDEF, C_DECL_INCLUDE } kind;
	const char *name;                /* TYPEDEF; INCLUDE: the header */
	const struct c_type *type;
	struct c_attr attr;              /* TYPEDEF */
	bool is_quoted;                  /* INCLUDE: "x.h", not <x.h> */
	bool is_import;                  /* INCLUDE: as import "x.h" */
	struct span at;
};

/* ---- the preprocessor (cpp.c, ctoken.c) ---- */
struct c_macro {
	const char *name, *text;         /* text: as written, comments and line ends included */
	uint32_t text_len;
	struct span at;                  /* of the name; len 0: predefined */
	bool is_function, is_on;         /* not is_on: #undef */
	bool is_open;                    /* being expanded in a script's expression (sema) */
};
struct c_if { struct span at; bool is_taken, has_else; };
struct c_file {                          /* all C of one script */
	struct arena *mem;
	struct diags *diags;
	bool (*is_predefined)(void *ud, const char *name); /* NULL: nothing is */
	void *ud;
	struct c_decl *decls, **decls_end;
	struct c_table macros, typedefs;
	struct c_if *ifs; unsigned n_ifs, ifs_cap;
	unsigned pack, pack_saved[16], n_pack;
	uint64_t size_expanded;          /* bytes of macros expanded in C: bounded */
};
struct c_file *c_file_new(struct arena *, struct diags *);
struct c_macro *c_macro_find(struct c_file *, const char *name); /* defined now; NULL: it is not */
/* The declarations of a text that is no script: what is wrong in it is passed over. */
struct c_decl *c_read_text(struct c_file *, const char *text, size_t len);
/* The expression that a text holds (of a header's macro); every place in it is `at`.  NULL: it holds none; adds no error. */
const struct c_expr *c_expr_of_text(struct c_file *, const char *text, size_t len, struct span at);
#endif
