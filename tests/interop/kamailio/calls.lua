-- Calls between two phones through a record-routing proxy that challenges: --target its URI.
local sip = require "sip"

local function phones(t, ...)
  local proxy, out = t:target(), {}
  for i, user in ipairs { ... } do
    out[i] = t:ua { aor = ("sip:%s@example.test"):format(user), password = user .. "pw", outbound_proxy = proxy }
  end
  return table.unpack(out)
end

-- Nothing of an earlier test stays bound (RFC 3261 10.2.2).
local function forget(ua)
  ua:request("REGISTER", "sip:example.test", { to = ("<%s>"):format(ua.aor), contact = false,
    headers = { { "Contact", "*" }, { "Expires", 0 } } }):expect(200)
end

local function registered(t, ...)
  local list = table.pack(phones(t, ...))
  for _, ua in ipairs(list) do
    forget(ua)
    ua:register { expires = 60 }:expect(200)
  end
  return table.unpack(list)
end

local function connect(t, from, to)
  local call = from:invite(to.aor)
  local incoming = to:incoming()
  incoming:ring()
  call:expect(180)
  incoming:answer()
  call:expect(200)
  incoming:expect("ACK")
  return call, incoming
end

sip.test("the caller hangs up: the BYE goes by the route set, to the callee's contact", function(t)
  local alice, bob = registered(t, "alice", "bob")
  local call, incoming = connect(t, alice, bob)
  t:equal(#call.dialog.route_set, 1)
  t:equal(#incoming.dialog.route_set, 1)
  t:equal(call.dialog.remote_target, bob.contact)
  t:equal(incoming.dialog.remote_target, alice.contact)
  t:equal(incoming.invite.request_uri, bob.contact)
  t:equal(incoming.invite["Route"], nil, "the caller's outbound proxy, at the callee")
  t:equal(incoming.invite["Proxy-Authorization"], nil, "credentials, at the callee")
  local bye = call:bye()
  bye:expect(200)
  t:equal(bye.request.request_uri, bob.contact)
  t:equal(bye.request:headers "Route", call.dialog.route_set)
  t:equal(bye.request.cseq, call.invite.cseq + 1)
  local seen = incoming:expect("BYE")
  t:equal(seen["Route"], nil)
  t:equal(#seen:headers "Via", 2)
  t:equal(incoming:ended(), "remote BYE")
end)

sip.test("the callee hangs up", function(t)
  local alice, bob = registered(t, "alice", "bob")
  local call, incoming = connect(t, alice, bob)
  local bye = incoming:bye()
  bye:expect(200)
  t:equal(bye.request.request_uri, alice.contact)
  t:equal(bye.request:headers "Route", incoming.dialog.route_set)
  t:equal(bye.request.from_tag, call.dialog.remote_tag)
  t:equal(bye.request.to_tag, call.dialog.local_tag)
  call:expect("BYE")
  t:equal(call:ended(), "remote BYE")
end)

sip.test("INFO and OPTIONS within the call, both ways", function(t)
  local alice, bob = registered(t, "alice", "bob")
  local call, incoming = connect(t, alice, bob)
  for _, side in ipairs { call, incoming } do
    side:request("INFO", { content_type = "application/dtmf-relay", body = "Signal=5\r\nDuration=160\r\n" }):expect(200)
    side:request("OPTIONS"):expect(200)
  end
  call:bye():expect(200)
end)

-- The same session with another direction, and the next version in its o= line (RFC 3264 8).
local function direction(body, word)
  local version = tonumber(body:match "\no=%S+ %d+ (%d+)") + 1
  return (body:gsub("(\no=%S+ %d+) %d+", "%1 " .. version):gsub("a=s%a+\r", "a=" .. word .. "\r"))
end

sip.test("held and resumed by a re-INVITE, both ways", function(t)
  local alice, bob = registered(t, "alice", "bob")
  local call, incoming = connect(t, alice, bob)
  for _, pair in ipairs { { call, incoming }, { incoming, call } } do
    local holder, held = pair[1], pair[2]
    local session = holder.outgoing and holder.invite.body or call.response.body
    for _, words in ipairs { { "sendonly", "recvonly" }, { "sendrecv", "sendrecv" } } do
      session = direction(session, words[1])
      local again = holder:request("INVITE", { sdp = session })
      t:equal(again:expect(200).body:match "a=(%a+)\r\n$", words[2], "the answer to " .. words[1])
      local ack = held:expect("ACK")
      t:equal(ack.cseq, again.request.cseq)
      t:equal(ack["Route"], nil)
    end
  end
  t:sleep(1)
  t:equal(call.repeated_responses, 0)
  t:equal(incoming.state, "confirmed")
  incoming:bye():expect(200)
  t:equal(call:ended(), "remote BYE")
end)

sip.test("an INVITE without offer: the 200 brings it, the ACK the answer", function(t)
  local alice, bob = registered(t, "alice", "bob")
  local call = alice:invite(bob.aor, { sdp = false })
  local incoming = bob:incoming()
  t:equal(incoming.invite.body, "")
  incoming:answer()
  call:expect(200)
  local ack = incoming:expect("ACK")
  t:equal(ack["Content-Type"], "application/sdp")
  call:bye():expect(200)
end)

sip.test("a re-INVITE that is refused leaves the call as it was", function(t)
  local alice, bob = registered(t, "alice", "bob")
  local call, incoming = connect(t, alice, bob)
  local again = call:request("INVITE", { sdp = direction(call.invite.body, "inactive") })
  incoming:expect("INVITE"):reply(488)
  again:expect(488)
  t:equal(call.state, "confirmed")
  t:equal(incoming.state, "confirmed")
  call:bye():expect(200)
end)

sip.test("CANCEL while it rings: 487, and the callee stops ringing", function(t)
  local alice, bob = registered(t, "alice", "bob")
  local call = alice:invite(bob.aor)
  local incoming = bob:incoming()
  incoming:ring()
  call:expect(180)
  call:cancel()
  call:expect(487)
  incoming:expect("CANCEL")
  t:equal(incoming:ended(), "CANCEL")
  t:equal(call:ended(), "final response")
end)

sip.test("busy, declined, unknown, not registered", function(t)
  local alice, bob = registered(t, "alice", "bob")
  local carol = phones(t, "carol")
  for _, status in ipairs { 486, 603 } do
    local call = alice:invite(bob.aor)
    local incoming = bob:incoming()
    incoming:ring()
    incoming:reject(status)
    call:expect(status)
  end
  alice:invite(carol.aor):expect(480)
  alice:invite("sip:nobody@example.test"):expect(404)
  alice:invite("sip:anybody@elsewhere.test"):expect(403)
end)

sip.test("early media: 183 with a description, then the answer", function(t)
  local alice, bob = registered(t, "alice", "bob")
  local call = alice:invite(bob.aor)
  local incoming = bob:incoming()
  local sdp = call.invite.body
  incoming:reply(183, { sdp = sdp })
  t:equal(call:expect(183).body, sdp)
  t:sleep(0.2)
  incoming:answer { sdp = sdp }
  call:expect(200)
  incoming:expect("ACK")
  call:bye():expect(200)
end)

sip.test("two phones of one user: one answers, the other is cancelled", function(t)
  local alice, desk = registered(t, "alice", "bob")
  local soft = t:ua { aor = desk.aor, name = "soft", password = "bobpw", outbound_proxy = t:target() }
  soft:register { expires = 60 }:expect(200)
  local call = alice:invite(desk.aor)
  local ringing, answering = desk:incoming(), soft:incoming()
  ringing:ring()
  answering:ring()
  call:expect(180)
  answering:answer()
  call:expect(200)
  answering:expect("ACK")
  ringing:expect("CANCEL")
  t:equal(ringing:ended(), "CANCEL")
  t:equal(call.dialog.remote_target, soft.contact)
  call:bye():expect(200)
  t:equal(answering:ended(), "remote BYE")
end)

sip.test("a registered phone that is dead: the proxy says 408 after its five seconds", function(t)
  local alice, bob = phones(t, "alice", "bob")
  forget(bob)
  local dead = t:endpoint { name = "dead" }
  bob:request("REGISTER", "sip:example.test", { to = ("<%s>"):format(bob.aor), contact = false,
    headers = { { "Contact", ("<%s>"):format(dead.uri) }, { "Expires", 60 } } }):expect(200)
  local call = alice:invite(bob.aor)
  local final = call:final()
  t:equal(final.status, 408)
  t:equal(final.locally, false)
  t:near(t:now(), 5, 1, "the proxy's timer")
  t:equal(call.retransmissions, 0)
end)

sip.test("MESSAGE to a phone, and to one that is not there", function(t)
  local alice, bob = registered(t, "alice", "bob")
  local sent = alice:message(bob.aor, "good morning")
  local st = bob:expect("MESSAGE")
  t:equal(st.request.body, "good morning")
  st:reply(200)
  sent:expect(200)
  t:equal(sent.challenges, 1)
  alice:message("sip:carol@example.test", "hello"):expect(480)
end)

sip.test("Max-Forwards that is used up gets 483, a dialog that nobody knows 481", function(t)
  local alice = phones(t, "alice")
  local target = t:target()
  local spent = t:replace(alice:build("OPTIONS", { uri = target }), "Max-Forwards: 70", "Max-Forwards: 0")
  alice.endpoint:request(spent, target):expect(483)
  local stray = alice:build("BYE", { uri = target, to = "<sip:bob@example.test>;tag=nobody" })
  alice.endpoint:request(stray, target):expect({ 404, 481 })
end)
