/* The callee's side: responses to the INVITE, 2xx repeated until its ACK. RFC 3261 13.3 */
#include "sip/call_priv.h"

#include "core/mem.h"

static void on_server_event(struct strans *st, enum strans_event ev, struct msg *m, void *arg)
{
	struct call *call = arg;

	mem_ref(call);
	if (ev == STRANS_CANCELLED && call->state == CALL_INCOMING) {
		bool answers = ua_answers(call->ua, UA_ANSWER(CANCEL));
		struct build_response r = {.status = 487};
		if (answers)
			strans_reply(st, &r, NULL, NULL);
		call_tell(call, CALL_CANCELLED, m, NULL, NULL);
		if (answers)
			call_end(call, "CANCEL");
	}
	mem_deref(call);
}

static void repeat_answer(void *arg)
{
	struct call *call = arg;
	struct sip_timers *t = &call->answered->opts.timers;

	if (!call->answered->ep) /* timer L took the transaction: its peer is still right */
		endpoint_send_msg(call->ua->ep, call->answer, &call->answered->peer, NULL);
	else
		strans_respond(call->answered, call->answer, NULL);
	call->ua->ep->count.retransmissions_out++;
	call->interval = sip_timer_twice(call->interval, t->t2);
	tmr_again(&call->repeat, call->ua->ep->loop, call->interval, repeat_answer, call);
}

/* RFC 3261 13.3.1.4: no ACK within 64*T1: the session is ended with a BYE. */
static void give_up(void *arg)
{
	struct call *call = mem_ref(arg);

	tmr_cancel(&call->repeat);
	call_tell(call, CALL_NO_ACK, NULL, NULL, NULL);
	if (call->state == CALL_CONFIRMED && call_request(&call->bye, call, SLICE_LIT("BYE"), NULL, NULL, NULL, NULL) == 0)
		call_end(call, "no ACK to the 2xx");
	mem_deref(call);
}

int call_answer_sdp(struct call *call, struct build_response *b, const struct call_reply *r, const struct msg *request,
		    struct buf *sdp)
{
	if (!b->body.p && !r->no_sdp && !call->opts.no_sdp && r->status >= 200 && r->status < 300) {
		call_put_sdp(call, sdp, request->s.body);
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
	struct build_header *extra = NULL;
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
	if (r->status >= 200 && r->status < 300) {
		extra = call_with_allow(r->extra, &b.extra_count);
		if (!extra) {
			err = err_set(e, ERR_NOMEM, "out of memory for a response");
			goto out;
		}
		b.extra = extra;
	}
	err = call_answer_sdp(call, &b, r, call->request, &sdp);
	if (!err && !call->dialog && r->status > 100 && r->status < 300) {
		err = dialog_uas(&call->dialog, call->request, slice_str(call->server->to_tag), e);
		if (!err)
			err = call_enter_dialog(call, call->dialog);
	}
	if (!err)
		err = strans_reply(call->server, &b, &m, e);
	if (err)
		goto out;

	first_answer = call->state == CALL_INCOMING;
	if (r->status > 100 && r->status < 200 && call->at.ringing == CALL_NOT_YET)
		call->at.ringing = call_now(call);
	if (r->status >= 200 && r->status < 300) {
		struct sip_timers *t = &call->server->opts.timers;
		if (first_answer) {
			call->state = CALL_CONFIRMED;
			call->at.answered = call_now(call);
		}
		call->dialog->confirmed = true;
		mem_deref(call->answer);
		call->answer = mem_ref(m);
		mem_deref(call->answered);
		call->answered = mem_ref(call->server);
		call->interval = t->t1;
		if (!call->server->opts.no_retransmit)
			tmr_start(&call->repeat, call->ua->ep->loop, call->interval, repeat_answer, call);
		tmr_start(&call->give_up, call->ua->ep->loop, sip_timer_64t1(t), give_up, call);
	} else if (r->status >= 300 && first_answer) {
		mem_ref(call);
		call_end(call, "final response");
		mem_deref(call);
	}
	if (mp)
		*mp = mem_ref(m);
out:
	mem_deref(extra);
	mem_deref(m);
	buf_free(&contact);
	buf_free(&sdp);
	return err;
}

void call_incoming(struct ua *ua, struct strans *st)
{
	struct call *call = call_alloc(ua);

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

void call_receive_ack(struct call *call, struct msg *m)
{
	if (!call->answer || m->s.cseq != call->answer->s.cseq) /* that of an earlier 2xx (RFC 3261 13.2.2.4) */
		return;
	tmr_cancel(&call->repeat);
	tmr_cancel(&call->give_up);
	call->answer = mem_deref(call->answer);
	if (call->at.acked == CALL_NOT_YET)
		call->at.acked = m->time;
	call_tell(call, CALL_ACK, m, NULL, NULL);
}
