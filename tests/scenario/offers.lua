-- Offers within a call: hold, UPDATE, glare and its second try, CANCEL of a re-INVITE, the script's own ACKs.
local sip = require "sip"
local failure_of = require("_help").failure_of

local function connect(t, given)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  local call = alice:invite(bob, given)
  local incoming = bob:incoming()
  incoming:answer()
  call:expect(200)
  return call, incoming
end

sip.test("hold and resume: sendonly is answered recvonly, with a new version", function(t)
  local call, incoming = connect(t)
  for _, side in ipairs { call, incoming } do
    local held = side:hold()
    t:ok(held:expect(200).body:find "a=recvonly")
    t:ok(held.request.body:find "a=sendonly")
    local back = side:resume()
    t:ok(back:expect(200).body:find "a=sendrecv")
  end
  call:bye():expect(200)
end)

sip.test("both hold: inactive, until both resume", function(t)
  local call, incoming = connect(t)
  call:hold():expect(200)
  local both = incoming:hold()
  t:ok(both.request.body:find "a=sendonly")
  t:ok(both:expect(200).body:find "a=inactive")
  t:ok(call:resume():expect(200).body:find "a=sendonly")
  t:ok(incoming:resume():expect(200).body:find "a=sendrecv")
  t:ok(failure_of(call.hold, call, { direction = "both" }):find('option "direction" wants sendrecv, sendonly, recvonly or inactive, got "both"', 1, true))
  call:bye():expect(200)
end)

sip.test("a call offered and answered in a direction", function(t)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  local call = alice:invite(bob, { direction = "recvonly" })
  bob:incoming():answer()
  t:ok(call:expect(200).body:find "a=sendonly")
  call = alice:invite(bob)
  bob:incoming():answer { direction = "recvonly" }
  t:ok(call:expect(200).body:find "a=recvonly")
end)

sip.test("glare: both get 491, wait as RFC 3261 14.1 says, and both succeed", function(t)
  local call, incoming = connect(t)
  t:network { delay = 0.1 }
  local began = t:now()
  local ours, theirs = call:reinvite(), incoming:reinvite()
  theirs:expect(200, { within = 10 })
  local second = t:now() - began
  ours:expect(200, { within = 10 })
  local first = t:now() - began
  t:ok(second < first, "the callee waits 0 to 2 s, the owner of the Call-ID 2.1 to 4 s")
  t:ok(second <= 2.5 + require("_help").slack(t) and first >= 2.2, ("%g and %g s"):format(second, first))
  t:sleep(1)
  call:bye():expect(200)
end)

sip.test("without a second try the 491 is the script's", function(t)
  local call, incoming = connect(t)
  t:network { delay = 0.1 }
  local ours, theirs = call:request("INVITE"), incoming:reinvite { retry = false }
  ours:expect(491)
  theirs:expect(491)
  call:bye():expect(200)
end)

sip.test("a call that ends before the second try: its 491 is told", function(t)
  local call, incoming = connect(t)
  t:network { delay = 0.1 }
  local ours = call:reinvite()
  incoming:reinvite()
  t:sleep(0.3)
  incoming:bye():expect(200)
  ours:expect(491, { within = 10 })
end)

-- Alice in a call with an endpoint that answers by hand.
local function connect_endpoint(t)
  local alice, box = t:ua { aor = "sip:alice@example.test" }, t:endpoint { name = "box" }
  local call = alice:invite(box.uri)
  box:incoming("INVITE"):reply(200, { headers = { { "Contact", "<" .. box.uri .. ">" } } })
  call:expect(200)
  return call, box
end

sip.test("one that gets 491 each time is given up", { timeout = 120 }, function(t)
  local call, box = connect_endpoint(t)
  local tries = 0
  t:serve("box", function()
    for st in box:requests() do
      tries = tries + 1
      st:reply(491)
    end
  end)
  t:equal(call:reinvite():final { within = 60 }.status, 491)
  t:equal(tries, 11)
end)

sip.test("another re-INVITE while one waits for its second try: both get an end", function(t)
  local call, box = connect_endpoint(t)
  local first = call:reinvite()
  box:incoming("INVITE"):reply(491)
  t:sleep(0.1)
  local second = call:reinvite()
  box:incoming("INVITE"):reply(491)
  first:expect(491)
  box:incoming("INVITE"):reply(200, { headers = { { "Contact", "<" .. box.uri .. ">" } } })
  second:expect(200)
end)

sip.test("CANCEL of one that waits for its second try: there is none, and its 491 is told", function(t)
  local call, box = connect_endpoint(t)
  local again = call:reinvite()
  box:incoming("INVITE"):reply(491)
  t:sleep(0.1)
  again:cancel()
  again:expect(491)
  t:equal(box:incoming("INVITE", { within = 4, optional = true }), nil)
end)

sip.test("UPDATE with an offer while ours is open: 491", function(t)
  local call, incoming = connect(t)
  t:network { delay = 0.1 }
  local ours, theirs = call:update { sdp = true }, incoming:update { sdp = true }
  ours:expect(491)
  theirs:expect(491)
  local plain, also = call:update(), incoming:update()
  plain:expect(200)
  also:expect(200)
end)

