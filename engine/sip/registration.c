#include "sip/registration.h"

#include "core/mem.h"
#include "sip/meter.h"
#include "sip/route.h"
#include "sip/value.h"

#include <stdio.h>

static void destroy(void *p)
{
	struct registration *reg = p;

	tmr_cancel(&reg->refresh);
	mem_deref(reg->uac);
	mem_deref(reg->last);
	auth_free(&reg->auth);
}

static void on_response(struct uac *uac, struct msg *m, const char *why, void *arg);

static void on_refresh(void *arg)
{
	struct registration *reg = arg;

	reg->refreshes++;
	if (registration_again(reg, UINT32_MAX, NULL))
		reg->granted = 0; /* out of memory, or too large: the binding runs out */
}

/* What the registrar granted to our Contact: its expires parameter, else Expires, else what was asked for (RFC 3261 10.2.4). */
static uint32_t granted(const struct registration *reg, const struct msg *m)
{
	struct slice value, item, rest;
	uint64_t n;

	for (unsigned i = 0; i < m->s.header_count; i++) {
		if (m->s.headers[i].id != HDR_CONTACT)
			continue;
		rest = scan_value(&m->s, i);
		while (value_split(&item, &rest))
			if (slice_eq(route_uri(item), reg->ua->contact) && scan_param(&value, item, "expires") &&
			    slice_u64(&n, value, UINT32_MAX))
				return (uint32_t)n;
	}
	value = scan_header(&m->s, HDR_EXPIRES, 0);
	return value.p && slice_u64(&n, value, UINT32_MAX) ? (uint32_t)n : reg->expires;
}

static void on_success(struct registration *reg, struct msg *m)
{
	meter_took(reg->ua->ep->sb->meter, METER_REGISTER, reg->began, m->time);
	reg->granted = reg->expires ? granted(reg, m) : 0;
	reg->too_brief = 0;
	if (!reg->granted || reg->no_refresh)
		return;
	uint64_t time = reg->granted * NS_PER_S, ninety = time / 10 * 9;
	uint64_t late = time > 10 * NS_PER_S ? time - 5 * NS_PER_S : ninety;
	/* The registrar counts from the REGISTER, which may have needed several tries (RFC 3261 10.2.4). */
	uint64_t due = reg->last->time + (late > ninety ? late : ninety), now = loop_now(reg->ua->ep->loop);
	tmr_start(&reg->refresh, reg->ua->ep->loop, due > now ? due - now : 0, on_refresh, reg);
}

static void on_response(struct uac *uac, struct msg *m, const char *why, void *arg)
{
	struct registration *reg = arg;
	unsigned status = m->s.status;
	uint64_t n, began = reg->began;

	mem_ref(reg);
	mem_deref(reg->last);
	reg->last = mem_ref(uac->request);
	if (status >= 200 && status < 300) {
		on_success(reg, m);
	} else if (status == 423 && !reg->too_brief++ &&
		   slice_u64(&n, scan_header(&m->s, HDR_MIN_EXPIRES, 0), UINT32_MAX) && n > reg->expires &&
		   registration_again(reg, (uint32_t)n, NULL) == 0) {
		reg->began = began; /* RFC 3261 10.2.8 */
		goto out;
	} else if (status >= 300) {
		reg->granted = 0;
	}
	if (reg->h)
		reg->h(reg, m, why, reg->arg);
out:
	mem_deref(reg);
}

static int send_register(struct registration *reg, struct msg *m, const struct addr *dst, struct err *e)
{
	struct uac *uac;
	int err = uac_alloc(&uac, reg->ua, &reg->auth, &reg->cseq, m, dst, NULL, on_response, reg, e);

	if (!err) {
		/* The one before, if it is still under way, is on its own from here. */
		mem_deref(reg->uac);
		reg->uac = uac;
		mem_deref(reg->last);
		reg->last = mem_ref(m);
		reg->cseq = m->s.cseq;
	}
	return err;
}

int registration_start(struct registration **rp, struct ua *ua, const struct registration_opts *o, registration_h *h, void *arg,
		       struct err *e)
{
	struct registration *reg = mem_zalloc(sizeof(*reg), destroy);
	struct build_header *extra = mem_zalloc((o->extra_count + 1) * sizeof(*extra), NULL);
	struct buf b = {0}, uri = {0}, to = {0};
	char expires[16];
	struct msg *m = NULL;
	struct addr dst;
	struct slice host;
	uint16_t port;
	int err;

	if (!reg || !extra) {
		err = err_set(e, ERR_NOMEM, "out of memory for a registration");
		goto out;
	}
	reg->ua = ua;
	reg->expires = o->expires;
	reg->no_refresh = o->no_refresh;
	reg->h = h;
	reg->arg = arg;
	reg->cseq = 1;
	reg->began = loop_now(ua->ep->loop);
	if (o->registrar.p) {
		buf_put_slice(&uri, o->registrar);
	} else {
		err = route_host(&host, &port, ua->cfg.aor, e);
		if (err)
			goto out;
		buf_printf(&uri, "sip:%.*s", SLICE_ARG(host));
		if (port)
			buf_printf(&uri, ":%u", port);
	}
	buf_printf(&to, "<%.*s>", SLICE_ARG(ua->cfg.aor));
	snprintf(expires, sizeof(expires), "%u", o->expires);
	for (unsigned i = 0; i < o->extra_count; i++)
		extra[i] = o->extra[i];
	extra[o->extra_count] = (struct build_header){SLICE_LIT("Expires"), slice_str(expires)};
	struct ua_request r = {.uri = buf_slice(&uri),
			       .to = buf_slice(&to),
			       .extra = extra,
			       .extra_count = o->extra_count + 1};
	err = ua_build(ua, &b, &dst, SLICE_LIT("REGISTER"), &r, SLICE_NONE, e);
	if (!err && msg_alloc(&m, buf_slice(&b)))
		err = err_set(e, ERR_NOMEM, "out of memory for a REGISTER");
	if (!err)
		err = send_register(reg, m, &dst, e);
out:
	mem_deref(m);
	buf_free(&b);
	buf_free(&uri);
	buf_free(&to);
	mem_deref(extra);
	if (err)
		mem_deref(reg);
	else
		*rp = reg;
	return err;
}

int registration_again(struct registration *reg, uint32_t expires, struct err *e)
{
	struct addr dst = reg->uac->dst;
	struct msg *m = NULL, *changed = NULL;
	struct buf b = {0};
	char text[16];
	int err;

	tmr_cancel(&reg->refresh);
	if (expires != UINT32_MAX)
		reg->expires = expires;
	uac_begin(reg->uac);
	reg->began = loop_now(reg->ua->ep->loop);
	err = uac_again(&m, reg->ua, &reg->auth, reg->last, reg->cseq + 1, e);
	if (err)
		return err;
	snprintf(text, sizeof(text), "%u", reg->expires);
	for (unsigned i = 0; i < m->s.header_count && !b.len; i++)
		if (m->s.headers[i].id == HDR_EXPIRES)
			build_replace(&b, &m->s, i, slice_str(text));
	if (b.failed || (b.len && msg_alloc(&changed, buf_slice(&b))))
		err = err_set(e, ERR_NOMEM, "out of memory for a REGISTER");
	else
		err = send_register(reg, changed ? changed : m, &dst, e);
	mem_deref(m);
	mem_deref(changed);
	buf_free(&b);
	return err;
}
