/* cli.h - the command line program inside: an ordinary client of sonde.h, and of nothing else of the project. */
#ifndef CLI_CLI_H
#define CLI_CLI_H
#include <stdbool.h>
#include <sys/types.h>
#include "include/sonde.h"

/* ---- options.c: the command line and the environment ---- */
enum buffering { BUFFER_LINE, BUFFER_FULL, BUFFER_NONE };
struct options {
	const char *program;             /* -e, or NULL */
	const char *file;                /* script, "-" for standard input, or NULL */
	const char *const *args;         /* positional parameters; with list: the patterns */
	int n_args;
	const char *cmd, *output, *dump;
	int pid;
	uint32_t max_map_keys, max_strlen, ring_pages; /* 0: the library's default */
	const char *btf_path;
	char *config;                    /* owns: config variables from the environment, or NULL */
	enum buffering buffering;
	bool is_list, is_verbose, is_quiet, is_dry_run, is_unsafe, is_test, is_bench, is_format, is_json, no_warnings;
	bool wants_help, wants_version;
	bool has_colour;                 /* messages on standard error in colours */
	bool wants_colour;               /* colours wherever there can be any */
};
/* Reads argv into *o.  0, or 1 after a message on standard error.  Permutes argv: parameters last. */
int options_read(struct options *o, int argc, char **argv);
void options_free(struct options *);
void options_help(void);
int options_misused(const char *what);   /* 1, having said so, and the usage, on standard error */

/* ---- out_text.c: what is printed, and where ---- */
struct report {                          /* report.c: the script's tests and benchmarks */
	unsigned n_tests, n_run, n_benches;
	int bench_width;                 /* of the longest name */
	bool is_keeping;                 /* a test runs: what it prints goes to text */
	bool has_failed, has_colour;
	uint64_t total_ns;
	char *text;                      /* owns */
	size_t len, room;
	char **failed;                   /* owns: names */
	size_t n_failed;
};
struct out {                             /* standard output or the file of -o, buffered by us */
	int fd;
	const char *name;                /* for messages: "standard output" or the file's name */
	enum buffering buffering;
	char *buf;                       /* owns */
	size_t len;
	int error;                       /* errno of the first write that failed, 0: none */
	bool is_discarding;              /* the reader has gone: text is dropped, maps go to standard error */
	bool is_mute;                    /* the script's own output is not wanted (--dry-run) */
	bool is_listing;                 /* nothing is traced: a reader that leaves early is no news */
	bool has_colour, no_warnings, is_log_stdout;
	struct json *json;               /* owns; NULL: text */
	struct report report;
	const char *source;              /* the script at work, for places in messages; borrowed */
	size_t source_len;
};
bool out_open(struct out *, const struct options *); /* false after a message */
void out_text(struct out *, const void *text, size_t len);
void out_flush(struct out *);
bool out_close(struct out *);            /* false when something could not be written */
int out_event(void *out, const struct sonde_event *); /* sonde_opts.event */
void out_attached(struct out *, int n);  /* says how many probes are attached */
/* Messages of the last call; the status' own text when there is none. */
void out_diags(const struct out *, const sonde *, int status);
void say_error(const struct out *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void say_warning(const struct out *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ---- out_json.c: the output of -f json, one object per line (LANGUAGE 5.7) ---- */
struct json *json_new(struct out *);     /* to be freed with free(); NULL: out of memory */
void json_event(struct json *, const struct sonde_event *);
void json_attached(struct json *, int n);
void json_test(struct json *, const struct sonde_event *, const char *text, size_t len); /* text: what it printed */
void json_bench(struct json *, const struct sonde_event *);

/* ---- report.c: results of tests and benchmarks (LANGUAGE 5.8) ---- */
void report_begin(struct out *, const sonde_image *); /* before they run */
void report_event(struct out *, const struct sonde_event *);
void report_keep(struct report *, const void *text, size_t len);
bool report_end(struct out *);           /* totals; false: a test failed */
void report_free(struct report *);

/* ---- child.c: the command of -c and the process of -p ---- */
struct child {
	pid_t pid;                       /* of -c: 0: none */
	int go;                          /* writing to it lets the command start; -1 */
	int watch;                       /* pidfd of the command or of -p, or -1 */
	int refusal;                     /* what the new process says when it cannot become the command; -1 */
	bool is_ours;
};
bool child_start(struct child *, const struct out *, const char *cmd); /* stopped before exec; false after a message */
bool child_watch(struct child *, const struct out *, int pid);         /* -p */
bool child_continue(struct child *, const struct out *);
bool child_has_ended(struct child *);
bool child_was_run(struct child *, const struct out *); /* once it ended: false after a message */
void child_end(struct child *);          /* SIGTERM to the command if it still runs */
/* Splits as a shell would: blanks, quotes, backslashes; no expansions.  NULL-terminated, to be freed with split_free;
 * NULL with *why set. */
char **split_words(const char *text, const char **why);
void split_free(char **words);

/* ---- run.c: one program from text to exit status ---- */
struct script {
	const char *name, *text;
	size_t len;
};
struct run {
	const struct options *o;
	struct out *out;
	struct child *child;             /* or NULL */
	bool is_prompt;                  /* an entry of the prompt: no empty lines before the maps */
};
/* Compiles only; NULL after its messages. */
sonde_image *run_compile(struct run *, sonde *, const struct script *, int *status);
int run_image(struct run *, sonde *, sonde_image *); /* exit status */
bool run_help(struct run *, sonde_image *);           /* true: the program's options were asked for, and are printed */
void run_opts(struct run *, struct sonde_opts *);    /* what a context of this run is opened with */

/* ---- list.c, repl.c ---- */
int list_probes(struct run *, const struct script *script /* or NULL */);
int repl_run(struct run *);
/* Reads a whole script; false after a message.  text is to be freed. */
bool script_read(const struct out *, const char *file, char **text, size_t *len);
#endif
