/* poll.c - waits for events, empties the ring, and notices what was lost or failed.
 *
 * Waking the session costs a program more than the event itself.  Under load the session sets run_state.awake: programs
 * then wake nobody, and timer_fd makes epoll_fd readable when a batch has gathered.  When the load ends it clears the flag
 * and looks into the ring again; a program that read 1 just before and submits just after that look is found by one last
 * tick of the timer.  So no event waits longer than a tick, and nothing ticks while nothing happens. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>
#include "runtime/rt.h"

#define SLICE_MS 100                     /* how long runtime failures may stay unreported */
#define LAST_TICK_NS 20000000
#define BATCH_NS 500000                  /* under load: how long a batch gathers; at 4 million events/s that is 100 KiB */
#define LOAD_MIN 32                      /* events at a time that count as load */
#define BUSY_ROUNDS 100                  /* of 0.1 ms */
#define MAX_BATCH 200000                 /* events of one sonde_poll, so that it always comes back */

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * (int64_t)1000000000 + t.tv_nsec;
}

static int
watch(struct sonde_session *ses, int fd)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(ses->epoll_fd, EPOLL_CTL_ADD, fd, &ev))
		return rt_error(ses, NO_SPAN, E_KERNEL, -errno, "cannot wait for events: %s", strerror(errno));
	return 0;
}

int
poll_open(struct sonde_session *ses)
{
	int err;

	ses->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	ses->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	ses->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (ses->stop_fd < 0 || ses->epoll_fd < 0 || ses->timer_fd < 0)
		return rt_error(ses, NO_SPAN, E_KERNEL, -errno, "cannot wait for events: %s", strerror(errno));
	err = watch(ses, ses->stop_fd);
	return err ? err : watch(ses, ses->timer_fd);
}

/* ---- the ring ---- */
/* libbpf calls this for each record; a negative result makes it return, the record being done with. */
static int
on_record(void *ud, void *data, size_t len)
{
	struct sonde_session *ses = ud;
	int err = ses->is_silent ? 0 : event_handle(ses, data, len);

	ses->n_handled++;
	if (err && !ses->event_err) {
		ses->event_err = err;
		if (err == -EBADMSG && !diags_errors(ses->ctx->diags))
			rt_error(ses, NO_SPAN, E_INTERNAL, err, "an event of %zu bytes is not one of the script's", len);
	}
	if (ses->is_draining)
		return 0;
	/* Handling may be slow (cat, zero of a large map), and may even cause the events it handles. */
	if ((ses->n_handled & 15) == 0 && now_ns() > ses->return_at)
		ses->is_late = true;
	if (ses->event_stop || ses->is_late || ses->n_handled >= MAX_BATCH)
		return -ECANCELED;
	return atomic_load_explicit(&ses->interrupted, memory_order_relaxed) ? -ECANCELED : 0;
}

int
poll_ring(struct sonde_session *ses)
{
	int fd = ses->map_fd[MAP_RING];

	ses->ring = ring_buffer__new(fd, on_record, ses, NULL);
	if (!ses->ring)
		return errno == ENOMEM ? -ENOMEM
				       : rt_error(ses, NO_SPAN, E_KERNEL, -errno, "the event ring cannot be mapped: %s",
						  strerror(errno));
	return watch(ses, fd);
}

/* Empties the ring once.  Returns how many records that were. */
static uint32_t
consume(struct sonde_session *ses)
{
	uint32_t before = ses->n_handled;

	if (ses->ring)
		ring_buffer__consume(ses->ring);
	return ses->n_handled - before;
}

static void
set_awake(struct sonde_session *ses, uint32_t value)
{
	/* Full barriers: what follows must see the ring as it is after programs can see the flag. */
	__atomic_store_n(&ses->run->awake, value, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/* The ring may hold more, but the caller wants to come back. */
static bool
must_return(struct sonde_session *ses)
{
	return ses->event_stop || ses->is_late || ses->n_handled >= MAX_BATCH || atomic_load_explicit(&ses->interrupted, memory_order_relaxed);
}

static void
arm_timer(struct sonde_session *ses, long ns)
{
	struct itimerspec timer = { .it_value.tv_nsec = ns };

	timerfd_settime(ses->timer_fd, 0, &timer, NULL);
}

static void
handle_ring(struct sonde_session *ses)
{
	uint32_t n = consume(ses);

	if (n >= LOAD_MIN || must_return(ses)) {
		set_awake(ses, 1);
		arm_timer(ses, BATCH_NS);
	} else if (ses->run->awake) {
		set_awake(ses, 0);
		consume(ses);
		arm_timer(ses, LAST_TICK_NS);
	}
}

/* A program interrupted between reserving and submitting holds up the ring: gives it a moment. */
static void
wait_for_busy(struct sonde_session *ses)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	int fd = ses->map_fd[MAP_RING];
	const unsigned long *consumer = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, 0);
	const unsigned long *producer = mmap(NULL, page, PROT_READ, MAP_SHARED, fd, (off_t)page);

	for (int i = 0; i < BUSY_ROUNDS && consumer != MAP_FAILED && producer != MAP_FAILED; i++) {
		if (__atomic_load_n(consumer, __ATOMIC_ACQUIRE) == __atomic_load_n(producer, __ATOMIC_ACQUIRE))
			break;
		nanosleep(&(struct timespec){ 0, 100000 }, NULL);
		consume(ses);
	}
	if (consumer != MAP_FAILED)
		munmap((void *)(uintptr_t)consumer, page);
	if (producer != MAP_FAILED)
		munmap((void *)(uintptr_t)producer, page);
}

