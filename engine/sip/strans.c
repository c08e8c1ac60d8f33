#include "sip/transaction.h"

#include "core/mem.h"
#include "sip/build.h"
#include "sip/meter.h"

#include <stdio.h>

/* RFC 3261 17.2.3: branch, sent-by and method of a request with the magic cookie; else the fields of RFC 2543. An ACK
 * has the key of its INVITE. */
static bool has_cookie(const struct scan *s)
{
	return s->branch.l > 7 && slice_case_eq((struct slice){s->branch.p, 7}, SLICE_LIT("z9hG4bK"));
}

static uint64_t key(const struct scan *s, struct slice method)
{
	uint64_t h;

	if (slice_eq(method, SLICE_LIT("ACK")))
		method = SLICE_LIT("INVITE");
	if (has_cookie(s))
		h = slice_hash(SLICE_HASH_SEED, s->branch);
	else
		h = slice_hash(slice_hash(SLICE_HASH_SEED + s->cseq, s->call_id), s->from_tag);
	return slice_hash(h, method);
}

static bool at_rest(const struct strans *st)
{
	return !st->request;
}

struct strans_identity strans_identity(const struct scan *s, struct slice method)
{
	char folded[64];
	struct slice sent_by = {folded, s->sent_by.l < sizeof(folded) ? s->sent_by.l : sizeof(folded)};

	for (size_t i = 0; i < sent_by.l; i++)
		folded[i] = s->sent_by.p[i] | 0x20; /* it is compared in any case */
	uint64_t h = slice_hash(s->sent_by.l, s->branch);
	return (struct strans_identity){key(s, method), slice_hash(slice_hash(h, sent_by), method)};
}

static bool same(const struct strans *st, const struct scan *s, struct slice method)
{
	bool ack = slice_eq(method, SLICE_LIT("ACK"));

	if (at_rest(st))
		return has_cookie(s) && st->rest.identity == strans_identity(s, ack ? SLICE_LIT("INVITE") : method).rest;
	const struct scan *r = &st->request->s;
	if (!slice_eq(r->method, ack ? SLICE_LIT("INVITE") : method))
		return false;
	if (has_cookie(s))
		return slice_eq(r->branch, s->branch) && slice_case_eq(r->sent_by, s->sent_by);
	if (has_cookie(r) || r->cseq != s->cseq || !slice_eq(r->call_id, s->call_id) ||
	    !slice_eq(r->from_tag, s->from_tag) || !slice_eq(r->uri, s->uri) || !slice_eq(r->via, s->via))
		return false;
	/* The ACK carries the To tag of the response. */
	return ack ? st->last && slice_eq(st->last->s.to_tag, s->to_tag) : slice_eq(r->to_tag, s->to_tag);
}

static struct strans *find(const struct switchboard *sb, const struct scan *s, struct slice method)
{
	uint64_t hash = key(s, method);

	for (struct hash_node *n = hash_first(&sb->strans, hash); n; n = hash_next(n)) {
		struct strans *st = hash_owner(n, struct strans, node);
		if (same(st, s, method))
			return st;
	}
	return NULL;
}

/* Of all requests that are one (RFC 3261 8.2.2.2). */
static uint64_t merge_key(const struct scan *s)
{
	return slice_hash(slice_hash(slice_hash(SLICE_HASH_SEED + s->cseq, s->call_id), s->from_tag), s->method);
}

bool strans_merged(struct strans *st)
{
	const struct scan *s = &st->request->s;
	bool found = false;

	if (!st->ep || st->may_merge || s->to_tag.p)
		return false;
	uint64_t hash = merge_key(s);
	for (struct hash_node *n = hash_first(&st->ep->sb->merged, hash); n && !found; n = hash_next(n))
		found = hash_owner(n, struct strans_merge, node)->ep == st->ep;
	st->merge.ep = st->ep;
	/* Without memory it is found by nobody, and nothing worse. */
	if (!found)
		st->may_merge = hash_add(&st->ep->sb->merged, &st->merge.node, hash) == 0;
	return found;
}

