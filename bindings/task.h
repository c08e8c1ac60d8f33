/* Tasks: coroutines that wait. One wait primitive, bounded inboxes, a first-in first-out run queue. A load has thousands of them in one
 * shard: nothing here walks them all but the end of the test.
 *
 * Engine callbacks never run Lua: they push into an inbox, which readies the task that waits there. The scheduler runs ready
 * tasks from the loop's work hook. */
#ifndef OFFHOOK_BINDINGS_TASK_H
#define OFFHOOK_BINDINGS_TASK_H

#include "core/loop.h"

#include <lua.h>
#include <time.h>

struct object;
struct shard;
struct task;
struct msg;
struct iteration;

/* --- inboxes: of an object, by the index of their name; there is memory for one only while something lies or waits in it --- */

enum item_kind {
	ITEM_MESSAGE, /* p: struct msg, counted */
	ITEM_REST,    /* p: what msg_rest() kept, counted: a message that lay there for long; whoever takes it gets the message */
	ITEM_OBJECT,  /* p: struct object, anchored by itself */
	ITEM_EVENT,   /* text alone */
};

/* A block of mem.h. */
struct item {
	struct item *next;
	enum item_kind kind;
	void *p;
	char *text;   /* owned (mem), may be NULL: an event's name, or why a challenge was not answered */
};

#define INBOX_LIMIT 4096

struct inbox {
	struct inbox *next;    /* of the same object */
	struct item *first, *last;
	struct task *waiters;  /* in the order they came; before the first stands the last */
	unsigned lost;         /* past INBOX_LIMIT */
	uint16_t count;
	uint8_t index;
};

/* NULL when nothing lies or waits in it. */
struct inbox *inbox_find(const struct object *o, unsigned index);
void inbox_push_msg(struct object *o, unsigned index, struct msg *m, const char *text);
void inbox_push_object(struct object *o, unsigned index, struct object *item);
void inbox_push_event(struct object *o, unsigned index, const char *text);
/* Nothing will come any more: once it is empty, an end for all who wait, now and later. */
void inbox_close(struct object *o, unsigned index);
bool inbox_closed(const struct object *o, unsigned index);
/* The message that an item is; NULL: it is none, or there was no memory. No reference. */
struct msg *item_message(struct item *it);
/* What lies there takes less memory from here on. */
struct kept_models;
void inbox_rest(struct object *o, struct kept_models *models);
/* Takes the next item: to be freed with mem_deref(). NULL: it is empty. */
struct item *inbox_take(struct object *o, unsigned index);
/* All of an object's: items are dropped, tasks stay where they wait, for nothing. */
void inbox_free_all(struct object *o);

/* --- tasks --- */

enum task_kind {
	TASK_MAIN,
	TASK_SPAWN,     /* joined at the end */
	TASK_SERVE,     /* cancelled at the end */
	TASK_ITERATION, /* of a load: its end is told to sched.task_done, which alone decides what its failure means */
};

/* A block of mem.h. */
struct task {
	struct task *next, **prev; /* all tasks of the shard, in the order they were made */
	struct task *next_ready;
	struct task *next_waiter, *prev_waiter;
	struct shard *sh;
	lua_State *L;             /* NULL once it is done */
	lua_State *waits_in;      /* while it waits: its own thread, or a coroutine of the script's */
	struct object *waits_at;  /* NULL: it only sleeps */
	struct inbox *waits_on;
	struct object *box;       /* the script's handle on it, NULL when it has none (any more) */
	struct iteration *iteration; /* of a load, to which it belongs; counted */
	struct tmr deadline;
	uint64_t since;           /* script time of what it last waited for: what it does now was due then */
	uint64_t limit;           /* no wait outlasts it; UINT64_MAX: none */
	int ref;                  /* anchors L */
	unsigned kind : 8;        /* enum task_kind */
	bool ready : 1, done : 1, failed : 1;
	bool cancel : 1;          /* raise at the next or present wait */
	bool cleaning : 1;        /* cancelled once: waits of <close> handlers end at `limit` */
	bool waiting : 1, timed_out : 1;
	bool known : 1;           /* the script got hold of its thread, which is then no other task's */
	char own_name[];          /* but of an iteration's, which are all alike: see task_name() */
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
	unsigned alive, serving;  /* tasks that are not done; those of them that serve */
	struct thread {
		lua_State *L;
		int ref;
	} *idle;                  /* threads of tasks that are done, for the next ones */
	unsigned idle_count;
	size_t charged;           /* since the collector was told of it */
	enum { COLLECTS_NOT_CHOSEN, COLLECTS_YOUNG, COLLECTS_INCREMENTALLY } collects;
	double guard_seconds;     /* the limit for each run of a task, from one wait to the next: see guard.c */
	lua_State *volatile running; /* whose instructions are run now; NULL: none are */
	volatile enum { STOP_NOT, STOP_LIMIT, STOP_INTERRUPTED, STOP_GUARD } stop; /* of the run under way: why each instruction raises */
	char stopped_at[300];     /* "FILE:LINE: " */
	volatile unsigned runs;   /* so far */
	unsigned seen_run;        /* the one under way at the last tick, and since when */
	uint64_t seen_at;
	timer_t ticks;
	bool guarded, has_ticks;
	void (*task_done)(struct shard *sh, struct task *task); /* its error, if failed, is on top of its stack */
};

