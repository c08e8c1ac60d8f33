#include "load/histogram.h"

#include <math.h>
#include <string.h>

void histogram_merge(struct histogram *into, const struct histogram *from)
{
	if (!from->count)
		return;
	for (unsigned i = histogram_step(from->min), last = histogram_step(from->max); i <= last; i++)
		into->steps[i] += from->steps[i];
	into->sum += from->sum;
	if (from->max > into->max)
		into->max = from->max;
	if (from->min < into->min || !into->count)
		into->min = from->min;
	into->count += from->count;
}

void histogram_reset(struct histogram *h)
{
	if (!h->count)
		return;
	unsigned first = histogram_step(h->min), last = histogram_step(h->max);
	memset(h->steps + first, 0, (last - first + 1) * sizeof(*h->steps));
	h->count = h->min = h->max = 0;
	h->sum = 0;
}

/* The middle of a step. */
static uint64_t step_middle(unsigned i)
{
	unsigned doubling = i >> HISTOGRAM_STEP_BITS;
	uint64_t part = i & ((1u << HISTOGRAM_STEP_BITS) - 1), low, width;

	if (doubling == 0) {
		width = 1ull << (HISTOGRAM_LINEAR_BITS - HISTOGRAM_STEP_BITS);
		low = part * width;
	} else {
		width = 1ull << (HISTOGRAM_LINEAR_BITS - HISTOGRAM_STEP_BITS + doubling - 1);
		low = ((1ull << HISTOGRAM_STEP_BITS) + part) * width;
	}
	return low + width / 2;
}

uint64_t histogram_quantile(const struct histogram *h, double q)
{
	uint64_t seen = 0, rank;

	if (!h->count || q <= 0)
		return h->min;
	/* 0.07 * 100 is a little more than 7, and is to mean 7 */
	double exact = q * (double)h->count * (1 - 1e-12);
	if (exact > (double)(h->count - 1))
		return h->max;
	rank = (uint64_t)ceil(exact);
	for (unsigned i = histogram_step(h->min);; i++) {
		seen += h->steps[i];
		if (seen >= rank) {
			uint64_t middle = step_middle(i);
			return middle < h->min ? h->min : middle > h->max ? h->max : middle;
		}
	}
}

double histogram_mean(const struct histogram *h)
{
	return h->count ? h->sum / (double)h->count : 0;
}
