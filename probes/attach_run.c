/* attach_run.c - attaching by perf events, raw tracepoints and links, and telling why it failed. */
#include <bpf/bpf.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "probes/attach_run.h"

int
attach_perf(struct links *links, const struct prog *p, int prog_fd, uint32_t i, struct perf_event_attr *attr, int pid, int cpu)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .perf_event.bpf_cookie = p->first_target + i);
	int link, err, fd;

	attr->size = sizeof(*attr);
	fd = (int)syscall(SYS_perf_event_open, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return -errno;
	link = bpf_link_create(prog_fd, fd, BPF_PERF_EVENT, &opts);
	if (link >= 0) {                 /* the link holds the event */
		close(fd);
		return links_add(links, link);
	}
	/* Kernels before 5.15 have no links on perf events, nor cookies: these serve programs with one target. */
	if (ioctl(fd, PERF_EVENT_IOC_SET_BPF, prog_fd) < 0 || ioctl(fd, PERF_EVENT_IOC_ENABLE, 0) < 0) {
		err = -errno;
		close(fd);
		return err;
	}
	return links_add(links, fd);
}

int
attach_raw(const char *name, int prog_fd, uint64_t cookie)
{
	struct { uint64_t name; uint32_t prog_fd, pad; uint64_t cookie; } attr = {
		.name = (uint64_t)(uintptr_t)name, .prog_fd = (uint32_t)prog_fd, .cookie = cookie,
	};
	int fd = (int)syscall(SYS_bpf, BPF_RAW_TRACEPOINT_OPEN, &attr, sizeof(attr));

	if (fd >= 0)
		return fd;
	if (errno != E2BIG && errno != EINVAL)
		return -errno;
	/* before 6.10 there was no cookie; programs that need it were not made this way then */
	fd = (int)syscall(SYS_bpf, BPF_RAW_TRACEPOINT_OPEN, &attr, offsetof(__typeof__(attr), cookie));
	return fd >= 0 ? fd : -errno;
}

int
attach_link(const void *attr, uint32_t size)
{
	int fd = (int)syscall(SYS_bpf, BPF_LINK_CREATE, attr, size);

	return fd >= 0 ? fd : -errno;
}

static int
attach_range(const struct multi *m, uint32_t first, uint32_t n)
{
	int fd = m->many(m->ud, first, n), err;

	if (fd >= 0)
		return links_add(m->links, fd);
	if (n > 1 && fd != -EPERM && fd != -EMFILE && fd != -ENOMEM) {
		err = attach_range(m, first, n / 2);
		return err < 0 ? err : attach_range(m, first + n / 2, n - n / 2);
	}
	err = n > 1 ? fd : m->one(m->ud, first);
	return err < 0 ? attach_failed(m->ses, m->prog, first, err == -EINVAL ? fd : err, NULL) : 0;
}

int
attach_multi(const struct multi *m)
{
	const struct target *t = m->prog->targets;

	for (uint32_t i = 0, end; i < m->prog->n_targets; i = end) {
		for (end = i + 1; end < m->prog->n_targets && m->joins(&t[i], &t[end]);)
			end++;
		int err = attach_range(m, i, end - i);

		if (err < 0)
			return err;
	}
	return 0;
}

/* ---- why not ---- */

static const char *
attach_reason(int err)
{
	switch (-err) {
	case ENOENT:
	case ESRCH:
	case ENODEV:
	case ENXIO:
		return "the kernel does not have it";
	case EPERM:
	case EACCES:
		return "not permitted: run as root, or with CAP_BPF and CAP_PERFMON";
	case EMFILE:
		return "too many open files: raise the limit with ulimit -n";
	case ENFILE:
		return "the system has too many open files: raise fs.file-max";
	case EBUSY:
		return "it is in use, by another tracer for example";
	case EEXIST:
		return "the same program is attached there already";
	case ENOSPC:
		return "no room is left, in hardware or in a limit of the kernel's";
	case ENOMEM:
		return "the kernel is out of memory";
	case E2BIG:
		return "the kernel takes no more programs on one event (64)";
	case EILSEQ:
		return "the address is not the beginning of an instruction";
	case EADDRNOTAVAIL:
		return "this address may not be probed";
	case EOPNOTSUPP:
	case 524: /* the kernel's ENOTSUPP, which no header of user space has */
		return "this kernel cannot do it";
	case EINVAL:
		return "the kernel refuses it as invalid";
	}
	return strerror(-err);
}

