/* sonde.h - compile tracing scripts to eBPF and run them.  The one public header; C11 and C++.
 *
 * Life cycle:  sonde_open > sonde_compile > sonde_attach > sonde_poll ... > sonde_stop > *_free / sonde_close
 * Ownership:   what a function stores through an OUT pointer is yours to free; every other pointer is
 *              borrowed, and the comment says until when.  *_free(NULL) and *_close(NULL) do nothing.
 * Errors:      0 or a count on success, a negative enum sonde_status on failure; *out is then NULL.
 * Threads:     one thread at a time per context and its sessions; different contexts are independent;
 *              images never change and may be shared; only sonde_interrupt() may be called from any
 *              other thread or a signal handler.  The library prints nothing, reads no environment variable,
 *              installs no signal handler and never exits. */
#ifndef SONDE_H
#define SONDE_H
#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif
#define SONDE_VERSION "0.1.0"
#ifndef SONDE_API
#define SONDE_API __attribute__((visibility("default")))
#endif

typedef struct sonde sonde;                 /* context: options, kernel type cache, diagnostics */
typedef struct sonde_image sonde_image;     /* compiled program: immutable, reference counted */
typedef struct sonde_session sonde_session; /* an image loaded and attached in this kernel */

enum sonde_status {
	SONDE_OK = 0,
	SONDE_ESOURCE = -1,   /* the script is wrong: see the diagnostics */
	SONDE_ENOMEM = -2,    /* out of memory */
	SONDE_EPERM = -3,     /* the kernel refused for lack of privilege */
	SONDE_EKERNEL = -4,   /* a kernel feature is missing; the diagnostics name it */
	SONDE_EVERIFIER = -5, /* the kernel's verifier refused a program */
	SONDE_EPROBE = -6,    /* a probe's target was not found or could not be attached */
	SONDE_EIMAGE = -7,    /* not an image, damaged, or of another version */
	SONDE_ESTATE = -8,    /* called out of order */
	SONDE_EIO = -9,       /* reading or writing failed; sonde_errmsg() says what */
};

/* A place in a script.  Lines and columns count from 1, columns in bytes; the end is exclusive.
 * file is NULL where a message has no place. */
struct sonde_span {
	const char *file;
	uint32_t line, col, end_line, end_col;
};
enum sonde_level { SONDE_NOTE, SONDE_WARNING, SONDE_ERROR };
struct sonde_diag {
	enum sonde_level level;
	const char *tag;  /* "E_ARGC": stable, for programs and tests */
	const char *text; /* one line */
	const char *hint; /* what to do about it, or NULL */
	struct sonde_span at;
	const struct sonde_span *from; /* inside a macro: the calls it was expanded from, the innermost first */
	size_t n_from;
};

enum sonde_kind {
	SONDE_INT,   /* num.i */
	SONDE_UINT,  /* num.u */
	SONDE_STR,   /* text, len; what was cut off ends in the script's str_trunc_trailer */
	SONDE_BYTES, /* text, len: the raw bytes */
	SONDE_TUPLE, /* item: members of tuples, elements of arrays; buckets are TUPLEs (low, high, count) */
	SONDE_HIST,  /* item: one TUPLE (low, high, count) per bucket from the first to the last that is not empty */
	SONDE_STACK, /* item: one UINT per frame, its text the symbol */
	SONDE_BOOL,  /* num.u: 0 or 1 */
	SONDE_PTR,   /* num.u */
	SONDE_ENUM,  /* num.i; its text is the name, or the number where none has it */
	SONDE_RECORD, /* item: the fields of a struct, union, record or args, by name */
	SONDE_STATS, /* item: count, average, total, by name */
	SONDE_TSERIES, /* item: a RECORD (interval_start as text in UTC, value) per interval that has a number */
	SONDE_NONE,  /* nothing that could be shown: its text is "null" */
};
/* One value of the script's, typed.  Borrowed: valid inside the callback that received it. */
struct sonde_value {
	enum sonde_kind kind;
	union {
		int64_t i;
		uint64_t u;
	} num;
	const char *text; /* STR and BYTES: the bytes; every other kind: the printed form */
	size_t len;
	const char *name; /* field name inside a record, else NULL */
	const struct sonde_value *item;
	size_t n_items;
};

