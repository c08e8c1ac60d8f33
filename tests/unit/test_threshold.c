#include "unit.h"

#include "load/threshold.h"

#include <math.h>
#include <string.h>

static struct load_numbers *n;

static int setup(void **state)
{
	n = load_numbers_alloc();
	return n ? unit_setup(state) : -1;
}

static int teardown(void **state)
{
	n = load_numbers_free(n);
	return unit_teardown(state);
}

static struct threshold parse(const char *text)
{
	struct threshold t;
	struct err e = {0};

	if (threshold_parse(&t, slice_str(text), "--threshold", &e))
		fail_msg("%s", e.text);
	return t;
}

/* The text of the result after `seconds`. */
static void check(const char *text, double seconds, const char *wanted)
{
	struct threshold t = parse(text);
	struct threshold_result r;

	threshold_check(&r, &t, n, seconds);
	assert_string_equal(r.text, wanted);
	assert_int_equal(r.kept, strstr(wanted, "(kept)") != NULL);
}

static void times(void **state)
{
	(void)state;
	for (int i = 1; i <= 1000; i++)
		load_numbers_time(n, LOAD_TIME_CALL_SETUP, (uint64_t)i * 1000000);
	struct threshold t = parse("call.setup: p99 < 0.5");
	struct threshold_result r;
	threshold_check(&r, &t, n, 10);
	assert_false(r.kept);
	assert_true(r.measured && fabs(r.got - 0.99) < 0.008);
	assert_non_null(strstr(r.text, "call.setup: p99 < 0.5: got 0.9"));
	assert_non_null(strstr(r.text, "(broken)"));
	t = parse("call.setup: p49.99 < 0.51");
	threshold_check(&r, &t, n, 10);
	assert_true(r.kept && fabs(r.got - 0.5) < 0.005);
	check("call.setup: max < 1", 10, "call.setup: max < 1: got 1 (broken)");
	check("call.setup: max <= 1", 10, "call.setup: max <= 1: got 1 (kept)");
	check("call.setup: p100 == 1", 10, "call.setup: p100 == 1: got 1 (kept)");
	check("call.setup: p0 == 0.001", 10, "call.setup: p0 == 0.001: got 0.001 (kept)");
	check("call.setup: min > 0.001", 10, "call.setup: min > 0.001: got 0.001 (broken)");
	check("call.setup: min >= .001", 10, "call.setup: min >= .001: got 0.001 (kept)");
	check("call.setup: mean < 0.5006", 10, "call.setup: mean < 0.5006: got 0.5005 (kept)");
	check("call.setup: count != 1000", 10, "call.setup: count != 1000: got 1000 (broken)");
	check("call.setup: rate > 99", 10, "call.setup: rate > 99: got 100 (kept)");
	/* spaces do not matter, and come out even */
	check("  call.setup:max<=1 ", 10, "call.setup: max <= 1: got 1 (kept)");
	check("call.setup\t: max   <=   1", 10, "call.setup: max <= 1: got 1 (kept)");
	/* what was never measured is not good news */
	check("register: p99 < 1", 10, "register: p99 < 1: nothing was measured (broken)");
	check("register: max < 1", 10, "register: max < 1: nothing was measured (broken)");
	check("register: count == 0", 10, "register: count == 0: got 0 (kept)");
	check("register: rate < 1", 0, "register: rate < 1: nothing was measured (broken)");
}

