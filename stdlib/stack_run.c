/* stack_run.c - run half of the symbols: addresses as names. */
#include "runtime/rt.h"

static void
print_address(struct buf *out, uint64_t addr)
{
	buf_fmt(out, "0x%llx", (unsigned long long)addr);
}

static void
print_ksym(struct render *r, const struct type *t, const void *data, struct buf *out)
{
	uint64_t addr = (uint64_t)type_read_int(t, data);

	if (r->ses && r->ses->syms)
		sym_kernel(r->ses->syms, addr, false, out);
	else
		print_address(out, addr);
}

static bool
fits_ksym(const struct type *t)
{
	return type_is_scalar(t);
}

const struct fmt fmt_ksym = { .name = "ksym_t", .fits = fits_ksym, .print = print_ksym };

static void
print_usym(struct render *r, const struct type *t, const void *data, struct buf *out)
{
	uint64_t addr;
	uint32_t pid;

	(void)t;
	memcpy(&addr, data, sizeof(addr));
	memcpy(&pid, (const char *)data + sizeof(addr), sizeof(pid));
	if (r->ses && r->ses->syms)
		sym_user(r->ses->syms, pid, addr, false, out);
	else
		print_address(out, addr);
}

static bool
fits_usym(const struct type *t)
{
	return t->size >= 12;
}

const struct fmt fmt_usym = { .name = "usym_t", .fits = fits_usym, .print = print_usym };
