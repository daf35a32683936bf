/* config.c - the config block and the limits that options give. */
#include <ctype.h>
#include <stdio.h>
#include "sema/infer.h"

struct setting {                         /* one config variable (LANGUAGE 7.6) */
	const char *name;
	const char *words;               /* blank-separated words it takes, first is value 0; NULL: a number or a text */
	size_t limit_off, image_off;     /* where its u32 goes: in struct limits or struct image_config; SIZE_MAX: nowhere */
	uint64_t min, max;
	bool is_text;
};
#define LIMIT(f) offsetof(struct limits, f), SIZE_MAX
#define IMAGE(f) SIZE_MAX, offsetof(struct image_config, f)
#define NOWHERE SIZE_MAX, SIZE_MAX
static const char bools[] = "false true 0 1 off on no yes";
static const struct setting settings[] = {
	{ "max_map_keys", NULL, LIMIT(max_map_keys), 1, UINT32_MAX, false },
	{ "map_keys_max", NULL, LIMIT(max_map_keys), 1, UINT32_MAX, false },
	{ "max_strlen", NULL, LIMIT(max_strlen), 1, 16384, false },
	{ "strlen", NULL, LIMIT(max_strlen), 1, 16384, false },
	{ "max_probes", NULL, LIMIT(max_probes), 1, UINT32_MAX, false },
	{ "max_bpf_progs", NULL, LIMIT(max_progs), 1, UINT32_MAX, false },
	{ "on_stack_limit", NULL, LIMIT(on_stack), 0, 256, false },
	{ "print_maps_on_exit", bools, IMAGE(print_maps_on_exit), 0, 0, false },
	{ "max_cat_bytes", NULL, IMAGE(max_cat_bytes), 1, UINT32_MAX, false },
	{ "cat_bytes_max", NULL, IMAGE(max_cat_bytes), 1, UINT32_MAX, false },
	{ "stack_mode", "bpftrace perf raw build_id", IMAGE(stack_mode), 0, 0, false },
	{ "missing_probes", "error warn ignore", IMAGE(missing_probes), 0, 0, false },
	{ "log_size", NULL, IMAGE(log_size), 1, UINT32_MAX, false },
	{ "str_trunc_trailer", NULL, NOWHERE, 0, 0, true },
	{ "license", NULL, NOWHERE, 0, 0, true },
	/* what other tracers let one choose and sonde decides by itself */
	{ "cache_user_symbols", "PER_PID PER_PROGRAM NONE 0 1", NOWHERE, 0, 0, false },
	{ "cpp_demangle", bools, NOWHERE, 0, 0, false },
	{ "no_cpp_demangle", bools, NOWHERE, 0, 0, false },
	{ "lazy_symbolication", bools, NOWHERE, 0, 0, false },
	{ "perf_rb_pages", NULL, NOWHERE, 0, UINT32_MAX, false },
	{ "show_debug_info", bools, NOWHERE, 0, 0, false },
	{ "use_blazesym", bools, NOWHERE, 0, 0, false },
	{ "symbol_source", NULL, NOWHERE, 0, 0, true },
	{ "max_type_res_iterations", NULL, NOWHERE, 0, UINT32_MAX, false },
	{ "unstable_import_statement", "error warn enable", NOWHERE, 0, 0, false },
	{ "unstable_typeinfo", "error warn enable", NOWHERE, 0, 0, false },
	{ "unstable_tseries", "error warn enable", LIMIT(unstable_tseries), 0, 0, false },
	{ "unstable_dw_ustack", "error warn enable", NOWHERE, 0, 0, false },
	{ "unstable_addr", "error warn enable", NOWHERE, 0, 0, false },
	{ "unstable_import", "error warn enable", NOWHERE, 0, 0, false },
	{ "unstable_macro", "error warn enable", NOWHERE, 0, 0, false },
	{ "unstable_map_decl", "error warn enable", NOWHERE, 0, 0, false },
};
static const char *const licenses[] = { "GPL", "GPL v2", "GPL and additional rights", "Dual BSD/GPL", "Dual MIT/GPL", "Dual MPL/GPL" };

/* A key may be written stack_mode, STACK_MODE or BPFTRACE_STACK_MODE. */
static bool
key_is(const char *written, const char *name)
{
	if (strncmp(written, "BPFTRACE_", 9) == 0 || strncmp(written, "SONDE_", 6) == 0)
		written = strchr(written, '_') + 1;
	for (; *written && *name; written++, name++)
		if (tolower((unsigned char)*written) != *name)
			return false;
	return !*written && !*name;
}

/* The position of a word among blank-separated ones, or -1. */
static int
word_index(const char *words, const char *word)
{
	size_t len = strlen(word);
	int i = 0;

	for (const char *w = words; *w; i++) {
		size_t n = strcspn(w, " ");

		if (n == len && strncmp(w, word, n) == 0)
			return i;
		w += n;
		w += *w == ' ';
	}
	return -1;
}

