-- RFC 3665 2.4: Bob takes back all his registrations: "Contact: *" with "Expires: 0", which may stand beside no other Contact (RFC 3261 10.2.2).
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 3665 2.4: cancellation of registration", function(t)
  local server = t:registrar { name = "SIP Server", auth = { realm = "atlanta.example.com", users = { bob = "secret" } } }
  local bob = t:ua { name = "Bob", aor = "sip:bob@biloxi.example.com", password = "secret" }
  local everywhere = bob:register { registrar = server, expires = 0, headers = { Contact = "*" } }
  everywhere:expect(200)                                  -- was challenged, and knows a nonce from now on
  bob:register { registrar = server }:expect(200)         -- the phone, as in 2.1
  t:equal(server:lookup(bob.aor), bob.contact)
  local wire = ladder.watch(t, { bob, server })

  everywhere:refresh():expect(200)

  local F = wire:expect [[
    F1 REGISTER Bob -> SIP Server
    F2 200 OK SIP Server -> Bob
  ]]
  t:equal(F[1]["Contact"], "*")
  t:equal(F[1]["Expires"], "0")
  t:equal(#F[1]:credentials(), 1)
  t:equal(F[2]["Contact"], nil)
  t:equal(server:lookup(bob.aor), nil)
end)
