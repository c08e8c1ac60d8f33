-- RFC 3665 2.3: a REGISTER without Contact changes nothing: the answer lists where Bob is registered.
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 3665 2.3: request for current contact list", function(t)
  local server = t:registrar { name = "SIP Server", auth = { realm = "atlanta.example.com", users = { bob = "secret" } } }
  local bob = t:ua { name = "Bob", aor = "sip:bob@biloxi.example.com", password = "secret" }
  bob:register { registrar = server }:expect(200)         -- the phone, as in 2.1
  local query = bob:register { registrar = server, headers = { Contact = false, Expires = false } }
  query:expect(200)                                       -- was challenged, and knows a nonce from now on
  local wire = ladder.watch(t, { bob, server })

  query:refresh():expect(200)

  local F = wire:expect [[
    F1 REGISTER Bob -> SIP Server
    F2 200 OK SIP Server -> Bob
  ]]
  t:equal(F[1]["Contact"], nil)
  t:equal(#F[1]:credentials(), 1)
  t:equal(#F[2]:headers "Contact", 1)
  local contact = sip.name_addr(F[2]["Contact"])
  t:equal(contact.uri.raw, bob.contact)
  t:ok(tonumber(contact.params.expires) <= 3600, "what is left of it")
end)
