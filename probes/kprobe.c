/* kprobe.c - kprobe and kretprobe: functions and instructions of the kernel. */
#include <fcntl.h>
#include <unistd.h>
#include "probes/common.h"

enum { MAX_ARGS = 12 };

static bool
is_kretprobe(const struct target *t)
{
	return t->provider == provider_kretprobe.name;
}

static void
add_function(struct compile *c, const struct target *proto, const char *module, const char *func, uint64_t off,
	     bool is_matched)
{
	struct target t = *proto;
	const char *tail = off ? arena_printf(c->tmp, "+%llu", (unsigned long long)off) : "";

	t.part[0] = module ? arena_strndup(c->keep, module, strlen(module)) : NULL;
	t.part[1] = arena_strndup(c->keep, func, strlen(func));
	t.num = off;
	t.num2 = is_matched ? TARGET_MATCHED : 0;
	t.name = arena_printf(c->keep, "%s:%s%s%s%s", proto->provider, module ? module : "", module ? ":" : "", func, tail);
	target_add(c, &t);
}

/* ---- names ---- */

/* Clones and the cold parts of functions: not what the name stands for. */
static bool
is_clone(const char *name)
{
	return strstr(name, ".part.") || strstr(name, ".cold") || strstr(name, ".isra.") || strstr(name, ".constprop.");
}

struct adding { struct compile *c; const struct target *proto; int n; };

static int
add_match(void *ud, const char *name, const char *doc)
{
	struct adding *a = ud;

	(void)doc;
	if (is_clone(name))
		return 0;
	add_function(a->c, a->proto, NULL, name, 0, true);
	a->n++;
	return 0;
}

static const char *
sys_path(struct compile *c, const char *path)
{
	return arena_printf(c->tmp, "%s%s", c->opts->sysroot, path);
}

static bool
is_loaded(struct compile *c, const char *module)
{
	char *text;
	const char *name = arena_printf(c->tmp, "%s ", module);
	bool found = false;

	if (strcmp(module, "vmlinux") == 0)
		return true;
	const char *path = sys_path(c, "/proc/modules");
	if (file_read(AT_FDCWD, path, &text) < 0)
		return false;
	for (const char *line = text; line && !found; line = strchr(line, '\n')) {
		line += *line == '\n';
		found = strncmp(line, name, strlen(name)) == 0;
	}
	mem_free(text);
	return found;
}

/* Functions of modules: lines "ffffffffc0a01000 t name\t[module]".  Gathered as "module\0function\0": nothing may jump meanwhile. */
static void
gather_module_funcs(struct compile *c, const char *module, const char *func, struct buf *out)
{
	const char *path = sys_path(c, "/proc/kallsyms");
	char *text, *line, *rest;

	if (file_read(AT_FDCWD, path, &text) < 0)
		return;
	arena_on_nomem(c->tmp, NULL);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *type = strchr(line, ' '), *tab = strchr(line, '\t'), *end;

		if (!type || !tab || tab[1] != '[' || (type[1] | 32) != 't' || type[2] != ' ' || !(end = strchr(tab, ']')))
			continue;
		*tab = *end = 0;
		if (!glob_match(module, tab + 2) || !glob_match(func, type + 3) || is_clone(type + 3))
			continue;
		buf_add(out, tab + 2, strlen(tab + 2) + 1);
		buf_add(out, type + 3, strlen(type + 3) + 1);
	}
	arena_on_nomem(c->tmp, &c->nomem);
	mem_free(text);
	if (out->failed)
		longjmp(c->nomem, 1);
}

static int
add_module_funcs(struct compile *c, const struct target *proto, const char *module, const char *func)
{
	struct buf found = { .arena = c->tmp };
	int n = 0;

	gather_module_funcs(c, module, func, &found);
	for (const char *at = found.data; at && at < found.data + found.len; n++) {
		const char *name = at + strlen(at) + 1;

		add_function(c, proto, at, name, 0, true);
		at = name + strlen(name) + 1;
	}
	return n;
}

/* ---- attach points ---- */

static bool
attach_address(struct compile *c, struct target *t, uint64_t addr)
{
	if (!(c->opts->flags & SONDE_UNSAFE)) {
		diag_error(c->diags, t->at, E_UNSAFE, "Probing by address requires --unsafe");
		return false;
	}
	t->num = addr;
	t->name = arena_printf(c->keep, "%s:0x%llx", t->provider, (unsigned long long)addr);
	target_add(c, t);
	return true;
}