static void destroy(void *p)
{
	struct strans *st = p;

	if (at_rest(st)) {
		if (!st->rest.plain)
			mem_deref(st->rest.last);
		return;
	}
	tmr_cancel(&st->timeout);
	tmr_cancel(&st->retransmit);
	mem_deref(st->request);
	mem_deref(st->last);
	mem_deref((void *)st->opts.timers);
}

/* Tells a request from all others: its bytes, and where it came from. */
static uint64_t whole(const struct msg *request)
{
	return slice_hash(addr_hash(&request->src), msg_bytes(request));
}

static void on_rest_over(struct rest *r);

/* To a shorter block. The endpoint's reference goes with it; without memory all stays as it is. */
static void rest(struct strans *st)
{
	const struct scan *s = &st->request->s;
	/* A 2xx to an INVITE is repeated by its user, who is gone; and nothing is repeated when the ACK has come (RFC 6026 7.1, RFC 3261 17.2.1). */
	const bool repeats = st->last && st->state == TRANS_COMPLETED, is_outside = !s->to_tag.p;
	struct endpoint *ep = st->ep;
	struct strans *to = mem_zalloc(offsetof(struct strans, rest) + sizeof(to->rest) + (is_outside ? sizeof(*to->rest.outside) : 0), destroy);
	struct strans_rest *r;

	if (!to || !tmr_running(&st->timeout))
		goto as_it_was;
	memcpy(to, st, offsetof(struct strans, rest));
	to->request = NULL;
	r = &to->rest;
	r->identity = strans_identity(s, s->method).rest;
	if (repeats && st->plain) {
		r->plain = st->last->s.status;
		r->whole = whole(st->request);
		r->frame = st->last->frame;
	} else if (repeats && !(r->last = msg_rest(&ep->sb->models, st->last))) {
		goto as_it_was;
	}
	if (resting_add(&ep->resting, ep->loop, &r->link, st->timeout.due, on_rest_over))
		goto as_it_was;
	hash_move(&ep->sb->strans, &to->node, &st->node);
	r->is_outside = is_outside;
	if (is_outside)
		memcpy(r->outside->to_tag, st->to_tag, sizeof(st->to_tag));
	if (st->may_merge) { /* which no request within a dialog may */
		r->outside->merge.ep = ep;
		hash_move(&ep->sb->merged, &r->outside->merge.node, &st->merge.node);
	}
	LIST_REMOVE(st, entry);
	tmr_cancel(&st->timeout);
	st->ep = NULL;
	mem_deref(st);
	return;
as_it_was:
	mem_deref(to);
}

/* What this side adds to To, where it does. */
static struct slice to_tag_of(const struct strans *st)
{
	if (!at_rest(st))
		return slice_str(st->to_tag);
	return st->rest.is_outside ? slice_str(st->rest.outside->to_tag) : SLICE_NONE;
}

/* One that waits for an ACK still sends by its timer G. */
void strans_release(struct strans *st)
{
	if (!st)
		return;
	bool answered = st->state == TRANS_ACCEPTED || st->state == TRANS_CONFIRMED || (st->state == TRANS_COMPLETED && !st->invite);
	if (answered && st->ep && !at_rest(st) && !st->h && !st->first && mem_refs(st) == 2 && !st->request->s.flaws &&
	    has_cookie(&st->request->s) && !st->opts.timers && !st->opts.no_cancel)
		rest(st);
	mem_deref(st);
}

const struct sip_timers *strans_timers(const struct strans *st, const struct endpoint *ep)
{
	return st->opts.timers ? st->opts.timers : &ep->timers;
}

/* Of one that is not over. */
static const struct sip_timers *timers(const struct strans *st)
{
	return strans_timers(st, st->ep);
}

static void tell(struct strans *st, enum strans_event ev, struct msg *m)
{
	if (at_rest(st))
		return;
	if (st->first)
		st->first(st, ev, m, st->first_arg);
	if (st->h)
		st->h(st, ev, m, st->arg);
}

