/* Two endpoints, alice and bob, on the virtual clock over the simulated network, and a log of what happened when.
 *
 * The log has a line for each message that leaves ("0 alice INVITE", "500 bob 486 INVITE": script time in ms), for what
 * a transaction tells its user ("0 alice: 486", "32000 alice: 408 timer B", "0 bob: CANCELLED"), and for what nobody
 * took
 * ("0 bob? ACK"). */
#ifndef OFFHOOK_TESTS_SIP_PAIR_H
#define OFFHOOK_TESTS_SIP_PAIR_H

#include "unit.h"

#include "sip/build.h"
#include "sip/transaction.h"

#include <stdio.h>
#include <string.h>

struct pair;
typedef void(pair_h)(struct pair *p);

struct pair_action {
	struct tmr tmr;
	struct pair *p;
	pair_h *h;
};

struct pair {
	struct loop *loop;
	struct net *net;
	struct endpoint *alice, *bob;
	struct addr bob_addr;
	struct buf log;
	struct ctrans *ct;   /* alice's, by pair_send() */
	struct strans *st;   /* bob's latest */
	struct msg *request; /* the latest that bob got outside transactions */
	struct msg *final;   /* the latest that alice was told */
	struct ctrans_opts copts;
	struct strans_opts sopts;
	bool no_strans;      /* bob takes no request */
	pair_h *on_request;  /* bob has a new server transaction */
	pair_h *on_response; /* alice was told a response: p->final */
	struct pair_action actions[24];
	unsigned action_count;
};

