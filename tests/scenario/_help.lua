-- What the scenarios of this folder share.
local help = {}

-- The text of the failure that f(...) raises.
function help.failure_of(f, ...)
  local ok, err = pcall(f, ...)
  if ok then error("it should have failed", 3) end
  return tostring(err)
end

-- Script seconds by which a time may be off: on real sockets, sped up by --timer-scale, the machine's own pauses count.
function help.slack(t)
  return t.virtual and 0.001 or 0.9
end

return help
