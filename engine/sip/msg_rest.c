#include "sip/msg_rest.h"

/* What stands before the bytes of a message that is kept. */
struct cover {
	uint64_t time;
	const char *locally;
	struct addr src, dst;
	uint32_t frame;
	bool received;
};

/* Requests of one method, and responses of one status, begin alike. */
static uint64_t kind(const struct msg *m)
{
	struct slice bytes = m->s.bytes;

	return slice_hash(SLICE_HASH_SEED + m->received, (struct slice){bytes.p, bytes.l < 12 ? bytes.l : 12});
}

/* What is equal is so byte by byte. */
static void set_addr(struct addr *to, const struct addr *a)
{
	memcpy(to, a, addr_len(a));
}

struct kept *msg_rest(struct kept_models *models, const struct msg *m)
{
	struct cover c;

	memset(&c, 0, sizeof(c));
	c.time = m->time;
	c.locally = m->locally;
	set_addr(&c.src, &m->src);
	set_addr(&c.dst, &m->dst);
	c.frame = m->frame;
	c.received = m->received;
	return kept_text(models, kind(m), (struct slice){(const char *)&c, sizeof(c)}, m->s.bytes);
}

int msg_wake(struct msg **mp, const struct kept *k)
{
	char room[KEPT_ROOM];
	struct slice text = kept_read(k, room);
	struct cover c;
	struct msg *m;

	memcpy(&c, text.p, sizeof(c));
	if (msg_alloc(&m, (struct slice){text.p + sizeof(c), text.l - sizeof(c)}))
		return ERR_NOMEM;
	m->src = c.src;
	m->dst = c.dst;
	m->locally = c.locally;
	m->received = c.received;
	m->time = c.time;
	m->frame = c.frame;
	*mp = m;
	return 0;
}
