#include "bindings/task_priv.h"

#include "core/mem.h"
#include "sip/msg.h"

#include <lauxlib.h>
#include <stdlib.h>

void inbox_item_free(struct shard *sh, struct item *it)
{
	mem_deref(it->msg);
	mem_deref(it->text);
	luaL_unref(sh->L, LUA_REGISTRYINDEX, it->ref);
}

void inbox_push(struct shard *sh, struct inbox *box, struct item item)
{
	if (box->count == box->cap && box->cap < INBOX_LIMIT) {
		unsigned cap = box->cap ? box->cap * 2 : 4;
		struct item *items = malloc(cap * sizeof(*items));
		for (unsigned i = 0; items && i < box->count; i++)
			items[i] = box->items[(box->head + i) % box->cap];
		if (items) {
			free(box->items);
			box->items = items;
			box->cap = cap;
			box->head = 0;
		}
	}
	if (box->count == box->cap) {
		box->lost++;
		inbox_item_free(sh, &item);
		return;
	}
	box->items[(box->head + box->count++) % box->cap] = item;
	if (box->waiters)
		task_ready(box->waiters);
}

void inbox_push_msg(struct shard *sh, struct inbox *box, struct msg *m, const char *text)
{
	struct item it = {.kind = ITEM_MESSAGE, .msg = mem_ref(m), .ref = LUA_NOREF};

	if (text && (it.text = mem_zalloc(strlen(text) + 1, NULL)))
		memcpy(it.text, text, strlen(text));
	inbox_push(sh, box, it);
}

void inbox_push_event(struct shard *sh, struct inbox *box, const char *text)
{
	struct item it = {.kind = ITEM_EVENT, .ref = LUA_NOREF};

	if ((it.text = mem_zalloc(strlen(text) + 1, NULL)))
		memcpy(it.text, text, strlen(text));
	inbox_push(sh, box, it);
}

bool inbox_pop(struct inbox *box, struct item *out)
{
	if (!box->count) {
		*out = (struct item){.kind = ITEM_END, .ref = LUA_NOREF};
		return box->closed;
	}
	*out = box->items[box->head];
	box->head = (box->head + 1) % box->cap;
	box->count--;
	return true;
}

void inbox_close(struct inbox *box)
{
	box->closed = true;
	if (box->waiters)
		task_ready(box->waiters); /* who then readies the next */
}

void inbox_free(struct shard *sh, struct inbox *box)
{
	struct item it;

	box->closed = false;
	while (inbox_pop(box, &it))
		inbox_item_free(sh, &it);
	free(box->items);
	for (struct task *t = box->waiters; t; t = t->next_waiter)
		t->waits_on = NULL;
	memset(box, 0, sizeof(*box));
}