static void terminate(struct strans *st)
{
	struct endpoint *ep = st->ep;

	if (!ep)
		return;
	st->state = TRANS_TERMINATED;
	st->ep = NULL;
	hash_del(&ep->sb->strans, &st->node);
	if (st->may_merge)
		hash_del(&ep->sb->merged, at_rest(st) ? &st->rest.outside->merge.node : &st->merge.node);
	if (!at_rest(st)) {
		LIST_REMOVE(st, entry);
		tmr_cancel(&st->retransmit);
		tmr_cancel(&st->timeout);
	}
	tell(st, STRANS_TERMINATED, NULL);
	mem_deref(st);
}

static void on_rest_over(struct rest *r)
{
	terminate((struct strans *)(void *)((char *)r - offsetof(struct strans, rest.link)));
}

struct strans *strans_past(struct msg *request, struct slice to_tag)
{
	struct strans *st = mem_zalloc(sizeof(*st), destroy);

	if (st) {
		st->state = TRANS_TERMINATED;
		st->invite = msg_is(request, "INVITE");
		st->request = mem_ref(request);
		slice_copy(st->to_tag, sizeof(st->to_tag), to_tag);
	}
	return st;
}

void strans_detach(struct strans *st)
{
	if (st && !at_rest(st))
		st->h = NULL;
}

static void on_timeout(void *arg)
{
	struct strans *st = mem_ref(arg);

	if (st->state == TRANS_COMPLETED && st->invite) /* timer H; the others are J, L and I */
		tell(st, STRANS_NO_ACK, NULL);
	terminate(st);
	mem_deref(st);
}

static void start_timeout(struct strans *st, uint64_t delay)
{
	if (delay == TIMER_NEVER)
		tmr_cancel(&st->timeout);
	else if (tmr_start(&st->timeout, st->ep->loop, delay, on_timeout, st))
		terminate(st); /* out of memory: better gone than here for ever */
}

/* The last response of one at rest, to the request that was repeated. */
static struct msg *wake(const struct strans *st, const struct msg *repeated)
{
	const struct strans_rest *r = &st->rest;
	const struct build_response plain = {.status = r->plain, .to_tag = to_tag_of(st), .source = &repeated->src};
	struct buf b = {0};
	struct msg *m = NULL;

	if (!r->plain) {
		if (r->last)
			msg_wake(&m, r->last);
		return m;
	}
	if (r->whole == whole(repeated)) /* else it has the branch of the one that came first, and no more */
		build_response(&b, &repeated->s, &plain);
	if (b.len && !b.failed && !msg_alloc(&m, buf_slice(&b))) {
		m->src = *endpoint_local(st->ep);
		strans_peer(&m->dst, repeated);
		m->frame = r->frame; /* it was sent once */
	}
	buf_free(&b);
	return m;
}

static void resend(struct strans *st, const struct msg *repeated)
{
	struct msg *last = at_rest(st) ? wake(st, repeated) : mem_ref(st->last);
	struct addr dst;

	if (!last)
		return;
	if (!at_rest(st))
		st->repeated_responses++;
	st->ep->count.retransmissions_out++;
	dst = at_rest(st) ? last->dst : st->peer;
	endpoint_answer(st->ep, st->by_front, last, &dst, NULL);
	mem_deref(last);
}

static void on_retransmit(void *arg);

static void start_retransmit(struct strans *st)
{
	if (!st->opts.no_retransmit && st->interval != TIMER_NEVER)
		tmr_start(&st->retransmit, st->ep->loop, st->interval, on_retransmit, st);
}

static void on_retransmit(void *arg) /* timer G */
{
	struct strans *st = arg;

	st->interval = sip_timer_twice(st->interval, timers(st)->t2);
	if (st->interval != TIMER_NEVER)
		tmr_again(&st->retransmit, st->ep->loop, st->interval, on_retransmit, st);
	resend(st, NULL);
}

static void on_trying(void *arg)
{
	struct strans *st = arg;
	struct build_response r = {.status = 100};

	if (st->state == TRANS_PROCEEDING && !st->last)
		strans_reply(st, &r, NULL, NULL);
}

