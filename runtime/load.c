/* load.c - brings an image into the kernel: makes its maps, loads its BTF and its programs. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <ctype.h>
#include <errno.h>
#include <linux/bpf.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>
#include "image/btf.h"
#include "runtime/rt.h"

/* Descriptors that a probe may need: its link and, where it is a perf event, that. */
#define FDS_PER_TARGET 3

/* ---- maps ---- */
/* The kernel takes [A-Za-z0-9_.] and 15 characters: "@x" is AT_x there, as users of bpftool know it. */
static void
map_name(const char *name, char out[BPF_OBJ_NAME_LEN])
{
	size_t n = 0;

	if (*name == '@') {
		memcpy(out, "AT_", 3);
		n = 3;
		name++;
	}
	for (; *name && n + 1 < BPF_OBJ_NAME_LEN; name++)
		out[n++] = isalnum((unsigned char)*name) || *name == '_' ? *name : '.';
	out[n] = 0;
}

/* Making and mapping a ring costs 0.25 ms per MiB, more than all else at start: a machine with much memory gets a large
 * one, a script that only runs begin and end a small one. */
static uint32_t
ring_bytes(struct sonde_session *ses)
{
	const struct sonde_image *img = ses->img;
	long page = sysconf(_SC_PAGESIZE);
	uint64_t want = 256 << 10, room = 0;
	bool waits = false;
	struct sysinfo info;

	if (ses->ctx->opts.ring_pages) {
		want = (uint64_t)ses->ctx->opts.ring_pages * (uint64_t)page;
		room = want > 1u << 30 ? 1u << 30 : want;
		for (want = (uint64_t)page; want < room;)
			want *= 2;
		return (uint32_t)want;
	}
	for (uint32_t i = 0; i < img->n_targets; i++)
		waits |= img->targets[i].run->when == ON_ATTACH;
	if (sysinfo(&info) == 0)
		room = ((uint64_t)info.freeram + info.bufferram) * info.mem_unit / 4096;
	while (want * 2 <= room && want < (waits ? 16u << 20 : 1u << 20))
		want *= 2;
	return (uint32_t)want;
}

static int
map_failed(struct sonde_session *ses, const struct mapdesc *m, int err)
{
	if (is_unprivileged(ses, err))
		return err;
	if (err == -EINVAL && m->bpf_type == BPF_MAP_TYPE_RINGBUF)
		return rt_error(ses, NO_SPAN, E_KERNEL, err, "this kernel has no BPF ring buffer: Linux 5.8 or later is needed");
	if (err == -EINVAL)
		return rt_error(ses, m->first, E_KERNEL, err, "this kernel cannot make a map such as %s (type %u, key %u bytes, "
				"value %u bytes, %u entries)", m->name, m->bpf_type, m->key_size, m->val_size, m->max);
	if (err == -E2BIG || err == -ENOMEM)
		return rt_error(ses, m->first, E_SIZE, err, "no memory for map %s: %u entries with %u bytes of key and %u of value",
				m->name, m->max, m->key_size, m->val_size);
	return rt_error(ses, m->first, E_KERNEL, err, "map %s cannot be made: %s", m->name, strerror(-err));
}

static int
make_map(struct sonde_session *ses, const struct mapdesc *m)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = m->bpf_flags);
	uint32_t max = m->max, key_size = m->key_size, val_size = m->val_size;
	char name[BPF_OBJ_NAME_LEN];
	int fd;

	if (m->slot < N_INTERNAL_MAPS && m->max == 0)
		return 0;
	if (m->slot == MAP_RING) {
		max = ring_bytes(ses);
		key_size = val_size = 0;
	} else if (m->slot == MAP_STATE) {
		opts.map_flags |= BPF_F_MMAPABLE;
	}
	map_name(m->name, name);
	/* libbpf raises RLIMIT_MEMLOCK by itself on the kernels that charge maps to it. */
	fd = bpf_map_create((enum bpf_map_type)m->bpf_type, name, key_size, val_size, max, &opts);
	if (fd < 0)
		return map_failed(ses, m, fd);
	ses->map_fd[m->slot] = fd;
	return 0;
}

