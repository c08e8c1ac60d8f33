/* Holds on both networks: what is taken, what is let go in which order, and what becomes of the rest. */
#include "unit.h"

#include "core/buf.h"
#include "net/net.h"

#include <stdio.h>

struct actor {
	struct run *run;
	struct transport *tp;
	struct buf got; /* what arrived, each followed by its frame: "hello/1 " */
	uint64_t last;
	unsigned refused;
};

struct run {
	struct loop *loop;
	struct net *net;
	struct tap tap;
	struct tmr limit;
	struct actor a, b, c;
	struct buf shown; /* "alice>hello", comments as "1: text", and "1 released" */
	uint32_t frames;
};

static uint32_t on_packet(void *arg, const struct tap_packet *p)
{
	struct run *r = arg;

	buf_printf(&r->shown, "%s%c%.*s\n", p->actor, p->received ? '<' : '>', (int)p->len, (const char *)p->data);
	return ++r->frames;
}

static void on_comment(void *arg, uint32_t frame, const char *text)
{
	buf_printf(&((struct run *)arg)->shown, "%u: %s\n", frame, text);
}

static void on_released(void *arg, uint32_t frame, uint64_t wall)
{
	struct run *r = arg;

	assert_true(wall == loop_wall(r->loop, loop_now(r->loop)));
	buf_printf(&r->shown, "%u released\n", frame);
}

static void on_recv(struct transport *tp, const struct addr *src, const uint8_t *data, size_t len, uint64_t now, uint32_t frame,
		    void *arg)
{
	struct actor *a = arg;

	(void)tp, (void)src;
	a->last = now;
	buf_printf(&a->got, "%.*s/%u ", (int)len, (const char *)data, frame);
}

static void on_error(struct transport *tp, const struct addr *dst, int error, void *arg)
{
	(void)tp, (void)dst, (void)error;
	((struct actor *)arg)->refused++;
}

static int actor_open(struct run *r, struct actor *a, const char *name)
{
	a->run = r;
	return transport_udp(&a->tp, r->net, name, NULL, false, on_recv, on_error, a, NULL);
}

static int run_open(struct run *r, bool virtual_clock)
{
	struct loop_cfg lc = {.virtual_clock = virtual_clock};
	struct net_cfg nc = {.tap = &r->tap, .seed = 1, .test = "hold"};
	int err;

	memset(r, 0, sizeof(*r));
	r->tap = (struct tap){.packet = on_packet, .comment = on_comment, .released = on_released, .arg = r};
	err = loop_alloc(&r->loop, &lc, NULL);
	if (err)
		return err;
	nc.loop = r->loop;
	err = net_alloc(&r->net, &nc, NULL);
	if (!err)
		err = actor_open(r, &r->a, "alice");
	if (!err)
		err = actor_open(r, &r->b, "bob");
	return err;
}

static void actor_close(struct actor *a)
{
	a->tp = mem_deref(a->tp);
	buf_free(&a->got);
}

static void run_close(struct run *r)
{
	actor_close(&r->a);
	actor_close(&r->b);
	actor_close(&r->c);
	buf_free(&r->shown);
	mem_deref(r->net);
	tmr_cancel(&r->limit);
	mem_deref(r->loop);
}

/* So long that everything sent arrives; what waits in the kernel when the time is over too, should this process have had to wait. */
static void settle(struct run *r)
{
	assert_int_equal(tmr_start_at(&r->limit, r->loop, loop_now(r->loop) + 20 * NS_PER_MS, TMR_DEADLINE, (tmr_h *)loop_stop, r->loop), 0);
	assert_int_equal(loop_run(r->loop), LOOP_STOPPED);
}

static const char *text(struct buf *b)
{
	buf_put(b, "", 1);
	b->len--;
	return (const char *)b->p;
}

static void say(struct actor *from, const struct addr *to, const char *what)
{
	struct err e;

	if (transport_send(from->tp, to, what, strlen(what), NULL, &e))
		fail_msg("%s", e.text);
}

#define TO(actor) transport_local((actor).tp)

