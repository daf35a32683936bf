/* complete.c - what a prompt asks of the language before it compiles anything. */
#include "codegen/gen.h"

int
sonde_is_unfinished(const char *src, size_t len)
{
	return parse_is_unfinished(src, len);
}
