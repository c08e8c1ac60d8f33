/* Iterations of a load: how each begins, what it makes, and how it ends. */
#include "bindings/load_priv.h"

#include "core/mem.h"
#include "sip/call.h"

#include <stdio.h>

static void copy_field(lua_State *L, const char *name, char *out, size_t size)
{
	if (lua_getfield(L, -1, name) == LUA_TSTRING) {
		struct slice s = slice_str(lua_tostring(L, -1));
		const char *end = memchr(s.p, '\n', s.l);
		slice_copy(out, size, end ? slice_between(s.p, end) : s);
	}
	lua_pop(L, 1);
}

void load_tell_error(lua_State *L, struct load_told *t)
{
	*t = (struct load_told){.kind = "error"};
	if (lua_istable(L, -1)) {
		copy_field(L, "class", t->kind, sizeof(t->kind));
		copy_field(L, "outcome", t->kind, sizeof(t->kind));
		copy_field(L, "where", t->where, sizeof(t->where));
		copy_field(L, "message", t->text, sizeof(t->text));
	} else if (lua_isstring(L, -1)) {
		slice_copy(t->text, sizeof(t->text), slice_str(lua_tostring(L, -1)));
	}
}

static void on_limit(void *arg)
{
	struct iteration *it = arg;
	char where[300] = "";

	if (it->task->waiting)
		task_where(it->task->waits_in, where, sizeof(where));
	char text[80];
	snprintf(text, sizeof(text), "the iteration's time limit of %g s is over", it->load->plan->timeout);
	if (!it->failed)
		load_numbers_failed(it->load->numbers, "time limit", where, text);
	it->failed = true;
	task_cancel(it->task);
}

/* --- iterations whose calls last: these go to rest --- */

#define REST_AFTER 1000 /* ms; to rest and to wake costs a seventh of a call, which one that is short should not pay */
#define LOOK_EVERY (50 * NS_PER_MS)
#define LOOKS_MOST 20 /* what is not up then rings for long, and is few */

static uint32_t now_in_ms(const struct load *load)
{
	return (uint32_t)(loop_now(load->sh->loop) / NS_PER_MS);
}

static void look_for_rest(void *arg);

static void age(struct iteration *it)
{
	struct load *load = it->load;

	it->looked = now_in_ms(load);
	it->ages = true;
	load->tidied = 0;
	TAILQ_INSERT_TAIL(&load->by_age, it, by_age);
	if (!tmr_running(&load->look)) /* without memory they stay awake, and nothing worse */
		tmr_start(&load->look, load->sh->loop, LOOK_EVERY, look_for_rest, load);
}

static void age_no_more(struct iteration *it)
{
	if (it->ages)
		TAILQ_REMOVE(&it->load->by_age, it, by_age);
	it->ages = false;
}

static bool all_rest(struct iteration *it)
{
	struct object *o;
	bool all = true;

	LIST_FOREACH(o, &it->made, of_iteration)
		all = object_rest(o) && all;
	return all;
}

#define TIDY_STEPS 20 /* of 16 kB each, so that no message waits for it */
#define TIDY_CYCLES 2 /* the first began before the last call was made */

/* A shard whose calls are all at rest may make nothing for a while, and so collect nothing: what they left is collected now, bit by bit. */
static bool is_tidy(struct load *load)
{
	for (int i = 0; i < TIDY_STEPS && load->tidied < TIDY_CYCLES; i++)
		load->tidied += sched_collect(&load->sh->sched, load->sh->L);
	return load->tidied == TIDY_CYCLES;
}

static void look_for_rest(void *arg)
{
	struct load *load = arg;
	uint32_t now = now_in_ms(load);
	struct iteration *it;

	while ((it = TAILQ_FIRST(&load->by_age)) && now - it->looked >= REST_AFTER) {
		age_no_more(it);
		if (!all_rest(it) && ++it->looks < LOOKS_MOST)
			age(it);
	}
	if (it || !is_tidy(load))
		tmr_start(&load->look, load->sh->loop, LOOK_EVERY, look_for_rest, load);
}

static void limit_no_more(struct iteration *it)
{
	if (it->limited)
		tmr_cancel(it->limit);
}

static void iteration_destroy(void *block)
{
	struct iteration *it = block;
	struct object *o;

	limit_no_more(it);
	age_no_more(it);
	while ((o = LIST_FIRST(&it->made))) {
		LIST_REMOVE(o, of_iteration);
		o->has_iteration = false;
	}
}

void load_iteration_take(struct iteration *it, struct object *o)
{
	LIST_INSERT_HEAD(&it->made, o, of_iteration);
	o->has_iteration = true;
	if (o->kind == OBJECT_CALL && !it->ages) {
		it->looks = 0;
		age(it);
	}
}

void load_made(struct object *o)
{
	struct task *task = o->sh->sched.current;

	if (task && task->iteration)
		load_iteration_take(task->iteration, o);
}

