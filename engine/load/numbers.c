#include "load/numbers.h"

#include "core/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct load_numbers *load_numbers_alloc(void)
{
	return mem_should_fail() ? NULL : calloc(1, sizeof(struct load_numbers));
}

struct load_numbers *load_numbers_free(struct load_numbers *n)
{
	if (!n)
		return NULL;
	for (unsigned i = 0; i < n->custom_time_count; i++)
		free(n->custom_times[i].times);
	free(n);
	return NULL;
}

/* --- names --- */

const char *load_method_name(enum load_method m)
{
	static const char *const names[] = {
#define LOAD_METHOD_NAME(name) #name,
		LOAD_METHODS(LOAD_METHOD_NAME)
#undef LOAD_METHOD_NAME
	};

	return names[m];
}

static const struct {
	const char *name, *what;
} times[] = {
#define LOAD_TIME_ROW(constant, name, what) {name, what},
	LOAD_TIMES(LOAD_TIME_ROW)
#undef LOAD_TIME_ROW
};

const char *load_time_name(enum load_time t)
{
	return times[t].name;
}

const char *load_time_what(enum load_time t)
{
	return times[t].what;
}

/* Which method it can only be, by length and first letter; called for every message. */
static enum load_method candidate(struct slice method)
{
	switch (method.l) {
	case 3:
		return method.p[0] == 'A' ? LOAD_METHOD_ACK : LOAD_METHOD_BYE;
	case 4:
		return LOAD_METHOD_INFO;
	case 5:
		return method.p[0] == 'P' ? LOAD_METHOD_PRACK : LOAD_METHOD_REFER;
	case 6:
		return method.p[0] == 'I' ? LOAD_METHOD_INVITE
		       : method.p[0] == 'C' ? LOAD_METHOD_CANCEL
		       : method.p[0] == 'U' ? LOAD_METHOD_UPDATE
					    : LOAD_METHOD_NOTIFY;
	case 7:
		return method.p[0] == 'O' ? LOAD_METHOD_OPTIONS : method.p[0] == 'M' ? LOAD_METHOD_MESSAGE : LOAD_METHOD_PUBLISH;
	case 8:
		return LOAD_METHOD_REGISTER;
	case 9:
		return LOAD_METHOD_SUBSCRIBE;
	default:
		return LOAD_METHOD_OTHER;
	}
}

enum load_method load_method(struct slice method)
{
	enum load_method m = candidate(method);

	return m != LOAD_METHOD_OTHER && !memcmp(method.p, load_method_name(m), method.l) ? m : LOAD_METHOD_OTHER;
}

/* --- messages --- */

static void pair_count(struct load_pair *p, bool sent)
{
	if (sent)
		p->sent++;
	else
		p->received++;
}

static void pair_add(struct load_pair *into, struct load_pair from)
{
	into->sent += from.sent;
	into->received += from.received;
}

void load_numbers_request(struct load_numbers *n, struct slice method, bool sent)
{
	pair_count(&n->requests[load_method(method)], sent);
}

void load_numbers_response(struct load_numbers *n, struct slice method, unsigned status, bool sent)
{
	enum load_method m = load_method(method);

	pair_count(&n->answered[m], sent);
	if (status - LOAD_STATUS_MIN < LOAD_STATUS_COUNT)
		pair_count(&n->responses[m][status - LOAD_STATUS_MIN], sent);
}

void load_numbers_retransmission(struct load_numbers *n, struct slice method, bool sent)
{
	pair_count(&n->retransmissions[load_method(method)], sent);
}

void load_numbers_received_again(struct load_numbers *n, struct slice method, unsigned status)
{
	enum load_method m = load_method(method);

	/* Where another shard counted it a count wraps below 0 here, and is right in the sum of both. */
	n->retransmissions[m].received++;
	if (!status)
		n->requests[m].received--;
	else
		n->answered[m].received--;
	if (status - LOAD_STATUS_MIN < LOAD_STATUS_COUNT)
		n->responses[m][status - LOAD_STATUS_MIN].received--;
}

static struct load_pair sum(const struct load_pair *pairs)
{
	struct load_pair all = {0};

	for (unsigned m = 0; m < LOAD_METHOD_COUNT; m++)
		pair_add(&all, pairs[m]);
	return all;
}

struct load_pair load_numbers_all_requests(const struct load_numbers *n)
{
	return sum(n->requests);
}

struct load_pair load_numbers_all_responses(const struct load_numbers *n)
{
	return sum(n->answered);
}

struct load_pair load_numbers_all_retransmissions(const struct load_numbers *n)
{
	return sum(n->retransmissions);
}

static bool answered(const struct load_numbers *n, unsigned method)
{
	return n->answered[method].sent || n->answered[method].received;
}

struct load_pair load_numbers_statuses(const struct load_numbers *n, unsigned from, unsigned to)
{
	struct load_pair all = {0};

	if (from < LOAD_STATUS_MIN)
		from = LOAD_STATUS_MIN;
	for (unsigned m = 0; m < LOAD_METHOD_COUNT; m++)
		for (unsigned s = from; answered(n, m) && s <= to && s < LOAD_STATUS_MIN + LOAD_STATUS_COUNT; s++)
			pair_add(&all, n->responses[m][s - LOAD_STATUS_MIN]);
	return all;
}

