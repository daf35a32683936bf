/* plugs.c - looks up rows of the run side by name. */
#include "image/image.h"

#define FIND(list, name) \
	for (size_t i = 0; (name) && (list) && (list)[i]; i++) \
		if (strcmp((list)[i]->name, name) == 0) \
			return (list)[i]; \
	return NULL

const struct run_builtin *
run_find_builtin(const char *name)
{
	FIND(run_plugs.builtins, name);
}

const struct run_provider *
run_find_provider(const char *name)
{
	FIND(run_plugs.providers, name);
}

const struct aggr *
run_find_aggr(const char *name)
{
	FIND(run_plugs.aggrs, name);
}

const struct fmt *
run_find_fmt(const char *name)
{
	FIND(run_plugs.fmts, name);
}
