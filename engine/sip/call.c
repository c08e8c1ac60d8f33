#include "sip/call.h"

#include "core/mem.h"
#include "sip/route.h"
#include "sip/sdp.h"

#include <stdio.h>

const char *call_state_name(enum call_state s)
{
	static const char *const names[] = {"calling", "proceeding", "incoming", "confirmed", "ending", "terminated"};

	return names[s];
}

static void destroy(void *p)
{
	struct call *call = p;

	tmr_cancel(&call->repeat);
	tmr_cancel(&call->give_up);
	strans_detach(call->server);
	mem_deref(call->invite);
	mem_deref(call->bye);
	mem_deref(call->server);
	mem_deref(call->request);
	if (call->dialog)
		dialog_leave(call->dialog);
	mem_deref(call->dialog);
	mem_deref(call->ack);
	mem_deref(call->answer);
	auth_free(&call->auth);
}

static bool tell(struct call *call, enum call_event ev, struct msg *m, struct strans *st, const char *why)
{
	return call->h && call->h(call, ev, m, st, why, call->arg);
}

static uint64_t now(const struct call *call)
{
	return loop_now(call->ua->ep->loop);
}

static void end(struct call *call, const char *by)
{
	if (call->state == CALL_TERMINATED)
		return;
	call->state = CALL_TERMINATED;
	call->ended_by = by;
	call->at.ended = now(call);
	tmr_cancel(&call->repeat);
	tmr_cancel(&call->give_up);
	tell(call, CALL_ENDED, NULL, NULL, by);
}

static bool on_dialog_request(struct dialog *d, struct msg *m, void *arg);

static struct call *call_new(struct ua *ua)
{
	struct call *call = mem_zalloc(sizeof(*call), destroy);

	if (!call)
		return NULL;
	call->ua = ua;
	call->cseq = 1;
	/* A port and a session id for the description; media of our own will bind the port. */
	call->media_port = (uint16_t)(20000 + 2 * rnd_below(&ua->ep->ids, 10000));
	call->session = rnd_below(&ua->ep->ids, 1u << 30) + 1;
	return call;
}

static void put_sdp(struct call *call, struct buf *out)
{
	sdp_audio(out, endpoint_local(call->ua->ep), call->media_port, call->session);
}

/* --- outgoing --- */

/* The credentials of the INVITE go into its ACK (RFC 3261 13.2.2.4, 22.1). */
static void put_credentials(struct buf *out, const struct scan *invite)
{
	for (unsigned i = 0; i < invite->header_count; i++)
		if (invite->headers[i].id == HDR_AUTHORIZATION || invite->headers[i].id == HDR_PROXY_AUTHORIZATION)
			buf_put_slice(out, build_line(invite, i));
}

struct draft {
	struct buf via, contact, lines, out;
	struct slice routes[DIALOG_MAX_ROUTES + 1];
	struct build_request r;
};

static void draft_free(struct draft *d)
{
	buf_free(&d->via);
	buf_free(&d->contact);
	buf_free(&d->lines);
	buf_free(&d->out);
}

/* Builds a request within the dialog into d->out. d->lines may hold credentials. */
static int draft_build(struct draft *d, struct call *call, struct dialog *dlg, struct slice method, uint32_t cseq,
		       const struct ua_request *u, struct err *e)
{
	struct ua *ua = call->ua;

	endpoint_via(ua->ep, &d->via);
	buf_printf(&d->contact, "<%.*s>", SLICE_ARG(ua->contact));
	dialog_request(dlg, &d->r, d->routes);
	d->r.method = method;
	d->r.via = buf_slice(&d->via);
	d->r.cseq = cseq;
	d->r.max_forwards = 70;
	if (!u || !u->no_contact)
		d->r.contact = buf_slice(&d->contact);
	d->r.lines = buf_slice(&d->lines);
	if (u) {
		d->r.extra = u->extra;
		d->r.extra_count = u->extra_count;
		d->r.content_type = u->content_type;
		d->r.body = u->body;
		if (u->uri.p)
			d->r.uri = u->uri;
	}
	build_request(&d->out, &d->r);
	if (d->via.failed || d->contact.failed || d->lines.failed || d->out.failed)
		return err_set(e, ERR_NOMEM, "out of memory for a request");
	return 0;
}

