/* child.c - the command of -c, held back until everything is attached, and the process of -p. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include "cli/cli.h"

/* ---- words ---- */

/* Copies one word to out; returns where it ends, or NULL with *why set. */
static const char *
split_one(const char *s, char *out, const char **why)
{
	char quote = 0;

	for (; *s && (quote || !strchr(" \t\n", *s)); s++) {
		if (*s == quote) {
			quote = 0;
		} else if (!quote && (*s == '\'' || *s == '"')) {
			quote = *s;
		} else if (*s == '\\' && quote != '\'') {
			if (!s[1]) {
				*why = "it ends in a backslash";
				return NULL;
			}
			/* inside double quotes a backslash is itself before most characters */
			if (quote && !strchr("\"\\$`\n", s[1]))
				*out++ = *s;
			if (*++s != '\n')
				*out++ = *s;
		} else {
			*out++ = *s;
		}
	}
	if (quote) {
		*why = quote == '"' ? "a \" is not closed" : "a ' is not closed";
		return NULL;
	}
	*out = '\0';
	return s;
}

char **
split_words(const char *text, const char **why)
{
	size_t room = strlen(text) + 1, n = 0;
	char **words = calloc(room / 2 + 2, sizeof(*words));
	char *word = malloc(room);

	*why = words && word ? NULL : "out of memory";
	while (!*why) {
		text += strspn(text, " \t\n");
		if (!*text)
			break;
		text = split_one(text, word, why);
		if (!text)
			break;
		words[n] = strdup(word);
		if (!words[n++])
			*why = "out of memory";
	}
	free(word);
	if (!*why)
		return words;
	split_free(words);
	return NULL;
}

void
split_free(char **words)
{
	for (char **w = words; w && *w; w++)
		free(*w);
	free(words);
}

/* ---- finding the program ---- */

/* 0 or the errno that execve would have. */
static int
why_no_program(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno;
	if (S_ISDIR(st.st_mode))
		return EISDIR;
	return S_ISREG(st.st_mode) && access(path, X_OK) == 0 ? 0 : EACCES;
}

/* As execvp would find it.  NULL: nowhere, and why.  To be freed. */
static char *
find_program(const char *name, int *why)
{
	const char *dir = getenv("PATH");
	char *path;

	*why = 0;
	if (strchr(name, '/')) {
		*why = why_no_program(name);
		return *why ? NULL : strdup(name);
	}
	if (!dir)
		dir = "/usr/local/bin:/usr/bin:/bin";
	for (;;) {
		int len = (int)strcspn(dir, ":");

		if (asprintf(&path, "%.*s%s%s", len, dir, len ? "/" : "./", name) < 0)
			return NULL;
		if (!why_no_program(path))
			return path;
		free(path);
		if (!dir[len])
			return NULL;
		dir += len + 1;
	}
}

/* ---- the process ---- */

static int
pidfd_of(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

/* The new process: waits for a byte, then becomes the command, or says why it cannot. */
static void
become(int go, int refusal, const char *path, char **words)
{
	char c;
	ssize_t n;

	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	do
		n = read(go, &c, 1);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(127);
	execv(path, words);
	n = write(refusal, &(int){ errno }, sizeof(int));
	_exit(127);
}

bool
child_start(struct child *c, const struct out *out, const char *cmd)
{
	const char *why;
	char **words = split_words(cmd, &why), *path = NULL;
	int go[2] = { -1, -1 }, refusal[2] = { -1, -1 }, missing;

	*c = (struct child){ .go = -1, .watch = -1, .refusal = -1 };
	if (!words || !words[0]) {
		say_error(out, words ? "-c: the command is empty" : "-c: cannot split the command: %s", why);
		goto failed;
	}
	path = find_program(words[0], &missing);
	if (!path) {
		say_error(out, missing && missing != ENOENT ? "-c: %s cannot be executed: %s" : "-c: %s: command not found",
			  words[0], strerror(missing));
		goto failed;
	}
	if (pipe2(go, O_CLOEXEC) < 0 || pipe2(refusal, O_CLOEXEC) < 0 || (c->pid = fork()) < 0) {
		say_error(out, "-c: cannot create a process: %s", strerror(errno));
		c->pid = 0;
		goto failed;
	}
	if (c->pid == 0) {
		close(go[1]);
		become(go[0], refusal[1], path, words);
	}
	close(go[0]);
	close(refusal[1]);
	c->go = go[1];
	c->refusal = refusal[0];
	c->is_ours = true;
	c->watch = pidfd_of(c->pid);
	split_free(words);
	free(path);
	return true;
failed:
	for (int i = 0; i < 2; i++) {
		if (go[i] >= 0)
			close(go[i]);
		if (refusal[i] >= 0)
			close(refusal[i]);
	}
	split_free(words);
	free(path);
	return false;
}

bool
child_watch(struct child *c, const struct out *out, int pid)
{
	*c = (struct child){ .pid = pid, .go = -1, .watch = pidfd_of(pid), .refusal = -1 };
	if (c->watch >= 0)
		return true;
	if (errno == ESRCH || errno == EINVAL)
		say_error(out, "-p: there is no process %d", pid);
	else
		say_error(out, "-p: cannot watch process %d: %s", pid, strerror(errno));
	return false;
}

bool
child_continue(struct child *c, const struct out *out)
{
	bool ok = true;

	if (c->go < 0)
		return true;
	if (write(c->go, "", 1) != 1) {
		say_error(out, "-c: the process ended before it could start: %s", strerror(errno));
		ok = false;
	}
	close(c->go);
	c->go = -1;
	return ok;
}

bool
child_has_ended(struct child *c)
{
	struct pollfd p = { .fd = c->watch, .events = POLLIN };
	int status;

	if (!c->pid)
		return false;
	if (c->is_ours) {
		pid_t got = waitpid(c->pid, &status, WNOHANG);

		/* ECHILD: whoever started us had SIGCHLD ignored, and the kernel has buried the child already */
		if (got == 0 || (got < 0 && errno != ECHILD))
			return false;
		c->pid = 0;
		return true;
	}
	return poll(&p, 1, 0) > 0;
}

bool
child_was_run(struct child *c, const struct out *out)
{
	int error;

	if (c->refusal < 0 || read(c->refusal, &error, sizeof(error)) != sizeof(error))
		return true;
	say_error(out, "-c: the command cannot be run: %s", strerror(error));
	return false;
}

void
child_end(struct child *c)
{
	if (c->go >= 0)
		close(c->go);
	if (c->is_ours && c->pid > 0) {
		struct pollfd p = { .fd = c->watch, .events = POLLIN };

		kill(c->pid, SIGTERM);
		poll(&p, 1, 1000);       /* one that ignores the signal is left to itself */
		waitpid(c->pid, NULL, WNOHANG);
	}
	if (c->watch >= 0)
		close(c->watch);
	if (c->refusal >= 0)
		close(c->refusal);
	*c = (struct child){ .go = -1, .watch = -1, .refusal = -1 };
}
