/* Who takes part in a recording: names, where they live, and how the capture shows them. Private to pcap. */
#ifndef OFFHOOK_PCAP_ACTORS_H
#define OFFHOOK_PCAP_ACTORS_H

#include "core/buf.h"
#include "core/hash.h"
#include "net/addr.h"

/* Actors are numbered from 1, in the order they came; 0 is nobody. Interface n of the capture is actor n + 1. */
struct actors {
	struct buf list;  /* struct actor * */
	struct buf hosts; /* struct host * */
	struct hash by_name, by_addr, by_host;
	uint32_t moves; /* how often somebody settled: what actors_at() said before may be over */
};

/* The actor of that name, new if need be; 0 when memory ran out. */
uint32_t actors_add(struct actors *as, const char *name);
/* `actor` lives at `a` from now on. False when memory ran out. */
bool actors_settle(struct actors *as, uint32_t actor, const struct addr *a);
/* Who lives there, or 0. */
uint32_t actors_at(const struct actors *as, const struct addr *a);
/* Whether the actor came with that name. */
bool actors_is(const struct actors *as, uint32_t actor, const char *name);
uint32_t actors_count(const struct actors *as);
/* NULL for 0. */
const char *actors_name(const struct actors *as, uint32_t actor);
/* The pcapng interfaces of all actors but the first `from`. */
void actors_put_interfaces(const struct actors *as, struct buf *b, uint32_t from);
/* One pcapng name for each host: its actor, or all its actors joined as "alice+edge". */
void actors_put_names(const struct actors *as, struct buf *b);
void actors_free(struct actors *as);

#endif
