/* Names of captures: readable, unique, and the same whichever tests are selected and in whatever order they run. */
#ifndef OFFHOOK_CLI_SLUG_H
#define OFFHOOK_CLI_SLUG_H

#include "cli/suite.h"

/* Gives each test of the file its slug. Non-zero: out of memory. */
int slug_tests(struct suite_file *f);
/* Gives each file its stem: its own name, and where two share it, their directories in front. Non-zero: out of memory. */
int slug_files(struct suite *s);

#endif