void
poll_drain(struct sonde_session *ses)
{
	bool before = ses->is_draining;

	ses->is_draining = true;
	consume(ses);
	if (ses->ring)
		wait_for_busy(ses);
	ses->is_draining = before;
}

/* ---- losses and failures ---- */
static const char *
error_text(enum run_error what)
{
	static const char *const texts[N_RUN_ERRORS] = {
		[RE_MAP_FULL] = ("Map full; can't update element. Try increasing max_map_keys config or manually setting the max "
				"entries in a map declaration e.g. `let @a = hash(5000)`"),
		[RE_MAP_UPDATE] = "Can't update map element",
		[RE_DELETE_MISSING] = "Can't delete map element because it does not exist.",
		[RE_DIV_ZERO] = "Divide or modulo by 0 detected. This can lead to unexpected results. 1 is being used as the result.",
		[RE_INDEX] = "Array access out of bounds. This can lead to unexpected results.",
		[RE_STACK] = "Error reading the stack",
		[RE_HELPER] = "A helper failed",
	};
	return (unsigned)what < N_RUN_ERRORS ? texts[what] : "";
}

/* The helper that failed, or NULL. */
static const char *
error_helper(const struct errsite *site)
{
	switch (site->what) {
	case RE_MAP_FULL:
	case RE_MAP_UPDATE: return "map_update_elem";
	case RE_DELETE_MISSING: return "map_delete_elem";
	case RE_STACK: return "get_stack";
	case RE_HELPER: return site->detail;
	default: return NULL;
	}
}

static void
report_site(struct sonde_session *ses, const struct errsite *site, uint64_t count, int64_t code)
{
	const char *helper = error_helper(site);
	struct buf text = { 0 };

	if (site->what == RE_HELPER && code == -E2BIG && site->detail && strcmp(site->detail, "loop") == 0)
		buf_str(&text, "The range is longer than the kernel lets a loop be (8388608 rounds): the loop did not run.");
	else if ((site->what == RE_HELPER || site->what == RE_MAP_UPDATE) && code < 0 && code > -4096)
		buf_str(&text, strerror((int)-code));
	else if (site->what == RE_STACK && site->detail)
		buf_fmt(&text, "Error reading %s.", site->detail);
	else
		buf_str(&text, error_text(site->what));
	if (helper)
		rt_helper_error(ses, site->at, count, helper, code, buf_cstr(&text));
	else
		rt_runtime_error(ses, site->at, count, "%s", buf_cstr(&text));
	buf_free(&text);
	ses->n_handled++;
}

static void
report_lost(struct sonde_session *ses, uint64_t n, const char *text)
{
	struct sonde_event ev = { .kind = SONDE_EV_LOST, .lost = n, .text = text, .len = strlen(text) };

	ses->lost += n;
	ses->n_handled++;
	rt_emit(ses, &ev);
}

/* Runs that the kernel left out because the program was already running on that CPU. */
static void
report_recursion(struct sonde_session *ses)
{
	for (uint32_t i = 0; i < ses->img->n_progs; i++) {
		struct bpf_prog_info info = { 0 };
		const struct prog *p = &ses->img->progs[i];
		uint32_t len = sizeof(info);
		struct buf text = { 0 };

		if (ses->prog_fd[i] < 0 || bpf_obj_get_info_by_fd(ses->prog_fd[i], &info, &len) || !info.recursion_misses)
			continue;
		buf_fmt(&text, "%llu runs of %s were left out: the probe fired while it was already running",
			(unsigned long long)info.recursion_misses, p->n_targets ? p->targets[0].name : p->name);
		report_lost(ses, info.recursion_misses, buf_cstr(&text));
		buf_free(&text);
	}
}

