/* A registration and its refreshes: RFC 3261 section 10. */
#ifndef OFFHOOK_SIP_REGISTRATION_H
#define OFFHOOK_SIP_REGISTRATION_H

#include "sip/ua.h"

struct registration;
/* Every response: provisionals, the final one (challenges that were answered excepted), and those of the refreshes. */
typedef void(registration_h)(struct registration *reg, struct msg *m, const char *why, void *arg);

struct registration_opts {
	struct slice registrar;    /* Request-URI; p NULL: "sip:" and the AOR's domain */
	uint32_t expires;          /* seconds; 0 removes the binding */
	const struct build_header *extra;
	unsigned extra_count;
	bool no_refresh;           /* the binding runs out */
};

struct registration {
	struct ua *ua;
	struct uac *uac;           /* the REGISTER under way, or the last one */
	struct auth auth;
	uint32_t cseq;
	uint64_t began;            /* when the first REGISTER of this round went out: challenges and a 423 come behind it */
	struct msg *last;          /* our last REGISTER: Call-ID stays the same (RFC 3261 10.2) */
	uint32_t expires;          /* asked for */
	uint32_t granted;          /* by the last 2xx; 0: not registered */
	bool no_refresh;
	unsigned refreshes, too_brief;
	struct tmr refresh;
	registration_h *h;
	void *arg;
};

/* Sends the REGISTER. Answers challenges, takes a 423 by raising its time once, and refreshes at 90 % of the time granted, or 5 s
 * before its end if that is later. Free with mem_deref(): the binding is left to run out. */
int registration_start(struct registration **rp, struct ua *ua, const struct registration_opts *o, registration_h *h, void *arg,
		       struct err *e);
/* Registers again now, with another time if `expires` is not UINT32_MAX; 0 removes the binding. */
int registration_again(struct registration *reg, uint32_t expires, struct err *e);

#endif
