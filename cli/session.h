/* One `offhook run`: what was asked for, what is to be run, and where results go. */
#ifndef OFFHOOK_CLI_SESSION_H
#define OFFHOOK_CLI_SESSION_H

#include "cli/options.h"
#include "cli/outcome.h"
#include "cli/output.h"
#include "cli/suite.h"
#include "cli/target.h"

struct job {
	const struct suite_file *file;
	const struct suite_test *test;
	unsigned index;      /* of the test in its file */
	unsigned repetition; /* from 0 */
};

enum job_state {
	JOB_WAITING,
	JOB_RUNNING,
	JOB_DONE,
};

struct tally {
	unsigned passed, failed, skipped, interrupted, in_error, not_run, broken;
	unsigned environment; /* of those in error */
	double seconds;
};

struct session {
	const struct options *options;
	struct suite suite;
	struct shard_cfg cfg;    /* of every test, but for path, seed and tap */
	struct job *jobs;
	unsigned job_count;
	char target[TARGET_MAX]; /* as a URI, "" without one */
	char dir[4096];          /* of this run; "" when no capture is to be written */
	char run_id[9];
	struct output output;
	struct tally tally;
};

/* Runs one test in a shard of its own and writes its capture. */
void run_test(struct outcome *out, const struct session *s, const struct job *job);

/* Runs all jobs, options->jobs at a time, each in a process of its own, so that one that dies or never ends is a failure of its
 * own; reports them in the order of the list. */
struct report_list;
void workers_run(struct session *s, struct report_list *reports);

/* The command. `argv` begins behind its name. Returns the exit code. */
int run_command(const char *program, int argc, char **argv);

/* The directory of the run, made: --out, or runs/TIME with runs/latest pointing to it. ERR_ENV. */
int rundir_make(char *dir, size_t size, const char *wanted, struct err *e);
/* The directory and all above it. ERR_ENV. */
int rundir_mkdir_p(const char *path, struct err *e);

#endif
