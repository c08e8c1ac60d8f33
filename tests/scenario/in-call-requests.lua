-- Requests within a call that the script answers itself.
local sip = require "sip"

sip.test("a re-INVITE refused by the script: 488 goes out, and the reply is the message as sent", function(t)
  local alice = t:ua { aor = "sip:alice@example.test" }
  local bob = t:ua { aor = "sip:bob@example.test" }
  t:spawn("bob", function()
    local call = bob:incoming()
    call:answer()
    local st = call:expect("INVITE")
    t:equal(st.actor, "bob")
    t:equal(st:reply(488).status, 488)
    call:expect("BYE")
  end)
  local call = alice:invite(bob)
  call:expect(200)
  t:sleep(0.1)
  call:request("INVITE", { body = "v=0\r\n", content_type = "application/sdp" }):expect(488)
  call:bye():expect(200)
end)
