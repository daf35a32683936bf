/* format.c - reads a printf format one part at a time (LANGUAGE 6.1). */
#include "image/format.h"
#include <string.h>

enum { MAX_WIDTH = 1 << 20 };       /* what people write is far below; keeps a width from asking for all memory */

static bool
read_flags(char c, struct format_spec *s)
{
	switch (c) {
	case '-': return s->minus = true;
	case '+': return s->plus = true;
	case ' ': return s->blank = true;
	case '#': return s->hash = true;
	case '0': return s->zero = true;
	default: return false;
	}
}

static const char *
read_number(const char *p, bool *has, int *n)
{
	for (*has = true, *n = 0; *p >= '0' && *p <= '9'; p++)
		*n = *n * 10 + (*p - '0') > MAX_WIDTH ? MAX_WIDTH : *n * 10 + (*p - '0');
	return p;
}

static const char *
read_size(const char *p, struct format_spec *s)
{
	s->size = 4;
	if (p[0] == 'h') {
		s->size = p[1] == 'h' ? 1 : 2;
		return p + (p[1] == 'h' ? 2 : 1);
	}
	if (p[0] != '\0' && strchr("lLjzt", p[0])) {
		s->size = 8;
		return p + (p[0] == 'l' && p[1] == 'l' ? 2 : 1);
	}
	return p;
}

static const char *
read_conv(const char *p, struct format_spec *s)
{
	static const char *const two[] = { "rx", "rh", "gr" };

	for (size_t i = 0; i < sizeof(two) / sizeof(two[0]); i++)
		if (strncmp(p, two[i], 2) == 0) {
			memcpy(s->conv, two[i], 3);
			return p + 2;
		}
	/* The floating-point letters and %n are read, so that a message can name them. */
	if (*p == '\0' || !strchr("diuoxXcpsreEfFgGaAn", *p))
		return NULL;
	s->conv[0] = *p;
	return p + 1;
}

enum format_part
format_next(const char **at, struct format_spec *out)
{
	const char *p = *at;

	memset(out, 0, sizeof(*out));
	out->text = p;
	if (*p == '\0')
		return FORMAT_END;
	if (*p != '%') {
		out->len = strcspn(p, "%");
		*at = p + out->len;
		return FORMAT_TEXT;
	}
	if (p[1] == '%') {
		out->text = p + 1;
		out->len = 1;
		*at = p + 2;
		return FORMAT_TEXT;
	}
	for (p++; *p && read_flags(*p, out); p++)
		;
	if (*p == '*') {
		out->star_width = true;
		p++;
	} else if (*p >= '1' && *p <= '9') {
		p = read_number(p, &out->has_width, &out->width);
	}
	if (*p == '.' && p[1] == '*') {
		out->star_prec = true;
		p += 2;
	} else if (*p == '.') {
		p = read_number(p + 1, &out->has_prec, &out->prec);
	}
	p = read_size(p, out);
	const char *end = read_conv(p, out);
	*at = end ? end : *p ? p + 1 : p;
	out->len = (size_t)(*at - out->text);
	return end ? FORMAT_SPEC : FORMAT_BAD;
}

unsigned
format_count(const char *fmt)
{
	struct format_spec s;
	unsigned n = 0;

	for (;;)
		switch (format_next(&fmt, &s)) {
		case FORMAT_END: return n;
		case FORMAT_SPEC: n += 1u + s.star_width + s.star_prec; break;
		default: break;
		}
}
