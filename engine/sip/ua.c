#include "sip/ua.h"

#include "core/mem.h"
#include "sip/call.h"
#include "sip/route.h"
#include "sip/value.h"

#include <stdio.h>

static void destroy(void *p)
{
	struct ua *ua = p;

	mem_deref(ua->text);
}

bool ua_answers(const struct ua *ua, unsigned bit)
{
	return ua->cfg.answers & bit;
}

static struct slice keep(char **at, struct slice s)
{
	struct slice copy = {*at, s.l};

	if (!s.p)
		return SLICE_NONE;
	memcpy(*at, s.p, s.l);
	*at += s.l;
	*(*at)++ = '\0';
	return copy;
}

int ua_alloc(struct ua **uap, struct endpoint *ep, const struct ua_cfg *cfg, const struct ua_handlers *h, struct err *e)
{
	struct ua *ua = mem_zalloc(sizeof(*ua), destroy);
	struct buf contact = {0}, route = {0};
	struct slice user = cfg->contact_user.p ? cfg->contact_user : route_user(cfg->aor), host;
	struct slice account_user = cfg->account.username.p ? cfg->account.username : route_user(cfg->aor);
	char where[ADDR_STRLEN];
	uint16_t port;
	int err;

	if (!ua) {
		err = err_set(e, ERR_NOMEM, "out of memory for a UA");
		goto out;
	}
	err = route_host(&host, &port, cfg->aor, e);
	if (err)
		goto out;
	if (cfg->outbound_proxy.p) {
		struct slice proxy = route_uri(cfg->outbound_proxy);
		err = route_host(&host, &port, proxy, e);
		if (err)
			goto out;
		buf_printf(&route, "<%.*s%s>", SLICE_ARG(proxy), route_is_loose(proxy) ? "" : ";lr");
	}
	buf_puts(&contact, "sip:");
	if (user.p) {
		buf_put_slice(&contact, user);
		buf_puts(&contact, "@");
	}
	buf_puts(&contact, addr_str(where, endpoint_local(ep)));

	size_t size = cfg->aor.l + cfg->display.l + cfg->outbound_proxy.l + user.l + cfg->user_agent.l + account_user.l +
		      cfg->account.password.l + cfg->account.ha1.l + contact.len + route.len + 16;
	char *at = ua->text = mem_zalloc(size, NULL);
	if (!at || contact.failed || route.failed) {
		err = err_set(e, ERR_NOMEM, "out of memory for a UA");
		goto out;
	}
	ua->ep = ep;
	ua->h = *h;
	ua->cfg = *cfg;
	ua->cfg.aor = keep(&at, cfg->aor);
	ua->cfg.display = keep(&at, cfg->display);
	ua->cfg.outbound_proxy = keep(&at, cfg->outbound_proxy);
	ua->cfg.contact_user = keep(&at, user);
	ua->cfg.user_agent = keep(&at, cfg->user_agent);
	ua->cfg.account.username = keep(&at, account_user);
	ua->cfg.account.password = keep(&at, cfg->account.password);
	ua->cfg.account.ha1 = keep(&at, cfg->account.ha1);
	ua->contact = keep(&at, buf_slice(&contact));
	ua->route = route.len ? keep(&at, buf_slice(&route)) : SLICE_NONE;
out:
	buf_free(&contact);
	buf_free(&route);
	if (err)
		mem_deref(ua);
	else
		*uap = ua;
	return err;
}

int ua_build(struct ua *ua, struct buf *out, struct addr *dst, struct slice method, const struct ua_request *r,
	     struct slice lines, struct err *e)
{
	struct endpoint *ep = ua->ep;
	struct buf via = {0}, from = {0}, to = {0}, contact = {0};
	char call_id[ENDPOINT_ID_LEN], tag[ENDPOINT_ID_LEN];
	struct slice host;
	uint16_t port;
	int err = 0;

