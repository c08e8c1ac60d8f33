#include "sip/auth.h"

#include "core/mem.h"
#include "core/rnd.h"

static void realm_free(struct auth_realm *r)
{
	r->text = mem_deref(r->text);
}

void auth_free(struct auth *a)
{
	for (unsigned i = 0; i < a->count; i++)
		realm_free(&a->realms[i]);
	a->count = 0;
}

static struct auth_realm *find(struct auth *a, const struct digest_challenge *c)
{
	for (unsigned i = 0; i < a->count; i++)
		if (a->realms[i].c.proxy == c->proxy && slice_eq(a->realms[i].c.realm, c->realm))
			return &a->realms[i];
	return NULL;
}

/* Keeps a copy of the challenge, over the realm's last one. */
static int note(struct auth *a, struct auth_realm *r, const struct digest_challenge *c)
{
	char *text = mem_zalloc(c->raw.l + 1, NULL);
	bool same_nonce = r && slice_eq(r->c.nonce, c->nonce);

	if (!text)
		return ERR_NOMEM;
	memcpy(text, c->raw.p, c->raw.l);
	if (!r) {
		r = &a->realms[a->count++];
		memset(r, 0, sizeof(*r));
	}
	realm_free(r);
	r->text = text;
	digest_challenge_parse(&r->c, (struct slice){text, c->raw.l}, NULL);
	r->c.proxy = c->proxy;
	if (!same_nonce)
		r->nc = 0;
	return 0;
}

enum auth_verdict auth_challenged(struct auth *a, struct auth_attempts *attempts, const struct msg *response,
				  const struct auth_account *account, struct err *e)
{
	struct digest_challenge all[AUTH_MAX_REALMS * 2];
	struct digest_choice choices[AUTH_MAX_REALMS];
	size_t count = 0, realms;
	bool answer = false, exhausted = false;

	for (unsigned i = 0; i < response->s.header_count && count < AUTH_MAX_REALMS * 2; i++) {
		enum hdr_id id = response->s.headers[i].id;
		if (id != HDR_WWW_AUTHENTICATE && id != HDR_PROXY_AUTHENTICATE)
			continue;
		if (digest_challenge_parse(&all[count], scan_value(&response->s, i), e))
			continue;
		all[count++].proxy = id == HDR_PROXY_AUTHENTICATE;
	}
	realms = digest_choose(choices, AUTH_MAX_REALMS, all, count, account->algs ? account->algs : DIGEST_ALGS_ALL);
	if (realms > AUTH_MAX_REALMS)
		realms = AUTH_MAX_REALMS;
	for (size_t i = 0; i < realms; i++) {
		const struct digest_challenge *c = choices[i].use;
		if (!c) {
			err_set(e, ERR_PARSE, "realm \"%.*s\" offers no challenge that is supported (algorithm %.*s)",
				SLICE_ARG(choices[i].top->realm), SLICE_ARG(choices[i].top->alg_name));
			continue;
		}
		struct auth_realm *r = find(a, c);
		if (!r && a->count == AUTH_MAX_REALMS)
			continue;
		unsigned tried = r ? attempts->of[r - a->realms] : 0;
		if (r && tried >= account->max_attempts && !(c->stale && tried < account->max_attempts + AUTH_MAX_STALE)) {
			exhausted = true;
			err_set(e, ERR_NOT_NOW, "realm \"%.*s\" refused %u answer%s", SLICE_ARG(c->realm), tried, tried == 1 ? "" : "s");
			continue;
		}
		if (account->max_attempts == 0) {
			exhausted = true;
			continue;
		}
		if (note(a, r, c)) {
			err_set(e, ERR_NOMEM, "out of memory for a challenge");
			continue;
		}
		attempts->of[find(a, c) - a->realms]++;
		answer = true;
	}
	if (exhausted)
		return AUTH_EXHAUSTED;
	return answer ? AUTH_ANSWER : AUTH_UNSUPPORTED;
}

int auth_lines(struct auth *a, struct buf *out, const struct auth_account *account, struct slice method, struct slice uri,
	       struct slice body, struct rnd *rnd, struct err *e)
{
	for (unsigned i = 0; i < a->count; i++) {
		struct auth_realm *r = &a->realms[i];
		char cnonce[17];
		rnd_token(rnd, cnonce, 16);
		struct digest_client client = {
			.username = account->username,
			.password = account->password,
			.ha1 = account->ha1,
			.method = method,
			.uri = uri,
			.body = body,
			.cnonce = slice_str(cnonce),
			.nc = ++r->nc,
			.prefer_auth_int = account->prefer_auth_int,
		};
		buf_puts(out, r->c.proxy ? "Proxy-Authorization: " : "Authorization: ");
		int err = digest_authorize(out, &r->c, &client, e);
		if (err)
			return err;
		buf_puts(out, "\r\n");
	}
	return out->failed ? err_set(e, ERR_NOMEM, "out of memory for credentials") : 0;
}
