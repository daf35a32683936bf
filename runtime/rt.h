/* rt.h - the run side inside: sessions, links, events, printing, symbols. */
#ifndef RUNTIME_RT_H
#define RUNTIME_RT_H
#include "image/context.h"
#include "image/image.h"

struct syms;                             /* symbol caches; sym.c */
struct links {                           /* what to close to detach: descriptors of links and of perf events */
	int *fd; uint32_t n, cap;
};
int links_add(struct links *, int fd);   /* 0, or -ENOMEM having closed fd */
void links_close(struct links *);        /* closes all, newest first */

struct sonde_session {
	struct sonde *ctx;
	struct sonde_image *img;         /* owns one reference */
	enum { SES_LOADED, SES_RUNNING, SES_STOPPED } state;
	int *map_fd;                     /* n_maps of them, -1: not made */
	int *prog_fd;
	struct links links;
	struct run_state *run;           /* mmap of MAP_STATE */
	size_t run_len;
	struct ring_buffer *ring;        /* libbpf's; NULL when no program sends events */
	struct syms *syms;
	uint64_t lost, lost_seen;
	uint64_t *errors_seen;           /* per errsite */
	int n_attached;
	int exit_code; bool exited;
	int stop_fd, epoll_fd;           /* eventfd that sonde_interrupt() writes; epoll of ring, stop_fd and timer_fd */
	int timer_fd;                    /* looks once more after a drain: poll.c says why */
	bool event_stop;                 /* the callback asked poll to stop */
	struct buf out;                  /* reused text of the event at hand */
	atomic_int interrupted;          /* what sonde_interrupt() sets beside stop_fd */
	int n_live;                      /* attached targets that events can come from: not begin, end, test */
	bool is_draining;                /* at the end: the ring is emptied whatever the callback wants */
	uint32_t n_handled;              /* events since sonde_poll began */
	int64_t return_at;               /* when sonde_poll comes back though there is more, ns */
	bool is_late;
	bool is_detached;                /* nothing writes maps any more: clearing one twice is clearing it once */
	uint64_t cleared, zeroed;        /* since then: maps by slot, the first 64 */
	int64_t remember_at, remember_step; /* when the mappings of the traced process are read next, ns */
	uint64_t busy_seen;              /* of run->scratch_busy */
	bool is_silent;                  /* events are taken from the ring and forgotten: a benchmark runs */
	int event_err;                   /* first failure of a row's event hook since sonde_poll began */
};
struct render { struct sonde_session *ses; struct sonde_image *img; };

/* ---- session.c: load and run ---- */
int session_new(struct sonde *, struct sonde_image *, struct sonde_session **out);
void session_free(struct sonde_session *); /* detaches first; NULL does nothing */
/* Loads, runs begin, attaches.  0 or -errno after rt_error(); what is attached then goes with session_free. */
int session_start(struct sonde_session *);
int session_stop(struct sonde_session *);  /* detaches, runs end, drains.  0 or -errno after rt_error() */

/* ---- alone.c: programs that the session runs itself ---- */
/* Runs a program once; *result (or NULL): what it returned.  0 or -errno after rt_error(). */
int run_alone(struct sonde_session *, const struct prog *, int fd, uint32_t *result);
/* The script's tests (ON_TEST) or benchmarks (ON_BENCH), in source order, with their events.  0 or -errno after rt_error(). */
int run_trials(struct sonde_session *, enum run_when);

/* ---- poll.c: waiting for events, losses, failures at run time ---- */
int poll_open(struct sonde_session *);     /* stop_fd, epoll_fd, timer_fd.  0 or -errno after rt_error() */
int poll_ring(struct sonde_session *);     /* adds the ring, once MAP_RING is made.  0 or -errno after rt_error() */
int poll_events(struct sonde_session *, int timeout_ms); /* number of events or -errno after rt_error() */
void poll_drain(struct sonde_session *);   /* everything that is in the ring now */
void poll_counters(struct sonde_session *, bool is_last); /* losses and failures since the last look, as events */
void poll_close(struct sonde_session *);

/* ---- load.c: maps and programs into the kernel; elf.c: what the object holds ---- */
/* Creates maps, loads programs.  0 or -errno after rt_error(). */
int load_image(struct sonde_session *);
struct bpf_insn;
struct object;                           /* the image's ELF bytes, opened */
struct code {                            /* one program ready to be loaded; all memory is the object's or from its arena */
	const struct prog *prog;
	struct bpf_insn *insns; uint32_t n;
	const void *func_info; uint32_t n_funcs, func_size;
	const void *line_info; uint32_t n_lines, line_size;
	bool has_callbacks;              /* passes functions to helpers: cannot do without func_info */
};
/* NULL after rt_error(), or when memory ran out. */
struct object *object_open(struct sonde_session *);
void object_close(struct object *);      /* NULL does nothing */
/* The section of a program with map, callback and call relocations patched in.  0 or -errno after rt_error(). */
int object_code(struct object *, const struct prog *, struct code *out);
const void *object_btf(const struct object *, size_t *len); /* the .BTF section; NULL: none */
/* ---- verifier.c: a refused program in human words ---- */
/* Adds the diagnostic for a program that BPF_PROG_LOAD refused with err (negative) and log.  Returns err. */
int verifier_explain(struct sonde_session *, const struct code *, int err, const char *log);
/* The number of the instruction the log ends at, or -1. */
int verifier_last_insn(const char *log);
/* The line of the log that says most; into out. */
void verifier_last_words(const char *log, struct buf *out);
/* True when err is a refusal for lack of privilege (CAP_SYS_ADMIN, or CAP_BPF with CAP_PERFMON), which is then said. */
bool is_unprivileged(struct sonde_session *, int err);

