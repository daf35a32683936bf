/* tracefs.c - questions to the kernel about tracepoints: which events there are, what their format files say. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "sema/kernel.h"

/* ---- which events there are ---- */

static int
refuse(const char **why, int err, const char *text)
{
	if (why)
		*why = text;
	return err;
}

static int
refuse_errno(const char **why, int err)
{
	switch (err) {
	case -EACCES:
	case -EPERM:
		return refuse(why, err, "the kernel's events may not be read by this user: run as root");
	case -ENOMEM:
		return refuse(why, err, "out of memory");
	}
	return refuse(why, err, "the kernel's events cannot be read");
}

/* A part of a path of our own making: one name. */
static bool
is_file_name(const char *s)
{
	return *s && *s != '.' && !strchr(s, '/') && strlen(s) < 128;
}

static bool
has_wildcard(const char *s)
{
	return strchr(s, '*') != NULL;
}

static bool
is_dir(int dirfd, const struct dirent *e)
{
	struct stat st;

	if (e->d_name[0] == '.')
		return false;
	if (e->d_type != DT_UNKNOWN)
		return e->d_type == DT_DIR;
	return fstatat(dirfd, e->d_name, &st, 0) == 0 && S_ISDIR(st.st_mode);
}

/* The entries below category are its events; those of "ftrace" are record layouts that nothing fires. */
static int
read_category(int events, const char *category, const char *pattern, struct names *list)
{
	int fd = openat(events, category, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct dirent *e;
	char name[512];
	DIR *d;

	if (fd < 0)
		return errno == ENOENT || errno == ENOTDIR ? 0 : -errno;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while ((e = readdir(d))) {
		size_t a = strlen(category), b = strlen(e->d_name);

		if (!is_dir(fd, e) || !glob_match(pattern, e->d_name) || a + b + 2 > sizeof(name))
			continue;
		memcpy(name, category, a);
		name[a] = ':';
		memcpy(name + a + 1, e->d_name, b + 1);
		names_add(list, name, a + b + 1);
	}
	closedir(d);
	return 0;
}

static int
read_events(int tracefs, const char *category, const char *event, struct names *list)
{
	int fd = openat(tracefs, "events", O_RDONLY | O_DIRECTORY | O_CLOEXEC), err = 0;
	struct dirent *e;
	DIR *d;

	if (fd < 0)
		return -errno;
	if (!has_wildcard(category)) {
		if (is_file_name(category) && strcmp(category, "ftrace") != 0)
			err = read_category(fd, category, event, list);
		close(fd);
		return err;
	}
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	while ((e = readdir(d)) && !err)
		if (is_dir(fd, e) && strcmp(e->d_name, "ftrace") != 0 && glob_match(category, e->d_name))
			err = read_category(fd, e->d_name, event, list);
	closedir(d);
	return err;
}

/* "events/sched/sched_switch/format".  False: the parts cannot be names of files. */
static bool
format_path(char *out, size_t size, const char *category, const char *event)
{
	static const char dir[] = "events/", file[] = "/format";
	size_t a = strlen(category), b = strlen(event), n = 0;

	if (!is_file_name(category) || !is_file_name(event) || a + b + sizeof(dir) + sizeof(file) > size)
		return false;
	memcpy(out, dir, sizeof(dir) - 1);
	n = sizeof(dir) - 1;
	memcpy(out + n, category, a);
	out[n += a] = '/';
	memcpy(out + n + 1, event, b);
	memcpy(out + n + 1 + b, file, sizeof(file));
	return true;
}

int
kernel_each_tracepoint(struct kernel *k, const char *category, const char *event, sonde_name_fn fn, void *ud, const char **why)
{
	int dir = context_tracefs(k->ctx, why), err = 0;
	char path[320];
	struct names *list;

	if (dir < 0)
		return dir;
	list = names_new(k);
	if (!list)
		return refuse_errno(why, -ENOMEM);
	if (has_wildcard(category) || has_wildcard(event)) {
		err = read_events(dir, category, event, list);
	} else if (strcmp(category, "ftrace") != 0 && format_path(path, sizeof(path), category, event) &&
		   faccessat(dir, path, F_OK, 0) == 0) { /* one look instead of a directory of hundreds */
		const char *name = path + sizeof("events/") - 1;

		path[sizeof("events/") - 1 + strlen(category)] = ':';
		names_add(list, name, strlen(category) + 1 + strlen(event));
	}
	if (list->text.failed)
		err = -ENOMEM;
	if (err < 0) {
		names_free(k, list);
		return refuse_errno(why, err);
	}
	return names_each(k, list, fn, ud);
}

/* Calls fn for each event of available_events: lines "category:event". */
static int
read_available(struct kernel *k, const char *pattern, struct names *list)
{
	int dir = context_tracefs(k->ctx, NULL);
	char *text, *line, *rest, *event;
	ssize_t n = dir < 0 ? dir : file_read(dir, "available_events", &text);

	if (n < 0)
		return (int)n;
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		event = strchr(line, ':');
		if (event && glob_match(pattern, event + 1))
			names_add(list, event + 1, strlen(event + 1));
	}
	mem_free(text);
	return 0;
}

