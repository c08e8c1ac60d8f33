-- Messages: reading them, and editing them so that every other byte stays as it was.
local sip = require "sip"
local help = require "_help"
local failure_of = help.failure_of

local invite = table.concat({
  "INVITE sip:bob@example.test;user=phone SIP/2.0",
  "Via: SIP/2.0/UDP 192.0.2.1:5070;branch=z9hG4bKtop;rport, SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKsecond",
  "v: SIP/2.0/UDP 192.0.2.3;branch=z9hG4bKthird",
  'f: "Alice \\"A\\" Smith" <sip:alice@example.test>;tag=from1',
  "t:   <sip:bob@example.test>  ",
  "i: call-1@192.0.2.1",
  "CSeq: 42   INVITE",
  "Max-Forwards: 70",
  "Route: <sip:p1.example.test;lr>, <sip:p2.example.test;lr>",
  "X-fOO: one",
  "x-Foo: two",
  "Subject: folded",
  "  onto a second line",
  "c: text/plain",
  "l: 5",
  "",
  "hello",
}, "\r\n")

sip.test("fields of a request", function(t)
  local m = sip.message(invite)
  t:equal(m.method, "INVITE")
  t:equal(m.is_request, true)
  t:equal(m.is_response, false)
  t:equal(m.request_uri, "sip:bob@example.test;user=phone")
  t:equal(m.status, nil)
  t:equal(m.reason, nil)
  t:equal(m.body, "hello")
  t:equal(m.bytes, invite)
  t:equal(m.call_id, "call-1@192.0.2.1")
  t:equal(m.cseq, 42)
  t:equal(m.branch, "z9hG4bKtop")
  t:equal(m.from_tag, "from1")
  t:equal(m.to_tag, nil)
  t:equal(m.locally, false)
  t:equal(m.cause, nil)
  t:equal(m.flaw, nil)
  t:equal(m.source, nil)
  t:equal(m.frame, nil)
  t:equal(tostring(m), "INVITE sip:bob@example.test;user=phone")
  t:equal(m, sip.message(invite))
  t:ok(m ~= sip.message(invite .. " "))
  t:ok(failure_of(function() m.status = 200 end):find("attempt to index", 1, true))
end)

sip.test("fields of a response", function(t)
  local m = sip.message "SIP/2.0 407 Proxy Authentication  Required\r\nCSeq: 1 INVITE\r\nTo: <sip:a@b>;tag=x\r\n\r\n"
  t:equal(m.status, 407)
  t:equal(m.reason, "Proxy Authentication  Required")
  t:equal(m.is_request, false)
  t:equal(m.is_response, true)
  t:equal(m.method, "INVITE")                           -- the one it answers
  t:equal(m.request_uri, nil)
  t:equal(m.to_tag, "x")
  t:equal(m.body, "")
  t:ok(tostring(m):find("407", 1, true))
end)

