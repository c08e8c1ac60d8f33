/* What a load run counts and measures.
 *
 * Each shard has a struct of its own, written by its thread alone and without a lock; functions called for a message take a few ns.
 * How they come together:
 *
 *	a worker, now and then:   lock; load_numbers_collect(pending, its shards, how many); unlock
 *	the main thread:          load_numbers_clear(second)
 *	                          for each worker: lock; load_numbers_merge(second, pending); load_numbers_restart(pending); unlock
 *	                          load_numbers_append(total, second), and report both
 *
 * Counts and times always add up. Gauges (live, live_peak, tasks) do so side by side (merge); of two spans of time that follow each other
 * the later one's hold, and the higher peak (append, collect).
 *
 * An arrival ends in exactly one of done, failed, dropped, interrupted:
 *	load_numbers_arrival(n)                      it is due
 *	load_numbers_dropped(n)                      there is no room for it
 *	load_numbers_began(n)                        else: it is live until one of
 *	load_numbers_done(n), load_numbers_failed(n, ...), load_numbers_interrupted(n)
 * load_numbers_check() holds that against the counts. */
#ifndef OFFHOOK_LOAD_NUMBERS_H
#define OFFHOOK_LOAD_NUMBERS_H

#include "core/err.h"
#include "core/slice.h"
#include "load/histogram.h"

#include <stdbool.h>
#include <stdint.h>

/* X(constant, name, what) */
#define LOAD_TIMES(X)                                                                                                          \
	X(CALL_TRYING, "call.trying", "INVITE to its first answer, 100 included")                                              \
	X(CALL_POST_DIAL_DELAY, "call.post_dial_delay",                                                                        \
	  "INVITE to the first answer but 100: session request delay, RFC 6076 4.3")                                           \
	X(CALL_SETUP, "call.setup", "due time of the call to the 2xx of its INVITE")                                           \
	X(CALL_TEARDOWN, "call.teardown", "BYE to its final answer: session disconnect delay, RFC 6076 4.4")                   \
	X(REGISTER, "register", "REGISTER of ua:register to its 2xx, challenge included: registration request delay, RFC 6076 4.1") \
	X(REQUEST, "request", "any other request but INVITE, BYE and REGISTER to its final answer")                            \
	X(ITERATION, "iteration", "due time of an arrival to the end of its iteration")                                        \
	X(LATE_ARRIVAL, "late.arrival", "due time of an arrival to the start of its iteration")                                \
	X(LATE_TIMER, "late.timer", "due time of a timer to when it fired")                                                    \
	X(LATE_SEND, "late.send", "time a message was ready to when the kernel had it")

enum load_time {
#define LOAD_TIME_ENUM(constant, name, what) LOAD_TIME_##constant,
	LOAD_TIMES(LOAD_TIME_ENUM)
#undef LOAD_TIME_ENUM
	LOAD_TIME_COUNT
};

/* X(field, what): each a counter, by this name also in thresholds */
#define LOAD_COUNTS(X)                                                                                                         \
	X(arrivals, "calls or iterations that were due")                                                                       \
	X(done, "iterations that ended well")                                                                                  \
	X(failed, "iterations that raised a failure")                                                                          \
	X(dropped, "arrivals that found no room")                                                                              \
	X(interrupted, "iterations that the end of the run cut short")                                                         \
	X(timeouts, "requests without a final answer: a local 408, RFC 3261 8.1.3.1")                                          \
	X(transport_errors, "requests that the transport could not send: a local 503, RFC 3261 8.1.3.1")                      \
	X(overflows, "datagrams lost at a full socket buffer of this program: it did not read in time (several of one size that came together count once)")

/* What requests and responses are counted by; OTHER is any further method. */
#define LOAD_METHODS(X)                                                                                                        \
	X(INVITE) X(ACK) X(BYE) X(CANCEL) X(REGISTER) X(OPTIONS) X(INFO) X(PRACK) X(UPDATE) X(SUBSCRIBE) X(NOTIFY) X(REFER)    \
	X(MESSAGE) X(PUBLISH) X(OTHER)

enum load_method {
#define LOAD_METHOD_ENUM(name) LOAD_METHOD_##name,
	LOAD_METHODS(LOAD_METHOD_ENUM)
#undef LOAD_METHOD_ENUM
	LOAD_METHOD_COUNT
};

#define LOAD_STATUS_MIN 100
#define LOAD_STATUS_COUNT 600 /* 100 to 699 */

struct load_pair {
	uint64_t sent, received;
};

/* Failures are told apart by kind and line; those past so many kinds and lines count together. */
#define LOAD_FAILURES 64

struct load_failure {
	uint64_t count;
	char kind[24];
	char where[104]; /* "FILE:LINE" */
	char text[240];  /* of the first */
};

#define LOAD_CUSTOM_TIMES 16
#define LOAD_CUSTOM_COUNTS 32
#define LOAD_CUSTOM_NAME 48

struct load_custom_time {
	char name[LOAD_CUSTOM_NAME];
	struct histogram *times; /* made at its first use */
};

struct load_custom_count {
	char name[LOAD_CUSTOM_NAME];
	int64_t count;
};

struct load_numbers {
#define LOAD_COUNT_FIELD(field, what) uint64_t field;
	LOAD_COUNTS(LOAD_COUNT_FIELD)
#undef LOAD_COUNT_FIELD
	uint64_t live, live_peak; /* iterations that began and have not ended */
	uint64_t tasks;           /* set by the owner */

