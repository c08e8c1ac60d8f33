/* Userdata: small boxes on what the engine owns. A box is kept alive by the shard until what it stands for is over, because nothing on
 * the wire may depend on the garbage collector. */
#ifndef OFFHOOK_BINDINGS_OBJECT_H
#define OFFHOOK_BINDINGS_OBJECT_H

#include "bindings/shard.h"
#include "sip/build.h"
#include "sip/msg.h"

#include <lauxlib.h>

enum object_kind {
	OBJECT_ENDPOINT,     /* p: struct endpoint; in: unclaimed, requests */
	OBJECT_WATCH,        /* in: everything its endpoint sees */
	OBJECT_CLIENT,       /* p: struct ctrans; in: responses */
	OBJECT_SERVER,       /* p: struct strans; in: events */
	OBJECT_UA,           /* p: struct ua; in: calls, requests */
	OBJECT_CALL,         /* p: struct call; in: responses, requests, ACK, BYE, CANCEL, PRACK, ended, forks; ACK to ended closed at its end */
	OBJECT_DIALOG,       /* p: struct dialog, of a call */
	OBJECT_REQUEST,      /* p: struct uac; in: responses */
	OBJECT_REGISTRATION, /* p: struct registration; in: responses */
	OBJECT_SUBSCRIPTION, /* p: struct subscription; in: responses, NOTIFY, SUBSCRIBE, forks, ended; all but the first closed at its end */
	OBJECT_TASK,         /* p: struct task (not counted) ; in: ended, closed when it is done */
	OBJECT_HOLD,         /* in: what it holds, as it comes; closed when the hold ends */
	OBJECT_INBOX,        /* in: events of a script library's own making */
	OBJECT_KINDS
};

#define OBJECT_INBOXES 8

/* A call's, in the order of their names in object.c. */
enum call_inbox {
	CALL_IN_RESPONSES,
	CALL_IN_REQUESTS,
	CALL_IN_ACK,
	CALL_IN_BYE,
	CALL_IN_CANCEL,
	CALL_IN_PRACK,
	CALL_IN_ENDED,
	CALL_IN_FORKS,
};

struct object {
	struct shard *sh;
	void *p;                     /* a counted reference unless said otherwise; NULL: expired */
	struct object *owner;        /* the endpoint of a UA, the UA of a call, ... */
	LIST_ENTRY(object) entry;    /* of its endpoint's, or the shard's */
	TAILQ_ENTRY(object) check;   /* while it is to be looked at: see object_new() */
	LIST_ENTRY(object) of_iteration; /* call, client, request: made by an iteration of a load that is not done */
	struct inbox *inboxes;
	union {
		struct {             /* where messages come and go, see object_is_place(): */
			struct objects members;  /* endpoint: all that stand on it */
			struct object *ua;       /* endpoint: the UA that lives there */
			struct object *watches;  /* endpoint: who watches; watch: the next one */
		};
		struct {             /* of all others: */
			union {      /* client, request, call, registration: the last final response; see object_rest() */
				struct msg *final;
				struct kept *final_rest;
			};
			char *final_why;
			union {      /* the last response that its script was given */
				struct msg *last;
				struct kept *last_rest;
			};
			struct object *transaction; /* call: the box of its INVITE's client transaction, if the script asked for it */
		};
	};
	int anchor;                  /* registry reference that keeps it alive */
	uint32_t checked;            /* script time in s */
	uint8_t kind;                /* enum object_kind */
	uint8_t closed;              /* inboxes, by bit: see inbox_close() */
	bool claims;                 /* endpoint: requests become transactions */
	bool unread;                 /* it lies in an inbox */
	bool final_given;            /* its script was given its final response */
	bool to_check, has_iteration; /* it stands in the lists above */
	bool rests;
};

static inline bool object_is_place(const struct object *o)
{
	return o->kind == OBJECT_ENDPOINT || o->kind == OBJECT_WATCH;
}

/* The metatable's name in the registry, which is also what errors call it: "endpoint", "call", ... */
const char *object_kind_name(enum object_kind kind);
unsigned object_inboxes(enum object_kind kind);
/* The inboxes of a kind by name, e.g. "unclaimed" of an endpoint; -1. */
int object_inbox(enum object_kind kind, const char *name);
/* The kind of that name; -1. */
int object_kind_from(const char *name);

/* A new box on top of the stack, anchored until what it stands for is over; sees to it that a few others that are over are let go.
 * [-0, +1] */
struct object *object_new(lua_State *L, enum object_kind kind, void *p, struct object *owner);
/* Argument `arg` as a box of that kind; raises when it is another thing or has expired. */
struct object *object_check(lua_State *L, int arg, enum object_kind kind);
/* Argument `arg` as a box of whatever kind; NULL when it is none. */
struct object *object_at(lua_State *L, int arg);
/* Pushes the userdata of a box that is anchored, or is argument 1, or is kept by that; else nil. [-0, +1] */
void object_push(lua_State *L, struct object *o);
/* Pushes what an item of an inbox holds. [-0, +1] */
void object_push_item(lua_State *L, struct item *it);
/* The user value of a call, a request and a hold, for what these keep beside. */
#define OBJECT_BESIDE 1
/* A call that has ended, or a request whose transaction has: it is let go now, or when all of it is over. */
void object_may_be_over(struct object *o);
/* A request's box that has its uac now. */
void object_follow_request(struct object *o);
/* Lets the collector have the box once no script holds it. */
void object_release(struct object *o);
/* The name of the actor it belongs to. */
const char *object_actor(const struct object *o);
/* A call that has been up for a while takes less memory from here on, until object_wake(), which is for who looks at its responses. False: it is not
 * up yet. */