static int next_hop(struct addr *dst, const struct call *call, const struct dialog *dlg, struct err *e)
{
	struct endpoint *ep = call->ua->ep;

	return route_resolve(dst, dialog_next_hop(dlg), !loop_is_virtual(ep->loop), addr_is_v6(endpoint_local(ep)), e);
}

static int send_ack(struct call *call, struct dialog *dlg, struct msg **keep, const struct ua_request *u, struct err *e)
{
	const struct scan *invite = &call->invite->request->s;
	struct draft d = {0};
	struct addr dst;
	struct msg *m = NULL;
	int err = next_hop(&dst, call, dlg, e);

	if (err)
		goto out;
	put_credentials(&d.lines, invite);
	err = draft_build(&d, call, dlg, SLICE_LIT("ACK"), invite->cseq, u, e);
	if (!err)
		err = endpoint_send(call->ua->ep, buf_slice(&d.out), &dst, &m, e);
	if (!err && !call->at.acked)
		call->at.acked = now(call);
	if (!err && keep) {
		mem_deref(*keep);
		*keep = mem_ref(m);
	}
out:
	mem_deref(m);
	draft_free(&d);
	return err;
}

int call_ack(struct call *call, const struct ua_request *u, struct err *e)
{
	if (!call->outgoing || !call->dialog || !call->dialog->confirmed)
		return err_set(e, ERR_NOT_NOW, "there is no 2xx to acknowledge: the call is %s", call_state_name(call->state));
	return send_ack(call, call->dialog, &call->ack, u, e);
}

/* A 2xx of another fork: acknowledged and ended at once (RFC 3261 13.2.2.4). */
static void refuse_fork(struct call *call, struct msg *m)
{
	struct dialog *other;
	struct draft d = {0};
	struct addr dst;
	struct msg *bye = NULL;

	if (dialog_uac(&other, call->invite->request, m, NULL))
		return;
	if (!send_ack(call, other, NULL, NULL, NULL) && !next_hop(&dst, call, other, NULL) &&
	    !draft_build(&d, call, other, SLICE_LIT("BYE"), other->local_cseq + 1, NULL, NULL) &&
	    !msg_alloc(&bye, buf_slice(&d.out)))
		ctrans_create(NULL, call->ua->ep, bye, &dst, NULL, NULL, NULL, NULL);
	mem_deref(bye);
	draft_free(&d);
	mem_deref(other);
}

static void take_dialog(struct call *call, struct msg *m)
{
	if (!m->s.to_tag.p)
		return;
	if (call->dialog && slice_eq(call->dialog->remote_tag, m->s.to_tag)) {
		dialog_update(call->dialog, m);
		return;
	}
	struct dialog *d;
	if (dialog_uac(&d, call->invite->request, m, NULL))
		return;
	if (call->dialog) {
		dialog_leave(call->dialog);
		mem_deref(call->dialog);
	}
	call->dialog = d;
	dialog_enter(d, call->ua->ep, on_dialog_request, call);
}

