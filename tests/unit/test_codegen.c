/* test_codegen.c - the emitter: scripts whose programs the kernel's verifier must accept and whose output is known (root), and what
 * of an object can be looked at without running it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include "codegen/gen.h"
#include "include/sonde.h"

struct fixture { sonde *ctx; struct buf out; struct buf log; };

static int
on_event(void *ud, const struct sonde_event *e)
{
	struct fixture *f = ud;

	if (e->kind == SONDE_EV_TEXT || e->kind == SONDE_EV_VALUE)
		buf_add(&f->out, e->text, e->len);
	else if (e->kind == SONDE_EV_RUNTIME_ERROR)
		buf_fmt(&f->out, "!%u:%u %llu\n", e->at.line, e->at.col, (unsigned long long)e->lost);
	else if (e->kind == SONDE_EV_LOG)
		buf_add(&f->log, e->text, e->len);
	return 0;
}

static int
setup_dump(void **state, const char *dump)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sonde_opts o = { .size = sizeof(o), .event = on_event, .ud = f, .flags = SONDE_TEST, .dump = dump };

	*state = f;
	return sonde_open(&o, &f->ctx);
}

static int
setup(void **state)
{
	return setup_dump(state, NULL);
}

static int
setup_ir(void **state)
{
	return setup_dump(state, "G");
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	sonde_close(f->ctx);
	buf_free(&f->out);
	buf_free(&f->log);
	free(f);
	return 0;
}

static int
compile(struct fixture *f, const char *src, sonde_image **img)
{
	return sonde_compile(f->ctx, "t.bt", src, strlen(src), NULL, 0, img);
}

/* ---- behaviour: begin { ... } is run by the kernel ---- */

static void
expect(struct fixture *f, const char *body, const char *want)
{
	struct buf src = { 0 };
	sonde_session *ses;
	sonde_image *img;

	buf_fmt(&src, "begin { %s }", body);
	if (compile(f, buf_cstr(&src), &img) != 0)
		fail_msg("%s: %s", body, sonde_errmsg(f->ctx));
	f->out.len = 0;
	if (sonde_attach(f->ctx, img, &ses) != 0)
		fail_msg("%s: %s", body, sonde_errmsg(f->ctx));
	sonde_poll(ses, 0);
	sonde_stop(ses);
	if (strcmp(buf_cstr(&f->out), want) != 0)
		fail_msg("%s\n gave: %s want: %s", body, buf_cstr(&f->out), want);
	sonde_session_free(ses);
	sonde_image_free(img);
	buf_free(&src);
}

#define NEEDS_ROOT() do { if (geteuid() != 0) { print_message("needs root\n"); skip(); } } while (0)
struct pair { const char *body, *want; };

static void
expect_all(void **state, const struct pair *p, size_t n)
{
	NEEDS_ROOT();
	for (size_t i = 0; i < n; i++)
		expect(*state, p[i].body, p[i].want);
}

static void
test_numbers(void **state)
{
	static const struct pair all[] = {
		{ "$a = (uint64)10; $b = (uint64)3; print(($a / $b, $a % $b, $a - 20, $a * $b));", "(3, 1, -10, 30)\n" },
		{ "$a = (uint64)10; $z = (uint64)0; print($a / $z);", "1\n!1:48 1\n" },
		{ "print((uint8)(-10)); print((uint16)131087); print((int8)200);", "246\n15\n-56\n" },
		{ "print(1024 >> 9); print(1 << 10); print(-1 >> 60); print(~10 == 18446744073709551605);", "2\n1024\n15\ntrue\n" },
		{ "$m = -5; print($m < 3); print((uint64)$m > 3); print(!0); print(!10);", "true\ntrue\ntrue\nfalse\n" },
		{ "$x = 1; print($x ?: 10); print(0 ?: 20); print($x == 1 && $x != 2 || $x > 5);", "1\n20\ntrue\n" },
		{ "$v = 3; print($v++); print(--$v); print(++$v); $v <<= 3; print($v); $v ^= 1; print($v);", "3\n3\n4\n32\n33\n" },
		{ "let $l : uint8 = 255; $l += 3; print($l); let $n; print($n);", "2\n0\n" },
		{ "$a = 5; $p = &$a; $a++; print(*$p); @x = 7; $q = &@x; print(*$q); clear(@x);", "6\n7\n" },
	};
	expect_all(state, all, LENGTH(all));
}

