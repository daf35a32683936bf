/* mem.c - memory: the heap as the library asks for it, arenas, interned strings, growing texts. */
#include <stdio.h>
#include <stdlib.h>
#include "lang/base.h"

enum {
	ALIGN = 16,
	CHUNK_FIRST = 8 * 1024, /* a one-liner fits; doubles up to CHUNK_MAX */
	CHUNK_MAX = 512 * 1024,
	INTERN_FIRST = 128, /* slots, a power of two */
	BUF_FIRST = 64,
};

void *
mem_alloc(size_t n)
{
	return calloc(1, n ? n : 1);
}

void *
mem_realloc(void *p, size_t n)
{
	return realloc(p, n ? n : 1);
}

void
mem_free(void *p)
{
	free(p);
}

char *
mem_strdup(const char *s)
{
	if (!s)
		return NULL;
	size_t n = strlen(s) + 1;
	char *copy = mem_alloc(n);
	if (copy)
		memcpy(copy, s, n);
	return copy;
}

/* More than a program can want: such a size is an overflow somewhere, and is not even asked for. */
#define TOO_LARGE (SIZE_MAX >> 28)

/* ---- arena ---- */

struct chunk {
	struct chunk *next;
	size_t cap, used; /* bytes behind the header */
};
_Static_assert(sizeof(struct chunk) % 8 == 0, "the header must keep the alignment");
#define CHUNK_HEAD ((sizeof(struct chunk) + ALIGN - 1) / ALIGN * ALIGN)

struct word {
	const char *text; /* NULL: a free slot */
	size_t len;
	uint32_t hash;
};
struct arena {
	struct chunk *chunk; /* the one being filled; full ones follow */
	size_t next_cap;
	jmp_buf *on_nomem;
	struct word *word; /* open addressing, n_slots a power of two */
	size_t n_slots, n_words;
};

struct arena *
arena_new(void)
{
	struct arena *a = mem_alloc(sizeof(*a));

	if (a)
		a->next_cap = CHUNK_FIRST;
	return a;
}

void
arena_free(struct arena *a)
{
	if (!a)
		return;
	for (struct chunk *c = a->chunk, *next; c; c = next) {
		next = c->next;
		mem_free(c);
	}
	mem_free(a);
}

void
arena_on_nomem(struct arena *a, jmp_buf *where)
{
	a->on_nomem = where;
}

static void *
out_of_memory(struct arena *a)
{
	if (a->on_nomem)
		longjmp(*a->on_nomem, 1);
	return NULL;
}

void *
arena_alloc(struct arena *a, size_t n)
{
	if (n > TOO_LARGE)
		return out_of_memory(a);
	n = n ? (n + ALIGN - 1) / ALIGN * ALIGN : ALIGN;

	struct chunk *c = a->chunk;
	if (c && c->cap - c->used >= n) {
		void *p = (char *)c + CHUNK_HEAD + c->used;
		c->used += n;
		return p;
	}
	bool is_big = n > a->next_cap / 2; /* gets a chunk of its own, so that the current one is not lost */
	size_t cap = is_big ? n : a->next_cap;
	struct chunk *fresh = mem_alloc(CHUNK_HEAD + cap);
	if (!fresh)
		return out_of_memory(a);
	fresh->cap = cap;
	fresh->used = n;
	if (is_big && c) {
		fresh->next = c->next;
		c->next = fresh;
	} else {
		fresh->next = c;
		a->chunk = fresh;
	}
	if (!is_big && a->next_cap < CHUNK_MAX)
		a->next_cap *= 2;
	return (char *)fresh + CHUNK_HEAD;
}

void *
arena_dup(struct arena *a, const void *p, size_t n)
{
	void *copy = arena_alloc(a, n);

	if (copy && n)
		memcpy(copy, p, n);
	return copy;
}

char *
arena_strndup(struct arena *a, const char *s, size_t n)
{
	if (n > TOO_LARGE)
		return out_of_memory(a);
	char *copy = arena_alloc(a, n + 1);
	if (copy && n)
		memcpy(copy, s, n);
	return copy;
}

