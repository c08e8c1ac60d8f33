-- A re-INVITE that arrives while the other side's own is open is refused: 491 (RFC 3261 14.2). The target has to send one of its own:
-- let it put the call on hold within 10 s (--set hold=SECONDS), or the test is skipped.
local sip = require "sip"
local probe = require "_probe"

-- A phone that puts each of its calls on hold.
local function holding(t)
  local phone = t:ua { aor = "sip:target@example.test" }
  t:serve("target", function()
    for call in phone:calls() do
      call:answer()
      call:expect("ACK")
      call:hold()
    end
  end)
  return phone
end

sip.test("a re-INVITE while the target's own is open gets 491", { timeout = 120 }, function(t)
  local p = probe(t, function() return holding(t) end)
  local call = p.ua:invite(p.target)
  local answer = call:final { within = 30 }
  if answer.status >= 300 then t:skip(("the target takes no calls: %s"):format(answer)) end
  local theirs = call:expect("INVITE", { within = tonumber(t.env.hold or "") or 10, optional = true })
  if not theirs then t:skip("the target sent no re-INVITE; let it hold the call") end
  local ours = call:request("INVITE"):final()
  local verdict = probe.judge({ status = ours.status, message = ours, finals = 1 }, { 491 }, { 500 })
  t:ok(verdict ~= "WRONG", ("WRONG: %s (right: 491; tolerable: 500; RFC 3261 14.2)"):format(ours))
  theirs:reply(491)
  t:equal(call.state, "confirmed", "the call goes on")
  call:bye():expect "2xx"
  p:alive()
end)
