-- exit 1: t:replace: "CSeq: 2" does not occur
local sip = require "sip"

sip.test("replace what is not there", function(t)
  local alice = t:ua { aor = "sip:a@example.test" }
  t:replace(alice:build("OPTIONS", { uri = "sip:b@example.test" }), "CSeq: 2", "CSeq: 3")
end)
