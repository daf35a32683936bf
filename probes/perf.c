/* perf.c - interval, profile and software: clocks and counters of the kernel's software PMU. */
#include <linux/perf_event.h>
#include <stdio.h>
#include <strings.h>
#include "probes/common.h"

enum { FREQUENCY = 1 }; /* high word of num2: num is a frequency, not a period; the low word is the event */

static const struct unit { const char *name; uint64_t ns; } units[] = { /* hz: 0 */
	{ "hz", 0 }, { "s", 1000000000 }, { "ms", 1000000 }, { "us", 1000 },
};

static bool
bad_time(struct compile *c, const struct target *t, const char *what)
{
	diag_error(c->diags, t->at, E_PROBE_FORM, "%s: %s", t->provider, what);
	diag_hint(c->diags, "write %s:hz:99, %s:s:1, %s:ms:100 or %s:100ms", t->provider, t->provider, t->provider, t->provider);
	return false;
}

/* "unit:count" to a frequency or a period. */
static bool
read_unit(struct compile *c, struct target *t, const char *name, uint64_t count)
{
	const struct unit *u = NULL;

	for (size_t i = 0; i < LENGTH(units) && !u; i++)
		if (strcasecmp(units[i].name, name) == 0)
			u = &units[i];
	if (!u) {
		struct near near = { 0 };

		for (size_t i = 0; i < LENGTH(units); i++)
			near_offer(&near, name, units[i].name);
		diag_error(c->diags, t->at, E_PROBE_FORM, "%s is not a unit of time of %s probes", name, t->provider);
		diag_hint(c->diags, "units are hz, s, ms and us%s%s", near.best ? ": did you mean " : "", near.best ? near.best : "");
		return false;
	}
	if (!count)
		return bad_time(c, t, "the count must be more than zero");
	if (u->ns && count > INT64_MAX / u->ns)
		return bad_time(c, t, "the time is too long");
	if (!u->ns && count > INT32_MAX)
		return bad_time(c, t, "the frequency is too high");
	t->num = u->ns ? count * u->ns : count;
	t->num2 = (uint64_t)(u->ns ? 0 : FREQUENCY) << 32 | PERF_COUNT_SW_CPU_CLOCK;
	t->name = arena_printf(c->keep, "%s:%s:%llu", t->provider, u->name, (unsigned long long)count);
	return true;
}

static bool
parse_clock(struct compile *c, const char *spec, struct target *t)
{
	const char *part[2] = { NULL, NULL };
	int n = spec ? spec_split(c, spec, part, 2) : 0;
	uint64_t count = 0;

	if (n < 1 || n > 2)
		return spec_arity(c, t, "1 or 2", n);
	if (strchr(spec, '*'))
		return diag_error(c->diags, t->at, E_PROBE_FORM, "wildcards are not allowed for %s probes", t->provider);
	if (!spec_number(part[n - 1], &count))
		return bad_time(c, t, n == 2 ? "the count must be an integer" : "the time must be a duration such as 100ms, or nanoseconds");
	if (n == 2 && !read_unit(c, t, part[0], count))
		return false;
	if (n == 1) {
		if (count > INT64_MAX)
			return bad_time(c, t, "the time is too long");
		t->num = count;
		t->num2 = PERF_COUNT_SW_CPU_CLOCK;
		t->name = arena_printf(c->keep, "%s:%s", t->provider, part[0]);
	}
	if (!(t->num2 >> 32) && t->num < 1000)
		return diag_error(c->diags, t->at, E_PROBE_FORM, "%s: Minimum is 1000 or 1us, this is %llu", t->provider,
				  (unsigned long long)t->num);
	target_add(c, t);
	return true;
}

/* ---- software events ---- */

static const struct event { const char *name, *alias; uint32_t config; uint64_t period; } events[] = {
	{ "alignment-faults", NULL, PERF_COUNT_SW_ALIGNMENT_FAULTS, 1 },
	{ "bpf-output", NULL, PERF_COUNT_SW_BPF_OUTPUT, 1 },
	{ "context-switches", "cs", PERF_COUNT_SW_CONTEXT_SWITCHES, 1000 },
	{ "cpu-clock", "cpu", PERF_COUNT_SW_CPU_CLOCK, 1000000 },
	{ "cpu-migrations", NULL, PERF_COUNT_SW_CPU_MIGRATIONS, 1 },
	{ "dummy", NULL, PERF_COUNT_SW_DUMMY, 1 },
	{ "emulation-faults", NULL, PERF_COUNT_SW_EMULATION_FAULTS, 1 },
	{ "major-faults", NULL, PERF_COUNT_SW_PAGE_FAULTS_MAJ, 1 },
	{ "minor-faults", NULL, PERF_COUNT_SW_PAGE_FAULTS_MIN, 100 },
	{ "page-faults", "faults", PERF_COUNT_SW_PAGE_FAULTS, 100 },
	{ "task-clock", NULL, PERF_COUNT_SW_TASK_CLOCK, 1 },
};

static const struct event *
event_named(const char *name)
{
	for (size_t i = 0; i < LENGTH(events); i++)
		if (strcmp(events[i].name, name) == 0 || (events[i].alias && strcmp(events[i].alias, name) == 0))
			return &events[i];
	return NULL;
}

