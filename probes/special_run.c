/* special_run.c - when begin, end, test and bench programs run: the session runs them itself. */
#include "probes/attach_run.h"

const struct run_provider run_provider_begin = { .name = "begin", .when = ON_BEGIN };
const struct run_provider run_provider_end = { .name = "end", .when = ON_END };
/* The report calls them by their names. */
static bool
fits_named(const struct target *t)
{
	return t->part[0] != NULL;
}

const struct run_provider run_provider_test = { .name = "test", .when = ON_TEST, .fits = fits_named };
const struct run_provider run_provider_bench = { .name = "bench", .when = ON_BENCH, .fits = fits_named };
