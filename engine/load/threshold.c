#include "load/threshold.h"

#include "core/nearest.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define CUSTOM "custom."
#define STATUS "status."

static const char *const operators[] = {
	[THRESHOLD_LT] = "<", [THRESHOLD_LE] = "<=", [THRESHOLD_GT] = ">",
	[THRESHOLD_GE] = ">=", [THRESHOLD_EQ] = "==", [THRESHOLD_NE] = "!=",
};

/* Which figures a subject has. */
#define OF_TIME (1u << THRESHOLD_QUANTILE | 1u << THRESHOLD_MEAN | 1u << THRESHOLD_MIN | 1u << THRESHOLD_MAX)
#define OF_COUNT (1u << THRESHOLD_COUNT | 1u << THRESHOLD_RATE)
#define OF_PART (OF_COUNT | 1u << THRESHOLD_SHARE)

/* Subjects without a parameter, in one table: names to be found and to be offered. */
static const struct {
	const char *name;
	enum threshold_subject subject;
	unsigned which, figures;
} subjects[] = {
#define TIME_ROW(constant, name, what) {name, THRESHOLD_TIME, LOAD_TIME_##constant, OF_TIME | OF_COUNT},
	LOAD_TIMES(TIME_ROW)
#undef TIME_ROW
#define COUNT_ROW(field, what) {#field, THRESHOLD_COUNTER, offsetof(struct load_numbers, field), OF_PART},
	LOAD_COUNTS(COUNT_ROW)
#undef COUNT_ROW
	{"requests", THRESHOLD_REQUESTS, 0, OF_COUNT},
	{"responses", THRESHOLD_RESPONSES, 0, OF_COUNT},
	{"retransmissions", THRESHOLD_RETRANSMISSIONS, 0, OF_PART},
	{"live", THRESHOLD_LIVE, 0, 1u << THRESHOLD_MAX},
};

#define SUBJECTS (sizeof(subjects) / sizeof(*subjects))

static const struct {
	const char *name;
	enum threshold_figure figure;
} figures[] = {
	{"mean", THRESHOLD_MEAN},   {"min", THRESHOLD_MIN},   {"max", THRESHOLD_MAX},
	{"count", THRESHOLD_COUNT}, {"rate", THRESHOLD_RATE}, {"share", THRESHOLD_SHARE},
};

#define FIGURES (sizeof(figures) / sizeof(*figures))

/* --- parsing --- */

/* Up to the first character of `stops`, or to the end; without the spaces around it. */
static struct slice take_until(struct slice *rest, const char *stops)
{
	size_t n = 0;

	while (n < rest->l && !(rest->p[n] && strchr(stops, rest->p[n])))
		n++;
	struct slice word = {rest->p, n};
	*rest = (struct slice){rest->p + n, rest->l - n};
	return slice_trim(word);
}

static bool take_decimal(double *out, struct slice s)
{
	char text[40], *end;

	if (!s.l || s.l >= sizeof(text))
		return false;
	slice_copy(text, sizeof(text), s);
	if (strspn(text, "0123456789.") != s.l)
		return false;
	errno = 0;
	*out = strtod(text, &end);
	return end != text && !*end && !errno;
}

static int unknown_subject(struct slice name, const char *who, struct err *e)
{
	const char *names[SUBJECTS + 2], *near;
	char word[64];

	for (unsigned i = 0; i < SUBJECTS; i++)
		names[i] = subjects[i].name;
	names[SUBJECTS] = "status.503";
	names[SUBJECTS + 1] = "custom.NAME";
	near = nearest(slice_copy(word, sizeof(word), name), names, SUBJECTS + 2);
	if (near)
		return err_set(e, ERR_ARG, "%s: nothing is called \"%s\"; did you mean \"%s\"?", who, word, near);
	return err_set(e, ERR_ARG,
		       "%s: nothing is called \"%s\"; there are times (call.setup, register, ...), counts (failed, dropped, retransmissions, "
		       "...), status.NNN, and custom.NAME for what a script measures",
		       who, word);
}

