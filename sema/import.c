/* import.c - scripts that a script imports (LANGUAGE 1.2): read, parsed, and put in the place of their import.
 * The only files the compiler reads by a script's word: their names are relative to the script's own. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lang/cdef.h"
#include "sema/plug.h"

enum { MAX_IMPORTED = 16 << 20, MAX_DEPTH = 32 };
struct once { struct once *next; dev_t dev; ino_t ino; };
struct imports {
	struct compile *c;
	struct once *seen;
	unsigned depth;
};

/* path as seen from the directory of the script it stands in. */
static const char *
beside(struct compile *c, unsigned file, const char *path)
{
	const struct source *src = diags_source(c->diags, file);
	const char *slash = src ? strrchr(src->name, '/') : NULL;

	if (!slash || path[0] == '/')
		return path;
	return arena_printf(c->tmp, "%.*s/%s", (int)(slash - src->name), src->name, path);
}

static bool
was_seen(const struct imports *im, const struct stat *st)
{
	for (const struct once *o = im->seen; o; o = o->next)
		if (o->dev == st->st_dev && o->ino == st->st_ino)
			return true;
	return false;
}

static void
see(struct imports *im, const struct stat *st)
{
	struct once *o = arena_alloc(im->c->tmp, sizeof(*o));
	*o = (struct once){ im->seen, st->st_dev, st->st_ino };
	im->seen = o;
}

/* Up to MAX_IMPORTED bytes from fd; *text is freed with mem_free.  0 or what went wrong. */
static int
read_all(int fd, char **text, size_t *len)
{
	size_t cap = 0;
	ssize_t got = 1;

	*text = NULL;
	*len = 0;
	while (got > 0) {
		if (*len == cap) {
			char *more = cap < MAX_IMPORTED ? mem_realloc(*text, cap = cap ? 2 * cap : 16384) : NULL;

			if (!more)
				return cap < MAX_IMPORTED ? ENOMEM : EFBIG;
			*text = more;
		}
		got = read(fd, *text + *len, cap - *len);
		if (got < 0 && errno == EINTR)
			got = 1;
		else if (got > 0)
			*len += (size_t)got;
	}
	return got < 0 ? errno : 0;
}

/* Opens what is to be imported; -1 after an error.  Never blocks on what is no plain file. */
static int
open_import(struct compile *c, const struct node *n, const char *path, struct stat *st)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), err = errno;

	if (fd < 0 || fstat(fd, st) < 0) {
		if (fd >= 0)
			close(fd);
		diag_error(c->diags, n->at, E_IMPORT, "cannot import '%s': %s", path, strerror(err));
		return -1;
	}
	if (S_ISREG(st->st_mode) && !(st->st_mode & S_IWOTH))
		return fd;
	close(fd);
	if (S_ISREG(st->st_mode))
		diag_error(c->diags, n->at, E_IMPORT, "cannot import '%s': everyone may write to it", path);
	else
		diag_error(c->diags, n->at, E_IMPORT, "cannot import '%s': it is not a file", path);
	return -1;
}

/* Its number among the sources; -1 after an error, -2: it has been imported already. */
static int
read_import(struct imports *im, const struct node *n, const char *path)
{
	struct compile *c = im->c;
	struct stat st;
	int fd = open_import(c, n, path, &st), err, file = -1;
	char *text;
	size_t len;

	if (fd < 0)
		return -1;
	if (was_seen(im, &st)) {
		close(fd);
		return -2;
	}
	err = read_all(fd, &text, &len);
	close(fd);
	if (!err)
		file = diags_add_source(c->diags, path, text, len);
	mem_free(text);
	if (err == ENOMEM || (!err && file < 0))
		longjmp(c->nomem, 1);
	if (err)
		diag_error(c->diags, n->at, E_IMPORT, "cannot import '%s': %s", path, strerror(err));
	see(im, &st);
	return err ? -1 : file;
}

static bool
is_script(struct compile *c, const struct node *n)
{
	const char *dot = strrchr(n->u.str, '.');

	if (dot && strcmp(dot, ".bt") == 0)
		return true;
	return diag_error(c->diags, n->at, E_UNSUPPORTED, "import of %s: the language has this, but this build of sonde imports .bt and .h files only",
			  dot && (strcmp(dot, ".c") == 0 || strcmp(dot, ".o") == 0) ? dot : "a directory");
}

