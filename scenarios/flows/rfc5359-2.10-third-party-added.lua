-- RFC 5359 2.10: Alice and Bob talk; Bob's telephone becomes the mixer of a conference, and calls Carol into it. "isfocus" in its Contact says
-- so (RFC 4579). The numbers are ours; the figure of the RFC was not at hand.
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 5359 2.10: 3-way conference, third party is added", function(t)
  local alice = t:ua { name = "Alice", aor = "sip:alice@atlanta.example.com" }
  local bob = t:ua { name = "Bob", aor = "sip:bob@biloxi.example.com" }
  local carol = t:ua { name = "Carol", aor = "sip:carol@chicago.example.com" }
  local wire = ladder.watch(t, { alice, bob, carol })

  local call = alice:invite(bob)
  local at_bob = bob:incoming()
  at_bob:ring()
  call:expect(180)
  at_bob:answer()
  call:expect(200)
  at_bob:expect("ACK")

  local focus = ("<%s>;isfocus"):format(bob.contact)
  at_bob:request("INVITE", { headers = { Contact = focus } }):expect(200)
  local to_carol = bob:invite(carol, { headers = { Contact = focus } })
  local at_carol = carol:incoming()
  at_carol:ring()
  to_carol:expect(180)
  at_carol:answer()
  to_carol:expect(200)
  at_carol:expect("ACK")

  local F = wire:expect [[
    F1 INVITE Alice -> Bob
    F2 180 Ringing Bob -> Alice
    F3 200 OK Bob -> Alice
    F4 ACK Alice -> Bob
    F5 INVITE Bob -> Alice
    F6 200 OK Alice -> Bob
    F7 ACK Bob -> Alice
    F8 INVITE Bob -> Carol
    F9 180 Ringing Carol -> Bob
    F10 200 OK Carol -> Bob
    F11 ACK Bob -> Carol
  ]]
  t:equal({ F[5]["Contact"], F[8]["Contact"] }, { focus, focus })
  t:equal(F[3]["Contact"], ("<%s>"):format(bob.contact))
  t:ok(F[8].call_id ~= F[5].call_id)

  at_bob:bye():expect(200)
  to_carol:bye():expect(200)
end)
