-- What a UA refuses by itself, and what happens when that is switched off. The headers of each answer: tests/unit/test_verdict.c.
local sip = require "sip"

local function pair(t, options)
  options = options or {}
  options.aor = "sip:bob@example.test"
  return t:ua { aor = "sip:alice@example.test" }, t:ua(options)
end

sip.test("the same request by two ways: 482 to the second, unless it is switched off", function(t)
  for _, case in ipairs { { {}, 482 }, { { merged = false }, 200 } } do
    local alice, bob = pair(t, { answers = case[1], timers = { J = 1 } })
    local first = alice:build("OPTIONS", { uri = bob.uri })
    local second = t:replace(first, first.branch, first.branch .. "2")
    alice.endpoint:send(first, bob.uri)
    t:equal(alice.endpoint:take().status, 200)
    alice.endpoint:send(second, bob.uri)
    t:equal(alice.endpoint:take().status, case[2])
    alice.endpoint:send(first, bob.uri)                   -- that one is a repetition, answered as before
    t:equal(alice.endpoint:take().status, 200)
    t:sleep(1.5)                                          -- timer J: the first is over, so nothing merges
    alice.endpoint:send(t:replace(first, first.branch, first.branch .. "3"), bob.uri)
    t:equal(alice.endpoint:take().status, 200)
  end
end)

sip.test("another CSeq, another From tag: no merged request", function(t)
  local alice, bob = pair(t)
  for cseq = 1, 2 do
    for _ = 1, 2 do
      alice.endpoint:send(alice:build("OPTIONS", { uri = bob.uri, call_id = "one", cseq = cseq }), bob.uri)
      t:equal(alice.endpoint:take().status, 200)
    end
  end
end)

sip.test("what is too large for the limits: 414, 413, 513", function(t)
  local alice, bob = pair(t, { limits = { uri = 100, body = 50, message = 1000 } })
  alice:options(bob.uri .. ";x=" .. ("y"):rep(100)):expect(414)
  alice:options(bob, { body = "v=0\r\ns=" .. ("x"):rep(50) .. "\r\n", content_type = "application/sdp" }):expect(413)
  alice:options(bob, { headers = { Subject = ("x"):rep(1000) } }):expect(513)
  alice:options(bob):expect(200)
end)

sip.test("a body that nobody understands: 415, or a call when that is switched off", function(t)
  local alice, bob = pair(t)
  local refused = alice:invite(bob, { body = "x", content_type = "text/plain" }):expect(415)
  t:equal(refused["Accept"], "application/sdp")
  local carol = t:ua { aor = "sip:carol@example.test", answers = { content = false } }
  local call = alice:invite(carol, { body = "x", content_type = "text/plain" })
  carol:incoming():reject(486)
  call:expect(486)
end)

sip.test("a UA whose script takes all requests gets unknown methods too, but nothing malformed", function(t)
  local alice, bob = pair(t)
  t:serve("bob", function()
    for st in bob:requests() do st:reply(202) end
  end)
  alice:request("FROBNICATE", bob):expect(202)
  alice:options(bob, { headers = { Require = "x" } }):expect(202)
  alice:options(bob, { headers = { To = '"open <sip:bob@example.test>' } }):expect(400)
end)

sip.test("headers that do not end: 400 when all that an answer needs is there, silence else", function(t)
  local alice, bob = pair(t)
  local function whole() return alice:build("OPTIONS", { uri = bob.uri }).bytes end
  alice.endpoint:send(whole():sub(1, -3), bob.uri)        -- without the empty line
  t:equal(alice.endpoint:take().status, 400)
  alice.endpoint:send(whole():sub(1, -5), bob.uri)        -- the last line may be cut
  alice.endpoint:send(whole():match "^(.-)From:", bob.uri) -- no From, To, Call-ID, CSeq
  alice.endpoint:expect_none(1)
end)
