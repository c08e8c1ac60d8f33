/* Datagrams that go in runs, from a net that sends in bulk: on real sockets of the loopback device. */
#include "net_run.h"

#include <netinet/udp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Stands before libc's: counts, and refuses runs as some devices do. */
static unsigned messages, datagrams, refused;
static int refuse;          /* errno for runs of datagrams longer than */
static size_t refuse_longer;

int sendmmsg(int fd, struct mmsghdr *msgs, unsigned n, int flags)
{
	const struct msghdr *m = &msgs[0].msg_hdr;
	int sent;

	if (refuse && m->msg_iovlen > 1 && m->msg_iov[0].iov_len > refuse_longer) {
		refused++;
		errno = refuse;
		return -1;
	}
	sent = (int)syscall(SYS_sendmmsg, fd, msgs, refuse ? 1 : n, flags);
	for (int i = 0; i < sent; i++) {
		messages++;
		datagrams += (unsigned)msgs[i].msg_hdr.msg_iovlen;
	}
	return sent;
}

static void run_open(struct run *r)
{
	messages = datagrams = refused = 0;
	refuse = 0;
	refuse_longer = 0;
	assert_int_equal(run_open_with(r, false, (struct net_cfg){.test = "runs", .bulk = true}), 0);
	assert_int_equal(actor_open(r, &r->c, "carol", NULL, NULL), 0);
	r->sender = &r->a;
}

static void say(struct run *r, struct actor *to, uint64_t flow, const char *what)
{
	char *block = mem_alloc(0, strlen(what) + 1, NULL);
	struct err e;

	strcpy(block, what);
	if (transport_send_owned(r->a.tp, TO(*to), block, block, strlen(what), flow, NULL, &e))
		fail_msg("%s", e.text);
	mem_deref(block);
}

/* A host whose kernel knows no runs has nothing to say here. */
static bool can_run(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM, 0), size;
	socklen_t len = sizeof(size);
	bool can = !getsockopt(fd, SOL_UDP, UDP_SEGMENT, &size, &len);

	close(fd);
	return can;
}

/* Equal lengths become one message and arrive apart; the last may be shorter; an empty one goes alone. */
static void one_run(void **state)
{
	struct run r;

	(void)state;
	run_open(&r);
	say(&r, &r.b, 1, "one");
	say(&r, &r.b, 2, "two");
	say(&r, &r.b, 3, "ten");
	say(&r, &r.b, 4, "x");
	run_for(&r, 4);
	assert_string_equal(text(&r.b.got), "one two ten x ");
	assert_int_equal(messages, 1);
	assert_int_equal(net_stats(r.net)->sent, 4);
	assert_int_equal(net_stats(r.net)->received, 4);
	say(&r, &r.b, 5, "four");
	say(&r, &r.b, 6, "");
	say(&r, &r.b, 6, "");
	run_for(&r, 3);
	assert_string_equal(text(&r.b.got), "one two ten x four   ");
	assert_int_equal(messages, 4);
	assert_int_equal(datagrams, 7);
	run_close(&r);
}

/* Sizes and destinations alternate: each has its run, and within one flow the order stays. */
static void runs_among_others(void **state)
{
	struct run r;

	(void)state;
	run_open(&r);
	for (uint64_t flow = 1; flow <= 3; flow++) {
		char what[10];

		snprintf(what, sizeof(what), "180.%d", (int)flow);
		say(&r, &r.b, flow, what);
		snprintf(what, sizeof(what), "200ok.%d", (int)flow);
		say(&r, &r.b, flow, what);
		snprintf(what, sizeof(what), "100.%d", (int)flow);
		say(&r, &r.c, flow, what);
	}
	run_for(&r, 9);
	assert_string_equal(text(&r.b.got), "180.1 180.2 180.3 200ok.1 200ok.2 200ok.3 ");
	assert_string_equal(text(&r.c.got), "100.1 100.2 100.3 ");
	assert_int_equal(messages, 3);
	run_close(&r);
}

