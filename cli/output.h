/* Where results go: the stdout that we were given, and what is known of the terminal behind it. */
#ifndef OFFHOOK_CLI_OUTPUT_H
#define OFFHOOK_CLI_OUTPUT_H

#include "core/err.h"

#include <stdbool.h>
#include <stdio.h>

struct output {
	FILE *out;      /* results; what scripts print goes to stderr */
	unsigned width; /* of the terminal, in cells */
	bool terminal, colour, ascii;
};

/* From here on stdout leads to stderr: what a script prints is no result, and must not get between lines of JSON. ERR_ENV. */
int output_open(struct output *o, bool no_colour, struct err *e);
/* Says on stderr if results were lost; false then. */
bool output_close(struct output *o);

#endif