static void on_invite_response(struct uac *uac, struct msg *m, const char *why, void *arg)
{
	struct call *call = arg;
	unsigned status = m->s.status;

	mem_ref(call);
	if (call->request != uac->request) {
		mem_deref(call->request);
		call->request = mem_ref(uac->request);
	}
	if (status < 200) {
		if (call->state == CALL_CALLING)
			call->state = CALL_PROCEEDING;
		if (!call->at.trying)
			call->at.trying = m->time;
		if (status > 100 && !call->at.ringing)
			call->at.ringing = m->time;
		if (status > 100)
			take_dialog(call, m);
		tell(call, CALL_RESPONSE, m, NULL, why);
	} else if (status < 300) {
		bool first = call->state == CALL_CALLING || call->state == CALL_PROCEEDING;
		if (first) {
			call->state = CALL_CONFIRMED;
			call->at.answered = m->time;
			take_dialog(call, m);
			if (call->dialog) {
				call->dialog->confirmed = true;
				if (call->dialog->local_cseq < call->cseq)
					call->dialog->local_cseq = call->cseq;
				if (!call->opts.no_ack)
					send_ack(call, call->dialog, &call->ack, NULL, NULL);
			}
			tell(call, CALL_RESPONSE, m, NULL, why);
		} else if (call->dialog && slice_eq(call->dialog->remote_tag, m->s.to_tag)) {
			call->repeated_2xx++;
			struct addr dst;
			if (call->ack && !next_hop(&dst, call, call->dialog, NULL))
				endpoint_send_msg(call->ua->ep, call->ack, &dst, NULL);
		} else {
			refuse_fork(call, m);
		}
	} else {
		tell(call, CALL_RESPONSE, m, NULL, why);
		end(call, m->locally ? m->locally : "final response");
	}
	mem_deref(call);
}

int call_invite(struct call **cp, struct ua *ua, const struct ua_request *r, const struct call_opts *opts, call_event_h *h,
		void *arg, struct err *e)
{
	static const struct build_header own[] = {{{"Allow", 5}, {UA_ALLOW, sizeof(UA_ALLOW) - 1}}};
	struct call *call = call_new(ua);
	struct ua_request full = *r;
	struct build_header *extra = NULL;
	struct buf b = {0}, sdp = {0};
	struct msg *m = NULL;
	struct addr dst;
	int err;

	if (!call || !(extra = mem_zalloc((r->extra_count + 1) * sizeof(*extra), NULL))) {
		err = err_set(e, ERR_NOMEM, "out of memory for a call");
		goto out;
	}
	call->outgoing = true;
	call->state = CALL_CALLING;
	if (opts)
		call->opts = *opts;
	call->h = h;
	call->arg = arg;
	call->cseq = r->cseq ? r->cseq : 1;
	/* Allow unless the script has its own. */
	bool has_allow = false;
	for (unsigned i = 0; i < r->extra_count; i++) {
		extra[i] = r->extra[i];
		has_allow = has_allow || hdr_lookup(r->extra[i].name) == HDR_ALLOW;
	}
	full.extra = extra;
	if (!has_allow)
		extra[full.extra_count++] = own[0];
	if (!full.body.p && !call->opts.no_sdp) {
		put_sdp(call, &sdp);
		full.body = buf_slice(&sdp);
		if (!full.content_type.p)
			full.content_type = SLICE_LIT("application/sdp");
	}
	err = ua_build(ua, &b, &dst, SLICE_LIT("INVITE"), &full, SLICE_NONE, e);
	if (err)
		goto out;
	err = msg_alloc(&m, buf_slice(&b));
	if (err) {
		err_set(e, err, "out of memory for a call");
		goto out;
	}
	call->at.invite = now(call);
	call->request = mem_ref(m);
	err = uac_alloc(&call->invite, ua, &call->auth, &call->cseq, m, &dst, &call->opts.trans, on_invite_response, call, e);
out:
	mem_deref(extra);
	mem_deref(m);
	buf_free(&b);
	buf_free(&sdp);
	if (err)
		mem_deref(call);
	else
		*cp = call;
	return err;
}

void call_set_handler(struct call *call, call_event_h *h, void *arg)
{
	call->h = h;
	call->arg = arg;
}

int call_cancel(struct call *call, bool at_once, struct err *e)
{
	if (!call->outgoing || !call->invite)
		return err_set(e, ERR_NOT_NOW, "only the caller can cancel");
	call->invite->cancelled = true;
	return ctrans_cancel(call->invite->ct, at_once, e);
}

