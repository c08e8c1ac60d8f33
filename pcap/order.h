/* Packets in the order of a capture: by time, those of one time by id. Private to pcap. */
#ifndef OFFHOOK_PCAP_ORDER_H
#define OFFHOOK_PCAP_ORDER_H

#include "core/buf.h"

struct entry {
	uint64_t wall;
	uint32_t id;
};

struct order {
	struct buf list; /* struct entry */
};

size_t order_count(const struct order *o);
const struct entry *order_list(const struct order *o);
/* Room for one more; the order stays usable when there is none. */
bool order_reserve(struct order *o);
/* Puts it at its place, where there is room; returns that. */
size_t order_insert(struct order *o, struct entry e);
/* How many are before it. */
size_t order_place(const struct order *o, struct entry e);
/* Forgets the first `n`. */
void order_shift(struct order *o, size_t n);

#endif
