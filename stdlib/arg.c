/* arg.c - what the probe that fired knows: args, arg0..arg9, retval, ctx, func, probe.  All but probe is the provider's knowledge,
 * asked for through its hooks. */
#include "stdlib/rows.h"

static int
arg_number(const struct node *call)
{
	const char *name = call->ref.bi->name;

	return strncmp(name, "arg", 3) == 0 && name[3] >= '0' && name[3] <= '9' ? name[3] - '0'
	     : strcmp(name, "retval") == 0 ? ARG_RET : strcmp(name, "ctx") == 0 ? ARG_CTX : strcmp(name, "func") == 0 ? ARG_FUNC : ARG_ALL;
}

static const struct type *
asked_type(struct compile *c, const struct node *call, const char **why)
{
	const struct probe *p = c->at_work;

	*why = NULL;
	if (!p || !p->n_targets || !p->prov->arg_type)
		return NULL;
	return p->prov->arg_type(c, &p->targets[0], arg_number(call), why);
}

/* Says why there is nothing to give.  Pass T stops after the walk that reported it, so it is said once. */
static const struct type *
refuse(struct compile *c, const struct node *call, const char *why)
{
	if (why)
		diag_error(c->diags, call->at, E_CONTEXT, "%s", why);
	else
		diag_error(c->diags, call->at, E_CONTEXT, "The %s builtin can not be used with \"%s\" probes", call->ref.bi->name,
			   c->at_work ? c->at_work->prov->name : "these");
	return NULL;
}

static const struct type *
result_asked(struct compile *c, struct node *call)
{
	const char *why;
	const struct type *t = asked_type(c, call, &why);

	return t ? t : refuse(c, call, why);
}

static bool
gen_asked(struct gen *g, const struct node *call, struct gval *out)
{
	const struct target *t = gen_target(g);

	return gen_probe(g)->prov->gen_arg(g, t, arg_number(call), out);
}

/* ---- args as a whole ---- */

static const struct type *
result_args(struct compile *c, struct node *call)
{
	const struct probe *p = c->at_work;

	if (p && p->args && p->args->kind != T_VOID)
		return p->args;
	return result_asked(c, call);
}

/* A copy of the record, member by member: the provider may find each somewhere else. */
static bool
gen_args(struct gen *g, const struct node *call, struct gval *out)
{
	const struct provider *prov = gen_probe(g)->prov;
	const struct type *t = call->type;

	for (uint32_t i = 0; i < t->n; i++) {
		const struct field *f = &t->fields[i];
		struct gval v;

		if (prov->gen_field && !f->is_data_loc && !f->bit_len) {
			if (!prov->gen_field(g, gen_target(g), f, &v) || !gen_to(g, v, gen_at(g, *out, f->off, f->type), true))
				return false;
			continue;
		}
		for (uint32_t off = f->off, end = f->off + (f->is_data_loc ? 4 : f->type->size), n; off < end; off += n) {
			n = end - off < 8 ? end - off : 8;
			while (off % n || (n & (n - 1)))
				n--;
			gen_store(g, gen_slot(g, *out, off, n, false), gen_ctx_field(g, off, n, false));
		}
	}
	return true;
}

const struct builtin builtin_args = {
	.name = "args", .sig = "?", .flags = BI_VAR | BI_NO_LOOP, .uses = USES_ARGS, .result = result_args,
	.gen = gen_args, .doc = "the arguments of the probe, as a record: args.name",
};

#define ARG_ROW(n) \
	const struct builtin builtin_arg##n = { \
		.name = "arg" #n, .sig = "?", .flags = BI_VAR | BI_NO_LOOP, .uses = USES_CTX, .result = result_asked, \
		.gen = gen_asked, .doc = "argument " #n " of the traced function, the first is arg0", \
	}
ARG_ROW(0);
ARG_ROW(1);
ARG_ROW(2);
ARG_ROW(3);
ARG_ROW(4);
ARG_ROW(5);
ARG_ROW(6);
ARG_ROW(7);
ARG_ROW(8);
ARG_ROW(9);

const struct builtin builtin_retval = {
	.name = "retval", .sig = "?", .flags = BI_VAR | BI_NO_LOOP, .uses = USES_CTX | USES_RETVAL, .result = result_asked,
	.gen = gen_asked, .doc = "what the traced function returned",
};
const struct builtin builtin_ctx = {
	.name = "ctx", .sig = "?", .flags = BI_VAR | BI_NO_LOOP, .uses = USES_CTX, .result = result_asked,
	.gen = gen_asked, .doc = "the probe's context: registers, perf event ...",
};
const struct builtin builtin_func = {
	.name = "func", .sig = "?", .flags = BI_VAR | BI_NO_LOOP, .uses = USES_CTX | USES_FUNC, .result = result_asked,
	.gen = gen_asked, .doc = "name of the traced function",
};

/* ---- probe: the index of the target that fired, printed as its name ---- */

static const struct type *
result_probe(struct compile *c, struct node *call)
{
	(void)call;
	return type_printed(c, "probe", type_int(c->types, 4, false));
}

static struct gval
target_index(struct gen *g)
{
	const struct probe *p = gen_probe(g);

	if (p->n_targets > 1)
		return gen_cookie(g);
	return gen_u64(g, gen_compile(g)->img->progs[p->index].first_target);
}

static bool
gen_probe_name(struct gen *g, const struct node *call, struct gval *out)
{
	*out = gen_cast(g, target_index(g), call->type);
	return true;
}

static bool
gen_equal_probe(struct gen *g, const struct node *call, const char *name, struct gval *out)
{
	const struct probe *p = gen_probe(g);
	const struct prog *prog = &gen_compile(g)->img->progs[p->index];
	struct gval index = target_index(g), yes = gen_u64(g, 0);

	(void)call;
	for (uint32_t i = 0; i < p->n_targets; i++)
		if (strcmp(p->targets[i].name, name) == 0)
			yes = gen_bin(g, TK_PIPE, yes, gen_cmp(g, TK_EQ, false, index, gen_u64(g, prog->first_target + i)));
	*out = gen_cast(g, yes, type_bool(gen_compile(g)->types));
	return true;
}

const struct builtin builtin_probe = {
	.name = "probe", .sig = "?", .flags = BI_VAR, .uses = USES_PROBE, .result = result_probe, .gen = gen_probe_name,
	.gen_equal = gen_equal_probe, .doc = "full name of the probe that fired",
};

/* ---- probetype ---- */

static const char *
probetype_name(const struct probe *p)
{
	if (!p)
		return "";
	if (p->prov->flags & PROV_BENCH)
		return "benchmark";
	return (p->prov->flags & (PROV_STANDALONE | PROV_TEST)) == PROV_STANDALONE ? "special" : p->prov->name;
}

static const struct type *
result_probetype(struct compile *c, struct node *call)
{
	(void)call;
	return type_str(c->types, (uint32_t)strlen(probetype_name(c->at_work)) + 1);
}

static bool
gen_probetype(struct gen *g, const struct node *call, struct gval *out)
{
	const char *name = probetype_name(gen_probe(g));

	*out = gen_str_literal(g, name, (uint32_t)strlen(name), call->type->size);
	return true;
}

const struct builtin builtin_probetype = {
	.name = "probetype", .sig = "?", .flags = BI_VAR, .result = result_probetype, .gen = gen_probetype,
	.doc = "kind of the probe: tracepoint, uprobe ...; special for begin and end",
};
