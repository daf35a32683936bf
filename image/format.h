/* format.h - the conversions of a printf format (LANGUAGE 6.1), read one at a time.  The compiler checks arguments with it, the
 * run side prints with it, so both agree on what consumes an argument. */
#ifndef IMAGE_FORMAT_H
#define IMAGE_FORMAT_H
#include <stdbool.h>
#include <stddef.h>

enum format_part {
	FORMAT_END,
	FORMAT_TEXT, /* text, len: to be copied; %% is the text "%" */
	FORMAT_SPEC, /* a conversion */
	FORMAT_BAD,  /* text, len: a % with something behind it that is no conversion */
};
struct format_spec {
	const char *text; size_t len;   /* in the format, from the % on */
	bool minus, plus, blank, hash, zero;
	bool has_width, has_prec;       /* a number is given; both false with a star */
	bool star_width, star_prec;     /* an argument gives it */
	int width, prec;                /* 0 where not given */
	int size;                       /* bytes the length letters ask for: hh 1, h 2, none 4, l ll L j z t 8 */
	char conv[3];                   /* "d", "s", "rx", "gr" ... */
};
/* Reads the next part at *at and moves *at behind it. */
enum format_part format_next(const char **at, struct format_spec *out);
/* How many arguments the format takes, stars included. */
unsigned format_count(const char *fmt);
#endif
