/* diag.c - messages: which were added, where they point, how people read them; and near names. */
#include <stdio.h>
#include "lang/base.h"

enum {
	MAX_MESSAGES = 50, /* of each level; one more says that there were more */
	MAX_SOURCES = 0xffff,
	MAX_NAME = 64, /* longer names are not compared for nearness */
	TAB = 4,
	MAX_LINE = 1000, /* bytes of a line that are shown */
	MAX_LINES = 20, /* of one place */
	MAX_FROM = 32, /* macro calls that one message shows */
};

struct message {
	struct sonde_diag out;
	struct span span;
};
struct file {
	struct source src;
	uint32_t *line; /* offset of the first byte of each line */
	size_t n_lines;
	uint16_t written; /* the file that was registered: this one, or the one this is an expansion of */
	struct span call; /* expanded from there; NO_SPAN */
};
/* The messages have their places here and not in the arena, so that even when memory is out an error
 * is counted and says so. */
struct list {
	struct message m[MAX_MESSAGES + 1]; /* in order of place */
	size_t n;
};
struct diags {
	struct arena *arena; /* texts of messages and sources; NULL until one is needed */
	struct list errors, warnings;
	struct message *last; /* takes hints; NULL: none, or it was not kept */
	struct file *file;
	size_t n_files, files_cap;
};

static const char *const tag_name[] = {
#define E(tag, doc) [tag] = #tag,
#include "lang/diag.def"
#undef E
};

const char *
diag_tag_name(enum diag_tag tag)
{
	return tag < N_DIAG_TAGS ? tag_name[tag] : "E_INTERNAL";
}

struct diags *
diags_new(void)
{
	return mem_alloc(sizeof(struct diags));
}

void
diags_reset(struct diags *d)
{
	arena_free(d->arena);
	mem_free(d->file);
	d->arena = NULL;
	d->file = NULL;
	d->n_files = d->files_cap = 0;
	d->errors.n = d->warnings.n = 0;
	d->last = NULL;
}

void
diags_free(struct diags *d)
{
	if (!d)
		return;
	diags_reset(d);
	mem_free(d);
}

/* ---- sources and places ---- */

static bool
have_arena(struct diags *d)
{
	if (!d->arena)
		d->arena = arena_new();
	return d->arena != NULL;
}

static bool
index_lines(struct arena *a, struct file *f)
{
	const char *text = f->src.text, *end = text + f->src.len;

	f->n_lines = 1;
	for (const char *s = text; (s = memchr(s, '\n', (size_t)(end - s))) != NULL; s++)
		f->n_lines++;
	f->line = arena_alloc(a, f->n_lines * sizeof(*f->line));
	if (!f->line)
		return false;
	size_t n = 1;
	for (const char *s = text; (s = memchr(s, '\n', (size_t)(end - s))) != NULL; s++)
		f->line[n++] = (uint32_t)(s + 1 - text);
	return true;
}

/* Room for one more file; NULL: there is none. */
static struct file *
new_file(struct diags *d)
{
	if (d->n_files >= MAX_SOURCES)
		return NULL;
	if (d->n_files == d->files_cap) {
		size_t cap = d->files_cap ? 2 * d->files_cap : 4;
		struct file *file = mem_realloc(d->file, cap * sizeof(*file));
		if (!file)
			return NULL;
		d->file = file;
		d->files_cap = cap;
	}
	return &d->file[d->n_files];
}

int
diags_add_source(struct diags *d, const char *name, const char *text, size_t len)
{
	struct file *f = len < UINT32_MAX / 2 && have_arena(d) ? new_file(d) : NULL;

	if (!f)
		return -1;
	*f = (struct file){ .written = (uint16_t)d->n_files, .call = NO_SPAN };
	f->src.name = arena_strndup(d->arena, name, strlen(name));
	f->src.text = arena_strndup(d->arena, text, len);
	f->src.len = len;
	if (!f->src.name || !f->src.text || !index_lines(d->arena, f))
		return -1;
	return (int)d->n_files++;
}

unsigned
diags_add_expansion(struct diags *d, unsigned file, struct span call)
{
	struct file *f = file < d->n_files ? new_file(d) : NULL;

	if (!f)
		return file;
	*f = d->file[d->file[file].written];
	f->call = call;
	return (unsigned)d->n_files++;
}

