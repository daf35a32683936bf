/* all.c - the list of builtins and functions, compile halves.  A new one is a line here. */
#include "sema/plug.h"

#define ROWS(ROW) \
	/* now.c */ ROW(nsecs) ROW(elapsed) ROW(jiffies) ROW(time) ROW(strftime) \
	/* task.c */ ROW(pid) ROW(tid) ROW(uid) ROW(gid) ROW(username) ROW(comm) ROW(cpu) ROW(ncpus) ROW(cgroup) ROW(curtask) ROW(cpid) \
	ROW(has_cpid) ROW(rand) ROW(ppid) ROW(pcomm) ROW(leader_comm) \
	/* arg.c */ ROW(args) ROW(arg0) ROW(arg1) ROW(arg2) ROW(arg3) ROW(arg4) ROW(arg5) ROW(arg6) ROW(arg7) ROW(arg8) ROW(arg9) \
	ROW(retval) ROW(ctx) ROW(func) ROW(probe) ROW(probetype) \
	/* str.c */ ROW(str) ROW(strncmp) ROW(strlen) ROW(join) \
	/* mem.c */ ROW(buf) ROW(kptr) ROW(uptr) ROW(kaddr) ROW(bswap) ROW(is_err) \
	/* net.c */ ROW(ntop) ROW(macaddr) \
	/* out.c */ ROW(printf) ROW(print) ROW(cat) ROW(system) ROW(clear) ROW(zero) ROW(exit) \
	/* maps.c */ ROW(delete) ROW(has_key) ROW(len) \
	/* aggr.c, hist.c */ ROW(count) ROW(sum) ROW(min) ROW(max) ROW(avg) ROW(stats) ROW(hist) ROW(lhist) \
	/* tseries.c */ ROW(tseries) \
	/* stack.c */ ROW(kstack) ROW(ustack) ROW(ksym) ROW(usym) \
	/* signal.c */ ROW(signal) \
	/* comptime.c */ ROW(getopt) ROW(static_assert) ROW(fail)

#define DECLARE(name) extern const struct builtin builtin_##name;
ROWS(DECLARE)

extern const struct builtin *const all_builtins[];
#define ENTRY(name) &builtin_##name,
const struct builtin *const all_builtins[] = { ROWS(ENTRY) NULL };
