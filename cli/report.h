/* Results as they come in, in one or several formats at once. */
#ifndef OFFHOOK_CLI_REPORT_H
#define OFFHOOK_CLI_REPORT_H

#include "cli/session.h"

/* Every function may be NULL. `arg` is the report's own. */
struct report {
	void (*begin)(void *arg);
	void (*progress)(void *arg, const struct job *job, unsigned done, unsigned running); /* job NULL: several */
	void (*broken)(void *arg, const struct suite_file *file); /* a script that does not load */
	void (*test)(void *arg, const struct job *job, const struct outcome *out);
	void (*end)(void *arg);
	void (*free)(void *arg);
	void *arg;
};

#define REPORTS 2

struct report_list {
	struct session *session;
	struct report reports[REPORTS];
	unsigned count;
};

void report_begin(struct report_list *l);
void report_progress(struct report_list *l, const struct job *job, unsigned done, unsigned running);
void report_broken(struct report_list *l, const struct suite_file *file);
/* Counts the outcome, too. */
void report_test(struct report_list *l, const struct job *job, const struct outcome *out);
void report_end(struct report_list *l);
void report_free(struct report_list *l);

/* Each fills `r`; `s` must outlive it. */
void report_human(struct report *r, struct session *s);
void report_json(struct report *r, struct session *s);
void report_tap(struct report *r, struct session *s);
/* ERR_ENV when the file cannot be made. */
int report_junit(struct report *r, struct session *s, const char *path, struct err *e);

/* The table of the symptoms that the files declared whose tests ran. `bad`: by file, whether one of its tests did not pass. */
void symptoms_print(const struct session *s, const bool *ran, const bool *bad);

#endif
