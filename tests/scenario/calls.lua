-- Calls: from the first INVITE to the last BYE, on both sides; what goes on while the script sleeps.
local sip = require "sip"
local help = require "_help"
local failure_of = help.failure_of

local function phones(t, more)
  local given = { aor = "sip:bob@example.test" }
  for key, value in pairs(more or {}) do given[key] = value end
  return t:ua { aor = "sip:alice@example.test" }, t:ua(given)
end

-- Counts what a watch saw so far: messages that `wanted` fits.
local function count(watch, wanted)
  local n = 0
  while watch:count() > 0 do
    if wanted(watch:take()) then n = n + 1 end
  end
  return n
end

local function is_request(method)
  return function(m) return m.is_request and m.method == method end
end

sip.test("ring, answer, talk, hang up: states, times, dialogs of both sides", function(t)
  local alice, bob = phones(t)
  local call = alice:invite(bob)
  t:equal(call.state, "calling")
  t:equal(call.outgoing, true)
  t:equal(call.dialog, nil)
  t:equal(call.setup_time, nil)
  t:equal(call.ended_by, nil)
  local other = bob:incoming()
  t:equal(other.state, "incoming")
  t:equal(other.outgoing, false)
  t:equal(other.invite.call_id, call.invite.call_id)
  t:sleep(1)
  other:ring()
  t:equal(call:expect(180).status, 180)
  t:equal(call.state, "proceeding")
  t:equal(call.dialog.confirmed, false)
  t:sleep(2)
  other:answer()
  t:equal(call:expect(200)["Content-Type"], "application/sdp")
  t:equal(call.state, "confirmed")
  local ack = other:expect("ACK")
  t:equal(ack.cseq, call.invite.cseq)
  t:equal(other.state, "confirmed")
  local d, e = call.dialog, other.dialog
  t:equal(d.call_id, e.call_id)
  t:equal(d.local_tag, e.remote_tag)
  t:equal(d.remote_tag, e.local_tag)
  t:equal(d.remote_target, bob.contact)
  t:equal(e.remote_target, alice.contact)
  t:equal(d.route_set, {})
  t:equal(d.confirmed, true)
  t:equal(d.local_cseq, 1)
  t:equal(e.remote_cseq, 1)
  t:near(call.trying_time, 0.2, help.slack(t))
  t:near(call.post_dial_delay, 1, help.slack(t))
  t:near(call.setup_time, 3, help.slack(t))
  t:sleep(4)
  t:equal(call:bye():expect(200).status, 200)
  t:near(call.duration, 4, help.slack(t))
  other:expect("BYE")
  t:equal(call.state, "terminated")
  t:equal(other.state, "terminated")
  t:equal(call.ended_by, "local BYE")
  t:equal(other.ended_by, "remote BYE")
  t:equal(call:ended(), "local BYE")
  t:equal(call:final().status, 200)                     -- of its INVITE, also now
  t:equal(call:final(), call.response)
  t:equal(call:expect(200).status, 200)
  t:ok(failure_of(call.expect, call, 486):find("alice wanted 486 to its INVITE, got 200 OK", 1, true))
  t:ok(failure_of(call.bye, call):find("the call is terminated (local BYE)", 1, true))
  t:ok(failure_of(other.answer, other):find("no INVITE waits for an answer, the call is terminated (remote BYE)", 1, true))
end)

sip.test("the callee hangs up while the caller sleeps", function(t)
  local alice, bob = phones(t)
  t:spawn("bob", function()
    local call = bob:incoming()
    call:answer()
    call:expect("ACK")
    t:sleep(5)
    call:bye():expect(200)
  end)
  local call = alice:invite(bob)
  call:expect(200)
  t:sleep(10)
  t:equal(call.state, "terminated")
  t:equal(call.ended_by, "remote BYE")
  t:near(call.duration, 5, help.slack(t))
  t:equal(call:expect("BYE").method, "BYE")             -- it came while nobody waited
end)

