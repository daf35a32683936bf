#!/usr/bin/env bash
# api.sh - the library as its users see it: calls, threads, the example.
out=$1
"$out/tests/api/calls" >"$out/api.log" 2>&1; rc=$?
threads=$("$out/tests/api/threads" 2>&1); rc=$((rc + $?))
grep FAILED "$out/api.log"
echo "$threads" | grep FAILED
read -r p _ f _ s _ <<<"$(tail -1 "$out/api.log")"
read -r p2 _ f2 _ <<<"$(tail -1 <<<"$threads")"
name="example" lines=$(wc -l <examples/embed.c)
p=$((p + p2)) f=$((f + f2))
[ "$lines" -le 40 ] && p=$((p + 1)) || { f=$((f + 1)); echo "FAILED $name: examples/embed.c has $lines lines, 40 are promised"; }
if [ "$(id -u)" = 0 ]; then
    # while it polls there are system calls to count, its own if no others
    if "$out/examples/embed" >"$out/embed.log" 2>&1 && grep -qE '^ +[1-9][0-9]*  [^ ]+' "$out/embed.log"; then p=$((p + 1)); else
        f=$((f + 1)); echo "FAILED $name: $(head -3 "$out/embed.log")"
    fi
else
    s=$((s + 1))
fi
[ "$rc" = 0 ] || [ $f != 0 ] || { f=1; echo "FAILED: a test program ended with status $rc"; tail -5 "$out/api.log"; echo "$threads" | tail -5; }
echo "$p passed, $f failed, $s skipped"
[ $f = 0 ]
