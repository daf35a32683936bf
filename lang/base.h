/* base.h - what every floor stands on: memory, text buffers, places in a source, diagnostics. */
#ifndef LANG_BASE_H
#define LANG_BASE_H
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "include/sonde.h"

#define LENGTH(a) (sizeof(a) / sizeof((a)[0]))
#define PRINTF(f, a) __attribute__((format(printf, f, a)))

/* ---- memory (mem.c) ----
 * mem_alloc and mem_realloc are the library's only callers of malloc and realloc, so that a test can
 * wrap them and make each allocation fail once. */
void *mem_alloc(size_t n);            /* zeroed; NULL when there is none */
void *mem_realloc(void *p, size_t n); /* NULL when there is none, p is then untouched */
void mem_free(void *p);               /* NULL does nothing */
char *mem_strdup(const char *s);      /* NULL when there is none, or when s is NULL */

/* An arena gives memory that is freed all at once. */
struct arena;
struct arena *arena_new(void);        /* NULL: out of memory */
void arena_free(struct arena *);      /* NULL does nothing */
/* Where arena_alloc jumps when memory runs out.  NULL (the start): it returns NULL instead. */
void arena_on_nomem(struct arena *, jmp_buf *);
void *arena_alloc(struct arena *, size_t n); /* zeroed, aligned to 16 */
void *arena_dup(struct arena *, const void *p, size_t n);
char *arena_strndup(struct arena *, const char *s, size_t n);
char *arena_printf(struct arena *, const char *fmt, ...) PRINTF(2, 3);
/* The one copy of a string in this arena: equal strings give equal pointers. */
const char *str_intern(struct arena *, const char *s, size_t n);

/* A growing text.  {0} is an empty one on the heap, owned by whoever calls buf_free; with arena set it grows
 * there and is never freed.  When memory runs out `failed` becomes true and stays; adding then does nothing. */
struct buf {
	char *data;
	size_t len, cap;
	struct arena *arena;
	bool failed;
};
void buf_add(struct buf *, const void *data, size_t n);
void buf_str(struct buf *, const char *s);
void buf_char(struct buf *, char c);
void buf_fill(struct buf *, char c, size_t n);
void buf_fmt(struct buf *, const char *fmt, ...) PRINTF(2, 3);
void buf_vfmt(struct buf *, const char *fmt, va_list ap);
const char *buf_cstr(struct buf *); /* with a NUL after the text; never NULL ("" after failure) */
void buf_free(struct buf *);        /* and makes it {0} again */

/* ---- places ---- */
struct span {           /* bytes of source text `file`; len 0 and off 0 and file 0xffff: no place */
	uint32_t off, len;
	uint16_t file;
};
#define NO_SPAN ((struct span){ 0, 0, 0xffff })
static inline struct span
span_join(struct span a, struct span b)
{
	if (a.file != b.file)
		return a;
	uint32_t end = b.off + b.len > a.off + a.len ? b.off + b.len : a.off + a.len;
	uint32_t off = a.off < b.off ? a.off : b.off;
	return (struct span){ off, end - off, a.file };
}

/* ---- diagnostics (diag.c) ---- */
enum diag_tag {
#define E(tag, doc) tag,
#include "lang/diag.def"
#undef E
	N_DIAG_TAGS
};
const char *diag_tag_name(enum diag_tag); /* "E_SYNTAX" */

struct source {
	const char *name, *text; /* text ends in NUL; len does not count it */
	size_t len;
};
/* The messages of one call.  Owns copies of everything it shows, so it can outlive the compile. */
struct diags;
struct diags *diags_new(void);         /* NULL: out of memory */
void diags_free(struct diags *);
void diags_reset(struct diags *);      /* forgets messages and sources */
/* Registers a text for spans to point into; copies it.  Returns the file number, or -1: out of memory. */
int diags_add_source(struct diags *, const char *name, const char *text, size_t len);
const struct source *diags_source(const struct diags *, unsigned file); /* NULL: none such */
/* A macro's text at one of its uses: a file number with the text of `file`, whose messages tell of the call.  `file` itself when there
 * is no number left. */
unsigned diags_add_expansion(struct diags *, unsigned file, struct span call);
/* The same place as one of the text that was registered: no expansion's number. */
struct span diags_written(const struct diags *, struct span);
/* The place in `file` that is to blame: the written one if it lies there, else the outermost call; NO_SPAN when neither does. */
struct span diags_blame(const struct diags *, struct span, unsigned file);
bool diag_error(struct diags *, struct span, enum diag_tag, const char *fmt, ...) PRINTF(4, 5); /* returns false */
void diag_warn(struct diags *, struct span, enum diag_tag, const char *fmt, ...) PRINTF(4, 5);
void diag_hint(struct diags *, const char *fmt, ...) PRINTF(2, 3); /* adds to the last message */
size_t diags_count(const struct diags *);
size_t diags_errors(const struct diags *);
/* Message i in the public form: errors first, then warnings, each in order of source.  NULL: no such. */
const struct sonde_diag *diags_at(const struct diags *, size_t i);
/* Line and column of a span, 1-based, end exclusive. */
struct sonde_span diags_place(const struct diags *, struct span);
/* LANGUAGE 7.4: place, level, text, the source line with ~ under the columns, hint. */
void diags_render(const struct diags *, size_t i, bool colour, struct buf *out);
/* The known name nearest to `name` within a third of its length in edits, or NULL.  Names are offered one by one:
 * keep the struct zeroed at first, call near_offer for each, read .best. */
struct near {
	const char *best;
	unsigned distance;
};
void near_offer(struct near *, const char *name, const char *candidate);
#endif
