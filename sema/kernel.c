/* kernel.c - questions to the kernel about types: where its BTF is, what a name means, what a record holds.
 * Tracepoints: tracefs.c; functions and addresses: ksyms.c. */
#include <fcntl.h>
#include <sys/stat.h>
#include "sema/kernel.h"

enum { KIND_ENUM64 = 19, MAX_NESTING = 16, MAX_MEMBERS_SEEN = 1 << 18 };
#define KIND(k) (1u << BTF_KIND_##k)

/* ---- life ---- */

struct kernel *
kernel_open(struct sonde *ctx)
{
	struct kernel *k = mem_alloc(sizeof(*k));

	if (k)
		k->ctx = ctx;
	return k;
}

void
kernel_close(struct kernel *k)
{
	if (!k)
		return;
	while (k->names)
		names_free(k, k->names);
	btf_close(&k->btf);
	buf_free(&k->btf_why);
	buf_free(&k->text);
	buf_free(&k->event_why);
	buf_free(&k->header);
	buf_free(&k->header_macros);
	mem_free(k->fields);
	mem_free(k->enums);
	mem_free(k->format);
	mem_free(k->kallsyms);
	mem_free(k);
}

const char *
kernel_path(struct kernel *k, struct buf *out, const char *path)
{
	buf_fmt(out, "%s%s", k->ctx->opts.sysroot, path);
	return buf_cstr(out);
}

static bool
open_btf(struct kernel *k)
{
	const char *given = k->ctx->opts.btf_path, *why, *path;
	struct buf b = { 0 };
	int err;

	path = given ? given : kernel_path(k, &b, "/sys/kernel/btf/vmlinux");
	err = btf_open(&k->btf, path, &why);
	if (err && given)
		buf_fmt(&k->btf_why, "the BTF file %s cannot be used: %s", path, why);
	else if (err)
		buf_fmt(&k->btf_why, "the kernel's types are not known: %s: %s; it takes a kernel with "
			"CONFIG_DEBUG_INFO_BTF=y, or a BTF file given in btf_path", path, why);
	buf_free(&b);
	return !err;
}

bool
kernel_btf(struct kernel *k)
{
	if (k->btf_state == BTF_UNASKED)
		k->btf_state = open_btf(k) ? BTF_READY : BTF_MISSING;
	return k->btf_state == BTF_READY;
}

bool
kernel_has_btf(struct kernel *k, const char **why)
{
	bool has = kernel_btf(k);

	if (why)
		*why = has ? NULL : buf_cstr(&k->btf_why);
	return has;
}

/* The build id in /sys/kernel/notes tells a kernel from all others, and costs 20 us where hashing its BTF costs 300.  0: there is none. */
static uint64_t
notes_hash(struct kernel *k)
{
	uint64_t hash = 0xcbf29ce484222325u;
	struct buf path = { 0 };
	char *notes = NULL;
	ssize_t n = -1;

	buf_fmt(&path, "%s/sys/kernel/notes", k->ctx->opts.sysroot);
	if (!path.failed && !k->ctx->opts.btf_path)
		n = file_read(AT_FDCWD, buf_cstr(&path), &notes);
	buf_free(&path);
	for (ssize_t i = 0; i < n; i++)
		hash = (hash ^ (uint8_t)notes[i]) * 0x100000001b3u;
	if (n >= 0)
		mem_free(notes);
	return n > 0 ? hash : 0;
}

const char *
kernel_id(struct kernel *k)
{
	static const char digit[] = "0123456789abcdef";
	uint64_t hash;

	if (k->btf_state != BTF_READY)
		return NULL;
	if (!*k->id) {
		hash = notes_hash(k);
		if (!hash)
			hash = btf_hash(&k->btf);
		for (int i = 0; i < 16; i++)
			k->id[i] = digit[hash >> (60 - 4 * i) & 15];
	}
	return k->id;
}

/* ---- names ---- */