/* "503" or "5xx" */
static bool take_status(struct threshold *t, struct slice s)
{
	uint64_t status;

	if (s.l != 3)
		return false;
	if (s.p[0] >= '1' && s.p[0] <= '6' && s.p[1] == 'x' && s.p[2] == 'x') {
		t->which = (unsigned)(s.p[0] - '0') * 100;
		t->status_max = t->which + 99;
		return true;
	}
	if (!slice_u64(&status, s, 699) || status < 100)
		return false;
	t->which = t->status_max = (unsigned)status;
	return true;
}

static int take_subject(struct threshold *t, unsigned *known, struct slice name, const char *who, struct err *e)
{
	const struct slice custom = SLICE_LIT(CUSTOM), status = SLICE_LIT(STATUS);

	if (name.l > status.l && !memcmp(name.p, status.p, status.l)) {
		t->subject = THRESHOLD_STATUS;
		*known = OF_PART;
		if (take_status(t, (struct slice){name.p + status.l, name.l - status.l}))
			return 0;
		return err_set(e, ERR_ARG, "%s: \"%.*s\" is no status; take one like status.503 or status.5xx", who,
			       (int)(name.l < 64 ? name.l : 64), name.p);
	}
	if (name.l > custom.l && !memcmp(name.p, custom.p, custom.l)) {
		t->subject = THRESHOLD_CUSTOM;
		*known = OF_TIME | OF_COUNT;
		name = (struct slice){name.p + custom.l, name.l - custom.l};
		if (!load_custom_name_good(name))
			return err_set(e, ERR_ARG,
				       "%s: a number of a script is called custom.NAME, NAME 1 to %d letters, digits, '_', '.' or '-'", who,
				       LOAD_CUSTOM_NAME - 1);
		slice_copy(t->custom, sizeof(t->custom), name);
		return 0;
	}
	for (unsigned i = 0; i < SUBJECTS; i++)
		if (slice_eq(name, slice_str(subjects[i].name))) {
			t->subject = subjects[i].subject;
			t->which = subjects[i].which;
			*known = subjects[i].figures;
			return 0;
		}
	return unknown_subject(name, who, e);
}

/* "p99.9, mean, count" of those that are known. */
static const char *figures_list(char *out, size_t size, unsigned known)
{
	size_t n = (size_t)snprintf(out, size, "%s", known & 1u << THRESHOLD_QUANTILE ? "p0 to p100" : "");

	for (unsigned i = 0; i < FIGURES; i++)
		if (known & 1u << figures[i].figure)
			n += (size_t)snprintf(out + n, size - n, "%s%s", n ? ", " : "", figures[i].name);
	return out;
}

static int take_figure(struct threshold *t, unsigned known, struct slice subject, struct slice word, const char *who, struct err *e)
{
	char list[80];
	bool found = false;

	if (word.l > 1 && word.p[0] == 'p' && take_decimal(&t->quantile, (struct slice){word.p + 1, word.l - 1}) && t->quantile <= 100) {
		t->figure = THRESHOLD_QUANTILE;
		t->quantile /= 100;
		found = true;
	}
	for (unsigned i = 0; i < FIGURES; i++)
		if (slice_eq(word, slice_str(figures[i].name))) {
			t->figure = figures[i].figure;
			found = true;
		}
	if (found && known & 1u << t->figure)
		return 0;
	return err_set(e, ERR_ARG, "%s: \"%.*s\" has no \"%.*s\"; take one of %s", who, SLICE_ARG(subject), (int)(word.l < 32 ? word.l : 32),
		       word.p, figures_list(list, sizeof(list), known));
}

