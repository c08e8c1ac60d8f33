#include "pcap/order.h"

size_t order_count(const struct order *o)
{
	return o->list.len / sizeof(struct entry);
}

const struct entry *order_list(const struct order *o)
{
	return (const struct entry *)o->list.p;
}

bool order_reserve(struct order *o)
{
	bool ok = buf_reserve(&o->list, sizeof(struct entry));

	o->list.failed = false;
	return ok;
}

static bool before(struct entry a, struct entry b)
{
	return a.wall < b.wall || (a.wall == b.wall && a.id < b.id);
}

size_t order_place(const struct order *o, struct entry e)
{
	const struct entry *list = order_list(o);
	size_t low = order_count(o), high = low;

	/* Mostly it belongs near the end. */
	for (size_t step = 1; low && !before(list[low - 1], e); step *= 2) {
		high = low - 1;
		low = low > step ? low - step : 0;
	}
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (before(list[mid], e))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

size_t order_insert(struct order *o, struct entry e)
{
	size_t at = order_place(o, e), n = order_count(o);
	struct entry *list;

	buf_put(&o->list, &e, sizeof(e));
	list = (struct entry *)o->list.p;
	memmove(&list[at + 1], &list[at], (n - at) * sizeof(e));
	list[at] = e;
	return at;
}

void order_shift(struct order *o, size_t n)
{
	struct entry *list = (struct entry *)o->list.p;

	memmove(list, list + n, (order_count(o) - n) * sizeof(*list));
	o->list.len -= n * sizeof(*list);
}
