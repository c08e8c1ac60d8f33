/* A call: the INVITE, its dialog, and what must happen while the script sleeps (ACK of repeated 2xx, 200 to a BYE, ...).
 * RFC 3261 sections 13 to 15. */
#ifndef OFFHOOK_SIP_CALL_H
#define OFFHOOK_SIP_CALL_H

#include "sip/dialog.h"
#include "sip/ua.h"

enum call_state {
	CALL_CALLING,    /* outgoing, nothing came yet */
	CALL_PROCEEDING, /* outgoing, a provisional came */
	CALL_INCOMING,   /* not answered yet */
	CALL_CONFIRMED,  /* a 2xx was sent or received */
	CALL_TERMINATED,
};
const char *call_state_name(enum call_state s);

enum call_event {
	CALL_RESPONSE, /* m: a response to our INVITE, or to a later request of its own (see call->current) */
	CALL_ACK,      /* m: the ACK to our 2xx */
	CALL_REQUEST,  /* st: a request within the dialog for the user; true if it is taken */
	CALL_BYE,      /* m: the other side's BYE (answered, unless that is switched off) */
	CALL_CANCELLED, /* m: the caller's CANCEL (answered, and the INVITE with 487, unless that is switched off) */
	CALL_NO_ACK,   /* no ACK to our 2xx within 64*T1: a BYE was sent (RFC 3261 13.3.1.4) */
	CALL_ENDED,    /* the state is now CALL_TERMINATED */
};
typedef bool(call_event_h)(struct call *call, enum call_event ev, struct msg *m, struct strans *st, const char *why, void *arg);

struct call_opts {
	struct ctrans_opts trans;
	bool no_ack;     /* no ACK to a 2xx */
	bool no_sdp;     /* no session description of our own making */
};

/* A moment that has not come. (0 is one: virtual time begins there.) */
#define CALL_NOT_YET UINT64_MAX

struct call {
	struct ua *ua;
	bool outgoing;
	enum call_state state;
	struct call_opts opts;
	struct uac *invite;          /* our INVITE */
	struct strans *server;       /* the INVITE that came, while it is to be answered or its 2xx repeated */
	struct msg *request;         /* the INVITE, either way, as it was sent last */
	struct dialog *dialog;       /* from the first tagged response on */
	struct dialog *others;       /* of other forks that answered before; their numbering goes on if they come back */
	struct msg *ack;             /* our ACK, repeated for each repeated 2xx */
	struct msg *answer;          /* our 2xx, repeated until its ACK */
	struct strans *answered;     /* whose 2xx that is */
	struct tmr repeat, give_up;  /* of our 2xx */
	uint64_t interval;
	struct uac *bye;
	struct auth auth;
	uint32_t cseq;               /* of our requests before there is a dialog */
	uint16_t media_port;
	uint64_t session, version;   /* of our session description (RFC 4566 5.2) */
	const char *direction;       /* that it told last; NULL: none was sent */
	const struct uac *reinvite;  /* ours that waits for its final response; compared, never followed */
	unsigned repeated_2xx;
	struct ua_claims claims;     /* requests within the dialog that the user wants; ACK, BYE and CANCEL are events */
	const char *ended_by;        /* "local BYE", "remote BYE", ...; NULL while it lives */
	struct {
		uint64_t invite, trying, ringing, answered, acked, ended; /* script time, ns, or CALL_NOT_YET */
	} at;
	call_event_h *h;
	void *arg;
};

/* Calls `r->uri`. Free with mem_deref() after call_detach(); an unfinished call then goes silent. */
int call_invite(struct call **cp, struct ua *ua, const struct ua_request *r, const struct call_opts *opts, call_event_h *h, void *arg,
		struct err *e);
/* For ua.c: a new INVITE; offers it to the UA's user. */
void call_incoming(struct ua *ua, struct strans *st);
void call_set_handler(struct call *call, call_event_h *h, void *arg);

struct call_reply {
	unsigned status;
	struct slice reason;
	const struct build_header *extra;
	unsigned extra_count;
	struct slice content_type, body;
	bool no_sdp;
};
/* Answers the INVITE (or re-INVITE) that waits. A 2xx gets a session description unless told otherwise, and is repeated until
 * its ACK comes. `*mp` (may be NULL): what was sent. ERR_NOT_NOW when nothing waits. */
int call_reply(struct call *call, const struct call_reply *r, struct msg **mp, struct err *e);
/* CANCEL; see ctrans_cancel(). */
int call_cancel(struct call *call, bool now, struct err *e);
/* A request within the dialog, e.g. INFO. */
int call_request(struct uac **uacp, struct call *call, struct slice method, const struct ua_request *r, uac_response_h *h, void *arg,
		 struct err *e);
/* BYE; its responses come as events of the handler given. */
int call_bye(struct uac **uacp, struct call *call, const struct ua_request *r, uac_response_h *h, void *arg, struct err *e);
/* Sends the ACK to the 2xx by hand (no_ack). */
int call_ack(struct call *call, const struct ua_request *r, struct err *e);
/* For endpoints with UAs: routes a request to its dialog. */
bool call_in_dialog(struct endpoint *ep, struct msg *m);

#endif
