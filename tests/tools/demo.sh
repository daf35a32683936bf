#!/usr/bin/env bash
# demo.sh - make demo: installs what is missing, builds, shows five seconds of this kernel at work.
cd "$(dirname "$0")/../.." || exit 1
say() { echo "sonde: $*" >&2; }

[ "$(id -u)" = 0 ] || { say "tracing the kernel needs root: sudo make demo"; exit 1; }
[ -r /sys/kernel/btf/vmlinux ] || { say "this kernel describes no types (/sys/kernel/btf/vmlinux is missing): it needs CONFIG_DEBUG_INFO_BTF"; exit 1; }
bash tests/tools/deps.sh build || exit 1
say "building"
make --no-print-directory -s -j"$(nproc)" build/sonde || { say "the build failed"; exit 1; }
# what sudo built belongs to whoever asked
[ -z "${SUDO_UID:-}" ] || chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" build
# an idle machine would have nothing to show
(while sleep 0.1; do cat /proc/stat /etc/services; tail -c 20000 build/sonde | od; done) >/dev/null 2>&1 &
load=$!
trap 'kill $load 2>/dev/null' EXIT
program='tracepoint:syscalls:sys_exit_read /args.ret > 0/ { @bytes[comm] = hist(args.ret); }
interval:s:1 { time("---- %H:%M:%S  sizes of reads, by process ----\n"); print(@bytes); clear(@bytes); }
interval:ms:5100 { exit(); }'
printf '\n$ build/sonde -e '"'%s'"'\n\n' "$program"
build/sonde -e "$program"
