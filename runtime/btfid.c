/* btfid.c - looks up one type id in the running kernel's BTF: a linear scan of the mapped file, because parsing all of it
 * costs a hundred times as much. */
#include <errno.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "runtime/rt.h"

/* Bytes that follow a type's header, or -1 when the kind is not known here. */
static int
type_tail(uint32_t kind, uint32_t vlen)
{
	switch (kind) {
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT:
	case BTF_KIND_UNION:
		return (int)(vlen * sizeof(struct btf_member));
	case BTF_KIND_ENUM:
		return (int)(vlen * sizeof(struct btf_enum));
	case BTF_KIND_ENUM64:
		return (int)(vlen * sizeof(struct btf_enum64));
	case BTF_KIND_FUNC_PROTO:
		return (int)(vlen * sizeof(struct btf_param));
	case BTF_KIND_DATASEC:
		return (int)(vlen * sizeof(struct btf_var_secinfo));
	case BTF_KIND_PTR:
	case BTF_KIND_FWD:
	case BTF_KIND_TYPEDEF:
	case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST:
	case BTF_KIND_RESTRICT:
	case BTF_KIND_FUNC:
	case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return 0;
	default:
		return -1;
	}
}

static int
btf_scan(const uint8_t *data, size_t size, const char *name, uint32_t kind)
{
	const struct btf_header *head = (const void *)data;
	const uint8_t *at, *end;
	const char *strs;
	size_t name_len = strlen(name) + 1;

	if (size < sizeof(*head) || head->magic != BTF_MAGIC || head->hdr_len > size)
		return -EINVAL;
	size -= head->hdr_len;
	if (head->type_off > size || head->type_len > size - head->type_off || head->str_off > size ||
	    head->str_len > size - head->str_off)
		return -EINVAL;
	at = data + head->hdr_len + head->type_off;
	end = at + head->type_len;
	strs = (const char *)data + head->hdr_len + head->str_off;
	for (int id = 1; (size_t)(end - at) >= sizeof(struct btf_type); id++) {
		const struct btf_type *t = (const void *)at;
		int tail = type_tail(BTF_INFO_KIND(t->info), BTF_INFO_VLEN(t->info));

		if (tail < 0 || (size_t)tail > (size_t)(end - at) - sizeof(*t))
			return -EINVAL;
		if (BTF_INFO_KIND(t->info) == kind && t->name_off < head->str_len &&
		    name_len <= head->str_len - t->name_off &&
		    memcmp(strs + t->name_off, name, name_len) == 0)
			return id;
		at += sizeof(*t) + (size_t)tail;
	}
	return -ENOENT;
}

int
btf_find_id(const char *sysroot, const char *name, uint32_t kind)
{
	char path[512], *data;
	struct stat st;
	void *map;
	ssize_t n;
	int fd, id;

	if (snprintf(path, sizeof(path), "%s/sys/kernel/btf/vmlinux", sysroot) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return errno == ENOENT ? -ENODATA : -errno;
	/* Kernels before 6.16 refuse to map this file. */
	map = fstat(fd, &st) == 0 && st.st_size > 0
		      ? mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)
		      : MAP_FAILED;
	close(fd);
	if (map != MAP_FAILED) {
		id = btf_scan(map, (size_t)st.st_size, name, kind);
		munmap(map, (size_t)st.st_size);
		return id;
	}
	n = file_read(AT_FDCWD, path, &data);
	if (n < 0)
		return (int)n;
	id = btf_scan((const uint8_t *)data, (size_t)n, name, kind);
	mem_free(data);
	return id;
}