static void counts(void **state)
{
	(void)state;
	check("failed: share < 1%", 5, "failed: share < 1%: nothing was measured (broken)");
	for (int i = 0; i < 200; i++) {
		load_numbers_arrival(n);
		if (i < 3) {
			load_numbers_dropped(n);
			continue;
		}
		load_numbers_began(n);
		if (i < 5)
			load_numbers_failed(n, "status", "x.lua:1", "486");
		else
			load_numbers_done(n);
	}
	check("failed: share < 1%", 5, "failed: share < 1%: got 1% (broken)");
	check("failed: share <= 1 %", 5, "failed: share <= 1 %: got 1% (kept)");
	check("failed: share <= 0.01", 5, "failed: share <= 0.01: got 0.01 (kept)");
	check("failed: rate < 0.5", 5, "failed: rate < 0.5: got 0.4 (kept)");
	check("failed: count == 2", 5, "failed: count == 2: got 2 (kept)");
	check("dropped: count == 0", 5, "dropped: count == 0: got 3 (broken)");
	check("dropped: share < 2%", 5, "dropped: share < 2%: got 1.5% (kept)");
	check("interrupted: count == 0", 5, "interrupted: count == 0: got 0 (kept)");
	check("arrivals: rate >= 40", 5, "arrivals: rate >= 40: got 40 (kept)");
	check("done: share > 97%", 5, "done: share > 97%: got 97.5% (kept)");
	check("live: max < 5", 5, "live: max < 5: got 1 (kept)");
	n->live_peak = 7;
	check("live: max < 5", 5, "live: max < 5: got 7 (broken)");
}

static void messages(void **state)
{
	(void)state;
	for (int i = 0; i < 40; i++) {
		load_numbers_request(n, SLICE_LIT("INVITE"), true);
		load_numbers_response(n, SLICE_LIT("INVITE"), 100, false);
		load_numbers_response(n, SLICE_LIT("INVITE"), i < 4 ? 503 : i < 6 ? 599 : 200, false);
	}
	load_numbers_response(n, SLICE_LIT("BYE"), 503, true);
	for (int i = 0; i < 6; i++)
		load_numbers_retransmission(n, SLICE_LIT("INVITE"), i & 1);
	n->timeouts = 2;
	n->transport_errors = 1;
	check("status.503: count == 0", 2, "status.503: count == 0: got 5 (broken)");
	check("status.5xx: count == 7", 2, "status.5xx: count == 7: got 7 (kept)");
	check("status.486: count == 0", 2, "status.486: count == 0: got 0 (kept)");
	check("status.1xx: share < 0.5", 2, "status.1xx: share < 0.5: got 0.493827 (kept)"); /* 40 of 81 */
	check("status.200: rate > 16", 2, "status.200: rate > 16: got 17 (kept)");
	check("retransmissions: count < 7", 2, "retransmissions: count < 7: got 6 (kept)");
	check("retransmissions: share < 0.001", 2, "retransmissions: share < 0.001: got 0.0472441 (broken)"); /* 6 of 127 */
	check("requests: rate == 20", 2, "requests: rate == 20: got 20 (kept)");
	check("responses: count == 81", 2, "responses: count == 81: got 81 (kept)");
	check("timeouts: share <= 5%", 2, "timeouts: share <= 5%: got 5% (kept)");
	check("transport_errors: count == 0", 2, "transport_errors: count == 0: got 1 (broken)");
}

static void custom(void **state)
{
	(void)state;
	check("custom.pdd: p50 < 1", 1, "custom.pdd: p50 < 1: nothing was measured (broken)");
	check("custom.oddities: count == 0", 1, "custom.oddities: count == 0: got 0 (kept)");
	load_numbers_custom_time(n, SLICE_LIT("pdd"), 2000000000, NULL);
	load_numbers_custom_count(n, SLICE_LIT("oddities"), 3, NULL);
	check("custom.pdd: p50 < 1", 1, "custom.pdd: p50 < 1: got 2 (broken)");
	check("custom.pdd: count == 1", 1, "custom.pdd: count == 1: got 1 (kept)");
	check("custom.oddities: count == 0", 1, "custom.oddities: count == 0: got 3 (broken)");
	check("custom.oddities: max < 1", 1, "custom.oddities: max < 1: nothing was measured (broken)");
	/* a time and a count of one name: figures of times are the time's, the others the count's */
	load_numbers_custom_count(n, SLICE_LIT("pdd"), 9, NULL);
	check("custom.pdd: max == 2", 1, "custom.pdd: max == 2: got 2 (kept)");
	check("custom.pdd: count == 9", 1, "custom.pdd: count == 9: got 9 (kept)");
	check("custom.oddities: rate < 2", 2, "custom.oddities: rate < 2: got 1.5 (kept)");
}

