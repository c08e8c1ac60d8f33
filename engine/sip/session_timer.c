#include "sip/session_timer.h"

#include "core/mem.h"
#include "sip/call_priv.h"

static const struct slice tag = {"timer", 5};

static void destroy(void *p)
{
	struct session_timer *t = p;

	tmr_cancel(&t->tmr);
	mem_deref(t->refresh);
}

/* Made when there is something to say of it; NULL for want of memory. */
static struct session_timer *made(struct call *call)
{
	if (!call->timer)
		call->timer = mem_zalloc(sizeof(*call->timer), destroy);
	return call->timer;
}

int session_timer_init(struct call *call, const struct session_opts *opts)
{
	if (!opts->expires && !opts->min_se && opts->refresher == SESSION_ANY)
		return 0;
	if (!made(call))
		return ERR_NOMEM;
	call->timer->opts = *opts;
	return 0;
}

void session_timer_stop(struct call *call)
{
	if (!call->timer)
		return;
	tmr_cancel(&call->timer->tmr);
	call->timer->expires = 0;
}

const struct session_timer *session_timer_of(const struct call *call)
{
	static const struct session_timer none;

	return call->timer ? call->timer : &none;
}

static uint32_t least(const struct session_timer *t)
{
	uint32_t own = t->opts.min_se ? t->opts.min_se : SESSION_MIN_SE;

	return t->min_se > own ? t->min_se : own;
}

/* The number of a Session-Expires or Min-SE, before its parameters; 0 if there is none. */
static uint32_t seconds_of(const struct scan *s, enum hdr_id id)
{
	struct slice value = scan_header(s, id, 0);
	const char *semi = value.l ? memchr(value.p, ';', value.l) : NULL;
	uint64_t n = 0;

	if (semi)
		value.l = (size_t)(semi - value.p);
	return value.p && slice_u64(&n, slice_trim(value), UINT32_MAX) ? (uint32_t)n : 0;
}

static enum session_refresher refresher_of(const struct scan *s)
{
	struct slice who = SLICE_NONE;

	scan_param(&who, scan_header(s, HDR_SESSION_EXPIRES, 0), "refresher");
	return slice_case_eq(who, SLICE_LIT("uac")) ? SESSION_UAC : slice_case_eq(who, SLICE_LIT("uas")) ? SESSION_UAS : SESSION_ANY;
}

void session_timer_ask(struct call *call, struct call_headers *x)
{
	static const char *const who[] = {"", ";refresher=uac", ";refresher=uas"};
	const struct session_timer *t = session_timer_of(call);
	/* A refresh: whoever did it goes on (RFC 4028 7.4). */
	enum session_refresher r = t->expires ? (t->ours ? SESSION_UAC : SESSION_UAS) : t->opts.refresher;
	uint32_t interval = t->expires ? t->expires : t->opts.expires;

	if (!interval)
		return;
	call_headers_print(x, HDR_SESSION_EXPIRES, "%u%s", interval, who[r]);
	if (t->opts.min_se || t->min_se)
		call_headers_print(x, HDR_MIN_SE, "%u", least(t));
}

/* --- the timer --- */

static void on_due(void *arg);

/* RFC 4028 10: a little before the interval is over, so that a BYE comes in time. */
static uint32_t expiry(uint32_t interval)
{
	return interval - (interval / 3 < 32 ? interval / 3 : 32);
}

static void start(struct call *call, uint32_t interval, bool ours)
{
	struct session_timer *t = call->timer;
	uint32_t due = ours ? interval / 2 : expiry(interval);

	t->expires = interval;
	t->ours = ours;
	/* RFC 4028 4 allows nothing below 90 s; one that says less all the same must not make us refresh for ever. */
	tmr_start(&t->tmr, call->ua->ep->loop, (due ? due : 1) * NS_PER_S, on_due, call);
}

static void on_expired(void *arg)
{
	struct call *call = mem_ref(arg);

	call_hang_up(call, "session expired");
	mem_deref(call);
}

/* RFC 4028 10: without an answer, or when the other side knows nothing of the call, it ends; any other refusal leaves it until it
 * expires. */
