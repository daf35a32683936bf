/* list.c - sonde_list_probes: which probes there are (LANGUAGE 7.7). */
#include <errno.h>
#include <strings.h>
#include "probes/common.h"

struct search {
	struct compile *c;
	sonde_name_fn fn;
	void *ud;
	const char *filter;              /* on the full name, or NULL */
	int n, stop;                     /* stop: what fn returned */
};

static int
found(void *ud, const char *name, const char *doc)
{
	struct search *s = ud;

	if (s->filter && !glob_match(s->filter, name))
		return 0;
	s->n++;
	s->stop = s->fn(s->ud, name, doc);
	return s->stop;
}

static int
ask(struct search *s, const struct provider *p, const char *part)
{
	int n;

	if (!p->list)
		return 0;
	n = p->list(s->c, part, s->c->opts->flags & SONDE_VERBOSE, found, s);
	return s->stop ? s->stop : n < 0 ? n : 0;
}

/* Every kind of the kernel's; those of user space only when they are named. */
static int
ask_kernel(struct search *s)
{
	int err = 0;

	for (const struct provider *const *p = s->c->plugs->providers; *p && !err; p++)
		if (!((*p)->flags & PROV_USER) && (!(*p)->is_there || (*p)->is_there(s->c)))
			err = ask(s, *p, "*");
	return err;
}

/* Does a pattern for the provider's word fit one of its names? */
static bool
fits(struct compile *c, const char *word, const struct provider *p)
{
	return strchr(word, '*') ? !(p->flags & PROV_USER) && glob_match(word, p->name) : plug_provider(c->plugs, word) == p;
}

static int
ask_pattern(struct search *s, const char *pattern)
{
	const char *colon = strchr(pattern, ':'), *word;
	int err = 0;

	s->filter = NULL;
	if (!colon && !plug_provider(s->c->plugs, pattern)) {
		s->filter = arena_printf(s->c->tmp, "*:%s*", pattern);
		return ask_kernel(s);
	}
	word = colon ? arena_strndup(s->c->tmp, pattern, (size_t)(colon - pattern)) : pattern;
	for (const struct provider *const *p = s->c->plugs->providers; *p && !err; p++)
		if (fits(s->c, word, *p) && (!strchr(word, '*') || !(*p)->is_there || (*p)->is_there(s->c)))
			err = ask(s, *p, colon && colon[1] ? colon + 1 : "*");
	return err;
}

/* Patterns are separated by commas. */
static int
ask_all(struct search *s, const char *patterns)
{
	int err = 0;

	if (!patterns || !*patterns)
		return ask_kernel(s);
	while (*patterns && !err) {
		size_t n = strcspn(patterns, ",");

		if (n)
			err = ask_pattern(s, arena_strndup(s->c->tmp, patterns, n));
		patterns += n + (patterns[n] == ',');
	}
	return err;
}

/* Its own frame, as setjmp wants it. */
static int
list_protected(struct search *s, const char *patterns)
{
	struct compile *c = s->c;

	if (setjmp(c->nomem))
		return -ENOMEM;
	arena_on_nomem(c->tmp, &c->nomem);
	c->keep = c->tmp;
	c->types = types_new(c->tmp);
	return ask_all(s, patterns);
}

static int
status_of(struct search *s, int err)
{
	if (s->stop || !err)
		return s->stop ? s->stop : s->n;
	if (err == -ENOMEM)
		return SONDE_ENOMEM;
	diag_error(s->c->diags, NO_SPAN, err == -EPERM || err == -EACCES ? E_PERM : E_KERNEL,
		   err == -EPERM || err == -EACCES ? "the kernel's probes cannot be listed by this user: run as root"
						   : "the kernel's probes cannot be listed: is tracefs there?");
	return err == -EPERM || err == -EACCES ? SONDE_EPERM : SONDE_EKERNEL;
}

SONDE_API int
sonde_list_probes(sonde *ctx, const char *pattern, sonde_name_fn fn, void *ud)
{
	struct compile c = { .ctx = ctx, .plugs = &plugs, .opts = &ctx->opts, .diags = ctx->diags };
	struct search s = { .c = &c, .fn = fn, .ud = ud };
	int err;

	diags_reset(ctx->diags);
	if (!ctx->kernel) {
		ctx->kernel = kernel_open(ctx);
		ctx->kernel_close = kernel_close;
	}
	c.kernel = ctx->kernel;
	c.tmp = arena_new();
	if (!c.kernel || !c.tmp) {
		arena_free(c.tmp);
		return SONDE_ENOMEM;
	}
	err = list_protected(&s, pattern);
	arena_free(c.tmp);
	return status_of(&s, err);
}
