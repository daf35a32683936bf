/* test_runtime.c - the run side: records decoded, values and formats as text, maps merged and ordered, histogram rows, times,
 * verifier logs read. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <cmocka.h>
#include "runtime/rt.h"

struct fixture {
	struct sonde *ctx;
	struct sonde_image *img;
	struct sonde_session ses;
	struct render render;
	struct types *types;
	struct arena *keep;
	struct buf text;                 /* what the event callback was given */
	struct sonde_event last;
	unsigned n_events, n_handled;
};

static int
on_event(void *ud, const struct sonde_event *ev)
{
	struct fixture *f = ud;

	f->last = *ev;
	f->n_events++;
	buf_add(&f->text, ev->text, ev->len);
	return 0;
}

static int
event_counted(struct sonde_session *ses, const struct action *a, const void *data)
{
	struct fixture *f = ses->ctx->opts.ud;
	struct render r = { ses, ses->img };

	f->n_handled++;
	ses->out.len = 0;
	print_format(&r, a->fmt, a->payload, data, &ses->out);
	return 0;
}

static const struct run_builtin run_counted = { .name = "counted", .event = event_counted };

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sonde_opts opts = { .size = sizeof(opts), .event = on_event, .ud = f };

	assert_int_equal(sonde_open(&opts, &f->ctx), SONDE_OK);
	f->img = image_new();
	assert_non_null(f->img);
	f->img->source_name = "test.bt";
	f->img->source = "begin {\n\t$x = 1;\n}\n";
	f->img->source_len = strlen(f->img->source);
	f->img->config.str_trunc_trailer = "..";
	f->img->config.print_maps_on_exit = 1;
	f->keep = f->img->keep;
	f->types = f->img->types;
	f->ses.ctx = f->ctx;
	f->ses.img = f->img;
	f->render.img = f->img;          /* no session: addresses stay numbers */
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	image_unref(f->img);
	buf_free(&f->text);
	buf_free(&f->ses.out);
	sonde_close(f->ctx);
	free(f);
	return 0;
}

static const struct type *
u(struct fixture *f, uint32_t size)
{
	return type_int(f->types, size, false);
}

static const struct type *
s(struct fixture *f, uint32_t size)
{
	return type_int(f->types, size, true);
}

static const struct type *
tuple(struct fixture *f, const struct type *a, const struct type *b, const struct type *c)
{
	const struct type *all[] = { a, b, c };

	return type_tuple(f->types, all, c ? 3 : b ? 2 : 1);
}

/* ---- events ---- */
static void
test_event_lengths(void **state)
{
	struct fixture *f = *state;
	const struct type *payload = tuple(f, u(f, 4), type_str(f->types, 5), type_bytes(f->types, 6));
	struct action action = { .builtin = "counted", .run = &run_counted, .payload = payload, .fmt = "%d %s %r", .map = -1 };
	size_t full = 8 + payload->size;

	f->img->actions = &action;
	f->img->n_actions = 1;
	for (size_t len = 0; len <= full + 8; len++) {
		/* exactly as long as it says, so that a sanitizer sees every read behind it */
		uint8_t *data = malloc(len ? len : 1);

		memset(data, 0xff, len);
		memset(data, 0, len < 4 ? len : 4);
		f->n_handled = 0;
		assert_int_equal(event_handle(&f->ses, data, len), len < full ? -EBADMSG : 0);
		assert_int_equal(f->n_handled, len >= full);
		free(data);
	}
	f->img->n_actions = 0;
}

static void
test_event_index(void **state)
{
	struct fixture *f = *state;
	struct action actions[2] = { { .builtin = "none", .map = -1 },
				     { .builtin = "counted", .run = &run_counted, .fmt = "x", .map = -1 } };
	static const struct { uint32_t index; int result; } table[] = {
		{ 0, -EBADMSG }, { 1, 0 }, { 2, -EBADMSG }, { 0xffffffff, -EBADMSG }, { 0x80000001, -EBADMSG },
	};

	f->img->actions = actions;
	f->img->n_actions = 2;
	for (size_t i = 0; i < LENGTH(table); i++) {
		uint32_t record[2] = { table[i].index, 0 };

		assert_int_equal(event_handle(&f->ses, record, sizeof(record)), table[i].result);
	}
	assert_string_equal(buf_cstr(&f->ses.out), "x");
	f->img->n_actions = 0;
}

static void
test_places(void **state)
{
	struct fixture *f = *state;
	struct sonde_span at = image_place(f->img, (struct span){ 9, 6, 0 });

	assert_string_equal(at.file, "test.bt");
	assert_int_equal(at.line, 2);
	assert_int_equal(at.col, 2);
	assert_int_equal(at.end_line, 2);
	assert_int_equal(at.end_col, 8);
	at = image_place(f->img, (struct span){ 0, 18, 0 });
	assert_int_equal(at.line, 1);
	assert_int_equal(at.end_line, 3);
	assert_int_equal(at.end_col, 2);
	assert_null(image_place(f->img, NO_SPAN).file);
	assert_null(image_place(f->img, (struct span){ 1000, 1, 0 }).file);
	assert_int_equal(image_place(f->img, (struct span){ 17, 4000000000u, 0 }).end_line, 4);
}

