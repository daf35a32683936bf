/* syscall.c - the events syscalls:sys_enter_X and sys_exit_X as one raw program that looks at the system call number: attaching and
 * above all detaching costs a thousandth of what it costs through perf (FLOORS.md). */
#include "probes/common.h"

struct call { const char *name; int number; };
static const struct call calls[] = {
#include "syscalls.inc"
};
/* What the headers of the machine that builds may not know yet.  From 424 on, numbers are the same everywhere. */
static const struct call newer[] = {
	{ "cachestat", 451 }, { "fchmodat2", 452 }, { "map_shadow_stack", 453 }, { "futex_wake", 454 }, { "futex_wait", 455 },
	{ "futex_requeue", 456 }, { "statmount", 457 }, { "listmount", 458 }, { "lsm_get_self_attr", 459 },
	{ "lsm_set_self_attr", 460 }, { "lsm_list_modules", 461 }, { "mseal", 462 }, { "setxattrat", 463 }, { "getxattrat", 464 },
	{ "listxattrat", 465 }, { "removexattrat", 466 }, { "open_tree_attr", 467 }, { "file_getattr", 468 }, { "file_setattr", 469 },
#ifdef __x86_64__
	{ "uretprobe", 335 }, { "uprobe", 336 },
#endif
};
/* Events are named after the kernel's functions, which are not always what the call's number is named after.  A name with ""
 * is one that the call of that name does not have. */
static const char *const renamed[][2] = {
	{ "newstat", "stat" }, { "newfstat", "fstat" }, { "newlstat", "lstat" }, { "newuname", "uname" },
	{ "sendfile64", "sendfile" }, { "umount", "umount2" }, { "fadvise64_64", "fadvise64" },
	{ "stat", "" }, { "fstat", "" }, { "lstat", "" }, { "uname", "" }, { "sendfile", "" }, { "umount2", "" },
};

static int
number_of(const char *name)
{
	for (size_t i = 0; i < LENGTH(renamed); i++)
		if (strcmp(name, renamed[i][0]) == 0) {
			name = renamed[i][1];
			break;
		}
	for (size_t i = 0; i < LENGTH(calls); i++)
		if (strcmp(calls[i].name, name) == 0)
			return calls[i].number;
	for (size_t i = 0; i < LENGTH(newer); i++)
		if (strcmp(newer[i].name, name) == 0)
			return newer[i].number;
	return -1;
}

void
syscall_number(struct target *t, const char *event)
{
	bool is_exit = strncmp(event, "sys_exit_", 9) == 0;
	int n;

	if (!is_exit && strncmp(event, "sys_enter_", 10) != 0)
		return;
	n = number_of(event + (is_exit ? 9 : 10));
	if (n < 0)
		return;
	t->num = is_exit ? SYSCALL_EXIT : SYSCALL_ENTER;
	t->num2 = (uint64_t)n;
}

/* ---- is a raw program as good? ---- */

/* Where the kernel notes that a task is in a 32-bit call, whose numbers mean other calls: perf's events leave those out. */
struct compat { uint32_t off, size; uint64_t mask; };

static bool
compat_place(struct compile *c, struct compat *out)
{
	static const struct { const char *arch, *field; uint64_t mask; } places[] = {
		{ "x86_64", "status", 2 },               /* TS_COMPAT */
		{ "aarch64", "flags", 1u << 22 },        /* TIF_32BIT */
	};
	const struct type *task = kernel_type(c->kernel, c->types, "struct task_struct");
	struct field info, word;

	for (size_t i = 0; task && i < LENGTH(places); i++) {
		if (strcmp(arch_host()->name, places[i].arch) != 0)
			continue;
		if (!kernel_field(c->kernel, c->types, task, "thread_info", &info) ||
		    !kernel_field(c->kernel, c->types, info.type, places[i].field, &word))
			return false;
		*out = (struct compat){ info.off + word.off, word.type->size, places[i].mask };
		return true;
	}
	return false;
}

/* Which argument register a field of the record came from; -1: none. */
static int
field_register(const struct field *f)
{
	uint32_t i = (f->off - 16) / 8;

	return f->off >= 16 && i < LENGTH(arch_host()->sys_arg_off) && type_is_scalar(f->type) && !f->is_data_loc && !f->bit_len ? (int)i : -1;
}

