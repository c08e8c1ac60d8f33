#include "sip/scope.h"

#include "core/err.h"
#include "core/mem.h"
#include "sip/endpoint.h"

struct scope_call {
	struct hash_node node;
	struct scope_call *next;
	struct scope *scope;
	struct slice call_id;
	char text[];
};

static uint64_t key(struct slice call_id)
{
	return slice_hash(SLICE_HASH_SEED, call_id);
}

static struct scope_call *find(const struct scope_table *table, struct slice call_id)
{
	for (struct hash_node *n = hash_first(&table->calls, key(call_id)); n; n = hash_next(n)) {
		struct scope_call *c = hash_owner(n, struct scope_call, node);
		if (slice_eq(c->call_id, call_id))
			return c;
	}
	return NULL;
}

static void destroy(void *block)
{
	struct scope *s = block;

	while (s->calls) {
		struct scope_call *c = s->calls;
		s->calls = c->next;
		hash_del(&s->table->calls, &c->node);
		mem_deref(c);
	}
}

int scope_alloc(struct scope **sp, struct scope_table *table)
{
	struct scope *s = mem_zalloc(sizeof(*s), destroy);

	if (!s)
		return ERR_NOMEM;
	s->table = table;
	*sp = s;
	return 0;
}

void scope_enter(struct scope *s, struct endpoint *ep)
{
	ep->scope = mem_ref(s);
	LIST_INSERT_HEAD(&s->endpoints, ep, of_scope);
	s->count++;
}

void scope_leave(struct scope *s, struct endpoint *ep)
{
	LIST_REMOVE(ep, of_scope);
	s->count--;
	ep->scope = mem_deref(s);
}

void scope_know(struct scope *s, struct slice call_id)
{
	struct scope_call *c;

	if (s->count < 2 || find(s->table, call_id)) /* one alone has nobody to be found by */
		return;
	c = mem_zalloc(sizeof(*c) + call_id.l, NULL);
	if (!c)
		return;
	if (call_id.l)
		memcpy(c->text, call_id.p, call_id.l);
	c->call_id = (struct slice){c->text, call_id.l};
	c->scope = s;
	if (hash_add(&s->table->calls, &c->node, key(call_id))) {
		mem_deref(c);
		return;
	}
	c->next = s->calls;
	s->calls = c;
}

struct endpoint *scope_find(const struct scope_table *table, struct slice call_id, const struct switchboard *sb)
{
	struct scope_call *c = find(table, call_id);
	struct endpoint *ep = NULL;

	if (c)
		LIST_FOREACH(ep, &c->scope->endpoints, of_scope)
			if (ep->sb == sb)
				break;
	return ep;
}
