/* A client request and its retries: a challenge is answered with a new transaction, CSeq counted up (RFC 3261 22.2). */
#include "sip/ua.h"

#include "core/mem.h"

static void on_response(struct ctrans *ct, struct msg *m, void *arg);

static void on_over(struct ctrans *ct, void *arg)
{
	struct uac *uac = arg;

	if (uac->over && uac->ct == ct)
		uac->over(uac, uac->first_arg);
}

static void destroy(void *p)
{
	struct uac *uac = p;

	ctrans_release(uac->ct);
	mem_deref(uac->request);
	mem_deref(uac->ack);
	mem_deref((void *)uac->opts.timers);
}

int uac_again(struct msg **mp, struct ua *ua, struct auth *auth, const struct msg *request, uint32_t cseq, struct err *e)
{
	struct endpoint *ep = ua->ep;
	const struct scan *s = &request->s;
	struct buf b = {0}, lines = {0};
	struct msg *bare = NULL;
	char branch[ENDPOINT_ID_LEN];
	int err;

	err = auth_lines(auth, &lines, &ua->cfg.account, s->method, s->uri, s->body, &ep->ids, e);
	if (err)
		goto out;
	/* Credentials of the last try go, one kind after the other; the new lines stand before the body's headers. */
	endpoint_branch(ep, branch);
	build_again(&b, s, cseq, slice_str(branch), HDR_AUTHORIZATION, SLICE_NONE);
	err = b.failed ? ERR_NOMEM : msg_alloc(&bare, buf_slice(&b));
	if (!err) {
		buf_reset(&b);
		build_again(&b, &bare->s, cseq, slice_str(branch), HDR_PROXY_AUTHORIZATION, buf_slice(&lines));
		err = b.failed ? ERR_NOMEM : msg_alloc(mp, buf_slice(&b));
	}
	if (err)
		err_set(e, err, "out of memory for a request");
out:
	mem_deref(bare);
	buf_free(&b);
	buf_free(&lines);
	return err;
}

void uac_begin(struct uac *uac)
{
	uac->attempts = (struct auth_attempts){{0}};
	uac->again = 0;
}

bool uac_may_again(const struct uac *uac)
{
	return !uac->cancelled && uac->again < UAC_AGAIN_MAX;
}

uint32_t uac_next_cseq(const struct uac *uac)
{
	return (uac->cseq && *uac->cseq > uac->request->s.cseq ? *uac->cseq : uac->request->s.cseq) + 1;
}

int uac_send(struct uac *uac, struct msg *m, const struct addr *dst, struct err *e)
{
	struct ctrans *ct;
	/* It may be too large for a datagram, with what a challenge made us echo: then the old transaction stays. */
	int err = ctrans_create(&ct, uac->ua->ep, m, dst, &uac->opts, on_response, uac, e);

	if (err)
		return err;
	ctrans_release(uac->ct);
	uac->ct = ct;
	ct->over = on_over;
	uac->dst = *dst;
	if (uac->cseq && *uac->cseq < m->s.cseq)
		*uac->cseq = m->s.cseq;
	mem_deref(uac->request);
	uac->request = mem_ref(m);
	return 0;
}

static int send_again(struct uac *uac, struct err *e)
{
	struct addr dst = uac->dst;
	struct msg *m = NULL;
	int err = uac_again(&m, uac->ua, uac->auth, uac->request, uac_next_cseq(uac), e);

	if (!err)
		err = uac_send(uac, m, &dst, e);
	mem_deref(m);
	return err;
}

static void on_response(struct ctrans *ct, struct msg *m, void *arg)
{
	struct uac *uac = arg;
	struct err e = {0};
	const char *why = NULL;

	(void)ct;
	if ((m->s.status == 401 || m->s.status == 407) && !m->locally) {
		uac->challenges++;
		if (uac->cancelled)
			why = "the request was cancelled";
		else if (!uac->ua->cfg.account.password.p && !uac->ua->cfg.account.ha1.p)
			why = "the actor has no password";
		else if (auth_challenged(uac->auth, &uac->attempts, m, &uac->ua->cfg.account, &e) != AUTH_ANSWER)
			why = e.text;
		else if (!send_again(uac, &e))
			return;
		else
			why = e.text;
	}
	mem_ref(uac);
	if ((!uac->first || !uac->first(uac, m, uac->first_arg)) && uac->h)
		uac->h(uac, m, why, uac->arg);
	mem_deref(uac);
}

int uac_alloc(struct uac **uacp, struct ua *ua, struct auth *auth, uint32_t *cseq, struct msg *request, const struct addr *dst,
	      const struct ctrans_opts *opts, uac_response_h *h, void *arg, struct err *e)
{
	struct uac *uac = mem_zalloc(sizeof(*uac), destroy);
	int err;

	if (!uac)
		return err_set(e, ERR_NOMEM, "out of memory for a request");
	uac->ua = ua;
	uac->auth = auth;
	uac->cseq = cseq;
	uac->request = mem_ref(request);
	uac->dst = *dst;
	if (opts)
		uac->opts = *opts;
	if (opts && opts->timers && !(uac->opts.timers = sip_timers_copy(opts->timers))) {
		mem_deref(uac);
		return err_set(e, ERR_NOMEM, "out of memory for a request");
	}
	uac->h = h;
	uac->arg = arg;
	err = ctrans_create(&uac->ct, ua->ep, request, dst, &uac->opts, on_response, uac, e);
	if (err) {
		mem_deref(uac);
		return err;
	}
	uac->ct->over = on_over;
	*uacp = uac;
	return 0;
}
