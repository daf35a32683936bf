/* clang.c - #include (LANGUAGE 1.2): headers of the kernel, whose types BTF has, and all others, which libclang reads.
 * libclang is opened when a script includes such a header and never before; we know its interface by the few declarations
 * below.  It prints each declaration back as C without macros, which our own parser then reads: one road for all C. */
#include <dlfcn.h>
#include <errno.h>
#include "sema/cdef.h"

/* ---- libclang's interface, as its documentation has it ---- */

struct cx_string { const void *data; unsigned flags; };
struct cx_cursor { int kind, xdata; const void *data[3]; };
struct cx_type { int kind; void *data[2]; };
struct cx_place { const void *data[2]; unsigned n; };
struct cx_range { const void *data[2]; unsigned begin, end; };
struct cx_token { unsigned n[4]; void *data; };
struct cx_unsaved { const char *name, *text; unsigned long len; };
enum { CX_STRUCT = 2, CX_UNION = 3, CX_ENUM = 5, CX_TYPEDEF = 20, CX_MACRO = 501 };
enum { CX_WITH_MACROS = 1, CX_NO_BODIES = 64, CX_NEXT = 1, CX_IS_ERROR = 3 };
typedef int (*cx_visitor)(struct cx_cursor, struct cx_cursor parent, void *ud);

struct clang {
	void *(*createIndex)(int, int);
	void (*disposeIndex)(void *);
	void (*toggleCrashRecovery)(unsigned);
	int (*parseTranslationUnit2)(void *, const char *, const char *const *, int, struct cx_unsaved *, unsigned, unsigned, void **);
	void (*disposeTranslationUnit)(void *);
	struct cx_cursor (*getTranslationUnitCursor)(void *);
	unsigned (*visitChildren)(struct cx_cursor, cx_visitor, void *);
	struct cx_string (*getCursorSpelling)(struct cx_cursor);
	struct cx_string (*getCursorPrettyPrinted)(struct cx_cursor, void *);
	const char *(*getCString)(struct cx_string);
	void (*disposeString)(struct cx_string);
	unsigned (*isCursorDefinition)(struct cx_cursor);
	unsigned (*Cursor_isMacroFunctionLike)(struct cx_cursor);
	unsigned (*equalCursors)(struct cx_cursor, struct cx_cursor);
	struct cx_type (*getTypedefDeclUnderlyingType)(struct cx_cursor);
	struct cx_cursor (*getTypeDeclaration)(struct cx_type);
	struct cx_place (*getCursorLocation)(struct cx_cursor);
	void (*getSpellingLocation)(struct cx_place, void **, unsigned *, unsigned *, unsigned *);
	struct cx_range (*getCursorExtent)(struct cx_cursor);
	void (*tokenize)(void *, struct cx_range, struct cx_token **, unsigned *);
	void (*disposeTokens)(void *, struct cx_token *, unsigned);
	struct cx_string (*getTokenSpelling)(void *, struct cx_token);
	unsigned (*getNumDiagnostics)(void *);
	void *(*getDiagnostic)(void *, unsigned);
	int (*getDiagnosticSeverity)(void *);
	struct cx_string (*getDiagnosticSpelling)(void *);
	void (*disposeDiagnostic)(void *);
};

/* Never closed again: LLVM leaves things behind that do not outlive its code, and the next script finds it loaded. */
static void *
open_library(void)
{
	static const char *const names[] = {
		"libclang-19.so.1", "libclang-20.so.1", "libclang-21.so.1", "libclang-22.so.1", "libclang-18.so.1", "libclang-17.so.1",
		"libclang-16.so.1", "libclang-15.so.1", "libclang-14.so.1", "libclang.so.1", "libclang.so",
	};
	void *lib = NULL;

	for (size_t i = 0; i < LENGTH(names) && !lib; i++)
		lib = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	return lib;
}

