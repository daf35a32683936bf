/* vmlinux.c - the types and functions of the fake kernel: what golden and unit tests ask, in small.  make.sh turns its debug
 * information into sys/kernel/btf/vmlinux.  Layouts are this file's own, not any kernel's; appending keeps offsets. */
#define __user __attribute__((btf_type_tag("user")))
#define __rcu __attribute__((btf_type_tag("rcu")))
#define __percpu __attribute__((btf_type_tag("percpu")))
#define packed __attribute__((packed))

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef signed char s8;
typedef short s16;
typedef int s32;
typedef long long s64;
typedef u8 __u8;
typedef u16 __u16;
typedef u32 __u32;
typedef u64 __u64;
typedef s32 __s32;
typedef s64 __s64;
typedef u8 uint8_t;
typedef u16 uint16_t;
typedef u32 uint32_t;
typedef u64 uint64_t;
typedef s8 int8_t;
typedef s16 int16_t;
typedef s32 int32_t;
typedef s64 int64_t;
typedef __u16 __be16;
typedef __u32 __be32;
typedef _Bool bool;
typedef unsigned long size_t;
typedef long ssize_t;
typedef int pid_t;
typedef unsigned int uid_t;
typedef unsigned int gid_t;
typedef u32 dev_t;
typedef u64 sector_t;
typedef long long loff_t;
typedef long off_t;
typedef unsigned short umode_t;
typedef unsigned int gfp_t;
typedef unsigned short sa_family_t;
typedef u64 ktime_t;
typedef s64 time64_t;

enum pid_type { PIDTYPE_PID, PIDTYPE_TGID, PIDTYPE_PGID, PIDTYPE_SID, PIDTYPE_MAX };
enum sock_type { SOCK_STREAM = 1, SOCK_DGRAM = 2, SOCK_RAW = 3, SOCK_SEQPACKET = 5 };
enum hrtimer_restart { HRTIMER_NORESTART, HRTIMER_RESTART };
enum hrtimer_mode { HRTIMER_MODE_ABS, HRTIMER_MODE_REL, HRTIMER_MODE_PINNED };
enum migrate_mode { MIGRATE_ASYNC = -1, MIGRATE_SYNC_LIGHT = 1, MIGRATE_SYNC };
typedef enum { ZONE_LOW, ZONE_HIGH } zone_t;

typedef struct { int counter; } atomic_t;
typedef struct { s64 counter; } atomic64_t;
typedef struct { uid_t val; } kuid_t;
typedef struct { gid_t val; } kgid_t;
typedef struct refcount_struct { atomic_t refs; } refcount_t;
typedef struct { volatile unsigned int slock; } spinlock_t;
struct list_head { struct list_head *next, *prev; };
struct hlist_node { struct hlist_node *next, **pprev; };
struct rb_node { unsigned long __rb_parent_color; struct rb_node *rb_right, *rb_left; };
struct callback_head { struct callback_head *next; void (*func)(struct callback_head *); };

struct ns_common { struct dentry *stashed; unsigned int inum; refcount_t count; };
struct pid_namespace { unsigned int level; struct pid_namespace *parent; struct ns_common ns; };
struct uts_namespace { char nodename[65]; struct ns_common ns; };
struct mnt_namespace { struct ns_common ns; u64 seq; };
struct net { refcount_t passive; struct ns_common ns; };
struct nsproxy {
	refcount_t count;
	struct uts_namespace *uts_ns;
	struct mnt_namespace *mnt_ns;
	struct pid_namespace *pid_ns_for_children;
	struct net *net_ns;
};
struct upid { int nr; struct pid_namespace *ns; };
struct pid { refcount_t count; unsigned int level; struct hlist_node tasks[PIDTYPE_MAX]; struct upid numbers[]; };
struct cred { atomic64_t usage; kuid_t uid; kgid_t gid; kuid_t suid, euid; kgid_t egid; u64 cap_effective; };
struct mm_struct {
	struct { atomic_t mm_count; unsigned long task_size; unsigned long start_code, end_code; unsigned long arg_start, arg_end; };
	struct file __rcu *exe_file;
	unsigned long total_vm;
};
struct signal_struct { refcount_t sigcnt; atomic_t live; int group_exit_code; struct task_struct *group_exec_task; struct rlimit { unsigned long rlim_cur, rlim_max; } rlim[16]; };
struct files_struct { atomic_t count; bool resize_in_progress; struct file __rcu *fd_array[64]; };
struct thread_info { unsigned long flags; u32 status; u32 cpu; };
struct sched_entity { u64 load; struct rb_node run_node; u64 exec_start, sum_exec_runtime, vruntime; };
struct vm_area_struct { union { struct { unsigned long vm_start, vm_end; }; struct callback_head vm_rcu; }; struct mm_struct *vm_mm; struct file *vm_file; };
struct kernfs_node { atomic_t count; const char *name; u64 id; };
struct cgroup { unsigned long flags; int level; struct kernfs_node *kn; };
struct css_set { struct cgroup *dfl_cgrp; };

