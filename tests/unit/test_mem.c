#include "unit.h"

#include <pthread.h>
#include <string.h>

static int destroyed;

static void on_destroy(void *block)
{
	(void)block;
	destroyed++;
}

/* A destructor that hands its own block around. */
static void on_destroy_refs(void *block)
{
	mem_ref(block);
	mem_deref(block);
	destroyed++;
}

static void references(void **state)
{
	size_t live = mem_live();
	void *p;

	(void)state;
	destroyed = 0;
	p = mem_zalloc(100, on_destroy);
	assert_non_null(p);
	assert_int_equal(mem_live(), live + 1);
	assert_ptr_equal(mem_ref(p), p);
	assert_null(mem_deref(p));
	assert_int_equal(destroyed, 0);
	assert_null(mem_deref(p));
	assert_int_equal(destroyed, 1);
	assert_int_equal(mem_live(), live);
	assert_null(mem_ref(NULL));
	assert_null(mem_deref(NULL));

	p = mem_zalloc(1, on_destroy_refs);
	for (unsigned i = 0; i < 100000; i++)
		mem_ref(p);
	assert_int_equal(mem_refs(p), 100001);
	for (unsigned i = 0; i < 100000; i++)
		mem_deref(p);
	assert_int_equal(destroyed, 1);
	mem_deref(p);
	assert_int_equal(destroyed, 2);
}

static void zeroed_and_aligned(void **state)
{
	static const size_t sizes[] = {0, 1, 15, 16, 17, 48, 49, 2031, 2032, 2048, 2096, 2097, 70000};

	(void)state;
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			unsigned char *p = mem_zalloc(sizes[i], NULL);

			assert_non_null(p);
			assert_int_equal((uintptr_t)p % 16, 0);
			for (size_t j = 0; j < sizes[i]; j++)
				assert_int_equal(p[j], 0);
			memset(p, 0xff, sizes[i]); /* what the next round must not see */
			mem_deref(p);
		}
	}
	assert_null(mem_zalloc(SIZE_MAX - 3, NULL));
}

static void failing(void **state)
{
	void *a, *b;

	(void)state;
	mem_fail_after(1);
	a = mem_zalloc(10, NULL);
	assert_non_null(a);
	assert_null(mem_zalloc(10, NULL));
	assert_null(mem_zalloc(10, NULL));
	mem_fail_after(-1);
	b = mem_zalloc(10, NULL);
	assert_non_null(b);
	mem_deref(a);
	mem_deref(b);
}

static void *thread(void *arg)
{
	void *p[100];

	(void)arg;
	if (mem_live())
		return "blocks of another thread are counted";
	for (int i = 0; i < 100; i++)
		p[i] = mem_zalloc((size_t)i * 8, NULL);
	for (int i = 0; i < 100; i++)
		mem_deref(p[i]);
	return mem_live() ? "leak" : NULL;
}

static void threads(void **state)
{
	void *p = mem_zalloc(1, NULL), *why;
	pthread_t id;

	(void)state;
	assert_int_equal(pthread_create(&id, NULL, thread, NULL), 0);
	pthread_join(id, &why);
	assert_null(why);
	mem_deref(p);
}

/* Blocks whose size their user knows: what they hold stays, whatever they become. */
static void resized(void **state)
{
	static const size_t sizes[] = {1, 16, 17, 40, 2048, 2064, 2065, 5000, 100000, 3000, 2064, 100, 1};
	size_t live = mem_live(), had = 0;
	unsigned char *p = NULL;

	(void)state;
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
			unsigned char *q = mem_resize(p, had, sizes[i]);

			assert_non_null(q);
			assert_int_equal((uintptr_t)q % 16, 0);
			for (size_t j = 0; j < (had < sizes[i] ? had : sizes[i]); j++)
				assert_int_equal(q[j], (j * 7 + had) & 0xff);
			for (size_t j = 0; j < sizes[i]; j++)
				q[j] = (unsigned char)(j * 7 + sizes[i]);
			p = q;
			had = sizes[i];
		}
		p = mem_resize(p, had, 0);
		had = 0;
		assert_null(p);
	}
	assert_int_equal(mem_live(), live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TEST(references),
	    UNIT_TEST(zeroed_and_aligned),
	    UNIT_TEST(resized),
	    UNIT_TEST(failing),
	    UNIT_TEST(threads),
	};

	return cmocka_run_group_tests_name("mem", tests, NULL, NULL);
}
