#include "pcap/pcapng.h"
#include "pcap/text.h"

#include <stdio.h>

enum {
	LINKTYPE_RAW = 101, /* starts at the IP header, version in its first four bits */
	OPT_END = 0,
	OPT_COMMENT = 1,
	SHB_USERAPPL = 4,
	IDB_NAME = 2,
	IDB_DESCRIPTION = 3,
	IDB_TSRESOL = 9,
	EPB_FLAGS = 2,
	OPT_FILLER = 0x8000, /* the first of those for local use (section 3.5.1) */
	NRB_END = 0,
	NRB_IPV4 = 1,
	NRB_IPV6 = 2,

	EPB_HEADER = 28, /* before the packet */
	IP4_HEADER = 20,
	IP6_HEADER = 40,
	UDP_HEADER = 8,
	TTL = 64,
	TEXT_MAX = 16384, /* of one option; its length field has 16 bits */
};

static void put16(struct buf *b, uint16_t v)
{
	buf_put(b, (uint8_t[]){v & 0xFF, v >> 8}, 2);
}

/* Behind it. */
static uint8_t *le32(uint8_t *to, uint32_t v)
{
	memcpy(to, (uint8_t[]){v & 0xFF, v >> 8 & 0xFF, v >> 16 & 0xFF, v >> 24}, 4);
	return to + 4;
}

static void put32(struct buf *b, uint32_t v)
{
	uint8_t bytes[4];

	le32(bytes, v);
	buf_put(b, bytes, sizeof(bytes));
}

static void poke32(struct buf *b, size_t at, uint32_t v)
{
	if (at + 4 <= b->len)
		le32(b->p + at, v);
}

static void poke16(struct buf *b, size_t at, size_t v)
{
	if (at + 2 <= b->len)
		memcpy(b->p + at, (uint8_t[]){v & 0xFF, v >> 8 & 0xFF}, 2);
}

static void pad4(struct buf *b, size_t len)
{
	buf_put(b, "\0\0\0", -len & 3);
}

static size_t block_begin(struct buf *b, uint32_t type)
{
	size_t at = b->len;

	put32(b, type);
	put32(b, 0);
	return at;
}

static void block_end(struct buf *b, size_t at)
{
	uint32_t len = (uint32_t)(b->len - at + 4);

	put32(b, len);
	poke32(b, at + 4, len);
}

static void option_put(struct buf *b, uint16_t code, const void *p, size_t len)
{
	put16(b, code);
	put16(b, (uint16_t)len);
	buf_put(b, p, len);
	pad4(b, len);
}

static void option_put_text(struct buf *b, uint16_t code, struct slice text)
{
	size_t at = b->len;

	put16(b, code);
	put16(b, 0);
	text_put_utf8(b, text, TEXT_MAX);
	poke16(b, at + 2, b->len - at - 4);
	pad4(b, b->len - at);
}

static void option_put_comments(struct buf *b, struct slice comments)
{
	while (comments.l) {
		const char *nul = memchr(comments.p, 0, comments.l);
		size_t len = nul ? (size_t)(nul - comments.p) : comments.l;

		option_put_text(b, OPT_COMMENT, (struct slice){comments.p, len});
		len += nul ? 1 : 0;
		comments.p += len;
		comments.l -= len;
	}
}

void pcapng_put_header(struct buf *b, struct slice comments, size_t fill)
{
	size_t at = block_begin(b, PCAPNG_SHB), len;

	put32(b, 0x1A2B3C4D);
	put16(b, 1);
	put16(b, 0);
	put32(b, 0xFFFFFFFF); /* section length: not given */
	put32(b, 0xFFFFFFFF);
	option_put_comments(b, comments);
	option_put_text(b, SHB_USERAPPL, SLICE_LIT("offhook " OFFHOOK_VERSION));
	len = b->len - at + 8; /* with the end of the options and the block's length */
	if (len + 4 <= fill) {
		size_t rest = fill - len - 4;

		put16(b, OPT_FILLER);
		put16(b, (uint16_t)rest);
		if (buf_reserve(b, rest))
			memset(buf_end(b), 0, rest);
		b->len += b->failed ? 0 : rest;
	}
	option_put(b, OPT_END, NULL, 0);
	block_end(b, at);
}

