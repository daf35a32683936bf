/* test_cdef.c - C definitions (LANGUAGE 1.2): where members lie and what enumerators are, compared with the host's compiler,
 * for definitions written here and for thousands of made ones. */
#include "tests/unit/kernel_at_hand.h"
#include <unistd.h>
#include "sema/cdef.h"

struct script { struct fixture f; struct compile c; struct c_file *file; };

static void
open_script(struct script *s)
{
	s->f = open_kernel(FAKE_ROOT, FAKE_BTF);
	s->c = (struct compile){
		.ctx = s->f.ctx, .plugs = &plugs, .kernel = s->f.k, .opts = &s->f.ctx->opts, .diags = s->f.ctx->diags,
		.tmp = arena_new(), .img = image_new(), .limit = { 4096, 1024, 1024, 1024, 32 },
	};
	s->c.keep = s->c.img->keep;
	s->c.types = s->c.img->types;
}

static void
close_script(struct script *s)
{
	arena_free(s->c.tmp);
	image_unref(s->c.img);
	close_kernel(&s->f);
}

static bool
define(struct script *s, const char *src, size_t len)
{
	struct parse_opts opts = { .c = s->c.c_file = cdef_file(&s->c) };

	diags_reset(s->c.diags);
	s->c.file = diags_add_source(s->c.diags, "t.bt", src, len);
	s->c.prog = parse_program(s->c.tmp, s->c.diags, s->c.file, &opts);
	return s->c.prog && cdef_apply(&s->c);
}

static void
must_define(struct script *s, const char *src, size_t len)
{
	struct buf b = { 0 };

	if (define(s, src, len))
		return;
	diags_render(s->c.diags, 0, false, &b);
	fail_msg("%s", buf_cstr(&b));
}

/* ---- the host's compiler ---- */

static const char prelude[] =
	"#include <stdio.h>\n#include <string.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <stdbool.h>\n#include <sys/types.h>\n"
	"typedef uint8_t u8; typedef uint16_t u16; typedef uint32_t u32; typedef uint64_t u64; typedef int64_t s64;\n"
	"#define PLACE(t, p) printf(\"%zu %zu\\n\", __builtin_offsetof(t, p), sizeof(((t *)0)->p))\n"
	"#define BITS(t, p) do { t x; memset(&x, 0, sizeof x); x.p = -1; for (size_t i = 0; i < sizeof x; i++) "
	"printf(\"%02x\", ((unsigned char *)&x)[i]); puts(\"\"); } while (0)\n"
	"#define WHOLE(t) printf(\"%zu %zu\\n\", sizeof(t), _Alignof(t))\n#define VALUE(e) printf(\"%lld %zu %d\\n\", (long long)(e), sizeof(E_ ## e), (E_ ## e)-1 < 0)\n";

/* Compiles the text and gives what the program says; NULL: there is no compiler. */
static char *
run_host(const char *text)
{
	char dir[] = "/tmp/sonde-cdef-XXXXXX", path[64], command[256], *out = NULL;
	FILE *f;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/t.c", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(prelude, f);
	fputs(text, f);
	fclose(f);
	snprintf(command, sizeof(command), "cc -std=gnu11 -w -O0 -o %s/t %s/t.c 2>%s/log; %s/t >%s/out 2>>%s/log", dir, dir, dir, dir, dir, dir);
	if (system("command -v cc >/dev/null 2>&1") == 0) {
		if (system(command) != 0) {
			snprintf(command, sizeof(command), "head -20 %s/log; echo %s", dir, path);
			if (system(command) == 0)
				fail_msg("the host's compiler does not take the test");
		}
		snprintf(path, sizeof(path), "%s/out", dir);
		assert_true(file_read(-100, path, &out) >= 0);
	}
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	assert_int_equal(system(command), 0);
	return out;
}

/* ---- definitions and what is asked of them ---- */

