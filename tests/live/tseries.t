# tseries() (LANGUAGE 4.7, 5.5, 5.7) on the running kernel: one test for each way of aggregating, short and long series.

NAME  5.5 tseries, the last number of each interval
NEEDS interval
OPTS  -q
PROG  config = { unstable_tseries = enable }
PROG  interval:ms:20 { @n++; @t = tseries(@n, 100ms, 4); }
PROG  interval:ms:1100 { exit(); }
OUT   @t:
OUT~  ^hh:mm:ss\.ms  \|_{51}\|$
OUT~  ^[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]00 \*                                                   \| [0-9]+$
OUT~  ^[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]00 \|                                                   \* [0-9]+$
OUT~  ^             v_{51}v$

NAME  4.7 tseries with keys, all aggregations, in JSON
NEEDS interval
OPTS  -q -f json
PROG  config = { unstable_tseries = enable }
PROG  begin { @["sum"] = tseries(3, 1h, 2, "sum"); @["sum"] = tseries(-5, 1h, 2, "sum"); exit(); }
PROG  end { @a = tseries(3, 1h, 2, "avg"); @a = tseries(-4, 1h, 2, "avg"); @a = tseries(-4, 1h, 2, "avg"); }
PROG  end { @b = tseries(3, 1h, 2, "max"); @b = tseries(-4, 1h, 2, "max"); @c = tseries(3, 1h, 2, "min"); @c = tseries(-4, 1h, 2, "min"); }
PROG  end { @d = tseries(3, 1h, 2); @d = tseries(9, 1h, 2); @e = tseries(3, 1h, 9999, "sum"); @e = tseries(9, 1h, 9999, "sum"); }
PROG  end { @f["k", 1] = tseries(3, 1h, 9999, "max"); @f["k", 1] = tseries(9, 1h, 9999, "max"); }
OUT~  ^\{"type": "tseries", "data": \{"@": \{"sum": \[\{"interval_start":"[-0-9]{10} [0-9]{2}:[0-9]{2}:[0-9]{2}\.0{9}","value":-2\}\]\}\}\}$
OUT~  "@a": \[\{.*,"value":-1\}\]\}\}$
OUT~  "@b": \[\{.*,"value":3\}\]\}\}$
OUT~  "@c": \[\{.*,"value":-4\}\]\}\}$
OUT~  "@d": \[\{.*,"value":9\}\]\}\}$
OUT~  "@e": \[\{.*,"value":12\}\]\}\}$
OUT~  "@f": \{"k,1": \[\{.*,"value":9\}\]\}\}\}$

NAME  4.7 tseries from every CPU at once
NEEDS profile
OPTS  -q -f json
PROG  config = { unstable_tseries = enable }
PROG  profile:hz:199 { @ = tseries(1, 1h, 2, "sum"); @n = count(); }
PROG  interval:ms:600 { exit(); }
OUT~  "value":[1-9][0-9]+\}\]\}\}$

NAME  5.5 print, clear and zero of a time series
NEEDS root
OPTS  -q
PROG  config = { unstable_tseries = enable }
PROG  begin { @t = tseries(1, 1s, 3); print(@t); clear(@t); print(@t); @u["k"] = tseries(1, 1s, 3); zero(@u); print(@u); exit(); }
OUT~  ^[0-9:]{8} \|                         \*                         \| 1$
OUT   <no data>
OUT   @u[k]:
