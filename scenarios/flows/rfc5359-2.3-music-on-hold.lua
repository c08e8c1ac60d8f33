-- RFC 5359 2.3: Bob holds Alice, and refers a music server to her: its call replaces his (RFC 3891). When he takes her back, his new call
-- replaces the music server's. How Bob learns the dialog of that (in the RFC from the NOTIFY) is left out here.
local sip = require "sip"
local ladder = require "_ladder"
local media = require "_media"

sip.test("RFC 5359 2.3: music on hold", function(t)
  local alice = t:ua { name = "Alice", aor = "sip:alice@atlanta.example.com" }
  local bob = t:ua { name = "Bob", aor = "sip:bob@biloxi.example.com" }
  local server = t:ua { name = "Music Server", aor = "sip:music@server.example.com" }
  local wire = ladder.watch(t, { alice, bob, server })

  local call = alice:invite(bob)
  local at_bob = bob:incoming()
  at_bob:ring()
  call:expect(180)
  at_bob:answer()
  call:expect(200)
  at_bob:expect("ACK")
  at_bob:hold():expect(200)
  call:expect("ACK")

  local refer = bob:refer(server, at_bob)
  local music = server:expect("REFER"):follow { direction = "sendonly" }
  refer:expect(202)
  refer:expect("NOTIFY")
  local listening = alice:incoming()
  t:equal(listening.replaces, call)
  listening:answer()
  music:expect(200)
  listening:expect("ACK")
  t:equal(refer:outcome(), 200)
  t:equal(at_bob:ended(), "remote BYE")

  local back = bob:invite(alice, { headers = { Replaces = sip.replaces(music) } })
  local again = alice:incoming()
  again:answer()
  back:expect(200)
  again:expect("ACK")
  t:equal(music:ended(), "remote BYE")

  local F = wire:expect [[
    F1 INVITE Alice -> Bob
    F2 180 Ringing Bob -> Alice
    F3 200 OK Bob -> Alice
    F4 ACK Alice -> Bob
    F5 INVITE Bob -> Alice
    F6 200 OK Alice -> Bob
    F7 ACK Bob -> Alice
    F8 REFER Bob -> Music Server
    F9 202 Accepted Music Server -> Bob
    | F10 NOTIFY Music Server -> Bob
    | F11 200 OK Bob -> Music Server
    | F12 INVITE Music Server -> Alice
    F13 200 OK Alice -> Music Server
    | F14 ACK Music Server -> Alice
    | F15 BYE Alice -> Bob
    | F16 200 OK Bob -> Alice
    | F17 NOTIFY Music Server -> Bob
    | F18 200 OK Bob -> Music Server
    F19 INVITE Bob -> Alice
    F20 200 OK Alice -> Bob
    | F21 ACK Bob -> Alice
    | F22 BYE Alice -> Music Server
    | F23 200 OK Music Server -> Alice
  ]]
  t:equal({ media.direction(F[5]), media.direction(F[6]) }, { "sendonly", "recvonly" })
  t:equal(sip.refer_to(F[8]["Refer-To"]).replaces, F[12]["Replaces"])
  t:equal(F[12]["Replaces"], ("%s;to-tag=%s;from-tag=%s"):format(F[1].call_id, F[1].from_tag, F[3].to_tag), "as Alice knows the dialog")
  t:equal(F[12]["Referred-By"], F[8]["Referred-By"])
  t:equal({ media.direction(F[12]), media.direction(F[13]) }, { "sendonly", "recvonly" }, "music, one way")
  t:equal({ F[15].call_id, F[22].call_id }, { F[1].call_id, F[12].call_id }, "what is replaced ends")
  t:equal(F[17]["Subscription-State"], "terminated;reason=noresource")
  t:equal({ media.direction(F[19]), media.direction(F[20]) }, { "sendrecv", "sendrecv" })

  back:bye():expect(200)
end)
