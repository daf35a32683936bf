/* plan.c - pass P: decides what the runtime will need.
 * Needs: every expression typed (T), no call left that does not fit its row (C).
 * Gives: the image's programs with their targets, maps with kinds and sizes, actions; call->action is set.
 * Makes no code and asks the kernel only through a provider's plan hook. */
#include <linux/bpf.h>
#include "sema/infer.h"

struct plan {
	struct compile *c;
	unsigned n_actions;
	bool makes;                      /* second walk: fill in; first: count */
	bool ok;
};

/* ---- actions ---- */

/* The literal format, mode words, maps as such and numbers beside a map are the same every time. */
bool
action_sends(const struct action *act, const struct node *call, const struct node *a)
{
	if ((call->ref.bi->flags & BI_FORMAT) && a == call->kid[0] && a->kind == N_STR)
		return false;
	return a->type->kind != T_WORD && !(act->map >= 0 && (a->kind == N_INT || (a->kind == N_MAP && !a->kid[0])));
}

static void
note_fixed(struct action *act, const struct node *a)
{
	if (a->kind == N_STR)
		act->fmt = a->u.str;
	else if (a->kind == N_INT && act->n_num < (int)LENGTH(act->num))
		act->num[act->n_num++] = (int64_t)a->u.num;
}

static bool
takes_map(const struct proto *p, unsigned i)
{
	return i < p->n_args && (strcmp(p->arg[i].word, "map") == 0 || strcmp(p->arg[i].word, "show") == 0 || strcmp(p->arg[i].word, "keyed") == 0);
}

static void
make_action(struct plan *pl, struct node *call)
{
	struct compile *c = pl->c;
	const struct builtin *bi = call->ref.bi;
	struct action *act = &c->img->actions[c->img->n_actions++];
	unsigned count = node_count(call->kid[0]), i = 0;
	uint32_t n = 0;
	const struct type **sent = arena_alloc(c->tmp, (count + 1) * sizeof(*sent));
	struct proto p;

	proto_read(bi->sig, &p);
	*act = (struct action){ .builtin = bi->name, .run = run_find_builtin(bi->name), .map = -1, .at = call->at };
	for (const struct node *a = call->kid[0]; a; a = a->next, i++)
		if (a->kind == N_MAP && !a->kid[0] && takes_map(&p, i))
			act->map = (int)a->ref.map->slot;
	for (const struct node *a = call->kid[0]; a; a = a->next) {
		if (!action_sends(act, call, a))
			note_fixed(act, a);
		else
			sent[n++] = type_is_readable_aggr(a->type) ? type_int(c->types, 8, a->type->elem->is_signed) : a->type;
	}
	if (act->fmt)
		act->fmt = arena_strndup(c->keep, act->fmt, strlen(act->fmt));
	act->payload = type_tuple(c->types, sent, n);
	if (bi->plan)
		bi->plan(c, call, act);
	if (c->img->max_payload < act->payload->size)
		c->img->max_payload = act->payload->size;
	call->action = act;
	if (!act->run)
		pl->ok &= diag_error(c->diags, call->at, E_INTERNAL, "%s has no run half", bi->name);
}

static bool
plan_call(struct node *n, void *ud)
{
	struct plan *pl = ud;

	if (n->kind != N_CALL || !(n->ref.bi->flags & BI_ACTION))
		return true;
	if (pl->makes)
		make_action(pl, n);
	else
		pl->n_actions++;
	return true;
}

static void
walk_calls(struct plan *pl)
{
	for (struct probe *p = pl->c->probes; p; p = p->next) {
		if (p->node->kid[1])
			node_walk(p->node->kid[1], plan_call, pl);
		node_walk(p->node->kid[2], plan_call, pl);
	}
}

/* ---- maps ---- */

static uint32_t
round8(uint32_t n)
{
	return (n + 7) & ~7u;
}

static void
plan_map(struct compile *c, struct mapdesc *m)
{
	bool is_aggr;

	if (!m->val) { /* declared and never used */
		m->val = type_int(c->types, 8, true);
		m->is_declared = false;
		m->key = NULL;
	}
	is_aggr = m->val->kind == T_AGGR;
	if (m->key && m->key->kind == T_VOID)
		m->key = NULL;
	m->is_scalar = !m->key;
	/* what no CPU can have for itself (a long tseries) is shared by all */
	m->is_percpu = is_aggr && (m->is_declared || round8(m->val->size) + 8 <= MAX_PERCPU);
	m->is_atomic |= is_aggr && !m->is_percpu;
	if (m->is_scalar && !m->is_declared) {
		m->bpf_type = m->is_percpu ? BPF_MAP_TYPE_PERCPU_ARRAY : BPF_MAP_TYPE_ARRAY;
		m->key_size = 4;
		m->set_off = round8(m->val->size);
		m->val_size = m->set_off + 8;
		m->max = 1;
		return;
	}
	if (m->is_scalar) { /* a declared kind without keys: one entry with key 0 of that kind would only be slower */
		m->is_declared = false;
		plan_map(c, m);
		return;
	}
	m->key_size = m->key->size;
	m->val_size = is_aggr ? round8(m->val->size) : m->val->size;
	if (!m->is_declared) {
		m->bpf_type = m->is_percpu ? BPF_MAP_TYPE_PERCPU_HASH : BPF_MAP_TYPE_HASH;
		m->max = c->limit.max_map_keys;
	}
	/* Preallocating 4096 per-CPU elements costs 1.65 ms at every start, not doing so 0.07 (FLOORS.md); LRU maps cannot do without. */
	if (m->bpf_type == BPF_MAP_TYPE_HASH || m->bpf_type == BPF_MAP_TYPE_PERCPU_HASH)
		m->bpf_flags = BPF_F_NO_PREALLOC;
}

