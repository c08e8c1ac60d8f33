/* What the libraries of user agents, calls and subscriptions share: requests as a script says them, and their final responses. */
#ifndef OFFHOOK_BINDINGS_LIB_UA_H
#define OFFHOOK_BINDINGS_LIB_UA_H

#include "bindings/object.h"
#include "sip/sdp.h"
#include "sip/ua.h"

/* What a script says of a request. */
struct spoken {
	struct ua_request r;
	struct addr dst;
};

/* Reads { uri, to, from, headers, content_type, body, sdp, call_id, cseq, contact, destination } at t. Pushes what must outlive the
 * request. [+1] */
void opt_request(lua_State *L, int t, struct spoken *s);
/* Field `direction`: the static text of sdp.h, NULL when absent; raises for anything else. */
const char *opt_direction(lua_State *L, int t);

/* Fields `session_expires`, `min_se` and `refresher`; those absent stay as they are. */
void opt_session(lua_State *L, int t, struct session_opts *o);

/* The last final response of a box, with the reason why a challenge was not answered. */
void object_set_final(struct object *o, struct msg *m, const char *why);
int object_push_final(lua_State *L, struct object *o);
/* Its next responses are to be expected anew: a refresh goes out. */
void object_expect_anew(struct object *o);
/* For uac_alloc() and its like: responses go to the box's first inbox. */
void object_on_response(struct uac *uac, struct msg *m, const char *why, void *arg);

/* lib_call.c: for ua_handlers.incoming: a box for the call into the UA's first inbox. */
struct call;
bool object_push_call(struct ua *ua, struct call *call, void *arg);
/* The box of a call that came in to the UA of box `ua`. [+1] */
struct object *object_new_call(lua_State *L, struct object *ua, struct call *call);

static inline const char *ua_name(const struct ua *ua)
{
	return ua->ep->name;
}

#endif