static bool
clang_open(struct clang *x)
{
	static const char *const names[] = { /* in the order of the struct */
		"createIndex", "disposeIndex", "toggleCrashRecovery", "parseTranslationUnit2", "disposeTranslationUnit",
		"getTranslationUnitCursor", "visitChildren", "getCursorSpelling", "getCursorPrettyPrinted", "getCString", "disposeString",
		"isCursorDefinition", "Cursor_isMacroFunctionLike", "equalCursors", "getTypedefDeclUnderlyingType",
		"getTypeDeclaration", "getCursorLocation", "getSpellingLocation", "getCursorExtent", "tokenize", "disposeTokens",
		"getTokenSpelling", "getNumDiagnostics", "getDiagnostic", "getDiagnosticSeverity", "getDiagnosticSpelling",
		"disposeDiagnostic",
	};
	void *lib = open_library(), *fn;
	char name[64] = "clang_";

	_Static_assert(sizeof(*x) == LENGTH(names) * sizeof(fn), "one name for each function");
	for (size_t i = 0; lib && i < LENGTH(names); i++) {
		memcpy(name + 6, names[i], strlen(names[i]) + 1);
		fn = dlsym(lib, name);
		if (!fn)
			return false;
		memcpy((char *)x + i * sizeof(fn), &fn, sizeof(fn)); /* ISO C has no cast from void * to a function */
	}
	return lib != NULL;
}

/* ---- a header as text ---- */

struct walk {                            /* no arena here: a jump out of libclang's callbacks is not allowed */
	const struct clang *x;
	void *unit;
	struct buf *decls, *macros;
	struct cx_cursor waiting;        /* a struct or enum without a name: the typedef behind it may give it one */
	bool has_waiting;
};

static void
add_string(struct walk *w, struct buf *out, struct cx_string s)
{
	const char *text = w->x->getCString(s);

	buf_str(out, text ? text : "");
	w->x->disposeString(s);
}

static void
flush_waiting(struct walk *w)
{
	if (w->has_waiting && w->waiting.kind == CX_ENUM) {
		add_string(w, w->decls, w->x->getCursorPrettyPrinted(w->waiting, NULL));
		buf_str(w->decls, ";\n");
	}
	w->has_waiting = false;
}

static void
walk_typedef(struct walk *w, struct cx_cursor c)
{
	struct cx_cursor of = w->x->getTypeDeclaration(w->x->getTypedefDeclUnderlyingType(c));

	if (w->has_waiting && w->x->equalCursors(of, w->waiting)) {
		buf_str(w->decls, "typedef ");
		add_string(w, w->decls, w->x->getCursorPrettyPrinted(w->waiting, NULL));
		buf_char(w->decls, ' ');
		add_string(w, w->decls, w->x->getCursorSpelling(c));
		w->has_waiting = false;
	} else {
		flush_waiting(w);
		add_string(w, w->decls, w->x->getCursorPrettyPrinted(c, NULL));
	}
	buf_str(w->decls, ";\n");
}

/* "NAME text" on a line; "NAME(" when it takes parameters. */
static void
walk_macro(struct walk *w, struct cx_cursor c)
{
	struct cx_token *token = NULL;
	unsigned n = 0;
	void *file = NULL;

	w->x->getSpellingLocation(w->x->getCursorLocation(c), &file, NULL, NULL, NULL);
	if (!file)                       /* the compiler's own */
		return;
	add_string(w, w->macros, w->x->getCursorSpelling(c));
	if (w->x->Cursor_isMacroFunctionLike(c)) {
		buf_str(w->macros, "(\n");
		return;
	}
	w->x->tokenize(w->unit, w->x->getCursorExtent(c), &token, &n);
	for (unsigned i = 1; i < n; i++) {
		buf_char(w->macros, ' ');
		add_string(w, w->macros, w->x->getTokenSpelling(w->unit, token[i]));
	}
	w->x->disposeTokens(w->unit, token, n);
	buf_char(w->macros, '\n');
}

/* Has a definition no name between its first word and its '{'?  Attributes may stand there. */
static bool
is_nameless(const char *text)
{
	size_t n = strcspn(text, "{"), word = strcspn(text, " ");

	while (n && text[n - 1] == ' ')
		n--;
	return n == word || text[n - 1] == ')';
}