static void
test_text(void **state)
{
	static const struct pair all[] = {
		{ "$s = \"hello\"; print(($s == \"hello\", $s == \"hell\", \"\" == $s));", "(true, false, false)\n" },
		{ "$x = \"hello\"; $x = \"hi\"; print($x); $i = 1; print($x[$i]); $i = 90; print($x[$i]);", "hi\n105\n0\n!1:83 1\n" },
		{ "$s = str(0); print($s == \"\"); print((bool)$s); print((bool)\"a\"); print($s == $s);", "true\nfalse\ntrue\ntrue\n" },
		{ "$a = \"1234567890123456789012345678901234567890123456789012345678901234567\"; $b = str(0);"
		  "print($a == \"1234567890123456789012345678901234567890123456789012345678901234567\");"
		  "print($a == \"1234567890123456789012345678901234567890123456789012345678901234568\"); print($a == $b);", "true\nfalse\nfalse\n" },
		{ "$s = 1 ? \"abc\" : \"defgh\"; print($s); printf(\"%s|%s\\n\", $s == \"abc\" ? $s : \"other\", 0 ? \"x\" : \"yy\");", "abc\nabc|yy\n" },
		{ "print((int8[])\"abc\"); print((bool[2])(uint16)1); $a = (int8[4])(uint32)0x01020304; print($a[1]);",
		  "[97,98,99,0]\n[true,false]\n3\n" },
	};
	expect_all(state, all, LENGTH(all));
}

static void
test_maps(void **state)
{
	static const struct pair all[] = {
		{ "@a[1,\"x\"] = 5; @a[2,\"hello\"] = 7; @a[2,\"hello\"] += 3; print(@a[2,\"hello\"]); print(@a[3,\"q\"]); clear(@a);", "10\n0\n" },
		{ "@s[\"q\"] = \"str\"; $z = @s[\"q\"]; @s[$z] = \"r\"; print(@s[\"str\"]); print(@s[\"none\"]); clear(@s);", "r\n\n" },
		{ "@k[\"a\"]++; @k[\"a\"] -= 5; print(@k[\"a\"]); print(@k[\"a\"]++); print(++@k[\"a\"]); @k[\"z\"] *= 3; print(@k[\"z\"]); clear(@k);",
		  "-4\n-4\n-2\n0\n" },
		{ "@c = count(); @c = count(); if (@c == 2) { print(@c + 1); } @a = avg(-30); @a = avg(-10); @m = min(3); @m = min(-1);"
		  "print((@a, @c, @m)); clear(@c); clear(@a); clear(@m);", "3\n(-20, 2, -1)\n" },
		{ "$s = str(0); $t = ($s, 1, $s); @k[$t] = $t; $u = @k[$t]; print($u == $t); print(@k[$t].1); clear(@k);", "true\n1\n" },
		{ "@[1] = (1,\"a\"); @[2] = (2,\"bcd\"); print(@[2].1); print(@[9]); clear(@);", "bcd\n(0, )\n" },
		{ "@[1] = 1; @[2] = 2; delete(@[1]); print(len(@)); print(has_key(@, 1)); clear(@);", "1\nfalse\n" },
	};
	expect_all(state, all, LENGTH(all));
}

static void
test_tuples(void **state)
{
	static const struct pair all[] = {
		{ "print((1, 2, 3)[1 + 1]); $k = (1,(2,\"a\")); print($k.1.1); $r = (a=1,b=\"x\"); print($r.b);", "3\na\nx\n" },
		{ "print((1,\"ab\") == (1,\"ab\")); print((1,\"ab\") == (1,\"abc\"));", "true\nfalse\n" },
		{ "$t = (1, \"abc\", 3); $t = ($t.2, $t.1, $t.0); print($t);", "(3, abc, 1)\n" },
		{ "print({ $z = 3; $z + 1 }); $y = if (1) { 5 } else { 6 }; print($y);", "4\n5\n" },
	};
	expect_all(state, all, LENGTH(all));
}

