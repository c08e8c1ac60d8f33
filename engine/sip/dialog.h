/* Dialogs: RFC 3261 section 12. A dialog is what a request and a response (or a local tag) make of each other. */
#ifndef OFFHOOK_SIP_DIALOG_H
#define OFFHOOK_SIP_DIALOG_H

#include "core/hash.h"
#include "core/kept.h"
#include "sip/build.h"
#include "sip/msg.h"

struct endpoint;
struct switchboard;
struct uac;
struct subscription;

#define DIALOG_MAX_ROUTES 32
#define DIALOG_PRACKS 4

struct dialog;
/* A request came within the dialog; true if it is taken. */
typedef bool(dialog_request_h)(struct dialog *d, struct msg *m, void *arg);

struct dialog {
	struct hash_node node;
	struct endpoint *ep; /* while it is in the endpoint's table */
	struct subscription *usages; /* beside the call (RFC 5057) */
	bool uac, confirmed;
	bool half;                   /* the other side is not known yet */
	bool rests;                  /* see dialog_rest() */
	bool settled;                /* an offer was answered before the 2xx: by a reliable provisional, or our PRACK (RFC 3262 5) */
	bool over;                   /* hung up, by either side */
	uint8_t route_count;
	uint32_t local_cseq, remote_cseq; /* remote 0: none yet */
	union {
		struct dialog_block *block; /* see dialog_texts() */
		struct kept *kept;          /* the same, at rest */
	};
	struct slice *routes;        /* a block with the route set, values of Route in the order they are sent, and their text; NULL without any */
	dialog_request_h *h;
	void *arg;
	/* Its owner's, a call's: */
	struct dialog *next;          /* of another fork, which answered later */
	struct kept *ack;             /* ours to its 2xx, repeated for each repeated 2xx */
	struct uac *bye;              /* ours */
	struct uac **prack;           /* our last DIALOG_PRACKS, which may be challenged yet; a ring; NULL before the first */
	unsigned pracks;              /* that we sent by ourselves */
	uint32_t rseq;                /* of the last reliable provisional that was acknowledged (RFC 3262 4); 0: none */
};

struct dialog_texts {
	struct slice call_id, local_tag, remote_tag;
	struct slice local, remote;   /* whole From and To values of requests sent within it */
	struct slice remote_target;   /* URI; it stands in <> */
};

/* UAC side (12.1.2): from our request and a response with a To tag. Not yet in a table. Free with mem_deref(). */
int dialog_uac(struct dialog **dp, struct msg *request, struct msg *response, struct err *e);
/* UAS side (12.1.1): from a request that came and the tag we answer with. */
int dialog_uas(struct dialog **dp, struct msg *request, struct slice local_tag, struct err *e);
/* What a request that may make a dialog has before any answer: it takes requests of whoever answers first (RFC 6665 4.1.4). */
int dialog_half(struct dialog **dp, struct msg *request, struct err *e);
/* A later response of the same dialog: target, and with the first 2xx the route set anew (13.2.2.4). */
void dialog_update(struct dialog *d, struct msg *response);
/* The other side's Contact changed (12.2.2: target refresh request). */
void dialog_refresh_target(struct dialog *d, struct msg *m);

/* Its texts, which stand where they are until the target changes, or it goes to rest. All are empty for want of memory, where it was at rest. */
struct dialog_texts dialog_texts(struct dialog *d);
/* Its texts, which nobody will need for a while, take less memory until somebody does. */
void dialog_rest(struct dialog *d, struct kept_models *models);

/* Requests that match are handed to `h` until dialog_leave(). */
int dialog_enter(struct dialog *d, struct endpoint *ep, dialog_request_h *h, void *arg);
void dialog_leave(struct dialog *d);
/* Keeps a PRACK of ours; owns the reference. */
void dialog_keep_prack(struct dialog *d, struct uac *prack);
/* Ends what its owner has under way in it: BYE and PRACKs answer challenges no more. */
void dialog_let_go(struct dialog *d);
/* The dialog of a request that came (12.2.2: Call-ID and both tags), else half of one, or NULL. */
struct dialog *dialog_find(const struct switchboard *sb, const struct scan *s);

/* Fills Request-URI, routes, From, To and Call-ID of a request within the dialog (12.2.1.1; a strict first hop as well). `routes` has room
 * for DIALOG_MAX_ROUTES + 1. ERR_NOMEM. */
int dialog_request(struct dialog *d, struct build_request *r, struct slice *routes);
/* Where it is sent: the first route, else the target. */
struct slice dialog_next_hop(struct dialog *d);

#endif
