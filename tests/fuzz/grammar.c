/* grammar.c - turns bytes into scripts.  Each byte is one choice; where they end, the first and smallest production is taken, so
 * that every input ends.  Expressions are asked for by type; maps and variables get a type when they are made, so most scripts
 * pass sema and reach the emitter. */
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include "tests/fuzz/grammar.h"

enum kind {
	G_INT, G_BOOL, G_STR, G_TUPLE, G_RECORD, G_TASK, G_KSYM, G_USYM, G_KSTACK, G_USTACK, G_BUF, G_INET, G_USER, G_TIME, G_ARRAY,
	G_UPID, G_ENUM, N_KINDS
};
struct gtype {
	enum kind kind;
	unsigned n;
	const struct gtype *part[4];             /* TUPLE, RECORD: the fields of a record are f0, f1 ... */
};
struct gmap {
	const struct gtype *key, *val;           /* NULL key: scalar; NULL val: an aggregate */
	unsigned aggr;                           /* which, 1 up */
	char args[48];                           /* its constant arguments */
};
struct gvar {
	const struct gtype *type;
	unsigned name;
	bool is_fixed;                           /* never assigned again */
};
enum args { ARGS_NONE, ARGS_SWITCH, ARGS_OPENAT, ARGS_EXIT, ARGS_RAW_SWITCH, ARGS_REGS };
enum { MAX_MAPS = 6, MAX_VARS = 48, MAX_TYPES = 96 };
struct maker {
	const uint8_t *data;
	size_t len, n, max;
	char *out;
	unsigned flags;
	int depth, nodes;                        /* how deep, and how many expressions there may still be */
	bool is_ill, is_plain, in_map_loop;         /* is_plain: the least of each type */
	unsigned n_types, n_maps, n_vars, n_names, n_probes, callbacks, loops;
	enum args args;
	struct gtype types[MAX_TYPES];
	struct gmap maps[MAX_MAPS];
	struct gvar vars[MAX_VARS];
};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void expr(struct maker *m, const struct gtype *t);
static void block(struct maker *m, unsigned most);

/* ---- choosing and writing ---- */

static unsigned
choose(struct maker *m, unsigned n)
{
	if (!m->len)
		return 0;
	m->len--;
	return *m->data++ % n;
}

static bool
is_live(const struct maker *m)
{
	return m->flags & GRAMMAR_LIVE;
}

__attribute__((format(printf, 2, 3))) static void
put(struct maker *m, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(m->out + m->n, m->max - m->n, fmt, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < m->max - m->n)
		m->n += (size_t)n;
	m->out[m->n] = '\0';
}

static void
pick(struct maker *m, const char *const *from, size_t n)
{
	put(m, "%s", from[choose(m, (unsigned)n)]);
}
#define PICK(m, ...) \
	pick(m, (const char *const[]){ __VA_ARGS__ }, COUNT(((const char *const[]){ __VA_ARGS__ })))

/* ---- types ---- */

static const struct gtype simple[N_KINDS] = {
	[G_INT] = { G_INT, 0, { 0 } }, [G_BOOL] = { G_BOOL, 0, { 0 } }, [G_STR] = { G_STR, 0, { 0 } }, [G_TASK] = { G_TASK, 0, { 0 } },
	[G_KSYM] = { G_KSYM, 0, { 0 } }, [G_USYM] = { G_USYM, 0, { 0 } }, [G_KSTACK] = { G_KSTACK, 0, { 0 } },
	[G_USTACK] = { G_USTACK, 0, { 0 } }, [G_BUF] = { G_BUF, 0, { 0 } }, [G_INET] = { G_INET, 0, { 0 } },
	[G_USER] = { G_USER, 0, { 0 } }, [G_TIME] = { G_TIME, 0, { 0 } }, [G_ARRAY] = { G_ARRAY, 0, { 0 } },
	[G_UPID] = { G_UPID, 0, { 0 } }, [G_ENUM] = { G_ENUM, 0, { 0 } },
};
#define INT (&simple[G_INT])
#define BOOL (&simple[G_BOOL])
#define STR (&simple[G_STR])
#define TASK (&simple[G_TASK])

static const struct gtype *
some_type(struct maker *m, int deep)
{
	static const enum kind plain[] = { G_INT, G_STR, G_INT, G_STR, G_BOOL, G_INT, G_TASK, G_KSYM, G_USYM, G_BUF, G_INET, G_USER,
					   G_TIME, G_ARRAY, G_UPID, G_ENUM, G_KSTACK, G_USTACK };
	unsigned kind = choose(m, COUNT(plain) + 6);
	struct gtype *t;

	if (kind < COUNT(plain) || deep >= 3 || m->n_types == MAX_TYPES)
		return &simple[plain[kind % COUNT(plain)]];
	t = &m->types[m->n_types++];
	t->kind = kind < COUNT(plain) + 4 ? G_TUPLE : G_RECORD;
	t->n = 1 + choose(m, 4);
	for (unsigned i = 0; i < t->n; i++)
		t->part[i] = some_type(m, deep + 1);
	return t;
}