static void
test_loops(void **state)
{
	static const struct pair all[] = {
		{ "for ($i : 0..5) { if ($i == 1) { continue; } printf(\"%d \", $i); if ($i == 3) { break; } } printf(\"\\n\");", "0 2 3 \n" },
		{ "$s = 0; for ($i : (-3)..3) { $s += $i; } print($s); for ($i : 1..0) { print($i); }", "-3\n" },
		{ "for ($i : 0..5) { for ($j : 0..5) { if ($j == 2) { return; } print(($i, $j)); } } print(9);", "(0, 0)\n(0, 1)\n" },
		{ "@m[1] = 10; @m[2] = 20; $t = 0; for ($kv : @m) { $t += $kv.0 * $kv.1; } print($t); clear(@m);", "50\n" },
		{ "@c[1] = count(); @c[1] = count(); for ($kv : @c) { print($kv); for ($j : 0..2) { print($kv.1 + $j); } } clear(@c);", "(1, 2)\n2\n3\n" },
		{ "$i = 0; while ($i < 5) { $i++; if ($i == 2) { continue; } if ($i == 4) { break; } print($i); }", "1\n3\n" },
		{ "unroll(3) { for ($i : 0..2) { $k = $i * 2; printf(\"%d\", $k); } } printf(\"\\n\");", "020202\n" },
		{ "$s = \"captured, and longer than what fits the stack\"; for ($i : 0..2) { print($s); $s = \"changed\"; }",
		  "captured, and longer than what fits the stack\nchanged\n" },
		{ "for ($i : 0..2) { $loc = ($i, \"x\"); for ($j : 0..2) { print(($loc.0, $j, $loc)); } }",
		  "(0, 0, (0, x))\n(0, 1, (0, x))\n(1, 0, (1, x))\n(1, 1, (1, x))\n" },
		{ "for ($i : 0..10000000) { print($i); } print(1);", "1\n!1:19 1\n" },
		{ "for ($a : 0..2) { for ($b : 0..2) { for ($c : 0..2) { for ($d : 0..2) { for ($e : 0..2) { for ($f : 0..2) { @n += $a + $f; } } } } } }"
		  "print((1, @n)); clear(@n);", "(1, 64)\n" },
		{ "return; for ($i : 0..3) { print($i); }", "" },
		{ "printf(\"%d %s\\n\", { if (1) { return; } 5 }, \"abc\"); print(1);", "" },
	};
	expect_all(state, all, LENGTH(all));
}

static void
test_kernel_memory(void **state)
{
	static const struct pair all[] = {
		{ "$t = curtask; print(($t->pid == tid, $t->tgid == pid, $t->comm == comm, $t->real_parent->pid == 0));", "(true, true, true, false)\n" },
		{ "print(curtask->group_leader->comm == comm); print(curtask->mm->map_count > 0); print(curtask->in_execve);", "true\ntrue\n0\n" },
		{ "$t = curtask; $q = (uint64)$t; print($q >> 60); $i = 0; print($t->cpus_mask.bits[$i] == $t->cpus_mask.bits[0]);", "15\ntrue\n" },
		{ "$f = curtask->files->fdt->fd[0]; print((uint64)$f > 0 || (uint64)$f == 0);", "true\n" },
		{ "print(str(curtask->mm->exe_file->f_path.dentry->d_name.name) != \"\");", "true\n" },
		{ "$p = (uint32 *)0; print(*$p); print(((struct task_struct *)0)->pid); print(((struct task_struct *)8)->comm);", "0\n0\n\n" },
	};
	expect_all(state, all, LENGTH(all));
}

/* ---- limits ---- */

