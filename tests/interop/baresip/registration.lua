-- baresip registers with a registrar of ours.
local sip = require "sip"
local baresip = require "baresip"

local function registrar(t, given)
  local options = { domain = "example.test", auth = { realm = "example.test", users = { bob = "bobpw" } } }
  for name, value in pairs(given or {}) do options[name] = value end
  return t:registrar(options)
end

-- The REGISTERs that came, in their order, with the status of the answer to each.
local function registers(watch)
  local list, by_branch = {}, {}
  while watch:count() > 0 do
    local message = watch:take()
    if message.method == "REGISTER" and message.is_request then
      list[#list + 1] = { request = message, credentials = message:credentials()[1] }
      by_branch[message.branch] = list[#list]
    elseif message.is_response and by_branch[message.branch] then
      by_branch[message.branch].status = message.status
    end
  end
  return list
end

sip.test("registered after one challenge", function(t)
  local server = registrar(t)
  local seen = server.endpoint:watch()
  local bob <close> = baresip(t, { user = "bob", password = "bobpw", proxy = server, expires = 60 })
  bob:await "REGISTER_OK"
  local list = registers(seen)
  t:equal({ #list, list[1].status, list[2].status }, { 2, 401, 200 })
  t:equal(list[2].credentials.uri, list[2].request.request_uri)
  t:equal(list[2].credentials.nc, 1)
  t:equal(list[2].request.call_id, list[1].request.call_id)
  t:equal(list[2].request.cseq, list[1].request.cseq + 1)
  t:equal(server:lookup(bob.aor), sip.name_addr(list[2].request["Contact"]).uri.raw)
end)

-- RFC 3261 22.2 asks for one try with the same credentials; baresip 1.0 takes every fresh nonce for another chance, some 15 times.
sip.test("a wrong password is refused, and baresip gives up", function(t)
  local server = registrar(t)
  local bob <close> = baresip(t, { user = "bob", password = "wrong", proxy = server, expires = 60 })
  t:equal(bob:await "REGISTER_FAIL", "401 Unauthorized")
  local refusals = server.server.refusals
  local count = #refusals
  t:equal({ refusals[1], refusals[2] }, { "missing", "wrong" })
  t:equal(server:knows(bob.aor), false)
  t:sleep(0.5)
  t:equal(#refusals, count, "refusals half a second later")
end)

sip.test("the registration is refreshed before it runs out, and removed when baresip ends", function(t)
  local server = registrar(t, { max_expires = 3 })
  local seen = server.endpoint:watch()
  local bob <close> = baresip(t, { user = "bob", password = "bobpw", proxy = server, expires = 60 })
  bob:await "REGISTER_OK"
  bob:await "REGISTER_OK"
  bob:await "REGISTER_OK"
  t:sleep(0.5)
  t:ok(server:lookup(bob.aor), "the binding ran out")
  bob:stop()
  t:equal(server:lookup(bob.aor), nil)
  local list = registers(seen)
  for i, register in ipairs(list) do
    t:equal(register.request.call_id, list[1].request.call_id)
    t:equal(register.request.cseq, list[1].request.cseq + i - 1)
  end
  t:equal(sip.name_addr(list[#list].request["Contact"]).params.expires, "0")
end)

sip.test("423: it registers again for as long as the registrar wants", function(t)
  local server = registrar(t, { min_expires = 100 })
  local seen = server.endpoint:watch()
  local bob <close> = baresip(t, { user = "bob", password = "bobpw", proxy = server, expires = 60 })
  bob:await "REGISTER_OK"
  local list, statuses = registers(seen), {}
  for i, register in ipairs(list) do statuses[i] = register.status end
  t:equal(statuses, { 401, 423, 200 })
  t:equal(sip.name_addr(list[3].request["Contact"]).params.expires, "100")
end)