enum sonde_event_kind {
	SONDE_EV_TEXT,          /* text for the script's output: printf, print, maps, time, cat ... */
	SONDE_EV_VALUE,         /* print(x) of a typed value, or a map, printed: text, and what sonde_event_each() gives */
	SONDE_EV_LOST,          /* events were lost since the last report: lost = how many, text says of what */
	SONDE_EV_RUNTIME_ERROR, /* something failed at run time: text, at, lost = how often so far */
	SONDE_EV_LOG,           /* information for the curious: dumps, how a probe was attached, libbpf's words */
	SONDE_EV_TEST_BEGIN,    /* a test: probe starts: text is its name; what it prints follows */
	SONDE_EV_TEST_END,      /* it has ended: text, is_passed, duration_ns */
	SONDE_EV_BENCH,         /* a bench: probe was measured: text, duration_ns of one run, n_runs */
};
/* Borrowed: valid inside the callback. */
struct sonde_event {
	enum sonde_event_kind kind;
	const char *text;
	size_t len;
	uint64_t lost;
	struct sonde_span at;
	const char *source; /* the builtin the event comes from, "printf"; NULL: none, as for maps at the end */
	int is_part;        /* TEXT: what this call prints goes on in the next event (cat, system) */
	const char *map;    /* VALUE: the map that was printed; NULL: a value */
	const char *aggr;   /* VALUE of a map: the aggregation it holds, "count", "hist"; NULL: plain values */
	int is_keyed;       /* VALUE of a map: it has keys */
	const char *helper; /* RUNTIME_ERROR: the kernel's helper that failed, or NULL */
	int64_t retcode;    /* with helper: what it returned */
	const struct sonde_rows *rows; /* for sonde_event_each() */
	int is_passed;
	uint64_t duration_ns, n_runs;
};
typedef int (*sonde_event_fn)(void *ud, const struct sonde_event *); /* non-zero stops sonde_poll */
typedef int (*sonde_row_fn)(void *ud, const struct sonde_value *key, const struct sonde_value *val);
typedef int (*sonde_name_fn)(void *ud, const char *name, const char *doc);
typedef int (*sonde_write_fn)(void *ud, const void *buf, size_t len); /* non-zero: failed */

#define SONDE_UNSAFE 1u         /* allow system(), signal() ... */
#define SONDE_NO_LIBBPF_HOOK 2u /* leave libbpf's process-wide print callback alone */
#define SONDE_TEST 4u           /* run test:NAME probes */
#define SONDE_VERBOSE 8u        /* send information as SONDE_EV_LOG */
#define SONDE_BENCH 32u         /* run bench:NAME probes */
#define SONDE_NO_TEXT 16u       /* SONDE_EV_VALUE without text: who reads typed values saves the time of making it */

struct sonde_opts {               /* grows at the end only; zero it, then set size */
	size_t size;              /* sizeof(struct sonde_opts): which fields you know */
	sonde_event_fn event;     /* NULL: events are dropped */
	void *ud;
	const char *btf_path;     /* NULL: /sys/kernel/btf/vmlinux */
	uint32_t max_map_entries; /* 0: 4096 */
	uint32_t max_str;         /* bytes of str(), NUL included; 0: 1024 */
	uint32_t ring_pages;      /* ring buffer, in pages, a power of two; 0: by available memory */
	uint32_t flags;
	const char *dump;         /* dumps as SONDE_EV_LOG: pass letters, "verifier", "dis"; comma separated; see HACKING.md */
	int pid;                  /* trace this process only; 0: all */
	int child_pid;            /* what cpid gives; 0: none */
	const char *sysroot;      /* prefix to /sys and /proc when asking the kernel (tests, foreign kernels); NULL: "" */
	const char *search_path;  /* where uprobe targets without a slash are looked for, as in $PATH;
				     NULL: /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin */
	const char *config;       /* config variables that beat the script's, lines NAME=VALUE; NULL: none */
};

/* The version, "0.1.0".  Static. */
SONDE_API const char *sonde_version(void);
/* A short English text for a status.  Static. */
SONDE_API const char *sonde_strerror(int status);
/* Makes a context.  opts are copied, strings included; NULL: defaults. */
SONDE_API int sonde_open(const struct sonde_opts *opts, sonde **out);
/* Frees a context, after its sessions.  Images that outlive it stay valid. */
SONDE_API void sonde_close(sonde *);

/* Diagnostics of the last call on this context that could fail; valid until the next such call. */
SONDE_API const char *sonde_errmsg(const sonde *); /* the first error's text, or "" */
SONDE_API size_t sonde_diag_count(const sonde *);
SONDE_API const struct sonde_diag *sonde_diag_at(const sonde *, size_t i);
/* Writes diagnostic i as people read it: place, message, source line, carets, hint.  colour: 0 or 1. */
SONDE_API int sonde_diag_render(const sonde *, size_t i, int colour, sonde_write_fn, void *ud);

/* Compiles src (len bytes, need not end in NUL).  name: the file name for messages.  argv: $1 ... $argc, in which "--"
 * may stand once: words --NAME and --NAME=VALUE behind it are options that the script reads with getopt(), no parameters; --help
 * is left to the caller.  What the script imports is read from files beside the one that name names. */