/* What an iteration leaves up is hung up, but a call that came in where all went well: the other side ends that. */
static void leave_calls(struct iteration *it)
{
	struct object *o;

	LIST_FOREACH(o, &it->made, of_iteration)
	{
		struct call *call = o->kind == OBJECT_CALL ? o->p : NULL;
		if (call && (call->outgoing || it->failed || call->state == CALL_TERMINATED))
			call_leave(call, "the end of its iteration");
	}
}

/* What needs nobody any more goes when the last task of its iteration does, and not when the collector comes by: finished calls would fill the
 * memory until then, and the caches. What is under way ends by itself first. */
static void let_go(struct iteration *it)
{
	struct object *o;

	while ((o = LIST_FIRST(&it->made))) {
		LIST_REMOVE(o, of_iteration);
		o->has_iteration = false;
		object_close_settled(o);
	}
}

struct iteration *load_iteration_begin(struct load *load, uint64_t due, uint32_t vu)
{
	bool limited = load->plan->timeout > 0;
	struct iteration *it = mem_zalloc(sizeof(*it) + (limited ? sizeof(*it->limit) : 0), iteration_destroy);
	struct task *task = it ? task_new(load->sh, load->sh->L, TASK_ITERATION, "an iteration") : NULL;
	uint64_t now = loop_now(load->sh->loop);

	load_numbers_began(load->numbers);
	if (!task) {
		lua_pop(load->sh->L, 2);
		mem_deref(it);
		load_numbers_failed(load->numbers, "memory", "", "out of memory for an iteration");
		return NULL;
	}
	lua_xmove(load->sh->L, task->L, 1); /* its argument */
	it->load = load;
	it->task = task;
	it->due = due;
	it->limited = limited;
	it->vu = vu;
	task->iteration = it;
	task->since = due;
	load_numbers_time(load->numbers, LOAD_TIME_LATE_ARRIVAL, now > due ? now - due : 0);
	if (limited)
		tmr_start_at(it->limit, load->sh->loop, now + (uint64_t)(load->plan->timeout * 1e9), TMR_DEADLINE, on_limit, it);
	if (vu == NO_VU)
		load->served++;
	else
		load->live++;
	return it;
}

/* A task that the iteration spawned and that lives on ends with it. */
static void cancel_others(struct iteration *it)
{
	for (struct task *t = it->others ? it->load->sh->sched.tasks : NULL; t; t = t->next)
		if (t->iteration == it && !t->done)
			task_cancel(t);
}

static void finish(struct iteration *it, struct task *task)
{
	struct load *load = it->load;
	uint64_t now = loop_now(load->sh->loop);
	bool cancelled = task->failed && lua_touserdata(task->L, -1) == &task_cancelled;
	uint32_t vu = it->vu;
	struct load_told t;

	limit_no_more(it);
	if (task->failed && !cancelled && !it->failed) {
		load_tell_error(task->L, &t);
		load_numbers_failed(load->numbers, t.kind, t.where, t.text);
		it->failed = true;
	} else if (it->failed) {
		/* counted when it happened */
	} else if (cancelled) {
		load_numbers_interrupted(load->numbers);
	} else {
		load_numbers_done(load->numbers);
		load_numbers_time(load->numbers, LOAD_TIME_ITERATION, now > it->due ? now - it->due : 0);
	}
	age_no_more(it);
	cancel_others(it);
	leave_calls(it);
	it->task = NULL;
	if (!it->others)
		let_go(it);
	if (vu == NO_VU) {
		load->served--;
	} else {
		load->live--;
		load->vus[vu].next = load->idle;
		load->idle = vu;
		if (load->plan->users && load->phase == LOAD_RUNNING)
			load_next_of_user(load);
	}
	load_look_for_idle(load);
}

/* One that an iteration spawned. */
static void finish_other(struct iteration *it, struct task *task)
{
	struct load_told t;

	it->others--;
	if (!it->task && !it->others)
		let_go(it);
	if (it->task && task->failed && lua_touserdata(task->L, -1) != &task_cancelled && !it->failed) {
		load_tell_error(task->L, &t);
		load_numbers_failed(it->load->numbers, t.kind, t.where, t.text);
		it->failed = true;
		task_cancel(it->task);
	}
}

void load_iteration_task_done(struct iteration *it, struct task *task)
{
	if (it->task == task)
		finish(it, task);
	else
		finish_other(it, task);
}

void load_task_made(struct shard *sh, struct task *task)
{
	struct task *by = sh->sched.current;

	if (task->kind == TASK_ITERATION || !by || !by->iteration)
		return;
	task->iteration = mem_ref(by->iteration);
	by->iteration->others++;
}

uint64_t load_task_due(const struct shard *sh)
{
	const struct task *task = sh->sched.current;

	return sh->load && task ? task->since : 0;
}
