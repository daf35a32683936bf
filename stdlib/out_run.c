/* out_run.c - run half of the output: what an event of printf, print, cat, system, clear, zero or exit does. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include "runtime/rt.h"

/* The event's text by its format, in ses->out. */
static void
format_event(struct sonde_session *ses, const struct action *a, const void *data)
{
	struct render r = { ses, ses->img };

	ses->out.len = 0;
	print_format(&r, a->fmt, a->payload, data, &ses->out);
}

static bool
fits_format(const struct sonde_image *img, const struct action *a)
{
	(void)img;
	return a->fmt != NULL;
}

static int
event_printf(struct sonde_session *ses, const struct action *a, const void *data)
{
	format_event(ses, a, data);
	rt_text(ses, a->builtin, ses->out.data, ses->out.len, false);
	return 0;
}

const struct run_builtin run_printf = { .name = "printf", .fits = fits_format, .event = event_printf };

/* ---- print ---- */

static bool
fits_print(const struct sonde_image *img, const struct action *a)
{
	return a->map >= 0 ? (uint32_t)a->map < img->n_maps && a->n_num <= 2 : a->payload && a->payload->n >= 1;
}

static int
event_print(struct sonde_session *ses, const struct action *a, const void *data)
{
	if (a->map >= 0)
		show_map(ses, a->builtin, &ses->img->maps[a->map], a->n_num > 0 ? a->num[0] : 0, a->n_num > 1 ? a->num[1] : 0, true);
	else
		show_value(ses, a->builtin, a->payload->fields[0].type, (const char *)data + a->payload->fields[0].off);
	return 0;
}

const struct run_builtin run_print = { .name = "print", .fits = fits_print, .event = event_print };

static bool
fits_map(const struct sonde_image *img, const struct action *a)
{
	return a->map >= N_INTERNAL_MAPS && (uint32_t)a->map < img->n_maps;
}

static int
event_clear(struct sonde_session *ses, const struct action *a, const void *data)
{
	(void)data;
	return map_clear(ses, &ses->img->maps[a->map]);
}

const struct run_builtin run_clear = { .name = "clear", .fits = fits_map, .event = event_clear };

static int
event_zero(struct sonde_session *ses, const struct action *a, const void *data)
{
	(void)data;
	return map_zero(ses, &ses->img->maps[a->map]);
}

const struct run_builtin run_zero = { .name = "zero", .fits = fits_map, .event = event_zero };

/* ---- exit ---- */

static bool
fits_exit(const struct sonde_image *img, const struct action *a)
{
	(void)img;
	return !a->payload || a->payload->n == 0 || type_is_number(a->payload->fields[0].type);
}

static int
event_exit(struct sonde_session *ses, const struct action *a, const void *data)
{
	ses->exited = true;
	if (ses->exit_code)
		return 0; /* the first one decides */
	if (a->payload && a->payload->n > 0) {
		const struct field *f = &a->payload->fields[0];

		ses->exit_code = (int)(type_read_int(f->type, (const char *)data + f->off) & 0xff);
	} else if (a->n_num > 0) {
		ses->exit_code = (int)(a->num[0] & 0xff);
	}
	return 0;
}

const struct run_builtin run_exit = { .name = "exit", .fits = fits_exit, .event = event_exit };

/* ---- cat ---- */

/* Copies what can be read, up to limit bytes (0: all), to the script's output; the caller ends it.  0 or -errno. */
static int
copy_text(struct sonde_session *ses, const struct action *a, int fd, size_t limit, char *last)
{
	char text[4096];
	size_t done = 0;

	while (!limit || done < limit) {
		size_t want = limit && limit - done < sizeof(text) ? limit - done : sizeof(text);
		ssize_t n = read(fd, text, want);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		rt_text(ses, a->builtin, text, (size_t)n, true);
		*last = text[n - 1];
		done += (size_t)n;
	}
	return 0;
}

static int
event_cat(struct sonde_session *ses, const struct action *a, const void *data)
{
	const char *path;
	char last;
	int fd, err;

	format_event(ses, a, data);
	path = buf_cstr(&ses->out);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	err = fd < 0 ? -errno : copy_text(ses, a, fd, ses->img->config.max_cat_bytes, &last);
	if (fd >= 0) {
		close(fd);
		rt_text(ses, a->builtin, "", 0, false);
	}
	if (fd < 0)
		rt_runtime_error(ses, a->at, 1, "failed to open file '%s': %s", path, strerror(-err));
	else if (err)
		rt_runtime_error(ses, a->at, 1, "failed to read file '%s': %s", path, strerror(-err));
	return 0;
}

const struct run_builtin run_cat = { .name = "cat", .fits = fits_format, .event = event_cat };

/* ---- system ---- */

extern char **environ; /* handed on, not read */

/* Starts sh -c command with its output in a pipe.  The pipe's reading end, or -errno.  SIGPIPE is as a shell expects it, whatever
 * the process that traces does with it. */
static int
spawn_shell(const char *command, pid_t *pid)
{
	char sh[] = "sh", dash_c[] = "-c";
	char *argv[] = { sh, dash_c, (char *)(uintptr_t)command, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	sigset_t pipe_only;
	int end[2], err;

	if (pipe2(end, O_CLOEXEC) != 0)
		return -errno;
	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	posix_spawnattr_init(&attr);     /* neither this nor what follows asks for memory */
	posix_spawnattr_setsigdefault(&attr, &pipe_only);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	err = posix_spawn_file_actions_init(&actions);
	if (!err) {
		err = posix_spawn_file_actions_adddup2(&actions, end[1], STDOUT_FILENO);
		if (!err)
			err = posix_spawn(pid, "/bin/sh", &actions, &attr, argv, environ);
		posix_spawn_file_actions_destroy(&actions);
	}
	posix_spawnattr_destroy(&attr);
	close(end[1]);
	if (!err)
		return end[0];
	close(end[0]);
	return -err;
}

static int
event_system(struct sonde_session *ses, const struct action *a, const void *data)
{
	char last = '\n';
	pid_t pid;
	int fd, err;

	format_event(ses, a, data);
	fd = spawn_shell(buf_cstr(&ses->out), &pid);
	if (fd < 0) {
		rt_runtime_error(ses, a->at, 1, "cannot run a shell: %s", strerror(-fd));
		return 0;
	}
	err = copy_text(ses, a, fd, 0, &last);
	close(fd);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	rt_text(ses, a->builtin, "\n", last != '\n', false);
	if (err)
		rt_runtime_error(ses, a->at, 1, "cannot read what the command prints: %s", strerror(-err));
	return 0;
}

const struct run_builtin run_system = { .name = "system", .fits = fits_format, .event = event_system };
