/* scripts.c - the part of the standard library that is written in the language itself: stdlib/X.bt as texts. */
#include "sema/plug.h"

#define SCRIPT(name, macros, text) { name, text, macros },
extern const struct std_script all_scripts[];
const struct std_script all_scripts[] = {
#include "scripts.inc"
	{ NULL, NULL, NULL },
};