sip.test("two tasks wait for two events of a call", function(t)
  local alice, bob = phones(t)
  local call = alice:invite(bob)
  local other = bob:incoming()
  local how
  t:spawn("watcher", function() how = other:ended { within = 60 } end)
  t:spawn("bye", function() t:equal(other:expect("BYE", { within = 60 }).method, "BYE") end)
  t:sleep(0.1)
  other:answer()
  other:expect("ACK")
  call:expect(200)
  t:sleep(1)
  call:bye():expect(200)
  t:sleep(0.1)
  t:equal(how, "remote BYE")
end)

sip.test("a callee that rejects: the ACK is the transaction's, and the call has ended", function(t)
  local alice, bob = phones(t)
  for _, status in ipairs { 486, 404, 302, 600, 503 } do
    local call = alice:invite(bob)
    local other = bob:incoming()
    if status == 486 then other:reject() else other:reject(status, { headers = { { "X-Why", status } } }) end
    local final = call:expect(status)
    t:equal(final.status, status)
    if status ~= 486 then t:equal(final["X-Why"], tostring(status)) end
    t:equal(call.state, "terminated")
    t:equal(call.ended_by, "final response")
    t:equal(other.ended_by, "final response")
    t:sleep(1)
    t:equal(call.repeated_responses, 0)
    t:ok(failure_of(call.bye, call):find("the call is terminated (final response)", 1, true))
  end
end)

sip.test("CANCEL: not before a provisional; 200, 487, ACK", function(t)
  local alice, bob = phones(t)
  local seen = alice.endpoint:watch()
  local call = alice:invite(bob)
  call:cancel()                                         -- waits for the first provisional
  local other = bob:incoming()
  t:sleep(0.1)
  t:equal(count(seen, is_request "CANCEL"), 0)
  other:ring()
  other:expect("CANCEL")
  t:equal(call:final().status, 487)
  t:equal(call.ended_by, "final response")
  t:equal(other:ended(), "CANCEL")
  t:equal(count(seen, is_request "CANCEL"), 1)
  t:ok(failure_of(call.cancel, call):find("nothing to cancel", 1, true))
  t:ok(failure_of(other.cancel, other):find("only the caller can cancel", 1, true))
end)

sip.test("CANCEL at once on demand, before anything came back", function(t)
  local alice, bob = phones(t)
  local call = alice:invite(bob)
  call:cancel { now = true }
  t:equal(call:final().status, 487)
  t:ok(t:now() < 0.15)
  t:equal(bob:incoming().ended_by, "CANCEL")
end)

sip.test("a CANCEL that crosses the 200: it is acknowledged and hung up at once", function(t)
  local alice, bob = phones(t)
  t:network { delay = 0.1 }
  local call = alice:invite(bob)
  local other = bob:incoming()
  other:ring()
  call:expect(180)
  other:answer()
  call:cancel()
  t:equal(call:final().status, 200)
  other:expect "ACK"
  other:expect "BYE"
  t:equal(call.ended_by, "CANCEL, crossed by a 2xx")
end)

sip.test("a CANCEL that crosses the 200, and the caller stays", function(t)
  local alice, bob = phones(t)
  t:network { delay = 0.1 }
  local call = alice:invite(bob)
  local other = bob:incoming()
  other:ring()
  call:expect(180)
  other:answer()
  call:cancel { keep = true }
  t:equal(call:final().status, 200)
  t:equal(call.state, "confirmed")
  t:sleep(1)
  t:equal(other.state, "confirmed")
  call:bye():expect(200)
end)

sip.test("a lost ACK: the 200 comes again and again, and each time the ACK goes out by itself", function(t)
  local alice, bob = phones(t)
  local call = alice:invite(bob)
  local other = bob:incoming()
  t:network { from = alice, to = bob, loss = 1 }
  other:answer()
  call:expect(200)
  t:sleep(4)                                            -- 200 at 0, 0.5, 1.5, 3.5
  t:equal(call.repeated_responses, 3)
  t:network { from = alice, to = bob, loss = 0 }
  other:expect("ACK", { within = 10 })
  t:near(t:now(), 7.5, help.slack(t))
  t:sleep(20)
  t:equal(call.repeated_responses, 4)
  t:equal(call.state, "confirmed")
  call:bye():expect(200)
end)

