/* buckets.h - how histograms number their buckets: what the code that counts and the code that prints must agree on. */
#ifndef STDLIB_BUCKETS_H
#define STDLIB_BUCKETS_H
#include <stdbool.h>
#include <stdint.h>

enum { HIST_K_MAX = 5, LHIST_BUCKETS_MAX = 1000 };
/* Numbers of slots.  hist: bucket 0 holds negative numbers; one slot more than buckets, because the verifier's bound of the index is
 * one above what the numbers give.  lhist: a power of two, so that a mask bounds the index; below min, steps, from max on. */
static inline uint32_t
hist_slots(int64_t k)
{
	return (65u << k) + 1;
}
static inline bool
lhist_fits(int64_t min, int64_t max, int64_t step)
{
	return min >= 0 && min < max && step >= 1 && step <= max - min && (max - min) / step <= LHIST_BUCKETS_MAX;
}
static inline uint32_t
lhist_buckets(int64_t min, int64_t max, int64_t step)
{
	return (uint32_t)((max - min) / step) + 2;
}
static inline uint32_t
lhist_slots(int64_t min, int64_t max, int64_t step)
{
	uint32_t n = 1;

	while (n < lhist_buckets(min, max, step))
		n *= 2;
	return n;
}
#endif
