-- 3xx: followed by the script, or by the call itself (RFC 3261 8.1.3.4).
local sip = require "sip"
local failure_of = require("_help").failure_of

local function redirect(t, targets, status)
  local server = t:ua { aor = "sip:redirect@example.test" }
  t:serve("redirect", function()
    for call in server:calls() do
      local contacts = {}
      for _, target in ipairs(targets) do contacts[#contacts + 1] = { "Contact", target } end
      call:reject(status or 302, { headers = contacts })
    end
  end)
  return server
end

sip.test("the script follows: Call-ID, From and To stay, the CSeq counts up", function(t)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  local call = alice:invite(redirect(t, { "<" .. bob.uri .. ">" }))
  call:expect(302)
  local moved = call:follow()
  local incoming = bob:incoming()
  incoming:answer()
  moved:expect(200)
  local before, now = call.invite, moved.invite
  for _, header in ipairs { "Call-ID", "From", "To" } do t:equal(now[header], before[header], header) end
  t:equal(now.cseq, before.cseq + 1)
  t:equal(now.request_uri, bob.uri)
  t:ok(#now.body > 0)
  moved:bye():expect(200)
end)

sip.test("several Contacts: the highest q first, the others by choice", function(t)
  local alice, bob, carol = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }, t:ua { aor = "sip:carol@example.test" }
  local server = redirect(t, { ("<%s>;q=0.3, <%s>;q=0.7"):format(bob.uri, carol.uri) }, 300)
  local call = alice:invite(server)
  call:expect(300)
  local first = call:follow()
  carol:incoming():reject(480)
  first:expect(480)
  local second = call:follow { choice = 2, cseq = 3 }
  bob:incoming():answer()
  second:expect(200)
  t:equal(second.invite.cseq, 3)
  t:ok(failure_of(call.follow, call, { choice = 3 }):find("alice wanted a 3xx with 3 Contacts to follow, got 300 Multiple Choices", 1, true))
  second:bye():expect(200)
end)

sip.test("followed by itself, so often as allowed", function(t)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  local second = redirect(t, { "<" .. bob.uri .. ">" }, 301)
  local first = redirect(t, { "<" .. second.uri .. ">" })
  local call = alice:invite(first, { max_redirects = 2 })
  bob:incoming():answer()
  call:expect(200)
  t:equal(call.redirects, 2)
  t:equal(call.invite.cseq, 3)
  t:equal(call.invite.request_uri, bob.uri)
  call:bye():expect(200)
  t:equal(alice:invite(first, { max_redirects = 1 }):final().status, 301)
  t:equal(alice:invite(first):final().status, 302)
end)

sip.test("a loop of redirects ends at the limit", function(t)
  local alice = t:ua { aor = "sip:alice@example.test" }
  local loop = t:ua { aor = "sip:loop@example.test" }
  t:serve("loop", function()
    for call in loop:calls() do call:reject(302, { headers = { Contact = "<" .. loop.uri .. ">" } }) end
  end)
  local call = alice:invite(loop, { max_redirects = 5 })
  t:equal(call:final().status, 302)
  t:equal(call.redirects, 5)
end)

sip.test("a 3xx without a Contact, or with one that is none, is final", function(t)
  local alice = t:ua { aor = "sip:alice@example.test" }
  local bare = alice:invite(redirect(t, {}), { max_redirects = 3 })
  t:equal(bare:final().status, 302)
  t:equal({ bare.response["Contact"], bare.redirects }, { nil, 0 })
  local call = alice:invite(redirect(t, { "<mailto:bob@example.test>" }), { max_redirects = 3 })
  t:equal(call:final().status, 302)
end)

sip.test("followed by itself: the first Contact that is a SIP URI, without the header fields in its URI", function(t)
  local alice, box = t:ua { aor = "sip:alice@example.test" }, t:endpoint { name = "box" }
  local target = box.uri:gsub("sip:", "sip:other@")
  alice:invite(box.uri, { max_redirects = 1 })
  box:incoming("INVITE"):reply(302, { { "Contact", "<mailto:bob@example.test>, <tel:+1>" }, { "Contact", "<" .. target .. "?Subject=moved>" } })
  t:equal(box:incoming("INVITE").request.request_uri, target)
end)

sip.test("followed by itself behind a challenge: the credentials are made for the new Request-URI", function(t)
  local alice, box = t:ua { aor = "sip:alice@example.test", password = "secret" }, t:endpoint { name = "box" }
  local target = box.uri:gsub("sip:", "sip:other@")
  alice:invite(box.uri, { max_redirects = 1 })
  box:incoming("INVITE"):reply(407, { { "Proxy-Authenticate", sip.challenge { realm = "example.test", nonce = "n" } } })
  box:incoming("INVITE"):reply(302, { { "Contact", "<" .. target .. ">" } })
  local again = box:incoming("INVITE").request
  t:equal({ again.request_uri, again["Proxy-Authorization"]:match 'uri="([^"]*)"' }, { target, target })
  t:ok(again:authorized { realm = "example.test", username = "alice", password = "secret", nonce = "n" })
end)

sip.test("305: the same request by way of the proxy that the Contact names", function(t)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  local edge = t:endpoint { name = "edge" }
  t:serve("bob", function()
    for call in bob:calls() do call:reject(305, { headers = { Contact = "<" .. edge.uri .. ">" } }) end
  end)
  local call = alice:invite(bob)
  call:expect(305)
  call:follow()
  local through = edge:incoming("INVITE").request
  t:equal({ through.request_uri, through["Route"] }, { bob.uri, ("<%s;lr>"):format(edge.uri) })
  t:equal({ through.cseq, through["From"] }, { call.invite.cseq + 1, call.invite["From"] })
end)

sip.test("past the outbound proxy", function(t)
  local proxy = t:endpoint { name = "proxy" }
  local alice, bob = t:ua { aor = "sip:alice@example.test", outbound_proxy = proxy.uri }, t:ua { aor = "sip:bob@example.test" }
  t:equal(alice:options(bob, { outbound_proxy = false }):expect(200).status, 200)
  local call = alice:invite(bob, { outbound_proxy = false })
  t:equal(call.invite["Route"], nil)
  bob:incoming():answer()
  call:expect(200)
  call:bye():expect(200)
end)

sip.test("followed by itself: the Contact of the highest q", function(t)
  local alice, bob, carol = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }, t:ua { aor = "sip:carol@example.test" }
  local server = redirect(t, { ("<%s>;q=0.25, <%s>;q=0.3"):format(bob.uri, carol.uri), "<mailto:x@y>;q=1.0" })
  local call = alice:invite(server, { max_redirects = 1 })
  carol:incoming():answer()
  call:expect(200)
  t:equal(call.invite.request_uri, carol.uri)
end)
