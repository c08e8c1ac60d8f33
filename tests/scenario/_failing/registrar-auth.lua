-- exit 1: FILE:4: auth has no option "nonce_lifetim" (did you mean "nonce_lifetime"?)
local sip = require "sip"
sip.test("an option of a registrar's auth that is misspelt", function(t)
  t:registrar { auth = { realm = "example.test", users = {}, nonce_lifetim = 60 } }
end)
