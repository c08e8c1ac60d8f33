-- RFC 3665 2.2: Bob adds an address at which he wants to be reached. He has answered a challenge before, so his credentials are in the
-- first REGISTER, and nobody asks again.
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 3665 2.2: update of contact list", function(t)
  local server = t:registrar { name = "SIP Server", auth = { realm = "atlanta.example.com", users = { bob = "secret" } } }
  local bob = t:ua { name = "Bob", aor = "sip:bob@biloxi.example.com", password = "secret" }
  bob:register { registrar = server }:expect(200)         -- the phone, as in 2.1
  local mail = bob:register { registrar = server, headers = { Contact = "<mailto:bob@biloxi.example.com>" } }
  mail:expect(200)                                        -- was challenged, and knows a nonce from now on
  local wire = ladder.watch(t, { bob, server })

  mail:refresh():expect(200)

  local F = wire:expect [[
    F1 REGISTER Bob -> SIP Server
    F2 200 OK SIP Server -> Bob
  ]]
  t:equal(F[1]["Contact"], "<mailto:bob@biloxi.example.com>")
  local credentials = F[1]:credentials()[1]
  t:equal(credentials.realm, "atlanta.example.com")
  t:equal(credentials.nc, 2, "the nonce is used for the second time")
  local contacts = {}
  for i, value in ipairs(F[2]:headers "Contact") do contacts[i] = sip.name_addr(value).uri.raw end
  t:equal(contacts, { bob.contact, "mailto:bob@biloxi.example.com" })
end)
