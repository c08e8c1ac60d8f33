#include "pcap/room.h"

#include "core/mem.h"

#include <stdalign.h>
#include <stdint.h>

#define CHUNK_FIRST (16u << 10) /* a test has a few packets; later ones are larger, */
#define CHUNK_MOST (64u << 10)  /* up to this */

struct chunk {
	struct chunk *next;    /* in the list of spares */
	size_t size, used, last; /* bytes; where the last piece begins */
	unsigned pieces;
	alignas(16) uint8_t bytes[];
};

static size_t aligned(size_t len)
{
	return (len + 15) & ~(size_t)15;
}

/* An empty one for `len` bytes. Spares that are too small are from the beginning and go. */
static struct chunk *chunk_get(struct room *r, size_t len)
{
	size_t size = r->now ? 2 * r->now->size : CHUNK_FIRST;
	struct chunk *c;

	while ((c = r->spare)) {
		r->spare = c->next;
		if (c->size >= len)
			return c;
		mem_deref(c);
	}
	if (size > CHUNK_MOST)
		size = CHUNK_MOST;
	if (size < len)
		size = len;
	c = mem_alloc(sizeof(*c), size, NULL);
	if (c)
		c->size = size;
	return c;
}

void *room_take(struct room *r, size_t len, struct chunk **chunk)
{
	struct chunk *c = r->now;

	if (!c || c->size - c->used < aligned(len)) {
		c = chunk_get(r, aligned(len));
		if (!c)
			return NULL;
		if (r->now && !r->now->pieces)
			mem_deref(r->now); /* too small even when it is empty */
		r->now = c;
	}
	c->last = c->used;
	c->used += aligned(len);
	c->pieces++;
	*chunk = c;
	return c->bytes + c->last;
}

bool room_extend(const void *p, size_t len, struct chunk *c)
{
	if (p != c->bytes + c->last || aligned(len) > c->size - c->last)
		return false;
	c->used = c->last + aligned(len);
	return true;
}

void room_drop(struct room *r, struct chunk *c)
{
	if (--c->pieces)
		return;
	c->used = c->last = 0;
	if (c != r->now) {
		c->next = r->spare;
		r->spare = c;
	}
}

void room_free(struct room *r)
{
	struct chunk *c;

	while ((c = r->spare)) {
		r->spare = c->next;
		mem_deref(c);
	}
	r->now = mem_deref(r->now);
}
