/* Several endpoints at one transport: who gets what. */
#include "unit.h"

#include "core/mem.h"
#include "sip/build.h"
#include "sip/endpoint.h"
#include "sip/meter.h"
#include "sip/transaction.h"

#include <stdio.h>
#include <string.h>

#define ACTORS 4

static struct loop *loop;
static struct net *net;
static struct switchboard *sb;
static struct endpoint *actor[ACTORS], *peer;
static const char *const names[ACTORS] = {"alice", "bob", "edge", "bob"};
static struct buf got; /* "bob OPTIONS", a line each */
static unsigned counted[2];
static bool answers;

static bool on_request(struct endpoint *ep, struct msg *m, void *arg)
{
	struct strans *st;

	(void)arg;
	buf_printf(&got, "%s %.*s\n", ep->name, SLICE_ARG(msg_method(m)));
	if (answers && strans_create(&st, ep, m, NULL, NULL, NULL, NULL) == 0) {
		strans_reply(st, &(struct build_response){.status = 200}, NULL, NULL);
		mem_deref(st);
	}
	return true;
}

static void on_unclaimed(struct endpoint *ep, struct msg *m, void *arg)
{
	(void)arg;
	buf_printf(&got, "%s? %.*s\n", ep->name, SLICE_ARG(msg_method(m)));
}

static void on_message(void *arg, const struct msg *m, bool sent)
{
	(void)arg;
	(void)m;
	counted[sent]++;
}
static void on_repeated(void *arg, const struct msg *m, bool sent)
{
	(void)arg;
	(void)m;
	(void)sent;
}
static void on_took(void *arg, enum meter_time what, uint64_t ns)
{
	(void)arg;
	(void)what;
	(void)ns;
}
static void on_gave_up(void *arg, const struct msg *m)
{
	(void)arg;
	(void)m;
}
static const struct meter meter = {NULL, on_message, on_repeated, on_took, on_gave_up};

static int setup(void **state)
{
	struct loop_cfg lc = {.virtual_clock = true};
	struct endpoint_handlers h = {.request = on_request, .unclaimed = on_unclaimed};

	if (unit_setup(state) || loop_alloc(&loop, &lc, NULL))
		return -1;
	struct net_cfg nc = {.loop = loop, .seed = 1, .test = "switchboard"};
	if (net_alloc(&net, &nc, NULL))
		return -1;
	struct switchboard_cfg sc = {.net = net, .actor = "load", .shared = true, .meter = &meter};
	if (switchboard_alloc(&sb, &sc, NULL))
		return -1;
	for (int i = 0; i < ACTORS; i++) {
		struct endpoint_cfg ec = {.net = net, .sb = sb, .name = names[i], .seed = 1, .test = "switchboard"};
		if (endpoint_alloc(&actor[i], &ec, &h, NULL))
			return -1;
	}
	struct endpoint_cfg pc = {.net = net, .name = "peer", .seed = 1, .test = "switchboard"};
	return endpoint_alloc(&peer, &pc, &h, NULL);
}

static int teardown(void **state)
{
	buf_free(&got);
	memset(counted, 0, sizeof(counted));
	peer = mem_deref(peer);
	for (int i = 0; i < ACTORS; i++)
		actor[i] = mem_deref(actor[i]);
	sb = mem_deref(sb);
	net = mem_deref(net);
	loop = mem_deref(loop);
	return unit_teardown(state);
}

static void sent(const char *uri, const char *lines, const char *want)
{
	struct buf b = {0};

	buf_printf(&b,
		   "OPTIONS %s SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.0.9;branch=z9hG4bK%p\r\nFrom: <sip:x@h>;tag=x\r\nTo: <sip:y@h>\r\n%s"
		   "Call-ID: c\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
		   uri, (const void *)uri, lines);
	assert_int_equal(endpoint_send(peer, buf_slice(&b), transport_local(sb->tp), NULL, NULL), 0);
	loop_run(loop);
	if (!slice_eq(buf_slice(&got), slice_str(want)))
		fail_msg("%s %s: got \"%.*s\", wanted \"%s\"", uri, lines, SLICE_ARG(buf_slice(&got)), want);
	buf_reset(&got);
	buf_free(&b);
}

static bool room[2];

static bool has_room(const void *group)
{
	return *(const bool *)group;
}

