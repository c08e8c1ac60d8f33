/* What a call costs in the engine alone, without Lua: two user agents in C, a simulated network, virtual time; both sides and the six
 * messages (INVITE 180 200 ACK BYE 200) included.
 *
 * bench_engine calls N: N calls and nothing else, for a profiler, e.g. `valgrind --tool=callgrind bench_engine calls 2000`. */
#include "bench.h"

#include "core/mem.h"
#include "sip/call.h"

#include <malloc.h>

#define RATE 100 /* calls begin in a second */

struct side {
	struct endpoint *ep;
	struct ua *ua;
	unsigned ended;
};

struct world {
	struct loop *loop;
	struct net *net;
	struct side alice, bob;
	struct tmr tmr;
	bool hold;      /* the calls stay */
	unsigned calls; /* still to begin */
	unsigned confirmed;
};

static void die(const char *what)
{
	fprintf(stderr, "bench_engine: %s\n", what);
	exit(1);
}

static bool on_event(struct call *call, enum call_event ev, struct msg *m, struct strans *st, const char *why, void *arg)
{
	struct world *w = arg;
	struct uac *bye;

	(void)st;
	(void)why;
	if (ev == CALL_RESPONSE && m->s.status == 200) {
		w->confirmed++;
		if (!w->hold) {
			if (call_bye(&bye, call, NULL, NULL, NULL, NULL, NULL))
				die("no BYE");
			mem_deref(bye);
		}
	} else if (ev == CALL_ENDED) {
		(call->outgoing ? &w->alice : &w->bob)->ended++;
		mem_deref(call); /* our reference */
	}
	return false;
}

static bool on_incoming(struct ua *ua, struct call *call, void *arg)
{
	(void)ua;
	mem_ref(call);
	call_set_handler(call, on_event, arg);
	if (call_reply(call, &(struct call_reply){.status = 180}, NULL, NULL) || call_reply(call, &(struct call_reply){.status = 200}, NULL, NULL))
		die("no reply");
	return true;
}

static bool on_request(struct endpoint *ep, struct msg *m, void *arg)
{
	struct world *w = arg;

	return ua_receive(ep == w->alice.ep ? w->alice.ua : w->bob.ua, m);
}

static void open_side(struct world *w, struct side *s, const char *name, const char *aor, const struct sip_timers *t)
{
	struct endpoint_handlers eh = {.request = on_request, .arg = w};
	struct endpoint_cfg ec = {.net = w->net, .name = name, .seed = 1, .test = "bench", .timers = t};
	struct ua_handlers uh = {.incoming = on_incoming, .arg = w};
	struct ua_cfg uc = {.aor = slice_str(aor), .answers = UA_ANSWERS_ALL};

	if (endpoint_alloc(&s->ep, &ec, &eh, NULL) || ua_alloc(&s->ua, s->ep, &uc, &uh, NULL))
		die("no user agent");
	s->ep->in_dialog = call_in_dialog;
}

static void next_call(void *arg)
{
	struct world *w = arg;
	struct ua_request r = {.uri = w->bob.ua->contact};
	struct call *call;

	if (call_invite(&call, w->alice.ua, &r, NULL, on_event, w, NULL))
		die("no call");
	if (--w->calls)
		tmr_again(&w->tmr, w->loop, NS_PER_S / RATE, next_call, w);
}

static void stop(void *arg)
{
	loop_stop(arg);
}

/* Begins `calls` calls and lets `ns` pass behind the last. */
static void run(struct world *w, unsigned calls, bool hold, const struct sip_timers *t, uint64_t ns)
{
	struct loop_cfg lc = {.virtual_clock = true};
	struct tmr end = {0};

	*w = (struct world){.hold = hold, .calls = calls};
	if (loop_alloc(&w->loop, &lc, NULL))
		die("no loop");
	struct net_cfg nc = {.loop = w->loop, .seed = 1, .test = "bench"};
	if (net_alloc(&w->net, &nc, NULL))
		die("no net");
	open_side(w, &w->alice, "alice", "sip:alice@example.test", t);
	open_side(w, &w->bob, "bob", "sip:bob@example.test", t);
	tmr_start(&w->tmr, w->loop, 0, next_call, w);
	tmr_start_at(&end, w->loop, calls * (NS_PER_S / RATE) + ns, TMR_DEADLINE, stop, w->loop);
	if (loop_run(w->loop) != LOOP_STOPPED || w->confirmed != calls || (!hold && (w->alice.ended != calls || w->bob.ended != calls)))
		die("a call did not come to its end");
}

enum what { TIME, LIVE, LINGERING };

static double cpu_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double measure(enum what what, unsigned calls)
{
	/* Transactions that leave at once, so that what is measured are the calls; or all of them still there. */
	struct sip_timers soon = {.l = NS_PER_MS, .m = NS_PER_MS, .k = NS_PER_MS, .j = NS_PER_MS};
	struct sip_timers late = {.l = 10000 * NS_PER_S, .m = 10000 * NS_PER_S};
	struct world w;
	struct mallinfo2 mi;
	double start = cpu_now();

	run(&w, calls, what != TIME, what == TIME ? NULL : what == LIVE ? &soon : &late, NS_PER_S);
	if (what == TIME)
		return cpu_now() - start;
	mi = mallinfo2();
	return (double)(mi.uordblks + mi.hblkhd);
}

struct measurement {
	enum what what;
	unsigned calls;
};

static double measure_one(const void *arg)
{
	const struct measurement *m = arg;

	return measure(m->what, m->calls);
}

static double apart(enum what what, unsigned calls)
{
	return bench_apart(measure_one, &(struct measurement){what, calls});
}

int main(int argc, char **argv)
{
	if (argc == 3 && !strcmp(argv[1], "calls")) {
		(void)measure(TIME, (unsigned)atoi(argv[2]));
		return 0;
	}
	double few = apart(TIME, 4000), many = apart(TIME, 24000);
	double live[2] = {apart(LIVE, 1000), apart(LIVE, 6000)}, lingering[2] = {apart(LINGERING, 1000), apart(LINGERING, 6000)};

	printf("two user agents in C, virtual clock, both sides, 6 messages a call:\n");
	printf("  %.2f us of CPU a call (20 000 calls, %d a second, %d with transactions alive)\n", (many - few) / 20000 * 1e6, RATE, 32 * RATE);
	printf("  %.0f bytes a live call, its INVITE's transactions gone\n", (live[1] - live[0]) / 5000);
	printf("  %.0f bytes a live call with them\n", (lingering[1] - lingering[0]) / 5000);
	return 0;
}
