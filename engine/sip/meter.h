/* Where endpoints tell what is to be counted: load runs have one, tests have none. The engine knows no statistics: who runs it hands a meter in. */
#ifndef OFFHOOK_SIP_METER_H
#define OFFHOOK_SIP_METER_H

#include "sip/msg.h"

enum meter_time {
	METER_TRYING,          /* INVITE to its first response */
	METER_POST_DIAL_DELAY, /* INVITE to its first 18x, or final response (RFC 6076 4.3.1: session request delay) */
	METER_SETUP,           /* INVITE to its 2xx */
	METER_TEARDOWN,        /* BYE to its final response (RFC 6076 4.4: session disconnect delay) */
	METER_REGISTER,        /* a registration's first REGISTER to its 2xx, challenge included (RFC 6076 4.1: registration request delay) */
	METER_REQUEST,         /* any other request to its final response; no REGISTER */
};

struct meter {
	void *arg;
	/* A message came, or left for the first time. */
	void (*message)(void *arg, const struct msg *m, bool sent);
	/* It left again, or came again (which is told beside its coming) and was absorbed. */
	void (*repeated)(void *arg, const struct msg *m, bool sent);
	/* Something took `ns`. */
	void (*took)(void *arg, enum meter_time what, uint64_t ns);
	/* A response of our own making (RFC 3261 8.1.3.1), because none came. */
	void (*gave_up)(void *arg, const struct msg *local_response);
};

/* NULL for `meter` is allowed in all of these. */
static inline void meter_message(const struct meter *meter, const struct msg *m, bool sent)
{
	if (meter)
		meter->message(meter->arg, m, sent);
}
static inline void meter_repeated(const struct meter *meter, const struct msg *m, bool sent)
{
	if (meter)
		meter->repeated(meter->arg, m, sent);
}
static inline void meter_took(const struct meter *meter, enum meter_time what, uint64_t from, uint64_t to)
{
	if (meter)
		meter->took(meter->arg, what, to > from ? to - from : 0);
}

#endif