/* --- failures --- */

static void count_failure(struct load_numbers *n, const char *kind, const char *where, const char *text, uint64_t count)
{
	struct load_failure as = {.count = count};

	/* compared as they are kept, cut to fit */
	slice_copy(as.kind, sizeof(as.kind), slice_str(kind));
	slice_copy(as.where, sizeof(as.where), slice_str(where));
	for (unsigned i = 0; i < n->failure_kinds; i++) {
		struct load_failure *f = &n->failures[i];
		if (!strcmp(f->where, as.where) && !strcmp(f->kind, as.kind)) {
			f->count += count;
			return;
		}
	}
	if (n->failure_kinds == LOAD_FAILURES) {
		n->failures_elsewhere += count;
		return;
	}
	slice_copy(as.text, sizeof(as.text), slice_str(text));
	n->failures[n->failure_kinds++] = as;
}

void load_numbers_failed(struct load_numbers *n, const char *kind, const char *where, const char *text)
{
	n->failed++;
	n->live--;
	count_failure(n, kind, where, text, 1);
}

/* --- what a script measures --- */

bool load_custom_name_good(struct slice name)
{
	bool good = name.l > 0 && name.l < LOAD_CUSTOM_NAME;

	for (size_t i = 0; good && i < name.l; i++) {
		char c = name.p[i];
		good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' || c == '-';
	}
	return good;
}

static int check_name(struct slice name, struct err *e)
{
	if (load_custom_name_good(name))
		return 0;
	return err_set(e, ERR_ARG, "\"%.*s\" names no number of a script: 1 to %d letters, digits, '_', '.' or '-'",
		       (int)(name.l < 100 ? name.l : 100), name.p, LOAD_CUSTOM_NAME - 1);
}

static struct load_custom_time *find_time(const struct load_numbers *n, struct slice name)
{
	for (unsigned i = 0; i < n->custom_time_count; i++)
		if (slice_eq(slice_str(n->custom_times[i].name), name))
			return (struct load_custom_time *)&n->custom_times[i];
	return NULL;
}

static struct load_custom_count *find_count(const struct load_numbers *n, struct slice name)
{
	for (unsigned i = 0; i < n->custom_count_count; i++)
		if (slice_eq(slice_str(n->custom_counts[i].name), name))
			return (struct load_custom_count *)&n->custom_counts[i];
	return NULL;
}

/* The histogram of that name, made if there is none. */
static int need_time(struct histogram **h, struct load_numbers *n, struct slice name, struct err *e)
{
	struct load_custom_time *t = find_time(n, name);

	if (!t) {
		if (check_name(name, e))
			return ERR_ARG;
		if (n->custom_time_count == LOAD_CUSTOM_TIMES)
			return err_set(e, ERR_ARG, "no time \"%.*s\": a script may measure %d times of its own", SLICE_ARG(name),
				       LOAD_CUSTOM_TIMES);
		t = &n->custom_times[n->custom_time_count];
		t->times = mem_should_fail() ? NULL : calloc(1, sizeof(*t->times));
		if (!t->times)
			return err_set(e, ERR_NOMEM, "out of memory for the time \"%.*s\"", SLICE_ARG(name));
		slice_copy(t->name, sizeof(t->name), name);
		n->custom_time_count++;
	}
	*h = t->times;
	return 0;
}

static int add_count(struct load_numbers *n, struct slice name, int64_t delta, struct err *e)
{
	struct load_custom_count *c = find_count(n, name);

	if (!c) {
		if (check_name(name, e))
			return ERR_ARG;
		if (n->custom_count_count == LOAD_CUSTOM_COUNTS)
			return err_set(e, ERR_ARG, "no count \"%.*s\": a script may keep %d counts of its own", SLICE_ARG(name),
				       LOAD_CUSTOM_COUNTS);
		c = &n->custom_counts[n->custom_count_count++];
		slice_copy(c->name, sizeof(c->name), name);
	}
	c->count = (int64_t)((uint64_t)c->count + (uint64_t)delta); /* a script that counts past 2^63 gets what it asked for */
	return 0;
}

int load_numbers_custom_time(struct load_numbers *n, struct slice name, uint64_t ns, struct err *e)
{
	struct histogram *h;
	int err = need_time(&h, n, name, e);

	if (!err)
		histogram_record(h, ns);
	return err;
}

int load_numbers_custom_count(struct load_numbers *n, struct slice name, int64_t delta, struct err *e)
{
	return add_count(n, name, delta, e);
}

const struct histogram *load_numbers_custom_times(const struct load_numbers *n, struct slice name)
{
	const struct load_custom_time *t = find_time(n, name);

	return t ? t->times : NULL;
}

const struct load_custom_count *load_numbers_custom_counts(const struct load_numbers *n, struct slice name)
{
	return find_count(n, name);
}

/* --- shards and seconds come together --- */

