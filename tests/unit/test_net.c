/* The parts that both networks share run on each: a row per clock. */
#include "net_run.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* A loopback socket is never full: this stands before libc's and says so for the next calls. */
static int full_for;

int sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
	if (full_for && full_for--) {
		errno = EAGAIN;
		return -1;
	}
	return (int)syscall(SYS_sendmmsg, fd, msgs, n, flags);
}

static int run_open(struct run *r, bool virtual_clock, uint64_t seed)
{
	return run_open_with(r, virtual_clock, (struct net_cfg){.tap = &r->tap, .seed = seed, .test = "net"});
}

static uint32_t say(struct actor *from, const struct addr *to, const char *what)
{
	uint32_t frame;
	struct err e;

	if (transport_send(from->tp, to, what, strlen(what), &frame, &e))
		fail_msg("%s", e.text);
	return frame;
}

/* --- both networks --- */

static void there_and_back(bool virtual_clock)
{
	struct run r;

	assert_int_equal(run_open(&r, virtual_clock, 1), 0);
	assert_ptr_equal(net_loop(r.net), r.loop);
	assert_int_equal(say(&r.a, TO(r.b), "one"), 1);
	assert_int_equal(say(&r.a, TO(r.b), "two"), 2);
	assert_int_equal(say(&r.a, TO(r.b), "two"), 3); /* a retransmission */
	assert_int_equal(say(&r.b, TO(r.a), ""), 4);    /* an empty datagram is one, too */
	run_for(&r, 4);
	assert_string_equal(text(&r.b.got), "one/1 two/2 two/3 ");
	assert_string_equal(text(&r.a.got), "/4 ");
	assert_true(addr_eq(&r.b.src, TO(r.a)));
	assert_string_equal(text(&r.shown), "alice>one alice>two alice>two bob> "); /* each once */
	assert_string_equal(text(&r.names),
			    virtual_clock ? "alice=198.18.0.1 bob=198.18.0.2 " : "alice=127.0.0.2 bob=127.0.0.3 ");
	assert_int_equal(net_stats(r.net)->sent, 4);
	assert_int_equal(net_stats(r.net)->received, 4);
	run_close(&r);
}

static unsigned freed;

static void on_freed(void *block)
{
	(void)block;
	freed++;
}

/* A block that is sent by reference lives for as long as it is under way, a duplicate included. */
static void owned(bool virtual_clock)
{
	struct net_faults f = {.delay = NS_PER_MS, .duplicate = 1};
	struct run r;
	char *block;

	assert_int_equal(run_open(&r, virtual_clock, 1), 0);
	for (unsigned twins = 0; twins < 2; twins++) {
		freed = 0;
		block = mem_zalloc(6, on_freed);
		memcpy(block, "<hello", 6);
		assert_int_equal(transport_send_owned(r.a.tp, TO(r.b), block, block + 1, 5, 0, NULL, NULL), 0);
		mem_deref(block);
		assert_int_equal(freed, 0);
		run_for(&r, 1 + twins);
		run_for(&r, 0);
		assert_int_equal(freed, 1);
		assert_int_equal(net_set_faults(r.net, "alice", "bob", &f), 0);
	}
	assert_string_equal(text(&r.b.got), "hello/1 hello/2 hello/2 ");
	run_close(&r);
}

static void refused(bool virtual_clock)
{
	char where[ADDR_STRLEN], want[200];
	struct run r;
	struct addr gone;

	assert_int_equal(run_open(&r, virtual_clock, 1), 0);
	gone = *TO(r.b);
	actor_close(&r.b);
	say(&r.a, &gone, "anybody?");
	run_for(&r, 1);
	snprintf(want, sizeof(want), "%s refused ", addr_str(where, &gone));
	assert_string_equal(text(&r.a.failed), want);
	assert_int_equal(net_stats(r.net)->unreachable, 1);
	/* The next datagram is not the one that pays for it. */
	assert_int_equal(actor_open(&r, &r.b, "bob", where, NULL), 0);
	say(&r.a, &gone, "back");
	run_for(&r, 1);
	assert_string_equal(text(&r.b.got), "back/2 ");
	run_close(&r);
}