static void
test_errors_and_events(void **state)
{
	struct fixture *f = *state;
	const struct sonde_diag *d;

	/* another text was registered meanwhile: the place is still the image's */
	diags_add_source(f->ctx->diags, "other", "zzz", 3);
	assert_int_equal(rt_error(&f->ses, (struct span){ 9, 2, 0 }, E_ATTACH, -ENOENT, "no %s", "probe"), -ENOENT);
	d = sonde_diag_at(f->ctx, 0);
	assert_string_equal(d->tag, "E_ATTACH");
	assert_string_equal(d->text, "no probe");
	assert_string_equal(d->at.file, "test.bt");
	assert_int_equal(d->at.line, 2);
	assert_string_equal(sonde_errmsg(f->ctx), "no probe");
	rt_runtime_error(&f->ses, (struct span){ 9, 2, 0 }, 7, "failed %d", 1);
	assert_int_equal(f->last.kind, SONDE_EV_RUNTIME_ERROR);
	assert_int_equal(f->last.lost, 7);
	assert_int_equal(f->last.at.line, 2);
	assert_string_equal(buf_cstr(&f->text), "failed 1");
	f->text.len = 0;
	rt_helper_error(&f->ses, (struct span){ 9, 2, 0 }, 1, "probe_read_user", -14, "Bad address");
	assert_string_equal(buf_cstr(&f->text), "Bad address");
	assert_string_equal(f->last.helper, "probe_read_user");
	assert_int_equal(f->last.retcode, -14);
	rt_text(&f->ses, "cat", NULL, 0, true);
	assert_int_equal(f->n_events, 3);
	assert_int_equal(f->last.kind, SONDE_EV_TEXT);
	assert_string_equal(f->last.source, "cat");
	assert_int_equal(f->last.is_part, 1);
	assert_int_equal(sonde_event_each(&f->last, NULL, NULL), SONDE_ESTATE);
}

static void
test_statuses(void **state)
{
	(void)state;
	assert_string_equal(sonde_version(), "0.1.0");
	assert_string_equal(sonde_strerror(SONDE_OK), "success");
	assert_string_equal(sonde_strerror(SONDE_ENOMEM), "out of memory");
	assert_string_equal(sonde_strerror(SONDE_EIO), "reading or writing failed");
	assert_string_equal(sonde_strerror(-10), "unknown status");
	assert_string_equal(sonde_strerror(1), "unknown status");
	sonde_image_free(NULL);
	sonde_session_free(NULL);
}

/* ---- values ---- */
static void
expect(struct fixture *f, const struct type *t, const void *data, const char *want)
{
	struct buf out = { 0 };

	print_value(&f->render, t, data, 0, &out);
	assert_string_equal(buf_cstr(&out), want);
	buf_free(&out);
}

static void
test_scalars(void **state)
{
	struct fixture *f = *state;
	static const struct enumval names[] = { { "ONE", 1 }, { "TWO", 2 } };
	const struct type *e = type_enum(f->types, "enum number", 4, false, names, 2);
	int64_t v = -10;
	struct buf out = { 0 };

	expect(f, s(f, 1), &v, "-10");
	expect(f, s(f, 8), &v, "-10");
	expect(f, u(f, 1), &v, "246");
	expect(f, u(f, 2), &v, "65526");
	expect(f, u(f, 8), &v, "18446744073709551606");
	expect(f, type_bool(f->types), &(uint8_t){ 1 }, "true");
	expect(f, type_bool(f->types), &(uint8_t){ 0 }, "false");
	expect(f, type_ptr(f->types, NULL, AS_KERNEL), &(uint64_t){ 0xffff888012345678 }, "0xffff888012345678");
	expect(f, type_ptr(f->types, NULL, AS_USER), &(uint64_t){ 0 }, "0x0");
	expect(f, e, &(uint32_t){ 2 }, "TWO");
	expect(f, e, &(uint32_t){ 3 }, "3");
	expect(f, s(f, 8), &(int64_t){ INT64_MIN }, "-9223372036854775808");
	print_value(&f->render, s(f, 8), &(int64_t){ -35 }, 10, &out);
	buf_char(&out, ' ');
	print_value(&f->render, u(f, 8), &(int64_t){ 35 }, 10, &out);
	assert_string_equal(buf_cstr(&out), "-3 3");
	buf_free(&out);
}

static void
test_text(void **state)
{
	struct fixture *f = *state;
	struct { uint32_t len, zero; char data[8]; } b = { 6, 0, "Hello\0" };

	expect(f, type_str(f->types, 8), "abc\0xyz", "abc");
	expect(f, type_str(f->types, 4), "abcd", "abcd..");
	expect(f, type_str(f->types, 4), "\0bcd", "");
	expect(f, type_bytes(f->types, 6), &b, "Hello\\x00");
	b.len = 1000;                    /* cut to the capacity */
	expect(f, type_bytes(f->types, 6), &b, "Hello\\x00");
	b = (__typeof__(b)){ 4, 0, "\x7f~ \xff" };
	expect(f, type_bytes(f->types, 8), &b, "\\x7f~ \\xff");
}

static void
test_compounds(void **state)
{
	struct fixture *f = *state;
	const struct type *pair = tuple(f, u(f, 4), type_str(f->types, 4), NULL);
	const struct type *nest = tuple(f, s(f, 1), pair, NULL);
	const struct type *grid = type_array(f->types, type_array(f->types, u(f, 2), 2), 2);
	struct { uint32_t a; char b[4]; } p = { 5, "hi" };
	uint8_t n[64] = { 0xff };
	struct buf out = { 0 };

	expect(f, pair, &p, "(5, hi)");
	memcpy(n + nest->fields[1].off, &p, sizeof(p));
	expect(f, nest, n, "(-1, (5, hi))");
	print_key(&f->render, nest, n, &out);
	assert_string_equal(buf_cstr(&out), "-1, (5, hi)");
	buf_free(&out);
	expect(f, grid, (uint16_t[]){ 5, 6, 7, 8 }, "[[5,6],[7,8]]");
	expect(f, type_array(f->types, u(f, 4), 0), &p, "[]");
}

