#!/usr/bin/env bash
# unit.sh - runs cmocka programs and adds up what they report.
pass=0 fail=0 skip=0
for bin; do
    log=$(CMOCKA_MESSAGE_OUTPUT=stdout timeout 300 "$bin" 2>&1)
    rc=$?
    p=$(grep -c '^\[       OK \]' <<<"$log") f=$(grep -c '^\[  FAILED  \] [^0-9]' <<<"$log") s=$(grep -c '^\[  SKIPPED \] [^0-9]' <<<"$log")
    [ $rc = 0 ] || { printf '%s\n' "$log" | grep -v '^\[ RUN\|^\[       OK' | tail -40; [ "$f" != 0 ] || { f=1; echo "FAILED $bin: status $rc"; }; }
    pass=$((pass + p)) fail=$((fail + f)) skip=$((skip + s))
done
echo "$pass passed, $fail failed, $skip skipped"
[ $fail = 0 ]
