/* Transactions: RFC 3261 section 17 with RFC 6026.
 *
 * A transaction belongs to its endpoint until it terminates; whoever holds a pointer longer takes a reference. Every
 * automatic behaviour can be switched off for one transaction, because a negative test must leave it out. */
#ifndef OFFHOOK_SIP_TRANSACTION_H
#define OFFHOOK_SIP_TRANSACTION_H

#include "sip/endpoint.h"
#include "sip/msg_rest.h"

/* The names are RFC 3261's (figures 5 to 8) and RFC 6026's. */
enum trans_state {
	TRANS_CALLING,
	TRANS_TRYING,
	TRANS_PROCEEDING,
	TRANS_ACCEPTED, /* RFC 6026: an INVITE with a 2xx */
	TRANS_COMPLETED,
	TRANS_CONFIRMED,
	TRANS_TERMINATED,
};
const char *trans_state_name(enum trans_state s);

/* --- client --- */
/* A response that its user must see: provisionals, finals, and while accepted every repeated 2xx. When no peer answers, a local 408
 * (timer B or F, or 64*T1 after a CANCEL) or 503 (the transport failed) of RFC 3261 8.1.3.1, with m->locally set. What is neither
 * expected nor a repetition (a 2xx behind a 486, a 486 behind a 2xx, a status outside 100..699) stays unclaimed. */
typedef void(ctrans_response_h)(struct ctrans *ct, struct msg *m, void *arg);

struct ctrans_opts {
	const struct sip_timers *timers; /* NULL: the endpoint's; else copied */
	bool no_retransmit; /* timers A and E never fire */
	bool no_ack;        /* no ACK to a non-2xx */
};

/* A client transaction at rest was answered and is nobody's any more: it absorbs what is repeated. Its block is shorter then, for a load has
 * hundreds of thousands: `rest` stands in the place of all that comes behind, and hashes in that of texts. */
struct ctrans_rest {
	struct rest link;
	uint64_t identity;           /* with the node's key it tells the request from others */
	struct kept *ack;        /* what a repeated final response gets */
	ctrans_response_h *late;     /* see ctrans_rest() */
	void *arg;
};

struct ctrans {
	struct hash_node node;
	struct endpoint *ep;         /* NULL once terminated */
	struct msg *request;         /* NULL at rest */
	unsigned repeated_responses; /* absorbed; a repeated 2xx to an INVITE is not, its user gets it, unless that went: ctrans_keep_ack() */
	uint8_t state;               /* enum trans_state */
	bool invite;
	union {
		struct ctrans_rest rest;
		struct {
			LIST_ENTRY(ctrans) entry; /* of its endpoint */
			struct tmr timeout;
			struct msg *ack;          /* to a non-2xx, for repeated finals */
			struct kept *ack_2xx; /* see ctrans_keep_ack() */
			struct addr dst;
			struct ctrans_opts opts;
			struct tmr retransmit;
			uint64_t interval;
			unsigned retransmissions;    /* of the request */
			bool provisional;            /* one came, so a CANCEL may go (RFC 3261 9.1) */
			bool cancel_wanted;
			struct ctrans *cancel;
			struct ctrans *next_hit;     /* while an error of the network is dealt with */
			ctrans_response_h *h;
			void (*over)(struct ctrans *ct, void *arg); /* told when it terminates; NULL: nobody asks */
			void *arg;
		};
	};
};

/* Sends `request` (its top Via carries the branch) and runs its transaction. The endpoint holds one reference until it
 * terminates; `*ctp` (ctp may be NULL) gets another, to mem_deref(), or NULL on failure. `h` may be called until ctrans_detach(). */
int ctrans_create(struct ctrans **ctp, struct endpoint *ep, struct msg *request, const struct addr *dst,
		  const struct ctrans_opts *opts, ctrans_response_h *h, void *arg, struct err *e);
/* CANCELs an INVITE: at once, or when its first provisional comes (RFC 3261 9.1); `now` sends it all the same. ERR_NOT_NOW when it is over. */
int ctrans_cancel(struct ctrans *ct, bool now, struct err *e);
/* Its handler is called no more; the machine goes on by itself. */
void ctrans_detach(struct ctrans *ct);
/* Its user's end of it: detached, and a reference less (NULL is allowed). One that was answered and is nobody's then goes to rest. */
void ctrans_release(struct ctrans *ct);
/* The user of an INVITE that was accepted goes: the ACK that it sent goes out again for every repeated 2xx of that dialog (RFC 3261 13.2.2.4),
 * to where it went. Takes a reference. */
void ctrans_keep_ack(struct ctrans *ct, struct kept *ack);

/* Its user, the one who has a reference to it, wants no more of an INVITE that was accepted than to be told of a 2xx of another dialog than that
 * which `ack` is for, by `late` until ctrans_detach(). A reference to what is left, which is at rest, or NULL and all is as it was. */
struct ctrans *ctrans_rest(struct ctrans *ct, struct kept *ack, ctrans_response_h *late, void *arg);

/* What is left of one that is over, for who asks later. NULL for want of memory. */
struct ctrans *ctrans_past(struct msg *request);

/* --- server --- */
enum strans_event {
	STRANS_CANCELLED, /* a CANCEL came before the final response and was answered 200 */
	STRANS_ACKED,     /* the ACK to a non-2xx came */
	STRANS_NO_ACK,    /* timer H ran out */
	STRANS_TERMINATED,
};
typedef void(strans_event_h)(struct strans *st, enum strans_event ev, struct msg *m, void *arg);

