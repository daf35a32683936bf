/* test_image.c - images: saved, loaded, damaged, verified. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <linux/bpf.h>
#include <cmocka.h>
#include "image/inner.h"

/* ---- images ---- */

static const char source[] = "begin { @x[pid] = count(); }\0with a zero byte";
static const uint8_t elf[64] = { 0x7f, 'E', 'L', 'F', 2, 1, 1, [18] = 247 };

static const struct type *
every_kind(struct sonde_image *img)
{
	struct types *ts = img->types;
	const struct type *i8 = type_int(ts, 1, true), *u64 = type_int(ts, 8, false), *s3 = type_str(ts, 3);
	struct field f[] = { { .name = "a", .type = i8 }, { .name = NULL, .type = s3, .off = 1 },
			     { .name = "bits", .type = type_int(ts, 4, false), .off = 4, .bit_off = 3, .bit_len = 7 },
			     { .name = "text", .type = s3, .off = 8, .is_data_loc = true } };
	struct enumval vals[] = { { "MINUS", -1 }, { "BIG", INT64_MAX }, { "SMALL", INT64_MIN } };
	struct type *open = type_open(ts, "struct task_struct", 24, false, source, 42);
	const struct type *elems[] = {
		i8, type_bool(ts), type_void(ts), u64, s3, type_bytes(ts, 7), type_ptr(ts, NULL, AS_BPF),
		type_ptr(ts, open, AS_KERNEL), type_array(ts, type_array(ts, i8, 3), 2), type_record(ts, "struct f", 12, false, f, 4),
		type_record(ts, "union u", 12, true, f, 2), type_tuple(ts, (const struct type *[]){ u64, s3 }, 2),
		type_tuple(ts, NULL, 0), type_stack(ts, false, 5, STACK_PERF), type_stack(ts, true, 5, STACK_RAW),
		type_enum(ts, "enum e", 8, true, vals, 3), type_word(ts, "boot"), open,
		type_fmt(ts, u64, run_find_fmt("ksym_t")),
	};

	/* The record holds a pointer to itself once its fields are read: saving must not follow it for ever. */
	struct field *own = arena_alloc(img->keep, 3 * sizeof(*own));

	own[0] = (struct field){ .name = "next", .type = type_ptr(ts, open, AS_KERNEL) };
	own[1] = (struct field){ .name = "many", .type = type_ptr(ts, type_array(ts, open, 4), AS_KERNEL), .off = 8 };
	own[2] = (struct field){ .name = "id", .type = i8, .off = 16 };
	open->fields = own;
	open->n = 3;
	open->is_open = false;
	return type_tuple(ts, elems, LENGTH(elems));
}

static void
set_map(struct mapdesc *m, const char *name, uint32_t slot, uint32_t bpf_type, const struct type *key, const struct type *val)
{
	*m = (struct mapdesc){ .name = name, .slot = slot, .bpf_type = bpf_type, .key = key, .val = val, .max = 1,
			       .key_size = key ? key->size : 4, .val_size = val ? val->size : 8, .first = NO_SPAN };
	m->is_percpu = bpf_type == BPF_MAP_TYPE_PERCPU_HASH || bpf_type == BPF_MAP_TYPE_PERCPU_ARRAY;
}

