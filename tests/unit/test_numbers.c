#include "unit.h"

#include "load/numbers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define M(text) SLICE_LIT(text)

static struct load_numbers *n, *other;

static int setup(void **state)
{
	n = load_numbers_alloc();
	other = load_numbers_alloc();
	return n && other ? unit_setup(state) : -1;
}

static int teardown(void **state)
{
	n = load_numbers_free(n);
	other = load_numbers_free(other);
	return unit_teardown(state);
}

static void methods(void **state)
{
	static const char *const others[] = {"", "I", "invite", "INVITe", "INVITES", "XXX", "AAA", "BBB", "INFX", "PPPPP", "RRRRR", "IIIIII",
					     "CCCCCC", "UUUUUU", "NNNNNN", "OOOOOOO", "MMMMMMM", "PPPPPPP", "REGISTEX", "SUBSCRIBX", "OTHER"};

	(void)state;
	for (unsigned m = 0; m < LOAD_METHOD_COUNT; m++)
		assert_int_equal(load_method(slice_str(load_method_name(m))), m);
	for (unsigned i = 0; i < sizeof(others) / sizeof(*others); i++)
		assert_int_equal(load_method(slice_str(others[i])), LOAD_METHOD_OTHER);
	assert_int_equal(load_method(SLICE_NONE), LOAD_METHOD_OTHER);
	assert_string_equal(load_time_name(LOAD_TIME_CALL_POST_DIAL_DELAY), "call.post_dial_delay");
	assert_string_equal(load_time_name(LOAD_TIME_LATE_SEND), "late.send");
}

static void messages(void **state)
{
	(void)state;
	load_numbers_request(n, M("INVITE"), true);
	load_numbers_request(n, M("INVITE"), true);
	load_numbers_request(n, M("BYE"), false);
	load_numbers_request(n, M("FOO"), false);
	load_numbers_response(n, M("INVITE"), 100, false);
	load_numbers_response(n, M("INVITE"), 200, false);
	load_numbers_response(n, M("INVITE"), 200, true);
	load_numbers_response(n, M("INVITE"), 699, false);
	load_numbers_response(n, M("BYE"), 200, true);
	load_numbers_response(n, M("BYE"), 99, false); /* not lost, though no status */
	load_numbers_response(n, M("BYE"), 700, false);
	load_numbers_response(n, M("BYE"), 0, false);
	load_numbers_retransmission(n, M("INVITE"), true);
	load_numbers_retransmission(n, M("FOO"), false);
	assert_true(n->requests[LOAD_METHOD_INVITE].sent == 2 && n->requests[LOAD_METHOD_INVITE].received == 0);
	assert_true(n->requests[LOAD_METHOD_OTHER].received == 1);
	struct load_pair p = load_numbers_all_requests(n);
	assert_true(p.sent == 2 && p.received == 2);
	p = load_numbers_all_responses(n);
	assert_true(p.sent == 2 && p.received == 6);
	p = load_numbers_statuses(n, 200, 200);
	assert_true(p.sent == 2 && p.received == 1);
	p = load_numbers_statuses(n, 0, 1000);
	assert_true(p.sent == 2 && p.received == 3);
	p = load_numbers_statuses(n, 600, 699);
	assert_true(p.sent == 0 && p.received == 1);
	p = load_numbers_statuses(n, 300, 598);
	assert_true(p.sent == 0 && p.received == 0);
	p = load_numbers_all_retransmissions(n);
	assert_true(p.sent == 1 && p.received == 1);
	assert_int_equal(n->responses[LOAD_METHOD_INVITE][0].received, 1);
	/* one that came turns out to be a retransmission, whichever shard had counted it */
	load_numbers_received_again(n, M("BYE"), 0);
	load_numbers_received_again(n, M("BYE"), 700);
	load_numbers_received_again(other, M("INVITE"), 200);
	assert_true(n->requests[LOAD_METHOD_BYE].received == 0 && n->retransmissions[LOAD_METHOD_BYE].received == 2);
	load_numbers_merge(other, n);
	assert_int_equal(load_numbers_statuses(other, 200, 200).received, 0);
	assert_int_equal(load_numbers_all_requests(other).received, 1);
	assert_int_equal(load_numbers_all_responses(other).received, 4);
	assert_int_equal(load_numbers_all_retransmissions(other).received, 4);
}

