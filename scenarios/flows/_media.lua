-- What the flows ask of a session description.
local media = {}

-- "sendrecv", "sendonly", "recvonly" or "inactive"; nil when the message has no session description.
function media.direction(message)
  for _, direction in ipairs { "sendonly", "recvonly", "inactive" } do
    if message.body:find("\r\na=" .. direction .. "\r\n", 1, true) then return direction end
  end
  return message.body ~= "" and "sendrecv" or nil -- unless it says otherwise (RFC 8866 6.7)
end

-- The version of the session, which grows with each change (RFC 3264 8); nil without a session description.
function media.version(message)
  return math.tointeger(tonumber(message.body:match "o=%S+ %S+ (%d+)"))
end

return media
