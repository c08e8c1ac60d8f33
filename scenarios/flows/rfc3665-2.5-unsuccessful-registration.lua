-- RFC 3665 2.5: Bob's password is wrong. The server challenges again; a phone that asks nobody must then give up (RFC 3261 22.2).
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 3665 2.5: unsuccessful registration", function(t)
  local server = t:registrar { name = "SIP Server", auth = { realm = "atlanta.example.com", users = { bob = "secret" } } }
  local bob = t:ua { name = "Bob", aor = "sip:bob@biloxi.example.com", password = "wrong" }
  local wire = ladder.watch(t, { bob, server })

  bob:register { registrar = server }:expect(401)

  local F = wire:expect [[
    F1 REGISTER Bob -> SIP Server
    F2 401 Unauthorized SIP Server -> Bob
    F3 REGISTER Bob -> SIP Server
    F4 401 Unauthorized SIP Server -> Bob
  ]]
  t:equal(F[3].cseq, F[1].cseq + 1)
  t:equal(#F[3]:credentials(), 1)
  t:ok(F[4]["WWW-Authenticate"] ~= F[2]["WWW-Authenticate"], "another nonce")
  t:equal(server:lookup(bob.aor), nil)
end)
