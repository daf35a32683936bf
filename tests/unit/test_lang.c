/* test_lang.c - the lang floor's pieces that have no golden form: memory, texts, numbers, tokens, places, messages. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include "lang/lex.h"

/* ---- memory ---- */

static void
test_arena(void **state)
{
	struct arena *a = arena_new();
	unsigned char *last = NULL;

	(void)state;
	for (size_t n = 0; n < 3000; n += 7) {
		unsigned char *p = arena_alloc(a, n);
		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		for (size_t i = 0; i < n; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xaa, n);
		assert_ptr_not_equal(p, last);
		last = p;
	}
	char *big = arena_alloc(a, 3 << 20); /* larger than any chunk */
	memset(big, 1, 3 << 20);
	char *after = arena_strndup(a, "abcdef", 3);
	assert_string_equal(after, "abc");
	assert_int_equal(big[(3 << 20) - 1], 1);
	assert_string_equal(arena_printf(a, "%s-%d", "x", 42), "x-42");
	assert_memory_equal(arena_dup(a, "q\0r", 3), "q\0r", 3);
	arena_free(a);
	arena_free(NULL);
}

static void
test_arena_nomem(void **state)
{
	struct arena *a = arena_new();
	jmp_buf nomem;
	volatile int jumps = 0;

	(void)state;
	assert_null(arena_alloc(a, SIZE_MAX));
	assert_null(arena_alloc(a, SIZE_MAX / 2));
	assert_null(arena_strndup(a, "x", SIZE_MAX));
	if (setjmp(nomem) == 0) {
		arena_on_nomem(a, &nomem);
		arena_alloc(a, SIZE_MAX - 3);
		fail();
	} else {
		jumps++;
	}
	assert_int_equal(jumps, 1);
	arena_free(a);
}

static void
test_intern(void **state)
{
	struct arena *a = arena_new();
	const char *kept[2000];
	char name[16];

	(void)state;
	for (int round = 0; round < 2; round++)
		for (int i = 0; i < 2000; i++) {
			int n = snprintf(name, sizeof(name), "name%d", i);
			const char *s = str_intern(a, name, (size_t)n);
			assert_string_equal(s, name);
			if (round)
				assert_ptr_equal(s, kept[i]);
			kept[i] = s;
		}
	assert_ptr_equal(str_intern(a, "ab\0c", 4), str_intern(a, "ab\0c", 4));
	assert_ptr_not_equal(str_intern(a, "ab\0c", 4), str_intern(a, "ab\0d", 4));
	assert_ptr_not_equal(str_intern(a, "ab", 2), str_intern(a, "ab\0c", 4));
	assert_string_equal(str_intern(a, "", 0), "");
	arena_free(a);
}

static void
test_buf(void **state)
{
	struct arena *a = arena_new();
	struct buf heap = { 0 }, other = { .arena = a };
	struct buf *both[] = { &heap, &other };

	(void)state;
	for (int k = 0; k < 2; k++) {
		struct buf *b = both[k];
		assert_string_equal(buf_cstr(b), "");
		buf_str(b, "ab");
		buf_char(b, 'c');
		buf_fill(b, '-', 3);
		buf_fmt(b, "%d%s", 12, "x");
		buf_add(b, "yz", 1);
		assert_string_equal(buf_cstr(b), "abc---12xy");
		assert_int_equal(b->len, 10);
		for (int i = 0; i < 1000; i++)
			buf_fmt(b, "%03d", i);
		assert_int_equal(b->len, 3010);
		assert_memory_equal(b->data + 3007, "999", 3);
		assert_int_equal(strlen(buf_cstr(b)), 3010);
		assert_false(b->failed);
		buf_fill(b, 'x', SIZE_MAX / 2);
		assert_true(b->failed);
		assert_string_equal(buf_cstr(b), "");
		buf_str(b, "more");
		assert_int_equal(b->len, 3010);
		buf_free(b);
		assert_null(b->data);
		assert_false(b->failed);
	}
	arena_free(a);
}

