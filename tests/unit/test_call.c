/* Calls and registrations between two UAs in virtual time, without any script: what the machines do by themselves. */
#include "unit.h"

#include "sip/call.h"
#include "sip/registration.h"

#include <string.h>

struct side {
	struct endpoint *ep;
	struct ua *ua;
	struct call *call;
	unsigned finals, acks, byes, cancels, no_acks, ended;
	unsigned last_status;
	bool ring_only;
};

struct world {
	struct loop *loop;
	struct net *net;
	struct side alice, bob;
	struct tmr timers[8];
};

static bool on_event(struct call *call, enum call_event ev, struct msg *m, struct strans *st, const char *why, void *arg)
{
	struct side *s = arg;

	(void)call;
	(void)st;
	(void)why;
	if (ev == CALL_RESPONSE && m->s.status >= 200) {
		s->finals++;
		s->last_status = m->s.status;
	}
	s->acks += ev == CALL_ACK;
	s->byes += ev == CALL_BYE;
	s->cancels += ev == CALL_CANCELLED;
	s->no_acks += ev == CALL_NO_ACK;
	s->ended += ev == CALL_ENDED;
	return false;
}

static bool on_incoming(struct ua *ua, struct call *call, void *arg)
{
	struct side *s = arg;
	struct call_reply ring = {.status = 180}, answer = {.status = 200};

	(void)ua;
	s->call = mem_ref(call);
	call_set_handler(call, on_event, s);
	call_reply(call, &ring, NULL, NULL);
	if (!s->ring_only)
		call_reply(call, &answer, NULL, NULL);
	return true;
}

static bool on_request(struct endpoint *ep, struct msg *m, void *arg)
{
	struct side *s = arg;

	(void)ep;
	return ua_receive(s->ua, m);
}

static int side_open(struct world *w, struct side *s, const char *name, const char *aor)
{
	struct endpoint_handlers eh = {.request = on_request, .arg = s};
	struct endpoint_cfg ec = {.net = w->net, .name = name, .seed = 1, .test = "call"};
	struct ua_handlers uh = {.incoming = on_incoming, .arg = s};
	struct ua_cfg uc = {.aor = slice_str(aor), .answers = (1u << UA_ANSWER_COUNT) - 1};
	int err = endpoint_alloc(&s->ep, &ec, &eh, NULL);

	if (err)
		return err;
	s->ep->in_dialog = call_in_dialog;
	return ua_alloc(&s->ua, s->ep, &uc, &uh, NULL);
}

static int world_open(struct world *w)
{
	struct loop_cfg lc = {.virtual_clock = true};
	int err = loop_alloc(&w->loop, &lc, NULL);

	if (err)
		return err;
	struct net_cfg nc = {.loop = w->loop, .seed = 1, .test = "call"};
	err = net_alloc(&w->net, &nc, NULL);
	if (!err)
		err = side_open(w, &w->alice, "alice", "sip:alice@example.test");
	if (!err)
		err = side_open(w, &w->bob, "bob", "sip:bob@example.test");
	return err;
}

static void world_close(struct world *w)
{
	for (size_t i = 0; i < sizeof(w->timers) / sizeof(*w->timers); i++)
		tmr_cancel(&w->timers[i]);
	for (struct side *s = &w->alice; s <= &w->bob; s++) {
		if (s->call)
			call_set_handler(s->call, NULL, NULL);
		mem_deref(s->call);
	}
	for (struct side *s = &w->alice; s <= &w->bob; s++)
		mem_deref(s->ua);
	for (struct side *s = &w->alice; s <= &w->bob; s++)
		mem_deref(s->ep);
	mem_deref(w->net);
	mem_deref(w->loop);
	memset(w, 0, sizeof(*w));
}

static void stop(void *arg)
{
	loop_stop(arg);
}

static void run(struct world *w, double seconds)
{
	tmr_start_at(&w->timers[0], w->loop, loop_now(w->loop) + (uint64_t)(seconds * 1e9), TMR_DEADLINE, stop, w->loop);
	loop_run(w->loop);
}

static int invite(struct world *w, const struct call_opts *opts)
{
	struct ua_request r = {.uri = w->bob.ua->contact};

	return call_invite(&w->alice.call, w->alice.ua, &r, opts, on_event, &w->alice, NULL);
}

/* Drops what `from` sends to the other. */
static void cut(struct world *w, const char *from, double loss)
{
	struct net_faults f = {.loss = loss};

	assert_int_equal(net_set_faults(w->net, from, NULL, &f), 0);
}

