#include "sip/timers.h"

#include "core/loop.h"

static void unless_set(uint64_t *field, uint64_t value)
{
	if (*field == 0)
		*field = value;
}

void sip_timers_derive(struct sip_timers *t)
{
	unless_set(&t->t1, 500 * NS_PER_MS);
	unless_set(&t->t2, 4 * NS_PER_S);
	unless_set(&t->t4, 5 * NS_PER_S);
	unless_set(&t->a, t->t1);
	unless_set(&t->b, 64 * t->t1);
	unless_set(&t->c, 181 * NS_PER_S); /* > 3 minutes */
	unless_set(&t->d, 64 * t->t1);     /* > 32 s on UDP */
	unless_set(&t->e, t->t1);
	unless_set(&t->f, 64 * t->t1);
	unless_set(&t->g, t->t1);
	unless_set(&t->h, 64 * t->t1);
	unless_set(&t->i, t->t4);
	unless_set(&t->j, 64 * t->t1);
	unless_set(&t->k, t->t4);
	unless_set(&t->l, 64 * t->t1);
	unless_set(&t->m, 64 * t->t1);
	unless_set(&t->trying, 200 * NS_PER_MS);
}