void strans_peer(struct addr *peer, const struct msg *request)
{
	const struct scan *s = &request->s;
	struct slice host;
	struct scan_via v;
	struct addr maddr;
	uint16_t port;

	*peer = request->src;
	if (!s->via.p)
		return;
	bool ok = scan_sent_by(s, &host, &port);
	scan_via_params(&v, s);
	if (v.maddr.p && addr_set(&maddr, v.maddr, ok ? port : 5060) &&
	    addr_is_v6(&maddr) == addr_is_v6(peer))
		*peer = maddr;
	else if (ok && !v.rport.p) /* RFC 3581 4 */
		addr_set_port(peer, port);
	/* else, or where no port can be made out, back to where it came from */
}

int strans_create(struct strans **stp, struct endpoint *ep, struct msg *request, const struct strans_opts *opts,
		  strans_event_h *h, void *arg, struct err *e)
{
	struct sip_timers *own = opts && opts->timers ? sip_timers_copy(opts->timers) : NULL;
	struct strans *st = mem_zalloc(sizeof(*st), destroy);

	if (!st || (opts && opts->timers && !own) || hash_add(&ep->sb->strans, &st->node, key(&request->s, request->s.method))) {
		mem_deref(own);
		mem_deref(st);
		return err_set(e, ERR_NOMEM, "out of memory for a transaction");
	}
	LIST_INSERT_HEAD(&ep->strans, st, entry);
	st->ep = ep;
	st->invite = msg_is(request, "INVITE");
	st->request = mem_ref(request);
	strans_peer(&st->peer, request);
	st->by_front = switchboard_at_front(ep->sb, request);
	if (opts)
		st->opts = *opts;
	st->opts.timers = own;
	st->h = h;
	st->arg = arg;
	endpoint_tag(ep, st->to_tag);
	st->state = st->invite ? TRANS_PROCEEDING : TRANS_TRYING;
	if (st->invite && !st->opts.no_trying && timers(st)->trying != TIMER_NEVER &&
	    tmr_start(&st->timeout, ep->loop, timers(st)->trying, on_trying, st)) {
		strans_close(st);
		return err_set(e, ERR_NOMEM, "out of memory for a timer");
	}
	if (stp)
		*stp = mem_ref(st);
	return 0;
}

static void set_last(struct strans *st, struct msg *response)
{
	mem_ref(response);
	mem_deref(st->last);
	st->last = response;
}

void strans_forget(struct strans *st)
{
	if (st->state == TRANS_ACCEPTED)
		st->last = mem_deref(st->last);
}

int strans_respond(struct strans *st, struct msg *response, struct err *e)
{
	unsigned status = response->s.status;
	bool repeated_2xx = st->state == TRANS_ACCEPTED && status >= 200 && status < 300;
	int err;

	if (status < 100)
		return err_set(e, ERR_ARG, "only a response with a status from 100 can answer a request");
	if (!st->ep || (st->state != TRANS_TRYING && st->state != TRANS_PROCEEDING && !repeated_2xx)) {
		char had[40] = "";
		if (st->last && st->last->s.status >= 200)
			snprintf(had, sizeof(had), ", it has had its final response %u", st->last->s.status);
		return err_set(e, ERR_NOT_NOW, "%u to %.*s: the transaction is %s%s", status,
			       SLICE_ARG(st->request->s.method), trans_state_name(st->state), had);
	}

	mem_ref(st);
	err = endpoint_answer(st->ep, st->by_front, response, &st->peer, e);
	if (err || !st->ep) /* or whoever saw it closed the endpoint */
		goto out;
	if (st->invite && st->state == TRANS_PROCEEDING) /* no 100 of our own any more */
		tmr_cancel(&st->timeout);
	if (repeated_2xx) {
		st->repeated_responses++;
		goto out;
	}
	set_last(st, response);
	if (status < 200) {
		st->state = TRANS_PROCEEDING;
	} else if (!st->invite) {
		st->state = TRANS_COMPLETED;
		start_timeout(st, timers(st)->j);
	} else if (status < 300) {
		st->state = TRANS_ACCEPTED;
		start_timeout(st, timers(st)->l);
	} else {
		st->state = TRANS_COMPLETED;
		st->interval = timers(st)->g;
		start_retransmit(st);
		start_timeout(st, timers(st)->h);
	}
out:
	mem_deref(st);
	return err;
}