	if (r->dst) {
		*dst = *r->dst;
	} else {
		struct slice hop = ua->route.p ? ua->route : r->uri;
		err = route_resolve(dst, hop, !loop_is_virtual(ep->loop), addr_is_v6(endpoint_local(ep)), e);
	}
	if (!err && !r->dst)
		err = route_host(&host, &port, r->uri, e);
	if (err)
		goto out;
	endpoint_call_id(ep, call_id);
	endpoint_tag(ep, tag);
	endpoint_via(ep, &via);
	if (r->from.p) {
		buf_put_slice(&from, r->from);
	} else {
		if (ua->cfg.display.l) {
			value_quote(&from, ua->cfg.display);
			buf_puts(&from, " ");
		}
		buf_printf(&from, "<%.*s>", SLICE_ARG(ua->cfg.aor));
	}
	buf_printf(&from, ";tag=%s", tag);
	if (r->to.p)
		buf_put_slice(&to, r->to);
	else
		buf_printf(&to, "<%.*s>", SLICE_ARG(r->uri));
	buf_printf(&contact, "<%.*s>", SLICE_ARG(ua->contact));

	struct build_header user_agent = {SLICE_LIT("User-Agent"), ua->cfg.user_agent};
	struct buf all_lines = {0};
	buf_put_slice(&all_lines, lines);
	if (user_agent.value.p)
		buf_printf(&all_lines, "User-Agent: %.*s\r\n", SLICE_ARG(user_agent.value));
	struct build_request req = {
		.method = method,
		.uri = r->uri,
		.via = buf_slice(&via),
		.routes = &ua->route,
		.route_count = ua->route.p ? 1 : 0,
		.from = buf_slice(&from),
		.to = buf_slice(&to),
		.call_id = r->call_id.p ? r->call_id : slice_str(call_id),
		.cseq = r->cseq ? r->cseq : 1,
		.max_forwards = 70,
		.contact = r->no_contact ? SLICE_NONE : buf_slice(&contact),
		.lines = buf_slice(&all_lines),
		.extra = r->extra,
		.extra_count = r->extra_count,
		.content_type = r->content_type,
		.body = r->body,
	};
	build_request(out, &req);
	if (out->failed || via.failed || from.failed || to.failed || contact.failed || all_lines.failed)
		err = err_set(e, ERR_NOMEM, "out of memory for a request");
	buf_free(&all_lines);
out:
	buf_free(&via);
	buf_free(&from);
	buf_free(&to);
	buf_free(&contact);
	return err;
}

void ua_reply(struct ua *ua, struct strans *st, unsigned status, const char *reason, const struct build_header *extra,
	      unsigned extra_count)
{
	struct build_response r = {
		.status = status, .reason = slice_str(reason), .extra = extra, .extra_count = extra_count};

	if (strans_reply(st, &r, NULL, NULL) == 0 && ua->h.answered)
		ua->h.answered(ua, st->request, status, ua->h.arg);
}

bool ua_refuse_require(struct ua *ua, struct strans *st)
{
	const struct scan *s = &st->request->s;
	struct buf bad = {0};
	struct slice rest, item;

	/* RFC 3261 8.2.2.3: not in an ACK or CANCEL. */
	for (unsigned i = 0; i < s->header_count; i++) {
		if (s->headers[i].id != HDR_REQUIRE)
			continue;
		rest = scan_value(s, i);
		while (value_split(&item, &rest))
			if (item.l) /* there is no extension yet that this side has */
				buf_printf(&bad, "%s%.*s", bad.len ? ", " : "", SLICE_ARG(item));
	}
	if (bad.len) {
		struct build_header h = {SLICE_LIT("Unsupported"), buf_slice(&bad)};
		ua_reply(ua, st, 420, NULL, &h, 1);
	}
	bool refused = bad.len > 0;
	buf_free(&bad);
	return refused;
}

static const char *const known_methods[] = {"INVITE", "ACK",     "CANCEL", "BYE",     "OPTIONS", "REGISTER", "INFO",
					    "UPDATE", "PRACK",   "REFER",  "NOTIFY",  "MESSAGE", "PUBLISH",  "SUBSCRIBE"};