static void misuse(bool virtual_clock)
{
	static char big[65508];
	struct addr to, v6;
	uint32_t frame = 9;
	struct run r;
	struct err e;

	assert_int_equal(run_open(&r, virtual_clock, 1), 0);
	to = *TO(r.b);
	assert_int_equal(transport_send(r.a.tp, &to, big, sizeof(big), &frame, &e), ERR_ARG);
	assert_non_null(strstr(e.text, "65508 bytes"));
	assert_int_equal(frame, 0);
	assert_true(addr_parse(&v6, SLICE_LIT("::1"), 5060));
	assert_int_equal(transport_send(r.a.tp, &v6, "x", 1, NULL, &e), ERR_ARG);
	assert_non_null(strstr(e.text, "IPv6"));
	addr_set_port(&to, 0);
	assert_int_equal(transport_send(r.a.tp, &to, "x", 1, NULL, &e), ERR_ARG);
	assert_non_null(strstr(e.text, "port 0"));
	assert_string_equal(text(&r.shown), "");
	/* The longest that fits does arrive whole. */
	big[65506] = 'z';
	assert_int_equal(transport_send(r.a.tp, TO(r.b), big, 65507, NULL, &e), 0);
	run_for(&r, 1);
	assert_int_equal(r.b.n, 1);
	run_close(&r);
}

static void in_use(bool virtual_clock)
{
	char at[ADDR_STRLEN], want[300];
	struct addr a;
	struct run r;
	struct err e;

	assert_int_equal(run_open(&r, virtual_clock, 1), 0);
	addr_str(at, TO(r.a));
	assert_int_equal(actor_open(&r, &r.c, "edge", at, &e), ERR_ENV);
	assert_null(r.c.tp);
	snprintf(
	    want, sizeof(want),
	    "cannot bind %s for edge: address already in use (choose another port, or leave it out for a free one)",
	    at);
	assert_string_equal(e.text, want);
	/* Without a port a free one is found, also beside an actor's first socket. */
	assert_int_equal(actor_open(&r, &r.c, "alice", NULL, &e), 0);
	assert_true(addr_host_eq(TO(r.a), TO(r.c)));
	assert_int_not_equal(addr_port(TO(r.a)), addr_port(TO(r.c)));
	actor_close(&r.c);
	a = *TO(r.b);
	addr_set_port(&a, 0);
	assert_int_equal(actor_open(&r, &r.c, "carol", addr_str(at, &a), &e), 0);
	assert_int_not_equal(addr_port(TO(r.c)), 0);
	/* A closed transport's address is free at once, even with something to send. */
	a = *TO(r.a);
	say(&r.a, TO(r.b), "last words");
	r.a.tp = mem_deref(r.a.tp);
	assert_int_equal(actor_open(&r, &r.a, "alice", addr_str(at, &a), &e), 0);
	run_for(&r, 1);
	assert_string_equal(text(&r.b.got), "last words/1 ");
	run_close(&r);
}

static void on_recv_close(struct transport *tp, const struct addr *src, const uint8_t *data, size_t len, uint64_t now,
			  uint32_t frame, void *arg)
{
	struct actor *a = arg;

	(void)tp, (void)src, (void)data, (void)len, (void)now, (void)frame;
	a->n++;
	a->tp = mem_deref(a->tp);
	a->run->a.tp = mem_deref(a->run->a.tp);
	a->run->b.tp = mem_deref(a->run->b.tp);
	a->run->net = mem_deref(a->run->net);
	event(a->run);
}

/* A handler frees its transport and the net, with more datagrams behind it in the same batch. */
static void freed_in_handler(bool virtual_clock)
{
	struct run r;

	assert_int_equal(run_open(&r, virtual_clock, 1), 0);
	r.c.run = &r;
	assert_int_equal(transport_udp(&r.c.tp, r.net, "carol", NULL, false, on_recv_close, NULL, &r.c, NULL), 0);
	for (int i = 0; i < 5; i++)
		say(&r.a, TO(r.c), "x");
	run_for(&r, 1);
	assert_int_equal(r.c.n, 1);
	run_close(&r);
}

