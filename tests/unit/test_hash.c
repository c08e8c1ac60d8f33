#include "unit.h"

#include "core/hash.h"

#include <string.h>

struct item {
	struct hash_node node;
	int n;
};

static struct item *find(const struct hash *h, uint64_t key, int n)
{
	for (struct hash_node *node = hash_first(h, key); node; node = hash_next(node)) {
		struct item *item = hash_owner(node, struct item, node);

		if (item->n == n)
			return item;
	}
	return NULL;
}

static void add_find_delete(void **state)
{
	static struct item items[1000], moved[1000];
	struct hash h = {0};

	(void)state;
	assert_null(hash_first(&h, 1));
	assert_null(hash_pop(&h));
	hash_del(&h, &items[0].node);
	for (int i = 0; i < 1000; i++) {
		items[i].n = i;
		assert_int_equal(hash_add(&h, &items[i].node, (uint64_t)i / 3), 0); /* three to a key */
	}
	for (int i = 0; i < 1000; i++)
		assert_ptr_equal(find(&h, (uint64_t)i / 3, i), &items[i]);
	for (int i = 0; i < 1000; i++) { /* from one owner to another */
		moved[i].n = i;
		hash_move(&h, &moved[i].node, &items[i].node);
	}
	for (int i = 0; i < 1000; i++)
		assert_ptr_equal(find(&h, (uint64_t)i / 3, i), &moved[i]);
	for (int i = 0; i < 1000; i++)
		hash_move(&h, &items[i].node, &moved[i].node);
	for (int i = 0; i < 1000; i += 2)
		hash_del(&h, &items[i].node);
	hash_del(&h, &items[0].node);
	for (int i = 0; i < 1000; i++)
		assert_ptr_equal(find(&h, (uint64_t)i / 3, i), i % 2 ? &items[i] : NULL);
	for (int i = 0; i < 500; i++)
		assert_non_null(hash_pop(&h));
	assert_null(hash_pop(&h));
	hash_free(&h);
}

static void out_of_memory(void **state)
{
	static struct item items[40];
	struct hash h = {0};

	(void)state;
	mem_fail_after(0);
	assert_int_not_equal(hash_add(&h, &items[0].node, 1), 0);
	mem_fail_after(1);
	for (int i = 0; i < 40; i++) { /* cannot grow, still works */
		items[i].n = i;
		assert_int_equal(hash_add(&h, &items[i].node, (uint64_t)i), 0);
	}
	mem_fail_after(-1);
	for (int i = 0; i < 40; i++)
		assert_ptr_equal(find(&h, (uint64_t)i, i), &items[i]);
	hash_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TEST(add_find_delete),
	    UNIT_TEST(out_of_memory),
	};

	return cmocka_run_group_tests_name("hash", tests, NULL, NULL);
}
