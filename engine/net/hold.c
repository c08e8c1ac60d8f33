/* Holds: datagrams that stay at their sender until somebody lets them go. */
#include "net/net_priv.h"
#include "core/mem.h"

#include <string.h>

struct net_hold {
	struct net_hold *older; /* in net->holds, while it takes datagrams */
	struct net *net;
	char *from, *to; /* NULL: any */
	net_hold_h *h;
	void *arg;
	struct packets held; /* oldest first */
};

static void drop(struct packet *p)
{
	p->net->stats.lost++;
	link_comment(p->held_on, p->frame, "lost while held");
	mem_deref(p);
}

static int let_go(struct packet *p)
{
	struct net *net = p->net;

	packet_list_remove(p);
	p->held_as = mem_deref(p->held_as);
	if (p->frame && net->tap->released)
		net->tap->released(net->tap->arg, p->frame, loop_wall(net->loop, loop_now(net->loop)));
	return link_pass(p->held_on, p);
}

static void hold_destroy(void *block)
{
	struct net_hold *hold = block;

	net_hold_end(hold);
	(void)net_hold_drop(hold, NULL);
	mem_deref(hold->from);
	mem_deref(hold->to);
	mem_deref(hold->net);
}

int net_hold(struct net_hold **holdp, struct net *net, const char *from, const char *to, net_hold_h *h, void *arg)
{
	struct net_hold *hold = mem_zalloc(sizeof(*hold), hold_destroy);

	*holdp = NULL;
	if (!hold)
		return ERR_NOMEM;
	TAILQ_INIT(&hold->held);
	hold->net = mem_ref(net);
	hold->h = h;
	hold->arg = arg;
	hold->from = from ? name_copy(from) : NULL;
	hold->to = to ? name_copy(to) : NULL;
	if ((from && !hold->from) || (to && !hold->to)) {
		mem_deref(hold);
		return ERR_NOMEM;
	}
	hold->older = net->holds;
	net->holds = hold;
	*holdp = hold;
	return 0;
}

void net_hold_end(struct net_hold *hold)
{
	for (struct net_hold **at = &hold->net->holds; *at; at = &(*at)->older) {
		if (*at == hold) {
			*at = hold->older;
			return;
		}
	}
}

void *net_hold_at(const struct net_hold *hold, size_t n)
{
	struct packet *p;

	TAILQ_FOREACH(p, &hold->held, entry)
	{
		if (!n--)
			return p->held_as;
	}
	return NULL;
}

static struct packet *find(const struct net_hold *hold, const void *held)
{
	struct packet *p;

	TAILQ_FOREACH(p, &hold->held, entry)
	{
		if (p->held_as == held)
			return p;
	}
	return NULL;
}

int net_hold_release(struct net_hold *hold, const void *held)
{
	struct packet *p;
	int err = 0;

	if (held) {
		p = find(hold, held);
		return p ? let_go(p) : ERR_ARG;
	}
	while ((p = TAILQ_FIRST(&hold->held)))
		err |= let_go(p);
	return err;
}

int net_hold_drop(struct net_hold *hold, const void *held)
{
	struct packet *p;

	if (held) {
		p = find(hold, held);
		if (!p)
			return ERR_ARG;
		drop(p);
		return 0;
	}
	while ((p = TAILQ_FIRST(&hold->held)))
		drop(p);
	return 0;
}

bool hold_take(struct link *l, const char *from, const char *to, struct packet *p)
{
	struct net *net = p->net;
	const struct net_datagram d = {.src = p->src, .dst = p->dst, .data = p->data, .len = p->len, .frame = p->frame};

	for (struct net_hold *hold = net->holds; hold; hold = hold->older) {
		if ((hold->from && strcmp(hold->from, from)) || (hold->to && strcmp(hold->to, to)))
			continue;
		p->held_as = hold->h(&d, hold->arg);
		if (p->held_as) {
			p->held_on = l;
			packet_list_add(p, &hold->held);
			return true;
		}
	}
	return false;
}
