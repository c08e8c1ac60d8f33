#include "unit.h"

#include "sip/resting.h"

static struct loop *loop;
static struct resting resting;
static unsigned ended;
static uint64_t at[100];

struct one {
	struct rest rest;
	unsigned number;
};

static void on_over(struct rest *r)
{
	at[((struct one *)(void *)r)->number] = loop_now(loop) / NS_PER_MS;
	ended++;
}

static void add(struct one *o, unsigned number, uint64_t ms)
{
	o->number = number;
	assert_int_equal(resting_add(&resting, loop, &o->rest, loop_now(loop) + ms * NS_PER_MS, on_over), 0);
}

static int setup(void **state)
{
	struct loop_cfg cfg = {.virtual_clock = true};

	unit_setup(state);
	ended = 0;
	resting = (struct resting){0};
	return loop_alloc(&loop, &cfg, NULL);
}

static int teardown(void **state)
{
	resting_end(&resting);
	loop = mem_deref(loop);
	return unit_teardown(state);
}

/* Each at its time, whichever came first; and when all are over, others may come. */
static void test_each_in_time(void **state)
{
	static const unsigned ms[] = {32000, 5000, 100, 64000, 0};
	struct one o[5];

	(void)state;
	for (int again = 0; again < 2; again++) {
		uint64_t began = loop_now(loop) / NS_PER_MS;
		for (unsigned i = 0; i < 5; i++)
			add(&o[i], i, ms[i]);
		assert_int_equal(loop_run(loop), LOOP_DRY);
		assert_int_equal(ended, 5 * (again + 1));
		for (unsigned i = 0; i < 5; i++)
			assert_int_equal(at[i], began + ms[i]);
	}
}

/* One that came later and has less time waits for those of its queue, but for no more than twice its own time. */
static void test_not_before_others(void **state)
{
	struct one o[3];

	(void)state;
	add(&o[0], 0, 30000);
	add(&o[1], 1, 20000);
	add(&o[2], 2, 10000);
	assert_int_equal(loop_run(loop), LOOP_DRY);
	assert_int_equal(at[0], 30000);
	assert_in_range(at[1], 20000, 40000);
	assert_in_range(at[2], 10000, 20000);
}

static void test_ended_early(void **state)
{
	struct one o[3];

	(void)state;
	add(&o[0], 0, 30000);
	add(&o[1], 1, 30000);
	add(&o[2], 2, 5);
	resting_end(&resting);
	assert_int_equal(ended, 3);
	assert_int_equal(loop_run(loop), LOOP_DRY);
	assert_int_equal(ended, 3);
}

static int try(void *arg)
{
	struct one o = {.number = 0};
	int err = resting_add(&resting, loop, &o.rest, loop_now(loop) + NS_PER_S, on_over);

	(void)arg;
	resting_end(&resting);
	return err;
}

static void test_memory(void **state)
{
	(void)state;
	assert_true(unit_each_failure(try, NULL) > 0);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {TEST(test_each_in_time), TEST(test_not_before_others), TEST(test_ended_early), TEST(test_memory)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
