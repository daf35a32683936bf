/* complete.c - what a prompt asks of the language: is an entry finished, which words begin like this. */
#include <stdio.h>
#include "codegen/gen.h"

static const char *const keywords[] = {
	"break", "comptime", "config", "continue", "else", "false", "for", "if", "import", "let", "macro", "offsetof", "return", "sizeof",
	"true", "typeinfo", "typeof", "unroll", "while",
};

int
sonde_is_unfinished(const char *src, size_t len)
{
	return parse_is_unfinished(src, len);
}

struct offer {
	const char *prefix;
	size_t len;
	sonde_name_fn fn;
	void *ud;
	int n;
};

/* What fn returned. */
static int
offer(struct offer *o, const char *name, const char *doc)
{
	if (!name || strncmp(name, o->prefix, o->len) != 0)
		return 0;
	o->n++;
	return o->fn(o->ud, name, doc);
}

int
sonde_complete(sonde *ctx, const char *prefix, sonde_name_fn fn, void *ud)
{
	struct offer o = { .prefix = prefix ? prefix : "", .fn = fn, .ud = ud };
	int stop = 0;

	(void)ctx; /* the words of the language are the same everywhere */
	o.len = strlen(o.prefix);
	for (size_t i = 0; !stop && plugs.builtins[i]; i++)
		stop = offer(&o, plugs.builtins[i]->name, plugs.builtins[i]->doc);
	for (size_t i = 0; !stop && plugs.providers[i]; i++)
		stop = offer(&o, plugs.providers[i]->name, plugs.providers[i]->doc);
	for (const struct std_script *s = plugs.scripts; !stop && s->name; s++)
		for (const char *word = s->macros + 1; !stop && *word; word += strspn(word, " ")) {
			char name[64];
			size_t len = strcspn(word, " ");

			snprintf(name, sizeof(name), "%.*s", (int)len, word);
			stop = offer(&o, name, NULL);
			word += len;
		}
	for (size_t i = 0; !stop && i < LENGTH(keywords); i++)
		stop = offer(&o, keywords[i], NULL);
	return stop ? stop : o.n;
}