/* A copy of what begins with `arg` (every datagram if that is NULL); with its source and its frame as they must be. */
static void *wants(const struct net_datagram *d, void *arg)
{
	size_t n = arg ? strlen(arg) : 0;
	char *copy;

	assert_true(d->frame > 0);
	assert_true(addr_port(&d->src) && addr_port(&d->dst));
	if (d->len < n || memcmp(d->data, arg ? arg : "", n))
		return NULL;
	copy = mem_zalloc(d->len + 1, NULL);
	return copy ? memcpy(copy, d->data, d->len) : NULL;
}

static struct net_hold *hold(struct run *r, const char *from, const char *to, const char *what)
{
	struct net_hold *h;

	assert_int_equal(net_hold(&h, r->net, from, to, wants, (void *)what), 0);
	return h;
}

/* Those held, oldest first. */
static const char *held(const struct net_hold *h)
{
	static char list[200];
	const char *one;

	list[0] = '\0';
	for (size_t i = 0; (one = net_hold_at(h, i)); i++)
		snprintf(list + strlen(list), sizeof(list) - strlen(list), "%s ", one);
	return list;
}

static void overtaken(bool virtual_clock)
{
	struct net_hold *h;
	struct run r;

	assert_int_equal(run_open(&r, virtual_clock), 0);
	h = hold(&r, "alice", "bob", "slow");
	say(&r.a, TO(r.b), "one");
	say(&r.a, TO(r.b), "slow1");
	say(&r.a, TO(r.b), "slow2");
	say(&r.a, TO(r.b), "two");
	say(&r.b, TO(r.a), "slow the other way");
	settle(&r);
	assert_string_equal(text(&r.b.got), "one/1 two/4 ");
	assert_string_equal(text(&r.a.got), "slow the other way/5 ");
	assert_string_equal(held(h), "slow1 slow2 ");
	buf_reset(&r.shown);
	assert_int_equal(net_hold_release(h, NULL), 0);
	say(&r.a, TO(r.b), "three");
	settle(&r);
	assert_string_equal(text(&r.b.got), "one/1 two/4 slow1/2 slow2/3 three/6 ");
	assert_string_equal(text(&r.shown), "2 released\n3 released\nalice>three\n"); /* no frame of its own */
	say(&r.a, TO(r.b), "slow3"); /* the hold stands */
	assert_string_equal(held(h), "slow3 ");
	net_hold_end(h);
	say(&r.a, TO(r.b), "slow4");
	assert_string_equal(held(h), "slow3 "); /* it takes no more, and keeps what it has */
	settle(&r);
	assert_string_equal(text(&r.b.got), "one/1 two/4 slow1/2 slow2/3 three/6 slow4/8 ");
	assert_int_equal(net_hold_release(h, NULL), 0);
	settle(&r);
	assert_string_equal(text(&r.b.got), "one/1 two/4 slow1/2 slow2/3 three/6 slow4/8 slow3/7 ");
	mem_deref(h);
	run_close(&r);
}

static void one_by_one(bool virtual_clock)
{
	struct net_hold *h;
	struct run r;
	char *two;

	assert_int_equal(run_open(&r, virtual_clock), 0);
	h = hold(&r, NULL, NULL, NULL);
	say(&r.a, TO(r.b), "one");
	say(&r.a, TO(r.b), "two");
	say(&r.a, TO(r.b), "three");
	say(&r.b, TO(r.a), "four");
	buf_reset(&r.shown);
	two = mem_ref(net_hold_at(h, 1));
	assert_int_equal(net_hold_release(h, two), 0);
	assert_int_equal(net_hold_release(h, two), ERR_ARG);
	assert_int_equal(net_hold_drop(h, two), ERR_ARG);
	mem_deref(two);
	assert_int_equal(net_hold_drop(h, net_hold_at(h, 0)), 0);
	assert_string_equal(held(h), "three four ");
	assert_int_equal(net_hold_drop(h, "somebody else's"), ERR_ARG);
	assert_int_equal(net_stats(r.net)->lost, 1);
	settle(&r);
	assert_string_equal(text(&r.b.got), "two/2 ");
	mem_deref(h); /* the rest is lost */
	assert_int_equal(net_stats(r.net)->lost, 3);
	assert_string_equal(text(&r.shown), "2 released\n"
					    "1: lost while held on the link alice -> bob (simulated)\n"
					    "3: lost while held on the link alice -> bob (simulated)\n"
					    "4: lost while held on the link bob -> alice (simulated)\n");
	say(&r.a, TO(r.b), "five");
	settle(&r);
	assert_string_equal(text(&r.b.got), "two/2 five/5 ");
	run_close(&r);
}