/* Everything but the gauges. */
static void add_counts(struct load_numbers *into, const struct load_numbers *from)
{
#define LOAD_COUNT_ADD(field, what) into->field += from->field;
	LOAD_COUNTS(LOAD_COUNT_ADD)
#undef LOAD_COUNT_ADD
	for (unsigned m = 0; m < LOAD_METHOD_COUNT; m++) {
		pair_add(&into->requests[m], from->requests[m]);
		pair_add(&into->retransmissions[m], from->retransmissions[m]);
		pair_add(&into->answered[m], from->answered[m]);
		for (unsigned s = 0; answered(from, m) && s < LOAD_STATUS_COUNT; s++)
			pair_add(&into->responses[m][s], from->responses[m][s]);
	}
	for (unsigned i = 0; i < from->failure_kinds; i++) {
		const struct load_failure *f = &from->failures[i];
		count_failure(into, f->kind, f->where, f->text, f->count);
	}
	into->failures_elsewhere += from->failures_elsewhere;
	for (unsigned t = 0; t < LOAD_TIME_COUNT; t++)
		histogram_merge(&into->times[t], &from->times[t]);
	into->custom_lost = into->custom_lost || from->custom_lost;
	for (unsigned i = 0; i < from->custom_time_count; i++) {
		struct histogram *h;
		if (need_time(&h, into, slice_str(from->custom_times[i].name), NULL))
			into->custom_lost = true;
		else
			histogram_merge(h, from->custom_times[i].times);
	}
	for (unsigned i = 0; i < from->custom_count_count; i++)
		if (add_count(into, slice_str(from->custom_counts[i].name), from->custom_counts[i].count, NULL))
			into->custom_lost = true;
}

void load_numbers_merge(struct load_numbers *into, const struct load_numbers *from)
{
	add_counts(into, from);
	into->live += from->live;
	into->live_peak += from->live_peak;
	into->tasks += from->tasks;
}

void load_numbers_append(struct load_numbers *into, const struct load_numbers *next)
{
	add_counts(into, next);
	into->live = next->live;
	into->tasks = next->tasks;
	if (next->live_peak > into->live_peak)
		into->live_peak = next->live_peak;
}

void load_numbers_collect(struct load_numbers *into, struct load_numbers *const *shards, unsigned count)
{
	uint64_t live = 0, peak = 0, tasks = 0;

	for (unsigned i = 0; i < count; i++) {
		add_counts(into, shards[i]);
		live += shards[i]->live;
		peak += shards[i]->live_peak;
		tasks += shards[i]->tasks;
		load_numbers_restart(shards[i]);
	}
	into->live = live;
	into->tasks = tasks;
	if (peak > into->live_peak)
		into->live_peak = peak;
}

void load_numbers_restart(struct load_numbers *n)
{
#define LOAD_COUNT_ZERO(field, what) n->field = 0;
	LOAD_COUNTS(LOAD_COUNT_ZERO)
#undef LOAD_COUNT_ZERO
	n->live_peak = n->live;
	/* what was never written stays untouched, so that it takes no memory */
	for (unsigned m = 0; m < LOAD_METHOD_COUNT; m++)
		if (answered(n, m))
			memset(n->responses[m], 0, sizeof(n->responses[m]));
	memset(n->requests, 0, sizeof(n->requests));
	memset(n->retransmissions, 0, sizeof(n->retransmissions));
	memset(n->answered, 0, sizeof(n->answered));
	memset(n->failures, 0, n->failure_kinds * sizeof(*n->failures));
	n->failure_kinds = 0;
	n->failures_elsewhere = 0;
	for (unsigned t = 0; t < LOAD_TIME_COUNT; t++)
		histogram_reset(&n->times[t]);
	/* the names stay: their memory is there already */
	for (unsigned i = 0; i < n->custom_time_count; i++)
		histogram_reset(n->custom_times[i].times);
	for (unsigned i = 0; i < n->custom_count_count; i++)
		n->custom_counts[i].count = 0;
	n->custom_lost = false;
}

void load_numbers_clear(struct load_numbers *n)
{
	n->live = n->tasks = 0;
	load_numbers_restart(n);
}

int load_numbers_check(const struct load_numbers *n, struct err *e)
{
	uint64_t ended = n->done + n->failed + n->dropped + n->interrupted, of_kinds = n->failures_elsewhere;

	if (n->live > UINT64_MAX / 2)
		return err_set(e, ERR_ARG, "%" PRIu64 " iterations more ended than began", -n->live);
	if (n->arrivals != ended + n->live)
		return err_set(e, ERR_ARG,
			       "%" PRIu64 " arrivals are not %" PRIu64 " done + %" PRIu64 " failed + %" PRIu64 " dropped + %" PRIu64
			       " interrupted + %" PRIu64 " live",
			       n->arrivals, n->done, n->failed, n->dropped, n->interrupted, n->live);
	for (unsigned i = 0; i < n->failure_kinds; i++)
		of_kinds += n->failures[i].count;
	if (of_kinds != n->failed)
		return err_set(e, ERR_ARG, "%" PRIu64 " iterations failed, %" PRIu64 " by kind and line", n->failed, of_kinds);
	return 0;
}
