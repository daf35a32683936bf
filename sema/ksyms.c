/* ksyms.c - questions to the kernel about its functions: which there are, which can be traced, where a symbol lies. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include "sema/kernel.h"

/* ---- lists of names ---- */

struct names *
names_new(struct kernel *k)
{
	struct names *list = mem_alloc(sizeof(*list));

	if (list) {
		list->next = k->names;
		k->names = list;
	}
	return list;
}

void
names_add(struct names *list, const char *s, size_t len)
{
	buf_add(&list->text, s, len);
	buf_char(&list->text, 0);
	list->n++;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Sorts and drops duplicates; false: out of memory. */
static bool
names_sort(struct names *list)
{
	const char *p = list->text.data;
	size_t n = 0;

	if (list->text.failed)
		return false;
	if (!list->n)
		return true;
	list->name = mem_alloc(list->n * sizeof(*list->name));
	if (!list->name)
		return false;
	for (size_t i = 0; i < list->n; i++, p += strlen(p) + 1)
		list->name[i] = p;
	qsort(list->name, list->n, sizeof(*list->name), compare);
	for (size_t i = 0; i < list->n; i++)
		if (!n || strcmp(list->name[n - 1], list->name[i]) != 0)
			list->name[n++] = list->name[i];
	list->n = n;
	return true;
}

/* In a list that is sorted. */
static bool
names_has(const struct names *list, const char *s)
{
	return list->n && bsearch(&s, list->name, list->n, sizeof(*list->name), compare);
}

void
names_free(struct kernel *k, struct names *list)
{
	struct names **at = &k->names;

	if (!list)
		return;
	while (*at && *at != list)
		at = &(*at)->next;
	if (!*at)
		return;
	*at = list->next;
	buf_free(&list->text);
	mem_free(list->name);
	mem_free(list);
}

int
names_each(struct kernel *k, struct names *list, sonde_name_fn fn, void *ud)
{
	int ret = 0;

	if (!names_sort(list)) {
		names_free(k, list);
		return -ENOMEM;
	}
	for (size_t i = 0; i < list->n && !ret; i++)
		ret = fn(ud, list->name[i], NULL);
	if (!ret)
		ret = (int)list->n;
	names_free(k, list);
	return ret;
}

/* ---- /proc/kallsyms: "ffffffff81000000 T name", in modules with a tab and "[module]" behind ---- */

static const char *
kallsyms(struct kernel *k)
{
	struct buf b = { 0 };
	ssize_t n;

	if (!k->is_kallsyms_read) {
		n = file_read(AT_FDCWD, kernel_path(k, &b, "/proc/kallsyms"), &k->kallsyms);
		buf_free(&b);
		k->kallsyms_len = n > 0 ? (size_t)n : 0;
		k->is_kallsyms_read = n != -ENOMEM;
	}
	return k->kallsyms;
}

struct symbol { const char *name; size_t len; uint64_t addr; char kind; };

/* Reads the line at *at and moves behind it; false at the end.  Lines of another form have len 0. */
static bool
next_symbol(const char **at, struct symbol *s)
{
	const char *line = *at, *end;
	char *behind;

	*s = (struct symbol){ 0 };
	if (!line || !*line)
		return false;
	end = strchrnul(line, '\n');
	*at = *end ? end + 1 : end;
	s->addr = strtoull(line, &behind, 16);
	if (behind == line || behind + 3 > end || behind[0] != ' ' || behind[2] != ' ')
		return true;
	s->kind = behind[1];
	s->name = behind + 3;
	s->len = strcspn(s->name, "\t\n");
	return true;
}

static bool
is_text(const struct symbol *s)
{
	return s->kind == 't' || s->kind == 'T';
}

/* The first symbol of that name, found in the text without reading every line. */
static bool
find_symbol(struct kernel *k, const char *name, bool only_text, struct symbol *out)
{
	const char *text = kallsyms(k), *at = text;
	size_t len = strlen(name);

	if (!len)
		return false;
	while (at && (at = strstr(at, name))) {
		const char *line = at;

		while (line > text && line[-1] != '\n')
			line--;
		at += len;
		if (next_symbol(&line, out) && out->len == len && memcmp(out->name, name, len) == 0 &&
		    (!only_text || is_text(out)))
			return true;
	}
	return false;
}

uint64_t
kernel_sym(struct kernel *k, const char *name)
{
	struct symbol s;

	return find_symbol(k, name, false, &s) ? s.addr : 0;
}

bool
kernel_has_func(struct kernel *k, const char *func)
{
	struct btf_rec r;
	struct symbol s;

	return kernel_find(k, func, 1u << BTF_KIND_FUNC, &r) || find_symbol(k, func, true, &s);
}

/* ---- the functions that can be traced ---- */

/* Pieces the compiler split off, padding, and names made by it: no function that anyone means. */
static bool
is_clone(const char *name)
{
	return strstr(name, ".part.") || strstr(name, ".cold") || strncmp(name, "__pfx_", 6) == 0 ||
	       strncmp(name, "__cfi_", 6) == 0;
}

static void
offer(struct names *list, const struct names *forbidden, const char *pattern, const char *name, size_t len)
{
	char own[512];

	if (!len || len >= sizeof(own))
		return;
	memcpy(own, name, len);
	own[len] = 0;
	if (glob_match(pattern, own) && !is_clone(own) && !names_has(forbidden, own))
		names_add(list, own, len);
}

/* Functions that kprobes refuse: "0x...-0x...\tname" in debugfs, which need not be there. */
static void
read_blacklist(struct kernel *k, struct names *list)
{
	struct buf b = { 0 };
	char *text;
	ssize_t n = file_read(AT_FDCWD, kernel_path(k, &b, "/sys/kernel/debug/kprobes/blacklist"), &text);

	buf_free(&b);
	if (n < 0)
		return;
	for (const char *tab = strchr(text, '\t'); tab; tab = strchr(tab + 1, '\t'))
		names_add(list, tab + 1, strcspn(tab + 1, "\n"));
	mem_free(text);
}

/* False where the kernel has no such list or does not show it. */
static bool
read_traceable(struct kernel *k, struct names *list, const struct names *forbidden, const char *pattern)
{
	int dir = context_tracefs(k->ctx, NULL);
	char *text;
	ssize_t n = dir < 0 ? dir : file_read(dir, "available_filter_functions", &text);

	if (n < 0)
		return false;
	for (const char *p = text; *p; p += *p != 0) {
		offer(list, forbidden, pattern, p, strcspn(p, " \t\n"));
		p = strchrnul(p, '\n');
	}
	mem_free(text);
	return n > 0;
}

static void
read_known(struct kernel *k, struct names *list, const struct names *forbidden, const char *pattern)
{
	const char *at = kallsyms(k);
	struct btf_rec r = { 0 };
	struct symbol s;

	while (next_symbol(&at, &s))
		if (is_text(&s))
			offer(list, forbidden, pattern, s.name, s.len);
	if (!kernel_btf(k))
		return;
	while (btf_next(&k->btf, &r)) {
		const char *name = btf_str(&k->btf, r.name);

		if (r.kind == BTF_KIND_FUNC)
			offer(list, forbidden, pattern, name, strlen(name));
	}
}

int
kernel_each_func(struct kernel *k, const char *pattern, sonde_name_fn fn, void *ud)
{
	struct names *forbidden = names_new(k), *list = names_new(k);

	if (forbidden)
		read_blacklist(k, forbidden);
	if (!forbidden || !list || !names_sort(forbidden)) {
		names_free(k, forbidden);
		names_free(k, list);
		return -ENOMEM;
	}
	if (!read_traceable(k, list, forbidden, pattern))
		read_known(k, list, forbidden, pattern);
	names_free(k, forbidden);
	return names_each(k, list, fn, ud);
}
