-- Hold and resume (RFC 3264 8.4): a re-INVITE with another direction, from either side.
local sip = require "sip"
local baresip = require "baresip"

-- a= of the one audio stream; sendrecv when there is none (RFC 4566 6).
local function direction(sdp)
  return sdp:match "\na=(sendrecv)" or sdp:match "\na=(sendonly)" or sdp:match "\na=(recvonly)" or sdp:match "\na=(inactive)" or "sendrecv"
end

local function version(sdp)
  return tonumber(sdp:match "\no=%S+ %d+ (%d+)")
end

local function connected(t, answers)
  local alice = t:ua { aor = "sip:alice@example.test", answers = answers }
  local bob = baresip(t, { user = "bob", answer = "auto" })
  local call = alice:invite(bob.uri)
  call:expect(200)
  bob:await "CALL_ESTABLISHED"
  return call, bob
end

sip.test("we hold and resume", function(t)
  local call, bob <close> = connected(t)
  local number = version(call.response.body)
  local steps = { { "hold", "recvonly" }, { "resume", "sendrecv" }, { "inactive", "inactive" }, { "resume", "sendrecv" } }
  for _, step in ipairs(steps) do
    local request = step[1] == "inactive" and call:reinvite { direction = "inactive" } or call[step[1]](call)
    local answer = request:expect(200).body
    t:equal(direction(answer), step[2], "the answer to " .. step[1])
    t:ok(version(answer) >= number, "the version of its session went back")
    number = version(answer)
  end
  call:bye():expect(200)
  bob:await "CALL_CLOSED"
end)

-- Offer and answer of the next exchange that the actor sees, and its ACK.
local function exchange(t, seen)
  local offer, answer
  repeat offer = seen:take() until offer.method == "INVITE"
  repeat answer = seen:take() until answer.status ~= 100
  local ack = seen:take()
  t:equal({ answer.status, ack.method, ack.cseq }, { 200, "ACK", offer.cseq })
  return { direction(offer.body), direction(answer.body) }
end

sip.test("it holds and resumes, and our answer has the other direction", function(t)
  local call, bob <close> = connected(t)
  local seen = call.ua.endpoint:watch()
  bob:tell "hold"
  t:equal(exchange(t, seen), { "sendonly", "recvonly" })
  bob:tell "resume"
  t:equal(exchange(t, seen), { "sendrecv", "sendrecv" })
  bob:tell "hangup"
  call:expect("BYE")
end)

sip.test("both hold, and resume one after the other", function(t)
  local call, bob <close> = connected(t)
  local seen = call.ua.endpoint:watch()
  call:hold():expect(200)
  t:equal(exchange(t, seen), { "sendonly", "recvonly" })
  bob:tell "hold"
  t:equal(exchange(t, seen), { "sendonly", "inactive" }, "its offer while we hold, and our answer")
  call:resume():expect(200)
  t:equal(exchange(t, seen), { "sendrecv", "sendonly" }, "our offer while it holds, and its answer")
  bob:tell "resume"
  t:equal(exchange(t, seen), { "sendrecv", "sendrecv" })
  call:bye():expect(200)
end)

sip.test("it holds, we refuse with 488: the call is as it was", function(t)
  local call, bob <close> = connected(t, { INVITE = false })
  bob:tell "hold"
  call:expect("INVITE"):reply(488)
  t:sleep(0.3)
  t:equal(call.state, "confirmed")
  call:bye():expect(200)
  bob:await "CALL_CLOSED"
end)
