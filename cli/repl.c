/* repl.c - the prompt: an entry with probes runs until Ctrl-C and then shows its maps, an expression is evaluated and
 * printed.  The only user of readline, and it does without. */
#include <ctype.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
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
	const char *prefix;
	char **word;
	size_t n;
};
static const char greeting[] = "Type a program or an expression; \"help\" explains, Ctrl-D leaves.\n";
static const char help[] =
	"A program, such as  tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }  runs until Ctrl-C,\n"
	"then its maps are shown.  An expression, such as  1 << 10  or  strncmp(\"a\", \"b\", 1), is evaluated.\n"
	"An unfinished entry goes on in the next line.  Tab completes.  Ctrl-C drops what was typed; exit, quit or Ctrl-D\n"
	"leaves.\n";

/* ---- reading ---- */

static volatile sig_atomic_t is_dropped, was_stopped;

static void
on_key_signal(int sig)
{
	if (sig == SIGINT)
		is_dropped = 1;
	else
		was_stopped = 1;
}

/* Ctrl-C at the prompt drops the entry; it does not end the program.  Without SA_RESTART, so that waiting ends. */
static void
catch_keys(void)
{
	struct sigaction sa = { .sa_handler = on_key_signal };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGCONT, &sa, NULL);
}

#ifdef HAVE_READLINE
static sonde *completer;                 /* readline's callbacks carry no pointer of ours */

static int
add_word(void *ud, const char *name, const char *doc)
{
	struct words *w = ud;
	char **more;

	(void)doc;
	if (strncmp(name, w->prefix, strlen(w->prefix)) != 0)
		return 0;
	more = realloc(w->word, (w->n + 1) * sizeof(*more));
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
	char *pattern;

	if (state == 0) {
		words.n = at = 0;
		words.prefix = prefix;
		sonde_complete(completer, prefix, add_word, &words);
		if (strchr(prefix, ':') && asprintf(&pattern, "%s*", prefix) > 0) {
			sonde_list_probes(completer, pattern, add_word, &words);
			free(pattern);
		}
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
	rl_completion_append_character = '\0';
	return rl_completion_matches(text, next_word);
}

/* Where words begin: in an attach point only blanks and commas separate, in an expression every operator does. */
static char *
word_breaks(void)
{
	static char in_probes[] = " \t\n,";
	bool has_colon = false;

	for (int i = rl_point; i > 0 && !strchr(in_probes, rl_line_buffer[i - 1]); i--) {
		if (strchr("?({[\"", rl_line_buffer[i - 1]))
			return NULL;     /* the usual ones */
		has_colon |= rl_line_buffer[i - 1] == ':';
	}
	return has_colon ? in_probes : NULL;
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

static struct {
	char *text;
	bool is_whole;
} typed;

static void
on_line(char *line)
{
	typed.text = line;
	typed.is_whole = true;
	rl_callback_handler_remove();    /* the terminal is the program's own while an entry runs */
}

/* NULL: the end, or, with is_dropped, Ctrl-C.  Waits by itself: readline() would end the program at Ctrl-C. */
static char *
read_line(const char *prompt)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

	typed.text = NULL;
	typed.is_whole = false;
	rl_callback_handler_install(prompt, on_line);
	while (!typed.is_whole && !is_dropped) {
		if (poll(&in, 1, -1) > 0) {
			rl_callback_read_char();
		} else if (was_stopped) {
			was_stopped = 0;
			rl_prep_terminal(1);
			rl_forced_update_display();
		}
	}
	if (!typed.is_whole) {
		fputs("^C\n", stdout);
		fflush(stdout);
		rl_free_line_state();
		rl_callback_sigcleanup();
		rl_replace_line("", 0);
		rl_callback_handler_remove();
	}
	return typed.text;
}

static void
reader_open(sonde *ctx)
{
	char *path = history_file();

	completer = ctx;
	rl_readline_name = "sonde";
	rl_basic_word_break_characters = " \t\n\"\\'`@$><=;|&{}(),+-*/%!~[]";
	rl_attempted_completion_function = complete_words;
	rl_completion_word_break_hook = word_breaks;
	rl_catch_signals = 0;            /* ours, see read_line */
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
	if (line && !(history_length && strcmp(history_get(history_base + history_length - 1)->line, line) == 0))
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
		clearerr(stdin);
		if (is_dropped)
			putchar('\n');
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

/* One whole entry, further lines asked for while it is unfinished; an empty line ends it all the same.  NULL: the end, or,
 * with is_dropped, Ctrl-C. */
static char *
read_entry(void)
{
	char *entry;

	is_dropped = 0;
	catch_keys();
	entry = read_line("sonde> ");
	while (entry && sonde_is_unfinished(entry, strlen(entry))) {
		char *line = read_line("   ... "), *joined = NULL;

		if (is_dropped) {
			free(line);
			free(entry);
			return NULL;
		}
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

/* The entry as a program, where it has a block, else as the argument of print; or, where that makes no sense (a void call,
 * an assignment, an if), as a statement: the one that compiles, else of the latter two the one whose error comes later,
 * that is, closer to what is really wrong.  The entry begins a line of its own, so that columns in messages are right.
 * To be freed. */
static char *
wrap(sonde *ctx, const char *entry)
{
	char *as_value, *as_statement;
	size_t len = strlen(entry);
	uint64_t at;

	while (len && (isspace((unsigned char)entry[len - 1]) || entry[len - 1] == ';'))
		len--;
	if (is_program(entry))
		as_value = strdup(entry);
	else if (asprintf(&as_value, "begin { print(\n%.*s\n); exit(); }", (int)len, entry) < 0)
		as_value = NULL;
	at = as_value ? first_error(ctx, as_value) : 0;
	if (!at)
		return as_value;
	if (asprintf(&as_statement, "begin {\n%.*s;\nexit(); }", (int)len, entry) < 0) {
		free(as_value);
		return NULL;
	}
	uint64_t other = first_error(ctx, as_statement);
	if (!other || (other > at && !is_program(entry))) {
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
	bool leaves = false;
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
	while (!leaves && !r->out->error) {
		const char *word;

		entry = read_entry();
		if (!entry && is_dropped)
			continue;
		word = entry ? entry + strspn(entry, " \t") : "";
		leaves = !entry || strcmp(word, "exit") == 0 || strcmp(word, "quit") == 0;
		if (*word)
			reader_keep(entry);
		if (strcmp(word, "help") == 0)
			fputs(help, stdout);
		else if (*word && !leaves)
			evaluate(r, ctx, entry);
		if (!entry)
			putchar('\n');
		free(entry);
	}
	sonde_close(ctx);
	return 0;
}
