/* Endpoints that belong together: the actors of one iteration of a load, or of one virtual user.
 *
 * Those of other iterations live at the same transports. A request that names nobody there is for the one of its own scope: its Call-ID is that of a
 * request which another of these sent. */
#ifndef OFFHOOK_SIP_SCOPE_H
#define OFFHOOK_SIP_SCOPE_H

#include "core/hash.h"
#include "core/slice.h"

#include <sys/queue.h>

struct endpoint;
struct switchboard;

/* The Call-IDs of all scopes of a worker. Zero it before first use; hash_free() when all scopes are gone. */
struct scope_table {
	struct hash calls;
};

struct scope {
	struct scope_table *table;
	LIST_HEAD(, endpoint) endpoints;
	unsigned count;
	struct scope_call *calls;
};

/* Each of its endpoints holds it. ERR_NOMEM */
int scope_alloc(struct scope **sp, struct scope_table *table);
void scope_enter(struct scope *s, struct endpoint *ep);
void scope_leave(struct scope *s, struct endpoint *ep);
/* One of them began this Call-ID. Where there is no memory for it, it is not known, and nothing worse. */
void scope_know(struct scope *s, struct slice call_id);
/* The endpoint at `sb` of the scope that began this Call-ID, or NULL. */
struct endpoint *scope_find(const struct scope_table *table, struct slice call_id, const struct switchboard *sb);

#endif
