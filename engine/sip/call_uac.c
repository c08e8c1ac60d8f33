/* The caller's side: INVITE, its responses, ACK and CANCEL. RFC 3261 13.2, 9.1 */
#include "sip/call_priv.h"

#include "core/mem.h"
#include "sip/meter.h"
#include "sip/route.h"
#include "sip/value.h"

#include <stdio.h>

/* The credentials of the INVITE go into its ACK (RFC 3261 13.2.2.4, 22.1). */
static void put_credentials(struct buf *out, const struct scan *invite)
{
	if (!scan_has(invite, HDR_AUTHORIZATION) && !scan_has(invite, HDR_PROXY_AUTHORIZATION))
		return;
	for (unsigned i = 0; i < invite->header_count; i++)
		if (invite->headers[i].id == HDR_AUTHORIZATION || invite->headers[i].id == HDR_PROXY_AUTHORIZATION)
			buf_put_slice(out, build_line(invite, i));
}

static int send_ack(struct call *call, struct dialog *dlg, const struct scan *invite, struct kept **keep,
		    const struct ua_request *u, struct msg **mp, struct err *e)
{
	struct ua *ua = call->ua;
	struct buf lines = {0}, b = {0};
	struct addr dst;
	struct msg *m = NULL;
	int err = within_next_hop(&dst, ua, dlg, e);

	if (err)
		return err;
	put_credentials(&lines, invite);
	err = within_build(&b, ua, dlg, SLICE_LIT("ACK"), invite->cseq, u, buf_slice(&lines), e);
	if (!err)
		err = lines.failed ? ERR_NOMEM : endpoint_send(ua->ep, buf_slice(&b), &dst, &m, e);
	if (!err && call->at.acked == CALL_NOT_YET)
		call->at.acked = call_now(call);
	if (!err) {
		mem_deref(*keep);
		*keep = msg_rest(&ua->ep->sb->models, m); /* without memory it is not repeated */
	}
	if (!err && mp)
		*mp = mem_ref(m);
	mem_deref(m);
	buf_free(&lines);
	buf_free(&b);
	return err;
}

/* A reference to our INVITE, as it was sent last; NULL for want of memory. */
static struct msg *own_invite(const struct call *call)
{
	struct msg *m = NULL;

	if (call->invite)
		m = mem_ref(call->invite->request);
	else if (call->rest)
		msg_wake(&m, call->rest);
	return m;
}

int call_ack(struct call *call, struct dialog *d, const struct ua_request *u, struct msg **mp, struct err *e)
{
	if (!d)
		d = call->dialog;
	if (!call->outgoing || !d || !d->confirmed)
		return err_set(e, ERR_NOT_NOW, "there is no 2xx to acknowledge: the call is %s", call_state_name(call->state));
	struct msg *invite = own_invite(call);
	if (!invite)
		return err_set(e, ERR_NOMEM, "out of memory for an ACK");
	int err = send_ack(call, d, &invite->s, &d->ack, u, mp, e);
	mem_deref(invite);
	return err;
}

/* That which a request within the call went out in: a kept fork has its own. */
static struct dialog *dialog_of(const struct call *call, const struct uac *uac)
{
	return call_dialog_of(call, uac->request->s.to_tag);
}

int call_ack_reinvite(struct call *call, struct uac *uac, const struct ua_request *u, struct msg **mp, struct err *e)
{
	struct dialog *d = dialog_of(call, uac);

	if (!uac->answered || !d)
		return err_set(e, ERR_NOT_NOW, "there is no 2xx to acknowledge");
	return send_ack(call, d, &uac->request->s, &uac->ack, u, mp, e);
}

