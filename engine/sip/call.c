#include "sip/call_priv.h"

#include "core/mem.h"
#include "sip/route.h"
#include "sip/sdp.h"

#include <stdio.h>

const char *call_state_name(enum call_state s)
{
	static const char *const names[] = {"calling", "proceeding", "incoming", "confirmed", "terminated"};

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
	while (call->others) {
		struct dialog *next = call->others->next;
		mem_deref(call->others);
		call->others = next;
	}
	mem_deref(call->ack);
	mem_deref(call->answer);
	mem_deref(call->answered);
	auth_free(&call->auth);
}

bool call_tell(struct call *call, enum call_event ev, struct msg *m, struct strans *st, const char *why)
{
	return call->h && call->h(call, ev, m, st, why, call->arg);
}

uint64_t call_now(const struct call *call)
{
	return loop_now(call->ua->ep->loop);
}

void call_end(struct call *call, const char *by)
{
	if (call->state == CALL_TERMINATED)
		return;
	call->state = CALL_TERMINATED;
	call->ended_by = by;
	call->at.ended = call_now(call);
	tmr_cancel(&call->repeat);
	tmr_cancel(&call->give_up);
	call_tell(call, CALL_ENDED, NULL, NULL, by);
}

struct call *call_alloc(struct ua *ua)
{
	struct call *call = mem_zalloc(sizeof(*call), destroy);

	if (!call)
		return NULL;
	call->ua = ua;
	call->cseq = 1;
	call->at.invite = call->at.trying = call->at.ringing = CALL_NOT_YET;
	call->at.answered = call->at.acked = call->at.ended = CALL_NOT_YET;
	/* A port and a session id for the description; media of our own will bind the port. */
	call->media_port = (uint16_t)(20000 + 2 * rnd_below(&ua->ep->ids, 10000));
	call->session = call->version = rnd_below(&ua->ep->ids, 1u << 30) + 1;
	return call;
}

void call_put_sdp(struct call *call, struct buf *out, struct slice offer)
{
	const char *direction = sdp_answer_direction(offer);

	/* RFC 3264 8: the version counts what changed. */
	if (call->direction && strcmp(call->direction, direction))
		call->version++;
	call->direction = direction;
	sdp_audio(out, endpoint_local(call->ua->ep), call->media_port, call->session, call->version, direction);
}

struct build_header *call_with_allow(const struct build_header *extra, unsigned *count)
{
	static const struct build_header allow = {{"Allow", 5}, {UA_ALLOW, sizeof(UA_ALLOW) - 1}};
	struct build_header *all = mem_zalloc((*count + 1) * sizeof(*all), NULL);
	bool there = false;

	if (!all)
		return NULL;
	for (unsigned i = 0; i < *count; i++) {
		all[i] = extra[i];
		there = there || hdr_lookup(extra[i].name) == HDR_ALLOW;
	}
	if (!there)
		all[(*count)++] = allow;
	return all;
}

void call_draft_free(struct call_draft *d)
{
	buf_free(&d->via);
	buf_free(&d->contact);
	buf_free(&d->lines);
	buf_free(&d->out);
}

/* RFC 3261 table 2, RFC 3262 table 1, RFC 6086 5.2: these have no Contact. */
static bool takes_contact(struct slice method)
{
	return !slice_eq(method, SLICE_LIT("BYE")) && !slice_eq(method, SLICE_LIT("PRACK")) &&
	       !slice_eq(method, SLICE_LIT("INFO")) && !slice_eq(method, SLICE_LIT("MESSAGE"));
}

/* Builds a request within the dialog into d->out. d->lines may hold credentials. */
int call_draft_build(struct call_draft *d, struct call *call, struct dialog *dlg, struct slice method, uint32_t cseq,
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
	if ((!u || !u->no_contact) && takes_contact(method))
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

int call_next_hop(struct addr *dst, const struct call *call, const struct dialog *dlg, struct err *e)
{
	struct endpoint *ep = call->ua->ep;

	return route_resolve(dst, dialog_next_hop(dlg), !loop_is_virtual(ep->loop), addr_is_v6(endpoint_local(ep)), e);
}

int call_request(struct uac **uacp, struct call *call, struct slice method, const struct ua_request *u, uac_response_h *h,
		 void *arg, struct err *e)
{
	struct call_draft d = {0};
	struct ua_request offering;
	struct buf sdp = {0};
	struct msg *m = NULL;
	struct addr dst;
	bool invite = slice_eq(method, SLICE_LIT("INVITE"));
	int err;

	if (!call->dialog) {
		err = err_set(e, ERR_NOT_NOW, "%.*s needs a dialog, and the call has none yet: it is %s", SLICE_ARG(method),
			      call_state_name(call->state));
		goto out;
	}
	if (invite && !(u && u->no_sdp) && !(u && u->body.p)) { /* a re-INVITE offers the session as it is */
		offering = u ? *u : (struct ua_request){0};
		call_put_sdp(call, &sdp, SLICE_NONE);
		offering.body = buf_slice(&sdp);
		offering.content_type = SLICE_LIT("application/sdp");
		u = &offering;
	}
	uint32_t cseq = u && u->cseq ? u->cseq : call->dialog->local_cseq + 1;
	err = u && u->dst ? (dst = *u->dst, 0) : call_next_hop(&dst, call, call->dialog, e);
	if (err)
		goto out;
	auth_begin(&call->auth);
	if (call->auth.count) {
		/* For the Request-URI as it will stand there, a strict router's too. */
		struct build_request probe = {0};
		struct slice routes[DIALOG_MAX_ROUTES + 1];
		dialog_request(call->dialog, &probe, routes);
		struct slice uri = u && u->uri.p ? u->uri : probe.uri;
		err = auth_lines(&call->auth, &d.lines, &call->ua->cfg.account, method, uri, u ? u->body : SLICE_NONE,
				 &call->ua->ep->ids, e);
		if (err)
			goto out;
	}
	err = call_draft_build(&d, call, call->dialog, method, cseq, u, e);
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
	if (!err && invite)
		call_watch_reinvite(call, *uacp);
out:
	mem_deref(m);
	buf_free(&sdp);
	call_draft_free(&d);
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
		call_end(call, "local BYE");
		mem_deref(call);
	}
	return err;
}

