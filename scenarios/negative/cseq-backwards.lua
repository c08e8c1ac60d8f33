-- Within a dialog a CSeq lower than the last one is out of order: 500 (RFC 3261 12.2.2).
local sip = require "sip"
local probe = require "_probe"

sip.test("a CSeq that goes backwards within a dialog gets 500", function(t)
  local p = probe(t)
  local call = p.ua:invite(p.target, { cseq = 10 })
  local answer = call:final { within = 30 }
  if answer.status >= 300 then t:skip(("the target takes no calls: %s"):format(answer)) end
  local info = call:request("INFO", { cseq = 9 }):final()
  local verdict = probe.judge({ status = info.status, message = info, finals = 1 }, { 500 }, { 405, 501 })
  t:ok(verdict ~= "WRONG", ("WRONG: %s (right: 500; tolerable: 405 501; RFC 3261 12.2.2)"):format(info))
  call:bye():expect "2xx"
  p:alive()
end)
