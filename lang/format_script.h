/* format_script.h - a script as the formatter sees it: all of its tokens, and what the tree says of them.
 * Private to format_script.c and format_tokens.c. */
#ifndef LANG_FORMAT_SCRIPT_H
#define LANG_FORMAT_SCRIPT_H
#include "lang/parse.h"

enum role {                              /* what a token is where its kind does not tell */
	ROLE_NONE,
	ROLE_ATTACH,                     /* an attach point, raw */
	ROLE_RAW,                        /* lines of C, taken as they are */
	ROLE_PREFIX,                     /* an operator before its one operand */
	ROLE_CAST,                       /* the ')' of a cast */
	ROLE_STAR,                       /* of a pointer type */
	ROLE_PREDICATE, ROLE_PREDICATE_END, /* the '/' before and behind a predicate */
};
struct piece {
	enum token_kind kind;
	enum word word;
	enum role role;
	uint32_t off, len;
	enum item item;                  /* the outer construct it belongs to */
	bool is_first;                   /* ... and begins */
};
struct pieces { struct piece *list; uint32_t n, cap; struct arena *mem; };
/* The tokens of a script that parses to this program. */
void pieces_read(struct pieces *, struct diags *, int file, struct node *program);
#endif
