/* node.c - the tree without its meaning: making, copying, walking, showing.  The parser bounds the depth of a tree
 * (E_NESTING), so going down recurses; chains through next may have any length and are loops. */
#include <inttypes.h>
#include "lang/lang.h"

static const struct {
	const char *name;
	int kids;
} kinds[] = {
#define N(kind, name, kids) [N_##kind] = { name, kids },
#include "lang/node.def"
#undef N
};

int
node_kids(enum node_kind kind)
{
	return kinds[kind].kids;
}

const char *
node_name(enum node_kind kind)
{
	return kinds[kind].name;
}

struct node *
node_new(struct arena *mem, enum node_kind kind, struct span at)
{
	struct node *n = arena_alloc(mem, sizeof(*n));

	n->kind = kind;
	n->at = at;
	return n;
}

struct node *
node_copy(struct arena *mem, const struct node *n)
{
	if (!n)
		return NULL;
	struct node *copy = arena_dup(mem, n, sizeof(*n));
	copy->next = NULL;
	for (int i = 0; i < node_kids(n->kind); i++) {
		struct node **end = &copy->kid[i];
		*end = NULL;
		for (const struct node *kid = n->kid[i]; kid; kid = kid->next) {
			*end = node_copy(mem, kid);
			end = &(*end)->next;
		}
	}
	return copy;
}

unsigned
node_depth(const struct node *n, unsigned max)
{
	unsigned most = 0;

	for (int i = 0; max && i < node_kids(n->kind); i++)
		for (const struct node *kid = n->kid[i]; kid && most < max; kid = kid->next) {
			unsigned depth = node_depth(kid, max - 1);

			most = depth > most ? depth : most;
		}
	return most + 1;
}

void
node_walk(struct node *n, bool (*fn)(struct node *, void *ud), void *ud)
{
	if (!n || !fn(n, ud))
		return;
	for (int i = 0; i < node_kids(n->kind); i++)
		for (struct node *kid = n->kid[i], *next; kid; kid = next) {
			next = kid->next; /* fn may unchain the node it is given */
			node_walk(kid, fn, ud);
		}
}

/* ---- dump S ---- */

/* The letter of an escape in a script, 0: the byte has none. */
static char
escape_letter(char c)
{
	switch (c) {
	case '\n':
		return 'n';
	case '\t':
		return 't';
	case '\r':
		return 'r';
	case '"': case '\\':
		return c;
	default:
		return 0;
	}
}

static void
dump_text(const char *s, size_t n, struct buf *out)
{
	buf_char(out, '"');
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)s[i];
		char letter = escape_letter(s[i]);
		if (letter)
			buf_fmt(out, "\\%c", letter);
		else if (c < ' ' || c >= 0x7f)
			buf_fmt(out, "\\x%02x", c);
		else
			buf_char(out, s[i]);
	}
	buf_char(out, '"');
}

static void
dump_suffix(const struct node *n, struct buf *out)
{
	if (n->op == TK_STAR)
		buf_str(out, " *");
	else if (n->u.num == UINT64_MAX)
		buf_str(out, " []");
	else
		buf_fmt(out, " [%" PRIu64 "]", n->u.num);
}

/* What a node's line says after its name. */
static void
dump_detail(const struct node *n, struct buf *out)
{
	switch (n->kind) {
	case N_CONFIG_SET: case N_MAPDECL: case N_ATTACH: case N_VAR: case N_MAP: case N_IDENT: case N_CALL:
	case N_IMPORT: case N_MACRO: case N_FIELD: case N_RECORD_FIELD: case N_TYPE:
		buf_fmt(out, " %s", n->u.str);
		break;
	case N_ASSIGN: case N_UNARY: case N_BINARY:
		buf_fmt(out, " %s", token_text((enum token_kind)n->op));
		break;
	case N_INCDEC:
		buf_fmt(out, " %s %s", token_text((enum token_kind)n->op), n->u.num ? "prefix" : "postfix");
		break;
	case N_INT:
		buf_fmt(out, " %" PRIu64, n->u.num);
		break;
	case N_POSITIONAL:
		buf_fmt(out, " $%" PRIu64, n->u.num);
		break;
	case N_BOOL:
		buf_str(out, n->u.num ? " true" : " false");
		break;
	case N_STR:
		buf_char(out, ' ');
		dump_text(n->u.str, (size_t)n->op, out);
		break;
	case N_TYPE_SUFFIX:
		dump_suffix(n, out);
		break;
	case N_EXPR:
		buf_str(out, n->op ? " value" : "");
		break;
	case N_INDEX:
		buf_str(out, n->op ? " ." : "");
		break;
	case N_TERNARY:
		buf_str(out, n->kid[1] ? "" : " ?:");
		break;
	default:
		break;
	}
}

static void
dump_level(const struct node *n, unsigned level, struct buf *out)
{
	buf_fill(out, ' ', 2 * (size_t)level);
	buf_str(out, node_name(n->kind));
	dump_detail(n, out);
	buf_char(out, '\n');
	for (int i = 0; i < node_kids(n->kind); i++)
		for (const struct node *kid = n->kid[i]; kid; kid = kid->next)
			dump_level(kid, level + 1, out);
}

void
node_dump(const struct node *n, struct buf *out)
{
	if (n)
		dump_level(n, 0, out);
}
