-- A proxy: stateful, record-routing, loose-routing; it challenges, refuses by an access list, delays or keeps silent on request.
-- RFC 3261 section 16. Written with the public interface alone: copy it beside your script and change it.
--
--   local edge = t:proxy { name = "edge", to = bob, auth = { realm = "example.test", users = { alice = "secret" } } }
local sip = require "sip"

local Proxy = {}
Proxy.__index = function(proxy, name)
  if Proxy[name] then return Proxy[name] end
  local endpoint = rawget(proxy, "endpoint")
  if name == "uri" or name == "address" then return endpoint[name] end
  error(('a proxy has no field or method "%s"'):format(tostring(name)), 2)
end

-- --- what RFC 3261 16 does to a message ---

local function strip_brackets(value)
  return value:match "<([^>]*)>" or value
end

-- A URI points at this endpoint: same host and port, and where these are shared the same user.
local function is_own(endpoint, uri)
  local parsed = sip.uri(strip_brackets(uri))
  if not parsed or not parsed.host then return false end
  local host = parsed.host
  if host:find(":", 1, true) then host = "[" .. host .. "]" end
  local own = sip.uri(endpoint.uri).user
  return host == endpoint.host and (parsed.port or 5060) == endpoint.port and (not own or own == parsed.user)
end

