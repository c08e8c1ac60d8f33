-- One phone on IPv4, one on IPv6, the proxy between them on both: --target its IPv4 URI, --set target6=its IPv6 URI.
local sip = require "sip"

local function phone(t, user, proxy, ipv6)
  local ua = t:ua { aor = ("sip:%s@example.test"):format(user), password = user .. "pw", outbound_proxy = proxy, ipv6 = ipv6 }
  ua:register { expires = 60 }:expect(200)
  return ua
end

sip.test("calls across address families: two hops in the route set, the near one first", function(t)
  local four, six = phone(t, "alice", t:target(), false), phone(t, "bob", t.env.target6, true)
  for _, pair in ipairs { { four, six }, { six, four } } do
    local call = pair[1]:invite(pair[2].aor)
    local incoming = pair[2]:incoming()
    incoming:ring()
    call:expect(180)
    incoming:answer()
    call:expect(200)
    incoming:expect("ACK")
    t:equal(#call.dialog.route_set, 2)
    t:equal(#incoming.dialog.route_set, 2)
    t:equal(call.dialog.route_set[1]:find("[", 1, true) ~= nil, pair[1] == six, "the caller's first hop is IPv6")
    call:request("INVITE"):expect(200)
    incoming:expect("ACK")
    incoming:bye():expect(200)
    t:equal(call:ended(), "remote BYE")
  end
end)
