/* One shard of a load run: arrivals become iterations, each a task of a virtual user; calls that come in become iterations of what the
 * script serves.
 *
 * An arrival takes a virtual user that is idle, or makes a new one: a virtual user never runs two iterations at a time. An arrival that finds as
 * many iterations under way as are allowed is dropped, never delayed. An iteration ends in exactly one of done, failed, interrupted.
 *
 * The order of things: load_attach(), load_set_up() until LOAD_READY, load_start(), load_stop() until LOAD_IDLE (or load_cut()),
 * load_tear_down() until LOAD_OVER, load_detach(). The loop runs in between; `changed` is called at each new phase, from within the loop. */
#ifndef OFFHOOK_BINDINGS_LOAD_H
#define OFFHOOK_BINDINGS_LOAD_H

#include "bindings/shard.h"
#include "load/arrivals.h"
#include "load/numbers.h"

struct load;
struct task;

/* What a script says in sip.load or sip.serve; strings live as long as the shard. */
struct load_declared {
	const char *name;
	bool serves;            /* sip.serve */
	bool test;              /* a sip.test, run under load as it is */
	double rate, ramp, duration, timeout; /* 0: not said */
	const char *arrivals, *ramp_text;     /* NULL: not said; `ramp = "A:B:T"` */
	uint64_t users, calls, max_live;      /* 0: not said */
};
/* The i-th (from 0) of those the script declared, in its order; false behind the last. */
bool load_declared(struct shard *sh, unsigned i, struct load_declared *out);
/* Its n-th threshold, a text for threshold_parse(); NULL behind the last. */
const char *load_declared_threshold(struct shard *sh, unsigned i, unsigned n);

/* What one shard is to do. */
struct load_plan {
	int caller;             /* which of load_declared() has arrivals; -1: none, it serves alone */
	bool calls_itself;      /* some shard of the run has arrivals, whose iterations may call what is served here */
	struct arrivals_cfg arrivals; /* with this shard's part */
	unsigned users;         /* closed model: so many virtual users, one iteration after the other; 0: arrivals */
	unsigned max_live;      /* iterations at a time, incoming calls and own ones each */
	double timeout;         /* seconds for an iteration; 0: none */
};

enum load_phase {
	LOAD_NEW,
	LOAD_SETTING_UP,
	LOAD_READY,       /* setup functions are done, actors live */
	LOAD_RUNNING,
	LOAD_DRAINING,    /* no more arrivals; iterations go on to their ends */
	LOAD_IDLE,        /* none is left */
	LOAD_TEARING_DOWN,
	LOAD_OVER,
};

typedef void(load_changed_h)(struct load *load, enum load_phase phase, void *arg);

/* `numbers` and `plan` must outlive it. Free with load_detach() before the shard. */
int load_attach(struct load **lp, struct shard *sh, const struct load_plan *plan, struct load_numbers *numbers, load_changed_h *changed,
		void *arg, struct err *e);
void load_detach(struct load *load);
/* Its arrivals go to the first of those that has room; before load_start(). The list is not copied. */
void load_share(struct load *load, struct load *const *among, unsigned count);
/* Runs the script's setup and begins to serve. */
void load_set_up(struct load *load);
/* The first arrival is due at the script time `start` or behind. */
void load_start(struct load *load, uint64_t start);
/* No more arrivals; LOAD_IDLE follows when the last iteration ended, at once if there is none. */
void load_stop(struct load *load);
/* Interrupts the iterations that are left, or a setup that is under way. */
void load_cut(struct load *load);
/* Runs the script's teardown; whatever that does, LOAD_OVER follows. */
void load_tear_down(struct load *load);
/* Why setup or teardown failed, or a task that they left running; "" when nothing did. */
const char *load_trouble(const struct load *load);
/* ERR_ENV: the environment's (an address that is not local, a name that does not resolve), else ERR_ARG: the script's. */
enum err_code load_trouble_code(const struct load *load);
enum load_phase load_phase(const struct load *load);
/* Whether all arrivals were given. */
bool load_exhausted(const struct load *load);

/* --- for the libraries --- */
/* When what the running task does was due: a wait that ended late does not move it. */
uint64_t load_task_due(const struct shard *sh);
/* A call or a request that the running task makes is its iteration's: whatever becomes of that, they end with it, and expire. */
struct object;
void load_made(struct object *o);
/* A new task: one that an iteration spawns belongs to it. */
void load_task_made(struct shard *sh, struct task *task);
/* Calls to the UA of box `o` are iterations from now on. Pops the UA's userdata and the function that takes a call. ERR_NOMEM [-2] */
int load_serve(lua_State *L, struct object *o);
/* Where the shard counts; NULL in a test. */
struct load_numbers *load_numbers_of(const struct shard *sh);
void lib_load_open(lua_State *L);

#endif