static void
walk_tag(struct walk *w, struct cx_cursor c)
{
	size_t start = w->decls->len;

	add_string(w, w->decls, w->x->getCursorPrettyPrinted(c, NULL));
	buf_str(w->decls, ";\n");
	if (w->decls->failed || !is_nameless(buf_cstr(w->decls) + start))
		return;
	w->decls->len = start;
	w->waiting = c;
	w->has_waiting = true;
}

static int
walk_one(struct cx_cursor c, struct cx_cursor parent, void *ud)
{
	struct walk *w = ud;
	bool is_tag = c.kind == CX_STRUCT || c.kind == CX_UNION || c.kind == CX_ENUM;

	(void)parent;
	if (c.kind == CX_MACRO) {
		walk_macro(w, c);
	} else if (c.kind == CX_TYPEDEF) {
		walk_typedef(w, c);
	} else {
		flush_waiting(w);
		if (is_tag && w->x->isCursorDefinition(c))
			walk_tag(w, c);
	}
	return CX_NEXT;
}

/* The first error of the unit; false: there is none. */
static bool
first_error(const struct clang *x, void *unit, struct buf *out)
{
	bool is_error = false;

	for (unsigned i = 0; i < x->getNumDiagnostics(unit) && !is_error; i++) {
		void *d = x->getDiagnostic(unit, i);

		is_error = x->getDiagnosticSeverity(d) >= CX_IS_ERROR;
		if (is_error) {
			struct cx_string s = x->getDiagnosticSpelling(d);

			buf_str(out, x->getCString(s));
			x->disposeString(s);
		}
		x->disposeDiagnostic(d);
	}
	return is_error;
}

/* Reads a header; why: what libclang says when it cannot. */
static bool
read_header(const struct clang *x, const char *text, const char *dir, struct walk *w, struct buf *why)
{
	const char *args[] = { "-x", "c", "-std=gnu11", "-w", "-I", dir };
	struct cx_unsaved unsaved = { "definitions.h", text, strlen(text) };
	void *index = x->createIndex(0, 0), *unit = NULL;
	int err;

	x->toggleCrashRecovery(0);       /* it takes over the process's signals */
	err = x->parseTranslationUnit2(index, unsaved.name, args, (int)LENGTH(args), &unsaved, 1, CX_WITH_MACROS | CX_NO_BODIES, &unit);
	if (err)
		buf_str(why, "libclang cannot read it");
	else if (!first_error(x, unit, why)) {
		w->x = x;
		w->unit = unit;
		x->visitChildren(x->getTranslationUnitCursor(unit), walk_one, w);
		flush_waiting(w);
	}
	if (unit)
		x->disposeTranslationUnit(unit);
	x->disposeIndex(index);
	return why->len == 0;
}

/* ---- from its text to our definitions ---- */

static void
take_macros(struct cdefs *d, const char *text, struct span at)
{
	struct arena *mem = d->c->tmp;

	while (*text) {
		size_t n = strcspn(text, "\n"), name = strcspn(text, " (\n");
		const char *key = str_intern(mem, text, name);

		bool is_itself = n == 2 * name + 1 && !memcmp(text, text + name + 1, name); /* #define SOCK_STREAM SOCK_STREAM */

		if (name && !is_itself && !c_table_get(&d->file->macros, key)) {
			struct c_macro *m = arena_alloc(mem, sizeof(*m));

			*m = (struct c_macro){ .name = key, .text = text + name, .text_len = (uint32_t)(n - name), .at = at, .is_on = true,
					       .is_function = text[name] == '(' };
			c_table_put(&d->file->macros, mem, key, m);
		}
		text += n + (text[n] == '\n');
	}
}

/* What it defines in a way that we cannot follow is not there: no header of a system is an error of the script. */
static void
take_decls(struct cdefs *d, const char *text)
{
	struct c_decl *list = c_read_text(d->file, text, strlen(text));

	d->is_quiet = true;
	for (struct c_decl *decl = list; decl; decl = decl->next)
		cdef_collect(d, decl->type);
	for (struct c_decl *decl = list; decl; decl = decl->next)
		cdef_define(d, decl);
	d->is_quiet = false;
}