static void
test_records(void **state)
{
	struct fixture *f = *state;
	struct field inner[] = { { .name = "low", .type = u(f, 4), .bit_off = 0, .bit_len = 4 },
				 { .name = "neg", .type = s(f, 4), .bit_off = 4, .bit_len = 3 },
				 { .name = NULL, .type = u(f, 4), .bit_off = 7, .bit_len = 9 } };
	const struct type *bits = type_record(f->types, NULL, 4, false, inner, 3);
	struct field outer[] = { { .name = "a", .type = s(f, 2) }, { .name = NULL, .type = bits, .off = 4 },
				 { .name = "loc", .type = type_str(f->types, 8), .off = 8, .is_data_loc = true } };
	const struct type *rec = type_record(f->types, "args", 16, false, outer, 3);
	struct { int16_t a; uint32_t bits, loc; char text[4]; } v = { -2, 0x7a, 12 | 4 << 16, "abc" };

	expect(f, rec, &v, "{ .a = -2, .low = 10, .neg = -1, .loc = abc }");
	v.loc = 12 | 5 << 16;            /* one byte behind the record */
	expect(f, rec, &v, "{ .a = -2, .low = 10, .neg = -1, .loc = null }");
	v.loc = 0xffffffff;
	expect(f, rec, &v, "{ .a = -2, .low = 10, .neg = -1, .loc = null }");
	expect(f, type_record(f->types, "empty", 0, false, NULL, 0), &v, "{}");
	assert_int_equal(field_read(&inner[0], &v.bits), 10);
	assert_int_equal(field_read(&inner[1], &v.bits), -1);
	assert_int_equal(field_read(&inner[2], &v.bits), 0);
}

static void
test_stacks(void **state)
{
	struct fixture *f = *state;
	struct { uint32_t pid, n; uint64_t addr[3]; } v = { 7, 2, { 0xffffffff81000000, 0x10, 0x20 } };

	expect(f, type_stack(f->types, false, 3, 0), &v, "\n        0xffffffff81000000\n        0x10\n");
	expect(f, type_stack(f->types, false, 3, 1), &v,
	       "\n\tffffffff81000000 0xffffffff81000000 ([unknown])\n\t10 0x10 ([unknown])\n");
	expect(f, type_stack(f->types, true, 3, 2), &v, "\nffffffff81000000\n10\n");
	v.n = 0xffffffff;                /* never more than the type holds */
	expect(f, type_stack(f->types, true, 3, 2), &v, "\nffffffff81000000\n10\n20\n");
	v.n = 0;
	expect(f, type_stack(f->types, true, 3, 0), &v, "\n");
}

static void
test_typed_values(void **state)
{
	struct fixture *f = *state;
	struct field fields[] = { { .name = "x", .type = s(f, 4) }, { .name = "y", .type = type_str(f->types, 4), .off = 4 } };
	const struct type *rec = type_record(f->types, "record", 8, false, fields, 2);
	struct { int32_t x; char y[4]; } r = { -3, "abcd" };
	struct { uint32_t len, zero; char data[8]; } b = { 2, 0, "\0z" };
	struct { uint32_t pid, n; uint64_t addr[2]; } stack = { 1, 1, { 0xabc } };
	struct sonde_value v;

	value_make(&f->render, rec, &r, 0, f->keep, &v);
	assert_int_equal(v.kind, SONDE_RECORD);
	assert_string_equal(v.text, "{ .x = -3, .y = abcd.. }");
	assert_int_equal(v.n_items, 2);
	assert_int_equal(v.item[0].kind, SONDE_INT);
	assert_int_equal(v.item[0].num.i, -3);
	assert_string_equal(v.item[0].name, "x");
	assert_int_equal(v.item[1].kind, SONDE_STR);
	assert_int_equal(v.item[1].len, 6);
	assert_string_equal(v.item[1].text, "abcd..");
	value_make(&f->render, type_bytes(f->types, 8), &b, 0, f->keep, &v);
	assert_int_equal(v.kind, SONDE_BYTES);
	assert_int_equal(v.len, 2);
	assert_memory_equal(v.text, "\0z", 2);
	value_make(&f->render, type_ptr(f->types, NULL, AS_USER), &stack.addr[0], 0, f->keep, &v);
	assert_int_equal(v.kind, SONDE_PTR);
	assert_int_equal(v.num.u, 0xabc);
	assert_string_equal(v.text, "0xabc");
	value_make(&f->render, type_stack(f->types, false, 2, 0), &stack, 0, f->keep, &v);
	assert_int_equal(v.kind, SONDE_STACK);
	assert_int_equal(v.n_items, 1);
	assert_int_equal(v.item[0].num.u, 0xabc);
	value_make(&f->render, type_array(f->types, u(f, 1), 3), "\1\2\3", 0, f->keep, &v);
	assert_int_equal(v.n_items, 3);
	assert_int_equal(v.item[2].num.u, 3);
	assert_string_equal(v.text, "[1,2,3]");
}

