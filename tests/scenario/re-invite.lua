-- INVITEs within a call: acknowledged by the engine, answered in the direction that fits, one at a time.
local sip = require "sip"

local function connect(t, given)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  local call = alice:invite(bob, given)
  local incoming = bob:incoming()
  incoming:answer()
  call:expect(200)
  local ack = incoming:expect("ACK")
  return call, incoming, ack
end

local function direction(message)
  return message.body:match "a=(%a+)\r\n$"
end

sip.test("the 2xx to a re-INVITE is acknowledged, with the CSeq of that INVITE, and not repeated", { timeout = 10 }, function(t)
  local call, incoming = connect(t)
  for _, side in ipairs { { call, incoming }, { incoming, call } } do
    local again = side[1]:request("INVITE")
    again:expect(200)
    t:equal(side[2]:expect("ACK").cseq, again.request.cseq)
    t:equal(again.request["Content-Type"], "application/sdp", "the session as it was, offered again")
  end
  t:sleep(2)
  t:equal(call.repeated_responses, 0)
  t:equal(incoming.state, "confirmed")
  call:bye():expect(200)
end)

sip.test("an offer is answered in the direction that fits, with the next version where that changes", function(t)
  local call, incoming = connect(t)
  t:equal(direction(call.invite), "sendrecv")
  local version = tonumber(call.response.body:match "\no=%S+ %d+ (%d+)")
  for _, words in ipairs { { "sendonly", "recvonly" }, { "recvonly", "sendonly" }, { "inactive", "inactive" }, { "sendrecv", "sendrecv" } } do
    local answer = call:request("INVITE", { sdp = t:replace(call.invite.body, "a=sendrecv", "a=" .. words[1]) }):expect(200)
    t:equal(direction(answer), words[2], words[1])
    version = version + 1
    t:equal(tonumber(answer.body:match "\no=%S+ %d+ (%d+)"), version)
    incoming:expect("ACK")
  end
  call:bye():expect(200)
end)

sip.test("an INVITE without offer: the 200 brings it, the ACK the answer", function(t)
  local call, incoming, ack = connect(t, { sdp = false })
  t:equal(call.invite.body, "")
  t:equal(direction(ack), "sendrecv")
  local again = call:request("INVITE", { sdp = false })
  t:equal(again.request.body, "")
  t:equal(direction(again:expect(200)), "sendrecv")
  t:equal(direction(incoming:expect("ACK")), "sendrecv")
  call:bye():expect(200)
end)

sip.test("INVITEs of both sides at once: both get 491", function(t)
  local call, incoming = connect(t)
  local one, two = call:request("INVITE"), incoming:request("INVITE")
  one:expect(491)
  two:expect(491)
  call:request("INVITE"):expect(200)
  incoming:expect("ACK")
  incoming:request("INVITE"):expect(200)
  call:bye():expect(200)
end)

sip.test("a second INVITE while the first is open: 500 with Retry-After", function(t)
  local call, incoming = connect(t)
  t:spawn("bob", function()
    local st = incoming:expect("INVITE")
    t:sleep(0.5)
    st:reply(488)
  end)
  local first = call:request("INVITE")
  t:sleep(0.1)
  local refused = call:request("INVITE"):expect(500)
  t:ok(tonumber(refused["Retry-After"]) <= 10, "Retry-After of 0 to 10 s")
  first:expect(488)
  t:equal(call.state, "confirmed")
  call:bye():expect(200)
end)

sip.test("what has no Contact by its RFC has none; the 2xx to an INVITE says what is allowed", function(t)
  local call, incoming = connect(t)
  t:ok(call.response["Allow"], "Allow in the 2xx")
  t:ok(call.response["Contact"], "Contact in the 2xx")
  t:equal(call:request("INFO").request["Contact"], nil)
  t:ok(call:request("UPDATE").request["Contact"], "Contact in UPDATE")
  local bye = incoming:bye()
  t:equal(bye.request["Contact"], nil)
  bye:expect(200)
end)