static bool
same_type(const struct gtype *a, const struct gtype *b)
{
	if (a->kind != b->kind || a->n != b->n)
		return false;
	for (unsigned i = 0; i < a->n; i++)
		if (!same_type(a->part[i], b->part[i]))
			return false;
	return true;
}

static bool
has_stack(const struct gtype *t)
{
	if (!t || t->kind == G_KSTACK || t->kind == G_USTACK)
		return t != NULL;
	for (unsigned i = 0; i < t->n; i++)
		if (has_stack(t->part[i]))
			return true;
	return false;
}

/* Stacks cannot be taken inside callbacks. */
static bool
fits_here(const struct maker *m, const struct gtype *t)
{
	return !m->callbacks || !has_stack(t);
}

static const struct gtype *
type_here(struct maker *m, int deep)
{
	const struct gtype *t = some_type(m, deep);

	return fits_here(m, t) ? t : INT;
}

/* ---- places: variables, map elements, and parts of them ---- */

static void
map_place(struct maker *m, unsigned i)
{
	const struct gtype *key = m->maps[i].key;

	put(m, "@m%u", i);
	if (!key)
		return;
	put(m, "[");
	if (key->kind == G_TUPLE && key->n > 1 && choose(m, 4)) {
		for (unsigned k = 0; k < key->n; k++) {
			put(m, k ? ", " : "");
			expr(m, key->part[k]);
		}
	} else {
		expr(m, key);
	}
	put(m, "]");
}

/* Writes one of the places of that type; false when there is none. */
static bool
place(struct maker *m, const struct gtype *t)
{
	struct { bool is_map; unsigned at; int part, sub; } found[64];
	unsigned n = 0, i;

	for (i = 0; i < m->n_vars; i++) {
		const struct gtype *v = m->vars[i].type;
		if (same_type(v, t) && n < 64)
			found[n].is_map = false, found[n].at = i, found[n].part = found[n].sub = -1, n++;
		for (unsigned p = 0; p < v->n; p++) {
			if (same_type(v->part[p], t) && n < 64)
				found[n].is_map = false, found[n].at = i, found[n].part = (int)p, found[n].sub = -1, n++;
			for (unsigned q = 0; q < v->part[p]->n; q++)
				if (same_type(v->part[p]->part[q], t) && n < 64)
					found[n].is_map = false, found[n].at = i, found[n].part = (int)p, found[n].sub = (int)q, n++;
		}
	}
	for (i = 0; i < m->n_maps; i++)
		if (n < 64 && m->depth < 7 && fits_here(m, m->maps[i].key) && m->maps[i].val && same_type(m->maps[i].val, t))
			found[n].is_map = true, found[n].at = i, found[n].part = -1, n++;
	if (!n)
		return false;
	i = choose(m, n);
	if (found[i].is_map) {
		map_place(m, found[i].at);
		return true;
	}
	const struct gtype *v = m->vars[found[i].at].type;
	put(m, "$v%u", m->vars[found[i].at].name);
	for (int part = found[i].part, sub = found[i].sub; part >= 0; v = v->part[part], part = sub, sub = -1)
		put(m, v->kind == G_RECORD ? ".f%d" : choose(m, 4) ? ".%d" : "[%d]", part);
	return true;
}

/* A map that fits, or MAX_MAPS. */
static unsigned
some_map(struct maker *m, bool is_keyed)
{
	unsigned first = choose(m, MAX_MAPS);

	for (unsigned i = 0; i < m->n_maps; i++) {
		unsigned at = (first + i) % m->n_maps;
		if ((!is_keyed || m->maps[at].key) && fits_here(m, m->maps[at].key) && fits_here(m, m->maps[at].val))
			return at;
	}
	return MAX_MAPS;
}

/* ---- expressions ---- */

static void
list_expr(struct maker *m, const char *call, const struct gtype *a, const char *rest)
{
	put(m, "%s(", call);
	expr(m, a);
	put(m, "%s)", rest);
}

static void
task_chain(struct maker *m)
{
	if (m->depth > 6 || choose(m, 3))
		put(m, "curtask");
	else
		expr(m, TASK);
	for (unsigned n = choose(m, 4); n > 1; n--)
		PICK(m, "->real_parent", ".parent", "->group_leader", ".real_parent");
}

static void
int_literal(struct maker *m)
{
	PICK(m, "0", "1", "2", "7", "10", "127", "128", "255", "256", "32767", "65535", "65536", "0x7fffffff", "0x80000000", "4294967295",
	     "4294967296", "9223372036854775807", "9223372036854775808", "0xffffffffffffffff", "(-1)", "(-128)", "(-129)", "(-32769)",
	     "(-2147483649)", "(-9223372036854775807)", "1e6", "5s", "100ms", "0777", "0b101", "1_000", "3ull");
}

