/* maps.c - reads maps as they are now: every element, merged over CPUs, in the order in which they print. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include "runtime/rt.h"

#define CHUNK_BYTES (1u << 20)           /* of one look-up of many elements */
#define ENOTSUPP_KERNEL 524              /* what the kernel answers where it has no batches; no errno.h knows it */

bool
map_is_shown(const struct mapdesc *m)
{
	return m->slot >= N_INTERNAL_MAPS && m->name && m->name[0] == '@';
}

const struct mapdesc *
map_find(const struct sonde_image *img, const char *name)
{
	for (uint32_t i = 0; i < img->n_maps; i++)
		if (map_is_shown(&img->maps[i]) && strcmp(img->maps[i].name, name) == 0)
			return &img->maps[i];
	return NULL;
}

/* ---- raw elements ---- */
struct raw {                             /* elements as the kernel gives them */
	struct arena *arena;
	uint32_t key_size, cell_size;    /* cell_size: one CPU's value, as it lies in a look-up's result */
	uint32_t n_cells;                /* values in one look-up: the possible CPUs, or 1 */
	uint32_t n, cap;
	uint8_t *keys, *vals;            /* of up to cap elements */
};

static size_t
val_bytes(const struct raw *raw)
{
	return (size_t)raw->cell_size * raw->n_cells;
}

static int
raw_init(struct raw *raw, const struct mapdesc *m, struct arena *arena)
{
	int cpus = m->is_percpu ? libbpf_num_possible_cpus() : 1;

	if (cpus < 0)
		return cpus;
	*raw = (struct raw){ .arena = arena, .key_size = m->key_size, .cell_size = m->val_size, .n_cells = (uint32_t)cpus };
	if (m->is_percpu)
		raw->cell_size = (m->val_size + 7) & ~7u;
	return 0;
}

static void
raw_free(struct raw *raw)
{
	mem_free(raw->keys);
	mem_free(raw->vals);
	raw->keys = raw->vals = NULL;
}

/* Makes room for `more` elements behind those that are there. */
static int
raw_grow(struct raw *raw, uint32_t more)
{
	uint32_t cap = raw->cap;
	void *p;

	if (raw->n + more <= cap)
		return 0;
	while (cap < raw->n + more)
		cap = cap ? cap * 2 : more;
	p = mem_realloc(raw->keys, (size_t)cap * raw->key_size);
	if (!p)
		return -ENOMEM;
	raw->keys = p;
	p = mem_realloc(raw->vals, cap * val_bytes(raw));
	if (!p)
		return -ENOMEM;
	raw->vals = p;
	raw->cap = cap;
	return 0;
}

/* Many elements with one system call.  A bucket of the kernel's table is given whole, so an element that is there all the
 * time is given exactly once, whatever else changes meanwhile. */
static int
read_batches(int fd, struct raw *raw, uint32_t max, void *batch)
{
	uint32_t chunk = CHUNK_BYTES / (uint32_t)(val_bytes(raw) + raw->key_size) + 1;
	bool is_first = true;

	if (chunk > max)
		chunk = max;
	if (chunk < 16)
		chunk = 16;
	for (;;) {
		uint32_t count = chunk;
		int err = raw_grow(raw, chunk);

		if (err)
			return err;
		err = bpf_map_lookup_batch(fd, is_first ? NULL : batch, batch, raw->keys + (size_t)raw->n * raw->key_size,
					   raw->vals + raw->n * val_bytes(raw), &count, NULL);
		if (err == -ENOSPC && chunk < UINT32_MAX / 2) {
			chunk *= 2;      /* one bucket holds more than that */
			continue;
		}
		if (err == -EINTR || err == -EAGAIN)
			continue;
		if (err && err != -ENOENT)
			return err;
		raw->n += count;
		is_first = false;
		if (err == -ENOENT)      /* that was the last of them */
			return 0;
	}
}

static int
by_bytes(const void *a, const void *b, void *ud)
{
	const struct raw *raw = ud;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int order = memcmp(raw->keys + (size_t)x * raw->key_size, raw->keys + (size_t)y * raw->key_size, raw->key_size);

	return order ? order : x < y ? -1 : x > y;
}

