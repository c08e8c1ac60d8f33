#include "bindings/load_priv.h"

#include "bindings/lib_ua.h"
#include "core/mem.h"
#include "sip/call.h"

#include <stdio.h>
#include <stdlib.h>

/* Arrivals that are given in one go; then the loop looks at its sockets. */
#define ARRIVALS_A_ROUND 256
#define SPIN_SECONDS 10.0
#define USER_PAUSE (NS_PER_S / 10) /* of a virtual user that could not begin */

/* --- phases --- */

static void enter(struct load *load, enum load_phase phase)
{
	load->phase = phase;
	if (load->changed)
		load->changed(load, phase, load->arg);
}

void load_look_for_idle(struct load *load)
{
	if (load->phase == LOAD_DRAINING && load->live + load->served == 0)
		enter(load, LOAD_IDLE);
}

static struct load *load_of(const struct shard *sh)
{
	return sh->load;
}

static void manager_done(struct load *load);

static void on_task_done(struct shard *sh, struct task *task)
{
	struct load *load = load_of(sh);
	struct iteration *it = task->iteration;
	struct load_told t;

	if (it) {
		load_iteration_task_done(it, task);
		task->iteration = mem_deref(it);
		return;
	}
	if (task->failed && lua_touserdata(task->L, -1) != &task_cancelled && !load->trouble[0]) {
		load_tell_error(task->L, &t);
		if (!strncmp(t.where, "offhook/", 8)) /* a line of the library's own tells nobody anything */
			t.where[0] = '\0';
		snprintf(load->trouble, sizeof(load->trouble), "%s%s%s", t.where, t.where[0] ? ": " : "", t.text);
		load->environment = !strcmp(t.kind, "environment");
	}
	if (task == load->manager)
		manager_done(load);
}

/* --- arrivals --- */

/* Calls declared.NAME(index) of the library, which cannot wait: its result is on the stack, or false and the trouble is noted. */
static bool ask_library(struct load *load, const char *name, lua_Integer index)
{
	lua_State *L = load->sh->L;
	struct load_told t;

	lua_getfield(L, LUA_REGISTRYINDEX, "sip");
	lua_getfield(L, -1, name);
	lua_remove(L, -2);
	lua_pushinteger(L, index);
	if (lua_pcall(L, 1, 1, 0) == LUA_OK)
		return true;
	load_tell_error(L, &t);
	snprintf(load->trouble, sizeof(load->trouble), "%s", t.text);
	lua_pop(L, 1);
	return false;
}

/* An idle virtual user, or a new one; NO_VU when there is no memory for it. */
static uint32_t take_vu(struct load *load)
{
	uint32_t vu = load->idle;

	if (vu != NO_VU) {
		load->idle = load->vus[vu].next;
		return vu;
	}
	if (load->vu_count == load->vu_room) {
		uint32_t room = load->vu_room ? load->vu_room * 2 : 64;
		struct vu *more = realloc(load->vus, room * sizeof(*more));
		if (!more)
			return NO_VU;
		load->vus = more;
		load->vu_room = room;
	}
	if (load->iteration == LUA_NOREF && ask_library(load, "iteration", load->plan->caller + 1))
		load->iteration = luaL_ref(load->sh->L, LUA_REGISTRYINDEX);
	if (load->iteration == LUA_NOREF || !ask_library(load, "virtual_user", load->plan->caller + 1))
		return NO_VU;
	load->vus[load->vu_count] = (struct vu){luaL_ref(load->sh->L, LUA_REGISTRYINDEX), NO_VU};
	return load->vu_count++;
}

static void arrive(struct load *load, uint64_t due)
{
	uint32_t vu;

	load_numbers_arrival(load->numbers);
	load->iterations++;
	if (load->live >= load->plan->max_live) {
		load_numbers_dropped(load->numbers);
		return;
	}
	vu = take_vu(load);
	if (vu == NO_VU) {
		load_numbers_began(load->numbers);
		load_numbers_failed(load->numbers, "virtual user", "", load->trouble[0] ? load->trouble : "out of memory for a virtual user");
		return;
	}
	lua_rawgeti(load->sh->L, LUA_REGISTRYINDEX, load->vus[vu].context);
	lua_rawgeti(load->sh->L, LUA_REGISTRYINDEX, load->iteration);
	if (!load_iteration_begin(load, due, vu)) {
		load->vus[vu].next = load->idle;
		load->idle = vu;
	}
}

/* The first shard with room: what a Lua state needs is in the cache where few states are in use, and no state has more coroutines than it is good
 * for. */
