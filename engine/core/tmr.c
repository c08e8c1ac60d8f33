/* The timers: lanes of one delay each, and a 4-ary heap of their first ones and of all others, on (due, rank, sequence). */
#include "core/loop_priv.h"
#include "core/mem.h"

#include <stdlib.h>
#include <string.h>

#define HEAP_MIN 64

static inline bool before(const struct tmr_slot *a, const struct tmr_slot *b)
{
	return a->due != b->due ? a->due < b->due : a->order < b->order;
}

static inline void place(struct loop *loop, uint32_t pos, struct tmr_slot slot)
{
	loop->heap[pos] = slot;
	slot.t->pos = pos;
}

static void sift_up(struct loop *loop, uint32_t pos, struct tmr_slot slot)
{
	while (pos) {
		uint32_t parent = (pos - 1) / 4;

		if (!before(&slot, &loop->heap[parent]))
			break;
		place(loop, pos, loop->heap[parent]);
		pos = parent;
	}
	place(loop, pos, slot);
}

static void sift_down(struct loop *loop, uint32_t pos, struct tmr_slot slot)
{
	for (;;) {
		uint32_t child = 4 * pos + 1, end, least = child;

		if (child >= loop->heap_n)
			break;
		end = child + 4 < loop->heap_n ? child + 4 : loop->heap_n;
		while (++child < end) {
			if (before(&loop->heap[child], &loop->heap[least]))
				least = child;
		}
		if (!before(&loop->heap[least], &slot))
			break;
		place(loop, pos, loop->heap[least]);
		pos = least;
	}
	place(loop, pos, slot);
}

/* Puts `slot` where `pos` has become free, up or down. */
static void settle(struct loop *loop, uint32_t pos, struct tmr_slot slot)
{
	if (pos && before(&slot, &loop->heap[(pos - 1) / 4]))
		sift_up(loop, pos, slot);
	else
		sift_down(loop, pos, slot);
}

static int heap_room(struct loop *loop)
{
	uint32_t cap = loop->heap_cap ? loop->heap_cap * 2 : HEAP_MIN;
	struct tmr_slot *heap;

	if (loop->heap_n < loop->heap_cap)
		return 0;
	heap = mem_should_fail() ? NULL : realloc(loop->heap, cap * sizeof(*heap));
	if (!heap)
		return ERR_NOMEM;
	loop->heap = heap;
	loop->heap_cap = cap;
	return 0;
}

static struct tmr_slot slot_of(struct tmr *t)
{
	return (struct tmr_slot){.due = t->due, .order = (uint64_t)t->rank << 63 | t->seq, .t = t};
}

/* The lane for what is due at `due`, empty or of that delay; NULL: another delay has it. */
static struct lane *lane_for(struct loop *loop, uint64_t due, enum tmr_rank rank)
{
	uint64_t delay = due - loop->now;
	struct lane *lane = &loop->lanes[(delay * 0x9e3779b97f4a7c15ull >> 32 ^ rank) % LANES];

	if (due <= loop->now) /* it is next, or nearly */
		return NULL;
	if (!lane->first) {
		lane->delay = delay;
		lane->rank = (uint8_t)rank;
	}
	return lane->delay == delay && lane->rank == rank ? lane : NULL;
}

int tmr_start_at(struct tmr *t, struct loop *loop, uint64_t due, enum tmr_rank rank, tmr_h *h, void *arg)
{
	struct lane *lane;

	/* Before it is cancelled, so that one that runs goes on running when there is no room. */
	if (heap_room(loop))
		return ERR_NOMEM;
	tmr_cancel(t);
	lane = lane_for(loop, due, rank);
	t->due = due;
	t->seq = loop->seq++;
	t->rank = (uint8_t)rank;
	t->h = h;
	t->arg = arg;
	t->loop = loop;
	t->lane = lane ? (uint8_t)(lane - loop->lanes + 1) : 0;
	t->next = NULL;
	t->prev = lane ? lane->last : NULL;
	if (lane && lane->last)
		lane->last->next = t;
	else
		sift_up(loop, loop->heap_n++, slot_of(t));
	if (lane) {
		if (!lane->first)
			lane->first = t;
		lane->last = t;
	}
	return 0;
}

int tmr_start(struct tmr *t, struct loop *loop, uint64_t delay, tmr_h *h, void *arg)
{
	uint64_t due = delay > UINT64_MAX - loop->now ? UINT64_MAX : loop->now + delay;

	return tmr_start_at(t, loop, due, TMR_EVENT, h, arg);
}

/* Out of its lane; the one that is its first now, if that changed, takes its place in the heap. False: it had none there. */
static bool leave_lane(struct tmr *t, struct tmr **heir)
{
	struct lane *lane = &t->loop->lanes[t->lane - 1];
	bool first = lane->first == t;

	*heir = first ? t->next : NULL;
	if (t->next)
		t->next->prev = t->prev;
	else
		lane->last = t->prev;
	if (first)
		lane->first = t->next;
	else
		t->prev->next = t->next;
	return first;
}

void tmr_cancel(struct tmr *t)
{
	struct loop *loop = t->loop;
	struct tmr *heir = NULL;

	if (!loop)
		return;
	if (t->lane && !leave_lane(t, &heir)) {
		t->loop = NULL;
		return;
	}
	t->loop = NULL;
	if (heir) {
		settle(loop, t->pos, slot_of(heir));
		return;
	}
	loop->heap_n--;
	if (t->pos != loop->heap_n)
		settle(loop, t->pos, loop->heap[loop->heap_n]);
}

void tmr_drop_all(struct loop *loop)
{
	for (uint32_t i = 0; i < loop->heap_n; i++)
		loop->heap[i].t->loop = NULL;
	for (unsigned i = 0; i < LANES; i++)
		for (struct tmr *t = loop->lanes[i].first; t; t = t->next)
			t->loop = NULL;
	free(loop->heap);
	loop->heap = NULL;
	loop->heap_n = loop->heap_cap = 0;
	memset(loop->lanes, 0, sizeof(loop->lanes));
}

int tmr_again(struct tmr *t, struct loop *loop, uint64_t interval, tmr_h *h, void *arg)
{
	uint64_t due = interval > UINT64_MAX - t->due ? UINT64_MAX : t->due + interval;

	return tmr_start_at(t, loop, due > loop->now ? due : loop->now, TMR_EVENT, h, arg);
}
