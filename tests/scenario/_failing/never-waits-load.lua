-- exit 2: without waiting
-- says: FILE:5
-- with: --timeout 0.5
local sip = require "sip"
while true do end
