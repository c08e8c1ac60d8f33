-- exit 2: FILE:3: too early
local sip = require "sip"
error("too early")
