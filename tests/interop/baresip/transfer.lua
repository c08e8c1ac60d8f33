-- Blind transfer (RFC 3515, RFC 5589 6.1): baresip refers us to a third, and we refer baresip. The third is ours.
local sip = require "sip"
local baresip = require "baresip"

-- alice, who calls bob (baresip); a REFER to her waits for the script, also one that comes while it does something else.
local function connected(t)
  local alice = t:ua { aor = "sip:alice@example.test", answers = { method = false } }
  local bob = baresip(t, { user = "bob", answer = "auto" })
  local call = alice:invite(bob.uri)
  call:expect(200)
  bob:await "CALL_ESTABLISHED"
  return call, bob, t:ua { aor = "sip:carol@example.test" }
end

sip.test("baresip transfers us: we call the third, and it hears how that goes", function(t)
  local call, bob <close>, carol = connected(t)
  bob:tell("transfer " .. carol.uri)
  local new, told = call:expect("REFER"):follow()
  local incoming = carol:incoming()
  incoming:ring()
  new:expect(180)
  incoming:answer()
  new:expect(200)
  call:expect("BYE")
  bob:await "CALL_CLOSED"
  t:equal(told.state, "terminated")
  new:bye():expect(200)
end)

-- baresip 1.0 hangs up whatever becomes of the transfer, where RFC 5589 6.1 would have it keep the call.
sip.test("baresip transfers us to one who is busy", function(t)
  local call, bob <close>, carol = connected(t)
  bob:tell("transfer " .. carol.uri)
  local new = call:expect("REFER"):follow()
  carol:incoming():reject(486)
  new:expect(486)
  t:equal(bob:await "TRANSFER_FAILED", "486 Busy Here")
  call:expect("BYE")
end)

sip.test("we refuse to be transferred", function(t)
  local call, bob <close>, carol = connected(t)
  bob:tell("transfer " .. carol.uri)
  call:expect("REFER"):reply(603)
  t:equal(bob:await "TRANSFER_FAILED", "603 Decline")
  call:expect("BYE")
end)

sip.test("we transfer baresip: it calls the third, and tells us how that goes", function(t)
  local call, bob <close>, carol = connected(t)
  local refer = call:refer(carol)
  refer:expect(202)
  local incoming = carol:incoming()
  incoming:ring()
  incoming:answer()
  incoming:expect("ACK")
  t:equal(refer:expect("NOTIFY").body:match "%d%d%d", "100")
  local status, reason = refer:outcome()
  t:equal({ status, reason }, { 200, "OK" })
  t:equal(refer.state, "terminated")
  incoming:bye():expect(200)
  call:bye():expect(200)
end)

sip.test("we transfer baresip to one who is busy: it tells us, and is still there", function(t)
  local call, bob <close>, carol = connected(t)
  local refer = call:refer(carol)
  refer:expect(202)
  carol:incoming():reject(486)
  t:equal(refer:outcome(), 486)
  call:bye():expect(200)
  bob:await "CALL_CLOSED"
end)