static void in_flight(bool virtual_clock)
{
	struct net_faults f = {.delay = NS_PER_S, .duplicate = 1, .reorder = 0.5};
	struct run r;

	assert_int_equal(run_open(&r, virtual_clock, 1), 0);
	say(&r.a, TO(r.b), "queued");
	assert_int_equal(net_set_faults(r.net, NULL, NULL, &f), 0);
	for (int i = 0; i < 10; i++)
		say(&r.a, TO(r.b), "delayed");
	run_close(&r); /* the leak check is the assertion */
}

/* --- faults --- */

static void losses(bool virtual_clock)
{
	struct net_faults f = {.loss = 0.3};
	char first[2000], what[10];
	struct run r;

	for (int round = 0; round < 2; round++) {
		assert_int_equal(run_open(&r, virtual_clock, 7), 0);
		assert_int_equal(net_set_faults(r.net, "alice", "bob", &f), 0);
		for (int i = 0; i < 100; i++) {
			snprintf(what, sizeof(what), "%d", i);
			say(&r.a, TO(r.b), what);
			say(&r.b, TO(r.a), what); /* another link: all arrive, and it draws nothing of the first */
		}
		run_for(&r, 200 - (unsigned)net_stats(r.net)->lost);
		assert_int_equal(r.a.n, 100);
		assert_in_range(r.b.n, 55, 85);
		assert_int_equal(net_stats(r.net)->lost, 100 - r.b.n);
		assert_int_equal(r.frames, 200); /* the capture shows the lost ones too */
		assert_non_null(strstr(text(&r.comments), ": lost on the link alice -> bob (simulated)\n"));
		if (!round)
			snprintf(first, sizeof(first), "%s", text(&r.b.got));
		else
			assert_string_equal(text(&r.b.got), first); /* the same seed loses the same */
		run_close(&r);
	}
}

static void exactness(bool virtual_clock)
{
	struct net_faults all = {.loss = 1}, none = {0};
	struct run r;

	assert_int_equal(run_open(&r, virtual_clock, 1), 0);
	assert_int_equal(actor_open(&r, &r.c, "carol", NULL, NULL), 0);
	assert_int_equal(net_set_faults(r.net, NULL, NULL, &all), 0);
	assert_int_equal(net_set_faults(r.net, NULL, "bob", &none), 0);
	say(&r.a, TO(r.b), "1");
	say(&r.a, TO(r.c), "2"); /* lost */
	assert_int_equal(net_set_faults(r.net, "alice", NULL, &all), 0);
	say(&r.a, TO(r.b), "3"); /* lost: `from` is before `to` */
	say(&r.c, TO(r.b), "4");
	assert_int_equal(net_set_faults(r.net, "alice", "bob", &none), 0);
	say(&r.a, TO(r.b), "5");
	assert_int_equal(net_set_faults(r.net, "alice", "bob", &all), 0);
	say(&r.a, TO(r.b), "6"); /* lost: replaced */
	assert_int_equal(net_set_faults(r.net, NULL, NULL, &none), 0);
	say(&r.b, TO(r.c), "7");
	run_for(&r, 4);
	assert_string_equal(text(&r.b.got), "1/1 4/4 5/5 ");
	assert_string_equal(text(&r.c.got), "7/7 ");
	run_close(&r);
}

static void delay_and_jitter(bool virtual_clock)
{
	struct net_faults f = {.delay = 5 * NS_PER_MS, .jitter = 10 * NS_PER_MS}, none = {0};
	char what[10], want[1000] = "";
	struct run r;

	assert_int_equal(run_open(&r, virtual_clock, 3), 0);
	assert_int_equal(net_set_faults(r.net, NULL, NULL, &f), 0);
	for (int i = 1; i <= 50; i++) {
		snprintf(what, sizeof(what), "%d", i);
		snprintf(want + strlen(want), sizeof(want) - strlen(want), "%d/%d ", i, i);
		say(&r.a, TO(r.b), what);
	}
	/* The link becomes fast: still nothing is overtaken. */
	assert_int_equal(net_set_faults(r.net, NULL, NULL, &none), 0);
	strcat(want, "end/51 ");
	say(&r.a, TO(r.b), "end");
	run_for(&r, 51);
	assert_string_equal(text(&r.b.got), want);
	assert_true(r.b.last >= 6 * NS_PER_MS);
	if (virtual_clock)
		assert_true(loop_now(r.loop) <= 15 * NS_PER_MS);
	run_close(&r);
}

