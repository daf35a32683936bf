/* find.c - from what a uprobe names to the file meant: paths, PATH, /etc/ld.so.cache, the objects a process has mapped. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "image/context.h"

/* ---- files ---- */

static bool
is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* Class, byte order and machine of an ELF file: the first 20 bytes. */
static bool
elf_ident(const char *path, unsigned char ident[20])
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd >= 0 ? read(fd, ident, 20) : -1;

	if (fd >= 0)
		close(fd);
	return n == 20 && memcmp(ident, ELFMAG, SELFMAG) == 0;
}

/* A program of this machine may map it: asking our own file saves a table of machines. */
static bool
is_native(const char *path)
{
	unsigned char own[20], other[20];

	return elf_ident("/proc/self/exe", own) && elf_ident(path, other) && own[EI_CLASS] == other[EI_CLASS] &&
	       own[EI_DATA] == other[EI_DATA] && memcmp(own + 18, other + 18, 2) == 0;
}

/* Puts root, directory and name together (name may be "": dir is the whole path).  False when that is no file. */
static bool
set_path(struct buf *out, const char *root, const char *dir, size_t dir_len, const char *name)
{
	out->len = 0;
	buf_str(out, root);
	buf_add(out, dir, dir_len);
	if (*name && dir_len && dir[dir_len - 1] != '/')
		buf_char(out, '/');
	buf_str(out, name);
	return !out->failed && is_file(buf_cstr(out));
}

/* ---- PATH ---- */

static bool
find_in_path(const char *name, const char *search_path, const char *root, struct buf *out)
{
	const char *dir = search_path, *end;

	for (; dir; dir = *end ? end + 1 : NULL) {
		end = strchrnul(dir, ':');
		/* An empty entry is the working directory, which a process in another root does not share. */
		if (end == dir ? !*root && set_path(out, "", "./", 2, name) : set_path(out, root, dir, (size_t)(end - dir), name))
			if (access(out->data, X_OK) == 0)
				return true;
	}
	return false;
}

/* ---- /etc/ld.so.cache ----
 * The layout is glibc's, sysdeps/generic/dl-cache.h: a header, then entries of 24 bytes whose key (the soname) and value (the
 * path) are offsets of strings from the header.  Caches written for old loaders have the form before it ("ld.so-1.7.0",
 * entries of 12 bytes) in front, and the header then begins at the next multiple of 8.  All in the machine's byte order. */
#define CACHE_MAGIC "glibc-ld.so.cache1.1"
#define OLD_MAGIC "ld.so-1.7.0"
enum { CACHE_HEADER = 48, CACHE_ENTRY = 24, OLD_HEADER = 16, OLD_ENTRY = 12 };

