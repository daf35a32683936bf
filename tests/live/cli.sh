#!/usr/bin/env bash
# cli.sh - the command line: ways to give a program, options, exit codes, and everything that can be wrong.
cd "$(dirname "$0")/../.." || exit 1
. tests/live/lib.sh
hello='begin { printf("hello\n"); exit(); }'

# says NAME PATTERN STATUS ARGS...: the run ends with STATUS and a line like PATTERN on standard error
says() {
    name=$1
    local pattern=$2 expected=$3
    shift 3
    once "$@"
    [ "$status" = "$expected" ] || { fail "exit status $status, expected $expected: $(head -3 "$T/err")"; return; }
    grep -qE -- "$pattern" "$T/err" && pass || fail "no message like [$pattern]: [$(head -3 "$T/err")]"
}

# ---- without any privilege ----
name=version; once -V; grep -qE '^sonde v[0-9]+\.[0-9]+\.[0-9]+$' "$T/out" && pass || fail "$(cat "$T/out")"
name=help; once -h; grep -q 'USAGE: sonde' "$T/out" && [ $status = 0 ] && pass || fail
says "unknown option" 'unknown option --nonsense' 1 --nonsense
says "option without a value" 'needs a value' 1 -e
says "no program" 'a file name' 1
says "usage where there is no program" '^USAGE: sonde' 1
says "option meant for the script" 'stands after --' 1 x.bt --mine
says "stage that is none" "unknown stage 'X' to dump" 1 -d X -e "$hello"
says "empty stage" 'letter or name of a stage' 1 -d '' -e "$hello"
SONDE_MAX_STRLEN=20000 says "environment out of range" 'max_strlen takes 1 to 16384' 1 -e "$hello"
name="empty environment variable is none"
SONDE_BTF='' SONDE_COLOR=never once -d C -e 'begin { print(curtask.pid); }'; same $status 0
says "script that is not there" "failed to open file '/nonexistent.bt': No such file or directory" 1 /nonexistent.bt
says "directory as script" "failed to open file '/tmp': Is a directory" 1 /tmp
says "pid that is no number" 'Failed to parse pid: invalid integer: abc' 1 -p abc -e "$hello"
says "pid with trailing bytes" 'Failed to parse pid: invalid trailing bytes: 12x' 1 -p 12x -e "$hello"
says "pid out of range" 'Pid out of range: 5000000' 1 -p 5000000 -e "$hello"
says "-c and -p" 'cannot be used together' 1 -c true -p 1 -e "$hello"
says "output format" 'Invalid output format "xml"' 1 -f xml -e "$hello"
says "buffering" 'Invalid buffering' 1 -B some -e "$hello"
says "syntax error has a place" '^stdin:1:[0-9]+-[0-9]+: ERROR: ' 1 -e 'begin { $x = ; }'
says "syntax error marks its columns" '^ +~+' 1 -e 'begin { $x = ; }'
says "empty program" 'ERROR: ' 1 -e ''
says "program that is no text" 'ERROR: ' 1 -e "$(printf '\001\002\377')"
SONDE_MAX_STRLEN=many says "environment" 'SONDE_MAX_STRLEN: invalid integer: many' 1 -e "$hello"
BPFTRACE_MAX_STRLEN=many says "environment by its other name" 'BPFTRACE_MAX_STRLEN: invalid integer: many' 1 -e "$hello"
SONDE_COLOR=pink says "colour" 'is not auto, always or never' 1 -e "$hello"
name="colours when asked for"
SONDE_COLOR=always once -e 'begin { $x = ; }'
grep -q $'\033\[31m' "$T/err" && pass || fail
name="dump of the tree"
once -d S -e 'begin { @ = 1 + 2; }'
grep -q 'program' "$T/out" && [ $status = 0 ] && pass || fail "$(head -3 "$T/err")"
says "mode" 'Invalid mode "codegen"' 1 --mode codegen -e "$hello"
name="--fmt"; once --fmt -e 'begin{@=1 // why
}'; same "$(cat "$T/out")" 'begin {
  @ = 1; // why
}'
printf 'begin{@=1}' >"$T/plain.bt"
name="--mode format, a file, -o"; once --mode format -o "$T/fmt.bt" "$T/plain.bt"; same "$(cat "$T/fmt.bt" "$T/out")" 'begin {
  @ = 1;
}'
name="--fmt keeps the first line"; printf '#!/usr/bin/env sonde\nbegin{}' | timeout 20 "$SONDE" --fmt - >"$T/out" 2>"$T/err"; same "$(cat "$T/out")" '#!/usr/bin/env sonde
begin {}'
says "--fmt of what does not parse" '^stdin:1:[0-9]+-[0-9]+: ERROR: ' 1 --fmt -e 'begin { $x = ; }'
name="--fmt writes nothing of what does not parse"; same "$(cat "$T/out")" ""
says "output file in no directory" "cannot open output file '/nonexistent/x'" 1 -o /nonexistent/x -e "$hello"
name="full disk under -V"; timeout 10 "$SONDE" -V >/dev/full 2>"$T/err"; same "$? $(grep -c 'cannot write to standard output' "$T/err")" "1 1"
says "command that does not exist" 'command not found' 1 -c /nonexistent/cmd -e "$hello"
says "command that is a directory" '/tmp cannot be executed: Is a directory' 1 -c /tmp -e "$hello"
says "command that is no program" '/etc/passwd cannot be executed: Permission denied' 1 -c /etc/passwd -e "$hello"
says "command not in PATH" 'nonexistent-cmd: command not found' 1 -c 'nonexistent-cmd a b' -e "$hello"
says "command with an open quote" "is not closed" 1 -c "echo 'x" -e "$hello"
says "empty command" 'the command is empty' 1 -c ' ' -e "$hello"
name="-e and list of what it attaches"
once -l -e 'begin { } end { }'
same "$(sort "$T/out" | tr '\n' ' ')" "begin end "
SONDE_BTF=/nonexistent says "no kernel type information" 'BTF|/nonexistent' 1 -e 'begin { printf("%s", curtask.comm); }'
says "missing probe" 'tracepoint:syscalls:sys_enter_nonsense|sys_enter_nonsense' 1 -e 'tracepoint:syscalls:sys_enter_nonsense { }'
says "unknown probe type" 'nonsense' 1 -e 'nonsense:x { }'
says "unsafe function" '--unsafe' 1 -e 'begin { system("true"); }'