static void duplicates(bool virtual_clock)
{
	struct net_faults f = {.duplicate = 1};
	struct run r;

	assert_int_equal(run_open(&r, virtual_clock, 3), 0);
	assert_int_equal(net_set_faults(r.net, "alice", NULL, &f), 0);
	say(&r.a, TO(r.b), "x");
	say(&r.a, TO(r.b), "y");
	run_for(&r, 4);
	assert_string_equal(text(&r.b.got), "x/1 x/1 y/2 y/2 ");
	assert_string_equal(text(&r.shown), "alice>x alice>y ");
	assert_int_equal(net_stats(r.net)->duplicated, 2);
	assert_string_equal(text(&r.comments), "1: duplicated on the link alice -> bob (simulated)\n"
					       "2: duplicated on the link alice -> bob (simulated)\n");
	run_close(&r);
}

static void reordering(bool virtual_clock)
{
	struct net_faults f = {.reorder = 1, .delay = NS_PER_MS};
	struct run r;

	assert_int_equal(run_open(&r, virtual_clock, 3), 0);
	assert_int_equal(net_set_faults(r.net, "alice", NULL, &f), 0);
	say(&r.a, TO(r.b), "1");
	say(&r.a, TO(r.b), "2");
	say(&r.a, TO(r.b), "3");
	run_for(&r, 3);
	/* The third waited for a fourth that did not come: two delays and 20 ms. */
	assert_string_equal(text(&r.b.got), "2/2 1/1 3/3 ");
	assert_true(r.b.last >= 22 * NS_PER_MS);
	assert_int_equal(net_stats(r.net)->reordered, 2);
	run_close(&r);
}

/* --- the simulated network alone --- */

static void simulated_addresses(void **state)
{
	struct transport *tp[3];
	char at[ADDR_STRLEN];
	struct run r;

	(void)state;
	assert_int_equal(run_open(&r, true, 1), 0);
	assert_string_equal(addr_str(at, TO(r.a)), "198.18.0.1:5060");
	assert_string_equal(addr_str(at, TO(r.b)), "198.18.0.2:5060");
	assert_int_equal(transport_udp(&tp[0], r.net, "alice", NULL, true, on_recv, on_error, &r.a, NULL), 0);
	assert_string_equal(addr_str(at, transport_local(tp[0])), "[2001:db8::1]:5060");
	assert_int_equal(transport_udp(&tp[1], r.net, "alice", NULL, false, on_recv, on_error, &r.a, NULL), 0);
	assert_string_equal(addr_str(at, transport_local(tp[1])), "198.18.0.1:49152");
	assert_int_equal(actor_open(&r, &r.c, "far", "192.0.2.77:9", NULL), 0);
	assert_string_equal(addr_str(at, TO(r.c)), "192.0.2.77:9");
	actor_close(&r.c);
	assert_int_equal(actor_open(&r, &r.c, "far", "0.0.0.0:7000", NULL), 0);
	assert_string_equal(addr_str(at, TO(r.c)), "198.18.0.3:7000");
	mem_deref(tp[0]);
	mem_deref(tp[1]);
	run_close(&r);
}

static void simulated_delay_of_refusal(void **state)
{
	struct net_faults f = {.delay = 30 * NS_PER_MS};
	struct addr gone;
	struct run r;

	(void)state;
	assert_int_equal(run_open(&r, true, 1), 0);
	assert_int_equal(net_set_faults(r.net, NULL, NULL, &f), 0);
	assert_true(addr_parse(&gone, SLICE_LIT("192.0.2.1"), 5060));
	say(&r.a, &gone, "x");
	run_for(&r, 0);
	assert_string_equal(text(&r.a.failed), "192.0.2.1:5060 refused ");
	assert_true(loop_now(r.loop) == 30 * NS_PER_MS);
	assert_string_equal(text(&r.comments), "1: nobody lives at 192.0.2.1:5060 (simulated)\n");
	run_close(&r);
}

/* --- real sockets alone --- */

