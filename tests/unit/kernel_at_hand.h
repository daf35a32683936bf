/* kernel_at_hand.h - what the tests of the questions to the kernel share: a kernel opened over a tree, lists, trees of their own. */
#ifndef TESTS_KERNEL_AT_HAND_H
#define TESTS_KERNEL_AT_HAND_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include "sema/sema.h"

#ifndef SONDE_TEST_DATA
#define SONDE_TEST_DATA "tests/data"
#endif
#define FAKE_ROOT SONDE_TEST_DATA "/kernel"
#define FAKE_BTF FAKE_ROOT "/sys/kernel/btf/vmlinux"

/* ---- a kernel at hand ---- */

struct fixture { struct sonde *ctx; struct kernel *k; struct arena *mem; struct types *ts; };

static inline struct fixture
open_kernel(const char *sysroot, const char *btf_path)
{
	struct sonde_opts opts = { .size = sizeof(opts), .sysroot = sysroot, .btf_path = btf_path };
	struct fixture f;

	assert_int_equal(context_new(&opts, &f.ctx), SONDE_OK);
	f.k = kernel_open(f.ctx);
	assert_non_null(f.k);
	f.mem = arena_new();
	f.ts = types_new(f.mem);
	return f;
}

static inline void
close_kernel(struct fixture *f)
{
	kernel_close(f->k);
	arena_free(f->mem);
	context_free(f->ctx);
}

static inline void
expect_type(struct fixture *f, const char *name, const char *want)
{
	const struct type *t = kernel_type(f->k, f->ts, name);

	if (!t)
		fail_msg("%s is not known", name);
	if (strcmp(type_name(f->mem, t), want) != 0)
		fail_msg("%s is %s, not %s", name, type_name(f->mem, t), want);
}

/* "type @ off" or "type @ off : bit_off + bit_len". */
static inline void
expect_field(struct fixture *f, const char *record, const char *name, const char *want)
{
	const struct type *t = kernel_type(f->k, f->ts, record);
	struct field field;
	struct buf b = { 0 };

	if (!t || !kernel_field(f->k, f->ts, t, name, &field))
		fail_msg("%s has no %s", record, name);
	buf_fmt(&b, "%s @ %u", type_name(f->mem, field.type), field.off);
	if (field.bit_len)
		buf_fmt(&b, " : %u + %u", field.bit_off, field.bit_len);
	if (strcmp(buf_cstr(&b), want) != 0)
		fail_msg("%s.%s is %s, not %s", record, name, buf_cstr(&b), want);
	buf_free(&b);
}

struct seen { struct buf text; int stop_after; };

static inline int
note_name(void *ud, const char *name, const char *doc)
{
	struct seen *s = ud;

	(void)doc;
	buf_fmt(&s->text, "%s ", name);
	return s->stop_after && !--s->stop_after ? 77 : 0;
}

static inline void
expect_seen(struct seen *s, int got, int want, const char *text)
{
	assert_string_equal(buf_cstr(&s->text), text);
	assert_int_equal(got, want);
	buf_free(&s->text);
}

/* ---- a tree of one's own ---- */

static char tree[64];                    /* "": none */

static const char *
in_tree(const char *path)
{
	static char full[256];

	snprintf(full, sizeof(full), "%s%s", tree, path);
	return full;
}

static inline void
write_file(const char *path, const void *data, size_t len)
{
	char dir[256];
	FILE *file;

	snprintf(dir, sizeof(dir), "%s", in_tree(path));
	for (char *slash = strchr(dir + strlen(tree) + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		(void)mkdir(dir, 0700);
		*slash = '/';
	}
	file = fopen(dir, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	fclose(file);
}

static inline void
write_text(const char *path, const char *text)
{
	write_file(path, text, strlen(text));
}

static inline int
make_tree(void **state)
{
	(void)state;
	strcpy(tree, "/tmp/sonde-kernel-XXXXXX");
	return mkdtemp(tree) ? 0 : -1;
}

static inline int
drop_tree(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", tree);
	return system(command);
}
#endif
