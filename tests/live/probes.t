# Every probe type in the plainest form, and what the run prints.

NAME  begin and end
PROG  begin { printf("hello %d\n", 1); } end { printf("bye\n"); }
OUT   hello 1
OUT   bye

NAME  old names of begin and end
PROG  BEGIN { printf("a\n"); exit(); } END { printf("b\n"); }
OUT   a
OUT   b

NAME  exit code
PROG  begin { exit(69); }
EXIT  69

NAME  a failure at run time is said once, with how often it happened
PROG  begin { @z = 0; $i = 0; while ($i < 3) { @n = (uint64)10 / (uint64)@z; $i++; } }
ERR~  1 is being used as the result\. \(3 times\)$

NAME  a shell of system() gets SIGPIPE as shells expect it
OPTS  --unsafe
PROG  begin { system("(yes; echo $? >&2) | head -1"); exit(); }
OUT   y
ERR~  ^141$

NAME  how many probes were attached is said on standard error
NEEDS interval
PROG  interval:ms:10 { exit(); } interval:s:10 { }
ERR~  ^Attached 2 probes$

NAME  interval prints and clears a map
NEEDS interval
PROG  begin { @n = 0; }
PROG  interval:ms:50 { @n++; @[1] = count(); }
PROG  interval:ms:400 { print(@); clear(@); exit(); }
OUT~  ^@\[1\]: [1-9]

NAME  software event counts page faults by process
NEEDS software
OPTS  -c "@B@/faults 2000"
PROG  software:page-faults:1 /comm == "faults"/ { @[comm] = count(); }
OUT~  ^@\[faults\]: 2[0-9][0-9][0-9]$

NAME  profile samples kernel stacks
NEEDS profile
OPTS  -c "@B@/spin 1000"
PROG  profile:hz:99 /comm == "spin"/ { @[kstack] = count(); }
OUT~  ^ +(vfs_read|read_zero|__x64_sys_read|__arm64_sys_read|do_syscall_64|.*)\+[0-9]+$

NAME  profile samples about as often as it says
NEEDS profile
OPTS  -c "@B@/spin 1000"
PROG  profile:hz:100 /comm == "spin"/ { @ = count(); }
OUT~  ^@: ([6-9][0-9]|1[0-4][0-9])$

NAME  uprobe counts calls by argument
NEEDS uprobe
OPTS  -c "@B@/pouet 4"
PROG  uprobe:@B@/pouet:pouet { @[arg0] = count(); }
OUT   @[1]: 1
OUT   @[2]: 2
OUT   @[3]: 3
OUT   @[4]: 4

NAME  uretprobe sees the result
NEEDS uretprobe
OPTS  -c "@B@/pouet 3"
PROG  uretprobe:@B@/pouet:pouet { @ = sum(retval); }
OUT   @: 28

NAME  uprobe at an offset that is the function's start
NEEDS uprobe
OPTS  -c "@B@/pouet 3"
PROG  uprobe:@B@/pouet:pouet+0 { @ = count(); }
OUT   @: 6

NAME  uprobe on a library's function by the library's stem
NEEDS uprobe
OPTS  -c "@B@/mallocs 3000000 5 70000000 2"
PROG  uprobe:libc:malloc /comm == "mallocs"/ { @ = hist(arg0); }
OUT~  ^\[2M, 4M\) +5 \|
OUT~  ^\[64M, 128M\) +2 \|

NAME  user function name and stack
NEEDS uprobe
OPTS  -c "@B@/pouet 1 500"
PROG  uprobe:@B@/pouet:pouet { printf("in %s %d\n", func, pid == cpid); print(ustack); }
OUT   in pouet 1
OUT~  ^ +pouet\+0$

NAME  names of a process that has ended before its map is printed
NEEDS uprobe
OPTS  -c "@B@/pouet 2 300"
PROG  uprobe:@B@/pouet:pouet { @[func] = count(); }
OUT   @[pouet]: 3

NAME  tracepoint arguments
NEEDS tracepoint
OPTS  -c "@B@/reads 512 7 4096 3"
PROG  tracepoint:syscalls:sys_enter_read /comm == "reads" && args.count == 512/ { @ = count(); }
OUT   @: 7

