-- An OPTIONS and its answer: the least that a SIP element does.
--
--   offhook load --rate 1000 --duration 60 --target sip:192.0.2.1 scenarios/load/options.lua
local sip = require "sip"

sip.load("options", { setup = function(t) return { ua = t:ua { aor = "sip:load@example.test" }, target = t:target() } end }, function(_, shared)
  shared.ua:options(shared.target):expect("2xx", { within = 32 })
end)
