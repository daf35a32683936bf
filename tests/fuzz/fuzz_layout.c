/* fuzz_layout.c - any bytes through --fmt: what parses is formatted, what is formatted stays as it is when it is formatted again.
 * That the meaning stays the formatter itself makes sure of: an E_INTERNAL is a crash here. */
#include <stdlib.h>
#include "lang/lang.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool
format(struct arena *mem, const char *text, size_t len, struct buf *out)
{
	struct diags *diags = diags_new();
	bool ok = format_script(mem, diags, diags_add_source(diags, "fuzz", text, len), out);

	for (size_t i = 0; i < diags_count(diags); i++)
		if (!strcmp(diags_at(diags, i)->tag, "E_INTERNAL"))
			abort();
	diags_free(diags);
	return ok;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct arena *mem = arena_new();
	struct buf once = { .arena = mem }, twice = { .arena = mem };

	if (format(mem, (const char *)data, len, &once)) {
		if (!format(mem, buf_cstr(&once), once.len, &twice))
			abort();
		if (once.len != twice.len || memcmp(buf_cstr(&once), buf_cstr(&twice), once.len) != 0)
			abort();
	}
	arena_free(mem);
	return 0;
}
