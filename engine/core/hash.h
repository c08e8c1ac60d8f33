/* An intrusive hash table with chains: nodes live in their owners, the key's hash and the comparison are the caller's.
 */
#ifndef OFFHOOK_CORE_HASH_H
#define OFFHOOK_CORE_HASH_H

#include <stddef.h>
#include <stdint.h>

struct hash_node {
	struct hash_node *next;
	uint64_t key; /* hash of the owner's key */
};

/* Zero it before first use. */
struct hash {
	uint64_t *buckets; /* see hash_bucket() */
	uint64_t *used;    /* a bit for each bucket: whether it holds any. Most keys that are looked for are not there, and this is smaller */
	size_t n, size;
};

/* The first node of the i-th bucket (i < size), or NULL; the others follow by `next`. Above the 48 bits of its address stands which of 16 kinds of
 * keys are in the bucket, so that few nodes are touched for a key that is not there. */
static inline struct hash_node *hash_bucket(const struct hash *h, size_t i)
{
	return (struct hash_node *)(uintptr_t)(h->buckets[i] & 0xffffffffffffull);
}

/* The struct of which `node` is the member `member`. */
#define hash_owner(node, type, member) ((type *)(void *)((char *)(node)-offsetof(type, member)))

/* ERR_NOMEM only where there is no table yet; a table that cannot grow works on, slower. */
int hash_add(struct hash *h, struct hash_node *node, uint64_t key);
/* A node that is not in the table is left alone. */
void hash_del(struct hash *h, struct hash_node *node);
/* `to` stands in the place of `from`, of the same key, when their owner moves. */
void hash_move(struct hash *h, struct hash_node *to, struct hash_node *from);
/* The nodes with this key's hash: compare, then go on. */
struct hash_node *hash_first(const struct hash *h, uint64_t key);
struct hash_node *hash_next(const struct hash_node *node);
/* Takes any node out, or NULL when the table is empty: how an owner empties it. */
struct hash_node *hash_pop(struct hash *h);
/* Frees the buckets; the nodes are the owner's. */
void hash_free(struct hash *h);

#endif