static void from_outside(void **state)
{
	struct addr at;
	socklen_t len = sizeof(at);
	char back[10];
	struct run r;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	(void)state;
	assert_true(fd >= 0);
	assert_true(addr_set(&at, SLICE_LIT("127.0.0.1"), 0));
	assert_int_equal(bind(fd, &at.u.sa, addr_len(&at)), 0);
	assert_int_equal(getsockname(fd, &at.u.sa, &len), 0);
	assert_int_equal(run_open(&r, false, 1), 0);
	assert_int_equal(sendto(fd, "hi", 2, 0, &TO(r.a)->u.sa, addr_len(TO(r.a))), 2);
	run_for(&r, 1);
	assert_string_equal(text(&r.a.got), "hi/1 ");
	assert_string_equal(text(&r.shown), "alice<hi ");
	assert_true(addr_eq(&r.a.src, &at));
	say(&r.a, &at, "yes?");
	run_for(&r, 0);
	assert_int_equal(recv(fd, back, sizeof(back), MSG_DONTWAIT), 4);
	close(fd);
	run_close(&r);
}

/* A socket on every address of the host is one of the run all the same: one packet, one frame, a real source address.
 */
static void wildcard(void **state)
{
	struct addr at;
	struct run r;

	(void)state;
	assert_int_equal(run_open(&r, false, 1), 0);
	assert_int_equal(actor_open(&r, &r.c, "edge", "0.0.0.0:0", NULL), 0);
	assert_true(addr_set(&at, SLICE_LIT("127.0.0.1"), addr_port(TO(r.c))));
	say(&r.a, &at, "hello");
	run_for(&r, 1);
	assert_string_equal(text(&r.c.got), "hello/1 ");
	say(&r.c, TO(r.a), "answer");
	run_for(&r, 1);
	assert_string_equal(text(&r.a.got), "answer/2 ");
	assert_string_equal(text(&r.shown), "alice>hello edge>answer ");
	assert_int_equal(net_source_for(&at, TO(r.a), NULL), 0);
	assert_true(addr_is_loopback(&at));
	assert_int_equal(addr_port(&at), 0);
	run_close(&r);
}

static void not_this_host(void **state)
{
	struct run r;
	struct err e;

	(void)state;
	assert_int_equal(run_open(&r, false, 1), 0);
	assert_int_equal(actor_open(&r, &r.c, "alice", "192.0.2.1:5060", &e), ERR_ENV);
	assert_string_equal(e.text, "192.0.2.1 is not an address of this host (alice)");
	run_close(&r);
}

static void ipv6(void **state)
{
	struct transport *tp;
	struct run r;
	struct err e;

	(void)state;
	assert_int_equal(run_open(&r, false, 1), 0);
	r.c.run = &r;
	if (transport_udp(&r.c.tp, r.net, "carol", NULL, true, on_recv, on_error, &r.c, &e)) {
		run_close(&r);
		skip(); /* a host without IPv6 */
	}
	assert_int_equal(transport_udp(&tp, r.net, "dave", NULL, true, NULL, NULL, NULL, &e), 0);
	assert_int_equal(transport_send(tp, TO(r.c), "six", 3, NULL, &e), 0);
	run_for(&r, 1);
	assert_string_equal(text(&r.c.got), "six/1 ");
	/* And its ICMP. */
	struct addr gone = *transport_local(tp);
	mem_deref(tp);
	say(&r.c, &gone, "x");
	run_for(&r, 1);
	assert_non_null(strstr(text(&r.c.failed), "refused"));
	run_close(&r);
}

/* More than a batch, a wake-up and the index of frames: none is lost, none is shown twice. */
static void many(void **state)
{
	struct run r;
	char what[10];

	(void)state;
	assert_int_equal(run_open(&r, false, 1), 0);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 500; i++) {
			snprintf(what, sizeof(what), "%d", i);
			say(&r.a, TO(r.b), what);
		}
		run_for(&r, 500);
	}
	assert_int_equal(r.b.n, 10000);
	assert_int_equal(r.frames, 10000);
	assert_null(strstr(text(&r.b.got), "/0 "));
	run_close(&r);
}

struct helper {
	struct loop *loop; /* of the other worker */
	struct transport *tp;
	struct run *run;
	unsigned answered;
};

