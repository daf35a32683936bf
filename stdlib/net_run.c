/* net_run.c - run half of the network rows: addresses as text. */
#include <arpa/inet.h>
#include "runtime/rt.h"

static void
print_inet(struct render *r, const struct type *t, const void *data, struct buf *out)
{
	char text[INET6_ADDRSTRLEN];
	uint32_t family;

	(void)r;
	(void)t;
	memcpy(&family, data, sizeof(family));
	if (inet_ntop((int)family, (const char *)data + 4, text, sizeof(text)))
		buf_str(out, text);
	else
		buf_fmt(out, "(address family %u)", family);
}

static bool
fits_inet(const struct type *t)
{
	return t->size >= 20; /* family and room for the longest address that inet_ntop reads */
}

const struct fmt fmt_inet = { .name = "inet", .fits = fits_inet, .print = print_inet };

static void
print_macaddr(struct render *r, const struct type *t, const void *data, struct buf *out)
{
	const uint8_t *p = data;

	(void)r;
	(void)t;
	buf_fmt(out, "%02X:%02X:%02X:%02X:%02X:%02X", p[0], p[1], p[2], p[3], p[4], p[5]);
}

static bool
fits_macaddr(const struct type *t)
{
	return t->size >= 6;
}

const struct fmt fmt_macaddr = { .name = "macaddr_t", .fits = fits_macaddr, .print = print_macaddr };
