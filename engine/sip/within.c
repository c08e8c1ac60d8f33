#include "sip/within.h"

#include "core/mem.h"
#include "sip/route.h"

/* RFC 3261 table 2, RFC 3262 table 1, RFC 6086 5.2, RFC 3428 4: these have no Contact. */
static bool takes_contact(struct slice method)
{
	return !slice_eq(method, SLICE_LIT("BYE")) && !slice_eq(method, SLICE_LIT("PRACK")) &&
	       !slice_eq(method, SLICE_LIT("INFO")) && !slice_eq(method, SLICE_LIT("MESSAGE"));
}

int within_build(struct buf *out, struct ua *ua, struct dialog *d, struct slice method, uint32_t cseq,
		 const struct ua_request *u, struct slice lines, struct err *e)
{
	struct slice routes[DIALOG_MAX_ROUTES + 1];
	struct buf via = {0};
	struct build_request r = {.method = method, .cseq = cseq, .max_forwards = 70, .lines = lines};
	int err = dialog_request(d, &r, routes);

	endpoint_via(ua->ep, &via);
	r.via = buf_slice(&via);
	if ((!u || !u->no_contact) && takes_contact(method))
		r.contact = ua->contact_value;
	if (u) {
		r.extra = u->extra;
		r.extra_count = u->extra_count;
		r.content_type = u->content_type;
		r.body = u->body;
		if (u->uri.p)
			r.uri = u->uri;
	}
	if (!err)
		build_request(out, &r);
	if (err || via.failed || out->failed)
		err = err_set(e, ERR_NOMEM, "out of memory for a request");
	buf_free(&via);
	return err;
}

int within_next_hop(struct addr *dst, const struct ua *ua, struct dialog *d, struct err *e)
{
	return route_resolve(dst, dialog_next_hop(d), !loop_is_virtual(ua->ep->loop), addr_is_v6(endpoint_local(ua->ep)), e);
}

/* The Request-URI as it will stand there, a strict router's too: digests are made for it. */
static struct slice request_uri(struct dialog *d, const struct ua_request *u)
{
	struct slice routes[DIALOG_MAX_ROUTES + 1];
	struct build_request r = {0};

	dialog_request(d, &r, routes);
	return u && u->uri.p ? u->uri : r.uri;
}

int within_request(struct uac **uacp, struct ua *ua, struct dialog *d, struct auth *auth, struct slice method,
		   const struct ua_request *u, uac_response_h *h, void *arg, struct err *e)
{
	uint32_t cseq = u && u->cseq ? u->cseq : d->local_cseq + 1;
	struct buf lines = {0}, b = {0};
	struct msg *m = NULL;
	struct addr dst;
	int err = 0;

	if (u && u->dst)
		dst = *u->dst;
	else
		err = within_next_hop(&dst, ua, d, e);
	if (!err && auth->realms)
		err = auth_lines(auth, &lines, &ua->cfg.account, method, request_uri(d, u), u ? u->body : SLICE_NONE,
				 &ua->ep->ids, e);
	if (!err)
		err = within_build(&b, ua, d, method, cseq, u, buf_slice(&lines), e);
	if (!err && (lines.failed || msg_alloc(&m, buf_slice(&b))))
		err = err_set(e, ERR_NOMEM, "out of memory for a request");
	if (err)
		goto out;
	if (cseq > d->local_cseq)
		d->local_cseq = cseq;
	err = uac_alloc(uacp, ua, auth, &d->local_cseq, m, &dst, u ? u->trans : NULL, h, arg, e);
out:
	mem_deref(m);
	buf_free(&lines);
	buf_free(&b);
	return err;
}