/* At the other worker: answers by the first one's socket. */
static void on_brought(struct transport *tp, const struct addr *src, const uint8_t *data, size_t len, uint64_t now, uint32_t frame,
			   void *arg)
{
	struct helper *h = arg;

	assert_ptr_equal(tp, h->tp);
	assert_int_equal(frame, 0);
	assert_true(now <= loop_now(h->loop));
	assert_int_equal(len, 3);
	assert_memory_equal(data, "ask", 3);
	assert_int_equal(transport_send(tp, src, "answer", 6, NULL, NULL), 0);
	h->answered++;
	loop_stop(h->loop);
}

/* At the worker to whose port it came. */
static void on_recv_bring(struct transport *tp, const struct addr *src, const uint8_t *data, size_t len, uint64_t now, uint32_t frame,
			      void *arg)
{
	struct helper *h = arg;

	(void)tp, (void)frame;
	transport_bring(h->tp, src, data, len, loop_wall(h->run->loop, now));
	loop_run(h->loop); /* its thread would do that */
}

/* Two nets share a socket: one reads, the other answers from the same address, also when the reader is gone. */
static void shared_socket(void **state)
{
	struct loop_cfg lc = {0};
	struct net_cfg nc = {.test = "other"};
	struct helper h = {0};
	struct addr src;
	struct net *other;
	struct run r;

	(void)state;
	assert_int_equal(run_open(&r, false, 1), 0);
	h.run = &r;
	assert_int_equal(loop_alloc(&h.loop, &lc, NULL), 0);
	nc.loop = h.loop;
	assert_int_equal(net_alloc(&other, &nc, NULL), 0);
	assert_int_equal(transport_udp(&r.c.tp, r.net, "carol", NULL, false, on_recv_bring, on_error, &h, NULL), 0);
	src = *TO(r.c);
	assert_int_equal(transport_udp_beside(&h.tp, other, "carol", transport_fd(r.c.tp), &src, on_brought, NULL, &h, NULL), 0);
	assert_true(addr_eq(transport_local(h.tp), &src));

	say(&r.a, &src, "ask");
	run_for(&r, 1);
	assert_int_equal(h.answered, 1);
	assert_true(addr_eq(&r.a.src, &src));
	assert_string_equal(text(&r.a.got), "answer/2 ");

	/* The socket stays for whoever sends by it. */
	r.c.tp = mem_deref(r.c.tp);
	assert_int_equal(transport_send(h.tp, TO(r.a), "late", 4, NULL, NULL), 0);
	mem_deref(h.tp);
	run_for(&r, 1);
	assert_string_equal(text(&r.a.got), "answer/2 late/3 ");
	assert_int_equal(net_stats(other)->sent, 2);
	assert_int_equal(net_stats(other)->received, 1);
	mem_deref(other);
	mem_deref(h.loop);
	run_close(&r);
}

/* What the kernel had no room for is counted: all that was sent is either here or there. */
static void overflow(void **state)
{
	enum { MANY = 20000 };
	struct run r;

	(void)state;
	assert_int_equal(run_open(&r, false, 1), 0);
	r.tap.packet = NULL; /* 20000 lines */
	assert_int_equal(net_stats(r.net)->overflowed, 0);
	for (int i = 0; i < MANY; i++)
		say(&r.a, TO(r.b), "x");
	for (int i = 0; i < 500 && r.b.n + net_stats(r.net)->overflowed < MANY; i++)
		run_for(&r, 0);
	assert_in_range(net_stats(r.net)->overflowed, 1, MANY - 1);
	assert_int_equal(net_stats(r.net)->overflowed, MANY - r.b.n);
	actor_close(&r.b);
	assert_int_equal(net_stats(r.net)->overflowed, MANY - r.b.n);
	run_close(&r);
}

