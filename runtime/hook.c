/* hook.c - libbpf's process-wide print callback: ours takes the messages of threads that are inside a call of ours and
 * hands on all others. */
#include <bpf/libbpf.h>
#include <pthread.h>
#include <stdio.h>
#include "runtime/rt.h"

static struct {
	pthread_once_t once;
	libbpf_print_fn_t before;
} hook = { .once = PTHREAD_ONCE_INIT };
static _Thread_local struct sonde *hook_context;

static int
hook_print(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	struct sonde *ctx = hook_context;
	char text[1024];
	int n;

	if (!ctx)
		return hook.before ? hook.before(level, fmt, ap) : 0;
	if (level == LIBBPF_DEBUG)
		return 0;
	n = vsnprintf(text, sizeof(text), fmt, ap);
	if (n >= (int)sizeof(text))
		n = sizeof(text) - 1;
	while (n > 0 && text[n - 1] == '\n')
		n--;
	if (n > 0)
		context_log(ctx, "%.*s", n, text);
	return n;
}

static void
hook_set(void)
{
	hook.before = libbpf_set_print(hook_print);
}

void
hook_install(void)
{
	pthread_once(&hook.once, hook_set);
}

struct sonde *
hook_enter(struct sonde *ctx)
{
	struct sonde *before = hook_context;

	hook_context = ctx;
	return before;
}
