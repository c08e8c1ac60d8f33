-- A callee: rings, answers, and waits for the other side to hang up. For scenarios/load/call.lua, SIPp's caller, or anything that calls.
--
--   offhook load --listen 192.0.2.1:5060 scenarios/load/answer.lua
--   --set ring=S rings for S seconds before it answers (default 0).
local sip = require "sip"

local ring = tonumber(sip.env.ring) or 0

sip.serve("answer", { aor = "sip:answer@example.test" }, function(call, t)
  call:ring()
  if ring > 0 then t:sleep(ring) end
  call:answer()
  call:ended { within = 86400 }
end)
