#include "sip/call_priv.h"

#include "core/mem.h"
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

int call_request(struct uac **uacp, struct call *call, struct slice method, const struct ua_request *u, uac_response_h *h,
		 void *arg, struct err *e)
{
	struct ua_request offering;
	struct buf sdp = {0};
	bool invite = slice_eq(method, SLICE_LIT("INVITE"));
	int err;

	if (!call->dialog)
		return err_set(e, ERR_NOT_NOW, "%.*s needs a dialog, and the call has none yet: it is %s", SLICE_ARG(method),
			       call_state_name(call->state));
	if (invite && !(u && u->no_sdp) && !(u && u->body.p)) { /* a re-INVITE offers the session as it is */
		offering = u ? *u : (struct ua_request){0};
		call_put_sdp(call, &sdp, SLICE_NONE);
		offering.body = buf_slice(&sdp);
		offering.content_type = SLICE_LIT("application/sdp");
		u = &offering;
	}
	err = within_request(uacp, call->ua, call->dialog, &call->auth, method, u, h, arg, e);
	if (!err && invite)
		call_watch_reinvite(call, *uacp);
	buf_free(&sdp);
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
