/* The callee's side: responses to the INVITE, 2xx repeated until its ACK. RFC 3261 13.3 */
#include "sip/call_priv.h"

#include "core/mem.h"
#include "sip/sdp.h"

#include <stdio.h>

static void on_server_event(struct strans *st, enum strans_event ev, struct msg *m, void *arg)
{
	struct call *call = arg;
	struct build_response terminated = {.status = 487};
	bool answers = ua_answers(call->ua, UA_ANSWER(CANCEL));

	if (ev == STRANS_TERMINATED && st == call->server)
		call_server_over(call);
	if (ev != STRANS_CANCELLED || st != call->server || !call_waits_for_answer(call))
		return;
	mem_ref(call);
	if (answers)
		strans_reply(st, &terminated, NULL, NULL);
	call_tell(call, CALL_CANCELLED, m, NULL, NULL);
	if (answers && call->state == CALL_INCOMING) /* of a re-INVITE, the call goes on */
		call_end(call, "CANCEL");
	mem_deref(call);
}

void call_take_server(struct call *call, struct strans *st)
{
	if (call->server)
		call->server->first = NULL;
	strans_release(call->server);
	call->server = mem_ref(st);
	if (st) {
		st->first = on_server_event;
		st->first_arg = call;
	}
}

/* Our 2xx, which is repeated until its ACK comes, whatever the transport (RFC 3261 13.3.1.4). */
struct answer {
	struct call *call;
	struct msg *m;
	struct strans *st;   /* whose 2xx that is */
	struct dialog *in;   /* one of the call's: its own, or that of a kept fork */
	struct tmr repeat, give_up;
	uint64_t interval;
};

static void stop(struct answer *a)
{
	tmr_cancel(&a->repeat);
	tmr_cancel(&a->give_up);
}

static void answer_destroy(void *p)
{
	struct answer *a = p;

	stop(a);
	mem_deref(a->m);
	strans_release(a->st);
}

static void repeat_answer(void *arg)
{
	struct answer *a = arg;
	struct endpoint *ep = a->call->ua->ep;

	if (!a->st->ep) /* timer L took the transaction: its peer is still right */
		endpoint_answer(ep, a->st->by_front, a->m, &a->st->peer, NULL);
	else
		strans_respond(a->st, a->m, NULL);
	ep->count.retransmissions_out++;
	a->interval = sip_timer_twice(a->interval, strans_timers(a->st, ep)->t2);
	tmr_again(&a->repeat, ep->loop, a->interval, repeat_answer, a);
}

/* No ACK within 64*T1: the session is ended with a BYE. */
static void give_up(void *arg)
{
	struct answer *a = arg;
	struct call *call = mem_ref(a->call);

	tmr_cancel(&a->repeat);
	if (a->in != call->dialog) {
		if (!a->in->over) /* the try it belonged to may have been refused since */
			call_hang_up_fork(call, a->in);
	} else {
		call_tell(call, CALL_NO_ACK, NULL, NULL, NULL);
		call_hang_up(call, "no ACK to the 2xx");
	}
	mem_deref(call);
}

void call_stop_answer(struct call *call, const struct dialog *d)
{
	if (call->answer && call->answer->in == d)
		stop(call->answer);
}

int call_answer_sdp(struct call *call, struct build_response *b, const struct call_reply *r, const struct msg *request,
		    struct buf *sdp)
{
	bool wanted = r->sdp || (r->status >= 200 && r->status < 300);

	if (!b->body.p && !r->no_sdp && wanted) {
		call_put_sdp(call, sdp, call_sdp_of(request));
		b->body = buf_slice(sdp);
		if (!b->content_type.p)
			b->content_type = SLICE_LIT("application/sdp");
	}
	return sdp->failed ? ERR_NOMEM : 0;
}

static int await_ack(struct call *call, struct msg *m)
{
	struct answer *a = mem_zalloc(sizeof(*a), answer_destroy);
	struct loop *loop = call->ua->ep->loop;
	const struct sip_timers *t = strans_timers(call->server, call->ua->ep);

	if (!a)
		return ERR_NOMEM;
	a->call = call;
	a->m = mem_ref(m);
	a->st = mem_ref(call->server);
	a->in = call_dialog_of(call, call->request->s.from_tag);
	if (!a->in)
		a->in = call->dialog;
	if (!call->outgoing) /* else the 2xx to our own INVITE does that, and nothing else */
		a->in->confirmed = true;
	a->interval = t->t1;
	if (!call->server->opts.no_retransmit)
		tmr_start(&a->repeat, loop, a->interval, repeat_answer, a);
	tmr_start(&a->give_up, loop, sip_timer_64t1(t), give_up, a);
	mem_deref(call->answer);
	call->answer = a;
	return 0;
}