static void
test_mem_strdup(void **state)
{
	(void)state;
	assert_null(mem_strdup(NULL));
	char *s = mem_strdup("text");
	assert_string_equal(s, "text");
	s = mem_realloc(s, 100);
	assert_string_equal(s, "text");
	mem_free(s);
	mem_free(NULL);
}

/* ---- numbers ---- */

static void
test_number_good(void **state)
{
	static const struct {
		const char *text;
		uint64_t value;
		bool is_neg;
	} good[] = {
		{ "0", 0, 0 },
		{ "00", 0, 0 },
		{ "42", 42, 0 },
		{ "-42", 42, 1 },
		{ "1_000_000", 1000000, 0 },
		{ "1__0", 10, 0 },
		{ "0x1f", 31, 0 },
		{ "0XFF_ff", 0xffff, 0 },
		{ "0xffffffffffffffff", UINT64_MAX, 0 },
		{ "18446744073709551615", UINT64_MAX, 0 },
		{ "-9223372036854775808", 1ull << 63, 1 },
		{ "0123", 83, 0 },
		{ "0775", 509, 0 },
		{ "0b101", 5, 0 },
		{ "0B1_1", 3, 0 },
		{ "1e6", 1000000, 0 },
		{ "9E3", 9000, 0 },
		{ "1e19", 10000000000000000000ull, 0 },
		{ "5u", 5, 0 },
		{ "4294967295u", UINT32_MAX, 0 },
		{ "5ul", 5, 0 },
		{ "18446744073709551615ull", UINT64_MAX, 0 },
		{ "9223372036854775807ll", INT64_MAX, 0 },
		{ "7l", 7, 0 },
		{ "3ns", 3, 0 },
		{ "3us", 3000, 0 },
		{ "3ms", 3000000, 0 },
		{ "3s", 3000000000, 0 },
		{ "1m", 60000000000, 0 },
		{ "2h", 7200000000000, 0 },
		{ "1d", 86400000000000, 0 },
		{ "0x1d", 29, 0 },
		{ "0x10s", 16000000000, 0 },
		{ "1e3ms", 1000000000, 0 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(good); i++) {
		uint64_t value = 99;
		bool is_neg = false;
		const char *wrong = number_read(good[i].text, strlen(good[i].text), &value, &is_neg);
		if (wrong)
			fail_msg("%s: %s", good[i].text, wrong);
		assert_int_equal(value, good[i].value);
		assert_int_equal(is_neg, good[i].is_neg);
	}
}

static void
test_number_bad(void **state)
{
	static const char *const bad[] = {
		"", "-", "--1", "+1", "x", "x1", " 1", "1 ", "1_", "_1", "0x", "0x_", "0xg", "0b", "0b2", "0b12", "08", "079",
		"1e", "1e0", "10e3", "0e1", "1e-3", "1e+3", "1e20", "9e19", "2e19", "18446744073709551616",
		"0x10000000000000000", "99999999999999999999999", "4294967296u", "9223372036854775808l",
		"9223372036854775808ll", "1U", "1UL", "1lu", "1x", "1sec", "1min", "213504d", "18446744074s", "1.5",
		"-9223372036854775809", "-18446744073709551615", "1_s", "0x1_", "01_", "1uu",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(bad); i++) {
		uint64_t value;
		bool is_neg;
		if (!number_read(bad[i], strlen(bad[i]), &value, &is_neg))
			fail_msg("\"%s\" was read as a number", bad[i]);
	}
	uint64_t value;
	bool is_neg;
	assert_null(number_read("12345", 3, &value, &is_neg)); /* no further than n */
	assert_int_equal(value, 123);
}

/* ---- tokens ---- */

struct bench {
	struct arena *mem;
	struct diags *diags;
	int file;
};

static struct bench
bench_new(const char *text)
{
	struct bench b = { arena_new(), diags_new(), 0 };

	b.file = diags_add_source(b.diags, "t.bt", text, strlen(text));
	assert_int_equal(b.file, 0);
	return b;
}

static void
bench_free(struct bench *b)
{
	diags_free(b->diags);
	arena_free(b->mem);
}

static void
test_tokens(void **state)
{
	static const struct {
		enum token_kind kind;
		uint32_t off, len;
	} want[] = {
		{ TK_IDENT, 28, 3 },      { TK_VAR, 32, 2 },        { TK_MAP, 35, 2 },    { TK_MAP, 38, 1 },
		{ TK_POSITIONAL, 40, 3 }, { TK_POSITIONAL, 44, 2 }, { TK_NUMBER, 47, 1 }, { TK_DOTDOT, 48, 2 },
		{ TK_NUMBER, 50, 1 },     { TK_SHL_EQ, 52, 3 },     { TK_INC, 56, 2 },    { TK_PLUS, 58, 1 },
		{ TK_ARROW, 60, 2 },      { TK_STRING, 63, 9 },     { TK_EOF, 72, 1 },
	};
	struct bench b = bench_new("#!/usr/bin/sonde\n// c\n/* */ foo $a @b @ $12 $# 0..5 <<= +++ -> \"a\\x41\\0\"");
	struct lexer l;

	(void)state;
	lex_start(&l, b.mem, b.diags, b.file);
	for (size_t i = 0; i < LENGTH(want); i++) {
		struct token t = lex_next(&l);
		if (t.kind != want[i].kind || t.at.off != want[i].off || t.at.len != want[i].len)
			fail_msg("token %zu: %s at %u+%u", i, token_text(t.kind), t.at.off, t.at.len);
		if (t.kind == TK_STRING) {
			assert_int_equal(t.str_len, 3);
			assert_memory_equal(t.str, "aA\0", 4);
		}
		if (i == 4)
			assert_int_equal(t.num, 12);
		if (i == 5)
			assert_int_equal(t.num, 0);
	}
	assert_int_equal(lex_next(&l).kind, TK_EOF);
	assert_int_equal(diags_count(b.diags), 0);
	bench_free(&b);
}

static void
test_token_texts(void **state)
{
	(void)state;
	for (int k = TK_LBRACE; k < N_TOKENS; k++) { /* each operator reads as itself */
		struct bench b = bench_new(token_text((enum token_kind)k));
		struct lexer l;
		lex_start(&l, b.mem, b.diags, b.file);
		assert_int_equal(lex_next(&l).kind, k);
		assert_int_equal(lex_next(&l).kind, TK_EOF);
		bench_free(&b);
	}
}

static void
test_escapes(void **state)
{
	struct bench b = bench_new("\"\\n\\t\\r\\\"\\\\\\1\\12\\377\\x4\\X4f\"");
	struct lexer l;

	(void)state;
	lex_start(&l, b.mem, b.diags, b.file);
	struct token t = lex_next(&l);
	assert_int_equal(t.str_len, 10);
	assert_memory_equal(t.str, "\n\t\r\"\\\1\12\377\4O", 10);
	assert_int_equal(diags_count(b.diags), 0);
	bench_free(&b);
}

static void
test_words(void **state)
{
	struct bench b = bench_new("if iff While while struct");
	struct lexer l;

	(void)state;
	lex_start(&l, b.mem, b.diags, b.file);
	assert_int_equal(lex_next(&l).word, WORD_IF);
	assert_int_equal(lex_next(&l).word, WORD_NONE);
	assert_int_equal(lex_next(&l).word, WORD_NONE);
	assert_int_equal(lex_next(&l).word, WORD_WHILE);
	assert_int_equal(lex_next(&l).word, WORD_STRUCT);
	bench_free(&b);
}

/* ---- places and messages ---- */

static void
assert_place(struct sonde_span at, uint32_t line, uint32_t col, uint32_t end_line, uint32_t end_col)
{
	if (at.line != line || at.col != col || at.end_line != end_line || at.end_col != end_col)
		fail_msg("%u:%u-%u:%u", at.line, at.col, at.end_line, at.end_col);
}

static void
test_places(void **state)
{
	struct bench b = bench_new("ab\n\ncde\nf");

	(void)state;
	assert_place(diags_place(b.diags, (struct span){ 0, 1, 0 }), 1, 1, 1, 2);
	assert_place(diags_place(b.diags, (struct span){ 0, 2, 0 }), 1, 1, 1, 3);
	assert_place(diags_place(b.diags, (struct span){ 0, 3, 0 }), 1, 1, 1, 4); /* with the line's end */
	assert_place(diags_place(b.diags, (struct span){ 3, 1, 0 }), 2, 1, 2, 2);
	assert_place(diags_place(b.diags, (struct span){ 4, 3, 0 }), 3, 1, 3, 4);
	assert_place(diags_place(b.diags, (struct span){ 1, 5, 0 }), 1, 2, 3, 3);
	assert_place(diags_place(b.diags, (struct span){ 8, 1, 0 }), 4, 1, 4, 2);
	assert_place(diags_place(b.diags, (struct span){ 9, 1, 0 }), 4, 2, 4, 3); /* end of the text */
	assert_place(diags_place(b.diags, (struct span){ 4, 0, 0 }), 3, 1, 3, 1);
	struct sonde_span none = diags_place(b.diags, NO_SPAN);
	assert_null(none.file);
	assert_int_equal(none.line, 0);
	assert_string_equal(diags_place(b.diags, (struct span){ 0, 1, 0 }).file, "t.bt");
	assert_null(diags_source(b.diags, 1));
	assert_int_equal(diags_source(b.diags, 0)->len, 9);
	bench_free(&b);
}

static void
test_span_join(void **state)
{
	struct span j = span_join((struct span){ 5, 2, 0 }, (struct span){ 1, 3, 0 });

	(void)state;
	assert_int_equal(j.off, 1);
	assert_int_equal(j.len, 6);
	j = span_join((struct span){ 5, 2, 0 }, (struct span){ 1, 30, 1 });
	assert_int_equal(j.len, 2);
}

static void
assert_render(const struct diags *d, size_t i, bool colour, const char *want)
{
	struct buf out = { 0 };

	diags_render(d, i, colour, &out);
	assert_string_equal(buf_cstr(&out), want);
	buf_free(&out);
}

static void
test_render(void **state)
{
	struct bench b = bench_new("ab\n\tc\td \xc3\xa9 e\nf");

	(void)state;
	assert_false(diag_error(b.diags, (struct span){ 6, 1, 0 }, E_NAME, "bad %s", "d"));
	diag_hint(b.diags, "first");
	diag_hint(b.diags, "second %d", 2);
	assert_render(b.diags, 0, false,
		      "t.bt:2:4-5: ERROR: bad d\n    c    d \xc3\xa9 e\n         ~\nHINT: first\nHINT: second 2\n");
	diag_warn(b.diags, (struct span){ 11, 1, 0 }, W_CAST, "after a wide letter");
	assert_render(b.diags, 1, true,
		      "t.bt:2:9-10: \033[33mWARNING\033[0m: after a wide letter\n    c    d \xc3\xa9 e\n"
		      "             ~\n");
	diag_warn(b.diags, (struct span){ 3, 3, 0 }, W_CAST, "tabs");
	assert_render(b.diags, 1, false, "t.bt:2:1-4: WARNING: tabs\n    c    d \xc3\xa9 e\n~~~~~~~~~\n");
	diag_error(b.diags, (struct span){ 1, 13, 0 }, E_TYPE, "two lines");
	assert_render(b.diags, 0, true,
		      "t.bt:1-3: \033[31mERROR\033[0m: two lines\nab\n    c    d \xc3\xa9 e\nf\n");
	diag_error(b.diags, NO_SPAN, E_IO, "no\nplace\x1b");
	assert_render(b.diags, 2, false, "ERROR: no place?\n");
	diag_error(b.diags, (struct span){ 14, 1, 0 }, E_SYNTAX, "at the end");
	assert_render(b.diags, 2, false, "t.bt:3:2-3: ERROR: at the end\nf\n ~\n");
	assert_render(b.diags, 99, false, "");
	bench_free(&b);
}

static void
test_order(void **state)
{
	struct bench b = bench_new("abcdefgh");

	(void)state;
	diag_warn(b.diags, (struct span){ 0, 1, 0 }, W_CAST, "w0");
	diag_error(b.diags, NO_SPAN, E_IO, "nowhere");
	diag_error(b.diags, (struct span){ 5, 1, 0 }, E_TYPE, "e5");
	diag_error(b.diags, (struct span){ 2, 1, 0 }, E_TYPE, "e2");
	diag_error(b.diags, (struct span){ 2, 1, 0 }, E_TYPE, "e2 again");
	diag_hint(b.diags, "hint of again");
	diag_error(b.diags, (struct span){ 5, 1, 0 }, E_TYPE, "e5"); /* said already */
	diag_hint(b.diags, "goes nowhere");
	static const char *const want[] = { "e2", "e2 again", "e5", "nowhere", "w0" };
	assert_int_equal(diags_count(b.diags), 5);
	assert_int_equal(diags_errors(b.diags), 4);
	for (size_t i = 0; i < LENGTH(want); i++)
		assert_string_equal(diags_at(b.diags, i)->text, want[i]);
	assert_string_equal(diags_at(b.diags, 1)->hint, "hint of again");
	assert_null(diags_at(b.diags, 2)->hint);
	assert_string_equal(diags_at(b.diags, 0)->tag, "E_TYPE");
	assert_int_equal(diags_at(b.diags, 4)->level, SONDE_WARNING);
	assert_null(diags_at(b.diags, 5));
	assert_null(diags_at(b.diags, 3)->at.file);
	diags_reset(b.diags);
	assert_int_equal(diags_count(b.diags), 0);
	assert_null(diags_source(b.diags, 0));
	assert_int_equal(diags_add_source(b.diags, "u", "x", 1), 0);
	bench_free(&b);
}

static void
test_too_many(void **state)
{
	struct bench b = bench_new("abcdefgh");

	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		diag_error(b.diags, (struct span){ i % 8, 1, 0 }, E_TYPE, "error %u", i);
		diag_warn(b.diags, (struct span){ i % 8, 1, 0 }, W_CAST, "warning %u", i);
	}
	assert_int_equal(diags_errors(b.diags), 51);
	assert_int_equal(diags_count(b.diags), 102);
	assert_string_equal(diags_at(b.diags, 50)->text, "too many errors, the rest is not shown");
	assert_string_equal(diags_at(b.diags, 0)->text, "error 0");
	bench_free(&b);
}

