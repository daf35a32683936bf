/* fuzz_cdef.c - C definitions against the pinned kernel: no crash, no failure without an error, no field outside of its
 * struct.  A first byte below 128: the rest is the script; else it chooses among the productions of a small grammar. */
#include <stdio.h>
#include <stdlib.h>
#include "sema/cdef.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct maker {
	const uint8_t *data;
	size_t len, n;
	char text[16384];
	int depth;
};

static unsigned
choose(struct maker *m, unsigned n)
{
	if (!m->len)
		return 0;
	m->len--;
	return *m->data++ % n;
}

static void
put(struct maker *m, const char *s)
{
	size_t n = strlen(s);

	if (m->n + n < sizeof(m->text)) {
		memcpy(m->text + m->n, s, n);
		m->n += n;
	}
}
#define PICK(m, ...) put(m, (const char *const[]){ __VA_ARGS__ }[choose(m, sizeof((const char *const[]){ __VA_ARGS__ }) / sizeof(char *))])
#define NAMES "a", "b", "c", "d", "e", "x1", "X", "list_head", "task_struct", "u32"

static void
number(struct maker *m)
{
	if (++m->depth > 6) {
		put(m, "1");
	} else {
		switch (choose(m, 8)) {
		default: PICK(m, "1", "3", "8", "16", "0", "-1", "0x7fffffff", "4294967296UL", "'a'", "A", "B", "C", "PIDTYPE_PID"); break;
		case 4:
			put(m, "(");
			number(m);
			PICK(m, " + ", " - ", " * ", " / ", " % ", " << ", " >> ", " & ", " | ", " == ", " < ", " && ", " || ", " ^ ");
			number(m);
			put(m, ")");
			break;
		case 5:
			PICK(m, "-", "~", "!", "(char)", "(unsigned long)", "(u32)");
			number(m);
			break;
		case 6:
			number(m);
			put(m, " ? ");
			number(m);
			put(m, " : ");
			number(m);
			break;
		case 7: PICK(m, "sizeof(struct a)", "sizeof(int)", "sizeof(u)", "_Alignof(struct b)", "sizeof(enum c)", "sizeof 1"); break;
		}
	}
	m->depth--;
}

static void
attribute(struct maker *m)
{
	PICK(m, "", "", "", "", " __attribute__((packed))", " __attribute__((aligned(8)))", " __attribute__((aligned))", " __packed",
	     " __attribute__((packed, aligned(2)))", " __aligned(16)");
}

static void body(struct maker *m);

static void
type(struct maker *m)
{
	switch (choose(m, 6)) {
	default:
		PICK(m, "int", "char", "unsigned", "long", "short", "bool", "u8", "u64", "void", "double", "unsigned char", "size_t", "const char __user",
		     "t", "u", "struct list_head", "enum pid_type", "struct task_struct", "signed", "long long unsigned int", "__int128");
		break;
	case 3:
		PICK(m, "struct ", "union ", "enum ");
		PICK(m, NAMES);
		break;
	case 4:
		PICK(m, "struct ", "union ", "struct a ");
		body(m);
		attribute(m);
		break;
	case 5: PICK(m, "enum { A }", "enum c { A, B = 5, C }", "enum { B = 1 << 31 }", "enum { C = A + 1 } __attribute__((packed))"); break;
	}
}

static void
declarator(struct maker *m)
{
	put(m, " ");
	for (unsigned n = choose(m, 4); n > 1; n--)
		put(m, "*");
	if (choose(m, 6) == 0) {
		PICK(m, "(*", "(", "(**");
		PICK(m, NAMES);
		PICK(m, ")", ")[2]", ")(void)", "[3])(int, char *)");
		return;
	}
	PICK(m, NAMES);
	for (unsigned n = choose(m, 8); n > 5; n--) {
		put(m, "[");
		if (choose(m, 5))
			number(m);
		put(m, "]");
	}
}

static void
body(struct maker *m)
{
	put(m, "{ ");
	for (unsigned n = ++m->depth > 4 ? 1 : choose(m, 6); n; n--) {
		type(m);
		switch (choose(m, 5)) {
		default: declarator(m); break;
		case 2: break;
		case 3:
			declarator(m);
			put(m, " : ");
			number(m);
			break;
		case 4:
			declarator(m);
			put(m, ",");
			declarator(m);
			break;
		}
		attribute(m);
		put(m, "; ");
		PICK(m, "", "", "", "\n#ifdef A\n", "\n#else\n", "\n#endif\n", "\n#define A 3\n");
	}
	put(m, "}");
	m->depth--;
}

