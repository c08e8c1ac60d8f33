/* sip/digest: each input as a challenge that is answered, and as credentials that are verified. */
#include <stdint.h>
#include <stdlib.h>

#include "core/mem.h"
#include "sip/digest.h"

#include "check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_slice(struct slice s, struct slice within)
{
	CHECK(!s.p || (s.p >= within.p && s.p + s.l <= within.p + within.l));
}

static void answer(const struct digest_challenge *c)
{
	const struct digest_client client = {
	    .username = SLICE_LIT("al\"ice"),
	    .password = SLICE_LIT("secret"),
	    .method = SLICE_LIT("INVITE"),
	    .uri = SLICE_LIT("sip:bob@example.test"),
	    .body = SLICE_LIT("v=0\r\n"),
	    .cnonce = SLICE_LIT("c"),
	    .nc = 1,
	};
	struct digest_credentials back;
	struct digest_choice choice;
	struct buf b = {0};
	struct err e;

	if (digest_choose(&choice, 1, c, 1, DIGEST_ALGS_ALL) == 1 && choice.use) {
		CHECK(!digest_authorize(&b, c, &client, &e));
		/* what is written can be read, the challenge's own values unchanged in it; only its growth may break
		 * the limit */
		if (b.len <= DIGEST_MAX_LEN) {
			CHECK(!digest_credentials_parse(&back, buf_slice(&b), &e));
			CHECK(slice_eq(back.realm, c->realm) && slice_eq(back.nonce, c->nonce) &&
			      slice_eq(back.opaque, c->opaque));
			CHECK(back.alg == c->alg);
		}
	}
	buf_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct slice s = {(const char *)data, size};
	struct digest_expect x = {
	    .realm = SLICE_LIT("r"),
	    .password = SLICE_LIT("secret"),
	    .method = SLICE_LIT("INVITE"),
	    .request_uri = SLICE_LIT("sip:bob@example.test"),
	};
	struct digest_challenge c;
	struct digest_credentials k;
	struct err e;

	if (!digest_challenge_parse(&c, s, &e)) {
		check_slice(c.realm, s);
		check_slice(c.nonce, s);
		check_slice(c.qop, s);
		answer(&c);
	}
	if (!digest_credentials_parse(&k, s, &e)) {
		check_slice(k.username, s);
		check_slice(k.response, s);
		check_slice(k.nc_text, s);
	}
	if (!digest_nonces_alloc(&x.nonces, 2, &e)) {
		digest_nonces_issue(x.nonces, SLICE_LIT("n"), 0, &e);
		digest_verify(s, &x, &e);
		x.realm = SLICE_LIT("");
		x.request_uri = SLICE_NONE;
		digest_verify(s, &x, &e);
	}
	mem_deref(x.nonces);
	CHECK(!mem_live());
	return 0;
}
