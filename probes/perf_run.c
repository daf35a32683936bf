/* perf_run.c - attaches interval, profile and software probes: perf software events. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include "probes/attach_run.h"

struct place {                           /* one program being attached on several CPUs or threads */
	struct sonde_session *ses;
	const struct prog *prog;
	int fd;
	struct links *links;
	uint32_t target;
	struct perf_event_attr attr;
};

static int
on_cpu(void *ud, int cpu)
{
	struct place *p = ud;

	return attach_perf(p->links, p->prog, p->fd, p->target, &p->attr, -1, cpu);
}

static int
on_first_cpu(void *ud, int cpu)
{
	int err = on_cpu(ud, cpu);

	return err ? err : 1;
}

/* Every thread of the process there is now; those it starts inherit the event. */
static int
on_process(struct place *p, int pid)
{
	char path[32];
	struct dirent *e;
	int err = 0, n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? -ESRCH : -errno;
	p->attr.inherit = 1;
	while (!err && (e = readdir(dir)))
		if (e->d_name[0] != '.') {
			err = attach_perf(p->links, p->prog, p->fd, p->target, &p->attr, atoi(e->d_name), -1);
			if (err == -ESRCH && n)  /* a thread that ended meanwhile */
				err = 0;
			n++;
		}
	closedir(dir);
	return err;
}

static const char *
why_not(const struct place *p, int err, struct buf *out)
{
	int max;

	if (err == -ESRCH)
		return "there is no such process";
	if (err != -EINVAL || !p->attr.freq)
		return NULL;
	max = sys_number("/proc/sys/kernel/perf_event_max_sample_rate");
	if (max <= 0 || p->attr.sample_freq <= (uint64_t)max)
		return NULL;
	buf_fmt(out, "the kernel samples at most %d times a second (kernel.perf_event_max_sample_rate)", max);
	return buf_cstr(out);
}

/* num: period or frequency; num2: the event's config, bit 32 set for a frequency. */
static int
attach_all(struct sonde_session *s, const struct prog *prog, int fd, struct links *links, bool one_cpu)
{
	for (uint32_t i = 0; i < prog->n_targets; i++) {
		const struct target *t = &prog->targets[i];
		struct place p = { .ses = s, .prog = prog, .fd = fd, .links = links, .target = i };
		struct buf why = { 0 };
		int err;

		p.attr.type = PERF_TYPE_SOFTWARE;
		p.attr.config = t->num2 & 0xffffffff;
		p.attr.freq = t->num2 >> 32 & 1;
		p.attr.sample_period = t->num;
		if (one_cpu)
			err = each_online_cpu(on_first_cpu, &p);
		else if (s->ctx->opts.pid > 0)
			err = on_process(&p, s->ctx->opts.pid);
		else
			err = each_online_cpu(on_cpu, &p);
		if (err < 0)
			err = attach_failed(s, prog, i, err, why_not(&p, err, &why));
		buf_free(&why);
		if (err < 0)
			return err;
	}
	return 0;
}

static int
attach_interval(struct sonde_session *s, const struct prog *prog, int fd, struct links *links)
{
	return attach_all(s, prog, fd, links, true);
}

static int
attach_sampling(struct sonde_session *s, const struct prog *prog, int fd, struct links *links)
{
	return attach_all(s, prog, fd, links, false);
}

const struct run_provider run_provider_interval = { .name = "interval", .attach = attach_interval };
const struct run_provider run_provider_profile = { .name = "profile", .attach = attach_sampling };
const struct run_provider run_provider_software = { .name = "software", .attach = attach_sampling };
