#include "pcap/packet.h"
#include "pcap/order.h"
#include "pcap/text.h"

enum {
	COMMENT_MAX = 16000,    /* bytes of one comment, */
	FRAME_COMMENTS = 64000, /* of all on one frame */
};

static size_t block_most(const struct tap_packet *in)
{
	return PCAPNG_BEGUN_MAX(in->len < PCAPNG_UDP_MAX ? in->len : PCAPNG_UDP_MAX);
}

struct packet *packet_new(struct room *room, struct flow *f, const struct tap_packet *in)
{
	struct chunk *chunk;
	struct packet *p = room_take(room, sizeof(*p) + block_most(in), &chunk);

	if (!p)
		return NULL;
	memset(p, 0, sizeof(*p));
	p->wall = in->wall;
	p->src = in->src;
	p->dst = in->dst;
	p->src_actor = f->src_actor;
	p->dst_actor = f->dst_actor;
	p->chunk = chunk;
	p->len = in->len;
	p->received = in->received;
	p->block_len = pcapng_begin_udp(p->block, &f->headers, in->wall, f->headers.v6 ? 0 : (*f->ip_id)++,
					(struct slice){(const char *)in->data, in->len}, &p->data_at);
	room_extend(p, sizeof(*p) + p->block_len, chunk);
	return p;
}

void packet_free(struct packet *p, struct room *room)
{
	if (p->comments)
		room_drop(room, p->comments_chunk);
	room_drop(room, p->chunk);
}

size_t packet_cost(const struct packet *p)
{
	return sizeof(*p) + sizeof(p) + sizeof(struct entry) + p->block_len + p->comments_cap;
}

size_t packet_cost_most(const struct tap_packet *in)
{
	return sizeof(struct packet) + sizeof(struct packet *) + sizeof(struct entry) + block_most(in);
}

bool comment_add(struct buf *b, const char *text, size_t max)
{
	size_t old = b->len;

	if (old >= max)
		return false;
	text_put_utf8(b, slice_str(text), COMMENT_MAX);
	buf_put(b, "", 1);
	if (!b->failed)
		return true;
	b->len = old;
	b->failed = false;
	return false;
}

/* Comments mostly come when their packet has just come: then they grow where they are. */
bool packet_comment(struct packet *p, struct room *room, struct buf *scratch, const char *text)
{
	struct chunk *chunk;
	size_t need, cap;
	char *moved;

	buf_reset(scratch);
	if (p->comments_len >= FRAME_COMMENTS || !comment_add(scratch, text, FRAME_COMMENTS))
		return false;
	need = p->comments_len + scratch->len;
	if (need > p->comments_cap && p->comments && room_extend(p->comments, need, p->comments_chunk)) {
		p->comments_cap = need;
	} else if (need > p->comments_cap) {
		cap = p->comments ? 2 * need : need;
		moved = room_take(room, cap, &chunk);
		if (!moved)
			return false;
		if (p->comments) {
			memcpy(moved, p->comments, p->comments_len);
			room_drop(room, p->comments_chunk);
		}
		p->comments = moved;
		p->comments_chunk = chunk;
		p->comments_cap = cap;
	}
	memcpy(p->comments + p->comments_len, scratch->p, scratch->len);
	p->comments_len = need;
	return true;
}
