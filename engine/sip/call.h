/* A call: the INVITE, its dialogs, and what must happen while the script sleeps (ACK of repeated 2xx, PRACK, session refreshes, 200 to a BYE,
 * ...). RFC 3261 sections 13 to 15, RFC 3262, RFC 4028, RFC 3891. */
#ifndef OFFHOOK_SIP_CALL_H
#define OFFHOOK_SIP_CALL_H

#include "sip/dialog.h"
#include "sip/session_timer.h"
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
	CALL_RESPONSE, /* m: a response to our INVITE */
	CALL_FORK,     /* m: the first 2xx of another fork, which is kept (call_opts.keep_forks); its dialog is the last of call->dialogs */
	CALL_ACK,      /* m: the ACK to our 2xx */
	CALL_PRACK,    /* m: the PRACK to a reliable provisional of ours (answered, unless that is switched off) */
	CALL_REQUEST,  /* st: a request within the dialog for the user; true if it is taken */
	CALL_BYE,      /* m: the other side's BYE (answered, unless that is switched off) */
	CALL_CANCELLED, /* m: the caller's CANCEL (answered, and the INVITE with 487, unless that is switched off) */
	CALL_NO_ACK,   /* no ACK to our 2xx within 64*T1: a BYE was sent (RFC 3261 13.3.1.4) */
	CALL_ENDED,    /* the state is now CALL_TERMINATED */
};
typedef bool(call_event_h)(struct call *call, enum call_event ev, struct msg *m, struct strans *st, const char *why, void *arg);

/* Reliable provisionals (RFC 3262), of a caller: what its INVITE says of them. */
enum call_reliable { CALL_RELIABLE_NO, CALL_RELIABLE_SUPPORTED, CALL_RELIABLE_REQUIRED };

struct call_opts {
	struct ctrans_opts trans;
	bool no_ack;     /* no ACK to a 2xx */
	bool no_prack;   /* no PRACK: reliable provisionals come as they are, in whatever order */
	bool no_sdp;     /* no session description of our own making */
	bool keep_forks; /* a 2xx of another fork is acknowledged and kept, not hung up */
	enum call_reliable reliable;
	uint16_t max_redirects; /* 3xx whose first SIP Contact is tried before the user sees one (RFC 3261 8.1.3.4) */
	const struct session_opts *session; /* NULL: the UA's */
	const char *direction; /* of the session, from sdp_direction(); NULL: sendrecv */
	struct slice from_tag; /* p NULL: a fresh one. For an INVITE that follows another */
	uint64_t due;          /* script time at which it was to be sent, from which its times count; 0: now */
};

/* A moment that has not come. (0 is one: virtual time begins there.) */
#define CALL_NOT_YET UINT64_MAX

/* Dialogs of one INVITE: a peer that answers with ever new To tags gets no more. The 2xx that decides always has its own. */
#define CALL_MAX_DIALOGS 100

struct answer;
struct glare;
struct reliable;

struct call {
	struct ua *ua;
	uint8_t state;               /* enum call_state */
	bool outgoing;
	bool shown;                  /* somebody has the transaction of the INVITE: the call keeps it */
	bool offered;                /* our INVITE brought an offer */
	bool answered_reliably;      /* a reliable provisional of ours had the answer to the INVITE's offer, or the offer itself: the 2xx has none */
	bool ends_if_answered;       /* a CANCEL is under way: a 2xx that crosses it is hung up */
	struct {
		bool no_ack, no_prack, keep_forks;
		uint16_t max_redirects;
	} opts;                      /* those of call_opts that last */
	uint16_t redirects;          /* that were followed */
	uint16_t media_port;
	struct uac *invite;          /* our INVITE; NULL at rest */
	struct strans *server;       /* the INVITE that came, while it is to be answered or its 2xx repeated; NULL at rest */
	struct msg *request;         /* the INVITE, either way, as it was sent last; of a call at rest NULL, see call_invite_msg() */
	struct kept *rest;           /* of a call at rest */
	struct ctrans *client;       /* that transaction, when somebody asked for it later */
	struct ctrans *alone;        /* that of our INVITE, which goes on while the call is at rest already: see call_rest() */
	struct dialog *dialog;       /* that of the 2xx; before one came, of the last provisional; one of `dialogs` */
	struct dialog *dialogs;      /* of all forks that answered, in order of their first response */
	struct answer *answer;       /* our 2xx, until its ACK came */
	struct uac *bye;
	struct auth auth;
	struct {
		unsigned challenges, retransmissions, repeated_responses;
	} past;                      /* what was counted by the transaction of a call at rest */
	unsigned repeated_2xx, repeated_reliable;
	uint32_t cseq;               /* of our requests before there is a dialog */
	uint32_t tried;              /* CSeq of the try of our INVITE that is under way or was the last */
	uint32_t session, version;   /* of our session description (RFC 4566 5.2) */
	uint32_t rseq;               /* of the last of `reliable`; 0: none was sent */
	uint64_t described;          /* hash of what that said last, but for the version; 0: none was sent */
	const char *wanted;          /* that we would like */
	const struct uac *offering;  /* our INVITE, or UPDATE with an offer, within the call that waits for its final response; compared, never
				      * followed */
	struct glare *glare;         /* our INVITE that got a 491 and goes out again */
	struct reliable *reliable;   /* our reliable provisionals that wait for their PRACK, in order */
	struct session_timer *timer; /* see session_timer_of() */
	struct call *replaces;       /* the call that this INVITE replaces (RFC 3891) */
	struct ua_claims claims;     /* requests within the dialog that the user wants; ACK, BYE, PRACK and CANCEL are events */
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
	bool sdp;                    /* a session description of our own in a provisional */
	bool reliable;               /* a provisional is repeated until its PRACK (RFC 3262 3); also when the caller requires it */
	const char *direction;       /* of the session, from sdp_direction(); NULL: as it was */
};
/* Answers the INVITE (or re-INVITE) that waits. A 2xx gets a session description unless told otherwise, and is repeated until
 * its ACK comes. `*mp` (may be NULL): what was sent. ERR_NOT_NOW when nothing waits. */
