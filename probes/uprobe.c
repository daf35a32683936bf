/* uprobe.c - uprobe and uretprobe: functions and addresses of programs and libraries. */
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>
#include "probes/common.h"

struct place {                           /* what stands behind the file: FUNC, FUNC+OFF, 0xADDR */
	const char *func;                /* NULL: an address */
	uint64_t off, addr;
	bool has_off;
};

/* ---- files ---- */

/* Paths in names and for the kernel are absolute; symbolic links stay as written. */
static const char *
absolute(struct compile *c, const char *path)
{
	char cwd[PATH_MAX];

	if (*path != '/' && getcwd(cwd, sizeof(cwd))) {
		while (strncmp(path, "./", 2) == 0)
			path += 2 + strspn(path + 2, "/");
		for (char *slash; strncmp(path, "../", 3) == 0 && (slash = strrchr(cwd, '/')); path += 3)
			*slash = 0;
		return arena_printf(c->keep, "%s/%s", strcmp(cwd, "/") == 0 ? "" : cwd, path);
	}
	return arena_strndup(c->keep, path, strlen(path));
}

static const char *
find_file(struct compile *c, const char *target)
{
	struct buf path = { .arena = c->tmp };

	if (binary_find(target, c->opts->search_path, c->opts->pid, &path) < 0)
		return NULL;
	return absolute(c, buf_cstr(&path));
}

struct files { const char **path; size_t n; };

/* The files that a pattern of paths names. */
static void
match_files(struct compile *c, const char *pattern, struct files *out)
{
	glob_t g;

	if (glob(pattern, GLOB_NOSORT, NULL, &g) != 0)
		return;
	/* freed before anything can jump: what counts is copied with jumps off */
	arena_on_nomem(c->tmp, NULL);
	out->path = arena_alloc(c->tmp, g.gl_pathc * sizeof(*out->path) + 1);
	for (size_t i = 0; out->path && i < g.gl_pathc; i++) {
		out->path[out->n] = arena_strndup(c->tmp, g.gl_pathv[i], strlen(g.gl_pathv[i]));
		out->n += out->path[out->n] != NULL;
	}
	arena_on_nomem(c->tmp, &c->nomem);
	globfree(&g);
}

static bool
has_path(const struct files *f, const char *path)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->path[i], path) == 0)
			return true;
	return false;
}

