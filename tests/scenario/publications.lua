-- PUBLISH (RFC 3903): state that a server keeps, named by its entity-tag.
local sip = require "sip"
local help = require "_help"
local failure_of = help.failure_of

-- A server for one state: 412 to a tag that it does not know.
local function server(t)
  local bob = t:ua { aor = "sip:presence@example.test", name = "server" }
  local self = { ua = bob, tag = nil, count = 0, body = nil }
  t:serve("server", function()
    for st in bob:requests() do
      local request = st.request
      local tag = request["SIP-If-Match"]
      if tag and tag ~= self.tag then
        st:reply(412)
      else
        self.count = self.count + 1
        self.tag = ("tag%d"):format(self.count)
        if request.body ~= "" then self.body = request.body end
        if request["Expires"] == "0" then self.tag, self.body = nil, nil end
        st:reply(200, { headers = { { "SIP-ETag", ("tag%d"):format(self.count) }, { "Expires", request["Expires"] } } })
      end
    end
  end)
  return self
end

sip.test("publish, refresh, modify, remove: each names the state by the last tag", function(t)
  local alice, presence = t:ua { aor = "sip:alice@example.test" }, server(t)
  local pub = alice:publish(presence.ua, { event = "presence", body = "open", content_type = "text/plain", expires = 600 })
  t:equal(pub.etag, nil)
  pub:expect(200)
  t:equal(pub.request["Event"], "presence")
  t:equal(pub.request["SIP-If-Match"], nil)
  t:equal(pub.request["Content-Type"], "text/plain")
  t:equal(pub.etag, "tag1")
  t:equal(pub.expires, 600)
  pub:refresh():expect(200)
  t:equal(pub.request["SIP-If-Match"], "tag1")
  t:equal(pub.request.body, "")
  t:equal(pub.request["Content-Type"], nil)
  t:equal(presence.body, "open")
  pub:modify("closed", { expires = 60 }):expect(200)
  t:equal(pub.request["SIP-If-Match"], "tag2")
  t:equal(pub.request["Content-Type"], "text/plain")
  t:equal(pub.request["Expires"], "60")
  t:equal(presence.body, "closed")
  t:equal(pub.etag, "tag3")
  pub:remove():expect(200)
  t:equal(pub.request["SIP-If-Match"], "tag3")
  t:equal(pub.request["Expires"], "0")
  t:equal(pub.etag, nil)
  t:equal(presence.body, nil)
  t:ok(failure_of(pub.refresh, pub):find("refresh: there is no published state to change: 200 OK; publish anew", 1, true))
end)

sip.test("412: the server lost the state, and it is published anew", function(t)
  local alice, presence = t:ua { aor = "sip:alice@example.test" }, server(t)
  local pub = alice:publish(presence.ua, { event = "presence", body = "open", content_type = "text/plain" })
  pub:expect(200)
  presence.tag = nil
  t:equal(pub:refresh():final().status, 412)
  t:equal(pub.etag, nil)
  t:ok(failure_of(pub.modify, pub, "x"):find("there is no published state to change: 412 Conditional Request Failed", 1, true))
  pub = alice:publish(presence.ua, { event = "presence", body = "open", content_type = "text/plain" })
  t:equal(pub:final().status, 200)
end)

sip.test("a refusal leaves the tag; wrong use names the remedy", function(t)
  local alice, bob = t:ua { aor = "sip:alice@example.test" }, t:ua { aor = "sip:bob@example.test" }
  local pub = alice:publish(bob, { event = "presence", body = "open", content_type = "text/plain" })
  t:ok(failure_of(pub.refresh, pub):find("the PUBLISH has no final response yet", 1, true))
  bob:expect("PUBLISH"):reply(200, { headers = { { "SIP-ETag", "a" }, { "Expires", 60 } } })
  pub:expect(200)
  pub:modify("closed")
  bob:expect("PUBLISH"):reply(503)
  pub:expect(503)
  t:equal(pub.etag, "a")
  t:equal(pub.expires, nil)
  t:ok(failure_of(alice.publish, alice, bob, { event = "presence" }):find("publish wants a body", 1, true))
  t:ok(failure_of(alice.publish, alice, bob, { body = "x" }):find("publish wants an event package", 1, true))
  t:ok(failure_of(pub.modify, pub):find("modify wants the new body, got nil", 1, true))
end)

sip.test("a server that takes no PUBLISH, and one that challenges", function(t)
  local alice = t:ua { aor = "sip:alice@example.test", password = "secret" }
  local bob = t:ua { aor = "sip:bob@example.test" }
  alice:publish(bob, { event = "presence", body = "open", content_type = "text/plain" }):expect(405)
  local pub = alice:publish(bob, { event = "presence", body = "open", content_type = "text/plain" })
  bob:expect("PUBLISH"):reply(401, { { "WWW-Authenticate", sip.challenge { realm = "example.test", nonce = t:token(16) } } })
  bob:expect("PUBLISH"):reply(200, { headers = { { "SIP-ETag", "a" }, { "Expires", 60 } } })
  pub:expect(200)
  t:equal(pub.challenges, 1)
end)
