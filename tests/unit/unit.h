/* What every unit test shares: cmocka with the includes it needs, the leak check, and the allocation-failure run. */
#ifndef OFFHOOK_TESTS_UNIT_H
#define OFFHOOK_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/mem.h"

/* What main() returns when nothing of its program can be tested on this host. */
enum { UNIT_SKIPPED = 77 };

static size_t unit_live;

/* For cmocka_unit_test_setup_teardown() or, once for all tests of a program, cmocka_run_group_tests(). */
static inline int unit_setup(void **state)
{
	(void)state;
	unit_live = mem_live();
	return 0;
}

/* Fails when a block is alive that was not at unit_setup(). */
static inline int unit_teardown(void **state)
{
	(void)state;
	mem_fail_after(-1);
	if (mem_live() == unit_live)
		return 0;
	print_error("leak: %zu blocks alive, %zu at the start\n", mem_live(), unit_live);
	return -1;
}

#define UNIT_TEST(fn) cmocka_unit_test_setup_teardown(fn, unit_setup, unit_teardown)

/* Runs `fn` with the first allocation failing, then the second, ..., until it returns 0; it must leak nothing on the
 * way and return non-zero whenever it could not do its work. Returns how many runs failed. */
static inline long unit_each_failure(int (*fn)(void *arg), void *arg)
{
	for (long n = 0; n < 100000; n++) {
		size_t live = mem_live();

		mem_fail_after(n);
		int err = fn(arg);
		mem_fail_after(-1);
		assert_int_equal(mem_live(), live);
		if (!err)
			return n;
	}
	fail_msg("still failing after 100000 allocations");
	return -1;
}

#endif
