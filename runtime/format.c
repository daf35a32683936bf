/* format.c - the printf family and times (LANGUAGE 6): not C's printf, because the values are the script's. */
#include <time.h>
#include "image/format.h"
#include "runtime/rt.h"

#define MAX_WIDTH 65535
#define TIME_MAX 64                      /* bytes of a formatted time, NUL included */

/* ---- one conversion: %[flags][width][.precision][modifier]specifier ---- */
struct spec {
	bool left, plus, blank, alt, zero;
	uint32_t width;
	unsigned bytes;                  /* what the modifier cuts an integer to; 4 without one */
	char conv;                       /* d i u o x X c p s r g */
	char variant;                    /* second letter: of r x or h, of g r */
};
struct args {                            /* the arguments that are left */
	struct render *r;
	const struct type *tuple;
	const char *data;
	uint32_t next;
	struct buf *text;                /* scratch for what must be padded */
};

static const struct field *
next_arg(struct args *a)
{
	return a->tuple && a->next < a->tuple->n ? &a->tuple->fields[a->next++] : NULL;
}

/* An argument as an integer; aggregates by the number they sort by. */
static bool
arg_int(const struct args *a, const struct field *f, int64_t *out)
{
	const struct type *t = f->type;
	bool is_signed;

	if (t->kind == T_AGGR && t->aggr && t->aggr->weight && !t->aggr->is_block) {
		*out = (int64_t)t->aggr->weight(t, a->data + f->off, &is_signed);
		return true;
	}
	return value_read(t, a->data + f->off, out);
}

/* What a star takes from the arguments. */
static int64_t
star(struct args *a)
{
	const struct field *f = next_arg(a);
	int64_t v = 0;

	return f && arg_int(a, f, &v) ? v : 0;
}

/* A negative width means left-aligned, as in C; a precision has no effect, but its star takes its argument. */
static struct spec
read_spec(const struct format_spec *f, struct args *a)
{
	struct spec s = { .left = f->minus, .plus = f->plus, .blank = f->blank, .alt = f->hash, .zero = f->zero,
			  .bytes = (unsigned)f->size, .conv = f->conv[0], .variant = f->conv[1] };
	int64_t width = f->star_width ? star(a) : f->width;

	if (f->star_prec)
		star(a);
	s.left |= width < 0;
	s.width = width > MAX_WIDTH || width < -MAX_WIDTH ? MAX_WIDTH : (uint32_t)(width < 0 ? -width : width);
	return s;
}

/* ---- integers ---- */
static void
pad(struct buf *out, const struct spec *s, const char *prefix, const char *text, size_t len)
{
	size_t n = strlen(prefix) + len, fill = n < s->width ? s->width - n : 0;

	if (!s->left && !s->zero)
		buf_fill(out, ' ', fill);
	buf_str(out, prefix);
	if (!s->left && s->zero)
		buf_fill(out, '0', fill);
	buf_add(out, text, len);
	if (s->left)
		buf_fill(out, ' ', fill);
}

static size_t
digits(char *end, uint64_t v, unsigned base, bool is_upper)
{
	const char *set = is_upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char *at = end;

	do {
		*--at = set[v % base];
		v /= base;
	} while (v);
	return (size_t)(end - at);
}

/* Cut to the bytes the modifier asks for, as C's variable arguments would. */
static int64_t
cut(int64_t v, unsigned bytes, bool is_signed)
{
	unsigned shift = 64 - bytes * 8;

	return is_signed ? (int64_t)((uint64_t)v << shift) >> shift : (int64_t)((uint64_t)v << shift >> shift);
}