void sched_init(struct shard *sh);
/* A task around the function on top of L's stack (popped), ready to run. NULL for want of memory. */
struct task *task_new(struct shard *sh, lua_State *L, enum task_kind kind, const char *name);
const char *task_name(const struct task *task);
/* Raises "cancelled" inside its present or next wait. */
void task_cancel(struct task *task);
/* Cancels the test and what it spawned, and when these are done the tasks that serve; to be called again when a task is done. */
void sched_end(struct shard *sh);
/* How garbage is collected, in a test or under load, where that depends on how many tasks there are. */
void sched_choose_collector(struct shard *sh);
/* So much memory of the engine's is freed when an object that is made now is collected. */
void sched_charge(struct sched *s, lua_State *L, size_t bytes);
/* A small step of the collector's, without need. True: it ended a cycle. */
bool sched_collect(struct sched *s, lua_State *L);
/* The loop's work hook. */
void sched_work(void *arg);
void sched_free(struct shard *sh);
/* The script's handle on it is gone. */
void task_forget_box(struct task *task);
/* From here to the stop a script that does not wait is stopped after guard_seconds of one run. In the thread that runs it; sched_work()
 * does it by itself, and sched_free() ends it. */
void sched_guard_start(struct shard *sh);
void sched_guard_stop(struct shard *sh);
/* A run begins: `L` runs instructions until sched.running is cleared. */
void sched_run_begins(struct shard *sh, lua_State *L);

enum wake {
	WAKE_ITEM,
	WAKE_ENDED, /* the inbox is closed, and empty */
	WAKE_TIMEOUT,
};
/* What becomes of a wait: owns `it`, and returns its number of results as a C function does, or waits again. The stack is as it was when
 * the wait began. */
typedef int(task_wake_h)(lua_State *L, enum wake wake, struct item *it);

/* Waits until an inbox of `o` (NULL: never) holds an item or `due` (script time, ns) has come. To be called as the last thing of a C
 * function: `return task_wait(...)`. Raises when cancelled, or where Lua cannot yield. */
int task_wait(lua_State *L, struct object *o, unsigned index, uint64_t due, task_wake_h *h);
/* For task_wait: the item and its text, true and "ended", or nil and "timeout". */
int task_give(lua_State *L, enum wake wake, struct item *it);
/* The task that runs L, raising outside of any. */
struct task *task_current(lua_State *L);

/* "FILE:LINE" of the innermost frame of the script's own, not the library's; if there is none, the one in the library (or "?") and false.
 * `size` is 40 or more; what does not fit of FILE is left out. */
bool task_where(lua_State *L, char *buf, size_t size);

/* Raises "FILE:LINE: text" with the place in the script, where luaL_error would name the library's line. As lua_pushfstring. */
int script_error(lua_State *L, const char *fmt, ...);

/* coroutine.*: a script's own coroutines, inside which an engine wait works. [-0, +0], sets the global. */
void task_open_coroutine(lua_State *L);
/* The error value of a cancelled task. */
extern const char task_cancelled;

#endif
