/* grammar.h - scripts made of bytes: a byte string chooses among the productions of the language, types in mind. */
#ifndef TESTS_FUZZ_GRAMMAR_H
#define TESTS_FUZZ_GRAMMAR_H
#include <stddef.h>
#include <stdint.h>

enum {
	GRAMMAR_LIVE = 1 << 0, /* to be loaded and run: loops are short, nothing kills or starts processes, probes of every kernel */
	GRAMMAR_WELL = 1 << 1, /* never ill-typed on purpose */
};
/* Writes a script of at most max - 1 bytes and a NUL to out; gives its length.  Any bytes make a script. */
size_t grammar_make(const uint8_t *data, size_t len, unsigned flags, char *out, size_t max);
/* The bytes that stand for a seed. */
void grammar_bytes(uint64_t seed, uint8_t *data, size_t len);
#endif
