-- exit 2: module
local sip = require "sip"
local outside = require "../tasks"