# ---- imports and the program's own options (LANGUAGE 1.2, 1.8) ----
mkdir -p "$T/lib" && echo 'macro seven() { 7 }' >"$T/lib/seven.bt" && echo 'import "lib/seven.bt"; begin { print(seven()); exit(); }' >"$T/imports.bt"
chmod o+w "$T/lib/seven.bt"
says "import of what everyone may write" "imports.bt:1:1-22: ERROR: cannot import '$T/lib/seven.bt': everyone may write to it" 1 "$T/imports.bt"
chmod o-w "$T/lib/seven.bt"
says "import that is not there" "cannot import 'nonesuch.bt': No such file" 1 -e 'import "nonesuch.bt"; begin { }'
mkfifo "$T/lib/fifo.bt"
says "import of a pipe" "it is not a file" 1 -e "import \"$T/lib/fifo.bt\"; begin { }"
says "errors tell of expansions" '^stdin:1:43-49: NOTE: expanded from' 1 -e 'macro bad(x) { x + $nothing } begin { @ = bad(1); }'
asks='begin { printf("%d %d\n", getopt("number", 20, "how many"), $1); getopt("really"); exit(); }'
name="options of the program"; once -e "$asks" -- --help; same "$status|$(tr '\n' '|' <"$T/out")" "0|program options:|    --number: how many|    --really|"
says "unknown option of the program" '^ERROR: unexpected program command line options: --bb' 1 -e "$asks" -- --bb
says "known options of the program" '^HINT: expected program options: --number: how many' 1 -e "$asks" -- --bb
says "bad option of the program" 'program command line option --number invalid integer \(value: False\)' 1 -e "$asks" -- --number=False