struct test_def { const char *text, *asked; }; /* asked: "TYPE member :bit_field inner.member ..."; the first word is the type's name */
static const struct test_def defs[] = {
	{ "struct a1 { char c; int i; };", "struct_a1 c i" },
	{ "struct a2 { char c; short s; int i; long l; char d; };", "struct_a2 c s i l d" },
	{ "struct a3 { char c; double d; float f; long double ld; };", "struct_a3 c d f ld" },
	{ "struct a4 { bool b; _Bool c[3]; unsigned u; };", "struct_a4 b c u" },
	{ "struct a5 { void *p; int (*f)(int, char *); char **q[2]; };", "struct_a5 p f q" },
	{ "struct a6 { char m[2][3][4]; short (*pa)[7]; int (*h[3])(void); };", "struct_a6 m pa h" },
	{ "struct a7 { struct a1 x; struct a1 y[2]; char z; };", "struct_a7 x y z x.i" },
	{ "struct a8 { char c; union { int i; long l; struct { char p, q; }; }; char e; };", "struct_a8 c i l p q e" },
	{ "struct a9 { struct { int a; struct { short b; char c; } in; } out; char t; };", "struct_a9 out out.a out.in out.in.b out.in.c t" },
	{ "union b1 { char c[5]; int i; };", "union_b1 c i" },
	{ "union b2 { struct a2 s; long l[9]; char c; };", "union_b2 s l c s.l" },
	{ "struct b3 { int n; int flex[]; };", "struct_b3 n" },
	{ "struct b4 { char n; long zero[0]; };", "struct_b4 n zero" },
	{ "struct b5 { };", "struct_b5" },
	{ "struct b6 { struct b5 e; int i; };", "struct_b6 e i" },
	{ "struct c1 { char c; int i; } __attribute__((packed));", "struct_c1 c i" },
	{ "struct __attribute__((packed)) c2 { char c; long l; short s; };", "struct_c2 c l s" },
	{ "struct c3 { char c; int i __attribute__((packed)); short s; };", "struct_c3 c i s" },
	{ "struct c4 { char c; int i; } __attribute__((packed, aligned(4)));", "struct_c4 c i" },
	{ "struct c5 { char c; char d __attribute__((aligned(16))); char e; };", "struct_c5 c d e" },
	{ "struct c6 { char c; struct c5 in; } __attribute__((packed));", "struct_c6 c in in.d" },
	{ "struct c7 { char c; } __attribute__((aligned));", "struct_c7 c" },
	{ "struct c8 { int i; struct c1 in; char t; };", "struct_c8 i in in.i t" },
	{ "struct c9 { char c; int i __attribute__((aligned(2))); } __attribute__((packed));", "struct_c9 c i" },
	{ "typedef int over __attribute__((aligned(16)));", "over" },
	{ "struct d1 { char c; over o; char d; };", "struct_d1 c o d" },
	{ "struct d2 { char c; over o; } __attribute__((packed));", "struct_d2 c o" },
	{ "#pragma pack(push, 1)\nstruct d3 { char c; long l; };\n#pragma pack(pop)", "struct_d3 c l" },
	{ "#pragma pack(2)\nstruct d4 { char c; long l; int b : 5; int d : 30; };\n#pragma pack()", "struct_d4 c l :b :d" },
	{ "#pragma pack(4)\nstruct d5 { char c; long l; char d __attribute__((aligned(8))); };\n#pragma pack()", "struct_d5 c l d" },
	{ "struct e1 { unsigned a : 3, b : 5, c : 24; };", "struct_e1 :a :b :c" },
	{ "struct e2 { int a : 30; int b : 3; char c; };", "struct_e2 :a :b c" },
	{ "struct e3 { char c; int a : 7; };", "struct_e3 c :a" },
	{ "struct e4 { char c; int a : 25; };", "struct_e4 c :a" },
	{ "struct e5 { char a : 4; char : 0; char b : 4; };", "struct_e5 :a :b" },
	{ "struct e6 { char a : 4; long : 0; char b : 4; };", "struct_e6 :a :b" },
	{ "struct e7 { char a : 4; int : 20; char b; };", "struct_e7 :a b" },
	{ "struct e8 { long a : 40; long b : 40; u64 c : 1; };", "struct_e8 :a :b :c" },
	{ "struct e9 { short a : 9; short b : 9; char c : 2; };", "struct_e9 :a :b :c" },
	{ "struct f1 { u8 a : 4; u32 b : 20; u16 c : 7; } __attribute__((packed));", "struct_f1 :a :b :c" },
	{ "struct f2 { bool a : 1; bool b : 1; u8 c : 6; bool d; };", "struct_f2 :a :b :c d" },
	{ "enum few { X, Y };\nstruct f3 { enum few e : 2; unsigned u : 30; enum few w; };", "struct_f3 :e :u w" },
	{ "struct f4 { int a : 5 __attribute__((packed)); int b : 30; };", "struct_f4 :a :b" },
	{ "struct f5 { int a : 5; int b : 3 __attribute__((aligned(8))); int c : 2; };", "struct_f5 :a :b :c" },
	{ "union f6 { int a : 3; long b : 33; char c; };", "union_f6 :a :b c" },
	{ "struct f7 { char c; long b : 5; char d; };", "struct_f7 c :b d" },
	{ "struct f8 { unsigned a : 1; struct { unsigned b : 2; char c; }; unsigned d : 3; };", "struct_f8 :a :b c :d" },
	{ "enum tiny { T1 = 200 } __attribute__((packed));\nstruct g1 { enum tiny t; char c; };", "struct_g1 t c" },
	{ "enum wide { W1 = 0x100000000, W2 };\nstruct g2 { enum wide w; char c; };", "struct_g2 w c" },
	{ "enum neg { N1 = -1, N2 = 5 };\nstruct g3 { char c; enum neg n; };", "struct_g3 c n" },
	{ "#define LEN 4\n#define TWICE (LEN * 2)\nstruct g4 { char a[TWICE + sizeof(struct a1)]; int b[LEN == 4 ? 3 : 9]; };", "struct_g4 a b" },
	{ "typedef struct { int a; char b; } anon;\ntypedef anon list[3];\nstruct g5 { char c; list l; anon *p; };", "struct_g5 c l p" },
	{ "struct g6 { struct g6 *next; struct g7 *other; };\nstruct g7 { struct g6 in; char c; };", "struct_g7 in c in.other" },
	{ "struct g8 { const volatile unsigned long int long a; unsigned char const b; signed c; long unsigned d; };", "struct_g8 a b c d" },
	{ "typedef int (*handler)(struct g6 *, int);\ntypedef handler table[2];\nstruct g9 { char c; table t; handler *p; };", "struct_g9 c t p" },
	{ "struct h1 { size_t n; u16 a; s64 b; uint8_t c; int16_t d; };", "struct_h1 n a b c d" },
	{ "struct h2 {\n#ifdef SONDE\n\tlong l;\n#else\n\tint i;\n#endif\n\tchar c; };", "struct_h2 c" },
	{ "struct h3 { char a[_Alignof(long)], b['b' - 'a' + 1], c[010], d[0x1f & ~0xf], e[(char)300], f[-1 < 0U ? 1 : 2]; };", "struct_h3 a b c d e f" },
	{ "struct h4 { union { struct { u8 lo, hi; } __attribute__((packed)); u16 both; } u[2]; u8 t; };", "struct_h4 u t" },
	{ "struct h5 { u8 a; struct { u32 b; } __attribute__((packed)) in; u8 c; };", "struct_h5 a in in.b c" },
	{ "struct h6 { __extension__ union { long l; char c; }; int i; };", "struct_h6 l c i" },
};

