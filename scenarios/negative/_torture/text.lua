-- How the messages of the torture suite are written: lines, the empty line, the session description that most of them share.
local text = {}

-- Each line with CRLF behind it.
function text.lines(list)
  return table.concat(list, "\r\n") .. "\r\n"
end

text.empty = "\r\n"

-- An offer of audio and video from this host; `host2` where the connection line has another.
function text.session(host, host2)
  return text.lines {
    "v=0",
    "o=mhandley 29739 7272939 IN IP4 " .. host,
    "s=-",
    "c=IN IP4 " .. (host2 or host),
    "t=0 0",
    "m=audio 49217 RTP/AVP 0 12",
    "m=video 3227 RTP/AVP 31",
    "a=rtpmap:31 LPC",
  }
end

-- The bytes of the message of that name.
function text.of(messages, name)
  for _, message in ipairs(messages) do
    if message.name == name then return message.bytes end
  end
  error("no message " .. name)
end

-- The same with another Content-Length.
function text.with_length(bytes, old, new)
  local changed, count = bytes:gsub("Content%-Length: " .. old .. "\r\n", "Content-Length: " .. new .. "\r\n")
  assert(count == 1)
  return changed
end

return text
