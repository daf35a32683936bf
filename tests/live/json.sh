# json.sh - the output of -f json (LANGUAGE 5.7, 5.2): every type of line as it must be, and every line through jq.
cd "$(dirname "$0")/../.." || exit 1
. tests/live/lib.sh
name="JSON"
want "JSON" root cmd:jq || { report; exit; }

# lines_parse: each line of $T/out is one JSON object with a type, and UTF-8
lines_parse() {
    [ "$(jq -c 'select(has("type"))' <"$T/out" 2>"$T/jq" | wc -l)" = "$(wc -l <"$T/out")" ] && [ ! -s "$T/jq" ] &&
        iconv -f UTF-8 -t UTF-8 <"$T/out" >/dev/null 2>&1
}
# gives NAME PROGRAM LINE...: the run prints exactly these lines (and attached_probes)
gives() {
    name=$1
    local prog=$2
    shift 2
    once --unsafe -q -f json -e "$prog"
    [ "$status" = 0 ] || { fail "exit status $status: $(head -3 "$T/err")"; return; }
    lines_parse || { fail "not JSON: $(cat "$T/out")"; return; }
    same "$(cat "$T/out")" "$(printf '%s\n' "$@")"
}
# shows NAME EXPRESSION VALUE: print(EXPRESSION) of type "value"
shows() { gives "$1" "begin { print($2); exit(); }" "{\"type\": \"value\", \"data\": $3}"; }

# ---- 5.2: values ----
shows "5.2 int" '-5' '-5'
shows "5.2 int as large as a double holds it" '9007199254740992' 9007199254740992
shows "5.2 int that is no double" '9007199254740993' '"9007199254740993"'
shows "5.2 negative int that is no double" '(int64)-9007199254740993' '"-9007199254740993"'
shows "5.2 largest int" '(uint64)18446744073709551615' '"18446744073709551615"'
shows "5.2 power of two beyond the mantissa" '(uint64)9223372036854775808' 9223372036854775808
shows "5.2 bool" '1 == 1' true
shows "5.2 pointer is a number" '(uint8 *)18446744073709551615' 18446744073709551615
shows "5.2 string" '"a b"' '"a b"'
shows "5.2 escapes" '"\"\\\n\r\t\001\037\177"' '"\"\\\n\r\t\u0001\u001f'$'\177''"'
shows "5.2 UTF-8 stays" '"\303\251\342\202\254\360\237\230\200"' '"é€😀"'
shows "5.2 bytes that are no UTF-8" '"\377a\303b\300\200\355\240\200"' '"\u00ffa\u00c3b\u00c0\u0080\u00ed\u00a0\u0080"'
shows "5.2 buffer" 'buf("ab", 3)' '[97,98,0]'
shows "5.2 array" '(int8[3])"ab"' '[97,98,0]'
shows "5.2 tuple" '(1, "abc", (2, 3))' '[1,"abc",[2,3]]'
shows "5.2 empty string" '""' '""'
shows "5.2 record" '(a = 1, b = (2, "hi"))' '{"a": 1, "b": [2,"hi"]}'
shows "5.2 symbol" 'ksym(1)' '"0x1"'
shows "5.2 address" 'ntop(0x0100007f)' '"127.0.0.1"'
shows "5.2 enum is a number" '(enum pid_type)1' 1
gives "5.2 cut string" 'config = { max_strlen = 8 } begin { $s = "/a/long/path"; print(str(&$s)); exit(); }' '{"type": "value", "data": "/a/long.."}'
name="5.2 stack is one string"; once -q -f json -e 'tracepoint:sched:sched_switch { print(kstack(2)); exit(); }'
lines_parse && same "$(jq -r '.type + " " + (.data | type) + " " + (.data | split("\n") | length | tostring)' <"$T/out" | head -1)" "value string 4"
name="5.2 args"; once -q -f json -e 'tracepoint:sched:sched_switch { print(args); exit(); }'
lines_parse && same "$(jq -r '.data | keys_unsorted | join(",")' <"$T/out" | head -1)" \
    prev_comm,prev_pid,prev_prio,prev_state,next_comm,next_pid,next_prio

