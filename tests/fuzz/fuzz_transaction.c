/* Endpoints and transactions: each input is a script of what two actors do to each other, in virtual time. A step is an
 * octet and its arguments; messages that were on the wire come again, whole or changed. At the end nothing may be left.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "core/mem.h"
#include "sip/build.h"
#include "sip/transaction.h"

#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define KEPT 16

struct world {
	struct loop *loop;
	struct net *net;
	struct endpoint *ep[2];
	struct addr at[2];
	struct msg *seen[KEPT];
	unsigned seen_count;
	struct ctrans *ct[KEPT];
	struct strans *st[KEPT];
	unsigned ct_count, st_count;
	struct tmr stop;
	uint8_t reflex; /* what to do within callbacks */
	const uint8_t *p, *end;
};

static unsigned next(struct world *w)
{
	return w->p < w->end ? *w->p++ : 0;
}

static void reflexes(struct world *w, unsigned i)
{
	switch (w->reflex) {
	case 1:
		for (unsigned k = 0; k < KEPT; k++)
			ctrans_detach(w->ct[k]);
		break;
	case 2:
		if (w->ct[i % KEPT])
			ctrans_close(w->ct[i % KEPT]);
		break;
	case 3:
		if (w->st[i % KEPT])
			strans_close(w->st[i % KEPT]);
		break;
	case 4:
		w->ep[i % 2] = mem_deref(w->ep[i % 2]);
		break;
	case 5:
		if (w->ct[i % KEPT])
			ctrans_cancel(w->ct[i % KEPT], true, NULL);
		break;
	default:
		break;
	}
}

static void on_seen(struct endpoint *ep, struct msg *m, void *arg)
{
	struct world *w = arg;
	struct msg **at = &w->seen[w->seen_count++ % KEPT];

	(void)ep;
	mem_deref(*at);
	*at = mem_ref(m);
	if (w->reflex & 0x80) {
		w->reflex &= 0x7f;
		reflexes(w, w->seen_count);
	}
}

static void on_event(struct strans *st, enum strans_event ev, struct msg *m, void *arg)
{
	(void)st;
	CHECK(ev != STRANS_TERMINATED || !m);
	reflexes(arg, ev);
}

static void on_response(struct ctrans *ct, struct msg *m, void *arg)
{
	CHECK(!m->s.request && (m->locally || (m->s.status >= 100 && m->s.status < 700)));
	CHECK(m->s.status < 300 || ct->state == TRANS_COMPLETED || ct->state == TRANS_TERMINATED);
	reflexes(arg, m->s.status);
}

static bool on_request(struct endpoint *ep, struct msg *m, void *arg)
{
	struct world *w = arg;
	unsigned i = w->st_count++ % KEPT;
	struct strans_opts opts = {
	    .no_retransmit = w->reflex == 6, .no_trying = w->reflex == 7, .no_cancel = w->reflex == 8};

	if (msg_is(m, "ACK"))
		return false;
	w->st[i] = mem_deref(w->st[i]);
	CHECK(strans_create(&w->st[i], ep, m, &opts, on_event, w, NULL) == 0);
	return true;
}

static void send_request(struct world *w)
{
	static const char *const methods[] = {"INVITE", "OPTIONS", "ACK", "CANCEL"};
	unsigned what = next(w), from = what & 1, i = w->ct_count++ % KEPT;
	struct ctrans_opts opts = {.no_retransmit = what & 8, .no_ack = what & 16};
	struct buf b = {0}, via = {0};
	struct msg *m;

	if (!w->ep[from])
		return;
	endpoint_via(w->ep[from], &via);
	struct build_request r = {
	    .method = slice_str(methods[what >> 1 & 3]),
	    .uri = SLICE_LIT("sip:bob@example.test"),
	    .via = what & 32 ? SLICE_LIT("SIP/2.0/UDP 198.18.0.1") : buf_slice(&via),
	    .from = SLICE_LIT("<sip:a>;tag=a"),
	    .to = SLICE_LIT("<sip:b>"),
	    .call_id = SLICE_LIT("c"),
	    .cseq = 1,
	    .max_forwards = 70,
	};
	build_request(&b, &r);
	CHECK(msg_alloc(&m, buf_slice(&b)) == 0);
	struct addr dst = w->at[!from];
	if (what & 64)
		addr_set_port(&dst, 7);
	w->ct[i] = mem_deref(w->ct[i]);
	CHECK(ctrans_create(&w->ct[i], w->ep[from], m, &dst, &opts, on_response, w, NULL) == 0);
	mem_deref(m);
	buf_free(&b);
	buf_free(&via);
}

/* A message of before: some octets changed, cut or doubled. */
static void send_again(struct world *w)
{
	unsigned from = next(w) & 1, changes = next(w) % 4;
	struct msg *m = w->seen[next(w) % KEPT];
	struct buf b = {0};

	if (!m || !w->ep[from])
		return;
	buf_put_slice(&b, msg_bytes(m));
	while (changes-- && b.len) {
		size_t at = (next(w) << 8 | next(w)) % b.len;
		unsigned how = next(w);
		if (how < 200)
			b.p[at] = (uint8_t)how;
		else if (how < 220)
			b.len = at;
		else if (buf_reserve(&b, b.len - at)) /* first, for it may move what is to be doubled */
			buf_put(&b, b.p + at, b.len - at);
	}
	endpoint_send(w->ep[from], buf_slice(&b), &w->at[!from], NULL, NULL);
	buf_free(&b);
}

