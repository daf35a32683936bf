/* main.c - sonde, the command: finds out what is asked for and hands it to run.c, list.c or repl.c. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "cli/cli.h"

#define MAX_SCRIPT (16u << 20)

/* Somebody may have closed 0, 1 or 2: without this a BPF map could become our standard output. */
static void
hold_standard_files(void)
{
	for (int fd = 0; fd < 3; fd++) {
		if (fcntl(fd, F_GETFD) >= 0)
			continue;
		/* read-only under 1: writing fails, and is reported */
		if (open("/dev/null", fd == STDERR_FILENO ? O_WRONLY : O_RDONLY) < 0)
			exit(1);
	}
}

bool
script_read(const struct out *out, const char *file, char **text, size_t *len)
{
	bool is_stdin = strcmp(file, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
	size_t room = 0, n = 0;
	char *data = NULL;
	ssize_t got = fd < 0 ? -1 : 1;

	while (got > 0) {
		if (n == room) {
			char *more = realloc(data, room = room ? room * 2 : 16384);

			if (!more || room > MAX_SCRIPT) {
				say_error(out, more ? "'%s' is larger than a script can be (16 MiB)" :
						      "out of memory reading '%s'", file);
				free(more ? more : data);
				return false;
			}
			data = more;
		}
		got = read(fd, data + n, room - n);
		n += got > 0 ? (size_t)got : 0;
	}
	if (got < 0) {
		say_error(out, "failed to open file '%s': %s", file, strerror(errno));
		free(data);
	}
	if (!is_stdin && fd >= 0)
		close(fd);
	*text = data;
	*len = n;
	return got == 0;
}

static int
run_script(struct run *r, const struct script *script)
{
	struct sonde_opts opts;
	sonde_image *img = NULL;
	sonde *ctx;
	int status;

	run_opts(r, &opts);
	status = sonde_open(&opts, &ctx);
	if (status < 0) {
		say_error(r->out, "%s", sonde_strerror(status));
		return 1;
	}
	img = run_compile(r, ctx, script, &status);
	status = status < 0;
	/* dumps of our own passes need no kernel: only the verifier's words do */
	if (img && !run_help(r, img) && !(r->o->dump && !strstr(r->o->dump, "verifier")))
		status = run_image(r, ctx, img);
	sonde_image_free(img);
	sonde_close(ctx);
	return status;
}

static int
with_child(struct run *r, const struct script *script)
{
	struct child child = { .go = -1, .watch = -1, .refusal = -1 };
	int status = 1;

	if (r->o->cmd ? child_start(&child, r->out, r->o->cmd) :
	    r->o->pid ? child_watch(&child, r->out, r->o->pid) : true) {
		r->child = child.pid ? &child : NULL;
		status = run_script(r, script);
	}
	child_end(&child);
	return status;
}

static bool
is_file(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

/* -l takes a script where its argument is the name of one. */
static const char *
listed_file(struct run *r)
{
	const char *arg = r->o->n_args == 1 ? r->o->args[0] : "";
	size_t len = strlen(arg);

	if (is_file(arg))
		return arg;
	if (len > 3 && strcmp(arg + len - 3, ".bt") == 0)
		say_warning(r->out, "It appears that '%s' is a filename but the file does not exist. "
			    "Treating '%s' as a search pattern.", arg, arg);
	return NULL;
}

static int
write_out(void *out, const void *text, size_t len)
{
	out_text(out, text, len);
	return 0;
}

static int
format_program(struct run *r, const struct script *script)
{
	struct sonde_opts opts;
	sonde *ctx;
	int status;

	run_opts(r, &opts);
	status = sonde_open(&opts, &ctx);
	if (status < 0) {
		say_error(r->out, "%s", sonde_strerror(status));
		return 1;
	}
	status = sonde_format(ctx, script->name, script->text, script->len, write_out, r->out);
	out_diags(r->out, ctx, status);
	sonde_close(ctx);
	return status < 0;
}

static int
run_asked(struct run *r)
{
	const struct options *o = r->o;
	const char *file = o->is_list ? (o->program ? NULL : listed_file(r)) : o->file;
	struct script script = { "stdin", o->program, o->program ? strlen(o->program) : 0 };
	char *text = NULL;
	int status;

	if (file) {
		if (!script_read(r->out, file, &text, &script.len))
			return 1;
		script.name = strcmp(file, "-") == 0 ? "stdin" : file;
		script.text = text ? text : "";
	}
	if (o->is_list)
		status = list_probes(r, script.text ? &script : NULL);
	else if (script.text && o->is_format)
		status = format_program(r, &script);
	else if (script.text)
		status = with_child(r, &script);
	else
		status = repl_run(r);
	free(text);
	return status;
}

int
main(int argc, char **argv)
{
	struct options o;
	struct out out;
	struct run run = { &o, &out, NULL, false };
	int status;

	hold_standard_files();
	signal(SIGPIPE, SIG_IGN);        /* a closed pipe and a full quota are errors of write(), not our death */
	signal(SIGXFSZ, SIG_IGN);
	status = options_read(&o, argc, argv);
	if (status == 0 && o.wants_help) {
		options_help();
	} else if (status == 0 && o.wants_version) {
		printf("sonde v%s\n", sonde_version());
	} else if (status == 0 && !o.is_list && !o.program && !o.file && !isatty(STDIN_FILENO)) {
		status = options_misused("a file name, - or -e 'PROGRAM' is needed");
	} else if (status == 0) {
		if (!out_open(&out, &o)) {
			status = 1;
		} else {
			status = run_asked(&run);
			if (!out_close(&out) && status == 0)
				status = 1;
		}
	}
	options_free(&o);
	if (fflush(stdout) != 0) {
		fprintf(stderr, "ERROR: cannot write to standard output: %s\n", strerror(errno));
		status = 1;
	}
	return status;
}