static struct load *with_room(struct load *load)
{
	for (unsigned i = 0; i < load->among_count; i++)
		if (load->among[i]->live < load->among[i]->plan->max_live)
			return load->among[i];
	return load;
}

static void on_arrival(void *arg)
{
	struct load *load = arg;
	uint64_t now = loop_now(load->sh->loop);

	for (int i = 0; i < ARRIVALS_A_ROUND && load->due <= now && !load->exhausted; i++) {
		uint64_t next;
		arrive(with_room(load), load->due);
		next = arrivals_next(&load->arrivals);
		load->exhausted = next == ARRIVALS_OVER;
		load->due = load->start + next;
	}
	if (!load->exhausted)
		tmr_start_at(&load->timer, load->sh->loop, load->due, TMR_EVENT, on_arrival, load);
	else if (load->changed)
		load->changed(load, load->phase, load->arg); /* it may be over */
}

/* --- virtual users one iteration after the other --- */

/* How many iterations this shard may have; UINT64_MAX: any number. */
static uint64_t iterations_allowed(const struct load_plan *plan)
{
	const struct arrivals_cfg *a = &plan->arrivals;
	unsigned parts = a->parts ? a->parts : 1;

	return a->calls ? a->calls / parts + (a->part < a->calls % parts) : UINT64_MAX;
}

static void user_again(void *arg)
{
	struct load *load = arg;
	uint64_t now = loop_now(load->sh->loop);
	bool over = load->plan->arrivals.duration > 0 && now - load->start >= (uint64_t)(load->plan->arrivals.duration * 1e9);

	while (!over && load->live < load->plan->users && load->iterations < iterations_allowed(load->plan)) {
		unsigned before = load->live;
		arrive(load, now);
		if (load->live == before) { /* it failed at once: not again in this round */
			tmr_start(&load->timer, load->sh->loop, USER_PAUSE, user_again, load);
			break;
		}
	}
	if (over || load->iterations >= iterations_allowed(load->plan)) {
		load->exhausted = true;
		if (load->changed)
			load->changed(load, load->phase, load->arg);
	}
}

/* In a round of its own: an iteration that ends at once must not keep the loop for ever. */
void load_next_of_user(struct load *load)
{
	if (!load->exhausted && !tmr_running(&load->timer))
		tmr_start(&load->timer, load->sh->loop, 0, user_again, load);
}

/* --- calls that come in --- */

/* RFC 3261 21.5.4 */
static void refuse(struct call *call)
{
	struct build_header retry = {SLICE_LIT("Retry-After"), SLICE_LIT("10")};

	call_reply(call, &(struct call_reply){.status = 503, .extra = &retry, .extra_count = 1}, NULL, NULL);
}

/* While it drains, none from elsewhere; but an iteration of the run that is still under way may call what the run serves. */
static bool takes_calls(const struct load *load)
{
	return load->phase <= (load->plan->calls_itself ? LOAD_IDLE : LOAD_RUNNING);
}

static bool has_room(const void *group)
{
	const struct load *load = group;

	return load->served < load->plan->max_live;
}

static bool on_served_call(struct ua *ua, struct call *call, void *arg)
{
	struct serving *s = arg;
	struct load *load = s->load;
	lua_State *L = load->sh->L;

	(void)ua;
	load_numbers_arrival(load->numbers);
	if (!takes_calls(load) || !has_room(load)) {
		load_numbers_dropped(load->numbers);
		refuse(call);
		return true;
	}
	lua_rawgeti(L, LUA_REGISTRYINDEX, s->ua);
	struct object *owner = lua_touserdata(L, -1);
	lua_pop(L, 1);
	struct object *box = object_new_call(L, owner, call);
	lua_rawgeti(L, LUA_REGISTRYINDEX, s->body);
	struct iteration *it = load_iteration_begin(load, call->at.invite, NO_VU);
	if (!it) {
		refuse(call);
		return true;
	}
	load_iteration_take(it, box);
	if (load->phase == LOAD_IDLE) /* another shard's iteration calls */
		load->phase = LOAD_DRAINING;
	return true;
}

int load_serve(lua_State *L, struct object *o)
{
	struct load *load = load_of(o->sh);
	struct ua *ua = o->p;
	struct serving *s;

	s = mem_zalloc(sizeof(*s), NULL);
	if (!s || (ua->ep->sb->shared && switchboard_take_others(ua->ep->sb, ua->ep, has_room, load))) {
		mem_deref(s);
		lua_pop(L, 2);
		return ERR_NOMEM;
	}
	s->load = load;
	s->body = luaL_ref(L, LUA_REGISTRYINDEX);
	s->ua = luaL_ref(L, LUA_REGISTRYINDEX);
	s->next = load->serving;
	load->serving = s;
	ua->h.incoming = on_served_call;
	ua->h.arg = s;
	return 0;
}

