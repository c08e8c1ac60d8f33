#include "sip/call_priv.h"

#include "core/mem.h"
#include "sip/sdp.h"
#include "sip/subscription.h"

#include <stdarg.h>
#include <stdio.h>

const char *call_state_name(enum call_state s)
{
	static const char *const names[] = {"calling", "proceeding", "incoming", "confirmed", "terminated"};

	return names[s];
}

static void destroy(void *p)
{
	struct call *call = p;

	call_take_server(call, NULL);
	mem_deref(call->invite);
	mem_deref(call->bye);
	mem_deref(call->request);
	mem_deref(call->rest);
	mem_deref(call->client);
	ctrans_detach(call->alone);
	mem_deref(call->alone);
	mem_deref(call->timer);
	reliable_free(call);
	call_retry_cancel(call);
	while (call->dialogs) {
		struct dialog *next = call->dialogs->next;
		dialog_leave(call->dialogs);
		/* The script may keep the dialog, but not what answers challenges from our `auth`. */
		dialog_let_go(call->dialogs);
		mem_deref(call->dialogs);
		call->dialogs = next;
	}
	mem_deref(call->replaces);
	mem_deref(call->answer);
	auth_free(&call->auth);
	ua_claims_free(&call->claims);
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
	call_stop_answer(call, call->dialog);
	reliable_stop(call);
	session_timer_stop(call);
	/* Its own dialog, and what is early: a kept fork lives on. */
	for (struct dialog *d = call->dialogs; d; d = d->next)
		d->over = d->over || d == call->dialog || !d->confirmed;
	call_tell(call, CALL_ENDED, NULL, NULL, by);
}

/* An INVITE of theirs still open is over with the call (RFC 3261 15.1.2). */
static void refuse_waiting(struct call *call)
{
	if (call_waits_for_answer(call))
		strans_reply(call->server, &(struct build_response){.status = 487}, NULL, NULL);
}

void call_hang_up(struct call *call, const char *by)
{
	struct uac *bye;

	if (call->state != CALL_CONFIRMED)
		return;
	refuse_waiting(call);
	if (call_request(&bye, call, NULL, SLICE_LIT("BYE"), NULL, NULL, NULL, NULL) == 0) {
		mem_deref(call->bye);
		call->bye = bye;
	}
	call_end(call, by);
}

void call_hang_up_fork(struct call *call, struct dialog *d)
{
	if (within_request(&d->bye, call->ua, d, &call->auth, SLICE_LIT("BYE"), NULL, NULL, NULL, NULL))
		d->bye = NULL;
	d->over = true;
}

struct call *call_alloc(struct ua *ua, const struct session_opts *session)
{
	struct call *call = mem_zalloc(sizeof(*call), destroy);

	if (!call || session_timer_init(call, session))
		return mem_deref(call);
	call->ua = ua;
	ua_claims_copy(&call->claims, &ua->in_calls);
	call->wanted = sdp_direction(SLICE_LIT("sendrecv"));
	call->cseq = 1;
	call->at.invite = call->at.trying = call->at.ringing = CALL_NOT_YET;
	call->at.answered = call->at.acked = call->at.ended = CALL_NOT_YET;
	/* A port and a session id for the description; media of our own will bind the port. */
	call->media_port = (uint16_t)(20000 + 2 * rnd_below(&ua->ep->ids, 10000));
	call->session = call->version = (uint32_t)rnd_below(&ua->ep->ids, 1u << 30) + 1;
	return call;
}

/* What stands behind the o= line, the second. */
static uint64_t described(const struct buf *out, size_t from)
{
	const char *p = (const char *)out->p + from, *end = (const char *)out->p + out->len;

	for (int line = 0; line < 2 && p; line++) {
		p = memchr(p, '\n', (size_t)(end - p));
		p = p ? p + 1 : NULL;
	}
	return p ? slice_hash(SLICE_HASH_SEED, slice_between(p, end)) : 0;
}

void call_put_sdp(struct call *call, struct buf *out, struct slice offer)
{
	struct sdp_own own = {endpoint_local(call->ua->ep), call->media_port, call->session, call->version, call->wanted};
	size_t from = out->len;

	for (int i = 0; i < 2; i++) {
		out->len = from;
		offer.l ? sdp_answer(out, &own, offer) : sdp_offer(out, &own);
		uint64_t now = out->failed ? 0 : described(out, from);
		if (!call->described || call->described == now) {
			call->described = now;
			return;
		}
		/* RFC 3264 8: the version counts what changed. */
		own.version = ++call->version;
		call->described = now;
	}
}