/* ---- hook.c: libbpf's words ---- */
void hook_install(void);                 /* the first call in the process installs, others do nothing */
struct sonde *hook_enter(struct sonde *); /* routes this thread's messages there; returns who had them, to be given back */

/* ---- diagnostics and events ---- */
struct sonde_span image_place(const struct sonde_image *, struct span); /* line and column in the image's source */
/* Gives any event to the callback and notes when it asks to stop. */
void rt_emit(struct sonde_session *, const struct sonde_event *);
/* Adds a diagnostic at the span and returns err (negative errno). */
int rt_error(struct sonde_session *, struct span, enum diag_tag, int err, const char *fmt, ...) PRINTF(5, 6);
/* Gives text of a builtin (by name, or NULL) to the event callback; is_part: more of the same call follows. */
void rt_text(struct sonde_session *, const char *source, const char *text, size_t len, bool is_part);
/* Reports a failure at run time as an event (never ends the session). */
void rt_runtime_error(struct sonde_session *, struct span, uint64_t count, const char *fmt, ...) PRINTF(4, 5);
/* The same for a helper of the kernel's that returned code. */
void rt_helper_error(struct sonde_session *, struct span, uint64_t count, const char *helper, int64_t code, const char *text);

/* ---- show.c: values and maps that are printed, as events ---- */
struct map_row { const void *key, *cell; };    /* of map_read: both in its arena; key NULL: a scalar */
struct sonde_rows {                      /* what sonde_event_each() walks; lives while the event does */
	struct sonde_session *ses;
	const struct type *key, *val;    /* key NULL: rows have none */
	const struct map_row *row;
	int n;
	int64_t div;                     /* of print(@m, top, div); 0: none */
};
int rows_each(const struct sonde_rows *, sonde_row_fn, void *ud); /* how many, what fn returned if not 0, or SONDE_ENOMEM */
void show_value(struct sonde_session *, const char *source, const struct type *, const void *data);
/* False where there was nothing to show: no element, or a scalar never set (even_unset: that shows as zero). */
bool show_map(struct sonde_session *, const char *source, const struct mapdesc *, int64_t top, int64_t div, bool even_unset);

/* ---- event.c: what a record of the ring means ---- */
/* 0, or -EBADMSG when the record is not one of the image's, or what the action's row returned.  Any bytes are safe. */
int event_handle(struct sonde_session *, const void *data, size_t len);

/* ---- maps.c: reading, merging and ordering maps ---- */
/* Merged over CPUs and sorted as LANGUAGE 5.3.  Number of rows or -errno.  A scalar that is not set gives no row. */
int map_read(struct sonde_session *, const struct mapdesc *, struct arena *, struct map_row **rows);
int map_clear(struct sonde_session *, const struct mapdesc *);
int map_zero(struct sonde_session *, const struct mapdesc *);
const struct mapdesc *map_find(const struct sonde_image *, const char *name);
bool map_is_shown(const struct mapdesc *);  /* a map of the script's, not an internal one */

/* ---- value.c and print.c ---- */
/* div as in print(@m, top, div), 0: none. */
void value_make(struct render *, const struct type *, const void *data, int64_t div, struct arena *, struct sonde_value *out);
void print_value(struct render *, const struct type *, const void *data, int64_t div, struct buf *out); /* LANGUAGE 5.2 */
/* A frame of a stack: its symbol, or its address where nobody knows one. */
void print_frame(struct render *, const struct type *stack, uint32_t pid, uint64_t addr, struct buf *out);
void print_key(struct render *, const struct type *, const void *data, struct buf *out);   /* as inside @x[ ] */
/* printf family (LANGUAGE 6.1): fields of the payload tuple are the arguments. */
void print_format(struct render *, const char *fmt, const struct type *payload, const void *data, struct buf *out);
/* strftime with %f %k %l (LANGUAGE 6.3) of nanoseconds since the epoch, local time. */
void print_time(const char *fmt, uint64_t ns, struct buf *out);
/* Numbers as text, faster than buf_fmt. */
void print_u64(struct buf *, uint64_t);
void print_i64(struct buf *, int64_t);
void print_hex(struct buf *, uint64_t);   /* without 0x */
/* One field of a record that is no anonymous one. */
void print_field(struct render *, const struct type *record, const struct field *, const void *data, struct buf *out);
/* The text of a __data_loc field; NULL: it was not sent with the record. */
const char *data_loc_text(const struct type *record, const struct field *, const void *data, size_t *len);
/* What a scalar holds, extended by its sign; bool, pointer and enum too.  false: not a scalar. */
bool value_read(const struct type *, const void *data, int64_t *out);
int64_t field_read(const struct field *, const void *record); /* a scalar field, bit fields too */
/* The text of a T_STR: bytes before its NUL, and whether there was none. */
size_t str_length(const struct type *, const void *data, bool *is_cut);
/* The bytes of a T_BYTES, the length in its head cut to its capacity. */
const uint8_t *bytes_read(const struct type *, const void *data, uint32_t *len);
/* Histogram rows (LANGUAGE 5.4).  label(ud, i, out) writes a bucket's label. */
void print_histogram(const uint64_t *counts, size_t n, int64_t div, void (*label)(void *ud, size_t i, struct buf *out), void *ud, struct buf *out);

/* ---- sym.c ---- */
struct syms *syms_new(struct sonde *);
void syms_free(struct syms *);
void sym_kernel(struct syms *, uint64_t addr, bool with_offset, struct buf *out);           /* name, name+off, or 0x... */
/* Reads the mappings of a process now, so that its addresses still have names when it is gone. */
void sym_remember(struct syms *, uint32_t pid);
void sym_user(struct syms *, uint32_t pid, uint64_t addr, bool with_offset, struct buf *out);
#endif
