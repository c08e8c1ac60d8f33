local sip = require "sip"
local world = require "_world"

local function phones(t, session)
  return t:ua { aor = "sip:alice@example.test", session_expires = session }, t:ua { aor = "sip:bob@example.test" }
end

sip.test("a call, hung up by the caller", { timeout = 600 }, function(t)
  local alice, bob = phones(t)
  local call, other = world.connect(t, alice, bob)
  world.hang_up(t, call, other)
end)

sip.test("a call that rings reliably, hung up by the callee", { timeout = 600 }, function(t)
  local alice, bob = phones(t)
  local call, other = world.connect(t, alice, bob, { reliable = true })
  world.hang_up(t, other, call)
end)

sip.test("a call that is held for ten minutes by a session timer", { timeout = 1500 }, function(t)
  local alice, bob = phones(t, 300)
  local call, other = world.connect(t, alice, bob)
  t:sleep(600)
  t:equal({ call.state, other.state, call.session_expires, other.session_expires }, { "confirmed", "confirmed", 300, 300 })
  world.hang_up(t, call, other)
end)

sip.test("a call that is refused, and one that is cancelled", { timeout = 600 }, function(t)
  local alice, bob = phones(t)
  t:serve("bob", function()
    for call in bob:calls() do call:reject(486) end
  end)
  local refused = alice:invite(bob):final()
  t:ok(refused.status == 486 or refused.cause == "timer B", refused)

  local carol = t:ua { aor = "sip:carol@example.test" }
  t:serve("carol", function()
    for call in carol:calls() do call:ring() end
  end)
  local call = alice:invite(carol)
  call:expect({ 180, 408 }, world.patience)
  if call.state == "proceeding" then
    call:cancel()
    local final = call:final()
    t:ok(final.status == 487 or final.cause == "no final response after CANCEL", final)
  end
end)
