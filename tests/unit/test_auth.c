/* The client's memory of challenges. The digests themselves are test_digest's. */
#include "unit.h"

#include "core/rnd.h"
#include "sip/auth.h"

#include <string.h>

static const struct auth_account account = {
	.username = {"alice", 5}, .password = {"secret", 6}, .max_attempts = 1};

static struct auth_attempts attempts;

static enum auth_verdict challenged(struct auth *a, const struct auth_account *who, const char *headers, struct err *e)
{
	struct buf b = {0};
	struct msg *m;
	enum auth_verdict v;

	buf_printf(&b, "SIP/2.0 407 Proxy Authentication Required\r\n%s\r\n", headers);
	assert_int_equal(msg_alloc(&m, buf_slice(&b)), 0);
	v = auth_challenged(a, &attempts, m, who, e);
	mem_deref(m); /* nothing of it may be needed later */
	buf_free(&b);
	return v;
}

static char *lines(struct auth *a, char *text, size_t size)
{
	struct buf b = {0};
	struct rnd rnd;

	rnd_init(&rnd, 1, "auth", NULL, NULL);
	assert_int_equal(auth_lines(a, &b, &account, SLICE_LIT("INVITE"), SLICE_LIT("sip:bob@b"), SLICE_NONE, &rnd, NULL), 0);
	slice_copy(text, size, buf_slice(&b));
	buf_free(&b);
	return text;
}

#define P(realm, nonce, more) "Proxy-Authenticate: Digest realm=\"" realm "\", nonce=\"" nonce "\", qop=\"auth\"" more "\r\n"

static void one_answer_is_the_default(void **state)
{
	struct auth a = {0};
	struct err e = {0};
	char text[2000];

	(void)state;
	attempts = (struct auth_attempts){{0}};
	assert_int_equal(challenged(&a, &account, P("r", "n1", ""), &e), AUTH_ANSWER);
	lines(&a, text, sizeof(text));
	assert_non_null(strstr(text, "Proxy-Authorization: Digest username=\"alice\""));
	assert_non_null(strstr(text, "nc=00000001"));
	assert_int_equal(challenged(&a, &account, P("r", "n2", ""), &e), AUTH_EXHAUSTED);
	assert_non_null(strstr(e.text, "realm \"r\" refused 1 answer"));
	/* The next request starts anew, with the nonce that is known. */
	attempts = (struct auth_attempts){{0}};
	assert_non_null(strstr(lines(&a, text, sizeof(text)), "nc=00000002"));
	auth_free(&a);
}

static void a_stale_nonce_is_no_refusal(void **state)
{
	struct auth a = {0};
	struct err e = {0};
	char text[2000];

	(void)state;
	attempts = (struct auth_attempts){{0}};
	assert_int_equal(challenged(&a, &account, P("r", "n1", ""), &e), AUTH_ANSWER);
	lines(&a, text, sizeof(text));
	assert_int_equal(challenged(&a, &account, P("r", "n2", ", stale=true"), &e), AUTH_ANSWER);
	lines(&a, text, sizeof(text));
	assert_non_null(strstr(text, "nonce=\"n2\""));
	assert_non_null(strstr(text, "nc=00000001"));
	/* A server that calls every nonce stale is not answered for ever. */
	enum auth_verdict v = AUTH_ANSWER;
	for (int i = 0; i < 20 && v == AUTH_ANSWER; i++)
		v = challenged(&a, &account, P("r", "n3", ", stale=true"), &e);
	assert_int_equal(v, AUTH_EXHAUSTED);
	auth_free(&a);
}

static void two_realms_at_once(void **state)
{
	struct auth a = {0};
	char text[4000];

	(void)state;
	attempts = (struct auth_attempts){{0}};
	assert_int_equal(challenged(&a, &account, P("r1", "n", "") "WWW-Authenticate: Digest realm=\"r2\", nonce=\"m\"\r\n", NULL),
			 AUTH_ANSWER);
	lines(&a, text, sizeof(text));
	assert_non_null(strstr(text, "Proxy-Authorization: Digest username=\"alice\", realm=\"r1\""));
	assert_non_null(strstr(text, "\r\nAuthorization: Digest username=\"alice\", realm=\"r2\""));
	auth_free(&a);
}

/* RFC 8760 2.4: the topmost that is supported. */
static void choice_of_algorithm(void **state)
{
	struct auth a = {0};
	struct auth_account md5 = account;
	struct err e = {0};
	char text[2000];

	(void)state;
	attempts = (struct auth_attempts){{0}};
	md5.algs = DIGEST_ALG_BIT(DIGEST_MD5);
	assert_int_equal(challenged(&a, &account, P("r", "n1", ", algorithm=NEW-1") P("r", "n2", ", algorithm=SHA-256") P("r", "n3", ""), &e),
			 AUTH_ANSWER);
	assert_non_null(strstr(lines(&a, text, sizeof(text)), "nonce=\"n2\""));
	auth_free(&a);
	attempts = (struct auth_attempts){{0}};
	assert_int_equal(challenged(&a, &md5, P("r", "n2", ", algorithm=SHA-256") P("r", "n3", ""), &e), AUTH_ANSWER);
	assert_non_null(strstr(lines(&a, text, sizeof(text)), "nonce=\"n3\""));
	auth_free(&a);
	assert_int_equal(challenged(&a, &account, P("r", "n1", ", algorithm=NEW-1"), &e), AUTH_UNSUPPORTED);
	assert_non_null(strstr(e.text, "NEW-1"));
	assert_int_equal(challenged(&a, &account, "Proxy-Authenticate: Basic realm=\"r\"\r\n", &e), AUTH_UNSUPPORTED);
	assert_int_equal(challenged(&a, &account, "Proxy-Authenticate: Digest realm=\"r\r\n", &e), AUTH_UNSUPPORTED);
	assert_int_equal(challenged(&a, &account, "", &e), AUTH_UNSUPPORTED);
	auth_free(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {UNIT_TEST(one_answer_is_the_default), UNIT_TEST(a_stale_nonce_is_no_refusal),
					   UNIT_TEST(two_realms_at_once), UNIT_TEST(choice_of_algorithm)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
