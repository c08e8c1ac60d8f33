#include "core/recent.h"

unsigned recent_place(struct slice s)
{
	if (s.l == 0 || s.l > sizeof(((struct recent *)0)->at[0].text))
		return RECENT_COUNT;
	return (unsigned)(slice_hash(SLICE_HASH_SEED, s) % RECENT_COUNT);
}

void recent_keep(struct recent *r, unsigned place, struct slice s)
{
	if (place == RECENT_COUNT)
		return;
	memcpy(r->at[place].text, s.p, s.l);
	r->at[place].l = (uint8_t)s.l;
}
