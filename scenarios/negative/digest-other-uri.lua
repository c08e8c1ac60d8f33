-- Credentials made for one request, moved to another: the hash is right, but for another URI than the Request-URI (RFC 7616 3.4.6).
-- A relay of ours does that to the phone's REGISTER. Who does not compare lets a thief call where the owner never did.
--
-- Against a live registrar: --set aor=sip:USER@DOMAIN --set password=SECRET
local sip = require "sip"
local probe = require "_probe"

sip.test("a digest for another URI than the Request-URI is refused", function(t)
  local p = probe(t, function() return t:registrar { auth = { realm = "example.test", users = { alice = "secret" } } } end)
  local relay = t:proxy { name = "relay", to = p.target }            -- sends all to the target, with its URI as Request-URI
  local alice = t:ua { aor = t.env.aor or "sip:alice@example.test", password = t.env.password or "secret", outbound_proxy = relay }
  local answer = alice:register({ registrar = "sip:elsewhere.example.test" }):final()
  if answer.cseq < 2 then t:skip(("the target does not challenge: %s"):format(answer)) end
  local verdict = probe.judge({ status = answer.status, message = answer, finals = 1 }, { 400, 401 }, { 403, 407 })
  t:ok(verdict ~= "WRONG", ("WRONG: %s (right: 400 401; tolerable: 403 407; RFC 7616 3.4.6)"):format(answer))
  p:alive()
end)
