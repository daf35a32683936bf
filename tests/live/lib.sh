# lib.sh - what the live tests share.  Source it; end with `report`.
SONDE=${SONDE:-build/sonde}
B=${B:-build/tests/prog}                 # small programs to trace
T=$(mktemp -d) || exit 1
n_pass=0 n_fail=0 n_skip=0
trap 'rm -rf "$T"' EXIT
export LC_ALL=C

pass() { n_pass=$((n_pass + 1)); }
fail() { n_fail=$((n_fail + 1)); printf 'FAILED %s: %s\n' "$name" "$*"; }
skip() { n_skip=$((n_skip + 1)); printf 'skipped %s: %s\n' "$name" "$*"; }
report() {
    printf '%d passed, %d failed, %d skipped\n' $n_pass $n_fail $n_skip
    [ $n_fail -eq 0 ]
}

# A trial attach says whether this machine has a kind of probe; the answer is kept.
declare -A has_cache
has() {
    local probe
    case $1 in
    root) [ "$(id -u)" = 0 ]; return ;;
    cmd:*) command -v "${1#cmd:}" >/dev/null; return ;;
    kprobe) probe='kprobe:vfs_read' ;;
    kretprobe) probe='kretprobe:vfs_read' ;;
    uprobe) probe="uprobe:$B/pouet:pouet" ;;
    uretprobe) probe="uretprobe:$B/pouet:pouet" ;;
    tracepoint) probe='tracepoint:sched:sched_switch' ;;
    rawtracepoint) probe='rawtracepoint:sched_switch' ;;
    profile) probe='profile:hz:99' ;;
    interval) probe='interval:s:1' ;;
    software) probe='software:page-faults:1' ;;
    *) echo "unknown need: $1"; return 1 ;;
    esac
    [ -n "${has_cache[$1]:-}" ] || { timeout 20 "$SONDE" -q --dry-run -e "$probe { @ = 1; }" >/dev/null 2>&1; has_cache[$1]=$?; }
    [ "${has_cache[$1]}" = 0 ]
}

# want NAME NEEDS...: begins a test; false (with a skip) when a need is not met.
want() {
    name=$1
    shift
    for need; do
        has "$need" || { skip "needs $need"; return 1; }
    done
}

# start ARGS...: sonde in the background, returns when it is attached (or has ended).  stdout: $T/out, stderr: $T/err.
start() {
    : >"$T/out"
    : >"$T/err"
    "$SONDE" "$@" >"$T/out" 2>"$T/err" &
    sonde_pid=$!
    for _ in $(seq 400); do
        grep -q '^Attached' "$T/err" && return 0
        kill -0 $sonde_pid 2>/dev/null || return 1
        sleep 0.05
    done
    return 1
}
# finish [SIGNAL]: ends it, leaves its exit status in $status.
finish() {
    kill -"${1:-INT}" $sonde_pid 2>/dev/null
    status=0
    for _ in $(seq 600); do
        kill -0 $sonde_pid 2>/dev/null || break
        sleep 0.05
    done
    kill -9 $sonde_pid 2>/dev/null && status=hang
    wait $sonde_pid 2>/dev/null
    local rc=$?
    [ $status = hang ] || status=$rc
}
# once ARGS...: a run that ends by itself.
once() {
    timeout 60 "$SONDE" "$@" >"$T/out" 2>"$T/err" </dev/null
    status=$?
}
same() { [ "$1" = "$2" ] && pass || fail "expected [$2], got [$1]$(head -3 "$T/err" | sed 's/^/; /')"; }