SONDE_API int sonde_compile(sonde *, const char *name, const char *src, size_t len, const char *const *argv,
			    int argc, sonde_image **out);
/* An image from the bytes that sonde_image_save wrote; damaged ones are refused. */
SONDE_API int sonde_image_load(sonde *, const void *buf, size_t len, sonde_image **out);
/* Gives the image as bytes to the function, in one piece or several. */
SONDE_API int sonde_image_save(const sonde_image *, sonde_write_fn, void *ud);
/* One reference more; returns the image. */
SONDE_API sonde_image *sonde_image_ref(sonde_image *);
SONDE_API void sonde_image_free(sonde_image *); /* drops one reference */
/* Calls fn with the full name of each probe the image attaches.  Returns how many, or what fn returned if not 0. */
SONDE_API int sonde_image_probes(const sonde_image *, sonde_name_fn, void *ud);

/* Calls fn with the name (and description or NULL) of each option the script asks for by getopt(), none of a loaded image.
 * Returns how many, or what fn returned if not 0. */
SONDE_API int sonde_image_options(const sonde_image *, sonde_name_fn, void *ud);

/* Loads and attaches everything, having run begin.  Nothing stays attached on failure. */
SONDE_API int sonde_attach(sonde *, sonde_image *, sonde_session **out);
/* Handles what is there, waiting up to timeout_ms (-1: until something happens).  Returns the number of events. */
SONDE_API int sonde_poll(sonde_session *, int timeout_ms);
/* Readable when sonde_poll has work.  Owned by the session. */
SONDE_API int sonde_fd(const sonde_session *);
/* Makes sonde_poll return and sonde_finished true.  Safe in signal handlers and from other threads. */
SONDE_API void sonde_interrupt(sonde_session *);
/* 1 after exit() or sonde_interrupt(), when nothing but begin and end is there to wait for, and when sonde_attach has run tests
 * or benchmarks; else 0. */
SONDE_API int sonde_finished(const sonde_session *, int *exit_code);
/* Detaches, runs end, drains.  The maps stay readable until sonde_session_free. */
SONDE_API int sonde_stop(sonde_session *);
/* Events lost since attach. */
SONDE_API uint64_t sonde_lost(const sonde_session *);
/* How many probes are attached. */
SONDE_API int sonde_attached(const sonde_session *);
/* Frees a session, and detaches first what is still attached. */
SONDE_API void sonde_session_free(sonde_session *);

/* Names of the script's maps ("@x"), sorted.  doc: "key type -> value type". */
SONDE_API int sonde_map_list(const sonde_session *, sonde_name_fn, void *ud);
/* Every element, merged over CPUs and in printing order.  key is NULL for a scalar map. */
SONDE_API int sonde_map_each(sonde_session *, const char *map, sonde_row_fn, void *ud);
/* The default printed form, as SONDE_EV_VALUE.  NULL: every map that is not empty, as at exit. */
SONDE_API int sonde_map_print(sonde_session *, const char *map);
/* Removes every element; a scalar map becomes unset. */
SONDE_API int sonde_map_clear(sonde_session *, const char *map);
/* Inside the event callback: what an event of kind VALUE shows, typed: each row of the map as it was when it was printed, in
 * printing order (print's top and div are applied), or the one value with key NULL.  Returns how many rows there were, what fn
 * returned if not 0, or SONDE_ESTATE for other events. */
SONDE_API int sonde_event_each(const struct sonde_event *, sonde_row_fn fn, void *ud);

/* Probes that match a pattern (LANGUAGE 7.7; NULL: all kinds of the kernel).  doc: with SONDE_VERBOSE, what the probe's
 * arguments are, a line each, else NULL.  Returns how many, or what fn returned if not 0. */
SONDE_API int sonde_list_probes(sonde *, const char *pattern, sonde_name_fn, void *ud);
/* Words of the language that begin with prefix: builtins, functions, providers; doc: their doc line. */
SONDE_API int sonde_complete(sonde *, const char *prefix, sonde_name_fn, void *ud);
/* Writes src in the standard layout: blanks, line ends and needless ';' are made anew, comments stay, the meaning does too.
 * A script that does not parse is not written: SONDE_ESOURCE. */
SONDE_API int sonde_format(sonde *, const char *name, const char *src, size_t len, sonde_write_fn, void *ud);
/* 1 when the text is an unfinished program (an open bracket, string or comment): a prompt asks for more. */
SONDE_API int sonde_is_unfinished(const char *src, size_t len);
#ifdef __cplusplus
}
#endif
#endif
