/* histogram.c - rows of a histogram (LANGUAGE 5.4). */
#include "runtime/rt.h"

#define LABEL_WIDTH 16
#define COUNT_WIDTH 8
#define BAR_WIDTH 52

static void
print_row(uint64_t count, uint64_t max, int64_t div, struct buf *out)
{
	struct buf number = { 0 };
	/* Float, not double: scripts compare the output with that of other tools, which count in floats. */
	float share = (float)count / (float)max * BAR_WIDTH;
	size_t bar = share > BAR_WIDTH ? BAR_WIDTH : (size_t)share;

	print_u64(&number, div > 1 ? count / (uint64_t)div : count);
	if (number.len < COUNT_WIDTH)
		buf_fill(out, ' ', COUNT_WIDTH - number.len);
	buf_add(out, number.data, number.len);
	buf_free(&number);
	buf_str(out, " |");
	buf_fill(out, '@', bar);
	buf_fill(out, ' ', BAR_WIDTH - bar);
	buf_str(out, "|\n");
}

void
print_histogram(const uint64_t *counts, size_t n, int64_t div, void (*label)(void *ud, size_t i, struct buf *out), void *ud,
		struct buf *out)
{
	size_t first = n, last = 0;
	uint64_t max = 0;

	for (size_t i = 0; i < n; i++) {
		if (!counts[i])
			continue;
		if (first == n)
			first = i;
		last = i;
		if (counts[i] > max)
			max = counts[i];
	}
	for (size_t i = first; i < n && i <= last; i++) {
		size_t start = out->len, len;

		label(ud, i, out);
		len = out->len - start;
		if (len < LABEL_WIDTH)
			buf_fill(out, ' ', LABEL_WIDTH - len);
		print_row(counts[i], max, div, out);
	}
}
