/* load_random.c - scripts of the grammar, made from seeds, in the running kernel: each must be accepted by the verifier, or be
 * refused with a message that has a place in the script.
 *
 *   load_random FIRST COUNT     loads and runs that many; one line for each that is not accepted
 *   load_random -p SEED         prints the script of a seed */
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "include/sonde.h"
#include "tests/fuzz/grammar.h"

enum outcome { LOADED, WRONG_SCRIPT, TOO_LARGE, REFUSED, BAD, NO_ROOT, HANGS, N_OUTCOMES };
enum { SECONDS = 60, POLL_US = 100000, COMPILE_SECONDS = 2, SEED_BYTES = 2048, MAX_SCRIPT = 60000 };

static char script[MAX_SCRIPT];

/* Most are meant to be right, for these are what the verifier sees. */
static size_t
make(uint64_t seed)
{
	uint8_t data[SEED_BYTES];
	size_t len = seed % 3 == 0 ? 150 : seed % 3 == 1 ? 500 : sizeof(data);

	grammar_bytes(seed, data, len);
	return grammar_make(data, len, GRAMMAR_LIVE | (seed % 8 ? GRAMMAR_WELL : 0), script, sizeof(script));
}

static int
ignore(void *ud, const struct sonde_event *ev)
{
	(void)ud, (void)ev;
	return 0;
}

static enum outcome
bad(uint64_t seed, const char *what, const sonde *ctx)
{
	printf("seed %" PRIu64 ": %s: %s\n", seed, what, sonde_errmsg(ctx));
	return BAD;
}

/* The kernel has refused: is it said in the script's terms? */
static enum outcome
judge(uint64_t seed, int status, const sonde *ctx)
{
	const struct sonde_diag *d = sonde_diag_count(ctx) ? sonde_diag_at(ctx, 0) : NULL;
	unsigned lines = 1;

	for (const char *s = script; *s; s++)
		lines += *s == '\n';
	if (status == SONDE_EPERM)
		return NO_ROOT;
	if (!d || d->level != SONDE_ERROR)
		return bad(seed, "failed without an error", ctx);
	if (strcmp(d->tag, "E_SIZE") && strcmp(d->tag, "E_VERIFIER"))
		return bad(seed, d->tag, ctx);
	if (!d->at.file || !d->at.line || d->at.line > lines)
		return bad(seed, "refused without a place", ctx);
	printf("seed %" PRIu64 ": %u:%u: %s: %s (%s)\n", seed, d->at.line, d->at.col, d->tag, d->text, d->hint ? d->hint : "");
	return d->tag[2] == 'S' ? TOO_LARGE : REFUSED;
}

static sonde_session *volatile running;

/* What the session does for print() and its kind are system calls: a probe of every system call gives it work without end. */
static void
on_alarm(int sig)
{
	(void)sig;
	if (!running)
		_exit(HANGS);
	sonde_interrupt(running);
	running = NULL;
	alarm(SECONDS);
}

static enum outcome
run(uint64_t seed, sonde *ctx)
{
	size_t len = make(seed);
	sonde_session *ses;
	sonde_image *img;
	clock_t begin = clock();
	int status = sonde_compile(ctx, "random", script, len, NULL, 0, &img);

	if (clock() - begin > COMPILE_SECONDS * CLOCKS_PER_SEC)
		return bad(seed, "compiled too long", ctx);
	if (status == SONDE_ESOURCE) {
		const struct sonde_diag *d = sonde_diag_at(ctx, 0);

		if (!d || d->level != SONDE_ERROR || !strcmp(d->tag, "E_INTERNAL"))
			return bad(seed, "refused by the compiler", ctx);
		if (getenv("WRONG"))
			printf("seed %" PRIu64 ": %u:%u: %s: %s\n", seed, d->at.line, d->at.col, d->tag, d->text);
		return strcmp(d->tag, "E_SIZE") ? WRONG_SCRIPT : TOO_LARGE;
	}
	if (status < 0)
		return bad(seed, sonde_strerror(status), ctx);
	status = sonde_attach(ctx, img, &ses);
	sonde_image_free(img);
	if (status < 0)
		return judge(seed, status, ctx);
	running = ses;
	setitimer(ITIMER_REAL, &(struct itimerval){ .it_value.tv_usec = POLL_US }, NULL);
	for (int i = 0; i < 2 && !sonde_finished(ses, NULL); i++)
		sonde_poll(ses, 5);
	running = NULL;
	alarm(SECONDS);
	status = sonde_stop(ses);
	if (status >= 0)
		status = sonde_map_print(ses, NULL);
	sonde_session_free(ses);
	return status < 0 ? bad(seed, "failed while it ran", ctx) : LOADED;
}

/* In a process of its own, so that a crash names its seed. */
static enum outcome
run_apart(uint64_t seed)
{
	int status;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		/* a small ring: whatever a script sends from every system call is soon handled */
		struct sonde_opts opts = { .size = sizeof(opts), .event = ignore, .flags = SONDE_TEST, .ring_pages = 16 };
		enum outcome outcome;
		sonde *ctx;

		signal(SIGALRM, on_alarm);
		alarm(SECONDS);
		if (sonde_open(&opts, &ctx) < 0)
			_exit(BAD);
		outcome = run(seed, ctx);
		sonde_close(ctx);
		fflush(stdout);
		_exit(outcome);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return BAD;
	if (WIFEXITED(status) && WEXITSTATUS(status) < HANGS)
		return WEXITSTATUS(status);
	if (WIFEXITED(status))
		printf("seed %" PRIu64 ": %s, exit status %d\n", seed, WEXITSTATUS(status) == HANGS ? "hangs" : "ended", WEXITSTATUS(status));
	else
		printf("seed %" PRIu64 ": %s\n", seed, strsignal(WTERMSIG(status)));
	return BAD;
}

int
main(int argc, char **argv)
{
	unsigned n[N_OUTCOMES] = { 0 };
	uint64_t first, count;

	if (argc != 3) {
		fprintf(stderr, "usage: load_random FIRST COUNT | load_random -p SEED\n");
		return 2;
	}
	if (!strcmp(argv[1], "-p")) {
		make(strtoull(argv[2], NULL, 0));
		fputs(script, stdout);
		return 0;
	}
	first = strtoull(argv[1], NULL, 0);
	count = strtoull(argv[2], NULL, 0);
	if (geteuid() != 0) {
		printf("skipped: loading programs needs root\n0 passed, 0 failed, %" PRIu64 " skipped\n", count);
		return 0;
	}
	for (uint64_t i = 0; i < count; i++)
		n[run_apart(first + i)]++;
	printf("%u loaded, %u wrong scripts, %u too large, %u refused by the verifier, %u bad, %u without the privilege\n", n[LOADED],
	       n[WRONG_SCRIPT], n[TOO_LARGE], n[REFUSED], n[BAD], n[NO_ROOT]);
	printf("%u passed, %u failed, %u skipped\n", n[LOADED] + n[WRONG_SCRIPT] + n[TOO_LARGE] + n[REFUSED], n[BAD], n[NO_ROOT]);
	return n[BAD] != 0;
}