static void
int_leaf(struct maker *m)
{
	switch (choose(m, 12)) {
	case 0: case 1: case 2:
		int_literal(m);
		break;
	case 3: case 4: case 5:
		if (!place(m, INT))
			int_literal(m);
		break;
	case 6: case 7:
		PICK(m, "pid", "tid", "uid", "gid", "cpu", "ncpus", "nsecs", "elapsed", "jiffies", "rand", "cgroup", "cpid", "ppid",
		     "nsecs(boot)", "nsecs(monotonic)", "pid(init)", "tid(curr_ns)", "rand()", "cpu()");
		break;
	case 8: case 9:
		task_chain(m);
		PICK(m, ".pid", "->tgid", ".prio", ".flags", ".se.vruntime", ".exit_code", ".start_time", ".usage.refs.counter",
		     ".cred->uid.val", ".nsproxy->pid_ns_for_children->level", ".mm.total_vm", ".in_iowait", ".sched_migrated",
		     ".thread_pid.numbers[0].nr", ".signal.rlim[3].rlim_cur", ".signal.rlim[cpu].rlim_max", ".policy", ".comm[3]");
		break;
	case 10:
		if (m->args == ARGS_SWITCH && !m->callbacks)
			PICK(m, "args.prev_pid", "args->next_pid", "args.prev_state", "args.next_prio", "args.prev_comm[2]");
		else if (m->args == ARGS_OPENAT && !m->callbacks)
			PICK(m, "args.flags", "args.dfd", "args->mode");
		else if (m->args == ARGS_EXIT && !m->callbacks)
			PICK(m, "args.ret", "args->ret");
		else if (m->args == ARGS_RAW_SWITCH && !m->callbacks)
			PICK(m, "arg0", "arg1", "arg2", "args.preempt", "args.prev->pid", "args.next.tgid", "args.prev_state");
		else if (m->args == ARGS_REGS && !m->callbacks)
			PICK(m, "arg0", "arg1");
		else
			put(m, "pid");
		break;
	case 11:
		PICK(m, "sizeof(int32)", "sizeof(struct task_struct)", "offsetof(struct task_struct, pid)", "PIDTYPE_TGID", "\"abc\"[1]",
		     "(1, \"x\", 3).2", "(f0 = 1, f1 = 2).f1", "kaddr(\"vfs_read\")", "sizeof((1, \"a\"))", "(int64)curtask", "$#");
		break;
	}
}

static void
choice(struct maker *m, const struct gtype *t)
{
	switch (choose(m, 4)) {
	case 0: case 1:
		put(m, "(");
		expr(m, BOOL);
		put(m, " ? ");
		expr(m, t);
		put(m, " : ");
		expr(m, t);
		put(m, ")");
		break;
	case 2:
		put(m, "(if (");
		expr(m, BOOL);
		put(m, ") { ");
		expr(m, t);
		put(m, " } else { ");
		expr(m, t);
		put(m, " })");
		break;
	case 3: {
		unsigned n_vars = m->n_vars, name;

		put(m, "({ ");
		block(m, 1);
		name = m->n_names++;
		put(m, " $v%u = ", name);
		expr(m, t);
		put(m, "; $v%u })", name);
		m->n_vars = n_vars;
		break;
	}
	}
}

static void
incdec(struct maker *m)
{
	unsigned at = m->n_vars ? choose(m, m->n_vars) : 0;
	bool is_prefix = choose(m, 2);

	for (unsigned i = 0; i < m->n_maps; i++)
		if (m->maps[i].val && m->maps[i].val->kind == G_INT && fits_here(m, m->maps[i].key) && choose(m, 2)) {
			put(m, is_prefix ? "(++" : "(");
			map_place(m, i);
			put(m, is_prefix ? ")" : "--)");
			return;
		}
	if (at < m->n_vars && m->vars[at].type->kind == G_INT && !m->vars[at].is_fixed)
		put(m, is_prefix ? "(--$v%u)" : "($v%u++)", m->vars[at].name);
	else
		int_leaf(m);
}

static void
int_call(struct maker *m)
{
	unsigned at;

	switch (choose(m, 8)) {
	case 0:
		list_expr(m, "strlen", STR, "");
		break;
	case 1:
		put(m, "strncmp(");
		expr(m, STR);
		put(m, ", ");
		expr(m, STR);
		PICK(m, ", 3)", ", 0)", ", 16)", ", 64)", ", 1000)");
		break;
	case 2:
		at = some_map(m, true);
		put(m, at < MAX_MAPS ? "len(@m%u)" : "%u", at);
		break;
	case 3:
		PICK(m, "bswap((uint16)", "bswap((uint8)", "bswap((uint64)", "bswap((int32)");
		expr(m, INT);
		put(m, ")");
		break;
	case 4:
		for (at = 0; at < m->n_maps; at++)
			if (!m->maps[at].val && m->maps[at].aggr <= 5 && fits_here(m, m->maps[at].key)) {
				put(m, "(int64)");
				map_place(m, at);
				return;
			}
		int_leaf(m);
		break;
	case 5:
		put(m, "*(");
		PICK(m, "int8", "uint16", "int32", "uint64");
		put(m, " *)");
		PICK(m, "", "kptr(", "uptr(");
		if (m->out[m->n - 1] == '(') {
			expr(m, INT);
			put(m, ")");
		} else {
			put(m, "curtask");
		}
		break;
	case 6:
		put(m, "(");
		list_expr(m, "comptime ", INT, ")");
		break;
	case 7:
		put(m, "(");
		expr(m, &simple[G_ARRAY]);
		put(m, ")[");
		if (choose(m, 2)) {
			put(m, "pid - ");
			expr(m, INT);
		} else {
			put(m, "%u", choose(m, 8));
		}
		put(m, "]");
		break;
	}
}

