#include "net/net_priv.h"
#include "core/mem.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MAX_UDP4 65507 /* 65535 - IP header - UDP header */
#define MAX_UDP6 65527 /* the payload length field of IPv6 does not count its own header */

struct loop *net_loop(const struct net *net)
{
	return net->loop;
}

const struct net_stats *net_stats(struct net *net)
{
	net->stats.overflowed = net->overflowed_before;
	for (size_t i = 0; !net->simulated && i < net->transports.size; i++) {
		for (struct hash_node *n = hash_bucket(&net->transports, i); n; n = n->next)
			net->stats.overflowed += udp_overflowed(hash_owner(n, struct transport, node));
	}
	return &net->stats;
}

void net_comment(const struct net *net, uint32_t frame, const char *text)
{
	if (net->tap && net->tap->comment)
		net->tap->comment(net->tap->arg, frame, text);
}

void net_count_lost(struct net *net, uint32_t frame, const char *why)
{
	net->stats.lost++;
	if (frame)
		net_comment(net, frame, why);
}

/* --- packets --- */

void packet_list_add(struct packet *p, struct packets *list)
{
	p->list = list;
	TAILQ_INSERT_TAIL(list, p, entry);
}

void packet_list_remove(struct packet *p)
{
	if (p->list)
		TAILQ_REMOVE(p->list, p, entry);
	p->list = NULL;
}

static void packet_destroy(void *block)
{
	struct packet *p = block;

	tmr_cancel(&p->tmr);
	packet_list_remove(p);
	link_leave(p);
	mem_deref(p->held_as);
	p->sock = mem_deref(p->sock);
	mem_deref(p->owner);
}

struct packet *packet_alloc(struct net *net, const struct addr *src, const struct addr *dst, void *owner, const void *data,
			    size_t len)
{
	struct packet *p = mem_alloc(sizeof(*p), owner ? 0 : len, packet_destroy);

	if (!p)
		return NULL;
	p->net = net;
	p->src = *src;
	p->dst = *dst;
	p->len = (uint32_t)len;
	p->data = p->room;
	if (owner) {
		p->owner = mem_ref(owner);
		p->data = data;
	} else if (len) {
		memcpy(p->room, data, len);
	}
	return p;
}

int packet_wait(struct packet *p, uint64_t due, tmr_h *h)
{
	if (tmr_start_at(&p->tmr, p->net->loop, due, TMR_EVENT, h, p)) {
		net_count_lost(p->net, p->frame, "lost: out of memory");
		mem_deref(p);
		return ERR_NOMEM;
	}
	if (!p->list)
		packet_list_add(p, &p->net->waiting);
	return 0;
}

void packet_arrive(void *arg)
{
	struct packet *p = arg;
	struct transport *tp;

	packet_list_remove(p);
	link_leave(p);
	if (p->error) {
		tp = net_find(p->net, &p->src);
		if (tp && tp->errorh)
			tp->errorh(tp, &p->dst, p->error, tp->arg);
		mem_deref(p);
	} else if (p->sock) {
		udp_send(p->sock, p);
	} else {
		simnet_deliver(p);
	}
}

void net_report(struct net *net, const struct addr *src, const struct addr *dst, int error)
{
	struct packet *p = packet_alloc(net, src, dst, NULL, NULL, 0);

	net->stats.unreachable++;
	if (!p)
		return; /* the sender's timers tell it later */
	p->error = error;
	(void)packet_wait(p, loop_now(net->loop), packet_arrive);
}

/* --- actors --- */

static struct actor *actor_get(struct net *net, const char *name)
{
	uint64_t key = slice_hash(SLICE_HASH_SEED, slice_str(name));
	size_t size = strlen(name) + 1;
	struct actor *actor;

	for (struct hash_node *n = hash_first(&net->actors, key); n; n = hash_next(n)) {
		actor = hash_owner(n, struct actor, node);
		if (!strcmp(actor->name, name))
			return actor;
	}
	actor = mem_zalloc(sizeof(*actor) + size, NULL);
	if (!actor)
		return NULL;
	memcpy(actor->name, name, size);
	if (hash_add(&net->actors, &actor->node, key))
		actor = mem_deref(actor);
	return actor;
}

uint32_t net_actor_host(struct net *net, struct actor *actor)
{
	if (!actor->host)
		actor->host = ++net->hosts;
	return actor->host;
}

/* --- transports --- */

