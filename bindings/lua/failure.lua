-- How a failed expectation speaks: who, what was wanted, what came, in which call, in which frame.
local engine = ...

local failure = {}

-- Raises. Fields: actor, wanted, got, message (in place of these), about (the message it is about), call_id, class (by which a load run
-- counts it: "timeout", "response", ...; else "failure"), where (else the script's line).
function failure.raise(f)
  local text = f.message
  if not text then
    text = ("%s wanted %s"):format(f.actor or "the script", f.wanted)
    if f.got then text = text .. ", got " .. f.got end
  end
  local where = f.where or engine.where()
  local about = f.about
  local call_id = f.call_id or (about and about.call_id)
  engine.comment(about and about.frame or nil, ("failed at %s: %s"):format(where, text))
  local lines = { text }
  if call_id then lines[#lines + 1] = "Call-ID " .. call_id end
  error(engine.failure {
    message = table.concat(lines, "\n"), where = where, class = f.class or "failure",
    frame = about and about.frame or nil, actor = f.actor, wanted = f.wanted, got = f.got, call_id = call_id,
  }, 0)
end

return failure
