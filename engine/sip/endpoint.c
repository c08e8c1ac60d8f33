#include "sip/endpoint.h"

#include "core/mem.h"
#include "sip/transaction.h"

#include <stdio.h>

const struct addr *endpoint_local(const struct endpoint *ep)
{
	return transport_local(ep->tp);
}

static void receive(struct transport *tp, const struct addr *src, const uint8_t *data, size_t len, uint64_t now,
		    uint32_t frame, void *arg)
{
	struct endpoint *ep = arg;
	struct msg *m;
	bool taken;

	if (msg_alloc(&m, (struct slice){(const char *)data, len}))
		return; /* out of memory: as if the network had lost it */
	m->src = *src;
	m->dst = *transport_local(tp);
	m->time = now;
	m->frame = frame;
	m->received = true;

	mem_ref(ep);
	if (ep->h.seen)
		ep->h.seen(ep, m, ep->h.arg);
	if (m->s.flaws & SCAN_NOT_SIP) {
		ep->count.not_sip++;
		taken = false;
	} else if (m->s.request) {
		ep->count.flawed += (m->s.flaws & ~SCAN_BODY_LONG) != 0;
		taken = strans_receive(ep, m);
		if (!taken && ep->in_dialog)
			taken = ep->in_dialog(ep, m);
		if (!taken && ep->h.request)
			taken = ep->h.request(ep, m, ep->h.arg);
	} else {
		ep->count.flawed += (m->s.flaws & ~SCAN_BODY_LONG) != 0;
		taken = ctrans_receive(ep, m);
		ep->count.stray_responses += !taken;
	}
	if (!taken && ep->h.unclaimed)
		ep->h.unclaimed(ep, m, ep->h.arg);
	mem_deref(m);
	mem_deref(ep);
}

static void unreachable(struct transport *tp, const struct addr *dst, int error_number, void *arg)
{
	struct endpoint *ep = mem_ref(arg);

	(void)tp;
	ctrans_unreachable(ep, dst, error_number);
	mem_deref(ep);
}

static void destroy(void *p)
{
	struct endpoint *ep = p;

	for (size_t i = 0; i < ep->ctrans.size; i++)
		while (ep->ctrans.buckets[i])
			ctrans_close(hash_owner(ep->ctrans.buckets[i], struct ctrans, node));
	for (size_t i = 0; i < ep->strans.size; i++)
		while (ep->strans.buckets[i])
			strans_close(hash_owner(ep->strans.buckets[i], struct strans, node));
	hash_free(&ep->ctrans);
	hash_free(&ep->strans);
	hash_free(&ep->merged);
	hash_free(&ep->dialogs);
	mem_deref(ep->tp);
	mem_deref(ep->name);
}

int endpoint_alloc(struct endpoint **epp, const struct endpoint_cfg *cfg, const struct endpoint_handlers *h,
		   struct err *e)
{
	struct endpoint *ep = mem_zalloc(sizeof(*ep), destroy);
	size_t name_size = strlen(cfg->name) + 1;
	int err;

	if (!ep || !(ep->name = mem_zalloc(name_size, NULL))) {
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
	rnd_init(&ep->ids, cfg->seed, cfg->test, cfg->name, "identifiers");
	err = transport_udp(&ep->tp, cfg->net, cfg->name, cfg->local, cfg->v6, receive, unreachable, ep, e);
out:
	if (err)
		mem_deref(ep);
	else
		*epp = ep;
	return err;
}

static void stamp(struct endpoint *ep, struct msg *m, const struct addr *dst, uint32_t frame)
{
	m->src = *endpoint_local(ep);
	m->dst = *dst;
	m->time = loop_now(ep->loop);
	m->frame = frame;
}

int endpoint_send_msg(struct endpoint *ep, struct msg *m, const struct addr *dst, struct err *e)
{
	uint32_t frame = 0;
	int err = transport_send(ep->tp, dst, m->s.bytes.p, m->s.bytes.l, &frame, e);
	struct msg *shown = NULL;

	if (err)
		return err;
	if (!m->dst.u.sa.sa_family) { /* its first time on the wire */
		stamp(ep, m, dst, frame);
		shown = mem_ref(m);
	} else if (ep->h.seen && !msg_alloc(&shown, m->s.bytes)) {
		/* Each sending has its own time and frame: whoever watches gets a message of its own. */
		stamp(ep, shown, dst, frame);
	}
	if (ep->h.seen && shown)
		ep->h.seen(ep, shown, ep->h.arg);
	mem_deref(shown);
	return 0;
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

static void token(struct endpoint *ep, char *buf, size_t len)
{
	size_t run = strlen(ep->run_id);

	if (run) {
		memcpy(buf, ep->run_id, run);
		buf[run] = '-';
		buf += run + 1;
	}
	rnd_token(&ep->ids, buf, len);
}

void endpoint_branch(struct endpoint *ep, char *buf)
{
	memcpy(buf, "z9hG4bK", 7);
	token(ep, buf + 7, 12);
}

void endpoint_tag(struct endpoint *ep, char *buf)
{
	token(ep, buf, 10);
}

void endpoint_call_id(struct endpoint *ep, char *buf)
{
	char host[ADDR_STRLEN];
	struct slice h = slice_str(addr_host(host, endpoint_local(ep)));

	if (h.p[0] == '[') /* Call-ID = word "@" word: brackets are allowed, colons too, but plain reads better */
		h = (struct slice){h.p + 1, h.l - 2};
	token(ep, buf, 14);
	size_t n = strlen(buf);
	buf[n] = '@';
	slice_copy(buf + n + 1, ENDPOINT_ID_LEN - n - 1, h);
}

void endpoint_via(struct endpoint *ep, struct buf *out)
{
	char branch[ENDPOINT_ID_LEN], where[ADDR_STRLEN];

	endpoint_branch(ep, branch);
	buf_puts(out, "SIP/2.0/UDP ");
	buf_puts(out, addr_str(where, endpoint_local(ep)));
	buf_puts(out, ";branch=");
	buf_puts(out, branch);
	buf_puts(out, ";rport");
}
