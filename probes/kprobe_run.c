/* kprobe_run.c - attaches kprobe and kretprobe: through one multi-link where the kernel has it, else one perf event each. */
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include "probes/attach_run.h"

struct kprobes {
	struct sonde_session *ses;
	const struct prog *prog;
	struct links *links;
	int fd, pmu;                     /* pmu: type of the perf PMU, or -errno */
	uint64_t return_bit;             /* config of a return probe */
	bool is_return;
};
struct kprobe_multi_attr {               /* BPF_LINK_CREATE since 5.18 */
	uint32_t prog_fd, target_fd, attach_type, flags, multi_flags, cnt;
	uint64_t syms, addrs, cookies;
};

/* part[0]: module or NULL, part[1]: function or NULL; num: offset, or address without a function. */
static int
attach_one(void *ud, uint32_t i)
{
	struct kprobes *k = ud;
	const struct target *t = &k->prog->targets[i];
	struct perf_event_attr attr = { 0 };
	char name[320];

	if (k->pmu < 0)
		return k->pmu;
	if (t->part[1] && (size_t)snprintf(name, sizeof(name), "%s%s%s", t->part[0] ? t->part[0] : "", t->part[0] ? ":" : "",
					   t->part[1]) >= sizeof(name))
		return -ENAMETOOLONG;
	attr.type = (uint32_t)k->pmu;
	attr.config = k->is_return ? k->return_bit : 0;
	attr.kprobe_func = t->part[1] ? (uint64_t)(uintptr_t)name : 0;
	attr.probe_offset = t->num;      /* the same word as kprobe_addr */
	return attach_perf(k->links, k->prog, k->fd, i, &attr, -1, 0);
}

static int
attach_many(void *ud, uint32_t first, uint32_t n)
{
	struct kprobes *k = ud;
	uint64_t *sym = mem_alloc((size_t)n * 2 * sizeof(*sym)), *cookie = sym + n;
	struct kprobe_multi_attr attr = {
		.prog_fd = (uint32_t)k->fd, .attach_type = k->prog->attach_type, .cnt = n, .multi_flags = k->is_return,
	};
	int fd;

	if (!sym)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++) {
		sym[i] = (uint64_t)(uintptr_t)k->prog->targets[first + i].part[1];
		cookie[i] = k->prog->first_target + first + i;
	}
	attr.syms = (uint64_t)(uintptr_t)sym;
	attr.cookies = (uint64_t)(uintptr_t)cookie;
	fd = attach_link(&attr, sizeof(attr));
	mem_free(sym);
	return fd;
}

static bool
always(const struct target *a, const struct target *b)
{
	(void)a;
	(void)b;
	return true;
}

static int
attach_all(struct sonde_session *s, const struct prog *p, int fd, struct links *links, bool is_return)
{
	struct kprobes k = { .ses = s, .prog = p, .links = links, .fd = fd, .is_return = is_return };
	struct multi multi = { s, p, links, &k, attach_many, attach_one, always };
	uint32_t before = links->n;
	int bit;

	k.pmu = sys_number("/sys/bus/event_source/devices/kprobe/type");
	bit = sys_number("/sys/bus/event_source/devices/kprobe/format/retprobe");
	k.return_bit = (uint64_t)1 << (bit > 0 ? bit : 0);
	if (k.pmu == -ENOENT) {
		rt_error(s, p->targets[0].at, E_KERNEL, -EOPNOTSUPP,
			 "%s cannot be attached: this kernel is built without kprobes (CONFIG_KPROBES, CONFIG_KPROBE_EVENTS)",
			 p->targets[0].name);
		diag_hint(s->ctx->diags, "tracepoints and rawtracepoints work without them; sonde -l lists what there is");
		return -EOPNOTSUPP;
	}
	if (p->attach_type) {
		int err = attach_multi(&multi);

		return err ? err : attach_none(s, p, before, links);
	}
	for (uint32_t i = 0; i < p->n_targets; i++) {
		int err = attach_one(&k, i);

		if (err < 0 && (err = attach_failed(s, p, i, err, NULL)) < 0)
			return err;
	}
	return attach_none(s, p, before, links);
}

static int
attach_kprobe(struct sonde_session *s, const struct prog *p, int fd, struct links *links)
{
	return attach_all(s, p, fd, links, false);
}

static int
attach_kretprobe(struct sonde_session *s, const struct prog *p, int fd, struct links *links)
{
	return attach_all(s, p, fd, links, true);
}

const struct run_provider run_provider_kprobe = { .name = "kprobe", .attach = attach_kprobe };
const struct run_provider run_provider_kretprobe = { .name = "kretprobe", .attach = attach_kretprobe };