/* --- requests within the dialog --- */

static void on_bye(struct call *call, struct strans *st)
{
	/* An INVITE of theirs still open is over too (RFC 3261 15.1.2). */
	if (call->server && call->server->ep &&
	    (call->server->state == TRANS_TRYING || call->server->state == TRANS_PROCEEDING)) {
		struct build_response r = {.status = 487};
		strans_reply(call->server, &r, NULL, NULL);
	}
	ua_reply(call->ua, st, 200, NULL, NULL, 0);
	call_tell(call, CALL_BYE, st->request, st, NULL);
	call_end(call, "remote BYE");
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
	call_answer_sdp(call, &b, &r, st->request, &sdp);
	strans_reply(st, &b, NULL, NULL);
	buf_free(&sdp);
	buf_free(&contact);
}

/* RFC 3261 14.2: one INVITE at a time within a dialog. */
static bool refuse_glare(struct call *call, struct strans *st)
{
	char seconds[4];
	struct build_header retry = {SLICE_LIT("Retry-After"), {seconds, 0}};

	if (!ua_answers(call->ua, UA_ANSWER(GLARE)))
		return false;
	if (call->server && call->server->ep &&
	    (call->server->state == TRANS_TRYING || call->server->state == TRANS_PROCEEDING)) {
		retry.value.l = (size_t)snprintf(seconds, sizeof(seconds), "%u", (unsigned)rnd_below(&call->ua->ep->ids, 11));
		ua_reply(call->ua, st, 500, NULL, &retry, 1);
		return true;
	}
	if (call->reinvite)
		ua_reply(call->ua, st, 491, NULL, NULL, 0);
	return call->reinvite != NULL;
}

/* What no answer of our own is for: a method that is not supported is refused, else it waits for the user. */
static void refuse_or_tell(struct call *call, struct strans *st)
{
	struct verdict v = {0};

	verdict_on_method(&v, &st->request->s, call->ua->cfg.answers);
	if (v.status)
		ua_reply(call->ua, st, v.status, NULL, &v.header, v.header.name.l ? 1 : 0);
	else
		call_tell(call, CALL_REQUEST, st->request, st, NULL);
	verdict_free(&v);
}

/* After the end there is no dialog (RFC 3261 12.2.2), but a BYE may cross ours (15.1.2). */
static void answer_late(struct call *call, struct strans *st)
{
	bool bye = slice_eq(st->request->s.method, SLICE_LIT("BYE"));
	bool crossing = bye && call->ended_by && !strcmp(call->ended_by, "local BYE");

	if (crossing ? ua_answers(call->ua, UA_ANSWER(BYE)) : ua_answers(call->ua, UA_ANSWER(STRAY)))
		ua_reply(call->ua, st, crossing ? 200 : 481, NULL, NULL, 0);
	else
		call_tell(call, CALL_REQUEST, st->request, st, NULL);
}

static void answer_request(struct call *call, struct strans *st)
{
	struct ua *ua = call->ua;
	const struct scan *s = &st->request->s;
	bool invite = slice_eq(s->method, SLICE_LIT("INVITE"));
	bool update = slice_eq(s->method, SLICE_LIT("UPDATE"));

	if (call->state == CALL_TERMINATED) {
		answer_late(call, st);
		return;
	}
	/* RFC 3261 12.2.2: a CSeq out of order is refused, the target is refreshed by INVITE and UPDATE. */
	if (call->dialog->remote_cseq && s->cseq < call->dialog->remote_cseq && ua_answers(ua, UA_ANSWER(ORDER))) {
		ua_reply(ua, st, 500, NULL, NULL, 0);
		return;
	}
	call->dialog->remote_cseq = s->cseq;
	if (invite && refuse_glare(call, st))
		return;
	if (invite || update)
		dialog_refresh_target(call->dialog, st->request);
	if (invite) { /* whoever answers it, answers through the call */
		mem_deref(call->request);
		call->request = mem_ref(st->request);
		strans_detach(call->server);
		mem_deref(call->server);
		call->server = mem_ref(st);
	}
	if (slice_eq(s->method, SLICE_LIT("BYE"))) {
		if (ua_answers(ua, UA_ANSWER(BYE))) {
			on_bye(call, st);
			return;
		}
		call_tell(call, CALL_BYE, st->request, st, NULL);
	}
	if (ua_claimed(&call->claims, s->method) && call_tell(call, CALL_REQUEST, st->request, st, NULL))
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
	else
		refuse_or_tell(call, st);
}

static bool on_dialog_request(struct dialog *d, struct msg *m, void *arg)
{
	struct call *call = arg;
	struct strans *st;
	struct strans_opts opts = {.timers = call->ua->ep->timers};

	(void)d;
	mem_ref(call);
	if (slice_eq(m->s.method, SLICE_LIT("ACK"))) {
		call_receive_ack(call, m);
	} else if (strans_create(&st, call->ua->ep, m, &opts, NULL, NULL, NULL) == 0) {
		answer_request(call, st);
		mem_deref(st);
	}
	mem_deref(call);
	return true;
}

int call_enter_dialog(struct call *call, struct dialog *d)
{
	return dialog_enter(d, call->ua->ep, on_dialog_request, call);
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
