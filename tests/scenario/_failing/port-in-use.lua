-- exit 3: 5099
local sip = require "sip"

sip.test("a port in use", function(t)
  local first = t:endpoint { name = "first" }
  t:endpoint { name = "one", address = first.host, port = 5099 }
  t:endpoint { name = "two", address = first.host, port = 5099 }
end)
