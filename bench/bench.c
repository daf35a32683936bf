/* bench.c - measures start-up, cost per event and event throughput of sonde and, where it is installed, of bpftrace, in
 * turn in one run, and prints tables with the ratios.  It asserts nothing.
 *
 *   SONDE=build/sonde B=build/tests/prog bench [RUNS]        root */
#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_RUNS 200
#define MAX_PROGS 4096

struct tool {
	const char *name, *path;
};
struct usage {
	double wall_ms, cpu_ms, rss_mb;
};
static struct tool tools[2];
static int n_tools;
static char load_path[4096];

static double
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void
pause_ms(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

static pid_t
spawn(const char *out, char *const argv[])
{
	pid_t pid = fork();

	if (pid == 0) {
		int fd = open(out, O_WRONLY | O_CREAT | O_TRUNC, 0600);

		if (fd < 0 || dup2(fd, 1) < 0 || dup2(fd, 2) < 0)
			_exit(126);
		execv(argv[0], argv);
		_exit(127);
	}
	return pid;
}

static bool
collect(pid_t pid, double begin, struct usage *u)
{
	struct rusage r;
	int status;

	if (wait4(pid, &status, 0, &r) != pid)
		return false;
	u->wall_ms = now_ms() - begin;
	u->cpu_ms = (double)(r.ru_utime.tv_sec + r.ru_stime.tv_sec) * 1e3 +
		    (double)(r.ru_utime.tv_usec + r.ru_stime.tv_usec) / 1e3;
	u->rss_mb = (double)r.ru_maxrss / 1024;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* ---- start-up ---- */

static void
show_startup(const char *what, struct usage u[2][MAX_RUNS], const int n[2])
{
	double best[2][3];

	for (int t = 0; t < n_tools; t++) {
		double v[3][MAX_RUNS];

		if (!n[t]) {
			printf("%-34s %-10s failed\n", what, tools[t].name);
			continue;
		}
		for (int i = 0; i < n[t]; i++) {
			v[0][i] = u[t][i].wall_ms;
			v[1][i] = u[t][i].cpu_ms;
			v[2][i] = u[t][i].rss_mb;
		}
		for (int k = 0; k < 3; k++) {
			qsort(v[k], (size_t)n[t], sizeof(double), compare);
			best[t][k] = v[k][n[t] / 2];
		}
		printf("%-34s %-10s %9.1f /%8.1f %10.1f %10.1f\n", what, tools[t].name, v[0][0], best[t][0], best[t][1], best[t][2]);
	}
	if (n_tools == 2 && n[0] && n[1])
		printf("%-34s %-10s %19.1fx %9.1fx %9.1fx\n", "", "ratio", best[1][0] / best[0][0], best[1][1] / best[0][1],
		       best[1][2] / best[0][2]);
}

static void
startup(int runs)
{
	static const char *const cases[][2] = {
		{ "begin and exit", "BEGIN { exit(); }" },
		{ "@[comm] = count() on one event",
		  "tracepoint:syscalls:sys_enter_openat { @[comm] = count(); } interval:ms:1 { exit(); }" },
		{ "hist() of a return value",
		  "tracepoint:syscalls:sys_exit_read /args->ret > 0/ { @[comm] = hist(args->ret); } interval:ms:1 { exit(); }" },
	};
	static struct usage u[2][MAX_RUNS];

	printf("START-UP: exec to exit, %d runs in turn\n%-34s %-10s %20s %10s %10s\n", runs, "", "", "wall ms min / med", "CPU ms",
	       "peak MB");
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		int n[2] = { 0 };

		for (int i = 0; i < runs; i++)
			for (int t = 0; t < n_tools; t++) {
				char *argv[] = { (char *)tools[t].path, "-e", (char *)cases[c][1], NULL };
				double begin = now_ms();

				if (collect(spawn("/dev/null", argv), begin, &u[t][n[t]]))
					n[t]++;
				pause_ms(20);    /* attaching right after a detach waits for RCU */
			}
		show_startup(cases[c][0], u, n);
	}
}

/* ---- a tool that runs while a load does ---- */

static long
file_size(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? (long)st.st_size : -1;
}

/* True when a line of the file holds the word. */
static bool
file_has(const char *path, const char *word)
{
	FILE *f = fopen(path, "r");
	char line[4096];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, word) != NULL;
	if (f)
		fclose(f);
	return found;
}

