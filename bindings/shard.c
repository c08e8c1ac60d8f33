#include "bindings/shard.h"

#include "bindings/load.h"
#include "bindings/object.h"
#include "bindings/sandbox.h"
#include "core/mem.h"
#include "load/feeder.h"
#include "sip/call.h"
#include "sip/transaction.h"

#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_TIMEOUT 60.0
/* What tasks still do after the end (cancelled <close> handlers) is cut off here. */
#define HARD_STOP (5 * NS_PER_S)

volatile sig_atomic_t shard_interrupted;
static struct loop *volatile running_loop; /* for the signal handler */

void shard_interrupt(void)
{
	shard_interrupted = 1;
	if (running_loop)
		loop_interrupt(running_loop);
}

const char *shard_verdict_name(enum shard_verdict v)
{
	static const char *const names[] = {"passed", "failed", "timeout", "skipped", "interrupted", "usage", "environment"};

	return names[v];
}

void shard_result_free(struct shard_result *r)
{
	buf_free(&r->text);
	buf_free(&r->notes);
	buf_free(&r->output);
}

struct rnd *shard_stream(struct shard *sh, const char *purpose)
{
	struct stream *s;

	for (s = sh->streams; s; s = s->next)
		if (!strcmp(s->name, purpose))
			return &s->rnd;
	s = calloc(1, sizeof(*s));
	if (!s)
		abort();
	snprintf(s->name, sizeof(s->name), "%s", purpose);
	rnd_init(&s->rnd, sh->cfg.seed, sh->test, NULL, s->name);
	s->next = sh->streams;
	sh->streams = s;
	return &s->rnd;
}

/* --- loading --- */

static bool begins_with_place(const char *text, const char *file, size_t len)
{
	return !strncmp(text, file, len) && text[len] == ':';
}

/* An error while loading: FILE:LINE in front, unless its text begins with a place in the script or its module already. */
static int place_error(lua_State *L)
{
	const char *path = shard_of(L)->cfg.path;
	char where[300];

	if (lua_istable(L, 1))
		lua_getfield(L, 1, "message");
	const char *text = luaL_tolstring(L, -1, NULL);
	if (task_where(L, where, sizeof(where)) && !begins_with_place(text, path, strlen(path)) &&
	    !begins_with_place(text, where, (size_t)(strrchr(where, ':') - where)))
		lua_pushfstring(L, "%s: %s", where, text);
	return 1;
}

/* Opens the library and runs the script: sip.test collects. Stack: 1 = the script's function. */
static int open_and_run(lua_State *L)
{
	lua_newtable(L); /* the engine's functions, for the library alone */
	lib_engine_open(L);
	lib_message_open(L);
	lib_auth_open(L);
	lib_endpoint_open(L);
	lib_ua_open(L);
	lib_call_open(L);
	lib_subscription_open(L);
	lib_hold_open(L);
	lib_load_open(L);
	lib_wait_open(L);
	if (!sandbox_load_embedded(L, "sip"))
		return luaL_error(L, "this program was built without its library");
	lua_pushvalue(L, -2);
	lua_getfield(L, LUA_REGISTRYINDEX, "loaded by scripts");
	lua_call(L, 2, 1);
	lua_setfield(L, LUA_REGISTRYINDEX, "sip");
	sandbox_lock(L);
	lua_settop(L, 1);
	lua_call(L, 0, 0);
	return 0;
}

static void on_task_done(struct shard *sh, struct task *task);

/* What its random streams are derived from: each shard of a load has its own. */
static int name_load(struct shard *sh, struct err *e)
{
	size_t size = strlen(sh->cfg.path) + 24;
	char *name = malloc(size);

	if (!name)
		return err_set(e, ERR_NOMEM, "out of memory for a script");
	snprintf(name, size, "%s#%u", sh->cfg.path, sh->cfg.share->number);
	sh->test = name;
	return 0;
}

/* Lua's memory comes from the engine's pools: a load makes and drops the same few sizes all the time. */
static void *lua_memory(void *arg, void *p, size_t old, size_t size)
{
	(void)arg;
	return mem_resize(p, p ? old : 0, size); /* without `p`, `old` is a kind of object */
}

