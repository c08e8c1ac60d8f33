-- exit 1: alice wanted 200 to its OPTIONS, got 503 Service Unavailable (nobody answered:
local sip = require "sip"

sip.test("nobody lives there", function(t)
  local alice = t:ua { aor = "sip:alice@example.test" }
  local away = alice.endpoint.host == "127.0.0.2" and "sip:127.0.0.9:9" or "sip:198.18.77.77"
  alice:options(away):expect(200)
end)
