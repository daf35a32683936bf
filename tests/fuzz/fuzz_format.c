/* fuzz_format.c - any bytes as a tracepoint's format file. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>
#include "sema/sema.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const char event_dir[] = "/sys/kernel/tracing/events/syscalls/e";

/* Makes the event's directory below root; the path of its format file. */
static void
make_event(const char *root, char *path, size_t size)
{
	snprintf(path, size, "%s%s", root, event_dir);
	for (char *slash = path + strlen(root) + 1; slash; slash = strchr(slash + 1, '/')) {
		char was = *slash;

		if (was != '/')
			continue;
		*slash = 0;
		(void)mkdir(path, 0700);
		*slash = was;
	}
	(void)mkdir(path, 0700);
	strcat(path, "/format");
}

static void
remove_event(const char *root, char *path)
{
	unlink(path);
	for (char *slash = strrchr(path, '/'); slash && slash >= path + strlen(root); slash = strrchr(path, '/')) {
		*slash = 0;
		rmdir(path);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char root[] = "/tmp/sonde-fuzz-XXXXXX", path[256];
	struct sonde_opts opts = { .size = sizeof(opts), .sysroot = root, .btf_path = "tests/data/kernel/sys/kernel/btf/vmlinux" };
	struct arena *mem = arena_new();
	const struct type *t;
	struct buf text = { 0 };
	struct kernel *k;
	struct sonde *ctx;
	const char *why;
	int fd;

	if (!mem || !mkdtemp(root) || context_new(&opts, &ctx) != SONDE_OK)
		abort();
	make_event(root, path, sizeof(path));
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, len) != (ssize_t)len)
		abort();
	close(fd);
	k = kernel_open(ctx);
	t = kernel_tracepoint_args(k, types_new(mem), "syscalls", "e", &why);
	for (uint32_t i = 0; t && i < t->n; i++)
		if (t->fields[i].off > t->size || !t->fields[i].name || !*t->fields[i].name ||
		    (!t->fields[i].is_data_loc && t->fields[i].type->size > t->size - t->fields[i].off))
			abort();
	kernel_tracepoint_text(k, "syscalls", "e", &text);
	buf_free(&text);
	kernel_close(k);
	arena_free(mem);
	context_free(ctx);
	remove_event(root, path);
	return 0;
}
