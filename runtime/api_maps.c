/* api_maps.c - the script's maps in sonde.h: listed, read as typed values, printed, cleared. */
#include <errno.h>
#include <stdlib.h>
#include "runtime/rt.h"

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

int
sonde_map_each(sonde_session *ses, const char *name, sonde_row_fn fn, void *ud)
{
	const struct mapdesc *m = map_find(ses->img, name);
	struct sonde_rows rows = { .ses = ses };
	struct arena *arena;
	struct map_row *row = NULL;
	int n, status;

	diags_reset(ses->ctx->diags);
	if (!m)
		return no_map(ses, name);
	arena = arena_new();
	n = arena ? map_read(ses, m, arena, &row) : -ENOMEM;
	rows.key = m->key;
	rows.val = m->val;
	rows.row = row;
	rows.n = n;
	status = n < 0 ? map_status(ses, m, n) : rows_each(&rows, fn, ud);
	arena_free(arena);
	return status;
}

/* Every map that is not empty, by name, as at exit; the script's config may have turned that off. */
static int
print_all(sonde_session *ses)
{
	struct arena *arena = arena_new();
	const struct mapdesc **list;
	int n = arena ? sorted_maps(ses->img, arena, &list) : -ENOMEM, printed = 0;

	for (int i = 0; i < n && ses->img->config.print_maps_on_exit; i++)
		printed += show_map(ses, NULL, list[i], 0, 0, false);
	arena_free(arena);
	return n < 0 ? SONDE_ENOMEM : printed;
}

int
sonde_map_print(sonde_session *ses, const char *name)
{
	const struct mapdesc *m;

	diags_reset(ses->ctx->diags);
	if (!name)
		return print_all(ses);
	m = map_find(ses->img, name);
	if (!m)
		return no_map(ses, name);
	return show_map(ses, NULL, m, 0, 0, true);
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