static void
test_tag_names(void **state)
{
	(void)state;
	assert_string_equal(diag_tag_name(E_SYNTAX), "E_SYNTAX");
	assert_string_equal(diag_tag_name(W_RUNTIME), "W_RUNTIME");
	assert_string_equal(diag_tag_name(N_DIAG_TAGS), "E_INTERNAL");
}

/* ---- near names ---- */

static const char *
nearest(const char *name)
{
	static const char *const names[] = { "printf", "print", "strncmp", "str", "kstack", "ustack", "pid", "comm" };
	struct near near = { 0 };

	for (size_t i = 0; i < LENGTH(names); i++)
		near_offer(&near, name, names[i]);
	return near.best;
}

static void
test_near(void **state)
{
	(void)state;
	assert_string_equal(nearest("prnitf"), "printf"); /* neighbours swapped: one edit */
	assert_string_equal(nearest("printff"), "printf");
	assert_string_equal(nearest("prin"), "print");
	assert_string_equal(nearest("strncnp"), "strncmp");
	assert_string_equal(nearest("PID"), "pid");
	assert_string_equal(nearest("Comm"), "comm");
	assert_string_equal(nearest("kstak"), "kstack");
	assert_null(nearest("gid2x"));
	assert_null(nearest("zz"));
	assert_null(nearest(""));
	assert_null(nearest("something_else_entirely"));
	struct near near = { 0 };
	char large[200] = "";
	memset(large, 'a', sizeof(large) - 1);
	near_offer(&near, large, "aaaa");
	near_offer(&near, "aaaa", large);
	assert_null(near.best);
}

