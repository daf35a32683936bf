/* rows.h - what the compile halves of stdlib/ share. */
#ifndef STDLIB_ROWS_H
#define STDLIB_ROWS_H
#include "codegen/gen.h"

/* The mode word an argument is ("perf" in kstack(perf, 3)), or NULL. */
const char *arg_word(const struct node *arg);
/* The argument's value when it is constant, of any integer kind. */
bool arg_int(const struct node *arg, int64_t *value);
/* A type printed by the fmt row of that name; base NULL: u64. */
const struct type *type_printed(struct compile *, const char *fmt, const struct type *base);
/* Where a plain address points to in this probe's world (LANGUAGE 2.3). */
enum space space_of(struct gen *, const struct type *);
/* usym_t as a type: address and process. */
const struct type *type_usym(struct compile *);
struct gval gen_slot(struct gen *, struct gval mem, uint32_t off, uint32_t size, bool is_signed); /* integer inside memory */
#endif
