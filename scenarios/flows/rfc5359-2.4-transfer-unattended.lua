-- RFC 5359 2.4: Bob calls Alice. Alice sends him to Carol, and hangs up without waiting what becomes of it. Bob's NOTIFY of the outcome comes
-- in what is left of their dialog: the subscription (RFC 3515 2.4.4).
local sip = require "sip"
local ladder = require "_ladder"

local function sipfrag(line, reason)
  return { content_type = "message/sipfrag", body = line .. "\r\n", reason = reason }
end

sip.test("RFC 5359 2.4: transfer, unattended", function(t)
  local alice = t:ua { name = "Alice", aor = "sip:alice@atlanta.example.com" }
  local bob = t:ua { name = "Bob", aor = "sip:bob@biloxi.example.com" }
  local carol = t:ua { name = "Carol", aor = "sip:carol@chicago.example.com" }
  local wire = ladder.watch(t, { alice, bob, carol })

  local call = bob:invite(alice)
  local at_alice = alice:incoming()
  at_alice:ring()
  call:expect(180)
  at_alice:answer()
  call:expect(200)
  at_alice:expect("ACK")

  local refer = at_alice:refer(carol)
  local progress = call:expect("REFER"):accept()          -- by hand, as the RFC leaves out the NOTIFY of the 180
  refer:expect(202)
  progress:notify("active", sipfrag "SIP/2.0 100 Trying"):expect(200)
  refer:expect("NOTIFY")
  at_alice:bye():expect(200)
  local new = bob:invite(carol, { headers = { ["Referred-By"] = refer.request["Referred-By"] } })
  local at_carol = carol:incoming()
  at_carol:ring()
  new:expect(180)
  at_carol:answer()
  new:expect(200)
  at_carol:expect("ACK")
  progress:notify("terminated", sipfrag("SIP/2.0 200 OK", "noresource")):expect(200)
  t:equal(refer:outcome(), 200)

  local F = wire:expect [[
    F1 INVITE Bob -> Alice
    F2 180 Ringing Alice -> Bob
    F3 200 OK Alice -> Bob
    F4 ACK Bob -> Alice
    F5 REFER Alice -> Bob
    F6 202 Accepted Bob -> Alice
    F7 NOTIFY Bob -> Alice
    F8 200 OK Alice -> Bob
    F9 BYE Alice -> Bob
    F10 200 OK Bob -> Alice
    F11 INVITE Bob -> Carol
    F12 180 Ringing Carol -> Bob
    F13 200 OK Carol -> Bob
    F14 ACK Bob -> Carol
    F15 NOTIFY Bob -> Alice
    F16 200 OK Alice -> Bob
  ]]
  t:equal(F[5]["Refer-To"], ("<%s>"):format(carol.uri))
  t:equal({ F[5].call_id, F[5].from_tag, F[5].to_tag }, { F[1].call_id, F[3].to_tag, F[1].from_tag })
  t:equal(F[7].body, "SIP/2.0 100 Trying\r\n")
  t:equal(F[7]["Event"]:match "^refer", "refer")
  t:ok(F[7]["Subscription-State"]:find "^active")
  t:equal(F[11]["Referred-By"], F[5]["Referred-By"])
  t:ok(F[11].call_id ~= F[1].call_id)
  t:equal(F[15].body:match "^SIP/2.0 (%d+)", "200")
  t:equal(F[15]["Subscription-State"], "terminated;reason=noresource")
  t:equal(F[15].call_id, F[1].call_id)

  new:bye():expect(200)
end)