/* When the key at hand is deleted meanwhile the kernel starts again from the first: takes out what came twice. */
static int
drop_doubles(struct raw *raw)
{
	uint32_t *order = mem_alloc((raw->n + 1) * sizeof(*order)), n = 0;
	uint8_t *dead = mem_alloc(raw->n + 1);

	if (!order || !dead) {
		mem_free(order);
		mem_free(dead);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < raw->n; i++)
		order[i] = i;
	qsort_r(order, raw->n, sizeof(*order), by_bytes, raw);
	for (uint32_t i = 1; i < raw->n; i++)
		dead[order[i]] = memcmp(raw->keys + (size_t)order[i] * raw->key_size,
					raw->keys + (size_t)order[i - 1] * raw->key_size, raw->key_size) == 0;
	for (uint32_t i = 0; i < raw->n; i++) {
		if (dead[i])
			continue;
		memmove(raw->keys + (size_t)n * raw->key_size, raw->keys + (size_t)i * raw->key_size, raw->key_size);
		memmove(raw->vals + n * val_bytes(raw), raw->vals + i * val_bytes(raw), val_bytes(raw));
		n++;
	}
	raw->n = n;
	mem_free(order);
	mem_free(dead);
	return 0;
}

/* One by one, for kernels before 5.6. */
static int
read_each(int fd, struct raw *raw, uint32_t max)
{
	uint32_t most = max < UINT32_MAX / 4 ? max * 2 + 16 : UINT32_MAX, seen = 0;
	uint8_t *key = mem_alloc(raw->key_size), *at;
	bool is_first = true;
	int err = key ? 0 : -ENOMEM;

	while (!err && seen++ < most) {
		err = raw_grow(raw, 1);
		if (err)
			break;
		at = raw->keys + (size_t)raw->n * raw->key_size;
		err = bpf_map_get_next_key(fd, is_first ? NULL : key, at);
		if (err) {
			err = err == -ENOENT ? 0 : err;
			break;
		}
		is_first = false;
		memcpy(key, at, raw->key_size);
		if (bpf_map_lookup_elem(fd, key, raw->vals + raw->n * val_bytes(raw)) == 0)
			raw->n++;        /* else it was deleted meanwhile */
	}
	mem_free(key);
	return err ? err : drop_doubles(raw);
}

static int
read_raw(int fd, struct raw *raw, uint32_t max)
{
	void *batch = mem_alloc(raw->key_size + 8u); /* opaque to us: a hash keeps 4 bytes there, others a key */
	int err = batch ? read_batches(fd, raw, max, batch) : -ENOMEM;

	mem_free(batch);
	if (err == -EINVAL || err == -ENOTSUP || err == -ENOTSUPP_KERNEL) {
		raw->n = 0;
		err = read_each(fd, raw, max);
	}
	return err;
}

/* ---- merging ---- */
static void
add_number(const struct type *t, uint8_t *into, const uint8_t *from)
{
	uint64_t sum = (uint64_t)type_read_int(t, into) + (uint64_t)type_read_int(t, from);

	/* Little and big ends differ in where the low bytes lie. */
	if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		memcpy(into, &sum, t->size);
	else
		memcpy(into, (const char *)&sum + sizeof(sum) - t->size, t->size);
}

/* One element's value in the arena: cells of all CPUs merged, plain numbers summed.  NULL: no memory. */
static void *
merge_cells(const struct mapdesc *m, const struct raw *raw, const uint8_t *vals)
{
	const struct type *t = m->val;
	uint8_t *cell = arena_alloc(raw->arena, t->size ? t->size : 1);

	if (!cell)
		return NULL;
	for (uint32_t i = 0; i < raw->n_cells; i++) {
		const uint8_t *from = vals + (size_t)i * raw->cell_size;

		if (t->kind == T_AGGR && t->aggr && t->aggr->merge)
			t->aggr->merge(t, cell, from);
		else if (raw->n_cells > 1 && type_is_number(t))
			add_number(t, cell, from);
		else if (i == 0)
			memcpy(cell, from, t->size);
	}
	return cell;
}