static void newest_first(bool virtual_clock)
{
	struct net_hold *all, *some, *other;
	struct run r;

	assert_int_equal(run_open(&r, virtual_clock), 0);
	all = hold(&r, NULL, "bob", NULL);
	some = hold(&r, "alice", NULL, "x");
	other = hold(&r, "carol", NULL, NULL);
	say(&r.a, TO(r.b), "x1");
	say(&r.a, TO(r.b), "y1");
	assert_string_equal(held(all), "y1 ");
	assert_string_equal(held(some), "x1 ");
	assert_string_equal(held(other), "");
	/* What is let go stays let go, whoever else would want it. */
	assert_int_equal(net_hold_release(some, NULL), 0);
	settle(&r);
	assert_string_equal(text(&r.b.got), "x1/1 ");
	mem_deref(some); /* not the newest, nor the oldest */
	say(&r.a, TO(r.b), "x2");
	assert_string_equal(held(all), "y1 x2 ");
	mem_deref(other);
	mem_deref(all);
	say(&r.a, TO(r.b), "x3");
	settle(&r);
	assert_string_equal(text(&r.b.got), "x1/1 x3/4 ");
	run_close(&r);
}

/* Faults are those of the moment when it is let go, and it draws no dice before. */
static void faults_when_released(bool virtual_clock)
{
	struct net_faults slow = {.delay = 5 * NS_PER_MS}, dead = {.loss = 1}, none = {0}, twice = {.duplicate = 1};
	struct net_hold *h;
	struct run r;
	uint64_t then;

	assert_int_equal(run_open(&r, virtual_clock), 0);
	assert_int_equal(net_set_faults(r.net, NULL, NULL, &dead), 0);
	h = hold(&r, "alice", NULL, NULL);
	say(&r.a, TO(r.b), "one");
	say(&r.a, TO(r.b), "two");
	say(&r.a, TO(r.b), "three");
	assert_int_equal(net_stats(r.net)->lost, 0);
	settle(&r);
	assert_int_equal(net_set_faults(r.net, NULL, NULL, &slow), 0);
	then = loop_now(r.loop);
	assert_int_equal(net_hold_release(h, net_hold_at(h, 0)), 0);
	settle(&r);
	assert_string_equal(text(&r.b.got), "one/1 ");
	assert_true(r.b.last >= then + 5 * NS_PER_MS);
	if (virtual_clock)
		assert_true(r.b.last == then + 5 * NS_PER_MS);
	assert_int_equal(net_set_faults(r.net, NULL, NULL, &dead), 0);
	assert_int_equal(net_hold_release(h, net_hold_at(h, 0)), 0);
	assert_int_equal(net_stats(r.net)->lost, 1);
	assert_int_equal(net_set_faults(r.net, NULL, NULL, &twice), 0);
	assert_int_equal(net_hold_release(h, NULL), 0);
	settle(&r);
	assert_string_equal(text(&r.b.got), "one/1 three/3 three/3 ");
	mem_deref(h);
	assert_int_equal(net_set_faults(r.net, NULL, NULL, &none), 0);
	run_close(&r);
}

