/* task_run.c - run half of the task rows: names of users. */
#include <pwd.h>
#include "runtime/rt.h"

static void
print_username(struct render *r, const struct type *t, const void *data, struct buf *out)
{
	uint64_t uid = (uint64_t)type_read_int(t, data);
	struct passwd entry, *found = NULL;
	char text[2048];

	(void)r;
	if (getpwuid_r((uid_t)uid, &entry, text, sizeof(text), &found) == 0 && found)
		buf_str(out, found->pw_name);
	else
		buf_fmt(out, "%llu", (unsigned long long)uid);
}

const struct fmt fmt_username = { .name = "username_t", .print = print_username };