static void refuse(const char *text, const char *says)
{
	struct threshold t;
	struct err e = {0};

	if (threshold_parse(&t, slice_str(text), "x.lua:3", &e) != ERR_ARG)
		fail_msg("\"%s\" was taken as %s", text, t.text);
	if (strncmp(e.text, "x.lua:3: ", 9))
		fail_msg("\"%s\": %s", text, e.text);
	if (!strstr(e.text, says))
		fail_msg("\"%s\": %s", text, e.text);
}

static void wrong(void **state)
{
	char longer[200];

	(void)state;
	refuse("", "write \"NAME: FIGURE < NUMBER\"");
	refuse("call.setup", "write \"NAME: FIGURE < NUMBER\", like \"call.setup: p99 < 0.5\"");
	refuse(": p99 < 1", "write \"NAME");
	refuse("call.setpu: p99 < 1", "x.lua:3: \"call.setpu: p99 < 1\": nothing is called \"call.setpu\"; did you mean \"call.setup\"?");
	refuse("retransmision: count < 1", "did you mean \"retransmissions\"?");
	refuse("status503: count < 1", "did you mean \"status.503\"?");
	refuse("zzzzzzzzzz: count < 1", "there are times (call.setup, register, ...)");
	refuse("status.: count < 1", "nothing is called \"status.\"");
	refuse("custom.: count < 1", "nothing is called \"custom.\"");
	refuse("status.5x: count < 1", "\"status.5x\" is no status; take one like status.503 or status.5xx");
	refuse("status.099: count < 1", "is no status");
	refuse("status.700: count < 1", "is no status");
	refuse("status.7xx: count < 1", "is no status");
	refuse("status.0xx: count < 1", "is no status");
	refuse("call.setup: < 1", "\"call.setup\" has no \"\"; take one of p0 to p100, mean, min, max, count, rate");
	refuse("call.setup: p < 1", "has no \"p\"");
	refuse("call.setup: p101 < 1", "has no \"p101\"");
	refuse("call.setup: p-1 < 1", "has no \"p-1\"");
	refuse("call.setup: share < 1", "\"call.setup\" has no \"share\"");
	refuse("failed: p99 < 1", "\"failed\" has no \"p99\"; take one of count, rate, share");
	refuse("live: count < 1", "\"live\" has no \"count\"; take one of max");
	refuse("requests: share < 1", "take one of count, rate");
	refuse("failed: count 1", "has no \"count 1\"");
	refuse("failed: count", "an operator is one of < <= > >= == !=, got \"\"");
	refuse("failed: count = 1", "got \"=\"");
	refuse("failed: count =< 1", "got \"=<\"");
	refuse("failed: count <", "\"\" is no limit; write a number");
	refuse("failed: count < x", "\"x\" is no limit; write a number");
	refuse("failed: count < -1", "\"-1\" is no limit");
	refuse("failed: count < 1 2", "\"1 2\" is no limit");
	refuse("failed: count < .", "\".\" is no limit");
	refuse("failed: count < 1e3", "\"1e3\" is no limit");
	refuse("failed: share < %", "\"%\" is no limit; write a share, like 0.01 or 1%");
	refuse("failed: count < 1%", "only a share is written with %, got \"1%\"");
	refuse("call.setup: p99 < 500ms", "\"500ms\" is no limit; write seconds, like 0.5");
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	refuse(longer, "a threshold of 199 characters is too long");
	memcpy(longer, "custom.", 7);
	memcpy(longer + 7 + 48, ": max < 1", 10);
	refuse(longer, "a number of a script is called custom.NAME, NAME 1 to 47 letters, digits");
	refuse("custom.a b: max < 1", "a number of a script is called custom.NAME");
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(times), TEST(counts), TEST(messages), TEST(custom), TEST(wrong),
	};

	return cmocka_run_group_tests_name("threshold", tests, NULL, NULL);
}