/* Datagrams outlive the transport that sent them; one to nobody is refused when it gets there. */
static void closed_actors(bool virtual_clock)
{
	struct net_hold *h;
	struct run r;

	assert_int_equal(run_open(&r, virtual_clock), 0);
	assert_int_equal(actor_open(&r, &r.c, "carol"), 0);
	h = hold(&r, NULL, NULL, NULL);
	say(&r.a, TO(r.b), "last words");
	say(&r.c, TO(r.b), "never");
	say(&r.b, TO(r.a), "too late");
	actor_close(&r.a);
	actor_close(&r.c);
	assert_int_equal(net_hold_drop(h, net_hold_at(h, 1)), 0); /* with it goes carol's socket */
	assert_int_equal(net_hold_release(h, NULL), 0);
	settle(&r);
	assert_string_equal(text(&r.b.got), "last words/1 ");
	assert_int_equal(r.b.refused, 1);
	assert_int_equal(actor_open(&r, &r.a, "alice"), 0);
	say(&r.a, TO(r.b), "held for ever");
	actor_close(&r.a);
	r.net = mem_deref(r.net); /* the hold keeps the net */
	assert_string_equal(held(h), "held for ever ");
	actor_close(&r.b);
	mem_deref(h);
	run_close(&r);
}

/* The other end may be outside the run: its name is then its address. */
static void outside(bool virtual_clock)
{
	struct net_hold *h;
	struct addr far;
	struct run r;

	assert_int_equal(run_open(&r, virtual_clock), 0);
	assert_true(addr_parse(&far, SLICE_LIT("127.0.0.99"), 7));
	h = hold(&r, NULL, "127.0.0.99:7", NULL);
	say(&r.a, &far, "out");
	say(&r.a, TO(r.b), "in");
	assert_string_equal(held(h), "out ");
	mem_deref(h);
	settle(&r);
	assert_string_equal(text(&r.b.got), "in/2 ");
	run_close(&r);
}

/* --- failing allocations --- */

static int talk(void *arg)
{
	struct net_faults f = {.delay = NS_PER_MS, .duplicate = 1};
	struct net_hold *h = NULL, *other = NULL;
	struct run r;
	int err = run_open(&r, *(bool *)arg);

	if (!err)
		err = net_hold(&h, r.net, "alice", "bob", wants, NULL);
	if (!err)
		err = net_hold(&other, r.net, NULL, NULL, wants, "x");
	if (!err)
		err = transport_send(r.a.tp, TO(r.b), "x", 1, NULL, NULL);
	for (int i = 0; i < 3 && !err; i++)
		err = transport_send(r.a.tp, TO(r.b), "y", 1, NULL, NULL);
	if (!err)
		err = net_set_faults(r.net, NULL, NULL, &f);
	if (!err)
		err = net_hold_release(h, NULL);
	if (!err)
		err = tmr_start_at(&r.limit, r.loop, loop_now(r.loop) + 20 * NS_PER_MS, TMR_DEADLINE, (tmr_h *)loop_stop, r.loop);
	if (!err)
		loop_run(r.loop);
	/* One that `wants` had no memory for, or whose twin had none, was not held or came once: no error of the net's. */
	err |= r.shown.failed || r.b.got.failed || !r.b.got.p || strcmp(text(&r.b.got), "y/2 y/2 y/3 y/3 y/4 y/4 ") != 0;
	mem_deref(other);
	mem_deref(h);
	run_close(&r);
	return err;
}

static void out_of_memory(bool virtual_clock)
{
	assert_true(unit_each_failure(talk, &virtual_clock) > 20);
}

#define BOTH(fn)                                                                                                       \
	static void fn##_real(void **state)                                                                            \
	{                                                                                                              \
		(void)state;                                                                                           \
		fn(false);                                                                                             \
	}                                                                                                              \
	static void fn##_virtual(void **state)                                                                         \
	{                                                                                                              \
		(void)state;                                                                                           \
		fn(true);                                                                                              \
	}

BOTH(overtaken)
BOTH(one_by_one)
BOTH(newest_first)
BOTH(faults_when_released)
BOTH(closed_actors)
BOTH(outside)
BOTH(out_of_memory)

#define TEST_BOTH(fn) UNIT_TEST(fn##_real), UNIT_TEST(fn##_virtual)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST_BOTH(overtaken),    TEST_BOTH(one_by_one), TEST_BOTH(newest_first), TEST_BOTH(faults_when_released),
	    TEST_BOTH(closed_actors), TEST_BOTH(outside),    TEST_BOTH(out_of_memory),
	};

	return cmocka_run_group_tests_name("hold", tests, NULL, NULL);
}
