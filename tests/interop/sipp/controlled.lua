-- Two callees that SIPp's controllers connect (RFC 3725 4.1, flow I): A gets an INVITE without offer and makes the offer, B
-- answers it, and A gets the answer in the ACK.
local sip = require "sip"

sip.test("connected by a third party", { timeout = 60 }, function(t)
  local a = t:ua { aor = "sip:a@example.test", address = "127.0.0.1", port = tonumber(t.env.port_a) }
  local b = t:ua { aor = "sip:b@example.test", address = "127.0.0.1", port = tonumber(t.env.port_b) }
  local offers, answers = {}, {}

  local function offer(call)
    t:equal(call.invite.body, "")
    offers[call:answer().body] = true
    local ack = call:expect("ACK", { within = 20 })
    t:equal(ack["Content-Type"], "application/sdp")
    t:ok(answers[ack.body], "A got an answer that B never gave:\n" .. ack.body)
    t:equal(call:ended { within = 20 }, "remote BYE")
  end

  local function answer(call)
    t:ok(offers[call.invite.body], "B got an offer that A never made:\n" .. call.invite.body)
    answers[call:answer().body] = true
    call:expect("ACK")
    t:equal(call:ended { within = 20 }, "remote BYE")
  end

  for side, serve in pairs { [a] = offer, [b] = answer } do
    t:spawn(side.name, function()
      for n = 1, tonumber(t.env.calls) do
        local call = side:incoming { within = 20 }
        t:spawn(side.name .. " " .. n, function() serve(call) end)
      end
    end)
  end
end)
