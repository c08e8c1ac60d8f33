#include "sip/transaction.h"

#include "core/mem.h"
#include "sip/build.h"
#include "sip/meter.h"

#include <errno.h>
#include <stdio.h>

const char *trans_state_name(enum trans_state s)
{
	static const char *const names[] = {"Calling",   "Trying",    "Proceeding", "Accepted",
					    "Completed", "Confirmed", "Terminated"};

	return names[s];
}

/* RFC 3261 17.1.3: the branch of the top Via and the method of CSeq. A request sent without a branch, as by RFC 2543,
 * is told from others by its Call-ID and CSeq number. */
static uint64_t key(const struct scan *s)
{
	uint64_t h =
	    s->branch.l ? slice_hash(SLICE_HASH_SEED, s->branch) : slice_hash(SLICE_HASH_SEED + s->cseq, s->call_id);

	return slice_hash(h, s->cseq_method);
}

static bool matches(const struct scan *request, const struct scan *response)
{
	return slice_eq(request->branch, response->branch) && slice_eq(request->cseq_method, response->cseq_method) &&
	       (request->branch.l ||
		(request->cseq == response->cseq && slice_eq(request->call_id, response->call_id)));
}

static bool at_rest(const struct ctrans *ct)
{
	return !ct->request;
}

/* What with the key tells the request that it answers from others, where there is a branch. */
static uint64_t identity(const struct scan *s)
{
	return slice_hash(slice_hash(s->branch.l, s->cseq_method), s->branch);
}

static bool is_of(const struct ctrans *ct, const struct scan *response)
{
	return at_rest(ct) ? response->branch.l && ct->rest.identity == identity(response) : matches(&ct->request->s, response);
}

static void destroy(void *p)
{
	struct ctrans *ct = p;

	if (at_rest(ct)) {
		mem_deref(ct->rest.ack);
		return;
	}
	tmr_cancel(&ct->timeout);
	tmr_cancel(&ct->retransmit);
	mem_deref(ct->ack);
	mem_deref(ct->ack_2xx);
	mem_deref(ct->request);
	ctrans_release(ct->cancel);
	mem_deref((void *)ct->opts.timers);
}

static void on_rest_over(struct rest *r);

/* To a shorter block. The endpoint's reference goes with it; without memory all stays as it is, and NULL comes. */
static struct ctrans *rest(struct ctrans *ct)
{
	struct endpoint *ep = ct->ep;
	struct ctrans *to = mem_zalloc(offsetof(struct ctrans, rest) + sizeof(to->rest), destroy);

	if (!to || !tmr_running(&ct->timeout))
		return mem_deref(to);
	memcpy(to, ct, offsetof(struct ctrans, rest));
	to->request = NULL;
	to->rest.identity = identity(&ct->request->s);
	to->rest.ack = ct->ack ? msg_rest(&ep->sb->models, ct->ack) : mem_ref(ct->ack_2xx);
	if ((ct->ack && !to->rest.ack) || resting_add(&ep->resting, ep->loop, &to->rest.link, ct->timeout.due, on_rest_over))
		return mem_deref(to);
	hash_move(&ep->sb->ctrans, &to->node, &ct->node);
	LIST_REMOVE(ct, entry);
	tmr_cancel(&ct->timeout);
	ct->ep = NULL;
	mem_deref(ct);
	return to;
}

/* Of one that is not over. */
static const struct sip_timers *timers(const struct ctrans *ct)
{
	return ct->opts.timers ? ct->opts.timers : &ct->ep->timers;
}

static void terminate(struct ctrans *ct)
{
	struct endpoint *ep = ct->ep;

	if (!ep)
		return;
	ct->state = TRANS_TERMINATED;
	ct->ep = NULL;
	hash_del(&ep->sb->ctrans, &ct->node);
	if (!at_rest(ct)) {
		LIST_REMOVE(ct, entry);
		tmr_cancel(&ct->timeout);
		tmr_cancel(&ct->retransmit);
		if (ct->over)
			ct->over(ct, ct->arg);
	}
	mem_deref(ct);
}

static void on_rest_over(struct rest *r)
{
	terminate((struct ctrans *)(void *)((char *)r - offsetof(struct ctrans, rest.link)));
}

struct ctrans *ctrans_past(struct msg *request)
{
	struct ctrans *ct = mem_zalloc(sizeof(*ct), destroy);

	if (ct) {
		ct->state = TRANS_TERMINATED;
		ct->invite = msg_is(request, "INVITE");
		ct->request = mem_ref(request);
	}
	return ct;
}