static void
store(struct compile *c, const struct setting *s, uint32_t v)
{
	if (s->limit_off != SIZE_MAX)
		memcpy((char *)&c->limit + s->limit_off, &v, sizeof(v));
	if (s->image_off != SIZE_MAX)
		memcpy((char *)&c->img->config + s->image_off, &v, sizeof(v));
}

static bool
set_text(struct compile *c, const struct setting *s, const struct node *v)
{
	if (v->kind != N_STR && v->kind != N_IDENT)
		return diag_error(c->diags, v->at, E_CONFIG, "%s takes a string", s->name);
	if (strcmp(s->name, "str_trunc_trailer") == 0)
		c->img->config.str_trunc_trailer = arena_strndup(c->keep, v->u.str, strlen(v->u.str));
	if (strcmp(s->name, "license") != 0)
		return true;
	for (size_t i = 0; i < LENGTH(licenses); i++)
		if (strcmp(v->u.str, licenses[i]) == 0) {
			c->img->license = licenses[i];
			return true;
		}
	return diag_error(c->diags, v->at, E_CONFIG, "Invalid value for license. Found: %s. Valid values: "
			  "GPL, GPL v2, GPL and additional rights, Dual BSD/GPL, Dual MIT/GPL, Dual MPL/GPL", v->u.str);
}

static bool
set_one(struct compile *c, const struct setting *s, const struct node *v)
{
	char digits[24];
	const char *text = v->u.str;
	int i;

	if (s->is_text)
		return set_text(c, s, v);
	if (v->kind == N_INT || v->kind == N_BOOL) {
		snprintf(digits, sizeof(digits), "%llu", (unsigned long long)v->u.num);
		text = v->kind == N_BOOL ? (v->u.num ? "true" : "false") : digits;
	}
	if (s->words) {
		i = word_index(s->words, text);
		if (i < 0)
			return diag_error(c->diags, v->at, E_CONFIG, "Invalid value for %s: %s. Valid values: %s", s->name, text, s->words);
		store(c, s, s->words == bools ? (uint32_t)i % 2 : (uint32_t)i);
		return true;
	}
	uint64_t num = v->u.num;
	bool is_neg = false;
	if (v->kind != N_INT && (v->kind != N_STR || number_read(text, strlen(text), &num, &is_neg)))
		return diag_error(c->diags, v->at, E_CONFIG, "%s takes a number", s->name);
	if (is_neg || num < s->min || num > s->max)
		return diag_error(c->diags, v->at, E_CONFIG, "%s takes %llu to %llu", s->name,
				  (unsigned long long)s->min, (unsigned long long)s->max);
	store(c, s, (uint32_t)num);
	return true;
}

static bool
set_named(struct compile *c, const struct node *n)
{
	struct near near = { 0 };

	for (size_t i = 0; i < LENGTH(settings); i++) {
		if (key_is(n->u.str, settings[i].name))
			return set_one(c, &settings[i], n->kid[0]);
		near_offer(&near, n->u.str, settings[i].name);
	}
	diag_error(c->diags, n->at, E_CONFIG, "%s: not a known configuration option", n->u.str);
	if (near.best)
		diag_hint(c->diags, "did you mean '%s'?", near.best);
	return false;
}

/* Lines NAME=VALUE of the options: as if the script had set them last. */
static bool
apply_lines(struct compile *c, const char *line)
{
	bool ok = true;

	while (*line) {
		size_t len = strcspn(line, "\n"), name = strcspn(line, "=\n");
		struct node *set = node_new(c->tmp, N_CONFIG_SET, NO_SPAN), *value = node_new(c->tmp, N_STR, NO_SPAN);

		set->u.str = arena_strndup(c->tmp, line, name);
		value->u.str = arena_strndup(c->tmp, line + name + (name < len), len - name - (name < len));
		set->kid[0] = value;
		ok &= set_named(c, set);
		line += len + (line[len] == '\n');
	}
	return ok;
}

bool
config_apply(struct compile *c)
{
	const struct sonde_opts *o = c->opts;
	bool ok = true;

	c->limit = (struct limits){ .max_map_keys = 4096, .max_strlen = 1024, .max_probes = 1024, .max_progs = 1024, .on_stack = 32, .unstable_tseries = 1 };
	c->img->config = (struct image_config){ .print_maps_on_exit = 1, .max_cat_bytes = 10240, .log_size = 1000000, .str_trunc_trailer = ".." };
	c->img->license = "GPL";
	for (struct node *n = c->prog->kid[0]; n; n = n->next)
		if (n->kind == N_CONFIG)
			for (struct node *s = n->kid[0]; s; s = s->next)
				ok &= set_named(c, s);
	if (o->config)
		ok &= apply_lines(c, o->config);
	if (o->max_map_entries)
		ok &= apply_lines(c, arena_printf(c->tmp, "max_map_keys=%u", o->max_map_entries));
	if (o->max_str)
		ok &= apply_lines(c, arena_printf(c->tmp, "max_strlen=%u", o->max_str));
	return ok;
}
