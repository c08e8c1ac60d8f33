/* Memory that is taken piece by piece and given back about in that order: it is cut from chunks, and a chunk is used again once
 * all of its pieces are gone. Private to pcap. */
#ifndef OFFHOOK_PCAP_ROOM_H
#define OFFHOOK_PCAP_ROOM_H

#include <stdbool.h>
#include <stddef.h>

struct chunk;

struct room {
	struct chunk *now;   /* pieces are cut from this one; */
	struct chunk *spare; /* these are empty */
};

/* `len` bytes, aligned for anything, and the chunk to give back; NULL when memory ran out. */
void *room_take(struct room *r, size_t len, struct chunk **chunk);
/* Makes the piece `p` as long as `len`, if it is the last of its chunk and there is room. */
bool room_extend(const void *p, size_t len, struct chunk *chunk);
/* One piece of the chunk is gone. */
void room_drop(struct room *r, struct chunk *chunk);
/* When all pieces are gone. */
void room_free(struct room *r);

#endif
