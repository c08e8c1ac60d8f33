/* Session timers (RFC 4028): a call whose session is not refreshed in time ends. */
#ifndef OFFHOOK_SIP_SESSION_TIMER_H
#define OFFHOOK_SIP_SESSION_TIMER_H

#include "core/loop.h"
#include "sip/ua.h"

struct call;
struct call_headers;

/* Of a call that has one, or said or was told what such a timer may be. */
struct session_timer {
	struct session_opts opts;    /* what we ask for */
	uint32_t expires;            /* the interval agreed on, s; 0: no timer runs */
	uint32_t min_se;             /* the most that a 422 asked for, s */
	bool ours;                   /* we refresh */
	bool by_update;              /* with UPDATE, which the other side allows; else with INVITE */
	unsigned refreshes;          /* that we sent */
	struct tmr tmr;
	struct uac *refresh;         /* the last */
};

/* What a new call asks for. ERR_NOMEM. */
int session_timer_init(struct call *call, const struct session_opts *opts);
void session_timer_stop(struct call *call);
/* That of a call; one without says nothing. */
const struct session_timer *session_timer_of(const struct call *call);
/* Into a request that offers a session (INVITE, UPDATE): Session-Expires, Min-SE. The `timer` of Supported is the caller's. */
void session_timer_ask(struct call *call, struct call_headers *x);
/* Whether such a request has an interval that we refuse: then `min_se` is for the Min-SE of the 422. */
bool session_timer_too_small(const struct call *call, const struct scan *request, uint32_t *min_se);
/* Into the 2xx to such a request, and starts the timer. */
void session_timer_answer(struct call *call, const struct scan *request, struct call_headers *x);
/* A 2xx to such a request of ours came: starts the timer, or stops it. */
void session_timer_answered(struct call *call, const struct scan *response);
/* What goes into `request` when it is sent again after that 422: the interval that it wants; 0 if that is no larger than the one asked for. */
uint32_t session_timer_larger(struct call *call, const struct scan *request, const struct scan *refusal);

#endif