# ---- as another user: E_PERM ----
if want "not root" root cmd:setpriv; then
    install -m 755 "$SONDE" "$T/sonde" && chmod 755 "$T"
    setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all "$T/sonde" -e "$hello" >"$T/out" 2>"$T/err"
    status=$?
    [ $status = 1 ] && grep -qiE 'root|privilege|CAP_' "$T/err" && pass || fail "status $status: $(head -3 "$T/err")"
fi

has root || { name="everything that runs"; skip "needs root"; report; exit; }

# ---- ways to give a program ----
name="-e"; once -q -e "$hello"; same "$(head -1 "$T/out")" hello
printf '%s\n' "$hello" >"$T/hello.bt"
name="script file"; once -q "$T/hello.bt"; same "$(head -1 "$T/out")" hello
name="standard input"; timeout 20 "$SONDE" -q - <"$T/hello.bt" >"$T/out" 2>"$T/err"; same "$(head -1 "$T/out")" hello
{ echo "#!/usr/bin/env sonde"; echo 'begin { printf("%s %d %d\n", str($1), $2, $#); exit(); }'; } >"$T/she.bt"
chmod +x "$T/she.bt"
name="executable script with parameters"
PATH="$(cd "$(dirname "$SONDE")" && pwd):$PATH" timeout 20 "$T/she.bt" word -5 >"$T/out" 2>"$T/err"
same "$(head -1 "$T/out")" "word -5 2"
name="positional parameters after -e"; once -q -e 'begin { printf("%d %d\n", $1 + $2, $#); exit(); }' 40 2
same "$(head -1 "$T/out")" "42 2"
name="imports beside the script"; once -q "$T/imports.bt"; same "$(head -1 "$T/out")" 7
name="a program with options"; once -q -e "$asks" 3 -- --number=0x10 --really; same "$(head -1 "$T/out")" "16 3"
name="quiet"; once -q -e "$hello"; same "$(cat "$T/err")" ""
name="attached on standard error"; once -e "$hello"; same "$(grep -c '^Attached 1 probe$' "$T/err") $(grep -c Attached "$T/out")" "1 0"
name="two empty lines before the maps"; once -q -e 'begin { @x = 5; exit(); }'; same "$(od -c "$T/out" | head -1 | tr -s ' ')" "0000000 \n \n @ x : 5 \n"
name="-o"; once -q -o "$T/file" -e "$hello"; same "$(head -1 "$T/file"),$(cat "$T/out")" "hello,"
name="dry run prints nothing"; once -q --dry-run -e "$hello"; same "$status$(cat "$T/out")" 0
name="exit code"; once -e 'begin { exit(7); }'; same $status 7
name="SIGINT prints maps and exits with 0"
start -e 'begin { @a[1] = 2; } interval:s:100 { }'; finish INT; same "$status $(tail -1 "$T/out")" "0 @a[1]: 2"
name="SIGHUP, too, and a file gets the maps"
start -o "$T/hup" -e 'begin { @a[1] = 2; } interval:s:100 { }'; finish HUP; same "$status $(tail -1 "$T/hup")" "0 @a[1]: 2"
name="verbose says how probes were attached"
once -v -e 'interval:ms:10 { exit(); }'; grep -q '^attached interval:ms:10 as a perf event: 1 link$' "$T/err" && pass || fail "$(cat "$T/err")"
name="SIGKILL leaves nothing attached"
if want "$name" cmd:bpftool tracepoint; then
    start -e 'tracepoint:sched:sched_switch { @sonde_left = count(); } interval:s:100 { }'; bpftool map | grep -c sonde_left >"$T/during"
    finish KILL; sleep 0.3; same "$status $(cat "$T/during") $(bpftool map | grep -c sonde_left)" "137 1 0"
