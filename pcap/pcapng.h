/* pcapng blocks (draft-ietf-opsawg-pcapng), appended to a buf. Little endian, link type RAW (101), times in ns.
 *
 * A capture is: one header, one interface for each actor, the names, then the packets. Same input, same bytes:
 * nothing here reads a clock, the machine's name or a random source. A failed allocation shows as `b->failed`.
 * Texts may hold any bytes; they are written as valid UTF-8. */
#ifndef OFFHOOK_PCAP_PCAPNG_H
#define OFFHOOK_PCAP_PCAPNG_H

#include "core/buf.h"
#include "net/addr.h"

#define PCAPNG_SHB 0x0A0D0D0Au
#define PCAPNG_IDB 1u
#define PCAPNG_NRB 4u
#define PCAPNG_EPB 6u

/* The largest UDP payload of an IPv4 packet: 65535 - 20 - 8. The rest of a longer one is cut, with a comment. */
#define PCAPNG_UDP_MAX 65507

/* What all packets from one address to another have in common: their headers, but for lengths, number, times and checksums. */
struct pcapng_flow {
	uint8_t head[76]; /* of the block, IP and UDP */
	uint8_t len;      /* of it, in use */
	bool v6;
	uint64_t ip_sum, udp_sum; /* what it adds to the checksums */
};

/* The section header; `comments` describe the capture as a whole, each ended by a NUL. When it is shorter than `fill` (a multiple of 4, 64 kB at most), an
 * option that readers pass over makes it that long: room for a header to be written over it later. */
void pcapng_put_header(struct buf *b, struct slice comments, size_t fill);
void pcapng_put_interface(struct buf *b, struct slice name, struct slice description);
/* Names of hosts: begin, one put for each host (its port is not looked at), end with what begin returned. */
size_t pcapng_names_begin(struct buf *b);
void pcapng_names_put(struct buf *b, const struct addr *host, struct slice name);
void pcapng_names_end(struct buf *b, size_t at);
/* `interface` is from 0, in the order of pcapng_put_interface; of two addresses one of which is IPv6, both are shown as that. */
void pcapng_flow_make(struct pcapng_flow *f, uint32_t interface, const struct addr *from, const struct addr *to);
/* One packet with IPv4 or IPv6 and UDP headers made up around `data`, checksums right, in two steps: the first when the packet is
 * there, the second when all comments are. */
#define PCAPNG_BEGUN_MAX(len) ((len) + 80) /* bytes of the first part, of a packet with so many */
/* Writes at `to`, which has room for PCAPNG_BEGUN_MAX(data.l), what stands before the comments, and returns its length. `wall` is ns
 * since the Unix epoch; `ip_id` is for IPv4 only, the caller counts for each source host. `*data_at` gets where the data begins. */
size_t pcapng_begin_udp(uint8_t *to, const struct pcapng_flow *f, uint64_t wall, uint16_t ip_id, struct slice data, size_t *data_at);
/* The whole. `received` marks it inbound, else it is outbound; of the comments, any number, each is ended by a NUL; `sent` is the length of the data when it was not cut yet. */
void pcapng_put_udp(struct buf *b, struct slice begun, bool received, size_t sent, struct slice comments);

#endif