static pid_t
start_tool(const struct tool *t, const char *program, const char *out)
{
	char *argv[] = { (char *)t->path, "-e", (char *)program, NULL };
	pid_t pid = spawn(out, argv);

	for (int i = 0; i < 200 && !file_has(out, "Attach"); i++)
		pause_ms(50);
	pause_ms(1000);                          /* one of them says so before it does so */
	return pid;
}

static double
run_load(const char *size, const char *count)
{
	char *argv[] = { load_path, (char *)size, (char *)count, NULL };
	struct usage u = { 0 };
	double begin = now_ms();

	collect(spawn("/dev/null", argv), begin, &u);
	return u.wall_ms;
}

/* ---- cost per event ---- */

struct runs {
	uint64_t ns, count;
};

/* Sums the run-time statistics of programs with ids above `after`; *last becomes the highest id seen. */
static struct runs
program_runs(uint32_t after, uint32_t *last)
{
	struct runs sum = { 0, 0 };
	uint32_t id = after;

	while (bpf_prog_get_next_id(id, &id) == 0) {
		struct bpf_prog_info info = { 0 };
		uint32_t len = sizeof(info);
		int fd = bpf_prog_get_fd_by_id(id);

		*last = id;
		if (fd < 0)
			continue;
		/* programs that ran once or twice (begin, interval) are not what is measured */
		if (bpf_obj_get_info_by_fd(fd, &info, &len) == 0 && info.run_cnt > 1000) {
			sum.ns += info.run_time_ns;
			sum.count += info.run_cnt;
		}
		close(fd);
	}
	return sum;
}

static void
per_event(void)
{
	static const char *const cases[] = {
		"tracepoint:syscalls:sys_enter_read { @ = count(); }",
		"tracepoint:syscalls:sys_enter_read { @[comm] = count(); }",
		"tracepoint:syscalls:sys_enter_read { @[pid] = hist(args->count); }",
		"tracepoint:syscalls:sys_exit_read /args->ret > 0/ { @[comm] = hist(args->ret); }",
		"tracepoint:syscalls:sys_enter_read { @s[tid] = nsecs; } tracepoint:syscalls:sys_exit_read /@s[tid]/ "
		"{ @ns = hist(nsecs - @s[tid]); delete(@s[tid]); }",
	};
	int stats = bpf_enable_stats(BPF_STATS_RUN_TIME);

	printf("\nPER EVENT, in the kernel (run-time statistics; their own cost of about 50 ns is in it)\n");
	if (stats < 0) {
		printf("the kernel keeps no run-time statistics: %s\n", strerror(errno));
		return;
	}
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		double ns[2] = { 0, 0 };

		printf("%s\n", cases[c]);
		for (int t = 0; t < n_tools; t++) {
			uint32_t before = 0, last = 0;
			struct runs r;
			pid_t pid;
			struct usage u;

			program_runs(0, &before);
			pid = start_tool(&tools[t], cases[c], "/tmp/sonde-bench.out");
			run_load("64", "300000");
			r = program_runs(before, &last);
			kill(pid, SIGINT);
			collect(pid, now_ms(), &u);
			ns[t] = r.count ? (double)r.ns / (double)r.count : 0;
			printf("    %-10s %8.1f ns of %llu runs\n", tools[t].name, ns[t], (unsigned long long)r.count);
			pause_ms(200);
		}
		if (n_tools == 2 && ns[0] > 0)
			printf("    %-10s %8.1fx\n", "ratio", ns[1] / ns[0]);
	}
	close(stats);
}

/* ---- throughput ---- */