static void
print_integer(struct buf *out, const struct spec *s, int64_t value)
{
	bool is_signed = s->conv == 'd' || s->conv == 'i';
	int64_t v = cut(value, s->conv == 'p' ? 8 : s->bytes, is_signed);
	uint64_t u = is_signed && v < 0 ? -(uint64_t)v : (uint64_t)v;
	char text[24], *end = text + sizeof(text);
	const char *prefix = "";
	unsigned base = 10;
	size_t n;

	if (is_signed)
		prefix = v < 0 ? "-" : s->plus ? "+" : s->blank ? " " : "";
	else if (s->conv == 'p' || (s->conv == 'x' && s->alt && u))
		prefix = "0x";
	else if (s->conv == 'X' && s->alt && u)
		prefix = "0X";
	else if (s->conv == 'o' && s->alt && u)
		prefix = "0";
	if (s->conv == 'x' || s->conv == 'X' || s->conv == 'p')
		base = 16;
	else if (s->conv == 'o')
		base = 8;
	n = digits(end, u, base, s->conv == 'X');
	pad(out, s, prefix, end - n, n);
}

/* ---- bytes and flags ---- */
/* %rx: every byte as \xNN; %rh: as NN with blanks between. */
static void
print_raw(struct buf *out, const uint8_t *p, uint32_t len, char variant)
{
	static const char hex[] = "0123456789abcdef";

	for (uint32_t i = 0; i < len; i++) {
		char text[4] = { '\\', 'x', hex[p[i] >> 4], hex[p[i] & 15] };

		if (variant == 'x') {
			buf_add(out, text, 4);
			continue;
		}
		if (i)
			buf_char(out, ' ');
		buf_add(out, text + 2, 2);
	}
}

/* Names of an allocation's flags (LANGUAGE 6.1 %gr). */
static void
print_gfp(struct buf *out, uint64_t flags)
{
	/* The kernel's own table: compound masks first, then single bits. */
	static const struct { uint32_t mask; const char *name; } names[] = {
		{ 0x1c24ca, "GFP_TRANSHUGE" }, { 0x1c20ca, "GFP_TRANSHUGE_LIGHT" }, { 0x100cca, "GFP_HIGHUSER_MOVABLE" },
		{ 0x100cc2, "GFP_HIGHUSER" }, { 0x100cc0, "GFP_USER" }, { 0x400cc0, "GFP_KERNEL_ACCOUNT" }, { 0xcc0, "GFP_KERNEL" },
		{ 0xc40, "GFP_NOFS" }, { 0x820, "GFP_ATOMIC" }, { 0xc00, "GFP_NOIO" }, { 0x2800, "GFP_NOWAIT" }, { 0x1, "GFP_DMA" },
		{ 0x4, "GFP_DMA32" }, { 0x2, "__GFP_HIGHMEM" }, { 0x8, "__GFP_MOVABLE" }, { 0x10, "__GFP_RECLAIMABLE" },
		{ 0x20, "__GFP_HIGH" }, { 0x40, "__GFP_IO" }, { 0x80, "__GFP_FS" }, { 0x100, "__GFP_ZERO" },
		{ 0x400, "__GFP_DIRECT_RECLAIM" }, { 0x800, "__GFP_KSWAPD_RECLAIM" }, { 0x1000, "__GFP_WRITE" },
		{ 0x2000, "__GFP_NOWARN" }, { 0x4000, "__GFP_RETRY_MAYFAIL" }, { 0x8000, "__GFP_NOFAIL" }, { 0x10000, "__GFP_NORETRY" },
		{ 0x20000, "__GFP_MEMALLOC" }, { 0x40000, "__GFP_COMP" }, { 0x80000, "__GFP_NOMEMALLOC" }, { 0x100000, "__GFP_HARDWALL" },
		{ 0x200000, "__GFP_THISNODE" }, { 0x400000, "__GFP_ACCOUNT" }, { 0x800000, "__GFP_ZEROTAGS" },
		{ 0x1000000, "__GFP_NO_OBJ_EXT" },
	};
	const char *between = "";

	if (!flags)
		buf_char(out, '0');
	for (size_t i = 0; i < LENGTH(names); i++) {
		if ((flags & names[i].mask) != names[i].mask)
			continue;
		flags &= ~(uint64_t)names[i].mask;
		buf_str(out, between);
		buf_str(out, names[i].name);
		between = "|";
	}
	if (flags) {
		buf_str(out, between);
		buf_str(out, "0x");
		print_hex(out, flags);
	}
}