void pcapng_put_interface(struct buf *b, struct slice name, struct slice description)
{
	size_t at = block_begin(b, PCAPNG_IDB);

	put16(b, LINKTYPE_RAW);
	put16(b, 0);
	put32(b, 0); /* snapshot length: no limit */
	option_put_text(b, IDB_NAME, name);
	if (description.l)
		option_put_text(b, IDB_DESCRIPTION, description);
	option_put(b, IDB_TSRESOL, "\x09", 1);
	option_put(b, OPT_END, NULL, 0);
	block_end(b, at);
}

/* The host's bytes in network order: 4, or 16. A v4 address in v6 clothes (a dual-stack socket's) is v4 again. */
static size_t host_bytes(uint8_t out[16], const struct addr *a)
{
	if (!addr_is_v6(a)) {
		memcpy(out, &a->u.in4.sin_addr, 4);
		return 4;
	}
	if (IN6_IS_ADDR_V4MAPPED(&a->u.in6.sin6_addr)) {
		memcpy(out, a->u.in6.sin6_addr.s6_addr + 12, 4);
		return 4;
	}
	memcpy(out, &a->u.in6.sin6_addr, 16);
	return 16;
}

size_t pcapng_names_begin(struct buf *b)
{
	return block_begin(b, PCAPNG_NRB);
}

void pcapng_names_put(struct buf *b, const struct addr *host, struct slice name)
{
	uint8_t bytes[16];
	size_t len = host_bytes(bytes, host), at = b->len;

	put16(b, len == 4 ? NRB_IPV4 : NRB_IPV6);
	put16(b, 0);
	buf_put(b, bytes, len);
	text_put_utf8(b, name, TEXT_MAX);
	buf_put(b, "", 1);
	poke16(b, at + 2, b->len - at - 4);
	pad4(b, b->len - at);
}

void pcapng_names_end(struct buf *b, size_t at)
{
	put16(b, NRB_END);
	put16(b, 0);
	block_end(b, at);
}

static void net16(uint8_t *p, size_t v)
{
	p[0] = v >> 8 & 0xFF;
	p[1] = v & 0xFF;
}

/* What these two bytes are as a word of the host's. */
static uint64_t word_of(size_t v)
{
	uint8_t bytes[2];
	uint16_t word;

	net16(bytes, v);
	memcpy(&word, bytes, sizeof(word));
	return word;
}

static uint64_t add_carry(uint64_t sum, uint64_t word)
{
	sum += word;
	return sum + (sum < word);
}

/* Ones' complement sum of 16-bit words (RFC 1071) in the host's byte order, which gives the same bytes (section 2 B) and lets us take
 * eight at a time, each carry added again (2 C); every part but the last must have an even length. */
static uint64_t sum16(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t word, other, odd = 0;

	for (; len >= 2 * sizeof(word); p += 2 * sizeof(word), len -= 2 * sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		memcpy(&other, p + sizeof(word), sizeof(other));
		sum = add_carry(sum, word);
		odd = add_carry(odd, other); /* two sums, as an addition waits for the one before it */
	}
	sum = add_carry(sum, odd);
	for (; len; p += sizeof(word), len -= len < sizeof(word) ? len : sizeof(word)) {
		word = 0;
		memcpy(&word, p, len < sizeof(word) ? len : sizeof(word));
		sum = add_carry(sum, word);
	}
	return (sum & 0xFFFFFFFF) + (sum >> 32); /* so that more may be added as it is */
}

/* The checksum's bytes, to stand as they are. */
static void sum_put(uint8_t *to, uint64_t sum, bool never_zero)
{
	uint16_t check;

	while (sum >> 16)
		sum = (sum & 0xFFFF) + (sum >> 16);
	check = (uint16_t)~sum;
	if (!check && never_zero)
		check = 0xFFFF;
	memcpy(to, &check, sizeof(check));
}

