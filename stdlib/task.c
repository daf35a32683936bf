/* task.c - who runs: pid, tid, uid, gid, username, comm, cpu, cgroup, curtask, cpid, rand. */
#include <linux/bpf.h>
#include "stdlib/rows.h"

static const char *const ns_words[] = { "curr_ns", "init", NULL };

static bool
is_init(const struct node *call)
{
	const char *word = arg_word(call->kid[0]);

	return word && strcmp(word, "init") == 0;
}

static bool
gen_pid(struct gen *g, const struct node *call, struct gval *out)
{
	*out = gen_pid_of(g, is_init(call), false);
	return true;
}

const struct builtin builtin_pid = {
	.name = "pid", .sig = "u32 ([word])", .flags = BI_VAR | BI_CALL, .gen = gen_pid, .words = ns_words,
	.doc = "process id (the kernel's thread group id) of the current task; pid(init): in the initial pid namespace",
};

static bool
gen_tid(struct gen *g, const struct node *call, struct gval *out)
{
	*out = gen_pid_of(g, is_init(call), true);
	return true;
}

const struct builtin builtin_tid = {
	.name = "tid", .sig = "u32 ([word])", .flags = BI_VAR | BI_CALL, .gen = gen_tid, .words = ns_words,
	.doc = "thread id of the current task; tid(init): in the initial pid namespace",
};

static bool
gen_uid(struct gen *g, const struct node *call, struct gval *out)
{
	struct gval both = gen_helper(g, BPF_FUNC_get_current_uid_gid, NULL, 0);

	*out = gen_cast(g, gen_bin(g, TK_AMP, both, gen_u64(g, UINT32_MAX)), call->type);
	return true;
}

const struct builtin builtin_uid = {
	.name = "uid", .sig = "u64", .flags = BI_VAR, .gen = gen_uid,
	.doc = "user id of the current task",
};
const struct builtin builtin_username = {
	.name = "username", .sig = "username_t", .flags = BI_VAR, .gen = gen_uid,
	.doc = "name of the current task's user, looked up when printed",
};

static bool
gen_gid(struct gen *g, const struct node *call, struct gval *out)
{
	struct gval both = gen_helper(g, BPF_FUNC_get_current_uid_gid, NULL, 0);

	*out = gen_cast(g, gen_bin(g, TK_SHR, both, gen_u64(g, 32)), call->type);
	return true;
}

const struct builtin builtin_gid = {
	.name = "gid", .sig = "u64", .flags = BI_VAR, .gen = gen_gid,
	.doc = "group id of the current task",
};

/* The 16 bytes of task->comm are loaded directly: half the cost of the helper.  The kernel pads them with zeros. */
static bool
gen_comm(struct gen *g, const struct node *call, struct gval *out)
{
	struct compile *c = gen_compile(g);
	const struct type *task = kernel_type(c->kernel, c->types, "struct task_struct");
	struct field comm;

	(void)call;
	out->is_padded = true;
	if (task && kernel_field(c->kernel, c->types, task, "comm", &comm) && comm.type->size == 16) {
		struct gval far = gen_curtask(g);

		far.kind = GV_FAR;
		far.type = task;
		far.space = AS_KERNEL;
		gen_copy(g, *out, gen_at(g, far, comm.off, comm.type), 16);
		return true;
	}
	struct gval arg[] = { gen_addr(g, *out), gen_u64(g, 16) };
	gen_helper(g, BPF_FUNC_get_current_comm, arg, 2);
	return true;
}

const struct builtin builtin_comm = {
	.name = "comm", .sig = "str16", .flags = BI_VAR, .gen = gen_comm,
	.doc = "name of the current task",
};

static bool
gen_cpu(struct gen *g, const struct node *call, struct gval *out)
{
	*out = gen_cast(g, gen_helper(g, BPF_FUNC_get_smp_processor_id, NULL, 0), call->type);
	return true;
}

const struct builtin builtin_cpu = {
	.name = "cpu", .sig = "u64", .flags = BI_VAR, .gen = gen_cpu,
	.doc = "number of the processor the program runs on",
};

static bool
gen_ncpus(struct gen *g, const struct node *call, struct gval *out)
{
	*out = gen_int(g, call->type, gen_possible_cpus(g));
	return true;
}

const struct builtin builtin_ncpus = {
	.name = "ncpus", .sig = "u64", .flags = BI_VAR, .gen = gen_ncpus,
	.doc = "number of processors that the machine may have",
};

static bool
gen_cgroup(struct gen *g, const struct node *call, struct gval *out)
{
	*out = gen_cast(g, gen_helper(g, BPF_FUNC_get_current_cgroup_id, NULL, 0), call->type);
	return true;
}

const struct builtin builtin_cgroup = {
	.name = "cgroup", .sig = "u64", .flags = BI_VAR, .gen = gen_cgroup,
	.doc = "id of the current task's cgroup (version 2)",
};

