/* Digest authentication in Lua: credentials read and judged, challenges written, nonces remembered. */
#include "bindings/object.h"

#include "bindings/shard.h"
#include "core/mem.h"
#include "sip/digest.h"

/* authorized(msg, { realm, username, password, nonces, ... }): true, or false and "missing", "wrong", "stale", "replay", ... */
static int message_authorized(lua_State *L)
{
	struct msg *m = object_check_message(L, 1);
	luaL_checktype(L, 2, LUA_TTABLE);
	struct digest_expect x = {
		.realm = opt_slice(L, 2, "realm"),
		.username = opt_slice(L, 2, "username"),
		.password = opt_slice(L, 2, "password"),
		.ha1 = opt_slice(L, 2, "ha1"),
		.nonce = opt_slice(L, 2, "nonce"),
		.method = m->s.method,
		.body = m->s.body,
		.request_uri = opt_flag(L, 2, "check_uri", true) ? m->s.uri : SLICE_NONE,
		.now = loop_now(shard_of(L)->loop),
		.lifetime = seconds_to_ns(L, opt_number(L, 2, "nonce_lifetime", 0), "nonce_lifetime"),
	};
	enum digest_verdict verdict = DIGEST_MISSING;
	struct err e = {0};

	lua_getfield(L, 2, "nonces");
	if (!lua_isnil(L, -1))
		x.nonces = *(struct digest_nonces **)luaL_checkudata(L, -1, "nonces");
	/* Credentials of other realms stand beside ours when several proxies challenge: take those of ours. */
	for (unsigned i = 0; i < m->s.header_count; i++) {
		enum hdr_id id = m->s.headers[i].id;
		struct digest_credentials c;
		if (id != HDR_AUTHORIZATION && id != HDR_PROXY_AUTHORIZATION)
			continue;
		struct slice value = scan_value(&m->s, i);
		if (digest_credentials_parse(&c, value, NULL) == 0) {
			if (!c.realm.p || (x.realm.p && !digest_text_eq(c.realm, x.realm)))
				continue;
			verdict = digest_verify(value, &x, &e);
			break;
		}
		verdict = digest_verify(value, &x, &e); /* malformed, unless others are for us */
	}
	if (verdict == DIGEST_MISSING && !e.text[0])
		err_set(&e, ERR_PARSE, "no Digest credentials for realm \"%.*s\"", SLICE_ARG(x.realm));
	lua_pushboolean(L, verdict == DIGEST_OK);
	if (verdict == DIGEST_OK)
		return 1;
	lua_pushstring(L, digest_verdict_name(verdict));
	lua_pushstring(L, e.text);
	return 3;
}

/* A value that stood between quotes, without its backslashes. */
static void set_plain(lua_State *L, const char *name, struct slice raw)
{
	luaL_Buffer b;

	if (!raw.p)
		return;
	luaL_buffinit(L, &b);
	for (size_t i = 0; i < raw.l; i++) {
		if (raw.p[i] == '\\' && i + 1 < raw.l)
			i++;
		luaL_addchar(&b, raw.p[i]);
	}
	luaL_pushresult(&b);
	lua_setfield(L, -2, name);
}

/* credentials(msg): { { scheme, username, realm, nonce, uri, algorithm, qop, nc, ... }, ... } of all Authorization headers. */
static int message_credentials(lua_State *L)
{
	struct msg *m = object_check_message(L, 1);
	lua_Integer count = 0;

	lua_newtable(L);
	for (unsigned i = 0; i < m->s.header_count; i++) {
		enum hdr_id id = m->s.headers[i].id;
		struct digest_credentials c;
		if ((id != HDR_AUTHORIZATION && id != HDR_PROXY_AUTHORIZATION) ||
		    digest_credentials_parse(&c, scan_value(&m->s, i), NULL))
			continue;
		lua_createtable(L, 0, 10);
		lua_pushstring(L, hdr_name(id));
		lua_setfield(L, -2, "header");
		set_slice_field(L, "scheme", c.scheme);
		set_plain(L, "username", c.username);
		set_plain(L, "realm", c.realm);
		set_plain(L, "nonce", c.nonce);
		set_plain(L, "uri", c.uri);
		set_plain(L, "response", c.response);
		set_plain(L, "cnonce", c.cnonce);
		set_plain(L, "opaque", c.opaque);
		set_slice_field(L, "algorithm", c.alg_name);
		set_slice_field(L, "qop", c.qop_name);
		lua_pushinteger(L, c.nc);
		lua_setfield(L, -2, "nc");
		lua_rawseti(L, -2, ++count);
	}
	return 1;
}