static int
map_state(struct sonde_session *ses)
{
	const struct sonde_image *img = ses->img;
	size_t need = sizeof(struct run_state) + img->n_errors * sizeof(((struct run_state *)0)->error[0]);
	size_t page = (size_t)sysconf(_SC_PAGESIZE), len = (need + page - 1) / page * page;
	int fd = ses->map_fd[MAP_STATE];
	struct timespec now;
	void *at;

	if (fd < 0) {                    /* no program asks for it: memory of our own does */
		ses->run = mem_alloc(need);
		if (!ses->run)
			return -ENOMEM;
	} else {
		if (img->maps[MAP_STATE].val_size < need)
			return rt_error(ses, NO_SPAN, E_INTERNAL, -EINVAL, "the image's state map is too small");
		at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (at == MAP_FAILED)
			return rt_error(ses, NO_SPAN, E_KERNEL, -errno, "the state map cannot be mapped: %s", strerror(errno));
		ses->run = at;
		ses->run_len = len;
	}
	clock_gettime(CLOCK_BOOTTIME, &now);
	ses->run->start_ns = (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
	ses->run->child_pid = (uint32_t)ses->ctx->opts.child_pid;
	return 0;
}

/* ---- programs ---- */
struct loader {
	struct sonde_session *ses;
	struct object *object;
	int btf_fd;                      /* -1: without BTF */
	bool dump;                       /* show every program's verifier log */
};

static bool
wants_dump(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; at && *at; at += strcspn(at, ","), at += *at == ',')
		if (strncmp(at, word, n) == 0 && (at[n] == 0 || at[n] == ','))
			return true;
	return false;
}

static int
load_btf(struct loader *l)
{
	LIBBPF_OPTS(bpf_btf_load_opts, opts);
	size_t len, log_size = 64 << 10;
	const void *data = object_btf(l->object, &len);
	char *log;

	if (!data)
		return 0;
	l->btf_fd = bpf_btf_load(data, len, NULL);
	if (l->btf_fd >= 0)
		return 0;
	/* Programs run without it, unless they pass functions to helpers. */
	context_log(l->ses->ctx, "the kernel refused the program's BTF: %s", strerror(-l->btf_fd));
	log = mem_alloc(log_size);
	if (log) {
		int fd;

		opts.log_buf = log;
		opts.log_size = (uint32_t)log_size;
		opts.log_level = 1;
		fd = bpf_btf_load(data, len, &opts);
		context_log(l->ses->ctx, "%s", log);
		if (fd >= 0)
			close(fd);
		mem_free(log);
	}
	l->btf_fd = -1;
	return 0;
}

static int
load_once(struct loader *l, const struct code *code, uint32_t attach_id, int level, char *log, size_t log_size)
{
	const struct prog *p = code->prog;
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = (enum bpf_attach_type)p->attach_type,
		    .attach_btf_id = attach_id, .log_level = (uint32_t)level, .log_buf = log, .log_size = (uint32_t)log_size);

	if (l->btf_fd >= 0 && code->n_funcs) {
		opts.prog_btf_fd = (uint32_t)l->btf_fd;
		opts.func_info = code->func_info;
		opts.func_info_cnt = code->n_funcs;
		opts.func_info_rec_size = code->func_size;
		opts.line_info = code->line_info;
		opts.line_info_cnt = code->n_lines;
		opts.line_info_rec_size = code->line_size;
	}
	return bpf_prog_load((enum bpf_prog_type)p->prog_type, p->name, l->ses->img->license, code->insns, code->n, &opts);
}

/* Loads with a log that grows until it holds everything.  *log is the caller's to free, or NULL. */
static int
load_logged(struct loader *l, const struct code *code, uint32_t attach_id, char **log)
{
	const size_t limit = UINT32_MAX >> 2; /* the kernel's */
	size_t size = 256 << 10, most = l->ses->img->config.log_size;
	int fd;

	if (most < 16 << 20)
		most = 16 << 20;
	for (;; size = size < limit / 4 ? size * 4 : limit) {
		*log = mem_alloc(size);
		if (!*log)
			return -ENOMEM;
		fd = load_once(l, code, attach_id, 1, *log, size);
		if (fd != -ENOSPC || size >= most || size == limit)
			return fd;
		mem_free(*log);
	}
}

static void
show_log(struct loader *l, const struct prog *p, const char *log)
{
	struct buf text = { 0 };

	buf_fmt(&text, "verifier log of %s (%s):\n", p->name, p->n_targets ? p->targets[0].name : "");
	buf_str(&text, log);
	context_log_text(l->ses->ctx, buf_cstr(&text), text.len);
	buf_free(&text);
}

