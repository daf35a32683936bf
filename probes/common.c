/* common.c - what several probe types need on the compile side. */
#include "probes/common.h"
#include "stdlib/rows.h"

const struct prog *
gen_prog(struct gen *g)
{
	return &gen_compile(g)->img->progs[gen_probe(g)->index];
}

const struct type *
regs_arg_type(struct compile *c, const struct target *t, int n, bool is_return, const char **why)
{
	const struct arch *arch = arch_host();
	bool is_user = plug_provider(c->plugs, t->provider)->flags & PROV_USER;
	const struct type *regs;

	*why = NULL;
	switch (n) {
	case ARG_RET:
		if (is_return)
			return type_int(c->types, 8, false);
		*why = "only a return probe has a return value";
		return NULL;
	case ARG_FUNC:
		return is_user ? type_usym(c) : type_printed(c, "ksym_t", NULL);
	case ARG_CTX:
		regs = kernel_type(c->kernel, c->types, "struct pt_regs");
		return type_ptr(c->types, regs ? regs : type_void(c->types), AS_KERNEL);
	case ARG_ALL:
		return NULL;
	}
	if (is_return)
		*why = "a return probe has no arguments";
	else if ((unsigned)n >= arch->n_args)
		*why = arena_printf(c->tmp, "%s doesn't support arg%d", arch->name, n);
	return *why ? NULL : type_int(c->types, 8, false);
}

/* Address of the function the probe is in.  A return probe's instruction pointer is the caller's. */
static struct gval
gen_func_address(struct gen *g, bool is_return)
{
	struct gval ctx = gen_ctx(g);

	if (is_return)
		return gen_helper(g, BPF_FUNC_get_func_ip, &ctx, 1);
	return gen_ctx_field(g, (uint32_t)arch_host()->ip_off, 8, false);
}

static bool
gen_func(struct gen *g, const struct target *t, bool is_return, struct gval *out)
{
	struct compile *c = gen_compile(g);
	struct gval addr = gen_func_address(g, is_return);

	(void)t;
	if (!(gen_probe(g)->prov->flags & PROV_USER)) {
		*out = gen_cast(g, addr, type_printed(c, "ksym_t", NULL));
		return true;
	}
	if (!out->v || out->kind != GV_MEM)
		*out = gen_temp(g, type_usym(c));
	gen_zero(g, *out);
	gen_store(g, gen_slot(g, *out, 0, 8, false), addr);
	gen_store(g, gen_slot(g, *out, 8, 4, false), gen_pid_of(g, false, false));
	return true;
}

bool
regs_gen_arg(struct gen *g, const struct target *t, int n, struct gval *out)
{
	const struct arch *arch = arch_host();
	struct compile *c = gen_compile(g);
	bool is_return = gen_probe(g)->prov->flags & PROV_RETURN;
	const char *why;

	switch (n) {
	case ARG_RET:
		*out = gen_ctx_field(g, (uint32_t)arch->ret_off, 8, false);
		return true;
	case ARG_FUNC:
		return gen_func(g, t, is_return, out);
	case ARG_CTX:
		*out = gen_reg(g, gen_ctx(g).v, regs_arg_type(c, t, ARG_CTX, is_return, &why));
		return true;
	}
	*out = gen_ctx_field(g, (uint32_t)arch->arg_off[n], 8, false);
	return true;
}

void
args_doc(struct compile *c, const struct type *args, struct buf *out)
{
	for (uint32_t i = 0; args && args->kind == T_RECORD && i < args->n; i++)
		buf_fmt(out, "    %s %s\n", type_name(c->tmp, args->fields[i].type), args->fields[i].name);
}

int
nearest_offer(void *ud, const char *name, const char *doc)
{
	struct nearest *n = ud;
	const char *before = n->near.best;

	(void)doc;
	near_offer(&n->near, n->name, name);
	if (n->near.best != before)
		n->near.best = arena_strndup(n->c->tmp, n->near.best, strlen(n->near.best));
	return 0;
}

int
list_one(sonde_name_fn fn, void *ud, int *n, const char *name, const char *doc)
{
	++*n;
	return fn(ud, name, doc);
}

bool
spec_number(const char *text, uint64_t *out)
{
	bool is_neg;

	return *text && !number_read(text, strlen(text), out, &is_neg) && !is_neg;
}

int64_t
kernel_knows(struct compile *c, const char *enumerator)
{
	const struct type *type;
	int64_t value;

	return kernel_enum_value(c->kernel, c->types, enumerator, &value, &type) ? value : -1;
}

bool
kernel_has_raw_cookie(struct compile *c)
{
	const struct type *link = kernel_type(c->kernel, c->types, "struct bpf_raw_tp_link");
	struct field f;

	return link && kernel_field(c->kernel, c->types, link, "cookie", &f);
}

bool
share_never(struct compile *c, const struct target *a, const struct target *b)
{
	(void)c;
	(void)a;
	(void)b;
	return false;
}

int
count_name(void *ud, const char *name, const char *doc)
{
	(void)ud;
	(void)name;
	(void)doc;
	return 0;
}