static unsigned long
count_lines(const char *path, const char *ending)
{
	FILE *f = fopen(path, "r");
	char line[256];
	unsigned long n = 0;
	size_t len = strlen(ending);

	while (f && fgets(line, sizeof(line), f)) {
		size_t l = strlen(line);

		n += l >= len && strcmp(line + l - len, ending) == 0;
	}
	if (f)
		fclose(f);
	return n;
}

static void
throughput(void)
{
	static const char program[] = "tracepoint:syscalls:sys_enter_read /comm == \"reads\"/ { printf(\"%d %s\\n\", pid, comm); }";
	static const char out[] = "/tmp/sonde-bench.out";
	enum { EVENTS = 1000000 };
	char count[16];
	double alone;

	snprintf(count, sizeof(count), "%d", EVENTS);
	alone = run_load("64", count);
	printf("\nTHROUGHPUT: %d times printf(\"%%d %%s\\n\", pid, comm); the load alone takes %.0f ms\n", EVENTS, alone);
	printf("%-10s %12s %10s %14s %16s %12s\n", "", "delivered", "load ms", "events/s", "CPU ns/delivered", "peak MB");
	for (int t = 0; t < n_tools; t++) {
		pid_t pid = start_tool(&tools[t], program, out);
		double begin = now_ms(), load = run_load("64", count), took;
		unsigned long n;
		struct usage u = { 0 };
		long size = -1;

		while (size != file_size(out)) { /* until no more comes */
			size = file_size(out);
			pause_ms(500);
		}
		took = load;
		kill(pid, SIGINT);
		collect(pid, begin, &u);
		n = count_lines(out, " reads\n");
		printf("%-10s %11.1f%% %10.0f %14.0f %16.0f %12.1f\n", tools[t].name, 100.0 * (double)n / EVENTS, load,
		       (double)n / took * 1e3, n ? u.cpu_ms * 1e6 / (double)n : 0, u.rss_mb);
	}
	unlink(out);
}

static const char *
find_peer(void)
{
	static const char *const places[] = { "/usr/local/bin/bpftrace", "/usr/bin/bpftrace", "/usr/sbin/bpftrace" };
	const char *given = getenv("BPFTRACE");

	for (size_t i = 0; !given && i < sizeof(places) / sizeof(places[0]); i++)
		if (access(places[i], X_OK) == 0)
			return places[i];
	return given;
}

/* The peer wants debugfs where it always was; sonde needs no mount.  In a mount namespace of our own nobody sees it. */
static void
mount_privately(void)
{
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return;
	if (access("/sys/kernel/debug/tracing", F_OK) < 0)
		mount("debugfs", "/sys/kernel/debug", "debugfs", 0, NULL);
	if (access("/sys/kernel/tracing/events", F_OK) < 0)
		mount("tracefs", "/sys/kernel/tracing", "tracefs", 0, NULL);
	if (access("/sys/kernel/debug/tracing/events", F_OK) < 0)
		mount("tracefs", "/sys/kernel/debug/tracing", "tracefs", 0, NULL);
}

int
main(int argc, char **argv)
{
	const char *sonde = getenv("SONDE"), *dir = getenv("B"), *peer = find_peer();
	int runs = argc > 1 ? atoi(argv[1]) : 15;

	if (geteuid() != 0) {
		fputs("bench: tracing needs root\n", stderr);
		return 1;
	}
	snprintf(load_path, sizeof(load_path), "%s/reads", dir ? dir : "build/tests/prog");
	tools[n_tools++] = (struct tool){ "sonde", sonde ? sonde : "build/sonde" };
	if (peer)
		tools[n_tools++] = (struct tool){ "bpftrace", peer };
	else
		puts("bpftrace is not installed: sonde alone");
	setvbuf(stdout, NULL, _IOLBF, 0);
	mount_privately();
	startup(runs < 1 ? 1 : runs > MAX_RUNS ? MAX_RUNS : runs);
	per_event();
	throughput();
	return 0;
}
