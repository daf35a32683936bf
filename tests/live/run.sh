#!/usr/bin/env bash
# run.sh - runs live tests: blocks of words in FILE.t, separated by empty lines (HACKING.md, "Tests").
#   NAME text    NEEDS uprobe ...   OPTS options of sonde   PROG program (may be repeated)   RUN command, once attached
#   OUT line of the output   OUT~ expression some line matches   ERR~ the same for standard error
#   TIME seconds it may take (10)   EXIT status (0)
# @B@ stands for the directory of the small test programs.
cd "$(dirname "$0")/../.." || exit 1
. tests/live/lib.sh

clear_block() { NAME='' NEEDS='' OPTS='' PROG='' RUN='' TIME=10 EXIT=0 OUT=() OUTX=() ERRX=(); }

run_block() {
    [ -n "$NAME" ] || return
    # shellcheck disable=SC2086
    want "$NAME" $NEEDS || return
    eval "local opts=($OPTS)"
    local ok=1 line limit=$((SECONDS + TIME))
    start "${opts[@]}" -e "$PROG"
    [ -z "$RUN" ] || bash -c "$RUN" >"$T/run" 2>&1
    # without a command it is expected to end by itself
    while [ -z "$RUN" ] && kill -0 $sonde_pid 2>/dev/null && [ $SECONDS -lt $limit ]; do sleep 0.05; done
    finish
    [ "$status" = "$EXIT" ] || { ok=0; fail "exit status $status, expected $EXIT; $(head -3 "$T/err")"; }
    for line in "${OUT[@]}"; do
        [ $ok = 0 ] || grep -qxF -- "$line" "$T/out" || { ok=0; fail "no line [$line]; got [$(head -5 "$T/out")] $(head -3 "$T/err")"; }
    done
    for line in "${OUTX[@]}"; do
        [ $ok = 0 ] || grep -qE -- "$line" "$T/out" || { ok=0; fail "no line like [$line]; got [$(head -5 "$T/out")] $(head -3 "$T/err")"; }
    done
    for line in "${ERRX[@]}"; do
        [ $ok = 0 ] || grep -qE -- "$line" "$T/err" || { ok=0; fail "no message like [$line]; got [$(head -5 "$T/err")]"; }
    done
    [ $ok = 0 ] || pass
}

run_file() {
    local word rest
    clear_block
    while IFS= read -r line || [ -n "$line" ]; do
        case $line in '#'*) continue ;; '') run_block; clear_block; continue ;; esac
        word=${line%% *}
        rest=${line#"$word"}
        rest=${rest#"${rest%%[! ]*}"}
        rest=${rest//@B@/$B}
        case $word in
        NAME) NAME="$rest" ;;
        NEEDS) NEEDS="$rest" ;;
        OPTS) OPTS="$rest" ;;
        PROG) PROG+="$rest"$'\n' ;;
        RUN) RUN="$rest" ;;
        OUT) OUT+=("$rest") ;;
        OUT~) OUTX+=("$rest") ;;
        ERR~) ERRX+=("$rest") ;;
        TIME) TIME="$rest" ;;
        EXIT) EXIT="$rest" ;;
        *) name="$1"; fail "unknown word $word"; return ;;
        esac
    done <"$1"
    run_block
}

for file; do run_file "$file"; done
report
