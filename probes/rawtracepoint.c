/* rawtracepoint.c - rawtracepoint:EVENT: the arguments of a tracepoint as the kernel passes them, typed by BTF. */
#include <linux/btf.h>
#include "probes/common.h"

enum { MAX_ARGS = 12 };

struct adding { struct compile *c; struct target *proto; const char *module; };

static int
add_event(void *ud, const char *name, const char *doc)
{
	struct adding *a = ud;
	struct target t = *a->proto;

	(void)doc;
	t.name = arena_printf(a->c->keep, "rawtracepoint:%s%s%s", a->module ? a->module : "", a->module ? ":" : "", name);
	t.part[0] = a->module;
	t.part[1] = arena_strndup(a->c->keep, name, strlen(name));
	target_add(a->c, &t);
	return 0;
}

static bool
parse_rawtracepoint(struct compile *c, const char *spec, struct target *proto)
{
	const char *part[2] = { NULL, NULL };
	int n = spec ? spec_split(c, spec, part, 2) : 0, found = 0;
	const char *event = n == 2 ? part[1] : part[0];
	struct adding a = { c, proto, n == 2 ? part[0] : NULL };
	struct nearest near = { .c = c, .name = event };

	if (n < 1 || n > 2 || !*event)
		return spec_arity(c, proto, "1 or 2", n == 1 || n == 2 ? n - 1 : n);
	if (!a.module || glob_match(a.module, "vmlinux")) {
		a.module = a.module ? "vmlinux" : NULL;
		found = kernel_each_rawtracepoint(c->kernel, event, add_event, &a);
	}
	if (found > 0)
		return true;
	/* Those of modules are not in the kernel's own BTF, so their events are what tells that they exist. */
	if (!strchr(event, '*') && kernel_each_tracepoint(c->kernel, "*", event, count_name, NULL, NULL) > 0) {
		add_event(&a, event, NULL);
		return true;
	}
	if (!strchr(event, '*'))
		kernel_each_rawtracepoint(c->kernel, "*", nearest_offer, &near);
	return target_missing(c, proto, spec, near.near.best);
}

/* ---- form ---- */

static bool
plan_rawtracepoint(struct compile *c, struct probe *p, struct prog *prog)
{
	/* A program loaded for one event of BTF may follow the event's pointers directly; it serves that event only. */
	if (p->n_targets != 1 || !(p->uses & (USES_ARGS | USES_CTX)) || !kernel_has_btf(c->kernel, NULL) ||
	    kernel_each_rawtracepoint(c->kernel, p->targets[0].part[1], count_name, NULL) != 1)
		return true;
	prog->prog_type = BPF_PROG_TYPE_TRACING;
	prog->attach_type = BPF_TRACE_RAW_TP;
	prog->btf_attach = arena_printf(c->keep, "btf_trace_%s", p->targets[0].part[1]);
	prog->btf_kind = BTF_KIND_TYPEDEF;
	return true;
}

/* One program serves several where a cookie can tell `probe` which of them fired. */
static bool
share_rawtracepoint(struct compile *c, const struct target *a, const struct target *b)
{
	(void)a;
	(void)b;
	return kernel_has_raw_cookie(c);
}

/* ---- arguments ---- */

/* Parameters of the event's function behind the first, which is the tracepoint's own.  How many; -1: not known. */
static int
params(struct compile *c, const struct target *t, const char **names, const struct type **types)
{
	const struct type *ret;
	int n = kernel_func_params(c->kernel, c->types, arena_printf(c->tmp, "__traceiter_%s", t->part[1]), names, types,
				   MAX_ARGS + 1, &ret);

	return n > MAX_ARGS + 1 ? MAX_ARGS + 1 : n;
}