static void established_and_ended(void **state)
{
	struct world w = {0};
	struct uac *bye;

	(void)state;
	assert_int_equal(world_open(&w), 0);
	assert_int_equal(invite(&w, NULL), 0);
	run(&w, 1);
	assert_int_equal(w.alice.call->state, CALL_CONFIRMED);
	assert_int_equal(w.alice.last_status, 200);
	assert_int_equal(w.bob.acks, 1);
	assert_int_equal(call_bye(&bye, w.alice.call, NULL, NULL, NULL, NULL, NULL), 0);
	run(&w, 1);
	assert_int_equal(w.bob.byes, 1);
	assert_int_equal(w.bob.call->state, CALL_TERMINATED);
	assert_string_equal(w.bob.call->ended_by, "remote BYE");
	assert_int_equal(call_bye(&bye, w.alice.call, NULL, NULL, NULL, NULL, NULL), ERR_NOT_NOW);
	mem_deref(bye);
	world_close(&w);
}

static void on_status(struct uac *uac, struct msg *m, const char *why, void *arg)
{
	(void)uac;
	(void)why;
	*(unsigned *)arg = m->s.status;
}

static void copy_invite(struct buf *b, struct call *call)
{
	buf_reset(b);
	buf_put_slice(b, msg_bytes(call_invite_msg(call)));
}

/* Of a call whose INVITE's transaction is over its bytes stay; nothing that can be asked of it has changed, and the call goes on. */
static void at_rest(void **state)
{
	struct world w = {0};
	struct buf sent = {0}, came = {0};
	struct msg *ack;
	struct uac *again, *bye;
	unsigned status = 0;

	(void)state;
	assert_int_equal(world_open(&w), 0);
	assert_int_equal(invite(&w, NULL), 0);
	cut(&w, "bob", 1); /* the INVITE comes twice */
	run(&w, 0.7);
	cut(&w, "bob", 0);
	run(&w, 1);
	copy_invite(&sent, w.alice.call);
	copy_invite(&came, w.bob.call);
	uint64_t sent_at = w.alice.call->request->time, came_at = w.bob.call->request->time;
	unsigned repeated = call_retransmissions(w.alice.call);
	assert_int_equal(repeated, 2);
	assert_int_equal(call_retransmissions(w.bob.call), 2);
	size_t awake = mem_live();
	run(&w, 40);
	assert_true(mem_live() < awake);
	assert_null(w.alice.call->invite);
	assert_null(w.alice.call->request);
	assert_null(w.alice.call->dialog->ack);
	assert_null(w.bob.call->server);
	assert_null(w.bob.call->request);

	assert_int_equal(call_retransmissions(w.alice.call), repeated);
	assert_int_equal(call_retransmissions(w.bob.call), repeated);
	assert_int_equal(call_cancel(w.alice.call, false, false, NULL), ERR_NOT_NOW);
	assert_int_equal(call_client(w.alice.call)->state, TRANS_TERMINATED);
	assert_true(slice_eq(msg_bytes(call_client(w.alice.call)->request), buf_slice(&sent)));
	assert_int_equal(call_client(w.alice.call)->retransmissions, repeated);
	assert_int_equal(call_server(w.bob.call)->state, TRANS_TERMINATED);
	assert_true(slice_eq(slice_str(call_server(w.bob.call)->to_tag), dialog_texts(w.bob.call->dialog).local_tag));
	assert_true(slice_eq(msg_bytes(call_invite_msg(w.alice.call)), buf_slice(&sent)));
	assert_true(slice_eq(msg_bytes(call_invite_msg(w.bob.call)), buf_slice(&came)));
	assert_true(w.alice.call->request->time == sent_at && w.bob.call->request->time == came_at && w.bob.call->request->received);

	assert_int_equal(call_ack(w.alice.call, NULL, NULL, &ack, NULL), 0);
	assert_int_equal(ack->s.cseq, w.alice.call->request->s.cseq);
	mem_deref(ack);
	assert_int_equal(call_request(&again, w.bob.call, NULL, SLICE_LIT("INVITE"), NULL, on_status, &status, NULL), 0);
	run(&w, 40);
	assert_int_equal(status, 200);
	assert_int_equal(call_retransmissions(w.alice.call), repeated); /* of its own INVITE */
	assert_int_equal(call_bye(&bye, w.alice.call, NULL, NULL, NULL, NULL, NULL), 0);
	run(&w, 1);
	assert_string_equal(w.bob.call->ended_by, "remote BYE");
	mem_deref(again);
	mem_deref(bye);
	buf_free(&sent);
	buf_free(&came);
	world_close(&w);
}

