#!/usr/bin/env bash
# run_side.sh - an image written by the whole library is run by a program that has the run side only.
out=$1
p=0 f=0 s=0
if nm "$out/tests/api/run_image" | grep -qE ' (LLVM|_ZN4llvm|sonde_compile)'; then f=1; echo "FAILED: run_image contains the compile side"; else p=1; fi
if [ "$(id -u)" = 0 ]; then
    "$out/tests/api/calls" "$out/run_side.image" >/dev/null 2>&1
    got=$("$out/tests/api/run_image" "$out/run_side.image" 2>&1 | tr '\n' '|')
    if [ "$got" = 'from an image|the end|@m[1]: 1|' ]; then p=$((p + 1)); else f=$((f + 1)); echo "FAILED: run_image printed [$got]"; fi
else
    s=1
    echo "skipped running an image: needs root"
fi
echo "$p passed, $f failed, $s skipped"
[ $f = 0 ]
