-- The messages of RFC 5118, byte for byte, in the form of rfc4475.lua. Those whose Content-Length does not fit their lines
-- ending in CRLF come twice: as they are, and with the length that fits.
local text = require "_torture.text"
local lines, empty = text.lines, text.empty

local messages = {}
local function add(message)
  message.rfc = 5118
  messages[#messages + 1] = message
end

add {
  name = "ipv6-good", section = "4.1", what = "an IPv6 reference as Request-URI",
  right = { "2xx" }, tolerable = { 405, 501 }, well_formed = true,
  because = "who is no registrar answers 405 or 501: RFC 3261 8.2.1",
  reads = { request_uri = "sip:[2001:db8::10]" },
  bytes = lines {
    "REGISTER sip:[2001:db8::10] SIP/2.0",
    "To: sip:user@example.com",
    "From: sip:user@example.com;tag=81x2",
    "Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111",
    "Call-ID: SSG9559905523997077@hlau_4100",
    "Max-Forwards: 70",
    "Contact: \"Caller\" <sip:caller@[2001:db8::1]>",
    "CSeq: 98176 REGISTER",
    "Content-Length: 0",
  } .. empty,
}

add {
  name = "ipv6-bad", section = "4.2", what = "an IPv6 address without brackets as Request-URI",
  right = { 400 },
  because = "RFC 3261 25.1",
  bytes = lines {
    "REGISTER sip:2001:db8::10 SIP/2.0",
    "To: sip:user@example.com",
    "From: sip:user@example.com;tag=81x2",
    "Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111",
    "Call-ID: SSG9559905523997077@hlau_4100",
    "Max-Forwards: 70",
    "Contact: \"Caller\" <sip:caller@[2001:db8::1]>",
    "CSeq: 98176 REGISTER",
    "Content-Length: 0",
  } .. empty,
}

add {
  name = "port-ambiguous", section = "4.3", what = "what looks like a port is part of the address: [2001:db8::10:5070]",
  right = { "2xx" }, tolerable = { 405, 501 }, well_formed = true,
  because = "who is no registrar answers 405 or 501: RFC 3261 8.2.1",
  reads = { host = "2001:db8::10:5070" },
  bytes = lines {
    "REGISTER sip:[2001:db8::10:5070] SIP/2.0",
    "To: sip:user@example.com",
    "From: sip:user@example.com;tag=81x2",
    "Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111",
    "Call-ID: SSG9559905523997077@hlau_4100",
    "Contact: \"Caller\" <sip:caller@[2001:db8::1]>",
    "Max-Forwards: 70",
    "CSeq: 98176 REGISTER",
    "Content-Length: 0",
  } .. empty,
}

add {
  name = "port-unambiguous", section = "4.4", what = "a port behind the brackets",
  right = { "2xx" }, tolerable = { 405, 501 }, well_formed = true,
  because = "who is no registrar answers 405 or 501: RFC 3261 8.2.1",
  reads = { host = "2001:db8::10", port = 5070 },
  bytes = lines {
    "REGISTER sip:[2001:db8::10]:5070 SIP/2.0",
    "To: sip:user@example.com",
    "From: sip:user@example.com;tag=81x2",
    "Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111",
    "Call-ID: SSG9559905523997077@hlau_4100",
    "Contact: \"Caller\" <sip:caller@[2001:db8::1]>",
    "Max-Forwards: 70",
    "CSeq: 98176 REGISTER",
    "Content-Length: 0",
  } .. empty,
}

add {
  name = "via-received-param-with-delim", section = "4.5", what = "a BYE; received has an address in brackets",
  right = { 481 }, tolerable = { 200 }, well_formed = true,
  because = "no such dialog: RFC 3261 15.1.2",
  reads = { branch = "z9hG4bKas3-111", received = "[2001:db8::9:255]" },
  bytes = lines {
    "BYE sip:[2001:db8::10] SIP/2.0",
    "To: sip:user@example.com;tag=bd76ya",
    "From: sip:user@example.com;tag=81x2",
    "Via: SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3-111",
    "Call-ID: SSG9559905523997077@hlau_4100",
    "Max-Forwards: 70",
    "CSeq: 321 BYE",
    "Content-Length: 0",
  } .. empty,
}

add {
  name = "via-received-param-no-delim", section = "4.5", what = "received has an address without brackets",
  right = { "2xx" }, well_formed = true,
  reads = { branch = "z9hG4bKas3", received = "2001:db8::9:255" },
  bytes = lines {
    "OPTIONS sip:[2001:db8::10] SIP/2.0",
    "To: sip:user@example.com",
    "From: sip:user@example.com;tag=81x2",
    "Via: SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3",
    "Call-ID: SSG95523997077@hlau_4100",
    "Max-Forwards: 70",
    "Contact: \"Caller\" <sip:caller@[2001:db8::9:1]>",
    "CSeq: 921 OPTIONS",
    "Content-Length: 0",
  } .. empty,
}

add {
  name = "ipv6-in-sdp", section = "4.6", what = "IPv6 addresses in SDP; Content-Length counts more than there is",
  right = { "2xx", "1xx" }, tolerable = { 400, 488, "policy" },
  because = "a body shorter than Content-Length is refused on datagrams: RFC 3261 18.3",
  means = { [400] = "it counts: 251 bytes are not 268" },
  flaw = "the body is shorter than Content-Length",
  bytes = lines {
    "INVITE sip:user@[2001:db8::10] SIP/2.0",
    "To: sip:user@[2001:db8::10]",
    "From: sip:user@example.com;tag=81x2",
    "Via: SIP/2.0/UDP [2001:db8::20];branch=z9hG4bKas3-111",
    "Call-ID: SSG9559905523997077@hlau_4100",
    "Contact: \"Caller\" <sip:caller@[2001:db8::20]>",
    "CSeq: 8612 INVITE",
    "Max-Forwards: 70",
    "Content-Type: application/sdp",
    "Content-Length: 268",
  } .. empty .. lines {
    "v=0",
    "o=assistant 971731711378798081 0 IN IP6 2001:db8::20",
    "s=Live video feed for today's meeting",
    "c=IN IP6 2001:db8::20",
    "t=3338481189 3370017201",
    "m=audio 6000 RTP/AVP 2",
    "a=rtpmap:2 G726-32/8000",
    "m=video 6024 RTP/AVP 107",
    "a=rtpmap:107 H263-1998/90000",
  },
}

add {
  name = "mult-ip-in-header", section = "4.7", what = "a BYE; Via values of both address families",
  right = { 481 }, tolerable = { 200 }, well_formed = true,
  because = "no such dialog: RFC 3261 15.1.2",
  reads = { branch = "z9hG4bKas3-111", cseq = 89187 },
  bytes = lines {
    "BYE sip:user@host.example.net SIP/2.0",
    "Via: SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111",
    "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144",
    "Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200",
    "Call-ID: 997077@lau_4100",
    "Max-Forwards: 70",
    "CSeq: 89187 BYE",
    "To: sip:user@example.net;tag=9817--94",
    "From: sip:user@example.com;tag=81x2",
    "Content-Length: 0",
  } .. empty,
}

add {
  name = "mult-ip-in-sdp", section = "4.8", what = "media lines of both address families; Content-Length counts lines without CR",
  right = { "2xx", "1xx" }, tolerable = { 488 }, well_formed = true,
  means = { [488] = "it wants the whole description, or one family" },
  bytes = lines {
    "INVITE sip:user@[2001:db8::10] SIP/2.0",
    "To: sip:user@[2001:db8::10]",
    "From: sip:user@example.com;tag=81x2",
    "Via: SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111",
    "Call-ID: SSG9559905523997077@hlau_4100",
    "Contact: \"Caller\" <sip:caller@[2001:db8::9:1]>",
    "Max-Forwards: 70",
    "CSeq: 8912 INVITE",
    "Content-Type: application/sdp",
    "Content-Length: 181",
  } .. empty .. lines {
    "v=0",
    "o=bob 280744730 28977631 IN IP4 host.example.com",
    "s=",
    "t=0 0",
    "m=audio 22334 RTP/AVP 0",
    "c=IN IP4 192.0.2.1",
    "m=video 6024 RTP/AVP 107",
    "c=IN IP6 2001:db8::1",
    "a=rtpmap:107 H263-1998/90000",
  },
}

add {
  name = "ipv4-mapped-ipv6", section = "4.9", what = "IPv4-mapped IPv6 addresses; Content-Length counts lines without CR",
  right = { "2xx", "1xx" }, tolerable = { 488 }, well_formed = true,
  means = { [488] = "it wants the whole description" },
  bytes = lines {
    "INVITE sip:user@example.com SIP/2.0",
    "To: sip:user@example.com",
    "From: sip:user@east.example.com;tag=81x2",
    "Via: SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19",
    "Via: SIP/2.0/UDP [::ffff:192.0.2.2];branch=z9hG4bKas3-111",
    "Call-ID: SSG9559905523997077@hlau_4100",
    "Contact: \"T. desk phone\" <sip:ted@[::ffff:192.0.2.2]>",
    "CSeq: 612 INVITE",
    "Max-Forwards: 70",
    "Content-Type: application/sdp",
    "Content-Length: 236",
  } .. empty .. lines {
    "v=0",
    "o=assistant 971731711378798081 0 IN IP6 ::ffff:192.0.2.2",
    "s=Call me soon, please!",
    "c=IN IP6 ::ffff:192.0.2.2",
    "t=3338481189 3370017201",
    "m=audio 6000 RTP/AVP 2",
    "a=rtpmap:2 G726-32/8000",
    "m=video 6024 RTP/AVP 107",
    "a=rtpmap:107 H263-1998/90000",
  },
}

add {
  name = "ipv6-bug-abnf-3-colons", section = "4.10", what = "an IPv6 reference with three colons, which the grammar of RFC 3261 allowed",
  right = { "2xx" }, tolerable = { 400 }, well_formed = true,
  because = "be liberal here: RFC 5118 4.10",
  means = { [400] = "it keeps to the mended grammar" },
  bytes = lines {
    "OPTIONS sip:user@[2001:db8:::192.0.2.1] SIP/2.0",
    "To: sip:user@[2001:db8:::192.0.2.1]",
    "From: sip:user@example.com;tag=810x2",
    "Via: SIP/2.0/UDP lab1.east.example.com;branch=z9hG4bKas3-111",
    "Call-ID: G9559905523997077@hlau_4100",
    "CSeq: 689 OPTIONS",
    "Max-Forwards: 70",
    "Content-Length: 0",
  } .. empty,
}

add {
  name = "ipv6-correct-abnf-2-colons", section = "4.10", what = "an IPv6 reference that ends as an IPv4 address",
  right = { "2xx" }, well_formed = true,
  bytes = lines {
    "OPTIONS sip:user@[2001:db8::192.0.2.1] SIP/2.0",
    "To: sip:user@[2001:db8::192.0.2.1]",
    "From: sip:user@example.com;tag=810x2",
    "Via: SIP/2.0/UDP lab1.east.example.com;branch=z9hG4bKas3-111",
    "Call-ID: G9559905523997077@hlau_4100",
    "CSeq: 689 OPTIONS",
    "Max-Forwards: 70",
    "Content-Length: 0",
  } .. empty,
}

add {
  name = "ipv6-in-sdp.clfixed", section = "4.6", what = "ipv6-in-sdp with the Content-Length that fits",
  right = { "2xx", "1xx" }, tolerable = { 488 }, well_formed = true,
  reads = { body_length = 251 },
  bytes = text.with_length(text.of(messages, "ipv6-in-sdp"), 268, 251),
}

add {
  name = "mult-ip-in-sdp.clfixed", section = "4.8", what = "mult-ip-in-sdp with the Content-Length that fits",
  right = { "2xx", "1xx" }, tolerable = { 488 }, well_formed = true,
  reads = { body_length = 189 },
  bytes = text.with_length(text.of(messages, "mult-ip-in-sdp"), 181, 189),
}

add {
  name = "ipv4-mapped-ipv6.clfixed", section = "4.9", what = "ipv4-mapped-ipv6 with the Content-Length that fits",
  right = { "2xx", "1xx" }, tolerable = { 488 }, well_formed = true,
  reads = { body_length = 245 },
  bytes = text.with_length(text.of(messages, "ipv4-mapped-ipv6"), 236, 245),
}

return messages
