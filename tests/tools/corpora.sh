#!/usr/bin/env bash
# corpora.sh - replays every corpus through its fuzz target: fuzz_X reads tests/data/corpus/X/*.
cd "$(dirname "$0")/../.." || exit 1
pass=0 fail=0 skip=0
for bin; do
    name=$(basename "$bin") dir=tests/data/corpus/${name#fuzz_}
    if ! compgen -G "$dir/*" >/dev/null; then
        echo "skipped $(basename "$bin"): no files in $dir"
        skip=$((skip + 1))
        continue
    fi
    log=$(timeout 600 "$bin" "$dir"/* 2>&1) && pass=$((pass + $(ls "$dir" | wc -l))) ||
        { fail=$((fail + 1)); echo "FAILED $(basename "$bin")"; tail -20 <<<"$log"; }
done
echo "$pass passed, $fail failed, $skip skipped"
[ $fail = 0 ]
