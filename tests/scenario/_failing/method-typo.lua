-- exit 1: alice wanted 200 to its OPTOINS, got 501 Not Implemented (no RFC has a method "OPTOINS": did you mean "OPTIONS"?)
local sip = require "sip"

sip.test("a method that is misspelt", function(t)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  alice:request("OPTOINS", bob):expect(200)
end)