void ctrans_detach(struct ctrans *ct)
{
	if (!ct)
		return;
	if (at_rest(ct)) {
		ct->rest.late = NULL;
		return;
	}
	ct->h = NULL;
	ct->over = NULL;
}

static void tell(struct ctrans *ct, struct msg *m)
{
	if (!at_rest(ct) && ct->h)
		ct->h(ct, m, ct->arg);
}

/* The end of a transaction is no packet: the capture says it at the request's. */
static void note_end(const struct ctrans *ct, unsigned status, const char *why, uint64_t now)
{
	char text[160];

	snprintf(text, sizeof(text), "%s: given up after %.3f s (%s): a local %u", ct->ep->name,
		 (double)(now - ct->request->time) / 1e9, why, status);
	net_comment(ct->ep->net, ct->request->frame, text);
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
	const struct meter *meter = ct->ep->sb->meter;
	note_end(ct, status, why, now);
	terminate(ct);
	if (!b.failed && !msg_alloc(&m, buf_slice(&b))) {
		m->locally = why;
		m->time = now;
		m->frame = ct->request->frame;
		if (meter)
			meter->gave_up(meter->arg, m);
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

static void start_timeout(struct ctrans *ct, uint64_t delay)
{
	if (!ct->ep || delay == TIMER_NEVER) /* its last message may have made somebody close the endpoint */
		tmr_cancel(&ct->timeout);
	else if (tmr_start(&ct->timeout, ct->ep->loop, delay, on_timeout, ct))
		terminate(ct); /* out of memory: better gone than here for ever */
}

static void on_retransmit(void *arg);

static void start_retransmit(struct ctrans *ct)
{
	if (!ct->opts.no_retransmit && ct->interval != TIMER_NEVER)
		tmr_start(&ct->retransmit, ct->ep->loop, ct->interval, on_retransmit, ct);
}

static void on_retransmit(void *arg)
{
	struct ctrans *ct = arg;
	uint64_t t2 = timers(ct)->t2;

	ct->retransmissions++;
	ct->ep->count.retransmissions_out++;
	if (ct->invite)
		ct->interval = sip_timer_twice(ct->interval, TIMER_NEVER); /* timer A */
	else
		ct->interval = ct->state == TRANS_PROCEEDING ? t2 : sip_timer_twice(ct->interval, t2); /* timer E */
	if (ct->interval != TIMER_NEVER)
		tmr_again(&ct->retransmit, ct->ep->loop, ct->interval, on_retransmit, ct);
	endpoint_send_msg(ct->ep, ct->request, &ct->dst, NULL);
}

int ctrans_create(struct ctrans **ctp, struct endpoint *ep, struct msg *request, const struct addr *dst,
		  const struct ctrans_opts *opts, ctrans_response_h *h, void *arg, struct err *e)
{
	struct sip_timers *own = opts && opts->timers ? sip_timers_copy(opts->timers) : NULL;
	struct ctrans *ct = mem_zalloc(sizeof(*ct), destroy);
	int err;

	if (ctp)
		*ctp = NULL;
	if (!ct || (opts && opts->timers && !own) || hash_add(&ep->sb->ctrans, &ct->node, key(&request->s))) {
		mem_deref(own);
		mem_deref(ct);
		return err_set(e, ERR_NOMEM, "out of memory for a transaction");
	}
	LIST_INSERT_HEAD(&ep->ctrans, ct, entry);
	ct->ep = ep;
	ct->invite = msg_is(request, "INVITE");
	ct->request = mem_ref(request);
	ct->dst = *dst;
	if (opts)
		ct->opts = *opts;
	ct->opts.timers = own;
	ct->h = h;
	ct->arg = arg;
	ct->state = ct->invite ? TRANS_CALLING : TRANS_TRYING;
	ct->interval = ct->invite ? timers(ct)->a : timers(ct)->e;

	mem_ref(ct);
	if (ctp) /* before it is sent: whoever watches the endpoint may look for it */
		*ctp = mem_ref(ct);
	start_retransmit(ct);
	start_timeout(ct, ct->invite ? timers(ct)->b : timers(ct)->f);
	err = ct->ep ? endpoint_send_msg(ep, request, dst, e) : err_set(e, ERR_NOMEM, "out of memory for a timer");
	if (err) {
		terminate(ct);
		if (ctp)
			*ctp = mem_deref(*ctp);
	}
	mem_deref(ct);
	return err;
}

static void send_ack_at_rest(struct ctrans *ct)
{
	struct msg *m;

	if (ct->rest.ack && !msg_wake(&m, ct->rest.ack)) {
		endpoint_send_msg(ct->ep, m, &m->dst, NULL);
		mem_deref(m);
	}
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

static void absorb(struct ctrans *ct, const struct msg *m)
{
	ct->repeated_responses++;
	ct->ep->count.retransmissions_in++;
	meter_repeated(ct->ep->sb->meter, m, false);
}

/* How long a request within or outside a call took. An INVITE's times are its call's, a REGISTER's its registration's. */
static void measure(const struct ctrans *ct, const struct msg *m)
{
	const struct meter *meter = ct->ep->sb->meter;
	struct slice method = ct->request->s.method;

	if (!meter)
		return;
	if (slice_eq(method, SLICE_LIT("BYE")))
		meter_took(meter, METER_TEARDOWN, ct->request->time, m->time);
	else if (!slice_eq(method, SLICE_LIT("REGISTER")))
		meter_took(meter, METER_REQUEST, ct->request->time, m->time);
}

void ctrans_keep_ack(struct ctrans *ct, struct kept *ack)
{
	if (ct->state != TRANS_ACCEPTED || at_rest(ct))
		return;
	mem_deref(ct->ack_2xx);
	ct->ack_2xx = mem_ref(ack);
}

/* A 2xx again, of which its user may not know any more; one of another dialog is for who is to be told. */
static void repeat_ack(struct ctrans *ct, struct kept *ack, struct msg *answer)
{
	struct msg *m = NULL;
	bool other = ack && !msg_wake(&m, ack) && !slice_eq(m->s.to_tag, answer->s.to_tag);

	if (other && at_rest(ct) && ct->rest.late)
		ct->rest.late(ct, answer, ct->rest.arg);
	else
		absorb(ct, answer);
	if (m && !other)
		endpoint_send_msg(ct->ep, m, &m->dst, NULL);
	mem_deref(m);
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
	mem_ref(ct); /* whoever sees the CANCEL leave may let go of it */
	err = ctrans_create(&ct->cancel, ct->ep, m, &ct->dst, &opts, NULL, NULL, e);
	/* RFC 3261 9.1: 64*T1 from here on for the 487. Without a provisional timer B goes on. */
	if (!err && ct->state == TRANS_PROCEEDING)
		start_timeout(ct, sip_timer_64t1(timers(ct)));
	mem_deref(ct);
out:
	mem_deref(m);
	buf_free(&b);
	return err;
}

int ctrans_cancel(struct ctrans *ct, bool now, struct err *e)
{
	if (!ct->invite)
		return err_set(e, ERR_NOT_NOW, "only an INVITE can be cancelled (RFC 3261 9.1), this is %.*s",
			       SLICE_ARG(ct->request->s.method));
	if (!ct->ep || (ct->state != TRANS_CALLING && ct->state != TRANS_PROCEEDING))
		return err_set(e, ERR_NOT_NOW, "nothing to cancel: the transaction is %s", trans_state_name(ct->state));
	if (ct->cancel)
		return 0;
	ct->cancel_wanted = true;
	return ct->provisional || now ? send_cancel(ct, e) : 0;
}

/* False: the response is none of this transaction's. */
static bool receive_invite(struct ctrans *ct, struct msg *m)
{
	unsigned status = m->s.status;

	switch (ct->state) {
	case TRANS_CALLING:
	case TRANS_PROCEEDING:
		tmr_cancel(&ct->retransmit);
		if (status < 200) {
			ct->state = TRANS_PROCEEDING;
			if (!ct->provisional) /* timer B stops; if a CANCEL is out, the wait for the 487 begins */
				start_timeout(ct, ct->cancel ? sip_timer_64t1(timers(ct)) : TIMER_NEVER);
			ct->provisional = true;
			if (ct->cancel_wanted && !ct->cancel)
				send_cancel(ct, NULL);
		} else if (status < 300) {
			ct->state = TRANS_ACCEPTED;
			start_timeout(ct, timers(ct)->m);
		} else {
			ct->state = TRANS_COMPLETED;
			uint64_t d = timers(ct)->d;
			send_ack(ct, m);
			start_timeout(ct, d);
		}
		tell(ct, m);
		return true;
	case TRANS_ACCEPTED: /* RFC 6026: every 2xx is its user's, be it a repeated one or another branch's */
		if (status >= 300)
			return false;
		if (status < 200)
			absorb(ct, m);
		else if (at_rest(ct))
			repeat_ack(ct, ct->rest.ack, m);
		else if (ct->ack_2xx)
			repeat_ack(ct, ct->ack_2xx, m);
		else
			tell(ct, m);
		return true;
	case TRANS_COMPLETED:
		if (status >= 200 && status < 300) /* no repetition: a call that was thought to have failed */
			return false;
		absorb(ct, m);
		if (status >= 300)
			at_rest(ct) ? send_ack_at_rest(ct) : send_ack(ct, m);
		return true;
	default:
		return false;
	}
}

static bool receive_other(struct ctrans *ct, struct msg *m)
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
			measure(ct, m);
			start_timeout(ct, timers(ct)->k);
		}
		tell(ct, m);
		return true;
	case TRANS_COMPLETED:
		absorb(ct, m);
		return true;
	default:
		return false;
	}
}

