-- RFC 3665 3.7: Bob's telephone gets another address in the middle of the call. He tells Alice with a re-INVITE from there, whose Contact
-- and session description are the new ones. The proxy does not stay on the way.
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 3665 3.7: session with re-INVITE (IP address change)", function(t)
  local bob = t:ua { name = "Bob", aor = "sip:bob@biloxi.example.com" }
  local proxy2 = t:proxy { name = "Proxy 2", to = bob, record_route = false }
  local alice = t:ua { name = "Alice", aor = "sip:alice@atlanta.example.com", outbound_proxy = proxy2 }
  local chicago = t:endpoint { name = "Bob in Chicago" }  -- his new address
  local wire = ladder.watch(t, { alice, proxy2, bob, Bob = chicago })

  local call = alice:invite(bob.aor)
  local at_bob = bob:incoming()
  at_bob:ring()
  call:expect(180)
  local answer = at_bob:answer()
  call:expect(200)
  at_bob:expect("ACK")

  -- His UA lives at the old address: the re-INVITE is built there, and sent from the new one.
  local dialog = at_bob.dialog
  local function in_dialog(method, given)
    given.uri, given.call_id, given.cseq = dialog.remote_target, dialog.call_id, 14
    given.headers = { { "From", answer["To"] }, { "To", at_bob.invite["From"] }, { "Via", chicago:via() },
      { "Contact", ("<%s>"):format(chicago.uri) } }
    return bob:build(method, given)
  end
  local sdp = call.response.body:gsub("c=IN IP(%d) [^\r\n]*", ("c=IN IP%%1 %s"):format(chicago.host:gsub("[][]", "")))
  local re_invite = chicago:request(in_dialog("INVITE", { body = sdp, content_type = "application/sdp" }), dialog.remote_target)
  re_invite:expect(200)
  chicago:send(in_dialog("ACK", {}), dialog.remote_target)

  local bye = call:bye()
  chicago:incoming("BYE"):reply(200)
  bye:expect(200)

  local F = wire:expect [[
    F1 INVITE Alice -> Proxy 2
    F2 INVITE Proxy 2 -> Bob
    F3 100 Trying Proxy 2 -> Alice
    F4 180 Ringing Bob -> Proxy 2
    F5 180 Ringing Proxy 2 -> Alice
    F6 200 OK Bob -> Proxy 2
    F7 200 OK Proxy 2 -> Alice
    F8 ACK Alice -> Bob
    F9 INVITE Bob -> Alice
    F10 200 OK Alice -> Bob
    F11 ACK Bob -> Alice
    F12 BYE Alice -> Bob
    F13 200 OK Bob -> Alice
  ]]
  t:equal(F[7]["Record-Route"], nil)
  t:equal(F[8].request_uri, bob.contact)
  t:equal({ F[9].from_tag, F[9].to_tag, F[9].call_id }, { F[7].to_tag, F[1].from_tag, F[1].call_id }, "the same dialog")
  t:equal(F[10].destination, chicago.address)
  t:equal(F[12].request_uri, chicago.uri, "the Contact of the re-INVITE is the new target (RFC 3261 12.2.1.2)")
  t:equal(F[12].destination, chicago.address)
end)