/* Fields as a script names them: of anonymous structs too, bit fields and texts behind the record by what they are. */
static void
test_typed_fields(void **state)
{
	struct fixture *f = *state;
	static const struct enumval colours[] = { { "RED", 1 }, { "BLUE", 2 } };
	const struct type *colour = type_enum(f->types, "enum colour", 4, false, colours, 2);
	struct field inner[] = { { .name = "b", .type = type_bool(f->types) } };
	struct field fields[] = {
		{ .name = "a", .type = s(f, 4), .bit_off = 4, .bit_len = 4 },
		{ .type = type_record(f->types, "struct inner", 1, false, inner, 1), .off = 4 },
		{ .type = u(f, 1), .off = 5 },
		{ .name = "c", .type = colour, .off = 8 },
		{ .name = "d", .type = u(f, 4), .off = 12, .is_data_loc = true },
	};
	const struct type *rec = type_record(f->types, "args", 20, false, fields, 5);
	struct { uint32_t a; uint8_t b, c; uint16_t pad; uint32_t colour, loc; char text[4]; } r = { 0xf0, 1, 9, 0, 2, 3 << 16 | 16, "hi" };
	struct sonde_value v;

	value_make(&f->render, rec, &r, 0, f->keep, &v);
	assert_int_equal(v.kind, SONDE_RECORD);
	assert_string_equal(v.text, "{ .a = -1, .b = true, .c = BLUE, .d = hi }");
	assert_int_equal(v.n_items, 4);
	assert_int_equal(v.item[0].kind, SONDE_INT);
	assert_int_equal(v.item[0].num.i, -1);
	assert_string_equal(v.item[0].text, "-1");
	assert_int_equal(v.item[1].kind, SONDE_BOOL);
	assert_int_equal(v.item[1].num.u, 1);
	assert_int_equal(v.item[2].kind, SONDE_ENUM);
	assert_int_equal(v.item[2].num.i, 2);
	assert_string_equal(v.item[2].text, "BLUE");
	assert_int_equal(v.item[3].kind, SONDE_STR);
	assert_string_equal(v.item[3].text, "hi");
	assert_string_equal(v.item[3].name, "d");
	r.loc = 3 << 16 | 20;            /* behind what was sent */
	value_make(&f->render, rec, &r, 0, f->keep, &v);
	assert_int_equal(v.item[3].kind, SONDE_NONE);
	assert_string_equal(v.item[3].text, "null");
	value_make(&f->render, u(f, 4), &(uint32_t){ 70 }, 10, f->keep, &v);
	assert_int_equal(v.num.u, 7);
	assert_string_equal(v.text, "7");
	value_make(&f->render, colour, &(uint32_t){ 1 }, 10, f->keep, &v);
	assert_string_equal(v.text, "RED");
}

/* ---- printf ---- */
static void
test_printf_numbers(void **state)
{
	struct fixture *f = *state;
	const struct type *t = tuple(f, s(f, 8), NULL, NULL);
	static const struct { const char *fmt; int64_t v; const char *want; } table[] = {
		{ "%d", -2, "-2" }, { "%lu", -2, "18446744073709551614" }, { "%u", -2, "4294967294" },
		{ "%d", 0x100000001, "1" }, { "%ld", 0x100000001, "4294967297" }, { "%i", -1, "-1" },
		{ "%hhx", 0x12345678abcdef, "ef" }, { "%hx", 0x12345678abcdef, "cdef" }, { "%x", 0x12345678abcdef, "78abcdef" },
		{ "%jx", 0x12345678abcdef, "12345678abcdef" }, { "%zx", 0x12345678abcdef, "12345678abcdef" },
		{ "%llx", -1, "ffffffffffffffff" }, { "%Lx", -1, "ffffffffffffffff" }, { "%tx", -1, "ffffffffffffffff" },
		{ "%hhd", 200, "-56" }, { "%hd", 40000, "-25536" }, { "%hu", -1, "65535" }, { "%hhu", -1, "255" },
		{ "%04x", 2, "0002" }, { "%4x|", 2, "   2|" }, { "%-4x|", 2, "2   |" }, { "%-04d|", 7, "7   |" },
		{ "%#x", 255, "0xff" }, { "%#X", 255, "0XFF" }, { "%#o", 8, "010" }, { "%#x", 0, "0" }, { "%o", 0775, "775" },
		{ "%08d", -5, "-0000005" }, { "%#06x", 255, "0x00ff" }, { "%+d", 5, "+5" }, { "%+d", -5, "-5" }, { "% d", 5, " 5" },
		{ "%.3d", 5, "5" }, { "%8.3d|", 5, "       5|" }, { "%p", 0xffff, "0xffff" }, { "%p", -1, "0xffffffffffffffff" },
		{ "%20p|", 0xab, "                0xab|" }, { "%c", 'f', "f" }, { "%c", 0x141, "A" }, { "%3c|", 'x', "  x|" },
		{ "%s", -7, "-7" }, { "%5s|", 12, "   12|" }, { "%-5s|", 12, "12   |" }, { "100%%%d%%", 1, "100%1%" },
		{ "%ld", INT64_MIN, "-9223372036854775808" }, { "%d%d", 1, "1!{missing argument}" }, { "none", 1, "none" }, { "", 1, "" },
		{ "%gr", 0xcc0, "GFP_KERNEL" }, { "%gr", 0, "0" }, { "%gr", 0xdc0, "GFP_KERNEL|__GFP_ZERO" }, { "%gr", 0x2800, "GFP_NOWAIT" },
		{ "%gr", 0x100cca, "GFP_HIGHUSER_MOVABLE" }, { "%gr", 0x80000001, "GFP_DMA|0x80000000" }, { "%gr", 0x80000000, "0x80000000" },
		{ "%r", 1, "!{%r cannot show a int64}" },
	};

	for (size_t i = 0; i < LENGTH(table); i++) {
		struct buf out = { 0 };

		print_format(&f->render, table[i].fmt, t, &table[i].v, &out);
		assert_string_equal(buf_cstr(&out), table[i].want);
		buf_free(&out);
	}
}

