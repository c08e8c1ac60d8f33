-- A REGISTER with digest for each account of a file, each once: the first line of the file is `aor,password`.
--
--   offhook load --rate 500 --target sip:192.0.2.1 --set accounts=accounts.csv scenarios/load/register.lua
--   Without a file: one made-up account for each virtual user, password "secret". --set expires=S (default 3600).
local sip = require "sip"

local accounts = sip.env.accounts and sip.csv(sip.env.accounts, { pick = "unique" })

local function setup(t)
  return { target = t:target(function() return t:registrar { name = "registrar" } end) }
end

sip.load("register", { setup = setup }, function(vu, shared)
  local account = accounts and accounts:next() or { aor = ("sip:load%d@example.test"):format(vu.id), password = "secret" }
  local ua = vu:ua { aor = account.aor, username = account.username, password = account.password, outbound_proxy = shared.target }
  ua:register({ expires = tonumber(vu.env.expires) or 3600 }):expect("2xx", { within = 32 })
end)
