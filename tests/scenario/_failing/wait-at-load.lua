-- exit 2: attempt to yield from outside a coroutine
-- says: FILE:6
local sip = require "sip"
local t
sip.test("x", function(given) t = given end)
coroutine.yield()
