#!/usr/bin/env bash
# full_check.sh - make check: installs what is missing, builds, runs everything, closes with the sums.
# SKIPS_MAX=n: more skipped tests than that are a failure.
cd "$(dirname "$0")/../.." || exit 1
say() { echo "sonde: $*" >&2; }
stop() { say "$*"; echo "0 passed, 1 failed, 0 skipped"; exit 1; }
unset OUT MAKEFLAGS MFLAGS MAKELEVEL
export LC_ALL=C

[ "$(id -u)" = 0 ] || stop "the tests load programs into the kernel and need root: sudo make check (make test: those that need none)"
[ -r /sys/kernel/btf/vmlinux ] || stop "this kernel describes no types (/sys/kernel/btf/vmlinux is missing): it needs CONFIG_DEBUG_INFO_BTF"
bash tests/tools/deps.sh test || stop "what the tests need could not be installed"

jobs=$(nproc)
begin=$SECONDS
build() { make --no-print-directory -s -j"$jobs" "$@"; }
say "building"
build WERROR=1 all tests || stop "the build failed"
say "built in $((SECONDS - begin)) s"

TOTALS=$(mktemp)
trap 'rm -f "$TOTALS"' EXIT
export TOTALS QUIET_TOTAL=1
failed=0
# fastest first
bash tests/tools/check.sh lists floors size tags header io globals run-side unit corpora api golden format oom || failed=1
# what the running kernel must do, with nothing beside it
bash tests/tools/check.sh @self @accepted @load @cli @json @peers @live || failed=1

# the same sources under the sanitizers, by the other compiler, and threads under the thread sanitizer
clang=$(command -v clang-19 || ls /usr/bin/clang-[12][0-9] 2>/dev/null | tail -1)
sanitized() {
    local label=$1 out=$2 sort=$3 flags=$4
    shift 4
    say "building for $label"
    local t=$SECONDS
    build WERROR=1 OUT="$out" SAN="$sort" CFLAGS="$flags" tests || { stop_later "build for $label"; return; }
    say "built in $((SECONDS - t)) s"
    LABEL=$label SAN="$sort" CFLAGS="$flags" bash tests/tools/check.sh OUT="$out" "$@" || failed=1
}
stop_later() {
    echo "FAIL $1"
    failed=1
    read -r p _ f _ s _ <"$TOTALS"
    echo "$p passed, $((f + 1)) failed, $s skipped" >"$TOTALS"
}
# LSan cannot see what LLVM keeps for the life of the process in tagged pointers: it is reachable all the same
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
sanitized sanitized build/san address,undefined '-O1 -g' unit corpora golden oom @self
# gcc warns that TSan does not follow fences; what they order is shared with the kernel, not with threads
sanitized threads build/tsan thread '-O1 -g -Wno-tsan' threads
if [ -n "$clang" ]; then
    t=$SECONDS
    if make --no-print-directory -s -j"$jobs" CC="$clang" OUT=build/clang WERROR=1 CFLAGS=-O0 build/clang/libsonde.a build/clang/sonde >build/check/clang.log 2>&1; then
        echo "ok   clang, no warning ($((SECONDS - t)) s)"
        read -r p _ f _ s _ <"$TOTALS"
        echo "$((p + 1)) passed, $((${f%,})) failed, $s skipped" >"$TOTALS"
    else
        tail -30 build/check/clang.log
        stop_later "clang"
    fi
fi
[ -z "${SUDO_UID:-}" ] || chown -R "$SUDO_UID:${SUDO_GID:-$SUDO_UID}" build
read -r p _ f _ s _ <"$TOTALS"
say "everything took $((SECONDS - begin)) s"
if [ -n "${SKIPS_MAX:-}" ] && [ "$s" -gt "$SKIPS_MAX" ]; then
    say "$s tests were skipped, at most $SKIPS_MAX may be"
    failed=1
fi
echo "$p passed, ${f%,} failed, $s skipped"
[ $failed = 0 ] && [ "${f%,}" = 0 ]
