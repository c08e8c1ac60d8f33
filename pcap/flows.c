#include "pcap/flows.h"

static uint16_t *ip_id_of(struct flows *fs, const struct addr *src)
{
	struct addr host = *src;

	addr_set_port(&host, 0);
	return &fs->ip_ids[addr_hash(&host) % (sizeof(fs->ip_ids) / sizeof(fs->ip_ids[0]))];
}

struct flow *flow_of(struct flows *fs, struct actors *as, const struct tap_packet *p)
{
	const char *name = p->actor ? p->actor : "unnamed";
	const struct addr *own = p->received ? &p->dst : &p->src;
	struct flow *f = &fs->list[(addr_hash(&p->src) * 3 + addr_hash(&p->dst)) / (UINT64_MAX / FLOWS + 1)];
	uint32_t actor, at_own;

	if (f->actor && f->moves == as->moves && f->received == p->received && addr_eq(&f->src, &p->src) && addr_eq(&f->dst, &p->dst) &&
	    actors_is(as, f->actor, name))
		return f;

	actor = actors_add(as, name);
	at_own = actors_at(as, own);
	if (!actor || (p->actor && !at_own && !actors_settle(as, actor, own)))
		return NULL;
	if (p->actor)
		at_own = actor;
	*f = (struct flow){
	    .src = p->src,
	    .dst = p->dst,
	    .received = p->received,
	    .actor = actor,
	    .src_actor = p->received ? actors_at(as, &p->src) : at_own,
	    .dst_actor = p->received ? at_own : actors_at(as, &p->dst),
	    .moves = as->moves,
	    .ip_id = ip_id_of(fs, &p->src),
	};
	pcapng_flow_make(&f->headers, actor - 1, &p->src, &p->dst);
	return f;
}
