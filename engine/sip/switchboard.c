#include "sip/switchboard.h"

#include "core/mem.h"
#include "sip/meter.h"
#include "sip/route.h"
#include "sip/transaction.h"
#include "sip/dialog.h"

#include <stdlib.h>

/* --- whose it is --- */

struct endpoint *switchboard_find(const struct switchboard *sb, struct slice user)
{
	uint64_t hash = slice_hash(SLICE_HASH_SEED, user);

	for (struct hash_node *n = hash_first(&sb->users, hash); n; n = hash_next(n)) {
		struct endpoint *ep = hash_owner(n, struct endpoint, node);
		if (slice_eq(slice_str(ep->user), user))
			return ep;
	}
	return NULL;
}

static struct endpoint *named_by(const struct switchboard *sb, struct slice uri)
{
	struct slice user = route_user(uri);

	return user.p ? switchboard_find(sb, user) : NULL;
}

static struct endpoint *next_other(struct switchboard *sb)
{
	const struct switchboard_other *o = sb->others, *end = o + sb->other_count;
	unsigned members = 0, turn;

	while (o < end && o->has_room && !o->has_room(o->group))
		o++;
	if (o == end) /* the first one says so */
		o = sb->others;
	for (const struct switchboard_other *other = o; other < end; other++)
		members += other->group == o->group;
	if (!members)
		return NULL;
	turn = sb->turn++ % members;
	for (const struct switchboard_other *other = o;; other++)
		if (other->group == o->group && turn-- == 0)
			return other->ep;
}

/* The endpoint that a request is for which belongs to no transaction; `*d` gets its dialog, if it has one there. */
static struct endpoint *whose_request(struct switchboard *sb, const struct scan *s, struct dialog **d)
{
	struct slice route = scan_header(s, HDR_ROUTE, 0);
	struct endpoint *ep = sb->only;

	/* A request on its way through a proxy of ours may be one of a dialog that another endpoint here has. */
	if (!ep && route.p)
		ep = named_by(sb, route_uri(route));
	*d = s->to_tag.p ? dialog_find(sb, s) : NULL;
	if (*d && ep && (*d)->ep != ep)
		*d = NULL;
	if (ep)
		return ep;
	if (*d)
		return (*d)->ep;
	ep = named_by(sb, s->uri);
	if (!ep && sb->scopes)
		ep = scope_find(sb->scopes, s->call_id, sb);
	return ep ? ep : next_other(sb);
}

/* --- the way in --- */

static void count(struct endpoint *ep, const struct msg *m)
{
	if (m->s.flaws & SCAN_NOT_SIP)
		ep->count.not_sip++;
	else
		ep->count.flawed += (m->s.flaws & ~SCAN_BODY_LONG) != 0;
}

static void see(struct endpoint *ep, struct msg *m)
{
	if (ep->h.seen)
		ep->h.seen(ep, m, ep->h.arg);
	count(ep, m);
}

static void unclaimed(struct endpoint *ep, struct msg *m)
{
	if (ep->h.unclaimed)
		ep->h.unclaimed(ep, m, ep->h.arg);
}

static void receive_response(struct switchboard *sb, struct msg *m)
{
	struct ctrans *ct = ctrans_find(sb, m);
	struct endpoint *ep = ct ? ct->ep : sb->only;

	if (!ep) {
		sb->stray++;
		return;
	}
	mem_ref(ep);
	see(ep, m);
	/* Whoever watches may have closed it. */
	if (!ct || ct->ep != ep || !ctrans_receive(ct, m)) {
		ep->count.stray_responses++;
		unclaimed(ep, m);
	}
	mem_deref(ep);
}

static void receive_request(struct switchboard *sb, struct msg *m)
{
	struct strans *st = strans_find(sb, m);
	struct dialog *d = NULL;
	struct endpoint *ep = st ? st->ep : whose_request(sb, &m->s, &d);
	bool taken;

	if (!ep) {
		sb->stray++;
		return;
	}
	mem_ref(ep);
	mem_ref(st);
	mem_ref(d);
	see(ep, m);
	/* Whoever watches may have closed them. */
	taken = st && st->ep == ep && strans_receive(st, m);
	if (!taken && st && m->s.to_tag.p) /* the ACK to a 2xx (RFC 6026) */
		d = mem_ref(dialog_find(sb, &m->s));
	if (!taken && ep->in_dialog)
		taken = ep->in_dialog(ep, d && d->ep == ep ? d : NULL, m);
	if (!taken && ep->h.request)
		taken = ep->h.request(ep, m, ep->h.arg);
	if (!taken)
		unclaimed(ep, m);
	mem_deref(d);
	strans_release(st);
	mem_deref(ep);
}