/* Acknowledges a 2xx. If that brought the offer, the answer goes with the ACK (RFC 3261 13.2.2.4). */
static void acknowledge(struct call *call, struct dialog *d, const struct msg *invite, const struct msg *answer, struct kept **keep)
{
	struct buf sdp = {0};
	struct ua_request u = {0};
	struct err e = {0};
	char text[sizeof(e.text) + 80];

	/* If a reliable provisional of this INVITE brought it, the PRACK had the answer (RFC 3262 5). */
	if (!call_sdp_of(invite).l && call_sdp_of(answer).l && !(d->settled && keep == &d->ack)) {
		call_put_sdp(call, &sdp, call_sdp_of(answer));
		u.body = buf_slice(&sdp);
		u.content_type = SLICE_LIT("application/sdp");
	}
	if (send_ack(call, d, &invite->s, keep, &u, NULL, &e)) { /* nobody asked for it, so the capture is where it is told */
		snprintf(text, sizeof(text), "failed: %s sends no ACK: %s", call->ua->ep->name, e.text);
		net_comment(call->ua->ep->net, answer->frame, text);
	}
	buf_free(&sdp);
}

static void send_again(struct call *call, struct dialog *d, const struct kept *ack)
{
	struct msg *m;
	struct addr dst;

	call->repeated_2xx++;
	if (!ack || within_next_hop(&dst, call->ua, d, NULL) || msg_wake(&m, ack))
		return;
	endpoint_send_msg(call->ua->ep, m, &dst, NULL);
	mem_deref(m);
}

/* --- the same request again, for another reason than a challenge --- */

/* Header `id` of `m` with that value; after the last header if it has none. Owns `m`. */
static struct msg *with_header(struct msg *m, enum hdr_id id, const char *value)
{
	struct msg *changed = NULL;
	struct buf b = {0};
	unsigned i = 0;

	while (i < m->s.header_count && m->s.headers[i].id != id)
		i++;
	if (i < m->s.header_count)
		build_replace(&b, &m->s, i, slice_str(value));
	else
		build_insert(&b, &m->s, i, slice_str(hdr_name(id)), slice_str(value));
	if (!b.failed)
		msg_alloc(&changed, buf_slice(&b));
	buf_free(&b);
	mem_deref(m);
	return changed;
}

/* RFC 4028 7.3: the session interval was too small. */
static bool ask_longer(struct call *call, struct uac *uac, struct msg *refusal)
{
	struct addr dst = uac->dst;
	struct msg *m = NULL;
	char value[64];
	const char *who;
	struct slice old = scan_header(&uac->request->s, HDR_SESSION_EXPIRES, 0), param;
	uint32_t seconds;
	bool sent = false;

	if (!old.p || !uac_may_again(uac) || !(seconds = session_timer_larger(call, &uac->request->s, &refusal->s)) ||
	    uac_again(&m, uac->ua, uac->auth, uac->request, uac_next_cseq(uac), NULL))
		return false;
	who = !scan_param(&param, old, "refresher") ? "" : slice_case_eq(param, SLICE_LIT("uas")) ? ";refresher=uas" : ";refresher=uac";
	snprintf(value, sizeof(value), "%u%s", seconds, who);
	m = with_header(m, HDR_SESSION_EXPIRES, value);
	snprintf(value, sizeof(value), "%u", seconds);
	if (m)
		m = with_header(m, HDR_MIN_SE, value);
	if (m)
		sent = uac_send(uac, m, &dst, NULL) == 0;
	uac->again += sent;
	mem_deref(m);
	return sent;
}

/* The q of a Contact in thousandths (RFC 3261 25.1: "0" or "1" with up to three decimals); 1 without one, 0 when it is malformed. */
static unsigned q_of(struct slice contact)
{
	struct slice q;
	unsigned n;

	if (!scan_param(&q, contact, "q"))
		return 1000;
	if (!q.l || (q.p[0] != '0' && q.p[0] != '1') || (q.l > 1 && q.p[1] != '.'))
		return 0;
	n = (unsigned)(q.p[0] - '0') * 1000;
	for (size_t i = 2, unit = 100; i < q.l && unit && q.p[i] >= '0' && q.p[i] <= '9'; i++, unit /= 10)
		n += (unsigned)(q.p[i] - '0') * (unsigned)unit;
	return n;
}

