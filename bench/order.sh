#!/usr/bin/env bash
# order.sh - writes bench/startup.order: the functions that a short run calls, in the order of their first call.  lld lays
# them side by side, so that a start touches few pages of LLVM (make order; needs valgrind and root).
set -e
cd "$(dirname "$0")/.."
command -v valgrind >/dev/null || { echo "sonde: make order needs valgrind" >&2; exit 1; }
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
cp build/sonde "$out/sonde"
i=0
trace() {
    i=$((i + 1))
    timeout 300 valgrind --tool=callgrind --callgrind-out-file="$out/$i.cg" --demangle=no "$out/sonde" -q -e "$1" >"$out/$i.log" 2>&1 ||
        { tail -5 "$out/$i.log" >&2; exit 1; }
}
trace 'begin { @[comm] = count(); @h = hist(pid); printf("%s %d\n", comm, pid); @p = curtask.real_parent.pid; exit(); }'
trace 'begin { for ($i : 0..5) { @x[$i] = nsecs; } if (@x[1] > 5) { $s = "a"; @y[$s] = avg(3); } exit(); }'
trace 'interval:ms:50 { @[comm] = count(); exit(); } rawtracepoint:sched_switch { @c = count(); }'
nm "$out/sonde" | awk '{ print $3 }' | LC_ALL=C sort -u >"$out/symbols"
sed -n 's/^c\{0,1\}fn=([0-9]*) \([^ '"'"']*\).*/\1/p' "$out"/*.cg | awk '!seen[$0]++ { print NR, $0 }' | LC_ALL=C sort -k2,2 |
    LC_ALL=C join -1 2 -2 1 - "$out/symbols" | sort -n -k2,2 | awk '{ print $1 }' >bench/startup.order
echo "$(wc -l <bench/startup.order) functions"
