#ifndef OFFHOOK_CLI_LOAD_H
#define OFFHOOK_CLI_LOAD_H

/* `offhook load`. `argv` begins behind the command's name. Returns the exit code. */
int load_command(const char *program, int argc, char **argv);

#endif
