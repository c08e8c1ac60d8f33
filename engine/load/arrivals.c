#include "load/arrivals.h"

#include "core/slice.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* --- A(t) and its inverse --- */

double arrivals_by(const struct arrivals_cfg *cfg, double seconds)
{
	double ramp = cfg->ramp;

	if (seconds <= 0)
		return 0;
	if (seconds < ramp)
		return cfg->from * seconds + (cfg->rate - cfg->from) / ramp * seconds * seconds / 2;
	return (cfg->from + cfg->rate) / 2 * ramp + cfg->rate * (seconds - ramp);
}

/* Seconds at which A reaches k; INFINITY when it never does. */
static double due(const struct arrivals_cfg *cfg, double k)
{
	double ramp = cfg->ramp, on_ramp = (cfg->from + cfg->rate) / 2 * ramp;

	if (k <= 0)
		return 0;
	if (k >= on_ramp)
		return cfg->rate > 0 ? ramp + (k - on_ramp) / cfg->rate : INFINITY;
	/* The root of from t + slope t^2 / 2 = k, in the form that subtracts nothing from its like: right for a slope of any sign and
	 * as the slope goes to 0. */
	double slope = (cfg->rate - cfg->from) / ramp, under = cfg->from * cfg->from + 2 * slope * k;
	return 2 * k / (cfg->from + sqrt(under > 0 ? under : 0));
}

double arrivals_peak(const struct arrivals_cfg *cfg)
{
	double end = cfg->rate;

	/* a run that ends on its ramp does not reach the end of it */
	if (cfg->ramp > 0 && cfg->duration > 0 && cfg->duration < cfg->ramp)
		end = cfg->from + (cfg->rate - cfg->from) * cfg->duration / cfg->ramp;
	return cfg->ramp > 0 && cfg->from > end ? cfg->from : end;
}

double arrivals_total(const struct arrivals_cfg *cfg)
{
	double by_time = INFINITY;

	if (cfg->duration > 0)
		by_time = arrivals_by(cfg, cfg->duration);
	else if (cfg->rate <= 0)
		by_time = arrivals_by(cfg, cfg->ramp);
	return cfg->calls && (double)cfg->calls < by_time ? (double)cfg->calls : by_time;
}

/* --- the schedule --- */

void arrivals_init(struct arrivals *a, const struct arrivals_cfg *cfg)
{
	char part[32];

	*a = (struct arrivals){.cfg = *cfg, .limit = UINT64_MAX};
	if (!a->cfg.parts)
		a->cfg.parts = 1;
	if (cfg->calls)
		a->limit = cfg->calls / a->cfg.parts + (a->cfg.part < cfg->calls % a->cfg.parts);
	if (cfg->poisson) {
		snprintf(part, sizeof(part), "%u of %u", a->cfg.part, a->cfg.parts);
		rnd_init(&a->rnd, cfg->seed, "load", part, "arrivals");
	}
}

uint64_t arrivals_next(struct arrivals *a)
{
	const struct arrivals_cfg *cfg = &a->cfg;
	double k, seconds;

	if (a->given >= a->limit)
		return ARRIVALS_OVER;
	if (cfg->poisson) {
		a->at += rnd_exponential(&a->rnd, 1) * cfg->parts;
		k = a->at;
	} else {
		k = (double)(a->given * cfg->parts + cfg->part);
	}
	seconds = due(cfg, k);
	/* The end is compared in the unit that is given out: 33 / 1.1 is a little less than 30. */
	if (!(seconds < ARRIVALS_SECONDS_MAX * 1000) ||
	    (cfg->duration > 0 && (uint64_t)(seconds * 1e9 + 0.5) >= (uint64_t)(cfg->duration * 1e9 + 0.5))) {
		a->limit = a->given;
		return ARRIVALS_OVER;
	}
	a->given++;
	return (uint64_t)(seconds * 1e9 + 0.5);
}

/* --- what the command line and sip.load say --- */

/* A plain decimal number up to `end` of `*text`, which goes on behind it. */
static bool take_number(double *out, const char **text, char end)
{
	size_t n = strspn(*text, "0123456789.");
	char *stop;

	if (n == 0)
		return false;
	errno = 0;
	*out = strtod(*text, &stop);
	if (stop != *text + n || *stop != end || errno)
		return false;
	*text = end ? stop + 1 : stop;
	return true;
}

static int take_model(struct arrivals_cfg *cfg, const char *who, struct err *e)
{
	if (cfg->model_given)
		return err_set(e, ERR_ARG, "%s: how calls arrive was given already; take one of --rate, --arrivals and --ramp", who);
	cfg->model_given = true;
	return 0;
}

static int check_rate(double rate, const char *text, const char *who, struct err *e)
{
	if (rate > 0 && rate <= ARRIVALS_RATE_MAX)
		return 0;
	return err_set(e, ERR_ARG, "%s wants more than 0 and at most %.0f arrivals a second, got \"%s\"", who, ARRIVALS_RATE_MAX, text);
}

int arrivals_set_rate(struct arrivals_cfg *cfg, double rate, const char *who, struct err *e)
{
	char text[32];

	snprintf(text, sizeof(text), "%g", rate);
	if (check_rate(rate, text, who, e) || take_model(cfg, who, e))
		return ERR_ARG;
	cfg->rate = rate;
	return 0;
}

