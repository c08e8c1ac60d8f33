#include "unit.h"

#include "load/arrivals.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define S 1000000000ull

static struct arrivals_cfg rate(const char *text)
{
	struct arrivals_cfg cfg = {0};
	struct err e = {0};

	if (arrivals_parse_rate(&cfg, text, "--rate", &e))
		fail_msg("%s", e.text);
	return cfg;
}

static struct arrivals_cfg ramp(const char *text)
{
	struct arrivals_cfg cfg = {0};
	struct err e = {0};

	if (arrivals_parse_ramp(&cfg, text, "--ramp", &e))
		fail_msg("%s", e.text);
	return cfg;
}

static uint64_t count_all(const struct arrivals_cfg *cfg, uint64_t *last)
{
	struct arrivals a;
	uint64_t n = 0, at, before = 0;

	arrivals_init(&a, cfg);
	for (; (at = arrivals_next(&a)) != ARRIVALS_OVER; before = at, n++)
		assert_true(at >= before);
	assert_true(arrivals_next(&a) == ARRIVALS_OVER); /* over stays over */
	*last = before;
	return n;
}

static void constant(void **state)
{
	struct arrivals_cfg cfg = rate("300");
	struct arrivals a;
	uint64_t last;

	(void)state;
	arrivals_init(&a, &cfg);
	for (uint64_t k = 0; k < 1000; k++)
		assert_int_equal(arrivals_next(&a), (k * S + 150) / 300);
	cfg.duration = 2;
	assert_int_equal(count_all(&cfg, &last), 600);
	assert_true(last < 2 * S);
	assert_true(arrivals_total(&cfg) == 600 && arrivals_peak(&cfg) == 300 && arrivals_by(&cfg, 1.5) == 450);
	cfg.calls = 7;
	assert_int_equal(count_all(&cfg, &last), 7);
	assert_true(arrivals_total(&cfg) == 7);
	cfg.duration = 0;
	assert_int_equal(count_all(&cfg, &last), 7);
	cfg.calls = 0;
	assert_true(isinf(arrivals_total(&cfg)));
	/* less than one a second, and a duration that is no whole number in binary */
	cfg = rate("0.5");
	cfg.duration = 7;
	assert_int_equal(count_all(&cfg, &last), 4);
	assert_int_equal(last, 6 * S);
	cfg = rate("10");
	cfg.duration = 0.3;
	assert_int_equal(count_all(&cfg, &last), 3);
	/* 33 / 1.1 is a little less than 30, and is the end all the same */
	cfg = rate("1.1");
	cfg.duration = 30;
	assert_int_equal(count_all(&cfg, &last), 33);
}

/* After a day at 20 000 a second the due time is what it should be to the ns. */
static void no_drift(void **state)
{
	struct arrivals_cfg cfg = rate("20000");
	struct arrivals a;

	(void)state;
	arrivals_init(&a, &cfg);
	a.given = 20000ull * 86000;
	assert_int_equal(arrivals_next(&a), 86000 * S);
	assert_int_equal(arrivals_next(&a), 86000 * S + 50000);
	cfg = rate("3");
	arrivals_init(&a, &cfg);
	a.given = 3ull * 86000 + 1;
	assert_int_equal(arrivals_next(&a), 86000 * S + 333333333);
}

/* Each arrival of a ramp is where the integral of the rate reaches its number. */
static void ramps(void **state)
{
	static const char *const texts[] = {"0:100:10", "100:0:10", "50:500:3", "500:50:3", "100:100:5", "0.1:7:100", "99.999:100:10"};
	uint64_t last;

	(void)state;
	for (unsigned i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct arrivals_cfg cfg = ramp(texts[i]);
		struct arrivals a;
		cfg.duration = cfg.ramp + (cfg.rate > 0 ? 2 : 0);
		arrivals_init(&a, &cfg);
		uint64_t at, n = 0;
		for (; (at = arrivals_next(&a)) != ARRIVALS_OVER; n++)
			assert_true(fabs(arrivals_by(&cfg, (double)at / 1e9) - (double)n) < 1e-4);
		assert_true(fabs((double)n - arrivals_total(&cfg)) <= 1);
	}
	/* 0:100:10 is t = sqrt(k / 5), 500 calls by its end and then 100 a second */
	struct arrivals_cfg cfg = ramp("0:100:10");
	struct arrivals a;
	arrivals_init(&a, &cfg);
	assert_int_equal(arrivals_next(&a), 0);
	for (int k = 1; k < 500; k++)
		assert_int_equal(arrivals_next(&a), (uint64_t)(sqrt(k / 5.0) * 1e9 + 0.5));
	assert_int_equal(arrivals_next(&a), 10 * S);
	assert_int_equal(arrivals_next(&a), 10 * S + 10000000);
	/* a ramp down to nothing ends by itself */
	cfg = ramp("100:0:10");
	assert_int_equal(count_all(&cfg, &last), 500);
	assert_true(arrivals_total(&cfg) == 500 && arrivals_peak(&cfg) == 100);
	/* one cut short never reaches its peak */
	cfg = ramp("0:100:10");
	cfg.duration = 5;
	assert_true(arrivals_peak(&cfg) == 50 && arrivals_total(&cfg) == 125);
	assert_int_equal(count_all(&cfg, &last), 125);
	cfg = ramp("80:20:10");
	assert_true(arrivals_peak(&cfg) == 80);
}

