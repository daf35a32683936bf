/* attach.c - pass A: attach points read by their providers, wildcards expanded, targets put into programs.
 * Needs: the tree (S) and the config applied.
 * Gives: c->probes in source order, one for each N_PROBE and provider (more where targets cannot share a program). */
#include <strings.h>
#include "sema/plug.h"

struct attach {                          /* the attach points of one N_PROBE */
	struct target *target;
	const struct provider **prov;    /* of each target */
	uint32_t n, cap;
	const struct provider *cur;
	uint64_t total;                  /* of the whole script, also those past the limit */
	const struct node *over;         /* the first attach point past the limit */
	bool is_over;
};
enum { MISSING_ERROR, MISSING_WARN, MISSING_IGNORE }; /* config variable missing_probes */

/* ---- what providers call ---- */

bool
target_add(struct compile *c, const struct target *t)
{
	struct attach *a = c->attach;

	if (++a->total > c->limit.max_probes) {
		a->is_over = true;
		return false;
	}
	if (a->n == a->cap) {
		uint32_t cap = a->cap ? a->cap * 2 : 8;
		struct target *target = arena_alloc(c->tmp, cap * sizeof(*target));
		const struct provider **prov = arena_alloc(c->tmp, cap * sizeof(*prov));

		if (a->n) {
			memcpy(target, a->target, a->n * sizeof(*target));
			memcpy(prov, a->prov, a->n * sizeof(*prov));
		}
		a->target = target;
		a->prov = prov;
		a->cap = cap;
	}
	a->prov[a->n] = a->cur;
	a->target[a->n++] = *t;
	return true;
}

bool
target_seen(struct compile *c, const char *name)
{
	for (const struct probe *p = c->probes; p; p = p->next)
		for (uint32_t i = 0; i < p->n_targets; i++)
			if (strcmp(p->targets[i].name, name) == 0)
				return true;
	for (uint32_t i = 0; i < c->attach->n; i++)
		if (strcmp(c->attach->target[i].name, name) == 0)
			return true;
	return false;
}

bool
target_missing(struct compile *c, const struct target *proto, const char *spec, const char *near)
{
	bool is_wild = strchr(spec, '*') != NULL;

	if (c->img->config.missing_probes == MISSING_IGNORE)
		return true;
	if (c->img->config.missing_probes == MISSING_WARN) {
		diag_warn(c->diags, proto->at, W_NO_MATCH, "No matches for %s %s. Skipping.", proto->provider, spec);
		return true;
	}
	diag_error(c->diags, proto->at, is_wild ? E_NO_MATCH : E_PROBE_TARGET, "No matches for %s %s.", proto->provider, spec);
	if (near)
		diag_hint(c->diags, "did you mean '%s'?", near);
	return false;
}

/* The end of a part: the next colon outside of quotes, or the end of the text. */
static const char *
part_end(const char *s)
{
	bool quoted = false;

	for (; *s && (quoted || *s != ':'); s++) {
		if (*s == '"')
			quoted = !quoted;
		else if (*s == '\\' && quoted && s[1])
			s++;
	}
	return s;
}

static const char *
unquote(struct compile *c, const char *s, size_t len)
{
	char *out = arena_alloc(c->keep, len + 1);
	size_t n = 0;
	bool quoted = false;

	for (size_t i = 0; i < len; i++) {
		if (s[i] == '"') {
			quoted = !quoted;
			continue;
		}
		if (quoted && s[i] == '\\' && i + 1 < len)
			i++;
		out[n++] = s[i];
	}
	return out;
}

int
spec_split(struct compile *c, const char *spec, const char **part, int max)
{
	int n = 0;

	for (;;) {
		const char *end = part_end(spec);

		if (n < max)
			part[n] = unquote(c, spec, (size_t)(end - spec));
		n++;
		if (!*end)
			return n;
		spec = end + 1;
	}
}

bool
spec_arity(struct compile *c, const struct target *proto, const char *wanted, int found)
{
	const struct provider *prov = plug_provider(c->plugs, proto->provider);

	diag_error(c->diags, proto->at, E_PROBE_FORM, "%s probe type requires %s argument%s, found %d", proto->provider, wanted,
		   strcmp(wanted, "1") == 0 ? "" : "s", found);
	if (prov && prov->form)
		diag_hint(c->diags, "write %s", prov->form);
	return false;
}

/* ---- one attach point ---- */

static bool
unknown_provider(struct compile *c, const struct node *n, const char *word)
{
	static const char *const later[] = {
		"asyncwatchpoint", "fentry", "fexit", "hardware", "iter", "kfunc", "kretfunc", "self", "usdt", "watchpoint",
	};
	struct near near = { 0 };

	for (size_t i = 0; i < LENGTH(later); i++)
		if (strcasecmp(word, later[i]) == 0)
			return diag_error(c->diags, n->at, E_UNSUPPORTED, "%s probes: the language has this, but this build of sonde does not",
					  later[i]);
	for (const struct provider *const *p = c->plugs->providers; *p; p++)
		near_offer(&near, word, (*p)->name);
	diag_error(c->diags, n->at, E_PROBE_TYPE, "Invalid probe type: %s", word);
	if (near.best)
		diag_hint(c->diags, "did you mean '%s'?", near.best);
	return false;
}

