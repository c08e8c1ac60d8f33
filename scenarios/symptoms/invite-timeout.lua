-- INVITE without answer: the phone calls, repeats its INVITE with growing pauses, and gives up after 32 seconds.
--
-- Against a live system: --target URI --set callee=sip:USER@DOMAIN, where nothing answers for the callee.
local sip = require "sip"

sip.symptom {
  title = "INVITE without answer",
  seen = "The caller hears silence for half a minute, then the phone says \"request timeout\" (408). The callee never rings.",
  cause = "Nothing that speaks SIP answers at the address: wrong address or port, a firewall that drops, a server that hangs. "
    .. "A closed port would say so at once (ICMP); silence means that packets vanish or that the program does not read.",
  remedy = "Look in the capture for INVITEs at 0, 0.5, 1.5, 3.5, 7.5, 15.5 and 31.5 s without any response. Then check, in this order: the "
    .. "address that the outbound proxy's name resolves to, the firewall on the way, whether the server is alive (OPTIONS).",
}

-- RFC 3261 17.1.1.2: timer A starts at T1 = 500 ms and doubles, timer B ends it at 64*T1.
local intervals = { 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5 }

sip.test("the callee's host is silent: seven INVITEs, and the end after 32 s", function(t)
  local proxy = t:target(function() return t:proxy { name = "silent", silent = true } end)   -- reads, and answers nothing
  local alice = t:ua { aor = "sip:alice@example.test", outbound_proxy = proxy }
  local sent = alice.endpoint:watch()

  local call = alice:invite(t.env.callee or "sip:bob@example.test")
  local final = call:final()
  t:equal(final.status, 408)
  t:ok(final.locally, "the 408 is the phone's own: nobody sent it")
  t:near(t:now(), 32, 0.25, "timer B")
  t:equal(call.retransmissions, #intervals - 1)

  local first
  for i, due in ipairs(intervals) do
    local invite = sent:take()
    first = first or invite.time
    t:equal(invite.method, "INVITE")
    t:near(invite.time - first, due, 0.25, ("INVITE number %d"):format(i))
  end
  t:equal(sent:count(), 0, "packets after the last INVITE")
end)

sip.test("remedied: with the right address the callee rings at once", function(t)
  local bob = t:ua { aor = "sip:bob@example.test" }
  local alice = t:ua { aor = "sip:alice@example.test" }
  t:spawn("bob", function()
    local call = bob:incoming()
    call:ring()
    call:answer()
    call:expect("BYE")
  end)
  local call = alice:invite(bob)
  call:expect(180)
  call:expect(200)
  t:equal(call.retransmissions, 0)
  call:bye():expect(200)
end)
