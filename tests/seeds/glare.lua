local sip = require "sip"
local world = require "_world"

-- The second tries of RFC 3261 14.1, and theirs, until both went through.
local function reinvite(call)
  for _ = 1, 5 do
    local final = call:reinvite():final()
    if final.status == 200 then return true end
    if final.status ~= 491 and final.status ~= 500 then return false, tostring(final) end
  end
end

sip.test("two re-INVITEs meet, and both go through in the end", { timeout = 600 }, function(t)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  local call, other = world.connect(t, alice, bob)
  local done = 0
  for name, side in pairs { alice = call, bob = other } do
    t:spawn(name, function()
      t:ok(reinvite(side))
      done = done + 1
    end)
  end
  while done < 2 do t:sleep(1) end
  t:equal({ call.state, other.state }, { "confirmed", "confirmed" })
  world.hang_up(t, call, other)
end)

sip.test("two UPDATEs with offers meet", { timeout = 600 }, function(t)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  local call, other = world.connect(t, alice, bob)
  local ours, theirs = call:update { sdp = true }, other:update { sdp = true }
  for _, update in ipairs { ours, theirs } do
    local status = update:final().status
    t:ok(status == 491 or status == 200, status)
  end
  call:update { sdp = true }:expect(200, world.patience)
  world.hang_up(t, call, other)
end)
