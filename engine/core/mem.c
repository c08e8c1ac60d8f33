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

/* A load has millions of blocks, most of them small: their heads are, too. They stand 8 bytes behind where malloc would align, and what is behind
 * them is aligned. */
struct mem_head {
	union {
		struct {
			int32_t destroy; /* how far the destructor is from mem_alloc(); 0: none */
			uint32_t refs;   /* the lower 24 bits; above them the class */
		};
		struct mem_head *next;   /* while it waits in a pool */
	};
};

#define MEM_REFS 0xffffffu
#define MEM_CLASS_AT 24
/* In the count while a block's destructor runs, so that a reference taken and dropped by it does not destroy twice. */
#define MEM_DYING 0x800000u

_Static_assert(MEM_CLASSES <= 256, "a class fits above the references");

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

static struct mem_head *malloc_behind(size_t size)
{
	struct mem_head *unused = malloc(sizeof(*unused) + size);

	return unused ? unused + 1 : NULL;
}

static void free_behind(struct mem_head *head)
{
	free(head - 1);
}

#ifdef OFFHOOK_SANITIZE

/* No pools: the address sanitizer is to see every use after free. */
static struct mem_head *pool_take(size_t size, uint32_t *pool)
{
	*pool = 0;
	return malloc_behind(size);
}

static void pool_give(struct mem_head *head, uint32_t pool)
{
	(void)pool;
	free_behind(head);
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
_Static_assert((sizeof(struct chunk) + sizeof(struct mem_head)) % 16 == 0, "what is behind a head is aligned as malloc aligns");

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
	return *pool ? take(n) : malloc_behind(size);
}

static void pool_give(struct mem_head *head, uint32_t pool)
{
	if (pool)
		give(head, pool);
	else
		free_behind(head);
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

/* Destructors are functions of this program, and stand within 2 GB of each other. */
static int32_t distance(mem_destroy_h *destroy)
{
	intptr_t far = destroy ? (intptr_t)destroy - (intptr_t)mem_alloc : 0;

	if (far != (int32_t)far)
		abort();
	return (int32_t)far;
}

static mem_destroy_h *destructor(const struct mem_head *head)
{
	return head->destroy ? (mem_destroy_h *)((intptr_t)mem_alloc + head->destroy) : NULL;
}

void *mem_alloc(size_t zeroed, size_t more, mem_destroy_h *destroy)
{
	struct mem_head *head = NULL;
	uint32_t pool;

	if (zeroed <= SIZE_MAX - 2 * sizeof(*head) && more <= SIZE_MAX - 2 * sizeof(*head) - zeroed && !mem_should_fail())
		head = pool_take(sizeof(*head) + zeroed + more, &pool);
	if (!head)
		return NULL;
	head->destroy = distance(destroy);
	head->refs = 1 | pool << MEM_CLASS_AT;
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
	if (block && !(++((struct mem_head *)block - 1)->refs & MEM_REFS))
		abort(); /* it would be freed in use */
	return block;
}

unsigned mem_refs(const void *block)
{
	return ((const struct mem_head *)block - 1)->refs & MEM_REFS;
}

void *mem_deref(void *block)
{
	struct mem_head *head = block ? (struct mem_head *)block - 1 : NULL;

	if (!head || --head->refs & MEM_REFS)
		return NULL;
	if (head->destroy) {
		head->refs |= MEM_DYING;
		destructor(head)(block);
	}
	live--;
	pool_give(head, head->refs >> MEM_CLASS_AT);
	return NULL;
}
