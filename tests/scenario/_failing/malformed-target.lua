-- exit 2: "sip:bob@" has no usable host
local sip = require "sip"

sip.test("a malformed URI", function(t) t:ua { aor = "sip:a@example.test" }:invite("sip:bob@") end)