struct task_struct {
	struct thread_info thread_info;
	unsigned int __state;
	unsigned int saved_state;
	void *stack;
	refcount_t usage;
	unsigned int flags;
	int on_cpu;
	int prio, static_prio, normal_prio;
	struct sched_entity se;
	unsigned int policy;
	const unsigned long *cpus_ptr;
	struct list_head tasks;
	struct mm_struct *mm, *active_mm;
	int exit_state, exit_code, exit_signal;
	unsigned int jobctl;
	unsigned sched_reset_on_fork : 1;
	unsigned sched_contributes_to_load : 1;
	unsigned sched_migrated : 1;
	unsigned : 0;
	unsigned in_execve : 1;
	unsigned in_iowait : 1;
	unsigned frozen_depth : 5;
	unsigned long atomic_flags;
	pid_t pid;
	pid_t tgid;
	struct task_struct __rcu *real_parent;
	struct task_struct __rcu *parent;
	struct list_head children, sibling;
	struct task_struct *group_leader;
	struct pid *thread_pid;
	u64 utime, stime;
	unsigned long nvcsw, nivcsw;
	u64 start_time;
	u64 start_boottime;
	unsigned long min_flt, maj_flt;
	const struct cred __rcu *real_cred;
	const struct cred __rcu *cred;
	char comm[16];
	struct files_struct *files;
	struct nsproxy *nsproxy;
	struct signal_struct *signal;
	union { struct { u32 rseq_sig; u32 rseq_len; }; u64 rseq_both; };
	struct { struct { int deep_inside; } ; };
	struct css_set __rcu *cgroups;
	int __user *set_child_tid;
	float fpu_ratio_unused;
	__int128 wide_unused;
};

struct qstr { union { struct { u32 hash; u32 len; }; u64 hash_len; }; const unsigned char *name; };
struct super_block { struct list_head s_list; dev_t s_dev; unsigned long s_magic; char s_id[32]; };
struct inode { umode_t i_mode; unsigned short i_opflags; kuid_t i_uid; kgid_t i_gid; struct super_block *i_sb; unsigned long i_ino; loff_t i_size; };
struct dentry { unsigned int d_flags; struct dentry *d_parent; struct qstr d_name; struct inode *d_inode; unsigned char d_iname[40]; };
struct vfsmount { struct dentry *mnt_root; struct super_block *mnt_sb; int mnt_flags; };
struct path { struct vfsmount *mnt; struct dentry *dentry; };
struct file_operations { void *owner; loff_t (*llseek)(struct file *, loff_t, int); ssize_t (*read)(struct file *, char __user *, size_t, loff_t *); };
struct file { spinlock_t f_lock; unsigned int f_mode; const struct file_operations *f_op; struct inode *f_inode; unsigned int f_flags; struct path f_path; loff_t f_pos; };
struct filename { const char *name; const char __user *uptr; int refcnt; const char iname[]; };
struct linux_binprm { struct mm_struct *mm; struct file *file; int argc, envc; const char *filename; unsigned int have_execfd : 1, execfd_creds : 1, secureexec : 1; };
struct seq_file { char *buf; size_t size, count; const struct file *file; };

