-- Blind transfer (RFC 3515, RFC 5589 6.1): by baresip to an actor of ours, and by us to baresip.
local sip = require "sip"
local baresip = require "baresip"

local function refer_to(request)
  return sip.name_addr(request["Refer-To"]).uri.raw
end

local function notify(call, sipfrag, state)
  return call:request("NOTIFY", { content_type = "message/sipfrag;version=2.0", body = sipfrag .. "\r\n",
    headers = { { "Event", "refer" }, { "Subscription-State", state } } })
end

sip.test("baresip transfers us: we call the third, and tell it how that went", function(t)
  local alice = t:ua { aor = "sip:alice@example.test", answers = { method = false } }
  local carol = t:ua { aor = "sip:carol@example.test" }
  local bob <close> = baresip(t, { user = "bob", answer = "auto" })
  local call = alice:invite(bob.uri)
  call:expect(200)
  bob:await "CALL_ESTABLISHED"

  bob:tell("transfer " .. carol.uri)
  local st = call:expect("REFER")
  t:equal(refer_to(st.request), carol.uri)
  st:reply(202)
  notify(call, "SIP/2.0 100 Trying", "active;expires=60"):expect(200)
  local transferred = alice:invite(refer_to(st.request), { headers = { { "Referred-By", st.request["Referred-By"] or bob.aor } } })
  carol:incoming():answer()
  transferred:expect(200)
  notify(call, "SIP/2.0 200 OK", "terminated;reason=noresource"):expect(200)
  call:expect("BYE")
  bob:await "CALL_CLOSED"
  transferred:bye():expect(200)
end)

-- baresip 1.0 hangs up whatever became of the transfer, where RFC 5589 6.1 would have it keep the call.
sip.test("baresip transfers us to one who is busy", function(t)
  local alice = t:ua { aor = "sip:alice@example.test", answers = { method = false } }
  local bob <close> = baresip(t, { user = "bob", answer = "auto" })
  local call = alice:invite(bob.uri)
  call:expect(200)
  bob:await "CALL_ESTABLISHED"

  bob:tell "transfer sip:carol@example.test"
  call:expect("REFER"):reply(202)
  notify(call, "SIP/2.0 486 Busy Here", "terminated;reason=noresource"):expect(200)
  bob:await "TRANSFER_FAILED"
  call:expect("BYE")
end)

sip.test("we refuse to be transferred", function(t)
  local alice = t:ua { aor = "sip:alice@example.test", answers = { method = false } }
  local bob <close> = baresip(t, { user = "bob", answer = "auto" })
  local call = alice:invite(bob.uri)
  call:expect(200)
  bob:await "CALL_ESTABLISHED"

  bob:tell "transfer sip:carol@example.test"
  call:expect("REFER"):reply(603)
  bob:await "TRANSFER_FAILED"
  call:expect("BYE")
end)

sip.test("we transfer baresip: it calls the third, and tells us how that went", function(t)
  local alice = t:ua { aor = "sip:alice@example.test", answers = { method = false } }
  local carol = t:ua { aor = "sip:carol@example.test" }
  local bob <close> = baresip(t, { user = "bob", answer = "auto" })
  local call = alice:invite(bob.uri)
  call:expect(200)
  bob:await "CALL_ESTABLISHED"

  call:request("REFER", { headers = { { "Refer-To", ("<%s>"):format(carol.uri) } } }):expect(202)
  local incoming = carol:incoming()
  incoming:ring()
  incoming:answer()
  incoming:expect("ACK")
  local told = {}
  repeat
    local st = call:expect("NOTIFY")
    t:equal(st.request["Event"]:match "^refer", "refer")
    told[#told + 1] = st.request.body:match "^SIP/2.0 (%d+)"
    st:reply(200)
  until st.request["Subscription-State"]:find "^terminated"
  t:equal(told, { "100", "200" })
  incoming:bye():expect(200)
  call:bye():expect(200)
end)

sip.test("we transfer baresip to one who is busy: it tells us, and is still there", function(t)
  local alice = t:ua { aor = "sip:alice@example.test", answers = { method = false } }
  local carol = t:ua { aor = "sip:carol@example.test" }
  local bob <close> = baresip(t, { user = "bob", answer = "auto" })
  local call = alice:invite(bob.uri)
  call:expect(200)
  bob:await "CALL_ESTABLISHED"

  call:request("REFER", { headers = { { "Refer-To", ("<%s>"):format(carol.uri) } } }):expect(202)
  carol:incoming():reject(486)
  local last
  repeat
    local st = call:expect("NOTIFY")
    last = st.request.body
    st:reply(200)
  until st.request["Subscription-State"]:find "^terminated"
  t:equal(last:match "^[^\r\n]*", "SIP/2.0 486 Busy Here")
  call:bye():expect(200)
end)