static void on_refresh_response(struct uac *uac, struct msg *m, const char *why, void *arg)
{
	struct call *call = arg;

	(void)uac;
	(void)why;
	if (m->s.status != 408 && m->s.status != 481)
		return;
	mem_ref(call);
	call_hang_up(call, "session refresh failed");
	mem_deref(call);
}

static void on_due(void *arg)
{
	struct call *call = arg;
	struct session_timer *t = call->timer;
	uint32_t rest = expiry(t->expires) - t->expires / 2;
	struct uac *uac = NULL;

	if (!t->ours) {
		on_expired(call);
		return;
	}
	tmr_start(&t->tmr, call->ua->ep->loop, rest * NS_PER_S, on_expired, call);
	if (call_waits_for_answer(call) || call->offering)
		return; /* an offer is under way, and refreshes the session too */
	t->refreshes++;
	struct slice method = t->by_update ? SLICE_LIT("UPDATE") : SLICE_LIT("INVITE");
	if (call_request(&uac, call, NULL, method, &(struct ua_request){.retry_glare = !t->by_update}, on_refresh_response, call,
			 NULL) == 0) {
		mem_deref(t->refresh);
		t->refresh = uac;
	}
}

/* --- what the other side says --- */

bool session_timer_too_small(const struct call *call, const struct scan *request, uint32_t *min_se)
{
	uint32_t interval = seconds_of(request, HDR_SESSION_EXPIRES);

	*min_se = least(session_timer_of(call));
	/* One that does not know the extension could not obey a 422. */
	return interval && interval < *min_se && verdict_lists(request, HDR_SUPPORTED, tag);
}

/* RFC 4028 9, table 2: who refreshes. */
void session_timer_answer(struct call *call, const struct scan *request, struct call_headers *x)
{
	struct session_timer *t;
	struct dialog *d = call_dialog_of(call, request->from_tag);
	uint32_t theirs = seconds_of(request, HDR_SESSION_EXPIRES), floor = seconds_of(request, HDR_MIN_SE);
	uint32_t ours = session_timer_of(call)->opts.expires, interval = theirs && (!ours || theirs < ours) ? theirs : ours;

	if (d && d != call->dialog) /* a kept fork is another session, without a timer */
		return;
	if (!interval) {
		session_timer_stop(call);
		return;
	}
	t = made(call);
	if (!t)
		return;
	if (interval < floor)
		interval = floor;
	bool known = verdict_lists(request, HDR_SUPPORTED, tag) || verdict_lists(request, HDR_REQUIRE, tag);
	enum session_refresher who = known ? refresher_of(request) : SESSION_UAS;
	if (who == SESSION_ANY)
		who = t->opts.refresher != SESSION_ANY ? t->opts.refresher : SESSION_UAC;
	t->by_update = verdict_lists(request, HDR_ALLOW, SLICE_LIT("UPDATE"));
	call_headers_print(x, HDR_SESSION_EXPIRES, "%u;refresher=%s", interval, who == SESSION_UAC ? "uac" : "uas");
	if (who == SESSION_UAC)
		call_headers_add(x, HDR_REQUIRE, SLICE_LIT("timer"));
	start(call, interval, who == SESSION_UAS);
}

void session_timer_answered(struct call *call, const struct scan *response)
{
	uint32_t interval = seconds_of(response, HDR_SESSION_EXPIRES);

	if (!interval) { /* the other side keeps none (RFC 4028 7.2) */
		session_timer_stop(call);
		return;
	}
	if (!made(call))
		return;
	if (scan_header(response, HDR_ALLOW, 0).p)
		call->timer->by_update = verdict_lists(response, HDR_ALLOW, SLICE_LIT("UPDATE"));
	start(call, interval, refresher_of(response) != SESSION_UAS);
}

uint32_t session_timer_larger(struct call *call, const struct scan *request, const struct scan *refusal)
{
	struct session_timer *t = made(call);
	uint32_t wanted = seconds_of(refusal, HDR_MIN_SE);

	if (!t || wanted <= seconds_of(request, HDR_SESSION_EXPIRES))
		return 0;
	if (wanted > t->min_se)
		t->min_se = wanted;
	if (t->expires && t->expires < wanted)
		t->expires = wanted;
	if (t->opts.expires && t->opts.expires < wanted)
		t->opts.expires = wanted;
	return wanted;
}
