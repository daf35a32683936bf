/* threads.c - two contexts in two threads, and an interrupt from a third: run it under the thread sanitizer. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "include/sonde.h"

#define ROUNDS 5

static int
count_event(void *ud, const struct sonde_event *e)
{
	*(int *)ud += e->kind == SONDE_EV_TEXT || e->kind == SONDE_EV_VALUE;
	return 0;
}

static void *
interrupt_soon(void *ses)
{
	usleep(20000);
	sonde_interrupt(ses);
	return NULL;
}

static int
run_until_interrupted(sonde *ctx, sonde_image *img)
{
	sonde_session *ses;
	pthread_t other;
	int status = sonde_attach(ctx, img, &ses);

	if (status < 0)
		return status;
	pthread_create(&other, NULL, interrupt_soon, ses);
	while (status >= 0 && !sonde_finished(ses, NULL))
		status = sonde_poll(ses, -1);
	pthread_join(other, NULL);
	if (status >= 0)
		status = sonde_stop(ses);
	sonde_session_free(ses);
	return status;
}

/* *arg becomes the text of the first thing that went wrong. */
static void *
work(void *arg)
{
	const char **wrong = arg;
	static const char good[] = "begin { @[comm] = count(); printf(\"%d\\n\", 1); } interval:s:100 { }";
	int n_events = 0, is_root = geteuid() == 0;
	struct sonde_opts opts = { .size = sizeof(opts), .event = count_event, .ud = &n_events };

	for (int i = 0; i < ROUNDS && !*wrong; i++) {
		sonde *ctx;
		sonde_image *img = NULL;

		if (sonde_open(&opts, &ctx) < 0) {
			*wrong = "open";
			break;
		}
		if (sonde_compile(ctx, "bad", "begin { $ }", 11, NULL, 0, &img) != SONDE_ESOURCE)
			*wrong = "a wrong script";
		else if (sonde_compile(ctx, "good", good, sizeof(good) - 1, NULL, 0, &img) < 0)
			*wrong = "compile";
		else if (is_root && run_until_interrupted(ctx, img) < 0)
			*wrong = "run";
		sonde_image_free(img);
		sonde_close(ctx);
	}
	if (!*wrong && is_root && n_events != ROUNDS)
		*wrong = "events";
	return NULL;
}

int
main(void)
{
	pthread_t thread[2];
	const char *wrong[2] = { NULL, NULL };
	int n_failed = 0;

	for (int i = 0; i < 2; i++)
		if (pthread_create(&thread[i], NULL, work, &wrong[i]))
			return 1;
	for (int i = 0; i < 2; i++) {
		pthread_join(thread[i], NULL);
		if (wrong[i])
			printf("FAILED thread %d: %s\n", i, wrong[i]);
		n_failed += wrong[i] != NULL;
	}
	printf("%d passed, %d failed, 0 skipped\n", 2 - n_failed, n_failed);
	return n_failed != 0;
}