static void flow_keeps_its_order(void **state)
{
	struct run r;

	(void)state;
	run_open(&r);
	say(&r, &r.b, 7, "a1");
	say(&r, &r.b, 7, "a20");
	say(&r, &r.b, 7, "a3"); /* not to a1, which is as long: a20 is before it */
	say(&r, &r.b, 8, "b1"); /* but this one may */
	say(&r, &r.b, 8, "b20");
	say(&r, &r.b, 8, "b3");
	say(&r, &r.b, 0, "c1"); /* without a flow: one of its own */
	say(&r, &r.b, 0, "c20");
	say(&r, &r.b, 0, "c3");
	run_for(&r, 9);
	assert_string_equal(text(&r.b.got), "a1 b1 c1 a20 b20 c20 a3 b3 c3 ");
	run_close(&r);
}

/* The order of each flow, in whatever way sizes, flows and destinations are mixed; every byte of every datagram. */
static void every_mixture(void **state)
{
	enum { FLOWS = 40, MANY = 3000 };
	unsigned next[FLOWS] = {0}, seen[FLOWS] = {0}, random = 1;
	char what[40];
	struct run r;

	(void)state;
	run_open(&r);
	for (unsigned i = 0; i < MANY; i++) {
		unsigned flow;

		random = random * 1103515245u + 12345u;
		flow = (random >> 16) % FLOWS;
		snprintf(what, sizeof(what), "%u/%0*u", flow, 3 + (int)(random >> 24) % 5, next[flow]++);
		say(&r, flow % 2 ? &r.b : &r.c, flow * 0x9e3779b97f4a7c15ull, what);
	}
	run_for(&r, MANY);
	assert_in_range(messages, 1, MANY / 2);
	for (int side = 0; side < 2; side++) {
		const char *p = text(side ? &r.b.got : &r.c.got);
		unsigned flow, number;
		int used;

		while (sscanf(p, "%u/%u %n", &flow, &number, &used) == 2) {
			assert_in_range(flow, 0, FLOWS - 1);
			assert_int_equal(flow % 2, side);
			assert_int_equal(number, seen[flow]);
			seen[flow]++;
			p += used;
		}
		assert_string_equal(p, "");
	}
	for (unsigned i = 0; i < FLOWS; i++)
		assert_int_equal(seen[i], next[i]);
	run_close(&r);
}

/* One message has 16 bits for its length. */
static void long_runs(void **state)
{
	static char big[40001];
	struct run r;

	(void)state;
	run_open(&r);
	memset(big, 'x', sizeof(big) - 1);
	for (uint64_t i = 0; i < 5; i++)
		say(&r, &r.b, i, big);
	for (uint64_t i = 0; i < 30; i++)
		say(&r, &r.b, i, big + 34000);
	run_for(&r, 35);
	assert_int_equal(r.b.got.len, 5 * 40001 + 30 * 6001);
	assert_int_equal(messages, 5 + 3);
	run_close(&r);
}

static void nobody_there(void **state)
{
	char where[ADDR_STRLEN], want[200];
	struct addr gone;
	struct run r;

	(void)state;
	run_open(&r);
	gone = *TO(r.b);
	say(&r, &r.b, 1, "one");
	say(&r, &r.b, 2, "two");
	say(&r, &r.c, 3, "six");
	r.b.tp = mem_deref(r.b.tp); /* what it sends and what waits goes out first */
	run_for(&r, 1);
	buf_reset(&r.a.failed);
	for (uint64_t flow = 0; flow < 5; flow++) {
		assert_int_equal(transport_send_owned(r.a.tp, &gone, NULL, "anybody", 7, flow, NULL, NULL), 0);
		say(&r, &r.c, flow, "carol.x");
	}
	messages = 0;
	run_for(&r, 6);
	assert_int_equal(messages, 2);
	snprintf(want, sizeof(want), "%s refused ", addr_str(where, &gone));
	assert_string_equal(text(&r.a.failed), want);
	assert_string_equal(text(&r.c.got), "six carol.x carol.x carol.x carol.x carol.x ");
	run_close(&r);
}

