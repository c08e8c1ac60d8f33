-- exit 3: nohost.invalid
local sip = require "sip"

sip.test("a name that does not resolve", function(t) t:ua { aor = "sip:a@example.test" }:options("sip:bob@nohost.invalid") end)