/* Everything executable that a process has mapped. */
static void
mapped_files(struct compile *c, int pid, struct files *out)
{
	char *text, *line, *rest, *copy;
	ssize_t len = file_read(-1, arena_printf(c->tmp, "/proc/%d/maps", pid), &text);
	size_t cap = 0;

	if (len < 0)
		return;
	arena_on_nomem(c->tmp, NULL);
	copy = arena_strndup(c->tmp, text, (size_t)len);
	arena_on_nomem(c->tmp, &c->nomem);
	mem_free(text);
	if (!copy)
		longjmp(c->nomem, 1);
	for (line = strtok_r(copy, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		const char *perms = strchr(line, ' '), *path = strchr(line, '/');

		if (!perms || !path || perms[3] != 'x' || strstr(path, " (deleted)"))
			continue;
		path = arena_printf(c->tmp, "/proc/%d/root%s", pid, path);
		if (has_path(out, path))
			continue;
		if (out->n == cap) {
			const char **more = arena_alloc(c->tmp, (cap = cap ? cap * 2 : 16) * sizeof(*more));

			if (out->n)
				memcpy(more, out->path, out->n * sizeof(*more));
			out->path = more;
		}
		out->path[out->n++] = path;
	}
}

/* ---- symbols ---- */

struct symbols { struct buf text; const char *pattern; }; /* "offset size name\0" */

static int
add_symbol(void *ud, const char *name, uint64_t offset, uint64_t size)
{
	struct symbols *s = ud;

	if (!glob_match(s->pattern, name))
		return 0;
	buf_fmt(&s->text, "%llx %llx %s", (unsigned long long)offset, (unsigned long long)size, name);
	buf_char(&s->text, 0);
	return s->text.failed;
}

/* Function symbols that match, gathered: nothing may jump while the file is open.  What binary_each_symbol gave. */
static int
gather_symbols(struct compile *c, const char *path, const char *pattern, struct symbols *out)
{
	int err;

	*out = (struct symbols){ { .arena = c->tmp }, pattern };
	arena_on_nomem(c->tmp, NULL);
	err = binary_each_symbol(path, add_symbol, out);
	arena_on_nomem(c->tmp, &c->nomem);
	if (out->text.failed)
		longjmp(c->nomem, 1);
	return err;
}

static const char *
read_symbol(const char *at, uint64_t *offset, uint64_t *size)
{
	char *end;

	*offset = strtoull(at, &end, 16);
	*size = strtoull(end, &end, 16);
	return end + 1;
}

static int
offer_symbol(void *ud, const char *name, uint64_t offset, uint64_t size)
{
	(void)offset;
	(void)size;
	return nearest_offer(ud, name, NULL);
}

static const char *
nearest_symbol(struct compile *c, const char *path, const char *name)
{
	struct nearest near = { .c = c, .name = name };

	arena_on_nomem(c->tmp, NULL);
	binary_each_symbol(path, offer_symbol, &near);
	arena_on_nomem(c->tmp, &c->nomem);
	return near.near.best;
}

/* ---- attach points ---- */

static void
add_place(struct compile *c, const struct target *proto, const char *path, const char *func, uint64_t offset, const char *shown)
{
	struct target t = *proto;

	t.part[0] = path;
	t.part[1] = func ? arena_strndup(c->keep, func, strlen(func)) : NULL;
	t.num = offset;
	t.num2 = proto->num2;
	t.name = arena_printf(c->keep, "%s:%s:%s", proto->provider, path, shown);
	target_add(c, &t);
}

static bool
bad_file(struct compile *c, const struct target *proto, const char *path)
{
	return diag_error(c->diags, proto->at, E_PROBE_TARGET,
			  "%s target file '%s' does not exist or is not executable", proto->provider, path);
}

static bool
attach_address(struct compile *c, const struct target *proto, const char *path, const struct place *p)
{
	uint64_t offset;

	if (binary_offset(path, p->addr, &offset) < 0)
		return diag_error(c->diags, proto->at, E_PROBE_TARGET, "Could not resolve address: %s:0x%llx", path,
				  (unsigned long long)p->addr);
	add_place(c, proto, path, NULL, offset, arena_printf(c->tmp, "0x%llx", (unsigned long long)p->addr));
	return true;
}

static bool
attach_function(struct compile *c, const struct target *proto, const char *path, const struct place *p)
{
	const char *shown = p->has_off ? arena_printf(c->tmp, "%s+%llu", p->func, (unsigned long long)p->off) : p->func;
	bool is_unsafe = c->opts->flags & SONDE_UNSAFE;
	uint64_t offset, size;
	int err = binary_symbol(path, p->func, &offset, &size);

	if (err == -ENOENT)
		return target_missing(c, proto, arena_printf(c->tmp, "%s:%s", path, p->func), nearest_symbol(c, path, p->func));
	if (err < 0)
		return bad_file(c, proto, path);
	if (p->off && !size && !is_unsafe) {
		diag_error(c->diags, proto->at, E_PROBE_TARGET, "Could not determine boundary for %s (symbol has size 0).", p->func);
		diag_hint(c->diags, "--unsafe skips this check");
		return false;
	}
	if (p->off && p->off >= size && !is_unsafe)
		return diag_error(c->diags, proto->at, E_PROBE_TARGET, "Offset outside the function bounds ('%s' size is %llu)", p->func,
				  (unsigned long long)size);
	add_place(c, proto, path, p->func, offset + p->off, shown);
	return true;
}

/* Every function that matches; how many, or -errno. */
static int
attach_pattern(struct compile *c, const struct target *proto, const char *path, const char *pattern)
{
	struct target matched = *proto;
	struct symbols s;
	int n = 0, err = gather_symbols(c, path, pattern, &s);
	uint64_t offset, size;

	matched.num2 = TARGET_MATCHED;
	for (const char *at = s.text.data; at && at < s.text.data + s.text.len; n++) {
		const char *name = read_symbol(at, &offset, &size);

		add_place(c, &matched, path, name, offset, name);
		at = name + strlen(name) + 1;
	}
	return err < 0 ? err : n;
}

static bool
attach_in_file(struct compile *c, const struct target *proto, const char *path, const struct place *p)
{
	int n;

	if (!p->func)
		return attach_address(c, proto, path, p);
	if (!strchr(p->func, '*'))
		return attach_function(c, proto, path, p);
	n = attach_pattern(c, proto, path, p->func);
	if (n < 0)
		return bad_file(c, proto, path);
	return n || target_missing(c, proto, arena_printf(c->tmp, "%s:%s", path, p->func), NULL);
}

/* Several files: those without such a function are passed over. */
static bool
attach_in_files(struct compile *c, const struct target *proto, const struct files *f, const struct place *p, const char *spec)
{
	uint64_t offset, size;
	int n = 0;

	if (!p->func)
		return diag_error(c->diags, proto->at, E_PROBE_FORM, "an address needs one file, not a pattern of files");
	for (size_t i = 0; i < f->n; i++) {
		const char *path = absolute(c, f->path[i]);

		if (strchr(p->func, '*')) {
			int found = attach_pattern(c, proto, path, p->func);

			n += found > 0 ? found : 0;
		} else if (binary_symbol(path, p->func, &offset, &size) == 0) {
			if (!attach_function(c, proto, path, p))
				return false;
			n++;
		}
	}
	return n || target_missing(c, proto, spec, NULL);
}

/* "func", "func+8", "0x1234". */
static bool
read_place(struct compile *c, const struct target *proto, const char *text, struct place *out)
{
	const char *plus = strrchr(text, '+');

	*out = (struct place){ .func = text };
	if (spec_number(text, &out->addr)) {
		out->func = NULL;
		return true;
	}
	if (!plus || plus == text)
		return true;
	if (memchr(text, '+', (size_t)(plus - text)) && spec_number(plus + 1, &out->off))
		return diag_error(c->diags, proto->at, E_PROBE_FORM, "Cannot take more than one offset");
	if (!spec_number(plus + 1, &out->off))
		return diag_error(c->diags, proto->at, E_PROBE_FORM, "Invalid offset: %s", plus + 1);
	out->func = arena_strndup(c->tmp, text, (size_t)(plus - text));
	out->has_off = true;
	if (strchr(out->func, '*'))
		return diag_error(c->diags, proto->at, E_PROBE_FORM, "Offset not allowed with a wildcard");
	if (proto->provider == provider_uretprobe.name)
		return diag_error(c->diags, proto->at, E_PROBE_FORM, "uretprobes can not be attached to a function offset");
	return true;
}

static bool
attach_target(struct compile *c, const struct target *proto, const char *file, const char *func, const char *spec)
{
	struct files files = { 0 };
	struct place place;
	const char *path;

	if (!read_place(c, proto, func, &place))
		return false;
	if (!place.func && proto->provider == provider_uretprobe.name)
		return diag_error(c->diags, proto->at, E_PROBE_FORM, "uretprobes can not be attached to a function offset");
	if (!*file || strcmp(file, "*") == 0) {
		if (c->opts->pid <= 0)
			return diag_error(c->diags, proto->at, E_PROBE_FORM, "%s without a file needs -p PID", proto->provider);
		mapped_files(c, c->opts->pid, &files);
		return attach_in_files(c, proto, &files, &place, spec);
	}
	if (strchr(file, '*')) {
		match_files(c, file, &files);
		if (files.n)
			return attach_in_files(c, proto, &files, &place, spec);
		return target_missing(c, proto, spec, NULL);
	}
	path = find_file(c, file);
	return path ? attach_in_file(c, proto, path, &place) : bad_file(c, proto, file);
}

static bool
parse_uprobe(struct compile *c, const char *spec, struct target *proto)
{
	const char *part[4] = { NULL };
	int n = spec ? spec_split(c, spec, part, 4) : 0;

	if (n == 3 && strcmp(part[1], "cpp") == 0)
		return diag_error(c->diags, proto->at, E_UNSUPPORTED,
				  "%s by a C++ name is not supported: give the mangled name, as nm prints it", proto->provider);
	if (n == 3 && strchr(part[0], '@') == NULL)
		return diag_error(c->diags, proto->at, E_PROBE_FORM, "unsupported language type: %s", part[1]);
	if (n > 1 && strchr(part[0], '@') && part[0][0] != '@' && !find_file(c, part[0]))
		return diag_error(c->diags, proto->at, E_UNSUPPORTED, "%s by source line is not supported: name the function", proto->provider);
	if (n != 2 || !*part[1])
		return spec_arity(c, proto, "2 or 3", n == 2 ? 1 : n);
	return attach_target(c, proto, part[0], part[1], spec);
}

/* ---- form and context ---- */

static bool
plan_uprobe(struct compile *c, struct probe *p, struct prog *prog)
{
	int64_t multi = kernel_knows(c, "BPF_TRACE_UPROBE_MULTI");

	(void)p;
	if (multi > 0) /* for one target too: closing costs a fourth of what a perf event costs */
		prog->attach_type = (uint32_t)multi;
	return true;
}

static const struct type *
uprobe_arg_type(struct compile *c, const struct target *t, int n, const char **why)
{
	if (n == ARG_ALL) {
		*why = "args of a uprobe needs DWARF types, which are not read: use arg0, arg1 ...";
		return NULL;
	}
	return regs_arg_type(c, t, n, false, why);
}

static const struct type *
uretprobe_arg_type(struct compile *c, const struct target *t, int n, const char **why)
{
	return regs_arg_type(c, t, n, true, why);
}

/* ---- listing: only what is asked for by file ---- */

static int
list_in_file(struct compile *c, const char *provider, const char *path, const char *pattern, sonde_name_fn fn, void *ud)
{
	struct symbols s;
	int n = 0, err = gather_symbols(c, path, pattern, &s);
	uint64_t offset, size;

	if (err < 0)
		return 0;
	err = 0;
	for (const char *at = s.text.data; !err && at && at < s.text.data + s.text.len;) {
		const char *name = read_symbol(at, &offset, &size);

		err = list_one(fn, ud, &n, arena_printf(c->tmp, "%s:%s:%s", provider, path, name), NULL);
		at = name + strlen(name) + 1;
	}
	return err ? err : n;
}

static int
list_user(struct compile *c, const char *provider, const char *spec, sonde_name_fn fn, void *ud)
{
	const char *part[2] = { "", "*" }, *path;
	struct files files = { 0 };
	int n = spec_split(c, spec, part, 2), total = 0;

	if (n > 2)
		return 0;
	if (c->opts->pid > 0 && (!*part[0] || strcmp(part[0], "*") == 0)) {
		mapped_files(c, c->opts->pid, &files);
	} else if (strchr(part[0], '*') && strcmp(part[0], "*") != 0) {
		match_files(c, part[0], &files);
	} else if ((path = find_file(c, part[0])) != NULL) {
		files.path = &path;
		files.n = 1;
	}
	for (size_t i = 0; i < files.n; i++) {
		int found = list_in_file(c, provider, absolute(c, files.path[i]), n == 2 && *part[1] ? part[1] : "*", fn, ud);

		if (found < 0)
			return found;
		total += found;
	}
	return total;
}

static int
list_uprobe(struct compile *c, const char *spec, bool lv, sonde_name_fn fn, void *ud)
{
	(void)lv;
	return list_user(c, "uprobe", spec, fn, ud);
}

static int
list_uretprobe(struct compile *c, const char *spec, bool lv, sonde_name_fn fn, void *ud)
{
	(void)lv;
	return list_user(c, "uretprobe", spec, fn, ud);
}

const struct provider provider_uprobe = {
	.name = "uprobe", .alias = "u", .form = "uprobe:FILE:FUNCTION[+OFFSET]",
	.flags = PROV_PREEMPTIBLE | PROV_USER | PROV_PID_FILTER, .prog_type = BPF_PROG_TYPE_KPROBE,
	.doc = "entry of a function, or any instruction, of a program or library",
	.parse = parse_uprobe, .list = list_uprobe, .arg_type = uprobe_arg_type, .gen_arg = regs_gen_arg,
	.plan = plan_uprobe,
};
const struct provider provider_uretprobe = {
	.name = "uretprobe", .alias = "ur", .form = "uretprobe:FILE:FUNCTION",
	.flags = PROV_PREEMPTIBLE | PROV_USER | PROV_PID_FILTER | PROV_RETURN, .prog_type = BPF_PROG_TYPE_KPROBE,
	.doc = "return of a function of a program or library",
	.parse = parse_uprobe, .list = list_uretprobe, .arg_type = uretprobe_arg_type, .gen_arg = regs_gen_arg,
	.plan = plan_uprobe,
};