struct strans_opts {
	const struct sip_timers *timers; /* NULL: the endpoint's; else copied */
	bool no_retransmit; /* timer G never fires */
	bool no_trying;     /* no automatic 100 */
	bool no_cancel;     /* a CANCEL is taken, but neither answered nor told */
};

/* Where it stands among those that others may merge with: see strans_merged(). */
struct strans_merge {
	struct hash_node node;
	const struct endpoint *ep;
};

/* Of a request outside dialogs. */
struct strans_outside {
	struct strans_merge merge; /* in use if it may merge */
	char to_tag[ENDPOINT_TAG_LEN];
};

/* A server transaction at rest has had its final response and is nobody's any more; it absorbs what is repeated, and answers it where that is its
 * business. Its request had the magic cookie. As above its block is shorter. */
struct strans_rest {
	struct rest link;
	uint64_t identity;
	union {
		uint64_t whole;        /* hash of the request, where `plain` is set */
		struct kept *last; /* the response that is repeated; NULL: none */
	};
	uint32_t frame;        /* of a plain one */
	uint16_t plain;        /* the status of one that is built again from the repeated request; 0: see `last` */
	bool is_outside;
	struct strans_outside outside[]; /* one, of a request that had no To tag */
};

struct strans {
	struct hash_node node;
	struct endpoint *ep;  /* NULL once terminated */
	struct msg *request;  /* NULL at rest */
	uint8_t state;        /* enum trans_state */
	bool may_merge;       /* its `merge` is in use */
	bool by_front;        /* it came to the front of its switchboard, and is answered from there */
	bool invite;
	bool cancelled;
	union {
		struct strans_rest rest;
		struct {
			char to_tag[ENDPOINT_TAG_LEN]; /* what this side adds to To */
			struct strans_merge merge;
			LIST_ENTRY(strans) entry; /* of its endpoint */
			struct tmr timeout;  /* timer H, I, J or L, and before the final response the 200 ms until a 100 */
			struct addr peer;    /* where responses go (RFC 3261 18.2.2, RFC 3581) */
			unsigned retransmissions;    /* of the request, and of the ACK to a non-2xx: absorbed */
			unsigned repeated_responses; /* sent again, by timer G, for a repeated request, or a 2xx by its user */
			struct msg *last;    /* the response that is repeated */
			bool plain;          /* it has nothing that build_response() would not write by itself */
			struct strans_opts opts;
			struct tmr retransmit; /* timer G */
			uint64_t interval;
			strans_event_h *first; /* told before `h`: a call's */
			void *first_arg;
			strans_event_h *h;
			void *arg;
		};
	};
};

/* A server transaction for a request that came in. The endpoint holds one reference until it terminates, `*stp` gets another. */
int strans_create(struct strans **stp, struct endpoint *ep, struct msg *request, const struct strans_opts *opts,
		  strans_event_h *h, void *arg, struct err *e);
/* Sends a response made by strans_build() or by hand. ERR_NOT_NOW after a final one (a 2xx to an INVITE may be repeated). */
int strans_respond(struct strans *st, struct msg *response, struct err *e);
struct build_response;
/* Builds and sends; where `r` has no source or to_tag, the request's source and st->to_tag are used. `*mp` (mp may be NULL) gets a
 * reference to what was sent. */
int strans_reply(struct strans *st, const struct build_response *r, struct msg **mp, struct err *e);
void strans_detach(struct strans *st);
/* A reference less (NULL is allowed). One that has its final response and is nobody's then goes to rest. */
void strans_release(struct strans *st);
/* What is left of one that is over, for who asks later. NULL for want of memory. */
struct strans *strans_past(struct msg *request, struct slice to_tag);
/* What it runs by; `ep` is its endpoint, also when it is over. */
const struct sip_timers *strans_timers(const struct strans *st, const struct endpoint *ep);
/* Lets go of its last response, where the RFC has it sent no more: a 2xx to an INVITE is repeated by its user. */
void strans_forget(struct strans *st);
/* RFC 3261 8.2.2.2: whether another request of the same Call-ID, CSeq and From tag came to this endpoint by another way and is not over.
 * Never of one within a dialog. Its user asks once, before it answers; only those that asked are found. */
bool strans_merged(struct strans *st);

/* By which one at rest is known again: of a request with the magic cookie, or of the response to it (RFC 3261 17.2.3). */
struct strans_identity {
	uint64_t key, rest;
};
struct strans_identity strans_identity(const struct scan *s, struct slice method);

/* Where responses to a request go (RFC 3261 18.2.2, RFC 3581 4). */
void strans_peer(struct addr *peer, const struct msg *request);

/* --- for the switchboard --- */
/* That of a response; NULL: none, or not of this world. */
struct ctrans *ctrans_find(const struct switchboard *sb, const struct msg *response);
/* That of a request: a repetition, an ACK, or the INVITE that a CANCEL is for. */
struct strans *strans_find(const struct switchboard *sb, const struct msg *request);
/* False: it is none of its business, e.g. the ACK to a 2xx. */
bool ctrans_receive(struct ctrans *ct, struct msg *response);
bool strans_receive(struct strans *st, struct msg *request);
void ctrans_unreachable(struct switchboard *sb, const struct addr *dst, int error_number);
/* Ends one without a word to anybody. */
void ctrans_close(struct ctrans *ct);
void strans_close(struct strans *st);

#endif