int
kernel_each_rawtracepoint(struct kernel *k, const char *pattern, sonde_name_fn fn, void *ud)
{
	static const char prefix[] = "btf_trace_";
	struct btf_rec r = { 0 };
	struct names *list;

	if (!strchr(pattern, '*') && kernel_btf(k)) { /* one name is looked up in a fifth of the time of a walk */
		char name[128];
		int n = snprintf(name, sizeof(name), "%s%s", prefix, pattern), stop;

		if (n < 0 || (size_t)n >= sizeof(name) || !kernel_find(k, name, 1u << BTF_KIND_TYPEDEF, &r))
			return 0;
		stop = fn(ud, pattern, NULL);
		return stop ? stop : 1;
	}
	list = names_new(k);
	if (!list)
		return -ENOMEM;
	while (kernel_btf(k) && btf_next(&k->btf, &r)) {
		const char *name = r.kind == BTF_KIND_TYPEDEF ? btf_str(&k->btf, r.name) : "";

		if (strncmp(name, prefix, sizeof(prefix) - 1) == 0 && glob_match(pattern, name + sizeof(prefix) - 1))
			names_add(list, name + sizeof(prefix) - 1, strlen(name) - sizeof(prefix) + 1);
	}
	if (k->btf_state == BTF_MISSING)
		read_available(k, pattern, list);
	return names_each(k, list, fn, ud);
}

/* ---- format files ---- */

/* One line of a format file:
 *	field:const char * filename;	offset:24;	size:8;	signed:0; */
struct line { char *decl; uint32_t off, size; bool is_signed; };

/* Cuts the next field line out of the text and moves behind it; common_ fields and other lines are passed over. */
static bool
next_line(char **at, struct line *l)
{
	static const char mark[] = "\tfield:";

	while (*at && **at) {
		char *line = *at, *end = strchrnul(line, '\n'), *semi;

		*at = *end ? end + 1 : end;
		*end = 0;
		semi = strchr(line, ';');
		if (strncmp(line, mark, sizeof(mark) - 1) != 0 || !semi)
			continue;
		*semi++ = 0;
		const char *off = strstr(semi, "offset:"), *size = strstr(semi, "size:"), *sign = strstr(semi, "signed:");

		if (!off || !size)
			continue;
		*l = (struct line){ line + sizeof(mark) - 1, (uint32_t)strtoul(off + 7, NULL, 10),
				    (uint32_t)strtoul(size + 5, NULL, 10), sign && sign[7] == '1' };
		/* The kernel's own limits are lower. */
		if (!strstr(l->decl, " common_") && l->off <= UINT16_MAX && l->size <= UINT16_MAX)
			return true;
	}
	return false;
}

struct decl {                            /* "const struct sockaddr * addr", "__data_loc char[] name", "u8 addr[6]" */
	const char *name;                /* in the text that was read */
	char base[128];                  /* "struct sockaddr": without qualifiers */
	unsigned stars;
	uint32_t n;                      /* product of the lengths in brackets; 0: none, or not numbers */
	bool is_array, is_data_loc, is_rel_loc;
};