bool
kernel_find(struct kernel *k, const char *name, unsigned kinds, struct btf_rec *out)
{
	uint64_t key = 0xcbf29ce484222325u ^ kinds;
	uint32_t slot;

	if (!kernel_btf(k))
		return false;
	for (const char *p = name; *p; p++)
		key = (key ^ (uint8_t)*p) * 0x100000001b3u;
	key |= 1;
	slot = (uint32_t)(key >> 32) % FIND_SLOTS;
	if (k->found[slot].key != key) {
		k->found[slot].id = btf_find(&k->btf, name, kinds, out) ? out->id : 0;
		k->found[slot].key = key;
		return k->found[slot].id != 0;
	}
	/* The name is compared again: two names may have one hash.  A missing name's is not, it costs one wrong "not found". */
	return k->found[slot].id && btf_get(&k->btf, k->found[slot].id, out) &&
	       strcmp(btf_str(&k->btf, out->name), name) == 0;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* The next word of *at into word; its length, 0 at the end. */
static size_t
next_word(const char **at, char *word, size_t size)
{
	const char *p = *at;
	size_t n = 0;

	while (is_blank(*p))
		p++;
	while (*p && !is_blank(*p)) {
		if (n + 1 < size)
			word[n] = *p;
		n++;
		p++;
	}
	*at = p;
	word[n < size ? n : size - 1] = 0;
	return n < size ? n : size - 1;
}

struct int_words { unsigned n_signed, n_unsigned, n_long, n_short, n_char, n_int, other; };

static void
count_word(struct int_words *w, const char *word)
{
	const struct { const char *word; unsigned *count; } known[] = {
		{ "signed", &w->n_signed }, { "unsigned", &w->n_unsigned }, { "long", &w->n_long },
		{ "short", &w->n_short }, { "char", &w->n_char }, { "int", &w->n_int },
	};

	for (size_t i = 0; i < LENGTH(known); i++) {
		if (strcmp(word, known[i].word) == 0) {
			++*known[i].count;
			return;
		}
	}
	w->other++;
}

/* C's integer words in any order: "unsigned long int".  NULL: it is not one. */
static const struct type *
c_int_type(struct types *ts, const char *name)
{
	struct int_words w = { 0 };
	char word[16];
	unsigned sizes;

	while (next_word(&name, word, sizeof(word)))
		count_word(&w, word);
	sizes = w.n_char + w.n_short + (w.n_long != 0);
	if (w.other || w.n_signed + w.n_unsigned > 1 || sizes > 1 || w.n_long > 2 || w.n_int > 1 || (w.n_int && w.n_char) ||
	    !(sizes + w.n_int + w.n_signed + w.n_unsigned))
		return NULL;
	return type_int(ts, w.n_char ? 1 : w.n_short ? 2 : w.n_long ? 8 : 4, !w.n_unsigned);
}

/* The language's own words. */
static const struct type *
own_type(struct types *ts, const char *name)
{
	static const struct { const char *name; uint8_t size, is_signed; } own[] = {
		{ "int8", 1, 1 }, { "int16", 2, 1 }, { "int32", 4, 1 }, { "int64", 8, 1 },
		{ "uint8", 1, 0 }, { "uint16", 2, 0 }, { "uint32", 4, 0 }, { "uint64", 8, 0 },
	};

	for (size_t i = 0; i < LENGTH(own); i++)
		if (strcmp(name, own[i].name) == 0)
			return type_int(ts, own[i].size, own[i].is_signed);
	if (strcmp(name, "bool") == 0 || strcmp(name, "_Bool") == 0)
		return type_bool(ts);
	return strcmp(name, "void") == 0 ? type_void(ts) : NULL;
}

/* "struct x": a definition before a mere declaration. */
static bool
find_tagged(struct kernel *k, const char *word, const char *tag, struct btf_rec *out)
{
	bool is_union = strcmp(word, "union") == 0;

	if (strcmp(word, "enum") == 0)
		return kernel_find(k, tag, KIND(ENUM) | 1u << KIND_ENUM64, out);
	if (kernel_find(k, tag, is_union ? KIND(UNION) : KIND(STRUCT), out))
		return true;
	return kernel_find(k, tag, KIND(FWD), out) && out->flag == is_union;
}

const struct type *
kernel_type(struct kernel *k, struct types *ts, const char *name)
{
	char first[256], second[256], more[2];
	const struct type *t;
	const char *at = name;
	struct btf_rec r;

	if (!next_word(&at, first, sizeof(first)))
		return NULL;
	if (strcmp(first, "struct") == 0 || strcmp(first, "union") == 0 || strcmp(first, "enum") == 0) {
		if (!next_word(&at, second, sizeof(second)) || next_word(&at, more, sizeof(more)))
			return NULL;
		return find_tagged(k, first, second, &r) ? btf_type(k, ts, r.id) : NULL;
	}
	t = c_int_type(ts, name);
	if (t || next_word(&at, more, sizeof(more)))
		return t;
	t = own_type(ts, first);
	if (t)
		return t;
	return kernel_find(k, first, KIND(TYPEDEF) | KIND(INT), &r) ? btf_type(k, ts, r.id) : NULL;
}

/* ---- records ---- */

bool
kernel_expand(struct kernel *k, struct types *ts, const struct type *record)
{
	const struct type *whole;
	struct btf_rec r;
	struct type *own;
	int64_t n;

	if (record->kind != T_RECORD)
		return false;
	if (!record->is_open)
		return true;
	if (record->home != &k->btf || !btf_get(&k->btf, record->btf_id, &r))
		return false;
	n = btf_fields(k, ts, &r);
	if (n < 0)
		return false;
	/* The same table gives the same record again, this time to write to; another record of these fields owns the copy. */
	own = type_open(ts, record->name, record->size, record->is_union, record->home, record->btf_id);
	whole = type_record(ts, record->name, record->size, record->is_union, k->fields, (uint32_t)n);
	if (!own || !whole)
		return false;
	own->fields = whole->fields;
	own->n = (uint32_t)n;
	own->is_open = false;
	return true;
}

/* budget: a damaged BTF may nest the same anonymous members without end. */
static bool
find_field(struct kernel *k, struct types *ts, const struct type *record, const char *name, struct field *out, unsigned depth,
	   unsigned *budget)
{
	if (depth > MAX_NESTING || !kernel_expand(k, ts, record))
		return false;
	for (uint32_t i = 0; i < record->n; i++) {
		const struct field *f = &record->fields[i];

		if (f->name && strcmp(f->name, name) == 0) {
			*out = *f;
			return true;
		}
	}
	for (uint32_t i = 0; i < record->n && *budget; i++) {
		const struct field *f = &record->fields[i];

		--*budget;
		if (!f->name && f->type->kind == T_RECORD && find_field(k, ts, f->type, name, out, depth + 1, budget)) {
			out->off += f->off;
			return true;
		}
	}
	return false;
}

bool
kernel_field(struct kernel *k, struct types *ts, const struct type *record, const char *name, struct field *out)
{
	unsigned budget = MAX_MEMBERS_SEEN;

	return find_field(k, ts, record, name, out, 0, &budget);
}

static void
near_field(struct kernel *k, struct types *ts, const struct type *record, const char *name, struct near *near, unsigned depth,
	   unsigned *budget)
{
	if (depth > MAX_NESTING || !kernel_expand(k, ts, record))
		return;
	for (uint32_t i = 0; i < record->n && *budget; i++) {
		const struct field *f = &record->fields[i];

		--*budget;
		if (f->name)
			near_offer(near, name, f->name);
		else if (f->type->kind == T_RECORD)
			near_field(k, ts, f->type, name, near, depth + 1, budget);
	}
}

void
kernel_near_field(struct kernel *k, struct types *ts, const struct type *record, const char *name, struct near *near)
{
	unsigned budget = MAX_MEMBERS_SEEN;

	near_field(k, ts, record, name, near, 0, &budget);
}

/* ---- enums and functions ---- */

/* Looks through every enum for an enumerator whose name is the string at `name`. */
static bool
find_enumerator(struct btf_view *b, uint32_t name, struct btf_rec *r, int64_t *value)
{
	uint32_t at;

	*r = (struct btf_rec){ 0 };
	while (btf_next(b, r)) {
		uint32_t words = r->kind == BTF_KIND_ENUM ? 2 : 3;

		if (r->kind != BTF_KIND_ENUM && r->kind != KIND_ENUM64)
			continue;
		for (uint32_t i = 0; i < r->vlen; i++) {
			if (btf_word(b, r, words * i) == name) {
				*value = btf_enum_value(b, r, i, &at);
				return true;
			}
		}
	}
	return false;
}

bool
kernel_enum_value(struct kernel *k, struct types *ts, const char *name, int64_t *value, const struct type **type)
{
	struct btf_rec r;

	if (!kernel_btf(k))
		return false;
	for (uint32_t at = btf_find_str(&k->btf, name, 0); at; at = btf_find_str(&k->btf, name, at)) {
		if (find_enumerator(&k->btf, at, &r, value)) {
			if (type)
				*type = btf_type(k, ts, r.id);
			return true;
		}
	}
	return false;
}

int
kernel_func_params(struct kernel *k, struct types *ts, const char *func, const char **names, const struct type **types, int max,
		   const struct type **ret)
{
	struct btf_rec f, proto;
	int n = 0;

	if (!kernel_find(k, func, KIND(FUNC), &f) || !btf_get(&k->btf, f.size, &proto) || proto.kind != BTF_KIND_FUNC_PROTO)
		return -1;
	if (ret)
		*ret = btf_type(k, ts, proto.size);
	for (uint32_t i = 0; i < proto.vlen && n < max; i++) {
		uint32_t type = btf_word(&k->btf, &proto, 2 * i + 1);

		if (type == 0)                   /* the ... of a variadic function */
			break;
		names[n] = btf_str(&k->btf, btf_word(&k->btf, &proto, 2 * i));
		types[n++] = btf_type(k, ts, type);
	}
	return n;
}

/* ---- small things ---- */

bool
kernel_pid_ns(struct kernel *k, uint64_t *dev, uint64_t *ino)
{
	enum { INITIAL = 0xEFFFFFFC };           /* PROC_PID_INIT_INO, part of the kernel's ABI */
	struct buf b = { 0 };
	struct stat st;
	int err = stat(kernel_path(k, &b, "/proc/self/ns/pid"), &st);

	buf_free(&b);
	*dev = err ? 0 : st.st_dev;
	*ino = err ? 0 : st.st_ino;
	return !err && *ino != INITIAL;
}

bool
glob_match(const char *pattern, const char *text)
{
	const char *star = NULL, *mark = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = ++pattern;
			mark = text;
		} else if (*pattern == *text) {
			pattern++;
			text++;
		} else if (star) {               /* the last * takes one character more */
			pattern = star;
			text = ++mark;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return !*pattern;
}
