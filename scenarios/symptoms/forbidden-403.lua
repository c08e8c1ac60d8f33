-- 403 from the proxy: the caller is not on its access list.
--
-- Against a live proxy: --target URI --set upstream_port=PORT [--set upstream_address=ADDRESS], where the proxy refuses
-- sip:mallory@example.test and relays calls of sip:alice@example.test to that address.
local sip = require "sip"

sip.symptom {
  title = "403 Forbidden",
  seen = "Every call of one phone (or of one site) is refused at once with \"forbidden\"; other phones call through the same proxy.",
  cause = "The proxy's access list does not let the caller pass: by its From address, its source address or its trunk. No password is "
    .. "asked for, so a right one does not help.",
  remedy = "Compare From and the source address of the refused INVITE with those of one that passes, and read the Warning header. Then add "
    .. "the caller to the access list, or mend the identity that it sends.",
}

local function proxy_to(t, bob)
  return t:target(function()
    return t:proxy { name = "edge", to = bob, access = { allow = { "^sip:alice@example%.test$" } } }
  end)
end

local function callee(t)
  local bob = t:ua { aor = "sip:bob@example.test", address = t.env.upstream_port and (t.env.upstream_address or "127.0.0.1"),
    port = tonumber(t.env.upstream_port) }
  t:serve("bob", function()
    for call in bob:calls() do
      call:ring()
      call:answer()
    end
  end)
  return bob
end

sip.test("a caller who is not on the list is refused, and asked for no password", function(t)
  local bob = callee(t)
  local mallory = t:ua { aor = "sip:mallory@example.test", password = "any", outbound_proxy = proxy_to(t, bob) }
  local call = mallory:invite(bob.aor)
  call:expect(403)
  t:equal(call.challenges, 0)
  t:equal(call.ended_by, "final response")
  t:sleep(1)                                        -- the ACK ended it: nothing is repeated, nobody rings
  t:equal(call.repeated_responses, 0)
end)

sip.test("remedied: a caller on the list gets through", function(t)
  local bob = callee(t)
  local alice = t:ua { aor = "sip:alice@example.test", outbound_proxy = proxy_to(t, bob) }
  local call = alice:invite(bob.aor)
  call:expect(200)
  call:bye():expect(200)
end)