static void
set_maps(struct sonde_image *img)
{
	struct types *ts = img->types;
	const struct type *key = every_kind(img);
	const struct aggr *count = run_find_aggr("count");

	img->n_maps = N_INTERNAL_MAPS + 2;
	img->maps = arena_alloc(img->keep, img->n_maps * sizeof(*img->maps));
	set_map(&img->maps[MAP_RING], ".ring", MAP_RING, BPF_MAP_TYPE_RINGBUF, NULL, NULL);
	set_map(&img->maps[MAP_STATE], ".state", MAP_STATE, BPF_MAP_TYPE_ARRAY, NULL, NULL);
	img->maps[MAP_RING].max = 4096;
	img->maps[MAP_STATE].val_size = sizeof(struct run_state) + 16;
	set_map(&img->maps[MAP_SCRATCH], ".scratch", MAP_SCRATCH, 0, NULL, NULL);
	set_map(&img->maps[MAP_ZERO], ".zero", MAP_ZERO, 0, NULL, NULL);
	img->maps[MAP_SCRATCH].max = img->maps[MAP_ZERO].max = 0;
	set_map(&img->maps[4], "@x", 4, BPF_MAP_TYPE_PERCPU_HASH, key, type_aggr(ts, count, NULL, NULL));
	img->maps[4].max = 4096;
	img->maps[4].first = (struct span){ 8, 2, 0 };
	set_map(&img->maps[5], "@s", 5, BPF_MAP_TYPE_ARRAY, NULL, type_str(ts, 5));
	img->maps[5].is_scalar = img->maps[5].is_declared = img->maps[5].is_atomic = true;
	img->maps[5].set_off = 8;
	img->maps[5].val_size = 16;
}

static void
set_progs(struct sonde_image *img)
{
	img->n_targets = 3;
	img->targets = arena_alloc(img->keep, img->n_targets * sizeof(*img->targets));
	img->targets[0] = (struct target){ .provider = "begin", .name = "begin", .at = { 0, 5, 0 } };
	img->targets[1] = (struct target){ .provider = "tracepoint", .name = "tracepoint:sched:sched_switch",
					   .part = { "sched", "sched_switch" }, .num = 2, .num2 = UINT64_MAX, .at = NO_SPAN };
	img->targets[2] = img->targets[1];
	img->targets[2].name = "tracepoint:sched:sched_waking";
	img->targets[2].part[1] = "sched_waking";
	for (int i = 0; i < 3; i++)
		img->targets[i].run = run_find_provider(img->targets[i].provider);
	img->n_progs = 2;
	img->progs = arena_alloc(img->keep, img->n_progs * sizeof(*img->progs));
	img->progs[0] = (struct prog){ .section = "p0", .name = "begin", .prog_type = BPF_PROG_TYPE_RAW_TRACEPOINT,
				       .targets = img->targets, .n_targets = 1 };
	img->progs[1] = (struct prog){ .section = "p1", .name = "sched_switch_1", .prog_type = BPF_PROG_TYPE_TRACING,
				       .attach_type = BPF_TRACE_RAW_TP, .btf_attach = "btf_trace_sched_switch", .btf_kind = 8,
				       .targets = img->targets + 1, .first_target = 1, .n_targets = 2, .at = { 1, 2, 0 } };
}

/* Filled with what the rows of this build accept. */
static struct sonde_image *
handmade(void)
{
	struct sonde_image *img = image_new();
	struct types *ts = img->types;
	const struct type *u64 = type_int(ts, 8, false);

	img->source_name = "one.bt";
	img->source = source;
	img->source_len = sizeof(source) - 1;
	img->kernel_id = "0123abcd";
	img->license = "GPL";
	img->elf = elf;
	img->elf_len = sizeof(elf);
	img->max_payload = 64;
	img->config = (struct image_config){ 1, 10240, STACK_PERF, 1, 1 << 20, ".." };
	set_maps(img);
	set_progs(img);
	img->n_actions = 2;
	img->actions = arena_alloc(img->keep, 2 * sizeof(*img->actions));
	img->actions[0] = (struct action){ .builtin = "printf", .run = run_find_builtin("printf"), .fmt = "%d \"x\"\n", .map = -1,
					   .payload = type_tuple(ts, &u64, 1), .at = { 8, 4, 0 } };
	img->actions[1] = (struct action){ .builtin = "print", .run = run_find_builtin("print"), .map = 4, .num = { 5, 2 }, .n_num = 2,
					   .payload = type_tuple(ts, NULL, 0), .at = { 1, 1, 3 } };
	img->n_errors = 1;
	img->errors = arena_alloc(img->keep, sizeof(*img->errors));
	img->errors[0] = (struct errsite){ RE_MAP_FULL, "map_update_elem", { 8, 4, 0 } };
	return img;
}