static bool
attach_point(struct compile *c, const struct node *n)
{
	const char *raw = n->u.str, *colon = part_end(raw);
	const char *word = unquote(c, raw, (size_t)(colon - raw));
	const struct provider *prov = plug_provider(c->plugs, word);
	struct target proto = { .at = n->at };

	if (!prov)
		return unknown_provider(c, n, word);
	c->attach->cur = prov;
	if (((prov->flags & PROV_TEST) && !(c->opts->flags & SONDE_TEST)) ||
	    ((prov->flags & PROV_BENCH) && !(c->opts->flags & SONDE_BENCH)))
		return true;
	proto.provider = prov->name;
	if (!prov->parse(c, *colon ? colon + 1 : NULL, &proto))
		return false;
	if (!c->attach->is_over)
		return true;
	c->attach->is_over = false;
	if (!c->attach->over)
		c->attach->over = n;
	return false;
}

/* Said once, when all are counted. */
static void
over_limit(struct compile *c)
{
	const struct attach *a = c->attach;

	diag_error(c->diags, a->over->at, E_PROBE_LIMIT,
		   "Can't attach to %llu probes because it exceeds the current limit of %u probes",
		   (unsigned long long)a->total, c->limit.max_probes);
	diag_hint(c->diags, "raise the limit with config = { max_probes = %llu }", (unsigned long long)a->total);
}

/* ---- programs ---- */

static bool
belongs(struct compile *c, const struct probe *p, const struct provider *prov, const struct target *t)
{
	return p->prov == prov && (!prov->can_share || prov->can_share(c, &p->targets[0], t));
}

static struct probe *
probe_new(struct compile *c, struct node *node, const struct provider *prov, uint32_t max)
{
	struct probe *p = arena_alloc(c->tmp, sizeof(*p));

	p->prov = prov;
	p->node = node->owner ? node_copy(c->tmp, node) : node;
	p->node->owner = p;
	p->targets = arena_alloc(c->tmp, max * sizeof(*p->targets));
	p->index = c->n_probes++;
	*c->probes_end = p;
	c->probes_end = &p->next;
	return p;
}

/* Puts the targets of one N_PROBE into programs, both in source order. */
static void
group_targets(struct compile *c, struct node *node)
{
	struct attach *a = c->attach;
	struct probe **first = c->probes_end;

	for (uint32_t i = 0; i < a->n; i++) {
		struct probe *p = *first;

		while (p && !belongs(c, p, a->prov[i], &a->target[i]))
			p = p->next;
		if (!p)
			p = probe_new(c, node, a->prov[i], a->n - i);
		p->targets[p->n_targets++] = a->target[i];
	}
}

static bool
attach_probe(struct compile *c, struct node *node)
{
	bool ok = true, is_test = true;

	c->attach->n = 0;
	node->owner = NULL;
	for (const struct node *n = node->kid[0]; n; n = n->next) {
		ok &= attach_point(c, n);
		is_test &= c->attach->cur && (c->attach->cur->flags & (PROV_TEST | PROV_BENCH));
	}
	if (!ok || c->attach->n) {
		group_targets(c, node);
		return ok;
	}
	if (!is_test && c->img->config.missing_probes == MISSING_WARN)
		diag_warn(c->diags, node->kid[0]->at, W_NO_MATCH, "Probe has no valid attach points. "
			  "It is being removed which may cause issues with program behavior.");
	return true;
}

bool
pass_attach(struct compile *c)
{
	struct attach a = { 0 };
	bool ok = true;

	c->attach = &a;
	c->probes = NULL;
	c->probes_end = &c->probes;
	c->n_probes = 0;
	for (struct node *n = c->prog->kid[0]; n; n = n->next)
		if (n->kind == N_PROBE) {
			a.cur = NULL;
			ok &= attach_probe(c, n);
		}
	if (a.over)
		over_limit(c);
	c->attach = NULL;
	if (ok && !c->probes) {
		ok = diag_error(c->diags, c->prog->at.len ? c->prog->at : NO_SPAN, E_NO_PROBES, "No probes to attach");
		if (a.cur && (a.cur->flags & PROV_TEST))
			diag_hint(c->diags, "test probes run with --test");
		else if (a.cur && (a.cur->flags & PROV_BENCH))
			diag_hint(c->diags, "bench probes run with --bench");
	}
	return ok;
}

void
dump_probes(struct compile *c, struct buf *out)
{
	for (const struct probe *p = c->probes; p; p = p->next) {
		buf_fmt(out, "probe %u %s\n", p->index, p->prov->name);
		for (uint32_t i = 0; i < p->n_targets; i++)
			buf_fmt(out, "  %s\n", p->targets[i].name);
	}
}