int call_request(struct uac **uacp, struct call *call, struct slice method, const struct ua_request *u, uac_response_h *h,
		 void *arg, struct err *e)
{
	struct draft d = {0};
	struct msg *m = NULL;
	struct addr dst;
	int err;

	if (!call->dialog) {
		err = err_set(e, ERR_NOT_NOW, "%.*s needs a dialog, and the call has none yet: it is %s", SLICE_ARG(method),
			      call_state_name(call->state));
		goto out;
	}
	uint32_t cseq = u && u->cseq ? u->cseq : call->dialog->local_cseq + 1;
	err = u && u->dst ? (dst = *u->dst, 0) : next_hop(&dst, call, call->dialog, e);
	if (err)
		goto out;
	auth_begin(&call->auth);
	if (call->auth.count) {
		struct slice uri = call->dialog->remote_target;
		err = auth_lines(&call->auth, &d.lines, &call->ua->cfg.account, method, uri, u ? u->body : SLICE_NONE,
				 &call->ua->ep->ids, e);
		if (err)
			goto out;
	}
	err = draft_build(&d, call, call->dialog, method, cseq, u, e);
	if (err)
		goto out;
	err = msg_alloc(&m, buf_slice(&d.out));
	if (err) {
		err_set(e, err, "out of memory for a request");
		goto out;
	}
	if (cseq > call->dialog->local_cseq)
		call->dialog->local_cseq = cseq;
	err = uac_alloc(uacp, call->ua, &call->auth, &call->dialog->local_cseq, m, &dst, NULL, h, arg, e);
out:
	mem_deref(m);
	draft_free(&d);
	return err;
}

int call_bye(struct uac **uacp, struct call *call, const struct ua_request *u, uac_response_h *h, void *arg, struct err *e)
{
	int err;

	if (call->state != CALL_CONFIRMED && !(call->state == CALL_PROCEEDING && call->dialog))
		return err_set(e, ERR_NOT_NOW, "no BYE: the call is %s%s%s%s", call_state_name(call->state),
			       call->ended_by ? " (" : "", call->ended_by ? call->ended_by : "", call->ended_by ? ")" : "");
	err = call_request(uacp, call, SLICE_LIT("BYE"), u, h, arg, e);
	if (!err) {
		mem_ref(call);
		call->state = CALL_ENDING;
		end(call, "local BYE");
		mem_deref(call);
	}
	return err;
}

/* --- incoming --- */

static void on_server_event(struct strans *st, enum strans_event ev, struct msg *m, void *arg)
{
	struct call *call = arg;

	mem_ref(call);
	if (ev == STRANS_CANCELLED && call->state == CALL_INCOMING) {
		struct build_response r = {.status = 487};
		strans_reply(st, &r, NULL, NULL);
		tell(call, CALL_CANCELLED, m, NULL, NULL);
		end(call, "CANCEL");
	}
	mem_deref(call);
}

static void repeat_answer(void *arg)
{
	struct call *call = arg;
	struct sip_timers *t = &call->server->opts.timers;

	if (!call->server->ep) /* timer L took the transaction: its peer is still right */
		endpoint_send_msg(call->ua->ep, call->answer, &call->server->peer, NULL);
	else
		strans_respond(call->server, call->answer, NULL);
	call->ua->ep->count.retransmissions_out++;
	call->interval = sip_timer_twice(call->interval, t->t2);
	tmr_start(&call->repeat, call->ua->ep->loop, call->interval, repeat_answer, call);
}

/* RFC 3261 13.3.1.4: no ACK within 64*T1: the session is ended with a BYE. */
static void give_up(void *arg)
{
	struct call *call = mem_ref(arg);

	tmr_cancel(&call->repeat);
	tell(call, CALL_NO_ACK, NULL, NULL, NULL);
	if (call->state == CALL_CONFIRMED && call_request(&call->bye, call, SLICE_LIT("BYE"), NULL, NULL, NULL, NULL) == 0)
		end(call, "no ACK to the 2xx");
	mem_deref(call);
}

static int answer_sdp(struct call *call, struct build_response *b, const struct call_reply *r, struct buf *sdp)
{
	if (!b->body.p && !r->no_sdp && !call->opts.no_sdp && r->status >= 200 && r->status < 300) {
		put_sdp(call, sdp);
		b->body = buf_slice(sdp);
		if (!b->content_type.p)
			b->content_type = SLICE_LIT("application/sdp");
	}
	return sdp->failed ? ERR_NOMEM : 0;
}

