/* options.c - what may stand on the command line and in the environment: one row each. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"

#define MAX_PID 0x400000

struct option_row {
	char letter;                     /* 0: none */
	const char *name, *arg;          /* arg: what it takes, for the help; NULL: nothing */
	bool (*set)(struct options *, const char *arg); /* false after a message */
	const char *help;                /* NULL: accepted, not shown */
};

static bool
complain(const char *fmt, const char *what)
{
	fputs("ERROR: ", stderr);
	fprintf(stderr, fmt, what);
	fputc('\n', stderr);
	return false;
}

/* A number in C's notation.  NULL or what is wrong. */
static const char *
read_number(const char *s, uint64_t max, uint64_t *out)
{
	char *end;

	if (!isdigit((unsigned char)*s))
		return "invalid integer";
	errno = 0;
	*out = strtoull(s, &end, 0);
	if (*end)
		return "invalid trailing bytes";
	if (errno || *out > max)
		return "number out of range";
	return NULL;
}

static bool
set_program(struct options *o, const char *arg)
{
	if (o->program)
		return complain("%s", "-e can be given once");
	o->program = arg;
	return true;
}

static bool
set_pid(struct options *o, const char *arg)
{
	uint64_t pid;
	const char *why = read_number(arg, UINT64_MAX, &pid);

	if (why) {
		fprintf(stderr, "ERROR: Failed to parse pid: %s: %s\n", why, arg);
		return false;
	}
	if (!pid || pid > MAX_PID)
		return complain("Pid out of range: %s", arg);
	o->pid = (int)pid;
	return true;
}

static bool
set_buffering(struct options *o, const char *arg)
{
	static const char *const words[] = { [BUFFER_LINE] = "line", [BUFFER_FULL] = "full", [BUFFER_NONE] = "none" };

	for (int i = 0; i < 3; i++)
		if (strcmp(arg, words[i]) == 0) {
			o->buffering = (enum buffering)i;
			return true;
		}
	return complain("Invalid buffering \"%s\": it is line, full or none", arg);
}

static bool
set_format(struct options *o, const char *arg)
{
	o->is_json = strcmp(arg, "json") == 0;
	return o->is_json || strcmp(arg, "text") == 0 || complain("Invalid output format \"%s\"", arg);
}

static bool
set_ring_pages(struct options *o, const char *arg)
{
	uint64_t n;

	if (read_number(arg, 1 << 20, &n) || !n || (n & (n - 1)))
		return complain("--ring-pages takes a power of two, not \"%s\"", arg);
	o->ring_pages = (uint32_t)n;
	return true;
}

static bool
set_dump(struct options *o, const char *arg)
{
	if (!*arg)
		return complain("%s", "-d needs the letter or name of a stage");
	o->dump = arg;
	return true;
}

static bool
set_cmd(struct options *o, const char *arg)
{
	o->cmd = arg;
	return true;
}

static bool
set_output(struct options *o, const char *arg)
{
	o->output = arg;
	return true;
}

#define SWITCH(field) \
	static bool set_##field(struct options *o, const char *arg) \
	{ \
		(void)arg; \
		o->field = true; \
		return true; \
	}
SWITCH(is_list)
SWITCH(is_verbose)
SWITCH(is_quiet)
SWITCH(is_dry_run)
SWITCH(is_unsafe)
SWITCH(is_test)
SWITCH(is_bench)
SWITCH(is_format)
SWITCH(no_warnings)
SWITCH(wants_help)
SWITCH(wants_version)

/* The long way to write --test, --bench and --fmt. */
static bool
set_mode(struct options *o, const char *arg)
{
	o->is_test = strcmp(arg, "test") == 0;
	o->is_bench = strcmp(arg, "bench") == 0;
	o->is_format = strcmp(arg, "format") == 0;
	return o->is_test || o->is_bench || o->is_format || complain("Invalid mode \"%s\": it is test, bench or format", arg);
}

static bool
set_nothing(struct options *o, const char *arg)
{
	(void)o;
	(void)arg;
	return true;
}