struct span
diags_written(const struct diags *d, struct span at)
{
	if (at.file < d->n_files)
		at.file = d->file[at.file].written;
	return at;
}

/* A call has a smaller number than what it was expanded to, so that this ends. */
static struct span
call_of(const struct diags *d, struct span at)
{
	return at.file < d->n_files && d->file[at.file].call.file < at.file ? d->file[at.file].call : NO_SPAN;
}

static struct span
outermost(const struct diags *d, struct span at)
{
	for (struct span up = call_of(d, at); up.file < d->n_files; up = call_of(d, at))
		at = up;
	return at;
}

struct span
diags_blame(const struct diags *d, struct span at, unsigned file)
{
	if (at.file < d->n_files && d->file[at.file].written == file)
		return diags_written(d, at);
	at = outermost(d, at);
	return at.file == file ? at : NO_SPAN;
}

const struct source *
diags_source(const struct diags *d, unsigned file)
{
	return file < d->n_files ? &d->file[file].src : NULL;
}

/* The line, from 0, that holds a byte. */
static uint32_t
line_of(const struct file *f, uint32_t off)
{
	size_t low = 0, high = f->n_lines;

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;
		if (f->line[mid] <= off)
			low = mid;
		else
			high = mid;
	}
	return (uint32_t)low;
}

struct sonde_span
diags_place(const struct diags *d, struct span at)
{
	struct sonde_span out = { 0 };

	if (at.file >= d->n_files)
		return out;
	const struct file *f = &d->file[at.file];
	uint32_t first = line_of(f, at.off);
	/* The end follows the last byte, so that a span which takes in a line's end stays on that line. */
	uint32_t last_off = at.len ? at.off + at.len - 1 : at.off;
	uint32_t last = line_of(f, last_off);
	out.file = f->src.name;
	out.line = first + 1;
	out.col = at.off - f->line[first] + 1;
	out.end_line = last + 1;
	out.end_col = last_off - f->line[last] + 1 + (at.len != 0);
	return out;
}

/* ---- adding ---- */

/* One line of text in the arena; a fixed text when memory is out. */
static const char *
message_text(struct diags *d, const char *fmt, va_list ap)
{
	if (!have_arena(d))
		return "out of memory";
	struct buf b = { .arena = d->arena };
	buf_vfmt(&b, fmt, ap);
	buf_cstr(&b);
	char *text = b.data;
	if (b.failed)
		return "out of memory";
	for (size_t i = 0; i < b.len; i++)
		if ((unsigned char)text[i] < ' ' || text[i] == 0x7f)
			text[i] = text[i] == '\t' || text[i] == '\n' ? ' ' : '?';
	return text;
}

/* What macros say stands where they were called. */
static bool
is_before(const struct diags *d, struct span a, struct span b)
{
	a = outermost(d, a);
	b = outermost(d, b);
	if (a.file != b.file)
		return a.file < b.file; /* 0xffff, no place, comes last */
	return a.off < b.off;
}

/* Puts a message where it belongs; those of one place stay in the order they came. */
static void
list_insert(struct diags *d, struct list *l, struct message m)
{
	size_t i = l->n++;

	for (; i > 0 && is_before(d, m.span, l->m[i - 1].span); i--)
		l->m[i] = l->m[i - 1];
	l->m[i] = m;
	d->last = &l->m[i];
}

/* The calls that led to a place inside a macro. */
static void
add_calls(struct diags *d, struct message *m)
{
	struct sonde_span *from = NULL;
	size_t n = 0;

	for (struct span up = call_of(d, m->span); up.file < d->n_files && n < MAX_FROM; up = call_of(d, up)) {
		if (!from)
			from = d->arena ? arena_alloc(d->arena, MAX_FROM * sizeof(*from)) : NULL;
		if (!from)
			return;
		from[n++] = diags_place(d, up);
	}
	m->out.from = from;
	m->out.n_from = n;
}