int call_reply(struct call *call, const struct call_reply *r, struct msg **mp, struct err *e)
{
	struct build_response b = {.status = r->status,
				   .reason = r->reason,
				   .extra = r->extra,
				   .extra_count = r->extra_count,
				   .content_type = r->content_type,
				   .body = r->body};
	struct buf contact = {0}, sdp = {0};
	struct msg *m = NULL;
	bool first_answer;
	int err;

	if (!call->server || !call->server->ep ||
	    (call->server->state != TRANS_PROCEEDING && call->server->state != TRANS_TRYING)) {
		err = err_set(e, ERR_NOT_NOW, "%u: no INVITE waits for an answer, the call is %s%s%s%s", r->status,
			      call_state_name(call->state), call->ended_by ? " (" : "", call->ended_by ? call->ended_by : "",
			      call->ended_by ? ")" : "");
		goto out;
	}
	buf_printf(&contact, "<%.*s>", SLICE_ARG(call->ua->contact));
	if (r->status > 100 && r->status < 400)
		b.contact = buf_slice(&contact);
	err = answer_sdp(call, &b, r, &sdp);
	if (!err && !call->dialog && r->status > 100 && r->status < 300) {
		err = dialog_uas(&call->dialog, call->request, slice_str(call->server->to_tag), e);
		if (!err)
			err = dialog_enter(call->dialog, call->ua->ep, on_dialog_request, call);
	}
	if (!err)
		err = strans_reply(call->server, &b, &m, e);
	if (err)
		goto out;

	first_answer = call->state == CALL_INCOMING;
	if (r->status > 100 && r->status < 200 && !call->at.ringing)
		call->at.ringing = now(call);
	if (r->status >= 200 && r->status < 300) {
		struct sip_timers *t = &call->server->opts.timers;
		call->state = CALL_CONFIRMED;
		call->dialog->confirmed = true;
		if (first_answer)
			call->at.answered = now(call);
		mem_deref(call->answer);
		call->answer = mem_ref(m);
		call->interval = t->t1;
		if (!call->server->opts.no_retransmit)
			tmr_start(&call->repeat, call->ua->ep->loop, call->interval, repeat_answer, call);
		tmr_start(&call->give_up, call->ua->ep->loop, sip_timer_64t1(t), give_up, call);
	} else if (r->status >= 300 && first_answer) {
		mem_ref(call);
		end(call, "final response");
		mem_deref(call);
	}
	if (mp)
		*mp = mem_ref(m);
out:
	mem_deref(m);
	buf_free(&contact);
	buf_free(&sdp);
	return err;
}

void call_incoming(struct ua *ua, struct strans *st)
{
	struct call *call = call_new(ua);

	if (!call) {
		ua_reply(ua, st, 503, NULL, NULL, 0);
		return;
	}
	call->state = CALL_INCOMING;
	call->request = mem_ref(st->request);
	call->at.invite = st->request->time;
	call->server = mem_ref(st);
	st->h = on_server_event;
	st->arg = call;
	if (!ua->h.incoming || !ua->h.incoming(ua, call, ua->h.arg))
		ua_reply(ua, st, 480, NULL, NULL, 0);
	mem_deref(call);
}

/* --- requests within the dialog --- */

static void on_ack(struct call *call, struct msg *m)
{
	call->ack_count++;
	if (!call->answer)
		return;
	tmr_cancel(&call->repeat);
	tmr_cancel(&call->give_up);
	call->answer = mem_deref(call->answer);
	call->at.acked = call->at.acked ? call->at.acked : m->time;
	tell(call, CALL_ACK, m, NULL, NULL);
}

static void on_bye(struct call *call, struct strans *st)
{
	/* An INVITE of ours still open is over too (RFC 3261 15.1.2). */
	if (call->server && call->server->ep && call->state == CALL_INCOMING) {
		struct build_response r = {.status = 487};
		strans_reply(call->server, &r, NULL, NULL);
	}
	ua_reply(call->ua, st, 200, NULL, NULL, 0);
	tell(call, CALL_BYE, st->request, st, NULL);
	end(call, "remote BYE");
}

