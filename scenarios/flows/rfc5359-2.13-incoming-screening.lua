-- RFC 5359 2.13: Bob takes calls only from the proxy that knows whom he wants to hear: 305 to all others. The proxy asks who Alice is, and
-- refuses with an Error-Info, which her telephone plays to her. The headings of the RFC write Proxy 1 for the announcement server in F10 and
-- F11; its messages go there at once. Its F10 has the Call-ID of the calls before; here it is a call of its own.
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 5359 2.13: call management, incoming call screening", function(t)
  local bob = t:ua { name = "Bob", aor = "sip:bob@biloxi.example.com" }
  local announcements = t:ua { name = "Announcement Server", aor = "sip:screen-fail-term-ann@ms.biloxi.example.com" }
  local proxy1 = t:proxy { name = "Proxy 1", auth = { realm = "example.com", users = { alice = "secret" } }, route = function(_, _, st)
    st:reply(403, { reason = "Screening Failure (Terminating)", headers = { { "Error-Info", ("<%s>"):format(announcements.contact) } } })
  end }
  local alice = t:ua { name = "Alice", aor = "sip:alice@atlanta.example.com", password = "secret" }
  local wire = ladder.watch(t, { alice, proxy1, bob, announcements })

  local call = alice:invite(bob)
  bob:incoming():reject(305, { headers = { Contact = ("<%s;lr>"):format(proxy1.uri) } })
  local through = call:expect(305)["Contact"]
  call = alice:invite(bob, { call_id = call.invite.call_id, cseq = 2, headers = { Route = through }, destination = proxy1 })
  local refused = call:expect(403)
  local announcement = alice:invite(sip.name_addr(refused["Error-Info"]).uri.raw)
  local at_server = announcements:incoming()
  at_server:answer()
  announcement:expect(200)
  at_server:expect("ACK")
  at_server:bye():expect(200)

  local F = wire:expect [[
    F1 INVITE Alice -> Bob
    F2 305 Use Proxy Bob -> Alice
    F3 ACK Alice -> Bob
    F4 INVITE Alice -> Proxy 1
    F5 407 Proxy Authentication Required Proxy 1 -> Alice
    F6 ACK Alice -> Proxy 1
    F7 INVITE Alice -> Proxy 1
    F8 403 Screening Failure (Terminating) Proxy 1 -> Alice
    F9 ACK Alice -> Proxy 1
    F10 INVITE Alice -> Announcement Server
    F11 200 OK Announcement Server -> Alice
    F12 ACK Alice -> Announcement Server
    F13 BYE Announcement Server -> Alice
    F14 200 OK Alice -> Announcement Server
  ]]
  t:equal(F[4].request_uri, F[1].request_uri)
  t:equal(F[4]["Route"], F[2]["Contact"], "the Contact of a 305 is a proxy (RFC 3261 21.3.4)")
  t:equal({ F[1].cseq, F[4].cseq, F[7].cseq }, { 1, 2, 3 })
  t:equal({ F[4].call_id, F[7].call_id }, { F[1].call_id, F[1].call_id })
  t:equal(F[10].request_uri, announcements.contact)
end)