/* "struct_a1": "struct a1"; copies up to the next blank. */
static const char *
word(const char *at, char *out, bool is_type)
{
	size_t n = strcspn(at, " ");

	memcpy(out, at, n);
	out[n] = '\0';
	if (is_type && (!strncmp(out, "struct_", 7) || !strncmp(out, "union_", 6)))
		*strchr(out, '_') = ' ';
	return at + n + strspn(at + n, " ");
}

static void
host_questions(const struct test_def *d, struct buf *out)
{
	char type[64], name[64];
	const char *at = word(d->asked, type, true);

	buf_fmt(out, "\tWHOLE(%s);\n", type);
	while (*at) {
		at = word(at, name, false);
		buf_fmt(out, name[0] == ':' ? "\tBITS(%s, %s);\n" : "\tPLACE(%s, %s);\n", type, name + (name[0] == ':'));
	}
}

static struct field
find(struct script *s, const struct type *t, const char *path)
{
	struct field f = { 0 };
	uint32_t off = 0;
	char one[64];

	while (*path) {
		size_t n = strcspn(path, ".");

		memcpy(one, path, n);
		one[n] = '\0';
		if (!kernel_field(s->c.kernel, s->c.types, t, one, &f))
			fail_msg("%s has no %s: %.*s", type_name(s->c.tmp, t), one, 300, strstr(diags_source(s->c.diags, 0)->text, type_name(s->c.tmp, t)));
		off += f.off;
		t = f.type;
		path += n + (path[n] == '.');
	}
	f.off = off;
	return f;
}

