/* tracepoint_run.c - attaches tracepoint programs, in whichever of the three forms they were loaded. */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdlib.h>
#include "probes/attach_run.h"

/* The number perf knows an event by. */
static int
event_id(struct sonde_session *s, const struct target *t, const char **why)
{
	int dir = context_tracefs(s->ctx, why), id;
	struct buf path = { 0 };
	char *text = NULL;
	ssize_t len;

	if (dir < 0)
		return dir;
	buf_fmt(&path, "events/%s/%s/id", t->part[0], t->part[1]);
	len = path.failed ? -ENOMEM : file_read(dir, buf_cstr(&path), &text);
	buf_free(&path);
	if (len < 0)
		return (int)len;
	id = atoi(text);
	mem_free(text);
	return id > 0 ? id : -ENOENT;
}

static int
attach_event(struct sonde_session *s, const struct prog *p, int fd, uint32_t i, struct links *links, const char **why)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT }; /* no samples: irq_work_exit allows none */
	int id = event_id(s, &p->targets[i], why);

	if (id < 0)
		return id;
	attr.config = (uint64_t)id;
	return attach_perf(links, p, fd, i, &attr, -1, 0);
}

/* What a raw program of these targets hangs on: system call events share one, by direction (num 1: enter, 2: exit). */
static const char *
raw_name(const struct target *t)
{
	static const char *const dispatched[] = { NULL, "sys_enter", "sys_exit" };

	return t->num ? dispatched[t->num] : t->part[1];
}

static int
attach_raw_all(struct sonde_session *s, const struct prog *p, int fd, struct links *links)
{
	bool is_typed = p->prog_type == BPF_PROG_TYPE_TRACING, is_dispatched = p->targets[0].num != 0;
	uint32_t n = is_typed || is_dispatched ? 1 : p->n_targets;

	for (uint32_t i = 0; i < n; i++) {
		int link = attach_raw(is_typed ? NULL : raw_name(&p->targets[i]), fd, p->first_target + i);
		int err = link >= 0 ? links_add(links, link) : attach_failed(s, p, i, link, NULL);

		if (err < 0)
			return err;
	}
	return 0;
}

static int
attach_tracepoint(struct sonde_session *s, const struct prog *p, int fd, struct links *links)
{
	if (p->prog_type != BPF_PROG_TYPE_TRACEPOINT)
		return attach_raw_all(s, p, fd, links);
	for (uint32_t i = 0; i < p->n_targets; i++) {
		const char *why = NULL;
		int err = attach_event(s, p, fd, i, links, &why);

		if (err < 0 && (err = attach_failed(s, p, i, err, why)) < 0)
			return err;
	}
	return 0;
}

static bool
fits_tracepoint(const struct target *t)
{
	return t->part[0] && t->part[1] && t->num <= 2;
}

const struct run_provider run_provider_tracepoint = { .name = "tracepoint", .attach = attach_tracepoint, .fits = fits_tracepoint };
