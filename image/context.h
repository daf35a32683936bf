/* context.h - the context behind a sonde handle, and what both sides ask of the machine: tracefs, small files, binaries. */
#ifndef IMAGE_CONTEXT_H
#define IMAGE_CONTEXT_H
#include <sys/types.h>
#include "lang/base.h"

struct kernel;
struct sonde {                           /* the only root: nothing is reachable without it */
	struct sonde_opts opts;          /* owns copies of its strings; sysroot is never NULL here */
	struct diags *diags;
	struct kernel *kernel;           /* the compile side's, made by its first question, or NULL */
	void (*kernel_close)(struct kernel *); /* set together with kernel, so that the run side need not know it */
	int tracefs;                     /* -1 until asked for */
	unsigned n_sessions;
};
int context_new(const struct sonde_opts *, struct sonde **out);  /* SONDE_OK or SONDE_ENOMEM */
void context_free(struct sonde *);
/* tracefs as a directory descriptor, owned by the context: where it is mounted, else by a private mount (fsopen, fsmount)
 * that no mount table shows.  -errno with *why: one line on what is missing and what to do. */
int context_tracefs(struct sonde *, const char **why);
/* Information for the curious: an SONDE_EV_LOG event.  context_log only sends with SONDE_VERBOSE. */
void context_log_text(struct sonde *, const char *text, size_t len);
void context_log(struct sonde *, const char *fmt, ...) PRINTF(2, 3);

/* Reads a small file (dirfd may be AT_FDCWD) to its end; *out ends in NUL and is freed with mem_free.  Length or -errno. */
ssize_t file_read(int dirfd, const char *path, char **out);

/* ---- user-space binaries (binary.c, over libelf) ---- */
/* The file a uprobe target names: a path, a name in PATH (given by the caller), or a library's name or stem ("libc", "libc.so.6") in
 * /etc/ld.so.cache.  pid > 0: seen from that process.  0 or -ENOENT. */
int binary_find(const char *target, const char *search_path, int pid, struct buf *path);
/* Function `name`: file offset and size.  0, -ENOENT: no such symbol, -ENOEXEC: not ELF, other -errno. */
int binary_symbol(const char *path, const char *name, uint64_t *offset, uint64_t *size);
/* File offset of a virtual address of the ELF file.  0 or -ENOENT. */
int binary_offset(const char *path, uint64_t vaddr, uint64_t *offset);
/* Every function symbol (.symtab, .dynsym), each name once, by name.  Count, or fn's non-zero, or -errno. */
int binary_each_symbol(const char *path, int (*fn)(void *ud, const char *name, uint64_t offset, uint64_t size), void *ud);

struct binary_symbol {                   /* borrowed: valid inside the callback that received it */
	const char *name;                /* name_len bytes: a version behind an @ does not count */
	size_t name_len;
	uint64_t offset, size;           /* offset in the file */
	bool is_label;                   /* no function by its type, but in code: assembly has such */
	unsigned rank;                   /* of several with one name or address the lowest is meant */
};
typedef int (*binary_symbol_fn)(void *ud, const struct binary_symbol *);
/* Every function symbol as the tables have them, in no order.  0, fn's non-zero, or -errno. */
int binary_walk(int fd, binary_symbol_fn, void *ud);
int binary_walk_memory(const void *elf, size_t len, binary_symbol_fn, void *ud); /* offset: in elf */
#endif
