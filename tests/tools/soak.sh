#!/usr/bin/env bash
# soak.sh - hours in minutes: attaches and detaches again and again, and keeps one session under load while its memory
# and descriptors are watched.     SONDE=... B=... soak.sh SECONDS
cd "$(dirname "$0")/../.." || exit 1
. tests/live/lib.sh
[ "$(id -u)" = 0 ] || { echo "soak.sh: needs root" >&2; exit 1; }
limit=$((SECONDS + ${1:-600}))
rss() { awk '/^VmRSS/ { print $2 }' /proc/$sonde_pid/status 2>/dev/null; }
descriptors() { ls /proc/$sonde_pid/fd 2>/dev/null | wc -l; }

name="a session under load"
start -e 'tracepoint:syscalls:sys_enter_read { @[comm, pid] = count(); @h[comm] = hist(args.count); } tracepoint:syscalls:sys_exit_read { printf("%s %d\n", comm, args.ret); } interval:s:1 { print(@h); clear(@h); }'
"$B/reads" 64 200000
sleep 3
rss0=$(rss) fd0=$(descriptors) rounds=0
while [ $SECONDS -lt $limit ]; do
    "$B/reads" 64 20000 4096 1000
    once -q -c "$B/reads 1 100" -e 'tracepoint:syscalls:sys_enter_read /comm == "reads"/ { @ = count(); }'
    [ "$status" = 0 ] || { fail "round $rounds: status $status: $(head -2 "$T/err")"; break; }
    rounds=$((rounds + 1))
done
rss1=$(rss) fd1=$(descriptors)
echo "$rounds rounds; memory $rss0 -> $rss1 kB, descriptors $fd0 -> $fd1"
finish
[ "$status" = 0 ] && [ "$fd0" = "$fd1" ] && [ "$rss1" -lt $((rss0 + 20000)) ] && pass || fail "status $status"
report
