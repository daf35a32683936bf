/* btf.h - reading BTF: the bytes of a kernel's type information as records, checked; what both sides look up in it.
 * Layout: Documentation/bpf/btf.rst.  Nothing is unpacked ahead; ids are found by walking from the nearest indexed one. */
#ifndef IMAGE_BTF_H
#define IMAGE_BTF_H
#include <linux/btf.h>
#include "lang/base.h"

struct btf_view {                        /* a BTF in memory; zeroed: none */
	const uint8_t *data;
	size_t len;
	const uint8_t *types;
	const char *strs;                /* begins and ends with NUL */
	uint32_t types_len, strs_len;
	uint32_t *index;                 /* owned: index[i] is the offset of type i * BTF_STRIDE + 1; fills as types are walked */
	uint32_t n_index, index_cap;
	enum { BTF_BORROWED, BTF_MAPPED, BTF_HEAP } owned; /* how data is given back */
};
enum { BTF_STRIDE = 32 };

struct btf_rec {                         /* one type; as a cursor: {0} is before the first */
	uint32_t id;
	uint32_t off, end;               /* of what follows the common part, and its end, in types */
	uint32_t name;                   /* offset in strs */
	uint32_t size;                   /* or the id of the type it refers to */
	uint16_t vlen;
	uint8_t kind;
	bool flag;
};
struct btf_mem { uint32_t name, type, bit, bits; }; /* a struct's member; bits: of a bit field, else 0 */

/* Opens a file.  -errno with *why, one line without the file's name. */
int btf_open(struct btf_view *, const char *path, const char **why);
/* The same with bytes that stay the caller's, at any alignment. */
int btf_open_memory(struct btf_view *, const void *data, size_t len, const char **why);
void btf_close(struct btf_view *);       /* and makes it {0} again */
uint64_t btf_hash(const struct btf_view *); /* of all bytes */

bool btf_get(struct btf_view *, uint32_t id, struct btf_rec *out); /* false: no such type */
bool btf_next(struct btf_view *, struct btf_rec *);       /* to the type behind it; false at the end or at damage */
const char *btf_str(const struct btf_view *, uint32_t off); /* "" when out of bounds */
/* The type of that name and one of the kinds (bits 1 << BTF_KIND_x), the first in order of ids.  False: none. */
bool btf_find(struct btf_view *, const char *name, unsigned kinds, struct btf_rec *out);
/* Offset of the first string equal to name behind `from` (0: from the start), 0: none. */
uint32_t btf_find_str(const struct btf_view *, const char *name, uint32_t from);

/* Parts of a record: i is below rec->vlen, or for ARRAY and INT there is one. */
uint32_t btf_word(const struct btf_view *, const struct btf_rec *, uint32_t i); /* u32 number i behind the common part */
struct btf_mem btf_member(const struct btf_view *, const struct btf_rec *, uint32_t i);
int64_t btf_enum_value(const struct btf_view *, const struct btf_rec *, uint32_t i, uint32_t *name);
#endif
