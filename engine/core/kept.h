/* Texts that are hardly ever read again, of which there are hundreds of thousands that say nearly the same: of most only what differs from
 * another one of the same length is written down. */
#ifndef OFFHOOK_CORE_KEPT_H
#define OFFHOOK_CORE_KEPT_H

#include "core/slice.h"

struct kept;

/* Those that others are told by, owned by who keeps many. Zero it before first use, end with kept_models_free(); what was kept stays. */
struct kept_models {
	struct kept **at; /* by kind and length */
};
void kept_models_free(struct kept_models *models);

/* Keeps `head` and `body` as one text; `kind` is a hash of what those that are alike have in common. Free with mem_deref(); NULL for want of
 * memory. */
struct kept *kept_text(struct kept_models *models, uint64_t kind, struct slice head, struct slice body);
/* The text again: in `buf`, or where it is kept. */
#define KEPT_ROOM 4096
struct slice kept_read(const struct kept *k, char *buf);

#endif
