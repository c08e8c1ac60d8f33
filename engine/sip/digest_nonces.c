/* The nonces a server has issued. */
#include "sip/digest.h"

#include "core/mem.h"

struct nonce {
	uint64_t issued;
	uint32_t nc;
	uint32_t next; /* in its bucket: index + 1, 0 at the end */
	uint32_t len;  /* 0: the slot is free */
	char text[DIGEST_NONCE_LEN];
};

/* A ring in the order of issue, with a hash index over it. */
struct digest_nonces {
	size_t max, count, next;
	uint32_t *buckets; /* index + 1 */
	size_t mask;
	struct nonce ring[];
};

int digest_nonces_alloc(struct digest_nonces **out, size_t max, struct err *e)
{
	struct digest_nonces *n;
	size_t buckets = 1;

	if (!max || max > (1u << 24))
		return err_set(e, ERR_ARG, "digest: room for %zu nonces; 1 to %u can be kept", max, 1u << 24);
	while (buckets < max)
		buckets *= 2;
	n = mem_zalloc(sizeof(*n) + max * sizeof(*n->ring) + buckets * sizeof(*n->buckets), NULL);
	if (!n)
		return err_set(e, ERR_NOMEM, "digest: out of memory");
	n->max = max;
	n->mask = buckets - 1;
	n->buckets = (uint32_t *)(n->ring + max);
	*out = n;
	return 0;
}

size_t digest_nonces_count(const struct digest_nonces *n)
{
	return n->count;
}

static uint32_t *bucket_of(struct digest_nonces *n, struct slice nonce)
{
	return &n->buckets[slice_hash(SLICE_HASH_SEED, nonce) & n->mask];
}

static struct slice nonce_text(const struct nonce *x)
{
	return (struct slice){x->text, x->len};
}

/* The link (a bucket or a `next`) that leads to this nonce; it holds 0 if there is none. */
static uint32_t *link_to(struct digest_nonces *n, struct slice nonce)
{
	uint32_t *link = bucket_of(n, nonce);

	while (*link && !slice_eq(nonce_text(&n->ring[*link - 1]), nonce))
		link = &n->ring[*link - 1].next;
	return link;
}

int digest_nonces_issue(struct digest_nonces *n, struct slice nonce, uint64_t now, struct err *e)
{
	uint32_t *link;
	struct nonce *x;

	if (!nonce.l || nonce.l > DIGEST_NONCE_LEN)
		return err_set(e, ERR_ARG, "digest: a nonce of %zu bytes; 1 to %d can be kept", nonce.l,
			       DIGEST_NONCE_LEN);
	/* known already: it leaves its bucket but not its slot, which then counts as free */
	link = link_to(n, nonce);
	if (*link) {
		x = &n->ring[*link - 1];
		*link = x->next;
		x->len = 0;
		n->count--;
	}
	x = &n->ring[n->next];
	if (x->len) {
		link = link_to(n, nonce_text(x));
		*link = x->next;
		n->count--;
	}
	memcpy(x->text, nonce.p, nonce.l);
	x->len = (uint32_t)nonce.l;
	x->issued = now;
	x->nc = 0;
	link = bucket_of(n, nonce);
	x->next = *link;
	*link = (uint32_t)(n->next + 1);
	n->next = (n->next + 1) % n->max;
	n->count++;
	return 0;
}

enum digest_verdict digest_nonces_check(struct digest_nonces *n, struct slice nonce, uint32_t nc, uint64_t now,
					uint64_t lifetime)
{
	const uint32_t link = *link_to(n, nonce);
	struct nonce *x;

	if (!link)
		return DIGEST_STALE;
	x = &n->ring[link - 1];
	if (lifetime && now > x->issued && now - x->issued > lifetime)
		return DIGEST_STALE;
	if (!nc)
		return DIGEST_OK;
	if (nc <= x->nc)
		return DIGEST_REPLAY;
	x->nc = nc;
	return DIGEST_OK;
}
