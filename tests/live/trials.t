# Reports of the script's own tests and benchmarks (LANGUAGE 5.8, 5.7, 3).

NAME  5.8 tests that pass
OPTS  --test
PROG  begin { printf("before\n"); } test:one { printf("not shown\n"); @x = 1; } test:two { return 0; } test:three { exit(0); }
OUT   before
OUT   [==========] Running 3 tests.
OUT   [ RUN      ] one
OUT~  ^\[       OK \] one \([0-9.]+ [num]s\)$
OUT~  ^\[       OK \] two \(
OUT~  ^\[       OK \] three \(
OUT~  ^\[==========\] 3 tests ran\. \([0-9.]+ [num]s total\)$
OUT   [  PASSED  ] 3 tests.

NAME  5.8 what a failed test printed is shown
OPTS  --test
PROG  test:good { printf("not shown\n"); } test:bad { printf("shown\n"); return 1; }
OUT   [==========] Running 2 tests.
OUT   shown
OUT~  ^\[  FAILED  \] bad \(
OUT   [  PASSED  ] 1 test.
OUT   [  FAILED  ] 1 test, listed below:
OUT   [  FAILED  ] bad
EXIT  1

NAME  5.8 a test that exits with a code fails, the next one runs all the same
OPTS  --test
PROG  test:a { exit(3); } test:b { printf("x"); return 2; } test:c { }
OUT~  ^\[  FAILED  \] a \(
OUT   x
OUT~  ^\[  FAILED  \] b \(
OUT~  ^\[       OK \] c \(
EXIT  1

NAME  5.8 a test in which something fails fails, each time
OPTS  --test
PROG  test:a { $z = rand - rand; if (@n == 0) { $z = 0; } print((uint64)1 / (uint64)@z); @n = 0; @z = 0; } test:b { print("x"); }
PROG  test:c { print((uint64)1 % (uint64)@z); }
OUT~  ^\[  FAILED  \] a \(
OUT~  ^stdin:1:[0-9]+-[0-9]+: WARNING: Divide or modulo by 0 detected\.
OUT~  ^\[       OK \] b \(
OUT~  ^\[  FAILED  \] c \(
EXIT  1

NAME  5.8 tests do not wait for other probes, nothing is dumped
NEEDS interval
OPTS  --test
PROG  interval:s:100 { @y = 1; } test:a { @x = 5; } end { @z = 1; }
OUT~  ^\[       OK \] a \(

NAME  5.8 --mode test
OPTS  --mode test
PROG  test:a { }
OUT~  ^\[       OK \] a \(

NAME  5.7 test_result
OPTS  -f json --test
PROG  test:a { printf("not shown\n"); } test:b { printf("%s\n", "sh\"own"); print((1, "x")); return 1; }
OUT~  ^\{"type": "test_result", "data": \{"a": \{"duration": [0-9]+, "passed": true, "output": ""\}\}\}$
OUT~  ^\{"type": "test_result", "data": \{"b": \{"duration": [0-9]+, "passed": false, "output": "sh\\"own\\n\(1, x\)\\n"\}\}\}$
EXIT  1

NAME  5.8 benchmarks
OPTS  --bench
PROG  bench:map { @[rand % 10] = count(); } bench:print { printf("%s\n", probetype); exit(3); }
PROG  bench:a_name_of_more_than_forty_columns_makes_room { } test:not { return 1; }
OUT   Benchmark                                          Time(ns)     Iterations
OUT   --------------------------------------------------------------------------
OUT~  ^map {41} +[0-9]+ +[0-9]+$
OUT~  ^print {39} +[0-9]+ +[0-9]+$
OUT~  ^a_name_of_more_than_forty_columns_makes_room +[0-9]+ +[0-9]+$

NAME  3 probetype of a benchmark
OPTS  --bench
PROG  bench:a { if (probetype == "benchmark") { @ = 1; } else { @ = 2; } } end { print(@); }
OUT   @: 1

NAME  5.7 benchmark_result
OPTS  -f json --bench
PROG  bench:a { @ = 1; }
OUT~  ^\{"type": "benchmark_result", "data": \{"a": \{"average": [0-9]+, "iters": [0-9]+\}\}\}$