/* A device that takes no runs, or none so long: all the same everything arrives, in its order, and it is not tried for ever. */
static void device_refuses(void **state)
{
	static const struct row {
		int error;
		size_t longer;
		unsigned refused, messages;
		const char *got;
	} rows[] = {
	    {EIO, 0, 2, 12, "long1 s-1 long2 s-2 long3 s-3 long1 s-1 long2 s-2 long3 s-3 "}, /* a second time, for the first answer may have been to an earlier datagram */
	    {EMSGSIZE, 3, 2, 8, "long1 s-1 s-2 s-3 long2 long3 long1 s-1 s-2 s-3 long2 long3 "},
	    {EINVAL, 3, 2, 8, "long1 s-1 s-2 s-3 long2 long3 long1 s-1 s-2 s-3 long2 long3 "},
	    {EMSGSIZE, 100, 0, 4, "long1 long2 long3 s-1 s-2 s-3 long1 long2 long3 s-1 s-2 s-3 "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct run r;

		run_open(&r);
		refuse = rows[i].error;
		refuse_longer = rows[i].longer;
		for (unsigned round = 0; round < 2; round++) {
			say(&r, &r.b, 1, "long1");
			say(&r, &r.b, 2, "s-1");
			say(&r, &r.b, 3, "long2");
			say(&r, &r.b, 4, "s-2");
			say(&r, &r.b, 5, "long3");
			say(&r, &r.b, 6, "s-3");
			run_for(&r, 6);
		}
		assert_int_equal(r.a.failed.len, 0);
		assert_string_equal(text(&r.b.got), rows[i].got);
		assert_int_equal(refused, rows[i].refused);
		assert_int_equal(messages, rows[i].messages);
		assert_int_equal(datagrams, 12);
		run_close(&r);
	}
	refuse = 0;
}

/* It is the destination that is refused, not the run: the others get theirs, each datagram is told, and runs go on. */
static void no_route(void **state)
{
	struct addr far;
	struct run r;

	(void)state;
	run_open(&r);
	assert_true(addr_parse(&far, SLICE_LIT("255.255.255.255:9"), 0)); /* a broadcast, which the socket may not send */
	for (uint64_t flow = 0; flow < 3; flow++) {
		assert_int_equal(transport_send_owned(r.a.tp, &far, NULL, "far", 3, flow, NULL, NULL), 0);
		say(&r, &r.b, flow, "near");
	}
	run_for(&r, 6);
	assert_string_equal(text(&r.b.got), "near near near ");
	assert_string_equal(text(&r.a.failed), "255.255.255.255:9 Permission denied 255.255.255.255:9 Permission denied "
					     "255.255.255.255:9 Permission denied ");
	messages = 0;
	say(&r, &r.b, 1, "one");
	say(&r, &r.b, 2, "two");
	run_for(&r, 2);
	assert_int_equal(messages, 1);
	run_close(&r);
}

/* A handler closes its transport with the rest of a run behind it. */
static void closed_in_a_run(void **state)
{
	struct run r;

	(void)state;
	run_open(&r);
	r.b.closes = true;
	for (uint64_t i = 0; i < 5; i++)
		say(&r, &r.b, i, "x");
	run_for(&r, 1);
	run_for(&r, 0);
	assert_null(r.b.tp);
	assert_int_equal(r.events, 1);
	run_close(&r);
}

/* What the kernel had no room for is counted: a run once. */
static void overflow(void **state)
{
	enum { MANY = 60000 };
	static char what[1001];
	struct run r;

	(void)state;
	run_open(&r);
	memset(what, 'x', sizeof(what) - 1);
	for (unsigned i = 0; i < MANY; i++)
		say(&r, &r.b, i, what);
	run_for(&r, 0);
	for (unsigned n = 0; n != r.events; run_for(&r, 0))
		n = r.events;
	assert_in_range(r.events, 1, MANY - 1);
	assert_in_range(net_stats(r.net)->overflowed, 1, MANY - r.events);
	run_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    UNIT_TEST(one_run),		 UNIT_TEST(runs_among_others), UNIT_TEST(flow_keeps_its_order), UNIT_TEST(every_mixture),
	    UNIT_TEST(long_runs),	 UNIT_TEST(nobody_there),      UNIT_TEST(device_refuses),	UNIT_TEST(no_route),
	    UNIT_TEST(closed_in_a_run), UNIT_TEST(overflow),
	};

	if (!can_run()) {
		printf("this kernel sends no runs\n");
		return UNIT_SKIPPED;
	}
	return cmocka_run_group_tests_name("runs", tests, NULL, NULL);
}