int shard_load(struct shard **shp, const struct shard_cfg *cfg, struct err *e)
{
	struct shard *sh = calloc(1, sizeof(*sh));
	struct loop_cfg loop_cfg = {.virtual_clock = cfg->virtual_clock, .timer_scale = cfg->timer_scale};
	int err;

	if (!sh || !(sh->L = lua_newstate(lua_memory, NULL))) {
		err = err_set(e, ERR_NOMEM, "out of memory for a script");
		goto out;
	}
	sh->cfg = *cfg;
	TAILQ_INIT(&sh->checks);
	sh->failure = LUA_NOREF;
	*(struct shard **)lua_getextraspace(sh->L) = sh;
	if (cfg->share) {
		sh->loop = mem_ref(cfg->share->loop);
		sh->net = mem_ref(cfg->share->net);
		err = name_load(sh, e);
	} else {
		err = loop_alloc(&sh->loop, &loop_cfg, e);
	}
	if (err)
		goto out;
	sched_init(sh);
	sh->sched.task_done = on_task_done;
	sh->sched.guard_seconds = cfg->timeout > 0 ? cfg->timeout : DEFAULT_TIMEOUT;
	sched_choose_collector(sh);
	sandbox_open(sh->L);
	lua_pushcfunction(sh->L, place_error);
	lua_pushcfunction(sh->L, open_and_run);
	err = sandbox_load_file(sh->L, cfg->path, e);
	if (err)
		goto out;
	sched_guard_start(sh);
	sched_run_begins(sh, sh->L);
	if (lua_pcall(sh->L, 1, 0, -3)) {
		const char *text = lua_tostring(sh->L, -1);
		err = err_set(e, ERR_ARG, "%s", text ? text : "an error without a text");
	}
	sched_guard_stop(sh);
	lua_settop(sh->L, 0);
out:
	if (err)
		shard_free(sh);
	else
		*shp = sh;
	return err;
}

void shard_free(struct shard *sh)
{
	if (!sh)
		return;
	tmr_cancel(&sh->time_limit);
	tmr_cancel(&sh->hard_stop);
	if (sh->L) {
		object_close_all(sh);
		sched_free(sh);
		lua_sethook(sh->L, NULL, 0, 0);
		lua_close(sh->L);
	}
	mem_deref(sh->net);
	mem_deref(sh->loop);
	while (sh->streams) {
		struct stream *s = sh->streams;
		sh->streams = s->next;
		free(s);
	}
	buf_free(&sh->output);
	feeders_free(sh->own_feeders);
	free((char *)sh->test);
	free(sh);
}

/* --- what the script declared; the library keeps it in the fields `tests` and `declared_symptom` of a table --- */

static bool push_declared(struct shard *sh, const char *field)
{
	lua_getfield(sh->L, LUA_REGISTRYINDEX, "sip");
	lua_getfield(sh->L, -1, field);
	lua_remove(sh->L, -2);
	if (lua_istable(sh->L, -1))
		return true;
	lua_pop(sh->L, 1);
	return false;
}

unsigned shard_test_count(struct shard *sh)
{
	unsigned n = 0;

	if (push_declared(sh, "tests")) {
		n = (unsigned)lua_rawlen(sh->L, -1);
		lua_pop(sh->L, 1);
	}
	return n;
}

bool shard_test(struct shard *sh, unsigned i, struct shard_test *out)
{
	bool found = false;

	if (!push_declared(sh, "tests"))
		return false;
	if (lua_rawgeti(sh->L, -1, (lua_Integer)i + 1) == LUA_TTABLE) {
		lua_getfield(sh->L, -1, "name");
		out->name = lua_tostring(sh->L, -1);
		lua_getfield(sh->L, -2, "timeout");
		out->timeout = lua_tonumber(sh->L, -1);
		lua_getfield(sh->L, -3, "strict");
		out->strict = lua_toboolean(sh->L, -1);
		lua_pop(sh->L, 3);
		found = true;
	}
	lua_pop(sh->L, 2);
	return found;
}

const char *shard_symptom(struct shard *sh, const char *field)
{
	const char *text = NULL;

	if (push_declared(sh, "declared_symptom")) {
		lua_getfield(sh->L, -1, field);
		text = lua_tostring(sh->L, -1); /* the table keeps it */
		lua_pop(sh->L, 2);
	}
	return text;
}

/* --- running --- */

/* Where every other task waits, for the failure's text. */
static void note_waiting(struct shard *sh, const struct task *failed)
{
	size_t at = 0;
	char where[300];

	sh->waiting[0] = '\0';
	for (struct task *t = sh->sched.tasks; t && at < sizeof(sh->waiting) - 400; t = t->next) {
		if (t == failed || t->done || !t->waiting || !task_where(t->waits_in, where, sizeof(where)))
			continue;
		at += (size_t)snprintf(sh->waiting + at, sizeof(sh->waiting) - at, "meanwhile %s waits at %s\n", task_name(t), where);
	}
}

static void on_hard_stop(void *arg)
{
	loop_stop(((struct shard *)arg)->loop);
}