static unsigned fork_acks, fork_byes;

static void count_fork(struct endpoint *ep, struct msg *m, void *arg)
{
	(void)ep;
	(void)arg;
	if (m->received && slice_eq(m->s.to_tag, SLICE_LIT("fork"))) {
		fork_acks += msg_is(m, "ACK");
		fork_byes += msg_is(m, "BYE");
	}
}

/* A 200 of another fork to Alice's INVITE, from where Bob is. */
static void fork_answers(struct world *w, struct msg *invite)
{
	struct build_response r = {.status = 200, .to_tag = SLICE_LIT("fork"), .contact = w->bob.ua->contact_value};
	struct buf b = {0};

	build_response(&b, &invite->s, &r);
	assert_int_equal(endpoint_send(w->bob.ep, buf_slice(&b), endpoint_local(w->alice.ep), NULL, NULL), 0);
	buf_free(&b);
	run(w, 0.1);
}

/* Before the transaction of its INVITE is over: that repeats the ACK by itself, and a 2xx of another fork is hung up all the same. */
static void at_rest_early(void **state)
{
	struct world w = {0};
	struct msg *invite_sent;
	struct uac *bye;

	(void)state;
	fork_acks = fork_byes = 0;
	assert_int_equal(world_open(&w), 0);
	assert_int_equal(invite(&w, NULL), 0);
	call_rest(w.alice.call); /* it is not up */
	assert_non_null(w.alice.call->invite);
	invite_sent = mem_ref(call_invite_msg(w.alice.call));
	cut(&w, "alice", 1); /* no ACK gets through */
	run(&w, 0.4);
	assert_int_equal(w.alice.call->state, CALL_CONFIRMED);
	call_rest(w.alice.call);
	call_rest(w.bob.call); /* which waits for its ACK */
	assert_null(w.alice.call->invite);
	assert_null(w.alice.call->request);
	assert_non_null(w.bob.call->server);
	cut(&w, "alice", 0);
	run(&w, 1);
	assert_int_equal(w.bob.acks, 1);
	assert_int_equal(call_repeated_2xx(w.alice.call), 1);
	call_rest(w.bob.call);
	assert_null(w.bob.call->server);
	assert_null(w.bob.call->request);
	assert_true(slice_eq(msg_bytes(call_invite_msg(w.bob.call)), msg_bytes(invite_sent)));

	w.bob.ep->h.seen = count_fork;
	fork_answers(&w, invite_sent);
	assert_int_equal(fork_acks, 1);
	assert_int_equal(fork_byes, 1);
	fork_answers(&w, invite_sent);
	assert_int_equal(fork_acks, 2);
	assert_int_equal(fork_byes, 1);
	assert_int_equal(w.alice.call->state, CALL_CONFIRMED);
	mem_deref(invite_sent);

	run(&w, 40);
	assert_null(w.alice.call->alone->ep); /* timer M */
	assert_int_equal(call_bye(&bye, w.alice.call, NULL, NULL, NULL, NULL, NULL), 0);
	run(&w, 1);
	assert_string_equal(w.bob.call->ended_by, "remote BYE");
	mem_deref(bye);
	world_close(&w);
}

/* Who has the transaction of a call keeps it. */
static void shown(void **state)
{
	struct world w = {0};

	(void)state;
	assert_int_equal(world_open(&w), 0);
	assert_int_equal(invite(&w, NULL), 0);
	run(&w, 1);
	struct ctrans *ct = call_client(w.alice.call);
	struct strans *st = call_server(w.bob.call);
	run(&w, 40);
	assert_ptr_equal(call_client(w.alice.call), ct);
	assert_ptr_equal(call_server(w.bob.call), st);
	assert_int_equal(ct->state, TRANS_TERMINATED);
	assert_int_equal(st->state, TRANS_TERMINATED);
	assert_int_equal(st->repeated_responses, 0);
	world_close(&w);
}

/* The ACK is lost: the 2xx comes again, and so does the ACK (RFC 3261 13.2.2.4). */
static void lost_ack(void **state)
{
	struct world w = {0};

	(void)state;
	assert_int_equal(world_open(&w), 0);
	assert_int_equal(invite(&w, NULL), 0);
	cut(&w, "alice", 1); /* the INVITE is on its way already */
	run(&w, 1.2);
	assert_int_equal(w.bob.acks, 0);
	cut(&w, "alice", 0);
	run(&w, 10);
	assert_int_equal(w.bob.acks, 1);
	assert_true(w.alice.call->repeated_2xx >= 2);
	assert_int_equal(w.bob.call->state, CALL_CONFIRMED);
	world_close(&w);
}

