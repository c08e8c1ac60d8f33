-- RFC 3665 3.3: both proxies want Alice's password, each for its own realm. The last INVITE carries credentials for both.
-- The figure of the RFC ends with the ACK. Its F8 and F10 show the INVITE's Via of Alice; each hop acknowledges with its own.
local sip = require "sip"
local ladder = require "_ladder"

sip.test("RFC 3665 3.3: session with multiple proxy authentication", function(t)
  local bob = t:ua { name = "Bob", aor = "sip:bob@biloxi.example.com" }
  local proxy2 = t:proxy { name = "Proxy 2", to = bob, auth = { realm = "biloxi.example.com", users = { alice = "secret" } } }
  local proxy1 = t:proxy { name = "Proxy 1", next_hop = proxy2, auth = { realm = "atlanta.example.com", users = { alice = "secret" } } }
  local alice = t:ua { name = "Alice", aor = "sip:alice@atlanta.example.com", password = "secret", outbound_proxy = proxy1 }
  local wire = ladder.watch(t, { alice, proxy1, proxy2, bob })

  local call = alice:invite(bob.aor)
  local at_bob = bob:incoming()
  at_bob:answer()
  call:expect(200)
  at_bob:expect("ACK")

  local F = wire:expect [[
    F1 INVITE Alice -> Proxy 1
    F2 407 Proxy Authentication Required Proxy 1 -> Alice
    F3 ACK Alice -> Proxy 1
    F4 INVITE Alice -> Proxy 1
    F5 100 Trying Proxy 1 -> Alice
    F6 INVITE Proxy 1 -> Proxy 2
    F7 407 Proxy Authentication Required Proxy 2 -> Proxy 1
    F8 ACK Proxy 1 -> Proxy 2
    F9 407 Proxy Authentication Required Proxy 1 -> Alice
    F10 ACK Alice -> Proxy 1
    F11 INVITE Alice -> Proxy 1
    F12 100 Trying Proxy 1 -> Alice
    F13 INVITE Proxy 1 -> Proxy 2
    F14 100 Trying Proxy 2 -> Proxy 1
    F15 INVITE Proxy 2 -> Bob
    F16 200 OK Bob -> Proxy 2
    F17 200 OK Proxy 2 -> Proxy 1
    F18 200 OK Proxy 1 -> Alice
    F19 ACK Alice -> Proxy 1
    F20 ACK Proxy 1 -> Proxy 2
    F21 ACK Proxy 2 -> Bob
  ]]
  t:equal({ F[1].cseq, F[4].cseq, F[11].cseq }, { 1, 2, 3 })
  t:equal(F[8].branch, F[6].branch)
  t:equal(F[9]["Proxy-Authenticate"], F[7]["Proxy-Authenticate"], "the challenge passes Proxy 1 as it is")
  local realms = {}
  for i, credentials in ipairs(F[11]:credentials()) do realms[i] = credentials.realm end
  table.sort(realms)
  t:equal(realms, { "atlanta.example.com", "biloxi.example.com" })

  at_bob:bye():expect(200)
end)
