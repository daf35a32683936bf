/* mallocs.c - for each argument pair SIZE COUNT, COUNT calls of malloc(SIZE).  Nothing else in it allocates. */
#include <stdlib.h>

int
main(int argc, char **argv)
{
	for (int i = 1; i + 1 < argc; i += 2)
		for (int n = atoi(argv[i + 1]); n > 0; n--) {
			void *volatile p = malloc((size_t)atoi(argv[i]));

			free(p);
		}
	return 0;
}
