#include "core/mem.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define MEM_STEP 64
#define MEM_CLASSES 33 /* class n holds blocks of n * MEM_STEP bytes, header included; 0 is plain malloc */

/* In the count while a block's destructor runs, so that a reference taken and dropped by it does not destroy twice. */
#define MEM_DYING 0x40000000u

struct mem_head {
	union {
		mem_destroy_h *destroy;
		struct mem_head *next; /* while it waits in a pool */
	};
	uint32_t refs;
	uint32_t pool;
};

_Static_assert(sizeof(struct mem_head) == 16, "blocks stay aligned as malloc aligns them");

static _Thread_local size_t live;
static _Thread_local long fail_after = -1;

#ifdef OFFHOOK_SANITIZE

/* No pools: the address sanitizer is to see every use after free. */
static struct mem_head *pool_take(size_t size, uint32_t *pool)
{
	*pool = 0;
	return calloc(1, size);
}

static void pool_give(struct mem_head *head)
{
	free(head);
}

#else

static _Thread_local struct mem_head *pools[MEM_CLASSES];
static _Thread_local bool registered;
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool have_key;

/* A worker thread that ends gives its pools back. */
static void pools_drain(void *arg)
{
	(void)arg;
	for (size_t i = 0; i < MEM_CLASSES; i++) {
		while (pools[i]) {
			struct mem_head *head = pools[i];

			pools[i] = head->next;
			free(head);
		}
	}
	registered = false;
}

static void key_create(void)
{
	have_key = !pthread_key_create(&key, pools_drain);
}

static struct mem_head *pool_take(size_t size, uint32_t *pool)
{
	size_t n = (size + MEM_STEP - 1) / MEM_STEP;
	struct mem_head *head;

	if (n >= MEM_CLASSES) {
		*pool = 0;
		return calloc(1, size);
	}
	*pool = (uint32_t)n;
	head = pools[n];
	if (head)
		pools[n] = head->next;
	else
		head = malloc(n * MEM_STEP);
	if (head)
		memset(head, 0, size);
	return head;
}

static void pool_give(struct mem_head *head)
{
	if (!head->pool) {
		free(head);
		return;
	}
	if (!registered) {
		pthread_once(&once, key_create);
		if (have_key)
			pthread_setspecific(key, pools);
		registered = true;
	}
	head->next = pools[head->pool];
	pools[head->pool] = head;
}

#endif

int mem_should_fail(void)
{
	if (fail_after < 0)
		return 0;
	if (fail_after == 0)
		return 1;
	fail_after--;
	return 0;
}

void mem_fail_after(long n)
{
	fail_after = n;
}

size_t mem_live(void)
{
	return live;
}

void *mem_zalloc(size_t size, mem_destroy_h *destroy)
{
	struct mem_head *head = NULL;
	uint32_t pool;

	if (size <= SIZE_MAX - sizeof(*head) && !mem_should_fail())
		head = pool_take(sizeof(*head) + size, &pool);
	if (!head)
		return NULL;
	head->destroy = destroy;
	head->refs = 1;
	head->pool = pool;
	live++;
	return head + 1;
}

void *mem_ref(void *block)
{
	if (block)
		((struct mem_head *)block - 1)->refs++;
	return block;
}

void *mem_deref(void *block)
{
	struct mem_head *head = block ? (struct mem_head *)block - 1 : NULL;

	if (!head || --head->refs)
		return NULL;
	if (head->destroy) {
		head->refs = MEM_DYING;
		head->destroy(block);
	}
	live--;
	pool_give(head);
	return NULL;
}
