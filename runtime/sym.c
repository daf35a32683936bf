/* sym.c - names for addresses: the kernel's from kallsyms, a process's from the symbol tables of the files it has mapped. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "runtime/rt.h"

enum {
	MAX_FILES = 256, MAX_PROCS = 64,         /* kept in memory; the least recently used one goes */
	MAX_BYTES = 96 << 20,                    /* of all files' tables */
	MAX_GAP = 1 << 20,                       /* no function is longer: what lies further behind one is not in it */
	MAX_VDSO = 1 << 20,
	FRESH_NS = 1000000000,                   /* a process's mappings are read again after that time */
};
struct sym {
	uint64_t at;
	uint32_t name;                           /* offset in names */
	uint32_t size : 25, rank : 7;            /* size 0: not known.  rank: of several at one place the lowest is meant */
};
struct symtab {
	struct sym *sym;
	struct buf names;
	size_t n, cap;
};
struct file {                                /* tables hold offsets in the file: independent of where it is mapped */
	uint64_t dev, inode, used;
	struct timespec changed;                 /* st_ctim: inode numbers are used again */
	uint64_t read_ns;                        /* when that was last looked at */
	struct symtab table;
};
struct range { uint64_t from, to, offset, dev, inode; uint32_t path; };      /* path: offset in proc.paths */
struct proc {
	uint32_t pid;
	uint64_t used, read_ns;
	struct range *range;
	size_t n_ranges, cap;
	struct buf paths;
};
struct syms {
	struct sonde *ctx;
	struct symtab kernel;
	bool has_kernel;                         /* was read, successfully or not */
	struct file *file[MAX_FILES];
	struct proc *proc[MAX_PROCS];
	uint64_t clock;                          /* counts uses */
	size_t n_bytes;
};

/* ---- tables ---- */

static bool
symtab_add(struct symtab *t, uint64_t at, const char *name, size_t len, uint64_t size, unsigned rank)
{
	const uint32_t max = (1u << 25) - 1;

	if (t->n == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 512;
		struct sym *more = mem_realloc(t->sym, cap * sizeof(*more));

		if (!more)
			return false;
		t->sym = more;
		t->cap = cap;
	}
	if (t->names.len + len + 1 > UINT32_MAX)
		return false;
	t->sym[t->n++] = (struct sym){ at, (uint32_t)t->names.len, size > max ? max : (uint32_t)size & max, rank & 127 };
	buf_add(&t->names, name, len);
	buf_char(&t->names, 0);
	return !t->names.failed;
}

static void
symtab_free(struct symtab *t)
{
	mem_free(t->sym);
	buf_free(&t->names);
	*t = (struct symtab){ 0 };
}

static size_t
symtab_bytes(const struct symtab *t)
{
	return t->cap * sizeof(struct sym) + t->names.cap;
}

static int
by_place(const void *a, const void *b)
{
	const struct sym *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return (x->name > y->name) - (x->name < y->name); /* in the order they were added */
}

/* By place; of several at one place those stay that reach further than the better ones before them. */
static void
symtab_sort(struct symtab *t)
{
	size_t n = 0, sorted = 1;
	struct sym *fit;

	if (t->n == 0)
		return;
	while (sorted < t->n && by_place(&t->sym[sorted - 1], &t->sym[sorted]) < 0)
		sorted++;
	if (sorted < t->n)
		qsort(t->sym, t->n, sizeof(*t->sym), by_place);
	for (size_t i = 0; i < t->n; i++)
		if (n == 0 || t->sym[i].at != t->sym[n - 1].at || t->sym[i].size > t->sym[n - 1].size)
			t->sym[n++] = t->sym[i];
	t->n = n;
	fit = mem_realloc(t->sym, n * sizeof(*t->sym));
	if (fit) {
		t->sym = fit;
		t->cap = n;
	}
}

/* Prefers the first at its place that reaches as far as `at`; size 0 reaches up to the next symbol. */
static const struct sym *
symtab_at(const struct symtab *t, size_t *i, uint64_t at, bool is_nearest)
{
	const struct sym *found = NULL;
	uint64_t place = t->sym[*i].at;

	for (;; --*i) {
		const struct sym *s = &t->sym[*i];

		if (s->size ? at - place < s->size : is_nearest && at - place < MAX_GAP)
			found = s;
		if (*i == 0 || t->sym[*i - 1].at != place)
			return found;
	}
}