static void balance(void **state)
{
	struct err e = {0};

	(void)state;
	assert_int_equal(load_numbers_check(n, &e), 0);
	for (int i = 0; i < 10; i++)
		load_numbers_arrival(n);
	assert_int_equal(load_numbers_check(n, &e), ERR_ARG);
	assert_string_equal(e.text, "10 arrivals are not 0 done + 0 failed + 0 dropped + 0 interrupted + 0 live");
	for (int i = 0; i < 8; i++)
		load_numbers_began(n);
	load_numbers_dropped(n);
	load_numbers_dropped(n);
	assert_int_equal(load_numbers_check(n, &e), 0);
	for (int i = 0; i < 4; i++)
		load_numbers_done(n);
	load_numbers_failed(n, "timeout", "a.lua:1", "no answer");
	load_numbers_interrupted(n);
	assert_int_equal(load_numbers_check(n, &e), 0);
	assert_true(n->live == 2 && n->live_peak == 8);
	load_numbers_began(n);
	assert_true(n->live == 3 && n->live_peak == 8);
	n->live--;
	load_numbers_done(n);
	load_numbers_interrupted(n);
	assert_int_equal(load_numbers_check(n, &e), 0);
	/* ended twice */
	load_numbers_done(n);
	assert_int_equal(load_numbers_check(n, &e), ERR_ARG);
	assert_string_equal(e.text, "1 iterations more ended than began");
	n->live++;
	n->done--;
	/* a failure that is in no kind */
	n->failed++;
	n->done--;
	assert_int_equal(load_numbers_check(n, &e), ERR_ARG);
	assert_string_equal(e.text, "2 iterations failed, 1 by kind and line");
}

static void failures(void **state)
{
	char where[300], text[600];
	struct err e = {0};

	(void)state;
	for (int i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "try %d", i);
		n->arrivals++;
		load_numbers_began(n);
		load_numbers_failed(n, i == 3 ? "status" : "timeout", "a.lua:7", text);
	}
	assert_int_equal(n->failure_kinds, 2);
	assert_int_equal(n->failures[0].count, 4);
	assert_string_equal(n->failures[0].text, "try 0"); /* of the first */
	assert_string_equal(n->failures[1].text, "try 3");
	/* a script that fails at ever other places, with long texts */
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < 1000; i++) {
		snprintf(where, sizeof(where), "b.lua:%d", i);
		n->arrivals++;
		load_numbers_began(n);
		load_numbers_failed(n, text, where, text);
	}
	assert_int_equal(n->failure_kinds, LOAD_FAILURES);
	assert_int_equal(n->failures_elsewhere, 1000 - (LOAD_FAILURES - 2));
	assert_int_equal(strlen(n->failures[LOAD_FAILURES - 1].text), sizeof(n->failures[0].text) - 1);
	assert_int_equal(load_numbers_check(n, &e), 0);
	/* what was cut to fit is found again */
	load_numbers_began(n);
	n->arrivals++;
	load_numbers_failed(n, text, "b.lua:0", text);
	assert_int_equal(n->failures[2].count, 2);
	/* and stays balanced when two full tables meet */
	load_numbers_began(other);
	other->arrivals++;
	load_numbers_failed(other, "kind", "elsewhere.lua:1", NULL);
	assert_string_equal(other->failures[0].text, "");
	load_numbers_merge(other, n);
	assert_int_equal(other->failure_kinds, LOAD_FAILURES);
	assert_int_equal(other->failures_elsewhere, n->failures_elsewhere + 1);
	assert_int_equal(load_numbers_check(other, &e), 0);
}

