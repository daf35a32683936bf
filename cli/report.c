/* report.c - results of the script's own tests and benchmarks (LANGUAGE 5.8). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cli/cli.h"

#define BENCH_NAME 40                    /* columns at least */
#define BENCH_NUMBER 15

/* ---- what a test prints, kept until it is known whether anybody wants it ---- */

void
report_keep(struct report *r, const void *text, size_t len)
{
	if (r->len + len > r->room) {
		size_t room = (r->len + len) * 2;
		char *more = realloc(r->text, room);

		if (!more)
			return;
		r->text = more;
		r->room = room;
	}
	memcpy(r->text + r->len, text, len);
	r->len += len;
}

/* ---- text ---- */

/* A line that begins with a label in its colour. */
static void
put_label(struct out *out, bool is_good, const char *label, const char *rest)
{
	char text[512];

	snprintf(text, sizeof(text), "%s%s%s%s\n", !out->report.has_colour ? "" : is_good ? "\033[32m" : "\033[31m", label,
		 out->report.has_colour ? "\033[0m " : " ", rest);
	out_text(out, text, strlen(text));
}

static const char *
plural(unsigned n)
{
	return n == 1 ? "" : "s";
}

/* A duration in the unit that suits it. */
static void
duration(char text[32], uint64_t ns)
{
	if (ns < 1000)
		snprintf(text, 32, "%llu ns", (unsigned long long)ns);
	else if (ns < 1000000)
		snprintf(text, 32, "%.1f us", (double)ns / 1e3);
	else
		snprintf(text, 32, "%.1f ms", (double)ns / 1e6);
}

static void
keep_name(struct report *r, const char *name)
{
	char **more = realloc(r->failed, (r->n_failed + 1) * sizeof(*more));

	if (!more)
		return;
	r->failed = more;
	r->failed[r->n_failed] = strdup(name);
	r->n_failed += r->failed[r->n_failed] != NULL;
}

static void
begin_test(struct out *out, const struct sonde_event *e)
{
	struct report *r = &out->report;
	char text[64];

	if (r->n_run++ == 0 && !out->json) {
		snprintf(text, sizeof(text), "Running %u test%s.", r->n_tests, plural(r->n_tests));
		put_label(out, true, "[==========]", text);
	}
	if (!out->json)
		put_label(out, true, "[ RUN      ]", e->text);
	r->is_keeping = true;
	r->len = 0;
}

static void
end_test(struct out *out, const struct sonde_event *e)
{
	struct report *r = &out->report;
	char text[320], took[32];

	r->is_keeping = false;
	r->total_ns += e->duration_ns;
	if (!e->is_passed)
		keep_name(r, e->text);
	r->has_failed |= !e->is_passed;
	if (out->json) {
		json_test(out->json, e, r->text, e->is_passed ? 0 : r->len);
		return;
	}
	if (!e->is_passed) {
		out_text(out, r->text, r->len);
		if (r->len && r->text[r->len - 1] != '\n')
			out_text(out, "\n", 1);
	}
	duration(took, e->duration_ns);
	snprintf(text, sizeof(text), "%.250s (%s)", e->text, took);
	put_label(out, e->is_passed, e->is_passed ? "[       OK ]" : "[  FAILED  ]", text);
}

static void
put_bench(struct out *out, const struct sonde_event *e)
{
	struct report *r = &out->report;
	int width = r->bench_width > BENCH_NAME ? r->bench_width : BENCH_NAME;
	char text[512];

	if (out->json) {
		json_bench(out->json, e);
		return;
	}
	if (r->n_benches++ == 0) {
		snprintf(text, sizeof(text), "%-*s%*s%*s\n", width, "Benchmark", BENCH_NUMBER, "Time(ns)", BENCH_NUMBER, "Iterations");
		out_text(out, text, strlen(text));
		for (int i = 0; i < width + 2 * BENCH_NUMBER; i++)
			out_text(out, "-", 1);
		out_text(out, "\n", 1);
	}
	snprintf(text, sizeof(text), "%-*.400s%*llu%*llu\n", width, e->text, BENCH_NUMBER, (unsigned long long)e->duration_ns, BENCH_NUMBER,
		 (unsigned long long)e->n_runs);
	out_text(out, text, strlen(text));
}

void
report_event(struct out *out, const struct sonde_event *e)
{
	if (e->kind == SONDE_EV_TEST_BEGIN)
		begin_test(out, e);
	else if (e->kind == SONDE_EV_TEST_END)
		end_test(out, e);
	else
		put_bench(out, e);
}

/* ---- before and after all of them ---- */

static int
count_name(void *ud, const char *name, const char *doc)
{
	struct report *r = ud;
	int len = (int)strlen(name);

	(void)doc;
	r->n_tests += strncmp(name, "test:", 5) == 0;
	if (strncmp(name, "bench:", 6) == 0 && len - 6 > r->bench_width)
		r->bench_width = len - 6 > 400 ? 400 : len - 6;
	return 0;
}

void
report_begin(struct out *out, const sonde_image *img)
{
	out->report.n_tests = 0;
	sonde_image_probes(img, count_name, &out->report);
}

bool
report_end(struct out *out)
{
	struct report *r = &out->report;
	unsigned n_failed = (unsigned)r->n_failed, n_passed = r->n_run - n_failed;
	char text[320], took[32];

	r->is_keeping = false;
	if (r->n_run && !out->json) {
		duration(took, r->total_ns);
		snprintf(text, sizeof(text), "%u test%s ran. (%s total)", r->n_run, plural(r->n_run), took);
		put_label(out, true, "[==========]", text);
		snprintf(text, sizeof(text), "%u test%s.", n_passed, plural(n_passed));
		put_label(out, true, "[  PASSED  ]", text);
	}
	if (n_failed && !out->json) {
		snprintf(text, sizeof(text), "%u test%s, listed below:", n_failed, plural(n_failed));
		put_label(out, false, "[  FAILED  ]", text);
		for (size_t i = 0; i < r->n_failed; i++)
			put_label(out, false, "[  FAILED  ]", r->failed[i]);
	}
	return !r->has_failed;
}

void
report_free(struct report *r)
{
	for (size_t i = 0; i < r->n_failed; i++)
		free(r->failed[i]);
	free(r->failed);
	free(r->text);
	*r = (struct report){ 0 };
}
