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

static void put32(struct buf *b, uint32_t v)
{
	buf_put(b, (uint8_t[]){v & 0xFF, v >> 8 & 0xFF, v >> 16 & 0xFF, v >> 24}, 4);
}

static void poke32(struct buf *b, size_t at, uint32_t v)
{
	if (at + 4 <= b->len)
		memcpy(b->p + at, (uint8_t[]){v & 0xFF, v >> 8 & 0xFF, v >> 16 & 0xFF, v >> 24}, 4);
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

void pcapng_put_header(struct buf *b, struct slice comments)
{
	size_t at = block_begin(b, PCAPNG_SHB);

	put32(b, 0x1A2B3C4D);
	put16(b, 1);
	put16(b, 0);
	put32(b, 0xFFFFFFFF); /* section length: not given */
	put32(b, 0xFFFFFFFF);
	option_put_comments(b, comments);
	option_put_text(b, SHB_USERAPPL, SLICE_LIT("offhook " OFFHOOK_VERSION));
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

/* Ones' complement sum of 16-bit words (RFC 1071) in the host's byte order, which gives the same bytes (section 2 B) and lets us take
 * eight at a time; every part but the last must have an even length. */
static uint64_t sum16(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint64_t word;
	uint16_t half;

	for (; len >= sizeof(word); p += sizeof(word), len -= sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sum += (word & 0xFFFFFFFF) + (word >> 32); /* 2^32 such words would fit */
	}
	for (; len; p += sizeof(half), len -= len < sizeof(half) ? len : sizeof(half)) {
		half = 0;
		memcpy(&half, p, len < sizeof(half) ? len : sizeof(half));
		sum += half;
	}
	return sum;
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

/* IP and UDP headers at `h`, for `p` and `len` bytes of its data; returns how long they are: up to IP6_HEADER + UDP_HEADER. */
static size_t headers_make(uint8_t *h, const struct pcapng_udp *p, size_t len)
{
	uint8_t src[16], dst[16], *udp;
	size_t ns = host_bytes(src, &p->src), nd = host_bytes(dst, &p->dst), ip, udp_len = UDP_HEADER + len;
	uint64_t addresses, sum;

	if (ns != nd) { /* one side is v6 only: both as v6 */
		uint8_t *v4 = ns == 4 ? src : dst;

		memcpy(v4 + 12, v4, 4);
		memset(v4, 0, 10);
		memset(v4 + 10, 0xFF, 2);
		ns = 16;
	}
	/* The headers are summed up as they are written: to read them again at once, in larger words, would wait for the writing. */
	addresses = sum16(sum16(0, src, ns), dst, ns);
	if (ns == 4) {
		ip = IP4_HEADER;
		memset(h, 0, ip);
		h[0] = 0x45;
		net16(h + 2, ip + udp_len);
		net16(h + 4, p->ip_id);
		h[8] = TTL;
		h[9] = IPPROTO_UDP;
		memcpy(h + 12, src, 4);
		memcpy(h + 16, dst, 4);
		sum = addresses + word_of(0x4500) + word_of(ip + udp_len) + word_of(p->ip_id) + word_of(TTL << 8 | IPPROTO_UDP);
		sum_put(h + 10, sum, false);
	} else {
		ip = IP6_HEADER;
		memset(h, 0, ip);
		h[0] = 0x60;
		net16(h + 4, udp_len);
		h[6] = IPPROTO_UDP;
		h[7] = TTL;
		memcpy(h + 8, src, 16);
		memcpy(h + 24, dst, 16);
	}

	udp = h + ip;
	net16(udp, addr_port(&p->src));
	net16(udp + 2, addr_port(&p->dst));
	net16(udp + 4, udp_len);
	net16(udp + 6, 0);
	sum = addresses + word_of(IPPROTO_UDP) + word_of(udp_len) + /* RFC 768: the pseudo header; */
	      word_of(addr_port(&p->src)) + word_of(addr_port(&p->dst)) + word_of(udp_len);
	sum_put(udp + 6, sum16(sum, p->data.p, len), true); /* RFC 768: 0 would say that there is none */
	return ip + UDP_HEADER;
}

static uint8_t *le32(uint8_t *to, uint32_t v)
{
	memcpy(to, (uint8_t[]){v & 0xFF, v >> 8 & 0xFF, v >> 16 & 0xFF, v >> 24}, 4);
	return to + 4;
}

size_t pcapng_begin_udp(uint8_t *to, const struct pcapng_udp *p, size_t *data_at)
{
	size_t len = p->data.l < PCAPNG_UDP_MAX ? p->data.l : PCAPNG_UDP_MAX, hlen = headers_make(to + EPB_HEADER, p, len);
	uint8_t *at = to;

	at = le32(at, PCAPNG_EPB);
	at = le32(at, 0); /* the length, once it is known */
	at = le32(at, p->interface);
	at = le32(at, (uint32_t)(p->wall >> 32));
	at = le32(at, (uint32_t)p->wall);
	at = le32(at, (uint32_t)(hlen + len));
	at = le32(at, (uint32_t)(hlen + len));
	at += hlen;
	*data_at = (size_t)(at - to);
	if (len)
		memcpy(at, p->data.p, len);
	at += len;
	memset(at, 0, -(hlen + len) & 3);
	at += -(hlen + len) & 3;
	return (size_t)(at - to);
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
