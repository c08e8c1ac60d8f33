/* An error that reaches the person at the terminal: what failed, where, and what to do next. */
#ifndef OFFHOOK_CORE_ERR_H
#define OFFHOOK_CORE_ERR_H

enum err_code {
	ERR_NONE = 0,
	ERR_NOMEM,   /* out of memory */
	ERR_ARG,     /* the script or the command line is at fault: exit 2, or a raised error */
	ERR_PARSE,   /* bytes that do not follow their grammar */
	ERR_ENV,     /* cannot bind, resolve or reach: exit 3 */
	ERR_NOT_NOW,   /* not possible now, e.g. a reply after a final response */
	ERR_IO,      /* a file or socket failed in mid-run */
};

struct err {
	int code;
	char text[480];
};

/* Fills `e` (may be NULL) and returns `code`, so that a caller can `return err_set(...)`. */
int err_set(struct err *e, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
