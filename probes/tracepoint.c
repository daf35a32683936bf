/* tracepoint.c - tracepoint:CATEGORY:EVENT.  Three forms with one behaviour: perf events, which give the record; a raw program that
 * dispatches on the system call number; and raw tracepoints by name, where the record is not looked at. */
#include <errno.h>
#include <linux/btf.h>
#include "probes/common.h"

struct adding { struct compile *c; struct target *proto; };

/* "sched:sched_switch" to a target. */
static int
add_event(void *ud, const char *name, const char *doc)
{
	struct adding *a = ud;
	struct target t = *a->proto;
	size_t n = strcspn(name, ":");

	(void)doc;
	t.name = arena_printf(a->c->keep, "tracepoint:%s", name);
	t.part[0] = arena_strndup(a->c->keep, name, n);
	t.part[1] = arena_strndup(a->c->keep, name + n + 1, strlen(name + n + 1));
	if (strcmp(t.part[0], "syscalls") == 0)
		syscall_number(&t, t.part[1]);
	target_add(a->c, &t);
	return 0;
}

static bool
parse_tracepoint(struct compile *c, const char *spec, struct target *proto)
{
	const char *part[2] = { NULL, NULL }, *why = NULL;
	int n = spec ? spec_split(c, spec, part, 2) : 0, found;
	struct adding a = { c, proto };

	if (n != 2 || !*part[0] || !*part[1])
		return spec_arity(c, proto, "2", n == 2 ? !!*part[0] + !!*part[1] : n);
	found = kernel_each_tracepoint(c->kernel, part[0], part[1], add_event, &a, &why);
	if (found > 0)
		return true;
	if (found < 0)
		return diag_error(c->diags, proto->at, found == -EPERM || found == -EACCES ? E_PERM : E_KERNEL, "%s",
				  why ? why : "the kernel's tracepoints cannot be read");
	const char *name = arena_printf(c->tmp, "%s:%s", part[0], part[1]);
	struct nearest near = { .c = c, .name = name };

	if (!strchr(name, '*'))
		kernel_each_tracepoint(c->kernel, "*", "*", nearest_offer, &near, NULL);
	return target_missing(c, proto, name, near.near.best);
}

static bool
share_tracepoint(struct compile *c, const struct target *a, const struct target *b)
{
	(void)c;
	return a->num == b->num && (strcmp(a->part[0], "syscalls") == 0) == (strcmp(b->part[0], "syscalls") == 0);
}

/* ---- form ---- */

struct marking { const struct probe *p; bool *is_raw; uint32_t n; };

static int
mark_raw(void *ud, const char *name, const char *doc)
{
	struct marking *m = ud;

	(void)doc;
	for (uint32_t i = 0; i < m->p->n_targets; i++)
		if (!m->is_raw[i] && strcmp(m->p->targets[i].part[1], name) == 0) {
			m->is_raw[i] = true;
			m->n++;
		}
	return 0;
}

static bool
all_raw(struct compile *c, const struct probe *p)
{
	struct marking m = { p, arena_alloc(c->tmp, p->n_targets), 0 };

	kernel_each_rawtracepoint(c->kernel, p->n_targets == 1 ? p->targets[0].part[1] : "*", mark_raw, &m);
	return m.n == p->n_targets;
}

static bool
plan_tracepoint(struct compile *c, struct probe *p, struct prog *prog)
{
	/* The first frames of a kernel stack are the raw tracepoint's own machinery, so stacks are taken through perf. */
	if (p->uses & (USES_STACK | USES_CTX) || !kernel_has_btf(c->kernel, NULL))
		return true;
	if (p->targets[0].num) {
		if (!syscall_can_dispatch(c, p))
			return true;
		prog->prog_type = BPF_PROG_TYPE_TRACING;
		prog->attach_type = BPF_TRACE_RAW_TP;
		prog->btf_attach = p->targets[0].num == SYSCALL_ENTER ? "btf_trace_sys_enter" : "btf_trace_sys_exit";
		prog->btf_kind = BTF_KIND_TYPEDEF;
		return true;
	}
	if ((p->uses & USES_ARGS) || ((p->uses & USES_PROBE) && p->n_targets > 1 && !kernel_has_raw_cookie(c)) || !all_raw(c, p))
		return true;
	prog->prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT;
	return true;
}

/* ---- what the script sees ---- */

static const struct type *
tracepoint_arg_type(struct compile *c, const struct target *t, int n, const char **why)
{
	if (n == ARG_ALL)
		return kernel_tracepoint_args(c->kernel, c->types, t->part[0], t->part[1], why);
	*why = n == ARG_CTX ? "Use args instead of ctx in tracepoint" : NULL;
	return NULL;
}

static bool
gen_field_tracepoint(struct gen *g, const struct target *t, const struct field *f, struct gval *out)
{
	struct gval record;

	if (gen_prog(g)->prog_type != BPF_PROG_TYPE_TRACEPOINT)
		return syscall_gen_field(g, t, f, out);
	record = gen_mem_at(g, gen_ctx(g), t->args);
	record.is_ctx = true;
	*out = gen_load_field(g, record, f);
	return true;
}

static bool
gen_entry_tracepoint(struct gen *g, const struct probe *p)
{
	return gen_prog(g)->prog_type != BPF_PROG_TYPE_TRACING || syscall_gen_entry(g, p);
}

static bool
gen_which_tracepoint(struct gen *g, struct gval *out)
{
	if (gen_prog(g)->prog_type != BPF_PROG_TYPE_TRACING)
		return false;
	syscall_gen_which(g, out);
	return true;
}

/* ---- listing ---- */

struct listing { struct compile *c; bool lv; sonde_name_fn fn; void *ud; };

static int
list_event(void *ud, const char *name, const char *doc)
{
	struct listing *l = ud;
	struct buf text = { .arena = l->c->tmp };
	const char *event = strchr(name, ':') + 1, *full = arena_printf(l->c->tmp, "tracepoint:%s", name);

	(void)doc;
	if (l->lv)
		kernel_tracepoint_text(l->c->kernel, arena_strndup(l->c->tmp, name, (size_t)(event - name - 1)), event, &text);
	return l->fn(l->ud, full, text.len ? buf_cstr(&text) : NULL);
}

static int
list_tracepoint(struct compile *c, const char *spec, bool lv, sonde_name_fn fn, void *ud)
{
	struct listing l = { c, lv, fn, ud };
	const char *part[2] = { "*", "*" }, *why;
	int n = spec_split(c, spec, part, 2);

	if (n > 2)
		return 0;
	return kernel_each_tracepoint(c->kernel, part[0], n == 2 && *part[1] ? part[1] : "*", list_event, &l, &why);
}

const struct provider provider_tracepoint = {
	.name = "tracepoint", .alias = "t", .form = "tracepoint:CATEGORY:EVENT", .flags = PROV_PID_FILTER,
	.prog_type = BPF_PROG_TYPE_TRACEPOINT,
	.doc = "a place the kernel's authors marked; args has what they record there",
	.parse = parse_tracepoint, .list = list_tracepoint, .arg_type = tracepoint_arg_type,
	.gen_field = gen_field_tracepoint, .gen_entry = gen_entry_tracepoint, .plan = plan_tracepoint,
	.can_share = share_tracepoint, .gen_which = gen_which_tracepoint,
};
