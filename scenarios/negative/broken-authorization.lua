-- An Authorization whose quotation does not end and whose list has holes (RFC 7616 3.4): who looks for the next quote reads too far.
-- Who does not authenticate need not look at it (RFC 3261 8.2.1).
local sip = require "sip"
local probe = require "_probe"

sip.test("a broken Authorization gets 400 or a new challenge", function(t)
  local p = probe(t, function() return t:registrar { auth = { realm = "example.test", users = { probe = "secret" } } } end)
  local broken = 'Digest username="a, realm=b,,=,nonce="'
  p:send(p:build("REGISTER", { headers = { Authorization = broken } }).bytes)
  p:expect { right = { 400, 401 }, tolerable = { 200, 403, 404, 405, 407, 501 }, rfc = "RFC 3261 22, RFC 7616 3.4" }
  p:alive()
end)
