-- The built-in scenario "regexp" takes our 200 apart with regular expressions and tells in its ACK what it read. It knows no "-" as
-- user name in o= (RFC 8866 5.2), which is what we write: so it gets the session description back that it sent.
local sip = require "sip"

sip.test("what SIPp reads in our 200 is what stands there", { timeout = 60 }, function(t)
  local bob = t:ua { aor = "sip:bob@example.test", address = t.env.address, port = tonumber(t.env.port) }

  local function answer(call)
    local ok = call:answer { sdp = call.invite.body }
    local ack = call:expect("ACK")
    local user, session, version = ok.body:match "\no=(%S+) (%S+) (%S+)"
    t:equal(ack["RetrievedIp"], sip.via(call.invite["Via"]).host .. ":" .. sip.via(call.invite["Via"]).port, "the first address of the 200")
    t:equal(ack["RetrievedContact"], ok["Contact"])
    t:equal(ack["RetrievedSdpOrigin-username"], user)
    t:equal(ack["RetrievedSdpOrigin-session-id"], session)
    t:equal(ack["RetrievedSdpOrigin-version"], version)
    t:equal(call:ended { within = 30 }, "remote BYE")
  end

  for n = 1, tonumber(t.env.calls) do
    local call = bob:incoming()
    t:spawn("call " .. n, function() answer(call) end)
  end
end)