static int
write_buf(void *ud, const void *data, size_t len)
{
	buf_add(ud, data, len);
	return 0;
}

static int
write_nothing(void *ud, const void *data, size_t len)
{
	(void)ud, (void)data, (void)len;
	return -EPIPE;
}

static struct buf
saved(const struct sonde_image *img)
{
	struct buf b = { 0 };

	assert_int_equal(image_save(img, write_buf, &b), 0);
	assert_false(b.failed);
	return b;
}

static void
dump_is_for_people(void **state)
{
	struct sonde_image *img = handmade();
	struct buf b = { 0 };

	(void)state;
	img->maps[4].key = type_int(img->types, 4, false);
	image_dump(img, &b);
	assert_string_equal(buf_cstr(&b), "prog 0 begin\n"
					  "prog 1 tracepoint:sched:sched_switch\n"
					  "       tracepoint:sched:sched_waking\n"
					  "map @x  key uint32  val count_t  per-cpu  max 4096\n"
					  "map @s  val string[5]  atomic\n"
					  "action 0 printf \"%d \\\"x\\\"\\n\" (uint64)\n"
					  "action 1 print @x 5 2 ()\n");
	buf_free(&b);
	image_unref(img);
}

static void
assert_same_tables(const struct sonde_image *a, const struct sonde_image *b)
{
	assert_int_equal(a->n_maps, b->n_maps);
	for (uint32_t i = 0; i < a->n_maps; i++) {
		const struct mapdesc *x = &a->maps[i], *y = &b->maps[i];

		assert_string_equal(x->name, y->name);
		assert_int_equal(!x->key, !y->key);
		assert_int_equal(!x->val, !y->val);
		assert_int_equal(x->bpf_type, y->bpf_type);
		assert_int_equal(x->key_size, y->key_size);
		assert_int_equal(x->val_size, y->val_size);
		assert_int_equal(x->max, y->max);
		assert_int_equal(x->slot, y->slot);
		assert_int_equal(x->set_off, y->set_off);
		assert_true(x->is_percpu == y->is_percpu && x->is_atomic == y->is_atomic && x->is_declared == y->is_declared &&
			    x->is_scalar == y->is_scalar);
		assert_true(x->first.off == y->first.off && x->first.len == y->first.len && x->first.file == y->first.file);
	}
	for (uint32_t i = 0; i < a->n_targets; i++) {
		const struct target *x = &a->targets[i], *y = &b->targets[i];

		assert_string_equal(x->provider, y->provider);
		assert_string_equal(x->name, y->name);
		assert_ptr_equal(x->run, y->run);
		assert_true(x->num == y->num && x->num2 == y->num2 && !x->part[0] == !y->part[0] && !y->part[3]);
		if (x->part[1])
			assert_string_equal(x->part[1], y->part[1]);
	}
	for (uint32_t i = 0; i < a->n_progs; i++) {
		const struct prog *x = &a->progs[i], *y = &b->progs[i];

		assert_string_equal(x->section, y->section);
		assert_string_equal(x->name, y->name);
		assert_true(x->prog_type == y->prog_type && x->attach_type == y->attach_type && x->btf_kind == y->btf_kind);
		assert_true(!x->btf_attach == !y->btf_attach && x->n_targets == y->n_targets && x->first_target == y->first_target);
		assert_ptr_equal(y->targets, b->targets + y->first_target);
	}
}