static bool
parse_software(struct compile *c, const char *spec, struct target *t)
{
	const char *part[2] = { NULL, NULL };
	int n = spec ? spec_split(c, spec, part, 2) : 0;
	const struct event *e;

	if (n < 1 || n > 2)
		return spec_arity(c, t, "1 or 2", n);
	if (strchr(part[0], '*'))
		return diag_error(c->diags, t->at, E_PROBE_FORM, "wildcards are not allowed for %s probes", t->provider);
	e = event_named(part[0]);
	if (!e) {
		struct near near = { 0 };

		for (size_t i = 0; i < LENGTH(events); i++)
			near_offer(&near, part[0], events[i].name);
		diag_error(c->diags, t->at, E_PROBE_TARGET, "%s is not a software probe", part[0]);
		if (near.best)
			diag_hint(c->diags, "did you mean '%s'?", near.best);
		return false;
	}
	t->num = e->period;
	t->num2 = e->config;
	if (n == 2 && *part[1] && (!spec_number(part[1], &t->num) || !t->num))
		return diag_error(c->diags, t->at, E_PROBE_FORM, "%s: the count must be an integer more than zero, this is %s",
				  t->provider, part[1]);
	t->name = arena_printf(c->keep, "software:%s:%llu", part[0], (unsigned long long)t->num);
	target_add(c, t);
	return true;
}

/* ---- context: struct bpf_perf_event_data begins with the registers ---- */

static const struct type *
perf_arg_type(struct compile *c, const struct target *t, int n, const char **why)
{
	const struct type *data;

	(void)t;
	*why = NULL;
	if (n != ARG_CTX)
		return NULL;
	data = kernel_type(c->kernel, c->types, "struct bpf_perf_event_data");
	return type_ptr(c->types, data ? data : type_void(c->types), AS_BPF);
}

static bool
gen_arg_perf(struct gen *g, const struct target *t, int n, struct gval *out)
{
	const char *why;

	*out = gen_reg(g, gen_ctx(g).v, perf_arg_type(gen_compile(g), t, n, &why));
	return true;
}

/* ---- listing ---- */

static int
list_units(const char *provider, const char *spec, sonde_name_fn fn, void *ud)
{
	char name[64], part[16];
	int n = 0, err = 0;

	for (size_t i = 0; i < LENGTH(units) && !err; i++) {
		snprintf(part, sizeof(part), "%s:", units[i].name);
		snprintf(name, sizeof(name), "%s:%s", provider, part);
		if (glob_match(spec, part) || glob_match(spec, units[i].name))
			err = list_one(fn, ud, &n, name, NULL);
	}
	return err ? err : n;
}

static int
list_interval(struct compile *c, const char *spec, bool lv, sonde_name_fn fn, void *ud)
{
	(void)c;
	(void)lv;
	return list_units("interval", spec, fn, ud);
}

static int
list_profile(struct compile *c, const char *spec, bool lv, sonde_name_fn fn, void *ud)
{
	(void)c;
	(void)lv;
	return list_units("profile", spec, fn, ud);
}

static int
list_software(struct compile *c, const char *spec, bool lv, sonde_name_fn fn, void *ud)
{
	int n = 0, err = 0;

	(void)lv;
	for (size_t i = 0; i < LENGTH(events) * 2 && !err; i++) {
		const char *name = i % 2 ? events[i / 2].alias : events[i / 2].name, *part;

		if (!name)
			continue;
		part = arena_printf(c->tmp, "%s:", name);
		if (glob_match(spec, part) || glob_match(spec, name))
			err = list_one(fn, ud, &n, arena_printf(c->tmp, "software:%s", part), NULL);
	}
	return err ? err : n;
}

/* Each target is a program: threads that inherit an event do not inherit its cookie.  The pid filter leaves out the children of
 * the process, which inherit it as well. */
const struct provider provider_interval = {
	.name = "interval", .alias = "i", .form = "interval:UNIT:COUNT", .prog_type = BPF_PROG_TYPE_PERF_EVENT,
	.doc = "a timer on one CPU",
	.parse = parse_clock, .list = list_interval, .arg_type = perf_arg_type, .gen_arg = gen_arg_perf, .can_share = share_never,
};
const struct provider provider_profile = {
	.name = "profile", .alias = "p", .form = "profile:UNIT:COUNT", .flags = PROV_PID_FILTER,
	.prog_type = BPF_PROG_TYPE_PERF_EVENT,
	.doc = "a timer on every CPU, for sampling what runs",
	.parse = parse_clock, .list = list_profile, .arg_type = perf_arg_type, .gen_arg = gen_arg_perf,
	.can_share = share_never,
};
const struct provider provider_software = {
	.name = "software", .alias = "s", .form = "software:EVENT[:COUNT]", .flags = PROV_PID_FILTER,
	.prog_type = BPF_PROG_TYPE_PERF_EVENT,
	.doc = "events the kernel counts itself: page faults, context switches ...; fires at every COUNTth",
	.parse = parse_software, .list = list_software, .arg_type = perf_arg_type, .gen_arg = gen_arg_perf,
	.can_share = share_never,
};
