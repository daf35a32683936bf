/* format.c - sonde_format(): a script in the standard layout. */
#include "codegen/gen.h"

struct formatter {
	struct arena *mem;
	struct diags *diags;
	int file;
	struct buf out;
	jmp_buf nomem;
};

static int
format_protected(struct formatter *f)    /* its own frame: see C11 7.13.2.1 */
{
	if (setjmp(f->nomem))
		return SONDE_ENOMEM;
	arena_on_nomem(f->mem, &f->nomem);
	if (!format_script(f->mem, f->diags, f->file, &f->out))
		return SONDE_ESOURCE;
	return f->out.failed ? SONDE_ENOMEM : SONDE_OK;
}

int
sonde_format(sonde *ctx, const char *name, const char *src, size_t len, sonde_write_fn write_fn, void *ud)
{
	struct formatter f = { .diags = ctx->diags, .mem = arena_new() };
	int status = SONDE_ENOMEM;

	diags_reset(ctx->diags);
	f.file = f.mem ? diags_add_source(ctx->diags, name ? name : "", src, len) : -1;
	f.out.arena = f.mem;
	if (f.file >= 0)
		status = format_protected(&f);
	if (status == SONDE_OK) {
		diags_reset(ctx->diags); /* warnings are for who runs it */
		if (f.out.len && write_fn(ud, f.out.data, f.out.len))
			status = SONDE_EIO;
	}
	arena_free(f.mem);
	return status;
}