/* --- its life --- */

int load_attach(struct load **lp, struct shard *sh, const struct load_plan *plan, struct load_numbers *numbers, load_changed_h *changed,
		void *arg, struct err *e)
{
	struct load *load = mem_zalloc(sizeof(*load), NULL);

	if (!load)
		return err_set(e, ERR_NOMEM, "out of memory for a load");
	load->sh = sh;
	load->plan = plan;
	load->numbers = numbers;
	load->changed = changed;
	load->arg = arg;
	load->idle = NO_VU;
	load->iteration = LUA_NOREF;
	TAILQ_INIT(&load->by_age);
	sh->load = load;
	sh->sched.task_done = on_task_done;
	/* A script that does not wait holds up all others of its worker. */
	sh->sched.guard_seconds = plan->timeout > 0 && plan->timeout < SPIN_SECONDS ? plan->timeout : SPIN_SECONDS;
	*lp = load;
	return 0;
}

void load_share(struct load *load, struct load *const *among, unsigned count)
{
	load->among = among;
	load->among_count = count;
}

void load_detach(struct load *load)
{
	if (!load)
		return;
	load->sh->load = NULL;
	tmr_cancel(&load->timer);
	tmr_cancel(&load->look);
	while (load->serving) {
		struct serving *s = load->serving;
		load->serving = s->next;
		mem_deref(s);
	}
	for (struct task *t = load->sh->sched.tasks; t; t = t->next)
		t->iteration = mem_deref(t->iteration);
	free(load->vus);
	mem_deref(load);
}

/* A task for what the library's function of that name returns. */
static void manage(struct load *load, const char *name, enum load_phase phase)
{
	load->phase = phase;
	if (ask_library(load, name, load->plan->caller + 1))
		load->manager = task_new(load->sh, load->sh->L, TASK_SPAWN, name);
	else
		lua_pushnil(load->sh->L);
	if (load->manager)
		return;
	lua_pop(load->sh->L, 1);
	if (!load->trouble[0])
		snprintf(load->trouble, sizeof(load->trouble), "out of memory for a task");
	manager_done(load);
}

static void manager_done(struct load *load)
{
	load->manager = NULL;
	enter(load, load->phase == LOAD_SETTING_UP ? LOAD_READY : LOAD_OVER);
}

void load_set_up(struct load *load)
{
	manage(load, "load_setup", LOAD_SETTING_UP);
}

void load_start(struct load *load, uint64_t start)
{
	uint64_t first;

	load->start = start;
	enter(load, LOAD_RUNNING);
	if (load->plan->caller < 0) {
		load->exhausted = true;
	} else if (load->plan->users) {
		tmr_start_at(&load->timer, load->sh->loop, start, TMR_EVENT, user_again, load);
	} else {
		arrivals_init(&load->arrivals, &load->plan->arrivals);
		first = arrivals_next(&load->arrivals);
		load->exhausted = first == ARRIVALS_OVER;
		load->due = start + first;
		if (!load->exhausted)
			tmr_start_at(&load->timer, load->sh->loop, load->due, TMR_EVENT, on_arrival, load);
	}
}

void load_stop(struct load *load)
{
	if (load->phase != LOAD_RUNNING)
		return;
	tmr_cancel(&load->timer);
	load->exhausted = true;
	enter(load, LOAD_DRAINING);
	load_look_for_idle(load);
}

void load_cut(struct load *load)
{
	if (load->phase == LOAD_SETTING_UP && load->manager)
		task_cancel(load->manager);
	for (struct task *t = load->sh->sched.tasks; t; t = t->next)
		if (t->iteration && t->iteration->task == t)
			task_cancel(t);
}

void load_tear_down(struct load *load)
{
	manage(load, "load_teardown", LOAD_TEARING_DOWN);
}

enum err_code load_trouble_code(const struct load *load)
{
	return load->environment ? ERR_ENV : ERR_ARG;
}

enum load_phase load_phase(const struct load *load)
{
	return load->phase;
}

const char *load_trouble(const struct load *load)
{
	return load->trouble;
}

bool load_exhausted(const struct load *load)
{
	return load->exhausted;
}

struct load_numbers *load_numbers_of(const struct shard *sh)
{
	return sh->load ? sh->load->numbers : NULL;
}
