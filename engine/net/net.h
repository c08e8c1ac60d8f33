/* The network of one run: real sockets or a simulated one, the same link faults on both, and the tap.
 *
 * A transport is a UDP socket (or its simulated twin) bound to one address. A fault is applied when a datagram is sent, from
 * a random stream of the link (sender, receiver), so the same seed loses the same packets. On real sockets faults and holds
 * apply to what this run sends. */
#ifndef OFFHOOK_NET_NET_H
#define OFFHOOK_NET_NET_H

#include "core/loop.h"
#include "net/addr.h"
#include "net/tap.h"

struct net;
struct transport;

struct net_cfg {
	struct loop *loop;     /* a virtual clock means a simulated network */
	const struct tap *tap; /* may be NULL; must outlive the net */
	uint64_t seed;
	const char *test;      /* name of the test, for the random streams; copied */
	bool bulk;             /* real sockets: datagrams of one size go and come in runs (see runs.c), past those of other flows */
};

/* Free with mem_deref(), after its transports. */
int net_alloc(struct net **netp, const struct net_cfg *cfg, struct err *e);
struct loop *net_loop(const struct net *net);
/* Comments a frame (see tap.h); nothing without a tap. */
void net_comment(const struct net *net, uint32_t frame, const char *text);

/* A datagram arrived. `data` is valid during the call only. `now` is script time of arrival (kernel stamp on real sockets). */
typedef void(transport_recv_h)(struct transport *tp, const struct addr *src, const uint8_t *data, size_t len, uint64_t now,
			       uint32_t frame, void *arg);
/* The network said that `dst` cannot be reached (ICMP, or nobody lives there in the simulated network). RFC 3261 18.4 */
typedef void(transport_error_h)(struct transport *tp, const struct addr *dst, int error_number, void *arg);

/* Binds a UDP transport for `actor`. `local` NULL: an address of the actor's own is chosen, of the family `v6` says (198.18.0.0/15
 * or 2001:db8::/32, port 5060, in the simulated network; 127.0.0.2 and up, or ::1, on real sockets, where it gets port 5060 or, when that is taken, a free one).
 * So does a `local` with port 0. Fails with ERR_ENV (in use, not local) and a text that names the address.
 * Free with mem_deref(); datagrams under way to it are then lost, ones it sent still travel. */
int transport_udp(struct transport **tpp, struct net *net, const char *actor, const struct addr *local, bool v6,
		  transport_recv_h *recvh, transport_error_h *errorh, void *arg, struct err *e);
const struct addr *transport_local(const struct transport *tp);
/* The same address in another thread: sends by `fd`, the socket of that thread's transport at `local`, and hears what is brought to it. Real
 * sockets only; it may outlive the other. */
int transport_udp_beside(struct transport **tpp, struct net *net, const char *actor, int fd, const struct addr *local,
			 transport_recv_h *recvh, transport_error_h *errorh, void *arg, struct err *e);
int transport_fd(const struct transport *tp);
/* A datagram that arrived at the other thread's transport, at the Unix time `wall` in ns. */
void transport_bring(struct transport *tp, const struct addr *src, const void *data, size_t len, uint64_t wall);
/* Sends a datagram; `*frame` (may be NULL) gets its number in the capture. ERR_ARG when it cannot be a UDP datagram (too long, other
 * address family); errors of the network come by transport_error_h. */
int transport_send(struct transport *tp, const struct addr *dst, const void *data, size_t len, uint32_t *frame, struct err *e);
/* The same without a copy: `data` lies in the block `owner` (core/mem.h) and does not change; a reference is kept as long as needed.
 * Datagrams with the same `flow` go out in the order in which they are sent, also from a net that sends in bulk. */
int transport_send_owned(struct transport *tp, const struct addr *dst, void *owner, const void *data, size_t len, uint64_t flow,
			 uint32_t *frame, struct err *e);
/* The local address from which the host would send to `dst` (real sockets), port 0. */
int net_source_for(struct addr *src, const struct addr *dst, struct err *e);

/* --- faults of a link; probabilities 0..1, times in ns --- */
struct net_faults {
	uint64_t delay;   /* one way */
	uint64_t jitter;  /* added: uniform in [0, jitter]; does not reorder by itself */
	double loss;
	double duplicate;
	double reorder;   /* this share of datagrams is held back until after the next one (or 2 delays + 20 ms) */
};

/* Sets the faults of the link from actor `from` to actor `to`; NULL for either means any. The most exact entry wins: both
 * named, then `from`, then `to`, then neither; a later call for the same pair replaces the earlier one. */
int net_set_faults(struct net *net, const char *from, const char *to, const struct net_faults *f);

/* --- holds: datagrams that stay at their sender until somebody lets them go, which makes a race the same every time --- */
struct net_hold;

struct net_datagram {
	struct addr src, dst;
	const uint8_t *data; /* valid during the call only */
	size_t len;
	uint32_t frame;      /* in the capture; 0 = none */
};
/* Whether this datagram is to be held: a counted reference, which stays with it and names it in the calls below, or NULL. */
typedef void *(net_hold_h)(const struct net_datagram *d, void *arg);

/* From now on holds what `h` wants of what actor `from` sends to actor `to` (NULL: any). Of several holds the newest is asked first.
 * The capture shows a held datagram where it was sent, and says until when it was held. Free with mem_deref(): what is still
 * held is then lost. ERR_NOMEM. */
int net_hold(struct net_hold **holdp, struct net *net, const char *from, const char *to, net_hold_h *h, void *arg);
/* Holds nothing more; what it holds stays. */
void net_hold_end(struct net_hold *hold);
/* What names the n-th datagram held now, from 0 on, the oldest first; NULL behind the last. No reference. */
void *net_hold_at(const struct net_hold *hold, size_t n);
/* Lets one go, or all in their order (`held` NULL). It meets the faults of its link as if it were sent now, and no other hold.
 * It goes also when its transport is closed. ERR_ARG: it is not held (any more). ERR_NOMEM: it is lost. */
int net_hold_release(struct net_hold *hold, const void *held);
/* Loses one, or all. ERR_ARG as above. */
int net_hold_drop(struct net_hold *hold, const void *held);

/* Counters of the whole net, for the run's summary. */
struct net_stats {
	uint64_t sent, received, lost, duplicated, reordered, unreachable;
	uint64_t overflowed; /* real sockets: came, and the kernel had no room for them because we read too slowly. In bulk a run counts once. */
};
/* As of now; valid as long as the net. Asks the kernel once for each transport: not for every datagram. */
const struct net_stats *net_stats(struct net *net);

#endif