static void ramp_up(void **state)
{
	struct arrivals_cfg cfg = rate("100"), same = ramp("0:100:30");
	struct arrivals a, b;
	struct err e = {0};

	(void)state;
	assert_int_equal(arrivals_ramp_up(&cfg, 30, "ramp", &e), 0);
	arrivals_init(&a, &cfg);
	arrivals_init(&b, &same);
	for (int i = 0; i < 5000; i++)
		assert_int_equal(arrivals_next(&a), arrivals_next(&b));
	assert_int_equal(arrivals_ramp_up(&same, 0, "ramp", &e), 0);
	assert_int_equal(arrivals_ramp_up(&same, 5, "ramp", &e), ERR_ARG);
	assert_string_equal(e.text, "ramp: the rate has a ramp already, from 0 to 100 a second within 30 s; leave one of them out");
	cfg = rate("100");
	assert_int_equal(arrivals_ramp_up(&cfg, -1, "ramp", &e), ERR_ARG);
	assert_int_equal(arrivals_ramp_up(&cfg, NAN, "ramp", &e), ERR_ARG);
	assert_int_equal(arrivals_ramp_up(&cfg, INFINITY, "ramp", &e), ERR_ARG);
}

/* All parts together are the whole schedule, nothing twice and nothing left out. */
static void parts(void **state)
{
	(void)state;
	for (unsigned of = 1; of <= 5; of++)
		for (int kind = 0; kind < 3; kind++) {
			struct arrivals_cfg cfg = kind == 0 ? rate("333") : ramp("10:900:2");
			struct arrivals whole, part[5];
			uint64_t at, mine[5];
			cfg.duration = 3;
			cfg.calls = kind == 2 ? 1001 : 0;
			arrivals_init(&whole, &cfg);
			cfg.parts = of;
			for (cfg.part = 0; cfg.part < of; cfg.part++) {
				arrivals_init(&part[cfg.part], &cfg);
				mine[cfg.part] = arrivals_next(&part[cfg.part]);
			}
			for (unsigned k = 0; (at = arrivals_next(&whole)) != ARRIVALS_OVER; k++) {
				assert_int_equal(mine[k % of], at);
				mine[k % of] = arrivals_next(&part[k % of]);
			}
			for (unsigned i = 0; i < of; i++)
				assert_true(mine[i] == ARRIVALS_OVER);
		}
}

static struct arrivals_cfg poisson(const char *text, uint64_t seed)
{
	struct arrivals_cfg cfg = {.seed = seed};
	struct err e = {0};

	if (arrivals_parse_model(&cfg, text, "--arrivals", &e))
		fail_msg("%s", e.text);
	return cfg;
}

/* Mean and variance of what a second holds are both the rate; steps between arrivals have the spread of an exponential. */
static void poisson_process(void **state)
{
	struct arrivals_cfg cfg = poisson("poisson:100", 1);
	enum { SECONDS = 2000 };
	static unsigned in_second[SECONDS];
	double sum = 0, squares = 0, gaps = 0, gap_squares = 0;
	uint64_t at, before = 0, n = 0;
	struct arrivals a;

	(void)state;
	memset(in_second, 0, sizeof(in_second));
	cfg.duration = SECONDS;
	arrivals_init(&a, &cfg);
	for (; (at = arrivals_next(&a)) != ARRIVALS_OVER; before = at, n++) {
		double gap = (double)(at - before) / 1e9;
		in_second[at / S]++;
		gaps += gap;
		gap_squares += gap * gap;
	}
	for (int i = 0; i < SECONDS; i++) {
		sum += in_second[i];
		squares += (double)in_second[i] * in_second[i];
	}
	double mean = sum / SECONDS, variance = squares / SECONDS - mean * mean;
	assert_true(fabs(mean - 100) < 1);
	assert_true(fabs(variance - 100) < 12);
	double gap = gaps / (double)n;
	assert_true(fabs(sqrt(gap_squares / (double)n - gap * gap) / gap - 1) < 0.02);
}