static void
show_bits(const struct type *t, const struct field *f, struct buf *out)
{
	unsigned char *bytes = calloc(1, t->size + 1);
	uint32_t n = f->type->kind == T_BOOL && f->bit_len == 0 ? 1 : f->bit_len ? f->bit_len : f->type->size * 8;

	assert_true(f->off + f->type->size <= t->size);
	for (uint32_t i = 0; i < n; i++)
		bytes[f->off + (f->bit_off + i) / 8] |= (unsigned char)(1 << (f->bit_off + i) % 8);
	for (uint32_t i = 0; i < t->size; i++)
		buf_fmt(out, "%02x", bytes[i]);
	buf_char(out, '\n');
	free(bytes);
}

static void
our_answers(struct script *s, const struct test_def *d, struct buf *out)
{
	char type[64], name[64];
	const char *at = word(d->asked, type, true);
	const char *key = str_intern(s->c.tmp, type, strlen(type));
	const struct type *t = cdef_type(&s->c, key);

	if (!t)
		fail_msg("%s is not known", type);
	const struct meaning *alias = c_table_get(&s->c.cdefs->aliases, key);
	struct meaning m = alias ? *alias : cdef_meaning(s->c.cdefs, t);
	buf_fmt(out, "%u %u\n", m.size, m.align);
	while (*at) {
		at = word(at, name, false);
		struct field f = find(s, t, name + (name[0] == ':'));
		if (name[0] == ':')
			show_bits(t, &f, out);
		else
			buf_fmt(out, "%u %u\n", f.off, f.type->size);
	}
}

/* The definition of the first name in parentheses of a question. */
static const char *
where(const char *script, const char *question)
{
	const char *name = strchr(question, '(') + 1, *at;
	char text[64];

	snprintf(text, sizeof(text), "%.*s ", (int)strcspn(name, ",)\n"), name);
	at = strstr(script, text);
	return at ? at : "";
}

/* Compares line by line; every line has its question. */
static void
compare(const char *ours, const char *host, const char *questions, const char *script)
{
	while (*ours || *host) {
		size_t n = strcspn(ours, "\n"), m = strcspn(host, "\n");

		if (n != m || memcmp(ours, host, n) != 0)
			fail_msg("%.*s we say %.*s, the compiler %.*s in:\n%.400s", (int)strcspn(questions, "\n"), questions, (int)n, ours, (int)m, host,
				 where(script, questions));
		ours += n + (ours[n] == '\n');
		host += m + (host[m] == '\n');
		questions += strcspn(questions, "\n");
		questions += *questions == '\n';
	}
}

static void
check_defs(const struct test_def *list, size_t n)
{
	struct buf script = { 0 }, questions = { 0 }, text = { 0 }, ours = { 0 };
	struct script s;
	char *host;

	for (size_t i = 0; i < n; i++) {
		buf_fmt(&script, "%s\n", list[i].text);
		host_questions(&list[i], &questions);
	}
	buf_fmt(&text, "#define SONDE 1\n%s\nint main(void) {\n%s\treturn 0;\n}\n", buf_cstr(&script), buf_cstr(&questions));
	host = run_host(buf_cstr(&text));
	if (!host)
		skip();
	open_script(&s);
	must_define(&s, buf_cstr(&script), script.len);
	for (size_t i = 0; i < n; i++)
		our_answers(&s, &list[i], &ours);
	compare(buf_cstr(&ours), host, buf_cstr(&questions), buf_cstr(&script));
	close_script(&s);
	mem_free(host);
	buf_free(&script);
	buf_free(&questions);
	buf_free(&text);
	buf_free(&ours);
}