struct ctrans *ctrans_find(const struct switchboard *sb, const struct msg *m)
{
	if (m->s.status < 100 || m->s.status > 699) /* neither provisional nor final: no event of any machine */
		return NULL;
	for (struct hash_node *n = hash_first(&sb->ctrans, key(&m->s)); n; n = hash_next(n)) {
		struct ctrans *ct = hash_owner(n, struct ctrans, node);
		if (is_of(ct, &m->s))
			return ct;
	}
	return NULL;
}

/* Whether nothing but what is repeated can come, and nothing but an ACK is to be sent. */
static bool is_answered(const struct ctrans *ct)
{
	return ct->state == TRANS_ACCEPTED || (ct->state == TRANS_COMPLETED && (!ct->invite || ct->ack || ct->opts.no_ack));
}

/* Drops a reference. With none left but the endpoint's, one that was answered goes to rest. */
static void let_go(struct ctrans *ct)
{
	if (ct->ep && !at_rest(ct) && is_answered(ct) && !ct->h && mem_refs(ct) == 2 && ct->request->s.branch.l)
		rest(ct);
	mem_deref(ct);
}

void ctrans_release(struct ctrans *ct)
{
	ctrans_detach(ct);
	if (ct)
		let_go(ct);
}

struct ctrans *ctrans_rest(struct ctrans *ct, struct kept *ack, ctrans_response_h *late, void *arg)
{
	struct ctrans *to;