static void
int_expr(struct maker *m)
{
	bool is_bare;

	switch (choose(m, 12)) {
	case 0: case 1: case 2:
		int_leaf(m);
		break;
	case 3: case 4: case 5:
		is_bare = !choose(m, 4);
		put(m, is_bare ? "" : "(");
		expr(m, INT);
		PICK(m, " + ", " - ", " * ", " / ", " % ", " & ", " | ", " ^ ", " << ", " >> ");
		expr(m, INT);
		put(m, is_bare ? "" : ")");
		break;
	case 6:
		PICK(m, "(-(", "(~(", "((uint8)(", "((int8)(", "((uint16)(", "((int16)(", "((uint32)(", "((int32)(", "((uint64)(", "((int64)(");
		expr(m, INT);
		put(m, "))"); /* (pid) before a sign would be a cast */
		break;
	case 7:
		choice(m, INT);
		break;
	case 8:
		incdec(m);
		break;
	case 9: case 10:
		int_call(m);
		break;
	case 11:
		put(m, "(");
		expr(m, INT);
		put(m, " ?: ");
		expr(m, INT);
		put(m, ")");
		break;
	}
}

static void
compare(struct maker *m)
{
	static const enum kind by[] = { G_INT, G_INT, G_INT, G_STR, G_STR, G_BOOL, G_TASK, G_BUF, G_ARRAY, G_TUPLE };
	const struct gtype *t = &simple[by[choose(m, COUNT(by))]];

	if (t->kind == G_INT) {
		expr(m, t);
		PICK(m, " == ", " != ", " < ", " <= ", " > ", " >= ");
		expr(m, t);
		return;
	}
	if (t->kind == G_TUPLE) /* its row is empty */
		do
			t = type_here(m, 1);
		while (m->len && t->kind != G_TUPLE && t->kind != G_RECORD);
	expr(m, t);
	PICK(m, " == ", " != ");
	expr(m, t);
}

static void
bool_expr(struct maker *m)
{
	unsigned at;

	switch (choose(m, 12)) {
	case 0:
		PICK(m, "true", "false", "has_cpid", "(probe == \"begin\")", "(probetype == \"tracepoint\")");
		break;
	case 1: case 2: case 3: case 4: case 5:
		put(m, "(");
		compare(m);
		put(m, ")");
		break;
	case 6:
		put(m, "(");
		expr(m, BOOL);
		PICK(m, " && ", " || ");
		expr(m, choose(m, 4) ? BOOL : choose(m, 2) ? INT : TASK);
		put(m, ")");
		break;
	case 7:
		put(m, "!(");
		expr(m, choose(m, 2) ? BOOL : INT);
		put(m, ")");
		break;
	case 8:
		at = some_map(m, true);
		if (at == MAX_MAPS) {
			put(m, "false");
			break;
		}
		if (choose(m, 2)) {
			PICK(m, "has_key(", "delete(");
			put(m, "@m%u, ", at);
			expr(m, m->maps[at].key);
		} else {
			put(m, "delete(");
			map_place(m, at);
		}
		put(m, ")");
		break;
	case 9:
		list_expr(m, "is_err", choose(m, 2) ? INT : TASK, "");
		break;
	case 10:
		list_expr(m, "(bool)", choose(m, 3) ? INT : STR, "");
		break;
	case 11:
		if (choose(m, 2) || !place(m, BOOL))
			choice(m, BOOL);
		break;
	}
}

static void
str_literal(struct maker *m)
{
	static const unsigned sizes[] = { 0, 1, 2, 6, 7, 8, 9, 15, 16, 17, 31, 32, 62, 63, 64, 65, 127, 128, 200, 255, 256, 500, 1023 };
	unsigned n = sizes[choose(m, COUNT(sizes))];

	put(m, "\"");
	for (unsigned i = 0; i < n; i++)
		put(m, i % 16 == 9 ? "\\x%02x" : "%c", i % 16 == 9 ? (int)(i & 0xff) : 'a' + (int)(i % 26));
	put(m, "\"");
}