/* RFC 3891 3: the call that this one replaces ends. */
static void end_replaced(struct call *call)
{
	struct call *old = call->replaces;

	if (!ua_answers(call->ua, UA_ANSWER(REPLACES)))
		return;
	if (old->state == CALL_CONFIRMED)
		call_hang_up(old, "replaced");
	else if (old->outgoing && (old->state == CALL_CALLING || old->state == CALL_PROCEEDING))
		call_cancel(old, false, false, NULL);
}

/* A provisional goes out reliably where its user or the caller wants it so. ERR_NOT_NOW when the caller cannot. */
static int check_reliable(bool *reliable, const struct call *call, const struct call_reply *r, struct err *e)
{
	const struct slice tag = SLICE_LIT("100rel");
	const struct scan *s = &call->request->s;
	bool provisional = r->status > 100 && r->status < 200 && call->state == CALL_INCOMING;
	bool required = verdict_lists(s, HDR_REQUIRE, tag);

	*reliable = provisional && (r->reliable || required);
	if (r->reliable && !provisional)
		return err_set(e, ERR_NOT_NOW, "only a provisional from 101 to 199 to the first INVITE of a call can be reliable");
	if (r->reliable && !required && !verdict_lists(s, HDR_SUPPORTED, tag))
		return err_set(e, ERR_NOT_NOW, "the caller does not know reliable provisionals: its INVITE has no 100rel in Supported or Require "
						"(to send one all the same, give Require and RSeq as headers)");
	return 0;
}

static void put_reply_headers(struct call *call, const struct call_reply *r, bool reliable, struct call_headers *x)
{
	if (reliable)
		reliable_begin(call, x);
	if (r->status < 200 || r->status >= 300)
		return;
	call_headers_add(x, HDR_ALLOW, SLICE_LIT(UA_ALLOW));
	if (ua_answers(call->ua, UA_ANSWER(SESSION)))
		session_timer_answer(call, &call->request->s, x);
}

/* What is sent is told to timers, states and times. */
static int after_reply(struct call *call, const struct call_reply *r, bool reliable, struct msg *m)
{
	bool first_answer = call->state == CALL_INCOMING;
	int err = 0;

	if (r->status > 100 && r->status < 200 && call->at.ringing == CALL_NOT_YET)
		call->at.ringing = call_now(call);
	if (reliable) {
		call->answered_reliably = call->answered_reliably || call_sdp_of(m).l;
		err = reliable_sent(call, m);
	}
	if (r->status >= 200)
		reliable_stop(call);
	if (r->status >= 200 && r->status < 300) {
		call->answered_reliably = false; /* of a re-INVITE nothing is yet */
		if (first_answer) {
			call->state = CALL_CONFIRMED;
			call->at.answered = call_now(call);
		}
		err = await_ack(call, m);
		if (first_answer && call->replaces)
			end_replaced(call);
	} else if (r->status >= 300 && first_answer) {
		call_end(call, "final response");
	}
	return err;
}

int call_reply(struct call *call, const struct call_reply *r, struct msg **mp, struct err *e)
{
	struct build_response b = {.status = r->status, .reason = r->reason, .content_type = r->content_type, .body = r->body};
	struct buf sdp = {0};
	struct call_headers x;
	struct msg *m = NULL;
	bool reliable;
	int err;

	if (!call_waits_for_answer(call))
		return err_set(e, ERR_NOT_NOW, "%u: no INVITE waits for an answer, the call is %s%s%s%s", r->status,
			       call_state_name(call->state), call->ended_by ? " (" : "", call->ended_by ? call->ended_by : "",
			       call->ended_by ? ")" : "");
	err = check_reliable(&reliable, call, r, e);
	if (err)
		return err;
	mem_ref(call);
	err = call_headers_init(&x, r->extra, r->extra_count);
	if (err) {
		err_set(e, err, "out of memory for a response");
		goto out;
	}
	if (r->direction)
		call->wanted = r->direction;
	put_reply_headers(call, r, reliable, &x);
	b.extra = x.all;
	b.extra_count = x.count;
	if (r->status > 100 && r->status < 300) /* that of a 3xx says where else, which its user knows */
		b.contact = call->ua->contact_value;
	if (!call->answered_reliably || r->status < 200)
		err = call_answer_sdp(call, &b, r, call->request, &sdp);
	if (!err && !call->dialog && r->status > 100 && r->status < 300) {
		err = dialog_uas(&call->dialog, call->request, slice_str(call->server->to_tag), e);
		if (!err)
			err = call_enter_dialog(call, call->dialog);
	}
	if (!err)
		err = strans_reply(call->server, &b, &m, e);
	if (!err && after_reply(call, r, reliable, m))
		err = err_set(e, ERR_NOMEM, "out of memory to repeat a response");
	if (!err && mp)
		*mp = mem_ref(m);
out:
	call_headers_free(&x);
	mem_deref(m);
	buf_free(&sdp);
	mem_deref(call);
	return err;
}