static bool
attach_pattern(struct compile *c, const struct target *proto, const char *module, const char *func, const char *spec)
{
	struct adding a = { c, proto, 0 };

	if (module && strcmp(module, "vmlinux") != 0)
		a.n = add_module_funcs(c, proto, module, func);
	else
		kernel_each_func(c->kernel, func, add_match, &a);
	return a.n || target_missing(c, proto, spec, NULL);
}

static bool
attach_function(struct compile *c, const struct target *proto, const char *module, const char *func, uint64_t off, const char *spec)
{
	struct nearest near = { .c = c, .name = func };

	if (module && !is_loaded(c, module))
		return diag_error(c->diags, proto->at, E_PROBE_TARGET, "specified module %s in probe %s:%s is not loaded.", module,
				  proto->provider, spec);
	if (module && strcmp(module, "vmlinux") == 0)
		module = NULL;
	if (module || kernel_has_func(c->kernel, func)) {
		add_function(c, proto, module, func, off, false);
		return true;
	}
	kernel_each_func(c->kernel, "*", nearest_offer, &near);
	return target_missing(c, proto, spec, near.near.best);
}

/* Takes "+8" off a function's name. */
static bool
read_offset(struct compile *c, const struct target *proto, const char **func, uint64_t *off)
{
	const char *plus = strchr(*func, '+');

	*off = 0;
	if (!plus)
		return true;
	if (is_kretprobe(proto))
		return diag_error(c->diags, proto->at, E_PROBE_FORM, "Offset not allowed: kretprobes wait for a function's return");
	if (strchr(plus + 1, '+'))
		return diag_error(c->diags, proto->at, E_PROBE_FORM, "Cannot take more than one offset");
	if (!spec_number(plus + 1, off))
		return diag_error(c->diags, proto->at, E_PROBE_FORM, "Invalid offset: %s", plus + 1);
	*func = arena_strndup(c->tmp, *func, (size_t)(plus - *func));
	if (!**func)
		return diag_error(c->diags, proto->at, E_PROBE_FORM, "kprobes should be attached to a function or an address");
	if (strchr(*func, '*'))
		return diag_error(c->diags, proto->at, E_PROBE_FORM, "Offset not allowed with a wildcard");
	return true;
}

static bool
parse_kprobe(struct compile *c, const char *spec, struct target *proto)
{
	const char *part[2] = { NULL, NULL }, *func, *module;
	int n = spec ? spec_split(c, spec, part, 2) : 0;
	uint64_t num;

	if (n < 1 || n > 2)
		return spec_arity(c, proto, "1 or 2", n);
	func = part[n - 1];
	module = n == 2 ? part[0] : NULL;
	if (!*func || (module && !*module))
		return diag_error(c->diags, proto->at, E_PROBE_FORM, "kprobes should be attached to a function or an address");
	if (n == 1 && spec_number(func, &num))
		return attach_address(c, proto, num);
	if (!read_offset(c, proto, &func, &num))
		return false;
	if (strchr(func, '*') || (module && strchr(module, '*')))
		return attach_pattern(c, proto, module, func, spec);
	return attach_function(c, proto, module, func, num, spec);
}

/* ---- form ---- */

static bool
plan_kprobe(struct compile *c, struct probe *p, struct prog *prog)
{
	int64_t multi = p->n_targets > 1 ? kernel_knows(c, "BPF_TRACE_KPROBE_MULTI") : -1;

	for (uint32_t i = 0; i < p->n_targets; i++)
		if (p->targets[i].part[0] || !p->targets[i].part[1] || p->targets[i].num)
			return true;
	/* The enumerator is there without CONFIG_FPROBE too; the function that serves such links is not. */
	if (multi > 0 && kernel_has_func(c->kernel, "kprobe_multi_link_handler"))
		prog->attach_type = (uint32_t)multi;
	return true;
}

static bool
has_kprobes(struct compile *c)
{
	return access(sys_path(c, "/sys/bus/event_source/devices/kprobe"), F_OK) == 0;
}

/* ---- arguments ---- */

