/* When the arrivals of an open model are due: at a constant rate, at a rate that rises or falls to another, or as a Poisson process.
 *
 * Everything follows from A(t), the arrivals expected by the time t, which is the integral of the rate: the k-th arrival (from 0) of
 * a steady schedule is due at the inverse of A at k; a Poisson process adds up exponential steps instead of counting. No due time
 * follows from the one before, so nothing drifts.
 *
 * A schedule is shared out to `parts`: part i of n gets the arrivals i, i + n, i + 2n, ... of a steady schedule, so that the union is the
 * whole; of a Poisson process each part is an independent one of an n-th of the rate, whose union is one of the whole rate.
 *
 *	struct arrivals_cfg cfg = {.duration = 600};
 *	err = arrivals_parse_rate(&cfg, "200", "--rate", &e);   // and arrivals_parse_model(), arrivals_parse_ramp()
 *	err = arrivals_check(&cfg, &e);                         // once all is set: what does not go together
 *	cfg.part = 2, cfg.parts = 8;                            // in each shard
 *	arrivals_init(&a, &cfg);
 *	due = start + arrivals_next(&a);
 */
#ifndef OFFHOOK_LOAD_ARRIVALS_H
#define OFFHOOK_LOAD_ARRIVALS_H

#include "core/buf.h"
#include "core/err.h"
#include "core/rnd.h"

#include <stdbool.h>
#include <stdint.h>

#define ARRIVALS_RATE_MAX 1e7           /* a second */
#define ARRIVALS_SECONDS_MAX 2592000.0 /* of a run or a ramp: thirty days */
#define ARRIVALS_OVER UINT64_MAX

struct arrivals_cfg {
	bool poisson;
	double rate;      /* a second; with a ramp, the rate at its end */
	double from;      /* the rate at time 0, where `ramp` is not 0 */
	double ramp;      /* seconds from `from` to `rate`, in a straight line; 0: the rate is constant */
	double duration;  /* seconds: an arrival is due before that; 0: no limit */
	uint64_t calls;   /* so many arrivals in all parts together; 0: no limit */
	unsigned part, parts; /* parts 0 counts as 1 */
	uint64_t seed;    /* of a Poisson process */
	bool model_given; /* by one of the parsers: a second one is refused */
};

struct arrivals {
	struct arrivals_cfg cfg;
	struct rnd rnd;
	uint64_t given, limit; /* of this part */
	double at;             /* Poisson: where A stands, as this part of it sees it */
};

/* "N": constant. Parsers return ERR_ARG with `who` ("--rate", "rate") in front of the error's text. */
int arrivals_parse_rate(struct arrivals_cfg *cfg, const char *text, const char *who, struct err *e);
/* The same as a number, as a script gives it. */
int arrivals_set_rate(struct arrivals_cfg *cfg, double rate, const char *who, struct err *e);
/* "poisson:N" or "constant:N" */
int arrivals_parse_model(struct arrivals_cfg *cfg, const char *text, const char *who, struct err *e);
/* "A:B:T": from A to B a second within T seconds, then B */
int arrivals_parse_ramp(struct arrivals_cfg *cfg, const char *text, const char *who, struct err *e);
/* From 0 to the rate within `seconds`, which is what `ramp` of sip.load says; after the rate is known. 0 changes nothing. */
int arrivals_ramp_up(struct arrivals_cfg *cfg, double seconds, const char *who, struct err *e);
/* Whether the numbers make a schedule that ever gives an arrival. */
int arrivals_check(const struct arrivals_cfg *cfg, struct err *e);
/* In words: "200 arrivals a second after a ramp of 30 s, for 600 s" */
void arrivals_describe(struct buf *out, const struct arrivals_cfg *cfg);

/* All parts together: arrivals expected by `seconds` (exact for a steady schedule, but for rounding), and in the whole run:
 * INFINITY where nothing limits it. */
double arrivals_by(const struct arrivals_cfg *cfg, double seconds);
double arrivals_total(const struct arrivals_cfg *cfg);
/* The highest rate the run reaches, a second. */
double arrivals_peak(const struct arrivals_cfg *cfg);

void arrivals_init(struct arrivals *a, const struct arrivals_cfg *cfg);
/* When the next one is due, in ns since the start of the run, never before the one given last; ARRIVALS_OVER when there is none. */
uint64_t arrivals_next(struct arrivals *a);

#endif