static const struct option_row rows[] = {
	{ 'e', "eval", "PROGRAM", set_program, "run this program" },
	{ 'c', "cmd", "CMD", set_cmd, "run CMD once everything is attached, end when it ends" },
	{ 'p', "pid", "PID", set_pid, "trace process PID only, end when it ends" },
	{ 'o', "output", "FILE", set_output, "write the program's output to FILE" },
	{ 'q', "quiet", NULL, set_is_quiet, "do not say how many probes were attached" },
	{ 'v', "verbose", NULL, set_is_verbose, "say more; with -l: arguments of probes" },
	{ 'd', "debug", "STAGE", set_dump, "show what passes leave (S M A R T C P G O, verifier, dis), do not run" },
	{ 'l', "list", NULL, set_is_list, "list probes that match a pattern, or those a program attaches" },
	{ 'B', "buffer", "MODE", set_buffering, "output buffering: line (default), full or none" },
	{ 'f', "format", "FORMAT", set_format, "output format: text (default) or json" },
	{ 0, "dry-run", NULL, set_is_dry_run, "stop as soon as everything is attached" },
	{ 0, "unsafe", NULL, set_is_unsafe, "allow system(), signal() and what else changes the system" },
	{ 0, "test", NULL, set_is_test, "run the program's test: probes and report which failed" },
	{ 0, "bench", NULL, set_is_bench, "measure the program's bench: probes" },
	{ 0, "fmt", NULL, set_is_format, "print the program in the standard layout" },
	{ 0, "mode", "MODE", set_mode, NULL },
	{ 0, "ring-pages", "N", set_ring_pages, "size of the event ring buffer in pages" },
	{ 0, "no-warnings", NULL, set_no_warnings, "no warnings at all" },
	{ 'k', "warnings", NULL, set_nothing, "accepted: failures at run time are always reported" },
	{ 'b', "btf", NULL, set_nothing, NULL },
	{ 'V', "version", NULL, set_wants_version, "print the version" },
	{ 'h', "help", NULL, set_wants_help, "print this" },
};

void
options_help(void)
{
	fputs("USAGE: sonde [options] FILE [arguments]\n"
	      "       sonde [options] - [arguments]          the program comes from standard input\n"
	      "       sonde [options] -e 'PROGRAM' [arguments]\n"
	      "       sonde [options] FILE [arguments] -- [--name=value ...]    options of the program (getopt), --help\n"
	      "       sonde -l [PATTERN | FILE]\n"
	      "       sonde                                  a prompt\n\nOPTIONS:\n", stdout);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct option_row *r = &rows[i];
		char left[64], letter[8] = "    ";

		if (!r->help)
			continue;
		if (r->letter)
			snprintf(letter, sizeof(letter), "-%c, ", r->letter);
		snprintf(left, sizeof(left), "%s--%s %s", letter, r->name, r->arg ? r->arg : "");
		printf("    %-24s %s\n", left, r->help);
	}
	fputs("\nENVIRONMENT (BPFTRACE_X is read where SONDE_X is not set):\n"
	      "    SONDE_BTF                kernel type information (default /sys/kernel/btf/vmlinux)\n"
	      "    SONDE_COLOR              auto, always or never\n"
	      "    SONDE_HISTORY            history of the prompt (default ~/.sonde_history)\n"
	      "    SONDE_MAX_STRLEN, SONDE_MAX_MAP_KEYS and the other config variables in capitals\n"
	      "\nEXAMPLES:\n"
	      "    sonde -e 'tracepoint:syscalls:sys_enter_openat { printf(\"%s %s\\n\", comm, str(args.filename)); }'\n"
	      "    sonde -e 'tracepoint:syscalls:sys_exit_read /args.ret > 0/ { @[comm] = hist(args.ret); }'\n"
	      "    sonde -l 'tracepoint:sched:*'\n", stdout);
}

/* ---- environment ---- */

static const char *
env_either(const char *name, char full[64])
{
	static const char *const prefixes[] = { "SONDE_", "BPFTRACE_" };
	const char *v;

	for (int i = 0; i < 2; i++) {
		snprintf(full, 64, "%s%s", prefixes[i], name);
		v = getenv(full);
		if (v)
			return v;
	}
	return NULL;
}

static bool
env_number(const char *name, uint32_t *out)
{
	char full[64];
	const char *v = env_either(name, full), *why;
	uint64_t n;

	if (!v)
		return true;
	why = read_number(v, UINT32_MAX, &n);
	if (why) {
		fprintf(stderr, "ERROR: %s: %s: %s\n", full, why, v);
		return false;
	}
	*out = (uint32_t)n;
	return true;
}

/* The other config variables travel to the library by name: it knows what they take. */
static bool
env_config(struct options *o)
{
	static const char *const names[] = {
		"MAX_PROBES", "MAX_BPF_PROGS", "ON_STACK_LIMIT", "PRINT_MAPS_ON_EXIT", "MAX_CAT_BYTES", "STACK_MODE",
		"MISSING_PROBES", "LOG_SIZE", "STR_TRUNC_TRAILER", "LICENSE", "CACHE_USER_SYMBOLS", "CPP_DEMANGLE",
		"LAZY_SYMBOLICATION", "SHOW_DEBUG_INFO", "USE_BLAZESYM",
	};
	char full[64];
	size_t len = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *v = env_either(names[i], full);
		char *more;

		if (!v)
			continue;
		more = realloc(o->config, len + strlen(names[i]) + strlen(v) + 3);
		if (!more)
			return complain("%s", "out of memory");
		o->config = more;
		len += (size_t)sprintf(more + len, "%s=%s\n", names[i], v);
	}
	return true;
}

