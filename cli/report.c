#include "cli/report.h"

static void count(struct tally *t, const struct outcome *out)
{
	switch (out->is.verdict) {
	case SHARD_PASSED:
		t->passed++;
		break;
	case SHARD_FAILED:
	case SHARD_TIMEOUT:
		t->failed++;
		break;
	case SHARD_SKIPPED:
		t->skipped++;
		break;
	case SHARD_INTERRUPTED:
		t->interrupted++;
		break;
	case SHARD_USAGE:
		t->in_error++;
		break;
	case SHARD_ENVIRONMENT:
		t->in_error++;
		t->environment++;
		break;
	}
}

void report_begin(struct report_list *l)
{
	for (unsigned i = 0; i < l->count; i++)
		if (l->reports[i].begin)
			l->reports[i].begin(l->reports[i].arg);
}

void report_progress(struct report_list *l, const struct job *job, unsigned done, unsigned running)
{
	for (unsigned i = 0; i < l->count; i++)
		if (l->reports[i].progress)
			l->reports[i].progress(l->reports[i].arg, job, done, running);
}

void report_broken(struct report_list *l, const struct suite_file *file)
{
	l->session->tally.broken++;
	for (unsigned i = 0; i < l->count; i++)
		if (l->reports[i].broken)
			l->reports[i].broken(l->reports[i].arg, file);
}

void report_test(struct report_list *l, const struct job *job, const struct outcome *out)
{
	count(&l->session->tally, out);
	for (unsigned i = 0; i < l->count; i++)
		if (l->reports[i].test)
			l->reports[i].test(l->reports[i].arg, job, out);
}

void report_end(struct report_list *l)
{
	for (unsigned i = 0; i < l->count; i++)
		if (l->reports[i].end)
			l->reports[i].end(l->reports[i].arg);
}

void report_free(struct report_list *l)
{
	for (unsigned i = 0; i < l->count; i++)
		if (l->reports[i].free)
			l->reports[i].free(l->reports[i].arg);
	l->count = 0;
}
