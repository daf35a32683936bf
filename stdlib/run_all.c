/* run_all.c - the rows of the run side: asynchronous builtins, aggregations, printed types; the providers come from probes/. */
#include "image/image.h"

extern const struct run_builtin run_time, run_join, run_printf, run_print, run_clear, run_zero, run_exit, run_cat, run_system;
extern const struct aggr run_aggr_count, run_aggr_sum, run_aggr_min, run_aggr_max, run_aggr_avg, run_aggr_stats, run_aggr_hist,
	run_aggr_lhist, run_aggr_tseries;
extern const struct fmt fmt_ksym, fmt_usym, fmt_inet, fmt_macaddr, fmt_timestamp, fmt_username, fmt_probe;
extern const struct run_provider *const all_run_providers[]; /* probes/run_all.c */

static const struct run_builtin *const builtins[] = {
	&run_time, &run_join, &run_printf, &run_print, &run_clear, &run_zero, &run_exit, &run_cat, &run_system, NULL,
};
static const struct aggr *const aggrs[] = {
	&run_aggr_count, &run_aggr_sum, &run_aggr_min, &run_aggr_max, &run_aggr_avg, &run_aggr_stats, &run_aggr_hist, &run_aggr_lhist,
	&run_aggr_tseries, NULL,
};
static const struct fmt *const fmts[] = {
	&fmt_ksym, &fmt_usym, &fmt_inet, &fmt_macaddr, &fmt_timestamp, &fmt_username, &fmt_probe, NULL,
};

const struct run_plugs run_plugs = {
	.builtins = builtins, .providers = all_run_providers, .aggrs = aggrs, .fmts = fmts,
};
