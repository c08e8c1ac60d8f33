#include "unit.h"

#include "core/rnd.h"
#include "load/histogram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct histogram h, other;

static int setup(void **state)
{
	memset(&h, 0, sizeof(h));
	memset(&other, 0, sizeof(other));
	return unit_setup(state);
}

static void empty(void **state)
{
	(void)state;
	assert_int_equal(histogram_quantile(&h, 0.5), 0);
	assert_int_equal(histogram_quantile(&h, 1), 0);
	assert_true(histogram_mean(&h) == 0);
	histogram_merge(&h, &other);
	histogram_reset(&h);
	assert_int_equal(h.count, 0);
}

/* Steps follow each other without a gap, and each time lies in the step that its neighbours say. */
static void steps(void **state)
{
	unsigned last = 0;

	(void)state;
	assert_int_equal(histogram_step(0), 0);
	for (uint64_t ns = 1; ns < 1ull << 22; ns++) {
		unsigned i = histogram_step(ns);
		assert_true(i == last || i == last + 1);
		last = i;
	}
	for (unsigned top = 22; top < 64; top++) {
		unsigned at = histogram_step(1ull << top), before = histogram_step((1ull << top) - 1);
		assert_true(at < HISTOGRAM_STEPS);
		assert_int_equal(at, top < HISTOGRAM_TOP_BITS ? before + 1 : HISTOGRAM_STEPS - 1);
	}
	assert_int_equal(histogram_step((1ull << HISTOGRAM_TOP_BITS) - 1), HISTOGRAM_STEPS - 1);
	assert_int_equal(histogram_step(UINT64_MAX), HISTOGRAM_STEPS - 1);
	assert_true(sizeof(h) < 20000);
}

/* Any time from 1 us to a day comes back within 1 %. */
static void error_of_one_value(void **state)
{
	double worst = 0;

	(void)state;
	for (double x = 1000; x < 86400e9; x *= 1.00137) {
		uint64_t ns = (uint64_t)x;
		histogram_reset(&h);
		/* a longer and a shorter one beside it, so that min and max do not give it away */
		histogram_record(&h, ns / 2);
		histogram_record(&h, ns);
		histogram_record(&h, ns * 2);
		double wrong = fabs((double)histogram_quantile(&h, 0.5) / (double)ns - 1);
		worst = wrong > worst ? wrong : worst;
	}
	assert_true(worst < 0.008);
	assert_true(worst > 0.006); /* the test does look at the edges of steps */
}

static int by_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Against the sorted values themselves. */
static void quantiles(void **state)
{
	static const double qs[] = {0.01, 0.07, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999};
	enum { N = 100000 };
	uint64_t *all = malloc(N * sizeof(*all));
	struct rnd r;
	double sum = 0;

	(void)state;
	assert_non_null(all);
	rnd_init(&r, 4, "histogram", NULL, NULL);
	for (int i = 0; i < N; i++) {
		all[i] = (uint64_t)rnd_exponential(&r, 3e6) + 2000;
		sum += (double)all[i];
		histogram_record(&h, all[i]);
	}
	qsort(all, N, sizeof(*all), by_size);
	for (unsigned i = 0; i < sizeof(qs) / sizeof(*qs); i++) {
		double exact = (double)all[(size_t)ceil(qs[i] * N - 1e-6) - 1];
		assert_true(fabs((double)histogram_quantile(&h, qs[i]) / exact - 1) < 0.008);
	}
	assert_int_equal(h.count, N);
	assert_int_equal(h.min, all[0]);
	assert_int_equal(h.max, all[N - 1]);
	assert_int_equal(histogram_quantile(&h, 0), all[0]);
	assert_int_equal(histogram_quantile(&h, 1), all[N - 1]);
	assert_true(fabs(histogram_mean(&h) - sum / N) < 1e-3);
	free(all);
}

/* The quantile is the rank's value: of 100 values 99 do not exceed p99, and the longest is not among them. */
static void ranks(void **state)
{
	(void)state;
	for (int i = 0; i < 99; i++)
		histogram_record(&h, 1000000);
	histogram_record(&h, 900000000);
	assert_true(histogram_quantile(&h, 0.99) < 1010000);
	assert_int_equal(histogram_quantile(&h, 0.991), 900000000);
	assert_int_equal(histogram_quantile(&h, 0.999), 900000000);
	/* 0.07 * 100 is a little more than 7 */
	histogram_reset(&h);
	for (int i = 0; i < 100; i++)
		histogram_record(&h, i < 7 ? 1000000 : 900000000);
	assert_true(histogram_quantile(&h, 0.07) < 1010000);
	assert_true(histogram_quantile(&h, 0.071) > 890000000);
	histogram_reset(&h);
	histogram_record(&h, 5);
	for (double q = 0; q <= 1; q += 0.125)
		assert_int_equal(histogram_quantile(&h, q), 5);
	/* past the last step: max and what is above all others stay right */
	histogram_record(&h, 1ull << 60);
	assert_int_equal(histogram_quantile(&h, 1), 1ull << 60);
	assert_int_equal(h.max, 1ull << 60);
	assert_int_equal(histogram_quantile(&h, 0.5), 8); /* the middle of 0 to 16 ns */
}

static void merging(void **state)
{
	static struct histogram both;
	struct rnd r;

	(void)state;
	memset(&both, 0, sizeof(both));
	rnd_init(&r, 9, "histogram", NULL, NULL);
	for (int i = 0; i < 20000; i++) {
		uint64_t a = (uint64_t)rnd_exponential(&r, 5e6), b = 40000000 + (uint64_t)rnd_exponential(&r, 9e9);
		histogram_record(&h, a);
		histogram_record(&other, b);
		histogram_record(&both, a);
		histogram_record(&both, b);
	}
	histogram_merge(&h, &other);
	assert_memory_equal(h.steps, both.steps, sizeof(h.steps));
	assert_true(h.count == both.count && h.min == both.min && h.max == both.max);
	assert_true(fabs(h.sum / both.sum - 1) < 1e-12);
	/* into an empty one, and again after a reset: nothing is left of before */
	histogram_reset(&both);
	for (unsigned i = 0; i < HISTOGRAM_STEPS; i++)
		assert_int_equal(both.steps[i], 0);
	assert_true(both.count == 0 && both.min == 0 && both.max == 0 && both.sum == 0);
	histogram_merge(&both, &other);
	assert_true(both.min == other.min && both.max == other.max && both.count == other.count);
	assert_int_equal(other.count, 20000);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, unit_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(empty), TEST(steps), TEST(error_of_one_value), TEST(quantiles), TEST(ranks), TEST(merging),
	};

	return cmocka_run_group_tests_name("histogram", tests, NULL, NULL);
}