/* Parameters passed in registers, from BTF; a structure by value ends them, as it may take two registers or none. */
static const struct type *
args_record(struct compile *c, const struct target *t, const char **why)
{
	const char *name[MAX_ARGS];
	const struct type *type[MAX_ARGS], *ret;
	struct field field[MAX_ARGS];
	uint32_t n_fields = 0;
	int n = t->part[1] ? kernel_func_params(c->kernel, c->types, t->part[1], name, type, MAX_ARGS, &ret) : -1;

	*why = NULL;
	if (n < 0) {
		if (kernel_has_btf(c->kernel, why))
			*why = arena_printf(c->tmp, "the kernel's BTF does not have the arguments of %s: use arg0, arg1 ...", t->name);
		return NULL;
	}
	for (int i = 0; i < n && i < MAX_ARGS && i < (int)arch_host()->n_args && type_is_scalar(type[i]); i++)
		if (name[i])
			field[n_fields++] = (struct field){ .name = name[i], .type = type[i], .off = 8 * (uint32_t)i };
	return type_record(c->types, "args", 8 * arch_host()->n_args, false, field, n_fields);
}

static const struct type *
kprobe_arg_type(struct compile *c, const struct target *t, int n, const char **why)
{
	return n == ARG_ALL ? args_record(c, t, why) : regs_arg_type(c, t, n, false, why);
}

static const struct type *
kretprobe_arg_type(struct compile *c, const struct target *t, int n, const char **why)
{
	return regs_arg_type(c, t, n, true, why);
}

static bool
gen_field_kprobe(struct gen *g, const struct target *t, const struct field *f, struct gval *out)
{
	(void)t;
	*out = gen_cast(g, gen_ctx_field(g, (uint32_t)arch_host()->arg_off[f->off / 8], 8, false), f->type);
	return true;
}

/* ---- listing ---- */

struct listing { struct compile *c; const char *provider; bool lv; sonde_name_fn fn; void *ud; };

static int
list_function(void *ud, const char *name, const char *doc)
{
	struct listing *l = ud;
	struct target t = { .name = name, .part = { NULL, name } };
	struct buf text = { .arena = l->c->tmp };
	const char *full = arena_printf(l->c->tmp, "%s:%s", l->provider, name), *why;

	(void)doc;
	if (is_clone(name))
		return 0;
	if (l->lv && strcmp(l->provider, "kprobe") == 0)
		args_doc(l->c, args_record(l->c, &t, &why), &text);
	return l->fn(l->ud, full, text.len ? buf_cstr(&text) : NULL);
}

static int
list_functions(struct compile *c, const char *provider, const char *spec, bool lv, sonde_name_fn fn, void *ud)
{
	struct listing l = { c, provider, lv, fn, ud };
	const char *part[2] = { "*", "*" };
	struct buf found = { .arena = c->tmp };
	int n = spec_split(c, spec, part, 2), err = 0, total = 0;

	if (n > 2)
		return 0;
	if (n == 1)
		return kernel_each_func(c->kernel, part[0], list_function, &l);
	gather_module_funcs(c, part[0], part[1], &found);
	for (const char *at = found.data; !err && at && at < found.data + found.len;) {
		const char *name = at + strlen(at) + 1;

		err = list_one(fn, ud, &total, arena_printf(c->tmp, "%s:%s:%s", provider, at, name), NULL);
		at = name + strlen(name) + 1;
	}
	return err ? err : total;
}

static int
list_kprobe(struct compile *c, const char *spec, bool lv, sonde_name_fn fn, void *ud)
{
	return list_functions(c, "kprobe", spec, lv, fn, ud);
}

static int
list_kretprobe(struct compile *c, const char *spec, bool lv, sonde_name_fn fn, void *ud)
{
	return list_functions(c, "kretprobe", spec, lv, fn, ud);
}

const struct provider provider_kprobe = {
	.name = "kprobe", .alias = "k", .form = "kprobe:[MODULE:]FUNCTION[+OFFSET]", .flags = PROV_PID_FILTER,
	.prog_type = BPF_PROG_TYPE_KPROBE,
	.doc = "entry of a kernel function, or any instruction of it",
	.parse = parse_kprobe, .list = list_kprobe, .is_there = has_kprobes, .arg_type = kprobe_arg_type, .gen_arg = regs_gen_arg,
	.gen_field = gen_field_kprobe, .plan = plan_kprobe,
};
const struct provider provider_kretprobe = {
	.name = "kretprobe", .alias = "kr", .form = "kretprobe:[MODULE:]FUNCTION", .flags = PROV_PID_FILTER | PROV_RETURN,
	.prog_type = BPF_PROG_TYPE_KPROBE,
	.doc = "return of a kernel function",
	.parse = parse_kprobe, .list = list_kretprobe, .is_there = has_kprobes, .arg_type = kretprobe_arg_type,
	.gen_arg = regs_gen_arg, .plan = plan_kprobe,
};