static uint32_t
u32_at(const char *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* Where the header is, or NULL; *len becomes what follows from there. */
static const char *
cache_header(const char *data, size_t *len)
{
	size_t skip = 0;

	if (*len >= OLD_HEADER && memcmp(data, OLD_MAGIC, strlen(OLD_MAGIC)) == 0)
		skip = ((size_t)u32_at(data + 12) * OLD_ENTRY + OLD_HEADER + 7) & ~(size_t)7;
	if (skip > *len || *len - skip < CACHE_HEADER || memcmp(data + skip, CACHE_MAGIC, strlen(CACHE_MAGIC)) != 0)
		return NULL;
	*len -= skip;
	return data + skip;
}

/* "libc" names libc.so.6, "libc.so.6" only itself. */
static bool
is_named(const char *soname, const char *name)
{
	size_t n = strlen(name);

	return strncmp(soname, name, n) == 0 && (!soname[n] || strncmp(soname + n, ".so", 3) == 0);
}

/* The string at an offset, when it ends inside. */
static const char *
cache_string(const char *cache, size_t len, uint32_t off)
{
	return off < len && memchr(cache + off, 0, len - off) ? cache + off : NULL;
}

static bool
find_in_cache(const char *name, const char *root, struct buf *out)
{
	const char *cache, *key, *value;
	bool is_found = false;
	size_t len;
	ssize_t n;
	char *data;

	set_path(out, root, "/etc", 4, "ld.so.cache");
	n = file_read(AT_FDCWD, buf_cstr(out), &data);
	if (n < 0)
		return false;
	len = (size_t)n;
	cache = cache_header(data, &len);
	for (uint32_t i = 0; cache && !is_found && i < u32_at(cache + 20); i++) {
		size_t at = CACHE_HEADER + (size_t)i * CACHE_ENTRY;

		if (at + CACHE_ENTRY > len)
			break;
		key = cache_string(cache, len, u32_at(cache + at + 4));
		value = cache_string(cache, len, u32_at(cache + at + 8));
		/* Entries with a hwcap are variants that the loader takes on some CPUs; the plain one follows. */
		if (key && value && is_named(key, name) && memcmp(cache + at + 16, "\0\0\0\0\0\0\0", 8) == 0)
			is_found = set_path(out, root, value, strlen(value), "") && is_native(out->data);
	}
	mem_free(data);
	return is_found;
}

/* ---- processes ---- */

static bool
has_our_mounts(int pid)
{
	char path[32], theirs[64], ours[64];
	ssize_t n, m;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	n = readlink(path, theirs, sizeof(theirs));
	m = readlink("/proc/self/ns/mnt", ours, sizeof(ours));
	return n > 0 && n == m && memcmp(theirs, ours, (size_t)n) == 0;
}

static bool
has_our_root(int pid)
{
	char path[32];
	struct stat a, b;

	snprintf(path, sizeof(path), "/proc/%d/root", pid);
	return stat(path, &a) == 0 && stat("/", &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* "/proc/PID/root" when the process has another root or other mounts than we, else "". */
static void
root_of(int pid, char root[static 32])
{
	root[0] = 0;
	if (pid > 0 && !(has_our_mounts(pid) && has_our_root(pid)))
		snprintf(root, 32, "/proc/%d/root", pid);
}

/* An object the process has mapped: by file name ("bash", "libc.so.6") or a library's stem.  Lines of maps are
 * "from-to rwxp offset dev inode path"; paths begin at our root where the mounts are ours, at the other ones' top elsewhere. */
static bool
find_mapped(const char *name, int pid, struct buf *out)
{
	char file[32], root[32] = "", *text, *line, *rest, *path, *base;
	bool is_found = false;

	if (!has_our_mounts(pid))
		snprintf(root, sizeof(root), "/proc/%d/root", pid);
	snprintf(file, sizeof(file), "/proc/%d/maps", pid);
	if (file_read(AT_FDCWD, file, &text) < 0)
		return false;
	for (line = strtok_r(text, "\n", &rest); line && !is_found; line = strtok_r(NULL, "\n", &rest)) {
		path = strchr(line, '/');
		base = path ? strrchr(path, '/') + 1 : NULL;
		if (base && is_named(base, name))
			is_found = set_path(out, root, path, (size_t)(base - path), base);
	}
	mem_free(text);
	return is_found;
}

int
binary_find(const char *target, const char *search_path, int pid, struct buf *path)
{
	bool is_library = strncmp(target, "lib", 3) == 0 || strstr(target, ".so");
	char root[32];

	path->len = 0;
	root_of(pid, root);
	if (strchr(target, '/')) {
		bool is_rooted = target[0] == '/' && strncmp(target, "/proc/", 6) != 0;

		return set_path(path, is_rooted ? root : "", target, strlen(target), "") ? 0 : -ENOENT;
	}
	if (!*target)
		return -ENOENT;
	if (pid > 0 && find_mapped(target, pid, path))
		return 0;
	if (is_library && find_in_cache(target, root, path))
		return 0;
	if (find_in_path(target, search_path, root, path))
		return 0;
	if (!is_library && find_in_cache(target, root, path))
		return 0;
	return -ENOENT;
}