static void poisson_parts(void **state)
{
	uint64_t first[4], n = 0, last;

	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		struct arrivals_cfg cfg = poisson("poisson:1000", 7);
		struct arrivals a, again;
		cfg.part = i;
		cfg.parts = 4;
		cfg.duration = 100;
		arrivals_init(&a, &cfg);
		arrivals_init(&again, &cfg);
		first[i] = arrivals_next(&a);
		assert_int_equal(arrivals_next(&again), first[i]);
		for (unsigned k = 0; k < i; k++)
			assert_true(first[k] != first[i]);
		uint64_t of_part = count_all(&cfg, &last);
		assert_in_range(of_part, 24400, 25600); /* 25 000, and four times its standard deviation */
		n += of_part;
	}
	assert_in_range(n, 98800, 101200);
	struct arrivals_cfg a = poisson("poisson:1000", 1), b = poisson("poisson:1000", 2);
	struct arrivals x, y;
	arrivals_init(&x, &a);
	arrivals_init(&y, &b);
	assert_true(arrivals_next(&x) != arrivals_next(&y));
	/* limits hold for all parts together */
	n = 0;
	for (unsigned i = 0; i < 4; i++) {
		struct arrivals_cfg cfg = poisson("poisson:1000", 7);
		cfg.part = i;
		cfg.parts = 4;
		cfg.calls = 1002;
		n += count_all(&cfg, &last);
	}
	assert_int_equal(n, 1002);
	/* with a ramp up, a Poisson process of that rate: a quarter of the ramp's calls by its half */
	struct arrivals_cfg cfg = poisson("poisson:1000", 3);
	struct err e;
	assert_int_equal(arrivals_ramp_up(&cfg, 60, "ramp", &e), 0);
	cfg.duration = 30;
	assert_in_range(count_all(&cfg, &last), 7150, 7850); /* 7500 */
}

static void refuse(int (*parse)(struct arrivals_cfg *, const char *, const char *, struct err *), const char *text, const char *says)
{
	struct arrivals_cfg cfg = {0};
	struct err e = {0};

	if (parse(&cfg, text, "--x", &e) != ERR_ARG)
		fail_msg("\"%s\" was taken", text);
	if (!strstr(e.text, says))
		fail_msg("\"%s\": %s", text, e.text);
	assert_false(cfg.model_given);
}