static bool
env_read(struct options *o)
{
	char full[64];
	const char *colour = env_either("COLOR", full);

	if (!colour || strcmp(colour, "auto") == 0) {
		o->has_colour = isatty(STDERR_FILENO);
	} else if (strcmp(colour, "always") == 0 || strcmp(colour, "never") == 0) {
		o->has_colour = o->wants_colour = colour[0] == 'a';
	} else {
		fprintf(stderr, "ERROR: %s: \"%s\" is not auto, always or never\n", full, colour);
		return false;
	}
	o->btf_path = env_either("BTF", full);
	if (o->btf_path && !*o->btf_path)
		o->btf_path = NULL;
	return env_number("MAX_MAP_KEYS", &o->max_map_keys) && env_number("MAX_STRLEN", &o->max_strlen) &&
	       env_number("PERF_RB_PAGES", &o->ring_pages) && env_config(o);
}

/* ---- the command line ---- */

static const struct option_row *
find_row(const char *arg, size_t len, bool is_long)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (is_long ? strlen(rows[i].name) == len && strncmp(rows[i].name, arg, len) == 0 :
			      rows[i].letter == *arg)
			return &rows[i];
	return NULL;
}

static bool
usage_error(const char *fmt, const char *what)
{
	complain(fmt, what);
	fputs("USAGE: sonde [options] FILE | - | -e 'PROGRAM' | -l [PATTERN]   (sonde -h explains)\n", stderr);
	return false;
}

int
options_misused(const char *what)
{
	return !usage_error("%s", what);
}

static bool
unknown_option(const struct options *o, const char *arg)
{
	return usage_error(o->n_args ? "unknown option %s (what is meant for the script stands after --)" : "unknown option %s",
			   arg);
}

/* --name, --name=VALUE or --name VALUE; *i is moved past what was used. */
static bool
read_long(struct options *o, char **argv, int argc, int *i)
{
	const char *arg = argv[*i] + 2;
	size_t len = strcspn(arg, "=");
	const struct option_row *r = find_row(arg, len, true);

	if (!r)
		return unknown_option(o, argv[*i]);
	if (!r->arg)
		return arg[len] ? usage_error("%s takes no value", argv[*i]) : r->set(o, NULL);
	if (arg[len])
		return r->set(o, arg + len + 1);
	if (*i + 1 >= argc)
		return usage_error("%s needs a value", argv[*i]);
	return r->set(o, argv[++*i]);
}

/* -qv, -eVALUE or -e VALUE. */
static bool
read_letters(struct options *o, char **argv, int argc, int *i)
{
	const char *arg = argv[*i] + 1;

	for (; *arg; arg++) {
		const struct option_row *r = find_row(arg, 1, false);

		if (!r)
			return unknown_option(o, argv[*i]);
		if (!r->arg) {
			if (!r->set(o, NULL))
				return false;
			continue;
		}
		if (arg[1])
			return r->set(o, arg + 1);
		if (*i + 1 >= argc)
			return usage_error("%s needs a value", argv[*i]);
		return r->set(o, argv[++*i]);
	}
	return true;
}

/* A number such as -5 is a parameter, not an option. */
static bool
is_option(const char *arg)
{
	return arg[0] == '-' && arg[1] && !isdigit((unsigned char)arg[1]);
}

int
options_read(struct options *o, int argc, char **argv)
{
	bool is_over = false;

	memset(o, 0, sizeof(*o));
	for (int i = 1; i < argc; i++) {
		bool ok = true;

		/* behind the program, -- stays: what follows it are the program's own options */
		bool is_dashes = !is_over && strcmp(argv[i], "--") == 0;
		bool stays = is_dashes && !o->is_list && (o->program || o->n_args);

		if (is_over || stays || !is_option(argv[i]))
			argv[o->n_args++] = argv[i];
		if (is_dashes)
			is_over = true;
		else if (is_over || !is_option(argv[i]))
			continue;
		else if (argv[i][1] == '-')
			ok = read_long(o, argv, argc, &i);
		else
			ok = read_letters(o, argv, argc, &i);
		if (!ok)
			return 1;
	}
	o->args = (const char *const *)argv;
	if (!o->program && o->n_args && !o->is_list) {
		o->file = argv[0];
		o->args++;
		o->n_args--;
	}
	if (o->cmd && o->pid)
		return !usage_error("%s", "-c and -p cannot be used together");
	return env_read(o) ? 0 : 1;
}

void
options_free(struct options *o)
{
	free(o->config);
	o->config = NULL;
}