/* The session as it was (RFC 3261 14.2). */
static void answer_again(struct call *call, struct strans *st, bool invite)
{
	struct call_reply r = {.status = 200};

	if (invite) {
		call_reply(call, &r, NULL, NULL);
		return;
	}
	struct buf sdp = {0}, contact = {0};
	struct build_response b = {.status = 200};
	buf_printf(&contact, "<%.*s>", SLICE_ARG(call->ua->contact));
	b.contact = buf_slice(&contact);
	r.no_sdp = st->request->s.body.l == 0;
	answer_sdp(call, &b, &r, &sdp);
	strans_reply(st, &b, NULL, NULL);
	buf_free(&sdp);
	buf_free(&contact);
}

static void answer_request(struct call *call, struct strans *st)
{
	static const struct build_header allow = {{"Allow", 5}, {UA_ALLOW, sizeof(UA_ALLOW) - 1}};
	struct ua *ua = call->ua;
	const struct scan *s = &st->request->s;
	bool invite = slice_eq(s->method, SLICE_LIT("INVITE"));
	bool update = slice_eq(s->method, SLICE_LIT("UPDATE"));

	/* RFC 3261 12.2.2: a CSeq out of order is refused, the target is refreshed by INVITE and UPDATE. */
	if (call->dialog->remote_cseq && s->cseq < call->dialog->remote_cseq && ua_answers(ua, UA_ANSWER(ORDER))) {
		ua_reply(ua, st, 500, NULL, NULL, 0);
		return;
	}
	call->dialog->remote_cseq = s->cseq;
	if (invite || update)
		dialog_refresh_target(call->dialog, st->request);
	if (invite) { /* whoever answers it, answers through the call */
		mem_deref(call->request);
		call->request = mem_ref(st->request);
		strans_detach(call->server);
		mem_deref(call->server);
		call->server = mem_ref(st);
	}
	if (slice_eq(s->method, SLICE_LIT("BYE")) && ua_answers(ua, UA_ANSWER(BYE))) {
		on_bye(call, st);
		return;
	}
	if (call->claims && tell(call, CALL_REQUEST, st->request, st, NULL))
		return;
	if (ua_answers(ua, UA_ANSWER(REQUIRE)) && ua_refuse_require(ua, st))
		return;
	if (invite && ua_answers(ua, UA_ANSWER(REINVITE)))
		answer_again(call, st, true);
	else if (update && ua_answers(ua, UA_ANSWER(UPDATE)))
		answer_again(call, st, false);
	else if ((slice_eq(s->method, SLICE_LIT("INFO")) && ua_answers(ua, UA_ANSWER(INFO))) ||
		 (slice_eq(s->method, SLICE_LIT("OPTIONS")) && ua_answers(ua, UA_ANSWER(OPTIONS))))
		ua_reply(ua, st, 200, NULL, NULL, 0);
	else if (!tell(call, CALL_REQUEST, st->request, st, NULL) && ua_answers(ua, UA_ANSWER(METHOD)))
		ua_reply(ua, st, 405, NULL, &allow, 1);
}

static bool on_dialog_request(struct dialog *d, struct msg *m, void *arg)
{
	struct call *call = arg;
	struct strans *st;
	struct strans_opts opts = {.timers = call->ua->ep->timers};

	(void)d;
	mem_ref(call);
	if (slice_eq(m->s.method, SLICE_LIT("ACK"))) {
		on_ack(call, m);
	} else if (strans_create(&st, call->ua->ep, m, &opts, NULL, NULL, NULL) == 0) {
		answer_request(call, st);
		mem_deref(st);
	}
	mem_deref(call);
	return true;
}

bool call_in_dialog(struct endpoint *ep, struct msg *m)
{
	struct dialog *d = m->s.to_tag.p ? dialog_find(ep, &m->s) : NULL;
	bool taken = false;

	if (d && d->h && !(m->s.flaws & ~SCAN_BODY_LONG)) {
		mem_ref(d);
		taken = d->h(d, m, d->arg);
		mem_deref(d);
	}
	return taken;
}
