-- What a failed expectation says, at each level.
local sip = require "sip"

local function text_of(f, ...)
  local ok, err = pcall(f, ...)
  if ok then error("it should have failed", 2) end
  return tostring(err):match "^[^\n]*"
end

sip.test("a call whose INVITE is not answered", function(t)
  local alice = t:ua { aor = "sip:alice@example.test" }
  local call = alice:invite(t:endpoint { name = "silent" })
  t:equal(text_of(call.expect, call, 200, 1), "alice wanted 200 to its INVITE within 1 s, got nothing")
  t:equal(text_of(call.final, call, 1), "alice wanted a final response to its INVITE within 1 s, got nothing")
  t:equal(call.invite.method, "INVITE")
end)

sip.test("a call that goes on, and one that has ended", function(t)
  local alice = t:ua { aor = "sip:alice@example.test" }
  local bob = t:ua { aor = "sip:bob@example.test" }
  t:serve("bob", function()
    for call in bob:calls() do call:answer() end
  end)
  local call = alice:invite(bob)
  call:expect(200)
  t:equal(text_of(call.expect, call, "BYE", 1), "alice wanted BYE within 1 s, got nothing")
  call:bye():expect(200)
  t:equal(text_of(call.expect, call, "BYE", 1), "alice wanted BYE within 1 s, got the end of the call (local BYE)")
end)

sip.test("a request and a transaction that are not answered", function(t)
  local alice = t:ua { aor = "sip:alice@example.test" }
  local silent = t:endpoint { name = "silent" }
  local request = alice:options(silent)
  t:equal(text_of(request.expect, request, 200, 1), "alice wanted 200 to its OPTIONS within 1 s, got nothing")
  local ct = alice.endpoint:request(alice:build("OPTIONS", { uri = silent }), silent)
  t:equal(text_of(ct.expect, ct, 200, 1), "alice wanted 200 to its OPTIONS within 1 s, got nothing")
  t:equal(text_of(silent.expect, silent, "INVITE", 1):sub(1, 36), "silent wanted INVITE, got OPTIONS si")
end)

sip.test("waits that are given something else than seconds or options", function(t)
  local alice = t:ua { aor = "sip:alice@example.test" }
  t:equal(text_of(alice.incoming, alice, "5"), "incoming wants seconds or a table of options, got string")
  t:equal(text_of(alice.incoming, alice, { withn = 5 }), 'incoming has no option "withn" (did you mean "within"?)')
end)
