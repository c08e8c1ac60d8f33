-- RFC 5359 2.18: Alice clicks on a number in her browser. Her computer refers her telephone to Bob (RFC 3515), which calls him and tells
-- what became of it. The numbers are ours; the figure of the RFC was not at hand.
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 5359 2.18: click to dial", function(t)
  local computer = t:ua { name = "Alice's Computer", aor = "sip:alice@atlanta.example.com" }
  local phone = t:ua { name = "Alice's Phone", aor = "sip:alice@atlanta.example.com" }
  local bob = t:ua { name = "Bob", aor = "sip:bob@biloxi.example.com" }
  local wire = ladder.watch(t, { computer, phone, bob })

  local refer = computer:refer(phone, bob)
  local call = phone:expect("REFER"):follow()
  refer:expect(202)
  refer:expect("NOTIFY")
  local at_bob = bob:incoming()
  at_bob:answer()
  call:expect(200)
  at_bob:expect("ACK")
  t:equal(refer:outcome(), 200)

  local F = wire:expect [[
    F1 REFER Alice's Computer -> Alice's Phone
    F2 202 Accepted Alice's Phone -> Alice's Computer
    | F3 NOTIFY Alice's Phone -> Alice's Computer
    | F4 200 OK Alice's Computer -> Alice's Phone
    | F5 INVITE Alice's Phone -> Bob
    F6 200 OK Bob -> Alice's Phone
    | F7 ACK Alice's Phone -> Bob
    | F8 NOTIFY Alice's Phone -> Alice's Computer
    | F9 200 OK Alice's Computer -> Alice's Phone
  ]]
  t:equal(F[1]["Refer-To"], ("<%s>"):format(bob.uri))
  t:equal({ F[3].call_id, F[3].to_tag }, { F[1].call_id, F[1].from_tag }, "the REFER made a dialog of its own")
  t:equal({ F[3].body, F[8].body }, { "SIP/2.0 100 Trying\r\n", "SIP/2.0 200 OK\r\n" })
  t:equal(F[8]["Subscription-State"], "terminated;reason=noresource")
  t:equal(F[5].request_uri, bob.uri)

  call:bye():expect(200)
end)