NAME  tracepoint histogram of a known load
NEEDS tracepoint
OPTS  -c "@B@/reads 100 11 1000 22 100000 33"
PROG  tracepoint:syscalls:sys_exit_read /comm == "reads" && args.ret > 0/ { @[comm] = lhist(args.ret, 0, 200000, 50000); }
OUT~  ^\[0, 50000\) +3[3-9] \|
OUT~  ^\[100000, 150000\) +33 \|

NAME  wildcard of tracepoints and the probe that fired
NEEDS tracepoint
OPTS  -c "@B@/reads 64 9"
PROG  tracepoint:syscalls:sys_exit_rea* /comm == "reads"/ { @[probe] = count(); }
OUT~  ^@\[tracepoint:syscalls:sys_exit_read\]: (9|1[0-9])$

NAME  tracepoint with a string of its own record
NEEDS tracepoint
OPTS  -c "/bin/true"
PROG  tracepoint:sched:sched_process_exec /pid == cpid/ { printf("exec %s\n", str(args.filename)); }
OUT   exec /bin/true

NAME  raw tracepoint
NEEDS rawtracepoint
OPTS  -c "@B@/reads 64 50"
PROG  rawtracepoint:sys_enter /comm == "reads" && arg1 == 0/ { @ = count(); }
OUT~  ^@: 5[0-9]$

NAME  kernel type of the current task
NEEDS tracepoint
OPTS  -c "@B@/reads 64 1"
PROG  tracepoint:syscalls:sys_enter_read /pid == cpid/ { printf("%s %d\n", curtask.comm, curtask.tgid == pid); exit(); }
OUT   reads 1

NAME  cast to a kernel type and a chain of pointers
NEEDS tracepoint
OPTS  -c "@B@/reads 64 1"
PROG  tracepoint:syscalls:sys_enter_read /pid == cpid/ { printf("parent %s\n", ((struct task_struct *)curtask)->real_parent->comm); exit(); }
OUT   parent sonde

NAME  kprobe
NEEDS kprobe
OPTS  -c "@B@/reads 64 50"
PROG  kprobe:vfs_read /comm == "reads"/ { @ = count(); }
OUT~  ^@: [5-9][0-9]$

NAME  kretprobe
NEEDS kretprobe
OPTS  -c "@B@/reads 64 50"
PROG  kretprobe:vfs_read /comm == "reads" && retval == 64/ { @ = count(); }
OUT   @: 50

NAME  lost events are reported
NEEDS rawtracepoint
OPTS  --ring-pages 1 -c "@B@/reads 64 200000"
PROG  rawtracepoint:sys_enter { printf("%s %d %d %d %d\n", comm, pid, tid, uid, nsecs); }
ERR~  Total lost event count: [0-9]+
TIME  30

NAME  a full map is reported and keeps what it has
PROG  config = { max_map_keys = 2 } begin { @[1] = 1; @[2] = 2; @[3] = 3; exit(); }
OUT   @[1]: 1
OUT   @[2]: 2
ERR~  Map full

NAME  division by zero is reported
PROG  begin { $x = (uint64)0; @ = 5 / $x; exit(); }
OUT   @: 1
ERR~  Divide or modulo by 0

NAME  a process given by -p
NEEDS tracepoint
OPTS  -p $$
PROG  tracepoint:syscalls:sys_enter_* { @[pid] = count(); }
RUN   sleep 0.3
OUT~  ^@\[[0-9]+\]: [0-9]+$

NAME  system needs --unsafe, and then runs
OPTS  --unsafe
PROG  begin { system("echo from %s", "system"); exit(); }
OUT   from system

NAME  cat
PROG  begin { cat("/proc/sys/kernel/ostype"); exit(); }
OUT   Linux

NAME  signal ends the child
NEEDS tracepoint
OPTS  --unsafe -c "sleep 30"
PROG  tracepoint:syscalls:sys_enter_clock_nanosleep /pid == cpid/ { signal("KILL"); }
TIME  5

NAME  a tracepoint that perf may not sample is counted all the same
NEEDS tracepoint
OPTS  --dry-run
PROG  tracepoint:irq_vectors:irq_work_exit { @[kstack(1)] = count(); }

NAME  a loop that the kernel refuses says why
PROG  begin { for ($i : 0..1000000000000) { @++; } }
ERR~  longer than the kernel lets a loop be
