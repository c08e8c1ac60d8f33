/* What the files of the scheduler share. Private to task.c, inbox.c and coroutine.c. */
#ifndef OFFHOOK_BINDINGS_TASK_PRIV_H
#define OFFHOOK_BINDINGS_TASK_PRIV_H

#include "bindings/object.h"
#include "bindings/shard.h"

/* What an engine wait yields, through every coroutine of the script's own. */
extern const char task_wait_marker;

/* To the end of the run queue, unless it is there or done. */
void task_ready(struct task *task);
/* Leaves its inbox and disarms its deadline. */
void task_stop_waiting(struct task *task);
/* Whether `co` is suspended in an engine wait, and the end of that wait before it is resumed. */
bool task_is_waiting(lua_State *co);
bool task_end_wait(lua_State *co);
/* From here on every instruction of this thread raises, so that a pcall of the script's own cannot go on. */
void task_stop(lua_State *L);
/* The inbox of a task that is to wait there, made if need be; NULL for want of memory. */
struct inbox *inbox_join(struct object *o, unsigned index, struct task *task);
void inbox_leave(struct task *task);

#endif