static void
expect_error(struct fixture *f, const char *src, const char *tag)
{
	sonde_image *img;

	assert_int_equal(compile(f, src, &img), SONDE_ESOURCE);
	assert_null(img);
	assert_true(sonde_diag_count(f->ctx) > 0);
	assert_string_equal(sonde_diag_at(f->ctx, 0)->tag, tag);
}

static void
test_too_large(void **state)
{
	expect_error(*state, "config = { max_strlen = 16384 } begin { $s = str(0); $t = ($s, $s, $s); @[$t] = 1; }", "E_SIZE");
	expect_error(*state, "begin { for($a:0..1){for($b:0..1){for($c:0..1){for($d:0..1){for($e:0..1){for($f:0..1){for($g:0..1){print($g);}}}}}}} }",
		     "E_NESTING");
}

/* More variables than registers and stack hold, more statements than a jump of the third instruction set reaches. */
static void
test_long(void **state)
{
	struct fixture *f = *state;
	struct buf src = { 0 };

	NEEDS_ROOT();
	for (int i = 0; i < 300; i++)
		buf_fmt(&src, "let $v%d = %d; ", i, i);
	buf_str(&src, "print($v0");
	for (int i = 1; i < 300; i++)
		buf_fmt(&src, "+ $v%d", i);
	buf_str(&src, ");");
	expect(f, buf_cstr(&src), "44850\n");
	src.len = 0;
	buf_str(&src, "$x = 1; if ($x == 1) { ");
	for (int i = 0; i < 800; i++)
		buf_fmt(&src, "@m[%d, \"key%d\"] = count(); ", i % 10, i % 10);
	buf_str(&src, "} print((1, @m[3, \"key3\"])); clear(@m);");
	expect(f, buf_cstr(&src), "(1, 80)\n");
	buf_free(&src);
}

/* ---- the object ---- */

/* The lines of the script are in .BTF, though no file of that name exists. */
static void
test_lines_in_btf(void **state)
{
	struct fixture *f = *state;
	sonde_image *img;

	assert_int_equal(compile(f, "begin\n{\n\t@a[pid] = count();\n}\n", &img), SONDE_OK);
	assert_non_null(memmem(img->elf, img->elf_len, "@a[pid] = count();", 19));
	assert_memory_equal(img->elf, "\177ELF", 4);
	assert_int_equal(img->maps[MAP_RING].max, 0);
	assert_int_equal(img->maps[MAP_STATE].max, 1);
	assert_string_equal(img->source_name, "t.bt");
	sonde_image_free(img);
}

/* What LLVM would end the process on is never asked of it: signed division, other atomics than add. */
static void
test_never_emitted(void **state)
{
	struct fixture *f = *state;
	sonde_image *img;

	assert_int_equal(compile(f, "begin { $a = -7; @x = $a / -2; @x %= 3; @x -= 1; @x &= 5; @y = $a >> 70; @z = max($a); @w = \"abc\"; }", &img), SONDE_OK);
	for (const char *const *s = (const char *const[]){ "sdiv", "srem", "constant [", "switch", "float", "double", NULL }; *s; s++)
		assert_null(strstr(buf_cstr(&f->log), *s));
	assert_non_null(strstr(buf_cstr(&f->log), "atomicrmw add"));
	sonde_image_free(img);
}

static void
test_arch(void **state)
{
	const struct arch *a = arch_host();

	(void)state;
	assert_true(a->n_args >= 6 && a->n_args <= LENGTH(a->arg_off));
	assert_true(a->ip_off < (int)a->pt_regs_size && a->sp_off < (int)a->pt_regs_size);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_text, setup, teardown),
		cmocka_unit_test_setup_teardown(test_maps, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tuples, setup, teardown),
		cmocka_unit_test_setup_teardown(test_loops, setup, teardown),
		cmocka_unit_test_setup_teardown(test_kernel_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_large, setup, teardown),
		cmocka_unit_test_setup_teardown(test_long, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lines_in_btf, setup, teardown),
		cmocka_unit_test_setup_teardown(test_never_emitted, setup_ir, teardown),
		cmocka_unit_test(test_arch),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