static void custom(void **state)
{
	struct err e = {0};
	char name[80];

	(void)state;
	assert_null(load_numbers_custom_times(n, M("delay")));
	assert_null(load_numbers_custom_counts(n, M("delay")));
	assert_int_equal(load_numbers_custom_time(n, M("delay"), 5000000, &e), 0);
	assert_int_equal(load_numbers_custom_time(n, M("delay"), 7000000, &e), 0);
	assert_int_equal(load_numbers_custom_count(n, M("delay"), 3, &e), 0); /* a name of its own */
	assert_int_equal(load_numbers_custom_count(n, M("delay"), -5, &e), 0);
	assert_int_equal(load_numbers_custom_times(n, M("delay"))->count, 2);
	assert_int_equal(load_numbers_custom_counts(n, M("delay"))->count, -2);
	assert_null(load_numbers_custom_times(n, M("dela")));
	for (int i = 1; i < LOAD_CUSTOM_TIMES; i++) {
		snprintf(name, sizeof(name), "t%d", i);
		assert_int_equal(load_numbers_custom_time(n, slice_str(name), 1, &e), 0);
	}
	assert_int_equal(load_numbers_custom_time(n, M("one.more"), 1, &e), ERR_ARG);
	assert_string_equal(e.text, "no time \"one.more\": a script may measure 16 times of its own");
	assert_int_equal(load_numbers_custom_time(n, M("t1"), 1, &e), 0);
	for (int i = 1; i < LOAD_CUSTOM_COUNTS; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		assert_int_equal(load_numbers_custom_count(n, slice_str(name), 1, &e), 0);
	}
	assert_int_equal(load_numbers_custom_count(n, M("one.more"), 1, &e), ERR_ARG);
	assert_string_equal(e.text, "no count \"one.more\": a script may keep 32 counts of its own");
	/* names */
	static const char *const bad[] = {"", "a b", "a\n", "\xc3\xa4", "a/b", "123456789012345678901234567890123456789012345678"};
	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		assert_int_equal(load_numbers_custom_time(other, slice_str(bad[i]), 1, &e), ERR_ARG);
		assert_int_equal(load_numbers_custom_count(other, slice_str(bad[i]), 1, &e), ERR_ARG);
		assert_non_null(strstr(e.text, "names no number of a script"));
	}
	assert_int_equal(load_numbers_custom_count(other, slice_str(bad[5] + 1), 1, &e), 0); /* 47 letters */
	/* more names than there is room for, together */
	assert_int_equal(load_numbers_custom_time(other, M("elsewhere"), 1, &e), 0);
	load_numbers_merge(other, n);
	assert_true(other->custom_lost);
	assert_int_equal(load_numbers_custom_times(other, M("delay"))->count, 2);
	assert_int_equal(load_numbers_custom_counts(other, M("delay"))->count, -2);
	load_numbers_clear(other);
	assert_false(other->custom_lost);
	assert_int_equal(load_numbers_custom_times(other, M("delay"))->count, 0);
}

/* Something of everything, in a shard. */
static void shard_second(struct load_numbers *shard, unsigned live, unsigned ends)
{
	while (shard->live < live) {
		load_numbers_arrival(shard);
		load_numbers_began(shard);
	}
	for (; ends; ends--) {
		load_numbers_done(shard);
		load_numbers_time(shard, LOAD_TIME_ITERATION, 1000000 * ends);
	}
	shard->tasks = shard->live;
	shard->timeouts++;
	load_numbers_request(shard, M("INVITE"), true);
	load_numbers_response(shard, M("INVITE"), 486, false);
	load_numbers_retransmission(shard, M("INVITE"), true);
	load_numbers_custom_time(shard, M("mine"), 1000, NULL);
	load_numbers_custom_count(shard, M("mine"), 2, NULL);
}

