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
	int stop_fd, epoll_fd;           /* eventfd that sonde_interrupt() writes; epoll of ring and stop_fd */
	bool event_stop;                 /* the callback asked poll to stop */
	struct buf out;                  /* reused text of the event at hand */
};
struct render { struct sonde_session *ses; struct sonde_image *img; };

/* ---- session.c: load and run; load.c: ELF to kernel ---- */
int session_new(struct sonde *, struct sonde_image *, struct sonde_session **out);
/* Creates maps, loads programs.  0 or -errno after rt_error(). */
int load_image(struct sonde_session *);
/* Adds a diagnostic at the span and returns err (negative errno). */
int rt_error(struct sonde_session *, struct span, enum diag_tag, int err, const char *fmt, ...) PRINTF(5, 6);
/* Gives text to the event callback. */
void rt_text(struct sonde_session *, const char *text, size_t len);
/* Reports a failure at run time as an event (never ends the session). */
void rt_runtime_error(struct sonde_session *, struct span, uint64_t count, const char *fmt, ...) PRINTF(4, 5);

/* ---- event.c: the ring ---- */
int event_handle(struct sonde_session *, const void *data, size_t len);

/* ---- maps.c: reading, merging and ordering maps ---- */
struct map_row { const void *key, *cell; };    /* both in the arena of map_read */
/* Merged over CPUs and sorted as LANGUAGE 5.3.  Number of rows or -errno.  A scalar that is not set gives no row. */
int map_read(struct sonde_session *, const struct mapdesc *, struct arena *, struct map_row **rows);
int map_clear(struct sonde_session *, const struct mapdesc *);
int map_zero(struct sonde_session *, const struct mapdesc *);
void map_print(struct sonde_session *, const struct mapdesc *, int64_t top, int64_t div, bool even_unset, struct buf *out);
const struct mapdesc *map_find(const struct sonde_image *, const char *name);

/* ---- value.c and print.c ---- */
void value_make(struct render *, const struct type *, const void *data, struct arena *, struct sonde_value *out);
void print_value(struct render *, const struct type *, const void *data, int64_t div, struct buf *out); /* LANGUAGE 5.2 */
void print_key(struct render *, const struct type *, const void *data, struct buf *out);   /* as inside @x[ ] */
/* printf family (LANGUAGE 6.1): fields of the payload tuple are the arguments. */
void print_format(struct render *, const char *fmt, const struct type *payload, const void *data, struct buf *out);
/* strftime with %f %k %l (LANGUAGE 6.3) of nanoseconds since the epoch, local time. */
void print_time(const char *fmt, uint64_t ns, struct buf *out);
/* Histogram rows (LANGUAGE 5.4).  label(ud, i, out) writes a bucket's label. */
void print_histogram(const uint64_t *counts, size_t n, int64_t div, void (*label)(void *ud, size_t i, struct buf *out), void *ud, struct buf *out);

/* ---- sym.c ---- */
struct syms *syms_new(struct sonde *);
void syms_free(struct syms *);
void sym_kernel(struct syms *, uint64_t addr, bool with_offset, struct buf *out);           /* name, name+off, or 0x... */
void sym_user(struct syms *, uint32_t pid, uint64_t addr, bool with_offset, struct buf *out);
#endif
