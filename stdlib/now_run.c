/* now_run.c - run half of the clocks: printing the time of day. */
#include <time.h>
#include "runtime/rt.h"

static uint64_t
clock_ns(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int
event_time(struct sonde_session *ses, const struct action *a, const void *data)
{
	(void)data;
	ses->out.len = 0;
	print_time(a->fmt ? a->fmt : "%H:%M:%S\n", clock_ns(CLOCK_REALTIME), &ses->out);
	rt_text(ses, a->builtin, ses->out.data, ses->out.len, false);
	return 0;
}

const struct run_builtin run_time = { .name = "time", .event = event_time };

/* How far the wall clock is ahead of another one.  The two are read one after the other; of a few tries the closest pair
 * counts, so that the date does not jitter. */
static uint64_t
wall_offset(clockid_t clock)
{
	uint64_t best = UINT64_MAX, offset = 0;

	for (int i = 0; i < 3; i++) {
		uint64_t before = clock_ns(clock), wall = clock_ns(CLOCK_REALTIME), after = clock_ns(clock);

		if (after - before < best) {
			best = after - before;
			offset = wall - (before + best / 2);
		}
	}
	return offset;
}

/* The type is a record that stdlib/now.c made: its name is the format, its field the clock. */
static void
print_timestamp(struct render *r, const struct type *t, const void *data, struct buf *out)
{
	uint64_t ns;

	(void)r;
	memcpy(&ns, data, sizeof(ns));
	print_time(t->name, ns + wall_offset(strcmp(t->fields[0].name, "tai") == 0 ? CLOCK_TAI : CLOCK_BOOTTIME), out);
}

static bool
fits_timestamp(const struct type *t)
{
	return t->kind == T_RECORD && t->size >= 8 && t->name && t->n == 1 && t->fields && t->fields[0].name;
}

const struct fmt fmt_timestamp = { .name = "timestamp", .fits = fits_timestamp, .print = print_timestamp };
