/* run_image.c - loads a saved image and runs it to its end: a program of the run side alone, linked without LLVM. */
#include <stdio.h>
#include <stdlib.h>
#include "include/sonde.h"

static int
on_event(void *ud, const struct sonde_event *e)
{
	(void)ud;
	if (e->kind == SONDE_EV_TEXT || e->kind == SONDE_EV_VALUE)
		fwrite(e->text, 1, e->len, stdout);
	return 0;
}

int
main(int argc, char **argv)
{
	static char data[1 << 20];
	struct sonde_opts opts = { .size = sizeof(opts), .event = on_event };
	FILE *f = argc > 1 ? fopen(argv[1], "rb") : NULL;
	size_t len = f ? fread(data, 1, sizeof(data), f) : 0;
	sonde *ctx;
	sonde_image *img;
	sonde_session *ses = NULL;
	int status = sonde_open(&opts, &ctx);

	if (status < 0)
		return 1;
	status = sonde_image_load(ctx, data, len, &img);
	if (status >= 0)
		status = sonde_attach(ctx, img, &ses);
	while (status >= 0 && !sonde_finished(ses, NULL))
		status = sonde_poll(ses, 100);
	if (status >= 0)
		status = sonde_stop(ses);
	if (status >= 0)
		status = sonde_map_print(ses, NULL);
	if (status < 0)
		fprintf(stderr, "%s: %s\n", sonde_strerror(status), sonde_errmsg(ctx));
	sonde_session_free(ses);
	sonde_image_free(img);
	sonde_close(ctx);
	return status < 0;
}