/* The symbol that `at` lies in.  Behind the nearest one's end an earlier, longer one may still hold it. */
static const struct sym *
symtab_find(const struct symtab *t, uint64_t at)
{
	size_t from = 0, to = t->n;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (t->sym[mid].at <= at)
			from = mid + 1;
		else
			to = mid;
	}
	for (int tries = 0; from > 0 && tries < 16; tries++) {
		const struct sym *s;

		from--;
		s = symtab_at(t, &from, at, tries == 0);
		if (s)
			return s;
	}
	return NULL;
}

static void
print_symbol(const struct symtab *t, const struct sym *s, uint64_t at, bool with_offset, struct buf *out)
{
	buf_str(out, t->names.data + s->name);
	if (with_offset)
		buf_fmt(out, "+%" PRIu64, at - s->at);
}

static void
print_address(uint64_t addr, struct buf *out)
{
	buf_fmt(out, "0x%" PRIx64, addr);
}

/* ---- the kernel ---- */

/* Lines are "address type name" and, for modules, a tab and "[module]".  Absolute ones are no addresses. */
static bool
add_kernel_line(struct symtab *t, const char *line)
{
	char *end;
	uint64_t addr = strtoull(line, &end, 16);
	const char *name;

	if (addr == 0 || end[0] != ' ' || !end[1] || end[2] != ' ' || end[1] == 'a' || end[1] == 'A')
		return true;
	name = end + 3;
	return symtab_add(t, addr, name, strcspn(name, "\t "), 0, 0);
}

static void
read_kernel(struct syms *syms)
{
	struct buf path = { 0 };
	char *text = NULL, *line, *rest;
	bool is_ok = true;

	syms->has_kernel = true;
	buf_fmt(&path, "%s/proc/kallsyms", syms->ctx->opts.sysroot);
	if (file_read(AT_FDCWD, buf_cstr(&path), &text) >= 0)
		for (line = strtok_r(text, "\n", &rest); line && is_ok; line = strtok_r(NULL, "\n", &rest))
			is_ok = add_kernel_line(&syms->kernel, line);
	mem_free(text);
	buf_free(&path);
	if (!is_ok)
		symtab_free(&syms->kernel);
	symtab_sort(&syms->kernel);
}

void
sym_kernel(struct syms *syms, uint64_t addr, bool with_offset, struct buf *out)
{
	const struct sym *s;

	if (!syms->has_kernel)
		read_kernel(syms);
	s = symtab_find(&syms->kernel, addr);
	if (s)
		print_symbol(&syms->kernel, s, addr, with_offset, out);
	else
		print_address(addr, out);
}

/* ---- files ---- */

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void
file_free(struct syms *syms, struct file *f)
{
	syms->n_bytes -= symtab_bytes(&f->table);
	symtab_free(&f->table);
	mem_free(f);
}

/* A place for a new file; the oldest ones leave while there are too many. */
static struct file **
file_slot(struct syms *syms)
{
	for (;;) {
		struct file **oldest = NULL, **empty = NULL;

		for (struct file **f = syms->file; f < syms->file + MAX_FILES; f++) {
			if (!*f)
				empty = f;
			else if (!oldest || (*f)->used < (*oldest)->used)
				oldest = f;
		}
		if (empty && (syms->n_bytes <= MAX_BYTES || !oldest))
			return empty;
		file_free(syms, *oldest);
		*oldest = NULL;
	}
}

static int
add_function(void *ud, const struct binary_symbol *sym)
{
	return symtab_add(ud, sym->offset, sym->name, sym->name_len, sym->size, sym->rank) ? 0 : -ENOMEM;
}

/* No ELF, or no memory: then there are no names. */
static void
take_functions(struct symtab *t, int err)
{
	if (err)
		symtab_free(t);
	symtab_sort(t);
}

