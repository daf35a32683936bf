/* show.c - what print() and the end of a run show: values and maps as events, with their text and their typed values. */
#include <errno.h>
#include "runtime/rt.h"

/* One arena serves this many rows' values, then a fresh one takes its place. */
#define ROWS_PER_ARENA 64

/* ---- typed ---- */
static int
give_row(const struct sonde_rows *rows, const struct map_row *row, struct arena *arena, sonde_row_fn fn, void *ud)
{
	struct render r = { rows->ses, rows->ses->img };
	struct sonde_value key = { 0 }, val = { 0 };

	if (row->key)
		value_make(&r, rows->key, row->key, 0, arena, &key);
	value_make(&r, rows->val, row->cell, rows->div, arena, &val);
	return fn(ud, row->key ? &key : NULL, &val);
}

int
rows_each(const struct sonde_rows *rows, sonde_row_fn fn, void *ud)
{
	struct arena *arena = NULL;
	int stop = 0;

	for (int i = 0; i < rows->n && !stop; i++) {
		if (i % ROWS_PER_ARENA == 0) {
			arena_free(arena);
			arena = arena_new();
		}
		stop = arena ? give_row(rows, &rows->row[i], arena, fn, ud) : SONDE_ENOMEM;
	}
	arena_free(arena);
	return stop ? stop : rows->n;
}

int
sonde_event_each(const struct sonde_event *ev, sonde_row_fn fn, void *ud)
{
	return ev->rows ? rows_each(ev->rows, fn, ud) : SONDE_ESTATE;
}

/* ---- text ---- */
static void
print_row(struct render *r, const struct mapdesc *m, const struct map_row *row, int64_t div, struct buf *out)
{
	const struct type *t = m->val;
	bool is_block = t->kind == T_AGGR && t->aggr && t->aggr->is_block;

	buf_str(out, m->name);
	if (row->key) {
		buf_char(out, '[');
		print_key(r, m->key, row->key, out);
		buf_char(out, ']');
	}
	buf_str(out, is_block ? ":\n" : ": ");
	print_value(r, t, row->cell, div, out);
	buf_char(out, '\n');
}

static void
print_rows(const struct sonde_rows *rows, const struct mapdesc *m, struct buf *out)
{
	struct render r = { rows->ses, rows->ses->img };

	for (int i = 0; i < rows->n; i++)
		print_row(&r, m, &rows->row[i], rows->div, out);
}

/* ---- events ---- */
/* Fills in the text with what was printed into it, and emits. */
static void
emit_shown(struct sonde_session *ses, struct sonde_event *ev, struct buf *text)
{
	ev->text = buf_cstr(text);
	ev->len = text->failed ? 0 : text->len;
	rt_emit(ses, ev);
}

static bool
wants_text(const struct sonde_session *ses)
{
	return !(ses->ctx->opts.flags & SONDE_NO_TEXT);
}

void
show_value(struct sonde_session *ses, const char *source, const struct type *t, const void *data)
{
	struct render r = { ses, ses->img };
	struct map_row row = { NULL, data };
	struct sonde_rows rows = { .ses = ses, .val = t, .row = &row, .n = 1 };
	struct sonde_event ev = { .kind = SONDE_EV_VALUE, .source = source, .rows = &rows };

	ses->out.len = 0;
	if (wants_text(ses)) {
		print_value(&r, t, data, 0, &ses->out);
		buf_char(&ses->out, '\n');
	}
	emit_shown(ses, &ev, &ses->out);
}

static bool
show_rows(const struct sonde_rows *rows, const char *source, const struct mapdesc *m)
{
	const struct type *t = m->val;
	struct sonde_event ev = {
		.kind = SONDE_EV_VALUE, .source = source, .rows = rows, .map = m->name, .is_keyed = !m->is_scalar,
		.aggr = t->kind == T_AGGR && t->aggr ? t->aggr->name : NULL,
	};
	struct buf text = { 0 };

	if (wants_text(rows->ses))
		print_rows(rows, m, &text);
	emit_shown(rows->ses, &ev, &text);
	buf_free(&text);
	return true;
}

bool
show_map(struct sonde_session *ses, const char *source, const struct mapdesc *m, int64_t top, int64_t div, bool even_unset)
{
	struct arena *arena = arena_new();
	struct map_row *row = NULL, zero = { NULL, NULL };
	struct sonde_rows rows = { .ses = ses, .key = m->key, .val = m->val, .div = div };
	bool is_shown = false;
	int n = arena ? map_read(ses, m, arena, &row) : -ENOMEM;

	if (n < 0)
		rt_runtime_error(ses, m->first, 1, "map %s cannot be read: %s", m->name, strerror(-n));
	if (n == 0 && m->is_scalar && even_unset) {
		zero.cell = arena_alloc(arena, m->val->size ? m->val->size : 1);
		row = &zero;
		n = zero.cell != NULL;
	}
	if (n > 0) {
		int skip = !m->is_scalar && top > 0 && top < n ? n - (int)top : 0;

		rows.row = row + skip;
		rows.n = n - skip;
		is_shown = show_rows(&rows, source, m);
	}
	arena_free(arena);
	return is_shown;
}