static void
test_layout(void **state)
{
	(void)state;
	check_defs(defs, LENGTH(defs));
}

/* ---- made ones ---- */

static uint32_t
next_random(uint32_t *seed, uint32_t below)
{
	*seed = *seed * 1664525u + 1013904223u;
	return (uint32_t)(((uint64_t)(*seed >> 8) * below) >> 24);
}

static void
make_member(uint32_t *seed, unsigned made, unsigned i, struct buf *text, struct buf *asked)
{
	static const struct { const char *name; unsigned bits; } type[] = {
		{ "char", 8 }, { "unsigned char", 8 }, { "short", 16 }, { "int", 32 }, { "unsigned", 32 }, { "long", 57 }, { "u64", 57 }, { "bool", 1 },
	};
	static const char *const attr[] = { " __attribute__((packed))", " __attribute__((aligned(2)))", " __attribute__((aligned(8)))",
					    " __attribute__((packed, aligned(4)))" };
	uint32_t t = next_random(seed, LENGTH(type)), what = next_random(seed, 100);

	if (what < 45) {
		uint32_t bits = 1 + next_random(seed, type[t].bits);

		if (what < 4)
			buf_fmt(text, " %s : %u;", type[t].name, what < 2 ? 0 : bits);
		else
			buf_fmt(text, " %s m%u : %u%s;", type[t].name, i, bits, what < 8 ? attr[next_random(seed, LENGTH(attr))] : "");
		if (what >= 4)
			buf_fmt(asked, " :m%u", i);
		return;
	}
	if (what < 60 && made > 0)
		buf_fmt(text, " struct made%u m%u", next_random(seed, made), i);
	else
		buf_fmt(text, " %s m%u", type[t].name, i);
	if (what % 7 == 0)
		buf_fmt(text, "[%u]", next_random(seed, 4));
	buf_fmt(text, "%s;", what % 9 == 0 ? attr[next_random(seed, LENGTH(attr))] : "");
	buf_fmt(asked, " m%u", i);
}

static void
make_def(uint32_t *seed, unsigned made, struct buf *text, struct buf *asked)
{
	uint32_t n = next_random(seed, 8), style = next_random(seed, 24);

	buf_fmt(asked, "struct_made%u", made);
	if (style < 3)
		buf_fmt(text, "#pragma pack(%u)\n", 1u << style);
	buf_fmt(text, "struct made%u { %s", made, style < 5 || style == 6 ? "u64 first;" : ""); /* that holds every bit field of packed ones */
	for (unsigned i = 0; i < n; i++)
		make_member(seed, made, i, text, asked);
	buf_fmt(text, " }%s;\n", style == 3 || style == 4 ? " __attribute__((packed))" : style == 5 ? " __attribute__((aligned(16)))" :
				 style == 6 ? " __attribute__((packed, aligned(2)))" : "");
	if (style < 3)
		buf_str(text, "#pragma pack()");
}

static void
test_made_layouts(void **state)
{
	enum { N_MADE = 1000, MOST_TEXT = 4096 };
	static struct test_def made[N_MADE];
	static char texts[N_MADE][MOST_TEXT], asked[N_MADE][256];
	uint32_t seed = 20240817;

	(void)state;
	for (unsigned i = 0; i < N_MADE; i++) {
		struct buf text = { 0 }, ask = { 0 };

		make_def(&seed, i, &text, &ask);
		snprintf(texts[i], MOST_TEXT, "%s", buf_cstr(&text));
		snprintf(asked[i], sizeof(asked[i]), "%s", buf_cstr(&ask));
		made[i] = (struct test_def){ texts[i], asked[i] };
		buf_free(&text);
		buf_free(&ask);
	}
	check_defs(made, N_MADE);
}

/* ---- constants ---- */

