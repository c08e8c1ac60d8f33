/* What a recorder finds out about the packets from one address to another, kept for those that come again: a load has a few such ways and
 * many packets on each. Private to pcap. */
#ifndef OFFHOOK_PCAP_FLOWS_H
#define OFFHOOK_PCAP_FLOWS_H

#include "net/tap.h"
#include "pcap/actors.h"
#include "pcap/pcapng.h"

struct flow {
	struct addr src, dst;
	bool received;
	uint32_t actor;                /* whose interface it is; 0: this is no flow yet */
	uint32_t src_actor, dst_actor; /* 0: not known */
	uint32_t moves;                /* of the actors, when this was found out */
	uint16_t *ip_id;               /* the next of its source host */
	struct pcapng_flow headers;
};

#define FLOWS 64

struct flows {
	struct flow list[FLOWS];
	uint16_t ip_ids[256];
};

/* Of that packet; its actor settles where nobody lived. NULL when memory ran out. Good until the next call. */
struct flow *flow_of(struct flows *fs, struct actors *as, const struct tap_packet *p);

#endif