int call_headers_init(struct call_headers *x, const struct build_header *extra, unsigned count)
{
	x->used = 0;
	x->count = count;
	x->all = x->few;
	if (count > CALL_HEADERS_MAX)
		x->all = mem_zalloc((count + CALL_HEADERS_MAX) * sizeof(*x->all), NULL);
	x->present = 0;
	for (unsigned i = 0; x->all && i < count; i++) {
		x->all[i] = extra[i];
		x->present |= 1ull << hdr_lookup(extra[i].name);
	}
	return x->all ? 0 : ERR_NOMEM;
}

/* False if there is one already. */
static bool takes(struct call_headers *x, enum hdr_id id)
{
	if (x->present & 1ull << id)
		return false;
	x->present |= 1ull << id;
	return true;
}

void call_headers_add(struct call_headers *x, enum hdr_id id, struct slice value)
{
	if (takes(x, id))
		x->all[x->count++] = (struct build_header){hdr_text(id), value};
}

void call_headers_print(struct call_headers *x, enum hdr_id id, const char *fmt, ...)
{
	char *value = x->values[x->used];
	va_list args;

	if (!takes(x, id))
		return;
	va_start(args, fmt);
	vsnprintf(value, sizeof(x->values[0]), fmt, args);
	va_end(args);
	x->used++;
	x->all[x->count++] = (struct build_header){hdr_text(id), slice_str(value)};
}

void call_headers_free(struct call_headers *x)
{
	if (x->all != x->few)
		mem_deref(x->all);
	x->all = NULL;
}

struct dialog *call_dialog_of(const struct call *call, struct slice remote_tag)
{
	struct dialog *d = call->dialogs;

	while (d && !(d->ep && slice_eq(dialog_texts(d).remote_tag, remote_tag)))
		d = d->next;
	return d;
}

bool call_waits_for_answer(const struct call *call)
{
	return call->server && call->server->ep &&
	       (call->server->state == TRANS_TRYING || call->server->state == TRANS_PROCEEDING);
}

int call_request(struct uac **uacp, struct call *call, struct dialog *d, struct slice method, const struct ua_request *u,
		 uac_response_h *h, void *arg, struct err *e)
{
	struct ua_request r = u ? *u : (struct ua_request){0};
	struct call_headers x; /* too large to be cleared for each request that has none */
	struct buf sdp = {0};
	bool invite = slice_eq(method, SLICE_LIT("INVITE")), update = slice_eq(method, SLICE_LIT("UPDATE"));
	int err;

	x.all = NULL;
	if (!d)
		d = call->dialog;
	if (!d)
		return err_set(e, ERR_NOT_NOW, "%.*s needs a dialog, and the call has none yet: it is %s", SLICE_ARG(method),
			       call_state_name(call->state));
	const char *before = call->wanted;
	if (r.direction)
		call->wanted = r.direction;
	if ((invite || r.sdp) && !r.no_sdp && !r.body.p) { /* a re-INVITE offers the session as it is */
		call_put_sdp(call, &sdp, SLICE_NONE);
		r.body = buf_slice(&sdp);
		r.content_type = SLICE_LIT("application/sdp");
	}
	if (invite || update) {
		err = call_headers_init(&x, r.extra, r.extra_count);
		if (err)
			goto out;
		session_timer_ask(call, &x);
		if (session_timer_of(call)->expires || session_timer_of(call)->opts.expires)
			call_headers_add(&x, HDR_SUPPORTED, SLICE_LIT("timer"));
		r.extra = x.all;
		r.extra_count = x.count;
	}
	err = within_request(uacp, call->ua, d, &call->auth, method, &r, h, arg, e);
	if (!err && (invite || update))
		call_watch_offer(call, *uacp, &r, before);
out:
	if (err)
		call->wanted = before;
	call_headers_free(&x);
	buf_free(&sdp);
	return err;
}

int call_bye(struct uac **uacp, struct call *call, struct dialog *d, const struct ua_request *u, uac_response_h *h, void *arg,
	     struct err *e)
{
	int err;

	if (d && d != call->dialog) {
		if (d->over)
			return err_set(e, ERR_NOT_NOW, "no BYE: this dialog is over");
		err = call_request(uacp, call, d, SLICE_LIT("BYE"), u, h, arg, e);
		d->over = d->over || !err;
		return err;
	}
	if (call->state != CALL_CONFIRMED && !(call->state == CALL_PROCEEDING && call->dialog))
		return err_set(e, ERR_NOT_NOW, "no BYE: the call is %s%s%s%s", call_state_name(call->state),
			       call->ended_by ? " (" : "", call->ended_by ? call->ended_by : "", call->ended_by ? ")" : "");
	err = call_request(uacp, call, d, SLICE_LIT("BYE"), u, h, arg, e);
	if (!err) {
		mem_ref(call);
		call_end(call, "local BYE");
		mem_deref(call);
	}
	return err;
}