/* The kernel's piece of code in every process is no file: read from memory. */
static bool
read_vdso(struct symtab *t, uint32_t pid, const struct range *r)
{
	size_t len = (size_t)(r->to - r->from);
	bool is_read = false;
	char path[32], *mem;
	int fd;

	snprintf(path, sizeof(path), "/proc/%u/mem", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	mem = fd >= 0 && len <= MAX_VDSO ? mem_alloc(len) : NULL;
	if (mem && pread(fd, mem, len, (off_t)r->from) == (ssize_t)len) {
		is_read = true;
		take_functions(t, binary_walk_memory(mem, len, add_function, t));
	}
	mem_free(mem);
	if (fd >= 0)
		close(fd);
	return is_read;
}

/* By the mapping itself, which is right even for deleted files and other mount namespaces; by name where that is not allowed
 * or the process is gone. */
static int
open_range(const struct proc *p, const struct range *r)
{
	struct buf path = { 0 };
	int fd;

	buf_fmt(&path, "/proc/%u/map_files/%" PRIx64 "-%" PRIx64, p->pid, r->from, r->to);
	fd = open(buf_cstr(&path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0) {
		path.len = 0;
		buf_fmt(&path, "/proc/%u/root%s", p->pid, p->paths.data + r->path);
		fd = open(buf_cstr(&path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	}
	if (fd < 0)
		fd = open(p->paths.data + r->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	buf_free(&path);
	return fd;
}

/* Reads the file's table unless it is the one that f has.  False when it cannot be read. */
static bool
file_refresh(struct file *f, const struct proc *p, const struct range *r)
{
	struct stat st;
	int fd;

	if (f->read_ns && now_ns() - f->read_ns < FRESH_NS)
		return true;
	if (r->dev == UINT64_MAX) {
		if (!f->read_ns && !read_vdso(&f->table, p->pid, r))
			return false;
		f->read_ns = now_ns();
		return true;
	}
	fd = open_range(p, r);
	if (fd < 0 || fstat(fd, &st) != 0)
		st = (struct stat){ .st_ctim = f->changed };
	if (fd >= 0 && (!f->read_ns || memcmp(&st.st_ctim, &f->changed, sizeof(f->changed)) != 0)) {
		symtab_free(&f->table);
		take_functions(&f->table, binary_walk(fd, add_function, &f->table));
		f->changed = st.st_ctim;
	}
	if (fd >= 0)
		close(fd);
	if (fd < 0 && !f->read_ns)
		return false;
	f->read_ns = now_ns();
	return true;
}

static struct file *
file_of(struct syms *syms, const struct proc *p, const struct range *r)
{
	struct file **slot, *f = NULL;
	size_t before;
	bool is_new;

	for (slot = syms->file; slot < syms->file + MAX_FILES && !f; slot++)
		if (*slot && (*slot)->dev == r->dev && (*slot)->inode == r->inode)
			f = *slot;
	is_new = !f;
	if (is_new)
		f = mem_alloc(sizeof(*f));
	if (!f)
		return NULL;
	f->dev = r->dev;
	f->inode = r->inode;
	before = symtab_bytes(&f->table);
	if (!file_refresh(f, p, r)) {            /* only a new one can fail: the next process may be luckier */
		mem_free(f);
		return NULL;
	}
	syms->n_bytes += symtab_bytes(&f->table) - before;
	if (is_new)
		*file_slot(syms) = f;
	return f;
}

/* ---- processes ---- */

static void
proc_clear(struct proc *p)
{
	mem_free(p->range);
	buf_free(&p->paths);
	p->range = NULL;
	p->n_ranges = p->cap = 0;
}

static void
proc_add(struct proc *p, const struct range *r, const char *path)
{
	if (p->n_ranges == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 32;
		struct range *more = mem_realloc(p->range, cap * sizeof(*more));

		if (!more)
			return;
		p->range = more;
		p->cap = cap;
	}
	p->range[p->n_ranges] = *r;
	p->range[p->n_ranges].path = (uint32_t)p->paths.len;
	buf_str(&p->paths, path);
	buf_char(&p->paths, 0);
	if (!p->paths.failed)
		p->n_ranges++;
}

/* "from-to rwxp offset major:minor inode  path": only what can be executed has functions. */
static void
proc_add_line(struct proc *p, const char *line)
{
	unsigned major, minor;
	struct range r;
	char perm[5];
	int path = 0;

	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %4s %" SCNx64 " %x:%x %" SCNu64 " %n", &r.from, &r.to, perm, &r.offset, &major,
		   &minor, &r.inode, &path) < 7 || path == 0 || perm[2] != 'x')
		return;
	r.dev = (uint64_t)major << 32 | minor;
	if (strcmp(line + path, "[vdso]") == 0) {
		r.dev = UINT64_MAX;
		r.inode = r.from >> 32 ? 64 : 32; /* one of them for all processes of a width */
		r.offset = 0;
	}
	if (r.inode)
		proc_add(p, &r, line + path);
}

/* A process that is gone leaves nothing to read: what was known of it stays. */
static void
proc_read(struct proc *p)
{
	char file[32], *text = NULL, *line, *rest;

	p->read_ns = now_ns();
	snprintf(file, sizeof(file), "/proc/%u/maps", p->pid);
	if (file_read(AT_FDCWD, file, &text) <= 0) {
		mem_free(text);
		return;
	}
	proc_clear(p);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
		proc_add_line(p, line);
	mem_free(text);
}

static struct proc *
proc_of(struct syms *syms, uint32_t pid)
{
	struct proc **slot = NULL, *p = NULL;

	for (struct proc **s = syms->proc; s < syms->proc + MAX_PROCS && !p; s++) {
		if (*s && (*s)->pid == pid)
			p = *s;
		else if (!slot || !*s || (*slot && (*s)->used < (*slot)->used))
			slot = s;
	}
	if (p && now_ns() - p->read_ns < FRESH_NS)
		return p;
	if (!p) {
		p = *slot ? *slot : mem_alloc(sizeof(*p));
		if (!p)
			return NULL;
		proc_clear(p);
		p->pid = pid;
		*slot = p;
	}
	proc_read(p);
	return p;
}

/* The child of -c runs our own program until it has executed its command: those mappings would name wrong functions. */
static bool
is_ourselves(uint32_t pid)
{
	struct stat ours, theirs;
	char exe[32];

	snprintf(exe, sizeof(exe), "/proc/%u/exe", pid);
	return stat("/proc/self/exe", &ours) == 0 && stat(exe, &theirs) == 0 && ours.st_dev == theirs.st_dev && ours.st_ino == theirs.st_ino;
}

void
sym_remember(struct syms *syms, uint32_t pid)
{
	struct proc *p;

	if (is_ourselves(pid))
		return;
	p = proc_of(syms, pid);
	if (p)
		proc_read(p);
}

static const struct range *
range_of(const struct proc *p, uint64_t addr)
{
	for (size_t i = 0; i < p->n_ranges; i++)
		if (addr >= p->range[i].from && addr < p->range[i].to)
			return &p->range[i];
	return NULL;
}

void
sym_user(struct syms *syms, uint32_t pid, uint64_t addr, bool with_offset, struct buf *out)
{
	struct proc *p = proc_of(syms, pid);
	const struct range *r = p ? range_of(p, addr) : NULL;
	struct file *f = r ? file_of(syms, p, r) : NULL;
	const struct sym *s = NULL;

	if (p)
		p->used = ++syms->clock;
	if (f) {
		f->used = ++syms->clock;
		s = symtab_find(&f->table, addr - r->from + r->offset);
	}
	if (s)
		print_symbol(&f->table, s, addr - r->from + r->offset, with_offset, out);
	else
		print_address(addr, out);
}

/* ---- life ---- */

struct syms *
syms_new(struct sonde *ctx)
{
	struct syms *syms = mem_alloc(sizeof(*syms));

	if (syms)
		syms->ctx = ctx;
	return syms;
}

void
syms_free(struct syms *syms)
{
	if (!syms)
		return;
	symtab_free(&syms->kernel);
	for (int i = 0; i < MAX_FILES; i++)
		if (syms->file[i])
			file_free(syms, syms->file[i]);
	for (int i = 0; i < MAX_PROCS; i++) {
		if (syms->proc[i])
			proc_clear(syms->proc[i]);
		mem_free(syms->proc[i]);
	}
	mem_free(syms);
}
