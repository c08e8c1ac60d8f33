/* The scripts that were named, and their tests. */
#ifndef OFFHOOK_CLI_SUITE_H
#define OFFHOOK_CLI_SUITE_H

#include "bindings/shard.h"

enum { SYMPTOM_TITLE, SYMPTOM_SEEN, SYMPTOM_CAUSE, SYMPTOM_REMEDY, SYMPTOM_FIELDS };

struct suite_test {
	char *name;
	double timeout; /* seconds, as the script says; 0: it does not */
	char *slug;    /* of its capture; unique in its file whatever is selected */
	bool selected; /* by -k */
};

struct suite_file {
	char *path;
	char *stem;   /* the directory of its captures, unique in the suite */
	char *broken; /* why it does not load, with FILE:LINE; or NULL */
	char *symptom[SYMPTOM_FIELDS]; /* title NULL: it declares none */
	struct suite_test *tests;
	unsigned test_count;
	bool named; /* on the command line, not found in a directory */
};

struct suite {
	struct suite_file *files;
	unsigned file_count, file_room;
};

/* Finds the .lua files in directories (sorted; not those that begin with "_" or "."), loads each once for its tests. `cfg` is that
 * of the tests, without a path. ERR_ARG: a path cannot be read. A script that does not load is no error here. */
int suite_collect(struct suite *s, const char *const *paths, unsigned count, const struct shard_cfg *cfg, struct err *e);
/* Selects the tests that hold one of the patterns in "file: test"; all of them without a pattern. How many that are. */
unsigned suite_select(struct suite *s, const char *const *patterns, unsigned count);
void suite_free(struct suite *s);

#endif
