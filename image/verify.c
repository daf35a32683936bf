/* verify.c - what must hold between the tables of an image before the run side may trust it. */
#include <linux/bpf.h>
#include "image/inner.h"

enum {                                   /* more than any kernel takes, little enough to be read for all CPUs at once */
	MAX_VALUE = 1 << 25,
	MAX_CPU_VALUE = 1 << 18,
	MAX_EVENT = 1 << 24,
	MAX_ENTRIES = 1 << 28,
};

static bool
fail(const char **why, const char *text)
{
	*why = text;
	return false;
}

static bool
span_fits(const struct sonde_image *img, struct span at)
{
	return at.file != 0 || (size_t)at.off + at.len <= img->source_len;
}

static bool
is_percpu_type(uint32_t bpf_type)
{
	return bpf_type == BPF_MAP_TYPE_PERCPU_ARRAY || bpf_type == BPF_MAP_TYPE_PERCPU_HASH ||
	       bpf_type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static bool
is_array_type(uint32_t bpf_type)
{
	return bpf_type == BPF_MAP_TYPE_ARRAY || bpf_type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static bool
is_hash_type(uint32_t bpf_type)
{
	return bpf_type == BPF_MAP_TYPE_HASH || bpf_type == BPF_MAP_TYPE_PERCPU_HASH || bpf_type == BPF_MAP_TYPE_LRU_HASH ||
	       bpf_type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

/* ---- maps ---- */

/* The ring has no value, the others are arrays; one with max 0 is not made at all. */
static bool
internal_map_fits(const struct sonde_image *img, const struct mapdesc *m, const char **why)
{
	if (m->max == 0)
		return m->slot != MAP_STATE || img->n_errors == 0 || fail(why, "errors are counted, but there is nothing to count them in");
	if (m->slot == MAP_RING)
		return m->bpf_type == BPF_MAP_TYPE_RINGBUF || fail(why, "the ring is not a ring buffer");
	if (!is_array_type(m->bpf_type) || m->key_size != 4 || m->val_size == 0)
		return fail(why, "an internal map is not an array");
	if (m->slot != MAP_STATE)
		return true;
	if (m->bpf_type != BPF_MAP_TYPE_ARRAY)
		return fail(why, "the state is not a plain array");
	if (m->val_size < sizeof(struct run_state) + img->n_errors * sizeof(((struct run_state *)0)->error[0]))
		return fail(why, "the state has no room for all errors");
	return true;
}

static bool
script_map_fits(const struct mapdesc *m, const char **why)
{
	if (m->name[0] != '@' || !m->val)
		return fail(why, "a map has no name or no type");
	if (m->is_scalar != !m->key)
		return fail(why, "a map with keys is called scalar, or one without is not");
	if (!is_array_type(m->bpf_type) && !is_hash_type(m->bpf_type))
		return fail(why, "a map is of a kind that cannot be printed");
	if (m->is_percpu != is_percpu_type(m->bpf_type))
		return fail(why, "a map's kind and its per-CPU mark differ");
	if (m->is_percpu && m->val_size > MAX_CPU_VALUE)
		return fail(why, "a per-CPU map's value is larger than it can be");
	if (m->max == 0)
		return fail(why, "a map has no entries");
	if (m->key_size < (m->key ? m->key->size : 4) || m->key_size == 0)
		return fail(why, "a map's key has not the size of its type");
	if (m->val_size < m->val->size)
		return fail(why, "a map's value has not the size of its type");
	if (is_array_type(m->bpf_type) && m->key_size != 4)
		return fail(why, "an array map's key is not a 32-bit number");
	if (m->is_scalar && (m->set_off < m->val->size || (uint64_t)m->set_off + 8 > m->val_size))
		return fail(why, "a scalar map's mark lies outside of its value");
	if (m->is_scalar && m->max != 1)
		return fail(why, "a scalar map has more than one entry");
	return true;
}

static bool
maps_fit(const struct sonde_image *img, const char **why)
{
	if (img->n_maps < N_INTERNAL_MAPS)
		return fail(why, "internal maps are missing");
	for (uint32_t i = 0; i < img->n_maps; i++) {
		const struct mapdesc *m = &img->maps[i];

		if (!m->name || m->slot != i)
			return fail(why, "a map is in the wrong place");
		if (m->key_size > MAX_VALUE || m->val_size > MAX_VALUE || (m->max > MAX_ENTRIES && i != MAP_RING))
			return fail(why, "a map is larger than a map can be");
		if (!span_fits(img, m->first))
			return fail(why, "a map's place is outside of the source");
		if (i < N_INTERNAL_MAPS ? !internal_map_fits(img, m, why) : !script_map_fits(m, why))
			return false;
	}
	return true;
}

/* ---- programs ---- */

/* What the kernel takes as a name; longer ones are cut when they are given to it. */
static bool
is_prog_name(const char *name)
{
	for (; *name; name++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.", *name))
			return false;
	return true;
}

static bool
progs_fit(const struct sonde_image *img, const char **why)
{
	uint32_t next = 0;

	for (const struct target *t = img->targets; t < img->targets + img->n_targets; t++) {
		if (!t->provider || !t->name || !t->run)
			return fail(why, "a probe has no provider or no name");
		if (!span_fits(img, t->at))
			return fail(why, "a probe's place is outside of the source");
	}
	for (const struct prog *p = img->progs; p < img->progs + img->n_progs; p++) {
		if (!p->section || !*p->section || !p->name || !is_prog_name(p->name))
			return fail(why, "a program has no section or a bad name");
		if (p->prog_type == BPF_PROG_TYPE_UNSPEC || p->prog_type > 1024 || p->attach_type > 1024)
			return fail(why, "a program's type is not known");
		if (p->n_targets == 0 || p->first_target != next || p->n_targets > img->n_targets - next ||
		    p->targets != img->targets + next)
			return fail(why, "programs and probes do not match");
		for (uint32_t i = 1; i < p->n_targets; i++)
			if (p->targets[i].run != p->targets[0].run)
				return fail(why, "a program has probes of two providers");
		if (!span_fits(img, p->at))
			return fail(why, "a program's place is outside of the source");
		next += p->n_targets;
	}
	return next == img->n_targets || fail(why, "a probe belongs to no program");
}

/* Little or big, 64 bits, for BPF; the run side's elf.c looks closer. */
static bool
elf_fits(const struct sonde_image *img, const char **why)
{
	const uint8_t *e = img->elf;

	if (img->n_progs == 0)
		return true;
	if (!e || img->elf_len < 64 || memcmp(e, "\177ELF\2", 5) != 0 || (e[5] != 1 && e[5] != 2))
		return fail(why, "the programs are missing");
	if ((e[5] == 1 ? e[18] | e[19] << 8 : e[18] << 8 | e[19]) != 247)
		return fail(why, "the programs are not BPF");
	return true;
}

/* ---- actions, errors ---- */

static bool
actions_fit(const struct sonde_image *img, const char **why)
{
	for (const struct action *a = img->actions; a < img->actions + img->n_actions; a++) {
		if (!a->builtin || !a->run)
			return fail(why, "an action has no builtin");
		if (!a->payload || a->payload->kind != T_TUPLE || a->payload->size > img->max_payload)
			return fail(why, "an action's payload does not fit");
		if (a->map < -1 || (a->map >= 0 && (a->map < N_INTERNAL_MAPS || (uint32_t)a->map >= img->n_maps)))
			return fail(why, "an action's map is not there");
		if (a->n_num < 0 || a->n_num > (int)LENGTH(a->num))
			return fail(why, "an action has too many numbers");
		if (!span_fits(img, a->at))
			return fail(why, "an action's place is outside of the source");
	}
	for (const struct errsite *e = img->errors; e < img->errors + img->n_errors; e++)
		if ((unsigned)e->what >= N_RUN_ERRORS || !span_fits(img, e->at))
			return fail(why, "an error is not known or lies outside of the source");
	return true;
}

bool
image_verify(const struct sonde_image *img, const char **why)
{
	const char *unused;

	if (!why)
		why = &unused;
	if (!img->source_name || !img->source || !img->license || !img->config.str_trunc_trailer)
		return fail(why, "the source, the license or a setting is missing");
	if (!stack_mode_name((int)img->config.stack_mode))
		return fail(why, "the stack mode is not known");
	if (img->max_payload > MAX_EVENT)
		return fail(why, "events are larger than the ring");
	return maps_fit(img, why) && progs_fit(img, why) && actions_fit(img, why) && elf_fits(img, why);
}
