/* out_text.c - what is printed and where (LANGUAGE 5.1): the script's output to standard output or the file of -o,
 * everything about the run to standard error. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"

#define ROOM (128 * 1024)

/* ---- messages ---- */

static void
say(const struct out *out, bool is_error, const char *fmt, va_list ap)
{
	const char *level = is_error ? "ERROR: " : "WARNING: ";

	if (out->has_colour)
		fputs(is_error ? "\033[31m" : "\033[33m", stderr);
	fputs(level, stderr);
	vfprintf(stderr, fmt, ap);
	fputs(out->has_colour ? "\033[0m\n" : "\n", stderr);
}

void
say_error(const struct out *out, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(out, true, fmt, ap);
	va_end(ap);
}

void
say_warning(const struct out *out, const char *fmt, ...)
{
	va_list ap;

	if (out->no_warnings)
		return;
	va_start(ap, fmt);
	say(out, false, fmt, ap);
	va_end(ap);
}

static int
write_stderr(void *ud, const void *buf, size_t len)
{
	(void)ud;
	return fwrite(buf, 1, len, stderr) != len;
}

void
out_diags(const struct out *out, const sonde *ctx, int status)
{
	size_t n = sonde_diag_count(ctx), n_errors = 0;

	for (size_t i = 0; i < n; i++) {
		enum sonde_level level = sonde_diag_at(ctx, i)->level;

		n_errors += level == SONDE_ERROR;
		if (level == SONDE_ERROR || !out->no_warnings)
			sonde_diag_render(ctx, i, out->has_colour, write_stderr, NULL);
	}
	if (status < 0 && !n_errors)
		say_error(out, "%s", sonde_strerror(status));
}

/* ---- the output ---- */

static void
out_free(struct out *out)
{
	free(out->buf);
	free(out->json);
	report_free(&out->report);
	out->buf = NULL;
	out->json = NULL;
}

