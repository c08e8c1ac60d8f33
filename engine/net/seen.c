#include "net/net_priv.h"
#include "core/mem.h"

#include <string.h>

#define SEEN_SETS 1024
#define SEEN_WAYS 8

struct seen_entry {
	uint64_t hash; /* of sender and bytes */
	const struct transport *to;
	uint32_t frame;
	uint32_t order; /* 0: free */
};

struct seen {
	uint32_t order;
	struct seen_entry sets[SEEN_SETS][SEEN_WAYS];
};

static inline uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 32;
}

static uint64_t packet_hash(const struct addr *src, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t h = mix(addr_hash(src), len), word;

	for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		h = mix(h, word);
	}
	word = 0;
	if (len)
		memcpy(&word, p, len);
	return mix(h, word);
}

void seen_add(struct net *net, const struct transport *to, const struct packet *p)
{
	uint64_t hash = packet_hash(&p->src, p->data, p->len);
	struct seen_entry *set, *at;
	struct seen *s = net->seen;

	if (!s)
		s = net->seen = mem_zalloc(sizeof(*s), NULL);
	if (!s)
		return;
	set = at = s->sets[hash % SEEN_SETS];
	for (int i = 0; i < SEEN_WAYS && at->order; i++) {
		if (set[i].order < at->order) /* free, or the oldest */
			at = &set[i];
	}
	if (!++s->order)
		s->order = 1;
	*at = (struct seen_entry){.hash = hash, .to = to, .frame = p->frame, .order = s->order};
}

bool seen_take(struct net *net, uint32_t *frame, const struct transport *to, const struct addr *src, const void *data,
	       size_t len)
{
	struct seen_entry *set, *hit = NULL;
	uint64_t hash;

	if (!net->seen)
		return false;
	hash = packet_hash(src, data, len);
	set = net->seen->sets[hash % SEEN_SETS];
	/* Of equal datagrams, a retransmission say, the earliest arrives first. */
	for (int i = 0; i < SEEN_WAYS; i++) {
		if (set[i].order && set[i].hash == hash && set[i].to == to && (!hit || set[i].order < hit->order))
			hit = &set[i];
	}
	if (!hit)
		return false;
	*frame = hit->frame;
	hit->order = 0;
	return true;
}