/* Whether the same comes out when it is built again with the status alone. */
static bool is_plain(const struct build_response *r, const struct strans *st)
{
	return !r->reason.p && !r->source && (!r->to_tag.p || slice_eq(r->to_tag, slice_str(st->to_tag))) && !r->contact.p && !r->extra_count &&
	       !r->content_type.p && !r->body.p;
}

int strans_reply(struct strans *st, const struct build_response *r, struct msg **mp, struct err *e)
{
	struct build_response filled = *r; /* not in the caller's, who may use it for another transaction */
	struct buf b = {0};
	struct msg *m = NULL;
	int err = ERR_NOMEM;

	if (!filled.source)
		filled.source = &st->request->src;
	if (!filled.to_tag.p)
		filled.to_tag = slice_str(st->to_tag);
	build_response(&b, &st->request->s, &filled);
	if (!b.failed)
		err = msg_alloc(&m, buf_slice(&b));
	mem_ref(st); /* whoever sees it leave may close the transaction */
	if (err)
		err_set(e, err, "out of memory for a response");
	else
		err = strans_respond(st, m, e);
	if (!err && st->last == m)
		st->plain = is_plain(r, st);
	mem_deref(st);
	if (!err && mp)
		*mp = mem_ref(m);
	mem_deref(m);
	buf_free(&b);
	return err;
}

static void receive_cancel(struct strans *invite, struct msg *m)
{
	struct strans_opts opts = {.timers = at_rest(invite) ? NULL : invite->opts.timers};
	bool silent = !at_rest(invite) && invite->opts.no_cancel; /* one that is to be silent does not go to rest */
	/* RFC 3261 9.2: the same To tag in the answers to both. */
	struct build_response r = {.status = 200, .to_tag = to_tag_of(invite)};
	struct strans *st = NULL;

	if (!silent && strans_create(&st, invite->ep, m, &opts, NULL, NULL, NULL))
		return;
	mem_ref(invite);
	if (st)
		strans_reply(st, &r, NULL, NULL);
	strans_release(st);
	/* RFC 3261 9.2: no effect once a final response went out. */
	if (invite->state == TRANS_PROCEEDING && !invite->cancelled) {
		invite->cancelled = true;
		tell(invite, STRANS_CANCELLED, m);
	}
	mem_deref(invite);
}

static void absorb(struct strans *st, const struct msg *m)
{
	if (!at_rest(st))
		st->retransmissions++;
	st->ep->count.retransmissions_in++;
	meter_repeated(st->ep->sb->meter, m, false);
}

static void receive_ack(struct strans *st, struct msg *m)
{
	if (st->state == TRANS_CONFIRMED) {
		absorb(st, m);
		return;
	}
	mem_ref(st);
	st->state = TRANS_CONFIRMED;
	tmr_cancel(&st->retransmit);
	start_timeout(st, timers(st)->i);
	tell(st, STRANS_ACKED, m);
	mem_deref(st);
}

struct strans *strans_find(const struct switchboard *sb, const struct msg *m)
{
	struct strans *st = find(sb, &m->s, m->s.method);

	if (!st && slice_eq(m->s.method, SLICE_LIT("CANCEL")))
		st = find(sb, &m->s, SLICE_LIT("INVITE"));
	return st;
}

bool strans_receive(struct strans *st, struct msg *m)
{
	bool taken;

	if (slice_eq(m->s.method, SLICE_LIT("CANCEL")) && st->invite) {
		receive_cancel(st, m);
		return true;
	}
	if (slice_eq(m->s.method, SLICE_LIT("ACK"))) {
		taken = st->state == TRANS_COMPLETED || st->state == TRANS_CONFIRMED;
		if (taken)
			receive_ack(st, m); /* else it is the dialog's: RFC 6026 */
		return taken;
	}
	absorb(st, m);
	/* Repeats what went out last, but not a 2xx to an INVITE (RFC 6026 7.1: its user repeats that), and nothing
	 * when the ACK has come. */
	if (st->state == TRANS_PROCEEDING || st->state == TRANS_COMPLETED)
		resend(st, m);
	return true;
}

void strans_close(struct strans *st)
{
	strans_detach(st);
	terminate(st);
}