/* Of the Contacts of a 3xx that are SIP URIs, the first of the highest q; `p` NULL without one. Header fields in it are for a request of
 * the user's own making (RFC 3261 8.1.3.4, 19.1.5). */
static struct slice redirect_uri(const struct msg *redirect)
{
	struct slice best = SLICE_NONE, rest, item, host;
	unsigned best_q = 0;
	uint16_t port;

	for (unsigned i = 0; i < redirect->s.header_count; i++) {
		if (redirect->s.headers[i].id != HDR_CONTACT)
			continue;
		rest = scan_value(&redirect->s, i);
		while (value_split(&item, &rest)) {
			struct slice uri = route_uri(item);
			const char *headers = uri.l ? memchr(uri.p, '?', uri.l) : NULL;
			if (headers)
				uri.l = (size_t)(headers - uri.p);
			if (!route_fits_line(uri) || route_host(&host, &port, uri, NULL) || (best.p && q_of(item) <= best_q))
				continue;
			best = uri;
			best_q = q_of(item);
		}
	}
	return best;
}

/* The request with another Request-URI. */
static int with_uri(struct msg **mp, const struct msg *m, struct slice uri)
{
	struct slice all = m->s.bytes, start = build_start_line(&m->s);
	struct buf b = {0};
	int err;

	buf_printf(&b, "%.*s %.*s SIP/2.0\r\n", SLICE_ARG(m->s.method), SLICE_ARG(uri));
	buf_put_slice(&b, (struct slice){start.p + start.l, (size_t)(all.p + all.l - start.p - start.l)});
	err = b.failed ? ERR_NOMEM : msg_alloc(mp, buf_slice(&b));
	buf_free(&b);
	return err;
}

/* RFC 3261 8.1.3.4: the INVITE again with what the 3xx says as its Request-URI; digests are made for that. */
static bool follow(struct call *call, struct uac *uac, struct msg *redirect)
{
	struct addr dst = uac->dst;
	struct msg *there = NULL, *m = NULL;
	struct slice uri = redirect_uri(redirect);
	bool sent = false;

	if (call->redirects >= call->opts.max_redirects || uac->cancelled || !uri.p)
		return false;
	if (!call->ua->route.p &&
	    route_resolve(&dst, uri, !loop_is_virtual(call->ua->ep->loop), addr_is_v6(endpoint_local(call->ua->ep)), NULL))
		return false;
	if (!with_uri(&there, uac->request, uri) && !uac_again(&m, uac->ua, uac->auth, there, uac_next_cseq(uac), NULL))
		sent = uac_send(uac, m, &dst, NULL) == 0;
	call->redirects += sent;
	mem_deref(m);
	mem_deref(there);
	return sent;
}

/* A refused offer leaves the session as it was (RFC 3261 14.1). */
static void take_back(struct call *call, struct uac *uac)
{
	if (uac->before)
		call->wanted = uac->before;
	uac->before = NULL;
}

/* An INVITE of ours within the call, and the 491 to it. */
struct glare {
	struct uac *uac;
	struct msg *refused;
	struct tmr retry;
};

static void glare_destroy(void *p)
{
	struct glare *g = p;

	tmr_cancel(&g->retry);
	mem_deref(g->uac);
	mem_deref(g->refused);
}

/* No further try: its user gets the 491. */
static void tell_glare(struct call *call)
{
	struct glare *g = call->glare;

	if (!g)
		return;
	take_back(call, g->uac);
	call->glare = NULL;
	tmr_cancel(&g->retry);
	if (g->uac->h)
		g->uac->h(g->uac, g->refused, NULL, g->uac->arg);
	mem_deref(g);
}

