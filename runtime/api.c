/* api.c - the run side of sonde.h: turns what happens inside into statuses, events and diagnostics. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>
#include "runtime/rt.h"

const char *
sonde_version(void)
{
	return SONDE_VERSION;
}

const char *
sonde_strerror(int status)
{
	static const char *const texts[] = {
		[-SONDE_OK] = "success",
		[-SONDE_ESOURCE] = "the script is wrong",
		[-SONDE_ENOMEM] = "out of memory",
		[-SONDE_EPERM] = "not permitted",
		[-SONDE_EKERNEL] = "the kernel lacks a feature",
		[-SONDE_EVERIFIER] = "the kernel's verifier refused a program",
		[-SONDE_EPROBE] = "a probe could not be attached",
		[-SONDE_EIMAGE] = "not an image, or a damaged one",
		[-SONDE_ESTATE] = "called out of order",
		[-SONDE_EIO] = "reading or writing failed",
	};
	return status <= 0 && -status < (int)LENGTH(texts) ? texts[-status] : "unknown status";
}

/* The status of a failed call: what the first error says, else the errno. */
static int
status_of(const struct sonde *ctx, int err)
{
	static const struct { enum diag_tag tag; int status; } map[] = {
		{ E_PERM, SONDE_EPERM }, { E_KERNEL, SONDE_EKERNEL }, { E_VERIFIER, SONDE_EVERIFIER }, { E_ATTACH, SONDE_EPROBE },
		{ E_PROBE_TARGET, SONDE_EPROBE }, { E_NO_MATCH, SONDE_EPROBE }, { E_IMAGE, SONDE_EIMAGE }, { E_IO, SONDE_EIO },
		{ E_INTERNAL, SONDE_EIMAGE }, { E_SIZE, SONDE_ENOMEM },
	};
	const struct sonde_diag *d = diags_at(ctx->diags, 0);

	for (size_t i = 0; d && d->level == SONDE_ERROR && i < LENGTH(map); i++)
		if (strcmp(d->tag, diag_tag_name(map[i].tag)) == 0)
			return map[i].status;
	switch (-err) {
	case ENOMEM:
		return SONDE_ENOMEM;
	case EPERM:
	case EACCES:
		return SONDE_EPERM;
	case ENOENT:
		return SONDE_EPROBE;
	case EBADMSG:
		return SONDE_EIMAGE;
	case EIO:
	case ENOSPC:
	case EPIPE:
		return SONDE_EIO;
	default:
		return SONDE_EKERNEL;
	}
}

/* ---- contexts and diagnostics ---- */
int
sonde_open(const struct sonde_opts *opts, sonde **out)
{
	int status = context_new(opts, out);

	if (status == SONDE_OK && !((*out)->opts.flags & SONDE_NO_LIBBPF_HOOK))
		hook_install();
	return status;
}

void
sonde_close(sonde *ctx)
{
	context_free(ctx);
}

const char *
sonde_errmsg(const sonde *ctx)
{
	const struct sonde_diag *d = diags_at(ctx->diags, 0);

	return d && d->level == SONDE_ERROR ? d->text : "";
}

size_t
sonde_diag_count(const sonde *ctx)
{
	return diags_count(ctx->diags);
}

const struct sonde_diag *
sonde_diag_at(const sonde *ctx, size_t i)
{
	return diags_at(ctx->diags, i);
}

int
sonde_diag_render(const sonde *ctx, size_t i, int colour, sonde_write_fn write_fn, void *ud)
{
	struct buf text = { 0 };
	int status = SONDE_OK;

	if (i >= diags_count(ctx->diags))
		return SONDE_ESTATE;
	diags_render(ctx->diags, i, colour != 0, &text);
	if (text.failed)
		status = SONDE_ENOMEM;
	else if (text.len && write_fn(ud, text.data, text.len))
		status = SONDE_EIO;
	buf_free(&text);
	return status;
}