/* No ACK for 64*T1: the callee ends it with a BYE (13.3.1.4). */
static void no_ack(void **state)
{
	struct world w = {0};
	struct call_opts opts = {.no_ack = true};

	(void)state;
	assert_int_equal(world_open(&w), 0);
	assert_int_equal(invite(&w, &opts), 0);
	run(&w, 31);
	assert_int_equal(w.bob.no_acks, 0);
	run(&w, 2);
	assert_int_equal(w.bob.no_acks, 1);
	assert_int_equal(w.alice.byes, 1);
	assert_string_equal(w.bob.call->ended_by, "no ACK to the 2xx");
	assert_int_equal(w.alice.call->state, CALL_TERMINATED);
	world_close(&w);
}

static void cancelled(void **state)
{
	struct world w = {.bob = {.ring_only = true}};

	(void)state;
	assert_int_equal(world_open(&w), 0);
	assert_int_equal(invite(&w, NULL), 0);
	run(&w, 1);
	assert_int_equal(w.alice.call->state, CALL_PROCEEDING);
	assert_int_equal(call_cancel(w.alice.call, false, false, NULL), 0);
	run(&w, 1);
	assert_int_equal(w.alice.last_status, 487);
	assert_int_equal(w.bob.cancels, 1);
	assert_string_equal(w.bob.call->ended_by, "CANCEL");
	struct call_reply late = {.status = 200};
	assert_int_equal(call_reply(w.bob.call, &late, NULL, NULL), ERR_NOT_NOW);
	world_close(&w);
}

/* The callee sends an INVITE of its own within the early dialog: ours is still open (RFC 3261 14.2), also where no 491 says so; its 2xx,
 * when it comes, is the first. */
static void invite_within_early_dialog(unsigned answers, unsigned want)
{
	struct world w = {.bob = {.ring_only = true}};
	struct call_reply answer = {.status = 200};
	struct uac *early = NULL;
	unsigned status = 0;

	assert_int_equal(world_open(&w), 0);
	w.alice.ua->cfg.answers = answers;
	assert_int_equal(invite(&w, NULL), 0);
	run(&w, 1);
	assert_int_equal(call_request(&early, w.bob.call, NULL, SLICE_LIT("INVITE"), NULL, on_status, &status, NULL), 0);
	run(&w, 1);
	assert_int_equal(status, want);
	assert_int_equal(call_reply(w.bob.call, &answer, NULL, NULL), 0);
	run(&w, 1);
	assert_int_equal(w.alice.call->state, CALL_CONFIRMED);
	assert_int_equal(w.alice.finals, 1);
	assert_int_equal(w.bob.acks, 1);
	mem_deref(early);
	world_close(&w);
}

/* The same where another fork has answered before: the early dialog is early still. */
static void invite_within_early_fork(unsigned answers, unsigned want)
{
	struct world w = {.bob = {.ring_only = true}};
	struct call_reply answer = {.status = 200};
	struct build_response other = {.status = 200, .to_tag = SLICE_LIT("other"), .contact = SLICE_LIT("<sip:nobody@198.18.7.7>")};
	struct uac *early = NULL, *info[2] = {NULL, NULL};
	struct buf b = {0};
	unsigned status = 0;

	assert_int_equal(world_open(&w), 0);
	w.alice.ua->cfg.answers = answers;
	assert_int_equal(invite(&w, NULL), 0);
	run(&w, 1);
	for (int i = 0; i < 2; i++)
		assert_int_equal(call_request(&info[i], w.alice.call, NULL, SLICE_LIT("INFO"), NULL, NULL, NULL, NULL), 0);
	build_response(&b, &w.bob.call->request->s, &other);
	assert_int_equal(endpoint_send(w.bob.ep, buf_slice(&b), endpoint_local(w.alice.ep), NULL, NULL), 0);
	run(&w, 1);
	assert_int_equal(w.alice.call->state, CALL_CONFIRMED);
	assert_int_equal(call_request(&early, w.bob.call, NULL, SLICE_LIT("INVITE"), NULL, on_status, &status, NULL), 0);
	run(&w, 1);
	assert_int_equal(status, want);
	assert_int_equal(call_reply(w.bob.call, &answer, NULL, NULL), 0);
	run(&w, 1);
	assert_int_equal(w.bob.acks, 1);
	assert_int_equal(w.bob.byes, 1); /* that fork is one too many; its BYE counts on from the INFOs */
	mem_deref(info[0]);
	mem_deref(info[1]);
	mem_deref(early);
	buf_free(&b);
	world_close(&w);
}

