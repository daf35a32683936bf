/* number.c - integers as scripts and their arguments spell them: bases, underscores, exponents, suffixes. */
#include "lang/lang.h"

static const struct suffix {
	char text[4];
	uint64_t factor, max;
} suffixes[] = {
	{ "", 1, UINT64_MAX },
	{ "u", 1, UINT32_MAX },
	{ "ul", 1, UINT64_MAX },
	{ "ull", 1, UINT64_MAX },
	{ "l", 1, INT64_MAX },
	{ "ll", 1, INT64_MAX },
	{ "ns", 1, UINT64_MAX },
	{ "us", 1000, UINT64_MAX },
	{ "ms", 1000000, UINT64_MAX },
	{ "s", 1000000000, UINT64_MAX },
	{ "m", 60 * 1000000000ull, UINT64_MAX },
	{ "h", 3600 * 1000000000ull, UINT64_MAX },
	{ "d", 86400 * 1000000000ull, UINT64_MAX },
};
static const char *const too_large = "the number does not fit in 64 bits";

static int
digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* Digits of one base with underscores among them; *i moves behind them. */
static const char *
read_digits(const char *s, size_t n, size_t *i, unsigned base, uint64_t *value)
{
	bool any = false;
	uint64_t v = 0;

	for (; *i < n; ++*i) {
		if (s[*i] == '_')
			continue;
		int digit = digit_value(s[*i]);
		if (digit < 0 || (unsigned)digit >= base)
			break;
		if (__builtin_mul_overflow(v, base, &v) || __builtin_add_overflow(v, (unsigned)digit, &v))
			return too_large;
		any = true;
	}
	if (!any)
		return "the number has no digits";
	if (s[*i - 1] == '_')
		return "an underscore cannot end the digits of a number";
	*value = v;
	return NULL;
}

/* 3e6: *i stands on the e, *value is what comes before it. */
static const char *
read_exponent(const char *s, size_t n, size_t *i, size_t n_before, uint64_t *value)
{
	uint64_t zeros = 0;

	++*i;
	if (n_before != 1 || *value == 0)
		return "an exponent follows a single digit from 1 to 9";
	if (*i >= n || s[*i] < '1' || s[*i] > '9')
		return "an exponent is a number that begins with 1 to 9";
	const char *wrong = read_digits(s, n, i, 10, &zeros);
	if (wrong)
		return wrong;
	if (zeros > 19)
		return too_large;
	for (; zeros; zeros--)
		if (__builtin_mul_overflow(*value, 10u, value))
			return too_large;
	return NULL;
}

static const char *
read_suffix(const char *s, size_t n, uint64_t *value)
{
	for (size_t k = 0; k < LENGTH(suffixes); k++) {
		const struct suffix *x = &suffixes[k];
		if (strlen(x->text) != n || memcmp(x->text, s, n) != 0)
			continue;
		if (*value > x->max)
			return "the number does not fit the type of its suffix";
		if (__builtin_mul_overflow(*value, x->factor, value))
			return "the duration does not fit in 64 bits of nanoseconds";
		return NULL;
	}
	return "invalid integer suffix; there are u ul ull l ll and ns us ms s m h d";
}

const char *
number_read(const char *s, size_t n, uint64_t *value, bool *is_neg)
{
	size_t i = 0;
	unsigned base = 10;
	uint64_t v = 0;

	*value = 0;
	*is_neg = n > 0 && s[0] == '-';
	i += *is_neg;
	if (i >= n || digit_value(s[i]) < 0 || digit_value(s[i]) > 9)
		return "a number begins with a digit";
	if (s[i] == '0' && i + 1 < n) {
		if ((s[i + 1] | 0x20) == 'x')
			base = 16;
		else if ((s[i + 1] | 0x20) == 'b')
			base = 2;
		else if (digit_value(s[i + 1]) >= 0 && digit_value(s[i + 1]) < 10)
			base = 8;
		i += base == 16 || base == 2 ? 2 : 0;
	}
	size_t start = i;
	const char *wrong = read_digits(s, n, &i, base, &v);
	if (i < n && base < 10 && s[i] >= '0' && s[i] <= '9')
		wrong = base == 8 ? "a number that begins with 0 is octal: its digits are 0 to 7" :
				    "the digits of a binary number are 0 and 1";
	if (!wrong && base == 10 && i < n && (s[i] | 0x20) == 'e')
		wrong = read_exponent(s, n, &i, i - start, &v);
	if (!wrong)
		wrong = read_suffix(s + i, n - i, &v);
	if (!wrong && *is_neg && v > (uint64_t)INT64_MAX + 1)
		wrong = "the number does not fit in 64 bits";
	*value = wrong ? 0 : v;
	return wrong;
}
