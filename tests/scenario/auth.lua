-- Digest authentication, from both sides: who challenges with what, who answers how, and what the server thinks of it.
local sip = require "sip"
local help = require "_help"
local failure_of = help.failure_of

local users = { alice = "secret" }

-- A server that challenges as `headers(st)` says until `accept(request)` is content.
local function server(t, status, challenge, expected, name)
  local ep = t:endpoint { name = name or "server" }
  local seen = {}
  t:serve(ep.name, function()
    for st in ep:requests() do
      local ok, why, text = st.request:authorized(expected)
      seen[#seen + 1] = { why = why, text = text, request = st.request, credentials = st.request:credentials() }
      if ok then
        st:reply(200)
      else
        st:reply(status, challenge(why))
      end
    end
  end)
  return ep, seen
end

local function www(given) return { "WWW-Authenticate", sip.challenge(given) } end
local function proxy(given) return { "Proxy-Authenticate", sip.challenge(given) } end

local algorithms = { "MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess" }

sip.test("each algorithm with each qop, with a password and with its hash refused to others", function(t)
  for _, algorithm in ipairs(algorithms) do
    for _, qop in ipairs { "auth", "auth-int", "auth,auth-int", "none" } do
      local name = ("%s %s"):format(algorithm, qop)
      local ep, seen = server(t, 401, function()
        return { www { realm = "example.test", nonce = t:token(16), algorithm = algorithm, qop = qop, opaque = "op" } }
      end, { realm = "example.test", username = "alice", password = "secret" })
      local alice = t:ua { aor = "sip:alice@example.test", password = "secret" }
      local request = alice:request("MESSAGE", ep, { body = "hello", content_type = "text/plain" })
      t:equal(request:final().status, 200, name)
      t:equal(request.challenges, 1, name)
      t:equal(seen[1].why, "missing")
      local c = seen[2].credentials[1]
      t:equal(c.algorithm, algorithm, name)
      t:equal(c.opaque, "op")
      t:equal(c.qop, qop ~= "none" and (qop == "auth-int" and "auth-int" or "auth") or nil, name)
      t:equal(c.nc, qop ~= "none" and 1 or 0, name)
      t:equal(c.cnonce ~= nil, qop ~= "none" or algorithm:find("sess", 1, true) ~= nil, name)
      t:equal(seen[2].request.cseq, 2)
      t:equal(seen[2].request.call_id, seen[1].request.call_id)
      t:ok(seen[2].request.branch ~= seen[1].request.branch)
      local mallory = t:ua { aor = "sip:alice@example.test", password = "Secret" }
      t:equal(mallory:options(ep):final().status, 401, name)
      t:equal(seen[#seen].why, "wrong")
    end
  end
end)

sip.test("auth_int: preferred where it is offered, and it covers the body", function(t)
  local ep, seen = server(t, 401, function() return { www { realm = "r", nonce = "n", qop = "auth,auth-int" } } end,
    { realm = "r", username = "alice", password = "secret" })
  local alice = t:ua { aor = "sip:alice@example.test", password = "secret", auth_int = true }
  t:equal(alice:message(ep, "hello"):final().status, 200)
  t:equal(seen[2].credentials[1].qop, "auth-int")
  local tampered = seen[2].request:with_body("HELLO")
  t:equal(select(2, tampered:authorized { realm = "r", username = "alice", password = "secret" }), "wrong")
end)

sip.test("several challenges in one response: the first that is supported (RFC 8760)", function(t)
  local function choice(offered, known)
    local ep, seen = server(t, 401, function()
      local list = {}
      for i, algorithm in ipairs(offered) do list[i] = www { realm = "r", nonce = "n" .. i, algorithm = algorithm } end
      return list
    end, { realm = "r", username = "alice", password = "secret" })
    local alice = t:ua { aor = "sip:alice@example.test", password = "secret", algorithms = known }
    t:equal(alice:options(ep):final().status, 200)
    t:equal(#seen[2].credentials, 1)
    return seen[2].credentials[1].algorithm
  end
  t:equal(choice { "SHA-512-256", "SHA-256", "MD5" }, "SHA-512-256")
  t:equal(choice { "MD5", "SHA-256" }, "MD5")
  t:equal(choice({ "SHA-512-256", "SHA-256", "MD5" }, { "MD5" }), "MD5")
  t:equal(choice({ "SHA-512-256", "SHA-256", "MD5" }, { "MD5", "SHA-256" }), "SHA-256")
end)

sip.test("a challenge that cannot be answered is final, and says why", function(t)
  local ep = server(t, 401, function()
    return { { "WWW-Authenticate", 'Digest realm="r", nonce="n", algorithm=AKAv1-MD5' } }
  end, { realm = "r", username = "alice", password = "secret" })
  local alice = t:ua { aor = "sip:alice@example.test", password = "secret" }
  local request = alice:options(ep)
  local text = failure_of(request.expect, request, 200)
  t:ok(text:find("401 Unauthorized (not answered:", 1, true), text)
  t:ok(text:find("AKAv1-MD5", 1, true), text)
  t:ok(request.why:find("AKAv1-MD5", 1, true))
  local none = t:endpoint { name = "none" }
  t:serve("none", function() for st in none:requests() do st:reply(401) end end)
  request = alice:options(none)
  t:equal(request:final().status, 401)
  t:ok(request.why, "a 401 without a challenge")
  local bare = t:ua { aor = "sip:alice@example.test" }
  request = bare:options(ep)
  t:equal(request:final().status, 401)
  t:equal(request.why, "the actor has no password")
end)

sip.test("max_auth_attempts: how often an actor answers the same realm", function(t)
  for _, attempts in ipairs { 0, 1, 2, 3 } do
    local ep, seen = server(t, 407, function() return { proxy { realm = "r", nonce = t:token(8) } } end,
      { realm = "r", username = "alice", password = "right" })
    local alice = t:ua { aor = "sip:alice@example.test", password = "wrong", max_auth_attempts = attempts }
    local call = alice:invite(ep)
    t:equal(call:final().status, 407)
    t:equal(#seen, 1 + attempts)
    t:equal(call.challenges, 1 + attempts)
    t:ok(call.why)
    t:sleep(0.1)
  end
end)

sip.test("a stale nonce is answered once more, and does not count as an attempt", function(t)
  local nonces = sip.nonces()
  local ep, seen = server(t, 401, function(why)
    return { www { realm = "r", nonce = nonces:issue(t:token(16)), stale = why == "stale" } }
  end, { realm = "r", username = "alice", password = "secret", nonces = nonces, nonce_lifetime = 5 })
  local alice = t:ua { aor = "sip:alice@example.test", password = "secret" }
  local call = alice:invite(ep)
  t:equal(call:final().status, 200)
  t:sleep(10)
  local again = call:request("INFO")                    -- with the nonce of the call, which is old by now
  t:equal(again:final().status, 200)
  t:equal(again.challenges, 1)
  t:equal(seen[3].why, "stale")
end)

sip.test("the nonce is used again within a call, and counted up", function(t)
  local nonces = sip.nonces()
  local ep, seen = server(t, 401, function() return { www { realm = "r", nonce = nonces:issue(t:token(16)) } } end,
    { realm = "r", username = "alice", password = "secret", nonces = nonces })
  local alice = t:ua { aor = "sip:alice@example.test", password = "secret" }
  local call = alice:invite(ep)
  call:expect(200)
  for i = 1, 3 do
    local info = call:request("INFO")
    info:expect(200)
    t:equal(info.challenges, 0)
    t:equal(seen[#seen].credentials[1].nc, 1 + i)
    t:equal(seen[#seen].credentials[1].nonce, seen[2].credentials[1].nonce)
  end
end)

sip.test("verdicts: missing, wrong, stale, replay, malformed, uri", function(t)
  local box = t:endpoint { name = "box" }
  local nonces = sip.nonces()
  local nonce = nonces:issue "first-nonce"
  local expected = { realm = "r", username = "alice", password = "secret", nonces = nonces }
  local function verdict(message, more)
    local given = {}
    for key, value in pairs(expected) do given[key] = value end
    for key, value in pairs(more or {}) do given[key] = value end
    local ok, why, text = message:authorized(given)
    if not ok then t:ok(type(text) == "string" and #text > 0, "a verdict has a text") end
    return ok, why
  end
  local alice = t:ua { aor = "sip:alice@example.test", password = "secret" }
  local request = alice:options(box)
  local st = box:incoming()
  t:equal({ verdict(st.request) }, { false, "missing" })
  st:reply(401, { www { realm = "r", nonce = nonce } })
  local good = box:incoming().request
  t:equal({ verdict(good) }, { true })
  t:equal({ verdict(good) }, { false, "replay" })       -- the same nc once more
  t:equal({ verdict(good, { nonces = sip.nonces() }) }, { false, "stale" })
  t:equal({ verdict(good, { nonce = "another" }) }, { false, "stale" })
  t:equal({ verdict(good, { realm = "other" }) }, { false, "missing" })
  t:equal({ verdict(good, { username = "bob" }) }, { false, "wrong" })
  t:equal({ verdict(good, { password = "Secret" }) }, { false, "wrong" })
  local uri = sip.message(t:replace(good, "OPTIONS " .. box.uri, "OPTIONS sip:other@example.test"))
  local fresh = { realm = "r", username = "alice", password = "secret" }
  t:equal(select(2, uri:authorized(fresh)), "uri")
  fresh.check_uri = false
  t:equal(uri:authorized(fresh), true)
  t:equal(select(2, good:replace_header("Authorization", "Digest realm="):authorized(fresh)), "malformed")
  t:equal(select(2, good:replace_header("Authorization", "Basic abc"):authorized(fresh)), "missing")
  t:sleep(10)
  t:equal({ verdict(good, { nonce_lifetime = 5 }) }, { false, "stale" })
  t:ok(failure_of(good.authorized, good, { relm = "r" }):find('authorized has no option "relm" (did you mean "realm"?)', 1, true))
  request:expect_none(0.1)
end)

sip.test("ha1 in place of the password, on both sides", function(t)
  local ha1 = "a9e0a4e0ad9d4ee6b2d8fc5c02c1a7a7"           -- of nobody
  local ep = server(t, 401, function() return { www { realm = "r", nonce = "n" } } end, { realm = "r", username = "alice", ha1 = ha1 })
  t:equal(t:ua { aor = "sip:alice@example.test", ha1 = ha1 }:options(ep):final().status, 200)
  t:equal(t:ua { aor = "sip:alice@example.test", password = ha1 }:options(ep):final().status, 401)
end)

sip.test("a user name of its own, with what must be quoted", function(t)
  local name = [[a"l\ice]]
  local ep, seen = server(t, 401, function() return { www { realm = [[r"x\]], nonce = "n" } } end,
    { realm = [[r"x\]], username = name, password = "secret" })
  local alice = t:ua { aor = "sip:alice@example.test", username = name, password = "secret" }
  t:equal(alice:options(ep):final().status, 200)
  t:equal(#seen, 2)
  t:equal(seen[2].credentials[1].username, name)
  t:equal(seen[2].credentials[1].realm, [[r"x\]])
end)

sip.test("two realms, one behind the other: each 407 is answered, and both stay in the request", function(t)
  local bob = t:ua { aor = "sip:bob@example.test" }
  local inner = t:proxy { name = "inner", to = bob, auth = { realm = "inner.test", users = users, status = 407 } }
  local outer = t:proxy { name = "outer", next_hop = inner, auth = { realm = "outer.test", users = users, status = 407 } }
  local alice = t:ua { aor = "sip:alice@example.test", password = "secret", outbound_proxy = outer }
  local call = alice:invite(bob.aor)
  local other = bob:incoming()
  other:answer()
  call:expect(200)
  t:equal(call.challenges, 2)
  t:equal(#call.invite:headers "Proxy-Authorization", 2)
  t:equal(other.invite["Proxy-Authorization"], nil, "each proxy consumed its own")
  t:equal(other:expect("ACK")["Proxy-Authorization"], nil)
  t:equal(outer.challenges, 1)
  t:equal(inner.challenges, 1)
  call:bye():expect(200)
end)

sip.test("two realms at once in one response, proxy and server", function(t)
  local ep = t:endpoint { name = "both" }
  local last
  t:serve("both", function()
    for st in ep:requests() do
      last = st.request
      local a = st.request:authorized { realm = "a", username = "alice", password = "secret" }
      local b = st.request:authorized { realm = "b", username = "alice", password = "secret" }
      if a and b then st:reply(200) else st:reply(407, { proxy { realm = "a", nonce = "1" }, proxy { realm = "b", nonce = "2" } }) end
    end
  end)
  local alice = t:ua { aor = "sip:alice@example.test", password = "secret" }
  local request = alice:options(ep)
  t:equal(request:final().status, 200)
  t:equal(request.challenges, 1)
  t:equal(#last:credentials(), 2)
end)

sip.test("a REGISTER is challenged, and its refreshes use the nonce again", { timeout = 200 }, function(t)
  local registrar = t:registrar { auth = { realm = "example.test", users = users } }
  local alice = t:ua { aor = "sip:alice@example.test", password = "secret" }
  local registration = alice:register { registrar = registrar, expires = 60 }
  t:equal(registration:final().status, 200)
  t:equal(registration.challenges, 1)
  t:sleep(100)
  t:ok(registration.refreshes >= 1)
  t:equal(registration.challenges, 0)
  t:equal(registrar.server.challenges, 1)
end)