int call_reply(struct call *call, const struct call_reply *r, struct msg **mp, struct err *e);
/* CANCEL; see ctrans_cancel(). A 2xx that crosses it is acknowledged and hung up, unless the user says `keep`. */
int call_cancel(struct call *call, bool now, bool keep, struct err *e);
/* A request within dialog `d` of the call (NULL: call->dialog), e.g. INFO. */
int call_request(struct uac **uacp, struct call *call, struct dialog *d, struct slice method, const struct ua_request *r,
		 uac_response_h *h, void *arg, struct err *e);
/* BYE; its responses come to the handler given. */
int call_bye(struct uac **uacp, struct call *call, struct dialog *d, const struct ua_request *r, uac_response_h *h, void *arg,
	     struct err *e);
/* Sends the ACK to the 2xx of dialog `d` (NULL: call->dialog) by hand. `*mp` (may be NULL): what was sent. */
int call_ack(struct call *call, struct dialog *d, const struct ua_request *r, struct msg **mp, struct err *e);
/* Sends the ACK to the 2xx of an INVITE within the call by hand (ua_request.no_ack). */
int call_ack_reinvite(struct call *call, struct uac *reinvite, const struct ua_request *r, struct msg **mp, struct err *e);
/* Whether that INVITE of ours within the call got a 491 and waits to go out again. */
bool call_retries(const struct call *call, const struct uac *reinvite);
/* Sends the PRACK to a reliable provisional by hand (call_opts.no_prack). */
int call_prack(struct uac **uacp, struct call *call, const struct msg *provisional, const struct ua_request *r, uac_response_h *h,
	       void *arg, struct err *e);
/* A call that is up and has been for a while goes to rest before the transaction of its INVITE is over, if nothing else is under way. All goes on
 * as before, but who asks for that transaction finds it terminated. Else nothing happens. */
void call_rest(struct call *call);
/* --- what may be asked also of a call at rest --- */
/* The INVITE, either way, as it was sent last, and its transaction. No references; NULL for want of memory. */
struct msg *call_invite_msg(struct call *call);
struct ctrans *call_client(struct call *call);
struct strans *call_server(struct call *call);
/* Counted by it: 401 and 407, requests that went out or came again, repeated 2xx. */
unsigned call_challenges(const struct call *call);
unsigned call_retransmissions(const struct call *call);
unsigned call_repeated_2xx(const struct call *call);

/* The call's dialog that a message of the other side belongs to, or NULL. Those of a try that was refused are no more. */
struct dialog *call_dialog_of(const struct call *call, struct slice remote_tag);
/* For endpoints with UAs: routes a request to its dialog. */
/* Its user goes, for good and now: what is up is hung up, what rings is cancelled or refused (480), and the last reference may be dropped. What
 * the other side repeats of a call that ended is acknowledged all the same. */
void call_leave(struct call *call, const char *by);
/* Whether nothing of it is under way that a user might still want to see. */
bool call_is_left(const struct call *call);

bool call_in_dialog(struct endpoint *ep, struct dialog *d, struct msg *m);

#endif