void pcapng_flow_make(struct pcapng_flow *f, uint32_t interface, const struct addr *from, const struct addr *to)
{
	uint8_t src[16], dst[16], *ip = f->head + EPB_HEADER, *udp;
	size_t ns = host_bytes(src, from), nd = host_bytes(dst, to);
	uint64_t addresses;

	_Static_assert(sizeof(f->head) == EPB_HEADER + IP6_HEADER + UDP_HEADER, "room for the longest");
	*f = (struct pcapng_flow){0};
	le32(le32(le32(f->head, PCAPNG_EPB), 0), interface);
	if (ns != nd) { /* one side is v6 only: both as v6 */
		uint8_t *v4 = ns == 4 ? src : dst;

		memcpy(v4 + 12, v4, 4);
		memset(v4, 0, 10);
		memset(v4 + 10, 0xFF, 2);
		ns = 16;
	}
	addresses = sum16(sum16(0, src, ns), dst, ns);
	f->v6 = ns == 16;
	if (f->v6) {
		udp = ip + IP6_HEADER;
		ip[0] = 0x60;
		ip[6] = IPPROTO_UDP;
		ip[7] = TTL;
		memcpy(ip + 8, src, 16);
		memcpy(ip + 24, dst, 16);
	} else {
		udp = ip + IP4_HEADER;
		ip[0] = 0x45;
		ip[8] = TTL;
		ip[9] = IPPROTO_UDP;
		memcpy(ip + 12, src, 4);
		memcpy(ip + 16, dst, 4);
		f->ip_sum = sum16(0, ip, IP4_HEADER);
	}
	net16(udp, addr_port(from));
	net16(udp + 2, addr_port(to));
	f->udp_sum = addresses + word_of(IPPROTO_UDP) + sum16(0, udp, UDP_HEADER); /* RFC 768: with the pseudo header */
	f->len = (uint8_t)(udp + UDP_HEADER - f->head);
}

size_t pcapng_begin_udp(uint8_t *to, const struct pcapng_flow *f, uint64_t wall, uint16_t ip_id, struct slice data, size_t *data_at)
{
	size_t len = data.l < PCAPNG_UDP_MAX ? data.l : PCAPNG_UDP_MAX, udp_len = UDP_HEADER + len, all = f->len - EPB_HEADER + len;
	uint8_t *ip = to + EPB_HEADER, *udp = to + f->len - UDP_HEADER, *at = to + f->len;

	memcpy(to, f->head, sizeof(f->head));
	le32(le32(to + 12, (uint32_t)(wall >> 32)), (uint32_t)wall);
	le32(le32(to + 20, (uint32_t)all), (uint32_t)all);
	if (f->v6) {
		net16(ip + 4, udp_len);
	} else {
		net16(ip + 2, all);
		net16(ip + 4, ip_id);
		sum_put(ip + 10, f->ip_sum + word_of(all) + word_of(ip_id), false);
	}
	net16(udp + 4, udp_len);
	/* The pseudo header has the length once more; 0 would say that there is no checksum (RFC 768). */
	sum_put(udp + 6, sum16(f->udp_sum + 2 * word_of(udp_len), data.p, len), true);
	if (len)
		memcpy(at, data.p, len);
	memset(at + len, 0, -all & 3);
	*data_at = f->len;
	return f->len + len + (-all & 3);
}

void pcapng_put_udp(struct buf *b, struct slice begun, bool received, size_t sent, struct slice comments)
{
	size_t at = b->len;
	uint8_t end[12] = {EPB_FLAGS, 0, 4, 0, received ? 1 : 2}; /* 1 inbound, 2 outbound; behind it OPT_END */

	buf_put_slice(b, begun);
	option_put_comments(b, comments);
	if (sent > PCAPNG_UDP_MAX) {
		char cut[96];
		int n = snprintf(cut, sizeof(cut), "cut: %zu bytes were sent, %d fit a UDP datagram", sent, PCAPNG_UDP_MAX);

		option_put_text(b, OPT_COMMENT, (struct slice){cut, (size_t)n});
	}
	buf_put(b, end, sizeof(end));
	block_end(b, at);
}
