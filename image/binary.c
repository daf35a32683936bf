/* binary.c - functions in ELF files: their names, and where in the file they begin.  Over libelf, which checks what it
 * reads; files are read, not mapped, so that one that shrinks meanwhile gives an error instead of a signal. */
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <unistd.h>
#include "image/context.h"

enum { MAX_SEGMENTS = 256 };
struct segment { uint64_t vaddr, offset, size; bool is_exec; };
struct elf_file {
	Elf *elf;
	struct segment seg[MAX_SEGMENTS];        /* PT_LOAD only */
	size_t n_segs;
};

/* ---- segments ---- */

static int
elf_take(struct elf_file *f, Elf *elf)
{
	size_t n;

	f->elf = elf;
	f->n_segs = 0;
	if (!elf || elf_kind(elf) != ELF_K_ELF || elf_getphdrnum(elf, &n) != 0)
		return -ENOEXEC;
	for (size_t i = 0; i < n && f->n_segs < MAX_SEGMENTS; i++) {
		GElf_Phdr ph;

		if (gelf_getphdr(elf, (int)i, &ph) && ph.p_type == PT_LOAD)
			f->seg[f->n_segs++] = (struct segment){ ph.p_vaddr, ph.p_offset, ph.p_filesz, ph.p_flags & PF_X };
	}
	return 0;
}

static const struct segment *
segment_of(const struct elf_file *f, uint64_t vaddr)
{
	for (size_t i = 0; i < f->n_segs; i++)
		if (vaddr >= f->seg[i].vaddr && vaddr - f->seg[i].vaddr < f->seg[i].size)
			return &f->seg[i];
	return NULL;
}

/* ---- symbols ---- */

struct table {
	Elf_Data *syms, *versions;               /* versions: of .dynsym, or NULL */
	size_t n, strings;                       /* strings: section index */
	unsigned rank;
};

static Elf_Data *
versions_of(Elf *elf)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	while ((scn = elf_nextscn(elf, scn)))
		if (gelf_getshdr(scn, &sh) && sh.sh_type == SHT_GNU_versym)
			return elf_getdata(scn, NULL);
	return NULL;
}

static bool
find_table(Elf *elf, unsigned type, struct table *t)
{
	Elf_Scn *scn = NULL;
	GElf_Shdr sh;

	while ((scn = elf_nextscn(elf, scn))) {
		if (!gelf_getshdr(scn, &sh) || sh.sh_type != type || sh.sh_entsize == 0)
			continue;
		t->syms = elf_getdata(scn, NULL);
		t->n = t->syms ? t->syms->d_size / sh.sh_entsize : 0;
		t->strings = sh.sh_link;
		t->versions = type == SHT_DYNSYM ? versions_of(elf) : NULL;
		t->rank = type == SHT_DYNSYM ? 32 : 0;
		return t->n > 0;
	}
	return false;
}

/* Names for everybody (printf) before internal ones (_IO_printf), and among these global before weak before local; with a size
 * before without; the default version before old ones; a function before a mere label, as assembly has. */
static unsigned
symbol_rank(const struct table *t, size_t i, const GElf_Sym *sym, const char *name)
{
	static const unsigned by_bind[] = { [STB_LOCAL] = 2, [STB_GLOBAL] = 0, [STB_WEAK] = 1 };
	unsigned bind = GELF_ST_BIND(sym->st_info), rank = t->rank + (bind < LENGTH(by_bind) ? by_bind[bind] : 0);
	GElf_Versym v;

	if (name[0] == '_')
		rank += 3;
	if (sym->st_size == 0)
		rank += 8;
	if (t->versions && gelf_getversym(t->versions, (int)i, &v) && (v & 0x8000))
		rank += 16;
	return rank + (GELF_ST_TYPE(sym->st_info) == STT_NOTYPE ? 64 : 0);
}

static bool
symbol_read(const struct elf_file *f, const struct table *t, size_t i, struct binary_symbol *out)
{
	const struct segment *seg;
	const char *at;
	GElf_Sym sym;

	if (i > INT32_MAX || !gelf_getsym(t->syms, (int)i, &sym) || sym.st_shndx == SHN_UNDEF || sym.st_value == 0)
		return false;
	unsigned type = GELF_ST_TYPE(sym.st_info);

	if (type != STT_FUNC && type != STT_GNU_IFUNC && type != STT_NOTYPE)
		return false;
	seg = segment_of(f, sym.st_value);
	if (!seg || (type == STT_NOTYPE && !seg->is_exec))
		return false;
	out->name = elf_strptr(f->elf, t->strings, sym.st_name);
	if (!out->name || !*out->name)
		return false;
	at = strchr(out->name + 1, '@');
	out->name_len = at ? (size_t)(at - out->name) : strlen(out->name);
	out->offset = sym.st_value - seg->vaddr + seg->offset;
	out->size = sym.st_size;
	out->is_label = type == STT_NOTYPE;
	out->rank = symbol_rank(t, i, &sym, out->name);
	return true;
}

