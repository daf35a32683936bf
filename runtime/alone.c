/* alone.c - programs that the session runs itself: begin, end, and the script's own tests and benchmarks with their results. */
#include <bpf/bpf.h>
#include <errno.h>
#include <time.h>
#include <unistd.h>
#include "runtime/rt.h"

#define BENCH_NS 200000000               /* how long a benchmark is repeated */
#define BENCH_RUNS 1000000               /* or how often */
#define BENCH_BATCH 64                   /* runs between two looks at the clock */

static uint64_t
clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int
run_alone(struct sonde_session *ses, const struct prog *p, int fd, uint32_t *result)
{
	uint64_t args[12] = { 0 };       /* the verifier asks for as much context as the program may read */
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(args));
	int err = bpf_prog_test_run_opts(fd, &opts);

	if (result)
		*result = opts.retval;
	if (!err)
		return 0;
	err = err == -1 ? -errno : err;
	return rt_error(ses, p->at, E_KERNEL, err, "this kernel cannot run %s by itself (Linux 5.10 or later can): %s",
			p->targets[0].name, strerror(err == -524 ? ENOTSUP : -err));
}

/* exit() ends a test or benchmark, not those that follow. */
static void
forget_exit(struct sonde_session *ses)
{
	__atomic_store_n(&ses->run->exiting, 0, __ATOMIC_SEQ_CST);
	ses->exited = false;
	ses->exit_code = 0;
}

/* ---- tests ---- */
static uint64_t
count_errors(const struct sonde_session *ses)
{
	uint64_t n = 0;

	for (uint32_t i = 0; i < ses->img->n_errors; i++)
		n += __atomic_load_n(&ses->run->error[i].count, __ATOMIC_RELAXED);
	return n;
}

/* Passes when it returns 0 or nothing, calls no exit() but exit(0), and nothing fails while it runs. */
static int
run_test(struct sonde_session *ses, const struct prog *p, const struct target *t, int fd)
{
	struct sonde_event ev = { .kind = SONDE_EV_TEST_BEGIN, .text = t->part[0], .len = strlen(t->part[0]) };
	uint64_t errors = count_errors(ses), begin;
	uint32_t result = 0;
	int err;

	rt_emit(ses, &ev);
	begin = clock_ns();
	err = run_alone(ses, p, fd, &result);
	ev.duration_ns = clock_ns() - begin;
	if (err)
		return err;
	poll_drain(ses);
	poll_counters(ses, true);
	ev.kind = SONDE_EV_TEST_END;
	ev.is_passed = result == 0 && ses->exit_code == 0 && count_errors(ses) == errors;
	rt_emit(ses, &ev);
	forget_exit(ses);
	return 0;
}

/* ---- benchmarks ---- */
struct cost { uint64_t ns, runs; };

/* What the kernel says that all runs so far took; it counts them while stats_fd is open. */
static struct cost
cost_of(int fd)
{
	struct bpf_prog_info info = { 0 };
	uint32_t len = sizeof(info);

	if (bpf_obj_get_info_by_fd(fd, &info, &len))
		return (struct cost){ 0 };
	return (struct cost){ info.run_time_ns, info.run_cnt };
}

/* Where the kernel does not count, what a system call around each run costs is part of the result. */
static int
measure(struct sonde_session *ses, const struct prog *p, int fd, struct cost *out)
{
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME), err = 0;
	struct cost before = cost_of(fd), after;
	uint64_t begin = clock_ns(), runs = 0, took = 0;

	while (!err && runs < BENCH_RUNS && took < BENCH_NS) {
		for (int i = 0; i < BENCH_BATCH && !err; i++, runs++) {
			err = run_alone(ses, p, fd, NULL);
			__atomic_store_n(&ses->run->exiting, 0, __ATOMIC_SEQ_CST);
		}
		poll_drain(ses);
		took = clock_ns() - begin;
	}
	after = cost_of(fd);
	if (stats >= 0)
		close(stats);
	*out = stats >= 0 && after.runs > before.runs ? (struct cost){ after.ns - before.ns, after.runs - before.runs }
						      : (struct cost){ took, runs };
	return err;
}

/* What a benchmark prints is thrown away: it is printed once for each of a million runs. */
static int
run_bench(struct sonde_session *ses, const struct prog *p, const struct target *t, int fd)
{
	struct sonde_event ev = { .kind = SONDE_EV_BENCH, .text = t->part[0], .len = strlen(t->part[0]) };
	struct cost cost;
	int err;

	ses->is_silent = true;
	err = measure(ses, p, fd, &cost);
	ses->is_silent = false;
	forget_exit(ses);
	if (err)
		return err;
	ev.n_runs = cost.runs;
	ev.duration_ns = cost.runs ? cost.ns / cost.runs : 0;
	rt_emit(ses, &ev);
	return 0;
}

int
run_trials(struct sonde_session *ses, enum run_when when)
{
	poll_drain(ses);                 /* what begin printed is none of the first test's */
	for (uint32_t i = 0; i < ses->img->n_progs; i++) {
		const struct prog *p = &ses->img->progs[i];

		for (uint32_t k = 0; k < p->n_targets; k++) {
			const struct target *t = &p->targets[k];
			int err;

			if (t->run->when != when || atomic_load_explicit(&ses->interrupted, memory_order_relaxed))
				continue;
			ses->n_attached++;
			err = when == ON_TEST ? run_test(ses, p, t, ses->prog_fd[i]) : run_bench(ses, p, t, ses->prog_fd[i]);
			if (err)
				return err;
		}
	}
	return 0;
}
