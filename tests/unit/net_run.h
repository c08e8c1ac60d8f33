/* A net with actors that write down what reaches them, on real sockets or the simulated network. */
#ifndef OFFHOOK_TESTS_NET_RUN_H
#define OFFHOOK_TESTS_NET_RUN_H

#include "unit.h"

#include "core/buf.h"
#include "net/net.h"

#include <errno.h>
#include <string.h>

struct actor {
	struct run *run;
	struct transport *tp;
	const char *name;
	struct addr src; /* of the last datagram */
	struct buf got;  /* what arrived: "hello ", with a tap each followed by its frame: "hello/1 " */
	struct buf failed;
	unsigned n;
	uint64_t last;
	bool closes; /* its transport, when something comes */
};

struct run {
	struct loop *loop;
	struct net *net;
	struct tap tap;
	struct tmr limit;
	struct actor a, b, c;
	struct actor *sender; /* the only one that sends; NULL: anybody may */
	struct buf shown;     /* "alice>hello " for each packet, "alice<..." when from outside */
	struct buf comments, names;
	uint32_t frames;
	unsigned want; /* stop once this many events came */
	unsigned events;
};

static inline uint32_t on_packet(void *arg, const struct tap_packet *p)
{
	struct run *r = arg;

	buf_printf(&r->shown, "%s%c%.*s ", p->actor, p->received ? '<' : '>', p->len > 20 ? 20 : (int)p->len,
		   (const char *)p->data);
	return ++r->frames;
}

static inline void on_comment(void *arg, uint32_t frame, const char *text)
{
	buf_printf(&((struct run *)arg)->comments, "%u: %s\n", frame, text);
}

static inline void on_name(void *arg, const struct addr *a, const char *actor)
{
	char text[ADDR_STRLEN];

	buf_printf(&((struct run *)arg)->names, "%s=%s ", actor, addr_host(text, a));
}

static inline void event(struct run *r)
{
	if (++r->events == r->want)
		loop_stop(r->loop);
}

static inline void on_recv(struct transport *tp, const struct addr *src, const uint8_t *data, size_t len, uint64_t now,
			   uint32_t frame, void *arg)
{
	struct actor *a = arg;
	struct run *r = a->run;

	assert_ptr_equal(tp, a->tp);
	assert_true(now <= loop_now(r->loop));
	if (r->sender)
		assert_true(addr_eq(src, transport_local(r->sender->tp)));
	a->src = *src;
	a->n++;
	a->last = now;
	buf_printf(&a->got, "%.*s", (int)len, (const char *)data);
	if (r->tap.packet)
		buf_printf(&a->got, "/%u", frame);
	buf_puts(&a->got, " ");
	if (a->closes)
		a->tp = mem_deref(a->tp);
	event(r);
}

static inline void on_error(struct transport *tp, const struct addr *dst, int error, void *arg)
{
	char text[ADDR_STRLEN];
	struct actor *a = arg;

	assert_ptr_equal(tp, a->tp);
	if (a->run->sender)
		assert_ptr_equal(a, a->run->sender);
	buf_printf(&a->failed, "%s %s ", addr_str(text, dst), error == ECONNREFUSED ? "refused" : strerror(error));
	event(a->run);
}

static inline void on_limit(void *arg)
{
	(void)arg;
	fail_msg("nothing more came");
}

static inline int actor_open(struct run *r, struct actor *a, const char *name, const char *local, struct err *e)
{
	struct addr at;

	a->run = r;
	a->name = name;
	if (local)
		assert_true(addr_parse(&at, slice_str(local), 0));
	return transport_udp(&a->tp, r->net, name, local ? &at : NULL, false, on_recv, on_error, a, e);
}

/* Of alice and bob; `nc` without its loop. With a tap, which is then r->tap, what it is shown is written down. */
static inline int run_open_with(struct run *r, bool virtual_clock, struct net_cfg nc)
{
	struct loop_cfg lc = {.virtual_clock = virtual_clock};
	int err;

	memset(r, 0, sizeof(*r));
	if (nc.tap)
		r->tap = (struct tap){.packet = on_packet, .comment = on_comment, .name = on_name, .arg = r};
	err = loop_alloc(&r->loop, &lc, NULL);
	if (err)
		return err;
	nc.loop = r->loop;
	err = net_alloc(&r->net, &nc, NULL);
	if (err)
		return err;
	err = actor_open(r, &r->a, "alice", NULL, NULL);
	return err ? err : actor_open(r, &r->b, "bob", NULL, NULL);
}

static inline void actor_close(struct actor *a)
{
	a->tp = mem_deref(a->tp);
	buf_free(&a->got);
	buf_free(&a->failed);
}

static inline void run_close(struct run *r)
{
	actor_close(&r->a);
	actor_close(&r->b);
	actor_close(&r->c);
	buf_free(&r->shown);
	buf_free(&r->comments);
	buf_free(&r->names);
	mem_deref(r->net);
	tmr_cancel(&r->limit);
	mem_deref(r->loop);
}

/* Until `events` more datagrams or errors came; 0: until nothing is left (virtual) or 20 ms passed (real). */
static inline void run_for(struct run *r, unsigned events)
{
	r->want = r->events + events;
	if (events || !loop_is_virtual(r->loop)) {
		if (events)
			assert_int_equal(tmr_start(&r->limit, r->loop, 10 * NS_PER_S, on_limit, r), 0);
		else
			assert_int_equal(tmr_start_at(&r->limit, r->loop, loop_now(r->loop) + 20 * NS_PER_MS,
						      TMR_DEADLINE, (tmr_h *)loop_stop, r->loop),
					 0);
		assert_int_equal(loop_run(r->loop), LOOP_STOPPED);
		tmr_cancel(&r->limit);
	} else {
		assert_int_equal(loop_run(r->loop), LOOP_DRY);
	}
}

static inline const char *text(struct buf *b)
{
	buf_put(b, "", 1);
	b->len--;
	return (const char *)b->p;
}

#define TO(actor) transport_local((actor).tp)

#endif
