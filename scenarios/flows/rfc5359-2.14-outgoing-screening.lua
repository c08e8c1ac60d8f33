-- RFC 5359 2.14: the proxy lets Alice call only some. It says 403 with an Error-Info, and her telephone plays to her what is there.
-- The numbers are ours; the figure of the RFC was not at hand.
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 5359 2.14: call management, outgoing call screening", function(t)
  local announcements = t:ua { name = "Announcement Server", aor = "sip:screen-fail-orig-ann@ms.example.com" }
  local error_info = ("<%s>"):format(announcements.contact)
  local proxy1 = t:proxy { name = "Proxy 1", auth = { realm = "example.com", users = { alice = "secret" } }, route = function(_, _, st)
    st:reply(403, { reason = "Screening Failure (Originating)", headers = { { "Error-Info", error_info } } })
  end }
  local alice = t:ua { name = "Alice", aor = "sip:alice@atlanta.example.com", password = "secret", outbound_proxy = proxy1 }
  local wire = ladder.watch(t, { alice, proxy1, announcements })

  local refused = alice:invite("sip:bob@biloxi.example.com"):expect(403)
  local why = sip.name_addr(refused["Error-Info"]).uri.raw
  local call = alice:invite(why, { headers = { Route = false }, destination = why })
  local announcement = announcements:incoming()
  announcement:answer()
  call:expect(200)
  announcement:expect("ACK")
  announcement:bye():expect(200)

  local F = wire:expect [[
    F1 INVITE Alice -> Proxy 1
    F2 407 Proxy Authentication Required Proxy 1 -> Alice
    F3 ACK Alice -> Proxy 1
    F4 INVITE Alice -> Proxy 1
    F5 403 Screening Failure (Originating) Proxy 1 -> Alice
    F6 ACK Alice -> Proxy 1
    F7 INVITE Alice -> Announcement Server
    F8 200 OK Announcement Server -> Alice
    F9 ACK Alice -> Announcement Server
    F10 BYE Announcement Server -> Alice
    F11 200 OK Alice -> Announcement Server
  ]]
  t:equal(F[4].cseq, F[1].cseq + 1)
  t:equal(F[7].request_uri, announcements.contact)
end)
