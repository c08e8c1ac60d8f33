/* What a load run must keep to: "call.setup: p99 < 0.5".
 *
 *	NAME: FIGURE OPERATOR NUMBER          operators < <= > >= == !=
 *
 * NAME              FIGURE
 * a time            p0 to p100 (p50, p99.9, p99.99), mean, min, max: seconds; count; rate, of a second
 *   (call.setup, ..., custom.NAME of a script)
 * a count           count; rate, of a second; share, of all arrivals for what an arrival ends in, else of what is in brackets
 *   arrivals done failed dropped interrupted; timeouts and transport_errors (of requests sent); custom.NAME (no share)
 *   requests, responses; retransmissions (of all messages, both ways); status.503, status.5xx (of all responses, both ways)
 * live              max
 *
 * A share may be written with %: "failed: share < 1%". A threshold on a time that nothing was measured of is broken, but for its count and
 * rate: what never happened is no success. */
#ifndef OFFHOOK_LOAD_THRESHOLD_H
#define OFFHOOK_LOAD_THRESHOLD_H

#include "core/err.h"
#include "core/slice.h"
#include "load/numbers.h"

#include <stdbool.h>

#define THRESHOLD_TEXT 128

enum threshold_operator {
	THRESHOLD_LT,
	THRESHOLD_LE,
	THRESHOLD_GT,
	THRESHOLD_GE,
	THRESHOLD_EQ,
	THRESHOLD_NE,
};

enum threshold_figure {
	THRESHOLD_QUANTILE, /* of the times */
	THRESHOLD_MEAN,
	THRESHOLD_MIN,
	THRESHOLD_MAX, /* also of live */
	THRESHOLD_COUNT,
	THRESHOLD_RATE,
	THRESHOLD_SHARE,
};

enum threshold_subject {
	THRESHOLD_TIME,
	THRESHOLD_COUNTER,
	THRESHOLD_STATUS,
	THRESHOLD_REQUESTS,
	THRESHOLD_RESPONSES,
	THRESHOLD_RETRANSMISSIONS,
	THRESHOLD_LIVE,
	THRESHOLD_CUSTOM,
};

struct threshold {
	char text[THRESHOLD_TEXT]; /* as it was written, spaces made even */
	enum threshold_subject subject;
	unsigned which;            /* TIME: enum load_time; COUNTER: its place in LOAD_COUNTS; STATUS: the lowest */
	unsigned status_max;
	char custom[LOAD_CUSTOM_NAME];
	enum threshold_figure figure;
	double quantile; /* 0 to 1 */
	enum threshold_operator operator;
	double limit; /* seconds, a number, or a share of 1 */
	bool percent; /* as which the limit was written */
};

struct threshold_result {
	bool kept;
	bool measured; /* else `got` means nothing */
	double got;    /* as threshold.limit */
	char text[THRESHOLD_TEXT + 96]; /* "call.setup: p99 < 0.5: got 0.612 (broken)" */
};

/* ERR_ARG: says what is wrong in which threshold and what is known instead; `who` (e.g. "--threshold", "FILE:LINE") stands in front. */
int threshold_parse(struct threshold *t, struct slice text, const char *who, struct err *e);
/* `seconds`: what the numbers were gathered in. */
void threshold_check(struct threshold_result *r, const struct threshold *t, const struct load_numbers *n, double seconds);

#endif