bool call_refuse_offer(struct call *call, struct strans *st)
{
	struct slice offer = call_sdp_of(st->request);
	char text[ADDR_STRLEN + 80];
	struct build_header warning = {SLICE_LIT("Warning"), SLICE_NONE};
	char where[ADDR_STRLEN];

	if (!ua_answers(call->ua, UA_ANSWER(MEDIA)) || !offer.l || sdp_fits(offer))
		return false;
	snprintf(text, sizeof(text), "305 %s \"Incompatible media format: PCMU or PCMA over RTP/AVP\"",
		 addr_str(where, endpoint_local(call->ua->ep)));
	warning.value = slice_str(text);
	ua_reply(call->ua, st, 488, NULL, &warning, 1);
	return true;
}

/* RFC 3891 3: the call that the INVITE's Replaces names into `*old`. Returns the status that refuses it, 0 for none. */
static unsigned find_replaced(struct call **old, struct ua *ua, const struct scan *s)
{
	struct slice value = scan_header(s, HDR_REPLACES, 0), to_tag, from_tag, ignored;
	struct dialog *d = NULL;
	struct call *call;

	*old = NULL;
	if (!value.p || !ua_answers(ua, UA_ANSWER(REPLACES)))
		return 0;
	const char *semi = memchr(value.p, ';', value.l);
	if (!semi || !scan_param(&to_tag, value, "to-tag") || !scan_param(&from_tag, value, "from-tag"))
		return 400;
	struct scan ids = {.call_id = slice_trim(slice_between(value.p, semi)), .to_tag = to_tag, .from_tag = from_tag};
	d = dialog_find(ua->ep->sb, &ids);
	call = call_of(d);
	if (!call || d->ep != ua->ep)
		return 481;
	if (d->over || call->state == CALL_TERMINATED)
		return 603;
	if (call->state == CALL_CONFIRMED && scan_param(&ignored, value, "early-only"))
		return 486;
	if (call->state != CALL_CONFIRMED && !call->outgoing) /* only its caller can end an early dialog */
		return 481;
	*old = call;
	return 0;
}

void call_incoming(struct ua *ua, struct strans *st)
{
	struct call *call, *old;
	unsigned refusal = find_replaced(&old, ua, &st->request->s);
	struct build_header min_se = {SLICE_LIT("Min-SE"), SLICE_NONE};
	char seconds[16];
	uint32_t least;

	if (refusal) {
		ua_reply(ua, st, refusal, refusal == 400 ? "Replaces needs a to-tag and a from-tag" : NULL, NULL, 0);
		return;
	}
	call = call_alloc(ua, &ua->cfg.session);
	if (!call) {
		ua_reply(ua, st, 503, NULL, NULL, 0);
		return;
	}
	call->state = CALL_INCOMING;
	call->request = mem_ref(st->request);
	call->at.invite = st->request->time;
	call_take_server(call, st);
	call->replaces = mem_ref(old);
	if (ua_answers(ua, UA_ANSWER(SESSION)) && session_timer_too_small(call, &st->request->s, &least)) {
		snprintf(seconds, sizeof(seconds), "%u", least);
		min_se.value = slice_str(seconds);
		ua_reply(ua, st, 422, NULL, &min_se, 1);
	} else if (!call_refuse_offer(call, st) && (!ua->h.incoming || !ua->h.incoming(ua, call, ua->h.arg))) {
		ua_reply(ua, st, 480, NULL, NULL, 0);
	}
	mem_deref(call);
}

void call_receive_ack(struct call *call, struct msg *m)
{
	if (!call->answer || m->s.cseq != call->answer->m->s.cseq) /* that of an earlier 2xx (RFC 3261 13.2.2.4) */
		return;
	call->answer = mem_deref(call->answer);
	call_server_acknowledged(call);
	if (call->at.acked == CALL_NOT_YET)
		call->at.acked = m->time;
	call_tell(call, CALL_ACK, m, NULL, NULL);
}