/* --- requests within the dialog --- */

static void on_bye(struct call *call, struct dialog *d, struct strans *st)
{
	if (d != call->dialog) { /* of another fork */
		call_stop_answer(call, d);
		ua_reply(call->ua, st, 200, NULL, NULL, 0);
		d->over = true;
		return;
	}
	refuse_waiting(call);
	ua_reply(call->ua, st, 200, NULL, NULL, 0);
	call_tell(call, CALL_BYE, st->request, st, NULL);
	call_end(call, "remote BYE");
}

/* The 200 to an UPDATE or PRACK: with an answer where it brings an offer. */
static void answer_offer(struct call *call, struct strans *st, bool offers)
{
	struct call_reply r = {.status = 200, .no_sdp = !offers};
	struct build_response b = {.status = 200};
	struct buf sdp = {0};
	struct call_headers x;

	if (call_headers_init(&x, NULL, 0))
		return; /* the other side asks again */
	if (slice_eq(st->request->s.method, SLICE_LIT("UPDATE"))) { /* a target refresh, and of the session */
		b.contact = call->ua->contact_value;
		if (ua_answers(call->ua, UA_ANSWER(SESSION)))
			session_timer_answer(call, &st->request->s, &x);
	}
	b.extra = x.all;
	b.extra_count = x.count;
	if (!call_answer_sdp(call, &b, &r, st->request, &sdp))
		strans_reply(st, &b, NULL, NULL);
	call_headers_free(&x);
	buf_free(&sdp);
}

/* Whether an offer of ours waits for its answer: one within the call, or that of the INVITE that began it. */
static bool offers(const struct call *call, const struct dialog *d)
{
	bool calling = call->state == CALL_CALLING || call->state == CALL_PROCEEDING;

	return call->offering || (calling && call_sdp_of(call->request).l && !d->settled);
}

/* RFC 3261 14.2, RFC 3311 5.2: one offer at a time within a dialog. */
static bool refuse_glare(struct call *call, struct dialog *d, struct strans *st)
{
	bool invite = slice_eq(st->request->s.method, SLICE_LIT("INVITE"));
	char seconds[4];
	struct build_header retry = {SLICE_LIT("Retry-After"), {seconds, 0}};

	if (!ua_answers(call->ua, UA_ANSWER(GLARE)) || (!invite && !call_sdp_of(st->request).l))
		return false;
	/* Ours is open; the INVITE that began the call is an INVITE on each fork's dialog too, until that fork's 2xx. */
	if (offers(call, d) || (invite && call->outgoing && !d->confirmed)) {
		ua_reply(call->ua, st, 491, NULL, NULL, 0);
		return true;
	}
	/* Theirs is open. An UPDATE may come before the INVITE's final response, but not before its offer was answered: what was
	 * answered, a script knows. */
	if (!invite || !call_waits_for_answer(call))
		return false;
	retry.value.l = (size_t)snprintf(seconds, sizeof(seconds), "%u", (unsigned)rnd_below(&call->ua->ep->ids, 11));
	ua_reply(call->ua, st, 500, NULL, &retry, 1);
	return true;
}

/* RFC 4028 9 */
static bool refuse_interval(struct call *call, struct strans *st)
{
	struct call_headers x;
	uint32_t least;

	if (!ua_answers(call->ua, UA_ANSWER(SESSION)) || !session_timer_too_small(call, &st->request->s, &least) ||
	    call_headers_init(&x, NULL, 0))
		return false;
	call_headers_print(&x, HDR_MIN_SE, "%u", least);
	ua_reply(call->ua, st, 422, NULL, x.all, x.count);
	call_headers_free(&x);
	return true;
}