static void
a_saved_image_comes_back(void **state)
{
	struct sonde_image *img = handmade(), *back;
	struct diags *d = diags_new();
	const char *why = NULL;
	struct buf bytes, a = { 0 }, b = { 0 };

	(void)state;
	if (!image_verify(img, &why))
		fail_msg("%s", why);
	bytes = saved(img);
	assert_int_equal(image_save(img, write_nothing, NULL), -EPIPE);
	back = image_load(bytes.data, bytes.len, d);
	if (!back)
		fail_msg("%s", diags_at(d, 0) ? diags_at(d, 0)->text : "no memory");
	assert_int_equal(diags_count(d), 0);
	assert_same_tables(img, back);
	image_dump(img, &a);
	image_dump(back, &b);
	assert_string_equal(buf_cstr(&a), buf_cstr(&b)); /* names of all types and what the actions say */
	assert_int_equal(back->source_len, img->source_len);
	assert_memory_equal(back->source, source, sizeof(source));
	assert_string_equal(back->source_name, "one.bt");
	assert_string_equal(back->kernel_id, "0123abcd");
	assert_string_equal(back->license, "GPL");
	assert_int_equal(back->elf_len, sizeof(elf));
	assert_memory_equal(back->elf, elf, sizeof(elf));
	assert_int_equal((uintptr_t)back->elf % 8, 0);
	assert_int_equal(back->max_payload, 64);
	assert_int_equal(back->config.log_size, 1 << 20);
	assert_string_equal(back->config.str_trunc_trailer, "..");
	assert_int_equal(back->n_errors, 1);
	assert_int_equal(back->errors[0].what, RE_MAP_FULL);
	assert_string_equal(back->errors[0].detail, "map_update_elem");
	assert_int_equal(back->actions[0].at.off, 8);
	assert_int_equal(back->actions[1].at.file, 0xffff); /* another file's place: not saved */
	assert_int_equal(back->actions[1].num[1], 2);
	assert_ptr_equal(back->actions[1].run, run_find_builtin("print"));
	buf_free(&a);
	buf_free(&b);
	a = saved(back);                         /* and saving it again gives the same bytes */
	assert_int_equal(a.len, bytes.len);
	assert_memory_equal(a.data, bytes.data, a.len);
	buf_free(&a);
	buf_free(&bytes);
	image_unref(img);
	image_unref(back);
	diags_free(d);
}

static void
types_come_back_in_every_detail(void **state)
{
	struct sonde_image *img = handmade(), *back;
	struct diags *d = diags_new();
	struct buf bytes = saved(img);
	const struct type *t, *key = img->maps[4].key;

	(void)state;
	back = image_load(bytes.data, bytes.len, d);
	assert_non_null(back);
	t = back->maps[4].key;
	assert_int_equal(t->size, key->size);
	assert_int_equal(t->n, key->n);
	for (uint32_t i = 0; i < t->n; i++) {
		const struct type *x = key->fields[i].type, *y = t->fields[i].type;

		assert_int_equal(t->fields[i].off, key->fields[i].off);
		assert_true(x->kind == y->kind && x->size == y->size && x->align == y->align && x->n == y->n);
		assert_true(x->is_signed == y->is_signed && x->is_union == y->is_union && x->is_user == y->is_user);
		assert_true(x->space == y->space && x->fmt == y->fmt && x->param[0] == y->param[0]);
	}
	assert_string_equal(t->fields[15].type->enums[2].name, "SMALL");
	assert_true(t->fields[15].type->enums[2].value == INT64_MIN);
	const struct field *f = t->fields[9].type->fields;

	assert_null(f[1].name);
	assert_true(f[2].bit_off == 3 && f[2].bit_len == 7 && f[3].is_data_loc);
	assert_string_equal(t->fields[17].type->fields[2].name, "id");
	assert_true(t->fields[7].type->elem->is_open && !t->fields[7].type->elem->fields); /* behind a pointer: the name only */
	assert_ptr_equal(back->maps[4].val->aggr, run_find_aggr("count"));
	image_unref(img);
	image_unref(back);
	buf_free(&bytes);
	diags_free(d);
}

/* ---- damage ---- */

/* True when it is refused, with exactly one message. */
static bool
is_refused(const void *data, size_t len)
{
	struct diags *d = diags_new();
	char *copy = malloc(len ? len : 1);      /* of exact size, so that the sanitizer sees a step too far */
	struct sonde_image *img;
	bool refused;

	memcpy(copy, data, len);
	img = image_load(copy, len, d);
	refused = !img && diags_errors(d) == 1 && strcmp(diags_at(d, 0)->tag, "E_IMAGE") == 0;
	if (img) {                               /* accepted: then everything must work on it */
		struct buf b = { 0 };

		image_dump(img, &b);
		buf_free(&b);
	}
	image_unref(img);
	free(copy);
	diags_free(d);
	return refused;
}

