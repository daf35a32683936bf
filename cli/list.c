/* list.c - -l: probes that match patterns, or those that a program would attach. */
#include <stdio.h>
#include <string.h>
#include "cli/cli.h"

struct listing {
	struct out *out;
	sonde *ctx;
	bool with_doc;
};

static int
list_one(void *ud, const char *name, const char *doc)
{
	struct listing *l = ud;

	out_text(l->out, name, strlen(name));
	out_text(l->out, "\n", 1);
	if (l->with_doc && doc) {
		out_text(l->out, doc, strlen(doc));
		if (*doc && doc[strlen(doc) - 1] != '\n')
			out_text(l->out, "\n", 1);
	}
	return l->out->error;            /* head has seen enough */
}

/* A probe of a program: what is known about it is known by its name. */
static int
list_attached(void *ud, const char *name, const char *doc)
{
	struct listing *l = ud;

	if (l->with_doc && !doc && sonde_list_probes(l->ctx, name, list_one, l) > 0)
		return l->out->error;
	return list_one(ud, name, doc);
}

static int
list_image(struct run *r, sonde *ctx, const struct script *script, struct listing *l)
{
	int status;
	sonde_image *img = run_compile(r, ctx, script, &status);

	if (img)
		sonde_image_probes(img, list_attached, l);
	sonde_image_free(img);
	return status;
}

int
list_probes(struct run *r, const struct script *script)
{
	struct listing l = { r->out, NULL, r->o->is_verbose };
	struct sonde_opts opts;
	sonde *ctx;
	int status, n = 0;

	run_opts(r, &opts);
	status = sonde_open(&opts, &ctx);
	if (status < 0) {
		say_error(r->out, "%s", sonde_strerror(status));
		return 1;
	}
	l.ctx = ctx;
	if (script) {
		status = list_image(r, ctx, script, &l);
		sonde_close(ctx);
		return status < 0;
	}
	for (int i = 0; status >= 0 && !r->out->error && i < (r->o->n_args ? r->o->n_args : 1); i++) {
		status = sonde_list_probes(ctx, r->o->n_args ? r->o->args[i] : NULL, list_one, &l);
		if (status >= 0)
			n += status;
		if (!r->out->error)
			out_diags(r->out, ctx, status);
	}
	if (status >= 0 && !n && r->o->n_args)
		say_warning(r->out, "no probe matches %s", r->o->args[0]);
	sonde_close(ctx);
	return status < 0 && !r->out->error;
}