/* ---- the parser ---- */

static struct node *
parse(struct bench *b, const char *text, const char *const *argv, int argc)
{
	struct parse_opts opts = { argv, argc, NULL };

	*b = bench_new(text);
	return parse_program(b->mem, b->diags, b->file, &opts);
}

static void
test_positionals(void **state)
{
	static const char *const argv[] = { "0x10", "text", "-7", "kprobe:f", "12" };
	struct bench b;
	struct node *n = parse(&b, "$4,i:ms:$5 { f($1, $2, $3, $9, $#, str($1)); }", argv, 5);

	(void)state;
	assert_non_null(n);
	struct node *probe = n->kid[0];
	assert_string_equal(probe->kid[0]->u.str, "kprobe:f");
	assert_string_equal(probe->kid[0]->next->u.str, "i:ms:12");
	struct node *arg = probe->kid[2]->kid[0]->kid[0]->kid[0];
	assert_int_equal(arg->kind, N_INT);
	assert_int_equal(arg->u.num, 16);
	arg = arg->next;
	assert_int_equal(arg->kind, N_STR);
	assert_string_equal(arg->u.str, "text");
	assert_int_equal(arg->op, 4);
	arg = arg->next;
	assert_int_equal(arg->kind, N_UNARY);
	assert_int_equal(arg->op, TK_MINUS);
	assert_int_equal(arg->kid[0]->u.num, 7);
	arg = arg->next;
	assert_int_equal(arg->kind, N_POSITIONAL);
	assert_int_equal(arg->u.num, 9);
	arg = arg->next;
	assert_int_equal(arg->kind, N_INT);
	assert_int_equal(arg->u.num, 5);
	arg = arg->next->kid[0]; /* str() takes the text later, by its own row */
	assert_int_equal(arg->kind, N_INT);
	bench_free(&b);
}

