#include "sip/auth.h"

#include "core/mem.h"
#include "core/rnd.h"

void auth_free(struct auth *a)
{
	while (a->realms) {
		struct auth_realm *next = a->realms->next;

		mem_deref(a->realms);
		a->realms = next;
	}
}

/* Where the realm of `c` stands in the list, or would: `*at` is NULL there. `*index` counts those before. */
static struct auth_realm **find(struct auth *a, const struct digest_challenge *c, unsigned *index)
{
	struct auth_realm **at = &a->realms;

	for (*index = 0; *at && !((*at)->c.proxy == c->proxy && slice_eq((*at)->c.realm, c->realm)); ++*index)
		at = &(*at)->next;
	return at;
}

/* Keeps a copy of the challenge, in the place of the realm's last one. */
static int note(struct auth_realm **at, const struct digest_challenge *c)
{
	struct auth_realm *old = *at, *r = mem_zalloc(sizeof(*r) + c->raw.l + 1, NULL);

	if (!r)
		return ERR_NOMEM;
	memcpy(r->text, c->raw.p, c->raw.l);
	digest_challenge_parse(&r->c, (struct slice){r->text, c->raw.l}, NULL);
	r->c.proxy = c->proxy;
	if (old) {
		r->next = old->next;
		r->nc = slice_eq(old->c.nonce, c->nonce) ? old->nc : 0;
		mem_deref(old);
	}
	*at = r;
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
		unsigned index;
		struct auth_realm **at = find(a, c, &index);
		if (index == AUTH_MAX_REALMS)
			continue;
		unsigned tried = *at ? attempts->of[index] : 0;
		if (*at && tried >= account->max_attempts && !(c->stale && tried < account->max_attempts + AUTH_MAX_STALE)) {
			exhausted = true;
			err_set(e, ERR_NOT_NOW, "realm \"%.*s\" refused %u answer%s", SLICE_ARG(c->realm), tried, tried == 1 ? "" : "s");
			continue;
		}
		if (account->max_attempts == 0) {
			exhausted = true;
			continue;
		}
		if (note(at, c)) {
			err_set(e, ERR_NOMEM, "out of memory for a challenge");
			continue;
		}
		attempts->of[index]++;
		answer = true;
	}
	if (exhausted)
		return AUTH_EXHAUSTED;
	return answer ? AUTH_ANSWER : AUTH_UNSUPPORTED;
}

int auth_lines(struct auth *a, struct buf *out, const struct auth_account *account, struct slice method, struct slice uri,
	       struct slice body, struct rnd *rnd, struct err *e)
{
	for (struct auth_realm *r = a->realms; r; r = r->next) {
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
