#include "sip/transaction.h"

#include "core/mem.h"
#include "sip/build.h"

#include <stdio.h>

const char *trans_state_name(enum trans_state s)
{
	static const char *const names[] = {"Calling", "Trying", "Proceeding", "Accepted", "Completed", "Confirmed", "Terminated"};

	return names[s];
}

/* RFC 3261 17.1.3: the branch of the top Via and the method of CSeq. */
static uint64_t key(struct slice branch, struct slice method)
{
	return slice_hash(slice_hash(SLICE_HASH_SEED, branch), method);
}

static void destroy(void *p)
{
	struct ctrans *ct = p;

	tmr_cancel(&ct->retransmit);
	tmr_cancel(&ct->timeout);
	mem_deref(ct->request);
	mem_deref(ct->ack);
	mem_deref(ct->cancel);
}

static void terminate(struct ctrans *ct)
{
	struct endpoint *ep = ct->ep;

	if (!ep)
		return;
	ct->state = TRANS_TERMINATED;
	ct->ep = NULL;
	tmr_cancel(&ct->retransmit);
	tmr_cancel(&ct->timeout);
	hash_del(&ep->ctrans, &ct->node);
	mem_deref(ct);
}

void ctrans_detach(struct ctrans *ct)
{
	if (ct)
		ct->h = NULL;
}

static void tell(struct ctrans *ct, struct msg *m)
{
	if (ct->h)
		ct->h(ct, m, ct->arg);
}

/* RFC 3261 8.1.3.1: a time-out is a 408 and a fatal transport error a 503, made up here. */
static void fail(struct ctrans *ct, unsigned status, const char *why)
{
	struct buf b = {0};
	struct msg *m = NULL;
	struct build_response r = {.status = status};

	build_response(&b, &ct->request->s, &r);
	mem_ref(ct);
	uint64_t now = loop_now(ct->ep->loop);
	terminate(ct);
	if (!b.failed && !msg_alloc(&m, buf_slice(&b))) {
		m->locally = why;
		m->time = now;
		m->frame = ct->request->frame;
		tell(ct, m);
		mem_deref(m);
	}
	mem_deref(ct);
	buf_free(&b);
}

static void on_timeout(void *arg)
{
	struct ctrans *ct = arg;

	switch (ct->state) {
	case TRANS_CALLING: /* timer B */
		fail(ct, 408, "timer B");
		break;
	case TRANS_TRYING: /* timer F */
		fail(ct, 408, "timer F");
		break;
	case TRANS_PROCEEDING: /* timer F; of an INVITE: 64*T1 after its CANCEL (RFC 3261 9.1) */
		fail(ct, 408, ct->invite ? "no final response after CANCEL" : "timer F");
		break;
	case TRANS_ACCEPTED:  /* timer M */
	case TRANS_COMPLETED: /* timer D or K */
		terminate(ct);
		break;
	case TRANS_CONFIRMED:
	case TRANS_TERMINATED:
		break;
	}
}

static void on_retransmit(void *arg)
{
	struct ctrans *ct = arg;
	struct sip_timers *t = &ct->opts.timers;

	ct->retransmissions++;
	ct->ep->count.retransmissions_out++;
	endpoint_send_msg(ct->ep, ct->request, &ct->dst, NULL);
	if (ct->invite)
		ct->interval *= 2; /* timer A */
	else if (ct->state == TRANS_PROCEEDING || ct->interval * 2 > t->t2)
		ct->interval = t->t2; /* timer E */
	else
		ct->interval *= 2;
	tmr_start(&ct->retransmit, ct->ep->loop, ct->interval, on_retransmit, ct);
}

static void start_timeout(struct ctrans *ct, uint64_t delay)
{
	if (delay == TIMER_NEVER)
		tmr_cancel(&ct->timeout);
	else if (delay == 0)
		terminate(ct);
	else
		tmr_start(&ct->timeout, ct->ep->loop, delay, on_timeout, ct);
}

int ctrans_create(struct ctrans **ctp, struct endpoint *ep, struct msg *request, const struct addr *dst,
		  const struct ctrans_opts *opts, ctrans_response_h *h, void *arg, struct err *e)
{
	struct ctrans *ct = mem_zalloc(sizeof(*ct), destroy);
	int err;

	if (!ct || hash_add(&ep->ctrans, &ct->node, key(request->s.branch, request->s.cseq_method))) {
		mem_deref(ct);
		return err_set(e, ERR_NOMEM, "out of memory for a transaction");
	}
	ct->ep = ep;
	ct->invite = msg_is(request, "INVITE");
	ct->request = mem_ref(request);
	ct->dst = *dst;
	if (opts)
		ct->opts = *opts;
	else
		ct->opts.timers = ep->timers;
	sip_timers_derive(&ct->opts.timers);
	ct->h = h;
	ct->arg = arg;
	ct->state = ct->invite ? TRANS_CALLING : TRANS_TRYING;
	ct->interval = ct->invite ? ct->opts.timers.a : ct->opts.timers.e;

	err = endpoint_send_msg(ep, request, dst, e);
	if (err) {
		terminate(ct);
		return err;
	}
	if (!ct->opts.no_retransmit && ct->interval != TIMER_NEVER)
		tmr_start(&ct->retransmit, ep->loop, ct->interval, on_retransmit, ct);
	start_timeout(ct, ct->invite ? ct->opts.timers.b : ct->opts.timers.f);
	if (ctp)
		*ctp = mem_ref(ct);
	return 0;
}