# ---- 5.7: the types of lines ----
name="attached_probes"; once -f json -e 'begin { exit(); }'
same "$(cat "$T/out")$(cat "$T/err")" '{"type": "attached_probes", "count": 1, "data": {"probes": 1}}'
gives "map, scalar" 'begin { @x = 5; exit(); }' '{"type": "map", "data": {"@x": 5}}'
gives "map, keyed: parts joined by commas, no blanks" 'begin { @c["a b, c", 2] = 5; exit(); }' '{"type": "map", "data": {"@c": {"ab,c,2": 5}}}'
gives "map, keys of all kinds" 'begin { @a[(1, "x y"), -2] = 1; @b[buf("k\001", 2)] = 2; @d[""] = 3; @e["q\"\377"] = (1, 2); exit(); }' \
    '{"type": "map", "data": {"@a": {"(1,xy),-2": 1}}}' '{"type": "map", "data": {"@b": {"k\\x01": 2}}}' \
    '{"type": "map", "data": {"@d": {"": 3}}}' '{"type": "map", "data": {"@e": {"q\"\u00ff": [1,2]}}}'
gives "map, elements in printing order" 'begin { @[1] = 30; @[2] = 10; @[3] = 20; exit(); }' '{"type": "map", "data": {"@": {"2": 10, "3": 20, "1": 30}}}'
gives "map, empty" 'begin { @x[1] = 1; delete(@x[1]); print(@x); exit(); }'
gives "map, a scalar never set" 'begin { if (pid == 0) { @x = 7; } print(@x); exit(); }' '{"type": "map", "data": {"@x": 0}}'
gives "map, top and div" 'begin { @[1] = 30; @[2] = 10; @[3] = 20; print(@, 2, 10); clear(@); exit(); }' '{"type": "map", "data": {"@": {"3": 2, "1": 3}}}'
gives "count, sum, min, max" 'begin { @a = count(); @b["k"] = sum(-5); @c = min(7); @d = max(9); exit(); }' '{"type": "map", "data": {"@a": 1}}' \
    '{"type": "map", "data": {"@b": {"k": -5}}}' '{"type": "map", "data": {"@c": 7}}' '{"type": "map", "data": {"@d": 9}}'
gives "hist" 'begin { @h = hist(-1); @h = hist(0); @h = hist(2); exit(); }' \
    '{"type": "hist", "data": {"@h": [{"max": -1, "count": 1},{"min": 0, "max": 0, "count": 1},{"min": 1, "max": 1, "count": 0},{"min": 2, "max": 3, "count": 1}]}}'
gives "hist, the last bucket" 'begin { @h = hist(9223372036854775807); exit(); }' \
    '{"type": "hist", "data": {"@h": [{"min": 4611686018427387904, "max": 9223372036854775807, "count": 1}]}}'
gives "hist, keyed" 'begin { @h["a"] = hist(1); @h["b"] = hist(2); @h["b"] = hist(2); exit(); }' \
    '{"type": "hist", "data": {"@h": {"a": [{"min": 1, "max": 1, "count": 1}], "b": [{"min": 2, "max": 3, "count": 2}]}}}'
gives "hist, empty" 'begin { if (pid == 0) { @h = hist(1); } print(@h); exit(); }' '{"type": "hist", "data": {"@h": []}}'
gives "hist, div" 'begin { @h = hist(2); @h = hist(2); print(@h, 0, 2); clear(@h); exit(); }' '{"type": "hist", "data": {"@h": [{"min": 2, "max": 3, "count": 1}]}}'
gives "lhist" 'begin { @h = lhist(2, 5, 9, 2); @h = lhist(8, 5, 9, 2); @h = lhist(10, 5, 9, 2); exit(); }' \
    '{"type": "hist", "data": {"@h": [{"max": 4, "count": 1},{"min": 5, "max": 6, "count": 0},{"min": 7, "max": 8, "count": 1},{"min": 9, "count": 1}]}}'
gives "stats" 'begin { @s = stats(10); @s = stats(2); exit(); }' '{"type": "stats", "data": {"@s": {"count": 2, "average": 6, "total": 12}}}'
gives "stats, keyed; div" 'begin { @s["k"] = stats(10); @s["k"] = stats(2); print(@s, 0, 3); clear(@s); exit(); }' \
    '{"type": "stats", "data": {"@s": {"k": {"count": 2, "average": 2, "total": 12}}}}'
gives "avg is of type stats" 'begin { @s = avg(10); @s = avg(2); @t["k"] = avg(-3); exit(); }' '{"type": "stats", "data": {"@s": 6}}' \
    '{"type": "stats", "data": {"@t": {"k": -3}}}'
