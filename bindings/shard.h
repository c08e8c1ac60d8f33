/* A shard: one lua_State with its tasks, its loop and its network; what runs one script, once. */
#ifndef OFFHOOK_BINDINGS_SHARD_H
#define OFFHOOK_BINDINGS_SHARD_H

#include "bindings/task.h"
#include "core/buf.h"
#include "core/rnd.h"
#include "net/net.h"

#include <signal.h>
#include <sys/queue.h>

/* Set by a signal handler: every run ends soon, in order. */
extern volatile sig_atomic_t shard_interrupted;

struct shard_setting {
	const char *name, *value;
};

struct feeders;

struct shard_cfg {
	const char *path;           /* of the script */
	bool virtual_clock;
	double timer_scale;
	uint64_t seed;
	const char *run_id;         /* part of identifiers on real sockets; NULL or "" */
	const char *target;         /* SIP URI, or NULL */
	bool v6;                    /* actors get IPv6 addresses unless they say otherwise */
	double timeout;             /* seconds for a test; 0: 60, or what the test says */
	bool unsafe;
	const struct shard_setting *settings; /* t.env */
	unsigned setting_count;
	const struct tap *tap;      /* NULL: nothing is recorded */
	const struct net_faults *faults; /* of every link; NULL: none */
	bool strict;                /* unread messages fail a test */
	const struct shard_share *share; /* NULL: a loop and a network of its own */
	struct feeders *feeders;    /* of all shards of a run; NULL: its own */
};

/* What the shards of a worker share, under load. */
struct shard_share {
	struct loop *loop;          /* its work hook is the worker's, to call sched_work() of each */
	struct net *net;
	unsigned number, count;     /* of the shard, from 0 on, among all of the run */
	struct scope_table *scopes;
	/* Where the n-th endpoint of a context (a virtual user, a test) lives that does not say otherwise, so that actors of one have an address
	 * each; no reference. NULL with the error. */
	struct switchboard *(*home)(void *arg, unsigned n, const char *name, struct err *e);
	void *arg;
};

struct load;

LIST_HEAD(objects, object);
TAILQ_HEAD(object_checks, object);

struct shard {
	struct shard_cfg cfg;
	lua_State *L;
	struct sched sched;
	struct loop *loop;
	struct net *net;
	const char *test;           /* the name, once one is chosen */
	struct stream {
		struct stream *next;
		char name[32];
		struct rnd rnd;
	} *streams;
	int classes[16];            /* registry references of the metatables of objects, by kind, and of messages */
	const void *message_class;
	struct objects objects;     /* all that are alive and stand on no endpoint */
	struct object_checks checks; /* what may be over, in the order in which to look; see object_new() */
	bool closing;               /* all of them, or all of an endpoint, are being closed */
	unsigned unread_kept;       /* of those that are over: kept as the end of the test tells what nobody read in them */
	int failure;                /* registry reference of the first failure, LUA_NOREF */
	char failed_task[48];
	char waiting[2048];         /* where every other task waited when it failed */
	struct buf output;          /* of print */
	bool timed_out;
	struct tmr time_limit, hard_stop;
	uint32_t seen;              /* messages that watches saw in a run without a recording */
	struct load *load;          /* that it runs; NULL in a test */
	struct feeders *own_feeders; /* where cfg gives none */
};

/* The random stream of that purpose, derived from the seed and the test. */
struct rnd *shard_stream(struct shard *sh, const char *purpose);
/* Async-signal-safe: the run under way, if any, ends soon and in order. */
void shard_interrupt(void);

/* What one test was. Strings live until shard_free(). */
struct shard_test {
	const char *name;
	double timeout;
	bool strict;
};

enum shard_verdict {
	SHARD_PASSED,
	SHARD_FAILED,
	SHARD_TIMEOUT,
	SHARD_SKIPPED,
	SHARD_INTERRUPTED,
	SHARD_USAGE,       /* the script is at fault: exit 2 */
	SHARD_ENVIRONMENT, /* cannot bind, resolve or reach: exit 3 */
};
const char *shard_verdict_name(enum shard_verdict v);

struct shard_result {
	enum shard_verdict verdict;
	double seconds;             /* script time */
	struct buf text;            /* what failed, for people; several lines */
	struct buf notes;           /* what is worth knowing though it passed: unread messages, overflows */
	struct buf output;          /* what the script printed */
	uint32_t frame;             /* the tap's id of the frame where it failed, 0 */
	char where[256];            /* FILE:LINE */
};
void shard_result_free(struct shard_result *r);

/* Loads the script and collects its tests and loads. ERR_ARG: it does not load, the text has FILE:LINE. Free with shard_free(). */
int shard_load(struct shard **shp, const struct shard_cfg *cfg, struct err *e);
void shard_free(struct shard *sh);
unsigned shard_test_count(struct shard *sh);
bool shard_test(struct shard *sh, unsigned i, struct shard_test *out);
/* A field of the table the script gave to sip.symptom, or NULL: "title", "seen", "cause", "remedy". */
const char *shard_symptom(struct shard *sh, const char *field);
/* Runs one test; a shard runs one test in its life. */
int shard_run(struct shard *sh, unsigned i, struct shard_result *out, struct err *e);

#endif
