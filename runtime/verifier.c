/* verifier.c - says why the kernel refused a program: in human words, at the line of the script, with the verifier's own
 * last words as the hint. */
#include <ctype.h>
#include <errno.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "runtime/rt.h"

#ifndef CAP_PERFMON
#define CAP_PERFMON 38
#endif
#ifndef CAP_BPF
#define CAP_BPF 39
#endif

static bool
has_bpf_privilege(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };
	uint64_t caps;

	if (syscall(SYS_capget, &head, data))
		return false;
	caps = data[0].effective | (uint64_t)data[1].effective << 32;
	return caps >> CAP_SYS_ADMIN & 1 || (caps >> CAP_BPF & 1 && caps >> CAP_PERFMON & 1);
}

bool
is_unprivileged(struct sonde_session *ses, int err)
{
	if (err != -EPERM || has_bpf_privilege())
		return false;
	rt_error(ses, NO_SPAN, E_PERM, err,
		 "the kernel lets only root, or a process with CAP_BPF and CAP_PERFMON, trace: run this as root");
	return true;
}

static const char *
prog_type_name(uint32_t type)
{
	static const char *const names[] = {
		[BPF_PROG_TYPE_SOCKET_FILTER] = "socket filter",
		[BPF_PROG_TYPE_KPROBE] = "kprobe",
		[BPF_PROG_TYPE_TRACEPOINT] = "tracepoint",
		[BPF_PROG_TYPE_PERF_EVENT] = "perf event",
		[BPF_PROG_TYPE_RAW_TRACEPOINT] = "raw tracepoint",
		[BPF_PROG_TYPE_TRACING] = "BTF-typed tracing",
		[BPF_PROG_TYPE_LSM] = "LSM",
		[BPF_PROG_TYPE_XDP] = "XDP",
		[BPF_PROG_TYPE_SYSCALL] = "syscall",
	};
	return type < LENGTH(names) && names[type] ? names[type] : "such";
}

/* ---- reading the log ---- */
static size_t
line_length(const char *s)
{
	return strcspn(s, "\n");
}

/* "12: (85) call ...": the number, or -1. */
static int
insn_number(const char *line)
{
	char *end;
	long n;

	if (!isdigit((unsigned char)*line))
		return -1;
	n = strtol(line, &end, 10);
	return end[0] == ':' && end[1] == ' ' && end[2] == '(' && n <= INT32_MAX ? (int)n : -1;
}

int
verifier_last_insn(const char *log)
{
	int last = -1;

	for (const char *at = log; *at; at += line_length(at), at += *at == '\n') {
		int n = insn_number(at);

		if (n >= 0)
			last = n;
	}
	return last;
}

/* Lines that describe states, statistics or source: they tell nothing by themselves. */
static bool
is_noise(const char *line, size_t len)
{
	static const char *const starts[] = {
		"processed ", "verification time", "stack depth", "insns processed", "from ", "; ", ";", "mark_precise",
		"last_idx", "first_idx", "regs=", "parent ", "caller", "callee", "func#", "frame", "Live regs", "Validating ", "Func#",
		"arg#", "max_states", "peak_states", "R0_w=", " R", "R0=", "reg type unsupported", "returning from ", "to caller",
	};

	while (len && isspace((unsigned char)line[len - 1]))
		len--;
	if (len == 0)
		return true;
	if (isdigit((unsigned char)*line)) {
		size_t i = strspn(line, "0123456789");

		if (line[i] == ':')
			return true;
	}
	for (size_t i = 0; i < LENGTH(starts); i++)
		if (strncmp(line, starts[i], strlen(starts[i])) == 0)
			return true;
	return false;
}

void
verifier_last_words(const char *log, struct buf *out)
{
	const char *best = NULL;
	size_t best_len = 0;

	for (const char *at = log; *at; at += line_length(at), at += *at == '\n') {
		size_t len = line_length(at);

		if (is_noise(at, len))
			continue;
		best = at;
		best_len = len;
	}
	if (best)
		buf_add(out, best, best_len > 300 ? 300 : best_len);
}

/* ---- the place in the script ---- */
static struct span
line_span(const struct sonde_image *img, uint32_t line, uint32_t col)
{
	const char *at = img->source, *end = at + img->source_len, *stop;

	while (line > 1 && at < end) {
		at = memchr(at, '\n', (size_t)(end - at));
		if (!at)
			return NO_SPAN;
		at++;
		line--;
	}
	if (line != 1 || at >= end)
		return NO_SPAN;
	stop = memchr(at, '\n', (size_t)(end - at));
	if (!stop)
		stop = end;
	if (col > 1 && (size_t)(stop - at) >= col)
		at += col - 1;
	while (at < stop && isspace((unsigned char)*at))
		at++;
	/* From there to the end of the statement, as far as it is on this line. */
	for (const char *p = at; p < stop; p++)
		if (*p == ';' || *p == '{' || *p == '}') {
			stop = p > at ? p : p + 1;
			break;
		}
	while (stop > at + 1 && isspace((unsigned char)stop[-1]))
		stop--;
	return stop > at ? (struct span){ (uint32_t)(at - img->source), (uint32_t)(stop - at), 0 } : NO_SPAN;
}