sip.test("an UPDATE with an offer while that of our INVITE has no answer: 491", function(t)
  local alice, box = t:ua { aor = "sip:alice@example.test" }, t:endpoint { name = "box" }
  local call = alice:invite(box.uri, { reliable = true })
  local st = box:incoming "INVITE"
  local function progress(headers)
    st:reply(183, { to_tag = "box", body = call.invite.body, content_type = "application/sdp", headers = { { "Contact", "<" .. box.uri .. ">" }, table.unpack(headers) } })
    call:expect(183)
  end
  local function update(cseq)
    local d, sdp = call.dialog, call.invite.body
    return box:request(("UPDATE %s SIP/2.0\r\nVia: %s\r\nMax-Forwards: 70\r\nFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d UPDATE\r\nContact: <%s>\r\n"
      .. "Content-Type: application/sdp\r\nContent-Length: %d\r\n\r\n%s"):format(alice.contact, box:via(), d.remote, d["local"], d.call_id, cseq, box.uri, #sdp, sdp), alice.contact)
  end
  progress {}                                                           -- no answer: what is not reliable may never come (RFC 3261 13.2.1)
  update(1):expect(491)
  progress { { "Require", "100rel" }, { "RSeq", 1 } }
  box:incoming("PRACK"):reply(200)
  update(2):expect(200)
end)

sip.test("CANCEL of a re-INVITE: 487 to it, and the call goes on", function(t)
  local call, incoming = connect(t)
  t:spawn("bob", function()
    local st = incoming:expect "INVITE"
    incoming:ring()
    incoming:expect "CANCEL"
    t:equal(st.cancelled, true)
    st:expect "ACK"
  end)
  local again = call:reinvite()
  again:expect(180)
  again:cancel()
  again:expect(487)
  t:equal({ call.state, incoming.state }, { "confirmed", "confirmed" })
  t:spawn("bob again", function()
    incoming:expect "INVITE"
    incoming:answer()
  end)
  call:reinvite():expect(200)
  call:bye():expect(200)
end)

sip.test("the ACK late, repeated, or with another description", { timeout = 40 }, function(t)
  local call, incoming = connect(t, { ack = false })
  t:sleep(2)
  t:equal(call.repeated_responses, 2)
  call:ack()
  t:equal(incoming:expect("ACK").cseq, 1)
  call:ack()                                             -- one more, which nobody waits for
  t:sleep(5)
  t:equal(call.repeated_responses, 2)

  local again = call:request("INVITE", { ack = false })
  again:expect(200)
  again:ack { headers = { { "X-Late", "yes" } } }
  t:equal(incoming:expect("ACK")["X-Late"], "yes")
  call:bye():expect(200)
end)

sip.test("no ACK at all: the callee hangs up after 64 T1", { timeout = 60 }, function(t)
  local call, incoming = connect(t, { ack = false })
  call:expect("BYE", { within = 40 })
  t:equal(incoming.ended_by, "no ACK to the 2xx")
end)

sip.test("late offer: the answer goes with the ACK", function(t)
  local _, incoming = connect(t, { sdp = false })
  t:ok(#incoming:expect("ACK").body > 0)
  local again = incoming:request("INVITE", { sdp = false })
  t:ok(#again:expect(200).body > 0)
end)

sip.test("a body that is no session description is no offer", function(t)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  local text = { body = "m=audio over the wire\r\n", content_type = "text/plain", headers = { { "Content-Disposition", "render;handling=optional" } } }
  local call = alice:invite(bob, text)
  local incoming = bob:incoming()
  incoming:answer()
  t:ok(call:expect(200).body:find "m=audio %d+ RTP/AVP", "an offer")
  t:ok(incoming:expect("ACK").body:find "m=audio %d+ RTP/AVP", "its answer")
  t:equal(call:update(text):expect(200).body, "")
  call:bye():expect(200)
end)

sip.test("a re-INVITE or UPDATE moves the target, but not one that is refused", function(t)
  local call, incoming = connect(t)
  incoming:expect "ACK"
  local home = incoming.dialog.remote_target
  local there = home:gsub("sip:%w+@", "sip:elsewhere@")
  local contact = { "Contact", "<" .. there .. ">" }
  for _, method in ipairs { "INVITE", "UPDATE" } do
    call:request(method, { headers = { contact, { "Require", "wishes" } } }):expect(420)
    call:request(method, { headers = { contact }, sdp = t:replace(call.invite.body, "RTP/AVP 0 8 101", "RTP/SAVP 0 8 101") }):expect(488)
    t:equal(incoming.dialog.remote_target, home)
    call:request(method, { headers = { contact } }):expect(200)
    t:equal(incoming.dialog.remote_target, there)
    call:request(method):expect(200)
    t:equal(incoming.dialog.remote_target, home)
  end
  call:bye():expect(200)
end)

sip.test("a hold that is refused leaves the session as it was", function(t)
  local alice = t:ua { aor = "sip:alice@example.test" }
  local bob = t:ua { aor = "sip:bob@example.test", claims = { "INVITE", "UPDATE" } }
  local call = alice:invite(bob)
  local incoming = bob:incoming()
  incoming:answer()
  call:expect(200)
  for _, offer in ipairs { call.hold, function(c) return c:update { sdp = true, direction = "inactive" } end } do
    local refused = offer(call)
    incoming:expect(refused.request.method):reply(488)
    refused:expect(488)
    local again = call:reinvite()
    local st = incoming:expect "INVITE"
    t:ok(st.request.body:find "a=sendrecv", st.request.body)
    incoming:answer()
    again:expect(200)
  end
end)
