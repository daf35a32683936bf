/* run.c - one program from its text to the exit status: compile, attach, poll, stop, maps. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"

/* All that the signal handler sees; the one session that polls. */
static sonde_session *volatile at_work;
static volatile sig_atomic_t is_interrupted;

static void
on_signal(int sig)
{
	sonde_session *ses = at_work;

	(void)sig;
	is_interrupted = 1;
	if (ses)
		sonde_interrupt(ses);
}

/* SIGHUP, too: a terminal that is closed loses nothing that goes to a file; under nohup it stays ignored. */
static void
catch_signals(void (*handler)(int))
{
	struct sigaction sa = { .sa_handler = handler }, old;

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	if (sigaction(SIGHUP, NULL, &old) == 0 && old.sa_handler != SIG_IGN)
		sigaction(SIGHUP, &sa, NULL);
}

/* From here on a second Ctrl-C ends the program at once; in the prompt it still means the entry only. */
static void
release_signals(const struct run *r)
{
	catch_signals(SIG_DFL);
	if (r->is_prompt)
		sigaction(SIGINT, &(struct sigaction){ .sa_handler = on_signal }, NULL);
}

void
run_opts(struct run *r, struct sonde_opts *opts)
{
	const struct options *o = r->o;

	*opts = (struct sonde_opts){
		.size = sizeof(*opts),
		.event = out_event,
		.ud = r->out,
		.btf_path = o->btf_path,
		.max_map_entries = o->max_map_keys,
		.max_str = o->max_strlen,
		.ring_pages = o->ring_pages,
		.flags = (o->is_unsafe ? SONDE_UNSAFE : 0) | (o->is_test ? SONDE_TEST : 0) | (o->is_bench ? SONDE_BENCH : 0) |
			 (o->is_verbose ? SONDE_VERBOSE : 0) | (o->is_json && !o->is_test ? SONDE_NO_TEXT : 0),
		.dump = o->dump,
		.config = o->config,
		.search_path = getenv("PATH"),
		.pid = o->pid,
		.child_pid = r->child && r->child->is_ours ? r->child->pid : 0,
	};
}

sonde_image *
run_compile(struct run *r, sonde *ctx, const struct script *s, int *status)
{
	sonde_image *img;

	r->out->source = s->text;
	r->out->source_len = s->len;
	*status = sonde_compile(ctx, s->name, s->text, s->len, r->o->args, r->o->n_args, &img);
	out_diags(r->out, ctx, *status);
	return img;
}

static int
print_option(void *ud, const char *name, const char *doc)
{
	struct out *out = ud;

	out_text(out, "    --", 6);
	out_text(out, name, strlen(name));
	if (doc)
		out_text(out, ": ", 2), out_text(out, doc, strlen(doc));
	out_text(out, "\n", 1);
	return 0;
}

static int
is_help(void *ud, const char *name, const char *doc)
{
	(void)ud;
	(void)doc;
	return strcmp(name, "help") == 0 ? -1 : 0;
}

bool
run_help(struct run *r, sonde_image *img)
{
	bool is_behind = false, is_asked = false;
	static const char title[] = "program options:\n";

	for (int i = 0; i < r->o->n_args; i++) {
		is_asked |= is_behind && strcmp(r->o->args[i], "--help") == 0;
		is_behind |= strcmp(r->o->args[i], "--") == 0;
	}
	if (!is_asked || sonde_image_options(img, is_help, NULL) < 0)
		return false;
	out_text(r->out, title, sizeof(title) - 1);
	sonde_image_options(img, print_option, r->out);
	out_flush(r->out);
	return true;
}

/* Until the script, the user, the child or a broken output ends it. */
static int
poll_until_end(struct run *r, sonde *ctx, sonde_session *ses)
{
	int status = 0, watch = r->child ? r->child->watch : -1;
	int wait_ms = r->child ? 1 : 100; /* the library learns a new command's mappings as it polls: often at first */

	while (status >= 0 && !sonde_finished(ses, NULL) && !r->out->error) {
		struct pollfd fds[2] = { { sonde_fd(ses), POLLIN, 0 }, { watch, POLLIN, 0 } };

		/* bounded: counters of errors and losses wake nobody */
		poll(fds, 2, wait_ms);
		wait_ms = wait_ms < 50 ? wait_ms * 2 : 100;
		status = sonde_poll(ses, 0);
		if (status < 0)
			out_diags(r->out, ctx, status);
		out_flush(r->out);
		if (r->child && child_has_ended(r->child)) {
			if (!child_was_run(r->child, r->out))
				status = -1;
			break;
		}
	}
	return status;
}

/* Tests or benchmarks: their report is all that is wanted. */
static bool
is_trial(const struct run *r)
{
	return r->o->is_test || r->o->is_bench;
}

static void
finish(struct run *r, sonde *ctx, sonde_session *ses)
{
	uint64_t lost;
	int status;

	release_signals(r);
	status = sonde_stop(ses);
	at_work = NULL;
	if (status < 0)
		out_diags(r->out, ctx, status);
	out_flush(r->out);
	lost = sonde_lost(ses);
	if (lost)
		say_warning(r->out, "Total lost event count: %llu", (unsigned long long)lost);
	if (!r->is_prompt && !is_trial(r) && !r->o->is_json)
		out_text(r->out, "\n\n", 2);
	r->out->is_discarding = false;
	if (!is_trial(r) && status >= 0)
		sonde_map_print(ses, NULL);
	out_flush(r->out);
}

int
run_image(struct run *r, sonde *ctx, sonde_image *img)
{
	sonde_session *ses;
	int status, code = 0, n;
	bool is_good;

	is_interrupted = 0;
	catch_signals(on_signal);
	report_begin(r->out, img);
	status = sonde_attach(ctx, img, &ses);
	if (status < 0 || r->o->is_dry_run || r->o->dump) {
		release_signals(r);
		out_diags(r->out, ctx, status);
		sonde_session_free(ses);
		return status < 0;
	}
	at_work = ses;
	if (is_interrupted)
		sonde_interrupt(ses);
	out_diags(r->out, ctx, 0);       /* warnings */
	n = sonde_attached(ses);
	if (!r->o->is_quiet && !r->is_prompt && !is_trial(r))
		out_attached(r->out, n);
	if (r->child && !child_continue(r->child, r->out)) {
		status = -1;
	} else {
		status = poll_until_end(r, ctx, ses);
	}
	is_good = report_end(r->out);
	finish(r, ctx, ses);
	sonde_finished(ses, &code);
	sonde_session_free(ses);
	if (code)
		return code & 0xff;
	return status < 0 || !is_good || (r->out->error && r->out->error != EPIPE);
}