static void wind_up(struct shard *sh)
{
	sched_end(sh);
	if (!tmr_running(&sh->hard_stop))
		tmr_start(&sh->hard_stop, sh->loop, HARD_STOP, on_hard_stop, sh);
}

/* I/O and tasks run no Lua of the script's here: the error value alone is kept. */
static void on_task_done(struct shard *sh, struct task *task)
{
	if (task->failed && lua_touserdata(task->L, -1) != &task_cancelled && sh->failure == LUA_NOREF && !sh->timed_out) {
		lua_pushvalue(task->L, -1);
		sh->failure = luaL_ref(task->L, LUA_REGISTRYINDEX);
		if (task->kind != TASK_MAIN)
			snprintf(sh->failed_task, sizeof(sh->failed_task), "%s", task_name(task));
		note_waiting(sh, task);
		wind_up(sh);
	}
	if (task->kind == TASK_MAIN || sh->sched.phase != SCHED_RUNNING)
		wind_up(sh);
	if (sh->sched.alive == 0)
		loop_stop(sh->loop);
}

static void on_time_limit(void *arg)
{
	struct shard *sh = arg;

	sh->timed_out = true;
	note_waiting(sh, NULL);
	wind_up(sh);
}

static void put_failure(struct shard *sh, struct shard_result *out)
{
	lua_State *L = sh->L;
	const char *class;

	lua_rawgeti(L, LUA_REGISTRYINDEX, sh->failure);
	if (!lua_istable(L, -1)) {
		buf_printf(&out->text, "%s\n", luaL_tolstring(L, -1, NULL));
		lua_settop(L, 0);
		return;
	}
	lua_getfield(L, 1, "message");
	buf_printf(&out->text, "%s\n", lua_isstring(L, -1) ? lua_tostring(L, -1) : "the script raised a table without a message");
	lua_getfield(L, 1, "where");
	snprintf(out->where, sizeof(out->where), "%s", lua_isstring(L, -1) ? lua_tostring(L, -1) : "");
	lua_getfield(L, 1, "frame");
	out->frame = (uint32_t)lua_tointeger(L, -1);
	lua_getfield(L, 1, "class");
	class = lua_tostring(L, -1);
	if (class && !strcmp(class, "environment"))
		out->verdict = SHARD_ENVIRONMENT;
	else if (class && !strcmp(class, "usage"))
		out->verdict = SHARD_USAGE;
	else if (class && !strcmp(class, "skip"))
		out->verdict = SHARD_SKIPPED;
	lua_settop(L, 0);
}

#define UNREAD_SHOWN 5

/* The message that an item is, or that it came with. */
static const struct msg *unread_message(struct item *it)
{
	const struct object *o = it->p;

	if (it->kind != ITEM_OBJECT)
		return item_message(it);
	if (!o->p)
		return NULL;
	return o->kind == OBJECT_CALL ? call_invite_msg(o->p) : o->kind == OBJECT_SERVER ? ((struct strans *)o->p)->request : NULL;
}

/* What waits in an inbox, one line each. */
static void put_unread(struct buf *b, const struct inbox *box)
{
	char text[300], from[ADDR_STRLEN];

	struct item *it = box->first;

	for (int i = 0; it && i < UNREAD_SHOWN; i++, it = it->next) {
		const struct msg *m = unread_message(it);
		if (!m)
			continue;
		buf_printf(b, "  %s", msg_summary(text, sizeof(text), m));
		if (m->received)
			buf_printf(b, " from %s at %.3f s", addr_str(from, &m->src), (double)m->time / 1e9);
		buf_puts(b, "\n");
	}
	if (box->count > UNREAD_SHOWN)
		buf_puts(b, "  ...\n");
}

/* Messages that nobody read or let go, and inboxes that overflowed. */
static void put_notes(struct object *o, void *arg)
{
	static const char *const watched[OBJECT_KINDS][OBJECT_INBOXES] = {
		[OBJECT_ENDPOINT] = {"message", "request"},
		[OBJECT_UA] = {"incoming call", "request"},
		[OBJECT_CALL] = {NULL, "request within a call"},
	};
	struct shard_result *out = arg;

	for (unsigned i = 0; o->inboxes && i < object_inboxes(o->kind); i++) {
		const struct inbox *box = inbox_find(o, i);
		const char *what = watched[o->kind][i];
		const char *name = object_actor(o);
		if (!box)
			continue;
		if (what && box->count) {
			buf_printf(&out->notes, "%s: %u %s%s unread\n", name, box->count, what, box->count > 1 ? "s" : "");
			put_unread(&out->notes, box);
		}
		if (box->lost)
			buf_printf(&out->notes, "%s: %u lost, its inbox was full (%u)\n", name, box->lost, INBOX_LIMIT);
	}
	if (o->kind == OBJECT_HOLD && o->p)
		object_hold_finish(o, &out->notes);
}