static void receive(struct transport *tp, const struct addr *src, const uint8_t *data, size_t len, uint64_t now,
		    uint32_t frame, void *arg)
{
	struct switchboard *sb = arg;
	struct msg *m;

	if (msg_alloc(&m, (struct slice){(const char *)data, len}))
		return; /* out of memory: as if the network had lost it */
	m->src = *src;
	m->dst = *transport_local(tp);
	m->time = now;
	m->frame = frame;
	m->received = true;

	if (tp == sb->front && sb->elsewhere && sb->elsewhere(sb->elsewhere_arg, m)) {
		mem_deref(m);
		return;
	}
	mem_ref(sb);
	meter_message(sb->meter, m, false);
	if (m->s.flaws & SCAN_NOT_SIP) {
		struct endpoint *ep = mem_ref(sb->only);
		if (ep) {
			see(ep, m);
			unclaimed(ep, m);
		}
		sb->stray += !ep;
		mem_deref(ep);
	} else if (m->s.request) {
		receive_request(sb, m);
	} else {
		receive_response(sb, m);
	}
	mem_deref(m);
	mem_deref(sb);
}

static void unreachable(struct transport *tp, const struct addr *dst, int error_number, void *arg)
{
	struct switchboard *sb = mem_ref(arg);

	(void)tp;
	ctrans_unreachable(sb, dst, error_number);
	mem_deref(sb);
}

/* --- its life --- */

static void destroy(void *p)
{
	struct switchboard *sb = p;

	hash_free(&sb->ctrans);
	hash_free(&sb->strans);
	hash_free(&sb->merged);
	hash_free(&sb->dialogs);
	hash_free(&sb->users);
	kept_models_free(&sb->models);
	free(sb->others);
	mem_deref(sb->front);
	mem_deref(sb->tp);
}

int switchboard_front(struct switchboard *sb, const char *actor, const struct addr *local, int fd, struct err *e)
{
	if (fd < 0)
		return transport_udp(&sb->front, sb->net, actor, local, addr_is_v6(local), receive, unreachable, sb, e);
	return transport_udp_beside(&sb->front, sb->net, actor, fd, local, receive, unreachable, sb, e);
}

bool switchboard_at_front(const struct switchboard *sb, const struct msg *request)
{
	return sb->front && addr_eq(&request->dst, transport_local(sb->front));
}

int switchboard_alloc(struct switchboard **sbp, const struct switchboard_cfg *cfg, struct err *e)
{
	struct switchboard *sb = mem_zalloc(sizeof(*sb), destroy);
	int err;

	if (!sb)
		return err_set(e, ERR_NOMEM, "out of memory for %s", cfg->actor);
	sb->net = cfg->net;
	sb->loop = net_loop(cfg->net);
	sb->shared = cfg->shared;
	sb->meter = cfg->meter;
	sb->scopes = cfg->scopes;
	err = transport_udp(&sb->tp, cfg->net, cfg->actor, cfg->local, cfg->v6, receive, unreachable, sb, e);
	if (err)
		mem_deref(sb);
	else
		*sbp = sb;
	return err;
}

int switchboard_enter(struct switchboard *sb, struct endpoint *ep)
{
	if (!sb->shared) {
		sb->only = ep;
		return 0;
	}
	return hash_add(&sb->users, &ep->node, slice_hash(SLICE_HASH_SEED, slice_str(ep->user)));
}

void switchboard_leave(struct switchboard *sb, struct endpoint *ep)
{
	if (!sb->shared) {
		sb->only = NULL;
		return;
	}
	hash_del(&sb->users, &ep->node);
	for (unsigned i = 0; i < sb->other_count; i++)
		if (sb->others[i].ep == ep) {
			sb->other_count--;
			memmove(&sb->others[i], &sb->others[i + 1], (sb->other_count - i) * sizeof(*sb->others));
			break;
		}
}

int switchboard_take_others(struct switchboard *sb, struct endpoint *ep, bool (*has_room)(const void *group), const void *group)
{
	struct switchboard_other *more = mem_should_fail() ? NULL : realloc(sb->others, (sb->other_count + 1) * sizeof(*more));

	if (!more)
		return ERR_NOMEM;
	sb->others = more;
	sb->others[sb->other_count++] = (struct switchboard_other){ep, has_room, group};
	return 0;
}