static int take_limit(struct threshold *t, struct slice word, const char *who, struct err *e)
{
	bool in_seconds = t->figure <= THRESHOLD_MAX && t->subject != THRESHOLD_LIVE;
	struct slice digits = word;

	t->percent = word.l && word.p[word.l - 1] == '%';
	if (t->percent)
		digits = slice_trim((struct slice){word.p, word.l - 1});
	if (t->percent && t->figure != THRESHOLD_SHARE)
		return err_set(e, ERR_ARG, "%s: only a share is written with %%, got \"%.*s\"", who,
			       (int)(word.l < 32 ? word.l : 32), word.p);
	if (!take_decimal(&t->limit, digits))
		return err_set(e, ERR_ARG, "%s: \"%.*s\" is no limit; write %s", who, (int)(word.l < 32 ? word.l : 32), word.p,
			       in_seconds ? "seconds, like 0.5" : t->figure == THRESHOLD_SHARE ? "a share, like 0.01 or 1%" : "a number");
	if (t->percent)
		t->limit /= 100;
	return 0;
}

int threshold_parse(struct threshold *t, struct slice text, const char *who, struct err *e)
{
	struct slice rest = slice_trim(text), subject, figure, operator, limit;
	unsigned known = 0, op = 0;
	char place[200];

	*t = (struct threshold){0};
	if (rest.l >= 100)
		return err_set(e, ERR_ARG, "%s: a threshold of %zu characters is too long", who, rest.l);
	snprintf(place, sizeof(place), "%s: \"%.*s\"", who, SLICE_ARG(rest));
	subject = take_until(&rest, ":");
	if (!rest.l || !subject.l)
		return err_set(e, ERR_ARG, "%s is no threshold; write \"NAME: FIGURE < NUMBER\", like \"call.setup: p99 < 0.5\"", place);
	rest = (struct slice){rest.p + 1, rest.l - 1};
	if (take_subject(t, &known, subject, place, e))
		return ERR_ARG;
	figure = take_until(&rest, "<>=!");
	if (take_figure(t, known, subject, figure, place, e))
		return ERR_ARG;
	operator= (struct slice){rest.p, 0};
	while (operator.l < rest.l && strchr("<>=!", operator.p[operator.l]) && operator.p[operator.l])
		operator.l++;
	while (op < sizeof(operators) / sizeof(*operators) && !slice_eq(operator, slice_str(operators[op])))
		op++;
	if (op == sizeof(operators) / sizeof(*operators))
		return err_set(e, ERR_ARG, "%s: an operator is one of < <= > >= == !=, got \"%.*s\"", place, SLICE_ARG(operator));
	t->operator= (enum threshold_operator)op;
	limit = slice_trim((struct slice){rest.p + operator.l, rest.l - operator.l});
	if (take_limit(t, limit, place, e))
		return ERR_ARG;
	snprintf(t->text, sizeof(t->text), "%.*s: %.*s %s %.*s", SLICE_ARG(subject), SLICE_ARG(figure), operators[op], SLICE_ARG(limit));
	return 0;
}

/* --- checking --- */

static double ns_to_s(double ns)
{
	return ns / 1e9;
}

static double pair_sum(struct load_pair p)
{
	return (double)p.sent + (double)p.received;
}

/* `count` by the figures that counts have. false: a share of nothing. */
static bool figure_of_count(double *got, const struct threshold *t, double count, double whole, double seconds)
{
	switch (t->figure) {
	case THRESHOLD_RATE:
		*got = seconds > 0 ? count / seconds : 0;
		return seconds > 0;
	case THRESHOLD_SHARE:
		*got = whole > 0 ? count / whole : 0;
		return whole > 0;
	default:
		*got = count;
		return true;
	}
}