fi
name="SIGTERM does too"
start -e 'begin { @a[1] = 2; } interval:s:100 { } end { printf("end\n"); }'; finish TERM; same "$status $(tr '\n' ' ' <"$T/out")" "0 end   @a[1]: 2 "
name="maps of environment's size"
SONDE_MAX_MAP_KEYS=1 once -q -e 'begin { @[1] = 1; @[2] = 2; exit(); }'; same "$(grep -c '^@\[' "$T/out")" 1
name="config variable from the environment"
SONDE_PRINT_MAPS_ON_EXIT=0 once -q -e 'begin { @ = 1; exit(); }'; same "$(grep -c '@' "$T/out")" 0

# ---- the command of -c ----
name="quotes in the command"; once -q -c "sh -c 'printf \"%s|\" \"\$@\"' x 'a b' \"c\\\"d\" e\\ f" -e 'interval:s:100 { }'
same "$(head -1 "$T/out")" 'a b|c"d|e f|'
name="the end of the command ends tracing"; begin=$SECONDS; once -q -c true -e 'interval:s:100 { }'
same "$status $((SECONDS - begin < 5))" "0 1"
name="the command is ended with sonde"; once -q -c 'sleep 76543' -e 'interval:ms:100 { exit(); }'
same "$(pgrep -fc '^sleep 76543')" 0
name="the command starts when all is attached"
once -q -c "$B/pouet 2" -e "uprobe:$B/pouet:pouet { @ = count(); }"; same "$(sed -n 's/^@: //p' "$T/out")" 3
says "process that is not there" 'no process 4194303' 1 -p 4194303 -e "$hello"
name="the end of the process ends tracing"; sleep 0.7 & p=$!; begin=$SECONDS; once -q -p $p -e 'interval:s:100 { }'
same "$status $((SECONDS - begin < 5))" "0 1"

printf 'no program\n' >"$T/text"; chmod +x "$T/text"
name="command that the kernel refuses"; once -q -c "$T/text" -e 'begin { @x = 5; } interval:s:100 { }'
same "$status $(grep -c 'cannot be run: Exec format error' "$T/err") $(tail -1 "$T/out")" "1 1 @x: 5"

# ---- a broken output loses nothing ----
name="reader of a list that leaves"
timeout 20 "$SONDE" -l 'tracepoint:*' 2>"$T/err" | head -1 >"$T/out"; same "${PIPESTATUS[0]} $(wc -l <"$T/out") $(cat "$T/err")" "0 1 "
name="reader that leaves amid much"
timeout 30 "$SONDE" -q -e 'begin { for ($i : 0..60000) { printf("line\n"); } exit(); }' 2>"$T/err" | head -1 >"$T/out"
same "$(grep -c '^line' "$T/err") $(wc -l <"$T/out")" "0 1"
name="size limit under -o"
(ulimit -f 8; timeout 20 "$SONDE" -q -o "$T/limited" -e 'begin { for ($i : 0..3000) { @[$i] = 1; } exit(); }' 2>&1) | cat >"$T/out"
same "$(cat "$T/limited" "$T/out" | grep -c '^@\[') $(grep -c 'File too large' "$T/out")" "3000 1"
if want "full disk in the middle of a file" root cmd:mount && mkdir "$T/disk" && mount -t tmpfs -o size=64k none "$T/disk"; then
    once -q -o "$T/disk/o" -e 'begin { for ($i : 0..20000) { printf("%06d\n", $i); } exit(); }'
    cat "$T/disk/o" <(grep -v '^ERROR' "$T/err") >"$T/both"; umount "$T/disk"
    lost=$(sed -n 's/.*Total lost event count: //p' "$T/both")
    same "$status $(($(grep -oE '[0-9]{6}$' "$T/both" | sort -u | wc -l) + ${lost:-0}))" "1 20000"