static void
str_expr(struct maker *m)
{
	switch (choose(m, 12)) {
	case 0:
		PICK(m, "\"\"", "\"a\"", "\"text\"", "\"0123456\"", "\"a\\n\\\"\\\\\\101\"", "\"begin\"");
		break;
	case 1:
		str_literal(m);
		break;
	case 2: case 3:
		PICK(m, "comm", "pcomm", "leader_comm", "comm()", "curtask.comm", "curtask->real_parent->comm");
		break;
	case 4: case 5: case 6:
		if (!place(m, STR))
			put(m, "comm");
		break;
	case 7: case 8:
		PICK(m, "str(curtask.comm", "str(curtask->group_leader->comm", "str(kptr(", "str(uptr(", "str(curtask.mm.arg_start");
		if (m->out[m->n - 1] == '(') {
			expr(m, INT);
			put(m, ")");
		}
		if (choose(m, 2)) {
			put(m, ", ");
			if (choose(m, 2))
				PICK(m, "1", "2", "8", "9", "16", "64", "255", "1024", "5000");
			else
				expr(m, INT);
		}
		put(m, ")");
		break;
	case 9:
		if (m->args == ARGS_SWITCH && !m->callbacks)
			PICK(m, "args.prev_comm", "args->next_comm");
		else if (m->args == ARGS_OPENAT && !m->callbacks)
			PICK(m, "str(args.filename)", "str(args->filename, 20)", "str(args.filename, args.flags)");
		else if (m->args == ARGS_RAW_SWITCH && !m->callbacks)
			PICK(m, "args.prev->comm", "args.next.real_parent.comm");
		else
			put(m, "comm");
		break;
	case 10: case 11:
		choice(m, STR);
		break;
	}
}

static void
task_expr(struct maker *m)
{
	switch (choose(m, 6)) {
	case 0: case 1:
		task_chain(m);
		break;
	case 2:
		if (!place(m, TASK))
			put(m, "curtask");
		break;
	case 3:
		PICK(m, "((struct task_struct *)(", "((struct task_struct *)kptr(", "(kptr((struct task_struct *)");
		expr(m, INT);
		put(m, "))");
		break;
	case 4:
		if (m->args == ARGS_RAW_SWITCH && !m->callbacks)
			PICK(m, "args.prev", "args.next", "((struct task_struct *)arg1)");
		else
			put(m, "curtask");
		break;
	case 5:
		choice(m, TASK);
		break;
	}
}

static void
other_expr(struct maker *m, const struct gtype *t)
{
	switch (t->kind) {
	case G_KSYM:
		list_expr(m, "ksym", choose(m, 2) ? INT : TASK, "");
		break;
	case G_USYM:
		list_expr(m, "usym", INT, "");
		break;
	case G_KSTACK:
		put(m, "kstack(3)");
		break;
	case G_USTACK:
		put(m, "ustack(3)");
		break;
	case G_BUF:
		if (choose(m, 2))
			PICK(m, "buf(comm, 16)", "buf(curtask.comm, 7)", "buf(curtask.comm)", "buf(\"abc\", 3)", "buf(curtask, 40)", "buf(kptr(1), 8)");
		else {
			PICK(m, "buf(comm, 1 + (pid & ", "buf(curtask.comm, 1 + (", "buf(curtask, 1 + (pid ^ ");
			expr(m, INT);
			put(m, "))");
		}
		break;
	case G_INET:
		if (choose(m, 2))
			list_expr(m, "ntop", INT, "");
		else
			PICK(m, "ntop(2, 0x0100007f)", "ntop(0x0100007f)", "ntop((uint8[4])(uint32)5)", "ntop(10, rand)");
		break;
	case G_USER:
		put(m, "username");
		break;
	case G_TIME:
		put(m, "strftime(\"%%H:%%M:%%S.%%f\", ");
		if (choose(m, 2))
			list_expr(m, "1 + ", INT, ""); /* a bare nsecs(monotonic) is refused */
		else
			PICK(m, "nsecs", "elapsed", "nsecs(boot)");
		put(m, ")");
		break;
	case G_ARRAY:
		list_expr(m, "((uint8[8])(uint64)", INT, ")");
		break;
	case G_UPID:
		PICK(m, "curtask->thread_pid->numbers[0]", "curtask->real_parent->thread_pid->numbers[0]", "(*curtask->thread_pid).numbers[0]");
		break;
	default:
		PICK(m, "PIDTYPE_PID", "PIDTYPE_TGID", "(enum pid_type)2", "(enum pid_type)pid");
		break;
	}
}

static void
aggregate_expr(struct maker *m, const struct gtype *t)
{
	put(m, "(");
	for (unsigned i = 0; i < t->n; i++) {
		if (t->kind == G_RECORD)
			put(m, "%sf%u = ", i ? ", " : "", i);
		else
			put(m, i ? ", " : "");
		expr(m, t->part[i]);
	}
	put(m, t->n == 1 && t->kind == G_TUPLE ? ",)" : ")");
}