sip.test("ack = false: the callee repeats its 200 for 32 s, then hangs up", { timeout = 90 }, function(t)
  local alice, bob = phones(t)
  local seen = bob.endpoint:watch()
  local call = alice:invite(bob, { ack = false })
  local other = bob:incoming()
  other:answer()
  call:expect(200)
  t:equal(other:ended { within = 60 }, "no ACK to the 2xx")
  t:near(t:now(), 32, help.slack(t))
  t:equal(call:ended(), "remote BYE")
  t:equal(call.repeated_responses, 10)                  -- at 0.5, 1.5, 3.5, 7.5, 11.5, ..., 31.5
  t:equal(count(seen, is_request "ACK"), 0)
end)

sip.test("ack = false, and the ACK by hand", function(t)
  local alice, bob = phones(t)
  local call = alice:invite(bob, { ack = false })
  local other = bob:incoming()
  t:ok(failure_of(call.ack, call):find("there is no 2xx to acknowledge", 1, true))
  other:answer()
  call:expect(200)
  t:sleep(2)
  call:ack { headers = { { "X-By", "hand" } }, body = "v=0\r\n", content_type = "application/sdp" }
  local ack = other:expect("ACK")
  t:equal(ack["X-By"], "hand")
  t:equal(ack.body, "v=0\r\n")
  t:equal(ack.cseq, call.invite.cseq)
  call:bye():expect(200)
end)

sip.test("early media: a 183 with a description; two provisionals of one dialog", function(t)
  local alice, bob = phones(t)
  local call = alice:invite(bob)
  local other = bob:incoming()
  other:reply(183, { sdp = "v=0\r\ns=early\r\n", reason = "Early" })
  local early = call:expect(183)
  t:equal(early.reason, "Early")
  t:equal(early.body, "v=0\r\ns=early\r\n")
  t:equal(early["Content-Type"], "application/sdp")
  t:ok(early["Contact"])
  other:ring()
  t:equal(call:expect(180).to_tag, early.to_tag)
  other:answer { sdp = false }
  local final = call:expect(200)
  t:equal(final.body, "")
  t:equal(final["Content-Type"], nil)
  t:equal(final.to_tag, early.to_tag)
  call:bye():expect(200)
end)

sip.test("session descriptions: our own, the script's, none; other bodies", function(t)
  local alice, bob = phones(t)
  local function offer(given)
    local call = alice:invite(bob, given)
    local other = bob:incoming()
    other:reject()
    call:expect(486)
    return other.invite
  end
  local own = offer()
  t:equal(own["Content-Type"], "application/sdp")
  t:ok(own.body:find("m=audio", 1, true))
  t:equal(offer({ sdp = "v=0\r\n" }).body, "v=0\r\n")
  t:equal(offer({ sdp = "v=0\r\n" })["Content-Type"], "application/sdp")
  local none = offer { sdp = false }
  t:equal(none.body, "")
  t:equal(none["Content-Type"], nil)
end)

sip.test("a BYE before the final response, in the early dialog", function(t)
  local alice, bob = phones(t)
  local call = alice:invite(bob)
  local other = bob:incoming()
  t:ok(failure_of(call.bye, call):find("no BYE: the call is calling", 1, true))
  other:ring()
  call:expect(180)
  call:bye():expect(200)
  t:equal(other:ended(), "remote BYE")
  t:equal(call:final().status, 487)
end)

sip.test("nobody answers: 408 of timer B, nobody lives there: 503", function(t)
  local alice = t:ua { aor = "sip:alice@example.test", timers = { T1 = 0.1 } }
  local silent = t:endpoint { name = "silent" }
  local call = alice:invite(silent)
  local final = call:final()
  t:near(t:now(), 6.4, help.slack(t))
  t:equal(final.status, 408)
  t:equal(final.cause, "timer B")
  t:equal(call.ended_by, "timer B")
  t:equal(call.retransmissions, 6)
  while silent:take { within = 0, optional = true } do end
end)

