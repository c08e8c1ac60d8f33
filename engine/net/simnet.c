/* The simulated network: every address exists if somebody bound it, and a datagram arrives by a timer. */
#include "net/net_priv.h"
#include "core/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The dynamic ports of RFC 6335 section 6. */
#define FREE_PORT_FIRST 49152

/* 198.18.0.0/15 is for benchmarks (RFC 2544), 2001:db8::/32 for examples (RFC 3849): never somebody's real address. */
static void own_host(struct addr *a, struct transport *tp, bool v6)
{
	uint32_t n = net_actor_host(tp->net, tp->actor) - 1;

	memset(a, 0, sizeof(*a));
	if (v6) {
		addr_set(a, SLICE_LIT("2001:db8::"), 0);
		n++;
		for (int i = 0; i < 4; i++)
			a->u.in6.sin6_addr.s6_addr[15 - i] = (uint8_t)(n >> (8 * i));
	} else {
		a->u.in4.sin_family = AF_INET;
		a->u.in4.sin_addr.s_addr = htonl((198u << 24 | 18u << 16) + (n / 254 % 512 << 8) + n % 254 + 1);
	}
}

static bool port_free(const struct net *net, struct addr *a, unsigned port)
{
	addr_set_port(a, (uint16_t)port);
	return !net_find(net, a);
}

static bool free_port(const struct net *net, struct addr *a)
{
	if (port_free(net, a, SIP_PORT))
		return true;
	for (unsigned port = FREE_PORT_FIRST; port <= 65535; port++) {
		if (port_free(net, a, port))
			return true;
	}
	return false;
}

int simnet_bind(struct transport *tp, const struct addr *local, bool v6, struct err *e)
{
	char text[ADDR_STRLEN];
	uint16_t port = 0;

	if (local) {
		tp->local = *local;
		port = addr_port(local);
	}
	/* A host of the simulated network has one address: "any" is that one. */
	if (!local || addr_is_any(local))
		own_host(&tp->local, tp, local ? addr_is_v6(local) : v6);
	if (port && !port_free(tp->net, &tp->local, port))
		return err_set(e, ERR_ENV,
			       "cannot bind %s for %s: address already in use (choose another port, or leave it out "
			       "for a free one)",
			       addr_str(text, &tp->local), tp->actor->name);
	if (!port && !free_port(tp->net, &tp->local))
		return err_set(e, ERR_ENV, "cannot bind %s for %s: no port is free", addr_host(text, &tp->local),
			       tp->actor->name);
	return 0;
}

void simnet_deliver(struct packet *p)
{
	struct net *net = p->net;
	struct transport *tp = net_find(net, &p->dst);
	char text[ADDR_STRLEN + 64], dst[ADDR_STRLEN];

	if (tp) {
		net->stats.received++;
		if (tp->recvh)
			tp->recvh(tp, &p->src, p->data, p->len, loop_now(net->loop), p->frame, tp->arg);
	} else {
		/* As loopback answers: ICMP port unreachable (RFC 1122 4.1.3.1). */
		net->stats.unreachable++;
		if (p->frame) {
			snprintf(text, sizeof(text), "nobody lives at %s (simulated)", addr_str(dst, &p->dst));
			net_comment(net, p->frame, text);
		}
		tp = net_find(net, &p->src);
		if (tp && tp->errorh)
			tp->errorh(tp, &p->dst, ECONNREFUSED, tp->arg);
	}
	mem_deref(p);
}