/* Two shards, three seconds: as numbers.h says that a worker and the main thread do it. */
static void seconds(void **state)
{
	struct load_numbers *shards[2] = {load_numbers_alloc(), load_numbers_alloc()};
	struct load_numbers *second = n, *total = other, *pending = load_numbers_alloc();
	static const struct {
		unsigned live[2], ends[2], live_then, peak;
	} plan[] = {{{10, 5}, {2, 0}, 13, 15}, {{20, 5}, {18, 5}, 2, 25}, {{2, 0}, {1, 0}, 1, 2}};
	struct err e = {0};

	(void)state;
	assert_true(shards[0] && shards[1] && pending);
	for (unsigned i = 0; i < 3; i++) {
		shard_second(shards[0], plan[i].live[0], plan[i].ends[0]);
		shard_second(shards[1], plan[i].live[1], plan[i].ends[1]);
		load_numbers_collect(pending, shards, 2);
		assert_true(shards[0]->arrivals == 0 && shards[0]->times[LOAD_TIME_ITERATION].count == 0);
		load_numbers_clear(second);
		load_numbers_merge(second, pending);
		load_numbers_restart(pending);
		load_numbers_append(total, second);
		assert_int_equal(second->live, plan[i].live_then);
		assert_int_equal(second->live_peak, plan[i].peak);
		assert_int_equal(second->tasks, plan[i].live_then);
		assert_int_equal(second->timeouts, 2);
		assert_int_equal(load_numbers_statuses(second, 486, 486).received, 2);
		assert_int_equal(load_numbers_custom_times(second, M("mine"))->count, 2);
		assert_int_equal(load_numbers_custom_counts(second, M("mine"))->count, 4);
		assert_int_equal(total->live, plan[i].live_then);
		assert_int_equal(load_numbers_check(total, &e), 0);
	}
	assert_int_equal(total->live_peak, 25);
	assert_int_equal(total->arrivals, 15 + 12 + 0);
	assert_int_equal(total->done, 26);
	assert_int_equal(total->timeouts, 6);
	assert_int_equal(load_numbers_all_retransmissions(total).sent, 6);
	assert_int_equal(load_numbers_statuses(total, 400, 499).received, 6);
	assert_int_equal(total->times[LOAD_TIME_ITERATION].count, 26);
	assert_int_equal(total->times[LOAD_TIME_ITERATION].max, 18000000);
	assert_int_equal(load_numbers_custom_times(total, M("mine"))->count, 6);
	/* two collections before the main thread looks: no count is lost, the gauges are the later ones */
	shard_second(shards[0], 7, 0);
	load_numbers_collect(pending, shards, 2);
	shard_second(shards[0], 7, 7);
	load_numbers_collect(pending, shards, 2);
	assert_true(pending->live == 0 && pending->live_peak == 7 && pending->done == 7 && pending->timeouts == 2);
	load_numbers_free(shards[0]);
	load_numbers_free(shards[1]);
	load_numbers_free(pending);
}

static void clearing(void **state)
{
	struct load_numbers *fresh = load_numbers_alloc();

	(void)state;
	assert_non_null(fresh);
	shard_second(n, 5, 2);
	load_numbers_failed(n, "k", "w", "t");
	n->custom_count_count = n->custom_time_count = 0; /* names stay: they are not what is compared */
	free(n->custom_times[0].times);
	memset(n->custom_times, 0, sizeof(n->custom_times));
	memset(n->custom_counts, 0, sizeof(n->custom_counts));
	load_numbers_restart(n);
	assert_true(n->live == 2 && n->live_peak == 2 && n->tasks == 3);
	load_numbers_clear(n);
	assert_memory_equal(n, fresh, sizeof(*n));
	load_numbers_free(fresh);
}

/* A shard's numbers with names of its own come in whole, or say that they do not. */
static int merge_all(void *arg)
{
	struct load_numbers *into = load_numbers_alloc();
	const struct load_numbers *from = arg;
	int err = -1;

	if (into) {
		load_numbers_merge(into, from);
		err = into->custom_lost ? -1 : 0;
		assert_int_equal(into->arrivals, from->arrivals);
		if (!err)
			assert_int_equal(load_numbers_custom_times(into, M("mine"))->count, 1);
	}
	load_numbers_free(into);
	return err;
}

static void out_of_memory(void **state)
{
	struct err e = {0};

	(void)state;
	mem_fail_after(0);
	assert_int_equal(load_numbers_custom_time(n, M("mine"), 1, &e), ERR_NOMEM);
	mem_fail_after(-1);
	assert_int_equal(n->custom_time_count, 0);
	shard_second(n, 3, 1);
	assert_int_equal(unit_each_failure(merge_all, n), 2);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(methods), TEST(messages), TEST(balance), TEST(failures), TEST(custom), TEST(seconds), TEST(clearing), TEST(out_of_memory),
	};

	return cmocka_run_group_tests_name("numbers", tests, NULL, NULL);
}
