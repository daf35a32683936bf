/* embed.c - a program that traces: compiles a script, polls it for a second, reads its map as typed values. */
#include <stdio.h>
#include <string.h>
#include "include/sonde.h"

static int
show_row(void *ud, const struct sonde_value *key, const struct sonde_value *count)
{
	(void)ud;
	printf("%10llu  %.*s\n", (unsigned long long)count->num.u, (int)key->len, key->text);
	return 0;
}

int
main(void)
{
	static const char script[] = "tracepoint:raw_syscalls:sys_enter { @calls[comm] = count(); } interval:s:1 { exit(); }";
	sonde *ctx;
	sonde_image *img = NULL;
	sonde_session *ses = NULL;
	int status = sonde_open(NULL, &ctx);

	if (status < 0)
		return 1;
	status = sonde_compile(ctx, "embed", script, strlen(script), NULL, 0, &img);
	if (status == SONDE_OK)
		status = sonde_attach(ctx, img, &ses);
	while (status >= 0 && !sonde_finished(ses, NULL))
		status = sonde_poll(ses, -1);
	if (status >= 0)
		status = sonde_stop(ses);
	if (status >= 0)
		sonde_map_each(ses, "@calls", show_row, NULL);
	else
		fprintf(stderr, "%s: %s\n", sonde_strerror(status), sonde_errmsg(ctx));
	sonde_session_free(ses);
	sonde_image_free(img);
	sonde_close(ctx);
	return status < 0;
}