char *
arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return out_of_memory(a);
	char *text = arena_alloc(a, (size_t)n + 1);
	if (!text)
		return NULL;
	va_start(ap, fmt);
	vsnprintf(text, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return text;
}

/* ---- interned strings ---- */

static uint32_t
hash_text(const char *s, size_t n)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ (unsigned char)s[i]) * 16777619u;
	return h;
}

/* The slot of that text, or the free one where it belongs. */
static struct word *
word_slot(struct word *word, size_t n_slots, const char *s, size_t n, uint32_t hash)
{
	size_t i = hash & (n_slots - 1);

	while (word[i].text && !(word[i].hash == hash && word[i].len == n && !memcmp(word[i].text, s, n)))
		i = (i + 1) & (n_slots - 1);
	return &word[i];
}

static bool
words_grow(struct arena *a)
{
	size_t n_slots = a->n_slots ? a->n_slots * 2 : INTERN_FIRST;
	struct word *word = arena_alloc(a, n_slots * sizeof(*word));

	if (!word)
		return false;
	for (size_t i = 0; i < a->n_slots; i++) {
		const struct word *w = &a->word[i];
		if (w->text)
			*word_slot(word, n_slots, w->text, w->len, w->hash) = *w;
	}
	a->word = word;
	a->n_slots = n_slots;
	return true;
}

const char *
str_intern(struct arena *a, const char *s, size_t n)
{
	if (a->n_words * 2 >= a->n_slots && !words_grow(a))
		return NULL;
	uint32_t hash = hash_text(s, n);
	struct word *w = word_slot(a->word, a->n_slots, s, n, hash);
	if (w->text)
		return w->text;
	char *copy = arena_strndup(a, s, n);
	if (!copy)
		return NULL;
	*w = (struct word){ copy, n, hash };
	a->n_words++;
	return copy;
}

/* ---- growing texts ---- */

/* Room for n bytes more and a NUL. */
static bool
buf_reserve(struct buf *b, size_t n)
{
	if (b->failed)
		return false;
	if (b->cap > b->len && b->cap - b->len > n)
		return true;
	if (n > TOO_LARGE || b->len > TOO_LARGE) {
		b->failed = true;
		return false;
	}
	size_t cap = b->cap ? b->cap * 2 : BUF_FIRST;
	if (cap < b->len + n + 1)
		cap = b->len + n + 1;
	char *data;
	if (b->arena) {
		data = arena_alloc(b->arena, cap);
		if (data && b->len)
			memcpy(data, b->data, b->len);
	} else {
		data = mem_realloc(b->data, cap);
	}
	if (!data) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->cap = cap;
	return true;
}

void
buf_add(struct buf *b, const void *data, size_t n)
{
	if (!n || !buf_reserve(b, n))
		return;
	memcpy(b->data + b->len, data, n);
	b->len += n;
}

void
buf_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_char(struct buf *b, char c)
{
	buf_add(b, &c, 1);
}

void
buf_fill(struct buf *b, char c, size_t n)
{
	if (!n || !buf_reserve(b, n))
		return;
	memset(b->data + b->len, c, n);
	b->len += n;
}

void
buf_vfmt(struct buf *b, const char *fmt, va_list ap)
{
	va_list again;

	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	if (n < 0)
		b->failed = true;
	else if (buf_reserve(b, (size_t)n)) {
		vsnprintf(b->data + b->len, (size_t)n + 1, fmt, again);
		b->len += (size_t)n;
	}
	va_end(again);
}

void
buf_fmt(struct buf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	buf_vfmt(b, fmt, ap);
	va_end(ap);
}

const char *
buf_cstr(struct buf *b)
{
	if (!buf_reserve(b, 0))
		return "";
	b->data[b->len] = '\0';
	return b->data;
}

void
buf_free(struct buf *b)
{
	if (!b->arena)
		mem_free(b->data);
	*b = (struct buf){ 0 };
}
