/* api_maps.c - the script's maps in sonde.h: listed, read as typed values, printed, cleared. */
#include <errno.h>
#include <stdlib.h>
#include "runtime/rt.h"

/* One arena serves this many rows' values, then a fresh one takes its place. */
#define ROWS_PER_ARENA 64

static int
by_name(const void *a, const void *b)
{
	return strcmp((*(const struct mapdesc *const *)a)->name, (*(const struct mapdesc *const *)b)->name);
}

/* The script's maps by name, in the arena; how many, or -ENOMEM. */
static int
sorted_maps(const struct sonde_image *img, struct arena *arena, const struct mapdesc ***out)
{
	const struct mapdesc **list = arena_alloc(arena, (img->n_maps + 1) * sizeof(*list));
	int n = 0;

	if (!list)
		return -ENOMEM;
	for (uint32_t i = 0; i < img->n_maps; i++)
		if (map_is_shown(&img->maps[i]))
			list[n++] = &img->maps[i];
	qsort(list, (size_t)n, sizeof(*list), by_name);
	*out = list;
	return n;
}

static int
map_status(sonde_session *ses, const struct mapdesc *m, int err)
{
	if (err == -ENOMEM)
		return SONDE_ENOMEM;
	rt_error(ses, NO_SPAN, E_IO, err, "map %s cannot be read: %s", m->name, strerror(-err));
	return SONDE_EIO;
}

static int
no_map(sonde_session *ses, const char *name)
{
	struct near near = { 0 };

	for (uint32_t i = 0; i < ses->img->n_maps; i++)
		if (map_is_shown(&ses->img->maps[i]))
			near_offer(&near, name, ses->img->maps[i].name);
	rt_error(ses, NO_SPAN, E_MAP_UNDEF, -ENOENT, "the script has no map %s", name);
	if (near.best)
		diag_hint(ses->ctx->diags, "did you mean %s?", near.best);
	return SONDE_ESTATE;
}

int
sonde_map_list(const sonde_session *ses, sonde_name_fn fn, void *ud)
{
	struct arena *arena = arena_new();
	const struct mapdesc **list;
	int n = arena ? sorted_maps(ses->img, arena, &list) : -ENOMEM, stop = 0;

	for (int i = 0; i < n && !stop; i++) {
		struct buf doc = { 0 };

		if (list[i]->key && !list[i]->is_scalar) {
			type_name_to(&doc, list[i]->key);
			buf_str(&doc, " -> ");
		}
		type_name_to(&doc, list[i]->val);
		stop = fn(ud, list[i]->name, buf_cstr(&doc));
		buf_free(&doc);
	}
	arena_free(arena);
	return n < 0 ? SONDE_ENOMEM : stop ? stop : n;
}

static int
give_row(sonde_session *ses, const struct mapdesc *m, const struct map_row *row, struct arena *arena, sonde_row_fn fn, void *ud)
{
	struct render r = { ses, ses->img };
	struct sonde_value key = { 0 }, val = { 0 };

	if (row->key)
		value_make(&r, m->key, row->key, arena, &key);
	value_make(&r, m->val, row->cell, arena, &val);
	return fn(ud, row->key ? &key : NULL, &val);
}

int
sonde_map_each(sonde_session *ses, const char *name, sonde_row_fn fn, void *ud)
{
	const struct mapdesc *m = map_find(ses->img, name);
	struct arena *rows_arena, *arena = NULL;
	struct map_row *rows;
	int n, stop = 0;

	diags_reset(ses->ctx->diags);
	if (!m)
		return no_map(ses, name);
	rows_arena = arena_new();
	n = rows_arena ? map_read(ses, m, rows_arena, &rows) : -ENOMEM;
	for (int i = 0; i < n && !stop; i++) {
		if (i % ROWS_PER_ARENA == 0) {
			arena_free(arena);
			arena = arena_new();
		}
		if (!arena) {
			n = -ENOMEM;
			break;
		}
		stop = give_row(ses, m, &rows[i], arena, fn, ud);
	}
	arena_free(arena);
	arena_free(rows_arena);
	return n < 0 ? map_status(ses, m, n) : stop ? stop : n;
}

/* Every map that is not empty, by name, as at exit; the script's config may have turned that off. */
static int
print_all(sonde_session *ses)
{
	struct arena *arena = arena_new();
	const struct mapdesc **list;
	int n = arena ? sorted_maps(ses->img, arena, &list) : -ENOMEM, printed = 0;

	for (int i = 0; i < n && ses->img->config.print_maps_on_exit; i++) {
		struct buf text = { 0 };

		map_print(ses, list[i], 0, 0, false, &text);
		printed += text.len > 0;
		rt_text(ses, text.data, text.len);
		buf_free(&text);
	}
	arena_free(arena);
	return n < 0 ? SONDE_ENOMEM : printed;
}

int
sonde_map_print(sonde_session *ses, const char *name)
{
	const struct mapdesc *m;
	struct buf text = { 0 };

	diags_reset(ses->ctx->diags);
	if (!name)
		return print_all(ses);
	m = map_find(ses->img, name);
	if (!m)
		return no_map(ses, name);
	map_print(ses, m, 0, 0, true, &text);
	rt_text(ses, text.data, text.len);
	buf_free(&text);
	return 1;
}

int
sonde_map_clear(sonde_session *ses, const char *name)
{
	const struct mapdesc *m = map_find(ses->img, name);
	int err;

	diags_reset(ses->ctx->diags);
	if (!m)
		return no_map(ses, name);
	err = map_clear(ses, m);
	return err ? map_status(ses, m, err) : SONDE_OK;
}
