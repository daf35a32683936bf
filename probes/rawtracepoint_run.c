/* rawtracepoint_run.c - attaches rawtracepoint programs: by name, or where they were loaded for. */
#include <linux/bpf.h>
#include "probes/attach_run.h"

static int
attach_rawtracepoint(struct sonde_session *s, const struct prog *p, int fd, struct links *links)
{
	bool is_typed = p->prog_type == BPF_PROG_TYPE_TRACING;

	for (uint32_t i = 0; i < p->n_targets; i++) {
		int link = attach_raw(is_typed ? NULL : p->targets[i].part[1], fd, p->first_target + i);
		int err = link >= 0 ? links_add(links, link) : attach_failed(s, p, i, link, NULL);

		if (err < 0)
			return err;
	}
	return 0;
}

static bool
fits_rawtracepoint(const struct target *t)
{
	return t->part[1] != NULL;
}

const struct run_provider run_provider_rawtracepoint = {
	.name = "rawtracepoint", .attach = attach_rawtracepoint, .fits = fits_rawtracepoint,
};
