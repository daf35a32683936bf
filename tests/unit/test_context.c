/* test_context.c - the context: options, log, small files, the way to tracefs. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>
#include "image/context.h"

static int
log_event(void *ud, const struct sonde_event *ev)
{
	if (ev->kind == SONDE_EV_LOG)
		buf_add(ud, ev->text, ev->len);
	return 0;
}

static void
options_are_copied(void **state)
{
	char path[] = "/some/btf", root[] = "/root";
	struct sonde_opts opts = { .size = sizeof(opts), .btf_path = path, .pid = 3, .sysroot = root };
	struct sonde *ctx;

	(void)state;
	assert_int_equal(context_new(&opts, &ctx), SONDE_OK);
	memset(path, 0, sizeof(path));
	memset(root, 0, sizeof(root));
	assert_string_equal(ctx->opts.btf_path, "/some/btf");
	assert_string_equal(ctx->opts.sysroot, "/root");
	assert_int_equal(ctx->opts.pid, 3);
	assert_null(ctx->opts.dump);
	context_free(ctx);
	opts.size = offsetof(struct sonde_opts, pid); /* an older caller: what lies behind is not ours to read */
	opts.btf_path = NULL;
	assert_int_equal(context_new(&opts, &ctx), SONDE_OK);
	assert_int_equal(ctx->opts.pid, 0);
	assert_string_equal(ctx->opts.sysroot, "");
	context_free(ctx);
	assert_int_equal(context_new(NULL, &ctx), SONDE_OK);
	assert_string_equal(ctx->opts.sysroot, "");
	assert_int_equal(ctx->tracefs, -1);
	context_free(ctx);
	context_free(NULL);
}

static void
logs_are_sent_when_wanted(void **state)
{
	struct buf b = { 0 };
	struct sonde_opts opts = { .size = sizeof(opts), .event = log_event, .ud = &b };
	struct sonde *ctx;

	(void)state;
	context_new(&opts, &ctx);
	context_log(ctx, "%d ", 1);
	context_log_text(ctx, "two ", 4);
	context_free(ctx);
	opts.flags = SONDE_VERBOSE;
	context_new(&opts, &ctx);
	context_log(ctx, "%d", 3);
	context_free(ctx);
	assert_string_equal(buf_cstr(&b), "two 3");
	buf_free(&b);
}

static void
files_are_read_to_their_end(void **state)
{
	char path[] = "/tmp/sonde-test-XXXXXX", *text, *block = calloc(1, 20000);
	int fd = mkstemp(path);

	(void)state;
	for (size_t n = 0; n <= 20000; n += n < 4090 || n > 4100 ? 4090 / 2 : 1) { /* around the first buffer's end */
		memset(block, 'x', n);
		assert_int_equal(pwrite(fd, block, n, 0), (ssize_t)n);
		assert_int_equal(file_read(AT_FDCWD, path, &text), (ssize_t)n);
		assert_int_equal(strlen(text), n);
		mem_free(text);
	}
	assert_int_equal(file_read(AT_FDCWD, "/nowhere/at/all", &text), -ENOENT);
	assert_null(text);
	assert_int_equal(file_read(AT_FDCWD, "/", &text), -EISDIR);
	assert_null(text);
	assert_true(file_read(AT_FDCWD, "/proc/self/status", &text) > 100);
	mem_free(text);
	close(fd);
	unlink(path);
	free(block);
}

static void
tracefs_is_found_under_a_sysroot(void **state)
{
	char root[] = "/tmp/sonde-test-XXXXXX", command[200];
	struct sonde_opts opts = { .size = sizeof(opts), .sysroot = root };
	const char *why = NULL;
	struct stat st;
	struct sonde *ctx;

	(void)state;
	assert_non_null(mkdtemp(root));
	context_new(&opts, &ctx);
	assert_int_equal(context_tracefs(ctx, &why), -ENOENT);
	assert_non_null(why);
	assert_null(strchr(why, '\n'));
	snprintf(command, sizeof(command), "mkdir -p %s/sys/kernel/debug/tracing/events/sched", root);
	assert_int_equal(system(command), 0);
	int fd = context_tracefs(ctx, &why);

	assert_true(fd >= 0);
	assert_int_equal(fstatat(fd, "events/sched", &st, 0), 0);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(context_tracefs(ctx, &why), fd);
	context_free(ctx);
	assert_int_equal(fcntl(fd, F_GETFD), -1); /* the context owned it */
	snprintf(command, sizeof(command), "rm -r %s", root);
	assert_int_equal(system(command), 0);
}

static void
tracefs_leaves_the_mount_table_alone(void **state)
{
	char *before, *after;
	const char *why = NULL;
	struct stat st;
	struct sonde *ctx;
	int fd;

	(void)state;
	file_read(AT_FDCWD, "/proc/self/mountinfo", &before);
	context_new(NULL, &ctx);
	fd = context_tracefs(ctx, &why);
	if (fd >= 0) {
		assert_int_equal(fstatat(fd, "events/sched/sched_switch/format", &st, 0), 0);
		assert_true(file_read(fd, "events/sched/sched_switch/format", &after) > 0);
		assert_non_null(strstr(after, "name: sched_switch"));
		mem_free(after);
		file_read(AT_FDCWD, "/proc/self/mountinfo", &after);
		assert_string_equal(before, after);
		mem_free(after);
	}
	mem_free(before);
	context_free(ctx);
	if (fd < 0) {                            /* not root, or a kernel without it: then the reason is one line */
		assert_non_null(why);
		assert_null(strchr(why, '\n'));
		print_message("skipped: %s\n", why);
		skip();
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_copied),
		cmocka_unit_test(logs_are_sent_when_wanted),
		cmocka_unit_test(files_are_read_to_their_end),
		cmocka_unit_test(tracefs_is_found_under_a_sysroot),
		cmocka_unit_test(tracefs_leaves_the_mount_table_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
