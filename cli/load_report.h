/* What `offhook load` says: a head, a line a second, and the totals; or, with --json, one object a line.
 *
 *	load_report_begin(&report, &cfg);
 *	each second:  load_report_second(report, &span)
 *	at the end:   load_report_end(report, &span, verdicts, count)
 *	              load_report_free(report)
 *
 * On a terminal the second's line is rewritten in place; elsewhere each is a line of its own. */
#ifndef OFFHOOK_CLI_LOAD_REPORT_H
#define OFFHOOK_CLI_LOAD_REPORT_H

#include "load/numbers.h"
#include "load/threshold.h"

#include <stdio.h>

struct load_report;

/* Strings must outlive the report. */
struct load_report_cfg {
	FILE *out;
	bool json;
	bool terminal, colour; /* `out` is one; of --json neither counts */
	unsigned width;        /* of the terminal, in cells; 0: not known, then lines are not rewritten */
	const char *file;      /* of the scenario */
	const char *name;      /* of the scenario: what sip.load or sip.test calls it */
	const char *plan;      /* in words: arrivals_describe() */
	const char *target;    /* NULL: none */
	uint64_t seed;
	unsigned workers, shards; /* shards: of each worker */
	uint64_t max_live;     /* 0: no limit */
};

/* Where the run stands. */
struct load_report_span {
	const struct load_numbers *total;    /* since the start */
	const struct load_numbers *interval; /* since the last call */
	double seconds, interval_seconds;
	double cpu_seconds, interval_cpu_seconds; /* user and system, all threads */
	bool draining;                       /* no more arrivals; the live ones end */
};

struct load_verdict {
	const struct threshold *threshold;
	struct threshold_result result;
};

/* NULL when memory ran out. Writes the head. */
struct load_report *load_report_begin(const struct load_report_cfg *cfg);
void load_report_second(struct load_report *r, const struct load_report_span *span);
/* Something to tell in between, e.g. that a signal drains the run: a line of its own. Goes to `out`; as an object with --json. */
void load_report_note(struct load_report *r, const char *text);
/* The totals; `interval` of the span is not looked at. */
void load_report_end(struct load_report *r, const struct load_report_span *span, const struct load_verdict *verdicts, unsigned count);
/* Always returns NULL. NULL is allowed. */
struct load_report *load_report_free(struct load_report *r);

#endif