static bool known(struct slice method)
{
	for (size_t i = 0; i < sizeof(known_methods) / sizeof(*known_methods); i++)
		if (slice_eq(method, slice_str(known_methods[i])))
			return true;
	return false;
}

/* The verdict that RFC 3261 8.2 gives before the method is looked at; 0: none. */
static unsigned verdict(const struct scan *s, unsigned *bit)
{
	if (s->flaws & SCAN_VERSION) {
		*bit = UA_ANSWER(VERSION);
		return 505;
	}
	if (s->flaws & ~SCAN_BODY_LONG) {
		*bit = UA_ANSWER(MALFORMED);
		return 400;
	}
	const char *colon = memchr(s->uri.p, ':', s->uri.l);
	struct slice scheme = {s->uri.p, colon ? (size_t)(colon - s->uri.p) : 0};
	if (!slice_case_eq(scheme, SLICE_LIT("sip")) && !slice_case_eq(scheme, SLICE_LIT("sips"))) {
		*bit = UA_ANSWER(SCHEME);
		return 416;
	}
	struct slice host;
	uint16_t port;
	if (route_host(&host, &port, s->uri, NULL)) {
		*bit = UA_ANSWER(MALFORMED);
		return 400;
	}
	if (s->to_tag.p || slice_eq(s->method, SLICE_LIT("CANCEL"))) {
		*bit = UA_ANSWER(STRAY);
		return 481;
	}
	return 0;
}

void ua_answer(struct ua *ua, struct strans *st)
{
	static const struct build_header allow = {{"Allow", 5}, {UA_ALLOW, sizeof(UA_ALLOW) - 1}};
	const struct build_header about[] = {allow, {SLICE_LIT("Accept"), SLICE_LIT("application/sdp")}};
	const struct scan *s = &st->request->s;
	unsigned bit = 0;
	unsigned status = verdict(s, &bit);

	mem_ref(st);
	if (status && ua_answers(ua, bit)) {
		ua_reply(ua, st, status, status == 400 && s->flaws ? scan_flaw_text(s->flaws & ~SCAN_BODY_LONG) : NULL, NULL, 0);
	} else if (ua->claims && ua->h.request && ua->h.request(ua, st, ua->h.arg)) {
		;
	} else if (ua_answers(ua, UA_ANSWER(REQUIRE)) && ua_refuse_require(ua, st)) {
		;
	} else if (slice_eq(s->method, SLICE_LIT("OPTIONS")) && ua_answers(ua, UA_ANSWER(OPTIONS))) {
		ua->options_seen++;
		ua_reply(ua, st, 200, NULL, about, 2);
	} else if (!status && slice_eq(s->method, SLICE_LIT("INVITE"))) {
		call_incoming(ua, st);
	} else if (ua_answers(ua, UA_ANSWER(METHOD)) && !slice_eq(s->method, SLICE_LIT("OPTIONS")) && !status) {
		ua_reply(ua, st, known(s->method) ? 405 : 501, NULL, &allow, 1);
	} else if (ua->h.request) {
		ua->h.request(ua, st, ua->h.arg);
	}
	mem_deref(st);
}

bool ua_receive(struct ua *ua, struct msg *m)
{
	struct strans *st;
	struct strans_opts opts = {.timers = ua->ep->timers, .no_cancel = !ua_answers(ua, UA_ANSWER(CANCEL))};

	/* An ACK is never answered (RFC 3261 17.1.1.3), nor is what was cut off, or does not say where an answer goes. */
	if (slice_eq(m->s.method, SLICE_LIT("ACK")) || (m->s.flaws & SCAN_TRUNCATED) || !m->s.via.p)
		return false;
	if (strans_create(&st, ua->ep, m, &opts, NULL, NULL, NULL))
		return true;
	ua_answer(ua, st);
	mem_deref(st);
	return true;
}
