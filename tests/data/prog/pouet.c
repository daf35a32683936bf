/* pouet.c - calls pouet(n) a known number of times: n is 1 .. argv[1], each n times; then sleeps argv[2] milliseconds. */
#include <stdlib.h>
#include <unistd.h>

__attribute__((noinline, noclone)) int
pouet(int n)
{
	__asm__ volatile("" : : "r"(n) : "memory");
	return n * 2;
}

int
main(int argc, char **argv)
{
	int top = argc > 1 ? atoi(argv[1]) : 3, sum = 0;

	for (int n = 1; n <= top; n++)
		for (int i = 0; i < n; i++)
			sum += pouet(n);
	usleep(argc > 2 ? (unsigned)atoi(argv[2]) * 1000 : 0);
	return sum < 0;
}