static void
expr(struct maker *m, const struct gtype *t)
{
	if (m->is_ill && choose(m, 24) == 23)
		t = some_type(m, 1);
	m->nodes--;
	if (++m->depth > 8 || m->nodes < 0 || m->is_plain) {
		static const char *const least[N_KINDS] = { [G_INT] = "1", [G_BOOL] = "true", [G_STR] = "\"s\"", [G_TASK] = "curtask",
			[G_KSYM] = "ksym(0)", [G_USYM] = "usym(0)", [G_KSTACK] = "kstack(3)", [G_USTACK] = "ustack(3)",
			[G_BUF] = "buf(comm, 4)", [G_INET] = "ntop(1)", [G_USER] = "username", [G_TIME] = "strftime(\"%H:%M:%S.%f\", nsecs)",
			[G_ARRAY] = "((uint8[8])(uint64)1)", [G_UPID] = "curtask->thread_pid->numbers[0]", [G_ENUM] = "PIDTYPE_PID" };
		if (least[t->kind])
			put(m, "%s", least[t->kind]);
		else
			aggregate_expr(m, t);
	} else if (t->kind == G_INT) {
		int_expr(m);
	} else if (t->kind == G_BOOL) {
		bool_expr(m);
	} else if (t->kind == G_STR) {
		str_expr(m);
	} else if (t->kind == G_TASK) {
		task_expr(m);
	} else {
		unsigned how = choose(m, 6);

		if (how < 2 && place(m, t))
			;
		else if (how == 2)
			choice(m, t);
		else if (t->n)
			aggregate_expr(m, t);
		else
			other_expr(m, t);
	}
	m->depth--;
}

/* ---- statements ---- */

static void
printing(struct maker *m)
{
	const struct gtype *arg[4];
	unsigned n = choose(m, 4);

	PICK(m, "printf(\"", "printf(\"", "printf(\"", is_live(m) ? "printf(\"" : "cat(\"");
	for (unsigned i = 0; i < n; i++) {
		arg[i] = type_here(m, 1);
		put(m, " ");
		if (arg[i]->kind == G_INT)
			PICK(m, "%d", "%5u", "%lx", "%-8lld", "%hhx", "%c", "%s", "%#o", "%p", "%+d", "%010d");
		else if (arg[i]->kind == G_BUF)
			PICK(m, "%r", "%rx", "%rh", "%s");
		else if (arg[i]->kind == G_BOOL || arg[i]->kind == G_ENUM)
			PICK(m, "%d", "%s");
		else if (arg[i]->kind == G_TASK)
			PICK(m, "%p", "%d", "%lx");
		else
			PICK(m, "%s", "%s", "%-20s", arg[i]->kind == G_STR ? "%.5s" : "%s");
	}
	PICK(m, "\\n\"", "%%\"", "\"");
	for (unsigned i = 0; i < n; i++) {
		put(m, ", ");
		expr(m, arg[i]);
	}
	put(m, ");");
}

static void
action(struct maker *m)
{
	unsigned at = some_map(m, false), kind = choose(m, 10);

	switch (at == MAX_MAPS && kind >= 4 && kind < 7 ? 0 : kind) {
	case 0: case 1:
		put(m, "print(");
		expr(m, type_here(m, 0));
		put(m, ");");
		break;
	case 2: case 3:
		printing(m);
		break;
	case 4:
		put(m, "print(@m%u", at);
		if (m->maps[at].key && choose(m, 2))
			PICK(m, ", 2", ", 5, 3", ", 0");
		put(m, ");");
		break;
	case 5:
		put(m, "%s(@m%u);", choose(m, 2) ? "clear" : "zero", at);
		break;
	case 6:
		put(m, "delete(");
		map_place(m, at);
		put(m, ");");
		break;
	case 7:
		PICK(m, "time();", "time(\"%H:%M\\n\");", "print(probe);", "print((probe, probetype));", "print(ncpus);");
		break;
	case 8:
		if (is_live(m))
			put(m, "if (pid == 4194305 && tid == 4194304) { join(kptr(curtask.mm.arg_start)); }");
		else
			PICK(m, "join(args.argv);", "join(uptr(pid));", "signal(\"SIGCONT\");", "signal(9);", "system(\"true %d\", pid);");
		break;
	case 9:
		put(m, "_ = ");
		expr(m, type_here(m, 0));
		put(m, ";");
		break;
	}
}

static void
map_assign(struct maker *m, unsigned at)
{
	static const char *const aggr[] = { "", "count(", "sum(", "min(", "max(", "avg(", "stats(", "hist(", "lhist(" };
	const struct gmap *map = &m->maps[at];

	map_place(m, at);
	put(m, " = %s", aggr[map->aggr]);
	if (map->aggr != 1)
		expr(m, map->val ? map->val : INT);
	put(m, map->aggr ? "%s);\n\t" : "%s;\n\t", map->args);
}

static void
map_update(struct maker *m)
{
	unsigned at = some_map(m, false);
	const struct gmap *map = &m->maps[at];

	if (at == MAX_MAPS) {
		put(m, "time();");
		return;
	}
	if (!map->val || map->val->kind != G_INT || choose(m, 2)) {
		map_assign(m, at);
	} else {
		map_place(m, at);
		if (choose(m, 3)) {
			PICK(m, " += ", " -= ", " *= ", " /= ", " %= ", " &= ", " |= ", " ^= ", " <<= ", " >>= ");
			expr(m, INT);
		} else {
			PICK(m, "++", "--");
		}
		put(m, ";");
	}
}