static void send_ack(struct ctrans *ct, const struct msg *response)
{
	struct buf b = {0};

	if (ct->opts.no_ack)
		return;
	if (!ct->ack) {
		build_ack(&b, &ct->request->s, &response->s);
		if (!b.failed)
			msg_alloc(&ct->ack, buf_slice(&b));
		buf_free(&b);
	}
	if (ct->ack)
		endpoint_send_msg(ct->ep, ct->ack, &ct->dst, NULL);
}

static int send_cancel(struct ctrans *ct, struct err *e)
{
	struct buf b = {0};
	struct msg *m = NULL;
	int err = ERR_NOMEM;

	build_cancel(&b, &ct->request->s);
	if (!b.failed)
		err = msg_alloc(&m, buf_slice(&b));
	if (err) {
		err_set(e, err, "out of memory for a CANCEL");
		goto out;
	}
	struct ctrans_opts opts = {.timers = ct->opts.timers, .no_retransmit = ct->opts.no_retransmit};
	err = ctrans_create(&ct->cancel, ct->ep, m, &ct->dst, &opts, NULL, NULL, e);
	if (!err)
		start_timeout(ct, ct->opts.timers.f);
out:
	mem_deref(m);
	buf_free(&b);
	return err;
}

int ctrans_cancel(struct ctrans *ct, bool now, struct err *e)
{
	if (!ct->invite || !ct->ep || (ct->state != TRANS_CALLING && ct->state != TRANS_PROCEEDING))
		return err_set(e, ERR_STATE, "nothing to cancel: the transaction is %s", trans_state_name(ct->state));
	if (ct->cancel)
		return 0;
	ct->cancel_wanted = true;
	return ct->provisional || now ? send_cancel(ct, e) : 0;
}

static void receive_invite(struct ctrans *ct, struct msg *m)
{
	unsigned status = m->s.status;

	switch (ct->state) {
	case TRANS_CALLING:
	case TRANS_PROCEEDING:
		tmr_cancel(&ct->retransmit);
		if (status < 200) {
			ct->state = TRANS_PROCEEDING;
			if (!ct->cancel)
				tmr_cancel(&ct->timeout);
			ct->provisional = true;
			if (ct->cancel_wanted && !ct->cancel)
				send_cancel(ct, NULL);
		} else if (status < 300) {
			ct->state = TRANS_ACCEPTED;
			start_timeout(ct, ct->opts.timers.m);
		} else {
			ct->state = TRANS_COMPLETED;
			send_ack(ct, m);
			start_timeout(ct, ct->opts.timers.d);
		}
		tell(ct, m);
		break;
	case TRANS_ACCEPTED:
		if (status >= 200 && status < 300)
			tell(ct, m);
		else
			ct->repeated_responses++;
		break;
	case TRANS_COMPLETED:
		ct->repeated_responses++;
		if (status >= 300)
			send_ack(ct, m);
		break;
	default:
		break;
	}
}

static void receive_other(struct ctrans *ct, struct msg *m)
{
	switch (ct->state) {
	case TRANS_TRYING:
	case TRANS_PROCEEDING:
		if (m->s.status < 200) {
			ct->state = TRANS_PROCEEDING;
			ct->provisional = true;
		} else {
			tmr_cancel(&ct->retransmit);
			ct->state = TRANS_COMPLETED;
			start_timeout(ct, ct->opts.timers.k);
		}
		tell(ct, m);
		break;
	case TRANS_COMPLETED:
		ct->repeated_responses++;
		break;
	default:
		break;
	}
}

bool ctrans_receive(struct endpoint *ep, struct msg *m)
{
	uint64_t hash = key(m->s.branch, m->s.cseq_method);

	for (struct hash_node *n = hash_first(&ep->ctrans, hash); n; n = hash_next(n)) {
		struct ctrans *ct = hash_owner(n, struct ctrans, node);
		if (!slice_eq(ct->request->s.branch, m->s.branch) ||
		    !slice_eq(ct->request->s.cseq_method, m->s.cseq_method))
			continue;
		mem_ref(ct);
		if (ct->invite)
			receive_invite(ct, m);
		else
			receive_other(ct, m);
		mem_deref(ct);
		return true;
	}
	return false;
}

void ctrans_unreachable(struct endpoint *ep, const struct addr *dst, int error_number)
{
	/* One at a time: the table changes under each failure. A request just failed is found no more. */
	(void)error_number;
	for (;;) {
		struct ctrans *hit = NULL;
		for (size_t i = 0; i < ep->ctrans.size && !hit; i++)
			for (struct hash_node *n = ep->ctrans.buckets[i]; n && !hit; n = n->next) {
				struct ctrans *ct = hash_owner(n, struct ctrans, node);
				if ((ct->state == TRANS_CALLING || ct->state == TRANS_TRYING) && addr_eq(&ct->dst, dst))
					hit = ct;
			}
		if (!hit)
			return;
		fail(hit, 503, "the transport says that the address cannot be reached");
	}
}

void ctrans_close(struct ctrans *ct)
{
	ct->h = NULL;
	terminate(ct);
}
