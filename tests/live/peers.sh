#!/usr/bin/env bash
# peers.sh - what sonde sees, compared with what something else sees: strace, dd, getrusage, the load itself.
cd "$(dirname "$0")/../.." || exit 1
. tests/live/lib.sh

if want "one line per execve" root tracepoint cmd:strace; then
    cp "$(command -v dash || command -v sh)" "$T/sondesh"
    cmd="$T/sondesh -c '/bin/true; /bin/echo x; /bin/true; /bin/ls / | /bin/cat; exit 0'"
    eval "strace -f -e trace=execve -o $T/strace $cmd" >/dev/null 2>&1
    expected=$(($(grep -c 'execve(' "$T/strace") - 1))      # the first is sondesh itself
    once -q -o "$T/hello" -c "$cmd" -e 'tracepoint:syscalls:sys_enter_execve /comm == "sondesh"/ { printf("Hello World!\n"); }'
    same "$(grep -c '^Hello World!$' "$T/hello")" "$expected"
fi

if want "file names of openat" root tracepoint cmd:strace; then
    cp "$(command -v ls)" "$T/sondels"
    strace -f -e trace=openat -o "$T/strace" "$T/sondels" -l /etc /usr/share >/dev/null 2>&1
    sed -n 's/.*openat([^,]*, "\([^"]*\)".*/sondels \1/p' "$T/strace" | sort >"$T/expected"
    # -o: ls cuts its own output in the middle of lines
    once -q -o "$T/names" -c "$T/sondels -l /etc /usr/share" \
        -e 'tracepoint:syscalls:sys_enter_openat /comm == "sondels"/ { printf("%s %s\n", comm, str(args.filename)); }'
    grep '^sondels ' "$T/names" | sort >"$T/got"
    [ -s "$T/expected" ] && cmp -s "$T/expected" "$T/got" && pass || fail "$(diff "$T/expected" "$T/got" | head -5) $(head -3 "$T/err")"
fi

if want "read sizes of a known load" root tracepoint; then
    once -q -c "$B/reads 1 10 2 20 3 30 1024 40 65536 50" \
        -e 'tracepoint:syscalls:sys_exit_read /comm == "reads" && args.ret > 0/ { @[comm] = hist(args.ret); }'
    # the loader reads one ELF header of the C library, 832 bytes
    got=$(sed -n 's/^\(\[[^)]*[])]\) *\([0-9]*\) |.*/\1=\2/p' "$T/out" | grep -v '=0$' | grep -v '^\[512, 1K)' | tr '\n' ' ')
    same "$got" "[1]=10 [2, 4)=50 [1K, 2K)=40 [64K, 128K)=50 "
fi

if want "as many writes as strace counts" root tracepoint cmd:strace; then
    cmd='dd if=/dev/zero of=/dev/null bs=1 count=100000'
    # shellcheck disable=SC2086
    strace -c -e trace=write -o "$T/strace" $cmd 2>/dev/null
    expected=$(awk '$NF == "write" { print $4 }' "$T/strace")
    once -q -c "$cmd" -e 'tracepoint:syscalls:sys_enter_write /comm == "dd"/ { @ = count(); }'
    # strace -c and dd's own report differ from run to run in nothing: write(2) of dd's last lines is one each
    same "$(sed -n 's/^@: //p' "$T/out")" "$expected"
fi

if want "an event for every write" root tracepoint; then
    once -q -c 'dd if=/dev/zero of=/dev/null bs=1 count=100000 status=none' \
        -e 'tracepoint:syscalls:sys_enter_write /comm == "dd"/ { printf("w %d\n", args.count); }'
    same "$(grep -c '^w 1$' "$T/out") $(grep -ci lost "$T/err")" "100000 0"
fi

if want "page faults as getrusage counts them" root software; then
    once -q -o "$T/maps" -c "$B/faults 5000" -e 'software:page-faults:1 /comm == "faults"/ { @[comm] = count(); }'
    faults=$(cat "$T/out") got=$(sed -n 's/^@\[faults\]: //p' "$T/maps")
    [ "${got:-0}" -ge "${faults:-1}" ] && [ "$got" -lt $((faults + 400)) ] && pass || fail "getrusage $faults, sonde $got"
fi

if want "interval fires on time" root interval; then
    once -q -e 'interval:ms:100 { @n++; } interval:s:2 { exit(); }'
    got=$(sed -n 's/^@n: //p' "$T/out")
    [ "${got:-0}" -ge 15 ] && [ "$got" -le 20 ] && pass || fail "$got times in two seconds"
fi

if want "all system calls at once attach and detach quickly" root tracepoint; then
    begin=$(date +%s%N)
    once -q -c "$B/reads 64 5" -e 'tracepoint:syscalls:sys_enter_* /comm == "reads"/ { @[probe] = count(); }'
    took=$((($(date +%s%N) - begin) / 1000000))
    grep -q 'sys_enter_read\]: ' "$T/out" && [ $took -lt 5000 ] && pass || fail "$took ms, $(tail -2 "$T/out" "$T/err")"
fi
report
