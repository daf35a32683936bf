/* structs.c - hands structs of every kind to functions, for scripts that define them (tests/live/cdefs.t). */
#include <string.h>

struct inner { const char *text; int n; };
struct mine {
	char tag[4];
	unsigned a : 3, b : 11;
	int neg : 5;
	struct inner in;
	struct inner *arr[2];
	const char *texts[2];
	union { long l; struct { short lo, hi; }; };
	int dims[2][3];
	struct mine *next;
	double d;
	unsigned char raw[4];
	int flex[];
};
struct __attribute__((packed)) wire { unsigned char kind; unsigned long long id; unsigned short len : 12, flags : 4; };
enum color { RED, GREEN = 5 };

struct { struct mine m; int more[3]; } place;
static volatile char seen; /* what is read here is in memory when a probe reads it */

__attribute__((noinline)) int
look(struct mine *m, struct wire *w, enum color c)
{
	__asm__ volatile("" ::"r"(m), "r"(w), "r"(c) : "memory");
	return m->a;
}

int
main(void)
{
	static struct inner deep = { "deep", 7 };
	struct wire w = { 9, 0x1122334455667788, 0xabc, 5 };
	struct mine *m = &place.m;

	memcpy(m->tag, "ABCD", 4);
	m->a = 5;
	m->b = 1234;
	m->neg = -3;
	m->in = (struct inner){ "hello", 42 };
	m->arr[1] = &deep;
	m->texts[1] = "two";
	m->l = 0x7fff0001;
	m->dims[1][2] = 99;
	m->next = m;
	m->raw[0] = 200;
	m->flex[1] = 77;
	seen = *m->in.text + *deep.text + *m->texts[1];
	return look(m, &w, GREEN) != 5;
}