static void
test_literals_keep_their_range(void **state)
{
	struct bench b;
	struct node *n = parse(&b, "begin { f(9223372036854775807, 9223372036854775808); }", NULL, 0);

	(void)state;
	struct node *arg = n->kid[0]->kid[2]->kid[0]->kid[0]->kid[0];
	assert_int_equal(arg->op, 0);
	assert_int_equal(arg->next->op, 1);
	bench_free(&b);
}

static bool
count_node(struct node *n, void *ud)
{
	(void)n;
	++*(size_t *)ud;
	return n->kind != N_CALL;
}

static void
test_walk_and_copy(void **state)
{
	struct bench b;
	struct node *n = parse(&b, "begin /1/ { f(1, 2); @a[3] = 4; }", NULL, 0);
	size_t count = 0;

	(void)state;
	node_walk(n, count_node, &count); /* program probe attach int block expr call | assign map int int */
	assert_int_equal(count, 11);
	struct node *copy = node_copy(b.mem, n);
	assert_ptr_not_equal(copy->kid[0]->kid[2], n->kid[0]->kid[2]);
	struct buf one = { 0 }, two = { 0 };
	node_dump(n, &one);
	node_dump(copy, &two);
	assert_string_equal(buf_cstr(&one), buf_cstr(&two));
	buf_free(&one);
	buf_free(&two);
	struct node *first = n->kid[0]->kid[2]->kid[0];
	assert_non_null(first->next);
	assert_null(node_copy(b.mem, first)->next); /* the node's own next is not its part */
	assert_null(node_copy(b.mem, NULL));
	bench_free(&b);
}