static void
plan_internal(struct compile *c)
{
	struct mapdesc *m = c->img->maps;

	m[MAP_RING] = (struct mapdesc){ .name = ".ring", .bpf_type = BPF_MAP_TYPE_RINGBUF, .slot = MAP_RING, .max = c->img->n_actions ? 1 : 0 };
	m[MAP_STATE] = (struct mapdesc){ .name = ".state", .bpf_type = BPF_MAP_TYPE_ARRAY, .bpf_flags = BPF_F_MMAPABLE, .key_size = 4,
					 .val_size = sizeof(struct run_state), .slot = MAP_STATE, .max = 1 };
	m[MAP_SCRATCH] = (struct mapdesc){ .name = ".scratch", .bpf_type = BPF_MAP_TYPE_PERCPU_ARRAY, .key_size = 4, .slot = MAP_SCRATCH };
	m[MAP_ZERO] = (struct mapdesc){ .name = ".zero", .bpf_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .slot = MAP_ZERO };
	for (int i = 0; i < N_INTERNAL_MAPS; i++) {
		m[i].first = NO_SPAN;
		m[i].val = type_void(c->types);
	}
}

/* ---- programs ---- */

/* Readable in bpftool: letters, digits, no digit first (the kernel refuses BTF that names such a function); the kernel keeps 15 bytes. */
static const char *
prog_name(struct compile *c, const struct probe *p)
{
	const char *from = p->n_targets ? p->targets[0].name : p->prov->name, *tail = strrchr(from, ':');
	const char *text = tail && tail[1] ? tail + 1 : from;
	char *name = arena_printf(c->keep, "%s%.10s_%u", *text >= '0' && *text <= '9' ? "p" : "", text, p->index % 1000);

	for (char *s = name; *s; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || (*s >= '0' && *s <= '9')))
			*s = '_';
	return name;
}

static bool
plan_progs(struct compile *c)
{
	struct sonde_image *img = c->img;
	bool ok = true;

	for (struct probe *p = c->probes; p; p = p->next) {
		img->n_progs++;
		img->n_targets += p->n_targets;
	}
	if (!img->n_progs)
		return diag_error(c->diags, c->prog->at, E_NO_PROBES, "No probes to attach");
	if (img->n_progs > c->limit.max_progs) {
		diag_error(c->diags, NO_SPAN, E_PROBE_LIMIT, "Your program is trying to generate more than %u BPF programs, which exceeds the current limit of %u",
			   img->n_progs, c->limit.max_progs);
		diag_hint(c->diags, "raise it with the config variable max_bpf_progs");
		return false;
	}
	img->progs = arena_alloc(c->keep, img->n_progs * sizeof(*img->progs));
	img->targets = arena_alloc(c->keep, (img->n_targets + 1) * sizeof(*img->targets));
	img->n_targets = 0;
	for (struct probe *p = c->probes; p; p = p->next) {
		struct prog *prog = &img->progs[p->index];

		*prog = (struct prog){ .section = arena_printf(c->keep, "p%u", p->index), .name = prog_name(c, p), .prog_type = p->prov->prog_type,
				       .attach_type = p->prov->attach_type, .n_targets = p->n_targets, .first_target = img->n_targets,
				       .targets = &img->targets[img->n_targets], .at = p->node->at };
		for (uint32_t i = 0; i < p->n_targets; i++) {
			struct target *t = &img->targets[img->n_targets++];

			*t = p->targets[i];
			t->run = run_find_provider(t->provider);
			if (!t->run)
				ok = diag_error(c->diags, t->at, E_INTERNAL, "%s has no run half", t->provider);
		}
		p->targets = prog->targets;
		if (p->prov->plan && !p->prov->plan(c, p, prog))
			ok = false;
	}
	return ok;
}

bool
pass_plan(struct compile *c)
{
	struct plan pl = { .c = c, .ok = true };

	walk_calls(&pl);
	c->img->actions = arena_alloc(c->keep, (pl.n_actions + 1) * sizeof(*c->img->actions));
	pl.makes = true;
	walk_calls(&pl);
	for (uint32_t i = N_INTERNAL_MAPS; i < c->img->n_maps; i++)
		plan_map(c, &c->img->maps[i]);
	plan_internal(c);
	return plan_progs(c) && pl.ok;
}
