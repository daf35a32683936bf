/* fuzz_event.c - any bytes as a record of the ring, against a fixed image with an action for every kind of value. */
#include <stdint.h>
#include <stdlib.h>
#include "runtime/rt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int
event_show(struct sonde_session *ses, const struct action *a, const void *data)
{
	struct render r = { ses, ses->img };
	struct arena *arena = arena_new();
	struct sonde_value value;

	ses->out.len = 0;
	print_format(&r, a->fmt, a->payload, data, &ses->out);
	print_value(&r, a->payload, data, 0, &ses->out);
	print_key(&r, a->payload, data, &ses->out);
	if (arena)
		value_make(&r, a->payload, data, 0, arena, &value);
	arena_free(arena);
	rt_text(ses, a->builtin, ses->out.data, ses->out.len, false);
	return 0;
}

static const struct run_builtin run_show = { .name = "show", .event = event_show };

static int
ignore(void *ud, const struct sonde_event *ev)
{
	size_t *total = ud;

	*total += ev->len;
	return 0;
}

static const struct type *
record_type(struct types *t)
{
	struct field bits[] = { { .name = "low", .type = type_int(t, 8, false), .bit_off = 3, .bit_len = 9 },
				{ .name = "neg", .type = type_int(t, 8, true), .bit_off = 12, .bit_len = 52 } };
	const struct type *inner = type_record(t, NULL, 8, false, bits, 2);
	struct field fields[] = { { .name = "loc", .type = type_str(t, 8), .off = 0, .is_data_loc = true },
				  { .name = "flag", .type = type_bool(t), .off = 4 },
				  { .name = NULL, .type = inner, .off = 8 },
				  { .name = "addr", .type = type_ptr(t, NULL, AS_KERNEL), .off = 16 } };

	return type_record(t, "args", 32, false, fields, LENGTH(fields));
}

static void
make_actions(struct sonde_image *img)
{
	struct types *t = img->types;
	static const struct enumval names[] = { { "ONE", 1 }, { "MINUS", -1 } };
	const struct type *numbers[] = { type_int(t, 1, true), type_int(t, 2, false), type_int(t, 4, true), type_int(t, 8, false),
					 type_enum(t, "enum e", 4, true, names, 2) };
	const struct type *texts[] = { type_str(t, 1), type_str(t, 16), type_bytes(t, 13), type_bytes(t, 0) };
	const struct type *stacks[] = { type_stack(t, false, 5, 0), type_stack(t, true, 2, 1), type_stack(t, true, 1, 2) };
	const struct type *nested[] = { record_type(t), type_array(t, type_array(t, type_int(t, 2, true), 3), 2),
					type_tuple(t, texts, 2) };
	struct action *a = arena_alloc(img->keep, 6 * sizeof(*a));

	a[0] = (struct action){ .fmt = "%d %5u %-8x|%lld %s", .payload = type_tuple(t, numbers, 5) };
	a[1] = (struct action){ .fmt = "%s %20s %rx %rh", .payload = type_tuple(t, texts, 4) };
	a[2] = (struct action){ .fmt = "%s%s%s", .payload = type_tuple(t, stacks, 3) };
	a[3] = (struct action){ .fmt = "%s %s %s", .payload = type_tuple(t, nested, 3) };
	a[4] = (struct action){ .fmt = "%*d %.*d %gr %c", .payload = type_tuple(t, numbers, 5) };
	a[5] = (struct action){ .fmt = "%d %r %p", .payload = type_tuple(t, texts, 4) };
	for (size_t i = 0; i < 6; i++) {
		a[i].builtin = "show";
		a[i].run = &run_show;
		a[i].map = -1;
	}
	img->actions = a;
	img->n_actions = 6;
}

/* Made once: what is under test does not change it, and symbols take long to read. */
static struct sonde_session *
session(void)
{
	static struct sonde_session ses;
	static size_t total;
	struct sonde_opts opts = { .size = sizeof(opts), .event = ignore, .ud = &total };

	if (ses.img)
		return &ses;
	if (sonde_open(&opts, &ses.ctx) != SONDE_OK || !(ses.syms = syms_new(ses.ctx)) || !(ses.img = image_new()))
		abort();
	ses.img->config.str_trunc_trailer = "..";
	make_actions(ses.img);
	return &ses;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	event_handle(session(), data, len);
	return 0;
}
