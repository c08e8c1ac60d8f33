/* Subscriptions, both roles: RFC 6665, and those that a REFER makes (RFC 3515). A subscription has a dialog of its own, or is one more usage
 * of a call's dialog (RFC 5057). */
#ifndef OFFHOOK_SIP_SUBSCRIPTION_H
#define OFFHOOK_SIP_SUBSCRIPTION_H

#include "sip/call.h"

/* The names of RFC 6665 4.1.2 (figure 4) and 4.2.1 (figure 5). */
enum subscription_state {
	SUBSCRIPTION_INIT,
	SUBSCRIPTION_NOTIFY_WAIT, /* subscriber: SUBSCRIBE or REFER sent, no NOTIFY came yet */
	SUBSCRIPTION_RESP_WAIT,   /* notifier: accepted, no NOTIFY sent yet */
	SUBSCRIPTION_PENDING,
	SUBSCRIPTION_ACTIVE,
	SUBSCRIPTION_TERMINATED,
};
const char *subscription_state_name(enum subscription_state s);

struct subscription;
enum subscription_event {
	SUBSCRIPTION_RESPONSE,  /* subscriber, m: a response to SUBSCRIBE or REFER */
	SUBSCRIPTION_NOTIFY,    /* subscriber, m: a NOTIFY, answered 200 */
	SUBSCRIPTION_SUBSCRIBE, /* notifier, m: a refresh or the end of it, answered 200 */
	SUBSCRIPTION_FORKED,    /* subscriber, m: the first NOTIFY of another notifier, whose subscription is `fork` (RFC 6665 4.1.4) */
	SUBSCRIPTION_ENDED,     /* the state is now SUBSCRIPTION_TERMINATED */
};
typedef void(subscription_h)(struct subscription *sub, enum subscription_event ev, struct msg *m, const char *why,
			     struct subscription *fork, void *arg);

#define SUBSCRIPTION_REASON_LEN 32

struct subscription {
	struct ua *ua;
	bool subscriber;           /* else notifier */
	enum subscription_state state;
	const char *ended_by;      /* "remote NOTIFY", "timer N", ...; NULL while it lives */
	char reason[SUBSCRIPTION_REASON_LEN]; /* of the last Subscription-State, "" without one */
	struct msg *request;       /* the SUBSCRIBE or REFER that made it, as sent last */
	struct dialog *dialog;     /* NULL until there is one */
	bool owns_dialog;          /* its requests come here, not to a call */
	bool has_id;               /* a REFER's: another usage was there before */
	struct subscription *next; /* usage of that dialog */
	uint32_t expires;          /* subscriber: asked for; notifier: the most that is granted */
	uint32_t granted;          /* seconds, at `granted_at` */
	uint64_t granted_at;
	struct tmr refresh, expiry;
	struct auth auth;
	uint32_t cseq;             /* of our requests before there is a dialog */
	/* subscriber */
	struct uac *uac;           /* the SUBSCRIBE or REFER under way, or the last one */
	struct dialog *half;       /* takes the NOTIFYs of any notifier until timer N */
	struct tmr timer_n;
	bool waits;                /* for a NOTIFY, before timer N */
	bool made;                 /* the first request has its final response */
	bool no_refresh, forks;
	unsigned refreshes, too_brief;
	/* notifier */
	struct uac *notify;        /* the last NOTIFY that nobody asked for */
	struct buf type, body;     /* of the last NOTIFY: said again after a refresh */
	struct call *followed;     /* the call that its NOTIFYs tell of */
	uac_response_h *followed_h;
	void *followed_arg;

	subscription_h *h;
	void *arg;
};

/* --- subscriber --- */
struct subscription_opts {
	struct slice event;        /* whole value of Event; SUBSCRIBE only */
	uint32_t expires;          /* SUBSCRIBE only */
	bool no_refresh;           /* it runs out */
	bool forks;                /* a NOTIFY of another fork makes another subscription; else it gets 481 */
};
/* Sends SUBSCRIBE or REFER, outside dialogs (`d` NULL: r->uri is needed) or within `d`. NOTIFYs that match are answered 200; a SUBSCRIBE is
 * sent again at 90 % of its time or 5 s before its end if that is later, and once more with the time that a 423 wants. `d` may be left by its
 * owner, and lives as long as the subscription. Free with mem_deref(): it then goes silent. */
int subscription_start(struct subscription **sp, struct ua *ua, struct dialog *d, struct slice method, const struct ua_request *r,
		       const struct subscription_opts *o, subscription_h *h, void *arg, struct err *e);
/* For SUBSCRIPTION_FORKED: whoever wants to keep `fork` takes a reference. */
void subscription_set_handler(struct subscription *sub, subscription_h *h, void *arg);
/* SUBSCRIBE within the dialog, with another time if `expires` is not UINT32_MAX; 0 ends the subscription. ERR_NOT_NOW without a dialog. */
int subscription_refresh(struct subscription *sub, uint32_t expires, const struct ua_request *r, struct err *e);

/* --- notifier --- */
struct subscription_grant {
	unsigned status;           /* 0: 200, to a REFER 202 */
	uint32_t expires;          /* most seconds; less if less was asked for */
	const struct build_header *extra;
	unsigned extra_count;
	struct slice content_type, body;
};
/* Answers a SUBSCRIBE or REFER with a 2xx; refreshes are answered from here on, each with a NOTIFY of the last state behind it. A REFER with
 * Refer-Sub: false gets the same back, and the subscription has ended already (RFC 4488). `*mp` (may be NULL): the response as sent. */
int subscription_accept(struct subscription **sp, struct ua *ua, struct strans *st, const struct subscription_grant *g,
			subscription_h *h, void *arg, struct msg **mp, struct err *e);
struct subscription_news {
	struct slice state;        /* "active", "pending", "terminated" */
	struct slice reason;       /* p NULL: none */
	uint32_t retry_after;      /* 0: none */
	uint32_t expires;          /* UINT32_MAX: what is left */
	const struct build_header *extra;
	unsigned extra_count;
	struct slice content_type, body;
};
/* Sends a NOTIFY; "terminated" ends the subscription, as does a response that RFC 6665 4.2.2 names. The subscription must outlive `*uacp`. */
int subscription_notify(struct uac **uacp, struct subscription *sub, const struct subscription_news *n, uac_response_h *h, void *arg,
			struct err *e);
/* A REFER's: a NOTIFY with 100 now, then one for each response to the call's INVITE, until the final one ends it (RFC 3515 2.4.4). The call
 * lives until then. */
int subscription_follow(struct subscription *sub, struct call *call, struct err *e);

/* For whoever got a request within `d`: true if it belonged to a subscription there, and was answered. */
bool subscription_in_dialog(struct dialog *d, struct strans *st);
/* Seconds that are left. */
uint32_t subscription_left(const struct subscription *sub);
/* The event package and id: of a REFER "refer" and, where it shares a dialog, its CSeq (RFC 3515 2.4.6). `number` has 12 bytes. */
void subscription_event_id(const struct subscription *sub, struct slice *package, struct slice *id, char *number);

#endif
