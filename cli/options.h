/* The command lines of `offhook run` and `offhook load`. One table gives the parser and the help. */
#ifndef OFFHOOK_CLI_OPTIONS_H
#define OFFHOOK_CLI_OPTIONS_H

#include "bindings/shard.h"
#include "load/arrivals.h"

#include <stdio.h>

enum options_record {
	RECORD_ALL,
	RECORD_FAILED,
	RECORD_OFF,
};

enum options_format {
	FORMAT_HUMAN,
	FORMAT_JSON,
	FORMAT_TAP,
};

enum options_command {
	COMMAND_RUN = 1 << 0,
	COMMAND_LOAD = 1 << 1,
};

/* Of `offhook load`; 0 or NULL: not given. */
struct load_options {
	const char *rate, *arrivals, *ramp; /* as given; each one made a schedule */
	struct arrivals_cfg schedule;
	const char **thresholds;
	unsigned threshold_count;
	const char *listen;
	double duration, drain; /* drain < 0: not given */
	uint64_t calls;
	unsigned users, workers, max_live, shards;
};

struct options {
	const char *program; /* as it was called, for the line that says how to repeat a test */
	const char **files;
	unsigned file_count;
	const char **patterns; /* -k */
	unsigned pattern_count;
	struct shard_setting *settings; /* --set; names are owned */
	unsigned setting_count;
	const char *target; /* as given, or NULL */
	const char *network; /* as given, or NULL */
	const char *out, *junit;
	struct net_faults faults;
	uint64_t seed;
	double timer_scale, timeout; /* 0: not given */
	unsigned repeat, jobs;       /* at least 1 */
	enum options_record record;
	enum options_format format;
	struct load_options load;
	bool record_given;
	bool help, list, virtual_clock, seed_given, ladder, unsafe, strict, v6, no_colour;
};

/* `argv` begins behind the command's name and must outlive `o`. ERR_ARG with what to do about it. Free with
 * options_free() in any case. */
int options_parse(struct options *o, enum options_command command, int argc, char **argv, struct err *e);
void options_free(struct options *o);
/* The table of options, two spaces in. */
void options_help(FILE *f, enum options_command command);

#endif
