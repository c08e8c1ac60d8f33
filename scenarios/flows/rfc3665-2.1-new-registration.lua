-- RFC 3665 2.1: Bob registers for the first time. The server asks for his password, he answers.
-- The RFC plays this over TLS, as a registration is worth stealing.
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 3665 2.1: successful new registration", function(t)
  local server = t:registrar { name = "SIP Server", auth = { realm = "atlanta.example.com", users = { bob = "secret" } } }
  local bob = t:ua { name = "Bob", aor = "sip:bob@biloxi.example.com", password = "secret" }
  local wire = ladder.watch(t, { bob, server })

  bob:register { registrar = server }:expect(200)

  local F = wire:expect [[
    F1 REGISTER Bob -> SIP Server
    F2 401 Unauthorized SIP Server -> Bob
    F3 REGISTER Bob -> SIP Server
    F4 200 OK SIP Server -> Bob
  ]]
  t:ok(F[2]["WWW-Authenticate"]:find('realm="atlanta.example.com"', 1, true))
  t:equal(F[3]["Call-ID"], F[1]["Call-ID"])
  t:equal(F[3].cseq, F[1].cseq + 1)
  t:equal(F[3]:credentials()[1].nonce, F[2]["WWW-Authenticate"]:match 'nonce="([^"]*)"')
  t:equal(F[4]["Contact"], ("<%s>;expires=3600"):format(bob.contact))
  t:equal(server:lookup(bob.aor), bob.contact)
end)