static void
expect_format(struct fixture *f, const char *fmt, const struct type *t, const void *data, const char *want)
{
	struct buf out = { 0 };

	print_format(&f->render, fmt, t, data, &out);
	assert_string_equal(buf_cstr(&out), want);
	buf_free(&out);
}

static void
test_printf_values(void **state)
{
	struct fixture *f = *state;
	static const struct enumval names[] = { { "ONE", 1 } };
	const struct type *e = type_enum(f->types, "enum number", 8, false, names, 1);
	const struct type *bytes = tuple(f, type_bytes(f->types, 6), NULL, NULL);
	const struct type *two = tuple(f, type_str(f->types, 4), u(f, 4), NULL);
	const struct type *star = tuple(f, s(f, 4), s(f, 4), NULL);
	struct { uint32_t len, zero; char data[8]; } b = { 6, 0, "Hello\0" };
	struct { char text[4]; uint32_t n; } v = { "ba", 2 };
	uint64_t one = 1;

	expect_format(f, "%5s %04x", two, &v, "   ba 0002");
	expect_format(f, "%-5s|%d", two, &v, "ba   |2");
	expect_format(f, "%d", two, &v, "!{%d cannot show a string[4]}");
	expect_format(f, "%d %s", tuple(f, e, e, NULL), (uint64_t[]){ 1, 1 }, "1 ONE");
	expect_format(f, "%-5s|", tuple(f, e, NULL, NULL), &one, "ONE  |");
	expect_format(f, "%d %s", tuple(f, type_bool(f->types), type_bool(f->types), NULL), "\1\1", "1 true");
	expect_format(f, "%r", bytes, &b, "Hello\\x00");
	expect_format(f, "%rx", bytes, &b, "\\x48\\x65\\x6c\\x6c\\x6f\\x00");
	expect_format(f, "%rh", bytes, &b, "48 65 6c 6c 6f 00");
	expect_format(f, "%20rh|", bytes, &b, "   48 65 6c 6c 6f 00|");
	expect_format(f, "%s", bytes, &b, "Hello\\x00");
	expect_format(f, "%*d|", star, (int32_t[]){ 5, 7 }, "    7|");
	expect_format(f, "%*d|", star, (int32_t[]){ -5, 7 }, "7    |");
	expect_format(f, "%.*d|", star, (int32_t[]){ 5, 7 }, "7|");
	expect_format(f, "a%%b", NULL, NULL, "a%b");
	expect_format(f, "%s", tuple(f, two, NULL, NULL), &v, "(ba, 2)");
}

/* ---- times ---- */
static void
test_times(void **state)
{
	static const struct { const char *fmt; uint64_t ns; const char *want; } table[] = {
		{ "%H:%M:%S\n", 3723000000000, "01:02:03\n" }, { "%f", 1001002003, "001002" }, { "%k", 1001002003, "001002003" },
		{ "%l", 1001002003, "001" }, { "%S.%f|%l", 59999999999, "59.999999|999" }, { "%%f", 5, "%f" }, { "%Y-%m-%d", 0, "1970-01-01" },
		{ "", 0, "" }, { "%%%f", 2000, "%000002" }, { "x%", 0, "x%" },
	};

	(void)state;
	setenv("TZ", "UTC", 1);
	tzset();
	for (size_t i = 0; i < LENGTH(table); i++) {
		struct buf out = { 0 };

		print_time(table[i].fmt, table[i].ns, &out);
		assert_string_equal(buf_cstr(&out), table[i].want);
		buf_free(&out);
	}
	struct buf out = { 0 };
	print_time("0123456789012345678901234567890123456789012345678901234567890123456789", 0, &out);
	assert_int_equal(out.len, 63);
	buf_free(&out);
}

/* ---- histograms ---- */
static void
label_number(void *ud, size_t i, struct buf *out)
{
	(void)ud;
	buf_fmt(out, i == 9 ? "[a very long label %zu]" : "[%zu]", i);
}

static void
expect_rows(const uint64_t *counts, size_t n, int64_t div, const char *want)
{
	struct buf out = { 0 };

	print_histogram(counts, n, div, label_number, NULL, &out);
	assert_string_equal(buf_cstr(&out), want);
	buf_free(&out);
}

#define FULL "@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@@"
#define HALF "@@@@@@@@@@@@@@@@@@@@@@@@@@                          "
#define NONE "                                                    "
#define THIRD "@@@@@@@@@@@@@@@@@                                   "

static void
test_histograms(void **state)
{
	(void)state;
	expect_rows((uint64_t[]){ 0, 1, 0, 0, 2, 0 }, 6, 0,
		    "[1]                    1 |" HALF "|\n"
		    "[2]                    0 |" NONE "|\n"
		    "[3]                    0 |" NONE "|\n"
		    "[4]                    2 |" FULL "|\n");
	expect_rows((uint64_t[]){ 0, 0 }, 2, 0, "");
	expect_rows(NULL, 0, 0, "");
	expect_rows((uint64_t[]){ 10, 30 }, 2, 10,
		    "[0]                    1 |" THIRD "|\n"
		    "[1]                    3 |" FULL "|\n");
	expect_rows((uint64_t[]){ 0, 0, 0, 0, 0, 0, 0, 0, 0, 123456789012 }, 10, 0,
		    "[a very long label 9]123456789012 |" FULL "|\n");
	/* 2^31 and more are counts like others */
	expect_rows((uint64_t[]){ UINT64_C(1) << 31, UINT64_C(1) << 32 }, 2, 0,
		    "[0]             2147483648 |" HALF "|\n"
		    "[1]             4294967296 |" FULL "|\n");
}

