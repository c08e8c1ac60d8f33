-- Require in a CANCEL is ignored (RFC 3261 8.2.2.3); it cancels nothing here, so 481 (9.2); a proxy sends it on (16.10).
local sip = require "sip"
local probe = require "_probe"

sip.test("a CANCEL with Require gets 481 and not 420", function(t)
  local p = probe(t)
  p:send(p:build("CANCEL", { headers = { Require = "no-such-extension" } }).bytes)
  p:expect { right = { 481 }, tolerable = { "silence" }, rfc = "RFC 3261 8.2.2.3, 9.2" }
  p:alive()
end)
