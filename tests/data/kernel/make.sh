#!/bin/sh
# Makes sys/kernel/btf/vmlinux from vmlinux.c.  The result is committed: tests do not run this.
#   make.sh            the BTF
#   make.sh formats    also copies the format files of the events below from the running kernel (root)
set -eu
cd "$(dirname "$0")"
clang=${CLANG:-clang-19}
objcopy=${OBJCOPY:-llvm-objcopy-19}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

mkdir -p sys/kernel/btf
"$clang" -target bpf -O1 -g -funsigned-char -fdebug-compilation-dir=. -w -c vmlinux.c -o "$tmp/vmlinux.o"
"$objcopy" --dump-section .BTF=sys/kernel/btf/vmlinux "$tmp/vmlinux.o" "$tmp/unused.o"

[ "${1:-}" = formats ] || exit 0
events="syscalls/sys_enter_openat syscalls/sys_exit_openat syscalls/sys_enter_read syscalls/sys_exit_read
	syscalls/sys_enter_write syscalls/sys_exit_write syscalls/sys_enter_execve syscalls/sys_exit_execve
	syscalls/sys_enter_connect syscalls/sys_exit_connect syscalls/sys_enter_close syscalls/sys_exit_close
	syscalls/sys_enter_nanosleep syscalls/sys_exit_nanosleep syscalls/sys_enter_kill syscalls/sys_exit_kill
	sched/sched_switch sched/sched_wakeup sched/sched_process_exec sched/sched_process_exit sched/sched_process_fork
	raw_syscalls/sys_enter raw_syscalls/sys_exit block/block_rq_issue block/block_rq_complete
	kmem/kmalloc kmem/kfree timer/hrtimer_start timer/hrtimer_init net/netif_rx skb/kfree_skb tcp/tcp_connect
	sock/inet_sock_set_state signal/signal_generate signal/signal_deliver exceptions/page_fault_user
	workqueue/workqueue_queue_work migrate/mm_migrate_pages ftrace/function ftrace/print"
export events
unshare -m sh -eu -c '
	mount -t tracefs tracefs "$1"
	for e in $events; do
		[ -e "$1/events/$e/format" ] || continue
		mkdir -p "sys/kernel/tracing/events/$e"
		for file in format id; do
			[ ! -e "$1/events/$e/$file" ] || cat "$1/events/$e/$file" > "sys/kernel/tracing/events/$e/$file"
		done
	done' sh "$tmp"
(cd sys/kernel/tracing/events && for e in */*; do
	case $e in ftrace/*) ;; *) echo "$e" | tr / : ;; esac
done) | LC_ALL=C sort > sys/kernel/tracing/available_events
