/* The memory osip gets: its allocator hook is process-wide, so it leads to one arena per thread, emptied before each call. When the
 * arena is full, the call is left by longjmp: nothing needs freeing, and no code of osip's ever runs on a NULL from malloc.
 * Private to value*.c. */
#ifndef OFFHOOK_SIP_VALUE_ARENA_H
#define OFFHOOK_SIP_VALUE_ARENA_H

#include <stddef.h>

/* The allocator hooks. */
void *value_arena_alloc(size_t size);
void *value_arena_realloc(void *old, size_t size);
void value_arena_free(void *p);

/* Runs `call` with an empty arena, where what it allocates stays until the next call of this thread; `*result` is what it returned.
 * ERR_NOMEM when there is no arena or it was full. */
int value_arena_call(int *result, int (*call)(void *), void *arg);

#endif
