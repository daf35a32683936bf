/* str_run.c - run half of the strings: printing join(). */
#include "runtime/rt.h"

static bool
fits_join(const struct sonde_image *img, const struct action *a)
{
	const struct type *t = a->payload;

	(void)img;
	return t && t->kind == T_TUPLE && t->n == 2 && t->fields[0].type->kind == T_INT && t->fields[0].type->size == 4 &&
	       t->fields[1].type->kind == T_ARRAY && t->fields[1].type->elem->kind == T_STR;
}

static int
event_join(struct sonde_session *ses, const struct action *a, const void *data)
{
	const struct field *list = &a->payload->fields[1];
	const struct type *text = list->type->elem;
	uint32_t n;

	memcpy(&n, data, sizeof(n));
	if (n > list->type->n)
		n = list->type->n;
	ses->out.len = 0;
	for (uint32_t i = 0; i < n; i++) {
		const char *s = (const char *)data + list->off + (size_t)i * text->size;

		if (i)
			buf_str(&ses->out, a->fmt ? a->fmt : " ");
		buf_add(&ses->out, s, strnlen(s, text->size));
	}
	buf_char(&ses->out, '\n');
	rt_text(ses, a->builtin, ses->out.data, ses->out.len, false);
	return 0;
}

const struct run_builtin run_join = { .name = "join", .fits = fits_join, .event = event_join };