static bool
is_set(const struct mapdesc *m, const struct raw *raw, const uint8_t *vals)
{
	for (uint32_t i = 0; i < raw->n_cells; i++) {
		uint64_t flag;

		memcpy(&flag, vals + (size_t)i * raw->cell_size + m->set_off, sizeof(flag));
		if (flag)
			return true;
	}
	return false;
}

static int
read_scalar(int fd, const struct mapdesc *m, struct raw *raw, struct map_row *row)
{
	uint32_t zero = 0;
	int err = raw_grow(raw, 1);

	if (!err)
		err = bpf_map_lookup_elem(fd, &zero, raw->vals);
	if (err)
		return err;
	if (!is_set(m, raw, raw->vals))
		return 0;
	row->key = NULL;
	row->cell = merge_cells(m, raw, raw->vals);
	return row->cell ? 1 : -ENOMEM;
}

/* ---- order (LANGUAGE 5.3) ---- */
struct ordered {                         /* a row and what it is sorted by */
	struct map_row row;
	uint64_t weight;
	uint32_t index;
};
struct order {
	const struct type *key;
	bool by_weight, is_signed;
};

static int
compare_numbers(uint64_t a, uint64_t b, bool is_signed)
{
	if (is_signed)
		return (int64_t)a < (int64_t)b ? -1 : (int64_t)a > (int64_t)b;
	return a < b ? -1 : a > b;
}

/* Integers as signed numbers, strings bytewise, tuples by their members in turn; 0 for what has no order. */
static int
compare_keys(const struct type *t, const uint8_t *a, const uint8_t *b)
{
	int order = 0;

	if (t->fmt)
		return 0;
	switch (t->kind) {
	case T_INT:
	case T_BOOL:
		return compare_numbers((uint64_t)type_read_int(t, a), (uint64_t)type_read_int(t, b), true);
	case T_STR:
		return strncmp((const char *)a, (const char *)b, t->size);
	case T_TUPLE:
		for (uint32_t i = 0; i < t->n && !order; i++)
			order = compare_keys(t->fields[i].type, a + t->fields[i].off, b + t->fields[i].off);
		return order;
	default:
		return 0;
	}
}

static int
compare_rows(const void *a, const void *b, void *ud)
{
	const struct ordered *x = a, *y = b;
	const struct order *o = ud;
	int order = o->by_weight ? compare_numbers(x->weight, y->weight, o->is_signed) : 0;

	if (!order && o->key)
		order = compare_keys(o->key, x->row.key, y->row.key);
	return order ? order : x->index < y->index ? -1 : x->index > y->index;
}

static void
weigh(const struct type *t, struct ordered *row, struct order *o)
{
	if (t->kind == T_AGGR && t->aggr && t->aggr->weight) {
		o->by_weight = true;
		row->weight = t->aggr->weight(t, row->row.cell, &o->is_signed);
	} else if (type_is_number(t) && !t->fmt) {
		o->by_weight = true;
		o->is_signed = t->is_signed;
		row->weight = (uint64_t)type_read_int(t, row->row.cell);
	}
}

static int
read_keyed(int fd, const struct mapdesc *m, struct raw *raw, struct map_row **out)
{
	struct order order = { .key = m->key };
	struct ordered *all;
	int err = read_raw(fd, raw, m->max);

	if (err)
		return err;
	all = mem_alloc((raw->n + 1) * sizeof(*all));
	*out = arena_alloc(raw->arena, (raw->n + 1) * sizeof(**out));
	for (uint32_t i = 0; i < raw->n && all; i++) {
		all[i].index = i;
		all[i].row.key = arena_dup(raw->arena, raw->keys + (size_t)i * raw->key_size, raw->key_size);
		all[i].row.cell = merge_cells(m, raw, raw->vals + i * val_bytes(raw));
		if (!all[i].row.key || !all[i].row.cell) {
			mem_free(all);
			return -ENOMEM;
		}
		weigh(m->val, &all[i], &order);
	}
	if (all && *out) {
		qsort_r(all, raw->n, sizeof(*all), compare_rows, &order);
		for (uint32_t i = 0; i < raw->n; i++)
			(*out)[i] = all[i].row;
	}
	err = all && *out ? (int)raw->n : -ENOMEM;
	mem_free(all);
	return err;
}

