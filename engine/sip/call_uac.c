/* The caller's side: INVITE, its responses, ACK and CANCEL. RFC 3261 13.2, 9.1 */
#include "sip/call_priv.h"

#include "core/mem.h"

/* The credentials of the INVITE go into its ACK (RFC 3261 13.2.2.4, 22.1). */
static void put_credentials(struct buf *out, const struct scan *invite)
{
	for (unsigned i = 0; i < invite->header_count; i++)
		if (invite->headers[i].id == HDR_AUTHORIZATION || invite->headers[i].id == HDR_PROXY_AUTHORIZATION)
			buf_put_slice(out, build_line(invite, i));
}

static int send_ack(struct call *call, struct dialog *dlg, const struct scan *invite, struct msg **keep,
		    const struct ua_request *u, struct err *e)
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
	if (!err && keep) {
		mem_deref(*keep);
		*keep = mem_ref(m);
	}
	mem_deref(m);
	buf_free(&lines);
	buf_free(&b);
	return err;
}

int call_ack(struct call *call, const struct ua_request *u, struct err *e)
{
	if (!call->outgoing || !call->dialog || !call->dialog->confirmed)
		return err_set(e, ERR_NOT_NOW, "there is no 2xx to acknowledge: the call is %s", call_state_name(call->state));
	return send_ack(call, call->dialog, &call->invite->request->s, &call->ack, u, e);
}

/* Acknowledges a 2xx. If that brought the offer, the answer goes with the ACK (RFC 3261 13.2.2.4). */
static void acknowledge(struct call *call, const struct msg *invite, const struct msg *answer, struct msg **keep)
{
	struct buf sdp = {0};
	struct ua_request u = {0};

	if (!invite->s.body.l && answer->s.body.l) {
		call_put_sdp(call, &sdp, answer->s.body);
		u.body = buf_slice(&sdp);
		u.content_type = SLICE_LIT("application/sdp");
	}
	send_ack(call, call->dialog, &invite->s, keep, &u, NULL);
	buf_free(&sdp);
}

static void send_again(struct call *call, struct msg *ack)
{
	struct addr dst;

	call->repeated_2xx++;
	if (ack && !within_next_hop(&dst, call->ua, call->dialog, NULL))
		endpoint_send_msg(call->ua->ep, ack, &dst, NULL);
}

static bool on_reinvite_response(struct uac *uac, struct msg *m, void *arg)
{
	struct call *call = arg;

	if (m->s.status < 200)
		return false;
	if (call->reinvite == uac)
		call->reinvite = NULL;
	if (m->s.status >= 300)
		return false;
	if (uac->answered) {
		send_again(call, uac->ack);
		return true;
	}
	uac->answered = true;
	dialog_refresh_target(call->dialog, m);
	if (!call->opts.no_ack)
		acknowledge(call, uac->request, m, &uac->ack);
	return false;
}

void call_watch_reinvite(struct call *call, struct uac *uac)
{
	uac->first = on_reinvite_response;
	uac->first_arg = call;
	call->reinvite = uac;
}

/* A 2xx of another fork: acknowledged and ended at once (RFC 3261 13.2.2.4). */
static void refuse_fork(struct call *call, struct msg *m)
{
	struct dialog *other;
	struct uac *bye = NULL;

	if (dialog_uac(&other, call->invite->request, m, NULL))
		return;
	if (!send_ack(call, other, &call->invite->request->s, NULL, NULL, NULL))
		within_request(&bye, call->ua, other, &call->auth, SLICE_LIT("BYE"), NULL, NULL, NULL, NULL);
	mem_deref(bye);
	mem_deref(other);
}

/* The dialog of that response is the call's from here on. The one before it, of another fork, is kept: it may come back, and requests
 * within it may still be under way. */
static void take_dialog(struct call *call, struct msg *m)
{
	struct dialog *d = NULL, **pp;

	if (!m->s.to_tag.p)
		return;
	if (call->dialog && slice_eq(call->dialog->remote_tag, m->s.to_tag)) {
		dialog_update(call->dialog, m);
		return;
	}
	for (pp = &call->others; *pp; pp = &(*pp)->next)
		if (slice_eq((*pp)->remote_tag, m->s.to_tag)) {
			d = *pp;
			*pp = d->next;
			dialog_update(d, m);
			break;
		}
	if (!d && dialog_uac(&d, call->invite->request, m, NULL))
		return;
	if (call->dialog) {
		dialog_leave(call->dialog);
		call->dialog->next = call->others;
		call->others = call->dialog;
	}
	d->next = NULL;
	call->dialog = d;
	call_enter_dialog(call, d);
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
		if (call->at.trying == CALL_NOT_YET)
			call->at.trying = m->time;
		if (status > 100 && call->at.ringing == CALL_NOT_YET)
			call->at.ringing = m->time;
		if (status > 100)
			take_dialog(call, m);
		call_tell(call, CALL_RESPONSE, m, NULL, why);
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
					acknowledge(call, call->invite->request, m, &call->ack);
			}
			call_tell(call, CALL_RESPONSE, m, NULL, why);
		} else if (call->dialog && slice_eq(call->dialog->remote_tag, m->s.to_tag)) {
			if (call->ack || call->opts.no_ack) {
				send_again(call, call->ack);
			} else { /* it crossed our BYE */
				dialog_update(call->dialog, m);
				acknowledge(call, call->invite->request, m, &call->ack);
			}
		} else if (m->s.to_tag.p) {
			refuse_fork(call, m);
		}
	} else {
		call_tell(call, CALL_RESPONSE, m, NULL, why);
		call_end(call, m->locally ? m->locally : "final response");
	}
	mem_deref(call);
}

int call_invite(struct call **cp, struct ua *ua, const struct ua_request *r, const struct call_opts *opts, call_event_h *h,
		void *arg, struct err *e)
{
	struct call *call = call_alloc(ua);
	struct ua_request full = *r;
	struct build_header *extra = NULL;
	struct buf b = {0}, sdp = {0};
	struct msg *m = NULL;
	struct addr dst;
	int err;

	if (!call || !(extra = call_with_allow(r->extra, &full.extra_count))) {
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
	full.extra = extra;
	if (!full.body.p && !call->opts.no_sdp) {
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
	call->at.invite = call_now(call);
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

