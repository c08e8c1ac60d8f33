/* Times in a log-linear histogram: 64 equal steps to each doubling, from 1 us to a day and a half.
 *
 * A quantile is wrong by less than 0.8 % of its value (by less than 8 ns below 1 us); count, min, max and mean are exact. The memory
 * is fixed, 19.5 kB, of which recording touches only what the times at hand need. A zeroed struct is an empty histogram. Not for
 * several threads at once. */
#ifndef OFFHOOK_LOAD_HISTOGRAM_H
#define OFFHOOK_LOAD_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_STEP_BITS 6   /* 2^6 steps to a doubling */
#define HISTOGRAM_LINEAR_BITS 10 /* below 2^10 ns all steps are 16 ns wide */
#define HISTOGRAM_TOP_BITS 47   /* times of 2^47 ns (39 hours) and more count as the longest step; max stays exact */
#define HISTOGRAM_STEPS ((HISTOGRAM_TOP_BITS - HISTOGRAM_LINEAR_BITS + 1) << HISTOGRAM_STEP_BITS)

struct histogram {
	uint64_t count;
	uint64_t min, max; /* ns; only where count is not 0 */
	double sum;        /* ns */
	uint64_t steps[HISTOGRAM_STEPS];
};

static inline unsigned histogram_step(uint64_t ns)
{
	unsigned top;

	if (ns >> HISTOGRAM_LINEAR_BITS == 0)
		return (unsigned)(ns >> (HISTOGRAM_LINEAR_BITS - HISTOGRAM_STEP_BITS));
	top = 63 - (unsigned)__builtin_clzll(ns);
	if (top >= HISTOGRAM_TOP_BITS)
		return HISTOGRAM_STEPS - 1;
	/* the bits below the topmost one say where in its doubling the time lies; the topmost one counts as 1 << STEP_BITS */
	return ((top - HISTOGRAM_LINEAR_BITS) << HISTOGRAM_STEP_BITS) + (unsigned)(ns >> (top - HISTOGRAM_STEP_BITS));
}

static inline void histogram_record(struct histogram *h, uint64_t ns)
{
	h->steps[histogram_step(ns)]++;
	h->sum += (double)ns;
	if (ns > h->max)
		h->max = ns;
	if (ns < h->min || h->count == 0)
		h->min = ns;
	h->count++;
}

/* What `from` holds is added to `into`; `from` stays as it is. Costs as much as the times of `from` are spread. */
void histogram_merge(struct histogram *into, const struct histogram *from);
/* Empty again. */
void histogram_reset(struct histogram *h);
/* The time that a share `q` (0 to 1) of the recorded ones does not exceed, in ns; 0 is the shortest, 1 the longest. 0 when empty. */
uint64_t histogram_quantile(const struct histogram *h, double q);
/* In ns; 0 when empty. */
double histogram_mean(const struct histogram *h);

#endif
