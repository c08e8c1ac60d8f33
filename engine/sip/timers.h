/* The timers of RFC 3261 table 4 and RFC 6026, all in nanoseconds, all settable. */
#ifndef OFFHOOK_SIP_TIMERS_H
#define OFFHOOK_SIP_TIMERS_H

#include <stdint.h>

#define TIMER_NEVER UINT64_MAX /* it does not run */

/* X(field, RFC name, meaning). T1, T2 and T4 first: the others are derived from them unless they are set. */
#define SIP_TIMERS(X)                                                                                                 \
	X(t1, "T1", "estimate of the round trip")                                                                     \
	X(t2, "T2", "longest interval of retransmissions other than INVITE requests")                                 \
	X(t4, "T4", "how long a message lives in the network")                                                        \
	X(a, "A", "INVITE request: first retransmission")                                                             \
	X(b, "B", "INVITE request: time-out")                                                                         \
	X(c, "C", "proxy: INVITE without a final response")                                                           \
	X(d, "D", "INVITE client: absorbs repeated non-2xx responses")                                                \
	X(e, "E", "other request: first retransmission")                                                              \
	X(f, "F", "other request: time-out")                                                                          \
	X(g, "G", "INVITE response: first retransmission")                                                            \
	X(h, "H", "INVITE response: wait for the ACK")                                                                \
	X(i, "I", "INVITE server: absorbs repeated ACKs")                                                             \
	X(j, "J", "other server: absorbs repeated requests")                                                          \
	X(k, "K", "other client: absorbs repeated responses")                                                         \
	X(l, "L", "INVITE server: absorbs repeated requests after a 2xx (RFC 6026)")                                  \
	X(m, "M", "INVITE client: takes repeated 2xx (RFC 6026)")                                                     \
	X(trying, "trying", "INVITE server: automatic 100 (RFC 3261 17.2.1)")

struct sip_timers {
#define SIP_TIMER_FIELD(field, name, meaning) uint64_t field;
	SIP_TIMERS(SIP_TIMER_FIELD)
#undef SIP_TIMER_FIELD
};

/* Fills every field that is 0 from T1, T2, T4 and these from RFC 3261 (500 ms, 4 s, 5 s). A timer that is to fire at once is 1. */
void sip_timers_derive(struct sip_timers *t);
/* Derived timers of a transaction's own, a block; NULL for want of memory. */
struct sip_timers *sip_timers_copy(const struct sip_timers *from);
/* 64*T1. */
uint64_t sip_timer_64t1(const struct sip_timers *t);
/* The next interval of a retransmission: doubled, at most `limit`. */
uint64_t sip_timer_twice(uint64_t interval, uint64_t limit);

#endif
