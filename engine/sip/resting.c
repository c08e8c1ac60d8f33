#include "sip/resting.h"

#include "core/err.h"
#include "core/mem.h"

struct rest_queue {
	struct rest_queue *next;
	struct loop *loop;
	struct tmr tmr;         /* runs while there are any */
	struct rest *first, *last;
	rest_over_h *over;
	unsigned span;          /* for what is over within 2**span ns, and not within half of it */
};

static void queue_destroy(void *block)
{
	struct rest_queue *q = block;

	tmr_cancel(&q->tmr);
}

static unsigned span_of(uint64_t ns)
{
	return ns ? 64 - (unsigned)__builtin_clzll(ns) : 0;
}

static struct rest_queue *queue_for(struct resting *of, struct loop *loop, unsigned span, rest_over_h *over)
{
	struct rest_queue *q = of->queues;

	while (q && (q->span != span || q->over != over))
		q = q->next;
	if (!q && (q = mem_zalloc(sizeof(*q), queue_destroy))) {
		q->loop = loop;
		q->span = span;
		q->over = over;
		q->next = of->queues;
		of->queues = q;
	}
	return q;
}

/* Out of the queue first: `over` frees it. */
static void end_first(struct rest_queue *q)
{
	struct rest *r = q->first;

	q->first = r->next;
	q->over(r);
}

static void on_due(void *arg)
{
	struct rest_queue *q = arg;

	while (q->first && q->first->due <= loop_now(q->loop))
		end_first(q);
	if (!q->first || !tmr_start_at(&q->tmr, q->loop, q->first->due, TMR_EVENT, on_due, q))
		return;
	while (q->first) /* out of memory: better gone than here for ever */
		end_first(q);
}

int resting_add(struct resting *of, struct loop *loop, struct rest *r, uint64_t due, rest_over_h *over)
{
	uint64_t now = loop_now(loop);
	struct rest_queue *q = queue_for(of, loop, span_of(due > now ? due - now : 0), over);

	if (!q || (!q->first && tmr_start_at(&q->tmr, loop, due, TMR_EVENT, on_due, q)))
		return ERR_NOMEM;
	r->next = NULL;
	r->due = q->first && q->last->due > due ? q->last->due : due;
	*(q->first ? &q->last->next : &q->first) = r;
	q->last = r;
	return 0;
}

void resting_end(struct resting *of)
{
	struct rest_queue *q;

	while ((q = of->queues)) {
		of->queues = q->next;
		while (q->first)
			end_first(q);
		mem_deref(q);
	}
}