bool
out_open(struct out *out, const struct options *o)
{
	*out = (struct out){
		.fd = STDOUT_FILENO, .name = "standard output", .buffering = o->buffering,
		.has_colour = o->has_colour, .no_warnings = o->no_warnings,
		.is_mute = o->is_dry_run || o->dump, .is_log_stdout = o->dump != NULL,
		.is_listing = o->is_list || o->dump,
	};
	out->buf = malloc(ROOM);
	out->json = o->is_json ? json_new(out) : NULL;
	if (!out->buf || (o->is_json && !out->json)) {
		out_free(out);
		say_error(out, "out of memory");
		return false;
	}
	out->report.has_colour = o->wants_colour || (o->has_colour && !o->output && isatty(STDOUT_FILENO));
	if (!o->output)
		return true;
	out->name = o->output;
	out->fd = open(o->output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (out->fd >= 0)
		return true;
	say_error(out, "cannot open output file '%s': %s", o->output, strerror(errno));
	out_free(out);
	return false;
}

/* Writes all of it; what is left over after an error stays at *text. */
static int
write_all(int fd, const char **text, size_t *len)
{
	while (*len) {
		ssize_t n = write(fd, *text, *len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN) {  /* a terminal or pipe that someone made non-blocking */
			usleep(1000);
			continue;
		}
		if (n <= 0)
			return n < 0 ? errno : EIO;
		*text += n;
		*len -= (size_t)n;
	}
	return 0;
}

/* The output broke.  Nothing that was collected is lost: what could not be written, and the maps at the end, go to
 * standard error; where the reader left on purpose (a closed pipe) only the maps. */
static void
give_up(struct out *out, int error, const char *rest, size_t len)
{
	out->error = error;
	out->is_discarding = error == EPIPE;
	if (error == EPIPE && !out->is_listing)
		say_error(out, "%s was closed by its reader; tracing ends, maps follow here", out->name);
	else if (error != EPIPE)
		say_error(out, "cannot write to %s: %s; %sthe rest of the output follows here",
			  out->name, strerror(error), out->is_listing ? "" : "tracing ends, ");
	out->fd = STDERR_FILENO;
	if (!out->is_discarding)
		write_all(out->fd, &rest, &len);
}

void
out_flush(struct out *out)
{
	const char *text = out->buf;
	size_t len = out->len;
	int error;

	out->len = 0;
	error = write_all(out->fd, &text, &len);
	if (error && !out->error)
		give_up(out, error, text, len);
}

void
out_text(struct out *out, const void *text, size_t len)
{
	if (out->report.is_keeping) {
		report_keep(&out->report, text, len);
		return;
	}
	if (out->is_discarding)
		return;
	if (out->len + len > ROOM)
		out_flush(out);
	if (out->is_discarding)
		return;
	if (len > ROOM) {
		const char *rest = text;
		int error = write_all(out->fd, &rest, &len);

		if (error && !out->error)
			give_up(out, error, rest, len);
		return;
	}
	memcpy(out->buf + out->len, text, len);
	out->len += len;
	if (out->buffering == BUFFER_NONE)
		out_flush(out);
}

bool
out_close(struct out *out)
{
	out_flush(out);
	if (out->fd != STDOUT_FILENO && out->fd != STDERR_FILENO && close(out->fd) < 0 && !out->error) {
		out->error = errno;
		say_error(out, "cannot write to %s: %s", out->name, strerror(errno));
	}
	out_free(out);
	return !out->error || out->error == EPIPE;
}

/* ---- events ---- */

/* The source line of a place, tabs as four blanks, and the line that marks the columns. */
static void
show_place(const struct out *out, const struct sonde_span *at)
{
	const char *line = out->source, *end;
	uint32_t col = 1;

	if (!line || at->line != at->end_line)
		return;
	for (uint32_t n = 1; n < at->line && line; n++) {
		line = memchr(line, '\n', out->source_len - (size_t)(line - out->source));
		line += line != NULL;
	}
	if (!line)
		return;
	end = memchr(line, '\n', out->source_len - (size_t)(line - out->source));
	if (!end)
		end = out->source + out->source_len;
	for (const char *p = line; p < end; p++)
		fputs(*p == '\t' ? "    " : (char[]){ *p, '\0' }, stderr);
	fputc('\n', stderr);
	for (const char *p = line; col < at->end_col; col++, p += p < end) {
		char mark = col < at->col ? ' ' : '~';

		for (int n = p < end && *p == '\t' ? 4 : 1; n; n--)
			fputc(mark, stderr);
	}
	fputc('\n', stderr);
}

static void
runtime_error(struct out *out, const struct sonde_event *e)
{
	out_flush(out);
	if (e->at.file)
		fprintf(stderr, "%s:%u:%u-%u: ", e->at.file, e->at.line, e->at.col, e->at.end_col);
	if (e->lost > 1)
		say_warning(out, "%.*s (%llu times)", (int)e->len, e->text, (unsigned long long)e->lost);
	else
		say_warning(out, "%.*s", (int)e->len, e->text);
	if (e->helper)
		fprintf(stderr, "Additional Info - helper: %s, retcode: %lld\n", e->helper, (long long)e->retcode);
	if (e->at.file)
		show_place(out, &e->at);
}

/* Of a test that is at work: with what it prints, in case it fails. */
static void
keep_error(struct out *out, const struct sonde_event *e)
{
	char place[256] = "";

	if (e->at.file)
		snprintf(place, sizeof(place), "%.150s:%u:%u-%u: ", e->at.file, e->at.line, e->at.col, e->at.end_col);
	out_text(out, place, strlen(place));
	out_text(out, "WARNING: ", 9);
	out_text(out, e->text, e->len);
	out_text(out, "\n", 1);
}

static void
log_event(struct out *out, const struct sonde_event *e)
{
	bool ends = e->len && e->text[e->len - 1] == '\n';

	if (out->is_log_stdout) {
		out_text(out, e->text, e->len);
		if (!ends)
			out_text(out, "\n", 1);
	} else {
		out_flush(out);
		fprintf(stderr, ends ? "%.*s" : "%.*s\n", (int)e->len, e->text);
	}
}

void
out_attached(struct out *out, int n)
{
	if (out->json)
		json_attached(out->json, n);
	else
		fprintf(stderr, "Attached %d probe%s\n", n, n == 1 ? "" : "s");
}

int
out_event(void *ud, const struct sonde_event *e)
{
	struct out *out = ud;
	int error = out->error;
	bool is_said = e->kind != SONDE_EV_RUNTIME_ERROR || !out->no_warnings;

	if (e->kind == SONDE_EV_TEST_BEGIN || e->kind == SONDE_EV_TEST_END || e->kind == SONDE_EV_BENCH) {
		if (!out->is_mute)
			report_event(out, e);
		return out->error && !error;
	}
	if (out->json && e->kind != SONDE_EV_LOG && !out->report.is_keeping) {
		if (is_said && !out->is_mute)
			json_event(out->json, e);
		return out->error && !error;
	}
	switch (e->kind) {
	case SONDE_EV_TEXT:
	case SONDE_EV_VALUE:
		if (!out->is_mute)
			out_text(out, e->text, e->len);
		break;
	case SONDE_EV_LOST:
		out_flush(out);
		fprintf(stderr, "%.*s\n", (int)e->len, e->text);
		break;
	case SONDE_EV_RUNTIME_ERROR:
		if (out->report.is_keeping)
			keep_error(out, e);
		else if (is_said)
			runtime_error(out, e);
		break;
	case SONDE_EV_LOG:
		log_event(out, e);
		break;
	default:
		break;
	}
	return out->error && !error;
}