gives "value" 'begin { print((1, 2, "string")); exit(); }' '{"type": "value", "data": [1,2,"string"]}'
gives "printf" 'begin { printf("test %d", 5); printf(""); exit(); }' '{"type": "printf", "data": "test 5"}' '{"type": "printf", "data": ""}'
gives "printf with bytes of all kinds" 'begin { printf("%c%c\n", 0, 200); exit(); }' '{"type": "printf", "data": "\u0000\u00c8\n"}'
gives "time" 'begin { time("x%%\n"); exit(); }' '{"type": "time", "data": "x%\n"}'
name="join"; once -q -f json -c "$B/pouet 1" -e 'tracepoint:syscalls:sys_enter_execve /pid == cpid/ { join(args.argv); exit(); }'
lines_parse && same "$(cat "$T/out")" "{\"type\": \"join\", \"data\": \"$B/pouet 1\\n\"}"
printf 'two\nlines\n' >"$T/file"
gives "cat is one line" "begin { cat(\"$T/file\"); exit(); }" '{"type": "cat", "data": "two\nlines\n"}'
: >"$T/empty"
gives "cat of an empty file" "begin { cat(\"$T/empty\"); exit(); }" '{"type": "cat", "data": ""}'
gives "cat of a file that is not there" 'begin { cat("/nonexistent/x"); exit(); }' \
    '{"type": "runtime_error", "msg": "failed to open file '"'/nonexistent/x'"': No such file or directory", "filename": "stdin", "line": 1, "col": 9}'
gives "syscall, in parts that cut a character" 'begin { system("printf '"'a\\\\303'"'; sleep 0.2; printf '"'\\\\251b\\\\303'"'"); exit(); }' \
    '{"type": "syscall", "data": "aéb\u00c3\n"}'
head -c 10000 /dev/zero | tr '\0' x >"$T/long"
name="cat of many parts is one line"; once -q -f json -e "begin { cat(\"$T/long\"); exit(); }"
same "$(jq -r '.data | length' <"$T/out")" 10000
gives "runtime_error" 'begin { @z = 0; print((uint64)1 / (uint64)@z); clear(@z); exit(); }' '{"type": "value", "data": 1}' \
    '{"type": "runtime_error", "msg": "Divide or modulo by 0 detected. This can lead to unexpected results. 1 is being used as the result.", "filename": "stdin", "line": 1, "col": 23}'
name="runtime_error is left out with --no-warnings"; once -q --no-warnings -f json -e 'begin { @z = 0; print((uint64)1 / (uint64)@z); clear(@z); exit(); }'
same "$(cat "$T/out")" '{"type": "value", "data": 1}'
name="lost_events"; once -q -f json --ring-pages 1 -e 'begin { for ($i : 0..2000) { printf("%d %s\n", $i, "a line that takes some room"); } exit(); }'
lines_parse && same "$(jq -r 'select(.type == "lost_events") | .count == .data.events and .count > 0' <"$T/out")" true
name="dry run prints nothing"; once -q --dry-run -f json -e 'begin { printf("x"); exit(); }'; same "$(cat "$T/out")" ""
name="-o"; once -q -f json -o "$T/file" -e 'begin { @x = 1; exit(); }'; same "$(cat "$T/file"),$(cat "$T/out")" '{"type": "map", "data": {"@x": 1}},'
name="messages of the compiler stay text"; once -f json -e 'begin { $x = ; }'; same "$(cat "$T/out")$(grep -c '^stdin:1:.*ERROR: ' "$T/err")" 1
name="nothing of the run's frame"; once -q -f json -e 'begin { @x = 1; exit(); }'; same "$(wc -l <"$T/out")" 1

# ---- every script that the suite runs ----
for file in tests/golden/self/*.bt; do
    name="jq reads what $(basename "$file") prints"
    sed -E '2,${/^#!/,$d}; s/\btest:[a-z0-9_]+/begin/' "$file" >"$T/script.bt"
    args=$(sed -n 's/^#! args //p' "$file")
    # shellcheck disable=SC2086
    once -f json --unsafe "$T/script.bt" $args
    [ $status = 1 ] && continue            # refused: other tests see to that
    lines_parse && [ -s "$T/out" ] && pass || fail "$(cat "$T/jq") $(head -3 "$T/out")"
done
report
