-- Session descriptions for the flows: one audio stream, and its direction.
local media = {}

-- A session description of an actor's own: PCMU at this port.
function media.audio(actor, port)
  local address = actor.endpoint.host:gsub("[][]", "")
  local family = address:find(":", 1, true) and "IP6" or "IP4"
  return table.concat({ "v=0", ("o=- %d 1 IN %s %s"):format(port, family, address), "s=-", ("c=IN %s %s"):format(family, address), "t=0 0",
    ("m=audio %d RTP/AVP 0"):format(port), "a=rtpmap:0 PCMU/8000", "" }, "\r\n")
end

-- The same session with media in this direction only, and the version of the origin one higher (RFC 3264 8).
function media.with_direction(sdp, direction)
  local changed = sdp:gsub("\r\na=sendrecv", ""):gsub("\r\na=sendonly", ""):gsub("\r\na=recvonly", ""):gsub("\r\na=inactive", "")
  changed = changed:gsub("(o=%S+ %S+ )(%d+)", function(before, version) return before .. math.tointeger(tonumber(version)) + 1 end)
  return changed .. ("a=%s\r\n"):format(direction)
end

-- "sendrecv", "sendonly", "recvonly" or "inactive"; nil when the message has no session description.
function media.direction(message)
  for _, direction in ipairs { "sendonly", "recvonly", "inactive" } do
    if message.body:find("\r\na=" .. direction .. "\r\n", 1, true) then return direction end
  end
  return message.body ~= "" and "sendrecv" or nil -- unless it says otherwise (RFC 8866 6.7)
end

return media