static void try_again(void *arg)
{
	struct call *call = mem_ref(arg);
	struct uac *uac = call->glare->uac;
	struct addr dst = uac->dst;
	struct msg *m = NULL;

	if (call->state == CALL_CONFIRMED && !call->offering && !uac->cancelled &&
	    !uac_again(&m, uac->ua, uac->auth, uac->request, uac_next_cseq(uac), NULL) && !uac_send(uac, m, &dst, NULL)) {
		uac->again++;
		call->offering = uac;
		call_retry_cancel(call);
	} else {
		tell_glare(call);
	}
	mem_deref(m);
	mem_deref(call);
}

bool call_retries(const struct call *call, const struct uac *uac)
{
	return call->glare && call->glare->uac == uac;
}

void call_retry_cancel(struct call *call)
{
	call->glare = mem_deref(call->glare);
}

/* RFC 3261 14.1: whoever made the Call-ID waits 2.1 to 4 s, the other side 0 to 2 s, in steps of 10 ms. */
static bool retry_later(struct call *call, struct uac *uac, struct msg *refused)
{
	struct glare *g = mem_zalloc(sizeof(*g), glare_destroy);
	uint64_t from = call->outgoing ? 210 : 0, to = call->outgoing ? 400 : 200;
	uint64_t wait = (from + rnd_below(&call->ua->ep->ids, to - from + 1)) * 10 * NS_PER_MS;

	tell_glare(call); /* of another one that waits */
	if (!g)
		return false;
	g->uac = mem_ref(uac);
	g->refused = mem_ref(refused);
	call->glare = g;
	tmr_start(&g->retry, call->ua->ep->loop, wait, try_again, call);
	return true;
}

/* --- responses to an INVITE or UPDATE within the call --- */

static bool on_offer_response(struct uac *uac, struct msg *m, void *arg)
{
	struct call *call = arg;
	struct dialog *d = dialog_of(call, uac);
	unsigned status = m->s.status;
	bool offering = call->offering == uac;

	if (status < 200 || (status == 422 && ask_longer(call, uac, m)))
		return status >= 200;
	if (offering)
		call->offering = NULL;
	if (status == 491 && uac->retry_glare && uac_may_again(uac) && retry_later(call, uac, m))
		return true;
	if (status >= 300)
		take_back(call, uac);
	if (status >= 300 || !d)
		return false;
	if (uac->answered) {
		send_again(call, d, uac->ack);
		return true;
	}
	uac->answered = true;
	dialog_refresh_target(d, m);
	if (d == call->dialog)
		session_timer_answered(call, &m->s);
	if (slice_eq(uac->request->s.method, SLICE_LIT("INVITE")) && !call->opts.no_ack && !uac->no_ack)
		acknowledge(call, d, uac->request, m, &uac->ack);
	return false;
}

void call_watch_offer(struct call *call, struct uac *uac, const struct ua_request *u, const char *before)
{
	uac->before = before;
	uac->first = on_offer_response;
	uac->first_arg = call;
	uac->no_ack = u->no_ack;
	uac->retry_glare = u->retry_glare;
	if (slice_eq(uac->request->s.method, SLICE_LIT("INVITE")) || call_sdp_of(uac->request).l)
		call->offering = uac;
}

/* --- responses to the INVITE --- */

static unsigned count_dialogs(const struct call *call)
{
	unsigned n = 0;

	for (struct dialog *d = call->dialogs; d; d = d->next)
		n++;
	return n;
}

/* The dialog of that response, made if it is the first of its fork. The call's is the one that answered last, until one is confirmed: a
 * fork may come back, and requests within the others may be under way. */
static struct dialog *take_dialog(struct call *call, struct msg *invite, struct msg *m)
{
	struct dialog *d = call_dialog_of(call, m->s.to_tag);
	bool open = call->state == CALL_CALLING || call->state == CALL_PROCEEDING, answer = m->s.status >= 200;

