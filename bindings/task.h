/* Tasks: coroutines that wait. One wait primitive, bounded inboxes, a first-in first-out run queue.
 *
 * Engine callbacks never run Lua: they push into an inbox, which readies the task that waits there. The scheduler runs ready
 * tasks from the loop's work hook. */
#ifndef OFFHOOK_BINDINGS_TASK_H
#define OFFHOOK_BINDINGS_TASK_H

#include "core/loop.h"

#include <lua.h>

struct object;
struct shard;
struct task;
struct msg;
struct iteration;

/* --- inboxes --- */

enum item_kind {
	ITEM_MESSAGE,  /* p: struct msg */
	ITEM_OBJECT,   /* ref: a userdata in the registry */
	ITEM_EVENT,    /* text alone */
	ITEM_END,      /* nothing will come any more: gives "ended" */
};

struct item {
	enum item_kind kind;
	struct msg *msg;   /* owned */
	int ref;           /* owned, LUA_NOREF if none */
	char *text;        /* owned (mem), may be NULL: an event's name, or why a challenge was not answered */
};

#define INBOX_LIMIT 4096

struct inbox {
	struct item *items; /* a ring of `cap` */
	unsigned cap, head, count;
	unsigned lost;      /* past INBOX_LIMIT */
	bool closed;        /* once it is empty: an end for all who wait, now and later */
	struct task *waiters, **waiters_tail;
};

/* Takes over the item's references. */
void inbox_push(struct shard *sh, struct inbox *box, struct item item);
void inbox_push_msg(struct shard *sh, struct inbox *box, struct msg *m, const char *text);
void inbox_push_event(struct shard *sh, struct inbox *box, const char *text);
/* Nothing will come any more: see ITEM_END. */
void inbox_close(struct inbox *box);
/* False when empty and not closed. The caller owns what the item refers to. */
bool inbox_pop(struct inbox *box, struct item *out);
void inbox_free(struct shard *sh, struct inbox *box);

/* --- tasks --- */

enum task_kind {
	TASK_MAIN,
	TASK_SPAWN, /* joined at the end */
	TASK_SERVE, /* cancelled at the end */
	TASK_ITERATION, /* of a load: its end is told to sched.task_done, which alone decides what its failure means */
};

struct task {
	struct task *next;        /* all tasks of the shard, in the order they were made */
	struct task *next_ready;
	struct task *next_waiter;
	struct shard *sh;
	lua_State *L;
	int ref;                  /* anchors L */
	enum task_kind kind;
	char name[48];
	bool ready, running, done, failed;
	bool cancel;              /* raise at the next or present wait */
	bool cleaning;            /* cancelled once: waits of <close> handlers end at `limit` */
	uint64_t limit;           /* no wait outlasts it; UINT64_MAX: none */
	struct inbox *waits_on;
	bool waiting, timed_out;
	lua_State *waits_in;      /* while it waits: its own thread, or a coroutine of the script's */
	struct tmr deadline;
	struct inbox ended;       /* closed when it is done */
	struct object *box;       /* the script's handle on it, NULL when it has none (any more) */
	struct iteration *iteration; /* of a load, to which it belongs; counted */
	uint64_t since;           /* script time of what it last waited for: what it does now was due then */
};

enum sched_phase {
	SCHED_RUNNING,
	SCHED_ENDING,  /* the test and what it spawned are cancelled; who serves goes on, for their <close> handlers */
	SCHED_CLOSING, /* all are cancelled */
};

struct sched {
	enum sched_phase phase;
	struct task *tasks, **tasks_tail;
	struct task *ready, **ready_tail;
	struct task *current;
	unsigned alive;
	uint64_t guard;           /* real time, ns, at which a script that does not wait is stopped */
	bool stopped;             /* the task under way was stopped: so are the coroutines it stands in */
	double guard_seconds;     /* the limit for each run of a task */
	void (*task_done)(struct shard *sh, struct task *task); /* its error, if failed, is on top of its stack */
};

void sched_init(struct shard *sh);
/* A task around the function on top of L's stack (popped), ready to run. NULL for want of memory. */
struct task *task_new(struct shard *sh, lua_State *L, enum task_kind kind, const char *name);
/* Raises "cancelled" inside its present or next wait. */
void task_cancel(struct task *task);
/* Cancels the test and what it spawned, and when these are done the tasks that serve; to be called again when a task is done. */
void sched_end(struct shard *sh);
/* The loop's work hook. */
void sched_work(void *arg);
void sched_free(struct shard *sh);
/* Frees tasks that are done and that nobody holds. */
void sched_reap(struct shard *sh);
/* From now on a script that does not wait is stopped after guard_seconds. */
void sched_guard_begin(struct shard *sh);

/* Waits until `box` (NULL: never) holds an item or `due` (script time, ns) has come. To be called as the last thing of a C function:
 * `return task_wait(...)`. Leaves on the stack what `give(L, item)` pushes, or nil and "timeout". Raises when cancelled, or where
 * Lua cannot yield. */
int task_wait(lua_State *L, struct inbox *box, uint64_t due);
/* The task that runs L, raising outside of any. */
struct task *task_current(lua_State *L);

/* "FILE:LINE" of the innermost frame of the script's own, not the library's; if there is none, the one in the library (or "?") and false. */
bool task_where(lua_State *L, char *buf, size_t size);

/* Raises "FILE:LINE: text" with the place in the script, where luaL_error would name the library's line. As lua_pushfstring. */
int script_error(lua_State *L, const char *fmt, ...);

/* coroutine.*: a script's own coroutines, inside which an engine wait works. [-0, +0], sets the global. */
void task_open_coroutine(lua_State *L);
/* The hook that stops a script which never waits; set on a new state. */
void task_set_guard(lua_State *L);
/* The error value of a cancelled task. */
extern const char task_cancelled;

#endif