sip.test("requests within the call go both ways, CSeq by CSeq", function(t)
  local alice, bob = phones(t)
  local call = alice:invite(bob)
  local other = bob:incoming()
  other:answer()
  call:expect(200)
  other:expect("ACK")
  for i = 1, 3 do
    t:equal(call:request("INFO", { body = "x", content_type = "text/plain" }).request.cseq, 1 + i)
    local info = other:request("INFO")
    info:expect(200)
    t:equal(info.request["To"], call.invite["From"])
    t:equal(sip.name_addr(info.request["From"]).tag, call.dialog.remote_tag)
  end
  t:equal(call:request("INVITE", { sdp = "v=0\r\n" }):expect(200).status, 200)
  t:equal(call.state, "confirmed")
  local seen
  t:spawn("bob", function()
    for st in other:requests() do
      seen = st.request
      st:reply(200, { body = "pong", content_type = "text/plain" })
      break
    end
  end)
  t:sleep(0.01)
  t:equal(call:request("PING"):expect(200).body, "pong")
  t:equal(seen.method, "PING")
  other:bye():expect(200)
  t:equal(call:ended(), "remote BYE")
end)

sip.test("calls of two UAs on one endpoint, and a UA at an endpoint of the script's", function(t)
  local ep = t:endpoint { name = "host" }
  local bob = t:ua { aor = "sip:bob@example.test", endpoint = ep }
  t:equal(bob.endpoint, ep)
  t:equal(bob.name, "host")
  local alice = t:ua { aor = "sip:alice@example.test" }
  local call = alice:invite(bob)
  bob:incoming():answer()
  call:expect(200)
  call:bye():expect(200)
  local watch = ep:watch()
  ep:requests()                                         -- from here on the script is below the UA
  call = alice:invite(bob)
  local st = ep:incoming("INVITE")
  st:reply(480)
  call:expect(480)
  t:ok(watch:count() > 0)
end)

sip.test("many calls at once keep apart", function(t)
  local alice, bob = phones(t)
  t:serve("bob", function()
    for call in bob:calls() do
      t:spawn("one", function()
        t:sleep(call.invite.cseq * 0.1)
        call:answer()
        call:expect("BYE", { within = 20 })
      end)
    end
  end)
  local calls = {}
  for i = 1, 20 do calls[i] = alice:invite(bob, { cseq = i }) end
  for i, call in ipairs(calls) do
    call:expect(200, { within = 10 })
    t:near(call.setup_time, i * 0.1, help.slack(t))
  end
  for _, call in ipairs(calls) do call:bye():expect(200) end
end)

sip.test("calls over IPv6", function(t)
  local alice = t:ua { aor = "sip:alice@example.test", ipv6 = true }
  local bob = t:ua { aor = "sip:bob@example.test", ipv6 = true }
  t:ok(bob.contact:find("[", 1, true))
  local call = alice:invite(bob)
  local other = bob:incoming()
  other:ring()
  other:answer()
  local ok = call:expect(200)
  t:ok(ok.body:find("IN IP6", 1, true))
  t:equal(call.dialog.remote_target, bob.contact)
  other:expect("ACK")
  other:bye():expect(200)
end)

sip.test("a name that is taken gets a number; the display name goes out quoted", function(t)
  local one = t:ua { aor = "sip:bob@example.test" }
  local two = t:ua { aor = "sip:bob@example.test", display = 'Bob "B"' }
  t:equal(one.name, "bob")
  t:equal(two.name, "bob-2")
  t:equal(two.aor, "sip:bob@example.test")
  t:ok(two:build("OPTIONS", { uri = one })["From"]:find('"Bob \\"B\\"" <sip:bob@example.test>;tag=', 1, true))
end)

sip.test("every response of a call, and of a registration, as they come", function(t)
  local alice, bob = phones(t)
  t:spawn("bob", function()
    local call = bob:incoming()
    call:ring()
    call:reply(183)
    call:reject(486)
  end)
  local seen = {}
  for response in alice:invite(bob):responses() do
    seen[#seen + 1] = response.status
    if response.status >= 200 then break end
  end
  t:equal(seen, { 180, 183, 486 })

  local registrar = t:registrar {}
  local registration = alice:register { registrar = registrar, expires = 20 }
  seen = {}
  for _ in registration:responses() do
    seen[#seen + 1] = t:now()
    if #seen == 2 then break end
  end
  t:near(seen[2] - seen[1], 18, require("_help").slack(t))
end)