static const char *const values[] = {
	"1 << 31", "1U << 31", "~0", "~0U", "-1 >> 1", "-1U >> 1", "0xffffffff", "4294967295", "-5 / 2", "-5 % 3", "7 % -4", "1 ? -1 : 0U",
	"'a'", "'\\n'", "'\\377'", "'\\x41'", "0x7fffffff + 0L + 1", "sizeof(int) - 5", "(unsigned char)-1", "(signed char)200", "!5", "!!5",
	"5 > -1", "5U > -1", "1 && 0 || 1", "0 && 1 / 0", "3 & 6 | 8 ^ 1", "2 + 3 * 4 - 1", "(2 + 3) * 4", "1 << 2 + 1", "-(-3)", "+4", "- - 2",
	"017", "0b101", "10UL << 33", "(long)1 << 40", "(int)(1UL << 40)", "1 == 1 != 0", "sizeof(long[3])", "sizeof(struct { char c; int i; })",
	"_Alignof(short)", "0x8000000000000000 >> 63", "1 ? 2 : 3 ? 4 : 5", "(short)0x12345", "sizeof 1L", "(0x10 | 1)", "-2147483648", "2147483648",
};

static void
test_enumerators(void **state)
{
	struct buf script = { 0 }, text = { 0 }, ours = { 0 }, questions = { 0 };
	struct script s;
	char name[32], *host;

	(void)state;
	for (size_t i = 0; i < LENGTH(values); i++) {
		buf_fmt(&script, "typedef enum { w%zu, v%zu = %s } E_v%zu;\n", i, i, values[i], i);
		buf_fmt(&questions, "\tVALUE(v%zu); /* %s */\n", i, values[i]);
	}
	buf_fmt(&text, "%s\nint main(void) {\n%s\treturn 0;\n}\n", buf_cstr(&script), buf_cstr(&questions));
	host = run_host(buf_cstr(&text));
	if (!host)
		skip();
	open_script(&s);
	must_define(&s, buf_cstr(&script), script.len);
	for (size_t i = 0; i < LENGTH(values); i++) {
		const struct type *t;
		int64_t v;

		snprintf(name, sizeof(name), "v%zu", i);
		assert_true(cdef_enum_value(&s.c, str_intern(s.c.tmp, name, strlen(name)), &v, &t));
		buf_fmt(&ours, "%lld %u %d\n", (long long)v, t->size, t->is_signed);
	}
	compare(buf_cstr(&ours), host, buf_cstr(&questions), buf_cstr(&script));
	close_script(&s);
	mem_free(host);
	buf_free(&script);
	buf_free(&text);
	buf_free(&ours);
	buf_free(&questions);
}

/* ---- kernel types beside the script's ---- */

static void
test_kernel_types_inside(void **state)
{
	static const char src[] = "struct mine { u8 c; struct qstr q; pid_t p; struct list_head *l; kuid_t u; enum pid_type t; char n; };\n"
				  "struct task_struct { int mine; };\nbegin { }";
	struct script s;
	struct field f;

	(void)state;
	open_script(&s);
	must_define(&s, src, strlen(src));
	const struct type *t = cdef_type(&s.c, str_intern(s.c.tmp, "struct mine", 11));
	assert_non_null(t);
	assert_int_equal(t->size, 56);
	assert_int_equal(find(&s, t, "q").off, 8);
	assert_int_equal(find(&s, t, "q.len").off, 12);
	assert_int_equal(find(&s, t, "u.val").off, 40);
	assert_int_equal(find(&s, t, "n").off, 48);
	assert_string_equal(find(&s, t, "t").type->name, "enum pid_type");
	/* The script's task_struct is the one that names and members mean. */
	const struct type *kernel = kernel_type(s.c.kernel, s.c.types, "struct task_struct");
	assert_true(script_field(&s.c, kernel, "mine", &f));
	assert_false(script_field(&s.c, kernel, "pid", &f));
	assert_true(kernel_field(s.c.kernel, s.c.types, kernel, "pid", &f));
	close_script(&s);
}

/* ---- headers ---- */

