/* special_run.c - when begin, end and test programs run: the session runs them itself. */
#include "probes/attach_run.h"

const struct run_provider run_provider_begin = { .name = "begin", .when = ON_BEGIN };
const struct run_provider run_provider_end = { .name = "end", .when = ON_END };
const struct run_provider run_provider_test = { .name = "test", .when = ON_TEST };