/* ---- images ---- */
int
sonde_image_load(sonde *ctx, const void *data, size_t len, sonde_image **out)
{
	diags_reset(ctx->diags);
	*out = image_load(data, len, ctx->diags);
	if (*out)
		return SONDE_OK;
	return diags_errors(ctx->diags) ? SONDE_EIMAGE : SONDE_ENOMEM;
}

int
sonde_image_save(const sonde_image *img, sonde_write_fn write_fn, void *ud)
{
	int err = image_save(img, write_fn, ud);

	return err == 0 ? SONDE_OK : err == -ENOMEM ? SONDE_ENOMEM : SONDE_EIO;
}

sonde_image *
sonde_image_ref(sonde_image *img)
{
	if (img)
		atomic_fetch_add_explicit(&img->refs, 1, memory_order_relaxed);
	return img;
}

void
sonde_image_free(sonde_image *img)
{
	if (img)
		image_unref(img);
}

int
sonde_image_probes(const sonde_image *img, sonde_name_fn fn, void *ud)
{
	for (uint32_t i = 0; i < img->n_targets; i++) {
		int stop = fn(ud, img->targets[i].name, NULL);

		if (stop)
			return stop;
	}
	return (int)img->n_targets;
}

int
sonde_image_options(const sonde_image *img, sonde_name_fn fn, void *ud)
{
	for (uint32_t i = 0; i < img->n_options; i++) {
		int stop = fn(ud, img->options[i].name, img->options[i].doc);

		if (stop)
			return stop;
	}
	return (int)img->n_options;
}

/* ---- sessions ---- */
int
sonde_attach(sonde *ctx, sonde_image *img, sonde_session **out)
{
	struct sonde *before = hook_enter(ctx);
	struct sonde_session *ses;
	int err;

	diags_reset(ctx->diags);
	err = session_new(ctx, img, &ses);
	if (!err)
		err = session_start(ses);
	*out = err ? NULL : ses;
	if (err) {
		session_free(ses);
		err = status_of(ctx, err);
	}
	hook_enter(before);
	return err;
}

int
sonde_poll(sonde_session *ses, int timeout_ms)
{
	struct sonde *before;
	int n;

	if (ses->state != SES_RUNNING)
		return SONDE_ESTATE;
	before = hook_enter(ses->ctx);
	diags_reset(ses->ctx->diags);
	n = poll_events(ses, timeout_ms);
	if (n < 0)
		n = status_of(ses->ctx, n);
	hook_enter(before);
	return n;
}

int
sonde_fd(const sonde_session *ses)
{
	return ses->epoll_fd;
}

void
sonde_interrupt(sonde_session *ses)
{
	int saved = errno;
	uint64_t one = 1;
	ssize_t n;

	atomic_store_explicit(&ses->interrupted, 1, memory_order_relaxed);
	n = write(ses->stop_fd, &one, sizeof(one));
	(void)n; /* full: it is readable then, which is all that is wanted */
	errno = saved;
}

int
sonde_finished(const sonde_session *ses, int *exit_code)
{
	if (exit_code)
		*exit_code = ses->exit_code;
	return ses->exited || ses->n_live == 0 || ses->state == SES_STOPPED ||
	       atomic_load_explicit(&ses->interrupted, memory_order_relaxed);
}

int
sonde_stop(sonde_session *ses)
{
	struct sonde *before;
	int err;

	if (ses->state != SES_RUNNING)
		return SONDE_ESTATE;
	before = hook_enter(ses->ctx);
	diags_reset(ses->ctx->diags);
	err = session_stop(ses);
	if (err)
		err = status_of(ses->ctx, err);
	hook_enter(before);
	return err;
}

uint64_t
sonde_lost(const sonde_session *ses)
{
	return ses->lost;
}

int
sonde_attached(const sonde_session *ses)
{
	return ses->n_attached;
}

void
sonde_session_free(sonde_session *ses)
{
	session_free(ses);
}