static struct span
insn_span(const struct sonde_image *img, const struct code *code, int insn)
{
	uint32_t line_col = 0;
	struct span at;

	for (uint32_t i = 0; insn >= 0 && code->line_size >= 16 && i < code->n_lines; i++) {
		uint32_t rec[4];

		memcpy(rec, (const char *)code->line_info + (size_t)i * code->line_size, sizeof(rec));
		if (rec[0] > (uint32_t)insn)
			break;
		if (rec[3] >> 10)        /* line 0: the compiler's own code */
			line_col = rec[3];
	}
	at = line_col ? line_span(img, line_col >> 10, line_col & 0x3ff) : NO_SPAN;
	return at.len ? at : code->prog->at;
}

/* ---- words ---- */
struct saying { const char *log, *words; };
static const struct saying sayings[] = {
	{ "BPF program is too large", "the program is too large for the kernel's verifier" },
	{ "The sequence of", "the program has too many branches for the kernel's verifier" },
	{ "infinite loop detected", "the kernel's verifier cannot see that this loop ends" },
	{ "back-edge from insn", "the kernel's verifier cannot see that this loop ends" },
	{ "loop is not bounded", "the kernel's verifier cannot see that this loop ends" },
	{ "combined stack size", "this needs more than the 512 bytes of stack a program has" },
	{ "invalid write to stack", "this needs more than the 512 bytes of stack a program has" },
	{ "unbounded memory access", "the kernel's verifier sees no upper bound for a size used here" },
	{ "min value is negative", "the kernel's verifier sees that a size or index used here may be negative" },
	{ "outside of the allowed memory range", "the kernel's verifier cannot see that this access stays inside its object" },
	{ "invalid access to", "the kernel's verifier cannot see that this access stays inside its object" },
	{ "invalid mem access", "the kernel's verifier does not let a program read this address directly" },
	{ "invalid bpf_context access", "this program may not read that part of its probe's context" },
	{ "the calling of helper", "this program may not call a function used here" },
	{ "attach to unsupported member", "the kernel does not let a program attach there" },
	{ "is not a kernel function", "the kernel does not let a program attach there" },
};

static const char *
find_words(const char *log)
{
	for (size_t i = 0; i < LENGTH(sayings); i++)
		if (strstr(log, sayings[i].log))
			return sayings[i].words;
	return "the kernel's verifier refused this program";
}

/* Name of a helper in "... func bpf_loop#181" or "... helper bpf_loop#181"; "" when the log has none. */
static void
helper_name(const char *words, struct buf *out)
{
	const char *hash = strchr(words, '#'), *at = hash;

	while (at && at > words && (isalnum((unsigned char)at[-1]) || at[-1] == '_'))
		at--;
	if (hash) {
		size_t digits = strspn(hash + 1, "0123456789");

		buf_add(out, at, (size_t)(hash - at) + 1 + digits);
	}
}

static int
explain_missing(struct sonde_session *ses, const struct code *code, int err)
{
	const struct prog *p = code->prog;

	if (is_unprivileged(ses, err))
		return err;
	if (err == -ENOMEM)
		return rt_error(ses, p->at, E_KERNEL, err, "the kernel has no memory for this program of %u instructions", code->n);
	if (err == -E2BIG)
		return rt_error(ses, p->at, E_VERIFIER, err, "this program has %u instructions, more than the kernel takes", code->n);
	if (err == -EPERM || err == -EINVAL || err == -ENOTSUP || err == -524 /* ENOTSUPP */)
		return rt_error(ses, p->at, E_KERNEL, err,
				"this kernel does not take %s programs%s%s: not configured, locked down, or too old (%s)",
				prog_type_name(p->prog_type), p->btf_attach ? " attached to " : "",
				p->btf_attach ? p->btf_attach : "", strerror(err == -524 ? ENOTSUP : -err));
	return rt_error(ses, p->at, E_KERNEL, err, "the kernel did not load this program: %s", strerror(-err));
}

int
verifier_explain(struct sonde_session *ses, const struct code *code, int err, const char *log)
{
	struct buf words = { 0 }, helper = { 0 };
	struct span at = insn_span(ses->img, code, verifier_last_insn(log));
	const char *text;

	verifier_last_words(log, &words);
	text = buf_cstr(&words);
	if (!*text) {
		err = explain_missing(ses, code, err);
	} else if (strstr(text, "invalid func unknown") || strstr(text, "unknown func") || strstr(text, "cannot use helper") ||
		   strstr(text, "program of this type cannot use")) {
		helper_name(text, &helper);
		rt_error(ses, at, E_KERNEL, err, "this kernel has no BPF helper %s for %s programs",
			 helper.len ? buf_cstr(&helper) : "that is used here", prog_type_name(code->prog->prog_type));
		diag_hint(ses->ctx->diags, "the verifier says: %s", text);
	} else {
		rt_error(ses, at, E_VERIFIER, err, "%s", find_words(log));
		diag_hint(ses->ctx->diags, "the verifier says: %s", text);
	}
	buf_free(&words);
	buf_free(&helper);
	return err;
}
