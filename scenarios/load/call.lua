-- A call: INVITE, 180, 200, ACK, BYE, 200, against any callee.
--
--   offhook load --rate 100 --duration 60 --target sip:service@192.0.2.1 scenarios/load/call.lua
--   --set hold=S keeps each call up for S seconds (default 0); --set from=URI and --set password=P say who calls.
local sip = require "sip"

local function caller(t)
  return t:ua { aor = t.env.from or "sip:load@example.test", password = t.env.password }
end

sip.load("call", { setup = function(t) return { ua = caller(t), target = t:target(), hold = tonumber(t.env.hold) or 0 } end }, function(vu, shared)
  local call = shared.ua:invite(shared.target)
  call:expect(200, { within = 32 })
  if shared.hold > 0 then vu:sleep(shared.hold) end
  call:bye():expect(200)
end)
