-- A PRACK for a provisional that was never sent (RFC 3262 3). A UA that has no PRACK may say that.
local sip = require "sip"
local probe = require "_probe"

sip.test("a PRACK that matches nothing gets 481", function(t)
  local p = probe(t)
  p:send(p:build("PRACK", { to = ("<%s>;tag=nobody"):format(p.target), headers = { RAck = "99 1 INVITE" } }).bytes)
  p:expect { right = { 481 }, tolerable = { 405, 501 }, rfc = "RFC 3262 3" }
  p:alive()
end)
