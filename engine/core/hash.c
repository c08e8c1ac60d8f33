#include "core/hash.h"
#include "core/err.h"
#include "core/mem.h"

#include <stdlib.h>
#include <string.h>

#define HASH_MIN 16

/* Keys may be weak in their low bits (FNV of short names, addresses); multiplication brings the high ones in. */
static size_t bucket(const struct hash *h, uint64_t key)
{
	return (size_t)((key * 0x9e3779b97f4a7c15ull) >> 32) & (h->size - 1);
}

static struct hash_node **table(size_t size)
{
	size_t bytes = size * sizeof(struct hash_node *);
	struct hash_node **buckets;

	if (bytes < MEM_LARGE_PAGE)
		return calloc(size, sizeof(*buckets));
	buckets = mem_large(bytes);
	return buckets ? memset(buckets, 0, bytes) : NULL;
}

static int resize(struct hash *h, size_t size)
{
	struct hash old = *h;
	struct hash_node **buckets = mem_should_fail() ? NULL : table(size);

	if (!buckets)
		return ERR_NOMEM;
	h->buckets = buckets;
	h->size = size;
	for (size_t i = 0; i < old.size; i++) {
		for (struct hash_node *node = old.buckets[i], *next; node; node = next) {
			size_t b = bucket(h, node->key);

			next = node->next;
			node->next = buckets[b];
			buckets[b] = node;
		}
	}
	free(old.buckets);
	return 0;
}

int hash_add(struct hash *h, struct hash_node *node, uint64_t key)
{
	size_t b;

	if (!h->size && resize(h, HASH_MIN))
		return ERR_NOMEM;
	if (h->n >= h->size / 2) /* most keys that are looked for are not there: then no node need be touched */
		(void)resize(h, h->size * 2);
	b = bucket(h, key);
	node->key = key;
	node->next = h->buckets[b];
	h->buckets[b] = node;
	h->n++;
	return 0;
}

void hash_del(struct hash *h, struct hash_node *node)
{
	if (!h->size)
		return;
	for (struct hash_node **at = &h->buckets[bucket(h, node->key)]; *at; at = &(*at)->next) {
		if (*at == node) {
			*at = node->next;
			node->next = NULL;
			h->n--;
			return;
		}
	}
}

void hash_move(struct hash *h, struct hash_node *to, struct hash_node *from)
{
	struct hash_node **at = &h->buckets[bucket(h, from->key)];

	while (*at != from)
		at = &(*at)->next;
	*to = *from;
	*at = to;
}

static struct hash_node *match(struct hash_node *node, uint64_t key)
{
	while (node && node->key != key)
		node = node->next;
	return node;
}

struct hash_node *hash_first(const struct hash *h, uint64_t key)
{
	return h->size ? match(h->buckets[bucket(h, key)], key) : NULL;
}

struct hash_node *hash_next(const struct hash_node *node)
{
	return match(node->next, node->key);
}

struct hash_node *hash_pop(struct hash *h)
{
	for (size_t i = 0; i < h->size && h->n; i++) {
		struct hash_node *node = h->buckets[i];

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
	*h = (struct hash){0};
}
