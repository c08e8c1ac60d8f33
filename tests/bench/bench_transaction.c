/* What a client transaction costs from its request to its end while many others are alive, against few: whether
 * anything grows with their number. Virtual clock, simulated network; the peer answers without transactions of its own.
 */
#include <stdio.h>
#include <string.h>

#include "bench.h"
#include "core/mem.h"
#include "sip/build.h"
#include "sip/transaction.h"

#define FEW 100
#define MANY 100000
#define ROUNDS 9
#define TIMES 2000

struct world {
	struct loop *loop;
	struct net *net;
	struct endpoint *alice, *bob;
	struct addr to_bob;
	struct sip_timers timers;
	struct ctrans_opts opts; /* with those */
	struct buf b, via;
	unsigned finals;
};

static void die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

static bool on_request(struct endpoint *ep, struct msg *m, void *arg)
{
	struct world *w = arg;
	struct build_response r = {.status = 200, .to_tag = SLICE_LIT("b")};

	if (ep != w->bob || msg_is(m, "ACK") || msg_is(m, "SUBSCRIBE"))
		return false;
	buf_reset(&w->b);
	build_response(&w->b, &m->s, &r);
	endpoint_send(ep, buf_slice(&w->b), &m->src, NULL, NULL);
	return true;
}

static void on_response(struct ctrans *ct, struct msg *m, void *arg)
{
	struct world *w = arg;

	(void)ct;
	w->finals += m->s.status == 200;
}

static void open_world(struct world *w)
{
	struct loop_cfg lc = {.virtual_clock = true};
	struct endpoint_handlers h = {.request = on_request, .arg = w};

	memset(w, 0, sizeof(*w));
	if (loop_alloc(&w->loop, &lc, NULL))
		die("loop");
	struct net_cfg nc = {.loop = w->loop, .seed = 1, .test = "bench"};
	if (net_alloc(&w->net, &nc, NULL))
		die("net");
	struct endpoint_cfg ec = {.net = w->net, .name = "alice", .seed = 1, .test = "bench"};
	if (endpoint_alloc(&w->alice, &ec, &h, NULL))
		die("alice");
	ec.name = "bob";
	if (endpoint_alloc(&w->bob, &ec, &h, NULL))
		die("bob");
	w->to_bob = *endpoint_local(w->bob);
}

static void close_world(struct world *w)
{
	mem_deref(w->alice);
	mem_deref(w->bob);
	mem_deref(w->net);
	mem_deref(w->loop);
	buf_free(&w->b);
	buf_free(&w->via);
}

static void start(struct world *w, const char *method)
{
	struct msg *m;

	buf_reset(&w->b);
	buf_reset(&w->via);
	endpoint_via(w->alice, &w->via);
	struct build_request r = {
	    .method = slice_str(method),
	    .uri = SLICE_LIT("sip:bob@example.test"),
	    .via = buf_slice(&w->via),
	    .from = SLICE_LIT("<sip:alice@example.test>;tag=a"),
	    .to = SLICE_LIT("<sip:bob@example.test>"),
	    .call_id = SLICE_LIT("c1@198.18.0.1"),
	    .cseq = 1,
	    .max_forwards = 70,
	};
	build_request(&w->b, &r);
	if (msg_alloc(&m, buf_slice(&w->b)) ||
	    ctrans_create(NULL, w->alice, m, &w->to_bob, &w->opts, on_response, w, NULL))
		die("request");
	mem_deref(m);
}

static void stop(void *arg)
{
	loop_stop(arg);
}

/* Runs for so long: the request and its answer travel, and then timer K or M ends it. */
static void run_for(struct world *w, uint64_t ns)
{
	struct tmr t = {0};

	if (tmr_start_at(&t, w->loop, loop_now(w->loop) + ns, TMR_DEADLINE, stop, w->loop) ||
	    loop_run(w->loop) != LOOP_STOPPED)
		die("run");
}

/* Others that wait a year for their answer, with timers of their own in the heap. */
static void others(struct world *w, unsigned n)
{
	w->opts.timers = &w->timers;
	w->timers.e = w->timers.f = 365 * 86400 * NS_PER_S;
	for (unsigned i = 0; i < n; i++) {
		start(w, "SUBSCRIBE");
		if (i % 1000 == 999)
			run_for(w, 1);
	}
	run_for(w, 1);
	w->timers = (struct sip_timers){.k = NS_PER_MS, .m = NS_PER_MS};
}

static double time_of(struct world *w, const char *method)
{
	size_t alive = w->alice->sb->ctrans.n;
	double t = bench_now();

	w->finals = 0;
	for (int i = 0; i < TIMES; i++) {
		start(w, method);
		run_for(w, 2 * NS_PER_MS);
	}
	t = (bench_now() - t) / TIMES;
	if (w->finals != TIMES || w->alice->sb->ctrans.n != alive)
		die("a transaction did not end");
	return t;
}

int main(void)
{
	static const char *const methods[] = {"OPTIONS", "INVITE"};
	double few[ROUNDS], many[ROUNDS], ratio[ROUNDS];
	struct world w[2];

	open_world(&w[0]);
	open_world(&w[1]);
	others(&w[0], FEW);
	others(&w[1], MANY);
	for (int m = 0; m < 2; m++) {
		for (int i = 0; i < ROUNDS; i++) {
			few[i] = time_of(&w[0], methods[m]);
			many[i] = time_of(&w[1], methods[m]);
			ratio[i] = many[i] / few[i];
		}
		printf("%s and its 200, from the request to the end: %.0f ns among %d others, %.0f ns among %d; ratio "
		       "%.2f (expected < 2)\n",
		       methods[m], bench_median(few, ROUNDS), FEW, bench_median(many, ROUNDS), MANY,
		       bench_median(ratio, ROUNDS));
	}
	close_world(&w[0]);
	close_world(&w[1]);
	return 0;
}