struct in_addr { __be32 s_addr; };
struct in6_addr { union { __u8 u6_addr8[16]; __be16 u6_addr16[8]; __be32 u6_addr32[4]; } in6_u; };
struct sockaddr { sa_family_t sa_family; char sa_data[14]; };
struct sockaddr_in { sa_family_t sin_family; __be16 sin_port; struct in_addr sin_addr; unsigned char __pad[8]; };
struct sockaddr_in6 { sa_family_t sin6_family; __be16 sin6_port; __be32 sin6_flowinfo; struct in6_addr sin6_addr; __u32 sin6_scope_id; };
struct sock_common {
	union { u64 skc_addrpair; struct { __be32 skc_daddr, skc_rcv_saddr; }; };
	union { u32 skc_portpair; struct { __be16 skc_dport; __u16 skc_num; }; };
	unsigned short skc_family;
	volatile unsigned char skc_state;
	unsigned char skc_reuse : 4, skc_reuseport : 1, skc_ipv6only : 1;
	struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
	struct net *skc_net;
};
struct socket { int state; short type; struct file *file; struct sock *sk; };
struct sock { struct sock_common __sk_common; int sk_rcvbuf, sk_sndbuf; u8 sk_padding : 1, sk_kern_sock : 1, sk_no_check_tx : 1; u16 sk_type, sk_protocol; struct socket *sk_socket; kuid_t sk_uid; };
struct inet_sock { struct sock sk; __be32 inet_saddr; __be16 inet_sport; };
struct tcp_sock { struct inet_sock inet_conn; u32 snd_cwnd, srtt_us; u64 bytes_received; };
struct iphdr { __u8 ihl : 4, version : 4; __u8 tos; __be16 tot_len, id, frag_off; __u8 ttl, protocol; __u16 check; __be32 saddr, daddr; };
struct sk_buff { struct sk_buff *next; struct sock *sk; unsigned int len, data_len; __be16 protocol; unsigned char *head, *data; };
struct msghdr { void *msg_name; int msg_namelen; size_t msg_iter_count; };

struct gendisk { int major, first_minor; char disk_name[32]; };
struct bio { struct bio *bi_next; unsigned int bi_opf; sector_t bi_sector; };
struct request { unsigned int cmd_flags; unsigned int __data_len; sector_t __sector; struct bio *bio; struct gendisk *q_disk; u64 start_time_ns; };
struct pt_regs { unsigned long r15, r14, r13, r12, bp, bx, r11, r10, r9, r8, ax, cx, dx, si, di, orig_ax, ip, cs, flags, sp, ss; };
struct bpf_iter_meta { struct seq_file *seq; u64 session_id, seq_num; };
struct bpf_iter__task { union { struct bpf_iter_meta *meta; }; union { struct task_struct *task; }; };
struct __kernel_timespec { s64 tv_sec; long long tv_nsec; };
struct iovec { void __user *iov_base; size_t iov_len; };

/* Shapes that are seldom in kernels but allowed in BTF. */
struct shapes {
	char grid[3][8];
	int matrix[2][3];
	u8 bytes[6];
	enum migrate_mode mode;
	zone_t zone;
	signed char tiny;
	long double wide;
	bool flags_on : 1;
	enum pid_type kind : 3;
	long long big : 40;
	struct { u32 a, b; } pair[2];
	char *names[4];
	int (*call)(int);
	int (*table[2])(void);
	union { int as_int; float as_float; } u;
	struct never_defined *opaque;
	const volatile char *const text;
	char tail[];
};
struct squeezed { char first; u32 value; u16 low : 3, crossing : 15; u64 far : 60; char last; } packed;
struct empty { };

#define TRACE(name, ...) typedef void (*btf_trace_##name)(void *, __VA_ARGS__); \
	int __traceiter_##name(void *__data, __VA_ARGS__) { return 0; }
