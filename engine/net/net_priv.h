/* What the files of the network share. */
#ifndef OFFHOOK_NET_NET_PRIV_H
#define OFFHOOK_NET_NET_PRIV_H

#include "core/hash.h"
#include "net/net.h"

#include <sys/queue.h>
#include <sys/socket.h>

#define SIP_PORT 5060

struct link;
struct seen;
struct sock;
struct slab;

/* An actor's name and the host that is its own in this net. Lives as long as the net. */
struct actor {
	struct hash_node node;
	uint32_t host; /* from 1 on, 0: none yet */
	char name[];
};

/* A datagram under way: waiting for its time, or in the queue of its socket. Owned by the list in which it stands. */
struct packet {
	TAILQ_ENTRY(packet) entry;
	struct packets *list;
	struct tmr tmr;
	struct net *net;
	struct link *link; /* on which it waits */
	struct link *held_on; /* on which it will go when it is let go: see hold.c */
	void *held_as;     /* the hold's name for it, while it is held */
	struct sock *sock; /* real: by which it goes out; referenced while it waits */
	struct addr src, dst;
	uint64_t twin_jitter;
	bool twin; /* a second copy follows */
	int error; /* not a datagram but the news that `dst` cannot be reached by `src`: an errno */
	uint32_t frame;
	uint32_t len;
	uint64_t flow;  /* see transport_send_owned() */
	uint64_t since; /* real: script time at which it could go out */
	const uint8_t *data; /* in `owner` or in `room` */
	void *owner;
	uint8_t room[];
};
TAILQ_HEAD(packets, packet);

struct net {
	struct loop *loop;
	const struct tap *tap;
	uint64_t seed;
	char *test;
	bool simulated, bulk;
	struct hash actors;     /* by name */
	struct hash transports; /* by address */
	size_t wildcards;       /* transports bound to every address of the host */
	uint32_t hosts;
	struct packets waiting;
	struct net_stats stats;
	uint64_t overflowed_before; /* at transports that are closed */

	/* link.c */
	struct fault *faults;
	unsigned faults_version;
	struct hash links;
	struct net_hold *holds; /* those that take datagrams, the newest first */

	/* udp.c */
	struct loop_flush flush;
	struct packets outbox; /* for the next flush */
	struct sock *full;     /* sockets that could not take all; referenced */
	struct transport *receiving;
	struct slab *slab;
	struct seen *seen;
};

struct transport {
	struct hash_node node;
	struct net *net;
	struct actor *actor;
	struct addr local;
	bool wildcard;                    /* bound to every address of the host */
	struct addr probe_dst, probe_src; /* of a wildcard: the last answer of net_source_for() */
	struct sock *sock;                /* real */
	transport_recv_h *recvh;
	transport_error_h *errorh;
	void *arg;
};

/* --- net.c --- */
/* The transport that gets what is sent to `a`. */
struct transport *net_find(const struct net *net, const struct addr *a);
/* The actor's host number for chosen addresses, from 1 on. */
uint32_t net_actor_host(struct net *net, struct actor *actor);
/* The address by which `tp` is seen at `peer`. */
struct addr transport_source(struct transport *tp, const struct addr *peer);
void net_count_lost(struct net *net, uint32_t frame, const char *why);

/* Copies `data`, unless it lies in the block `owner`: then it takes a reference. */
struct packet *packet_alloc(struct net *net, const struct addr *src, const struct addr *dst, void *owner, const void *data,
			    size_t len);
/* Calls `h(p)` at `due`; on error the packet is gone. */
int packet_wait(struct packet *p, uint64_t due, tmr_h *h);
void packet_list_add(struct packet *p, struct packets *list);
void packet_list_remove(struct packet *p);
/* tmr_h: the packet's time has come. */
void packet_arrive(void *arg);
/* Tells the transport at `src`, in a round of its own, that `dst` cannot be reached. */
void net_report(struct net *net, const struct addr *src, const struct addr *dst, int error);

/* --- link.c --- */
/* NULL for want of memory. */
char *name_copy(const char *s);
void link_comment(const struct link *l, uint32_t frame, const char *what);
/* Sends `p` over the link from `from` to `to`: a hold takes it, or it passes. `p` is taken in any case. */
int link_send(struct net *net, const char *from, const char *to, struct packet *p);
/* `p` passes with the faults of the link; it is taken in any case. */
int link_pass(struct link *l, struct packet *p);
/* `p` leaves its link, or is dropped from it. */
void link_leave(struct packet *p);
void link_free_all(struct net *net);

/* --- hold.c --- */
/* Whether a hold has taken `p`. */
bool hold_take(struct link *l, const char *from, const char *to, struct packet *p);

/* --- simnet.c --- */
int simnet_bind(struct transport *tp, const struct addr *local, bool v6, struct err *e);
void simnet_deliver(struct packet *p);

/* --- udp.c --- */
int udp_bind(struct transport *tp, const struct addr *local, bool v6, struct err *e);
int udp_beside(struct transport *tp, int fd, const struct addr *local, struct err *e);
int udp_fd(const struct transport *tp);
void udp_bring(struct transport *tp, const struct addr *src, const void *data, size_t len, uint64_t now);
void udp_close(struct transport *tp);
/* Queues `p` for the next flush; it is taken in any case. */
void udp_send(struct sock *sock, struct packet *p);
/* loop_work_h of the net */
void udp_flush(void *arg);
/* Datagrams that the kernel had no room for in the socket of `tp`, since it was opened. */
uint32_t udp_overflowed(const struct transport *tp);
void udp_free_all(struct net *net);

/* --- runs.c: what goes to the kernel at once --- */
#define BATCH 64
#define RUN_BYTES 65000 /* at most in one message, which has 16 bits for its length, headers included */

struct batch {
	unsigned n; /* messages; each has as many packets as parts in its iov */
	struct mmsghdr msgs[BATCH];
	struct packet *packets[BATCH]; /* in the order of their messages */
	struct iovec iov[BATCH];       /* theirs */
	union {
		struct cmsghdr align;
		uint8_t room[CMSG_SPACE(sizeof(uint16_t))];
	} ctrl[BATCH];
};

/* Takes up to BATCH packets of the queue, where they stay. Those of one size to one destination become runs, one message each, which
 * the kernel takes apart again, if they are not longer than `run_max`. So a packet may get before others, but not of its own flow;
 * the first packet of the queue is the first of the batch. */
void batch_fill(struct batch *b, const struct packets *queue, size_t run_max);

/* --- seen.c: the frames of datagrams sent from one socket of the run to another, until they arrive there --- */
void seen_add(struct net *net, const struct transport *to, const struct packet *p);
/* False if this run did not send it (or has forgotten that). */
bool seen_take(struct net *net, uint32_t *frame, const struct transport *to, const struct addr *src, const void *data,
	       size_t len);

#endif
