/* What stands behind one transport: its transactions, its dialogs, and the endpoints that live there.
 *
 * An actor of a test has a transport, and so a switchboard, of its own. Under load many endpoints share one. A message is then told apart by
 * its branch (transactions), by a Route that names an endpoint, by Call-ID and tags (dialogs), by its Call-ID alone (scopes), and by the user of its
 * Request-URI, which is that of the endpoint's Contact. What names nobody goes to whoever said that it takes that. */
#ifndef OFFHOOK_SIP_SWITCHBOARD_H
#define OFFHOOK_SIP_SWITCHBOARD_H

#include "core/hash.h"
#include "net/net.h"
#include "sip/msg_rest.h"

struct endpoint;
struct meter;

struct switchboard {
	struct net *net;
	struct loop *loop;
	struct transport *tp;        /* by which its endpoints send */
	struct transport *front;     /* a second address, at which requests come; see switchboard_front(). NULL: none */
	/* Told of what came to the front, before all others: true if another thread is to deal with it. */
	bool (*elsewhere)(void *arg, const struct msg *m);
	void *elsewhere_arg;
	struct hash ctrans, strans, merged, dialogs;
	struct endpoint *only;       /* NULL while it is shared */
	bool shared;
	struct hash users;           /* shared: its endpoints by the user of their Contact */
	uint64_t made;               /* endpoints so far, which makes their users unique */
	const struct scope_table *scopes; /* shared: may be NULL */
	struct switchboard_other {
		struct endpoint *ep;
		bool (*has_room)(const void *group);
		const void *group;
	} *others;                   /* who takes what names nobody */
	unsigned other_count, turn;
	const struct meter *meter;   /* may be NULL */
	struct kept_models models;    /* of what is kept of messages here */
	uint64_t stray;              /* messages that belonged to nobody */
};

struct switchboard_cfg {
	struct net *net;
	const char *actor;           /* of the transport, in captures and for faults of links */
	const struct addr *local;    /* NULL: chosen */
	bool v6;
	bool shared;
	const struct scope_table *scopes; /* of a shared one; may be NULL */
	const struct meter *meter;   /* must outlive it */
};

/* Free with mem_deref(); its endpoints hold it. */
int switchboard_alloc(struct switchboard **sbp, const struct switchboard_cfg *cfg, struct err *e);

/* Requests come to `local` as well, an address that several threads share: it is opened by the first (`fd` -1), the others send by that one's
 * socket `fd` and are brought what is for them (transport_bring()). Answers leave by the address at which their request came (RFC 3581 4),
 * requests and Contacts have the switchboard's own. */
int switchboard_front(struct switchboard *sb, const char *actor, const struct addr *local, int fd, struct err *e);
/* Whether a request came there. */
bool switchboard_at_front(const struct switchboard *sb, const struct msg *request);

/* --- for endpoints --- */
/* Takes `ep` in. At a shared one ep->user must be unique. ERR_NOMEM. */
int switchboard_enter(struct switchboard *sb, struct endpoint *ep);
void switchboard_leave(struct switchboard *sb, struct endpoint *ep);
/* The endpoint with that user, NULL if there is none; of shared ones only. */
struct endpoint *switchboard_find(const struct switchboard *sb, struct slice user);
/* From now on `ep` takes requests that name nobody who lives here: those of the first group that has room, in turn (`has_room` NULL: it
 * always has). ERR_NOMEM. */
int switchboard_take_others(struct switchboard *sb, struct endpoint *ep, bool (*has_room)(const void *group), const void *group);

#endif