	if (!m->s.to_tag.p && !answer) /* a 2xx of an old server has none either (RFC 3261 12.1.2) */
		return NULL;
	if (d) {
		dialog_update(d, m);
	} else {
		if (count_dialogs(call) >= CALL_MAX_DIALOGS && !(open && answer))
			return NULL;
		if (dialog_uac(&d, invite, m, NULL))
			return NULL;
		if (call_enter_dialog(call, d))
			return NULL;
	}
	if (open)
		call->dialog = d;
	return d;
}

/* RFC 3261 13.2.2.3: the refusal of a try, which a next one followed, ended its early dialogs. */
static void end_early_dialogs(struct call *call)
{
	for (struct dialog *d = call->dialogs; d; d = d->next)
		if (!d->confirmed) {
			d->over = true;
			dialog_leave(d);
		}
	if (call->dialog && !call->dialog->confirmed)
		call->dialog = NULL;
}

/* The call has come to one of its moments. */
static void reach(struct call *call, uint64_t *moment, const struct msg *m, enum meter_time what)
{
	*moment = m->time;
	meter_took(call->ua->ep->sb->meter, what, call->at.invite, m->time);
}

static void on_provisional(struct call *call, struct msg *m, const char *why)
{
	struct dialog *d = NULL;

	if (call->state == CALL_CALLING)
		call->state = CALL_PROCEEDING;
	if (call->at.trying == CALL_NOT_YET)
		reach(call, &call->at.trying, m, METER_TRYING);
	if (m->s.status > 100) {
		d = take_dialog(call, call->invite->request, m);
		if (!reliable_receive(call, d, m))
			return;
		if (call->at.ringing == CALL_NOT_YET)
			reach(call, &call->at.ringing, m, METER_POST_DIAL_DELAY);
	}
	call_tell(call, CALL_RESPONSE, m, NULL, why);
}

/* RFC 3261 13.2.2.4: each fork's 2xx is acknowledged, whatever becomes of its dialog. */
void call_answered(struct call *call, struct msg *m, const char *why)
{
	bool first = call->state == CALL_CALLING || call->state == CALL_PROCEEDING;
	struct dialog *known = call_dialog_of(call, m->s.to_tag);
	bool repeated = known && known->confirmed;
	struct msg *invite;
	struct dialog *d;

	if (repeated) {
		meter_repeated(call->ua->ep->sb->meter, m, false);
		send_again(call, known, known->ack);
		return;
	}
	invite = own_invite(call);
	if (!invite) /* no memory: it is repeated */
		return;
	d = take_dialog(call, invite, m);
	if (first) {
		call->state = CALL_CONFIRMED;
		reach(call, &call->at.answered, m, METER_SETUP);
		if (call->at.ringing == CALL_NOT_YET)
			meter_took(call->ua->ep->sb->meter, METER_POST_DIAL_DELAY, call->at.invite, m->time);
		session_timer_answered(call, &m->s);
	}
	if (d) {
		/* What rang when the call ended went with it, and is back: to be hung up like any other. */
		d->over = d->over && (first || d == call->dialog);
		d->confirmed = true;
		if (d->local_cseq < call->cseq)
			d->local_cseq = call->cseq;
		if (!call->opts.no_ack)
			acknowledge(call, d, invite, m, &d->ack);
	}
	mem_deref(invite);
	if (first) {
		call_tell(call, CALL_RESPONSE, m, NULL, why);
		if (call->ends_if_answered && call->state == CALL_CONFIRMED)
			call_hang_up(call, "CANCEL, crossed by a 2xx");
	} else if (d && !d->over && call->opts.keep_forks) {
		call_tell(call, CALL_FORK, m, NULL, why);
	} else if (d && !d->over) {
		call_hang_up_fork(call, d);
	}
}