/* Pushes the function that runs the test: library.main(test). Protected by its caller. */
static int push_main(lua_State *L)
{
	lua_Integer i = lua_tointeger(L, 1);

	lua_getfield(L, LUA_REGISTRYINDEX, "sip");
	lua_getfield(L, -1, "main_of");
	lua_getfield(L, -2, "tests");
	lua_rawgeti(L, -1, i);
	lua_replace(L, -2);
	lua_call(L, 1, 1);
	if (!task_new(shard_of(L), L, TASK_MAIN, "the test"))
		return luaL_error(L, "out of memory for a task");
	return 0;
}

static char *test_key(const struct shard *sh, const char *name)
{
	const char *slash = strrchr(sh->cfg.path, '/');
	const char *file = slash ? slash + 1 : sh->cfg.path;
	size_t size = strlen(file) + strlen(name) + 3;
	char *key = malloc(size);

	if (key)
		snprintf(key, size, "%s: %s", file, name);
	return key;
}

int shard_run(struct shard *sh, unsigned i, struct shard_result *out, struct err *e)
{
	struct shard_test test;
	struct net_cfg net_cfg = {.loop = sh->loop, .tap = sh->cfg.tap, .seed = sh->cfg.seed};
	enum loop_end end;
	double timeout;
	int err;

	memset(out, 0, sizeof(*out));
	if (!shard_test(sh, i, &test))
		return err_set(e, ERR_ARG, "%s has no test %u", sh->cfg.path, i + 1);
	sh->test = test_key(sh, test.name);
	net_cfg.test = sh->test;
	err = sh->test ? net_alloc(&sh->net, &net_cfg, e) : err_set(e, ERR_NOMEM, "out of memory for a test");
	if (!err && sh->cfg.faults)
		err = net_set_faults(sh->net, NULL, NULL, sh->cfg.faults);
	if (err)
		return err;
	timeout = sh->cfg.timeout > 0 ? sh->cfg.timeout : test.timeout > 0 ? test.timeout : DEFAULT_TIMEOUT;
	sh->sched.guard_seconds = timeout;
	uint64_t start = loop_now(sh->loop);

	lua_pushcfunction(sh->L, push_main);
	lua_pushinteger(sh->L, (lua_Integer)i + 1);
	if (lua_pcall(sh->L, 1, 0, 0)) {
		err = err_set(e, ERR_ARG, "%s", luaL_tolstring(sh->L, -1, NULL));
		lua_settop(sh->L, 0);
		return err;
	}
	tmr_start_at(&sh->time_limit, sh->loop, start + (uint64_t)(timeout * 1e9), TMR_DEADLINE, on_time_limit, sh);
	running_loop = sh->loop;
	end = shard_interrupted ? LOOP_STOPPED : loop_run(sh->loop);
	if (shard_interrupted) { /* what the tasks close at their end is still done */
		wind_up(sh);
		sched_work(sh);
	}
	running_loop = NULL;
	out->seconds = (double)(loop_now(sh->loop) - start) / 1e9;
	object_each(sh, put_notes, out);
	out->output = sh->output;
	memset(&sh->output, 0, sizeof(sh->output));

	out->verdict = SHARD_PASSED;
	if (sh->failure != LUA_NOREF) {
		out->verdict = SHARD_FAILED;
		put_failure(sh, out);
		if (sh->failed_task[0] && out->verdict != SHARD_SKIPPED)
			buf_printf(&out->text, "in the task \"%s\"\n", sh->failed_task);
	}
	if (shard_interrupted) {
		out->verdict = SHARD_INTERRUPTED;
	} else if (sh->timed_out) {
		out->verdict = SHARD_TIMEOUT;
		buf_printf(&out->text, "the test's time limit of %g s is over\n", timeout);
		if (sh->net)
			net_comment(sh->net, 0, "failed: the test's time limit is over");
	} else if (end == LOOP_DRY && sh->sched.alive) {
		out->verdict = SHARD_FAILED;
		buf_puts(&out->text, "every task waits for something that can never come\n");
	}
	if (out->verdict == SHARD_PASSED && (sh->cfg.strict || test.strict) && out->notes.len) {
		out->verdict = SHARD_FAILED;
		buf_puts(&out->text, "messages were left unread or held, and the test is strict\n");
	}
	if (out->verdict == SHARD_FAILED || out->verdict == SHARD_TIMEOUT || out->verdict == SHARD_INTERRUPTED)
		buf_puts(&out->text, sh->waiting);
	return 0;
}
