#!/usr/bin/env bash
# check.sh - runs make targets check-NAME as steps, two at a time, and adds up what they report.
#   check.sh [OUT=dir] STEP...      STEP: NAME, or @NAME: alone, with nothing beside it
# Each step's last line "N passed, N failed, N skipped" counts; a step without one counts as one test.
# TOTALS=file carries the sums from one call to the next.
out=build
case $1 in OUT=*) out=${1#OUT=}; shift ;; esac
label=${LABEL:+$LABEL }
logs=$out/check
mkdir -p "$logs"
jobs=$(nproc)
[ "$jobs" -gt 4 ] && jobs=4

run_step() {
    local name=$1 begin=$SECONDS
    timeout "${STEP_SECONDS:-1800}" make --no-print-directory -s OUT="$out" "check-$name" >"$logs/$name.log" 2>&1 </dev/null
    echo "$? $((SECONDS - begin))" >"$logs/$name.rc"
    tell_step "$name"
}
tell_step() {
    local rc took counts word=ok
    read -r rc took <"$logs/$1.rc"
    counts=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$logs/$1.log" | tail -1)
    if [ -z "$counts" ]; then
        counts='1 passed, 0 failed, 0 skipped'
        [ "$rc" = 0 ] || counts='0 passed, 1 failed, 0 skipped'
    elif [ "$rc" != 0 ]; then
        # a crash behind the last line must not pass
        counts=$(sed 's/, 0 failed/, 1 failed/' <<<"$counts")
    fi
    echo "$counts" >"$logs/$1.counts"
    [ "$rc" = 0 ] || word=FAIL
    {
        printf '%-4s %-22s %s (%s s)\n' $word "$label$1" "$counts" "$took"
        if [ "$rc" != 0 ]; then
            [ "$rc" != 124 ] || echo "     stopped: took too long"
            tail -60 "$logs/$1.log" | sed 's/^/     | /'
        else
            grep -E '^ *(skipped|over 600)' -A1 "$logs/$1.log" | grep -v '^--' | sed 's/^/     | /' | head -30
        fi
    } >"$logs/$1.told"
    cat "$logs/$1.told"
}

rm -f "$logs"/*.counts
for step; do
    if [ "${step#@}" != "$step" ]; then
        wait
        run_step "${step#@}"
        continue
    fi
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do wait -n; done
    run_step "$step" &
done
wait

read -r p f s <<<"$(cat "${TOTALS:-/dev/null}" "$logs"/*.counts | tr -d ',' | awk '{ p += $1; f += $3; s += $5 } END { print p + 0, f + 0, s + 0 }')"
echo "$p passed, $f failed, $s skipped" >"${TOTALS:-/dev/null}"
[ -n "${QUIET_TOTAL:-}" ] || echo "$p passed, $f failed, $s skipped"
[ "$f" = 0 ]
