#include "core/mem.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Class n holds blocks of n * MEM_STEP bytes, header included; larger ones are plain mallocs, of class 0. */
#define MEM_STEP 16
#define MEM_CLASSES 129

/* What blocks are cut from: a malloc of its own for each would cost 8 to 24 bytes more. */
#define MEM_CHUNK 65536
#define MEM_LARGE_AFTER 64 /* chunks */

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

void *mem_large(size_t size)
{
	size_t whole = (size + MEM_LARGE_PAGE - 1) / MEM_LARGE_PAGE * MEM_LARGE_PAGE;
	void *p = aligned_alloc(MEM_LARGE_PAGE, whole);

	if (p)
		(void)madvise(p, whole, MADV_HUGEPAGE);
	return p;
}

static _Thread_local size_t live;
static _Thread_local long fail_after = -1;

#ifdef OFFHOOK_SANITIZE

/* No pools: the address sanitizer is to see every use after free. */
static struct mem_head *pool_take(size_t size, uint32_t *pool)
{
	*pool = 0;
	return malloc(size);
}

static void pool_give(struct mem_head *head)
{
	free(head);
}

void *mem_resize(void *p, size_t old, size_t size)
{
	(void)old;
	if (size)
		return realloc(p, size);
	free(p);
	return NULL;
}

#else

struct chunk {
	struct chunk *next;
	char *free, *end; /* what is not cut yet */
};

static _Thread_local struct mem_head *pools[MEM_CLASSES];
static _Thread_local struct chunk *chunks; /* blocks are cut from the first */
static _Thread_local unsigned chunk_count;
static _Thread_local size_t plain; /* blocks of mem_resize() that were cut from them */
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool have_key;

/* A worker thread that ends gives its memory back, unless a block is still in use. */
static void chunks_free(void *arg)
{
	(void)arg;
	memset(pools, 0, sizeof(pools));
	while (chunks) {
		struct chunk *next = chunks->next;

		if (!live && !plain)
			free(chunks);
		chunks = next;
	}
	chunk_count = 0;
}

static void key_create(void)
{
	have_key = !pthread_key_create(&key, chunks_free);
}

/* A thread that has used many chunks, as a load does, gets large ones on large pages: each fresh page of 4 kB costs a fault. */
static struct chunk *chunk_new(void)
{
	bool large = chunk_count >= MEM_LARGE_AFTER;
	size_t size = large ? MEM_LARGE_PAGE : MEM_CHUNK;
	struct chunk *c = large ? mem_large(size) : malloc(size);

	if (!c)
		return NULL;
	c->free = (char *)(c + 1);
	c->end = (char *)c + size;
	chunk_count++;
	return c;
}

/* `size` bytes of the chunk, or of a new one; what is left of the old one is too small for this and is left. */
static void *cut(size_t size)
{
	struct chunk *c = chunks;
	void *block;

	if (!c || (size_t)(c->end - c->free) < size) {
		c = chunk_new();
		if (!c)
			return NULL;
		pthread_once(&once, key_create);
		if (have_key)
			pthread_setspecific(key, pools);
		c->next = chunks;
		chunks = c;
	}
	block = c->free;
	c->free += size;
	return block;
}

static inline size_t class_of(size_t size)
{
	return (size + MEM_STEP - 1) / MEM_STEP;
}

static inline void *take(size_t class)
{
	struct mem_head *head = pools[class];

	if (!head)
		return cut(class * MEM_STEP);
	pools[class] = head->next;
	return head;
}

static inline void give(struct mem_head *head, size_t class)
{
	head->next = pools[class];
	pools[class] = head;
}

static struct mem_head *pool_take(size_t size, uint32_t *pool)
{
	size_t n = class_of(size);

	*pool = n < MEM_CLASSES ? (uint32_t)n : 0;
	return *pool ? take(n) : malloc(size);
}

static void pool_give(struct mem_head *head)
{
	if (head->pool)
		give(head, head->pool);
	else
		free(head);
}

static void *move(void *p, size_t old, size_t size)
{
	size_t from = class_of(old), to = class_of(size);
	void *q;

	if (from >= MEM_CLASSES && to >= MEM_CLASSES)
		return realloc(p, size);
	q = to < MEM_CLASSES ? take(to) : malloc(size);
	if (!q)
		return NULL;
	plain += to < MEM_CLASSES;
	if (old)
		memcpy(q, p, old < size ? old : size);
	mem_resize(p, old, 0);
	return q;
}

void *mem_resize(void *p, size_t old, size_t size)
{
	size_t from = class_of(old), to = class_of(size);

	if (from == to && from < MEM_CLASSES)
		return p;
	if (size)
		return move(p, old, size);
	if (from < MEM_CLASSES) {
		plain--;
		give(p, from);
	} else {
		free(p);
	}
	return NULL;
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

void *mem_alloc(size_t zeroed, size_t more, mem_destroy_h *destroy)
{
	struct mem_head *head = NULL;
	uint32_t pool;

	if (zeroed <= SIZE_MAX - sizeof(*head) && more <= SIZE_MAX - sizeof(*head) - zeroed && !mem_should_fail())
		head = pool_take(sizeof(*head) + zeroed + more, &pool);
	if (!head)
		return NULL;
	head->destroy = destroy;
	head->refs = 1;
	head->pool = pool;
	memset(head + 1, 0, zeroed);
	live++;
	return head + 1;
}

void *mem_zalloc(size_t size, mem_destroy_h *destroy)
{
	return mem_alloc(size, 0, destroy);
}

void *mem_ref(void *block)
{
	if (block)
		((struct mem_head *)block - 1)->refs++;
	return block;
}

unsigned mem_refs(const void *block)
{
	return ((const struct mem_head *)block - 1)->refs;
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
