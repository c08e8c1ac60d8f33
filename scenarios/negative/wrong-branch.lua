-- A response with a branch that was never sent belongs to no transaction: it is dropped (RFC 3261 17.1.3, 18.1.2). Who takes it lets
-- anybody who knows a Call-ID answer for the callee.
local sip = require "sip"
local probe = require "_probe"

-- A 200 to `request` as it would look, but for the branch.
local function forged(request)
  local lines = { "SIP/2.0 200 OK" }
  lines[2] = "Via: " .. request["Via"]:gsub("branch=[^;]*", "branch=z9hG4bKforged")
  lines[3] = "From: " .. request["From"]
  lines[4] = "To: " .. request["To"] .. ";tag=forger"
  lines[5] = "Call-ID: " .. request.call_id
  lines[6] = "CSeq: " .. request["CSeq"]
  lines[7] = "Contact: <sip:forger@192.0.2.66>"
  lines[8] = "Content-Length: 0"
  return table.concat(lines, "\r\n") .. "\r\n\r\n"
end

sip.test("our phone drops a 200 of a branch that it never sent", function(t)
  local alice = t:ua { aor = "sip:alice@example.test" }
  local callee = t:endpoint { name = "callee" }
  local call = alice:invite(callee.uri)
  local st = callee:incoming "INVITE"
  callee:send(forged(st.request), st.request.source)
  call:expect_none(0.1)                                   -- no answer, so no ACK
  st:reply(486)
  t:equal(call:final().status, 486)
end)

sip.test("the target drops a 200 that it never asked for", function(t)
  local p = probe(t)
  p:send(forged(p:build "INVITE"))
  p:expect { right = { "silence" }, rfc = "RFC 3261 18.1.2" }
  p:alive()
end)
