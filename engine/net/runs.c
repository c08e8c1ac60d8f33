/* Runs: datagrams of one size to one destination, which go to the kernel as one message (UDP_SEGMENT, Linux 4.18).
 */
#include "net/net_priv.h"

#include <netinet/udp.h>
#include <string.h>

#define LOOK_BACK 16 /* runs that a packet is compared with: as many sizes and destinations may alternate */
#define FLOWS 256    /* power of two */

struct run {
	const struct addr *dst;
	uint32_t len; /* of each */
	unsigned count, at;
};

static bool fits(const struct run *r, const struct packet *p)
{
	return (size_t)r->len * r->count + p->len <= RUN_BYTES && addr_eq(r->dst, &p->dst);
}

/* The first of the runs from `least` on that takes `p`, or a new one. */
static unsigned run_for(const struct run *runs, unsigned n, unsigned least, const struct packet *p)
{
	if (n > LOOK_BACK && least < n - LOOK_BACK)
		least = n - LOOK_BACK;
	while (least < n && !(runs[least].len == p->len && fits(&runs[least], p)))
		least++;
	return least;
}

static void put_segment(struct msghdr *m, void *room, size_t size, uint16_t segment)
{
	struct cmsghdr *c = room;

	m->msg_control = room;
	m->msg_controllen = size;
	c->cmsg_level = SOL_UDP;
	c->cmsg_type = UDP_SEGMENT;
	c->cmsg_len = CMSG_LEN(sizeof(segment));
	memcpy(CMSG_DATA(c), &segment, sizeof(segment));
}

void batch_fill(struct batch *b, const struct packets *queue, size_t run_max)
{
	struct packet *p, *packets[BATCH];
	struct run runs[BATCH];
	uint8_t in[BATCH], last[FLOWS] = {0}; /* the last run with a packet of that flow: the next goes there or behind */
	unsigned n = 0, nr = 0, at = 0;

	TAILQ_FOREACH(p, queue, entry)
	{
		uint8_t *least = &last[p->flow % FLOWS];
		unsigned r = p->len && p->len <= run_max ? run_for(runs, nr, *least, p) : nr;

		if (r == nr)
			runs[nr++] = (struct run){&p->dst, p->len, 0, 0};
		runs[r].count++;
		*least = in[n] = (uint8_t)r;
		packets[n] = p;
		if (++n == BATCH)
			break;
	}
	for (unsigned r = 0; r < nr; r++) {
		runs[r].at = at;
		at += runs[r].count;
	}
	for (unsigned i = 0; i < n; i++) {
		at = runs[in[i]].at++;
		b->packets[at] = packets[i];
		b->iov[at] = (struct iovec){(void *)packets[i]->data, packets[i]->len};
	}
	b->n = at = 0;
	for (unsigned r = 0; r < nr; r++) {
		struct msghdr *m = &b->msgs[b->n].msg_hdr;
		size_t count = runs[r].count;

		*m = (struct msghdr){
		    .msg_name = (void *)runs[r].dst,
		    .msg_namelen = addr_len(runs[r].dst),
		    .msg_iov = &b->iov[at],
		};
		/* The last of a run may be shorter. */
		p = r + 1 < nr && runs[r + 1].count == 1 ? b->packets[at + count] : NULL;
		if (p && p->len && p->len < runs[r].len && runs[r].len <= run_max && fits(&runs[r], p)) {
			count++;
			r++;
		}
		if (count > 1)
			put_segment(m, &b->ctrl[b->n], sizeof(b->ctrl[b->n]), (uint16_t)b->iov[at].iov_len);
		m->msg_iovlen = count;
		at += (unsigned)count;
		b->n++;
	}
}
