#!/usr/bin/env bash
# fuzz.sh - builds the fuzz targets with libFuzzer and runs each for a while.  A crash is kept as a file of its corpus.
#   fuzz.sh OUT SECONDS TARGET...
cd "$(dirname "$0")/../.." || exit 1
out=$1/fuzz seconds=$2
shift 2
bash tests/tools/deps.sh fuzz || exit 1
clang=$(command -v clang-19 || ls /usr/bin/clang-[12][0-9] 2>/dev/null | tail -1)
[ -n "$clang" ] || { echo "sonde: fuzzing needs clang (apt-get install clang-19)" >&2; exit 1; }
export ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1
make --no-print-directory -s -j"$(nproc)" OUT="$out" CC="$clang" CFLAGS='-O1 -g -fsanitize=fuzzer-no-link' SAN=address,undefined "$out/libsonde.a" || exit 1
status=0
for target; do
    corpus=tests/data/corpus/${target#fuzz_}
    mkdir -p "$corpus" "$out/found/$target"
    make --no-print-directory -s OUT="$out" CC="$clang" CFLAGS='-O1 -g -fsanitize=fuzzer-no-link' SAN=address,undefined "$out/tests/fuzz/$target.o" || exit 1
    make --no-print-directory -s OUT="$out" CC="$clang" "$out/fuzz-$target" || exit 1
    "$out/fuzz-$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=4096 -print_final_stats=0 \
        -artifact_prefix="$corpus/crash-" "$out/found/$target" "$corpus" 2>"$out/$target.log" || { status=1; echo "FAILED $target"; }
    grep -E 'ERROR|SUMMARY|Test unit written' "$out/$target.log" | head -5
    echo "$target: $(grep -oE '^#[0-9]+' "$out/$target.log" | tail -1) inputs in $seconds s"
done
exit $status
