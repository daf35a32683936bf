/* arg_run.c - run half of the probe's own words: names of attach points. */
#include "runtime/rt.h"

static void
print_probe(struct render *r, const struct type *t, const void *data, struct buf *out)
{
	uint64_t i = (uint64_t)type_read_int(t, data);

	if (r->img && i < r->img->n_targets && r->img->targets[i].name)
		buf_str(out, r->img->targets[i].name);
	else
		buf_fmt(out, "probe %llu", (unsigned long long)i);
}

static bool
fits_probe(const struct type *t)
{
	return t->kind == T_INT;
}

const struct fmt fmt_probe = { .name = "probe", .fits = fits_probe, .print = print_probe };