static const char header[] =
	"#pragma once\n#include <stdint.h>\n#define H_CONST (3UL << 4)\n#define H_TEXT \"text\"\n#define H_CALL(a) ((a) + 1)\n#define H_SELF H_SELF\n"
	"typedef struct { int a; union { int u; char c[4]; } in; unsigned f : 3; } nameless_t;\ntypedef enum { H_A = 4, H_B } kind_t;\n"
	"enum { H_X = H_CONST };\nstruct tight { char c; uint64_t v; char name[16]; struct { int deep; }; } __attribute__((packed));\n"
	"typedef int (*call_t)(struct tight *, int);\nstruct uses { struct later *p; call_t call; nameless_t list[2]; };\nstruct later { int z; };\n"
	"struct ours { int header; };\nstatic inline int function(int x) { return x; }\nextern int variable;\n";

/* A header beside the script, through libclang.  The script's own definitions win.  False: libclang is not here, and it says so. */
static bool
check_header(const char *first, const char *last)
{
	static const char defs_of_script[] = "struct ours { long a, b; };\nstruct mine { struct tight t; char x[H_CONST]; kind_t k; nameless_t n; };\n";
	static const char probe[] = "begin { print((H_CONST, H_TEXT, H_B, H_X)); }";
	char dir[] = "/tmp/sonde-cdef-XXXXXX", path[64], src[1024];
	struct parse_opts opts = { 0 };
	struct script s;
	int64_t v;

	snprintf(src, sizeof(src), "%s%s%s%s", first, defs_of_script, last, probe);
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/t.h", dir);
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(header, f);
	fclose(f);
	open_script(&s);
	opts.c = s.c.c_file = cdef_file(&s.c);
	path[strlen(path) - 1] = '\0';
	s.c.file = diags_add_source(s.c.diags, path, src, strlen(src));
	s.c.prog = parse_program(s.c.tmp, s.c.diags, s.c.file, &opts);
	assert_non_null(s.c.prog);
	bool ok = import_scripts(&s.c) && cdef_apply(&s.c);
	snprintf(path, sizeof(path), "%s/t.h", dir);
	unlink(path);
	rmdir(dir);
	bool is_missing = !ok && strcmp(diags_at(s.c.diags, 0)->tag, "E_UNSUPPORTED") == 0; /* no libclang here: it says so */
	if (!ok && !is_missing)
		fail_msg("%s", diags_at(s.c.diags, 0)->text);
	if (ok) {
		const struct type *mine = cdef_type(&s.c, str_intern(s.c.tmp, "struct mine", 11)), *t;

		assert_int_equal(mine->size, 29 + 48 + 3 + 4 + 12);
		assert_int_equal(find(&s, mine, "t.deep").off, 25);
		assert_int_equal(find(&s, mine, "n.in.c").off, 88);
		assert_int_equal(cdef_type(&s.c, str_intern(s.c.tmp, "struct uses", 11))->size, 40);
		assert_int_equal(cdef_type(&s.c, str_intern(s.c.tmp, "struct ours", 11))->size, 16);
		assert_true(cdef_enum_value(&s.c, str_intern(s.c.tmp, "H_X", 3), &v, &t) && v == 48);
	}
	close_script(&s);
	return !is_missing;
}

static void
test_header(void **state)
{
	(void)state;
	if (!check_header("#include \"t.h\"\n", "") || !check_header("", "import \"t.h\";\n"))
		skip();
}

/* ---- any bytes ---- */

static void
test_cut_definitions(void **state)
{
	static const char src[] = "#define A (1 + \\\n 2)\n#if defined(A) && A == 3\nstruct a { int x : A; char c['\\n']; struct { long y; } __attribute__((packed)) z; };\n"
				  "#else\n#error no\n#endif\ntypedef enum { P = 1 << A, Q } q_t;\n#pragma pack(push, 1)\ntypedef int (*f_t)(void), *g_t[A];\n";

	(void)state;
	for (size_t n = 0; n < sizeof(src); n++) {
		struct script s;

		open_script(&s);
		bool ok = define(&s, src, n);
		assert_int_equal(ok, diags_errors(s.c.diags) == 0);
		close_script(&s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_made_layouts),
		cmocka_unit_test(test_enumerators),
		cmocka_unit_test(test_kernel_types_inside),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_cut_definitions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