static void send_input(struct world *w)
{
	unsigned from = next(w) & 1;
	size_t len = next(w) << 8 | next(w), left = (size_t)(w->end - w->p);

	len = len < left ? len : left;
	if (w->ep[from])
		endpoint_send(w->ep[from], (struct slice){(const char *)w->p, len}, &w->at[!from], NULL, NULL);
	w->p += len;
}

static void reply(struct world *w)
{
	static const uint16_t statuses[] = {100, 180, 183, 200, 202, 302, 404, 486, 487, 500, 603, 99, 700};
	struct strans *st = w->st[next(w) % KEPT];
	struct build_response r = {.status = statuses[next(w) % (sizeof(statuses) / sizeof(*statuses))]};

	if (st)
		strans_reply(st, &r, NULL, NULL);
}

static void on_stop(void *arg)
{
	loop_stop(arg);
}

static void wait(struct world *w)
{
	uint64_t ms = (uint64_t)next(w) << (next(w) & 7);

	CHECK(tmr_start(&w->stop, w->loop, ms * NS_PER_MS, on_stop, w->loop) == 0);
	loop_run(w->loop);
}

static void step(struct world *w)
{
	unsigned op = next(w), i;

	switch (op % 10) {
	case 0:
		send_request(w);
		break;
	case 1:
		reply(w);
		break;
	case 2:
	case 3:
		wait(w);
		break;
	case 4:
	case 5:
		send_again(w);
		break;
	case 6:
		send_input(w);
		break;
	case 7:
		i = next(w);
		if (w->ct[i % KEPT])
			ctrans_cancel(w->ct[i % KEPT], i & 16, NULL);
		break;
	case 8:
		w->reflex = (uint8_t)(next(w) & 0x8f);
		break;
	case 9:
		i = next(w);
		if (w->ep[i & 1])
			ctrans_unreachable(w->ep[i & 1]->sb, &w->at[!(i & 1)], i & 2 ? ECONNREFUSED : EHOSTUNREACH);
		break;
	}
}

/* No timer runs any more: what lives waits for its user's answer, or as an INVITE that was answered provisionally for
 * its peer's. */
static bool waits_for_somebody(const struct endpoint *ep)
{
	for (size_t i = 0; i < ep->sb->ctrans.size; i++)
		for (struct hash_node *n = hash_bucket(&ep->sb->ctrans, i); n; n = n->next) {
			const struct ctrans *ct = hash_owner(n, const struct ctrans, node);
			if (ct->state != TRANS_PROCEEDING || !ct->invite || ct->cancel)
				return false;
		}
	for (size_t i = 0; i < ep->sb->strans.size; i++)
		for (struct hash_node *n = hash_bucket(&ep->sb->strans, i); n; n = n->next) {
			const struct strans *st = hash_owner(n, const struct strans, node);
			if (st->state != TRANS_TRYING && st->state != TRANS_PROCEEDING)
				return false;
		}
	return true;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct loop_cfg lc = {.virtual_clock = true};
	struct world w = {.p = data, .end = data + size};
	size_t live = mem_live();

	CHECK(loop_alloc(&w.loop, &lc, NULL) == 0);
	struct net_cfg nc = {.loop = w.loop, .seed = 1, .test = "fuzz"};
	CHECK(net_alloc(&w.net, &nc, NULL) == 0);
	for (int i = 0; i < 2; i++) {
		struct endpoint_handlers h = {.seen = on_seen, .request = on_request, .arg = &w};
		struct endpoint_cfg ec = {.net = w.net, .name = i ? "bob" : "alice", .seed = 1, .test = "fuzz"};
		CHECK(endpoint_alloc(&w.ep[i], &ec, &h, NULL) == 0);
		w.at[i] = *endpoint_local(w.ep[i]);
	}
	for (unsigned steps = 0; w.p < w.end && steps < 200; steps++)
		step(&w);

	w.reflex = 0;
	while (loop_run(w.loop) != LOOP_DRY) /* once more where a stop was left */
		;
	for (int i = 0; i < 2; i++) {
		CHECK(!w.ep[i] || waits_for_somebody(w.ep[i]));
		w.ep[i] = mem_deref(w.ep[i]);
	}
	for (int i = 0; i < KEPT; i++) {
		CHECK(!w.ct[i] || !w.ct[i]->ep);
		CHECK(!w.st[i] || !w.st[i]->ep);
		mem_deref(w.seen[i]);
		mem_deref(w.ct[i]);
		mem_deref(w.st[i]);
	}
	mem_deref(w.net);
	mem_deref(w.loop);
	CHECK(mem_live() == live);
	return 0;
}