static int
walk(const struct elf_file *f, binary_symbol_fn fn, void *ud)
{
	static const unsigned types[] = { SHT_SYMTAB, SHT_DYNSYM };

	for (size_t k = 0; k < LENGTH(types); k++) {
		struct binary_symbol sym;
		struct table t;

		if (!find_table(f->elf, types[k], &t))
			continue;
		for (size_t i = 1; i < t.n; i++) {
			int err = symbol_read(f, &t, i, &sym) ? fn(ud, &sym) : 0;

			if (err)
				return err;
		}
	}
	return 0;
}

static int
walk_elf(Elf *elf, binary_symbol_fn fn, void *ud)
{
	struct elf_file f;
	int err = elf_take(&f, elf);

	if (!err)
		err = walk(&f, fn, ud);
	elf_end(elf);                            /* of NULL: nothing */
	return err;
}

int
binary_walk(int fd, binary_symbol_fn fn, void *ud)
{
	elf_version(EV_CURRENT);
	return walk_elf(elf_begin(fd, ELF_C_READ, NULL), fn, ud);
}

int
binary_walk_memory(const void *elf, size_t len, binary_symbol_fn fn, void *ud)
{
	elf_version(EV_CURRENT);
	return walk_elf(elf_memory((char *)elf, len), fn, ud); /* libelf reads it only, its type says otherwise */
}

static int
walk_path(const char *path, binary_symbol_fn fn, void *ud)
{
	int err, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return -errno;
	err = binary_walk(fd, fn, ud);
	close(fd);
	return err;
}

/* ---- one symbol ---- */

struct wanted {
	const char *name;
	size_t len;
	struct binary_symbol best;
	bool is_found;
};

static int
take_best(void *ud, const struct binary_symbol *sym)
{
	struct wanted *w = ud;

	if (strncmp(sym->name, w->name, w->len) != 0 || (sym->name_len != w->len && sym->name[w->len]))
		return 0;                        /* "f" names f and f@V; "f@V" names that one only */
	if (!w->is_found || sym->rank < w->best.rank)
		w->best = *sym;
	w->is_found = true;
	return 0;
}

int
binary_symbol(const char *path, const char *name, uint64_t *offset, uint64_t *size)
{
	struct wanted w = { .name = name, .len = strlen(name) };
	int err = walk_path(path, take_best, &w);

	if (err)
		return err;
	if (!w.is_found || !*name)
		return -ENOENT;
	*offset = w.best.offset;
	if (size)
		*size = w.best.size;
	return 0;
}

int
binary_offset(const char *path, uint64_t vaddr, uint64_t *offset)
{
	int err, fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const struct segment *seg = NULL;
	struct elf_file f;

	if (fd < 0)
		return -errno;
	elf_version(EV_CURRENT);
	err = elf_take(&f, elf_begin(fd, ELF_C_READ, NULL));
	if (!err)
		seg = segment_of(&f, vaddr);
	if (seg)
		*offset = vaddr - seg->vaddr + seg->offset;
	elf_end(f.elf);
	close(fd);
	return err ? err : seg ? 0 : -ENOENT;
}

/* ---- all symbols ---- */

struct list {
	struct arena *names;
	struct binary_symbol *sym;
	size_t n, cap;
};

static int
list_add(void *ud, const struct binary_symbol *sym)
{
	struct list *l = ud;

	if (sym->is_label)
		return 0;
	if (l->n == l->cap) {
		size_t cap = l->cap ? l->cap * 2 : 256;
		struct binary_symbol *more = mem_realloc(l->sym, cap * sizeof(*more));

		if (!more)
			return -ENOMEM;
		l->sym = more;
		l->cap = cap;
	}
	l->sym[l->n] = *sym;
	l->sym[l->n].name = arena_strndup(l->names, sym->name, sym->name_len);
	return l->sym[l->n++].name ? 0 : -ENOMEM;
}

static int
by_name(const void *a, const void *b)
{
	const struct binary_symbol *x = a, *y = b;
	int c = strcmp(x->name, y->name);

	if (c)
		return c;
	return x->rank != y->rank ? (x->rank < y->rank ? -1 : 1) : (x->offset > y->offset) - (x->offset < y->offset);
}

int
binary_each_symbol(const char *path, int (*fn)(void *ud, const char *name, uint64_t offset, uint64_t size), void *ud)
{
	struct list l = { .names = arena_new() };
	int err = l.names ? walk_path(path, list_add, &l) : -ENOMEM, count = 0;

	if (!err && l.n)
		qsort(l.sym, l.n, sizeof(*l.sym), by_name);
	for (size_t i = 0; !err && i < l.n; i++) {
		if (i && strcmp(l.sym[i].name, l.sym[i - 1].name) == 0)
			continue;                /* the first of a name is the one binary_symbol() gives */
		err = fn(ud, l.sym[i].name, l.sym[i].offset, l.sym[i].size);
		count++;
	}
	mem_free(l.sym);
	arena_free(l.names);
	return err ? err : count;
}
