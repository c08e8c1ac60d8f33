/* Reference-counted blocks from size-class pools, with a destructor beside the block.
 *
 * Every engine object lives in such a block. Blocks belong to the thread that made them. */
#ifndef OFFHOOK_CORE_MEM_H
#define OFFHOOK_CORE_MEM_H

#include <stddef.h>

/* Called once when the last reference goes; frees what the block owns, not the block itself. */
typedef void(mem_destroy_h)(void *block);

/* A zeroed block with one reference, or NULL when memory ran out. `destroy` may be NULL. */
void *mem_zalloc(size_t size, mem_destroy_h *destroy);
/* The same with `more` bytes behind those that are zeroed: what the caller fills at once. */
void *mem_alloc(size_t zeroed, size_t more, mem_destroy_h *destroy);
/* One more reference; returns `block`. NULL is allowed. */
void *mem_ref(void *block);
/* How many there are. */
unsigned mem_refs(const void *block);
/* One reference less; always returns NULL, so that `p = mem_deref(p)` clears the pointer. NULL is allowed. */
void *mem_deref(void *block);

/* A plain block from the same pools, for who knows its size and counts no references: made where `old` is 0, freed where `size` is 0, else
 * resized. NULL when memory ran out, and the old block stays; one that gets smaller can always. Aligned for anything. */
void *mem_resize(void *p, size_t old, size_t size);

/* At least `size` bytes on large pages, as far as the system has them: what is large and touched here and there costs fewer faults and misses of
 * the translation cache. Not zeroed; NULL when memory ran out. End with free(). */
#define MEM_LARGE_PAGE ((size_t)2 << 20)
void *mem_large(size_t size);

/* Blocks alive in this thread: what a test compares at its end. */
size_t mem_live(void);
/* Tests only: the n-th allocation from now (0 = the next) and all after it fail; -1 switches it off. */
void mem_fail_after(long n);
/* 1 if an allocation (a block or a buf) must fail now, counting it; for the core's own allocators. */
int mem_should_fail(void);

#endif
