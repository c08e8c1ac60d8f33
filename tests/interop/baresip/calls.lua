-- Calls with baresip, by way of a proxy of ours with which it registered, and without one.
local sip = require "sip"
local baresip = require "baresip"

-- A proxy that is the registrar of both, alice (our phone) and bob (baresip).
local function phones(t, given)
  local users = { alice = "alicepw", bob = "bobpw" }
  local edge = t:proxy { name = "edge", registrar = t:registrar { serve = false }, auth = { realm = "example.test", users = users } }
  local alice = t:ua { aor = "sip:alice@example.test", password = "alicepw", outbound_proxy = edge }
  alice:register { expires = 60 }:expect(200)
  local bob = baresip(t, { user = "bob", password = "bobpw", proxy = edge, expires = 60, answer = given and given.answer })
  bob:await "REGISTER_OK"
  return alice, bob, edge
end

sip.test("we call, it answers by itself, we hang up", function(t)
  local alice, bob <close>, edge = phones(t, { answer = "auto" })
  local call = alice:invite(bob.aor)
  call:expect(200)
  bob:await "CALL_ESTABLISHED"
  t:equal(call.challenges, 1)
  t:equal(call.dialog.route_set, { ("<%s;lr>"):format(edge.uri) })
  local bye = call:bye()
  bye:expect(200)
  t:equal(bye.request.request_uri, call.dialog.remote_target)
  bob:await "CALL_CLOSED"
end)

sip.test("we call, it rings, it is answered, it hangs up", function(t)
  local alice, bob <close> = phones(t)
  local call = alice:invite(bob.aor)
  call:expect(180)
  bob:await "CALL_INCOMING"
  bob:tell "accept"
  call:expect(200)
  bob:await "CALL_ESTABLISHED"
  bob:tell "hangup"
  t:equal(call:expect("BYE").to_tag, call.dialog.local_tag)
  t:equal(call:ended(), "remote BYE")
end)

sip.test("we call, it rings, we give up", function(t)
  local alice, bob <close> = phones(t)
  local call = alice:invite(bob.aor)
  call:expect(180)
  bob:await "CALL_INCOMING"
  call:cancel()
  call:expect(487)
  bob:await "CALL_CLOSED"
end)

sip.test("we call, it rings, it refuses", function(t)
  local alice, bob <close> = phones(t)
  local call = alice:invite(bob.aor)
  call:expect(180)
  bob:await "CALL_INCOMING"
  bob:tell "hangup"
  t:equal(call:final().status, 486)
  bob:await "CALL_CLOSED"
end)

sip.test("it calls, we answer, we hang up", function(t)
  local alice, bob <close>, edge = phones(t)
  bob:tell("dial " .. alice.aor)
  local call = alice:incoming()
  t:equal(call.invite["Proxy-Authorization"], nil, "the proxy took them")
  call:ring()
  bob:await "CALL_RINGING"
  call:answer()
  call:expect("ACK")
  bob:await "CALL_ESTABLISHED"
  t:equal(call.dialog.route_set, { ("<%s;lr>"):format(edge.uri) })
  call:bye():expect(200)
  bob:await "CALL_CLOSED"
end)

sip.test("it calls, we answer, it hangs up", function(t)
  local alice, bob <close> = phones(t)
  bob:tell("dial " .. alice.aor)
  local call = alice:incoming()
  call:answer()
  call:expect("ACK")
  bob:await "CALL_ESTABLISHED"
  bob:tell "hangup"
  call:expect("BYE")
  t:equal(call:ended(), "remote BYE")
end)

sip.test("it calls and gives up while we ring", function(t)
  local alice, bob <close> = phones(t)
  bob:tell("dial " .. alice.aor)
  local call = alice:incoming()
  call:ring()
  bob:await "CALL_RINGING"
  bob:tell "hangup"
  call:expect("CANCEL")
  t:equal(call:ended(), "CANCEL")
end)

sip.test("it calls, we refuse", function(t)
  local alice, bob <close> = phones(t)
  for _, refusal in ipairs { "486 Busy Here", "603 Decline", "480 Temporarily Unavailable" } do
    bob:tell("dial " .. alice.aor)
    local call = alice:incoming()
    call:ring()
    call:reject(tonumber(refusal:match "%d+"))
    t:equal(bob:await "CALL_CLOSED", refusal)
  end
end)

sip.test("it calls a user who is not there", function(t)
  local _, bob <close> = phones(t)
  bob:tell "dial sip:nobody@example.test"
  t:equal(bob:await "CALL_CLOSED", "404 Not Found")
end)

sip.test("without a proxy: each calls the other where he lives", function(t)
  local alice = t:ua { aor = "sip:alice@example.test" }
  local bob <close> = baresip(t, { user = "bob", answer = "auto" })
  local call = alice:invite(bob.uri)
  call:expect(200)
  bob:await "CALL_ESTABLISHED"
  call:bye():expect(200)
  bob:await "CALL_CLOSED"
  bob:tell("dial " .. alice.uri)
  local incoming = alice:incoming()
  incoming:answer()
  incoming:expect("ACK")
  bob:await "CALL_ESTABLISHED"
  incoming:bye():expect(200)
end)

sip.test("an INVITE without offer: it makes one, and takes our answer in the ACK", function(t)
  local alice = t:ua { aor = "sip:alice@example.test" }
  local bob <close> = baresip(t, { user = "bob", answer = "auto" })
  local call = alice:invite(bob.uri, { sdp = false })
  t:ok(call:expect(200).body:find("m=audio %d+ RTP/AVP"), "no offer in the 200")
  bob:await "CALL_ESTABLISHED"
  call:bye():expect(200)
end)

sip.test("it asks what we can do", function(t)
  local alice = t:ua { aor = "sip:alice@example.test" }
  local bob <close> = baresip(t, { user = "bob" })
  local seen = alice.endpoint:watch()
  bob:tell("options " .. alice.uri)
  t:equal(seen:take().method, "OPTIONS")
  t:equal(seen:take().status, 200)
end)

sip.test("we ask what it can do, in a call and outside", function(t)
  local alice = t:ua { aor = "sip:alice@example.test" }
  local bob <close> = baresip(t, { user = "bob", answer = "auto" })
  t:ok(alice:options(bob.uri):expect(200)["Allow"]:find "REFER", "Allow without REFER")
  local call = alice:invite(bob.uri)
  call:expect(200)
  call:request("OPTIONS"):expect(200)
  call:request("INFO", { content_type = "application/dtmf-relay", body = "Signal=5\r\nDuration=160\r\n" }):expect(200)
  t:equal(bob:await "CALL_DTMF_START", "5")
  call:bye():expect(200)
end)