static int
align_rows(const struct type *t, const struct map_row *rows, int n)
{
	void **cells;

	if (n <= 0 || t->kind != T_AGGR || !t->aggr || !t->aggr->align)
		return n;
	cells = mem_alloc((size_t)n * sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	for (int i = 0; i < n; i++)
		cells[i] = (void *)(uintptr_t)rows[i].cell;
	t->aggr->align(t, cells, (size_t)n);
	mem_free(cells);
	return n;
}

int
map_read(struct sonde_session *ses, const struct mapdesc *m, struct arena *arena, struct map_row **rows)
{
	int fd = ses->map_fd[m->slot], n;
	struct raw raw;

	*rows = NULL;
	if (fd < 0)
		return -EBADF;
	n = raw_init(&raw, m, arena);
	if (n)
		return n;
	if (m->is_scalar) {
		*rows = arena_alloc(arena, sizeof(**rows));
		n = *rows ? read_scalar(fd, m, &raw, *rows) : -ENOMEM;
	} else {
		n = read_keyed(fd, m, &raw, rows);
	}
	raw_free(&raw);
	return align_rows(m->val, *rows, n);
}

/* ---- clearing ---- */
/* Writes a scalar's value anew, all zeros; with keep_set what was set stays set. */
static int
zero_scalar(int fd, const struct mapdesc *m, struct raw *raw, bool keep_set)
{
	uint32_t zero = 0;
	int err = raw_grow(raw, 1);

	if (!err)
		err = bpf_map_lookup_elem(fd, &zero, raw->vals);
	if (err)
		return err;
	for (uint32_t i = 0; i < raw->n_cells; i++) {
		uint8_t *cell = raw->vals + (size_t)i * raw->cell_size;

		memset(cell, 0, keep_set ? m->set_off : raw->cell_size);
	}
	return bpf_map_update_elem(fd, &zero, raw->vals, BPF_ANY);
}

static int
each_key(struct sonde_session *ses, const struct mapdesc *m, bool keep)
{
	int fd = ses->map_fd[m->slot], err;
	struct raw raw;

	if (fd < 0)
		return -EBADF;
	err = raw_init(&raw, m, NULL);
	if (err)
		return err;
	if (m->is_scalar) {
		err = zero_scalar(fd, m, &raw, keep);
		raw_free(&raw);
		return err;
	}
	err = read_raw(fd, &raw, m->max);
	if (!err && raw.n)
		memset(raw.vals, 0, raw.n * val_bytes(&raw));
	for (uint32_t i = 0; i < raw.n && !err; i++) {
		const uint8_t *key = raw.keys + (size_t)i * raw.key_size;

		/* One that is gone meanwhile is as well. */
		err = keep ? bpf_map_update_elem(fd, key, raw.vals, BPF_EXIST) : bpf_map_delete_elem(fd, key);
		err = err == -ENOENT ? 0 : err;
	}
	raw_free(&raw);
	return err;
}

int
map_clear(struct sonde_session *ses, const struct mapdesc *m)
{
	uint64_t bit = ses->is_detached && m->slot < 64 ? 1ull << m->slot : 0;

	if (ses->cleared & bit)
		return 0;
	ses->cleared |= bit;
	return each_key(ses, m, false);
}

int
map_zero(struct sonde_session *ses, const struct mapdesc *m)
{
	uint64_t bit = ses->is_detached && m->slot < 64 ? 1ull << m->slot : 0;

	if ((ses->cleared | ses->zeroed) & bit)
		return 0;
	ses->zeroed |= bit;
	return each_key(ses, m, true);
}
