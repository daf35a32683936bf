/* series.h - the cell of tseries(): what the code that counts and the code that prints must agree on. */
#ifndef STDLIB_SERIES_H
#define STDLIB_SERIES_H
#include <stdint.h>

enum series_op { SERIES_LAST, SERIES_AVG, SERIES_MAX, SERIES_MIN, SERIES_SUM, N_SERIES_OPS };
enum { SERIES_MAX_SLOTS = 999999 };
/* A cell is a u64, in which the run side keeps the newest epoch of the whole map, and a ring of slots: the interval with
 * number e lies in slot e % num.  more: how many numbers there were, 0: none; SERIES_LAST: when the last one came. */
struct series_slot { uint64_t value, more, epoch; };
enum { SERIES_HEAD = 8 };
#endif
