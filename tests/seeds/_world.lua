-- What the scenarios of this folder share. They run with many seeds over a network that loses a fifth of all datagrams and sends another
-- fifth twice: `check` says --network. There is no hurry in them, and nothing is loosened but time: what is lost must come again.
local world = {}

-- 64*T1, and some for the way.
world.patience = { within = 40 }

-- Calls until it gets through, as a person would: that all seven INVITEs or the responses to them get lost happens to one call in a thousand
-- on such a network, and must then end in the 408 of timer B; that eleven 2xx or their ACKs get lost to one in fifty thousand, and the callee
-- must hang up. Returns both sides of the call, answered and acknowledged.
function world.connect(t, caller, callee, given)
  for _ = 1, 3 do
    local call = caller:invite(callee, given)
    local answered
    t:spawn("answer " .. callee.name, function()
      local incoming = callee:incoming { within = 45, optional = true }
      if not incoming then return end
      incoming:ring { reliable = given and given.reliable and true or nil }
      incoming:answer()
      answered = incoming
    end)
    local final = call:final()
    if final.status == 200 then
      while answered.state == "confirmed" do
        if answered:expect("ACK", { within = 1, optional = true }) then
          t:equal({ call.state, answered.state }, { "confirmed", "confirmed" })
          return call, answered
        end
      end
      t:equal(answered.ended_by, "no ACK to the 2xx")
      t:equal(call:ended(world.patience), "remote BYE")
    else
      t:equal({ final.status, final.cause, call.state }, { 408, "timer B", "terminated" })
    end
    t:sleep(80)                                     -- until what either side may have heard of it has died down
  end
  t:fail("three calls in a row got lost")
end

-- Hangs up, and both sides know.
function world.hang_up(t, call, other)
  call:bye():expect({ 200, 481 }, world.patience)
  if other.state ~= "terminated" then other:ended(world.patience) end
  t:equal(call.ended_by, "local BYE")
  t:equal(other.ended_by, "remote BYE")
end

return world