static void
var_update(struct maker *m)
{
	unsigned at = m->n_vars ? choose(m, m->n_vars) : 0, name;
	const struct gtype *t;
	bool is_let;

	if (at < m->n_vars && !m->vars[at].is_fixed && choose(m, 3)) {
		t = m->vars[at].type;
		put(m, "$v%u", m->vars[at].name);
		if (t->kind == G_INT && choose(m, 2))
			PICK(m, " += ", " -= ", " *= ", " /= ", " %= ", " &= ", " |= ", " ^= ", " <<= ", " >>= ");
		else
			put(m, " = ");
		expr(m, t);
		put(m, ";");
		return;
	}
	t = type_here(m, 0);
	name = m->n_names++;
	is_let = choose(m, 3) == 2;
	put(m, is_let ? "let $v%u" : "$v%u", name);
	if (is_let && t->kind == G_INT)
		PICK(m, "", "", " : int64", " : uint64", " : uint8", " : int16");
	put(m, " = ");
	expr(m, t);
	put(m, ";");
	if (m->n_vars < MAX_VARS)
		m->vars[m->n_vars++] = (struct gvar){ t, name, false };
}

static void
range_loop(struct maker *m)
{
	unsigned n_vars = m->n_vars, name = m->n_names++;

	put(m, "for ($v%u : ", name);
	PICK(m, "0..", "1..", "(-2)..", "5..", "(pid & 3)..");
	if (is_live(m) || choose(m, 3)) {
		PICK(m, "3", "1", "0", "8", "(cpu + 3)", "(pid & 15)", "(rand % 10)");
	} else {
		put(m, "(");
		expr(m, INT);
		put(m, ")");
	}
	put(m, ") { ");
	if (m->n_vars < MAX_VARS)
		m->vars[m->n_vars++] = (struct gvar){ INT, name, true };
	m->callbacks++, m->loops++;
	block(m, 3);
	m->callbacks--, m->loops--;
	m->n_vars = n_vars;
	put(m, "}");
}

static void
map_loop(struct maker *m)
{
	unsigned n_vars = m->n_vars, at = some_map(m, true), name = m->n_names++;
	struct gtype *kv = m->n_types < MAX_TYPES ? &m->types[m->n_types] : NULL;
	const struct gmap *map = &m->maps[at];

	/* the last aggregates cannot be read in a program */
	if (at == MAX_MAPS || !kv || (!map->val && map->aggr > 5) || (is_live(m) && m->in_map_loop)) {
		action(m);
		return;
	}
	put(m, choose(m, 2) ? "for ($v%u : @m%u) { " : "for $v%u : @m%u { ", name, at);
	m->n_types++;
	*kv = (struct gtype){ G_TUPLE, 2, { map->key, map->val ? map->val : INT } };
	if (m->n_vars < MAX_VARS)
		m->vars[m->n_vars++] = (struct gvar){ kv, name, true };
	if (choose(m, 2))
		put(m, "print($v%u); ", name);
	bool outer = m->in_map_loop;
	m->in_map_loop = true;
	m->callbacks++, m->loops++;
	block(m, 3);
	m->callbacks--, m->loops--;
	m->in_map_loop = outer;
	m->n_vars = n_vars;
	put(m, "}");
}

static void
plain_loop(struct maker *m)
{
	unsigned n_vars = m->n_vars, name = m->n_names++;

	if (choose(m, 2)) {
		put(m, "unroll (%u) { ", 1 + choose(m, 4));
	} else {
		put(m, "let $v%u = 0; while ($v%u < %u) { $v%u++; ", name, name, 1 + choose(m, 8), name);
	}
	m->loops++;
	block(m, 2);
	m->loops--;
	m->n_vars = n_vars;
	put(m, "}");
}

static void
condition(struct maker *m)
{
	put(m, "if (");
	expr(m, choose(m, 4) ? BOOL : INT);
	put(m, ") { ");
	block(m, 3);
	if (choose(m, 2)) {
		put(m, "} else { ");
		block(m, 2);
	}
	put(m, "}");
}

static void
leave(struct maker *m)
{
	unsigned kind = choose(m, 6);

	put(m, "if (");
	expr(m, BOOL);
	put(m, ") { ");
	if (m->loops && kind < 4)
		put(m, kind < 2 ? "break; }" : "continue; }");
	else if (kind == 4 && !m->callbacks)
		PICK(m, "exit(); }", "exit(3); }", "exit(pid); }");
	else if (kind == 5) {
		put(m, "return ");
		expr(m, INT);
		put(m, "; }");
	} else
		put(m, "return; }");
}

static void
statement(struct maker *m)
{
	unsigned kind = choose(m, 20);

	m->depth++;
	if (m->nodes < 0 || m->depth > 7)
		kind = 0;
	switch (kind) {
	case 0: case 1: case 2: case 3: case 4:
		map_update(m);
		break;
	case 5: case 6: case 7: case 8:
		var_update(m);
		break;
	case 9: case 10: case 11: case 12:
		action(m);
		break;
	case 13: case 14:
		condition(m);
		break;
	case 15:
		range_loop(m);
		break;
	case 16:
		map_loop(m);
		break;
	case 17:
		plain_loop(m);
		break;
	case 18:
		leave(m);
		break;
	case 19:
		put(m, "{ ");
		block(m, 3);
		put(m, "}");
		break;
	}
	put(m, "\n\t");
	m->depth--;
}