bool
syscall_can_dispatch(struct compile *c, const struct probe *p)
{
	struct compat compat;

	if (!kernel_has_btf(c->kernel, NULL) || !compat_place(c, &compat))
		return false;
	if (!(p->uses & USES_ARGS) || !p->args || p->args->kind != T_RECORD)
		return true;
	if (!arch_host()->sys_arg_off[0] && !arch_host()->sys_arg_off[1])
		return false;
	for (uint32_t i = 0; i < p->args->n; i++)
		if (strcmp(p->args->fields[i].name, "__syscall_nr") != 0 && field_register(&p->args->fields[i]) < 0)
			return false;
	return true;
}

/* ---- code: contexts are (regs, number) of sys_enter and (regs, return value) of sys_exit ---- */

static struct gval
load_from(struct gen *g, struct gval pointer, uint32_t off, uint32_t size)
{
	const struct type *t = type_int(gen_compile(g)->types, size, false);
	struct gval far = { .kind = GV_FAR, .v = pointer.v, .type = t, .space = AS_KERNEL, .is_trusted = true };

	return gen_load(g, gen_at(g, far, off, t));
}

static struct gval
load_number(struct gen *g, const struct target *t)
{
	if (t->num == SYSCALL_ENTER)
		return gen_ctx_field(g, 8, 8, false);
	return load_from(g, gen_ctx_field(g, 0, 8, false), (uint32_t)arch_host()->syscall_nr_off, 4);
}

/* One word of a set of numbers: those from 64 * word on. */
static uint64_t
set_word(const struct probe *p, uint64_t word)
{
	uint64_t bits = 0;

	for (uint32_t i = 0; i < p->n_targets; i++)
		if (p->targets[i].num2 / 64 == word)
			bits |= (uint64_t)1 << p->targets[i].num2 % 64;
	return bits;
}

static struct gval
gen_is_member(struct gen *g, const struct probe *p, struct gval number)
{
	struct gval word = gen_u64(g, 0), index = gen_bin(g, TK_SHR, number, gen_u64(g, 6));
	uint64_t max = 0;

	if (p->n_targets == 1)
		return gen_cmp(g, TK_EQ, false, number, gen_u64(g, p->targets[0].num2));
	for (uint32_t i = 0; i < p->n_targets; i++)
		max = p->targets[i].num2 > max ? p->targets[i].num2 : max;
	for (uint64_t i = 0; i <= max / 64; i++)
		if (set_word(p, i))
			word = gen_select(g, gen_cmp(g, TK_EQ, false, index, gen_u64(g, i)), gen_u64(g, set_word(p, i)), word);
	word = gen_bin(g, TK_SHR, word, gen_bin(g, TK_AMP, number, gen_u64(g, 63)));
	return gen_bin(g, TK_AMP, word, gen_u64(g, 1));
}

bool
syscall_gen_entry(struct gen *g, const struct probe *p)
{
	struct gval is_member = gen_is_member(g, p, load_number(g, &p->targets[0])), bits;
	struct compat compat;

	gen_return_if(g, gen_cmp(g, TK_EQ, false, is_member, gen_u64(g, 0)));
	if (!compat_place(gen_compile(g), &compat))
		return true;
	bits = gen_bin(g, TK_AMP, load_from(g, gen_curtask(g), compat.off, compat.size), gen_u64(g, compat.mask));
	gen_return_if(g, gen_cmp(g, TK_NE, false, bits, gen_u64(g, 0)));
	return true;
}

bool
syscall_gen_field(struct gen *g, const struct target *t, const struct field *f, struct gval *out)
{
	struct gval v;

	if (strcmp(f->name, "__syscall_nr") == 0)
		v = load_number(g, t);
	else if (t->num == SYSCALL_EXIT)
		v = gen_ctx_field(g, 8, 8, false);
	else
		v = load_from(g, gen_ctx_field(g, 0, 8, false), (uint32_t)arch_host()->sys_arg_off[field_register(f)], 8);
	*out = gen_cast(g, v, f->type);
	return true;
}

void
syscall_gen_which(struct gen *g, struct gval *out)
{
	const struct probe *p = gen_probe(g);
	uint64_t first = gen_prog(g)->first_target;
	struct gval number = load_number(g, &p->targets[0]), index = gen_u64(g, first);

	for (uint32_t i = 1; i < p->n_targets; i++)
		index = gen_select(g, gen_cmp(g, TK_EQ, false, number, gen_u64(g, p->targets[i].num2)), gen_u64(g, first + i), index);
	*out = index;
}
