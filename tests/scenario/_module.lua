-- For sandbox.lua.
return { count = 0, global = function() leaked = 1 end }