static void
report_counter(struct sonde_session *ses, uint64_t now, uint64_t *seen, const char *what)
{
	struct buf text = { 0 };
	uint64_t n = now - *seen;

	if (!n)
		return;
	*seen = now;
	buf_fmt(&text, what, (unsigned long long)n);
	report_lost(ses, n, buf_cstr(&text));
	buf_free(&text);
}

void
poll_counters(struct sonde_session *ses, bool is_last)
{
	const struct run_state *run = ses->run;

	report_counter(ses, __atomic_load_n(&run->lost, __ATOMIC_RELAXED), &ses->lost_seen, "Lost %llu events");
	report_counter(ses, __atomic_load_n(&run->scratch_busy, __ATOMIC_RELAXED), &ses->busy_seen,
		       "%llu probe runs were left out: their scratch memory was in use");
	for (uint32_t i = 0; i < ses->img->n_errors; i++) {
		uint64_t count = __atomic_load_n(&run->error[i].count, __ATOMIC_RELAXED);
		int64_t code = __atomic_load_n(&run->error[i].code, __ATOMIC_RELAXED);

		if (count == ses->errors_seen[i] || (ses->errors_seen[i] && !is_last))
			continue;
		report_site(ses, &ses->img->errors[i], count, code);
		ses->errors_seen[i] = count;
	}
	if (is_last)
		report_recursion(ses);
}

/* ---- waiting ---- */
/* Waits up to ms and handles what is there.  0 or -errno after rt_error(). */
static int
poll_once(struct sonde_session *ses, int ms)
{
	struct epoll_event ev[3];
	uint64_t ticks;
	int n = epoll_wait(ses->epoll_fd, ev, LENGTH(ev), ms);

	if (n < 0 && errno != EINTR)
		return rt_error(ses, NO_SPAN, E_KERNEL, -errno, "waiting for events failed: %s", strerror(errno));
	for (int i = 0; i < n; i++)
		if (ev[i].data.fd == ses->timer_fd && read(ses->timer_fd, &ticks, sizeof(ticks)) < 0)
			continue;        /* somebody set it anew meanwhile */
	handle_ring(ses);
	poll_counters(ses, false);
	/* The event of exit() brings the code; it may have found no room, so an empty ring will do. */
	if (__atomic_load_n(&ses->run->exiting, __ATOMIC_RELAXED) && !must_return(ses) && consume(ses) == 0)
		ses->exited = true;
	return 0;
}

/* Maps are printed when the traced process may be long gone; often at first, as commands are short-lived. */
static void
remember_traced(struct sonde_session *ses)
{
	const struct sonde_opts *o = &ses->ctx->opts;
	int pid = o->child_pid ? o->child_pid : o->pid;
	int64_t now = now_ns();

	if (pid <= 0 || now < ses->remember_at)
		return;
	sym_remember(ses->syms, (uint32_t)pid);
	ses->remember_step = ses->remember_step ? ses->remember_step * 2 : 1000000;
	if (ses->remember_step > 100000000)
		ses->remember_step = 100000000;
	ses->remember_at = now + ses->remember_step;
}

int
poll_events(struct sonde_session *ses, int timeout_ms)
{
	int64_t end = now_ns() + (int64_t)timeout_ms * 1000000;

	remember_traced(ses);
	ses->n_handled = 0;
	ses->is_late = false;
	ses->return_at = now_ns() + ((timeout_ms > 0 ? (int64_t)timeout_ms : 0) + SLICE_MS) * 1000000;
	ses->event_stop = false;
	ses->event_err = 0;
	for (;;) {
		int64_t left = timeout_ms < 0 ? SLICE_MS : (end - now_ns() + 999999) / 1000000;
		int err, ms = left > SLICE_MS ? SLICE_MS : left < 0 ? 0 : (int)left;

		err = poll_once(ses, sonde_finished(ses, NULL) ? 0 : ms);
		if (err || ses->event_err)
			return err ? err : ses->event_err;
		if (ses->n_handled || ses->event_stop || sonde_finished(ses, NULL))
			break;
		if (timeout_ms >= 0 && now_ns() >= end)
			break;
	}
	return (int)ses->n_handled;
}

void
poll_close(struct sonde_session *ses)
{
	int *fds[] = { &ses->epoll_fd, &ses->timer_fd, &ses->stop_fd };

	ring_buffer__free(ses->ring);
	ses->ring = NULL;
	for (size_t i = 0; i < LENGTH(fds); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
		*fds[i] = -1;
	}
}
