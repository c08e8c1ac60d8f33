/* Where results go: the stdout that we were given, and what is known of the terminal behind it. */
#ifndef OFFHOOK_CLI_OUTPUT_H
#define OFFHOOK_CLI_OUTPUT_H

#include "core/err.h"

#include <stdbool.h>
#include <stdio.h>

enum exit_code {
	EXIT_PASSED = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
	EXIT_ENVIRONMENT = 3,
	EXIT_THRESHOLD = 99, /* of a load */
};

struct output {
	FILE *out;      /* results; what scripts print goes to stderr */
	unsigned width; /* of the terminal, in cells */
	bool terminal, colour, ascii;
};

/* From here on stdout leads to stderr: what a script prints is no result, and must not get between lines of JSON. ERR_ENV. */
int output_open(struct output *o, bool no_colour, struct err *e);
/* The end of a command: says `e` on stderr where `err` is not 0, closes the output and says if results were lost. The exit code: `code`, unless
 * one of these is the matter. */
enum exit_code output_end(struct output *o, enum exit_code code, int err, const struct err *e);

#endif