/* A full socket keeps what waits, sends it in order when there is room, and does so after its transport is closed. */
static void full_socket(void **state)
{
	char what[10], want[3000] = "";
	struct run r;

	(void)state;
	assert_int_equal(run_open(&r, false, 1), 0);
	assert_int_equal(actor_open(&r, &r.c, "carol", NULL, NULL), 0);
	full_for = 1;
	for (int i = 1; i <= 150; i++) {
		snprintf(what, sizeof(what), "%d", i);
		snprintf(want + strlen(want), sizeof(want) - strlen(want), "%d/%d ", i, i);
		say(&r.a, TO(r.b), what);
	}
	run_for(&r, 150);
	assert_string_equal(text(&r.b.got), want);

	buf_reset(&r.b.got);
	full_for = 1;
	say(&r.a, TO(r.b), "last");
	actor_close(&r.a); /* full when it closes */
	say(&r.c, TO(r.b), "not held up");
	run_for(&r, 2);
	assert_string_equal(text(&r.b.got), "not held up/152 last/151 ");

	/* The end of the run while full. */
	full_for = 1000;
	say(&r.c, TO(r.b), "never");
	run_for(&r, 0);
	run_close(&r);
	full_for = 0;
}

/* More in one round than may wait for a full socket: this one is not full, and nobody is told that the peer cannot be reached. */
static void burst(void **state)
{
	struct run r;

	(void)state;
	assert_int_equal(run_open(&r, false, 1), 0);
	for (int i = 0; i < 70000; i++)
		say(&r.a, TO(r.b), "x");
	run_for(&r, 1000); /* the socket of the other side has no room for all of them */
	assert_int_equal(r.a.failed.len, 0);
	run_close(&r);
}

/* --- failing allocations --- */

static int talk(void *arg)
{
	struct net_faults f = {.delay = NS_PER_MS, .jitter = NS_PER_MS, .duplicate = 0.5, .reorder = 0.5, .loss = 0.1};
	struct addr nobody;
	struct run r;
	int err = run_open(&r, *(bool *)arg, 1);

	if (err)
		goto out;
	assert_true(addr_parse(&nobody, SLICE_LIT("127.0.0.99:9"), 0));
	for (int i = 0; i < 20 && !err; i++)
		err = transport_send(r.a.tp, i % 5 ? TO(r.b) : &nobody, "x", 1, NULL, NULL);
	if (!err)
		err = net_set_faults(r.net, "alice", NULL, &f);
	for (int i = 0; i < 20 && !err; i++)
		err = transport_send(r.a.tp, TO(r.b), "x", 1, NULL, NULL);
	if (!err)
		err = tmr_start(&r.limit, r.loop, 30 * NS_PER_MS, (tmr_h *)loop_stop, r.loop);
	if (!err)
		loop_run(r.loop);
	/* What a handler wanted and could not have shows here: a transport never fails for it. */
	err |= r.shown.failed || r.a.failed.failed || r.b.got.failed || r.b.n < 20;
out:
	run_close(&r);
	return err;
}

static void out_of_memory(bool virtual_clock)
{
	assert_true(unit_each_failure(talk, &virtual_clock) > 30);
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

BOTH(there_and_back)
BOTH(owned)
BOTH(refused)
BOTH(misuse)
BOTH(in_use)
BOTH(freed_in_handler)
BOTH(in_flight)
BOTH(losses)
BOTH(exactness)
BOTH(delay_and_jitter)
BOTH(duplicates)
BOTH(reordering)
BOTH(out_of_memory)

#define TEST_BOTH(fn) UNIT_TEST(fn##_real), UNIT_TEST(fn##_virtual)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST_BOTH(there_and_back),
	    TEST_BOTH(owned),
	    TEST_BOTH(refused),
	    TEST_BOTH(misuse),
	    TEST_BOTH(in_use),
	    TEST_BOTH(freed_in_handler),
	    TEST_BOTH(in_flight),
	    TEST_BOTH(losses),
	    TEST_BOTH(exactness),
	    TEST_BOTH(delay_and_jitter),
	    TEST_BOTH(duplicates),
	    TEST_BOTH(reordering),
	    UNIT_TEST(simulated_addresses),
	    UNIT_TEST(simulated_delay_of_refusal),
	    UNIT_TEST(from_outside),
	    UNIT_TEST(wildcard),
	    UNIT_TEST(not_this_host),
	    UNIT_TEST(ipv6),
	    UNIT_TEST(many),
	    UNIT_TEST(overflow),
	    UNIT_TEST(shared_socket),
	    UNIT_TEST(full_socket),
	    UNIT_TEST(burst),
	    TEST_BOTH(out_of_memory),
	};

	return cmocka_run_group_tests_name("net", tests, NULL, NULL);
}
