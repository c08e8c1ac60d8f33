local sip = require "sip"
local world = require "_world"

local function phones(t)
  return t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }, t:ua { aor = "sip:carol@example.test" }
end

-- Follows the next REFER within the call; returns the new call once it is up.
local function transferee(t, call)
  local moved = {}
  moved.task = t:spawn("transferee", function()
    local st = call:expect("REFER", { within = 60 })
    moved.call = st:follow()
    moved.status = moved.call:final().status
  end)
  return moved
end

local function answer(t, phone)
  local answered = {}
  t:spawn("answer " .. phone.name, function()
    answered.call = phone:incoming { within = 200, optional = true }
    if answered.call then answered.call:answer() end
  end)
  return answered
end

sip.test("bob transfers alice to carol, without asking", { timeout = 900 }, function(t)
  local alice, bob, carol = phones(t)
  local call, other = world.connect(t, alice, bob)
  local moved, at_carol = transferee(t, call), answer(t, carol)
  local refer = other:refer(carol)
  refer:expect(202, world.patience)
  local status = refer:outcome { within = 200 }
  moved.task:join()
  t:equal(status, moved.status)
  world.hang_up(t, other, call)
  if status == 200 then
    t:equal(moved.call.state, "confirmed")
    world.hang_up(t, moved.call, at_carol.call)
  else
    t:equal(moved.call.response.cause, "timer B")
  end
end)

sip.test("bob asks carol first: her call with alice takes the place of the one with bob", { timeout = 900 }, function(t)
  local alice, bob, carol = phones(t)
  local call, other = world.connect(t, alice, bob)
  other:hold():expect(200, world.patience)
  local asking, asked = world.connect(t, bob, carol)
  local moved, at_carol = transferee(t, call), answer(t, carol)
  local refer = other:refer(asking)
  refer:expect(202, world.patience)
  local status = refer:outcome { within = 200 }
  moved.task:join()
  t:equal(status, moved.status)
  if status == 200 then
    asking:ended(world.patience)
    t:equal({ asked.ended_by, asking.ended_by }, { "replaced", "remote BYE" })
    world.hang_up(t, other, call)
    world.hang_up(t, moved.call, at_carol.call)
  else
    t:equal(moved.call.response.cause, "timer B")
  end
end)
