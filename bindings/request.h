/* What the libraries of calls and of subscriptions share: requests as a script says them, and their responses. */
#ifndef OFFHOOK_BINDINGS_REQUEST_H
#define OFFHOOK_BINDINGS_REQUEST_H

#include "bindings/object.h"
#include "sip/ua.h"

struct spoken {
	struct ua_request r;
	struct addr dst;
};

/* Reads { uri, to, from, headers, content_type, body, call_id, cseq, destination } at t. Pushes what must outlive the request. [+1] */
void opt_request(lua_State *L, int t, struct spoken *s);
/* The last final response of a box, with the reason why a challenge was not answered. */
void set_final(struct object *o, struct msg *m, const char *why);
/* That, or nil. [+1] */
int push_final(lua_State *L, struct object *o);
/* The handler of a box of kind OBJECT_REQUEST, its `arg`. */
void on_request_response(struct uac *uac, struct msg *m, const char *why, void *arg);

#endif
