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
	ua_claims_free(&ua->claims);
	ua_claims_free(&ua->in_calls);
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
	struct buf contact = {0}, route = {0}, from = {0};
	/* At a shared transport the user of the Contact says whose a request is. */
	struct slice user = ep->user ? slice_str(ep->user) : cfg->contact_user.p ? cfg->contact_user : route_user(cfg->aor), host;
	struct slice account_user = cfg->account.username.p ? cfg->account.username : route_user(cfg->aor);
	struct slice supports = cfg->supports.p ? cfg->supports : SLICE_LIT(UA_SUPPORTS);
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
	if (cfg->display.l) {
		value_quote(&from, cfg->display);
		buf_puts(&from, " ");
	}
	buf_puts(&from, "<");
	buf_put_slice(&from, cfg->aor);
	buf_puts(&from, ">");
	buf_puts(&contact, "<sip:");
	if (user.p) {
		buf_put_slice(&contact, user);
		buf_puts(&contact, "@");
	}
	buf_puts(&contact, addr_str(where, endpoint_local(ep)));
	buf_puts(&contact, ">");

	size_t size = cfg->aor.l + cfg->display.l + cfg->outbound_proxy.l + user.l + cfg->user_agent.l + supports.l + cfg->requires.l + account_user.l +
		      cfg->account.password.l + cfg->account.ha1.l + contact.len + route.len + from.len + 20;
	char *at = ua->text = mem_zalloc(size, NULL);
	if (!at || contact.failed || route.failed || from.failed) {
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
	ua->cfg.supports = keep(&at, supports);
	ua->cfg.requires = keep(&at, cfg->requires);
	ua->cfg.account.username = keep(&at, account_user);
	ua->cfg.account.password = keep(&at, cfg->account.password);
	ua->cfg.account.ha1 = keep(&at, cfg->account.ha1);
	ua->from = keep(&at, buf_slice(&from));
	ua->contact_value = keep(&at, buf_slice(&contact));
	ua->contact = (struct slice){ua->contact_value.p + 1, ua->contact_value.l - 2};
	ua->route = route.len ? keep(&at, buf_slice(&route)) : SLICE_NONE;
out:
	buf_free(&contact);
	buf_free(&route);
	buf_free(&from);
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
	struct buf text = {0}; /* Via, From, To and the last lines, one behind the other */
	char call_id[ENDPOINT_ID_LEN], tag[ENDPOINT_ID_LEN];
	struct slice host, route = r->no_proxy ? SLICE_NONE : ua->route;
	uint16_t port;
	int err = 0;

	if (r->dst) {
		*dst = *r->dst;
	} else {
		struct slice hop = route.p ? route : r->uri;
		err = route_resolve(dst, hop, !loop_is_virtual(ep->loop), addr_is_v6(endpoint_local(ep)), e);
	}
	/* What was resolved was another one, or not the whole of it. */
	if (!err && !r->dst && (route.p || memchr(r->uri.p, '<', r->uri.l)))
		err = route_host(&host, &port, r->uri, e);
	if (err)
		goto out;
	struct slice own_id = endpoint_call_id(ep, call_id), own_tag = endpoint_tag(ep, tag);
	endpoint_via(ep, &text);
	size_t via = text.len;
	buf_put_slice(&text, r->from.p ? r->from : ua->from);
	buf_puts(&text, ";tag=");
	buf_put_slice(&text, r->from_tag.p ? r->from_tag : own_tag);
	size_t from = text.len;
	if (r->to.p) {
		buf_put_slice(&text, r->to);
	} else {
		buf_puts(&text, "<");
		buf_put_slice(&text, r->uri);
		buf_puts(&text, ">");
	}
	size_t to = text.len;
	bool own_agent = false; /* the script has, or leaves out, a User-Agent of its own */
	for (unsigned i = 0; i < r->extra_count; i++)
		own_agent = own_agent || slice_case_eq(r->extra[i].name, SLICE_LIT("User-Agent"));
	buf_put_slice(&text, lines);
	if (ua->cfg.user_agent.p && !own_agent) {
		buf_puts(&text, "User-Agent: ");
		buf_put_slice(&text, ua->cfg.user_agent);
		buf_puts(&text, "\r\n");
	}
	if (text.failed) {
		err = err_set(e, ERR_NOMEM, "out of memory for a request");
		goto out;
	}
	const char *at = (const char *)text.p;
	struct build_request req = {
		.method = method,
		.uri = r->uri,
		.via = {at, via},
		.routes = &route,
		.route_count = route.p ? 1 : 0,
		.from = {at + via, from - via},
		.to = {at + from, to - from},
		.call_id = r->call_id.p ? r->call_id : own_id,
		.cseq = r->cseq ? r->cseq : 1,
		.max_forwards = 70,
		.contact = r->no_contact ? SLICE_NONE : ua->contact_value,
		.lines = {at + to, text.len - to},
		.extra = r->extra,
		.extra_count = r->extra_count,
		.content_type = r->content_type,
		.body = r->body,
	};
	build_request(out, &req);
	if (out->failed)
		err = err_set(e, ERR_NOMEM, "out of memory for a request");
out:
	buf_free(&text);
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

static void reply_verdict(struct ua *ua, struct strans *st, const struct verdict *v)
{
	ua_reply(ua, st, v->status, *v->reason ? v->reason : NULL, &v->header, v->header.name.l ? 1 : 0);
}

bool ua_refuse_require(struct ua *ua, struct strans *st)
{
	struct verdict v = {0};

	verdict_on_require(&v, &st->request->s, ua->cfg.supports);
	if (v.status)
		reply_verdict(ua, st, &v);
	verdict_free(&v);
	return v.status;
}

/* What its user does not want: OPTIONS, calls, and the verdicts that come when nobody claimed the request. */
static void answer_unclaimed(struct ua *ua, struct strans *st)
{
	const struct build_header about[] = {{SLICE_LIT("Allow"), SLICE_LIT(UA_ALLOW)},
					     {SLICE_LIT("Accept"), SLICE_LIT("application/sdp")},
					     {SLICE_LIT("Supported"), ua->cfg.supports}};
	const struct scan *s = &st->request->s;
	struct verdict v = {0};

	verdict_on_request(&v, s, ua->cfg.answers, strans_merged(st), ua->cfg.supports, ua->cfg.requires);
	if (v.status) {
		reply_verdict(ua, st, &v);
	} else if (slice_eq(s->method, SLICE_LIT("OPTIONS")) && ua_answers(ua, UA_ANSWER(OPTIONS))) {
		ua_reply(ua, st, 200, NULL, about, ua->cfg.supports.l ? 3 : 2);
	} else if (slice_eq(s->method, SLICE_LIT("INVITE"))) {
		call_incoming(ua, st);
	} else if (ua->h.request) {
		ua->h.request(ua, st, ua->h.arg);
	}
	verdict_free(&v);
}

static void claim_destroy(void *p)
{
	struct ua_claim *claim = p;

	mem_deref(claim->next);
}

int ua_claim(struct ua_claims *c, struct slice method, struct err *e)
{
	if (!method.p) {
		c->all = true;
		return 0;
	}
	if (ua_claimed(c, method))
		return 0;
	unsigned count = 0;
	for (const struct ua_claim *at = c->first; at; at = at->next)
		count++;
	if (method.l == 0 || method.l >= UA_CLAIM_LEN || count == UA_CLAIMS_MAX)
		return err_set(e, ERR_ARG, "\"%.*s\" cannot be claimed: at most %u methods of up to %u letters (or all of them)",
			       SLICE_ARG(method), UA_CLAIMS_MAX, UA_CLAIM_LEN - 1);
	struct ua_claim *claim = mem_zalloc(sizeof(*claim), claim_destroy);
	if (!claim)
		return err_set(e, ERR_NOMEM, "out of memory for a claim");
	slice_copy(claim->method, UA_CLAIM_LEN, method);
	claim->next = c->first;
	c->first = claim;
	return 0;
}

bool ua_claimed(const struct ua_claims *c, struct slice method)
{
	bool found = c->all;

	for (const struct ua_claim *at = c->first; at && !found; at = at->next)
		found = slice_eq(slice_str(at->method), method);
	return found;
}

void ua_claims_copy(struct ua_claims *to, const struct ua_claims *from)
{
	*to = *from;
	mem_ref(to->first);
}

void ua_claims_free(struct ua_claims *c)
{
	*c = (struct ua_claims){.first = mem_deref(c->first)};
}

void ua_answer(struct ua *ua, struct strans *st)
{
	/* A user that claims requests may know methods that we do not. */
	bool claimed = ua_claimed(&ua->claims, st->request->s.method);
	unsigned answers = ua->cfg.answers & ~(claimed ? UA_ANSWER(METHOD) : 0);
	struct verdict v = {0};

	mem_ref(st);
	verdict_on_message(&v, &st->request->s, answers, &ua->cfg.limits);
	if (v.status && ua_answers(ua, v.bit))
		reply_verdict(ua, st, &v);
	else if ((claimed || v.status) && ua->h.request)
		ua->h.request(ua, st, ua->h.arg);
	else if (!v.status)
		answer_unclaimed(ua, st);
	verdict_free(&v);
	mem_deref(st);
}

bool ua_receive(struct ua *ua, struct msg *m)
{
	struct strans *st;
	struct strans_opts opts = {.no_cancel = !ua_answers(ua, UA_ANSWER(CANCEL))};

	/* An ACK is never answered (RFC 3261 17.1.1.3), nor what does not say where an answer goes, or was cut off before the end of
	 * what an answer needs. */
	if (slice_eq(m->s.method, SLICE_LIT("ACK")) || !m->s.via.p)
		return false;
	if (m->s.flaws & SCAN_TRUNCATED && (m->s.flaws & SCAN_MISSING || m->s.bytes.p[m->s.bytes.l - 1] != '\n'))
		return false;
	if (strans_create(&st, ua->ep, m, &opts, NULL, NULL, NULL))
		return true;
	ua_answer(ua, st);
	strans_release(st);
	return true;
}
