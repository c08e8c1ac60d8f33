/* An endpoint: a named actor of a scenario with its timers and its random streams, at a transport of its own or at a shared one.
 *
 * The way in: transport -> scan -> switchboard -> watchers -> transaction -> dialog -> whoever claims it. What nobody claims is handed to
 * `unclaimed`; nothing is answered here by itself. */
#ifndef OFFHOOK_SIP_ENDPOINT_H
#define OFFHOOK_SIP_ENDPOINT_H

#include "core/buf.h"
#include "core/hash.h"
#include "core/loop.h"
#include "core/rnd.h"
#include "net/net.h"
#include "sip/msg.h"
#include "sip/resting.h"
#include "sip/scope.h"
#include "sip/switchboard.h"
#include "sip/timers.h"

#include <sys/queue.h>

struct dialog;
struct strans;
struct ctrans;

struct endpoint_handlers {
	/* Everything that arrives or leaves, first of all; NULL while nobody watches. */
	void (*seen)(struct endpoint *ep, struct msg *m, void *arg);
	/* A request outside transactions and dialogs; true: it is taken. */
	bool (*request)(struct endpoint *ep, struct msg *m, void *arg);
	/* What nobody took. */
	void (*unclaimed)(struct endpoint *ep, struct msg *m, void *arg);
	void *arg;
};

struct endpoint {
	char *name;
	struct net *net;
	struct loop *loop;
	struct switchboard *sb;
	struct hash_node node;    /* by user, of a shared switchboard */
	char *user;               /* of its Contact, unique there; NULL where it has a transport of its own */
	struct scope *scope;      /* NULL: none */
	LIST_ENTRY(endpoint) of_scope;
	LIST_HEAD(, ctrans) ctrans; /* its own ones, to be closed with it */
	LIST_HEAD(, strans) strans;
	struct resting resting;   /* of both kinds, what is at rest and stands in neither list */
	struct sip_timers timers;
	struct rnd ids;           /* branches, tags, Call-IDs, nonces */
	char run_id[9];           /* on real sockets part of every identifier; "" on the virtual clock */
	struct endpoint_handlers h;
	/* A request outside its transactions, with the dialog that it belongs to or NULL; true: it is taken (set by the dialog layer). */
	bool (*in_dialog)(struct endpoint *ep, struct dialog *d, struct msg *m);
	struct {
		uint64_t not_sip, flawed, stray_responses, retransmissions_in, retransmissions_out;
	} count;
};

struct endpoint_cfg {
	struct net *net;
	struct switchboard *sb;   /* shared with others; NULL: a transport of its own */
	struct scope *scope;      /* of one that shares; NULL: none. It is held */
	const char *name;         /* copied */
	const struct addr *local; /* of a transport of its own; NULL: chosen */
	bool v6;
	const struct sip_timers *timers;
	uint64_t seed;
	const char *test;
	const char *run_id;       /* NULL or "": none */
};

/* Free with mem_deref(); its transactions and dialogs end without a word. */
int endpoint_alloc(struct endpoint **epp, const struct endpoint_cfg *cfg, const struct endpoint_handlers *h, struct err *e);
const struct addr *endpoint_local(const struct endpoint *ep);

/* Sends exactly these bytes. `*mp` (may be NULL) gets the message as sent, a reference the caller owns. */
int endpoint_send(struct endpoint *ep, struct slice bytes, const struct addr *dst, struct msg **mp, struct err *e);
/* Sends a message again or for the first time: the same bytes. */
int endpoint_send_msg(struct endpoint *ep, struct msg *m, const struct addr *dst, struct err *e);
/* A response, by the address at which its request came: by the front of the switchboard, or its own one. */
int endpoint_answer(struct endpoint *ep, bool by_front, struct msg *response, const struct addr *dst, struct err *e);

/* Fresh identifiers from the endpoint's own stream into `buf`, NUL-terminated. */
#define ENDPOINT_ID_LEN 96
#define ENDPOINT_TAG_LEN 24
struct slice endpoint_branch(struct endpoint *ep, char *buf);  /* z9hG4bK... (RFC 3261 8.1.1.7) */
struct slice endpoint_tag(struct endpoint *ep, char *buf);
struct slice endpoint_call_id(struct endpoint *ep, char *buf); /* token@host */
/* "SIP/2.0/UDP host:port;branch=...;rport" with a fresh branch. */
void endpoint_via(struct endpoint *ep, struct buf *out);

#endif