static void on_invite_response(struct uac *uac, struct msg *m, const char *why, void *arg)
{
	struct call *call = arg;
	unsigned status = m->s.status;

	mem_ref(call);
	if (call->tried != uac->request->s.cseq) {
		call->tried = uac->request->s.cseq;
		mem_deref(call->request);
		call->request = mem_ref(uac->request);
		end_early_dialogs(call);
	}
	if (status < 200) {
		on_provisional(call, m, why);
	} else if (status < 300) {
		call_answered(call, m, why);
	} else if (!(status == 422 && ask_longer(call, uac, m)) && !(status < 400 && follow(call, uac, m))) {
		call_tell(call, CALL_RESPONSE, m, NULL, why);
		call_end(call, m->locally ? m->locally : "final response");
	}
	mem_deref(call);
}

/* What the INVITE says of our extensions. */
static void put_extensions(struct call *call, struct call_headers *x, enum call_reliable r)
{
	bool timer = session_timer_of(call)->opts.expires, reliable = r == CALL_RELIABLE_SUPPORTED;

	call_headers_add(x, HDR_ALLOW, SLICE_LIT(UA_ALLOW));
	if (reliable || timer)
		call_headers_print(x, HDR_SUPPORTED, "%s%s%s", reliable ? "100rel" : "", reliable && timer ? ", " : "",
				 timer ? "timer" : "");
	if (r == CALL_RELIABLE_REQUIRED)
		call_headers_add(x, HDR_REQUIRE, SLICE_LIT("100rel"));
	session_timer_ask(call, x);
}

int call_invite(struct call **cp, struct ua *ua, const struct ua_request *r, const struct call_opts *opts, call_event_h *h,
		void *arg, struct err *e)
{
	static const struct call_opts none;
	const struct call_opts *o = opts ? opts : &none;
	struct call *call = call_alloc(ua, o->session ? o->session : &ua->cfg.session);
	struct ua_request full = *r;
	struct call_headers x;
	struct buf b = {0}, sdp = {0};
	struct msg *m = NULL;
	struct addr dst;
	int err;

	x.all = NULL;
	if (!call || call_headers_init(&x, r->extra, r->extra_count)) {
		err = err_set(e, ERR_NOMEM, "out of memory for a call");
		goto out;
	}
	call->outgoing = true;
	call->state = CALL_CALLING;
	call->opts.no_ack = o->no_ack;
	call->opts.no_prack = o->no_prack;
	call->opts.keep_forks = o->keep_forks;
	call->opts.max_redirects = o->max_redirects;
	call->h = h;
	call->arg = arg;
	call->cseq = r->cseq ? r->cseq : 1;
	if (o->direction)
		call->wanted = o->direction;
	put_extensions(call, &x, o->reliable);
	full.extra = x.all;
	full.extra_count = x.count;
	full.from_tag = o->from_tag;
	if (!full.body.p && !o->no_sdp) {
		call_put_sdp(call, &sdp, SLICE_NONE);
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
	call->at.invite = o->due ? o->due : call_now(call);
	call->request = mem_ref(m);
	call->tried = m->s.cseq;
	call->offered = call_sdp_of(m).l;
	err = uac_alloc(&call->invite, ua, &call->auth, &call->cseq, m, &dst, &o->trans, on_invite_response, call, e);
	if (!err) {
		call->invite->over = call_client_over;
		call->invite->first_arg = call;
	}
out:
	call_headers_free(&x);
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

int call_cancel(struct call *call, bool at_once, bool keep, struct err *e)
{
	int err;

	if (!call->outgoing)
		return err_set(e, ERR_NOT_NOW, "only the caller can cancel");
	if (!call->invite)
		return err_set(e, ERR_NOT_NOW, "nothing to cancel: the transaction is %s", trans_state_name(TRANS_TERMINATED));
	err = ctrans_cancel(call->invite->ct, at_once, e);
	if (!err) {
		call->invite->cancelled = true;
		call->ends_if_answered = !keep;
	}
	return err;
}
