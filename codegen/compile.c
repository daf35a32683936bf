/* compile.c - the pass list, and sonde_compile(): from text to an image. */
#include "codegen/open.h"

static bool
pass_syntax(struct compile *c)
{
	struct parse_opts o;

	options_split(c);
	c->c_file = cdef_file(c);
	o = (struct parse_opts){ c->argv, c->argc, c->c_file };
	c->prog = parse_program(c->tmp, c->diags, c->file, &o);
	return c->prog && import_scripts(c) && cdef_apply(c) && config_apply(c);
}

static void
dump_tree(struct compile *c, struct buf *out)
{
	node_dump(c->prog, out);
}

static void
dump_plan(struct compile *c, struct buf *out)
{
	image_dump(c->img, out);
}

static const struct pass passes[] = {
	{ 'S', "ast", pass_syntax, dump_tree },
	{ 'M', "macros", pass_macro, dump_tree },
	{ 'A', "attach", pass_attach, dump_probes },
	{ 'R', "resolve", pass_resolve, dump_tree },
	{ 'T', "types", pass_infer, dump_types },
	{ 'C', "check", pass_check, dump_tree },
	{ 'P', "plan", pass_plan, dump_plan },
	{ 'G', "codegen", pass_generate, dump_module },
	{ 'O', "codegen-opt", pass_object, dump_object },
};

#define LETTERS "SMARTCPGO"

static bool
is_word(const char *text, size_t n, const char *word)
{
	return strlen(word) == n && memcmp(text, word, n) == 0;
}

/* Do these n bytes ask for the pass: letters together ("TP") or its name? */
static bool
names_pass(const char *text, size_t n, const struct pass *p)
{
	if (strspn(text, LETTERS) == n)
		return memchr(text, p->letter, n) != NULL;
	return is_word(text, n, p->name) || (p->letter == 'O' && is_word(text, n, "dis"));
}

/* Is the pass among what opts.dump asks for, separated by commas? */
static bool
is_dumped(const char *dump, const struct pass *p)
{
	for (size_t n; dump && *dump; dump += n + (dump[n] == ',')) {
		n = strcspn(dump, ",");
		if (names_pass(dump, n, p))
			return true;
	}
	return false;
}

/* A dump that nothing would ever write is a mistake of who asks for it. */
static bool
check_dump(struct compile *c)
{
	const char *dump = c->opts->dump;

	for (size_t n; dump && *dump; dump += n + (dump[n] == ',')) {
		bool is_known;

		n = strcspn(dump, ",");
		is_known = is_word(dump, n, "verifier") || strspn(dump, LETTERS) == n;
		for (size_t i = 0; i < LENGTH(passes); i++)
			is_known |= names_pass(dump, n, &passes[i]);
		if (is_known)
			continue;
		diag_error(c->diags, NO_SPAN, E_CONFIG, "unknown stage '%.*s' to dump", (int)n, dump);
		diag_hint(c->diags, "stages are letters of S M A R T C P G O, verifier and dis");
		return false;
	}
	return true;
}

static bool
dump(struct compile *c, const struct pass *p)
{
	struct buf b = { .arena = c->tmp };

	if (!is_dumped(c->opts->dump, p))
		return true;
	p->dump(c, &b);
	if (b.failed)
		return false;
	context_log_text(c->ctx, b.data ? b.data : "", b.len);
	return true;
}

static int
run_passes(struct compile *c)
{
	if (!check_dump(c))
		return SONDE_ESOURCE;
	for (size_t i = 0; i < LENGTH(passes); i++) {
		size_t before = diags_errors(c->diags);
		bool ok = passes[i].run(c);

		if (ok != (diags_errors(c->diags) == before)) {
			diag_error(c->diags, NO_SPAN, E_INTERNAL, "pass %s %s", passes[i].name, ok ? "went on after an error" : "failed without saying why");
			return SONDE_ESOURCE;
		}
		if (!ok)
			return SONDE_ESOURCE;
		if (!dump(c, &passes[i]))
			return SONDE_ENOMEM;
	}
	return SONDE_OK;
}

/* The run side knows of the script alone: what stands elsewhere is blamed on the call that led there, or on no place. */
static void
keep_places(struct compile *c)
{
	struct sonde_image *img = c->img;
	unsigned file = (unsigned)c->file;

	for (uint32_t i = 0; i < img->n_progs; i++)
		img->progs[i].at = diags_blame(c->diags, img->progs[i].at, file);
	for (uint32_t i = 0; i < img->n_targets; i++)
		img->targets[i].at = diags_blame(c->diags, img->targets[i].at, file);
	for (uint32_t i = 0; i < img->n_maps; i++)
		img->maps[i].first = diags_blame(c->diags, img->maps[i].first, file);
	for (uint32_t i = 0; i < img->n_actions; i++)
		img->actions[i].at = diags_blame(c->diags, img->actions[i].at, file);
	for (uint32_t i = 0; i < img->n_errors; i++)
		img->errors[i].at = diags_blame(c->diags, img->errors[i].at, file);
}

/* What the run side needs of the compilation: the source for messages, and the kernel it was made for. */
static void
keep_source(struct compile *c)
{
	const struct source *src = diags_source(c->diags, (unsigned)c->file);
	struct sonde_image *img = c->img;
	const char *id = kernel_id(c->kernel);

	img->source_name = arena_strndup(c->keep, src->name, strlen(src->name));
	img->source = arena_strndup(c->keep, src->text, src->len);
	img->source_len = src->len;
	img->kernel_id = id ? arena_strndup(c->keep, id, strlen(id)) : NULL;
	if (!img->license)
		img->license = "GPL";
}

static int
compile_protected(struct compile *c)     /* its own frame: see C11 7.13.2.1 */
{
	int err;

	if (setjmp(c->nomem))
		return SONDE_ENOMEM;
	arena_on_nomem(c->tmp, &c->nomem);
	arena_on_nomem(c->keep, &c->nomem);
	err = run_passes(c);
	if (err == SONDE_OK) {
		keep_source(c);
		keep_places(c);
	}
	return err;
}

static int
compile_open(struct compile *c, const char *name, const char *src, size_t len)
{
	struct sonde *ctx = c->ctx;

	diags_reset(ctx->diags);
	if (!ctx->kernel) {
		ctx->kernel = kernel_open(ctx);
		ctx->kernel_close = kernel_close;
	}
	c->kernel = ctx->kernel;
	c->img = image_new();
	c->tmp = arena_new();
	c->file = diags_add_source(ctx->diags, name ? name : "", src, len);
	if (!c->kernel || !c->img || !c->tmp || c->file < 0)
		return SONDE_ENOMEM;
	c->keep = c->img->keep;
	c->types = c->img->types;
	return SONDE_OK;
}

int
sonde_compile(sonde *ctx, const char *name, const char *src, size_t len, const char *const *argv, int argc, sonde_image **out)
{
	struct compile c = { .ctx = ctx, .plugs = &plugs, .opts = &ctx->opts, .diags = ctx->diags, .argv = argv, .argc = argc };
	int err;

	*out = NULL;
	c.probes_end = &c.probes;
	err = compile_open(&c, name, src, len);
	if (err == SONDE_OK)
		err = compile_protected(&c);
	gen_free(c.gen);
	if (c.keep)
		arena_on_nomem(c.keep, NULL);
	arena_free(c.tmp);
	if (err == SONDE_OK)
		*out = c.img;
	else
		image_unref(c.img);
	return err;
}
