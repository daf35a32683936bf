/* session.c - the life of a session: load, begin, attach, stop, end.  Whatever fails, freeing the session detaches all. */
#include <bpf/bpf.h>
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>
#include "runtime/rt.h"

/* ---- links ---- */
int
links_add(struct links *l, int fd)
{
	if (l->n == l->cap) {
		uint32_t cap = l->cap ? l->cap * 2 : 16;
		int *more = mem_realloc(l->fd, cap * sizeof(*more));

		if (!more) {
			close(fd);
			return -ENOMEM;
		}
		l->fd = more;
		l->cap = cap;
	}
	l->fd[l->n++] = fd;
	return 0;
}

void
links_close(struct links *l)
{
	while (l->n)
		close(l->fd[--l->n]);
	mem_free(l->fd);
	*l = (struct links){ 0 };
}

/* ---- making and freeing ---- */
static int *
fds_new(uint32_t n)
{
	int *fds = mem_alloc((n + 1) * sizeof(*fds));

	for (uint32_t i = 0; fds && i < n; i++)
		fds[i] = -1;
	return fds;
}

static void
fds_free(int *fds, uint32_t n)
{
	for (uint32_t i = 0; fds && i < n; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	mem_free(fds);
}

int
session_new(struct sonde *ctx, struct sonde_image *img, struct sonde_session **out)
{
	struct sonde_session *ses = mem_alloc(sizeof(*ses));

	*out = NULL;
	if (!ses)
		return -ENOMEM;
	ses->ctx = ctx;
	ses->img = sonde_image_ref(img);
	ses->stop_fd = ses->epoll_fd = ses->timer_fd = -1;
	ctx->n_sessions++;
	ses->map_fd = fds_new(img->n_maps);
	ses->prog_fd = fds_new(img->n_progs);
	ses->errors_seen = mem_alloc((img->n_errors + 1) * sizeof(*ses->errors_seen));
	ses->syms = syms_new(ctx);
	if (!ses->map_fd || !ses->prog_fd || !ses->errors_seen || !ses->syms) {
		session_free(ses);
		return -ENOMEM;
	}
	*out = ses;
	return 0;
}

void
session_free(struct sonde_session *ses)
{
	if (!ses)
		return;
	links_close(&ses->links);
	poll_close(ses);
	if (ses->run_len)
		munmap(ses->run, ses->run_len);
	else
		mem_free(ses->run);
	fds_free(ses->prog_fd, ses->img->n_progs);
	fds_free(ses->map_fd, ses->img->n_maps);
	mem_free(ses->errors_seen);
	syms_free(ses->syms);
	buf_free(&ses->out);
	ses->ctx->n_sessions--;
	image_unref(ses->img);
	mem_free(ses);
}

/* ---- running and attaching ---- */
static bool
is_exiting(const struct sonde_session *ses)
{
	return __atomic_load_n(&ses->run->exiting, __ATOMIC_SEQ_CST) != 0;
}

/* Which way it went, for the curious. */
static void
log_attached(struct sonde_session *ses, const struct prog *p, uint32_t n_links)
{
	static const char *const ways[] = {
		[BPF_PROG_TYPE_KPROBE] = "a probe", [BPF_PROG_TYPE_TRACEPOINT] = "a tracepoint",
		[BPF_PROG_TYPE_PERF_EVENT] = "a perf event", [BPF_PROG_TYPE_RAW_TRACEPOINT] = "a raw tracepoint",
		[BPF_PROG_TYPE_TRACING] = "a raw tracepoint with types",
	};
	const char *way = p->prog_type < LENGTH(ways) && ways[p->prog_type] ? ways[p->prog_type] : "a link";

	if (p->prog_type == BPF_PROG_TYPE_KPROBE && p->attach_type)
		way = "a multi link";

	if (p->n_targets > 1)
		context_log(ses->ctx, "attached %s and %u more as %s: %u links", p->targets[0].name, p->n_targets - 1, way, n_links);
	else
		context_log(ses->ctx, "attached %s as %s: %u link%s", p->targets[0].name, way, n_links, n_links == 1 ? "" : "s");
}

static int
run_prog(struct sonde_session *ses, const struct prog *p, int fd, enum run_when when)
{
	uint32_t before = ses->links.n;
	int err = 0;

	if (when == ON_ATTACH) {
		err = p->targets[0].run->attach(ses, p, fd, &ses->links);
		if (!err)
			log_attached(ses, p, ses->links.n - before);
		return err;
	}
	for (uint32_t i = 0; i < p->n_targets && !err && !is_exiting(ses); i++)
		err = run_alone(ses, p, fd, NULL);
	return err;
}

/* The programs of a moment, in source order.  All targets of a program have one provider: image_verify() saw to it. */
static int
run_moment(struct sonde_session *ses, enum run_when when)
{
	for (uint32_t i = 0; i < ses->img->n_progs; i++) {
		const struct prog *p = &ses->img->progs[i];
		int err;

		if (p->targets[0].run->when != when)
			continue;
		if (when == ON_ATTACH)
			ses->n_live += (int)p->n_targets;
		if (when != ON_END)
			ses->n_attached += (int)p->n_targets;
		err = run_prog(ses, p, ses->prog_fd[i], when);
		if (err)
			return err;
	}
	return 0;
}

static int
count_targets(const struct sonde_session *ses, enum run_when when)
{
	int n = 0;

	for (uint32_t i = 0; i < ses->img->n_targets; i++)
		n += ses->img->targets[i].run->when == when;
	return n;
}

int
session_start(struct sonde_session *ses)
{
	int err = poll_open(ses);

	if (!err)
		err = load_image(ses);
	if (!err)
		err = run_moment(ses, ON_BEGIN);
	if (!err && !is_exiting(ses))
		err = run_moment(ses, ON_ATTACH);
	if (!err && !is_exiting(ses) && ses->ctx->opts.flags & SONDE_TEST)
		err = run_trials(ses, ON_TEST);
	if (!err && !is_exiting(ses) && ses->ctx->opts.flags & SONDE_BENCH)
		err = run_trials(ses, ON_BENCH);
	if (ses->ctx->opts.flags & (SONDE_TEST | SONDE_BENCH))
		ses->exited = true;      /* their results are all that is wanted */
	if (err)
		return err;
	ses->n_attached += count_targets(ses, ON_END);
	ses->state = SES_RUNNING;
	/* Nobody will wait for what is in the ring of a session that is finished at once. */
	if (sonde_finished(ses, NULL) || is_exiting(ses)) {
		poll_drain(ses);
		ses->exited |= is_exiting(ses);
	}
	return 0;
}

int
session_stop(struct sonde_session *ses)
{
	int err;

	ses->event_err = 0;
	ses->is_draining = true;
	/* Programs that still fire return at once, so that detaching many does not fill the ring. */
	__atomic_store_n(&ses->run->exiting, 1, __ATOMIC_SEQ_CST);
	links_close(&ses->links);
	ses->is_detached = true;
	poll_drain(ses);
	__atomic_store_n(&ses->run->exiting, 0, __ATOMIC_SEQ_CST);
	err = run_moment(ses, ON_END);
	ses->cleared = ses->zeroed = 0;
	poll_drain(ses);
	poll_counters(ses, true);
	ses->state = SES_STOPPED;
	return err ? err : ses->event_err;
}
