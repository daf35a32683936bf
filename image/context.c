/* context.c - the context behind a sonde handle: its copy of the options, its way to tracefs, its log. */
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "image/context.h"

/* ---- life ---- */

/* Owns its strings afterwards; "" stands for a sysroot that was not given. */
static bool
copy_opts(struct sonde_opts *own, const struct sonde_opts *opts)
{
	if (opts)                        /* callers older than us know fewer fields, newer ones more */
		memcpy(own, opts, opts->size < sizeof(*own) ? opts->size : sizeof(*own));
	own->size = sizeof(*own);
	const char *btf_path = own->btf_path, *dump = own->dump, *sysroot = own->sysroot ? own->sysroot : "";
	const char *config = own->config;
	const char *path = own->search_path ? own->search_path : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

	own->search_path = mem_strdup(path);
	own->btf_path = mem_strdup(btf_path);
	own->dump = mem_strdup(dump);
	own->sysroot = mem_strdup(sysroot);
	own->config = mem_strdup(config);
	return (own->btf_path || !btf_path) && (own->dump || !dump) && (own->config || !config) && own->sysroot && own->search_path;
}

int
context_new(const struct sonde_opts *opts, struct sonde **out)
{
	struct sonde *ctx = mem_alloc(sizeof(*ctx));

	*out = NULL;
	if (!ctx)
		return SONDE_ENOMEM;
	ctx->tracefs = -1;
	ctx->diags = diags_new();
	if (!copy_opts(&ctx->opts, opts) || !ctx->diags) {
		context_free(ctx);
		return SONDE_ENOMEM;
	}
	*out = ctx;
	return SONDE_OK;
}

void
context_free(struct sonde *ctx)
{
	if (!ctx)
		return;
	if (ctx->kernel && ctx->kernel_close)
		ctx->kernel_close(ctx->kernel);
	if (ctx->tracefs >= 0)
		close(ctx->tracefs);
	diags_free(ctx->diags);
	mem_free((char *)ctx->opts.btf_path);
	mem_free((char *)ctx->opts.dump);
	mem_free((char *)ctx->opts.sysroot);
	mem_free((char *)ctx->opts.search_path);
	mem_free((char *)ctx->opts.config);
	mem_free(ctx);
}

/* ---- tracefs ---- */

/* The directory, when it is one that holds events; else -errno. */
static int
open_events_parent(int dirfd, const char *path)
{
	struct stat st;
	int err, fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstatat(fd, "events", &st, 0) == 0 && S_ISDIR(st.st_mode))
		return fd;
	err = errno;
	close(fd);
	return err == EACCES || err == EPERM ? -err : -ENOENT;
}

static int
open_under(const char *root, const char *path)
{
	struct buf b = { 0 };
	int fd;

	buf_fmt(&b, "%s%s", root, path);
	fd = b.failed ? -ENOMEM : open_events_parent(AT_FDCWD, buf_cstr(&b));
	buf_free(&b);
	return fd;
}

/* Undoes what the mount table writes for blanks in paths: \040 and the like. */
static void
unescape_octal(char *s)
{
	char *to = s;

	while (*s) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' && s[3] <= '7') {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 4;
		} else {
			*to++ = *s++;
		}
	}
	*to = 0;
}

/* A tracefs that is mounted anywhere: lines are "source place type options 0 0". */
static int
open_mounted(void)
{
	int fd = -ENOENT;
	char *text, *line, *rest;

	if (file_read(AT_FDCWD, "/proc/self/mounts", &text) < 0)
		return -ENOENT;
	for (line = strtok_r(text, "\n", &rest); line && fd < 0; line = strtok_r(NULL, "\n", &rest)) {
		char *place = strchr(line, ' ');
		char *type = place ? strchr(place + 1, ' ') : NULL;

		if (!type || strncmp(type, " tracefs ", 9) != 0)
			continue;
		*type = 0;
		unescape_octal(place + 1);
		fd = open_events_parent(AT_FDCWD, place + 1);
	}
	mem_free(text);
	return fd;
}