static void
add(struct diags *d, enum sonde_level level, struct span at, enum diag_tag tag, const char *fmt, va_list ap)
{
	struct list *l = level == SONDE_ERROR ? &d->errors : &d->warnings;

	d->last = NULL;
	if (l->n > MAX_MESSAGES)
		return;
	const char *text = message_text(d, fmt, ap);
	for (size_t i = 0; i < l->n; i++) {
		const struct message *m = &l->m[i];
		if (m->span.off == at.off && m->span.len == at.len && m->span.file == at.file &&
		    !strcmp(m->out.text, text))
			return;
	}
	if (l->n == MAX_MESSAGES) {
		text = level == SONDE_ERROR ? "too many errors, the rest is not shown" :
					      "too many warnings, the rest is not shown";
		at = NO_SPAN;
	}
	struct message m = { .span = at };
	m.out.level = level;
	m.out.tag = diag_tag_name(tag);
	m.out.text = text;
	m.out.at = diags_place(d, at);
	add_calls(d, &m);
	list_insert(d, l, m);
}

bool
diag_error(struct diags *d, struct span at, enum diag_tag tag, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, SONDE_ERROR, at, tag, fmt, ap);
	va_end(ap);
	return false;
}

void
diag_warn(struct diags *d, struct span at, enum diag_tag tag, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, SONDE_WARNING, at, tag, fmt, ap);
	va_end(ap);
}

void
diag_hint(struct diags *d, const char *fmt, ...)
{
	va_list ap;

	if (!d->last)
		return;
	va_start(ap, fmt);
	const char *text = message_text(d, fmt, ap);
	va_end(ap);
	const char *before = d->last->out.hint;
	const char *both = !before ? text : d->arena ? arena_printf(d->arena, "%s\n%s", before, text) : NULL;
	if (both)
		d->last->out.hint = both;
}

size_t
diags_count(const struct diags *d)
{
	return d->errors.n + d->warnings.n;
}

size_t
diags_errors(const struct diags *d)
{
	return d->errors.n;
}

static const struct message *
message_at(const struct diags *d, size_t i)
{
	if (i < d->errors.n)
		return &d->errors.m[i];
	i -= d->errors.n;
	return i < d->warnings.n ? &d->warnings.m[i] : NULL;
}

const struct sonde_diag *
diags_at(const struct diags *d, size_t i)
{
	const struct message *m = message_at(d, i);

	return m ? &m->out : NULL;
}

/* ---- showing ---- */

static const char *
line_text(const struct file *f, uint32_t line, size_t *len)
{
	const char *s = f->src.text + f->line[line];
	const char *end = memchr(s, '\n', f->src.len - f->line[line]);

	*len = end ? (size_t)(end - s) : f->src.len - f->line[line];
	if (*len && s[*len - 1] == '\r')
		--*len;
	return s;
}

/* How many columns of a terminal a byte of source takes.  The bytes of one UTF-8 character count once. */
static size_t
byte_width(char c)
{
	return c == '\t' ? TAB : ((unsigned char)c & 0xc0) != 0x80;
}

static void
render_text(const char *s, size_t from, size_t to, struct buf *out)
{
	for (size_t i = from; i < to; i++) {
		if (s[i] == '\t')
			buf_fill(out, ' ', TAB);
		else
			buf_char(out, (unsigned char)s[i] < ' ' || s[i] == 0x7f ? '?' : s[i]);
	}
	buf_char(out, '\n');
}

/* The part of a line that is shown of a generated script's very long one: some of what is before the place. */
static void
line_window(size_t len, size_t col, size_t *from, size_t *to)
{
	*from = 0;
	*to = len;
	if (len <= MAX_LINE)
		return;
	*from = col > MAX_LINE / 2 ? col - MAX_LINE / 2 : 0;
	*to = len - *from > MAX_LINE ? *from + MAX_LINE : len;
}

static void
render_lines(const struct file *f, const struct sonde_span *at, struct buf *out)
{
	size_t len, from, to;

	for (uint32_t line = at->line; line <= at->end_line; line++) {
		if (line - at->line >= MAX_LINES) {
			buf_str(out, "...\n");
			return;
		}
		const char *s = line_text(f, line - 1, &len);
		line_window(len, 0, &from, &to);
		render_text(s, from, to, out);
	}
}

static void
render_source(const struct file *f, const struct sonde_span *at, struct buf *out)
{
	size_t len, from, to, before = 0, under = 0;

	if (at->line != at->end_line) {
		render_lines(f, at, out);
		return;
	}
	const char *s = line_text(f, at->line - 1, &len);
	line_window(len, at->col, &from, &to);
	render_text(s, from, to, out);
	for (size_t i = from; i + 1 < at->end_col && i <= to; i++) {
		size_t width = i < len ? byte_width(s[i]) : 1;
		if (i + 1 < at->col)
			before += width;
		else
			under += width;
	}
	buf_fill(out, ' ', before);
	buf_fill(out, '~', under ? under : 1);
	buf_char(out, '\n');
}

