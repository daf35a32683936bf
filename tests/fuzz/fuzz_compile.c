/* fuzz_compile.c - whole compilations against the pinned kernel, to BPF and back through an image: no crash, no LLVM abort,
 * an image exactly when there is no error.  A first byte below 64: the rest is the script; else the rest chooses, byte by
 * byte, among the productions of a small grammar, so that most scripts get as far as LLVM. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "include/sonde.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct maker {
	const uint8_t *data;
	size_t len;
	char text[16384];
	size_t n;
	int depth;
};

static unsigned
choose(struct maker *m, unsigned n)
{
	if (!m->len)
		return 0;
	m->len--;
	return *m->data++ % n;
}

static void
put(struct maker *m, const char *s)
{
	size_t n = strlen(s);

	if (m->n + n < sizeof(m->text)) {
		memcpy(m->text + m->n, s, n);
		m->n += n;
	}
}

static void
pick(struct maker *m, const char *const *from, unsigned n)
{
	put(m, from[choose(m, n)]);
}
#define PICK(m, ...) pick(m, (const char *const[]){ __VA_ARGS__ }, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))

static void expression(struct maker *m);

static void
leaf(struct maker *m)
{
	PICK(m, "1", "$x", "$y", "@a", "@b[1]", "pid", "comm", "nsecs", "\"text\"", "-5", "0xffffffffffffffff", "curtask",
	     "curtask.comm", "curtask.pid", "args.next_pid", "args.prev_comm", "kstack", "(uint8)pid", "true", "\"\"", "probe",
	     "@c", "@k[comm, 2]", "sizeof(struct task_struct)", "str(args.filename)", "cpu", "rand", "ustack(3)", "0");
}

static void
expression(struct maker *m)
{
	unsigned kind = choose(m, 12);

	if (++m->depth > 6)
		kind = 0;
	switch (kind) {
	default:
		leaf(m);
		break;
	case 5:
	case 6:
		put(m, "(");
		expression(m);
		PICK(m, " + ", " - ", " * ", " / ", " % ", " & ", " | ", " ^ ", " << ", " >> ", " == ", " != ", " < ", " >= ", " && ",
		     " || ");
		expression(m);
		put(m, ")");
		break;
	case 7:
		PICK(m, "-", "!", "~", "*", "(int8)", "(uint64)", "(bool)", "(struct task_struct *)", "(int32 *)");
		expression(m);
		break;
	case 8:
		put(m, "(");
		expression(m);
		put(m, " ? ");
		expression(m);
		put(m, " : ");
		expression(m);
		put(m, ")");
		break;
	case 9:
		put(m, "(");
		expression(m);
		put(m, ", ");
		expression(m);
		put(m, ")");
		break;
	case 10:
		expression(m);
		PICK(m, ".0", ".1", "[0]", "[1]", ".comm", ".pid", "->real_parent", "[100]");
		break;
	case 11:
		PICK(m, "str", "len", "ksym", "strncmp", "has_key", "buf", "usym", "ntop", "strftime", "sizeof");
		put(m, "(");
		expression(m);
		if (choose(m, 2)) {
			put(m, ", ");
			expression(m);
		}
		put(m, ")");
		break;
	}
	m->depth--;
}

static void statements(struct maker *m);

static void
statement(struct maker *m)
{
	unsigned kind = choose(m, 12);

	if (++m->depth > 5 && kind > 5)
		kind = 0;
	switch (kind) {
	case 0:
		PICK(m, "$x = ", "$y = ", "@a = ", "@b[1] = ", "@k[comm, 2] = ", "@a += ", "$x -= ", "@b[pid] = ");
		expression(m);
		break;
	case 1:
		PICK(m, "@c = ", "@h = ", "@h[comm] = ", "@d[1, comm] = ");
		PICK(m, "count()", "hist(", "lhist(", "sum(", "avg(", "min(", "max(", "stats(");
		if (m->n && m->text[m->n - 1] == '(') {
			expression(m);
			PICK(m, ")", ", 0, 100, 10)", ", 2)");
		}
		break;
	case 2:
		PICK(m, "print(", "printf(\"%d\", ", "printf(\"%s %x\", ", "clear(", "zero(", "delete(@b, ", "time(", "join(", "cat(",
		     "exit(");
		expression(m);
		put(m, ")");
		break;
	case 3:
		PICK(m, "$x++", "@a--", "++@b[1]", "break", "continue", "return", "return 1");
		break;
	case 4:
	case 5:
		expression(m);
		break;
	case 6:
	case 7:
		put(m, "if (");
		expression(m);
		put(m, ") { ");
		statements(m);
		put(m, "} else { ");
		statements(m);
		put(m, "}");
		break;
	case 8:
		put(m, "for ($i : 0..");
		leaf(m);
		put(m, ") { ");
		statements(m);
		put(m, "}");
		break;
	case 9:
		PICK(m, "for ($kv : @b) { ", "for ($kv : @k) { ", "for ($kv : @d) { print($kv); ");
		statements(m);
		put(m, "}");
		break;
	case 10:
		PICK(m, "unroll (3) { ", "while ($x < 5) { $x++; ");
		statements(m);
		put(m, "}");
		break;
	case 11:
		PICK(m, "let $z = ", "let $z : uint16 = ", "let $z : string[4] = ");
		expression(m);
		break;
	}
	put(m, "; ");
	m->depth--;
}

static void
statements(struct maker *m)
{
	for (unsigned n = 1 + choose(m, 3); n; n--)
		statement(m);
}

static void
make_script(struct maker *m)
{
	for (unsigned n = 1 + choose(m, 2); n; n--) {
		PICK(m, "begin ", "tracepoint:sched:sched_switch ", "tracepoint:syscalls:sys_enter_openat ", "interval:s:1 ",
		     "tracepoint:sched:sched_* ", "kprobe:vfs_read ", "end ", "rawtracepoint:sched_switch ", "profile:hz:99 ");
		if (choose(m, 3) == 0) {
			put(m, "/");
			expression(m);
			put(m, "/ ");
		}
		put(m, "{ $x = 1; $y = (2, \"b\"); @b[1] = 2; @k[comm, 2] = 3; @a = 4; ");
		statements(m);
		put(m, "}\n");
	}
}

struct bytes {
	char *data;
	size_t len;
};

static int
keep(void *ud, const void *data, size_t len)
{
	struct bytes *b = ud;

	b->data = realloc(b->data, b->len + len + 1);
	if (!b->data)
		abort();
	memcpy(b->data + b->len, data, len);
	b->len += len;
	return 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sonde_opts opts = { .size = sizeof(opts), .sysroot = "tests/data/kernel", .flags = SONDE_UNSAFE };
	static struct maker m;
	struct bytes saved = { 0 };
	sonde_image *img, *again = NULL;
	sonde *ctx;
	int status;

	if (!len || sonde_open(&opts, &ctx) < 0)
		return 0;
	m = (struct maker){ .data = data + 1, .len = len - 1 };
	if (data[0] < 64)
		m.n = len - 1 < sizeof(m.text) ? (memcpy(m.text, data + 1, len - 1), len - 1) : 0;
	else
		make_script(&m);
	if (getenv("SHOW"))
		fprintf(stderr, "%.*s\n", (int)m.n, m.text);
	status = sonde_compile(ctx, "fuzz", m.text, m.n, NULL, 0, &img);
	if ((status == 0) != (img != NULL) || (status == 0) != (sonde_errmsg(ctx)[0] == '\0'))
		abort();
	if (img && (sonde_image_save(img, keep, &saved) < 0 || sonde_image_load(ctx, saved.data, saved.len, &again) < 0))
		abort();
	free(saved.data);
	sonde_image_free(img);
	sonde_image_free(again);
	sonde_close(ctx);
	return 0;
}
