#include "unit.h"

#include <stdio.h>

#include "core/buf.h"

static void growing(void **state)
{
	struct buf b = {0};

	(void)state;
	buf_put(&b, NULL, 0);
	assert_int_equal(b.len, 0);
	for (int i = 0; i < 1000; i++)
		buf_printf(&b, "%03d,", i);
	assert_int_equal(b.len, 4000);
	assert_memory_equal(b.p + 3996, "999,", 4);
	buf_reset(&b);
	assert_int_equal(b.len, 0);
	assert_true(b.cap >= 4000);
	buf_puts(&b, "one ");
	buf_put_slice(&b, SLICE_LIT("two"));
	assert_true(slice_eq(buf_slice(&b), SLICE_LIT("one two")));
	assert_false(b.failed);
	buf_free(&b);
	assert_null(b.p);
	assert_int_equal(b.cap, 0);
}

static void numbers(void **state)
{
	struct buf b = {0};

	(void)state;
	buf_put_u64(&b, 0);
	buf_puts(&b, " ");
	buf_put_u64(&b, 10203);
	buf_puts(&b, " ");
	buf_put_u64(&b, UINT64_MAX);
	assert_true(slice_eq(buf_slice(&b), SLICE_LIT("0 10203 18446744073709551615")));
	/* Each length, at its first and last number. */
	for (uint64_t power = 1, last = 0; !last; power *= 10) {
		last = power > UINT64_MAX / 10;
		for (uint64_t n = power - 1; n <= power + 1; n++) {
			char text[24];
			buf_reset(&b);
			buf_put_u64(&b, n);
			snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
			assert_true(slice_eq(buf_slice(&b), slice_str(text)));
		}
	}
	buf_free(&b);
}

static void long_printf(void **state)
{
	struct buf b = {0};
	char big[5000];

	(void)state;
	memset(big, 'x', sizeof(big));
	for (int n = 0; n < 5000; n = n < 200 ? n + 1 : n * 2) {
		buf_reset(&b);
		buf_printf(&b, "%.*s|", n, big);
		assert_int_equal(b.len, n + 1);
		assert_int_equal(b.p[n], '|');
	}
	buf_free(&b);
}

static void out_of_memory(void **state)
{
	struct buf b = {0};

	(void)state;
	buf_puts(&b, "kept");
	mem_fail_after(0);
	assert_false(buf_reserve(&b, 10000));
	assert_true(b.failed);
	buf_puts(&b, "dropped, for the contents are incomplete already");
	buf_printf(&b, "%d", 1);
	mem_fail_after(-1);
	assert_true(slice_eq(buf_slice(&b), SLICE_LIT("kept")));
	assert_false(buf_reserve(&b, 1));
	buf_reset(&b);
	buf_puts(&b, "again");
	assert_true(slice_eq(buf_slice(&b), SLICE_LIT("again")));
	assert_false(buf_reserve(&b, SIZE_MAX - 2));
	buf_free(&b);
	assert_false(b.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TEST(growing),
	    UNIT_TEST(numbers),
	    UNIT_TEST(long_printf),
	    UNIT_TEST(out_of_memory),
	};

	return cmocka_run_group_tests_name("buf", tests, NULL, NULL);
}