static void
every_truncation_is_refused(void **state)
{
	struct sonde_image *img = handmade();
	struct buf bytes = saved(img);

	(void)state;
	for (size_t n = 0; n < bytes.len; n++) {
		assert_true(is_refused(bytes.data, n));
		if (n >= IMAGE_HEADER) {         /* also when the header agrees with what is left */
			char *copy = malloc(n);

			memcpy(copy, bytes.data, n);
			image_seal(copy, n);
			assert_true(is_refused(copy, n));
			free(copy);
		}
	}
	buf_char(&bytes, 0);
	assert_true(is_refused(bytes.data, bytes.len));
	image_seal(bytes.data, bytes.len);
	assert_true(is_refused(bytes.data, bytes.len));
	buf_free(&bytes);
	image_unref(img);
}

static void
every_flipped_bit_is_noticed(void **state)
{
	struct sonde_image *img = handmade();
	struct buf bytes = saved(img);

	(void)state;
	for (size_t i = 0; i < bytes.len * 8; i++) {
		bytes.data[i / 8] ^= (char)(1 << i % 8);
		assert_true(is_refused(bytes.data, bytes.len));
		bytes.data[i / 8] ^= (char)(1 << i % 8);
	}
	buf_free(&bytes);
	image_unref(img);
}

/* With a checksum that agrees the reader itself must keep its feet; what it accepts must be sound. */
static void
every_changed_byte_is_safe(void **state)
{
	static const uint8_t values[] = { 0, 1, 2, 0x7f, 0x80, 0xff };
	struct sonde_image *img = handmade();
	struct buf bytes = saved(img);
	unsigned n_refused = 0;

	(void)state;
	for (size_t i = IMAGE_HEADER; i < bytes.len; i++) {
		char old = bytes.data[i];

		for (size_t k = 0; k < LENGTH(values) + 8; k++) {
			bytes.data[i] = k < LENGTH(values) ? (char)values[k] : (char)(old ^ 1 << (k - LENGTH(values)));
			image_seal(bytes.data, bytes.len);
			n_refused += is_refused(bytes.data, bytes.len);
		}
		bytes.data[i] = old;
	}
	assert_true(n_refused > bytes.len);      /* most places are checked */
	buf_free(&bytes);
	image_unref(img);
}

static bool
is_image_refused(const struct sonde_image *img)
{
	struct buf bytes = saved(img);
	bool refused = is_refused(bytes.data, bytes.len);

	buf_free(&bytes);
	return refused;
}

/* What a row's code takes for granted: it would look behind a table, or at nothing. */
static void
rows_refuse_what_they_cannot_run(void **state)
{
	static const struct enumval one[] = { { "ONE", 1 } };
	struct sonde_image *img = handmade();
	const struct type *stamp = type_fmt(img->types, type_enum(img->types, "enum e", 8, false, one, 1), run_find_fmt("timestamp"));

	(void)state;
	assert_false(is_image_refused(img));
	img->targets[1].num = 3;
	assert_true(is_image_refused(img));
	img->targets[1].num = 0;
	img->targets[1].part[1] = NULL;
	assert_true(is_image_refused(img));
	img->targets[1].part[1] = "sched_switch";
	img->actions[0].payload = type_tuple(img->types, &stamp, 1);
	assert_true(is_image_refused(img));
	image_unref(img);
}