static void early_reinvite(void **state)
{
	(void)state;
	invite_within_early_fork(UA_ANSWERS_ALL, 491);
	invite_within_early_fork(UA_ANSWERS_ALL & ~UA_ANSWER(GLARE), 200);
	invite_within_early_dialog(UA_ANSWERS_ALL, 491);
	invite_within_early_dialog(UA_ANSWERS_ALL & ~UA_ANSWER(GLARE), 200);
}

/* With glare switched off, the caller's second INVITE takes the place of its first; when that is refused, the call is over. */
static void pushed_out_and_refused(void **state)
{
	struct world w = {.bob = {.ring_only = true}};
	struct build_header require = {SLICE_LIT("Require"), SLICE_LIT("foo")};
	struct ua_request r = {.extra = &require, .extra_count = 1};
	struct uac *second = NULL;
	unsigned status = 0;

	(void)state;
	assert_int_equal(world_open(&w), 0);
	w.bob.ua->cfg.answers &= ~UA_ANSWER(GLARE);
	assert_int_equal(invite(&w, NULL), 0);
	run(&w, 1);
	assert_int_equal(call_request(&second, w.alice.call, NULL, SLICE_LIT("INVITE"), &r, on_status, &status, NULL), 0);
	run(&w, 1);
	assert_int_equal(status, 420);
	assert_int_equal(w.alice.last_status, 500);
	assert_int_equal(w.bob.call->state, CALL_TERMINATED);
	assert_int_equal(w.bob.ended, 1);
	mem_deref(second);
	world_close(&w);
}

/* The machines go on without their user: a call that was let go answers nothing, and nothing leaks. */
static void abandoned(void **state)
{
	struct world w = {0};

	(void)state;
	assert_int_equal(world_open(&w), 0);
	assert_int_equal(invite(&w, NULL), 0);
	run(&w, 1);
	call_set_handler(w.alice.call, NULL, NULL);
	w.alice.call = mem_deref(w.alice.call);
	run(&w, 100);
	world_close(&w);
}

static void registration_answer(struct registration *reg, struct msg *m, const char *why, void *arg)
{
	(void)reg;
	(void)why;
	*(unsigned *)arg = *(unsigned *)arg * 1000 + m->s.status;
}

/* Bob, as a UA, refuses REGISTER: 405 reaches alice, and nothing is refreshed. */
static void register_refused(void **state)
{
	struct world w = {0};
	struct registration *reg;
	struct registration_opts o = {.registrar = SLICE_NONE, .expires = 60};
	unsigned seen = 0;

	(void)state;
	assert_int_equal(world_open(&w), 0);
	o.registrar = w.bob.ua->contact;
	assert_int_equal(registration_start(&reg, w.alice.ua, &o, registration_answer, &seen, NULL), 0);
	run(&w, 100);
	assert_int_equal(seen, 405);
	assert_int_equal(reg->granted, 0);
	assert_int_equal(reg->refreshes, 0);
	mem_deref(reg);
	world_close(&w);
}

static int whole_call(void *arg)
{
	struct world w = {0};
	struct uac *bye = NULL;
	int err = world_open(&w);

	(void)arg;
	if (!err)
		err = invite(&w, NULL);
	if (!err) {
		run(&w, 1);
		err = w.alice.call->state == CALL_CONFIRMED ? call_bye(&bye, w.alice.call, NULL, NULL, NULL, NULL, NULL) : ERR_NOMEM;
		run(&w, 1);
		if (!err && w.bob.byes != 1)
			err = ERR_NOMEM;
	}
	mem_deref(bye);
	world_close(&w);
	return err;
}

static void out_of_memory(void **state)
{
	(void)state;
	assert_true(unit_each_failure(whole_call, NULL) > 20);
}

int main(void)
{
	const struct CMUnitTest tests[] = {UNIT_TEST(established_and_ended), UNIT_TEST(at_rest), UNIT_TEST(at_rest_early), UNIT_TEST(shown), UNIT_TEST(lost_ack), UNIT_TEST(no_ack), UNIT_TEST(cancelled),
					   UNIT_TEST(early_reinvite), UNIT_TEST(pushed_out_and_refused),
					   UNIT_TEST(abandoned), UNIT_TEST(register_refused), UNIT_TEST(out_of_memory)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
