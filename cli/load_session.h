/* One `offhook load`: what was asked for, what is run, and where it stands. */
#ifndef OFFHOOK_CLI_LOAD_SESSION_H
#define OFFHOOK_CLI_LOAD_SESSION_H

#include "cli/load_report.h"
#include "cli/load_worker.h"
#include "cli/options.h"
#include "cli/output.h"
#include "cli/target.h"

struct load_session {
	const struct options *options;
	struct output output;
	struct load_run run;
	struct load_worker **workers;
	struct feeders *feeders;
	bool serves;                /* the script has a sip.serve */
	char target[TARGET_MAX];
	char run_id[9];
	char dir[4096], capture[4600];
	char *name;                 /* of the scenario that calls, or of the first that serves */
	struct buf plan;            /* in words */
	struct threshold *thresholds;
	struct load_verdict *verdicts;
	unsigned threshold_count;
	struct load_report *report;
	struct load_numbers *total, *second;
	double start, last, cpu_start, cpu_last, script_seconds; /* the last: of the virtual clock */
	bool draining;
	unsigned told;              /* signals that were told of */
	bool keys;                  /* the terminal is read key by key */
	bool broken;                /* a threshold */
};

/* load_plan.c: loads the script once to see what it declares, and fills s->run from that and the command line, which wins. */
int load_plan(struct load_session *s, struct err *e);
/* Whether the host has what the run may need. ERR_ENV says how much that is. */
int load_check_needs(const struct load_session *s, struct err *e);

#endif