bool object_rest(struct object *o);
void object_wake(struct object *o);
/* Frees what the engine holds for a call, a client transaction or a request, if nothing of it is under way that needs it: the box expires. */
void object_close_settled(struct object *o);
/* Frees what the engine holds for every box of the shard: calls and registrations before UAs before endpoints. */
void object_close_all(struct shard *sh);
/* The same for an endpoint and all that stands on it, before the end of the run. */
void object_close_endpoint(struct object *endpoint);
/* Calls `h` for each box of the shard; it may not make any. */
typedef void(object_h)(struct object *o, void *arg);
void object_each(struct shard *sh, object_h *h, void *arg);

/* A box for a server transaction, put into an inbox of `owner`. The reference to `st` goes to the box. */
struct strans;
void object_push_server(struct object *owner, unsigned index, struct strans *st);
/* Its transaction's events go to its inbox. */
void object_listen_server(struct object *o);
/* Of a client transaction: puts a response into the inbox of its box. */
struct ctrans;
void object_on_client_response(struct ctrans *ct, struct msg *m, void *box);
/* Makes a server transaction of a request that came to an endpoint's box, for its script; false if it cannot be one. */
bool endpoint_to_transaction(struct object *endpoint, struct msg *m);

/* Messages: immutable, and never expire. */
void object_push_message(lua_State *L, struct msg *m);
struct msg *object_check_message(lua_State *L, int arg);
/* Their metatable, made now. [-0, +1] */
void object_message_class(lua_State *L);

struct shard *shard_of(lua_State *L);

/* Whether a hold takes no more. */
bool object_hold_ended(const struct object *o);
/* The end of the test: what is still held is lost, and `notes` says so. */
void object_hold_finish(struct object *o, struct buf *notes);

/* --- options: the table at `t`, already checked for unknown names by the library --- */
/* Each reads field `name`; absent gives the default. Raises with the field's name when the type is wrong. [-0, +0] */
double opt_number(lua_State *L, int t, const char *name, double otherwise);
uint32_t opt_count(lua_State *L, int t, const char *name, uint32_t limit, uint32_t otherwise);
bool opt_flag(lua_State *L, int t, const char *name, bool otherwise);
/* Whether it is false: for an option that is else a string. */
bool opt_off(lua_State *L, int t, const char *name);
/* Points into the string that the table holds; p NULL when absent. */
struct slice opt_slice(lua_State *L, int t, const char *name);
/* Field `headers`: a list of { name, value } pairs in order, or a map (sorted by name); false as value leaves a header out. The block is
 * anchored as a userdata pushed on the stack. [-0, +1] */
struct build_header *opt_headers(lua_State *L, int t, unsigned *count);
/* A duration in seconds as ns; raises for negative or absurd ones. */
uint64_t seconds_to_ns(lua_State *L, double seconds, const char *what);
/* "host", "host:port", "udp:host:port", a SIP URI, or a table with `uri` or `contact`, to an address. Raises. */
void check_address(lua_State *L, int arg, struct addr *out);

/* Raises an engine error. Those of the environment and those of the script's values are marked: the run exits with 3, or 2. */
int raise_err(lua_State *L, const struct err *e);
/* The same, and says whose call, transaction, ... it is about. */
int raise_about(lua_State *L, const struct object *o, const struct err *e);
/* Comments the frame a script line sent. */
void note_sent(lua_State *L, const struct msg *m, const char *actor);

/* The libraries: [-0, +1] tables of functions, and the metatables of their kinds. */
void lib_message_open(lua_State *L);
void lib_auth_open(lua_State *L);
void lib_endpoint_open(lua_State *L);
void lib_ua_open(lua_State *L);
void lib_call_open(lua_State *L);
void lib_subscription_open(lua_State *L);
void lib_hold_open(lua_State *L);
void lib_engine_open(lua_State *L);
void lib_wait_open(lua_State *L); /* after the kinds, whose methods it has some of */

/* For a kind: a metatable whose methods are `methods` and whose other fields come from `field` (pushes and returns 1, or 0). */
typedef int(object_field_h)(lua_State *L, struct object *o, const char *name);
void object_class(lua_State *L, enum object_kind kind, const luaL_Reg *methods, object_field_h *field);

/* Methods that a script of a load calls for every call are in C for their common forms, with the same method in Lua behind them, which
 * takes all others, and what is wrong: upvalues of such a closure are the Lua function and the kind. */
void object_quick(lua_State *L, enum object_kind kind, const char *name, lua_CFunction f);
/* Inside: argument 1 if it is a live box of that kind, else NULL. */
struct object *object_quick_self(lua_State *L);
/* Inside: calls the Lua function instead, with the arguments that are on the stack; as the last thing. */
int object_slow(lua_State *L);

static inline void push_slice(lua_State *L, struct slice s)
{
	if (s.p)
		lua_pushlstring(L, s.p, s.l);
	else
		lua_pushnil(L);
}
/* Sets field `name` of the table on top; leaves it out for an absent slice. */
static inline void set_slice_field(lua_State *L, const char *name, struct slice s)
{
	if (s.p) {
		lua_pushlstring(L, s.p, s.l);
		lua_setfield(L, -2, name);
	}
}
static inline struct slice check_slice(lua_State *L, int arg)
{
	struct slice s;

	s.p = luaL_checklstring(L, arg, &s.l);
	return s;
}

#endif