/* Id of the type the program is loaded for, in the running kernel's BTF.  Positive, or -errno after rt_error(). */
static int
attach_id_of(struct loader *l, const struct prog *p)
{
	struct buf path = { 0 };
	struct btf_view btf;
	struct btf_rec rec;
	const char *why;
	bool is_found;
	int err;

	buf_fmt(&path, "%s/sys/kernel/btf/vmlinux", l->ses->ctx->opts.sysroot);
	err = path.failed ? -ENOMEM : btf_open(&btf, buf_cstr(&path), &why);
	buf_free(&path);
	if (err == -ENOENT)
		return rt_error(l->ses, p->at, E_KERNEL, -ENODATA, "this kernel has no BTF (/sys/kernel/btf/vmlinux), which %s needs",
				p->n_targets ? p->targets[0].name : p->name);
	if (err)
		return rt_error(l->ses, p->at, E_KERNEL, err, "the kernel's BTF cannot be read: %s", strerror(-err));
	is_found = p->btf_kind < 32 && btf_find(&btf, p->btf_attach, 1u << p->btf_kind, &rec);
	btf_close(&btf);
	if (!is_found)
		return rt_error(l->ses, p->at, E_PROBE_TARGET, -ENOENT, "this kernel's BTF has no '%s'", p->btf_attach);
	return (int)rec.id;
}

static int
load_prog(struct loader *l, uint32_t i)
{
	const struct prog *p = &l->ses->img->progs[i];
	char *log = NULL;
	struct code code;
	int fd, id = 0, err = object_code(l->object, p, &code);

	if (err)
		return err;
	if (code.has_callbacks && (l->btf_fd < 0 || !code.n_funcs))
		return rt_error(l->ses, p->at, E_KERNEL, -EINVAL,
				"this kernel did not take the program's BTF, without which it has no for loops");
	if (p->btf_attach) {
		id = attach_id_of(l, p);
		if (id < 0)
			return id;
	}
	fd = l->dump ? load_logged(l, &code, (uint32_t)id, &log) : load_once(l, &code, (uint32_t)id, 0, NULL, 0);
	if (fd < 0 && !l->dump) {
		int again = load_logged(l, &code, (uint32_t)id, &log);

		fd = again != -ENOMEM || log ? again : fd;
	}
	if (log && log[0] && (l->dump || (fd < 0 && l->ses->ctx->opts.flags & SONDE_VERBOSE)))
		show_log(l, p, log);
	if (fd < 0)
		err = verifier_explain(l->ses, &code, fd, log ? log : "");
	else
		l->ses->prog_fd[i] = fd;
	mem_free(log);
	return err;
}

/* A file descriptor limit of 1024 is soon too low; what the hard limit allows is ours to take. */
static void
raise_fd_limit(const struct sonde_image *img)
{
	rlim_t need = (rlim_t)img->n_targets * FDS_PER_TARGET + img->n_progs + img->n_maps + 128;
	struct rlimit lim;

	if (getrlimit(RLIMIT_NOFILE, &lim) || lim.rlim_cur >= need)
		return;
	lim.rlim_cur = lim.rlim_max != RLIM_INFINITY && lim.rlim_max < need ? lim.rlim_max : need;
	setrlimit(RLIMIT_NOFILE, &lim);
}

int
load_image(struct sonde_session *ses)
{
	const struct sonde_image *img = ses->img;
	struct loader l = { .ses = ses, .btf_fd = -1, .dump = wants_dump(ses->ctx->opts.dump, "verifier") };
	int err = 0;

	raise_fd_limit(img);
	for (uint32_t i = 0; i < img->n_maps && !err; i++)
		err = make_map(ses, &img->maps[i]);
	if (!err)
		err = map_state(ses);
	if (!err && ses->map_fd[MAP_RING] >= 0)
		err = poll_ring(ses);
	if (err)
		return err;
	l.object = object_open(ses);
	if (!l.object)
		return diags_errors(ses->ctx->diags) ? -EBADMSG : -ENOMEM;
	err = load_btf(&l);
	for (uint32_t i = 0; i < img->n_progs && !err; i++)
		err = load_prog(&l, i);
	if (l.btf_fd >= 0)
		close(l.btf_fd);         /* the programs hold it */
	object_close(l.object);
	return err;
}