/* ---- maps: need the kernel ---- */
static bool
has_bpf(void)
{
	int fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "t", 4, 4, 1, NULL);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static void
use_map(struct fixture *f, struct mapdesc *m, int *fds)
{
	if (!has_bpf())
		skip();
	m->name = "@m";
	m->slot = N_INTERNAL_MAPS;
	m->is_scalar = !m->key;
	m->is_percpu = m->bpf_type == BPF_MAP_TYPE_PERCPU_ARRAY || m->bpf_type == BPF_MAP_TYPE_PERCPU_HASH;
	m->key_size = m->key ? m->key->size : 4;
	if (!m->val_size)
		m->val_size = m->key ? m->val->size : m->val->size + 8;
	m->set_off = m->key ? 0 : m->val->size;
	fds[N_INTERNAL_MAPS] = bpf_map_create((enum bpf_map_type)m->bpf_type, "test", m->key_size, m->val_size, m->max, NULL);
	assert_true(fds[N_INTERNAL_MAPS] >= 0);
	f->img->maps = m - N_INTERNAL_MAPS;
	f->ses.map_fd = fds;
}

static void
expect_map(struct fixture *f, const struct mapdesc *m, int64_t top, int64_t div, const char *want)
{
	f->text.len = 0;
	assert_int_equal(show_map(&f->ses, NULL, m, top, div, false), want[0] != '\0');
	assert_string_equal(buf_cstr(&f->text), want);
}

static void
test_map_order(void **state)
{
	struct fixture *f = *state;
	int fds[N_INTERNAL_MAPS + 1];
	struct mapdesc maps[N_INTERNAL_MAPS + 1] = { 0 }, *m = &maps[N_INTERNAL_MAPS];
	static const struct { int64_t key, val; } rows[] = { { 1, 30 }, { 2, -5 }, { -3, 10 }, { 4, 10 }, { 5, 0 } };

	*m = (struct mapdesc){ .key = s(f, 8), .val = s(f, 8), .bpf_type = BPF_MAP_TYPE_HASH, .max = 100 };
	use_map(f, m, fds);
	for (size_t i = 0; i < LENGTH(rows); i++)
		assert_int_equal(bpf_map_update_elem(fds[m->slot], &rows[i].key, &rows[i].val, 0), 0);
	expect_map(f, m, 0, 0, "@m[2]: -5\n@m[5]: 0\n@m[-3]: 10\n@m[4]: 10\n@m[1]: 30\n");
	expect_map(f, m, 2, 0, "@m[4]: 10\n@m[1]: 30\n");
	expect_map(f, m, 1, 10, "@m[1]: 3\n");
	expect_map(f, m, 100, 0, "@m[2]: -5\n@m[5]: 0\n@m[-3]: 10\n@m[4]: 10\n@m[1]: 30\n");
	assert_int_equal(map_zero(&f->ses, m), 0);
	expect_map(f, m, 0, 0, "@m[-3]: 0\n@m[1]: 0\n@m[2]: 0\n@m[4]: 0\n@m[5]: 0\n");
	assert_int_equal(map_clear(&f->ses, m), 0);
	expect_map(f, m, 0, 0, "");
	close(fds[m->slot]);
}

static void
test_map_order_by_key(void **state)
{
	struct fixture *f = *state;
	int fds[N_INTERNAL_MAPS + 1];
	struct mapdesc maps[N_INTERNAL_MAPS + 1] = { 0 }, *m = &maps[N_INTERNAL_MAPS];
	struct { char comm[4]; int32_t n; } keys[] = { { "b", 1 }, { "a", 2 }, { "a", -1 }, { "ab", 0 } };

	*m = (struct mapdesc){ .key = tuple(f, type_str(f->types, 4), s(f, 4), NULL), .val = type_str(f->types, 4),
			       .bpf_type = BPF_MAP_TYPE_HASH, .max = 100 };
	use_map(f, m, fds);
	for (size_t i = 0; i < LENGTH(keys); i++)
		assert_int_equal(bpf_map_update_elem(fds[m->slot], &keys[i], "val", 0), 0);
	expect_map(f, m, 0, 0, "@m[a, -1]: val\n@m[a, 2]: val\n@m[ab, 0]: val\n@m[b, 1]: val\n");
	expect_map(f, m, 1, 5, "@m[b, 1]: val\n");
	close(fds[m->slot]);
}

/* Enough elements that several look-ups are needed. */
static void
test_map_many(void **state)
{
	struct fixture *f = *state;
	int fds[N_INTERNAL_MAPS + 1];
	struct mapdesc maps[N_INTERNAL_MAPS + 1] = { 0 }, *m = &maps[N_INTERNAL_MAPS];
	struct arena *arena = arena_new();
	struct map_row *rows;
	uint8_t val[4096] = { 0 };

	*m = (struct mapdesc){ .key = u(f, 4), .val = u(f, 4), .bpf_type = BPF_MAP_TYPE_HASH, .max = 3000, .val_size = sizeof(val) };
	use_map(f, m, fds);
	for (uint32_t i = 0; i < 3000; i++) {
		uint32_t v = 3000 - i;

		memcpy(val, &v, sizeof(v));
		assert_int_equal(bpf_map_update_elem(fds[m->slot], &i, val, 0), 0);
	}
	assert_int_equal(map_read(&f->ses, m, arena, &rows), 3000);
	for (uint32_t i = 0; i < 3000; i++) {
		assert_int_equal(*(const uint32_t *)rows[i].cell, i + 1);
		assert_int_equal(*(const uint32_t *)rows[i].key, 2999 - i);
	}
	arena_free(arena);
	assert_int_equal(map_clear(&f->ses, m), 0);
	expect_map(f, m, 0, 0, "");
	close(fds[m->slot]);
}

