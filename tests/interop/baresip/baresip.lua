-- baresip as an actor. What it is told goes to control.py as a SIP MESSAGE, and so stands in ladder and capture.
--
--   local bob <close> = baresip(t, { user = "bob", password = "bobpw", proxy = edge, expires = 60 })
--   bob:await "REGISTER_OK"                -- an event of baresip; its parameter is returned
--   bob:tell "accept"                      -- a command as at its prompt; what it printed is returned
--
-- Needs --set control=URI (of control.py) and --set baresip=HOST:PORT (of baresip itself).
local sip = require "sip"

local Baresip = {}
Baresip.__index = Baresip

local function ask(self, text, within)
  local answer = self.operator:message(self.control, text):final { within = within }
  if answer.status ~= 200 then self.t:fail(("baresip, told \"%s\": %d %s"):format(text, answer.status, answer.body)) end
  return answer.body
end

function Baresip:tell(text)
  return ask(self, text, 5)
end

function Baresip:await(event, within)
  return ask(self, ("await %s %g"):format(event, within or 5), (within or 5) + 1)
end

-- It ends; it hangs up and unregisters.
function Baresip:stop()
  if self.stopped then return end
  self.stopped = true
  self:tell "stop"
end

Baresip.__close = Baresip.stop

local account_options = { "user", "password", "proxy", "expires", "answer" }

-- A fresh one. Options: user, password, proxy (where its requests go), expires (seconds; without it nothing is registered), answer
-- ("manual", which is the default, or "auto").
return function(t, given)
  given = sip.check_options("baresip", given, account_options)
  local self = setmetatable({ t = t, control = t.env.control, aor = ("sip:%s@example.test"):format(given.user) }, Baresip)
  self.uri = ("sip:%s@%s"):format(given.user, t.env.baresip)
  self.operator = t:ua { aor = "sip:operator@example.test" }
  self:tell(('start <%s>;auth_user=%s;auth_pass=%s;answermode=%s;audio_codecs=PCMU,PCMA;regint=%d;ptime=20%s'):format(self.aor,
    given.user, given.password or "none", given.answer or "manual", given.expires or 0,
    given.proxy and (';outbound="%s"'):format(given.proxy.uri) or ""))
  return self
end
