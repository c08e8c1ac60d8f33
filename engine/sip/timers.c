#include "sip/timers.h"

#include "core/loop.h"
#include "core/mem.h"

struct sip_timers *sip_timers_copy(const struct sip_timers *from)
{
	struct sip_timers *t = mem_zalloc(sizeof(*t), NULL);

	if (t) {
		*t = *from;
		sip_timers_derive(t);
	}
	return t;
}

static void unless_set(uint64_t *field, uint64_t value)
{
	if (*field == 0)
		*field = value;
}

uint64_t sip_timer_64t1(const struct sip_timers *t)
{
	return t->t1 < TIMER_NEVER / 64 ? 64 * t->t1 : TIMER_NEVER;
}

uint64_t sip_timer_twice(uint64_t interval, uint64_t limit)
{
	return interval <= limit / 2 ? interval * 2 : limit;
}

void sip_timers_derive(struct sip_timers *t)
{
	unless_set(&t->t1, 500 * NS_PER_MS);
	unless_set(&t->t2, 4 * NS_PER_S);
	unless_set(&t->t4, 5 * NS_PER_S);
	uint64_t t64 = sip_timer_64t1(t);
	unless_set(&t->a, t->t1);
	unless_set(&t->b, t64);
	unless_set(&t->c, 181 * NS_PER_S); /* > 3 minutes */
	unless_set(&t->d, t64);            /* > 32 s on UDP */
	unless_set(&t->e, t->t1);
	unless_set(&t->f, t64);
	unless_set(&t->g, t->t1);
	unless_set(&t->h, t64);
	unless_set(&t->i, t->t4);
	unless_set(&t->j, t64);
	unless_set(&t->k, t->t4);
	unless_set(&t->l, t64);
	unless_set(&t->m, t64);
	unless_set(&t->trying, 200 * NS_PER_MS);
}
