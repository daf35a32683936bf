/* inner.h - what only image/ shares: the saved form of an image. */
#ifndef IMAGE_INNER_H
#define IMAGE_INNER_H
#include "image/image.h"

/* A saved image: the header below, little-endian, then the body.
 *      0  8  IMAGE_MAGIC
 *      8  4  IMAGE_VERSION
 *     12  4  zero
 *     16  8  bytes of the body
 *     24  8  image_checksum() of the body
 * Body: numbers are LEB128 (7 bits a byte, lowest first), signed ones zigzag; a string is 0 for NULL, else its length + 1 and
 * its bytes; a list is its length and its items.  save.c writes it in the order in which load.c reads it.  A type names only
 * types that come before it, so types cannot go in circles: what is behind a pointer keeps a record's name and loses its fields.
 * Any change of the body is a new version. */
#define IMAGE_MAGIC "SONDEIMG"
enum { IMAGE_VERSION = 1, IMAGE_HEADER = 32 };
enum { SAVED_SIGNED = 1, SAVED_UNION = 2, SAVED_USER = 4, SAVED_FMT = 8, SAVED_ENUM = 16, SAVED_OPEN = 32 }; /* flags of a type */
enum { SAVED_PERCPU = 1, SAVED_ATOMIC = 2, SAVED_DECLARED = 4, SAVED_SCALAR = 8 };                      /* flags of a map */

uint64_t image_checksum(const void *body, size_t len);
/* Writes a header that is right for the body behind it; len counts both and is at least IMAGE_HEADER. */
void image_seal(void *data, size_t len);
/* type_record with an alignment that does not follow from the fields: a guess of type_open() that layouts were made with. */
const struct type *type_record_aligned(struct types *, const char *name, uint32_t size, uint32_t align, bool is_union,
				       const struct field *, uint32_t n);
/* A record of which only the name is known. */
const struct type *type_opaque(struct types *, const char *name, uint32_t size, uint32_t align, bool is_union);
#endif