static void pair_log(struct pair *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void pair_log(struct pair *p, const char *fmt, ...)
{
	char text[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_printf(&p->log, "%llu %s\n", (unsigned long long)(loop_now(p->loop) / NS_PER_MS), text);
}

static const char *pair_what(char *buf, size_t size, const struct msg *m)
{
	if (m->s.request)
		snprintf(buf, size, "%.*s", SLICE_ARG(m->s.method));
	else
		snprintf(buf, size, "%u %.*s", m->s.status, SLICE_ARG(m->s.cseq_method));
	return buf;
}

static void pair_seen(struct endpoint *ep, struct msg *m, void *arg)
{
	char what[80];

	if (!m->received)
		pair_log(arg, "%s %s", ep->name, pair_what(what, sizeof(what), m));
}

static void pair_unclaimed(struct endpoint *ep, struct msg *m, void *arg)
{
	char what[80];

	pair_log(arg, "%s? %s", ep->name, pair_what(what, sizeof(what), m));
}

static void pair_event(struct strans *st, enum strans_event ev, struct msg *m, void *arg)
{
	static const char *const names[] = {"CANCELLED", "ACKED", "NO_ACK", "TERMINATED"};

	(void)m;
	(void)st;
	pair_log(arg, "bob: %s", names[ev]);
}

static bool pair_request(struct endpoint *ep, struct msg *m, void *arg)
{
	struct pair *p = arg;

	if (ep != p->bob || msg_is(m, "ACK") || msg_is(m, "CANCEL"))
		return false;
	mem_deref(p->request);
	p->request = mem_ref(m);
	if (p->no_strans)
		return true;
	p->st = mem_deref(p->st);
	if (strans_create(&p->st, ep, m, &p->sopts, pair_event, p, NULL))
		return false;
	if (p->on_request)
		p->on_request(p);
	return true;
}

static void pair_response(struct ctrans *ct, struct msg *m, void *arg)
{
	struct pair *p = arg;

	(void)ct;
	pair_log(p, "alice: %u%s%s", m->s.status, m->locally ? " " : "", m->locally ? m->locally : "");
	mem_deref(p->final);
	p->final = mem_ref(m);
	if (p->on_response)
		p->on_response(p);
}

/* The only one in a table. */
static inline struct hash_node *pair_only(const struct hash *h)
{
	size_t i = 0;

	assert_int_equal(h->n, 1);
	while (!hash_bucket(h, i))
		i++;
	return hash_bucket(h, i);
}

static inline int pair_open(struct pair *p, bool v6)
{
	struct loop_cfg lc = {.virtual_clock = true};
	struct endpoint_handlers h = {
	    .seen = pair_seen, .request = pair_request, .unclaimed = pair_unclaimed, .arg = p};
	int err = loop_alloc(&p->loop, &lc, NULL);

	if (err)
		return err;
	struct net_cfg nc = {.loop = p->loop, .seed = 1, .test = "pair"};
	err = net_alloc(&p->net, &nc, NULL);
	if (err)
		return err;
	struct endpoint_cfg ec = {.net = p->net, .name = "alice", .v6 = v6, .seed = 1, .test = "pair"};
	err = endpoint_alloc(&p->alice, &ec, &h, NULL);
	if (err)
		return err;
	ec.name = "bob";
	err = endpoint_alloc(&p->bob, &ec, &h, NULL);
	if (err)
		return err;
	p->bob_addr = *endpoint_local(p->bob);
	return 0;
}

static inline void pair_close(struct pair *p)
{
	for (unsigned i = 0; i < p->action_count; i++)
		tmr_cancel(&p->actions[i].tmr);
	mem_deref(p->alice);
	mem_deref(p->bob);
	mem_deref(p->ct);
	mem_deref(p->st);
	mem_deref(p->request);
	mem_deref(p->final);
	mem_deref(p->net);
	mem_deref(p->loop);
	buf_free(&p->log);
	memset(p, 0, sizeof(*p));
}

static void pair_act(void *arg)
{
	struct pair_action *a = arg;

	a->h(a->p);
}

/* Does `h` at that script time, in ms, behind what else is due then. */
static inline void pair_at(struct pair *p, uint64_t ms, pair_h *h)
{
	struct pair_action *a = &p->actions[p->action_count++];

	assert_true(p->action_count <= sizeof(p->actions) / sizeof(*p->actions));
	a->p = p;
	a->h = h;
	assert_int_equal(tmr_start_at(&a->tmr, p->loop, ms * NS_PER_MS, TMR_DEADLINE, pair_act, a), 0);
}

/* A request of alice's by no transaction of hers. */
static inline void pair_raw(struct pair *p, const char *method, const char *via, const char *to_tag)
{
	struct buf b = {0};

	buf_printf(&b, "%s sip:bob@example.test SIP/2.0\r\nVia: %s\r\nMax-Forwards: 70\r\n", method, via);
	buf_printf(&b, "From: <sip:alice@example.test>;tag=a\r\nTo: <sip:bob@example.test>%s%s\r\n",
		   *to_tag ? ";tag=" : "", to_tag);
	buf_printf(&b, "Call-ID: c1\r\nCSeq: 1 %s\r\nContent-Length: 0\r\n\r\n", method);
	assert_int_equal(endpoint_send(p->alice, buf_slice(&b), &p->bob_addr, NULL, NULL), 0);
	buf_free(&b);
}

static void pair_stop(void *arg)
{
	loop_stop(arg);
}

/* Lets what is under way arrive, without time going on; returns `p`. */
static inline struct pair *pair_deliver(struct pair *p)
{
	struct tmr stop = {0};

	assert_int_equal(tmr_start_at(&stop, p->loop, loop_now(p->loop), TMR_DEADLINE, pair_stop, p->loop), 0);
	assert_int_equal(loop_run(p->loop), LOOP_STOPPED);
	return p;
}

/* A request of alice's to bob. */
static inline void pair_build(struct pair *p, struct buf *out, const char *method, const char *via)
{
	const struct slice route = SLICE_LIT("<sip:edge.example.test;lr>");
	struct buf v = {0};

	if (via)
		buf_puts(&v, via);
	else
		endpoint_via(p->alice, &v);
	struct build_request r = {
	    .method = slice_str(method),
	    .uri = SLICE_LIT("sip:bob@example.test"),
	    .via = buf_slice(&v),
	    .routes = &route,
	    .route_count = 1,
	    .from = SLICE_LIT("<sip:alice@example.test>;tag=a"),
	    .to = SLICE_LIT("<sip:bob@example.test>"),
	    .call_id = SLICE_LIT("c1@198.18.0.1"),
	    .cseq = 1,
	    .max_forwards = 70,
	};
	build_request(out, &r);
	out->failed |= v.failed;
	buf_free(&v);
}

/* Sends it in a client transaction with p->copts. */
static inline int pair_send(struct pair *p, const char *method, const char *via)
{
	struct buf b = {0};
	struct msg *m = NULL;
	int err = ERR_NOMEM;

	pair_build(p, &b, method, via);
	if (!b.failed)
		err = msg_alloc(&m, buf_slice(&b));
	if (!err) {
		p->ct = mem_deref(p->ct);
		err = ctrans_create(&p->ct, p->alice, m, &p->bob_addr, &p->copts, pair_response, p, NULL);
	}
	mem_deref(m);
	buf_free(&b);
	return err;
}

/* Bob answers the latest request by hand, outside any transaction. */
static inline void pair_raw_reply(struct pair *p, unsigned status)
{
	struct buf b = {0};
	struct build_response r = {.status = status, .to_tag = SLICE_LIT("b")};

	build_response(&b, &p->request->s, &r);
	assert_int_equal(endpoint_send(p->bob, buf_slice(&b), &p->request->src, NULL, NULL), 0);
	buf_free(&b);
}

static inline int pair_reply(struct pair *p, unsigned status)
{
	struct build_response r = {.status = status};

	return strans_reply(p->st, &r, NULL, NULL);
}

static inline void pair_check(struct pair *p, const char *want, const char *file, int line)
{
	struct slice got = buf_slice(&p->log);

	if (!slice_eq(got, slice_str(want))) {
		print_error("got:\n%.*s\nwanted:\n%s\n", SLICE_ARG(got), want);
		_fail(file, line);
	}
	buf_reset(&p->log);
}
#define pair_is(p, want) pair_check(p, want, __FILE__, __LINE__)

/* Runs until nothing is left to happen: no transaction may then be alive. */
static inline void pair_run(struct pair *p)
{
	assert_int_equal(loop_run(p->loop), LOOP_DRY);
	p->action_count = 0;
	if (p->alice) {
		assert_int_equal(p->alice->sb->ctrans.n, 0);
		assert_int_equal(p->alice->sb->strans.n, 0);
	}
	if (p->bob)
		assert_int_equal(p->bob->sb->strans.n, 0);
}

#endif
