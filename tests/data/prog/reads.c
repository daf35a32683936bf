/* reads.c - reads from /dev/zero: for each argument pair SIZE COUNT, COUNT reads of SIZE bytes. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

static char room[1 << 20];

int
main(int argc, char **argv)
{
	int fd = open("/dev/zero", O_RDONLY);

	for (int i = 1; i + 1 < argc; i += 2)
		for (int n = atoi(argv[i + 1]); n > 0; n--)
			if (read(fd, room, (size_t)atoi(argv[i])) < 0)
				return 1;
	return 0;
}
