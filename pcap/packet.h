/* One packet of a recording while it is in memory, and what is said of it. Private to pcap. */
#ifndef OFFHOOK_PCAP_PACKET_H
#define OFFHOOK_PCAP_PACKET_H

#include "core/buf.h"
#include "net/tap.h"
#include "pcap/flows.h"
#include "pcap/room.h"

struct packet {
	uint32_t id;
	uint64_t wall;
	struct addr src, dst;
	uint32_t src_actor, dst_actor; /* 0: not known, or not yet */
	uint32_t held_until;           /* 0, or the id of the last packet shown before it was let go, */
	uint64_t held_for;             /* so many ns after it was sent */
	struct chunk *chunk, *comments_chunk;
	char *comments; /* each ended by a NUL */
	size_t comments_len, comments_cap;
	size_t len; /* of the data, which may be cut in the block */
	size_t block_len, data_at;
	bool received;
	uint8_t block[]; /* as it will stand in the capture, up to the comments */
};

/* NULL for want of memory. */
struct packet *packet_new(struct room *room, struct flow *f, const struct tap_packet *in);
void packet_free(struct packet *p, struct room *room);
/* Bytes that it takes, or will take at most. */
size_t packet_cost(const struct packet *p);
size_t packet_cost_most(const struct tap_packet *in);
/* Appends the text, ended by a NUL, to what is said of the packet; false when that is too much or memory ran out. */
bool packet_comment(struct packet *p, struct room *room, struct buf *scratch, const char *text);
/* The same for any comments, up to `max` bytes of them. */
bool comment_add(struct buf *b, const char *text, size_t max);

#endif
