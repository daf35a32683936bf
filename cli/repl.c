/* repl.c - the prompt: an entry with probes runs until Ctrl-C and then shows its maps, an expression is evaluated and
 * printed.  The only user of readline, and it does without. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "cli/cli.h"
#ifdef HAVE_READLINE
#include <readline/history.h>
#include <readline/readline.h>
#endif

struct words {                           /* what completion found */
	char **word;
	size_t n;
};
static const char greeting[] = "Type a program or an expression; \"help\" explains, Ctrl-D leaves.\n";
static const char help[] =
	"A program, such as  tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }  runs until Ctrl-C,\n"
	"then its maps are shown.  An expression, such as  1 << 10  or  strncmp(\"a\", \"b\", 1), is evaluated.\n"
	"An unfinished entry goes on in the next line.  Tab completes.  exit, quit or Ctrl-D leaves.\n";

/* ---- reading ---- */

#ifdef HAVE_READLINE
static sonde *completer;                 /* readline's callbacks carry no pointer of ours */

static int
add_word(void *ud, const char *name, const char *doc)
{
	struct words *w = ud;
	char **more = realloc(w->word, (w->n + 1) * sizeof(*more));

	(void)doc;
	if (!more)
		return 1;
	w->word = more;
	w->word[w->n] = strdup(name);
	return w->word[w->n] ? (w->n++, 0) : 1;
}

/* readline asks again and again for the next word; state 0 begins a list. */
static char *
next_word(const char *prefix, int state)
{
	static struct words words;
	static size_t at;

	if (state == 0) {
		words.n = at = 0;
		sonde_complete(completer, prefix, add_word, &words);
	}
	if (at < words.n)
		return words.word[at++];     /* readline frees it */
	free(words.word);
	words = (struct words){ 0 };
	return NULL;
}

static char **
complete_words(const char *text, int start, int end)
{
	(void)start;
	(void)end;
	rl_attempted_completion_over = 1; /* no file names */
	return rl_completion_matches(text, next_word);
}

static char *
history_file(void)
{
	const char *given = getenv("SONDE_HISTORY"), *home = getenv("HOME");
	char *path = NULL;

	if (given)
		return *given ? strdup(given) : NULL;
	return home && asprintf(&path, "%s/.sonde_history", home) > 0 ? path : NULL;
}

static char *
read_line(const char *prompt)
{
	return readline(prompt);
}

static void
reader_open(sonde *ctx)
{
	char *path = history_file();

	completer = ctx;
	rl_readline_name = "sonde";
	rl_basic_word_break_characters = " \t\n\"\\'`@$><=;|&{}(),+-*/%!~[]";
	rl_attempted_completion_function = complete_words;
	using_history();
	stifle_history(1000);
	if (path)
		read_history(path);
	free(path);
}

static void
reader_keep(const char *entry)
{
	char *path = history_file(), *line = strdup(entry);

	/* one entry, one line: recalling a program in pieces helps nobody */
	for (char *p = line; p && *p; p++)
		if (*p == '\n')
			*p = ' ';
	if (line)
		add_history(line);
	if (path)
		write_history(path);
	free(line);
	free(path);
}
#else
static char *
read_line(const char *prompt)
{
	char *line = NULL;
	size_t room = 0;
	ssize_t n;

	fputs(prompt, stdout);
	fflush(stdout);
	n = getline(&line, &room, stdin);
	if (n < 0) {
		free(line);
		return NULL;
	}
	if (n && line[n - 1] == '\n')
		line[n - 1] = '\0';
	return line;
}

static void
reader_open(sonde *ctx)
{
	(void)ctx;
}

static void
reader_keep(const char *entry)
{
	(void)entry;
}
#endif

/* One whole entry, further lines asked for while it is unfinished; an empty line ends it all the same.  NULL: the end. */
static char *
read_entry(void)
{
	char *entry = read_line("sonde> ");

	while (entry && sonde_is_unfinished(entry, strlen(entry))) {
		char *line = read_line("   ... "), *joined = NULL;

		if (!line || !*line) {
			free(line);
			break;
		}
		if (asprintf(&joined, "%s\n%s", entry, line) < 0)
			joined = NULL;
		free(line);
		free(entry);
		entry = joined;
	}
	return entry;
}

/* ---- running ---- */

static bool
is_program(const char *text)
{
	char quote = 0;

	for (; *text; text++) {
		if (quote) {
			if (*text == '\\' && text[1])
				text++;
			else if (*text == quote)
				quote = 0;
		} else if (*text == '"') {
			quote = '"';
		} else if (*text == '{') {
			return true;
		}
	}
	return false;
}

/* How far the compiler came before its first error: lines and columns as one number; 0: it compiles. */
static uint64_t
first_error(sonde *ctx, const char *text)
{
	sonde_image *img;
	const struct sonde_diag *d;

	sonde_compile(ctx, "prompt", text, strlen(text), NULL, 0, &img);
	sonde_image_free(img);
	d = img ? NULL : sonde_diag_at(ctx, 0);
	return img ? 0 : d ? (uint64_t)d->at.line << 32 | d->at.col : 1;
}

/* The entry as the argument of print, or, where that makes no sense (a void call, an assignment), as a statement: the one
 * that compiles, else the one whose error comes later, that is, closer to what is really wrong.  The entry begins a line
 * of its own, so that columns in messages are right.  To be freed. */
static char *
wrap(sonde *ctx, const char *entry)
{
	char *as_value, *as_statement;
	size_t len = strlen(entry);
	uint64_t at;

	if (is_program(entry))
		return strdup(entry);
	while (len && (isspace((unsigned char)entry[len - 1]) || entry[len - 1] == ';'))
		len--;
	if (asprintf(&as_value, "begin { print(\n%.*s\n); exit(); }", (int)len, entry) < 0)
		return NULL;
	at = first_error(ctx, as_value);
	if (!at)
		return as_value;
	if (asprintf(&as_statement, "begin {\n%.*s;\nexit(); }", (int)len, entry) < 0) {
		free(as_value);
		return NULL;
	}
	uint64_t other = first_error(ctx, as_statement);
	if (!other || other > at) {
		free(as_value);
		return as_statement;
	}
	free(as_statement);
	return as_value;
}

static void
evaluate(struct run *r, sonde *ctx, const char *entry)
{
	char *text = wrap(ctx, entry);
	struct script script = { "prompt", text, text ? strlen(text) : 0 };
	sonde_image *img;
	int status;

	if (!text)
		return;
	img = run_compile(r, ctx, &script, &status);
	if (img)
		run_image(r, ctx, img);
	sonde_image_free(img);
	r->out->source = NULL;
	free(text);
}

int
repl_run(struct run *r)
{
	struct sonde_opts opts;
	sonde *ctx;
	char *entry;
	int status;

	run_opts(r, &opts);
	status = sonde_open(&opts, &ctx);
	if (status < 0) {
		say_error(r->out, "%s", sonde_strerror(status));
		return 1;
	}
	r->is_prompt = true;
	reader_open(ctx);
	printf("sonde %s\n%s", sonde_version(), greeting);
	while (!r->out->error && (entry = read_entry())) {
		const char *word = entry + strspn(entry, " \t");
		bool leaves = strcmp(word, "exit") == 0 || strcmp(word, "quit") == 0;

		if (*word)
			reader_keep(entry);
		if (strcmp(word, "help") == 0)
			fputs(help, stdout);
		else if (*word && !leaves)
			evaluate(r, ctx, entry);
		free(entry);
		if (leaves)
			break;
	}
	if (!entry)
		putchar('\n');
	sonde_close(ctx);
	return 0;
}
