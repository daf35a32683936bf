/* fuzz_parse.c - any bytes through the parser, as a program and as an expression: no crash, no tree with an error, no
 * failure without one; and a tree's dump and copy agree. */
#include <stdlib.h>
#include "lang/lang.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static bool
check_node(struct node *n, void *ud)
{
	size_t *count = ud;

	require(n->kind < N_NODE_KINDS);
	++*count;
	return true;
}

static void
check_tree(struct arena *mem, struct node *tree)
{
	struct buf first = { .arena = mem }, second = { .arena = mem };
	size_t count = 0;

	node_walk(tree, check_node, &count);
	require(count > 0);
	node_dump(tree, &first);
	node_dump(node_copy(mem, tree), &second);
	require(first.len == second.len && !memcmp(buf_cstr(&first), buf_cstr(&second), first.len));
}

static void
check_diags(const struct diags *d)
{
	struct buf out = { 0 };

	for (size_t i = 0; i < diags_count(d); i++) {
		const struct sonde_diag *m = diags_at(d, i);
		require(m && m->text && m->tag);
		require(m->at.end_line >= m->at.line);
		diags_render(d, i, false, &out);
	}
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const argv[] = { "12", "text", "-5", "kprobe:f" };
	struct parse_opts opts = { argv, 4, NULL };
	struct diags *diags = diags_new();
	struct arena *mem = arena_new();
	int file = diags_add_source(diags, "fuzz", (const char *)data, len);

	parse_is_unfinished((const char *)data, len);
	struct node *n = parse_program(mem, diags, file, &opts);

	require(!n == (diags_errors(diags) > 0));
	if (n)
		check_tree(mem, n);
	check_diags(diags);
	arena_free(mem);
	diags_free(diags);
	return 0;
}
