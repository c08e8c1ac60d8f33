/* Within cli/load_report*.c: the report and its two voices. */
#ifndef OFFHOOK_CLI_LOAD_REPORT_PRIV_H
#define OFFHOOK_CLI_LOAD_REPORT_PRIV_H

#include "cli/load_report.h"

struct load_report {
	struct load_report_cfg cfg;
	bool on_live_line; /* of a terminal, to be rewritten */
	unsigned lines;    /* of seconds */
	unsigned failures; /* of the total's kinds, told already */
	enum load_time shown; /* whose quantiles the columns have */
};

/* From this p99 on, the generator's own lateness is told: what it measures is then in part itself. */
#define LOAD_REPORT_LATE_NS 10000000u

/* The one of the late times whose p99 is highest, and that p99; 0 when none reaches LOAD_REPORT_LATE_NS. */
uint64_t load_report_late(enum load_time *which, const struct load_numbers *n);

void load_report_json_begin(struct load_report *r);
void load_report_json_second(struct load_report *r, const struct load_report_span *span);
void load_report_json_note(struct load_report *r, const char *text);
void load_report_json_end(struct load_report *r, const struct load_report_span *span, const struct load_verdict *verdicts,
			  unsigned count);

#endif