int arrivals_parse_rate(struct arrivals_cfg *cfg, const char *text, const char *who, struct err *e)
{
	const char *at = text;
	double rate;

	if (!take_number(&rate, &at, '\0'))
		return err_set(e, ERR_ARG, "%s wants a number of arrivals a second like 200 or 0.5, got \"%s\"", who, text);
	if (check_rate(rate, text, who, e) || take_model(cfg, who, e))
		return ERR_ARG;
	cfg->rate = rate;
	return 0;
}

int arrivals_parse_model(struct arrivals_cfg *cfg, const char *text, const char *who, struct err *e)
{
	static const char *const models[] = {"constant:", "poisson:"};
	const char *at = NULL;
	double rate;
	bool poisson = false;

	for (unsigned i = 0; i < 2; i++)
		if (!strncmp(text, models[i], strlen(models[i]))) {
			at = text + strlen(models[i]);
			poisson = i == 1;
		}
	if (!at || !take_number(&rate, &at, '\0'))
		return err_set(e, ERR_ARG, "%s wants poisson:N or constant:N, N arrivals a second, got \"%s\"", who, text);
	if (check_rate(rate, text, who, e) || take_model(cfg, who, e))
		return ERR_ARG;
	cfg->rate = rate;
	cfg->poisson = poisson;
	return 0;
}

int arrivals_parse_ramp(struct arrivals_cfg *cfg, const char *text, const char *who, struct err *e)
{
	const char *at = text;
	double from, to, seconds;

	if (!take_number(&from, &at, ':') || !take_number(&to, &at, ':') || !take_number(&seconds, &at, '\0'))
		return err_set(e, ERR_ARG, "%s wants A:B:T, from A to B arrivals a second within T seconds, like 100:5000:60, got \"%s\"",
			       who, text);
	if (from > ARRIVALS_RATE_MAX || to > ARRIVALS_RATE_MAX || (from <= 0 && to <= 0))
		return err_set(e, ERR_ARG, "%s wants rates from 0 to %.0f a second, not both 0, got \"%s\"", who, ARRIVALS_RATE_MAX, text);
	if (seconds <= 0 || seconds > ARRIVALS_SECONDS_MAX)
		return err_set(e, ERR_ARG, "%s wants a ramp of more than 0 and at most %.0f seconds, got \"%s\"", who, ARRIVALS_SECONDS_MAX,
			       text);
	if (take_model(cfg, who, e))
		return ERR_ARG;
	cfg->from = from;
	cfg->rate = to;
	cfg->ramp = seconds;
	return 0;
}

int arrivals_ramp_up(struct arrivals_cfg *cfg, double seconds, const char *who, struct err *e)
{
	if (!(seconds >= 0 && seconds <= ARRIVALS_SECONDS_MAX))
		return err_set(e, ERR_ARG, "%s wants 0 to %.0f seconds, got %g", who, ARRIVALS_SECONDS_MAX, seconds);
	if (seconds > 0 && cfg->ramp > 0)
		return err_set(e, ERR_ARG, "%s: the rate has a ramp already, from %g to %g a second within %g s; leave one of them out", who,
			       cfg->from, cfg->rate, cfg->ramp);
	if (seconds > 0) {
		cfg->from = 0;
		cfg->ramp = seconds;
	}
	return 0;
}

int arrivals_check(const struct arrivals_cfg *cfg, struct err *e)
{
	const double rates[] = {cfg->rate, cfg->ramp > 0 ? cfg->from : 0};

	for (unsigned i = 0; i < 2; i++)
		if (!(rates[i] >= 0 && rates[i] <= ARRIVALS_RATE_MAX))
			return err_set(e, ERR_ARG, "a rate of %g arrivals a second: it goes from 0 to %.0f", rates[i], ARRIVALS_RATE_MAX);
	if (rates[0] <= 0 && rates[1] <= 0)
		return err_set(e, ERR_ARG, "no call ever arrives: give a rate, e.g. --rate 10, or rate = 10 in sip.load");
	if (!(cfg->duration >= 0 && cfg->duration <= ARRIVALS_SECONDS_MAX))
		return err_set(e, ERR_ARG, "a duration of %g seconds: it goes from 0 (no limit) to %.0f", cfg->duration,
			       ARRIVALS_SECONDS_MAX);
	if (!(cfg->ramp >= 0 && cfg->ramp <= ARRIVALS_SECONDS_MAX))
		return err_set(e, ERR_ARG, "a ramp of %g seconds: it goes from 0 (none) to %.0f", cfg->ramp, ARRIVALS_SECONDS_MAX);
	return 0;
}

void arrivals_describe(struct buf *out, const struct arrivals_cfg *cfg)
{
	if (cfg->ramp > 0 && cfg->from > 0)
		buf_printf(out, "from %g to %g arrivals a second within %g s", cfg->from, cfg->rate, cfg->ramp);
	else
		buf_printf(out, "%g arrival%s a second", cfg->rate, cfg->rate == 1 ? "" : "s");
	if (cfg->poisson)
		buf_puts(out, " (a Poisson process)");
	if (cfg->ramp > 0 && cfg->from <= 0)
		buf_printf(out, " after a ramp of %g s", cfg->ramp);
	if (cfg->duration > 0)
		buf_printf(out, ", for %g s", cfg->duration);
	if (cfg->calls)
		buf_printf(out, ", %llu in all", (unsigned long long)cfg->calls);
}
