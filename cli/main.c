/* The program: which command? */
#include "core/nearest.h"
#include "cli/load.h"
#include "cli/session.h"

#include <string.h>

static const struct command {
	const char *name;
	int (*run)(const char *program, int argc, char **argv);
	const char *usage, *help;
} commands[] = {
	{"run", run_command, "run [options] FILE|DIR...", "run the tests of Lua scenarios"},
	{"load", load_command, "load [options] FILE", "run one again and again, as a load"},
};
#define COMMANDS (sizeof(commands) / sizeof(*commands))

static void put_help(FILE *f)
{
	fputs("offhook " OFFHOOK_VERSION ": SIP scenarios in Lua\n\n", f);
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(f, "  offhook %-28s %s\n", commands[i].usage, commands[i].help);
	fputs("\n`offhook COMMAND --help` lists its options; `offhook --version` tells the version. docs/guide.md is the way in.\n", f);
}

static int no_such_command(const char *given)
{
	const char *names[COMMANDS], *meant;

	for (size_t i = 0; i < COMMANDS; i++)
		names[i] = commands[i].name;
	meant = nearest(given, names, COMMANDS);
	if (strchr(given, '/') || strchr(given, '.')) /* a script */
		fprintf(stderr, "offhook: no command \"%s\": did you mean `offhook run %s`?\n", given, given);
	else if (meant)
		fprintf(stderr, "offhook: no command \"%s\": did you mean `offhook %s`?\n", given, meant);
	else
		fprintf(stderr, "offhook: no command \"%s\": `offhook --help` lists them\n", given);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		put_help(stderr);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
		put_help(stdout);
		return EXIT_PASSED;
	}
	if (!strcmp(argv[1], "--version")) {
		puts("offhook " OFFHOOK_VERSION);
		return EXIT_PASSED;
	}
	for (size_t i = 0; i < COMMANDS; i++)
		if (!strcmp(argv[1], commands[i].name))
			return commands[i].run(argv[0], argc - 2, argv + 2);
	return no_such_command(argv[1]);
}