static struct transport *find_exact(const struct net *net, const struct addr *a)
{
	for (struct hash_node *n = hash_first(&net->transports, addr_hash(a)); n; n = hash_next(n)) {
		struct transport *tp = hash_owner(n, struct transport, node);

		if (addr_eq(&tp->local, a))
			return tp;
	}
	return NULL;
}

struct transport *net_find(const struct net *net, const struct addr *a)
{
	struct transport *tp = find_exact(net, a);
	struct addr any = *a;

	if (tp || !net->wildcards)
		return tp;
	if (addr_is_v6(a))
		any.u.in6.sin6_addr = in6addr_any;
	else
		any.u.in4.sin_addr.s_addr = INADDR_ANY;
	return find_exact(net, &any);
}

struct addr transport_source(struct transport *tp, const struct addr *peer)
{
	struct addr src = tp->local;

	if (!addr_is_any(&src))
		return src;
	if (!addr_host_eq(&tp->probe_dst, peer)) {
		tp->probe_dst = *peer;
		if (net_source_for(&tp->probe_src, peer, NULL))
			tp->probe_src = tp->local;
	}
	src = tp->probe_src;
	addr_set_port(&src, addr_port(&tp->local));
	return src;
}

static void transport_destroy(void *block)
{
	struct transport *tp = block;
	struct net *net = tp->net;

	hash_del(&net->transports, &tp->node);
	udp_close(tp);
	if (tp->wildcard)
		net->wildcards--;
	mem_deref(net);
}

/* An unbound one. NULL with the error. */
static struct transport *transport_alloc(struct net *net, const char *actor, transport_recv_h *recvh, transport_error_h *errorh, void *arg,
					 struct err *e)
{
	struct transport *tp = mem_zalloc(sizeof(*tp), transport_destroy);

	if (tp) {
		tp->net = mem_ref(net);
		tp->recvh = recvh;
		tp->errorh = errorh;
		tp->arg = arg;
		tp->actor = actor_get(net, actor ? actor : "");
	}
	if (tp && tp->actor)
		return tp;
	mem_deref(tp);
	err_set(e, ERR_NOMEM, "out of memory");
	return NULL;
}

/* It is bound, or that ended with `err`: the net knows it from here on and `*tpp` gets it, or it is gone. */
static int transport_enter(struct transport **tpp, struct transport *tp, int err, struct err *e)
{
	struct net *net;

	*tpp = NULL;
	if (!err && hash_add(&tp->net->transports, &tp->node, addr_hash(&tp->local)))
		err = err_set(e, ERR_NOMEM, "out of memory");
	if (err) {
		mem_deref(tp);
		return err;
	}
	net = tp->net;
	tp->wildcard = addr_is_any(&tp->local);
	net->wildcards += tp->wildcard;
	if (net->tap && net->tap->name)
		net->tap->name(net->tap->arg, &tp->local, tp->actor->name);
	*tpp = tp;
	return 0;
}

int transport_udp(struct transport **tpp, struct net *net, const char *actor, const struct addr *local, bool v6,
		  transport_recv_h *recvh, transport_error_h *errorh, void *arg, struct err *e)
{
	struct transport *tp = transport_alloc(net, actor, recvh, errorh, arg, e);
	int err = ERR_NOMEM;

	if (tp)
		err = net->simulated ? simnet_bind(tp, local, v6, e) : udp_bind(tp, local, v6, e);
	return transport_enter(tpp, tp, err, e);
}

int transport_udp_beside(struct transport **tpp, struct net *net, const char *actor, int fd, const struct addr *local,
			 transport_recv_h *recvh, transport_error_h *errorh, void *arg, struct err *e)
{
	struct transport *tp = transport_alloc(net, actor, recvh, errorh, arg, e);

	return transport_enter(tpp, tp, tp ? udp_beside(tp, fd, local, e) : ERR_NOMEM, e);
}

int transport_fd(const struct transport *tp)
{
	return udp_fd(tp);
}

void transport_bring(struct transport *tp, const struct addr *src, const void *data, size_t len, uint64_t wall)
{
	udp_bring(tp, src, data, len, loop_arrival(tp->net->loop, wall));
}

const struct addr *transport_local(const struct transport *tp)
{
	return &tp->local;
}