/* Long, but neither deep nor slow: 20000 statements, 900 operators, 900 times else if, 20000 arguments. */
static void
test_long(void **state)
{
	static const struct {
		const char *head, *piece, *tail;
		int times;
	} programs[] = {
		{ "begin {", "@a[pid] += 1;\n", "}", 20000 },
		{ "begin { $a = 1", "+ 1", "; }", 900 },
		{ "begin { if (1) { }", "else if (2) { } ", "}", 900 },
		{ "begin { $a = ", "1 ? 2 : ", "3; }", 900 },
		{ "begin { f(1", ", 2", "); }", 20000 },
		{ "begin", ",kprobe:f", "{ }", 20000 },
		{ "begin { @a[1", ",2", "]++; }", 20000 },
		{ "", "begin { }", "", 20000 },
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(programs); i++) {
		struct buf text = { 0 };
		struct bench b;
		buf_str(&text, programs[i].head);
		for (int k = 0; k < programs[i].times; k++)
			buf_str(&text, programs[i].piece);
		buf_str(&text, programs[i].tail);
		struct node *n = parse(&b, buf_cstr(&text), NULL, 0);
		if (!n)
			fail_msg("%s...: %s", programs[i].piece, diags_at(b.diags, 0)->text);
		assert_non_null(node_copy(b.mem, n));
		bench_free(&b);
		buf_free(&text);
	}
}

