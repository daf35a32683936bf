/* spin.c - spends argv[1] milliseconds of CPU time, half of it in read() of /dev/zero: something to sample. */
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static char room[1 << 16];

int
main(int argc, char **argv)
{
	long ms = argc > 1 ? atol(argv[1]) : 500;
	int fd = open("/dev/zero", O_RDONLY);

	while (clock() < ms * (CLOCKS_PER_SEC / 1000))
		for (int i = 0; i < 100; i++)
			if (read(fd, room, sizeof(room)) < 0)
				return 1;
	return 0;
}