static bool figure_of_times(double *got, const struct threshold *t, const struct histogram *h, double seconds)
{
	static const struct histogram none;

	if (!h)
		h = &none;
	switch (t->figure) {
	case THRESHOLD_QUANTILE:
		*got = ns_to_s((double)histogram_quantile(h, t->quantile));
		break;
	case THRESHOLD_MEAN:
		*got = ns_to_s(histogram_mean(h));
		break;
	case THRESHOLD_MIN:
		*got = ns_to_s((double)h->min);
		break;
	case THRESHOLD_MAX:
		*got = ns_to_s((double)h->max);
		break;
	default:
		return figure_of_count(got, t, (double)h->count, 0, seconds);
	}
	return h->count > 0;
}

static uint64_t counter(const struct load_numbers *n, unsigned offset)
{
	uint64_t count;

	memcpy(&count, (const char *)n + offset, sizeof(count));
	return count;
}

static bool measure(double *got, const struct threshold *t, const struct load_numbers *n, double seconds)
{
	double requests = pair_sum(load_numbers_all_requests(n)), responses = pair_sum(load_numbers_all_responses(n));

	switch (t->subject) {
	case THRESHOLD_TIME:
		return figure_of_times(got, t, &n->times[t->which], seconds);
	case THRESHOLD_COUNTER: {
		bool of_requests = t->which == offsetof(struct load_numbers, timeouts) ||
				   t->which == offsetof(struct load_numbers, transport_errors);
		double whole = of_requests ? (double)load_numbers_all_requests(n).sent : (double)n->arrivals;
		return figure_of_count(got, t, (double)counter(n, t->which), whole, seconds);
	}
	case THRESHOLD_STATUS:
		return figure_of_count(got, t, pair_sum(load_numbers_statuses(n, t->which, t->status_max)), responses, seconds);
	case THRESHOLD_REQUESTS:
		return figure_of_count(got, t, requests, 0, seconds);
	case THRESHOLD_RESPONSES:
		return figure_of_count(got, t, responses, 0, seconds);
	case THRESHOLD_RETRANSMISSIONS: {
		double again = pair_sum(load_numbers_all_retransmissions(n));
		return figure_of_count(got, t, again, requests + responses + again, seconds);
	}
	case THRESHOLD_LIVE:
		*got = (double)n->live_peak;
		return true;
	case THRESHOLD_CUSTOM: {
		const struct load_custom_count *c = load_numbers_custom_counts(n, slice_str(t->custom));
		/* a count and a time may have the same name: figures of times are the time's, count and rate the count's */
		if (c && t->figure > THRESHOLD_MAX)
			return figure_of_count(got, t, (double)c->count, 0, seconds);
		return figure_of_times(got, t, load_numbers_custom_times(n, slice_str(t->custom)), seconds);
	}
	}
	return false;
}

void threshold_check(struct threshold_result *r, const struct threshold *t, const struct load_numbers *n, double seconds)
{
	bool kept = false;
	char got[48] = "nothing was measured";

	*r = (struct threshold_result){0};
	r->measured = measure(&r->got, t, n, seconds);
	switch (t->operator) {
	case THRESHOLD_LT:
		kept = r->got < t->limit;
		break;
	case THRESHOLD_LE:
		kept = r->got <= t->limit;
		break;
	case THRESHOLD_GT:
		kept = r->got > t->limit;
		break;
	case THRESHOLD_GE:
		kept = r->got >= t->limit;
		break;
	case THRESHOLD_EQ:
		kept = r->got == t->limit;
		break;
	case THRESHOLD_NE:
		kept = r->got != t->limit;
		break;
	}
	r->kept = kept && r->measured;
	/* as many digits as are true of it */
	if (r->measured && t->figure == THRESHOLD_COUNT)
		snprintf(got, sizeof(got), "got %.0f", r->got);
	else if (r->measured)
		snprintf(got, sizeof(got), "got %.*g%s", t->figure == THRESHOLD_QUANTILE ? 3 : 6, t->percent ? r->got * 100 : r->got,
			 t->percent ? "%" : "");
	snprintf(r->text, sizeof(r->text), "%s: %s (%s)", t->text, got, r->kept ? "kept" : "broken");
}
