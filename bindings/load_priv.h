/* What the files of a load share. Private to load.c and load_iteration.c. */
#ifndef OFFHOOK_BINDINGS_LOAD_PRIV_H
#define OFFHOOK_BINDINGS_LOAD_PRIV_H

#include "bindings/load.h"
#include "bindings/object.h"

#define NO_VU UINT32_MAX

struct vu {
	int context;   /* registry reference of what a script calls `vu` */
	uint32_t next; /* among the idle ones */
};

/* What sip.serve said: calls to `ua` are iterations of `body`. */
struct serving {
	struct serving *next;
	struct load *load;
	int ua;   /* registry references: the box of the UA, which it keeps, */
	int body; /* and the function that begins with a call */
};

/* Each of its tasks holds it. */
struct iteration {
	struct load *load;
	struct task *task; /* the first one; NULL when that is done */
	uint64_t due;
	struct objects made;  /* boxes: calls and requests it made or answers, as far as they are not let go */
	TAILQ_ENTRY(iteration) by_age;
	uint32_t vu;      /* NO_VU: of a call that came in */
	uint32_t looked;  /* script time in ms: when it made a call, or was looked at last */
	unsigned others;  /* tasks that it spawned and that are not done */
	uint8_t looks;
	bool ages;        /* it stands in `by_age` */
	bool failed;
	bool limited;
	struct tmr limit[];   /* its time limit, if it has one */
};

struct load {
	struct shard *sh;
	const struct load_plan *plan;
	struct load_numbers *numbers;
	load_changed_h *changed;
	void *arg;
	struct load *const *among; /* the shards of this worker, itself included, by which arrivals are shared out */
	unsigned among_count;
	enum load_phase phase;
	struct task *manager;  /* that runs setup or teardown */
	struct arrivals arrivals;
	uint64_t start, due;   /* script time, of the run and of the next arrival */
	bool exhausted;
	struct tmr timer;
	TAILQ_HEAD(, iteration) by_age; /* those whose calls are not at rest, by `looked` */
	struct tmr look;
	unsigned tidied;       /* cycles that the collector ended since the last of them */
	int iteration;         /* registry reference of the function that begins one, of whichever virtual user; LUA_NOREF before the first */
	struct vu *vus;
	uint32_t vu_count, vu_room, idle;
	uint64_t iterations;
	unsigned live, served; /* own iterations, and calls that came in, under way */
	struct serving *serving;
	char trouble[400];
	bool environment;      /* the trouble's kind */
};

/* An error value in words: kind, where and the first line of its text. */
struct load_told {
	char kind[24], where[104], text[240];
};
/* Of the one on top of L. */
void load_tell_error(lua_State *L, struct load_told *t);

/* One around the function on top of the stack, and its argument below that (popped); NULL for want of memory, then it is counted as failed. */
struct iteration *load_iteration_begin(struct load *load, uint64_t due, uint32_t vu);
/* It made that, or answers it. */
void load_iteration_take(struct iteration *it, struct object *o);
/* A task of it is done. */
void load_iteration_task_done(struct iteration *it, struct task *task);
/* The virtual user of an iteration that ended begins its next one soon. */
void load_next_of_user(struct load *load);
void load_look_for_idle(struct load *load);

#endif
