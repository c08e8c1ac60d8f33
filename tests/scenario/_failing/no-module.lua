-- exit 2: module "nothere" not found
-- says: FILE:4
local sip = require "sip"
local nothere = require "nothere"
