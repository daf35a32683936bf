/* attach_run.h - what the run halves of probes/ share. */
#ifndef PROBES_ATTACH_RUN_H
#define PROBES_ATTACH_RUN_H
#include <linux/perf_event.h>
#include "runtime/rt.h"

/* Opens the perf event for pid and cpu (as perf_event_open) and attaches the program with the cookie of target i: one
 * descriptor in links.  0 or -errno, nothing said yet. */
int attach_perf(struct links *, const struct prog *, int prog_fd, uint32_t i, struct perf_event_attr *, int pid, int cpu);
/* Says why target i could not be attached: errno in human words and what to do; why: more of it, or NULL.  Returns err, or
 * 0 when the target is missing and may be: by the script's missing_probes, or since a wildcard gave it. */
int attach_failed(struct sonde_session *, const struct prog *, uint32_t i, int err, const char *why);
/* After all targets were tried: an error when not one could be attached, though each alone may be missing.  n_links: how many links
 * there were before. */
int attach_none(struct sonde_session *, const struct prog *, uint32_t n_links, const struct links *);
/* A raw tracepoint by name (NULL: the one the program was loaded for), with a cookie where the kernel takes one.  A
 * descriptor or -errno. */
int attach_raw(const char *name, int prog_fd, uint64_t cookie);
/* Many targets through one link: addresses or names and their cookies.  attr: an attribute of BPF_LINK_CREATE of our own,
 * since libbpf 1.1 knows half of them.  A descriptor or -errno. */
int attach_link(const void *attr, uint32_t size);
/* Attaches targets [0, n) of a program made for a multi-link: many(ud, first, n) makes one link of n targets that begin at first and
 * gives its descriptor or -errno.  Where that fails the half that is to blame is searched for; one(ud, i) attaches a single target
 * that no link wants, 0 or -errno.  joins(a, b): may be in one link. */
struct multi {
	struct sonde_session *ses;
	const struct prog *prog;
	struct links *links;
	void *ud;
	int (*many)(void *ud, uint32_t first, uint32_t n);
	int (*one)(void *ud, uint32_t i);
	bool (*joins)(const struct target *, const struct target *);
};
int attach_multi(const struct multi *);
/* The first number in a file below /sys, skipping a word before it such as "config:"; -errno when there is none. */
int sys_number(const char *path);
/* CPUs that are online: calls fn for each until it gives non-zero. */
int each_online_cpu(int (*fn)(void *ud, int cpu), void *ud);
#endif