/* stdlib/X.bt: in the program anyhow, as soon as something of it is used. */
static bool
is_builtin(struct compile *c, const struct node *n, bool *ok)
{
	struct near near = { 0 };

	if (strncmp(n->u.str, "stdlib/", 7) != 0)
		return false;
	for (const struct std_script *s = c->plugs->scripts; s->name; s++) {
		if (strcmp(s->name, n->u.str) == 0)
			return true;
		near_offer(&near, n->u.str, s->name);
	}
	*ok = diag_error(c->diags, n->at, E_IMPORT, "cannot import '%s': sonde has no such script", n->u.str);
	if (near.best)
		diag_hint(c->diags, "did you mean '%s'?", near.best);
	return true;
}

static bool import_all(struct imports *, struct node *program);

/* Imports what a program imports.  C definitions from there come before its own, which begin at *mark. */
static bool
import_before(struct imports *im, struct c_decl **mark, struct node *program)
{
	struct c_file *f = im->c->c_file;
	struct c_decl *own = *mark, **own_end = f->decls_end;
	bool ok;

	*mark = NULL;
	f->decls_end = mark;
	ok = import_all(im, program);
	*f->decls_end = own;
	if (own)
		f->decls_end = own_end;
	return ok;
}

static bool
is_header(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && strcmp(dot, ".h") == 0;
}

/* import "x.h": its definitions, as #include reads them. */
static bool
import_header(struct compile *c, const struct node *n)
{
	struct c_decl *d = arena_alloc(c->tmp, sizeof(*d));
	const char *path = beside(c, n->at.file, n->u.str);
	struct stat st;
	int fd = open_import(c, n, path, &st);

	if (fd < 0)
		return false;
	close(fd);
	*d = (struct c_decl){ .kind = C_DECL_INCLUDE, .name = path, .is_quoted = true, .is_import = true, .at = n->at };
	*c->c_file->decls_end = d;
	c->c_file->decls_end = &d->next;
	return true;
}

/* What the import stands for: a list of items, empty after an error or the second time. */
static struct node *
import_one(struct imports *im, struct node *n, bool *ok)
{
	struct compile *c = im->c;
	struct parse_opts o = { c->argv, c->argc, c->c_file };
	struct c_decl **mark = c->c_file->decls_end;
	struct node *prog;
	int file;

	if (is_builtin(c, n, ok))
		return NULL;
	if (is_header(n->u.str)) {
		*ok &= import_header(c, n);
		return NULL;
	}
	if (!is_script(c, n) || im->depth == MAX_DEPTH) {
		*ok = false;
		if (im->depth == MAX_DEPTH)
			diag_error(c->diags, n->at, E_IMPORT, "imports nest more than %d deep", MAX_DEPTH);
		return NULL;
	}
	file = read_import(im, n, beside(c, n->at.file, n->u.str));
	prog = file >= 0 ? parse_program(c->tmp, c->diags, file, &o) : NULL;
	*ok &= file == -2 || prog;
	if (!prog)
		return NULL;
	for (const struct node *item = prog->kid[0]; item; item = item->next)
		if (item->kind == N_CONFIG)
			*ok = diag_error(c->diags, item->at, E_IMPORT, "a script that is imported cannot have a config block");
	im->depth++;
	*ok &= import_before(im, mark, prog);
	im->depth--;
	return prog->kid[0];
}

/* Puts what is imported in the place of each import. */
static bool
import_all(struct imports *im, struct node *program)
{
	struct node **slot = &program->kid[0];
	bool ok = true;

	while (*slot) {
		struct node *n = *slot;

		if (n->kind == N_IMPORT) {
			*slot = import_one(im, n, &ok);
			while (*slot)
				slot = &(*slot)->next;
			*slot = n->next;
		} else {
			slot = &n->next;
		}
	}
	return ok;
}

bool
import_scripts(struct compile *c)
{
	struct imports im = { .c = c };
	const struct source *src = diags_source(c->diags, (unsigned)c->file);
	bool has_any = false;
	struct stat st;

	for (const struct node *n = c->prog->kid[0]; n; n = n->next)
		has_any |= n->kind == N_IMPORT;
	if (!has_any)
		return true;
	if (stat(src->name, &st) == 0) /* it may be imported by what it imports */
		see(&im, &st);
	return import_before(&im, &c->c_file->decls, c->prog);
}
