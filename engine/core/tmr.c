/* The timer heap: 4-ary, on (due, rank, sequence). */
#include "core/loop_priv.h"
#include "core/mem.h"

#include <stdlib.h>

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

int tmr_start_at(struct tmr *t, struct loop *loop, uint64_t due, enum tmr_rank rank, tmr_h *h, void *arg)
{
	struct tmr_slot slot = {.due = due, .t = t};

	if (t->loop && t->loop != loop)
		tmr_cancel(t);
	if (!t->loop && heap_room(loop))
		return ERR_NOMEM;
	t->due = due;
	t->seq = loop->seq++;
	t->rank = rank;
	t->h = h;
	t->arg = arg;
	slot.order = (uint64_t)rank << 63 | t->seq;
	if (t->loop) {
		settle(loop, t->pos, slot);
	} else {
		t->loop = loop;
		sift_up(loop, loop->heap_n++, slot);
	}
	return 0;
}

int tmr_start(struct tmr *t, struct loop *loop, uint64_t delay, tmr_h *h, void *arg)
{
	uint64_t due = delay > UINT64_MAX - loop->now ? UINT64_MAX : loop->now + delay;

	return tmr_start_at(t, loop, due, TMR_EVENT, h, arg);
}

void tmr_cancel(struct tmr *t)
{
	struct loop *loop = t->loop;

	if (!loop)
		return;
	t->loop = NULL;
	loop->heap_n--;
	if (t->pos != loop->heap_n)
		settle(loop, t->pos, loop->heap[loop->heap_n]);
}

void tmr_drop_all(struct loop *loop)
{
	for (uint32_t i = 0; i < loop->heap_n; i++)
		loop->heap[i].t->loop = NULL;
	free(loop->heap);
	loop->heap = NULL;
	loop->heap_n = loop->heap_cap = 0;
}

int tmr_again(struct tmr *t, struct loop *loop, uint64_t interval, tmr_h *h, void *arg)
{
	uint64_t due = interval > UINT64_MAX - t->due ? UINT64_MAX : t->due + interval;

	return tmr_start_at(t, loop, due > loop->now ? due : loop->now, TMR_EVENT, h, arg);
}
