/* The texts met last: for what is found out from a text alone, where the same texts come again and again. The owner keeps what it found in
 * an array of its own, by the text's place. Zero it before first use. */
#ifndef OFFHOOK_CORE_RECENT_H
#define OFFHOOK_CORE_RECENT_H

#include "core/slice.h"

#define RECENT_COUNT 16
struct recent {
	struct {
		uint8_t l;
		char text[79];
	} at[RECENT_COUNT];
};

/* The place of the text, which may be another's still; RECENT_COUNT if it is too long for one. */
unsigned recent_place(struct slice s);
/* Whether these bytes stand there. */
static inline bool recent_is(const struct recent *r, unsigned place, struct slice s)
{
	return place < RECENT_COUNT && slice_eq((struct slice){r->at[place].text, r->at[place].l}, s);
}
/* They do from now on, if there is a place. */
void recent_keep(struct recent *r, unsigned place, struct slice s);

#endif