TRACE(sched_switch, bool preempt, struct task_struct *prev, struct task_struct *next, unsigned int prev_state)
TRACE(sched_wakeup, struct task_struct *p)
TRACE(sched_process_exec, struct task_struct *p, pid_t old_pid, struct linux_binprm *bprm)
TRACE(sched_process_exit, struct task_struct *p, bool group_dead)
TRACE(sched_process_fork, struct task_struct *parent, struct task_struct *child)
TRACE(sys_enter, struct pt_regs *regs, long id)
TRACE(sys_exit, struct pt_regs *regs, long ret)
TRACE(block_rq_issue, struct request *rq)
TRACE(block_rq_complete, struct request *rq, u8 error, unsigned int nr_bytes)
TRACE(kfree_skb, struct sk_buff *skb, void *location, unsigned int reason, struct sock *rx_sk)

ssize_t vfs_read(struct file *file, char __user *buf, size_t count, loff_t *pos) { return 0; }
ssize_t vfs_write(struct file *file, const char __user *buf, size_t count, loff_t *pos) { return 0; }
int vfs_open(const struct path *path, struct file *file) { return 0; }
int vfs_fsync(struct file *file, int datasync) { return 0; }
long do_sys_openat2(int dfd, const char __user *filename, struct open_how *how) { return 0; }
int tcp_connect(struct sock *sk) { return 0; }
int tcp_sendmsg(struct sock *sk, struct msghdr *msg, size_t size) { return 0; }
void wake_up_new_task(struct task_struct *p) { }
void finish_task_switch(struct task_struct *prev) { }

/* Everything above by value, so that all of it is written out in full. */
union {
	struct task_struct a; struct mm_struct b; struct cred c; struct nsproxy d; struct pid_namespace e; struct uts_namespace f;
	struct mnt_namespace g; struct net h; struct pid i; struct upid j; struct signal_struct k; struct files_struct l;
	struct vm_area_struct m; struct cgroup n; struct css_set o; struct kernfs_node p; struct qstr q; struct super_block r;
	struct inode s; struct dentry t; struct vfsmount u; struct path v; struct file_operations w; struct file x;
	struct filename y; struct linux_binprm z; struct seq_file a1; struct sockaddr_in b1; struct sockaddr_in6 c1;
	struct sockaddr d1; struct socket e1; struct tcp_sock f1; struct iphdr g1; struct sk_buff h1; struct msghdr i1;
	struct gendisk j1; struct bio k1; struct request l1; struct pt_regs m1; struct bpf_iter__task n1; struct bpf_iter_meta o1;
	struct __kernel_timespec p1; struct iovec q1; struct shapes r1; struct squeezed s1; struct empty t1;
	struct list_head u1; struct rb_node v1; struct hlist_node w1; struct callback_head x1;
} fake_structs;
struct {
	u8 a; u16 b; u32 c; u64 d; s8 e; s16 f; s32 g; s64 h; __s32 i; __s64 j; uint8_t k; uint16_t l; uint32_t m; uint64_t n;
	int8_t o; int16_t p; int32_t q; int64_t r; dev_t s; off_t t; gfp_t u; ktime_t v; time64_t w; sector_t x;
	enum sock_type a1; enum hrtimer_restart b1; enum hrtimer_mode c1;
	enum { TCP_ESTABLISHED = 1, TCP_SYN_SENT, TCP_SYN_RECV, TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_TIME_WAIT, TCP_CLOSE, TCP_LISTEN = 10 } d1;
	enum { BPF_F_INDEX_MASK = 0xffffffffULL, BPF_F_CTXLEN_MASK = 0xfffffULL << 32 } e1;
	enum fake_signed { FAKE_LOWEST = -0x7000000000LL, FAKE_HIGHEST = 1 } e2;
	btf_trace_sched_switch f1; btf_trace_sched_wakeup g1; btf_trace_sched_process_exec h1; btf_trace_sched_process_exit i1;
	btf_trace_sched_process_fork j1; btf_trace_sys_enter k1; btf_trace_sys_exit l1; btf_trace_block_rq_issue m1;
	btf_trace_block_rq_complete n1; btf_trace_kfree_skb o1;
} fake_words;