static void wrong(void **state)
{
	static const char *const no_numbers[] = {"", " 1", "1 ", "-1", "1e3", "1/s", "abc", ".", "1.2.3", "inf", "nan", "0x10"};
	struct err e = {0};

	(void)state;
	for (unsigned i = 0; i < sizeof(no_numbers) / sizeof(*no_numbers); i++) {
		char text[40];
		refuse(arrivals_parse_rate, no_numbers[i], "--x wants a number of arrivals a second like 200 or 0.5, got \"");
		snprintf(text, sizeof(text), "poisson:%s", no_numbers[i]);
		refuse(arrivals_parse_model, text, "--x wants poisson:N or constant:N");
		for (int at = 0; at < 3; at++) {
			snprintf(text, sizeof(text), "%s:%s:%s", at == 0 ? no_numbers[i] : "1", at == 1 ? no_numbers[i] : "1",
				 at == 2 ? no_numbers[i] : "1");
			refuse(arrivals_parse_ramp, text, "--x wants A:B:T");
		}
	}
	refuse(arrivals_parse_rate, "0", "more than 0 and at most 10000000 arrivals a second, got \"0\"");
	refuse(arrivals_parse_rate, "10000001", "at most 10000000");
	refuse(arrivals_parse_rate, "99999999999999999999999999999", "at most 10000000");
	refuse(arrivals_parse_model, "poisson:0", "more than 0");
	refuse(arrivals_parse_model, "poissson:5", "--x wants poisson:N or constant:N, N arrivals a second, got \"poissson:5\"");
	refuse(arrivals_parse_model, "poisson", "--x wants poisson:N");
	refuse(arrivals_parse_ramp, "1:2", "--x wants A:B:T");
	refuse(arrivals_parse_ramp, "1:2:3:4", "--x wants A:B:T");
	refuse(arrivals_parse_ramp, "0:0:5", "not both 0");
	refuse(arrivals_parse_ramp, "1:2:0", "a ramp of more than 0");
	refuse(arrivals_parse_ramp, "1:2:2592001", "at most 2592000 seconds");
	/* as a number */
	struct arrivals_cfg set = {0};
	assert_int_equal(arrivals_set_rate(&set, NAN, "rate", &e), ERR_ARG);
	assert_int_equal(arrivals_set_rate(&set, INFINITY, "rate", &e), ERR_ARG);
	assert_int_equal(arrivals_set_rate(&set, -1, "rate", &e), ERR_ARG);
	assert_string_equal(e.text, "rate wants more than 0 and at most 10000000 arrivals a second, got \"-1\"");
	assert_int_equal(arrivals_set_rate(&set, 1e-5, "rate", &e), 0);
	assert_true(set.rate == 1e-5);
	assert_int_equal(arrivals_set_rate(&set, 5, "rate", &e), ERR_ARG);
	/* one way to say it */
	struct arrivals_cfg cfg = rate("5");
	assert_int_equal(arrivals_parse_ramp(&cfg, "1:2:3", "--ramp", &e), ERR_ARG);
	assert_string_equal(e.text, "--ramp: how calls arrive was given already; take one of --rate, --arrivals and --ramp");
	assert_true(cfg.rate == 5 && cfg.ramp == 0);
}

static void checked(void **state)
{
	struct arrivals_cfg cfg = rate("5");
	struct err e = {0};

	(void)state;
	assert_int_equal(arrivals_check(&cfg, &e), 0);
	cfg.duration = -1;
	assert_int_equal(arrivals_check(&cfg, &e), ERR_ARG);
	cfg.duration = NAN;
	assert_int_equal(arrivals_check(&cfg, &e), ERR_ARG);
	cfg.duration = 1e7;
	assert_int_equal(arrivals_check(&cfg, &e), ERR_ARG);
	assert_string_equal(e.text, "a duration of 1e+07 seconds: it goes from 0 (no limit) to 2592000");
	cfg = (struct arrivals_cfg){0};
	assert_int_equal(arrivals_check(&cfg, &e), ERR_ARG);
	assert_string_equal(e.text, "no call ever arrives: give a rate, e.g. --rate 10, or rate = 10 in sip.load");
	cfg.rate = NAN;
	assert_int_equal(arrivals_check(&cfg, &e), ERR_ARG);
	cfg.rate = INFINITY;
	assert_int_equal(arrivals_check(&cfg, &e), ERR_ARG);
	cfg = ramp("5:0:3");
	assert_int_equal(arrivals_check(&cfg, &e), 0);
}

static void described(void **state)
{
	struct arrivals_cfg cfg = rate("1");
	struct buf b = {0};

	(void)state;
	arrivals_describe(&b, &cfg);
	assert_true(slice_eq(buf_slice(&b), SLICE_LIT("1 arrival a second")));
	cfg = poisson("poisson:200", 1);
	cfg.from = 0, cfg.ramp = 30, cfg.duration = 600, cfg.calls = 1000;
	buf_reset(&b);
	arrivals_describe(&b, &cfg);
	assert_true(slice_eq(buf_slice(&b),
			     SLICE_LIT("200 arrivals a second (a Poisson process) after a ramp of 30 s, for 600 s, 1000 in all")));
	cfg = ramp("10:20:5");
	buf_reset(&b);
	arrivals_describe(&b, &cfg);
	assert_true(slice_eq(buf_slice(&b), SLICE_LIT("from 10 to 20 arrivals a second within 5 s")));
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TEST(constant), UNIT_TEST(no_drift),	     UNIT_TEST(ramps),	       UNIT_TEST(ramp_up), UNIT_TEST(parts),
	    UNIT_TEST(wrong),	 UNIT_TEST(poisson_process), UNIT_TEST(poisson_parts), UNIT_TEST(checked), UNIT_TEST(described),
	};

	return cmocka_run_group_tests_name("arrivals", tests, NULL, NULL);
}
