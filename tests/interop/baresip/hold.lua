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

-- The same session with another direction, and the next version in its o= line (RFC 3264 8).
local function with_direction(sdp, word)
  return (sdp:gsub("(\no=%S+ %d+ )(%d+)", function(before, number) return before .. number + 1 end, 1)
    :gsub("a=" .. direction(sdp) .. "\r", "a=" .. word .. "\r"))
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
  local session = call.invite.body
  local number = version(call.response.body)
  for _, words in ipairs { { "sendonly", "recvonly" }, { "sendrecv", "sendrecv" }, { "inactive", "inactive" }, { "sendrecv", "sendrecv" } } do
    session = with_direction(session, words[1])
    local answer = call:request("INVITE", { sdp = session }):expect(200).body
    t:equal(direction(answer), words[2], "the answer to " .. words[1])
    t:ok(version(answer) >= number, "the version of its session went back")
    number = version(answer)
  end
  call:bye():expect(200)
  bob:await "CALL_CLOSED"
end)

sip.test("it holds and resumes, and our answer has the other direction", function(t)
  local call, bob <close> = connected(t)
  local seen = call.ua.endpoint:watch()
  for _, step in ipairs { { "hold", "sendonly", "recvonly" }, { "resume", "sendrecv", "sendrecv" } } do
    bob:tell(step[1])
    local offer = seen:take()
    t:equal(offer.method, "INVITE")
    t:equal(direction(offer.body), step[2], "its offer")
    local answer = seen:take()
    t:equal(answer.status, 200)
    t:equal(direction(answer.body), step[3], "our answer")
    local ack = seen:take()
    t:equal(ack.method, "ACK")
    t:equal(ack.cseq, offer.cseq)
  end
  bob:tell "hangup"
  call:expect("BYE")
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