/* ---- conversions of every kind ---- */
static void
impossible(const struct field *f, const struct spec *s, struct buf *out)
{
	buf_str(out, "!{");
	if (!f) {
		buf_str(out, "missing argument");
	} else {
		buf_str(out, "%");
		buf_char(out, s->conv ? s->conv : '?');
		buf_str(out, " cannot show a ");
		type_name_to(out, f->type);
	}
	buf_char(out, '}');
}

/* Text that must be padded is written to a buffer of its own first. */
static void
print_text(struct args *a, const struct field *f, const struct spec *s, struct buf *out)
{
	struct buf *to = s->width ? a->text : out;
	const void *data = a->data + f->off;
	uint32_t len;
	int64_t v = 0;

	if (to == a->text)
		to->len = 0;
	if (s->conv == 'g') {
		arg_int(a, f, &v);
		print_gfp(to, (uint64_t)v);
	} else if (s->conv == 'r' && s->variant) {
		const uint8_t *p = bytes_read(f->type, data, &len);

		print_raw(to, p, len, s->variant);
	} else {
		print_value(a->r, f->type, data, 0, to);
	}
	if (to == a->text && !to->failed)
		pad(out, &(struct spec){ .left = s->left, .width = s->width }, "", to->data ? to->data : "", to->len);
}

static void
convert(struct args *a, const struct spec *s, struct buf *out)
{
	const struct field *f = next_arg(a);
	int64_t v = 0;
	bool is_int = f && arg_int(a, f, &v);

	if (f && (s->conv == 's' || (s->conv == 'r' && f->type->kind == T_BYTES) || (s->conv == 'g' && is_int))) {
		print_text(a, f, s, out);
	} else if (is_int && s->conv == 'c') {
		char c = (char)v;

		pad(out, &(struct spec){ .left = s->left, .width = s->width }, "", &c, 1);
	} else if (is_int && s->conv && strchr("diuoxXp", s->conv)) {
		print_integer(out, s, v);
	} else {
		impossible(f, s, out);
	}
}

void
print_format(struct render *r, const char *fmt, const struct type *payload, const void *data, struct buf *out)
{
	struct buf text = { 0 };
	struct args a = { .r = r, .tuple = payload, .data = data, .text = &text };
	struct format_spec f;

	for (enum format_part part; (part = format_next(&fmt, &f)) != FORMAT_END;) {
		if (part == FORMAT_SPEC) {
			struct spec s = read_spec(&f, &a);

			convert(&a, &s, out);
		} else {
			buf_add(out, f.text, f.len);
		}
	}
	buf_free(&text);
}

/* ---- times ---- */
static void
add_fraction(struct buf *out, uint64_t ns, unsigned n_digits)
{
	for (unsigned i = 0; i < n_digits; i++) {
		ns = ns % 1000000000 * 10;
		buf_char(out, (char)('0' + ns / 1000000000));
	}
}

void
print_time(const char *fmt, uint64_t ns, struct buf *out)
{
	time_t seconds = (time_t)(ns / 1000000000);
	struct buf own = { 0 };
	char text[512];
	struct tm tm;
	size_t n;

	if (!localtime_r(&seconds, &tm)) {
		buf_str(out, "(?)");
		return;
	}
	/* %f %k %l are ours; the rest is strftime's. */
	for (const char *p = fmt; *p; p++) {
		unsigned n_digits = *p != '%' ? 0 : p[1] == 'f' ? 6 : p[1] == 'k' ? 9 : p[1] == 'l' ? 3 : 0;

		if (n_digits) {
			add_fraction(&own, ns, n_digits);
			p++;
		} else {
			buf_char(&own, *p);
			if (*p == '%' && p[1])
				buf_char(&own, *++p);
		}
	}
	n = strftime(text, sizeof(text), buf_cstr(&own), &tm);
	buf_free(&own);
	buf_add(out, text, n < TIME_MAX ? n : TIME_MAX - 1);
}
