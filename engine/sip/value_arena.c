#include "sip/value_arena.h"

#include "core/err.h"
#include "core/mem.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#if defined(OFFHOOK_SANITIZE) || defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#define ASAN_UNPOISON_MEMORY_REGION(p, n) ((void)(p), (void)(n))
#endif

/* Enough for a message at the caps of value_strict many times over; its pages are touched as needed. */
#define ARENA_SIZE ((size_t)4 << 20)
#define ARENA_ALIGN 16
/* Unaddressable under the address sanitizer, between two blocks. */
#define ARENA_GAP 16

static _Thread_local struct {
	char *p;
	size_t used;
	bool in_call;
	jmp_buf full;
} arena;

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t arena_key;

void *value_arena_alloc(size_t size)
{
	size_t need;
	char *p;

	if (!arena.in_call)
		return NULL;
	if (size > ARENA_SIZE)
		longjmp(arena.full, 1);
	need = (ARENA_ALIGN + size + ARENA_GAP + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
	if (need > ARENA_SIZE - arena.used)
		longjmp(arena.full, 1);
	p = arena.p + arena.used;
	ASAN_UNPOISON_MEMORY_REGION(p, ARENA_ALIGN + size);
	memcpy(p, &size, sizeof(size)); /* what realloc must copy */
	arena.used += need;
	return p + ARENA_ALIGN;
}

void *value_arena_realloc(void *old, size_t size)
{
	size_t old_size;
	void *p = value_arena_alloc(size);

	if (!old || !p)
		return p;
	memcpy(&old_size, (char *)old - ARENA_ALIGN, sizeof(old_size));
	return memcpy(p, old, old_size < size ? old_size : size);
}

void value_arena_free(void *p)
{
	(void)p;
}

static void arena_destroy(void *p)
{
	ASAN_UNPOISON_MEMORY_REGION(p, ARENA_SIZE);
	free(p);
	arena.p = NULL; /* another key's destructor may still parse */
	arena.used = 0;
}

static void make_key(void)
{
	pthread_key_create(&arena_key, arena_destroy);
}

int value_arena_call(int *result, int (*call)(void *), void *arg)
{
	pthread_once(&once, make_key);
	if (!arena.p) {
		if (mem_should_fail() || !(arena.p = malloc(ARENA_SIZE)))
			return ERR_NOMEM;
		pthread_setspecific(arena_key, arena.p);
		ASAN_POISON_MEMORY_REGION(arena.p, ARENA_SIZE);
	}
	ASAN_POISON_MEMORY_REGION(arena.p, arena.used);
	arena.used = 0;
	arena.in_call = true;
	if (setjmp(arena.full)) {
		arena.in_call = false;
		return ERR_NOMEM;
	}
	*result = call(arg);
	arena.in_call = false;
	return 0;
}