static int nonces_gc(lua_State *L)
{
	struct digest_nonces **n = luaL_checkudata(L, 1, "nonces");

	*n = mem_deref(*n);
	return 0;
}

/* nonces(): what a server remembers of the nonces it issued. */
static int nonces_new(lua_State *L)
{
	struct digest_nonces **n = lua_newuserdatauv(L, sizeof(*n), 0);
	struct err e = {0};

	*n = NULL;
	luaL_setmetatable(L, "nonces");
	if (digest_nonces_alloc(n, DIGEST_NONCES_MAX, &e))
		return raise_err(L, &e);
	return 1;
}

/* nonce_issue(nonces, nonce) */
static int nonce_issue(lua_State *L)
{
	struct digest_nonces **n = luaL_checkudata(L, 1, "nonces");
	struct err e = {0};

	if (digest_nonces_issue(*n, check_slice(L, 2), loop_now(shard_of(L)->loop), &e))
		return raise_err(L, &e);
	return 0;
}

/* challenge { realm, nonce, algorithm, qop, opaque, stale, domain }: the value of a WWW-Authenticate or Proxy-Authenticate header. */
static int challenge(lua_State *L)
{
	luaL_checktype(L, 1, LUA_TTABLE);
	struct slice algorithm = opt_slice(L, 1, "algorithm"), qop = opt_slice(L, 1, "qop");
	struct digest_challenge_params p = {
		.realm = opt_slice(L, 1, "realm"),
		.nonce = opt_slice(L, 1, "nonce"),
		.opaque = opt_slice(L, 1, "opaque"),
		.domain = opt_slice(L, 1, "domain"),
		.alg = algorithm.p ? digest_alg_from(algorithm) : DIGEST_MD5,
		.stale = opt_flag(L, 1, "stale", false),
		.qop_auth = !qop.p,
	};
	struct buf b = {0};

	if (!p.realm.p || !p.nonce.p)
		return script_error(L, "a challenge needs a realm and a nonce");
	if (algorithm.p && p.alg == DIGEST_ALG_UNKNOWN)
		return script_error(L,
				  "algorithm \"%s\" is not one of MD5, SHA-256, SHA-512-256 and their -sess forms (for another one "
				  "write the header yourself)",
				  algorithm.p);
	while (qop.l) {
		const char *comma = memchr(qop.p, ',', qop.l);
		size_t n = comma ? (size_t)(comma - qop.p) : qop.l;
		struct slice one = slice_trim((struct slice){qop.p, n}), rest = {qop.p + n + (comma != NULL), qop.l - n - (comma != NULL)};
		if (slice_eq(one, SLICE_LIT("auth")))
			p.qop_auth = true;
		else if (slice_eq(one, SLICE_LIT("auth-int")))
			p.qop_auth_int = true;
		else if (!slice_eq(one, SLICE_LIT("none")))
			return script_error(L, "qop \"%s\" is not auth, auth-int, both with a comma between, or none", qop.p);
		qop = rest;
	}
	digest_challenge_write(&b, &p);
	if (b.failed) {
		buf_free(&b);
		return script_error(L, "out of memory for a challenge");
	}
	lua_pushlstring(L, (const char *)b.p, b.len);
	buf_free(&b);
	return 1;
}

void lib_auth_open(lua_State *L)
{
	static const luaL_Reg functions[] = {
		{"authorized", message_authorized},
		{"credentials", message_credentials},
		{"challenge", challenge},
		{"nonces", nonces_new},
		{"nonce_issue", nonce_issue},
		{NULL, NULL},
	};

	luaL_newmetatable(L, "nonces");
	lua_pushcfunction(L, nonces_gc);
	lua_setfield(L, -2, "__gc");
	lua_pop(L, 1);
	luaL_setfuncs(L, functions, 0);
}
