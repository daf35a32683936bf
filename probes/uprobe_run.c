/* uprobe_run.c - attaches uprobe and uretprobe: through one multi-link where the kernel has it, else one perf event each. */
#include <errno.h>
#include <linux/bpf.h>
#include "probes/attach_run.h"

struct uprobes {
	struct sonde_session *ses;
	const struct prog *prog;
	struct links *links;
	int fd, pmu, pid;                /* pmu: type of the perf PMU, or -errno */
	uint64_t return_bit;             /* config of a return probe */
	bool is_return;
};
struct uprobe_multi_attr {               /* BPF_LINK_CREATE since 6.6; libbpf 1.1 does not know it */
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t cnt, multi_flags, pid, pad;
};

static int
attach_one(void *ud, uint32_t i)
{
	struct uprobes *u = ud;
	const struct target *t = &u->prog->targets[i];
	struct perf_event_attr attr = { 0 };

	if (u->pmu < 0)
		return u->pmu;
	attr.type = (uint32_t)u->pmu;
	attr.config = u->is_return ? u->return_bit : 0;
	attr.uprobe_path = (uint64_t)(uintptr_t)t->part[0];
	attr.probe_offset = t->num;
	return attach_perf(u->links, u->prog, u->fd, i, &attr, u->pid > 0 ? u->pid : -1, u->pid > 0 ? -1 : 0);
}

static int
attach_many(void *ud, uint32_t first, uint32_t n)
{
	struct uprobes *u = ud;
	uint64_t *offset = mem_alloc((size_t)n * 2 * sizeof(*offset)), *cookie = offset + n;
	struct uprobe_multi_attr attr = {
		.prog_fd = (uint32_t)u->fd, .attach_type = u->prog->attach_type, .cnt = n, .multi_flags = u->is_return,
		.path = (uint64_t)(uintptr_t)u->prog->targets[first].part[0], .pid = u->pid > 0 ? (uint32_t)u->pid : 0,
	};
	int fd;

	if (!offset)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		offset[i] = u->prog->targets[first + i].num;
		cookie[i] = u->prog->first_target + first + i;
	}
	attr.offsets = (uint64_t)(uintptr_t)offset;
	attr.cookies = (uint64_t)(uintptr_t)cookie;
	fd = attach_link(&attr, sizeof(attr));
	mem_free(offset);
	return fd;
}

static bool
same_file(const struct target *a, const struct target *b)
{
	return strcmp(a->part[0], b->part[0]) == 0;
}

static int
attach_all(struct sonde_session *s, const struct prog *p, int fd, struct links *links, bool is_return)
{
	struct uprobes u = { .ses = s, .prog = p, .links = links, .fd = fd, .is_return = is_return, .pid = s->ctx->opts.pid };
	struct multi multi = { s, p, links, &u, attach_many, attach_one, same_file };
	uint32_t before = links->n;
	int bit;

	u.pmu = sys_number("/sys/bus/event_source/devices/uprobe/type");
	bit = sys_number("/sys/bus/event_source/devices/uprobe/format/retprobe");
	u.return_bit = (uint64_t)1 << (bit > 0 ? bit : 0);
	if (u.pmu == -ENOENT && !p->attach_type)
		return rt_error(s, p->targets[0].at, E_KERNEL, -EOPNOTSUPP,
				"this kernel is built without uprobes (CONFIG_UPROBE_EVENTS): %s cannot be attached",
				p->targets[0].name);
	if (p->attach_type) {
		int err = attach_multi(&multi);

		return err ? err : attach_none(s, p, before, links);
	}
	for (uint32_t i = 0; i < p->n_targets; i++) {
		int err = attach_one(&u, i);

		if (err < 0 && (err = attach_failed(s, p, i, err, NULL)) < 0)
			return err;
	}
	return attach_none(s, p, before, links);
}

static int
attach_uprobe(struct sonde_session *s, const struct prog *p, int fd, struct links *links)
{
	return attach_all(s, p, fd, links, false);
}

static int
attach_uretprobe(struct sonde_session *s, const struct prog *p, int fd, struct links *links)
{
	return attach_all(s, p, fd, links, true);
}

static bool
fits_uprobe(const struct target *t)
{
	return t->part[0] != NULL;
}

const struct run_provider run_provider_uprobe = { .name = "uprobe", .attach = attach_uprobe, .fits = fits_uprobe };
const struct run_provider run_provider_uretprobe = { .name = "uretprobe", .attach = attach_uretprobe, .fits = fits_uprobe };
