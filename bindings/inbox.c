#include "bindings/task_priv.h"

#include "core/mem.h"
#include "sip/msg_rest.h"

static void item_destroy(void *block)
{
	struct item *it = block;

	if (it->kind == ITEM_MESSAGE || it->kind == ITEM_REST)
		mem_deref(it->p);
	else if (it->kind == ITEM_OBJECT)
		((struct object *)it->p)->unread = false;
	mem_deref(it->text);
}

struct inbox *inbox_find(const struct object *o, unsigned index)
{
	struct inbox *box = o->inboxes;

	while (box && box->index != index)
		box = box->next;
	return box;
}

static struct inbox *find_or_make(struct object *o, unsigned index)
{
	struct inbox *box = inbox_find(o, index);

	if (!box && (box = mem_zalloc(sizeof(*box), NULL))) {
		box->index = (uint8_t)index;
		box->next = o->inboxes;
		o->inboxes = box;
	}
	return box;
}

/* Frees one that holds and awaits nothing. */
static void let_go(struct object *o, struct inbox *box)
{
	struct inbox **pp = &o->inboxes;

	if (box->first || box->waiters || box->lost)
		return;
	while (*pp != box)
		pp = &(*pp)->next;
	*pp = box->next;
	mem_deref(box);
}

static bool push(struct object *o, unsigned index, enum item_kind kind, void *p, const char *text)
{
	struct inbox *box = find_or_make(o, index);
	struct item *it = box && box->count < INBOX_LIMIT ? mem_zalloc(sizeof(*it), item_destroy) : NULL;

	if (!it) {
		if (box)
			box->lost++;
		return false;
	}
	it->kind = kind;
	it->p = kind == ITEM_MESSAGE ? mem_ref(p) : p;
	if (text && (it->text = mem_zalloc(strlen(text) + 1, NULL)))
		memcpy(it->text, text, strlen(text));
	if (box->last)
		box->last->next = it;
	else
		box->first = it;
	box->last = it;
	box->count++;
	if (box->waiters)
		task_ready(box->waiters);
	return true;
}

void inbox_push_msg(struct object *o, unsigned index, struct msg *m, const char *text)
{
	push(o, index, ITEM_MESSAGE, m, text);
}

void inbox_push_object(struct object *o, unsigned index, struct object *item)
{
	item->unread = push(o, index, ITEM_OBJECT, item, NULL);
}

void inbox_push_event(struct object *o, unsigned index, const char *text)
{
	push(o, index, ITEM_EVENT, NULL, text);
}

struct msg *item_message(struct item *it)
{
	struct msg *m;

	if (it->kind == ITEM_REST && !msg_wake(&m, it->p)) {
		mem_deref(it->p);
		it->p = m;
		it->kind = ITEM_MESSAGE;
	}
	return it->kind == ITEM_MESSAGE ? it->p : NULL;
}

void inbox_rest(struct object *o, struct kept_models *models)
{
	struct kept *r;

	for (struct inbox *box = o->inboxes; box; box = box->next)
		for (struct item *it = box->first; it; it = it->next)
			if (it->kind == ITEM_MESSAGE && (r = msg_rest(models, it->p))) {
				mem_deref(it->p);
				it->p = r;
				it->kind = ITEM_REST;
			}
}

struct item *inbox_take(struct object *o, unsigned index)
{
	struct inbox *box = inbox_find(o, index);
	struct item *it = box ? box->first : NULL;

	if (!it || (it->kind == ITEM_REST && !item_message(it))) /* no memory for what rests: it stays there */
		return NULL;
	box->first = it->next;
	if (!box->first)
		box->last = NULL;
	box->count--;
	let_go(o, box);
	return it;
}

void inbox_close(struct object *o, unsigned index)
{
	struct inbox *box = inbox_find(o, index);

	o->closed |= (uint8_t)(1u << index);
	if (box && box->waiters)
		task_ready(box->waiters); /* who then readies the next */
}

bool inbox_closed(const struct object *o, unsigned index)
{
	return o->closed >> index & 1;
}

void inbox_free_all(struct object *o)
{
	while (o->inboxes) {
		struct inbox *box = o->inboxes;
		o->inboxes = box->next;
		while (box->first) {
			struct item *it = box->first;
			box->first = it->next;
			mem_deref(it);
		}
		for (struct task *t = box->waiters; t; t = t->next_waiter)
			t->waits_at = NULL;
		mem_deref(box);
	}
}

/* --- who waits, in the order they came --- */

struct inbox *inbox_join(struct object *o, unsigned index, struct task *task)
{
	struct inbox *box = find_or_make(o, index);
	struct task *first = box ? box->waiters : NULL;

	if (!box)
		return NULL;
	task->waits_at = o;
	task->waits_on = box;
	task->next_waiter = NULL;
	task->prev_waiter = first ? first->prev_waiter : task;
	if (first) {
		first->prev_waiter->next_waiter = task;
		first->prev_waiter = task;
	} else {
		box->waiters = task;
	}
	return box;
}

void inbox_leave(struct task *task)
{
	struct object *o = task->waits_at;
	struct inbox *box = task->waits_on;

	task->waits_at = NULL;
	task->waits_on = NULL;
	if (!o)
		return;
	if (task == box->waiters)
		box->waiters = task->next_waiter;
	else
		task->prev_waiter->next_waiter = task->next_waiter;
	if (task->next_waiter)
		task->next_waiter->prev_waiter = task->prev_waiter;
	else if (box->waiters) /* it was the last */
		box->waiters->prev_waiter = task->prev_waiter;
	if (box->waiters && (box->first || inbox_closed(o, box->index)))
		task_ready(box->waiters); /* what this one leaves, the next may take */
	let_go(o, box);
}