static void on_prack(struct call *call, struct strans *st)
{
	if (!reliable_acknowledged(call, st->request)) {
		ua_reply(call->ua, st, 481, NULL, NULL, 0);
		return;
	}
	struct msg *invite = call_invite_msg(call);
	/* It has an offer, unless that of the INVITE's own is what it answers (RFC 3262 5). */
	answer_offer(call, st, call_sdp_of(st->request).l && invite && call_sdp_of(invite).l);
	call_tell(call, CALL_PRACK, st->request, st, NULL);
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

/* After the end there is no dialog (RFC 3261 12.2.2), but a BYE may cross ours (15.1.2), and a PRACK our final response (RFC 3262 3). */
static void answer_late(struct call *call, struct dialog *d, struct strans *st)
{
	struct slice method = st->request->s.method;
	bool local = d != call->dialog || (call->ended_by && !strcmp(call->ended_by, "local BYE"));
	bool crossing = slice_eq(method, SLICE_LIT("BYE")) && local;

	if (slice_eq(method, SLICE_LIT("PRACK")) && ua_answers(call->ua, UA_ANSWER(PRACK)))
		on_prack(call, st);
	else if (crossing ? ua_answers(call->ua, UA_ANSWER(BYE)) : ua_answers(call->ua, UA_ANSWER(STRAY)))
		ua_reply(call->ua, st, crossing ? 200 : 481, NULL, NULL, 0);
	else
		call_tell(call, CALL_REQUEST, st->request, st, NULL);
}

static void answer_request(struct call *call, struct dialog *d, struct strans *st)
{
	struct ua *ua = call->ua;
	const struct scan *s = &st->request->s;
	bool invite = slice_eq(s->method, SLICE_LIT("INVITE"));
	bool update = slice_eq(s->method, SLICE_LIT("UPDATE"));

	if (subscription_in_dialog(d, st)) /* it may outlast the call (RFC 5057 4) */
		return;
	if (d->over) {
		answer_late(call, d, st);
		return;
	}
	/* RFC 3261 12.2.2: a CSeq out of order is refused, the target is refreshed by INVITE and UPDATE. */
	if (d->remote_cseq && s->cseq < d->remote_cseq && ua_answers(ua, UA_ANSWER(ORDER))) {
		ua_reply(ua, st, 500, NULL, NULL, 0);
		return;
	}
	d->remote_cseq = s->cseq;
	if ((invite || update) && (refuse_glare(call, d, st) || refuse_interval(call, st)))
		return;
	if (invite) { /* whoever answers it, answers through the call */
		mem_deref(call->request);
		call->request = mem_ref(st->request);
		if (call_waits_for_answer(call)) /* glare is switched off: the one before can be answered no more */
			strans_reply(call->server, &(struct build_response){.status = 500}, NULL, NULL);
		call_take_server(call, st);
	}
	if (slice_eq(s->method, SLICE_LIT("BYE"))) {
		if (ua_answers(ua, UA_ANSWER(BYE))) {
			on_bye(call, d, st);
			return;
		}
		call_tell(call, CALL_BYE, st->request, st, NULL);
	}
	if (ua_claimed(&call->claims, s->method)) {
		if (invite || update) /* what the user will say of it is not known yet */
			dialog_refresh_target(d, st->request);
		if (call_tell(call, CALL_REQUEST, st->request, st, NULL))
			return;
	}
	if (ua_answers(ua, UA_ANSWER(REQUIRE)) && ua_refuse_require(ua, st))
		return;
	if ((invite || update) && call_refuse_offer(call, st))
		return;
	if (invite || update) /* a request that is refused changes nothing (RFC 3261 12.2.2) */
		dialog_refresh_target(d, st->request);
	if (invite && ua_answers(ua, UA_ANSWER(REINVITE)))
		call_reply(call, &(struct call_reply){.status = 200}, NULL, NULL); /* the session as it was (RFC 3261 14.2) */
	else if (update && ua_answers(ua, UA_ANSWER(UPDATE)))
		answer_offer(call, st, call_sdp_of(st->request).l);
	else if (slice_eq(s->method, SLICE_LIT("PRACK")) && ua_answers(ua, UA_ANSWER(PRACK)))
		on_prack(call, st);
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
	struct strans_opts opts = {.no_cancel = !ua_answers(call->ua, UA_ANSWER(CANCEL))};

	mem_ref(call);
	if (slice_eq(m->s.method, SLICE_LIT("ACK"))) {
		call_receive_ack(call, m);
	} else if (strans_create(&st, call->ua->ep, m, &opts, NULL, NULL, NULL) == 0) {
		answer_request(call, d, st);
		strans_release(st);
		/* With glare switched off: an INVITE took the place of the first one and was refused, and nothing waits any more. */
		if (call->state == CALL_INCOMING && !call_waits_for_answer(call))
			call_end(call, "final response");
	}
	mem_deref(call);
	return true;
}

int call_enter_dialog(struct call *call, struct dialog *d)
{
	struct dialog **pp = &call->dialogs;

	while (*pp)
		pp = &(*pp)->next;
	*pp = d;
	return dialog_enter(d, call->ua->ep, on_dialog_request, call);
}

struct call *call_of(struct dialog *d)
{
	return d && d->h == on_dialog_request ? d->arg : NULL;
}

bool call_in_dialog(struct endpoint *ep, struct dialog *d, struct msg *m)
{
	bool taken = false;

	(void)ep;
	if (d && d->h && !(m->s.flaws & ~SCAN_BODY_LONG)) {
		mem_ref(d);
		taken = d->h(d, m, d->arg);
		mem_deref(d);
	}
	return taken;
}
