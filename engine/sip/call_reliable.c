/* Reliable provisionals: RSeq, PRACK and RAck. RFC 3262 */
#include "sip/call_priv.h"

#include "core/mem.h"

static const struct slice tag = {"100rel", 6};

/* --- the caller's side (section 4) --- */

static uint32_t rseq_of(const struct scan *s)
{
	struct slice value = scan_header(s, HDR_RSEQ, 0);
	uint64_t n = 0;

	if (!value.p || !verdict_lists(s, HDR_REQUIRE, tag) || !slice_u64(&n, value, UINT32_MAX))
		return 0;
	return (uint32_t)n;
}

int call_prack(struct uac **uacp, struct call *call, const struct msg *m, const struct ua_request *u, uac_response_h *h, void *arg,
	       struct err *e)
{
	struct dialog *d = call_dialog_of(call, m->s.to_tag);
	uint32_t rseq = rseq_of(&m->s);
	struct ua_request r = u ? *u : (struct ua_request){0};
	struct call_headers x;
	struct buf sdp = {0};
	int err;

	if (!d || !rseq || m->s.status >= 200)
		return err_set(e, ERR_NOT_NOW, "no PRACK: %u is no reliable provisional of this call%s", m->s.status,
			       !rseq ? " (it has no Require: 100rel, or no RSeq)" : "");
	err = call_headers_init(&x, r.extra, r.extra_count);
	if (err)
		return err_set(e, err, "out of memory for a PRACK");
	call_headers_print(&x, HDR_RACK, "%u %u %.*s", rseq, m->s.cseq, SLICE_ARG(m->s.cseq_method));
	r.extra = x.all;
	r.extra_count = x.count;
	bool offered = !call->outgoing || call->offered; /* by our INVITE; a callee's, within the call, does */
	if (!r.body.p && !r.no_sdp && call_sdp_of(m).l && !offered) { /* it brings the offer (section 5) */
		call_put_sdp(call, &sdp, call_sdp_of(m));
		r.body = buf_slice(&sdp);
		r.content_type = SLICE_LIT("application/sdp");
	}
	err = call_request(uacp, call, d, SLICE_LIT("PRACK"), &r, h, arg, e);
	if (!err && r.body.l && call_sdp_of(m).l)
		d->settled = true;
	call_headers_free(&x);
	buf_free(&sdp);
	return err;
}

bool reliable_receive(struct call *call, struct dialog *d, struct msg *m)
{
	uint32_t rseq = rseq_of(&m->s);
	struct uac *prack;

	if (!rseq || !d)
		return true;
	d->settled = d->settled || (call_sdp_of(m).l && call->offered);
	if (call->opts.no_prack)
		return true;
	if (d->rseq && rseq != d->rseq + 1) { /* again, or before its turn: its repetition will be in order */
		call->repeated_reliable += rseq <= d->rseq;
		return false;
	}
	d->rseq = rseq;
	if (call_prack(&prack, call, m, NULL, NULL, NULL, NULL) == 0)
		dialog_keep_prack(d, prack);
	return true;
}

/* --- the callee's side (section 3) --- */

struct reliable {
	struct reliable *next;
	struct call *call;
	struct msg *m;
	uint32_t rseq;
	struct tmr repeat, give_up;
	uint64_t interval;
};

static void stop(struct reliable *r)
{
	tmr_cancel(&r->repeat);
	tmr_cancel(&r->give_up);
}

static void destroy(void *p)
{
	struct reliable *r = p;

	stop(r);
	mem_deref(r->m);
}

void reliable_stop(struct call *call)
{
	for (struct reliable *r = call->reliable; r; r = r->next)
		stop(r);
}

void reliable_free(struct call *call)
{
	while (call->reliable) {
		struct reliable *next = call->reliable->next;
		mem_deref(call->reliable);
		call->reliable = next;
	}
}

/* Doubling without the cap of T2. */
static void repeat(void *arg)
{
	struct reliable *r = arg;
	struct strans *st = r->call->server;

	if (!st || !st->ep)
		return;
	endpoint_answer(st->ep, st->by_front, r->m, &st->peer, NULL);
	st->repeated_responses++;
	st->ep->count.retransmissions_out++;
	r->interval *= 2;
	tmr_again(&r->repeat, st->ep->loop, r->interval, repeat, r);
}

/* No PRACK within 64*T1: the INVITE is refused. */
static void give_up(void *arg)
{
	struct call *call = mem_ref(((struct reliable *)arg)->call);
	struct call_reply refusal = {.status = 504, .reason = SLICE_LIT("No PRACK")};

	reliable_stop(call);
	if (call->state == CALL_INCOMING)
		call_reply(call, &refusal, NULL, NULL);
	mem_deref(call);
}

void reliable_begin(struct call *call, struct call_headers *x)
{
	if (!call->rseq) /* 1 to 2**31 - 1, with room to count on */
		call->rseq = (uint32_t)rnd_below(&call->ua->ep->ids, 1u << 30);
	call->rseq++;
	call_headers_add(x, HDR_REQUIRE, tag);
	call_headers_print(x, HDR_RSEQ, "%u", call->rseq);
}

int reliable_sent(struct call *call, struct msg *m)
{
	struct reliable *r = mem_zalloc(sizeof(*r), destroy), **pp = &call->reliable;
	const struct sip_timers *t = strans_timers(call->server, call->ua->ep);

	if (!r)
		return ERR_NOMEM;
	r->call = call;
	r->m = mem_ref(m);
	r->rseq = call->rseq;
	r->interval = t->t1;
	while (*pp)
		pp = &(*pp)->next;
	*pp = r;
	tmr_start(&r->repeat, call->ua->ep->loop, r->interval, repeat, r);
	tmr_start(&r->give_up, call->ua->ep->loop, sip_timer_64t1(t), give_up, r);
	return 0;
}

/* RAck: the RSeq, and the CSeq of the INVITE. */
static bool matches(const struct reliable *r, struct slice rack)
{
	const struct scan *s = &r->m->s;
	struct slice item[3] = {{0}};
	uint64_t rseq, cseq;

	for (unsigned i = 0; i < 3 && rack.l; i++) {
		size_t n = 0;
		while (n < rack.l && rack.p[n] != ' ' && rack.p[n] != '\t')
			n++;
		item[i] = (struct slice){rack.p, n};
		rack = slice_trim((struct slice){rack.p + n, rack.l - n});
	}
	return !rack.l && slice_u64(&rseq, item[0], UINT32_MAX) && rseq == r->rseq && slice_u64(&cseq, item[1], UINT32_MAX) &&
	       cseq == s->cseq && slice_eq(item[2], s->cseq_method);
}

bool reliable_acknowledged(struct call *call, const struct msg *prack)
{
	struct slice rack = scan_header(&prack->s, HDR_RACK, 0);

	for (struct reliable **pp = &call->reliable; *pp; pp = &(*pp)->next)
		if (matches(*pp, rack)) {
			struct reliable *r = *pp;
			*pp = r->next;
			mem_deref(r);
			return true;
		}
	return false;
}