static void
line(struct maker *m)
{
	PICK(m, "#define A ", "#define B ", "#define int ", "#if ", "#elif ", "#ifdef ", "#ifndef ", "#else\n", "#endif\n", "#undef A\n", "#define C(x) ",
	     "#pragma pack(1)\n", "#pragma pack(push, 2)\n", "#pragma pack(pop)\n", "#include <linux/fs.h>\n", "#define t ");
	if (m->n && m->text[m->n - 1] != '\n') {
		if (choose(m, 2))
			number(m);
		else
			PICK(m, "A", "B", "C", "long", "defined(A)", "A(1)", "\"text\"", "struct a", "", "(A + B)", "A \\\n + B");
		put(m, "\n");
	}
}

static void
make_script(struct maker *m)
{
	for (unsigned n = 1 + choose(m, 6); n; n--) {
		switch (choose(m, 5)) {
		case 0:
			put(m, "typedef ");
			type(m);
			PICK(m, " t", " u", " *t", " t[3]", " (*t)(int)", "");
			attribute(m);
			put(m, ";\n");
			break;
		case 1:
			PICK(m, "enum c { A, B }", "enum { A = ", "enum d { X = ");
			if (m->text[m->n - 1] == ' ') {
				number(m);
				put(m, ", C }");
			}
			put(m, ";\n");
			break;
		case 2: line(m); break;
		default:
			PICK(m, "struct a ", "struct b ", "union u ", "struct ", "struct list_head ", "struct d ");
			body(m);
			attribute(m);
			PICK(m, ";\n", "\n");
		}
	}
	PICK(m, "begin { print((A, B)); print(((struct a *)0)->b); }", "begin { print(C); }", "begin { @[A] = sizeof(struct a); }\n#endif", "");
}

static void
require(bool ok)
{
	if (!ok)
		abort();
}

static void
check_record(const struct type *t)
{
	require(!t->is_open && t->align && (t->align & (t->align - 1)) == 0);
	for (uint32_t i = 0; i < t->n; i++) {
		const struct field *f = &t->fields[i];

		require(f->off <= t->size && f->type->size <= t->size - f->off);
		require(!f->bit_len || (type_is_number(f->type) && f->bit_off + f->bit_len <= f->type->size * 8));
	}
}

static void
run(struct compile *c, const char *text, size_t len)
{
	struct parse_opts opts = { .c = c->c_file = cdef_file(c) };
	bool ok;

	c->file = diags_add_source(c->diags, "fuzz", text, len);
	c->prog = parse_program(c->tmp, c->diags, c->file, &opts);
	require((c->prog != NULL) == (diags_errors(c->diags) == 0));
	if (!c->prog)
		return;
	ok = cdef_apply(c);
	require(ok == (diags_errors(c->diags) == 0));
	if (!ok)
		return;
	for (uint32_t i = 0; i < c->cdefs->n_all; i++)
		if (c->cdefs->all[i]->body)
			check_record(c->cdefs->all[i]->record);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct sonde_opts opts = { .size = sizeof(opts), .sysroot = "tests/data/kernel" };
	struct compile c = { .plugs = &plugs, .limit = { 4096, 1024, 1024, 1024, 32 } };
	static struct maker m;
	struct buf out = { 0 };

	if (!len || context_new(&opts, &c.ctx) < 0)
		return 0;
	m = (struct maker){ .data = data + 1, .len = len - 1 };
	if (data[0] < 128)
		m.n = len - 1 < sizeof(m.text) ? (memcpy(m.text, data + 1, len - 1), len - 1) : 0;
	else
		make_script(&m);
	if (getenv("SHOW"))
		fprintf(stderr, "%.*s\n", (int)m.n, m.text);
	c.opts = &c.ctx->opts;
	c.diags = c.ctx->diags;
	c.kernel = kernel_open(c.ctx);
	c.tmp = arena_new();
	c.img = image_new();
	c.keep = c.img->keep;
	c.types = c.img->types;
	run(&c, m.text, m.n);
	for (size_t i = 0; i < diags_count(c.diags); i++)
		diags_render(c.diags, i, false, &out);
	buf_free(&out);
	arena_free(c.tmp);
	image_unref(c.img);
	kernel_close(c.kernel);
	context_free(c.ctx);
	return 0;
}
