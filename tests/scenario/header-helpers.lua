-- Values of headers: made of tables, and taken apart.
local sip = require "sip"
local help = require "_help"
local failure_of = help.failure_of

local function says(t, text, f, ...)
  local failure = failure_of(f, ...)
  t:ok(failure:find(text, 1, true), failure)
end

sip.test("Reason", function(t)
  t:equal(sip.reason { cause = 200, text = "Call completed elsewhere" }, 'SIP;cause=200;text="Call completed elsewhere"')
  t:equal(sip.reason { protocol = "Q.850", cause = 16 }, "Q.850;cause=16")
  t:equal(sip.reason { cause = 600, text = 'say "no"' }, 'SIP;cause=600;text="say \\"no\\""')
  t:equal(sip.reason 'Q.850 ;cause=16 ;text="a; \\"b\\""', { protocol = "Q.850", cause = 16, text = 'a; "b"' })
  t:equal(sip.reason "preemption", { protocol = "preemption" })
  t:equal((sip.reason ";cause=1"), nil)
  says(t, 'for Q.850 causes add protocol = "Q.850"', sip.reason, { cause = 16 })
  says(t, "sip.reason: text has a line end in it", sip.reason, { text = "a\r\nb" })
  says(t, "protocol wants a token", sip.reason, { protocol = "two words" })
  says(t, 'did you mean "cause"?', sip.reason, { casue = 200 })
end)

sip.test("P-Asserted-Identity, Diversion", function(t)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  t:equal(sip.identity("sip:alice@example.test", "Alice"), '"Alice" <sip:alice@example.test>')
  t:equal(sip.identity "tel:+15550100", "<tel:+15550100>")
  t:equal(sip.identity(alice), "<sip:alice@example.test>")
  says(t, '"alice" is no URI; write e.g. "sip:alice@example.test"', sip.identity, "alice")
  local value = sip.diversion { uri = bob, reason = "user-busy", counter = 2, privacy = "off" }
  t:equal(value, "<sip:bob@example.test>;reason=user-busy;counter=2;privacy=off")
  t:equal(sip.diversion(value), { uri = "sip:bob@example.test", reason = "user-busy", counter = 2, privacy = "off" })
  says(t, "counter wants a whole number from 0 to 99, got -1", sip.diversion, { uri = bob, counter = -1 })
  says(t, "sip.diversion: uri wants a URI or an actor, got nil", sip.diversion, { reason = "away" })

  local call = alice:invite(bob, { headers = { { "P-Asserted-Identity", sip.identity(alice, "Alice") }, { "Diversion", value } } })
  local incoming = bob:incoming()
  t:equal(sip.name_addr(incoming.invite["P-Asserted-Identity"]).display, "Alice")
  t:equal(sip.diversion(incoming.invite["Diversion"]).counter, 2)
  incoming:reject(486, { headers = { { "Reason", sip.reason { protocol = "Q.850", cause = 17 } } } })
  t:equal(sip.reason(call:expect(486)["Reason"]).cause, 17)
end)

sip.test("History-Info", function(t)
  local entries = { { uri = "sip:bob@example.test", index = "1", cause = 302, text = "Moved Temporarily" },
    { uri = "sip:carol@example.test", index = "1.1", mp = "1" } }
  local value = sip.history_info(entries)
  t:equal(value, "<sip:bob@example.test?Reason=SIP%3Bcause%3D302%3Btext%3D%22Moved%20Temporarily%22>;index=1, " ..
    "<sip:carol@example.test>;index=1.1;mp=1")
  t:equal(sip.history_info(value), entries)
  t:equal(sip.history_info { "<sip:bob@example.test>;index=1", "<sip:carol@example.test>;index=1.1;rc=1" },
    { { uri = "sip:bob@example.test", index = "1" }, { uri = "sip:carol@example.test", index = "1.1", rc = "1" } })
  says(t, 'index wants numbers with dots, e.g. "1" or "1.2"; got 1', sip.history_info, { { uri = "sip:bob@example.test", index = 1 } })
  says(t, "sip.history_info wants a list of entries", sip.history_info, {})
  t:equal((sip.history_info "bob"), nil)
end)

sip.test("Replaces, Refer-To", function(t)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  local call = alice:invite(bob)
  says(t, "the call has no dialog yet that could be replaced: it is calling", sip.replaces, call)
  local other = bob:incoming()
  other:answer()
  call:expect(200)
  local d = call.dialog
  local value = sip.replaces(call)
  t:equal(value, ("%s;to-tag=%s;from-tag=%s"):format(d.call_id, d.remote_tag, d.local_tag))
  t:equal(sip.replaces(value), { call_id = d.call_id, to_tag = d.remote_tag, from_tag = d.local_tag, early_only = false })
  t:equal(sip.replaces { call_id = "a@b", to_tag = "1", from_tag = "2", early_only = true }, "a@b;to-tag=1;from-tag=2;early-only")
  t:equal(select(2, sip.replaces "a@b;to-tag=1"), '"a@b;to-tag=1" lacks its Call-ID, to-tag or from-tag (RFC 3891 6.1)')
  says(t, "sip.replaces wants a call, or call_id, to_tag and from_tag; to_tag is missing", sip.replaces, { call_id = "a" })
  t:equal(sip.refer_to "sip:carol@example.test", "<sip:carol@example.test>")
  t:equal(sip.refer_to("sip:carol@example.test", { method = "BYE" }), "<sip:carol@example.test;method=BYE>")
  local refer_to = sip.refer_to("sip:carol@example.test", { headers = { { "Subject", "a b" } }, replaces = "a@b;to-tag=1;from-tag=2" })
  t:equal(refer_to, "<sip:carol@example.test?Subject=a%20b&Replaces=a%40b%3Bto-tag%3D1%3Bfrom-tag%3D2>")
  t:equal(sip.refer_to(refer_to), { uri = "sip:carol@example.test", replaces = "a@b;to-tag=1;from-tag=2",
    headers = { { "Subject", "a b" }, { "Replaces", "a@b;to-tag=1;from-tag=2" } } })
  t:equal(sip.refer_to(sip.refer_to(call)).replaces, value)
  call:bye():expect(200)
end)