	if (!ct->ep || at_rest(ct) || ct->state != TRANS_ACCEPTED || !ack || mem_refs(ct) != 2 || !ct->request->s.branch.l)
		return NULL;
	ctrans_keep_ack(ct, ack);
	to = rest(ct);
	if (!to) {
		ctrans_keep_ack(ct, NULL); /* its user goes on sending it */
		return NULL;
	}
	to->rest.late = late;
	to->rest.arg = arg;
	return mem_ref(to);
}

bool ctrans_receive(struct ctrans *ct, struct msg *m)
{
	bool taken;

	mem_ref(ct);
	taken = ct->invite ? receive_invite(ct, m) : receive_other(ct, m);
	let_go(ct);
	return taken;
}

/* Whether an error of the network ends it: one that waits for its peer and still sends (RFC 3261 17.1.1.2, 17.1.2.2).
 */
static bool fails_unreachable(const struct ctrans *ct)
{
	return ct->state == TRANS_CALLING || ct->state == TRANS_TRYING ||
	       (ct->state == TRANS_PROCEEDING && !ct->invite);
}

void ctrans_unreachable(struct switchboard *sb, const struct addr *dst, int error_number)
{
	struct ctrans *hit = NULL;

	/* First all that this error concerns, then their users: these may change the table and begin anew. */
	for (size_t i = 0; i < sb->ctrans.size; i++)
		for (struct hash_node *n = hash_bucket(&sb->ctrans, i); n; n = n->next) {
			struct ctrans *ct = hash_owner(n, struct ctrans, node);
			if (!fails_unreachable(ct) || !addr_eq(&ct->dst, dst))
				continue;
			ct->next_hit = hit;
			hit = mem_ref(ct);
		}
	while (hit) {
		struct ctrans *ct = hit;
		hit = ct->next_hit;
		if (fails_unreachable(ct))
			fail(ct, 503,
			     error_number == ECONNREFUSED ? "nothing listens at that address"
							  : "that address cannot be reached");
		mem_deref(ct);
	}
}

void ctrans_close(struct ctrans *ct)
{
	ctrans_detach(ct);
	terminate(ct);
}