static void
test_deep(void **state)
{
	static const char *const pieces[] = { "(", "{", "- ", "!(", "@a[", "f(", "1 ? ", "1 + (", "if ", "$a = {", "(uint8)", "1+" };

	(void)state;
	for (size_t i = 0; i < LENGTH(pieces); i++) {
		struct buf text = { 0 };
		struct bench b;
		buf_str(&text, "begin { ");
		for (int k = 0; k < 20000; k++)
			buf_str(&text, pieces[i]);
		buf_str(&text, "1; }");
		assert_null(parse(&b, buf_cstr(&text), NULL, 0));
		if (strcmp(diags_at(b.diags, 0)->tag, "E_NESTING"))
			fail_msg("%s...: %s", pieces[i], diags_at(b.diags, 0)->text);
		assert_int_equal(diags_count(b.diags), 1);
		bench_free(&b);
		buf_free(&text);
	}
}

static void
test_unfinished(void **state)
{
	static const char *const open[] = {
		"begin {", "begin { f(", "@a[1", "\"abc", "/* x", "begin { /* }", "begin { \"}", "kprobe:f /(a/", "{{}",
		"begin { // }", "uprobe:/bin/*:f {",
	};
	static const char *const closed[] = {
		"", "1 + 2", "begin { }", "begin { \"{\" }", "1 // {", "1 /* { */", "}", "{}}", "\"abc\nd", "\"a\\\"b\"",
		"uprobe:/bin/*:f { }", "kprobe:\"a{\" { }", "# {}", "begin { } // {", "x /* a */",
	};

	(void)state;
	for (size_t i = 0; i < LENGTH(open); i++)
		if (!parse_is_unfinished(open[i], strlen(open[i])))
			fail_msg("finished: %s", open[i]);
	for (size_t i = 0; i < LENGTH(closed); i++)
		if (parse_is_unfinished(closed[i], strlen(closed[i])))
			fail_msg("unfinished: %s", closed[i]);
	assert_false(parse_is_unfinished("{", 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arena),
		cmocka_unit_test(test_arena_nomem),
		cmocka_unit_test(test_intern),
		cmocka_unit_test(test_buf),
		cmocka_unit_test(test_mem_strdup),
		cmocka_unit_test(test_number_good),
		cmocka_unit_test(test_number_bad),
		cmocka_unit_test(test_tokens),
		cmocka_unit_test(test_token_texts),
		cmocka_unit_test(test_escapes),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_span_join),
		cmocka_unit_test(test_render),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_tag_names),
		cmocka_unit_test(test_near),
		cmocka_unit_test(test_positionals),
		cmocka_unit_test(test_literals_keep_their_range),
		cmocka_unit_test(test_walk_and_copy),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_unfinished),
	};

	return cmocka_run_group_tests_name("lang", tests, NULL, NULL);
}