static void
block(struct maker *m, unsigned most)
{
	unsigned n_vars = m->n_vars;

	for (unsigned n = 1 + choose(m, most); n; n--)
		statement(m);
	m->n_vars = n_vars;
}

/* ---- scripts ---- */

static void
make_maps(struct maker *m)
{
	static const char *const lhist[] = { ", 0, 100, 10", ", 0, 1000, 1", ", 5, 6, 1", ", 0, 1000000, 100000" };

	for (unsigned n = 1 + choose(m, MAX_MAPS); n; n--) {
		struct gmap *map = &m->maps[m->n_maps++];

		*map = (struct gmap){ .key = choose(m, 3) ? some_type(m, 0) : NULL };
		if (choose(m, 3))
			map->val = some_type(m, 0);
		else
			map->aggr = 1 + choose(m, 8);
		if (map->aggr == 7)
			snprintf(map->args, sizeof(map->args), "%s", choose(m, 3) ? "" : ", 5");
		if (map->aggr == 8)
			snprintf(map->args, sizeof(map->args), "%s", lhist[choose(m, COUNT(lhist))]);
		if (map->key && map->val && choose(m, 8) == 7)
			put(m, "let @m%u = %s(%u);\n", m->n_maps - 1, choose(m, 2) ? "hash" : "lruhash", 1 + choose(m, 100));
	}
}

static void
settings(struct maker *m)
{
	put(m, "config = { ");
	PICK(m, "max_strlen = 16; ", "max_strlen = 64; ", "max_strlen = 200; ", "max_strlen = 1000; ", "max_strlen = 4096; ", "");
	PICK(m, "on_stack_limit = 0; ", "on_stack_limit = 8; ", "on_stack_limit = 64; ", "on_stack_limit = 256; ", "");
	put(m, "}\n");
}

static void
probe(struct maker *m)
{
	static const struct { const char *spec; enum args args; bool is_everywhere; } specs[] = {
		{ "begin", ARGS_NONE, true }, { "begin", ARGS_NONE, true }, { "end", ARGS_NONE, true },
		{ "tracepoint:sched:sched_switch", ARGS_SWITCH, true }, { "tracepoint:sched:sched_switch", ARGS_SWITCH, true },
		{ "tracepoint:syscalls:sys_enter_openat", ARGS_OPENAT, true }, { "t:syscalls:sys_exit_openat", ARGS_EXIT, true },
		{ "rawtracepoint:sched_switch", ARGS_RAW_SWITCH, true }, { "rt:sys_enter", ARGS_REGS, true },
		{ "tracepoint:sched:sched_wak*", ARGS_NONE, true }, { "tracepoint:syscalls:sys_exit_{read,openat}", ARGS_NONE, false },
		{ "tracepoint:syscalls:sys_exit_*a*", ARGS_EXIT, false }, { "rawtracepoint:sched_*", ARGS_REGS, false },
		{ "interval:ms:100", ARGS_NONE, true }, { "interval:s:1", ARGS_NONE, true }, { "profile:hz:99", ARGS_NONE, true },
		{ "i:us:2000", ARGS_NONE, true }, { "tracepoint:sched:sched_process_exit,tracepoint:sched:sched_process_fork", ARGS_NONE, true },
		{ "kprobe:vfs_read", ARGS_REGS, false }, { "kretprobe:vfs_*", ARGS_NONE, false },
		{ "software:cpu-clock:10000000", ARGS_NONE, true },
	};
	unsigned i = choose(m, COUNT(specs));

	while (is_live(m) && !specs[i].is_everywhere)
		i--;
	if (m->n_probes++ && i < 3) /* one begin, one end */
		i = 3;
	m->args = specs[i].args;
	m->n_vars = 0;
	put(m, "%s ", specs[i].spec);
	if (choose(m, 4) == 3) {
		put(m, "/");
		expr(m, BOOL);
		put(m, "/ ");
	}
	put(m, "{\n\t");
	if (m->n_probes == 1)
		for (unsigned at = 0; at < m->n_maps; at++) {
			m->is_plain = true; /* so that each map is assigned somewhere */
			map_assign(m, at);
			m->is_plain = false;
		}
	block(m, 6);
	put(m, "}\n");
}

size_t
grammar_make(const uint8_t *data, size_t len, unsigned flags, char *out, size_t max)
{
	struct maker m = { .data = data, .len = len, .out = out, .max = max, .flags = flags, .nodes = 250 };

	out[0] = '\0';
	m.is_ill = choose(&m, 8) == 7 && !(flags & GRAMMAR_WELL);
	if (choose(&m, 4) == 3)
		settings(&m);
	make_maps(&m);
	for (unsigned n = 1 + choose(&m, 3); n; n--)
		probe(&m);
	return m.n;
}

/* splitmix64 */
void
grammar_bytes(uint64_t seed, uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		uint64_t z = (seed += 0x9e3779b97f4a7c15u);

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
		z = (z ^ z >> 27) * 0x94d049bb133111ebu;
		data[i] = (uint8_t)(z >> 56);
	}
}