/* A request goes to the endpoint that its Route or its Request-URI names; else to those who take others, in turn where they belong together. */
static void by_name(void **state)
{
	(void)state;
	assert_string_equal(actor[1]->user, "bob");
	assert_string_equal(actor[3]->name, "bob");
	assert_string_not_equal(actor[3]->user, "bob");
	sent("sip:bob@198.18.0.1", "", "bob OPTIONS\n");
	sent("sip:alice@elsewhere.test", "", "alice OPTIONS\n");
	sent("sip:bob@198.18.0.1", "Route: <sip:edge@198.18.0.1;lr>\r\n", "edge OPTIONS\n");
	sent("sip:nobody@198.18.0.1", "", "");
	sent("sip:198.18.0.1", "", "");
	assert_int_equal(sb->stray, 2);
	assert_int_equal(switchboard_take_others(sb, actor[0], has_room, &room[0]), 0);
	assert_int_equal(switchboard_take_others(sb, actor[1], has_room, &room[0]), 0);
	assert_int_equal(switchboard_take_others(sb, actor[2], has_room, &room[1]), 0);
	room[1] = true;
	sent("sip:nobody@198.18.0.1", "", "edge OPTIONS\n");
	room[1] = false; /* then the first group has to say so */
	sent("sip:nobody@198.18.0.1", "", "bob OPTIONS\n");
	room[0] = room[1] = true;
	sent("sip:nobody@198.18.0.1", "", "alice OPTIONS\n");
	sent("sip:198.18.0.1", "", "bob OPTIONS\n");
	sent("sip:nobody@198.18.0.1", "", "alice OPTIONS\n");
	actor[0] = mem_deref(actor[0]);
	sent("sip:nobody@198.18.0.1", "", "bob OPTIONS\n");
	assert_int_equal(counted[0], 11);
}

static void on_response(struct ctrans *ct, struct msg *m, void *arg)
{
	(void)m;
	(void)arg;
	buf_printf(&got, "%s %u\n", ct->ep->name, m->s.status);
}

/* A response goes to whoever has its transaction, also when the request went from one endpoint to another of the same transport. */
static void by_branch(void **state)
{
	struct ctrans *ct[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct ctrans_opts opts = {0};
		struct buf via = {0}, b = {0};
		struct msg *m;
		endpoint_via(actor[i], &via);
		buf_printf(&b,
			   "OPTIONS sip:edge@h SIP/2.0\r\nVia: %.*s\r\nFrom: <sip:x@h>;tag=x%d\r\nTo: <sip:y@h>\r\n"
			   "Call-ID: c%d\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
			   SLICE_ARG(buf_slice(&via)), i, i);
		assert_int_equal(msg_alloc(&m, buf_slice(&b)), 0);
		assert_int_equal(ctrans_create(&ct[i], actor[i], m, transport_local(sb->tp), &opts, on_response, NULL, NULL), 0);
		mem_deref(m);
		buf_free(&via);
		buf_free(&b);
	}
	answers = true;
	loop_run(loop);
	answers = false;
	assert_true(slice_eq(buf_slice(&got), SLICE_LIT("edge OPTIONS\nedge OPTIONS\nalice 200\nbob 200\n")));
	assert_int_equal(sb->ctrans.n, 0);
	mem_deref(ct[0]);
	mem_deref(ct[1]);
}

/* An endpoint that goes leaves the others their transactions. */
static void closed_with_its_endpoint(void **state)
{
	struct buf b = {0};
	struct strans *st[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct msg *m;
		buf_reset(&b);
		buf_printf(&b,
			   "OPTIONS sip:edge@h SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.0.9;branch=z9hG4bK%d\r\nFrom: <sip:x@h>;tag=x\r\n"
			   "To: <sip:y@h>\r\nCall-ID: c\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
			   i);
		assert_int_equal(msg_alloc(&m, buf_slice(&b)), 0);
		m->src = *endpoint_local(peer);
		assert_int_equal(strans_create(&st[i], actor[i], m, NULL, NULL, NULL, NULL), 0);
		/* The same request at two endpoints is not merged (RFC 3261 8.2.2.2): that is told of one UAS. */
		assert_false(strans_merged(st[i]));
		mem_deref(m);
	}
	assert_int_equal(sb->strans.n, 2);
	actor[0] = mem_deref(actor[0]);
	assert_int_equal(sb->strans.n, 1);
	assert_null(st[0]->ep);
	assert_ptr_equal(st[1]->ep, actor[1]);
	mem_deref(st[0]);
	mem_deref(st[1]);
	buf_free(&b);
}

static int all(void *arg)
{
	struct loop_cfg lc = {.virtual_clock = true};
	struct loop *l = NULL;
	struct net *n = NULL;
	struct switchboard *s = NULL;
	struct endpoint *ep = NULL;
	struct endpoint_handlers h = {.request = on_request};
	int err = loop_alloc(&l, &lc, NULL);

	(void)arg;
	if (!err)
		err = net_alloc(&n, &(struct net_cfg){.loop = l, .seed = 1, .test = "t"}, NULL);
	if (!err)
		err = switchboard_alloc(&s, &(struct switchboard_cfg){.net = n, .actor = "load", .shared = true}, NULL);
	if (!err)
		err = endpoint_alloc(&ep, &(struct endpoint_cfg){.net = n, .sb = s, .name = "a", .seed = 1, .test = "t"}, &h, NULL);
	if (!err)
		err = switchboard_take_others(s, ep, NULL, NULL);
	mem_deref(ep);
	mem_deref(s);
	mem_deref(n);
	mem_deref(l);
	return err;
}

static void out_of_memory(void **state)
{
	(void)state;
	assert_true(unit_each_failure(all, NULL) >= 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(by_name, setup, teardown),
		cmocka_unit_test_setup_teardown(by_branch, setup, teardown),
		cmocka_unit_test_setup_teardown(closed_with_its_endpoint, setup, teardown),
		UNIT_TEST(out_of_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