static void
refusals_say_why(void **state)
{
	static const struct { const char *bytes; size_t len; const char *text; } row[] = {
		{ "", 0, "this is not a compiled script (it does not begin with SONDEIMG)" },
		{ "#!/bin/sh\n", 10, "this is not a compiled script (it does not begin with SONDEIMG)" },
		{ "SONDEIMG", 8, "the image is damaged: it ends too early" },
		{ "SONDEIMG\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32,
		  "the image has version 2 of the format, this build reads version 1: compile the script again" },
		{ "SONDEIMG\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32, "the image is damaged: its length is not what it says" },
		{ "SONDEIMG\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 32, "the image is damaged: its checksum is wrong" },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(row); i++) {
		struct diags *d = diags_new();

		assert_null(image_load(row[i].bytes, row[i].len, d));
		assert_int_equal(diags_errors(d), 1);
		assert_string_equal(diags_at(d, 0)->text, row[i].text);
		diags_free(d);
	}
}

/* What the run side relies on, one broken promise at a time. */
static void
verify_finds_each_contradiction(void **state)
{
#define BREAK(change) do { \
		struct sonde_image *img = handmade(); \
		const char *why = NULL; \
		assert_true(image_verify(img, &why)); \
		change; \
		assert_false(image_verify(img, &why)); \
		assert_non_null(why); \
		image_unref(img); \
	} while (0)
	(void)state;
	BREAK(img->n_maps = 3);
	BREAK(img->maps[4].slot = 5);
	BREAK(img->maps[4].name = "x");
	BREAK(img->maps[4].key_size = 3);
	BREAK(img->maps[4].val_size = 7);
	BREAK(img->maps[4].val = NULL);
	BREAK(img->maps[4].key = NULL);
	BREAK(img->maps[4].is_percpu = false);
	BREAK(img->maps[4].bpf_type = BPF_MAP_TYPE_STACK_TRACE);
	BREAK(img->maps[4].max = 0);
	BREAK(img->maps[4].first.off = 1000);
	BREAK(img->maps[5].set_off = 9);
	BREAK(img->maps[5].set_off = 4);
	BREAK(img->maps[5].max = 2);
	BREAK(img->maps[5].is_scalar = false);
	BREAK(img->maps[MAP_RING].bpf_type = BPF_MAP_TYPE_ARRAY);
	BREAK(img->maps[4].val_size = 1 << 20);
	BREAK(img->maps[5].val_size = 1 << 26);
	BREAK(img->maps[MAP_STATE].val_size -= 8);
	BREAK(img->maps[MAP_STATE].max = 0);
	BREAK(img->progs[1].n_targets = 1);
	BREAK(img->progs[1].first_target = 0);
	BREAK(img->progs[0].n_targets = 0);
	BREAK(img->progs[1].targets = img->targets);
	BREAK(img->progs[0].section = "");
	BREAK(img->progs[0].name = "a b");
	BREAK(img->progs[0].prog_type = 0);
	BREAK(img->targets[1].run = NULL);
	BREAK(img->targets[1].run = img->targets[0].run);
	BREAK(img->targets[1].name = NULL);
	BREAK(img->actions[0].payload = type_int(img->types, 8, false));
	BREAK(img->actions[0].run = NULL);
	BREAK(img->actions[1].map = 6);
	BREAK(img->actions[1].map = 0);
	BREAK(img->actions[1].n_num = 3);
	BREAK(img->max_payload = 7);
	BREAK(img->errors[0].what = N_RUN_ERRORS);
	BREAK(img->errors[0].at.len = 1000);
	BREAK(img->elf_len = 63);
	BREAK(img->elf = (const uint8_t *)source);
	BREAK(img->license = NULL);
	BREAK(img->config.stack_mode = N_STACK_MODES);
#undef BREAK
}

static void
references_are_counted(void **state)
{
	struct sonde_image *img = image_new();

	(void)state;
	atomic_fetch_add(&img->refs, 1);
	image_unref(img);
	assert_int_equal(atomic_load(&img->refs), 1);
	image_unref(img);
	image_unref(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dump_is_for_people),
		cmocka_unit_test(a_saved_image_comes_back),
		cmocka_unit_test(types_come_back_in_every_detail),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(every_flipped_bit_is_noticed),
		cmocka_unit_test(every_changed_byte_is_safe),
		cmocka_unit_test(rows_refuse_what_they_cannot_run), cmocka_unit_test(refusals_say_why),
		cmocka_unit_test(verify_finds_each_contradiction),
		cmocka_unit_test(references_are_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