/* A map of a kind that has no look-up of many at once: read one by one. */
static void
test_map_one_by_one(void **state)
{
	struct fixture *f = *state;
	int fds[N_INTERNAL_MAPS + 1];
	struct mapdesc maps[N_INTERNAL_MAPS + 1] = { 0 }, *m = &maps[N_INTERNAL_MAPS];

	*m = (struct mapdesc){ .key = u(f, 4), .val = u(f, 4), .bpf_type = BPF_MAP_TYPE_DEVMAP_HASH, .max = 10 };
	use_map(f, m, fds);
	for (uint32_t i = 5; i > 0; i--)
		assert_int_equal(bpf_map_update_elem(fds[m->slot], &(uint32_t){ i * 10 }, &(uint32_t){ 1 }, 0), 0);
	expect_map(f, m, 0, 0, "@m[10]: 1\n@m[20]: 1\n@m[30]: 1\n@m[40]: 1\n@m[50]: 1\n");
	close(fds[m->slot]);
}

static void
merge_max(const struct type *t, void *into, const void *from)
{
	(void)t;
	if (*(const uint64_t *)from > *(uint64_t *)into)
		memcpy(into, from, 8);
}

static uint64_t
weight_max(const struct type *t, const void *cell, bool *is_signed)
{
	(void)t;
	*is_signed = false;
	return *(const uint64_t *)cell;
}

static void
print_max(struct render *r, const struct type *t, const void *cell, int64_t div, struct buf *out)
{
	(void)r;
	(void)t;
	print_u64(out, *(const uint64_t *)cell / (div > 1 ? (uint64_t)div : 1));
}

static const struct aggr aggr_largest = {
	.name = "largest", .type_name = "largest_t", .merge = merge_max, .weight = weight_max, .print = print_max,
};

static const struct type *
largest(struct fixture *f)
{
	struct type *t = arena_alloc(f->keep, sizeof(*t));

	*t = (struct type){ .kind = T_AGGR, .size = 8, .align = 8, .aggr = &aggr_largest };
	return t;
}

static void
test_map_merge(void **state)
{
	struct fixture *f = *state;
	int fds[N_INTERNAL_MAPS + 1], cpus = libbpf_num_possible_cpus();
	struct mapdesc maps[N_INTERNAL_MAPS + 1] = { 0 }, *m = &maps[N_INTERNAL_MAPS];
	uint64_t vals[512] = { 0 };

	assert_in_range(cpus, 1, 512);
	*m = (struct mapdesc){ .key = u(f, 4), .val = largest(f), .bpf_type = BPF_MAP_TYPE_PERCPU_HASH, .max = 10 };
	use_map(f, m, fds);
	for (uint32_t key = 1; key <= 3; key++) {
		for (int i = 0; i < cpus; i++)
			vals[i] = (4 - key) * 100 + (uint64_t)i;
		assert_int_equal(bpf_map_update_elem(fds[m->slot], &key, vals, 0), 0);
	}
	struct buf want = { 0 };
	for (uint32_t key = 3; key >= 1; key--)
		buf_fmt(&want, "@m[%u]: %d\n", key, (int)(4 - key) * 100 + cpus - 1);
	expect_map(f, m, 0, 0, buf_cstr(&want));
	buf_free(&want);
	close(fds[m->slot]);
	/* plain numbers per CPU are summed */
	*m = (struct mapdesc){ .key = u(f, 4), .val = u(f, 8), .bpf_type = BPF_MAP_TYPE_PERCPU_HASH, .max = 10 };
	use_map(f, m, fds);
	for (int i = 0; i < cpus; i++)
		vals[i] = 5;
	assert_int_equal(bpf_map_update_elem(fds[m->slot], &(uint32_t){ 1 }, vals, 0), 0);
	buf_fmt(&want, "@m[1]: %d\n", cpus * 5);
	expect_map(f, m, 0, 0, buf_cstr(&want));
	buf_free(&want);
	close(fds[m->slot]);
}

static void
test_map_scalar(void **state)
{
	struct fixture *f = *state;
	int fds[N_INTERNAL_MAPS + 1];
	struct mapdesc maps[N_INTERNAL_MAPS + 1] = { 0 }, *m = &maps[N_INTERNAL_MAPS];
	struct { uint64_t v, set; } cell = { 7, 0 };

	*m = (struct mapdesc){ .val = u(f, 8), .bpf_type = BPF_MAP_TYPE_ARRAY, .max = 1 };
	use_map(f, m, fds);
	expect_map(f, m, 0, 0, "");
	f->text.len = 0;
	assert_true(show_map(&f->ses, "print", m, 0, 0, true)); /* print() of one that is not set */
	assert_string_equal(buf_cstr(&f->text), "@m: 0\n");
	assert_string_equal(f->last.source, "print");
	assert_string_equal(f->last.map, "@m");
	cell.set = 1;
	assert_int_equal(bpf_map_update_elem(fds[m->slot], &(uint32_t){ 0 }, &cell, 0), 0);
	expect_map(f, m, 0, 0, "@m: 7\n");
	assert_int_equal(map_zero(&f->ses, m), 0);
	expect_map(f, m, 0, 0, "@m: 0\n");
	assert_int_equal(map_clear(&f->ses, m), 0);
	expect_map(f, m, 0, 0, "");
	close(fds[m->slot]);
}

