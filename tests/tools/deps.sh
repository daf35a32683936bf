#!/usr/bin/env bash
# deps.sh - installs, through the distribution's package manager, what building (build), testing (test) or fuzzing (fuzz) needs and the
# machine lacks.  Says in one line what is missing where it cannot.
what=${1:-build}
say() { echo "sonde: $*" >&2; }

has_package() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
offers() { apt-cache show "$1" 2>/dev/null | grep -q '^Package:'; }
# What is installed wins: 19 first, then the nearest.  Else 19 if offered, else the newest of 16 to 22 that is.
llvm_version() {
    local v
    for v in 19 20 21 22 18 17 16; do has_package "llvm-$v-dev" && { echo $v; return; }; done
    for v in 19 22 21 20 18 17 16; do offers "llvm-$v-dev" && { echo $v; return; }; done
}
wanted() {
    local v
    v=$(llvm_version)
    echo gcc g++ make libc6-dev libbpf-dev libelf-dev zlib1g-dev libzstd-dev libreadline-dev "llvm-${v:-19}-dev" "lld-${v:-19}"
    [ "$what" != fuzz ] || echo "clang-${v:-19}" "libclang-rt-${v:-19}-dev"
    [ "$what" != test ] || echo libcmocka-dev "clang-${v:-19}" strace procps binutils util-linux jq
}
missing() { for p in $(wanted); do has_package "$p" || echo "$p"; done; }

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    command -v "${LLVM_CONFIG:-llvm-config}" >/dev/null && exit 0
    say "this is not Debian or Ubuntu: install a C compiler, make, LLVM 16 to 22 and the headers of libbpf, libelf, zlib, zstd, readline yourself"
    exit 1
fi
[ -n "$(missing)" ] || exit 0
if [ "$(id -u)" != 0 ]; then
    say "packages are missing: $(missing | tr '\n' ' ')- run this as root, or install them"
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! apt-get update >"$log" 2>&1; then
    say "apt-get update fails, is there a network? $(grep -m1 -E '^(E|Err|W):?' "$log")"
fi
say "installing $(missing | tr '\n' ' ')"
# shellcheck disable=SC2046
if ! apt-get install -y --no-install-recommends -o DPkg::Lock::Timeout=600 $(missing) >"$log" 2>&1; then
    say "cannot install $(missing | tr '\n' ' ')- $(grep -m1 '^E:' "$log")"
    exit 1
fi