sip.test("headers: as on the wire, in any case, in compact form, n-th, all", function(t)
  local m = sip.message(invite)
  t:equal(m["Max-Forwards"], "70")
  t:equal(m["Call-ID"], "call-1@192.0.2.1")
  t:equal(m["To"], "<sip:bob@example.test>")
  t:equal(m:header "from", '"Alice \\"A\\" Smith" <sip:alice@example.test>;tag=from1')
  t:equal(m:header "F", m:header "From")
  t:equal(m:header "CALL-ID", m:header "i")
  t:equal(m:header("via", 2), "SIP/2.0/UDP 192.0.2.3;branch=z9hG4bKthird")
  t:equal(m:header("via", 3), nil)
  t:equal(m:header "x-foo", "one")
  t:equal(m:header("X-FOO", 2), "two")
  t:equal(m:headers "x-foo", { "one", "two" })
  t:equal(#m:headers "Via", 3)
  t:equal(m:headers "Via" [2], "SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKsecond")
  t:equal(m:headers "Route", { "<sip:p1.example.test;lr>", "<sip:p2.example.test;lr>" })
  t:equal(m:headers "Nothing", {})
  t:equal(m["Nothing"], nil)
  t:equal(m:header "nothing", nil)
  t:ok(m["Subject"]:find "^folded%s+onto a second line$", m["Subject"])
  local list = m:header_list()
  t:equal(#list, 14 - 1)
  t:equal(list[2], { "v", "SIP/2.0/UDP 192.0.2.3;branch=z9hG4bKthird" })
  t:equal(list[9], { "X-fOO", "one" })
  t:ok(failure_of(m.header, m, "Via", 0):find("count from 1", 1, true))
end)

sip.test("edits leave every other byte as it was", function(t)
  local m = sip.message(invite)
  local function changed(edited, old, new) t:equal(edited.bytes, t:replace(invite, old, new)) end
  changed(m:replace_header("to", "<sip:carol@example.test>"), "t:   <sip:bob@example.test>  ", "t:   <sip:carol@example.test>  ")
  changed(m:replace_header("X-Foo", "2", 2), "x-Foo: two", "x-Foo: 2")
  changed(m:remove_header "Max-Forwards", "Max-Forwards: 70\r\n", "")
  changed(m:remove_header("Via", 2), "v: SIP/2.0/UDP 192.0.2.3;branch=z9hG4bKthird\r\n", "")
  changed(m:remove_header "Subject", "Subject: folded\r\n  onto a second line\r\n", "")
  changed(m:insert_header("X-Bar", "b", "CSeq"), "CSeq:", "X-Bar: b\r\nCSeq:")
  changed(m:insert_header("X-Bar", "b"), "l: 5\r\n", "l: 5\r\nX-Bar: b\r\n")
  changed(m:with_body "hi, bob", "l: 5\r\n\r\nhello", "l: 7\r\n\r\nhi, bob")
  changed(m:with_body("hi, bob", true), "\r\n\r\nhello", "\r\n\r\nhi, bob")      -- a wrong Content-Length on purpose
  t:equal(m:with_body("hi, bob", true).body, "hi, b")   -- what it says it has
  changed(m:remove_header("Content-Length"), "l: 5\r\n", "")
  t:equal(m:remove_header("l"):with_body("longer body").body, "longer body")
  local first = m:reorder_headers { "CSeq", "X-Foo", "Via", "Via" }
  local names = {}
  for i, header in ipairs(first:header_list()) do names[i] = header[1] end
  t:equal(table.concat(names, " "), "CSeq X-fOO Via v f t i Max-Forwards Route x-Foo Subject c l")
  t:equal(first.body, "hello")
  t:equal(#first.bytes, #invite)
  t:equal(m.bytes, invite)                              -- a message never changes
  t:ok(failure_of(m.replace_header, m, "Nothing", "x"):find("the message has no header Nothing", 1, true))
  t:ok(failure_of(m.replace_header, m, "X-Foo", "x", 3):find("the message has 2 X-Foo headers, not 3", 1, true))
  t:ok(failure_of(m.remove_header, m, "Nothing"):find("no header Nothing", 1, true))
  t:ok(failure_of(m.insert_header, m, "A", "b", "Nothing"):find("no header Nothing", 1, true))
  t:ok(failure_of(m.reorder_headers, m, { "Via", "Via", "Via" }):find("the message has 2 Via headers, not 3", 1, true))
end)

sip.test("t:replace: plain text, exactly once", function(t)
  local m = sip.message(invite)
  t:equal(t:replace("a.b", ".", "%1"), "a%1b")
  t:equal(t:replace(m, "CSeq: 42   INVITE", "CSeq: x INVITE"):find("CSeq: x INVITE", 1, true) ~= nil, true)
  t:ok(failure_of(t.replace, t, m, "no such thing", ""):find('t:replace: "no such thing" does not occur', 1, true))
  t:ok(failure_of(t.replace, t, m, "sip:", ""):find('"sip:" occurs more than once', 1, true))
  t:ok(failure_of(t.replace, t, "aaa", "aa", ""):find("more than once", 1, true))
end)

sip.test("bytes of any kind: NULs, high bytes, nothing at all", function(t)
  local all = {}
  for i = 0, 255 do all[i + 1] = string.char(i) end
  local binary = table.concat(all)
  local box, alice = t:endpoint { name = "box" }, t:ua { aor = "sip:alice@example.test" }
  local request = alice:message(box, binary, { content_type = "application/octet-stream",
    headers = { { "X-Bytes", "a\0b\255c" }, { "X-Empty", "" } } })
  local got = box:take()
  t:equal(got.body, binary)
  t:equal(got["X-Bytes"], "a\0b\255c")
  t:equal(got["X-Empty"], "")
  t:equal(got["Content-Type"], "application/octet-stream")
  t:equal(got["Content-Length"], "256")
  t:equal(got.bytes, request.request.bytes)
  alice.endpoint:send("\0", box)
  t:equal(box:take().bytes, "\0")
  alice.endpoint:send("", box)
  t:equal(box:take().bytes, "")
  local m = sip.message(binary)
  t:equal(m.bytes, binary)
  t:equal(m.is_request, false)
  t:equal(m.is_response, false)
  t:equal(m.method, nil)
  t:ok(m.flaw)
  t:equal(sip.message("").header_list(sip.message "")[1], nil)
  t:equal(m:headers "Via", {})
end)

sip.test("headers of a request: a map goes out sorted, a list in order", function(t)
  local alice = t:ua { aor = "sip:alice@example.test" }
  local function names(headers)
    local list = {}
    for _, header in ipairs(alice:build("OPTIONS", { uri = "sip:b@example.test", headers = headers }):header_list()) do
      if header[1]:find "^X%-" then list[#list + 1] = header[1] .. "=" .. header[2] end
    end
    return table.concat(list, " ")
  end
  t:equal(names { ["X-Cc"] = "3", ["X-Aa"] = "1", ["X-Bb"] = 2 }, "X-Aa=1 X-Bb=2 X-Cc=3")
  t:equal(names { { "X-Cc", "3" }, { "X-Aa", 1 }, { "X-Bb", "2" }, { "X-Aa", "4" } }, "X-Cc=3 X-Aa=1 X-Bb=2 X-Aa=4")
  t:equal(names {}, "")
  t:equal(names { { "X-Float", 0.5 } }, "X-Float=0.5")
end)

sip.test("standard headers: replaced in their place, left out with false, doubled in a list", function(t)
  local alice = t:ua { aor = "sip:alice@example.test" }
  local function build(headers, more)
    local given = { uri = "sip:b@example.test", headers = headers }
    for key, value in pairs(more or {}) do given[key] = value end
    return alice:build("MESSAGE", given)
  end
  local function order(m)
    local names = {}
    for i, header in ipairs(m:header_list()) do names[i] = header[1] end
    return table.concat(names, " ")
  end
  local plain = build()
  t:equal(build { ["Max-Forwards"] = 5 }["Max-Forwards"], "5")
  t:equal(order(build { ["Max-Forwards"] = 5 }), order(plain))
  t:equal(order(build { CSeq = "7 MESSAGE" }), order(plain))
  t:equal(build({ CSeq = "7 MESSAGE" }).cseq, 7)
  t:equal(build({ ["CSEQ"] = "8 MESSAGE" }).cseq, 8)    -- any case
  t:equal(build({ m = "<sip:x@y>" })["Contact"] or build({ m = "<sip:x@y>" }):header "m", "<sip:x@y>")
  t:equal(build { ["Max-Forwards"] = false } ["Max-Forwards"], nil)
  for _, name in ipairs { "Via", "From", "To", "Call-ID", "CSeq", "Content-Length", "User-Agent" } do
    t:equal(build({ [name] = false })[name], nil, name)
  end
  t:equal(build({ ["User-Agent"] = "mine" }):headers "User-Agent", { "mine" })
  local long = build({ ["Content-Length"] = 500 }, { body = "short" })
  t:equal(long["Content-Length"], "500")
  t:equal(long.body, "short")
  local none = build({ ["Content-Length"] = false }, { body = "short" })
  t:equal(none["Content-Length"], nil)
  t:equal(none.body, "short")
  local two = build { { "Max-Forwards", 1 }, { "Max-Forwards", 2 } }
  t:equal(two:headers "Max-Forwards", { "1", "2" })
  local vias = build { { "Via", "SIP/2.0/UDP a;branch=z9hG4bK1" }, { "Via", "SIP/2.0/UDP b;branch=z9hG4bK2" } }
  t:equal(#vias:headers "Via", 2)
  t:equal(vias.branch, "z9hG4bK1")
end)

sip.test("what a request says by itself, and what the script can say instead", function(t)
  local alice = t:ua { aor = "sip:alice@example.test", display = 'Alice "A" \\ Smith', contact_user = "a1", user_agent = "probe/1" }
  local m = alice:build("OPTIONS", { uri = "sip:bob@example.test;transport=udp" })
  t:equal(m.request_uri, "sip:bob@example.test;transport=udp")
  t:equal(m["To"], "<sip:bob@example.test;transport=udp>")
  t:equal(sip.name_addr(m["From"]).uri.raw, "sip:alice@example.test")
  t:equal(m["From"]:match "^.*>", '"Alice \\"A\\" \\\\ Smith" <sip:alice@example.test>')
  t:equal(m["Contact"] and sip.name_addr(m["Contact"]).uri.user, "a1")
  t:equal(m["User-Agent"], "probe/1")
  t:equal(m["CSeq"], "1 OPTIONS")
  t:equal(m["Max-Forwards"], "70")
  t:equal(m["Content-Length"], "0")
  t:ok(m.branch:find "^z9hG4bK")
  t:equal(m:strict(), true)
  local own = alice:build("OPTIONS", { uri = "sip:bob@example.test", to = "<sip:carol@example.test>", from = "<sip:x@y>",
    call_id = "mine", cseq = 9, body = "b", content_type = "text/x", contact = false })
  t:equal(own["To"], "<sip:carol@example.test>")
  t:ok(own["From"]:find("<sip:x@y>;tag=", 1, true))
  t:equal(own.call_id, "mine")
  t:equal(own.cseq, 9)
  t:equal(own["Contact"], nil)
  t:equal(own["Content-Type"], "text/x")
  t:equal(own.body, "b")
  local silent = t:ua { aor = "sip:x@example.test", user_agent = false }
  t:equal(silent:build("OPTIONS", { uri = "sip:b@example.test" })["User-Agent"], nil)
  t:ok(alice:build("OPTIONS", { uri = "sip:b@example.test" }).call_id ~= m.call_id)
end)

sip.test("strict: the verdict of a conventional stack", function(t)
  local m = sip.message(invite)
  t:equal(m:strict(), true)
  local ok, why = sip.message(t:replace(invite, "CSeq: 42   INVITE", "CSeq: INVITE")):strict()
  t:equal(ok, nil)
  t:ok(#why > 0)
  t:equal(sip.message(""):strict(), nil)
  t:equal(sip.message("\0\0"):strict(), nil)
  t:equal(sip.message(("x"):rep(70000)):strict(), nil)
end)

sip.test("values: URIs", function(t)
  local uri = sip.uri "sip:alice;x=1:pw@[2001:db8::1]:5070;transport=udp;lr?Subject=hi"
  t:equal(uri.scheme, "sip")
  t:equal(uri.host, "2001:db8::1")
  t:equal(uri.port, 5070)
  t:equal(uri.params.transport, "udp")
  t:equal(uri.params.lr, true)
  t:equal(sip.uri("sip:example.test").user, nil)
  t:equal(sip.uri("SIPS:bob@Example.Test").host, "Example.Test")
  t:equal(sip.uri("tel:+358-555-1234567").scheme, "tel")
  for _, bad in ipairs { "", "x", "sip:", "sip:a@", "sip:@", "sip:[::1", "sip:a@b:99999", "sip:a@b:x", "\0" } do
    local value, why = sip.uri(bad)
    t:equal(value, nil, ("%q"):format(bad))
    t:ok(type(why) == "string" and #why > 0)
  end
  t:equal(sip.uri_equal("sip:alice@Example.Test;Transport=UDP", "SIP:alice@example.test;transport=udp"), true)
  t:equal(sip.uri_equal("sip:Alice@example.test", "sip:alice@example.test"), false)
  t:equal(sip.uri_equal("sip:alice@example.test", "sip:alice@example.test:5060"), false)
  t:equal(sip.uri_equal("sip:%61lice@example.test", "sip:alice@example.test"), true)
  t:ok(failure_of(sip.uri_equal, "x", "sip:a@b"):find("x", 1, true))
end)

sip.test("values: name-addr and Via", function(t)
  local v = sip.name_addr '"Bob, \\"the\\" Builder" <sip:bob@example.test;lr>;tag=1;q=0.5'
  t:equal(v.uri.raw, "sip:bob@example.test;lr")
  t:equal(v.tag, "1")
  t:equal(v.params.q, "0.5")
  t:equal(v.uri.params.lr, true)
  t:ok(v.display:find("Bob, ", 1, true))
  v = sip.name_addr "sip:bob@example.test;tag=9"        -- without <>, parameters are the header's
  t:equal(v.uri.raw, "sip:bob@example.test")
  t:equal(v.tag, "9")
  t:equal(sip.name_addr("*").star, true)
  for _, bad in ipairs { "", "<", "<sip:a@b", '"x <sip:a@b>', "\0" } do
    local value, why = sip.name_addr(bad)
    t:equal(value, nil, ("%q"):format(bad))
    t:ok(#why > 0)
  end
  local via = sip.via "SIP/2.0/UDP 192.0.2.1:5070;rport=4711;received=192.0.2.9;branch=z9hG4bKx"
  t:equal(via.transport, "UDP")
  t:equal(via.host, "192.0.2.1")
  t:equal(via.port, 5070)
  t:equal(via.branch, "z9hG4bKx")
  t:equal(via.received, "192.0.2.9")
  t:equal(via.rport, 4711)
  t:equal(sip.via("SIP/2.0/UDP a.b;rport").rport, true)
  t:equal(sip.via("SIP/2.0/UDP a.b").rport, nil)
  t:equal(sip.via "SIP/2.0", nil)
end)

sip.test("a message outlives its test objects, and says when and where it was", function(t)
  local kept
  do
    local box, from = t:endpoint { name = "box" }, t:endpoint { name = "from" }
    t:sleep(1)
    local sent = from:send("MESSAGE sip:x SIP/2.0\r\nCall-ID: c\r\n\r\n", box)
    kept = box:take()
    t:near(kept.time, 1, help.slack(t))
    t:equal(kept.source, from.address)
    t:equal(kept.destination, box.address)
    t:equal(sent.source, from.address)
    t:equal(sent.destination, box.address)
    t:ok(kept.frame == nil or kept.frame == sent.frame)
  end
  for _ = 1, 3 do collectgarbage() end
  t:equal(kept.call_id, "c")
end)

sip.test("credentials of all Authorization headers; challenges written by hand", function(t)
  local m = sip.message(table.concat({
    "REGISTER sip:example.test SIP/2.0",
    'Authorization: Digest username="a\\"b", realm="r1", nonce="n1", uri="sip:example.test", response="0123", algorithm=MD5, '
      .. 'qop=auth, nc=0000000a, cnonce="c", opaque="o"',
    'Proxy-Authorization: Digest username="c", realm="r2", nonce="n2", uri="sip:x", response="ff", algorithm=SHA-256',
    "Authorization: Basic YWxhZGRpbjpvcGVuc2VzYW1l",
    "", "" }, "\r\n"))
  local list = m:credentials()
  t:equal(#list, 3)
  t:equal(list[3].scheme, "Basic")
  t:equal(list[3].realm, nil)
  t:equal(list[1].scheme, "Digest")
  t:equal(list[1].header, "Authorization")
  t:equal(list[1].realm, "r1")
  t:equal(list[1].nonce, "n1")
  t:equal(list[1].nc, 10)
  t:equal(list[1].qop, "auth")
  t:equal(list[1].opaque, "o")
  t:equal(list[2].header, "Proxy-Authorization")
  t:equal(list[2].algorithm, "SHA-256")
  t:equal(list[2].nc, 0)
  t:equal(sip.message("x"):credentials(), {})
  t:equal(sip.challenge { realm = "r", nonce = "n" }, 'Digest realm="r", nonce="n", algorithm=MD5, qop="auth"')
  local full = sip.challenge { realm = 'a"b', nonce = "n", algorithm = "SHA-512-256-sess", qop = "auth,auth-int", opaque = "o",
    stale = true, domain = "sip:x" }
  for _, part in ipairs { 'realm="a\\"b"', "algorithm=SHA-512-256-sess", 'qop="auth,auth-int"', 'opaque="o"', "stale=true" } do
    t:ok(full:find(part, 1, true), full)
  end
  t:equal(sip.challenge({ realm = "r", nonce = "n", qop = "none" }):find("qop", 1, true), nil)
  t:ok(failure_of(sip.challenge, { realm = "r" }):find("realm and a nonce", 1, true))
  t:ok(failure_of(sip.challenge, { realm = "r", nonce = "n", algorithm = "MD4" }):find('algorithm "MD4"', 1, true))
  t:ok(failure_of(sip.challenge, { realm = "r", nonce = "n", qop = "auth-conf" }):find("qop", 1, true))
end)
