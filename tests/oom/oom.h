/* oom.h - put in front of lang/mem.c for the out-of-memory test: every allocation of the library asks oom.c first. */
#ifndef TESTS_OOM_H
#define TESTS_OOM_H
#include <stdlib.h>
void *oom_malloc(size_t n);
void *oom_calloc(size_t n, size_t size);
void *oom_realloc(void *p, size_t n);
#define malloc oom_malloc
#define calloc oom_calloc
#define realloc oom_realloc
#endif