static bool
is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* The declared name ends the text, but for brackets.  Ends the text before it; NULL: there is none. */
static const char *
cut_name(char *decl)
{
	char *end = decl + strlen(decl), *p;

	p = strstr(decl, "(*");                  /* void (*func)(...) */
	if (p) {
		char *name = p + 2;

		end = name + strspn(name, "*_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
		*end = 0;
		*p = ' ';
		return *name ? name : NULL;
	}
	for (;;) {                               /* back over blanks and [16] */
		while (end > decl && !is_word(end[-1]) && end[-1] != ']')
			end--;
		if (end == decl || end[-1] != ']')
			break;
		while (end > decl && *--end != '[')
			;
	}
	for (p = end; p > decl && is_word(p[-1]); p--)
		;
	if (p == end || p == decl)
		return NULL;
	*end = 0;
	return p;
}

static void
read_brackets(struct decl *d, const char *s, const char *end)
{
	for (const char *p = memchr(s, '[', (size_t)(end - s)); p; p = memchr(p + 1, '[', (size_t)(end - p - 1))) {
		unsigned long n = strtoul(p + 1, NULL, 10);

		d->n = (uint32_t)((d->is_array ? d->n : 1) * (n <= UINT16_MAX ? n : 0));
		d->is_array = true;
	}
}

static bool
is_qualifier(const char *w, size_t n)
{
	static const char *const word[] = {
		"const", "volatile", "restrict", "__user", "__kernel", "__percpu", "__rcu", "__iomem", "__force", "__seg_gs",
		"__seg_fs",
	};

	for (size_t i = 0; i < LENGTH(word); i++)
		if (strlen(word[i]) == n && memcmp(word[i], w, n) == 0)
			return true;
	return false;
}

static bool
read_decl(char *text, struct decl *d)
{
	char *full_end = text + strlen(text), *p;
	size_t len = 0;

	*d = (struct decl){ 0 };
	read_brackets(d, text, full_end);
	d->name = cut_name(text);
	if (!d->name)
		return false;
	for (p = text; p < d->name && *p && *p != '['; ) {
		size_t n = 0;

		while (is_word(p[n]) && p + n < d->name)
			n++;
		d->stars += *p == '*';
		if (!n) {
			p++;
			continue;
		}
		if (n == 10 && memcmp(p, "__data_loc", n) == 0)
			d->is_data_loc = true;
		else if (n == 9 && memcmp(p, "__rel_loc", n) == 0)
			d->is_rel_loc = true;
		else if (!is_qualifier(p, n)) {
			if (len + n + 2 > sizeof(d->base))
				return false;
			if (len)
				d->base[len++] = ' ';
			memcpy(d->base + len, p, n);
			len += n;
		}
		p += n;
	}
	d->base[len] = 0;
	return true;
}

/* ---- from declarations to types ---- */

static const struct type *
number_type(struct types *ts, uint32_t size, bool is_signed)
{
	if (size == 1 || size == 2 || size == 4 || size == 8)
		return type_int(ts, size, is_signed);
	return type_array(ts, type_int(ts, 1, false), size);
}

static const struct type *
pointer_type(struct kernel *k, struct types *ts, const struct decl *d, enum space space)
{
	const struct type *t = kernel_type(k, ts, d->base); /* NULL, without BTF for it: a void pointer */

	for (unsigned i = 0; i < d->stars && i < 8; i++)
		t = type_ptr(ts, t, space);
	return t;
}

/* char x[16] is a string; other arrays are of the file's length, or as many as fit where it is a C name. */
static const struct type *
array_of(struct kernel *k, struct types *ts, const struct decl *d, const struct line *l, enum space space)
{
	const struct type *elem;
	uint32_t n = d->n, size;

	if (d->stars) {
		elem = pointer_type(k, ts, d, space);
		return type_array(ts, elem, l->size / 8);
	}
	elem = kernel_type(k, ts, d->base);
	if (strcmp(d->base, "char") == 0 && l->size)
		return type_str(ts, l->size);
	size = n && l->size % n == 0 ? l->size / n : 0;
	if (!elem || !elem->size || (size && elem->size != size))
		elem = number_type(ts, size ? size : 1, l->is_signed);
	return type_array(ts, elem, elem->size ? l->size / elem->size : 0);
}

/* A system call's arguments are recorded as whole registers, of which the call itself looks at the declared type only: "int dfd;
 * size:8" is -100 for AT_FDCWD whatever the upper half holds. */
static const struct type *
syscall_arg(struct kernel *k, struct types *ts, const struct decl *d, const struct line *l, struct field *f)
{
	const struct type *t = kernel_type(k, ts, d->base);

	if (!t || !type_is_number(t) || t->size > l->size)
		return number_type(ts, l->size, l->is_signed);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	f->off += l->size - t->size;
#else
	(void)f;
#endif
	return t;
}

static const struct type *
field_type(struct kernel *k, struct types *ts, const struct decl *d, const struct line *l, bool is_syscall, struct field *f)
{
	enum space space = is_syscall ? AS_USER : AS_KERNEL;
	const struct type *t;

	if (d->is_data_loc) {                    /* the text itself lies in the record, behind the fields */
		t = d->stars ? pointer_type(k, ts, d, AS_KERNEL) : kernel_type(k, ts, d->base);
		return type_ptr(ts, t, AS_KERNEL);
	}
	if (d->is_array)
		return array_of(k, ts, d, l, space);
	if (d->stars)
		return l->size == 8 ? pointer_type(k, ts, d, space) : number_type(ts, l->size, l->is_signed);
	if (is_syscall && l->size == 8)
		return syscall_arg(k, ts, d, l, f);
	/* Records, enums and bool as BTF has them; numbers by what the file says. */
	t = strchr(d->base, ' ') || l->size == 1 || l->size > 8 ? kernel_type(k, ts, d->base) : NULL;
	if (t && t->size == l->size && (t->kind == T_RECORD || t->kind == T_ARRAY || t->kind == T_BOOL || t->enums))
		return t;
	return number_type(ts, l->size, l->is_signed);
}

/* Opens the format file into k->format. */
static bool
read_format(struct kernel *k, const char *category, const char *event, const char **why)
{
	int dir = context_tracefs(k->ctx, why);
	char path[320];
	ssize_t n;

	if (dir < 0)
		return false;
	mem_free(k->format);
	k->format = NULL;
	n = format_path(path, sizeof(path), category, event) ? file_read(dir, path, &k->format) : -ENOENT;
	if (n == -ENOENT || n == -ENOTDIR) {
		k->event_why.len = 0;
		buf_fmt(&k->event_why, "there is no tracepoint %s:%s", category, event);
		refuse(why, -ENOENT, buf_cstr(&k->event_why));
	} else if (n < 0) {
		refuse_errno(why, (int)n);
	}
	return n >= 0;
}

static struct field *
fields_room(struct kernel *k, uint32_t n)
{
	if (n > k->fields_cap) {
		struct field *more = mem_realloc(k->fields, 2 * n * sizeof(*more));

		if (!more)
			return NULL;
		k->fields = more;
		k->fields_cap = 2 * n;
	}
	return k->fields;
}

const struct type *
kernel_tracepoint_args(struct kernel *k, struct types *ts, const char *category, const char *event, const char **why)
{
	bool is_syscall = strcmp(category, "syscalls") == 0;
	uint32_t n = 0, size = 0;
	struct line l;
	struct decl d;
	char *at;

	if (!read_format(k, category, event, why))
		return NULL;
	for (at = k->format; next_line(&at, &l); ) {
		struct field f = { .off = l.off };

		/* Where a __rel_loc text lies depends on where the field is, which nothing behind `struct field` knows. */
		if (!read_decl(l.decl, &d) || d.is_rel_loc)
			continue;
		f.name = d.name;
		f.is_data_loc = d.is_data_loc;
		f.type = field_type(k, ts, &d, &l, is_syscall, &f);
		if (!fields_room(k, n + 1)) {
			refuse_errno(why, -ENOMEM);
			return NULL;
		}
		k->fields[n++] = f;
		if (l.off + l.size > size)
			size = l.off + l.size;
	}
	return type_record(ts, "args", size, false, k->fields, n);
}

bool
kernel_tracepoint_text(struct kernel *k, const char *category, const char *event, struct buf *out)
{
	struct line l;
	char *at;

	if (!read_format(k, category, event, NULL))
		return false;
	for (at = k->format; next_line(&at, &l); )
		buf_fmt(out, "    %s\n", l.decl);
	return true;
}