	struct load_pair requests[LOAD_METHOD_COUNT];        /* each once, however often it was repeated */
	struct load_pair retransmissions[LOAD_METHOD_COUNT]; /* of requests and of their responses */
	struct load_pair answered[LOAD_METHOD_COUNT];        /* responses, all statuses together */

	struct load_failure failures[LOAD_FAILURES];
	unsigned failure_kinds;
	uint64_t failures_elsewhere; /* past LOAD_FAILURES */

	struct load_custom_time custom_times[LOAD_CUSTOM_TIMES];
	struct load_custom_count custom_counts[LOAD_CUSTOM_COUNTS];
	unsigned custom_time_count, custom_count_count;
	bool custom_lost; /* a merge found no room for a name, or no memory */

	struct histogram times[LOAD_TIME_COUNT];
	struct load_pair responses[LOAD_METHOD_COUNT][LOAD_STATUS_COUNT]; /* by status - LOAD_STATUS_MIN */
};

/* All zero, 350 kB of which what is never counted is never touched. Plain memory, no block of core/mem.h: the struct may be made in one
 * thread and freed in another. NULL when memory ran out. */
struct load_numbers *load_numbers_alloc(void);
/* Always returns NULL. NULL is allowed. */
struct load_numbers *load_numbers_free(struct load_numbers *n);

/* Another shard's or worker's numbers of the same span of time. */
void load_numbers_merge(struct load_numbers *into, const struct load_numbers *from);
/* The same ones' numbers of the span of time that follows. */
void load_numbers_append(struct load_numbers *into, const struct load_numbers *next);
/* All that `shards` hold, of a span of time that follows the one in `into`; the shards are restarted. */
void load_numbers_collect(struct load_numbers *into, struct load_numbers *const *shards, unsigned count);
/* Counts and times begin at zero, the gauges go on, and live_peak begins at live. */
void load_numbers_restart(struct load_numbers *n);
/* The same with the gauges at zero. */
void load_numbers_clear(struct load_numbers *n);
/* arrivals = done + failed + dropped + interrupted + live. Says in the error which does not add up. At the end of a run `live` must
 * be 0 besides, which is the caller's to ask for. */
int load_numbers_check(const struct load_numbers *n, struct err *e);

/* --- an iteration --- */

static inline void load_numbers_arrival(struct load_numbers *n)
{
	n->arrivals++;
}

static inline void load_numbers_dropped(struct load_numbers *n)
{
	n->dropped++;
}

static inline void load_numbers_began(struct load_numbers *n)
{
	if (++n->live > n->live_peak)
		n->live_peak = n->live;
}

static inline void load_numbers_done(struct load_numbers *n)
{
	n->done++;
	n->live--;
}

static inline void load_numbers_interrupted(struct load_numbers *n)
{
	n->interrupted++;
	n->live--;
}

/* Ends the iteration. `kind`: a word, e.g. "timeout" or "status"; `where`: "FILE:LINE"; both and `text` are cut to fit. */
void load_numbers_failed(struct load_numbers *n, const char *kind, const char *where, const char *text);

/* --- times and messages --- */

static inline void load_numbers_time(struct load_numbers *n, enum load_time which, uint64_t ns)
{
	histogram_record(&n->times[which], ns);
}

/* Case counts, as in RFC 3261 7.1. */
enum load_method load_method(struct slice method);
const char *load_method_name(enum load_method m);
const char *load_time_name(enum load_time t);
const char *load_time_what(enum load_time t);

/* A request that was sent or came for the first time; ACK and CANCEL count as all others. */
void load_numbers_request(struct load_numbers *n, struct slice method, bool sent);
/* A response of the first time; `method`: of its CSeq. A status outside 100 to 699 counts among its method's responses only. */
void load_numbers_response(struct load_numbers *n, struct slice method, unsigned status, bool sent);
/* A request or a response of that method again. */
void load_numbers_retransmission(struct load_numbers *n, struct slice method, bool sent);
/* What was counted as received a moment ago turned out to be a retransmission: a response of `status`, or with 0 a request. */
void load_numbers_received_again(struct load_numbers *n, struct slice method, unsigned status);

/* What a script measures itself. A name is 1 to 47 letters, digits, '_', '.' and '-'. ERR_ARG when it is none or when there are too many,
 * ERR_NOMEM. */
bool load_custom_name_good(struct slice name);
int load_numbers_custom_time(struct load_numbers *n, struct slice name, uint64_t ns, struct err *e);
int load_numbers_custom_count(struct load_numbers *n, struct slice name, int64_t delta, struct err *e);
/* NULL when nothing of that name was measured. */
const struct histogram *load_numbers_custom_times(const struct load_numbers *n, struct slice name);
const struct load_custom_count *load_numbers_custom_counts(const struct load_numbers *n, struct slice name);

/* Sums over all methods. */
struct load_pair load_numbers_all_requests(const struct load_numbers *n);
struct load_pair load_numbers_all_responses(const struct load_numbers *n);
struct load_pair load_numbers_all_retransmissions(const struct load_numbers *n);
/* Responses of the statuses `from` to `to`. */
struct load_pair load_numbers_statuses(const struct load_numbers *n, unsigned from, unsigned to);

#endif
