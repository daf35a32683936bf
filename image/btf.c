/* btf.c - knows the bytes of BTF: its header, type records and strings.  Any bytes are safe. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "image/btf.h"
#include "image/context.h"

/* The newest kinds by number, so that older linux/btf.h serves. */
enum { KIND_ENUM64 = 19, N_KINDS = 20, COMMON = 12 };

static uint32_t
read_u32(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/* ---- opening ---- */

int
btf_open_memory(struct btf_view *b, const void *data, size_t len, const char **why)
{
	struct btf_header h;

	*b = (struct btf_view){ .data = data, .len = len };
	*why = "it is not BTF, or damaged";
	if (len < sizeof(h))
		return -EINVAL;
	memcpy(&h, data, sizeof(h));
	if (h.magic == __builtin_bswap16(BTF_MAGIC))
		*why = "it is the BTF of a CPU with the other byte order";
	if (h.magic != BTF_MAGIC)
		return -EINVAL;
	if (h.version != BTF_VERSION) {
		*why = "it is BTF of an unknown version";
		return -EINVAL;
	}
	if (h.hdr_len < sizeof(h) || h.hdr_len > len)
		return -EINVAL;
	len -= h.hdr_len;
	if (h.type_off > len || h.type_len > len - h.type_off || h.str_off > len || h.str_len > len - h.str_off)
		return -EINVAL;
	b->types = b->data + h.hdr_len + h.type_off;
	b->types_len = h.type_len;
	b->strs = (const char *)b->data + h.hdr_len + h.str_off;
	b->strs_len = h.str_len;
	if (!h.str_len || b->strs[0] || b->strs[h.str_len - 1])
		return -EINVAL;
	return 0;
}

/* Only sysfs: another file could be cut short while it is mapped, and reading it would then be a signal. */
static const uint8_t *
map_sysfs(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	void *p = MAP_FAILED;
	struct statfs fs;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (!fstatfs(fd, &fs) && fs.f_type == SYSFS_MAGIC && !fstat(fd, &st) && st.st_size > 0) {
		*len = (size_t)st.st_size;
		p = mmap(NULL, *len, PROT_READ, MAP_PRIVATE, fd, 0);
	}
	close(fd);
	return p == MAP_FAILED ? NULL : p;
}

int
btf_open(struct btf_view *b, const char *path, const char **why)
{
	char *text = NULL;
	size_t len = 0;
	const uint8_t *data = map_sysfs(path, &len);
	bool is_mapped = data != NULL;
	int err;

	*b = (struct btf_view){ 0 };
	if (!data) {                             /* kernels before 6.16 do not let it be mapped */
		ssize_t n = file_read(AT_FDCWD, path, &text);

		if (n < 0) {
			*why = n == -ENOENT ? "there is no such file" :
			       n == -EACCES || n == -EPERM ? "permission denied" :
			       n == -ENOMEM ? "out of memory" : "it cannot be read";
			return (int)n;
		}
		data = (const uint8_t *)text;
		len = (size_t)n;
	}
	err = btf_open_memory(b, data, len, why);
	b->owned = is_mapped ? BTF_MAPPED : BTF_HEAP;
	if (err)
		btf_close(b);
	return err;
}

void
btf_close(struct btf_view *b)
{
	if (b->owned == BTF_MAPPED)
		munmap((void *)(uintptr_t)b->data, b->len);
	else if (b->owned == BTF_HEAP)
		mem_free((void *)(uintptr_t)b->data);
	mem_free(b->index);
	*b = (struct btf_view){ 0 };
}

/* Four lanes, so that multiplications overlap: about as fast as memory. */
uint64_t
btf_hash(const struct btf_view *b)
{
	uint64_t lane[4] = { b->len, 1, 2, 3 }, word, hash = 0;
	size_t i = 0;

	for (; i + 32 <= b->len; i += 32) {
		for (int k = 0; k < 4; k++) {
			memcpy(&word, b->data + i + 8 * k, 8);
			lane[k] = (lane[k] ^ word) * 0x9e3779b97f4a7c15u;
			lane[k] ^= lane[k] >> 32;
		}
	}
	for (; i < b->len; i++)
		lane[0] = (lane[0] ^ b->data[i]) * 0x100000001b3u;
	for (int k = 0; k < 4; k++)
		hash = (hash ^ lane[k] ^ (lane[k] >> 29)) * 0xbf58476d1ce4e5b9u;
	return hash ^ (hash >> 31);
}

/* ---- walking ---- */

/* Bytes behind the common part.  0xffffffff: no such kind. */
static uint32_t
extra_bytes(uint32_t kind, uint32_t vlen)
{
	static const struct { uint8_t known, fixed, each; } size[N_KINDS] = {
		[BTF_KIND_INT] = { 1, 4, 0 },
		[BTF_KIND_PTR] = { 1, 0, 0 },
		[BTF_KIND_ARRAY] = { 1, 12, 0 },
		[BTF_KIND_STRUCT] = { 1, 0, 12 },
		[BTF_KIND_UNION] = { 1, 0, 12 },
		[BTF_KIND_ENUM] = { 1, 0, 8 },
		[BTF_KIND_FWD] = { 1, 0, 0 },
		[BTF_KIND_TYPEDEF] = { 1, 0, 0 },
		[BTF_KIND_VOLATILE] = { 1, 0, 0 },
		[BTF_KIND_CONST] = { 1, 0, 0 },
		[BTF_KIND_RESTRICT] = { 1, 0, 0 },
		[BTF_KIND_FUNC] = { 1, 0, 0 },
		[BTF_KIND_FUNC_PROTO] = { 1, 0, 8 },
		[BTF_KIND_VAR] = { 1, 4, 0 },
		[BTF_KIND_DATASEC] = { 1, 0, 12 },
		[BTF_KIND_FLOAT] = { 1, 0, 0 },
		[BTF_KIND_DECL_TAG] = { 1, 4, 0 },
		[BTF_KIND_TYPE_TAG] = { 1, 0, 0 },
		[KIND_ENUM64] = { 1, 0, 12 },
	};

	if (kind >= N_KINDS || !size[kind].known)
		return UINT32_MAX;
	return size[kind].fixed + size[kind].each * vlen;
}

/* Reads the record at an offset; false when it is not whole. */
static bool
read_rec(const struct btf_view *b, uint32_t id, uint32_t off, struct btf_rec *out)
{
	uint32_t info, extra;
	const uint8_t *p = b->types + off;

	if (off > b->types_len || b->types_len - off < COMMON)
		return false;
	info = read_u32(p + 4);
	extra = extra_bytes(info >> 24 & 0x1f, info & 0xffff);
	if (extra > b->types_len - off - COMMON)
		return false;
	*out = (struct btf_rec){ .id = id, .off = off + COMMON, .end = off + COMMON + extra, .name = read_u32(p),
				 .size = read_u32(p + 8), .vlen = info & 0xffff, .kind = info >> 24 & 0x1f, .flag = info >> 31 };
	return true;
}

/* Remembers where a type is when it is the next one the index wants.  Without memory for that walks are longer, no more. */
static void
index_add(struct btf_view *b, uint32_t id, uint32_t off)
{
	if (id != b->n_index * BTF_STRIDE + 1)
		return;
	if (b->n_index == b->index_cap) {
		uint32_t cap = b->index_cap ? b->index_cap * 2 : 512;
		uint32_t *p = mem_realloc(b->index, cap * sizeof(*p));

		if (!p)
			return;
		b->index = p;
		b->index_cap = cap;
	}
	b->index[b->n_index++] = off;
}

bool
btf_next(struct btf_view *b, struct btf_rec *r)
{
	uint32_t id = r->id + 1, off = r->end;

	if (!read_rec(b, id, off, r))
		return false;
	if (id % BTF_STRIDE == 1)
		index_add(b, id, off);
	return true;
}

bool
btf_get(struct btf_view *b, uint32_t id, struct btf_rec *out)
{
	uint32_t slot;

	if (id == 0)
		return false;
	*out = (struct btf_rec){ 0 };
	if (b->n_index) {
		slot = (id - 1) / BTF_STRIDE;
		if (slot >= b->n_index)
			slot = b->n_index - 1;
		if (!read_rec(b, slot * BTF_STRIDE + 1, b->index[slot], out))
			return false;
	}
	while (out->id < id)
		if (!btf_next(b, out))
			return false;
	return true;
}

const char *
btf_str(const struct btf_view *b, uint32_t off)
{
	return off < b->strs_len ? b->strs + off : "";
}

uint32_t
btf_find_str(const struct btf_view *b, const char *name, uint32_t from)
{
	char want[256];
	size_t n = strlen(name);
	const char *hit;

	if (!n || n > sizeof(want) - 2 || from >= b->strs_len)
		return 0;
	want[0] = 0;                             /* with the NUL of the string before and its own: whole strings only */
	memcpy(want + 1, name, n + 1);
	hit = memmem(b->strs + from, b->strs_len - from, want, n + 2);
	return hit ? (uint32_t)(hit - b->strs) + 1 : 0;
}

bool
btf_find(struct btf_view *b, const char *name, unsigned kinds, struct btf_rec *out)
{
	/* Strings are there once in all BTF that tools write; where they are not, each copy gets its scan. */
	for (uint32_t at = btf_find_str(b, name, 0); at; at = btf_find_str(b, name, at)) {
		struct btf_rec r = { 0 };

		while (btf_next(b, &r)) {
			if (r.name == at && (kinds >> r.kind & 1)) {
				*out = r;
				return true;
			}
		}
	}
	return false;
}

/* ---- parts ---- */

uint32_t
btf_word(const struct btf_view *b, const struct btf_rec *r, uint32_t i)
{
	return i < (r->end - r->off) / 4 ? read_u32(b->types + r->off + 4 * i) : 0;
}

struct btf_mem
btf_member(const struct btf_view *b, const struct btf_rec *r, uint32_t i)
{
	uint32_t off = btf_word(b, r, 3 * i + 2);

	return (struct btf_mem){ .name = btf_word(b, r, 3 * i), .type = btf_word(b, r, 3 * i + 1),
				 .bit = r->flag ? off & 0xffffff : off, .bits = r->flag ? off >> 24 : 0 };
}

int64_t
btf_enum_value(const struct btf_view *b, const struct btf_rec *r, uint32_t i, uint32_t *name)
{
	uint32_t low;

	if (r->kind == KIND_ENUM64) {
		*name = btf_word(b, r, 3 * i);
		return (int64_t)(btf_word(b, r, 3 * i + 1) | (uint64_t)btf_word(b, r, 3 * i + 2) << 32);
	}
	*name = btf_word(b, r, 2 * i);
	low = btf_word(b, r, 2 * i + 1);
	return r->flag ? (int32_t)low : (int64_t)low;
}