fi
name="what is lost is counted"
once -q --ring-pages 1 -e 'begin { for ($i : 0..50000) { printf("line\n"); } }'
same "$(($(grep -c '^line$' "$T/out") + $(sed -n 's/.*Total lost event count: //p' "$T/err")))" 50000
name="a full map says how often"
SONDE_MAX_MAP_KEYS=100 once -q -e 'begin { for ($i : 0..1000) { @[$i] = $i; } exit(); }'
same "$(grep -c '^@\[' "$T/out") $(grep -c 'Map full.*(900 times)$' "$T/err")" "100 1"

name="reader that leaves"
"$SONDE" -q -e 'interval:ms:20 { printf("line\n"); @x = 5; }' 2>"$T/err" | head -2 >"$T/out"
same "${PIPESTATUS[0]} $(wc -l <"$T/out") $(grep -c 'closed by its reader' "$T/err") $(grep -c '^@x: 5' "$T/err")" "0 2 1 1"
name="full disk under -o"; once -q -o /dev/full -e 'begin { printf("text\n"); @x = 5; exit(); }'
same "$status $(grep -c "cannot write to /dev/full: No space left on device" "$T/err") $(grep -cE '^(text|@x: 5)' "$T/err")" "1 1 2"
name="closed standard output"; timeout 20 "$SONDE" -q -e 'begin { printf("text\n"); @x = 5; exit(); }' >&- 2>"$T/err"
same "$? $(grep -c 'cannot write to standard output' "$T/err") $(grep -cE '^(text|@x: 5)' "$T/err")" "1 1 2"

# ---- the prompt ----
# tmux types; what is on its screen is the result
type_keys() { for key; do if [ "${key#^}" != "$key" ]; then tmux -S "$T/tmux" send-keys "${key#^}"; else tmux -S "$T/tmux" send-keys -l "$key"; fi; sleep 0.3; done; }
screen() { tmux -S "$T/tmux" capture-pane -p -S -100 >"$T/out"; }
screen_has() { for _ in $(seq 60); do screen; grep -qE -- "$1" "$T/out" && return 0; sleep 0.1; done; return 1; }
if want "Ctrl-C drops an entry, not the prompt" root cmd:tmux; then
    : >"$T/err"
    TERM=xterm SONDE_HISTORY="$T/keys" tmux -f /dev/null -S "$T/tmux" new-session -d -x 100 -y 40 "$SONDE; echo status \$?; sleep 20"
    screen_has '^sonde> *$'
    type_keys half ^C-c 'begin {' ^Enter ^C-c ^C-c '6 * 7' ^Enter
    screen_has '^42$' && pass || fail "$(cat "$T/out")"
    name="Ctrl-C shows the maps and the prompt comes back"
    type_keys 'interval:ms:50 { @n = count(); }' ^Enter ^C-c
    screen_has '^(\^C)?@n: [0-9]+$' && pass || fail "$(cat "$T/out")"
    name="a statement with a block is no program"
    type_keys 'if (1) { printf("yes\n"); }' ^Enter
    screen_has '^yes$' && pass || fail "$(cat "$T/out")"
    name="completion knows words and probes"
    type_keys 'software:page-fau' ^Tab
    screen_has 'software:page-faults:' && pass || fail "$(cat "$T/out")"
    name="Ctrl-D leaves"
    type_keys ^C-c ^C-d
    screen_has '^status 0$' && pass || fail "$(cat "$T/out")"
    tmux -S "$T/tmux" kill-server
fi
if want "prompt" cmd:script; then
    : >"$T/err"
    printf '1 + 2\nbegin { printf("in\\n");\nexit(); }\n$x = ;\nexit\n' |
        TERM=dumb SONDE_HISTORY="$T/history" timeout 30 script -qec "$SONDE" /dev/null >"$T/out" 2>&1
    sed -i 's/\x1b\[[?0-9;]*[a-zA-Z]//g; s/\r/\n/g' "$T/out"
    same "$(grep -cxE '3|in' "$T/out") $(grep -c 'ERROR' "$T/out")" "2 1"
    name="history of the prompt"
    grep -q '1 + 2' "$T/history" && pass || fail "$(cat "$T/history")"
fi
report