static int check_datagram(const struct transport *tp, const struct addr *dst, size_t len, struct err *e)
{
	bool v6 = addr_is_v6(dst);
	size_t max = v6 ? MAX_UDP6 : MAX_UDP4;
	char from[ADDR_STRLEN], to[ADDR_STRLEN];

	addr_str(from, &tp->local);
	addr_str(to, dst);
	if (v6 != addr_is_v6(&tp->local))
		return err_set(e, ERR_ARG, "%s cannot send from %s to %s: one is IPv4, the other IPv6", tp->actor->name,
			       from, to);
	if (!addr_port(dst))
		return err_set(e, ERR_ARG, "%s cannot send to %s: there is no port 0", tp->actor->name, to);
	if (len > max)
		return err_set(e, ERR_ARG, "%s cannot send %zu bytes to %s: a UDP datagram holds %zu at most",
			       tp->actor->name, len, to, max);
	return 0;
}

int transport_send(struct transport *tp, const struct addr *dst, const void *data, size_t len, uint32_t *frame,
		   struct err *e)
{
	return transport_send_owned(tp, dst, NULL, data, len, 0, frame, e);
}

int transport_send_owned(struct transport *tp, const struct addr *dst, void *owner, const void *data, size_t len,
			 uint64_t flow, uint32_t *frame, struct err *e)
{
	struct net *net = tp->net;
	struct addr src;
	struct packet *p;
	int err;

	if (frame)
		*frame = 0;
	if (addr_is_v6(dst) != addr_is_v6(&tp->local) || !addr_port(dst) || len > MAX_UDP4) {
		err = check_datagram(tp, dst, len, e);
		if (err)
			return err;
	}
	src = transport_source(tp, dst);
	p = packet_alloc(net, &src, dst, owner, data, len);
	if (!p)
		return err_set(e, ERR_NOMEM, "out of memory");
	p->flow = flow;
	if (net->tap && net->tap->packet) {
		struct tap_packet t = {
		    .wall = loop_wall(net->loop, loop_now(net->loop)),
		    .src = src,
		    .dst = *dst,
		    .data = p->data,
		    .len = len,
		    .actor = tp->actor->name,
		};

		p->frame = net->tap->packet(net->tap->arg, &t);
	}
	if (frame)
		*frame = p->frame;
	net->stats.sent++;
	p->sock = mem_ref(tp->sock);
	if (net->faults || net->holds) {
		struct transport *to = net_find(net, dst);
		char text[ADDR_STRLEN];

		err = link_send(net, tp->actor->name, to ? to->actor->name : addr_str(text, dst), p);
	} else if (p->sock) {
		udp_send(p->sock, p);
		err = 0;
	} else {
		err = packet_wait(p, loop_now(net->loop), packet_arrive);
	}
	return err ? err_set(e, err, "out of memory") : 0;
}

/* --- the net --- */

static void packets_free(struct packets *list)
{
	struct packet *p;

	while ((p = TAILQ_FIRST(list)))
		mem_deref(p);
}

static void net_destroy(void *block)
{
	struct net *net = block;
	struct hash_node *n;

	packets_free(&net->waiting);
	packets_free(&net->outbox);
	if (!net->simulated && net->loop)
		loop_flush_remove(net->loop, &net->flush);
	udp_free_all(net);
	link_free_all(net);
	while ((n = hash_pop(&net->actors)))
		mem_deref(hash_owner(n, struct actor, node));
	hash_free(&net->actors);
	hash_free(&net->transports);
	mem_deref(net->test);
	mem_deref(net->loop);
}

int net_alloc(struct net **netp, const struct net_cfg *cfg, struct err *e)
{
	struct slice test = slice_str(cfg->test);
	struct net *net = mem_zalloc(sizeof(*net), net_destroy);
	int err = 0;

	*netp = NULL;
	if (!net)
		return err_set(e, ERR_NOMEM, "out of memory");
	TAILQ_INIT(&net->waiting);
	TAILQ_INIT(&net->outbox);
	net->tap = cfg->tap;
	net->seed = cfg->seed;
	net->simulated = loop_is_virtual(cfg->loop);
	net->bulk = cfg->bulk;
	net->test = mem_zalloc(test.l + 1, NULL);
	if (!net->test) {
		err = err_set(e, ERR_NOMEM, "out of memory");
		goto out;
	}
	slice_copy(net->test, test.l + 1, test);
	net->loop = mem_ref(cfg->loop);
	if (!net->simulated) {
		net->flush.h = udp_flush;
		net->flush.arg = net;
		loop_flush_add(net->loop, &net->flush);
	}
out:
	if (err)
		mem_deref(net);
	else
		*netp = net;
	return err;
}
