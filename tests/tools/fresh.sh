#!/usr/bin/env bash
# fresh.sh - what the README promises, where nothing was installed by hand: a new Debian in a directory, make demo and make
# check in it.  Not part of make check: it downloads a system.
#   fresh.sh DIR [SUITE] [GOAL...]       SUITE: bookworm; GOAL: demo check
src=$(cd "$(dirname "$0")/../.." && pwd)
dir=$1 suite=${2:-bookworm}
shift 2 2>/dev/null || shift $#
[ $# -gt 0 ] || set -- demo check
[ "$(id -u)" = 0 ] && [ -n "$dir" ] || { echo "fresh.sh DIR [SUITE] [GOAL...]: as root" >&2; exit 1; }
command -v debootstrap >/dev/null || { echo "fresh.sh: debootstrap is missing (apt-get install debootstrap)" >&2; exit 1; }
set -e
[ -e "$dir/etc/debian_version" ] || debootstrap --variant=minbase --include=make,ca-certificates "$suite" "$dir" >"/tmp/debootstrap.$$.log"
mkdir -p "$dir/sonde"
tar -C "$src" -cf - --exclude=./build --exclude=./.git . | tar -C "$dir/sonde" -xf -
# how apt reaches its mirror from here
cp -a /etc/resolv.conf "$dir/etc/resolv.conf" 2>/dev/null || :
cp -a /etc/apt/apt.conf.d/. "$dir/etc/apt/apt.conf.d/" 2>/dev/null || :
# in a mount namespace of its own: nothing stays mounted
unshare -m bash -ec '
    mount --rbind /proc "$1/proc"; mount --rbind /sys "$1/sys"; mount --rbind /dev "$1/dev"
    dir=$1; shift
    for goal; do echo "== make $goal"; chroot "$dir" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb \
        http_proxy="${http_proxy:-}" https_proxy="${https_proxy:-}" make -C /sonde "$goal"; done' bash "$dir" "$@"
