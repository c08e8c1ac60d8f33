/* A worker of a load run: a loop, its sockets, and several shards. A thread of its own on real sockets; on the virtual clock the main one. */
#ifndef OFFHOOK_CLI_LOAD_WORKER_H
#define OFFHOOK_CLI_LOAD_WORKER_H

#include "bindings/load.h"
#include "cli/load_post.h"
#include "load/feeder.h"

#include <stdatomic.h>

/* What all workers are told; they look every few milliseconds. */
enum load_order {
	LOAD_PREPARE, /* set up, then wait */
	LOAD_GO,
	LOAD_FINISH,  /* no more arrivals; what is under way may end */
	LOAD_ABORT,   /* interrupt what is under way */
};

struct load_worker;

struct load_run {
	struct shard_cfg shard;     /* of every shard but for its share */
	struct load_plan plan;      /* of the whole run */
	struct addr local;          /* where the first worker lives; family 0: chosen */
	bool fixed_port;            /* that of `local` is the user's */
	struct load_post *post;     /* with several workers that answer calls at `local`: each gets its share; NULL: `local` is the first one's */
	_Atomic(int) front;         /* the socket there, once the first worker has it; -1: not yet, -2: it cannot */
	unsigned workers, shards;   /* shards of each worker */
	double duration;            /* of a run without arrivals of its own; 0: until told */
	double drain;               /* seconds that iterations may take after the last arrival */
	const char *capture;        /* path without ".pcapng"; NULL: nothing is recorded */
	_Atomic(int) order;         /* enum load_order */
	atomic_uint ready;          /* workers that are set up */
};

/* Where a worker stands, for the main thread. */
struct load_worker_state {
	bool over;
	char trouble[500];          /* "" or why it cannot go on, or what a setup or teardown raised */
	enum err_code code;         /* of that */
	bool draining;
};

/* ERR_NOMEM, ERR_ENV */
int load_worker_start(struct load_worker **wp, struct load_run *run, unsigned number, struct err *e);
/* On the virtual clock: runs it to its end; `second` is called each second of script time, as `arg` wants. */
typedef void(load_second_h)(double seconds, void *arg);
void load_worker_run(struct load_worker *w, load_second_h *second, void *arg);
/* Adds what was counted since the last call to `into`. */
void load_worker_take(struct load_worker *w, struct load_numbers *into);
void load_worker_look(struct load_worker *w, struct load_worker_state *out);
/* Waits for its thread, which writes its capture last; NULL is allowed. Its numbers and its state can be asked for until it is freed. */
void load_worker_join(struct load_worker *w);
/* After its end. Always returns NULL. */
struct load_worker *load_worker_free(struct load_worker *w);

#endif
