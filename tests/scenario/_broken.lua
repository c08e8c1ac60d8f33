-- A module that does not parse, for sandbox.lua.
local x = = 1