static const struct type *
result_curtask(struct compile *c, struct node *call)
{
	(void)call;
	return type_ptr(c->types, kernel_type(c->kernel, c->types, "struct task_struct"), AS_KERNEL);
}

static bool
gen_curtask_value(struct gen *g, const struct node *call, struct gval *out)
{
	*out = gen_curtask(g);
	out->type = call->type;
	return true;
}

const struct builtin builtin_curtask = {
	.name = "curtask", .sig = "?", .flags = BI_VAR, .result = result_curtask, .gen = gen_curtask_value,
	.doc = "the current task, a struct task_struct *",
};

static bool
gen_cpid(struct gen *g, const struct node *call, struct gval *out)
{
	*out = gen_cast(g, gen_load(g, gen_state(g, offsetof(struct run_state, child_pid), 4)), call->type);
	return true;
}

const struct builtin builtin_cpid = {
	.name = "cpid", .sig = "u32", .flags = BI_VAR, .gen = gen_cpid,
	.doc = "process id of the command that -c started, or 0",
};

static bool
gen_has_cpid(struct gen *g, const struct node *call, struct gval *out)
{
	struct gval pid = gen_load(g, gen_state(g, offsetof(struct run_state, child_pid), 4));

	(void)call;
	*out = gen_cmp(g, TK_NE, false, pid, gen_u64(g, 0));
	return true;
}

const struct builtin builtin_has_cpid = {
	.name = "has_cpid", .sig = "bool", .flags = BI_VAR, .gen = gen_has_cpid,
	.doc = "true when -c started a command",
};

static bool
gen_rand(struct gen *g, const struct node *call, struct gval *out)
{
	*out = gen_cast(g, gen_helper(g, BPF_FUNC_get_prandom_u32, NULL, 0), call->type);
	return true;
}

const struct builtin builtin_rand = {
	.name = "rand", .sig = "u32", .flags = BI_VAR, .gen = gen_rand,
	.doc = "a pseudo-random number",
};

/* ---- relatives of the current task, through BTF ---- */

static bool
check_task(struct compile *c, struct node *call)
{
	const char *why;

	if (kernel_type(c->kernel, c->types, "struct task_struct"))
		return true;
	if (kernel_has_btf(c->kernel, &why))
		why = "it has no struct task_struct";
	return diag_error(c->diags, call->at, E_KERNEL, "%s needs the kernel's types: %s", call->ref.bi->name, why);
}

/* A member of the task that a member of the current task points to. */
static bool
relative_field(struct gen *g, const char *relative, const char *member, struct gval *out)
{
	struct compile *c = gen_compile(g);
	const struct type *task = kernel_type(c->kernel, c->types, "struct task_struct");
	struct field to, what;
	struct gval at = gen_curtask(g);

	if (!kernel_field(c->kernel, c->types, task, relative, &to) || !kernel_field(c->kernel, c->types, task, member, &what))
		return diag_error(c->diags, gen_probe(g)->node->at, E_KERNEL, "the kernel's struct task_struct has no %s or %s", relative, member);
	at.kind = GV_FAR;
	at.type = task;
	at.space = AS_KERNEL;
	at = gen_load_field(g, at, &to);
	at.kind = GV_FAR;
	at.type = task;
	at.space = AS_KERNEL;
	*out = gen_load_field(g, at, &what);
	return true;
}

static bool
gen_ppid(struct gen *g, const struct node *call, struct gval *out)
{
	if (!relative_field(g, "real_parent", "tgid", out))
		return false;
	*out = gen_cast(g, *out, call->type);
	return true;
}

const struct builtin builtin_ppid = {
	.name = "ppid", .sig = "i32", .flags = BI_VAR, .check = check_task, .gen = gen_ppid,
	.doc = "process id of the current task's parent",
};

static bool
gen_pcomm(struct gen *g, const struct node *call, struct gval *out)
{
	struct gval comm;

	(void)call;
	if (!relative_field(g, "real_parent", "comm", &comm))
		return false;
	gen_copy(g, *out, comm, 16);
	return out->is_padded = true;
}

const struct builtin builtin_pcomm = {
	.name = "pcomm", .sig = "str16", .flags = BI_VAR, .check = check_task, .gen = gen_pcomm,
	.doc = "name of the current task's parent",
};

static bool
gen_leader_comm(struct gen *g, const struct node *call, struct gval *out)
{
	struct gval comm;

	(void)call;
	if (!relative_field(g, "group_leader", "comm", &comm))
		return false;
	gen_copy(g, *out, comm, 16);
	return out->is_padded = true;
}

const struct builtin builtin_leader_comm = {
	.name = "leader_comm", .sig = "str16", .flags = BI_VAR, .check = check_task, .gen = gen_leader_comm,
	.doc = "name of the first thread of the current process",
};