static void
render_level(enum sonde_level level, bool colour, struct buf *out)
{
	static const char *const name[] = { "NOTE", "WARNING", "ERROR" };
	static const char *const code[] = { "", "\033[33m", "\033[31m" };

	if (colour && level != SONDE_NOTE)
		buf_fmt(out, "%s%s\033[0m: ", code[level], name[level]);
	else
		buf_fmt(out, "%s: ", name[level]);
}

static void
render_place(const struct sonde_span *at, struct buf *out)
{
	if (at->file && at->line == at->end_line)
		buf_fmt(out, "%s:%u:%u-%u: ", at->file, at->line, at->col, at->end_col);
	else if (at->file)
		buf_fmt(out, "%s:%u-%u: ", at->file, at->line, at->end_line);
}

static void
render_calls(const struct diags *d, const struct message *m, bool colour, struct buf *out)
{
	struct span up = m->span;

	for (size_t i = 0; i < m->out.n_from; i++) {
		up = call_of(d, up);
		render_place(&m->out.from[i], out);
		render_level(SONDE_NOTE, colour, out);
		buf_str(out, "expanded from\n");
		render_source(&d->file[up.file], &m->out.from[i], out);
	}
}

void
diags_render(const struct diags *d, size_t i, bool colour, struct buf *out)
{
	const struct message *m = message_at(d, i);

	if (!m)
		return;
	const struct sonde_span *at = &m->out.at;
	render_place(at, out);
	render_level(m->out.level, colour, out);
	buf_fmt(out, "%s\n", m->out.text);
	if (at->file)
		render_source(&d->file[m->span.file], at, out);
	render_calls(d, m, colour, out);
	for (const char *hint = m->out.hint; hint;) {
		const char *end = strchr(hint, '\n');
		size_t len = end ? (size_t)(end - hint) : strlen(hint);
		buf_str(out, "HINT: ");
		buf_add(out, hint, len);
		buf_char(out, '\n');
		hint = end ? end + 1 : NULL;
	}
}

/* ---- near names ---- */

static unsigned
min3(unsigned a, unsigned b, unsigned c)
{
	unsigned m = a < b ? a : b;

	return m < c ? m : c;
}

static char
lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* Insertions, deletions, replacements and swaps of neighbours; a letter's case is no difference. */
static unsigned
edits(const char *a, size_t n, const char *b, size_t m)
{
	unsigned char row[3][MAX_NAME + 1];

	for (size_t j = 0; j <= m; j++)
		row[0][j] = (unsigned char)j;
	for (size_t i = 1; i <= n; i++) {
		unsigned char *now = row[i % 3];
		const unsigned char *up = row[(i + 2) % 3], *up2 = row[(i + 1) % 3];
		now[0] = (unsigned char)i;
		for (size_t j = 1; j <= m; j++) {
			char x = lower(a[i - 1]), y = lower(b[j - 1]);
			unsigned best = min3(up[j] + 1u, now[j - 1] + 1u, up[j - 1] + (x != y));
			if (i > 1 && j > 1 && x == lower(b[j - 2]) && lower(a[i - 2]) == y &&
			    up2[j - 2] + 1u < best)
				best = up2[j - 2] + 1u;
			now[j] = (unsigned char)best;
		}
	}
	return row[n % 3][m];
}

void
near_offer(struct near *near, const char *name, const char *candidate)
{
	size_t n = strlen(name), m = strlen(candidate);
	unsigned limit = (unsigned)(n / 3);

	if (near->best && near->distance <= limit) {
		if (near->distance == 0)
			return;
		limit = near->distance - 1;
	}
	if (n > MAX_NAME || m > MAX_NAME || (n > m ? n - m : m - n) > limit)
		return;
	if (!strcmp(name, candidate))
		return;
	unsigned distance = edits(name, n, candidate, m);
	if (!distance)
		distance = 1; /* only the case differs */
	if (distance <= limit) {
		near->best = candidate;
		near->distance = distance;
	}
}
