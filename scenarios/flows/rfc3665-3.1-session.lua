-- RFC 3665 3.1: Alice calls Bob, nobody in between.
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 3665 3.1: successful session establishment", function(t)
  local alice = t:ua { name = "Alice", aor = "sip:alice@atlanta.example.com" }
  local bob = t:ua { name = "Bob", aor = "sip:bob@biloxi.example.com" }
  local wire = ladder.watch(t, { alice, bob })

  local call = alice:invite(bob)
  local at_bob = bob:incoming()
  at_bob:ring()
  call:expect(180)
  at_bob:answer()
  call:expect(200)
  at_bob:expect("ACK")
  at_bob:bye():expect(200)

  local F = wire:expect [[
    F1 INVITE Alice -> Bob
    F2 180 Ringing Bob -> Alice
    F3 200 OK Bob -> Alice
    F4 ACK Alice -> Bob
    F5 BYE Bob -> Alice
    F6 200 OK Alice -> Bob
  ]]
  t:equal(F[1].to_tag, nil)
  t:equal(F[2].to_tag, F[3].to_tag, "the dialog begins with the 180")
  t:ok(F[3].body:find("m=audio", 1, true))
  t:equal(F[4].to_tag, F[3].to_tag)
  t:equal(F[4].cseq, F[1].cseq)
  t:ok(F[4].branch ~= F[1].branch, "the ACK to a 2xx is a transaction of its own")
  t:equal({ F[5].from_tag, F[5].to_tag }, { F[3].to_tag, F[1].from_tag }, "Bob asks: From and To change places")
end)