/* Failures that mean that the target is not there, not that something is wrong. */
static bool
is_missing(int err)
{
	switch (-err) {
	case ENOENT: case ESRCH: case ENODEV: case EINVAL: case EILSEQ: case EADDRNOTAVAIL: case EOPNOTSUPP: case 524:
		return true;
	}
	return false;
}

int
attach_failed(struct sonde_session *s, const struct prog *p, uint32_t i, int err, const char *why)
{
	const struct target *t = &p->targets[i];
	const char *reason = why ? why : attach_reason(err);

	/* A wildcard means what can be traced of all that it matches: the kernel forbids some functions. */
	if ((t->num2 & TARGET_MATCHED) && is_missing(err)) {
		context_log(s->ctx, "left out %s: %s", t->name, reason);
		s->n_attached--;
		s->n_live--;
		return 0;
	}
	if (err == -EPERM || err == -EACCES) {
		rt_error(s, t->at, E_PERM, err, "Unable to attach probe: %s: %s", t->name, reason);
	} else if (!is_missing(err)) {
		rt_error(s, t->at, E_ATTACH, err, "Unable to attach probe: %s: %s", t->name, reason);
	} else if (s->img->config.missing_probes) {
		if (s->img->config.missing_probes == 1)
			diag_warn(s->ctx->diags, t->at, W_NO_MATCH, "Unable to attach probe: %s: %s. Skipping.", t->name, reason);
		s->n_attached--;         /* the session counted it */
		s->n_live--;
		return 0;
	} else {
		rt_error(s, t->at, E_ATTACH, err, "Unable to attach probe: %s. If this is expected, set the 'missing_probes' "
			 "config variable to 'warn'.", t->name);
		diag_hint(s->ctx->diags, "%s", reason);
	}
	return err;
}

int
attach_none(struct sonde_session *s, const struct prog *p, uint32_t n_links, const struct links *links)
{
	if (links->n > n_links || !p->n_targets || s->img->config.missing_probes)
		return 0;
	rt_error(s, p->targets[0].at, E_ATTACH, -ENOENT, "Unable to attach probe: nothing that the wildcard of %s matches can be "
		 "attached to", p->targets[0].name);
	return -ENOENT;
}

/* ---- /sys ---- */

int
sys_number(const char *path)
{
	char *text, *digits;
	ssize_t len = file_read(AT_FDCWD, path, &text);
	int n = -ENOENT;

	if (len < 0)
		return (int)len;
	digits = strpbrk(text, "0123456789");
	if (digits)
		n = atoi(digits);
	mem_free(text);
	return n;
}

int
each_online_cpu(int (*fn)(void *ud, int cpu), void *ud)
{
	char *text, *s;
	ssize_t len = file_read(AT_FDCWD, "/sys/devices/system/cpu/online", &text);
	int err = 0;

	if (len < 0)                     /* no sysfs: the CPUs the C library counts are numbered from 0 nearly everywhere */
		for (long cpu = 0, n = sysconf(_SC_NPROCESSORS_ONLN); cpu < n && !err; cpu++)
			err = fn(ud, (int)cpu);
	if (len < 0)
		return err;
	for (s = text; isdigit((unsigned char)*s) && !err;) { /* "0-3,5" */
		long cpu = strtol(s, &s, 10), last = *s == '-' ? strtol(s + 1, &s, 10) : cpu;

		for (; cpu <= last && !err; cpu++)
			err = fn(ud, (int)cpu);
		s += *s == ',';
	}
	mem_free(text);
	return err;
}
