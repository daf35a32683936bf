/* special.c - probe types that no event of the kernel's triggers: begin, end, test, bench. */
#include "probes/common.h"

static bool
parse_bare(struct compile *c, const char *spec, struct target *t)
{
	if (spec)
		return diag_error(c->diags, t->at, E_PROBE_FORM, "begin/end probes should not have a target");
	t->name = t->provider;
	target_add(c, t);
	return true;
}

static bool
parse_named(struct compile *c, const char *spec, struct target *t)
{
	if (!spec || !*spec)
		return diag_error(c->diags, t->at, E_PROBE_FORM, "%s probes must have a name", t->provider);
	if (spec_split(c, spec, t->part, 1) != 1)
		return spec_arity(c, t, "1", spec_split(c, spec, t->part, 1));
	t->name = arena_printf(c->keep, "%s:%s", t->provider, t->part[0]);
	if (target_seen(c, t->name))
		return diag_error(c->diags, t->at, E_PROBE_FORM, "%s probe name used more than once: %s", t->provider, t->part[0]);
	target_add(c, t);
	return true;
}

static int
list_begin(struct compile *c, const char *part, bool lv, sonde_name_fn fn, void *ud)
{
	int n = 0, err;

	(void)c;
	(void)lv;
	if (part && strcmp(part, "*") != 0)
		return 0;
	err = list_one(fn, ud, &n, "begin", NULL);
	return err ? err : n;
}

static int
list_end(struct compile *c, const char *part, bool lv, sonde_name_fn fn, void *ud)
{
	int n = 0, err;

	(void)c;
	(void)lv;
	if (part && strcmp(part, "*") != 0)
		return 0;
	err = list_one(fn, ud, &n, "end", NULL);
	return err ? err : n;
}

const struct provider provider_begin = {
	.name = "begin", .form = "begin", .flags = PROV_STANDALONE, .prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
	.doc = "runs once, before anything is attached",
	.parse = parse_bare, .list = list_begin, .can_share = share_never,
};
const struct provider provider_end = {
	.name = "end", .form = "end", .flags = PROV_STANDALONE, .prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
	.doc = "runs once, after everything is detached",
	.parse = parse_bare, .list = list_end, .can_share = share_never,
};
const struct provider provider_test = {
	.name = "test", .form = "test:NAME", .flags = PROV_TEST | PROV_STANDALONE, .prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
	.doc = "a test of the script's own, run once with --test",
	.parse = parse_named, .can_share = share_never,
};
const struct provider provider_bench = {
	.name = "bench", .form = "bench:NAME", .flags = PROV_BENCH | PROV_STANDALONE, .prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
	.doc = "a benchmark of the script's own, measured with --bench",
	.parse = parse_named, .can_share = share_never,
};