static void
test_map_scalar_percpu(void **state)
{
	struct fixture *f = *state;
	int fds[N_INTERNAL_MAPS + 1], cpus = libbpf_num_possible_cpus();
	struct mapdesc maps[N_INTERNAL_MAPS + 1] = { 0 }, *m = &maps[N_INTERNAL_MAPS];
	struct { uint64_t v, set; } cells[512] = { 0 };

	*m = (struct mapdesc){ .val = largest(f), .bpf_type = BPF_MAP_TYPE_PERCPU_ARRAY, .max = 1 };
	use_map(f, m, fds);
	expect_map(f, m, 0, 0, "");
	cells[cpus - 1].v = 9;           /* one CPU's mark is enough */
	cells[cpus - 1].set = 1;
	assert_int_equal(bpf_map_update_elem(fds[m->slot], &(uint32_t){ 0 }, cells, 0), 0);
	expect_map(f, m, 0, 0, "@m: 9\n");
	assert_int_equal(map_clear(&f->ses, m), 0);
	expect_map(f, m, 0, 0, "");
	close(fds[m->slot]);
}

/* ---- the verifier's log ---- */
static const char log_access[] =
	"0: R1=ctx() R10=fp0\n"
	"; x = ctx[0] @ s.bt:3\n"
	"0: (79) r1 = *(u64 *)(r1 +0)          ; R1=scalar()\n"
	"12: (61) r0 = *(u32 *)(r1 +0)\n"
	"R1 invalid mem access 'scalar'\n"
	"processed 2 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0\n";

static void
test_verifier_log(void **state)
{
	struct buf words = { 0 };

	(void)state;
	assert_int_equal(verifier_last_insn(log_access), 12);
	assert_int_equal(verifier_last_insn(""), -1);
	assert_int_equal(verifier_last_insn("12 insns\n99: R1=2\n"), -1);
	verifier_last_words(log_access, &words);
	assert_string_equal(buf_cstr(&words), "R1 invalid mem access 'scalar'");
	buf_free(&words);
	verifier_last_words("processed 2 insns\n", &words);
	assert_string_equal(buf_cstr(&words), "");
	verifier_last_words("back-edge from insn 3 to 1\nprocessed 0 insns\nverification time 3 usec\nstack depth 0\n", &words);
	assert_string_equal(buf_cstr(&words), "back-edge from insn 3 to 1");
	buf_free(&words);
}

static void
test_verifier_place(void **state)
{
	struct fixture *f = *state;
	uint32_t lines[2][4] = { { 0, 0, 0, 1 << 10 | 1 }, { 12, 0, 0, 2 << 10 | 2 } };
	struct prog prog = { .section = "p0", .name = "p0", .prog_type = BPF_PROG_TYPE_TRACEPOINT, .at = { 0, 5, 0 } };
	struct code code = { .prog = &prog, .n = 20, .line_info = lines, .n_lines = 2, .line_size = 16 };
	const struct sonde_diag *d;

	assert_int_equal(verifier_explain(&f->ses, &code, -EACCES, log_access), -EACCES);
	d = sonde_diag_at(f->ctx, 0);
	assert_string_equal(d->tag, "E_VERIFIER");
	assert_int_equal(d->at.line, 2);
	assert_int_equal(d->at.col, 2);
	assert_int_equal(d->at.end_col, 8);
	assert_non_null(strstr(d->hint, "R1 invalid mem access"));
	diags_reset(f->ctx->diags);
	/* no instruction: the probe's own place */
	verifier_explain(&f->ses, &code, -EINVAL, "invalid func unknown#999\n");
	d = sonde_diag_at(f->ctx, 0);
	assert_string_equal(d->tag, "E_KERNEL");
	assert_string_equal(d->text, "this kernel has no BPF helper unknown#999 for tracepoint programs");
	assert_int_equal(d->at.line, 1);
	diags_reset(f->ctx->diags);
	verifier_explain(&f->ses, &code, -EINVAL, "");
	assert_string_equal(sonde_diag_at(f->ctx, 0)->tag, "E_KERNEL");
}

static void
test_links(void **state)
{
	struct links links = { 0 };

	(void)state;
	for (int i = 0; i < 40; i++)
		assert_int_equal(links_add(&links, dup(1)), 0);
	assert_int_equal(links.n, 40);
	int last = links.fd[39];
	links_close(&links);
	assert_int_equal(links.n, 0);
	assert_int_equal(dup2(last, last), -1);
	links_close(&links);
}

#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_event_lengths), T(test_event_index), T(test_places), T(test_errors_and_events), T(test_statuses), T(test_scalars),
		T(test_text), T(test_compounds), T(test_records), T(test_stacks), T(test_typed_values), T(test_printf_numbers),
		T(test_typed_fields), T(test_printf_values), T(test_times), T(test_histograms), T(test_map_order), T(test_map_order_by_key), T(test_map_many),
		T(test_map_one_by_one), T(test_map_merge), T(test_map_scalar), T(test_map_scalar_percpu), T(test_verifier_log),
		T(test_verifier_place), T(test_links),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
