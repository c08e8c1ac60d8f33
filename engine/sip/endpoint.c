#include "sip/endpoint.h"

#include "core/mem.h"
#include "sip/meter.h"
#include "sip/transaction.h"

#include <stdio.h>

const struct addr *endpoint_local(const struct endpoint *ep)
{
	return transport_local(ep->sb->tp);
}

static void destroy(void *p)
{
	struct endpoint *ep = p;

	while (!LIST_EMPTY(&ep->ctrans))
		ctrans_close(LIST_FIRST(&ep->ctrans));
	while (!LIST_EMPTY(&ep->strans))
		strans_close(LIST_FIRST(&ep->strans));
	resting_end(&ep->resting);
	if (ep->sb)
		switchboard_leave(ep->sb, ep);
	if (ep->scope)
		scope_leave(ep->scope, ep);
	mem_deref(ep->sb);
	mem_deref(ep->name);
	mem_deref(ep->user);
}

/* The user of its Contact at a shared transport: its name, which may stand in a URI then, and is nobody else's there. One of a scope has a number in
 * any case, so that an address of record is not taken for it. */
static char *own_user(struct switchboard *sb, const char *name, bool numbered)
{
	size_t length = strlen(name), size = length + 24;
	char *user = mem_zalloc(size, NULL);

	if (!user)
		return NULL;
	memcpy(user, name, length);
	for (char *p = user; *p; p++) /* unreserved, RFC 3261 25.1 */
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.!~*'()", *p))
			*p = '_';
	while (numbered || switchboard_find(sb, slice_str(user))) {
		snprintf(user + length, size - length, "-%llu", (unsigned long long)++sb->made);
		numbered = false;
	}
	return user;
}

int endpoint_alloc(struct endpoint **epp, const struct endpoint_cfg *cfg, const struct endpoint_handlers *h,
		   struct err *e)
{
	struct endpoint *ep = mem_zalloc(sizeof(*ep), destroy);
	struct switchboard_cfg own = {.net = cfg->net, .actor = cfg->name, .local = cfg->local, .v6 = cfg->v6};
	size_t name_size = strlen(cfg->name) + 1;
	int err = 0;

	if (!ep || !(ep->name = mem_zalloc(name_size, NULL)) ||
	    (cfg->sb && cfg->sb->shared && !(ep->user = own_user(cfg->sb, cfg->name, cfg->scope)))) {
		err = err_set(e, ERR_NOMEM, "out of memory for endpoint %s", cfg->name);
		goto out;
	}
	memcpy(ep->name, cfg->name, name_size);
	ep->net = cfg->net;
	ep->loop = net_loop(cfg->net);
	ep->h = *h;
	if (cfg->timers)
		ep->timers = *cfg->timers;
	sip_timers_derive(&ep->timers);
	snprintf(ep->run_id, sizeof(ep->run_id), "%s", cfg->run_id ? cfg->run_id : "");
	rnd_init(&ep->ids, cfg->seed, cfg->test, ep->user ? ep->user : ep->name, "identifiers");
	ep->sb = mem_ref(cfg->sb);
	if (!ep->sb)
		err = switchboard_alloc(&ep->sb, &own, e);
	if (err)
		goto out;
	err = switchboard_enter(ep->sb, ep);
	if (err)
		err_set(e, err, "out of memory for endpoint %s", cfg->name);
	else if (cfg->scope)
		scope_enter(cfg->scope, ep);
out:
	if (err)
		mem_deref(ep);
	else
		*epp = ep;
	return err;
}

static void stamp(struct endpoint *ep, struct msg *m, const struct transport *tp, const struct addr *dst, uint32_t frame)
{
	m->src = *transport_local(tp);
	m->dst = *dst;
	m->time = loop_now(ep->loop);
	m->frame = frame;
}

static int send_by(struct endpoint *ep, struct transport *tp, struct msg *m, const struct addr *dst, struct err *e)
{
	uint32_t frame = 0;
	uint64_t flow = slice_hash(SLICE_HASH_SEED, m->s.call_id);
	int err = transport_send_owned(tp, dst, m, m->s.bytes.p, m->s.bytes.l, flow, &frame, e);
	struct msg *shown = NULL;

	if (err)
		return err;
	if (!m->dst.u.sa.sa_family) { /* its first time on the wire */
		stamp(ep, m, tp, dst, frame);
		meter_message(ep->sb->meter, m, true);
		if (ep->scope && m->s.request && !m->s.to_tag.p)
			scope_know(ep->scope, m->s.call_id);
		shown = mem_ref(m);
	} else {
		meter_repeated(ep->sb->meter, m, true);
	}
	if (!shown && ep->h.seen && !msg_alloc(&shown, m->s.bytes)) {
		/* Each sending has its own time and frame: whoever watches gets a message of its own. */
		stamp(ep, shown, tp, dst, frame);
	}
	if (ep->h.seen && shown)
		ep->h.seen(ep, shown, ep->h.arg);
	mem_deref(shown);
	return 0;
}

int endpoint_send_msg(struct endpoint *ep, struct msg *m, const struct addr *dst, struct err *e)
{
	return send_by(ep, ep->sb->tp, m, dst, e);
}

int endpoint_answer(struct endpoint *ep, bool by_front, struct msg *response, const struct addr *dst, struct err *e)
{
	return send_by(ep, by_front ? ep->sb->front : ep->sb->tp, response, dst, e);
}

int endpoint_send(struct endpoint *ep, struct slice bytes, const struct addr *dst, struct msg **mp, struct err *e)
{
	struct msg *m;
	int err = msg_alloc(&m, bytes);

	if (err)
		return err_set(e, err, "out of memory for a message of %zu bytes", bytes.l);
	err = endpoint_send_msg(ep, m, dst, e);
	if (!err && mp)
		*mp = mem_ref(m);
	mem_deref(m);
	return err;
}

/* Returns its end, where a NUL stands. */
static char *token(struct endpoint *ep, char *buf, size_t len)
{
	for (const char *run = ep->run_id; *run; run++)
		*buf++ = *run;
	if (*ep->run_id)
		*buf++ = '-';
	rnd_token(&ep->ids, buf, len);
	return buf + len;
}

struct slice endpoint_branch(struct endpoint *ep, char *buf)
{
	memcpy(buf, "z9hG4bK", 7);
	return slice_between(buf, token(ep, buf + 7, 12));
}

struct slice endpoint_tag(struct endpoint *ep, char *buf)
{
	return slice_between(buf, token(ep, buf, 10));
}

struct slice endpoint_call_id(struct endpoint *ep, char *buf)
{
	char *end = token(ep, buf, 14);
	struct addr_text local;

	addr_text(&local, endpoint_local(ep));
	/* Call-ID = word "@" word: brackets are allowed, colons too, but plain reads better */
	*end++ = '@';
	end = mempcpy(end, local.plain.p, local.plain.l);
	*end = '\0';
	return slice_between(buf, end);
}

#define ENDPOINT_VIA_LEN (sizeof("SIP/2.0/UDP ;branch=;rport") + ADDR_STRLEN + ENDPOINT_ID_LEN)

void endpoint_via(struct endpoint *ep, struct buf *out)
{
	char text[ENDPOINT_ID_LEN];
	struct slice branch = endpoint_branch(ep, text);
	struct addr_text local;

	if (!buf_reserve(out, ENDPOINT_VIA_LEN))
		return;
	addr_text(&local, endpoint_local(ep));
	char *p = write_slice(write_text(buf_end(out), "SIP/2.0/UDP "), local.all);
	p = write_slice(write_text(p, ";branch="), branch);
	buf_ends_at(out, write_text(p, ";rport"));
}
