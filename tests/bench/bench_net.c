/* What the network alone costs a call: six datagrams, three each way, between two processes on two cores, with no SIP behind
 * them. Microseconds of CPU a call and side, by rate and by how long the loop may gather at most. This is what is left when the rest of the
 * engine costs nothing. */
#include "core/mem.h"
#include "net/net.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define SECONDS 3
#define PORT_CALLER 15070
#define PORT_CALLEE 15080

/* Sizes of a call's messages as scenarios/load sends them. */
enum { INVITE, RINGING, OK, ACK, BYE, OK_BYE, KINDS };
static const size_t sizes[KINDS] = {560, 380, 480, 390, 400, 330};

struct side {
	struct loop *loop;
	struct net *net;
	struct transport *tp;
	struct addr peer;
	struct tmr arrival, begin, end;
	uint64_t interval;
	unsigned calls;       /* ended, in the window */
	double cpu_begin;
	uint64_t late_sum, late_n;
};

static double cpu(void)
{
	struct rusage ru;

	getrusage(RUSAGE_SELF, &ru);
	return (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1e6 + (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec);
}

static void say(struct side *s, int kind)
{
	static char bytes[1024];

	bytes[0] = (char)kind;
	if (transport_send(s->tp, &s->peer, bytes, sizes[kind], NULL, NULL))
		exit(1);
}

static void arrive(void *arg)
{
	struct side *s = arg;

	say(s, INVITE);
	/* Not tmr_again(), which forgives a time that is past: an arrival that is late is not left out. */
	tmr_start_at(&s->arrival, s->loop, s->arrival.due + s->interval, TMR_EVENT, arrive, s);
}

static void recv_h(struct transport *tp, const struct addr *src, const uint8_t *data, size_t len, uint64_t now, uint32_t frame,
		   void *arg)
{
	struct side *s = arg;

	(void)tp, (void)src, (void)len, (void)now, (void)frame;
	switch (data[0]) {
	case INVITE:
		say(s, RINGING);
		say(s, OK);
		break;
	case OK:
		say(s, ACK);
		say(s, BYE);
		break;
	case BYE:
		say(s, OK_BYE);
		s->calls++;
		break;
	case OK_BYE:
		s->calls++;
		break;
	default:
		break;
	}
}

static void late(void *arg, enum loop_lateness what, uint64_t ns)
{
	struct side *s = arg;

	if (what == LOOP_LATE_TIMER) {
		s->late_sum += ns;
		s->late_n++;
	}
}

static void begin(void *arg)
{
	struct side *s = arg;

	s->calls = 0;
	s->cpu_begin = cpu();
}

static void end(void *arg)
{
	loop_stop(((struct side *)arg)->loop);
}

/* Runs one side in this process and prints its figures. */
static void side(unsigned rate, uint64_t gather, bool caller)
{
	struct side s = {.interval = NS_PER_S / rate};
	struct loop_cfg lc = {.gather = gather, .late = late, .late_arg = &s};
	struct net_cfg nc = {.test = "bench"};
	struct addr local;
	struct err e = {0};
	cpu_set_t cores;
	double used;

	CPU_ZERO(&cores);
	CPU_SET(caller ? 0 : 1, &cores);
	(void)sched_setaffinity(0, sizeof(cores), &cores);
	addr_parse(&local, slice_str("127.0.0.1"), caller ? PORT_CALLER : PORT_CALLEE);
	addr_parse(&s.peer, slice_str("127.0.0.1"), caller ? PORT_CALLEE : PORT_CALLER);
	if (loop_alloc(&s.loop, &lc, &e))
		goto out;
	nc.loop = s.loop;
	if (net_alloc(&s.net, &nc, &e) || transport_udp(&s.tp, s.net, "bench", &local, false, recv_h, NULL, &s, &e))
		goto out;
	if (caller)
		tmr_start(&s.arrival, s.loop, NS_PER_S / 5, arrive, &s);
	tmr_start(&s.begin, s.loop, NS_PER_S, begin, &s);
	tmr_start(&s.end, s.loop, (1 + SECONDS) * NS_PER_S, end, &s);
	loop_run(s.loop);
	used = cpu() - s.cpu_begin;
	printf("  %s %5.1f us/call (%6u calls/s, late %4.0f us)", caller ? "caller" : "callee", used / s.calls, s.calls / SECONDS,
	       s.late_n ? (double)s.late_sum / (double)s.late_n / 1000 : 0);
	fflush(stdout);
	_exit(0);
out:
	fprintf(stderr, "%s\n", e.text);
	_exit(1);
}

int main(void)
{
	static const unsigned rates[] = {10000, 20000};
	static const uint64_t gathers[] = {0, 200000, 500000, 1000000};
	int failed = 0, status;

	for (unsigned r = 0; r < sizeof(rates) / sizeof(rates[0]); r++) {
		for (unsigned g = 0; g < sizeof(gathers) / sizeof(gathers[0]); g++) {
			printf("%5u calls/s, gathering %3.1f ms:", rates[r], (double)gathers[g] / 1e6);
			fflush(stdout);
			for (int caller = 0; caller < 2; caller++) {
				if (!fork())
					side(rates[r], gathers[g], caller);
			}
			while (wait(&status) > 0)
				failed |= status;
			printf("\n");
		}
	}
	return failed ? 1 : 0;
}