/* A tracefs of our own: mounted nowhere, so no table shows it, and gone when the descriptor is closed. */
static int
open_private(void)
{
	int err, mount = -1, fd, fs = (int)syscall(SYS_fsopen, "tracefs", FSOPEN_CLOEXEC);

	if (fs < 0)
		return -errno;
	if (syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		mount = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
	err = errno;
	close(fs);
	if (mount < 0)
		return -err;
	fd = open_events_parent(mount, "."); /* the mount itself cannot be listed; the directory keeps it alive */
	close(mount);
	return fd;
}

static const char *
tracefs_reason(int err)
{
	switch (-err) {
	case EPERM:
	case EACCES:
		return "tracefs is not mounted or may not be read by this user: run as root, or let root mount it on /sys/kernel/tracing";
	case ENODEV:
		return "this kernel has no tracefs (CONFIG_FTRACE is not set): tracepoints cannot be found";
	case ENOSYS:
		return "tracefs is not mounted, and this kernel is too old to mount it privately: "
		       "run mount -t tracefs tracefs /sys/kernel/tracing";
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		return "tracefs could not be opened: out of memory or descriptors";
	}
	return "tracefs was not found: run mount -t tracefs tracefs /sys/kernel/tracing";
}

static int
open_tracefs(const char *sysroot)
{
	static const char in_sys[] = "/sys/kernel/tracing", in_debug[] = "/sys/kernel/debug/tracing";
	int fd = open_under(sysroot, in_sys), reason;

	if (*sysroot)
		return fd >= 0 ? fd : open_under(sysroot, in_debug);
	if (fd < 0)
		fd = open_mounted();
	if (fd < 0)
		fd = open_private();
	reason = fd;
	if (fd < 0)                      /* last, because a look below debugfs mounts tracefs there for everybody to see */
		fd = open_under(sysroot, in_debug);
	return fd >= 0 ? fd : reason;
}

int
context_tracefs(struct sonde *ctx, const char **why)
{
	int fd;

	if (ctx->tracefs >= 0)
		return ctx->tracefs;
	fd = open_tracefs(ctx->opts.sysroot);
	if (fd < 0) {
		if (why)
			*why = *ctx->opts.sysroot ? "there is no tracefs under the given system root" : tracefs_reason(fd);
		return fd;
	}
	ctx->tracefs = fd;
	return fd;
}

/* ---- log ---- */

void
context_log_text(struct sonde *ctx, const char *text, size_t len)
{
	struct sonde_event ev = { .kind = SONDE_EV_LOG, .text = text, .len = len };

	if (ctx->opts.event)
		ctx->opts.event(ctx->opts.ud, &ev);
}

void
context_log(struct sonde *ctx, const char *fmt, ...)
{
	struct buf b = { 0 };
	va_list ap;

	if (!(ctx->opts.flags & SONDE_VERBOSE) || !ctx->opts.event)
		return;
	va_start(ap, fmt);
	buf_vfmt(&b, fmt, ap);
	va_end(ap);
	const char *text = buf_cstr(&b);

	context_log_text(ctx, text, strlen(text));
	buf_free(&b);
}

/* ---- files ---- */

ssize_t
file_read(int dirfd, const char *path, char **out)
{
	int err = 0, fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC);
	size_t len = 0, cap = 4096;
	char *data, *more;
	ssize_t n;

	*out = NULL;
	if (fd < 0)
		return -errno;
	data = mem_alloc(cap);
	while (data) {
		n = read(fd, data + len, cap - len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			err = n < 0 ? errno : 0;
			break;
		}
		len += (size_t)n;
		if (len + 1 < cap)
			continue;
		more = mem_realloc(data, cap *= 2);
		if (!more) {
			mem_free(data);
			data = NULL;
			break;
		}
		data = more;
	}
	close(fd);
	if (!data)
		return -ENOMEM;
	if (err) {
		mem_free(data);
		return -err;
	}
	data[len] = 0;
	*out = data;
	return (ssize_t)len;
}