static const struct type *
args_record(struct compile *c, const struct target *t, const char **why)
{
	const char *name[MAX_ARGS + 1];
	const struct type *type[MAX_ARGS + 1];
	struct field field[MAX_ARGS];
	uint32_t n_fields = 0;
	int n = params(c, t, name, type);

	*why = NULL;
	if (n < 0) {
		if (kernel_has_btf(c->kernel, why))
			*why = arena_printf(c->tmp, "the kernel's BTF does not have the arguments of %s: use arg0, arg1 ...", t->part[1]);
		return NULL;
	}
	for (int i = 1; i < n; i++)
		if (name[i] && type_is_scalar(type[i]))
			field[n_fields++] = (struct field){ .name = name[i], .type = type[i], .off = 8 * (uint32_t)(i - 1) };
	return type_record(c->types, "args", 8 * (uint32_t)(n > 1 ? n - 1 : 0), false, field, n_fields);
}

static const struct type *
rawtracepoint_arg_type(struct compile *c, const struct target *t, int n, const char **why)
{
	const char *name[MAX_ARGS + 1];
	const struct type *type[MAX_ARGS + 1];
	int count;

	*why = NULL;
	if (n == ARG_ALL)
		return args_record(c, t, why);
	if (n < 0)
		return NULL;
	count = params(c, t, name, type);
	if (n >= (count < 0 ? MAX_ARGS : count - 1)) {
		*why = arena_printf(c->tmp, "%s has %d argument%s: arg%d is not one", t->name, count - 1, count == 2 ? "" : "s", n);
		return NULL;
	}
	return type_int(c->types, 8, false);
}

static bool
gen_arg_rawtracepoint(struct gen *g, const struct target *t, int n, struct gval *out)
{
	(void)t;
	*out = gen_ctx_field(g, 8 * (uint32_t)n, 8, false);
	/* "pointer arithmetic with <<= operator prohibited": it may be a pointer that the verifier has typed, and is a number here. */
	out->is_trusted = gen_prog(g)->prog_type == BPF_PROG_TYPE_TRACING;
	*out = gen_cast(g, *out, out->type);
	return true;
}

static bool
gen_field_rawtracepoint(struct gen *g, const struct target *t, const struct field *f, struct gval *out)
{
	(void)t;
	*out = gen_cast(g, gen_ctx_field(g, f->off, 8, false), f->type);
	/* The verifier follows pointers to structs only; since 6.14 it knows which of them may be NULL. */
	if (gen_prog(g)->prog_type == BPF_PROG_TYPE_TRACING && f->type->kind == T_PTR && f->type->elem && f->type->elem->kind == T_RECORD)
		out->is_trusted = out->is_nullable = true;
	return true;
}

/* ---- listing ---- */

struct listing { struct compile *c; bool lv; sonde_name_fn fn; void *ud; };

static int
list_event(void *ud, const char *name, const char *doc)
{
	struct listing *l = ud;
	struct target t = { .part = { NULL, name } };
	struct buf text = { .arena = l->c->tmp };
	const char *full = arena_printf(l->c->tmp, "rawtracepoint:vmlinux:%s", name), *why;

	(void)doc;
	if (l->lv)
		args_doc(l->c, args_record(l->c, &t, &why), &text);
	return l->fn(l->ud, full, text.len ? buf_cstr(&text) : NULL);
}

static int
list_rawtracepoint(struct compile *c, const char *spec, bool lv, sonde_name_fn fn, void *ud)
{
	struct listing l = { c, lv, fn, ud };
	const char *part[2] = { "*", "*" };
	int n = spec_split(c, spec, part, 2);

	if (n > 2 || (n == 2 && !glob_match(part[0], "vmlinux")))
		return 0;
	return kernel_each_rawtracepoint(c->kernel, n == 2 ? part[1] : part[0], list_event, &l);
}

const struct provider provider_rawtracepoint = {
	.name = "rawtracepoint", .alias = "rt", .form = "rawtracepoint[:MODULE]:EVENT", .flags = PROV_PID_FILTER,
	.prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
	.doc = "a tracepoint's own arguments, typed by BTF, without the record that tracepoint makes of them",
	.parse = parse_rawtracepoint, .list = list_rawtracepoint, .arg_type = rawtracepoint_arg_type,
	.gen_arg = gen_arg_rawtracepoint, .gen_field = gen_field_rawtracepoint,
	.plan = plan_rawtracepoint, .can_share = share_rawtracepoint,
};
