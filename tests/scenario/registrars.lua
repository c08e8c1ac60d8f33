-- The registrar role (RFC 3261 10.3) and the UA's own registrations (10.2).
local sip = require "sip"
local help = require "_help"

-- A REGISTER by hand: what a phone of another make might send.
local function register(ua, registrar, headers, more)
  local given = { uri = registrar, to = ("<%s>"):format(ua.aor), contact = false, headers = headers }
  for key, value in pairs(more or {}) do given[key] = value end
  return ua.endpoint:request(ua:build("REGISTER", given), registrar):final()
end

-- Contact URIs of a 200, with their expires.
local function bindings(response)
  local list = {}
  for _, value in ipairs(response:headers "Contact") do
    local contact = sip.name_addr(value)
    list[#list + 1] = contact.uri.raw .. " " .. contact.params.expires
  end
  return list
end

sip.test("register, fetch, refresh, unregister", { timeout = 200 }, function(t)
  local registrar = t:registrar { domain = "example.test" }
  local bob = t:ua { aor = "sip:bob@example.test" }
  local registration = bob:register { registrar = registrar, expires = 60 }
  local ok = registration:expect(200)
  t:equal(bindings(ok), { bob.contact .. " 60" })
  t:equal(registration.expires, 60)
  t:equal(registration.refreshes, 0)
  t:equal(registrar:lookup(bob.aor), bob.contact)
  t:sleep(10)
  local fetched = register(bob, registrar)              -- no Contact: asks only
  t:equal(fetched.status, 200)
  t:equal(#fetched:headers "Contact", 1)
  t:near(tonumber(sip.name_addr(fetched["Contact"]).params.expires), 50, t.virtual and 0 or 1)
  t:sleep(105)                                          -- the UA refreshes while the script sleeps
  t:equal(registration.refreshes, 2)
  t:equal(registrar:lookup(bob.aor), bob.contact)
  local again = registration:refresh { expires = 30 }:expect(200)
  t:equal(bindings(again), { bob.contact .. " 30" })
  t:equal(again.cseq, 4)
  t:equal(registration:unregister():expect(200):headers "Contact", {})
  t:equal(registrar:lookup(bob.aor), nil)
  t:equal(registration.expires, 0)
  local refreshes = registration.refreshes
  t:sleep(60)
  t:equal(registration.refreshes, refreshes)
end)

sip.test("expect after a refresh waits for the answer to that one, not for an older one", { timeout = 200 }, function(t)
  local registrar = t:registrar {}
  local bob = t:ua { aor = "sip:bob@example.test" }
  local registration = bob:register { registrar = registrar, expires = 20 }
  registration:expect(200)
  t:sleep(70)                                           -- several refreshes, whose answers nobody reads
  t:network { from = registrar, to = bob, delay = 1 }
  local before = t:now()
  local answer = registration:unregister():expect(200)
  t:near(t:now() - before, 1, help.slack(t))
  t:equal(answer:headers "Contact", {})
  t:equal(answer.cseq, registration.request.cseq)
end)

sip.test("refresh = false lets a binding run out", { timeout = 100 }, function(t)
  local registrar = t:registrar {}
  local bob = t:ua { aor = "sip:bob@example.test" }
  bob:register { registrar = registrar, expires = 30, refresh = false }:expect(200)
  t:sleep(29)
  t:equal(registrar:lookup(bob.aor), bob.contact)
  t:sleep(2)
  t:equal(registrar:lookup(bob.aor), nil)
  t:equal(registrar:knows(bob.aor), true)
  t:equal(registrar:knows "sip:nobody@example.test", false)
end)

sip.test("423: the UA raises its time to Min-Expires, once", function(t)
  local registrar = t:registrar { min_expires = 120 }
  local bob = t:ua { aor = "sip:bob@example.test" }
  local registration = bob:register { registrar = registrar, expires = 60 }
  t:equal(registration:final().status, 200)
  t:equal(registration.expires, 120)
  t:equal(registration.request["Expires"], "120")
  local ep = t:endpoint { name = "mean" }
  local seen = 0
  t:serve("mean", function()
    for st in ep:requests() do
      seen = seen + 1
      st:reply(423, { headers = { { "Min-Expires", seen * 1000 } } })
    end
  end)
  local other = bob:register { registrar = ep, expires = 60 }
  t:equal(other:final().status, 423)
  t:equal(seen, 2)
end)

sip.test("a refresh that fails: the UA tells the script, and stops", { timeout = 200 }, function(t)
  local registrar = t:endpoint { name = "registrar" }
  local status = 200
  t:serve("registrar", function()
    for st in registrar:requests() do
      st:reply(status, { headers = { { "Contact", st.request["Contact"] .. ";expires=20" } } })
      status = 403
    end
  end)
  local bob = t:ua { aor = "sip:bob@example.test" }
  local registration = bob:register { registrar = registrar, expires = 20 }
  registration:expect(200)
  t:sleep(60)
  t:equal(registration.refreshes, 1)
  t:equal(registration.response.status, 403)
  t:equal(registration.expires, 0)
end)

sip.test("several bindings of one address of record", function(t)
  local registrar = t:registrar {}
  local bob = t:ua { aor = "sip:bob@example.test" }
  local ok = register(bob, registrar, { { "Contact", "<sip:one@192.0.2.1>;expires=100, <sip:two@192.0.2.2>" }, { "Expires", 200 } })
  t:equal(bindings(ok), { "sip:one@192.0.2.1 100", "sip:two@192.0.2.2 200" })
  ok = register(bob, registrar, { { "Contact", "<sip:three@192.0.2.3>" }, { "Contact", "<sip:one@192.0.2.1>;expires=50" } })
  t:equal(#ok:headers "Contact", 3)
  t:equal(registrar:lookup(bob.aor), "sip:one@192.0.2.1")       -- the last one that was registered
  ok = register(bob, registrar, { Contact = "<sip:TWO@192.0.2.2>;expires=0" })        -- the user part is case-sensitive
  t:equal(#ok:headers "Contact", 3)
  ok = register(bob, registrar, { Contact = "<SIP:two@192.0.2.2>;expires=0" })
  t:equal(#ok:headers "Contact", 2)
  t:equal(register(bob, registrar, { Contact = "*", Expires = 0 }):headers "Contact", {})
end)

sip.test("star: with Expires 0 alone, and alone", function(t)
  local registrar = t:registrar {}
  local bob = t:ua { aor = "sip:bob@example.test" }
  register(bob, registrar, { Contact = "<sip:one@192.0.2.1>" })
  t:equal(register(bob, registrar, { Contact = "*" }).status, 400)
  t:equal(register(bob, registrar, { Contact = "*", Expires = 60 }).status, 400)
  t:equal(register(bob, registrar, { { "Contact", "*" }, { "Contact", "<sip:x@y>" }, { "Expires", 0 } }).status, 400)
  t:ok(registrar:lookup(bob.aor))
  t:equal(register(bob, registrar, { Contact = "*", Expires = 0 }).status, 200)
  t:equal(registrar:lookup(bob.aor), nil)
end)

sip.test("limits: too brief, too long, left out", function(t)
  local registrar = t:registrar { min_expires = 60, max_expires = 600, default_expires = 300 }
  local bob = t:ua { aor = "sip:bob@example.test" }
  local brief = register(bob, registrar, { Contact = "<sip:a@192.0.2.1>;expires=59" })
  t:equal(brief.status, 423)
  t:equal(brief["Min-Expires"], "60")
  t:equal(bindings(register(bob, registrar, { Contact = "<sip:a@192.0.2.1>;expires=6000" })), { "sip:a@192.0.2.1 600" })
  t:equal(bindings(register(bob, registrar, { Contact = "<sip:a@192.0.2.1>" })), { "sip:a@192.0.2.1 300" })
  t:equal(bindings(register(bob, registrar, { Contact = "<sip:a@192.0.2.1>;expires=junk" })), { "sip:a@192.0.2.1 300" })
  t:equal(register(bob, registrar, { Contact = "<sip:a@192.0.2.1>;expires=0" }):headers "Contact", {})
end)

sip.test("an old request that was overtaken changes nothing", function(t)
  local registrar = t:registrar {}
  local bob = t:ua { aor = "sip:bob@example.test" }
  local one = { call_id = "same", cseq = 5 }
  t:equal(register(bob, registrar, { Contact = "<sip:new@192.0.2.1>" }, one).status, 200)
  one.cseq = 4
  t:equal(register(bob, registrar, { Contact = "<sip:new@192.0.2.1>;expires=0" }, one).status, 500)
  t:equal(registrar:lookup(bob.aor), "sip:new@192.0.2.1")
  t:equal(register(bob, registrar, { Contact = "<sip:new@192.0.2.1>;expires=0" }, { call_id = "other", cseq = 1 }).status, 200)
  t:equal(registrar:lookup(bob.aor), nil)
end)

sip.test("another domain: 404; a To that is none: 400", function(t)
  local registrar = t:registrar { domain = "Example.Test" }
  local bob, far = t:ua { aor = "sip:bob@example.TEST" }, t:ua { aor = "sip:bob@elsewhere.test" }
  t:equal(register(bob, registrar, { Contact = "<sip:a@192.0.2.1>" }).status, 200)
  t:equal(register(far, registrar, { Contact = "<sip:a@192.0.2.1>" }).status, 404)
  t:equal(register(bob, registrar, { To = "nonsense" }).status, 400)
  t:equal(register(bob, registrar, { Contact = "nonsense" }).status, 400)
end)

sip.test("a proxy with a registrar: calls find the phone; 480 when it is away, 404 when there is none", { timeout = 100 }, function(t)
  local edge = t:proxy { name = "edge", registrar = t:registrar { serve = false, domain = "example.test" },
    auth = { realm = "example.test", users = { alice = "a", bob = "b" } } }
  local bob = t:ua { aor = "sip:bob@example.test", password = "b", outbound_proxy = edge }
  local alice = t:ua { aor = "sip:alice@example.test", password = "a", outbound_proxy = edge }
  t:equal(alice:invite(bob.aor):final().status, 404)
  local registration = bob:register { expires = 30, refresh = false }
  t:equal(registration:final().status, 200)
  t:equal(registration.request["Authorization"] ~= nil, true)
  local call = alice:invite(bob.aor)
  local other = bob:incoming()
  other:answer()
  call:expect(200)
  t:equal(other.invite.request_uri, bob.contact)
  call:bye():expect(200)
  t:sleep(31)
  t:equal(alice:invite(bob.aor):final().status, 480)
end)

sip.test("two phones of one user: the last that registered rings", function(t)
  local edge = t:proxy { registrar = t:registrar { serve = false } }
  local desk = t:ua { aor = "sip:bob@example.test", name = "desk", outbound_proxy = edge }
  local mobile = t:ua { aor = "sip:bob@example.test", name = "mobile", outbound_proxy = edge }
  desk:register():expect(200)
  mobile:register():expect(200)
  local alice = t:ua { aor = "sip:alice@example.test", outbound_proxy = edge }
  local call = alice:invite("sip:bob@example.test")
  mobile:incoming():reject()
  t:equal(call:final().status, 486)
  desk:register():expect(200)
  call = alice:invite("sip:BOB@example.test")           -- the user part is case-sensitive
  t:equal(call:final().status, 404)
  call = alice:invite("sip:bob@EXAMPLE.test")
  desk:incoming():reject()
  t:equal(call:final().status, 486)
end)

sip.test("what is no REGISTER goes nowhere at a registrar alone", function(t)
  local registrar = t:registrar {}
  local bob = t:ua { aor = "sip:bob@example.test" }
  t:equal(bob:options(registrar):final().status // 100, 4)
  t:equal(bob:message(registrar, "x"):final().status // 100, 4)
end)

sip.test("registering at nobody: the local 408, and 503", function(t)
  local silent = t:endpoint { name = "silent" }
  local bob = t:ua { aor = "sip:bob@example.test", timers = { T1 = 0.05 } }
  local registration = bob:register { registrar = silent }
  local final = registration:final()
  t:equal(final.status, 408)
  t:equal(final.cause, "timer F")
  while silent:take { within = 0, optional = true } do end
end)

sip.test("over IPv6", function(t)
  local edge = t:proxy { ipv6 = true, registrar = t:registrar { serve = false } }
  local bob = t:ua { aor = "sip:bob@example.test", ipv6 = true, outbound_proxy = edge }
  local registration = bob:register { expires = 100 }
  registration:expect(200)
  t:equal(registration.expires, 100)
  local alice = t:ua { aor = "sip:alice@example.test", ipv6 = true, outbound_proxy = edge }
  t:equal(alice:options(bob.aor):final().status, 200)
end)
