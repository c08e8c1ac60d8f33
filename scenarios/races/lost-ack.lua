-- The ACK gets lost: once, and the call goes on; every time, and it ends after 32 s.
--
-- Against a live system: --target URI [--set callee=sip:USER@DOMAIN], which answers the call.
local sip = require "sip"

sip.symptom {
  title = "Calls end after 32 seconds",
  seen = "The call comes up, both sides talk, and after 32 s the callee hangs up, every time. In the capture the callee repeats its 200 "
    .. "all the while.",
  cause = "No ACK reaches the callee: it goes to the Contact of the 200 along the Record-Routes, and one of these is a private address, a "
    .. "wrong port, or behind a firewall. The callee repeats the 200 for 64*T1 and then ends the call (RFC 3261 13.3.1.4).",
  remedy = "Compare the Request-URI and Route of the ACK with Contact and Record-Route of the 200, and look where that datagram ends. Let the "
    .. "proxy or SBC write an address that the caller can reach. A single lost ACK is no trouble: the next 200 brings another.",
}

local function callee(t)
  local target = t:target()
  return t.env.callee or target, target
end

sip.test("every ACK is lost: the callee repeats its 200 for 32 s, then it hangs up", { timeout = 60 }, function(t)
  local uri, target = callee(t)
  local alice = t:ua { aor = "sip:alice@example.test", outbound_proxy = uri ~= target and target or nil }
  local acks = t:hold { from = alice, only = "ACK" }
  local call = alice:invite(uri)
  call:expect(200)
  local up = t:now()
  t:equal(call:ended { within = 40 }, "remote BYE")
  t:near(t:now() - up, 32, 1, "64*T1")
  t:ok(#acks.messages > 5, "ACKs, one for each 200")
  acks:drop()
end)

sip.test("remedied: one ACK is lost, the repeated 200 brings the next", function(t)
  local uri, target = callee(t)
  local alice = t:ua { aor = "sip:alice@example.test", outbound_proxy = uri ~= target and target or nil }
  local acks = t:hold { from = alice, only = "ACK" }
  local call = alice:invite(uri)
  call:expect(200)
  acks:drop(acks:expect("ACK"))
  acks:expect("ACK")
  acks:release()
  t:equal(call.repeated_responses, 1)
  t:sleep(1)                                          -- a third 200 would come now
  t:equal(call.repeated_responses, 1, "200s after the first")
  call:bye():expect(200)
end)
