#include "core/hash.h"
#include "core/err.h"
#include "core/mem.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define HASH_MIN 64

/* Keys may be weak in their low bits (FNV of short names, addresses); multiplication brings the high ones in. */
static size_t bucket(const struct hash *h, uint64_t key)
{
	return (size_t)((key * 0x9e3779b97f4a7c15ull) >> 32) & (h->size - 1);
}

static void *zeroed(size_t bytes)
{
	void *p = bytes < MEM_LARGE_PAGE ? malloc(bytes) : mem_large(bytes);

	return p ? memset(p, 0, bytes) : NULL;
}

static inline bool is_used(const struct hash *h, size_t b)
{
	return h->used[b / 64] >> b % 64 & 1;
}

/* Of a kind of keys, among the bits that stand above an address. */
static inline uint64_t kind(uint64_t key)
{
	return 1ull << (48 + (key * 0x9e3779b97f4a7c15ull >> 28 & 15));
}

static inline void set_bucket(struct hash *h, size_t b, struct hash_node *first, uint64_t kinds)
{
	h->buckets[b] = (uintptr_t)first | kinds;
}

static inline void put(struct hash *h, size_t b, struct hash_node *node)
{
	node->next = hash_bucket(h, b);
	set_bucket(h, b, node, (h->buckets[b] >> 48 << 48) | kind(node->key));
	h->used[b / 64] |= 1ull << b % 64;
}

/* Who points to `node`, of bucket `b`: NULL is the bucket itself, else the one before. False: it is not there. */
static bool find_before(const struct hash *h, size_t b, const struct hash_node *node, struct hash_node **before)
{
	*before = NULL;
	for (struct hash_node *at = hash_bucket(h, b); at != node; at = at->next) {
		if (!at)
			return false;
		*before = at;
	}
	return true;
}

static int resize(struct hash *h, size_t size)
{
	struct hash old = *h;
	bool fails = mem_should_fail();
	uint64_t *buckets = fails ? NULL : zeroed(size * sizeof(*buckets));
	uint64_t *used = fails ? NULL : zeroed(size / 8);

	if (!buckets || !used) {
		free(buckets);
		free(used);
		return ERR_NOMEM;
	}
	h->buckets = buckets;
	h->used = used;
	h->size = size;
	for (size_t i = 0; i < old.size; i++) {
		for (struct hash_node *node = hash_bucket(&old, i), *next; node; node = next) {
			next = node->next;
			put(h, bucket(h, node->key), node);
		}
	}
	free(old.buckets);
	free(old.used);
	return 0;
}

int hash_add(struct hash *h, struct hash_node *node, uint64_t key)
{
	if (!h->size && resize(h, HASH_MIN))
		return ERR_NOMEM;
	if (h->n >= h->size) /* by a large step: each touches all nodes, which are no longer in the cache */
		(void)resize(h, h->size * 4);
	node->key = key;
	put(h, bucket(h, key), node);
	h->n++;
	return 0;
}

void hash_del(struct hash *h, struct hash_node *node)
{
	struct hash_node *before;
	uint64_t kinds = 0;
	size_t b;

	if (!h->size)
		return;
	b = bucket(h, node->key);
	if (!find_before(h, b, node, &before))
		return;
	if (before)
		before->next = node->next;
	else
		set_bucket(h, b, node->next, 0);
	node->next = NULL;
	h->n--;
	for (struct hash_node *n = hash_bucket(h, b); n; n = n->next)
		kinds |= kind(n->key);
	set_bucket(h, b, hash_bucket(h, b), kinds);
	if (!kinds)
		h->used[b / 64] &= ~(1ull << b % 64);
}

void hash_move(struct hash *h, struct hash_node *to, struct hash_node *from)
{
	size_t b = bucket(h, from->key);
	struct hash_node *before;

	if (!find_before(h, b, from, &before))
		return;
	*to = *from;
	if (before)
		before->next = to;
	else
		set_bucket(h, b, to, h->buckets[b] >> 48 << 48);
}

static struct hash_node *match(struct hash_node *node, uint64_t key)
{
	while (node && node->key != key)
		node = node->next;
	return node;
}

struct hash_node *hash_first(const struct hash *h, uint64_t key)
{
	size_t b = h->size ? bucket(h, key) : 0;

	return h->size && is_used(h, b) && h->buckets[b] & kind(key) ? match(hash_bucket(h, b), key) : NULL;
}

struct hash_node *hash_next(const struct hash_node *node)
{
	return match(node->next, node->key);
}

struct hash_node *hash_pop(struct hash *h)
{
	for (size_t i = 0; i < h->size && h->n; i++) {
		struct hash_node *node = hash_bucket(h, i);

		if (node) {
			hash_del(h, node);
			return node;
		}
	}
	return NULL;
}

void hash_free(struct hash *h)
{
	free(h->buckets);
	free(h->used);
	*h = (struct hash){0};
}
