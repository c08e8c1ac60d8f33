-- A method of printf directives: % is a letter of tokens like others (RFC 3261 25.1). Who logs it as a format string dies.
local sip = require "sip"
local probe = require "_probe"

sip.test("the method %n%n%s%s is unknown: 501", function(t)
  local p = probe(t)
  p:send(p:build("%n%n%s%s").bytes)
  p:expect { right = { 501 }, tolerable = { 400, "policy" }, rfc = "RFC 3261 8.2.1, 25.1" }
  p:alive()
end)