local function with_request_uri(request, uri)
  if uri == request.request_uri then return request end
  local line = request.bytes:match "^[^\r\n]*"
  return sip.message(request.method .. " " .. uri .. " SIP/2.0" .. request.bytes:sub(#line + 1))
end

-- The values of Route, in these lines.
local function with_routes(request, routes)
  while request["Route"] do request = request:remove_header "Route" end
  for _, route in ipairs(routes) do request = request:insert_header("Route", route, "From") end
  return request
end

-- 16.4: Route headers that name this proxy go. When a strict router put our own Record-Route into the Request-URI, that comes back
-- from the last Route.
local function remove_own_routes(endpoint, request)
  local uri = sip.uri(request.request_uri or "")
  local all = request:headers "Route"
  if all[1] and uri and uri.params.lr and is_own(endpoint, request.request_uri) then
    local last = table.remove(all)
    request = with_request_uri(with_routes(request, all), strip_brackets(last))
  end
  while true do
    local routes = request:headers "Route"
    if not routes[1] or not is_own(endpoint, routes[1]) then return request, routes end
    -- A header line may hold several values.
    local first = request:header "Route"
    local rest = first:sub(#routes[1] + 1):match "^%s*,%s*(.*)$"
    if rest then
      request = request:replace_header("Route", rest)
    else
      request = request:remove_header "Route"
    end
  end
end

-- 22.3: credentials for this proxy's own realm are consumed here; those of others go on.
local function without_credentials(request, realm)
  local values = request:headers "Proxy-Authorization"
  for n = #values, 1, -1 do
    if values[n]:match '[Rr]ealm%s*=%s*"([^"]*)"' == realm then request = request:remove_header("Proxy-Authorization", n) end
  end
  return request
end

-- 16.6: the copy that goes on: Request-URI, Max-Forwards, Record-Route, Via.
local function copy_for(endpoint, request, uri, record_route)
  request = with_request_uri(request, uri)
  local max_forwards = tonumber(request["Max-Forwards"] or "")
  if max_forwards then
    request = request:replace_header("Max-Forwards", tostring(max_forwards - 1))
  else
    request = request:insert_header("Max-Forwards", "70", "From")
  end
  if record_route then
    local value = ("<%s;lr>"):format(endpoint.uri)
    request = request:insert_header("Record-Route", value, request["Record-Route"] and "Record-Route" or "Max-Forwards")
  end
  request = request:insert_header("Via", endpoint:via(), "Via")
  local routes = request:headers "Route"
  local first = routes[1] and sip.uri(strip_brackets(routes[1]))
  if first and not first.params.lr then -- step 6: the next hop is a strict router
    local hop = strip_brackets(table.remove(routes, 1))
    routes[#routes + 1] = ("<%s>"):format(uri)
    request = with_request_uri(with_routes(request, routes), hop)
  end
  return request
end

-- 16.7: a response without the topmost Via.
local function without_top_via(response)
  local first, vias = response:header "Via", response:headers "Via"
  local rest = first:sub(#vias[1] + 1):match "^%s*,%s*(.*)$"
  if rest then return response:replace_header("Via", rest) end
  return response:remove_header "Via"
end

-- --- the way of a request ---

-- Where it goes next: the topmost Route that is left, else the hop that policy says, else the Request-URI.
local function next_hop(routes, hop, uri)
  return routes[1] and strip_brackets(routes[1]) or hop or uri
end

local function uri_of(actor)
  if actor == nil or actor == false or type(actor) == "string" then return actor or nil end
  local kind = type(actor)
  local uri = (kind == "userdata" or kind == "table") and actor.uri
  if type(uri) ~= "string" then error(("a proxy wants a URI or an actor to send to, got %s"):format(kind), 0) end
  return uri
end

-- An ACK to a 2xx is a request of its own, without a transaction (16.11 in spirit: forwarded, not answered).
local function forward_ack(endpoint, ack, given)
  local request, routes = remove_own_routes(endpoint, given.realm and without_credentials(ack, given.realm) or ack)
  local uri = request.request_uri
  if not routes[1] and is_own(endpoint, uri) then return end -- it is for us: nowhere to go
  if (tonumber(request["Max-Forwards"] or "70") or 0) <= 0 then return end
  local copy = copy_for(endpoint, request, uri, false)
  if given.rewrite then copy = given.rewrite(copy) end
  pcall(endpoint.send, endpoint, copy, next_hop(routes, nil, uri)) -- or it is lost, as any datagram
end

local listening = setmetatable({}, { __mode = "k" })

-- Once for each endpoint that relays.
local function listen_for_acks(t, endpoint, given)
  if listening[endpoint] then return end
  listening[endpoint] = true
  t:serve(endpoint.name .. " ACKs", function()
    for message in endpoint:messages() do
      if message.method == "ACK" and message.is_request then forward_ack(endpoint, message, given) end
    end
  end)
end

-- Whether responses may still be passed on: a 2xx to an INVITE passes as often as it comes.
local function is_open(st)
  return st.state ~= "Completed" and st.state ~= "Terminated" and st.state ~= "Confirmed"
end

-- 16.7 step 6: a 6xx before all others, else the lowest class.
local function better(response, than)
  if not than or response.status >= 600 then return response end
  if than.status >= 600 or than.status // 100 < response.status // 100 then return than end
  return response
end

-- Relays a request and its responses, CANCEL and ACK. Options: to (URI or actor: the new Request-URI), next_hop (URI or actor: where
-- it is sent with its Request-URI as it was), record_route, another (a function from a failed response to the next target, or nil),
-- no_answer (seconds a target may ring), realm (whose credentials are consumed), rewrite (a function from each message that goes on to the one that is sent).
local function forward(t, st, given)
  local endpoint, request = st.owner, st.request
  local max_forwards = tonumber(request["Max-Forwards"] or "70") -- 16.3
  if not max_forwards or max_forwards <= 0 then
    st:reply(max_forwards and 483 or 400)
    return
  end
  local rewrite = given.rewrite or function(message) return message end
  listen_for_acks(t, endpoint, given)
  local routes
  if given.realm then request = without_credentials(request, given.realm) end
  request, routes = remove_own_routes(endpoint, request)
  -- Within a dialog the Request-URI is the other side's Contact already.
  local to, hop
  if not request.to_tag then to, hop = uri_of(given.to), uri_of(given.next_hop) end
  local uri = to or request.request_uri
  if not routes[1] and not hop and is_own(endpoint, uri) then
    st:reply(404)
    return
  end
  local invite = request.method == "INVITE"
  if invite and not st.response then st:reply(100) end
  local timer_c = given.timer_c == nil and 181 or given.timer_c
  local client, silent_until
  local tried = {}

  -- Sends it to one target. Returns nil and why when that cannot be done (16.6 step 7: its host is not to be found).
  local function try(target)
    tried[target] = true
    local copy = rewrite(copy_for(endpoint, request, target, given.record_route and not request.to_tag))
    local ok, branch = pcall(endpoint.request, endpoint, copy, next_hop(routes, hop, target))
    if not ok then return nil, (tostring(branch):gsub('["\\\r\n]', " ")) end
    client = branch
    silent_until = timer_c and t:now() + timer_c
    if invite and given.no_answer then
      t:serve(endpoint.name .. " no answer", function()
        t:sleep(given.no_answer)
        if not branch.response then branch:cancel() end
      end)
    end
    return branch
  end

  local function answer_unreachable(why)
    st:reply(503, { headers = { { "Warning", ('399 %s "%s"'):format(endpoint.name, why) } } })
  end

  -- Passes on what a branch says, until it fails: returns the final response then.
  local function relay(branch)
    for response in branch:responses() do
      if response.status >= 300 then return response end
      if response.status ~= 100 and is_open(st) then
        st:respond(without_top_via(rewrite(response)))
        if timer_c then silent_until = t:now() + timer_c end
      end
    end
  end

  local first, why = try(uri)
  if not first then
    answer_unreachable(why)
    return
  end
  t:serve(endpoint.name .. " responses", function()
    local best
    while true do
      local failed = relay(client)
      best = better(failed, best)
      -- 16.7 step 5: other targets after a 3xx, 4xx or 5xx, but none twice (16.5), and none for a caller who is gone.
      local target = failed.status < 600 and not st.cancelled and given.another and uri_of(given.another(failed))
      if not is_open(st) then return end
      if not target or tried[target] then break end
      local branch, trouble = try(target)
      if not branch then
        answer_unreachable(trouble)
        return
      end
    end
    if best.locally then -- 16.8, 16.9: timer C and F, and what cannot be reached
      st:reply(best.status)
    else
      st:respond(without_top_via(rewrite(best)))
    end
  end)
  if invite then
    t:serve(endpoint.name .. " CANCEL", function()
      while true do
        local event = st:event()
        if event == "cancelled" and not client.response then client:cancel() end
        if event == "terminated" then return end
      end
    end)
    if timer_c then
      t:serve(endpoint.name .. " timer C", function() -- 16.8
        while st.state == "Proceeding" and t:now() < silent_until do t:sleep(silent_until - t:now()) end
        if st.state == "Proceeding" and not client.response then client:cancel() end
      end)
    end
  end
  return first
end

-- --- policy ---

local function matches_any(list, uri)
  for _, pattern in ipairs(list) do
    if uri:find(pattern) then return true end
  end
  return false
end

-- Whether the access list lets a request pass: `allow` and `deny` are lists of Lua patterns for the From URI; `allow` wins.
local function refused(access, request)
  if not access then return false end
  local from = strip_brackets(request["From"] or "")
  if access.allow and matches_any(access.allow, from) then return false end
  if access.deny then return matches_any(access.deny, from) end
  return access.allow ~= nil
end

-- Challenges unless the credentials are right; true if the request may pass.
function Proxy:authenticate(st)
  local auth, request = self.auth, st.request
  local user
  for _, c in ipairs(request:credentials()) do
    if c.realm == auth.realm then user = c.username end
  end
  local why = "missing"
  if user and auth.users[user] then
    local ok
    ok, why = request:authorized { realm = auth.realm, username = user, password = auth.users[user], nonces = self.nonces,
      nonce_lifetime = auth.nonce_lifetime or 0, check_uri = auth.check_uri }
    if ok then return true end
  elseif user then
    why = "wrong"
  end
  self.challenges = self.challenges + 1
  self.refusals[#self.refusals + 1] = why
  local status = auth.status or (request.method == "REGISTER" and 401 or 407)
  local header = status == 401 and "WWW-Authenticate" or "Proxy-Authenticate"
  local headers = {}
  -- RFC 8760: one challenge for each algorithm, the preferred one first.
  local algorithms = auth.algorithms or { auth.algorithm or "MD5" }
  for i, algorithm in ipairs(algorithms) do
    local nonce = self.nonces:issue(self.t:token(24))
    headers[i] = { header, sip.challenge { realm = auth.realm, nonce = nonce, algorithm = algorithm, qop = auth.qop,
      stale = why == "stale" } }
  end
  st:reply(status, headers)
  return false
end

-- One request; called in a task of its own, so that a delay holds up nothing else.
function Proxy:handle(st)
  local request = st.request
  self.requests = self.requests + 1
  if self.silent then return end
  if self.delay then
    if request.method == "INVITE" then st:reply(100) end
    self.t:sleep(self.delay)
  end
  if request.method == "CANCEL" then
    st:reply(481)
    return
  end
  if not request.to_tag then
    if refused(self.access, request) then
      st:reply(403, { headers = { { "Warning", ('399 %s "From is not on the access list"'):format(self.endpoint.name) } } })
      return
    end
    if self.auth and not self:authenticate(st) then return end
    if self.registrar and request.method == "REGISTER" then
      self.registrar:handle(st)
      return
    end
  end
  local to, another = self.to, nil
  if self.route and not request.to_tag then
    to = self.route(request, nil, st)
    another = function(failed) return self.route(request, failed, st) end
    if st.response and st.response.status >= 200 then return end -- it answered itself
  end
  if self.registrar and not to and not self.next_hop and not request.to_tag then
    to = self.registrar:lookup(request.request_uri)
    if not to then
      st:reply(self.registrar:knows(request.request_uri) and 480 or 404)
      return
    end
  end
  forward(self.t, st, { to = to, next_hop = self.next_hop, record_route = self.record_route, timer_c = self.timer_c, another = another,
    no_answer = self.no_answer, rewrite = self.rewrite, realm = self.auth and self.auth.realm })
end

local proxy_options = { "name", "address", "port", "ipv6", "timers", "endpoint", "to", "next_hop", "route", "no_answer", "rewrite",
  "record_route", "auth", "access", "delay", "silent", "registrar" }
local auth_options = { "realm", "users", "algorithm", "algorithms", "qop", "status", "nonce_lifetime", "check_uri" }
local access_options = { "allow", "deny" }

-- Options: to (URI or actor: the Request-URI of every new request), next_hop (URI or actor: where it is sent unchanged), route (a
-- function from the request to a target; called again with each failed response, for the next target) or registrar (t:registrar's);
-- no_answer (seconds that a target may ring), rewrite (a function from each message that goes on to the one that is sent);
-- record_route (default true), auth { realm, users, algorithm, algorithms, qop, status, nonce_lifetime, check_uri }, access { allow,
-- deny },
-- delay (seconds before each request is handled), silent (true: it answers nothing); and those of t:endpoint.
local function start(t, given)
  given = sip.check_options("t:proxy", given, proxy_options)
  if given.auth then
    sip.check_options("auth", given.auth, auth_options)
    if type(given.auth.realm) ~= "string" or type(given.auth.users) ~= "table" then
      error('auth wants a realm and users, e.g. auth = { realm = "example.test", users = { alice = "secret" } }', 0)
    end
  end
  uri_of(given.to)
  uri_of(given.next_hop)
  if given.access then sip.check_options("t:proxy access", given.access, access_options) end
  -- The proxy sends its 100 itself: a silent one must not have the transaction do it.
  local timers = { trying = false }
  for name, value in pairs(given.timers or {}) do timers[name] = value end
  local endpoint = given.endpoint or t:endpoint { name = given.name or "proxy", address = given.address, port = given.port,
    ipv6 = given.ipv6, timers = timers }
  local timer_c = given.timers and given.timers.C
  if timer_c == nil then timer_c = 181 end -- RFC 3261 16.6 step 11: more than 3 minutes
  local proxy = setmetatable({
    t = t, endpoint = endpoint, name = endpoint.name, to = given.to or false, next_hop = given.next_hop or false,
    route = given.route or false, no_answer = given.no_answer or false, rewrite = given.rewrite or false, auth = given.auth or false,
    access = given.access or false, delay = given.delay or false, silent = given.silent or false,
    registrar = given.registrar or false, record_route = given.record_route ~= false,
    timer_c = timer_c, nonces = sip.nonces(), challenges = 0, refusals = {}, requests = 0,
  }, Proxy)
  t:serve(endpoint.name, function()
    for st in endpoint:requests() do
      if proxy.delay then
        t:serve(endpoint.name .. " request", function() proxy:handle(st) end)
      else
        proxy:handle(st)
      end
    end
  end)
  return proxy
end

return setmetatable({ start = start, forward = forward }, { __call = function(_, t, given) return start(t, given) end })
