/* event.c - what a record of the ring means, and how diagnostics, text and failures reach the user of the library. */
#include <errno.h>
#include "runtime/rt.h"

int
event_handle(struct sonde_session *ses, const void *data, size_t len)
{
	const struct sonde_image *img = ses->img;
	const struct action *action;
	uint32_t index;

	if (len < 8)
		return -EBADMSG;
	memcpy(&index, data, sizeof(index));
	if (index >= img->n_actions)
		return -EBADMSG;
	action = &img->actions[index];
	if (!action->run || (action->payload && len - 8 < action->payload->size))
		return -EBADMSG;
	return action->run->event(ses, action, (const char *)data + 8);
}

void
rt_emit(struct sonde_session *ses, const struct sonde_event *ev)
{
	const struct sonde_opts *opts = &ses->ctx->opts;

	if (opts->event && opts->event(opts->ud, ev))
		ses->event_stop = true;
}

void
rt_text(struct sonde_session *ses, const char *source, const char *text, size_t len, bool is_part)
{
	struct sonde_event ev = { .kind = SONDE_EV_TEXT, .text = len ? text : "", .len = len, .source = source, .is_part = is_part };

	rt_emit(ses, &ev);
}

/* ---- places ---- */
static void
advance(const char *text, size_t from, size_t to, uint32_t *line, uint32_t *col)
{
	for (size_t i = from; i < to; i++) {
		if (text[i] == '\n') {
			++*line;
			*col = 1;
		} else {
			++*col;
		}
	}
}

struct sonde_span
image_place(const struct sonde_image *img, struct span at)
{
	struct sonde_span out = { 0 };
	size_t off = at.off, end = off + at.len;

	if (at.file == NO_SPAN.file || !img->source || off > img->source_len)
		return out;
	if (end > img->source_len)
		end = img->source_len;
	out.file = img->source_name;
	out.line = out.col = 1;
	advance(img->source, 0, off, &out.line, &out.col);
	out.end_line = out.line;
	out.end_col = out.col;
	advance(img->source, off, end, &out.end_line, &out.end_col);
	return out;
}

/* The file number under which the context's diagnostics know this image's source: another compile may have come between. */
static int
source_file(struct sonde_session *ses)
{
	const struct sonde_image *img = ses->img;
	struct diags *diags = ses->ctx->diags;
	const struct source *s;

	if (!img->source)
		return -1;
	for (unsigned i = 0; (s = diags_source(diags, i)); i++)
		if (s->len == img->source_len && strcmp(s->name, img->source_name) == 0 &&
		    memcmp(s->text, img->source, s->len) == 0)
			return (int)i;
	return diags_add_source(diags, img->source_name, img->source, img->source_len);
}

int
rt_error(struct sonde_session *ses, struct span at, enum diag_tag tag, int err, const char *fmt, ...)
{
	struct buf text = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vfmt(&text, fmt, ap);
	va_end(ap);
	if (at.file != NO_SPAN.file) {
		int file = source_file(ses);

		at = file < 0 ? NO_SPAN : (struct span){ at.off, at.len, (uint16_t)file };
	}
	diag_error(ses->ctx->diags, at, tag, "%s", buf_cstr(&text));
	buf_free(&text);
	return err;
}

void
rt_runtime_error(struct sonde_session *ses, struct span at, uint64_t count, const char *fmt, ...)
{
	struct sonde_event ev = { .kind = SONDE_EV_RUNTIME_ERROR, .lost = count, .at = image_place(ses->img, at) };
	struct buf text = { 0 };
	va_list ap;

	va_start(ap, fmt);
	buf_vfmt(&text, fmt, ap);
	va_end(ap);
	ev.text = buf_cstr(&text);
	ev.len = strlen(ev.text);
	rt_emit(ses, &ev);
	buf_free(&text);
}

void
rt_helper_error(struct sonde_session *ses, struct span at, uint64_t count, const char *helper, int64_t code, const char *text)
{
	struct sonde_event ev = {
		.kind = SONDE_EV_RUNTIME_ERROR, .lost = count, .at = image_place(ses->img, at), .text = text, .len = strlen(text),
		.helper = helper, .retcode = code,
	};

	rt_emit(ses, &ev);
}
