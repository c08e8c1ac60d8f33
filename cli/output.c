#include "cli/output.h"

#include "cli/print.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define DEFAULT_WIDTH 100
#define MIN_WIDTH 40
#define MAX_WIDTH 400

static bool says_utf8(void)
{
	static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		const char *value = getenv(names[i]);
		if (value && *value)
			return strcasestr(value, "utf-8") || strcasestr(value, "utf8");
	}
	return true; /* a bare container says nothing, and its terminal is UTF-8 all the same */
}

int output_open(struct output *o, bool no_colour_given, struct err *e)
{
	const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM"), *columns = getenv("COLUMNS");
	struct winsize size;
	uint64_t width = DEFAULT_WIDTH;
	int fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);

	if (fd < 0 || !(o->out = fdopen(fd, "w")))
		return err_set(e, ERR_ENV, "cannot write to stdout: %s", strerror(errno));
	dup2(STDERR_FILENO, STDOUT_FILENO);
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	o->terminal = isatty(fd) && !(term && !strcmp(term, "dumb"));
	o->colour = o->terminal && !no_colour_given && !(no_colour && *no_colour);
	o->ascii = !says_utf8();
	if (isatty(fd) && !ioctl(fd, TIOCGWINSZ, &size) && size.ws_col)
		width = size.ws_col;
	else if (columns && !slice_u64(&width, slice_str(columns), MAX_WIDTH))
		width = DEFAULT_WIDTH;
	o->width = width < MIN_WIDTH ? MIN_WIDTH : width > MAX_WIDTH ? MAX_WIDTH : (unsigned)width;
	return 0;
}

enum exit_code output_end(struct output *o, enum exit_code code, int err, const struct err *e)
{
	struct buf text = {0};

	if (err) {
		print_clean(&text, slice_str(e->text));
		fprintf(stderr, "offhook: %.*s\n", SLICE_ARG(buf_slice(&text)));
		buf_free(&text);
		code = err == ERR_ARG || err == ERR_PARSE ? EXIT_USAGE : EXIT_ENVIRONMENT;
	}
	if (o->out && fclose(o->out)) {
		fprintf(stderr, "offhook: cannot write the results: %s\n", strerror(errno));
		if (code == EXIT_PASSED)
			code = EXIT_ENVIRONMENT;
	}
	o->out = NULL;
	return code;
}
