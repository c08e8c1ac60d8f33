-- exit 2: t:ua: aor "alice" is not a SIP URI
local sip = require "sip"

sip.test("no URI", function(t) t:ua { aor = "alice" } end)