static const char *
script_dir(struct cdefs *d, const struct c_decl *decl)
{
	const struct source *src = diags_source(d->c->diags, decl->at.file);
	const char *slash = src ? strrchr(src->name, '/') : NULL;

	return slash ? arena_strndup(d->c->tmp, src->name, (size_t)(slash - src->name)) : ".";
}

static bool
load_header(struct cdefs *d, const struct c_decl *decl, const char **why)
{
	struct kernel *k = d->c->kernel;  /* owns the texts, because what follows may jump */
	const char *dir = script_dir(d, decl);
	char *text = arena_printf(d->c->tmp, decl->is_quoted ? "#include \"%s\"\n" : "#include <%s>\n", decl->name);
	struct walk w = { .decls = &k->header, .macros = &k->header_macros };
	struct clang x;

	k->header.len = k->header_macros.len = k->text.len = 0;
	if (!clang_open(&x)) {
		*why = NULL;
		return false;
	}
	if (!read_header(&x, text, dir, &w, &k->text)) {
		*why = arena_strndup(d->c->tmp, buf_cstr(&k->text), k->text.len);
		return false;
	}
	take_macros(d, arena_strndup(d->c->tmp, buf_cstr(&k->header_macros), k->header_macros.len), decl->at);
	take_decls(d, arena_strndup(d->c->tmp, buf_cstr(&k->header), k->header.len));
	return true;
}

/* Headers of the kernel itself: what they define as types is in its BTF. */
static bool
is_kernel_header(const char *name)
{
	static const char *const dirs[] = {
		"linux/", "net/", "uapi/", "asm/", "asm-generic/", "generated/", "trace/", "sound/", "scsi/", "drm/", "rdma/", "video/", "xen/",
		"kvm/", "crypto/", "acpi/", "media/", "target/", "soc/", "block/", "fs/", "kernel/", "mm/", "drivers/", "include/linux/",
		"bpf/", "ras/", "memory/", "misc/", "mtd/", "keys/", "../fs/", "../kernel/", "../drivers/",
	};
	/* these are the C library's, under the same roof */
	static const char *const libc[] = { "net/if.h", "net/if_arp.h", "net/ethernet.h", "net/route.h", "net/ppp_defs.h", "net/if_packet.h" };

	for (size_t i = 0; i < LENGTH(libc); i++)
		if (!strcmp(libc[i], name))
			return false;
	for (size_t i = 0; i < LENGTH(dirs); i++)
		if (!strncmp(dirs[i], name, strlen(dirs[i])))
			return true;
	return false;
}

bool
cdef_header(struct cdefs *d, const struct c_decl *decl)
{
	const char *word = decl->is_import ? "import" : "#include", *why;

	if (!decl->is_import && is_kernel_header(decl->name) && kernel_has_btf(d->c->kernel, NULL)) {
		d->has_kernel_headers = true;
		return true;
	}
	if (load_header(d, decl, &why))
		return true;
	if (why)
		return cdef_error(d, decl->at, E_CDEF, "%s of %s: %s", word, decl->name, why);
	cdef_error(d, decl->at, E_UNSUPPORTED, "%s of %s: a header is read by libclang, which is not installed", word, decl->name);
	diag_hint(d->c->diags, "install libclang1-19 or another version; types of the running kernel need no header");
	return false;
}

/* Constants that a header of the kernel defines for its own use only, and old scripts take from there. */
static const char known_constants[] =
	"AF_UNSPEC 0\nAF_UNIX 1\nAF_LOCAL 1\nAF_INET 2\nAF_INET6 10\nAF_NETLINK 16\nAF_PACKET 17\nAF_VSOCK 40\n";

void
cdef_more_constants(struct cdefs *d)
{
	const char *why;

	if (!d->has_kernel_headers)
		return;
	d->has_kernel_headers = false;
	take_macros(d, known_constants, NO_SPAN);
	for (const struct c_decl *decl = d->file->decls; decl; decl = decl->next)
		if (decl->kind == C_DECL_INCLUDE && !decl->is_import && is_kernel_header(decl->name))
			load_header(d, decl, &why); /* what cannot be read has no constants */
}
