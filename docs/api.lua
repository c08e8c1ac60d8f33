-- The interface of scripts: what docs/make.lua makes docs/reference.md and docs/offhook.meta.lua of.
--
-- Types are those of LuaCATS; classes of this library begin with "sip.". A parameter is { name, type, meaning }, a name that
-- ends in "?" may be left out. An option is { name, type, meaning, default }. tests/docs.sh compares the names in here with
-- the sources: a method, field or option that only one of them knows fails.

local api = {}

-- --- groups of options that several functions share ---

api.groups = {
  wait = {
    about = "How long a wait may take. A number in place of the table is the same as `within`.",
    options = {
      { "within", "number", "Seconds. A test's own deadline cuts it short.", "5, unless the function says otherwise" },
      { "optional", "boolean", "Return `nil, \"timeout\"` when the time is over, in place of raising.", "false" },
    },
  },
  message = {
    about = "What a request carries. Everything may be left out. Within a dialog `to`, `from` and `call_id` are those of the dialog; to write others, use `headers`.",
    options = {
      { "uri", "string", "Request-URI, where the function does not take a target." },
      { "to", "string", "Value of To.", "the Request-URI" },
      { "from", "string", "Value of From, without a tag; the tag is added.", "display name and AOR of the UA" },
      { "headers", "sip.headers", "Further headers. One that the engine would write too takes its place; `false` as value leaves it out." },
      { "content_type", "string", "Value of Content-Type." },
      { "body", "string|number", "The body. Content-Length follows." },
      { "call_id", "string", "Call-ID.", "a fresh one" },
      { "cseq", "integer", "CSeq number.", "1; within a dialog the next one" },
      { "contact", "boolean", "`false` leaves Contact out, where the method takes one.", "true" },
      { "destination", "sip.target", "Where the datagram goes, whatever Route and Request-URI say." },
      { "outbound_proxy", "false", "Not by way of the actor's outbound proxy.", "through it" },
    },
  },
  endpoint = {
    about = "Where an actor lives.",
    options = {
      { "name", "string", "Name in ladder, capture and messages. A name that is taken gets a number behind it.", "\"endpoint\"" },
      { "address", "string", "Numeric address to bind to.", "one of the actor's own" },
      { "port", "integer", "UDP port; needs `address` beside it on a run without `--target`.", "virtual: 5060; real sockets: a free one" },
      { "ipv6", "boolean", "An IPv6 address.", "as the option `--ipv6` says" },
      { "timers", "sip.timers", "Timers of its transactions, see [Timers](#timers)." },
    },
  },
  auth = {
    about = "How a proxy or registrar challenges (RFC 3261 22, RFC 8760).",
    options = {
      { "realm", "string", "Realm. Needed." },
      { "users", "table<string, string>", "Passwords by user name. Needed." },
      { "algorithm", "string", "The one algorithm that is offered.", "\"MD5\"" },
      { "algorithms", "string[]", "Several, the preferred one first: one challenge each." },
      { "qop", "string", "\"auth\", \"auth-int\", \"auth,auth-int\", or \"none\".", "\"auth\"" },
      { "status", "401|407", "Status of the challenge.", "401 to REGISTER, 407 to others" },
      { "nonce_lifetime", "number", "Seconds after which a nonce is stale; 0: never.", "0" },
      { "check_uri", "boolean", "`false` takes a digest for another URI than the Request-URI too, as SIPp makes them without -auth_uri.", "true" },
    },
  },
  access = {
    about = "Who may pass. Lists of Lua patterns for the From URI; `allow` wins over `deny`. With `allow` alone all others are refused.",
    options = {
      { "allow", "string[]", "Patterns that pass." },
      { "deny", "string[]", "Patterns that get 403." },
    },
  },
  limits = {
    about = "Sizes in bytes. What is longer is refused.",
    options = {
      { "uri", "integer", "Of a Request-URI: 414.", "8192" },
      { "body", "integer", "Of a body: 413.", "65535" },
      { "message", "integer", "Of a message: 513.", "65535" },
    },
  },
}

local direction = { "direction", "\"sendrecv\"|\"sendonly\"|\"recvonly\"|\"inactive\"", "Of the session description of our own; it stays for later ones.", "as it was" }

-- Options of its own, and then those of a group.
local function with_group(group, about, own)
  local list = {}
  for _, options in ipairs { own, api.groups[group].options } do
    for _, option in ipairs(options) do list[#list + 1] = option end
  end
  return { about = about, options = list }
end

api.groups.ua = with_group("endpoint", "Who a UA is and how it behaves.", {
  { "aor", "string", "Address of record, e.g. `sip:alice@example.test`. Needed." },
  { "display", "string", "Display name in From." },
  { "username", "string", "User name of the account.", "the user of the AOR" },
  { "password", "string", "Password of the account, for every realm." },
  { "ha1", "string", "H(user:realm:password) in place of the password." },
  { "outbound_proxy", "sip.target", "Goes out as Route; requests go there." },
  { "contact_user", "string", "User of the Contact URI.", "the user of the AOR" },
  { "user_agent", "string|false", "Value of User-Agent; `false` for none.", "\"offhook\"" },
  { "max_auth_attempts", "integer", "Answers to challenges of one realm before the UA gives up; 0 answers none.", "1 (RFC 3261 22.2)" },
  { "algorithms", "string[]", "Digest algorithms that the UA knows.", "all" },
  { "auth_int", "boolean", "Prefer `auth-int` where it is offered.", "false" },
  { "answers", "table<string, boolean>", "Switches off what the UA answers by itself, e.g. `{ OPTIONS = false }`: see [What a UA answers by itself](#what-a-ua-answers-by-itself)." },
  { "limits", "sip.options.limits", "Sizes beyond which requests are refused." },
  { "claims", "string[]", "Methods whose requests wait for the script from the beginning, in calls and outside, also when they come before it expects them; an INVITE outside is a call in any case." },
  { "supports", "string[]|string", "Option tags of Supported; what Require asks for beyond them gets 420.", "100rel, replaces, timer" },
  { "requires", "string[]|string", "Option tags that a caller must support, e.g. `{ \"100rel\" }`: an INVITE without one of them in Supported or Require gets 421 with Require.", "none" },
  { "session_expires", "integer", "Session interval in seconds that its calls ask for (RFC 4028).", "none" },
  { "min_se", "integer", "The least that it takes; less gets 422.", "90" },
  { "refresher", "\"uac\"|\"uas\"", "Who is to refresh the session.", "left to the other side" },
  { "endpoint", "sip.endpoint", "An endpoint that is there already, in place of a new one. `name`, `address`, `port`, `ipv6` and `timers` are then those it has." },
})

api.groups.invite = with_group("message", "What an INVITE offers and how its call behaves.", {
          { "sdp", "string|boolean", "Session description; `false` sends none.", "one audio stream, PCMU and PCMA" }, direction, { "ack", "boolean", "`false`: a 2xx is not acknowledged, see `call:ack`.", "true" },
          { "reliable", "boolean|\"supported\"|\"required\"", "Reliable provisionals (RFC 3262): 100rel in Supported (`true`) or in Require.", "false" },
          { "prack", "boolean", "`false`: reliable provisionals come as they are and are not acknowledged, see `call:prack`.", "true" },
          { "keep_forks", "boolean", "A second 2xx is kept, see `call:fork`; else it is acknowledged and hung up.", "false" },
          { "max_redirects", "integer", "So many 3xx are followed before one is final, each to its Contact of the highest q. See also `call:follow`.", "0" },
          { "session_expires", "integer", "Session interval in seconds (RFC 4028).", "that of the UA" }, { "min_se", "integer", "The least interval.", "that of the UA" },
          { "refresher", "\"uac\"|\"uas\"", "Who is to refresh.", "that of the UA" },
          { "retransmit", "boolean", "`false`: the INVITE goes out once.", "true" },
})
api.groups.in_call = with_group("message", "Requests within a call.", {
          { "sdp", "string|boolean", "Session description; `true`: our own, `false`: none.", "our own in an INVITE, none in others" }, direction,
          { "ack", "boolean", "Of an INVITE, `false`: its 2xx is not acknowledged, see `request:ack`.", "true" }, { "retry", "boolean", "Of an INVITE: after a 491 it goes out again at the time of RFC 3261 14.1, ten times at most.", "false" },
})
api.groups.ack = with_group("message", "The ACK to a 2xx.", { { "sdp", "string", "Session description.", "none" } })

-- --- plain types ---

api.types = {
  { "sip.target", "string|sip.endpoint|sip.ua|sip.proxy|sip.registrar",
    "Where a message goes: a SIP URI, or an actor, which stands for its `uri`. Endpoint methods also take `host`, `host:port` and `udp:host:port`." },
  { "sip.headers", "[string, string|number|false][]|table<string, string|number|false>",
    "Headers: a list of `{ name, value }` goes out in its order, a map sorted by name." },
  { "sip.what", "integer|string|(integer|string)[]",
    "What is expected: a status (`200`), a class (`\"2xx\"`), a method (`\"BYE\"`), or a list of these." },
}

-- Values that a field or result may have; tests/docs.sh compares them with the sources.
api.enums = {
  { name = "sip.transaction_state", about = "RFC 3261 figures 5 to 8, RFC 6026.",
    values = { "Calling", "Trying", "Proceeding", "Accepted", "Completed", "Confirmed", "Terminated" } },
  { name = "sip.call_state", about = "State of a call.",
    values = { "calling", "proceeding", "incoming", "confirmed", "terminated" } },
  { name = "sip.ended_by", about = "What ended a call. For an INVITE that nobody answered it is the `cause` of the local response.", open = true,
    values = { "final response", "local BYE", "remote BYE", "CANCEL", "CANCEL, crossed by a 2xx", "no ACK to the 2xx", "replaced", "session expired", "session refresh failed" } },
  { name = "sip.subscription_state", about = "RFC 6665 figures 4 and 5. A subscriber begins in `notify_wait`, a notifier in `resp_wait`.",
    values = { "init", "notify_wait", "resp_wait", "pending", "active", "terminated" } },
  { name = "sip.subscription_ended_by", about = "What ended a subscription. For a request that nobody answered it is the `cause` of the local response.", open = true,
    values = { "remote NOTIFY", "local NOTIFY", "final response", "timer N", "expired", "failed NOTIFY", "Refer-Sub: false" } },
  { name = "sip.cause", about = "Why a local response was made (RFC 3261 8.1.3.1): 408 or 503.",
    values = { "timer B", "timer F", "no final response after CANCEL", "nothing listens at that address", "that address cannot be reached" } },
  { name = "sip.transaction_event", about = "What happens to a server transaction.",
    values = { "cancelled", "acked", "no ack", "terminated" } },
  { name = "sip.verdict", about = "Why credentials are not accepted.",
    values = { "missing", "wrong", "stale", "replay", "malformed", "uri" } },
}

-- --- options used in several places ---

local wait = { "given?", "number|sip.options.wait", "Seconds, or options." }
local name_rule = "Any case, compact form too."

local function response_methods(words)
  return {
    { name = "expect", params = { { "what", "sip.what", "Statuses or classes." }, wait, { "check?", "fun(message: sip.message)", "Called with the response; may raise." } },
      options = "wait", returns = { { "message", "sip.message?", "The response." }, { "why", "\"timeout\"?", "With `optional`." } },
      raises = "Another final response came, or none within the time.",
      about = "The next response that fits. Provisionals that were not asked for are skipped." .. (words or "") },
    { name = "final", params = { wait }, options = "wait", default_within = "as long as the transaction lives",
      returns = { { "message", "sip.message?", "The final response, also when it was read before. `locally` is true when nobody sent it." }, { "why", "\"timeout\"?", "With `optional`." } },
      raises = "With `within`: no final response in that time.", rfc = "RFC 3261 8.1.3.1", about = "Waits for the final response. Any status is an outcome and does not raise." },
    { name = "expect_none", params = { { "seconds", "number", "How long." } }, raises = "A response came.", about = "Nothing comes for that long." },
  }
end

local function with(list, more)
  local all = {}
  for _, item in ipairs(list) do all[#all + 1] = item end
  for _, item in ipairs(more) do all[#all + 1] = item end
  return all
end

local kind = { "kind", "string", "Name of its class." }
local actor = { "actor", "string", "Name of the actor it belongs to." }

-- --- classes ---

api.classes = {

  { name = "sip", var = "sip", origin = "`require \"sip\"`", about = "The library. Roles are modules of their own: `require \"sip.proxy\"`, `require \"sip.registrar\"`.",
    fields = { { "env", "table<string, string?>", "The same as `t.env`, for what is read when the script is loaded." } },
    methods = {
      { name = "test", static = true, params = { { "name", "string", "Unique in its file." }, { "given?", "table", "Options." }, { "f", "fun(t: sip.t)", "The test." } },
        overload = "fun(name: string, f: fun(t: sip.t))",
        options = { { "timeout", "number", "Seconds of script time; `--timeout` wins.", "60" },
          { "strict", "boolean", "A message that no script line read fails the test, as with `--strict`.", "false" } },
        raises = "No name, no function, or a name that is taken.", about = "Declares a test. A file may hold any number." },
      { name = "symptom", static = true, params = { { "given", "table", "Texts." } },
        options = { { "title", "string", "Short name." }, { "seen", "string", "What the user sees." }, { "cause", "string", "The likely cause." }, { "remedy", "string", "What helps." } },
        about = "Says what the file reproduces. The texts are printed as a row of a table after the run." },
      { name = "load", static = true, params = { { "name", "string", "Unique in its file." }, { "given?", "table", "Options." }, { "f", "fun(vu: sip.t, shared: any)", "One iteration: `vu` is its virtual user, `shared` is what `setup` returned." } },
        overload = "fun(name: string, f: fun(vu: sip.t, shared: any))",
        options = { { "rate", "number", "Arrivals a second, whether those before have ended or not." },
          { "arrivals", "string", "`\"poisson:N\"` or `\"constant:N\"` a second, in place of `rate`." },
          { "ramp", "number|string", "Seconds from 0 to the rate; or `\"A:B:T\"`, from A to B a second within T seconds, then B, in place of `rate`.", "0" },
          { "users", "integer", "The closed model: so many virtual users, each one iteration after the other, in place of arrivals." },
          { "duration", "number", "Seconds of arrivals.", "until a signal, or the key q" }, { "calls", "integer", "Arrivals in all.", "any number" },
          { "max_live", "integer", "Iterations at a time. An arrival beyond is dropped, and counted.", "10000" },
          { "timeout", "number", "Seconds of script time for one iteration; then it fails.", "none; 60 under `offhook run`" },
          { "setup", "fun(t: sip.t): any", "Runs once in each shard before the first arrival. What it returns is `shared`." },
          { "teardown", "fun(t: sip.t, shared: any)", "Runs once in each shard behind the last iteration, whatever happened." },
          { "thresholds", "string|string[]", "What must hold at the end, e.g. `\"call.setup: p99 < 0.5\"`: see [Thresholds](#thresholds)." } },
        raises = "No name, no function, a name that is taken, or an option of a wrong type.",
        about = "Declares what `offhook load` does again and again: see [Load](#load). The command line wins over the options. Under `offhook run` it is a test of one iteration." },
      { name = "serve", static = true, params = { { "name", "string", "Unique in its file." }, { "given?", "table", "Options." }, { "f", "fun(call: sip.call, t: sip.t, shared: any)", "What becomes of one call that comes in; `shared` is what `setup` returned." } },
        overload = "fun(name: string, f: fun(call: sip.call, t: sip.t, shared: any))",
        options = { { "max_live", "integer", "Calls at a time. A call beyond is dropped, and refused with 503.", "10000" },
          { "timeout", "number", "Seconds of script time for one call; then its iteration fails and it is hung up.", "none" },
          { "setup", "fun(t: sip.t): any", "As of `sip.load`." }, { "teardown", "fun(t: sip.t, shared: any)", "As of `sip.load`." },
          { "thresholds", "string|string[]", "As of `sip.load`." }, group = "ua" },
        nested = { limits = "limits" },
        raises = "As `sip.load`.",
        about = "A callee: a UA whose incoming calls are iterations, one task each. `offhook load` of a file without `sip.load` answers; with one, `t:target()` is this UA unless `--target` names another. Under `offhook run` it serves the tests of the file. The `aor` is sip:answer@example.test unless given." },
      { name = "csv", static = true, params = { { "path", "string", "Absolute, or beside the script." }, { "given?", "table", "Options." } },
        options = { { "pick", "\"sequential\"|\"random\"|\"unique\"", "Sequential: one after the other, from the first again after the last. Unique: each once.", "\"sequential\"" } },
        returns = { { "rows", "sip.rows", "" } }, rfc = "RFC 4180", raises = "The file cannot be read, or is no CSV: with the line.",
        about = "The rows of a file. Its first line has the names of the columns. It is read once, and all shards and workers pick from the same position." },
      { name = "message", static = true, params = { { "bytes", "string", "Any bytes." } }, returns = { { "message", "sip.message", "They need not be SIP." } },
        about = "A message of these bytes." },
      { name = "challenge", static = true, params = { { "given", "table", "Options." } },
        options = {
          { "realm", "string", "Realm. Needed." }, { "nonce", "string", "Nonce. Needed." },
          { "algorithm", "string", "MD5, SHA-256, SHA-512-256, or one of these with `-sess`.", "\"MD5\"" },
          { "qop", "string", "\"auth\", \"auth-int\", \"auth,auth-int\", or \"none\" to leave it out.", "\"auth\"" },
          { "opaque", "string", "Opaque." }, { "stale", "boolean", "`stale=true`.", "false" }, { "domain", "string", "Domain." } },
        returns = { { "value", "string", "For WWW-Authenticate or Proxy-Authenticate." } }, raises = "No realm, no nonce, or an algorithm that is not known.",
        rfc = "RFC 3261 22.4, RFC 8760", about = "The value of a challenge header." },
      { name = "nonces", static = true, returns = { { "nonces", "sip.nonces", "" } }, about = "A memory of nonces, for `msg:authorized`: it finds stale nonces and replays." },
      { name = "uri", static = true, params = { { "text", "string", "A URI." } }, returns = { { "uri", "sip.uri?", "" }, { "why", "string?", "What is wrong." } },
        rfc = "RFC 3261 19.1", about = "Takes a URI apart." },
      { name = "uri_equal", static = true, params = { { "a", "string", "A URI." }, { "b", "string", "Another." } }, returns = { { "equal", "boolean", "" } },
        raises = "One of them is not a URI.", rfc = "RFC 3261 19.1.4", about = "Compares two URIs." },
      { name = "name_addr", static = true, params = { { "text", "string", "Value of From, To, Contact, Route, ..." } }, returns = { { "value", "sip.name_addr?", "" }, { "why", "string?", "What is wrong." } },
        rfc = "RFC 3261 20.10", about = "Takes a name-addr or addr-spec apart." },
      { name = "via", static = true, params = { { "text", "string", "One Via value." } }, returns = { { "value", "sip.via?", "" }, { "why", "string?", "What is wrong." } },
        rfc = "RFC 3261 20.42", about = "Takes a Via value apart." },
      { name = "reason", static = true, params = { { "given", "table|string", "Options; or a value of Reason, to be taken apart." } },
        options = { { "protocol", "string", "Where the cause is from: \"SIP\", \"Q.850\", ...", "\"SIP\"" }, { "cause", "integer", "A status, or a cause of Q.850." }, { "text", "string", "For people." } },
        returns = { { "value", "string|table|nil", "The value; of a text a table with the same fields." }, { "why", "string?", "What is wrong with the text." } }, raises = "A cause that the protocol does not have, or a text of several lines.",
        rfc = "RFC 3326", about = "The value of Reason, both ways." },
      { name = "identity", static = true, params = { { "uri", "string|sip.ua", "Who: a URI, or an actor, which stands for its AOR." }, { "display?", "string", "Display name." } }, returns = { { "value", "string", "" } }, raises = "It is no URI.",
        rfc = "RFC 3325", about = "The value of P-Asserted-Identity or P-Preferred-Identity. `sip.name_addr` is the way back." },
      { name = "diversion", static = true, params = { { "given", "table|string", "Options; or one value of Diversion, to be taken apart." } },
        options = { { "uri", "string|sip.ua", "Who diverted. Needed." }, { "display", "string", "Its display name." }, { "reason", "string", "\"user-busy\", \"no-answer\", \"unconditional\", ..." }, { "counter", "integer", "How often it was diverted." },
          { "limit", "integer", "How often it may be." }, { "privacy", "string", "\"full\", \"name\", \"uri\", \"off\"." }, { "screen", "string", "\"yes\" or \"no\"." } },
        returns = { { "value", "string|table|nil", "The value; of a text a table with the same fields." }, { "why", "string?", "What is wrong with the text." } }, raises = "No URI, or a value that cannot stand there.", rfc = "RFC 5806", about = "The value of Diversion, both ways." },
      { name = "history_info", static = true, params = { { "given", "table|string", "Entries `{ uri, index, cause, text, rc, mp, np }`; or values of History-Info, to be taken apart." } },
        returns = { { "value", "string|table|nil", "The value; of texts a list of entries." }, { "why", "string?", "What is wrong with the text." } }, raises = "An entry without URI, or whose index is no text of numbers and dots.", rfc = "RFC 7044",
        about = "The value of History-Info, both ways. `cause` and `text` stand as Reason in the entry's URI; `rc`, `mp` and `np` are the index that it came from." },
      { name = "replaces", static = true, params = { { "given", "sip.call|table|string", "A call; options; or a value of Replaces, to be taken apart." } },
        options = { { "call_id", "string", "Call-ID." }, { "to_tag", "string", "The tag of who gets it." }, { "from_tag", "string", "The tag of the other side." }, { "early_only", "boolean", "Only while it rings.", "false" } },
        returns = { { "value", "string|table|nil", "The value; of a text a table with the same fields." }, { "why", "string?", "What is wrong with the text." } }, raises = "The call has no dialog yet.", rfc = "RFC 3891 6.1",
        about = "The value of Replaces, both ways. Of a call: what names that call to its other side." },
      { name = "refer_to", static = true, params = { { "target", "sip.target|sip.call", "A URI, an actor, or a call, whose other side is then meant. A text in `<>` is taken apart." }, { "given?", "table", "Options." } },
        options = { { "method", "string", "What shall be sent.", "INVITE, unsaid" }, { "replaces", "string", "Value of Replaces.", "of a call: that call's" }, { "headers", "[string, string][]", "Headers of the new request." } },
        returns = { { "value", "string|table|nil", "The value, escaped; of a text a table `{ uri, display, method, headers, replaces }`." }, { "why", "string?", "What is wrong with the text." } }, raises = "It is no URI.", rfc = "RFC 3515 2.1, RFC 3261 19.1.5",
        about = "The value of Refer-To, both ways." },
      { name = "check_options", static = true, params = { { "where", "string", "For the error text." }, { "given", "table?", "The options." }, { "names", "string[]", "Those that are known." } },
        returns = { { "given", "table", "The options, or an empty table." } }, raises = "An unknown option, with the nearest known name.",
        about = "For roles of your own: checks the names of options as the library does." },
    } },

  { name = "t", var = "t", origin = "argument of the functions given to `sip.test`, `sip.load` (there often called `vu`), `sip.serve`", about = "The context of one test, or of one virtual user under load. Actors, tasks and the network that it makes end with the test; see [Load](#load) for what ends with an iteration.",
    internal = { "began" },
    fields = { { "env", "table<string, string?>", "Settings: `--set NAME=VALUE`, else the environment variable; `nil` when neither is there. Read only." }, { "name", "string", "Name of the test." },
      { "virtual", "boolean", "Whether the run has the virtual clock." },
      { "id", "integer", "Under load the number of the virtual user, from 1 on, unique in the run; 0 in `setup`, `teardown` and what is served; 1 in a test." },
      { "iteration", "integer", "Under load how many iterations this virtual user has begun; 1 in a test." } },
    methods = {
      { name = "endpoint", params = { { "given?", "table", "Options." } }, options = { group = "endpoint" }, returns = { { "endpoint", "sip.endpoint", "" } },
        raises = "The address is not local or the port is in use (exit 3).", about = "An actor at transaction level. It answers nothing by itself." },
      { name = "ua", params = { { "given", "table", "Options." } },
        options = "ua",
        nested = { limits = "limits" },
        returns = { { "ua", "sip.ua", "" } }, raises = "The AOR is not a SIP URI; as `t:endpoint`.", about = "A user agent: an endpoint with an address of record, an account, and the manners of a decent UA." },
      { name = "proxy", params = { { "given?", "table", "Options." } },
        options = {
          { "to", "sip.target", "New Request-URI of every request outside a dialog." },
          { "next_hop", "sip.target", "Where requests go with their Request-URI as it was." },
          { "route", "fun(request: sip.message, failed: sip.message?, st: sip.server_transaction): sip.target?", "Gives the target of a request outside a dialog. Called again with the response when a target failed (3xx, 4xx, 5xx): the next target, or `nil` to send the best response back. May `st:reply` itself: a 181, or a final response in place of a target." },
          { "no_answer", "number", "Seconds that a target may ring; then it is cancelled, and `route` is called with its 487.", "none" },
          { "rewrite", "fun(message: sip.message): sip.message", "Changes each request, response and ACK that passes, just before it is sent." },
          { "registrar", "sip.registrar", "Handles REGISTER and looks up where others go: 404 to a user who never registered, 480 to one whose binding has run out." },
          { "record_route", "boolean", "Stay on the way of the dialog.", "true" },
          { "auth", "sip.options.auth", "Challenge requests outside dialogs." },
          { "access", "sip.options.access", "Refuse with 403 by From." },
          { "delay", "number", "Seconds before each request is handled.", "0" },
          { "silent", "boolean", "Answer nothing at all.", "false" },
          { "endpoint", "sip.endpoint", "An endpoint that is there already, in place of a new one." },
          group = "endpoint" },
        nested = { auth = "auth", access = "access" },
        returns = { { "proxy", "sip.proxy", "" } }, raises = "As `t:endpoint`.", rfc = "RFC 3261 16",
        about = "A stateful proxy: record-routing, loose-routing. It is written in Lua (`bindings/lua/proxy.lua`), to be copied and changed." },
      { name = "registrar", params = { { "given?", "table", "Options." } },
        options = {
          { "domain", "string", "Users of other domains get 404.", "any" },
          { "auth", "sip.options.auth", "Challenge with 401." },
          { "min_expires", "number", "Shorter registrations get 423.", "1" },
          { "max_expires", "number", "Longer registrations are cut.", "3600" },
          { "default_expires", "number", "For a REGISTER that names no time.", "3600" },
          { "serve", "boolean", "`false` makes no endpoint: for the option `registrar` of a proxy.", "true" },
          group = "endpoint" },
        returns = { { "registrar", "sip.registrar", "" } }, raises = "As `t:endpoint`.", rfc = "RFC 3261 10.3",
        about = "A registrar. It is written in Lua (`bindings/lua/registrar.lua`), to be copied and changed." },
      { name = "target", params = { { "role?", "fun(): string|sip.ua|sip.endpoint|sip.proxy|sip.registrar", "Makes the stand-in." } }, returns = { { "uri", "string", "" } },
        about = "The URI under test: `--target`, or what `role` returns, or a UA of our own that answers calls." },
      { name = "spawn", params = { { "name?", "string", "For error texts." }, { "f", "fun()", "The task." } }, overload = "fun(self: sip.t, f: fun()): sip.task", returns = { { "task", "sip.task", "" } },
        about = "A task beside the test that must finish: the test waits for it at its end." },
      { name = "serve", params = { { "name?", "string", "For error texts." }, { "f", "fun()", "The task." } }, overload = "fun(self: sip.t, f: fun()): sip.task", returns = { { "task", "sip.task", "" } },
        about = "A task that runs until the test ends and is cancelled then." },
      { name = "sleep", params = { { "seconds", "number", "" } }, about = "Waits." },
      { name = "now", returns = { { "seconds", "number", "" } }, about = "Script time since the test, or the iteration, began." },
      { name = "once", params = { { "name", "string", "" }, { "f", "fun(): any", "" } }, returns = { { "value", "any", "`false` where `f` returned nothing." } },
        about = "What `f` returned when this virtual user came here first: a UA, a row of a file, a counter. Actors that `f` makes stay from iteration to iteration. Where `f` raises, nothing is kept, and the next iteration tries again." },
      { name = "measure", params = { { "name", "string", "1 to 47 letters, digits, `_`, `.`, `-`; 16 names in a run." }, { "seconds", "number", "" } },
        about = "A time that the script takes itself: under load it is `custom.NAME` in the tables and in thresholds. In a test it goes nowhere." },
      { name = "count", params = { { "name", "string", "As for `measure`; 32 names in a run." }, { "delta?", "integer", "1 unless given." } },
        about = "Counts something: under load `custom.NAME` in the tables and in thresholds." },
      { name = "barrier", params = { { "n", "integer", "How many tasks meet." } }, returns = { { "barrier", "sip.barrier", "" } }, about = "A meeting point of tasks." },
      { name = "network", params = { { "given", "table", "Options." } },
        options = {
          { "from", "string|sip.endpoint|sip.ua|sip.proxy", "Sender, an actor or its name.", "any" }, { "to", "string|sip.endpoint|sip.ua|sip.proxy", "Receiver.", "any" },
          { "delay", "number", "Seconds, one way.", "0" }, { "jitter", "number", "Seconds added at random, from 0 to this.", "0" },
          { "loss", "number", "Share of datagrams lost, 0 to 1.", "0" }, { "duplicate", "number", "Share sent twice.", "0" },
          { "reorder", "number", "Share held back until after the next one.", "0" } },
        about = "Faults of links. The most exact pair of `from` and `to` wins; a later call for the same pair replaces the earlier one whole, so `t:network { from = a, to = b }` heals it. On real sockets faults apply to what this run sends." },
      { name = "hold", params = { { "given?", "table", "Options." } },
        options = {
          { "from", "string|sip.endpoint|sip.ua|sip.proxy", "Sender, an actor or its name.", "any" }, { "to", "string|sip.endpoint|sip.ua|sip.proxy", "Receiver.", "any" },
          { "only", "sip.what", "What is held, as for `expect`: a status, a class, a method (its requests), or a list of these.", "everything, SIP or not" },
          { "method", "string", "Requests of this method and responses to it: the 200 to an INVITE, not to the CANCEL.", "any" } },
        returns = { { "hold", "sip.hold", "" } },
        about = "From now on messages that match stay at their sender until the script lets them go: see [Holds](#holds)." },
      { name = "token", params = { { "length?", "integer", "1 to 256; 16 unless given." } }, returns = { { "text", "string", "Letters and digits." } }, about = "A random word, from the seed." },
      { name = "random", callable = "sip.random", returns = { { "x", "number", "0 <= x < 1" } }, about = "A random number, from the seed. `t.random` has more, see [random](#random)." },
      { name = "note", params = { { "about", "sip.message|integer|nil", "A message or the number of a frame." }, { "text", "string", "" } }, overload = "fun(self: sip.t, text: string)",
        about = "A comment in the capture: at a frame, or with the text alone at the capture as a whole." },
      { name = "equal", params = { { "got", "any", "" }, { "wanted", "any", "" }, { "what?", "string", "For the error text." } }, returns = { { "got", "any", "" } }, raises = "They differ.", about = "Tables are compared by what they hold." },
      { name = "near", params = { { "got", "number", "" }, { "wanted", "number", "" }, { "tolerance", "number", "" }, { "what?", "string", "For the error text." } }, returns = { { "got", "number", "" } },
        raises = "They differ by more than the tolerance.", about = "Compares numbers." },
      { name = "ok", params = { { "value", "any", "" }, { "what?", "string", "The error text." } }, returns = { { "value", "any", "" } }, raises = "The value is `nil` or `false`.", about = "Wants a true value." },
      { name = "fail", params = { { "text?", "string", "" } }, raises = "Always.", about = "Fails the test." },
      { name = "skip", params = { { "why?", "string", "" } }, raises = "Always.", about = "Ends the test as skipped." },
      { name = "replace", params = { { "text", "string|sip.message", "" }, { "old", "string", "Plain text, no pattern." }, { "new", "string", "" } }, returns = { { "text", "string", "" } },
        raises = "`old` occurs not at all or more than once.", about = "The text with its only `old` replaced." },
    } },

  { name = "endpoint", var = "endpoint", kind = "endpoint", origin = "`t:endpoint`, `ua.endpoint`", about = "An actor at transaction level, with a socket of its own.",
    fields = { { "name", "string", "Name in ladder and capture." }, { "uri", "string", "`sip:ADDRESS:PORT`." }, { "address", "string", "`ADDRESS:PORT`." },
      { "host", "string", "Address, IPv6 in brackets." }, { "port", "integer", "Port." }, kind },
    methods = {
      { name = "send", params = { { "bytes", "string|sip.message", "" }, { "to", "sip.target", "Also `host:port`." } }, returns = { { "message", "sip.message", "As sent." } },
        raises = "No destination, or too long for a datagram.", about = "Sends these bytes and nothing else. No transaction, no retransmission." },
      { name = "take", params = { wait }, options = "wait", returns = { { "message", "sip.message?", "" }, { "why", "\"timeout\"?", "With `optional`." } }, raises = "Nothing came.",
        about = "The next message that no transaction and no dialog claimed." },
      { name = "expect", params = { { "what", "sip.what", "" }, wait, { "check?", "fun(message: sip.message)", "" } }, options = "wait",
        returns = { { "message", "sip.message?", "" }, { "why", "\"timeout\"?", "With `optional`." } }, raises = "Another message came, or none.", about = "As `take`, and the message must fit. Provisionals that were not asked for are skipped." },
      { name = "expect_none", params = { { "seconds", "number", "" } }, raises = "An unclaimed message came.", about = "Nothing unclaimed comes for that long." },
      { name = "messages", returns = { { "next", "fun(): sip.message", "For a `for` loop." } }, about = "What nobody claimed, as it comes, until its task ends." },
      { name = "watch", returns = { { "watch", "sip.watch", "" } }, about = "Everything the endpoint sends and receives from now on." },
      { name = "requests", returns = { { "next", "fun(): sip.server_transaction", "For a `for` loop." } },
        about = "Requests as server transactions: all from now on, and those that wait already. ACK and CANCEL belong to theirs; the ACK to a 2xx stays unclaimed. On the endpoint of a UA the UA answers nothing any more." },
      { name = "incoming", params = { { "method?", "string", "The method it must have." }, wait }, overload = "fun(self: sip.endpoint, given: sip.options.wait): sip.server_transaction", options = "wait",
        returns = { { "st", "sip.server_transaction?", "" }, { "why", "\"timeout\"?", "With `optional`." } }, raises = "None came, or one of another method.", about = "The next request as server transaction. Claims requests as `requests` does." },
      { name = "request", params = { { "message", "string|sip.message", "A request whose Via has a branch." }, { "destination", "sip.target", "Also `host:port`." }, { "given?", "table", "Options." } },
        options = { { "timers", "sip.timers", "Of this transaction.", "those of the endpoint" }, { "retransmit", "boolean", "`false`: timers A and E never fire.", "true" }, { "ack", "boolean", "`false`: no ACK to a non-2xx.", "true" } },
        returns = { { "ct", "sip.client_transaction", "" } }, raises = "Not a request, or no branch.", rfc = "RFC 3261 17.1", about = "Sends it as a client transaction." },
      { name = "counters", returns = { { "counters", "sip.counters", "" } }, about = "What the endpoint counted." },
      { name = "via", returns = { { "value", "string", "" } }, about = "A Via value with a fresh branch." },
      { name = "tag", returns = { { "tag", "string", "" } }, about = "A fresh tag." },
      { name = "new_call_id", returns = { { "call_id", "string", "" } }, about = "A fresh Call-ID." },
    } },

  { name = "ua", var = "ua", kind = "ua", origin = "`t:ua`", about = "A user agent.",
    fields = { { "endpoint", "sip.endpoint", "One level down." }, { "name", "string", "Name of its endpoint." }, { "aor", "string", "Address of record." },
      { "contact", "string", "Contact URI." }, { "uri", "string", "The same." }, kind },
    methods = {
      { name = "build", params = { { "method", "string", "" }, { "given", "table", "Options; `uri` is needed." } }, options = { group = "message" }, returns = { { "message", "sip.message", "A valid request, unsent." } }, about = "Builds a request." },
      { name = "request", params = { { "method", "string", "" }, { "target", "sip.target", "Request-URI." }, { "given?", "table", "Options." } }, options = { group = "message" }, returns = { { "request", "sip.request", "" } },
        raises = "The target cannot be resolved.", about = "Sends a request outside dialogs and answers challenges." },
      { name = "options", params = { { "target", "sip.target", "" }, { "given?", "table", "Options." } }, options = { group = "message" }, returns = { { "request", "sip.request", "" } }, rfc = "RFC 3261 11", about = "Sends OPTIONS." },
      { name = "message", params = { { "target", "sip.target", "" }, { "text", "string", "The body." }, { "given?", "table", "Options." } }, options = { group = "message" }, returns = { { "request", "sip.request", "" } }, rfc = "RFC 3428",
        about = "Sends MESSAGE; `text/plain` unless `content_type` says otherwise, and without Contact." },
      { name = "invite", params = { { "target", "sip.target", "" }, { "given?", "table", "Options." } },
        options = { group = "invite" },
        returns = { { "call", "sip.call", "" } }, raises = "The target cannot be resolved.", rfc = "RFC 3261 13", about = "Calls." },
      { name = "register", params = { { "given?", "table", "Options." } },
        options = { { "registrar", "sip.target", "Request-URI.", "`sip:` and the domain of the AOR" }, { "expires", "integer", "Seconds; 0 removes the binding.", "3600" },
          { "refresh", "boolean", "`false` lets the binding run out.", "true" }, { "headers", "sip.headers", "Further headers." } },
        returns = { { "registration", "sip.registration", "" } }, rfc = "RFC 3261 10.2", about = "Registers its Contact and keeps it registered. A 423 is answered with the time that the registrar wants." },
      { name = "subscribe", params = { { "target", "sip.target", "" }, { "given", "table", "Options." } },
        options = { { "event", "string", "Event package. Needed." }, { "id", "string", "Parameter id of Event." }, { "accept", "string", "Value of Accept." }, { "expires", "integer", "Seconds.", "3600" },
          { "refresh", "boolean", "`false` lets it run out.", "true" }, { "forks", "boolean", "The NOTIFY of another fork makes another subscription, see `sub:forked`; else it gets 481.", "false" }, group = "message" },
        returns = { { "sub", "sip.subscription", "" } }, raises = "No event, or the target cannot be resolved.", rfc = "RFC 6665 4.1", about = "Subscribes, and keeps the subscription alive." },
      { name = "refer", params = { { "target", "sip.target", "Who gets the REFER." }, { "to", "sip.target|sip.call", "Whom it is referred to: a URI, an actor, or a call that is to be replaced. A text in `<>` is Refer-To as it is." }, { "given?", "table", "Options." } },
        options = { { "subscribe", "boolean", "`false`: Refer-Sub: false, nobody tells of the outcome (RFC 4488).", "true" }, { "referred_by", "string|false", "Referred-By (RFC 3892).", "the AOR" }, group = "message" },
        returns = { { "refer", "sip.subscription", "" } }, raises = "No target.", rfc = "RFC 3515", about = "REFER outside of calls, in a dialog of its own." },
      { name = "publish", params = { { "target", "sip.target", "" }, { "given", "table", "Options." } },
        options = { { "event", "string", "Event package. Needed." }, { "expires", "integer", "Seconds.", "3600" }, group = "message" },
        returns = { { "pub", "sip.publication", "" } }, raises = "No event or no body.", rfc = "RFC 3903", about = "Publishes the state that `body` tells. It is not refreshed by itself." },
      { name = "incoming", params = { wait }, options = "wait", returns = { { "call", "sip.call?", "" }, { "why", "\"timeout\"?", "With `optional`." } }, raises = "No call came.", about = "The next incoming call." },
      { name = "calls", returns = { { "next", "fun(): sip.call", "For a `for` loop." } }, about = "Incoming calls, until its task ends." },
      { name = "requests", returns = { { "next", "fun(): sip.server_transaction", "For a `for` loop." } }, about = "Requests outside calls. From now on all of them wait for the script: the UA answers no OPTIONS any more." },
      { name = "expect", params = { { "method", "string", "" }, wait }, options = "wait", returns = { { "st", "sip.server_transaction?", "" }, { "why", "\"timeout\"?", "With `optional`." } }, raises = "None came, or one of another method.",
        about = "The next request outside calls, to be answered with `st:reply`. Claims the method for good: its requests wait for the script from now on, others are answered as before." },
    } },

  { name = "call", var = "call", kind = "call", origin = "`ua:invite`, `ua:incoming`, `ua:calls`", about = "A call, either way: the INVITE and its dialogs. While the script does something else it acknowledges each 2xx and its repetitions, sends the PRACK to reliable provisionals, repeats its own 2xx until the ACK comes, refreshes the session, and answers BYE, re-INVITE, UPDATE and PRACK.",
    fields = {
      { "state", "sip.call_state", "" }, { "outgoing", "boolean", "Whether this side called." }, { "invite", "sip.message", "The INVITE as it was sent last, with credentials." },
      { "response", "sip.message?", "The last final response." }, { "why", "string?", "Why a 401 or 407 was not answered." }, { "ua", "sip.ua", "" }, actor,
      { "dialog", "sip.dialog?", "That of the 2xx; before one came, of the last provisional with a To tag." },
      { "forks", "sip.dialog[]", "The dialogs of all forks that answered, in order." },
      { "transaction", "sip.client_transaction|sip.server_transaction", "That of the INVITE: one level down." },
      { "replaces", "sip.call?", "The call whose place an incoming one takes (RFC 3891). Answering hangs that up." },
      { "redirects", "integer", "3xx that were followed (`max_redirects`)." },
      { "repeated_reliable", "integer", "Reliable provisionals that came again." },
      { "session_expires", "integer?", "Session interval agreed on, in seconds; `nil` without a session timer." },
      { "refresher", "\"local\"|\"remote\"|nil", "Who refreshes the session." }, { "session_refreshes", "integer", "Refreshes that this side sent." }, { "challenges", "integer", "401 and 407 that came." },
      { "retransmissions", "integer", "Of the INVITE: sent, or absorbed." }, { "repeated_responses", "integer", "Responses that came again." },
      { "ended_by", "sip.ended_by?", "`nil` while the call lives." }, { "setup_time", "number?", "Seconds from INVITE to 2xx." },
      { "post_dial_delay", "number?", "Seconds from INVITE to the first 18x, or the 2xx (RFC 6076 4.3)." }, { "trying_time", "number?", "Seconds from INVITE to the first provisional." },
      { "duration", "number?", "Seconds from 2xx to the end." }, kind },
    methods = with({
      { name = "expect", params = { { "what", "sip.what", "Of a response: statuses or classes. Of the other side: \"ACK\", \"BYE\", \"CANCEL\", \"PRACK\", or another method." }, wait, { "check?", "fun(message: sip.message)", "For responses." } },
        options = "wait", editor_returns = "sip.message",
        overload = "fun(self: sip.call, what: \"INVITE\"|\"UPDATE\"|\"INFO\"|\"OPTIONS\"|\"MESSAGE\"|\"NOTIFY\"|\"REFER\", given?: number|sip.options.wait): sip.server_transaction",
        returns = { { "it", "sip.message|sip.server_transaction|true|nil", "The response; the message of ACK, BYE, CANCEL or PRACK; for other methods the server transaction, which the script then answers." }, { "why", "\"timeout\"?", "With `optional`." } },
        raises = "Another final response or request came, the call ended, or nothing came.",
        about = "Waits for a response to the INVITE, or for what the other side sends. Provisionals that were not asked for are skipped. ACK, BYE, CANCEL and PRACK are answered already. Another method is claimed for good: its requests wait for the script from now on, others are answered as before." },
      response_methods()[2], response_methods()[3] }, {
      { name = "responses", returns = { { "next", "fun(): sip.message", "For a `for` loop." } }, about = "Every response to its INVITE, as it comes." },
      { name = "requests", returns = { { "next", "fun(): sip.server_transaction", "For a `for` loop." } }, about = "Requests within the call, from now on all but ACK, BYE, PRACK and CANCEL." },
      { name = "ended", params = { wait }, options = "wait", returns = { { "by", "sip.ended_by?", "" }, { "why", "\"timeout\"?", "With `optional`." } }, raises = "The call still lives.", about = "Waits for the end of the call, whoever ends it." },
      { name = "reply", params = { { "status", "integer", "100 to 699." }, { "given?", "table", "Options, or the list of headers alone." } },
        options = { { "reason", "string", "Reason phrase.", "the RFC's" }, { "headers", "sip.headers", "Further headers." }, { "sdp", "string|boolean", "Session description; `true`: our own, `false`: none.", "of our own in a 2xx, none in others" }, direction,
          { "reliable", "boolean", "A provisional is repeated until its PRACK (RFC 3262).", "when the caller requires it" }, { "body", "string", "Another body." }, { "content_type", "string", "Its Content-Type." } },
        returns = { { "message", "sip.message", "As sent." } }, raises = "No INVITE waits for an answer.", about = "Answers the INVITE, or a re-INVITE." },
      { name = "ring", params = { { "given?", "table", "As `reply`." } }, options = { same = "reply" }, returns = { { "message", "sip.message", "" } }, about = "`call:reply(180)`." },
      { name = "answer", params = { { "given?", "table", "As `reply`." } }, options = { same = "reply" }, returns = { { "message", "sip.message", "" } }, about = "`call:reply(200)`." },
      { name = "reject", params = { { "status?", "integer", "486 unless given." }, { "given?", "table", "As `reply`." } }, options = { same = "reply" }, returns = { { "message", "sip.message", "" } }, raises = "A status below 300; as `reply`.", about = "Refuses the call, or redirects it." },
      { name = "cancel", params = { { "given?", "table", "Options." } }, options = { { "now", "boolean", "Do not wait for a provisional.", "false" }, { "keep", "boolean", "A 2xx that crosses the CANCEL is kept; else it is hung up.", "false" } }, returns = { { "call", "sip.call", "" } }, raises = "Not the caller, or the INVITE is over.", rfc = "RFC 3261 9.1", about = "CANCEL, once a provisional came." },
      { name = "fork", params = { wait }, options = "wait", returns = { { "dialog", "sip.dialog?", "" }, { "why", "\"timeout\"?", "With `optional`." } }, raises = "None came.", rfc = "RFC 3261 13.2.2.4", about = "The dialog of another fork's 2xx, for a call made with `keep_forks = true`. It is acknowledged." },
      { name = "follow", params = { { "given?", "table", "Options: those of `ua:invite`, and" } }, options = { { "choice", "integer", "Which Contact, in the order of q.", "1" }, group = "invite" }, returns = { { "call", "sip.call", "" } }, raises = "Its final response is no 3xx with so many Contacts.", rfc = "RFC 3261 8.1.3.4", about = "A new call to the Contact of the 3xx that it got: same Call-ID, From and To, the CSeq counted up." },
      { name = "request", params = { { "method", "string", "" }, { "given?", "table", "Options." } },
        options = { group = "in_call" },
        returns = { { "request", "sip.request", "" } }, raises = "There is no dialog yet.", rfc = "RFC 3261 12.2", about = "A request within the call. BYE ends it." },
      { name = "refer", params = { { "target", "sip.target|sip.call", "A URI, an actor, or another call, whose other side is to replace that call by a new one. A text in `<>` is Refer-To as it is." }, { "given?", "table", "Options." } },
        options = { { "subscribe", "boolean", "`false`: Refer-Sub: false, nobody tells of the outcome (RFC 4488).", "true" }, { "referred_by", "string|false", "Referred-By (RFC 3892).", "the AOR" }, group = "message" },
        returns = { { "refer", "sip.subscription", "" } }, raises = "There is no dialog yet, or no more.", rfc = "RFC 3515, RFC 5589", about = "REFER within the call: a transfer. The call goes on; `call:bye` ends it." },
      { name = "reinvite", params = { { "given?", "table", "Options of `request`; `retry` is `true` unless given." } }, options = { group = "in_call" }, returns = { { "request", "sip.request", "" } }, raises = "There is no dialog yet.", rfc = "RFC 3261 14.1", about = "An INVITE within the call as a phone sends it: after a 491 again." },
      { name = "hold", params = { { "given?", "table", "As `reinvite`." } }, options = { group = "in_call" }, returns = { { "request", "sip.request", "" } }, rfc = "RFC 3264 8.4", about = "Puts the other side on hold: a re-INVITE with `sendonly`." },
      { name = "resume", params = { { "given?", "table", "As `reinvite`." } }, options = { group = "in_call" }, returns = { { "request", "sip.request", "" } }, about = "Ends the hold: a re-INVITE with `sendrecv`." },
      { name = "update", params = { { "given?", "table", "As `request`." } }, options = { group = "in_call" }, returns = { { "request", "sip.request", "" } }, rfc = "RFC 3311", about = "UPDATE, also in an early dialog; with an offer where `sdp` says so." },
      { name = "info", params = { { "given?", "table", "As `request`." } }, options = { group = "in_call" }, returns = { { "request", "sip.request", "" } }, rfc = "RFC 6086", about = "INFO." },
      { name = "prack", params = { { "provisional", "sip.message", "The reliable provisional." }, { "given?", "table", "Options." } }, options = { { "sdp", "string|boolean", "Session description.", "the answer, where the provisional brings an offer" }, group = "message" }, returns = { { "request", "sip.request", "" } }, raises = "It is no reliable provisional of this call.", rfc = "RFC 3262 4", about = "Sends the PRACK, for a call made with `prack = false`." },
      { name = "bye", params = { { "given?", "table", "Options." } }, options = { group = "in_call" }, returns = { { "request", "sip.request", "" } }, raises = "The call is not up.", rfc = "RFC 3261 15.1.1", about = "Hangs up." },
      { name = "ack", params = { { "given?", "table", "Options." } }, options = { group = "ack" }, raises = "There is no 2xx.", rfc = "RFC 3261 13.2.2.4", about = "Sends the ACK to the 2xx, for a call made with `ack = false`; another one each time." },
    }) },

  { name = "dialog", var = "dialog", kind = "dialog", origin = "`call.dialog`, `call.forks`, `call:fork`", about = "A dialog of a call (RFC 3261 12): one of each fork that answered.",
    fields = { { "state", "\"early\"|\"confirmed\"|\"terminated\"", "" }, { "call", "sip.call", "" }, { "call_id", "string", "" }, { "local_tag", "string", "" }, { "remote_tag", "string", "" }, { "local", "string", "This side's From value." }, { "remote", "string", "The other side's To value." },
      { "remote_target", "string", "URI of the other side's Contact." }, { "local_cseq", "integer", "Number of the last request sent." }, { "remote_cseq", "integer", "Of the last received; 0 before one came." }, { "confirmed", "boolean", "A 2xx was sent or received." }, { "route_set", "string[]", "Values of Route in the order they are sent." }, kind },
    methods = {
      { name = "request", params = { { "method", "string", "" }, { "given?", "table", "As `call:request`." } }, options = { group = "in_call" }, returns = { { "request", "sip.request", "" } }, rfc = "RFC 3261 12.2", about = "A request within this dialog." },
      { name = "bye", params = { { "given?", "table", "As `call:request`." } }, options = { group = "in_call" }, returns = { { "request", "sip.request", "" } }, raises = "The dialog is over.", rfc = "RFC 3261 15.1.1", about = "Hangs up this dialog." },
      { name = "ack", params = { { "given?", "table", "As `call:ack`." } }, options = { group = "ack" }, raises = "There is no 2xx.", about = "Sends the ACK to its 2xx." },
    } },

  { name = "request", var = "request", kind = "request", origin = "`ua:request`, `ua:options`, `ua:message`, `call:request`, `call:bye`", about = "A request with its retries: challenges are answered with the account of the UA.",
    fields = { { "request", "sip.message", "As sent last." }, { "response", "sip.message?", "The final response." }, { "challenges", "integer", "401 and 407 that came." }, { "state", "sip.transaction_state", "Of the transaction under way." },
      { "retransmissions", "integer", "Of the request." }, { "repeated_responses", "integer", "Responses that came again." }, { "why", "string?", "Why a 401 or 407 was not answered." }, actor, kind },
    methods = with(response_methods(), { { name = "responses", returns = { { "next", "fun(): sip.message", "For a `for` loop." } }, about = "Every response that is not a challenge it answers." },
      { name = "cancel", params = { { "given?", "table", "Options." } }, options = { { "now", "boolean", "Do not wait for a provisional.", "false" } }, returns = { { "request", "sip.request", "" } }, raises = "It is over, or no INVITE.", rfc = "RFC 3261 9.1", about = "CANCEL of an INVITE within a call." },
      { name = "ack", params = { { "given?", "table", "As `call:ack`." } }, options = { group = "ack" }, raises = "It is no INVITE within a call, or has no 2xx.", about = "Sends the ACK to its 2xx, for an INVITE within a call made with `ack = false`." } }) },

  { name = "registration", var = "registration", kind = "registration", origin = "`ua:register`", about = "A registration. It refreshes itself before it runs out.",
    fields = { { "request", "sip.message", "The last REGISTER." }, { "response", "sip.message?", "The last final response." }, { "challenges", "integer", "401 and 407 that came to the last one." },
      { "expires", "integer", "Seconds that the registrar granted." }, { "refreshes", "integer", "How often it refreshed itself." }, { "why", "string?", "Why a 401 or 407 was not answered." }, actor, kind },
    methods = { response_methods()[1], response_methods()[2],
      { name = "responses", returns = { { "next", "fun(): sip.message", "For a `for` loop." } }, about = "Every response, those to its own refreshes too." },
      { name = "refresh", params = { { "given?", "table", "Options." } }, options = { { "expires", "integer", "Seconds.", "as before" } }, returns = { { "registration", "sip.registration", "" } }, rfc = "RFC 3261 10.2.4", about = "Registers again now. Expect the response anew." },
      { name = "unregister", returns = { { "registration", "sip.registration", "" } }, rfc = "RFC 3261 10.2.2", about = "Removes the binding. Expect the response anew." },
    } },

  { name = "subscription", var = "sub", kind = "subscription", origin = "`ua:subscribe`, `ua:refer`, `call:refer`; on the notifier's side `st:accept`, `st:follow`",
    about = "A subscription, either side. A subscriber answers NOTIFY with 200 and refreshes a SUBSCRIBE before its time is over; a notifier answers refreshes with 200 and the last state, and says when the time is over. One that a REFER made outlasts its call.",
    fields = { { "state", "sip.subscription_state", "" }, { "reason", "string?", "Parameter reason of the last Subscription-State." }, { "ended_by", "sip.subscription_ended_by?", "`nil` while it lives." },
      { "event", "string", "Event package; of a REFER `refer`." }, { "id", "string?", "Parameter id of Event; of a REFER within a call its CSeq." }, { "expires", "integer", "Seconds that were granted last; 0 at the end." },
      { "subscriber", "boolean", "Whether this side subscribed." }, { "request", "sip.message", "The SUBSCRIBE or REFER that was sent last; of a notifier the one that came." }, { "response", "sip.message?", "The last final response." },
      { "refreshes", "integer", "How often it refreshed itself." }, { "challenges", "integer", "401 and 407 that came to the last one." }, { "why", "string?", "Why a 401 or 407 was not answered." }, actor, kind },
    methods = {
      { name = "expect", params = { { "what", "sip.what", "Of the response: statuses or classes. Of the other side: \"NOTIFY\", or \"SUBSCRIBE\": the next refresh." }, wait, { "check?", "fun(message: sip.message)", "Called with the message; may raise." } },
        options = "wait", returns = { { "message", "sip.message?", "" }, { "why", "\"timeout\"?", "With `optional`." } }, raises = "Another final response came, the subscription ended, or nothing came.",
        about = "Waits for a response to the SUBSCRIBE or REFER, or for what the other side sends; that is answered already." },
      response_methods()[2],
      { name = "expect_none", params = { { "seconds", "number", "How long." } }, raises = "One came.", about = "No NOTIFY (of a notifier: no SUBSCRIBE) for that long." },
      { name = "notifications", returns = { { "next", "fun(): sip.message", "For a `for` loop." } }, about = "NOTIFYs as they come, until the subscription ends." },
      { name = "outcome", params = { wait }, options = "wait", default_within = "30", returns = { { "status", "integer?", "" }, { "reason", "string?", "Its reason phrase; \"timeout\" with `optional`." } }, raises = "The REFER was refused, or its subscription ended without a final status.", rfc = "RFC 3515 2.4.5",
        about = "What a REFER led to: the first final status that a NOTIFY told, also when that was read before." },
      { name = "forked", params = { wait }, options = "wait", returns = { { "sub", "sip.subscription?", "" }, { "why", "\"timeout\"?", "With `optional`." } }, raises = "None came.", rfc = "RFC 6665 4.1.4", about = "With `forks = true`: the subscription that the NOTIFY of another fork made." },
      { name = "ended", params = { wait }, options = "wait", returns = { { "by", "sip.subscription_ended_by?", "" }, { "why", "\"timeout\"?", "With `optional`." } }, raises = "It still lives.", about = "Waits for its end, whoever ends it." },
      { name = "refresh", params = { { "given?", "table", "Options." } }, options = { { "expires", "integer", "Seconds.", "as before" }, { "headers", "sip.headers", "Further headers." }, { "body", "string", "The body." }, { "content_type", "string", "Its Content-Type." } },
        returns = { { "sub", "sip.subscription", "" } }, raises = "There is no dialog yet, or it has ended.", rfc = "RFC 6665 4.1.2.2", about = "SUBSCRIBE within its dialog, now. Expect the response anew." },
      { name = "unsubscribe", params = { { "given?", "table", "Options." } }, options = { { "headers", "sip.headers", "Further headers." }, { "body", "string", "The body." }, { "content_type", "string", "Its Content-Type." } },
        returns = { { "sub", "sip.subscription", "" } }, raises = "As `refresh`.", rfc = "RFC 6665 4.1.2.3", about = "SUBSCRIBE with `Expires: 0`. The notifier's last NOTIFY ends the subscription." },
      { name = "notify", params = { { "state", "\"active\"|\"pending\"|\"terminated\"", "\"terminated\" ends it." }, { "given?", "table", "Options." } },
        options = { { "reason", "string", "Parameter reason." }, { "expires", "integer", "Parameter expires.", "what is left" }, { "retry_after", "integer", "Parameter retry-after." }, { "headers", "sip.headers", "Further headers; one of the engine's gives way." },
          { "body", "string", "The body. It is said again after a refresh." }, { "content_type", "string", "Its Content-Type." } },
        returns = { { "request", "sip.request", "" } }, raises = "It has ended, or this is the subscriber.", rfc = "RFC 6665 4.2.2", about = "A NOTIFY. A 481 and the like, or no answer, ends the subscription." },
    } },

  { name = "publication", var = "pub", origin = "`ua:publish`", about = "State that a server keeps for us, named by the entity-tag of its last 2xx. Each change is a request of its own; expect its response anew.",
    fields = { { "etag", "string?", "The entity-tag; `nil` before the first 2xx, after a 412, and when it was removed." }, { "expires", "integer?", "Seconds that the last 2xx granted." }, { "request", "sip.message", "The last PUBLISH." },
      { "response", "sip.message?", "Its final response." }, { "challenges", "integer", "401 and 407 that came to it." }, { "why", "string?", "Why a 401 or 407 was not answered." }, actor },
    methods = { response_methods()[1], response_methods()[2],
      { name = "refresh", params = { { "given?", "table", "Options." } }, options = { { "expires", "integer", "Seconds.", "as before" }, { "headers", "sip.headers", "Further headers." }, { "content_type", "string", "For the next `modify`." } },
        returns = { { "pub", "sip.publication", "" } }, raises = "Nothing is published.", rfc = "RFC 3903 4.3", about = "The same state for longer." },
      { name = "modify", params = { { "body", "string", "The new state." }, { "given?", "table", "As `refresh`." } }, options = { same = "refresh" }, returns = { { "pub", "sip.publication", "" } }, raises = "Nothing is published.", rfc = "RFC 3903 4.4", about = "Another state in its place." },
      { name = "remove", params = { { "given?", "table", "Options." } }, options = { { "headers", "sip.headers", "Further headers." } }, returns = { { "pub", "sip.publication", "" } }, raises = "Nothing is published.", rfc = "RFC 3903 4.5", about = "Removes the state." },
    } },

  { name = "client_transaction", var = "ct", kind = "client transaction", origin = "`endpoint:request`", about = "A client transaction. It retransmits, and acknowledges a non-2xx to an INVITE. It answers no challenge and sends no ACK to a 2xx.",
    fields = { { "request", "sip.message", "" }, { "response", "sip.message?", "The final response." }, { "state", "sip.transaction_state", "" }, { "retransmissions", "integer", "Of the request." },
      { "repeated_responses", "integer", "Responses that came again and were absorbed." }, actor, kind },
    methods = with(response_methods(), {
      { name = "responses", returns = { { "next", "fun(): sip.message", "For a `for` loop." } }, about = "Every response, provisionals and a repeated 2xx too." },
      { name = "cancel", params = { { "given?", "table", "Options." } }, options = { { "now", "boolean", "Do not wait for a provisional.", "false" } }, raises = "There is nothing to cancel.", rfc = "RFC 3261 9.1", about = "CANCEL, once a provisional came." },
    }) },

  { name = "server_transaction", var = "st", kind = "server transaction", origin = "`endpoint:requests`, `endpoint:incoming`, `ua:requests`, `ua:expect`, `call:requests`, `call:expect`",
    about = "A server transaction. It absorbs retransmissions, repeats its last response, sends 100 to an INVITE after 200 ms, and answers a CANCEL with 200.",
    fields = { { "request", "sip.message", "" }, { "response", "sip.message?", "The response sent last; of a call that was answered `nil` from its ACK on, unless `call.transaction` was read before." }, { "state", "sip.transaction_state", "" }, { "retransmissions", "integer", "Of the request, absorbed." },
      { "repeated_responses", "integer", "Responses that were sent again." }, { "cancelled", "boolean", "Whether a CANCEL came in time." }, { "to_tag", "string", "The tag this side adds to To." },
      { "owner", "sip.endpoint|sip.ua|sip.call", "Whom it came to." }, actor, kind },
    methods = {
      { name = "reply", params = { { "status", "integer", "100 to 699." }, { "given?", "table", "Options, or the list of headers alone." } },
        options = { { "reason", "string", "Reason phrase.", "the RFC's" }, { "headers", "sip.headers", "Further headers." }, { "body", "string", "The body." }, { "content_type", "string", "Its Content-Type." },
          { "to_tag", "string", "Tag in To.", "`st.to_tag`" }, { "contact", "string", "Value of Contact, e.g. `<sip:bob@192.0.2.1>`." }, { "sdp", "string", "A body with Content-Type application/sdp." } },
        returns = { { "message", "sip.message", "As sent." } }, raises = "It has had its final response.", rfc = "RFC 3261 8.2.6", about = "Builds a response and sends it." },
      { name = "respond", params = { { "response", "string|sip.message", "Any bytes with a status." } }, returns = { { "message", "sip.message", "As sent." } }, raises = "As `reply`.", about = "Sends a response made by hand; the transaction repeats it as any other." },
      { name = "event", params = { wait }, options = "wait", default_within = "as long as the test lives", returns = { { "event", "sip.transaction_event?", "" }, { "message", "sip.message|\"timeout\"|nil", "That brought it, or \"timeout\"." } }, raises = "With `within`: nothing happened.",
        about = "What happens to it next." },
      { name = "expect", params = { { "what", "\"ACK\"|\"CANCEL\"", "" }, { "given?", "number|table", "Seconds, or options." } }, options = { { "within", "number", "Seconds.", "5" } }, returns = { { "message", "sip.message", "" } }, raises = "It did not come.", about = "The ACK to a non-2xx, or the CANCEL." },
      { name = "accept", params = { { "given?", "table", "Options." } },
        options = { { "status", "integer", "200 to 299.", "200, to a REFER 202" }, { "expires", "integer", "Most seconds; less if less was asked for.", "3600" }, { "headers", "sip.headers", "Further headers." }, { "body", "string", "The body." }, { "content_type", "string", "Its Content-Type." } },
        returns = { { "sub", "sip.subscription", "To notify." } }, raises = "Neither SUBSCRIBE nor REFER, or it came to an endpoint.", rfc = "RFC 6665 4.2.1, RFC 3515 2.4.2, RFC 4488", about = "Accepts a SUBSCRIBE or REFER. To a `Refer-Sub: false` the same is said back, and the subscription has ended." },
      { name = "follow", params = { { "given?", "table", "Options of `ua:invite`." } }, returns = { { "call", "sip.call", "The new call." }, { "sub", "sip.subscription", "" } }, raises = "No REFER, a Refer-To that cannot be taken apart, or one that wants another method than INVITE.", rfc = "RFC 3515 2.4, RFC 5589, RFC 3892",
        about = "Does what a REFER asks: 202, an INVITE to Refer-To with Replaces and other headers from there and with Referred-By, and a NOTIFY for 100, each further provisional and the final response." },
      { name = "proxy", params = { { "given?", "table", "Options." } },
        options = { { "to", "sip.target", "New Request-URI." }, { "next_hop", "sip.target", "Where it goes with its Request-URI as it was." }, { "record_route", "boolean", "Stay on the way of the dialog.", "false" } },
        returns = { { "ct", "sip.client_transaction?", "Towards the next hop; `nil` when the request was answered (404, 483)." } }, rfc = "RFC 3261 16", about = "Relays the request, its responses, CANCEL and ACK." },
    } },

  { name = "message", var = "msg", kind = "message", origin = "whatever is sent or received, `sip.message`, `ua:build`", about = "The bytes that were on the wire. It never changes: an edit makes a new message and leaves every other byte as it was. `msg[\"Call-ID\"]` (first letter upper case, as on the wire) is the first header of that name or `nil`. `tostring(msg)` is its first line; `==` compares bytes.",
    fields = { { "status", "integer?", "Of a response." }, { "reason", "string?", "Reason phrase." }, { "method", "string?", "Of a request; of a response that of its CSeq." }, { "request_uri", "string?", "" },
      { "body", "string", "Empty when there is none." }, { "bytes", "string", "All of it." }, { "is_request", "boolean", "" }, { "is_response", "boolean", "" }, { "call_id", "string?", "" }, { "cseq", "integer?", "The number; `nil` when it is malformed." },
      { "branch", "string?", "Of the top Via." }, { "from_tag", "string?", "" }, { "to_tag", "string?", "" }, { "source", "string?", "`ADDRESS:PORT` it came from." }, { "destination", "string?", "`ADDRESS:PORT` it went to." },
      { "time", "number", "Script time in seconds." }, { "frame", "integer?", "Number of its packet in the recording; under load without a recording, of what a watch saw, in order." }, { "locally", "boolean", "Nobody sent it: a 408 or 503 of RFC 3261 8.1.3.1." }, { "cause", "sip.cause?", "Why, if so." },
      { "flaw", "string?", "What is wrong with it, if the engine found something." } },
    methods = {
      { name = "header", params = { { "name", "string", name_rule }, { "n?", "integer", "The n-th line of that name; 1 unless given." } }, returns = { { "value", "string?", "" } }, about = "The value of one header line." },
      { name = "headers", params = { { "name", "string", name_rule } }, returns = { { "values", "string[]", "" } }, about = "All values in order; a line of Via, Route, Record-Route or Contact with commas gives several." },
      { name = "header_list", returns = { { "list", "[string, string][]", "`{ name, value }` each." } }, about = "All header lines as they stand." },
      { name = "replace_header", params = { { "name", "string", name_rule }, { "value", "string", "" }, { "n?", "integer", "" } }, returns = { { "message", "sip.message", "" } }, raises = "There is no such header.", about = "Another value." },
      { name = "insert_header", params = { { "name", "string", "" }, { "value", "string", "" }, { "before?", "string", "The header it goes before; at the end unless given." } }, returns = { { "message", "sip.message", "" } }, raises = "There is no header `before`.", about = "One header more." },
      { name = "remove_header", params = { { "name", "string", name_rule }, { "n?", "integer", "" } }, returns = { { "message", "sip.message", "" } }, raises = "There is no such header.", about = "One header less." },
      { name = "reorder_headers", params = { { "names", "string[]", "These first; a name twice means its first two lines." } }, returns = { { "message", "sip.message", "" } }, raises = "There is no such header.", about = "Another order; the others stay behind as they were." },
      { name = "with_body", params = { { "body", "string", "" }, { "keep_length?", "boolean", "Leave Content-Length as it is." } }, returns = { { "message", "sip.message", "" } }, about = "Another body." },
      { name = "strict", returns = { { "ok", "true?", "" }, { "why", "string?", "What a conventional stack refuses." } }, about = "The verdict of libosip2 on the whole message." },
      { name = "credentials", returns = { { "list", "sip.credentials[]", "Of all Authorization and Proxy-Authorization headers." } }, rfc = "RFC 3261 22", about = "Credentials, taken apart." },
      { name = "authorized", params = { { "given", "table", "Options." } },
        options = { { "realm", "string", "Credentials of other realms are passed over." }, { "username", "string", "User that is known." }, { "password", "string", "His password." }, { "ha1", "string", "H(user:realm:password) in place of it." },
          { "nonce", "string", "The one nonce that is right." }, { "nonces", "sip.nonces", "Or a memory of nonces." }, { "nonce_lifetime", "number", "Seconds; 0: for ever.", "0" }, { "check_uri", "boolean", "The `uri` must be the Request-URI.", "true" } },
        returns = { { "ok", "boolean", "" }, { "why", "sip.verdict?", "" }, { "text", "string?", "In words." } }, rfc = "RFC 3261 22.4, RFC 7616", about = "Whether the request carries right credentials." },
    } },

  { name = "watch", var = "watch", kind = "watch", origin = "`endpoint:watch`", about = "A copy of everything that an endpoint sends and receives: retransmissions too, and what is not SIP.",
    fields = { { "actor", "string", "Name of the actor that is watched." }, kind },
    methods = {
      { name = "take", params = { wait }, options = "wait", returns = { { "message", "sip.message?", "" }, { "why", "\"timeout\"?", "With `optional`." } }, raises = "Nothing came.", about = "The next one." },
      { name = "messages", returns = { { "next", "fun(): sip.message", "For a `for` loop." } }, about = "All, until its task ends." },
      { name = "count", returns = { { "n", "integer", "" } }, about = "How many there are that nobody took." },
    } },

  { name = "hold", var = "hold", kind = "hold", origin = "`t:hold`", about = "Messages that stay at their sender until the script lets them go, so that a race comes out the same every time. Rules: [Holds](#holds).",
    fields = { { "messages", "sip.message[]", "Those held now, oldest first." }, kind },
    methods = {
      { name = "expect", params = { { "what", "sip.what", "" }, wait, { "check?", "fun(message: sip.message)", "" } }, options = "wait",
        returns = { { "message", "sip.message?", "It is still held." }, { "why", "\"timeout\"?", "With `optional`." } }, raises = "None came to be held, or the hold has ended.",
        about = "The next message held that fits. Others stay held and may be expected later. A retransmission is a message of its own." },
      { name = "release", params = { { "message?", "sip.message", "One that is held: from `expect` or `messages`." } }, raises = "It is not held (any more).",
        about = "The message goes on, as if it were sent now. Without one all go on in their order, and the hold ends." },
      { name = "drop", params = { { "message?", "sip.message", "One that is held." } }, raises = "It is not held (any more).",
        about = "The message is lost. Without one all are lost, and the hold ends." },
    } },

  { name = "task", var = "task", kind = "task", origin = "`t:spawn`, `t:serve`", about = "A task.",
    fields = { { "name", "string", "" }, { "done", "boolean", "" }, kind },
    methods = { { name = "join", about = "Waits until it is done." }, { name = "cancel", about = "Cancels it: its wait raises, `<close>` handlers run." } } },

  { name = "random", var = "random", written = "t.random", origin = "`t.random`", about = "Random numbers, from the seed. `t:random()` is `t.random:uniform()`.", callable = "fun(t: sip.t): number",
    methods = {
      { name = "exponential", params = { { "mean", "number", "" } }, returns = { { "x", "number", "" } }, raises = "No number, or one below 0.", about = "How long calls last, or how far apart arrivals of a Poisson process are." },
      { name = "uniform", params = { { "from?", "number", "0 unless given." }, { "to?", "number", "1 unless given." } }, returns = { { "x", "number", "`from` <= x < `to`" } }, about = "Any number between two." },
      { name = "integer", params = { { "from", "integer", "" }, { "to", "integer", "" } }, returns = { { "n", "integer", "`from` <= n <= `to`" } }, raises = "Not two whole numbers in order.", about = "A whole number, each as likely as the others." },
    } },

  { name = "rows", var = "rows", origin = "`sip.csv`", about = "The rows of a CSV file; `#rows` is how many there are.",
    internal = { "feeder", "path" },
    methods = { { name = "next", returns = { { "row", "table<string, string>", "By the names of the first line." } }, raises = "`pick = \"unique\"`: each row was picked once.", about = "Picks a row, as `pick` says." } } },

  { name = "barrier", var = "barrier", origin = "`t:barrier`", about = "A meeting point of tasks.",
    internal = { "n", "waiting" },
    methods = { { name = "wait", params = { { "given?", "number|table", "Seconds, or options." } }, options = { { "within", "number", "Seconds.", "as long as the test lives" } }, raises = "Not all came in time.", about = "Returns when as many tasks wait as the barrier is for. It can then be used again." } } },

  { name = "nonces", var = "nonces", origin = "`sip.nonces`", about = "A memory of nonces that a server issued.",
    internal = { "memory" },
    methods = { { name = "issue", params = { { "nonce", "string", "" } }, returns = { { "nonce", "string", "" } }, about = "Remembers it." } } },

  { name = "proxy", var = "proxy", origin = "`t:proxy`", about = "A proxy. Policy fields may be changed while it runs.",
    fields = { { "endpoint", "sip.endpoint", "" }, { "name", "string", "" }, { "uri", "string", "Of its endpoint." }, { "address", "string", "Of its endpoint." },
      { "challenges", "integer", "How often it challenged." }, { "refusals", "sip.verdict[]", "Why, one for each challenge." }, { "requests", "integer", "How many it saw." },
      { "to", "sip.target|false", "Policy, see `t:proxy`." }, { "next_hop", "sip.target|false", "Policy." }, { "route", "function|false", "Policy." }, { "no_answer", "number|false", "Policy." }, { "rewrite", "function|false", "Policy." }, { "auth", "sip.options.auth|false", "Policy." }, { "access", "sip.options.access|false", "Policy." },
      { "delay", "number|false", "Policy." }, { "silent", "boolean", "Policy." }, { "registrar", "sip.registrar|false", "Policy." }, { "record_route", "boolean", "Policy." }, { "timer_c", "number|false", "Seconds that a call may ring; the timer C of `timers`, else 181." } },
    internal = { "t", "nonces" },
    methods = {
      { name = "authenticate", params = { { "st", "sip.server_transaction", "" } }, returns = { { "ok", "boolean", "" } }, about = "Challenges unless the credentials are right." },
      { name = "handle", params = { { "st", "sip.server_transaction", "" } }, about = "What it does with a request." },
    } },

  { name = "registrar", var = "registrar", origin = "`t:registrar`", about = "A registrar. With `serve = false` it has no endpoint, and no `uri`, `name` and `server`.",
    fields = { { "endpoint", "sip.endpoint?", "" }, { "uri", "string?", "" }, { "name", "string?", "" }, { "server", "sip.proxy?", "The proxy that challenges for it." },
      { "domain", "string?", "Policy, see `t:registrar`." }, { "min_expires", "number", "Policy." }, { "max_expires", "number", "Policy." }, { "default_expires", "number", "Policy." } },
    internal = { "t", "bindings" },
    methods = {
      { name = "lookup", params = { { "uri", "string", "" } }, returns = { { "contact", "string?", "" } }, about = "The Contact registered last for an address of record." },
      { name = "knows", params = { { "uri", "string", "" } }, returns = { { "known", "boolean", "" } }, about = "Whether it was ever registered here." },
      { name = "handle", params = { { "st", "sip.server_transaction", "A REGISTER." } }, about = "Answers it." },
    } },
}

-- --- tables that functions return ---

api.tables = {
  { name = "counters", from = "endpoint:counters", fields = {
    { "not_sip", "integer", "Datagrams that are not SIP." }, { "flawed", "integer", "Messages with a flaw." }, { "stray_responses", "integer", "Responses without a transaction." },
    { "retransmissions_in", "integer", "Absorbed." }, { "retransmissions_out", "integer", "Sent." } } },
  { name = "uri", from = "sip.uri", fields = {
    { "raw", "string", "" }, { "scheme", "string", "" }, { "user", "string?", "" }, { "password", "string?", "" }, { "host", "string?", "IPv6 without brackets." }, { "port", "integer?", "" },
    { "opaque", "string?", "What follows the scheme of another URI than sip and sips." }, { "params", "table<string, string|true>", "" } } },
  { name = "name_addr", from = "sip.name_addr", fields = {
    { "raw", "string", "" }, { "star", "true?", "It is `*`; the other fields are then missing." }, { "display", "string?", "" }, { "uri", "sip.uri", "" }, { "params", "table<string, string|true>", "" }, { "tag", "string?", "" } } },
  { name = "via", from = "sip.via", fields = {
    { "raw", "string", "" }, { "transport", "string", "" }, { "host", "string", "" }, { "port", "integer?", "" }, { "branch", "string?", "" }, { "received", "string?", "" }, { "rport", "integer|true|nil", "`true` without a value." },
    { "params", "table<string, string|true>", "" } } },
  { name = "credentials", from = "msg:credentials", fields = {
    { "header", "string", "Authorization or Proxy-Authorization." }, { "scheme", "string", "Digest; of another scheme nothing else is set." }, { "username", "string?", "" }, { "realm", "string?", "" }, { "nonce", "string?", "" }, { "uri", "string?", "" }, { "response", "string?", "" }, { "cnonce", "string?", "" },
    { "opaque", "string?", "" }, { "algorithm", "string?", "As written." }, { "qop", "string?", "As written." }, { "nc", "integer", "0 without one." } } },
}

-- --- rules, in Markdown ---

api.rules = {
  { "What raises, what returns", [[
A SIP answer is an outcome, not an error: `final()` returns a 486 as it returns a 200. These raise, and a raised error that
nobody catches fails the test:

- misuse: an unknown option, or a name that `sip` or `t` does not have (the error names the nearest known one), a wrong type, a reply where nothing waits for one;
- an `expect` that is not met;
- a wait that runs out. `{ optional = true }` makes it return `nil, "timeout"` in place of raising.

When nobody answers, `final()` returns a response that the client made up itself (RFC 3261 8.1.3.1): 408 when timer B or F
ran out, 503 when the transport failed. Its `locally` is true and its `cause` says why.

An address that is in use or not local, and a name that does not resolve, end the test as ENVIRONMENT (exit 3).]] },
  { "expect", [[
`expect(200)`, `expect { 180, 183 }`, `expect "2xx"`: the next response must fit. Provisional responses that were not asked for
are skipped. Another final response fails the test. `expect(200, { within = 30 })` waits longer, `expect(200, 30)` is the same.
A function as last argument is called with the message and may check it further.

Retransmissions are absorbed and counted: `retransmissions`, `repeated_responses`. `endpoint:watch()` sees each of them.
Messages that no script line read are listed behind the result; `--strict` makes them a failure.]] },
  { "Holds", [[
`t:hold` stops messages where they leave their sender (`call:hold` is another thing: it puts a call on hold). A message that is let go meets the faults of its link (`t:network`) as if it were sent
then. Of several holds that match the newest takes it; what that one lets go, no other takes. Retransmissions match as any message does. One task at a
time may wait for a hold. On real sockets a hold stops what this run sends, as faults do.

The capture shows a message once, where it was sent; its comment (and the ladder, below it) says for how long it was held and which frame went last
before it: `held for 0.500 s, until after frame 7`. One that was dropped is marked as lost.

What is still held at the end of the test is lost. It is listed behind the result, and `--strict` makes it a failure, as it does with unread messages.]] },
  { "Time", [[
Times are seconds. A test may take 60 s (`sip.test(name, { timeout = 90 }, f)`, or `--timeout`), a wait 5 s (`within`). A
transaction lives as long as the RFC says. No wait outlives the test. Where a message and a deadline fall on the same moment, the
message wins.

With `--virtual` the clock jumps to the next thing that happens: 32 s pass in a millisecond. Without it the run uses real
sockets on this host's addresses, and waits. `--timer-scale 0.1` makes every second of script time 0.1 s on real sockets.]] },
  { "Tasks", [[
A test is a task; `t:spawn` and `t:serve` start more. Waiting looks like blocking: another task runs meanwhile. Tasks change places
only where they wait, so that no lock is needed.

The test waits for what it spawned; what it serves is cancelled at its end. One task that fails fails the test and cancels the others. Cancelling
raises inside the wait; variables declared `<close>` are closed, and may still send and wait for 2 s.

A script may have coroutines of its own, and wait inside them. Nothing can wait inside `table.sort` or the function given to `string.gsub`. A script
that runs on without waiting is stopped at the test's time limit, with its line.]] },
  { "The sandbox", [[
Scripts are plain text Lua 5.4. Globals are strict: reading one that does not exist, or setting one, raises. `require` finds the library
(`sip`, `sip.proxy`, `sip.registrar`) and files beside the script (`require "lib.phones"` is `lib/phones.lua`).

Removed: {removed}. With `--unsafe` the following stay: {unsafe}.
Answered by the run: {replaced}.]] },
  { "Load", [[
`offhook load FILE` runs one scenario again and again: a `sip.load`, or a `sip.test` as it is. Each time is an *iteration*. A raised failure ends its
iteration, and is counted by kind and script line.

**Arrivals and virtual users.** In the open model (`rate`, `arrivals`, `ramp`) an arrival comes when it is due, whether those before it have ended or not. It takes the virtual
user that became idle last, or, when none is idle, a new one: a virtual user never runs two iterations at a time. So the rate and how long an iteration takes say how many there
are: 100 a second of 3 s each are 300 virtual users. What `vu:once` keeps belongs to the virtual user and waits with it. An arrival that finds
`max_live` iterations under way is dropped and counted, never delayed. In the closed model (`users`) there are so many virtual users, and each begins its next iteration when the
last has ended: a target that answers slowly then gets less load.

**Times** are measured from when a call was due: an arrival that the generator could not begin in time has that delay in its `call.setup` and `iteration`. A wait that ended late moves
nothing that follows it.

**Shards.** A shard is a Lua state: globals, files that were required, what `setup` returned and virtual users belong to one. A run has `--workers` threads with `--shards` shards each; unless
told otherwise one worker, and a shard for each 5000 iterations of `max_live` (2 by default). Users and `max_live` are shared out to the shards; an arrival, or a call that comes in, goes to the first shard that has room, so that few Lua states are in use while few iterations are under way. Workers have sockets of their own, the shards of a
worker share them. Workers that serve do so at one address: a call is dealt with by the worker that its Call-ID says, and its Contact names that one's own port. Common to all are the rows of `sip.csv`, and what `t:measure` and `t:count` tell. On the virtual clock there is one worker.

**setup and teardown** run once in each shard; actors that `setup` makes stay until the end. No arrival is due before every `setup` has returned; one that raises ends
the run with exit 2. `teardown` runs always: behind the last iteration, after a signal, and after a `setup` that raised. It gets what `setup` returned, and 10 s.

**What an iteration leaves.** At its end, however that came, its tasks are over (what it spawned is waited for, what it serves is cancelled), the actors that it made outside
`t:once` are closed, and its outgoing calls are cancelled or hung up. A call that came in stays until the other side ends it, unless the iteration failed: then it is hung up, too.
Its calls, requests and client transactions expire when they are over: a script that kept one for later gets an error that says so. Messages never expire.
A call that has been up for a second takes less memory, and goes on as it was; only the transaction of its INVITE, when a script asks for it that late, is one that has ended.
What `setup` makes with its `t` belongs to the shard and stays. A function of `sip.serve` has a `t` for each call, which ends with it.

**Shared transports.** In a test each actor has a socket. Under load the actors of one iteration live at different transports, and those of different iterations share them: responses find
their transaction by the branch, requests their actor by Route, Call-ID and tags, and the user of the Contact. Therefore `t:network` and `t:hold` act on the links of
all iterations, `endpoint:take` and `ua:incoming` get what belongs to their own actor alone, and an actor with an `address`, a `port` or the other IP version has a transport of its own.
A name is no longer unique: many actors are called `alice`.

**Datagrams in runs.** Datagrams of one length that are due to one address within a fraction of a millisecond go to the kernel as one message, which it takes apart again (segmentation offload of
Linux; a device or a kernel without it gets them one by one). What is on the wire stays the same, and so does the order of the messages of a call; those of different calls may change places. A capture
taken on this host beside the run, with tcpdump say, may show such a run as one long datagram: `--record all` shows each.

What a script prints goes to stderr.

**Which options win.** `--rate`, `--arrivals`, `--ramp` or `--users` replace what the script says of these four; each other option replaces its own.

Under `offhook run` a `sip.load` is a test: what the file serves, `setup`, one iteration, `teardown`.]] },
  { "What is measured", [[
Times, kept in histograms: a percentile is wrong by less than 0.8 % of its value.

{times}

Counts:

{counts}

Each arrival ends as exactly one of done, failed, dropped and interrupted. A call that comes in to `sip.serve` is an arrival, too. Further: messages by method and status, sent and received, each once; retransmissions apart; failures by kind and script line;
`live`, the iterations under way; `custom.NAME`, what the script tells with `t:measure` and `t:count`.

Kinds of failures: `timeout` (a wait ran out), `response` (another final response than was wanted), `failure` (any other expectation, `t:equal` and its like), `time limit` (of the
iteration), `exhausted` (no more rows), `error` (of the script), `skip` (`t:skip`: it counts as failed), `usage`, `environment`.

The three `late` times are the generator's own delays. When their p99 reaches 10 ms a line says so, for the other times then hold some of it.]] },
  { "Thresholds", [[
What must hold at the end of a load run, in `thresholds` of `sip.load` and `sip.serve`, and in `--threshold`; one that is broken makes the exit code 99. With thresholds a failed iteration alone does not: say
`failed: count == 0`.

    NAME: FIGURE OPERATOR NUMBER        call.setup: p99 < 0.5        failed: share < 1%

| name | figures |
|---|---|
| a time, e.g. `call.setup`, `custom.NAME` | `p0` to `p100` (`p50`, `p99.9`), `mean`, `min`, `max`: in seconds; `count`; `rate`, of a second |
| `arrivals`, `done`, `failed`, `dropped`, `interrupted` | `count`; `rate`; `share`, of all arrivals |
| `timeouts`, `transport_errors` | `count`; `rate`; `share`, of the requests sent |
| `retransmissions` | `count`; `rate`; `share`, of all messages |
| `status.503`, `status.5xx` | `count`; `rate`; `share`, of all responses |
| `requests`, `responses`, a count `custom.NAME` | `count`; `rate` |
| `live` | `max` |

Operators are `<`, `<=`, `>`, `>=`, `==`, `!=`. A threshold on a time that was never measured is broken (but for its count and rate): what never happened is no success.]] },
  { "The same again", [[
Everything random comes from the seed: branches, tags, Call-IDs, nonces, `t:token`, `t:random`, `math.random`, and what the network loses. With
`--virtual` the same seed gives the same capture, byte for byte, whatever other tests run, in whatever order and with whatever `-j`.
The seed is printed at the start of a run; a failed test prints the command that repeats it.

Headers given as a map go out sorted by name; a list keeps its order. On real sockets identifiers carry an id of the run as well, and time is the host's.]] },
}

-- Checked against bindings/sandbox.c.
api.sandbox = {
  removed = { "os.exit", "os.setlocale", "dofile", "loadfile" },
  unsafe = { "io.popen", "os.execute", "debug" },
  replaced = { "load", "print", "os.time", "os.date", "os.clock", "math.random", "math.randomseed" },
}

-- What a timer's default is; names and meanings come from engine/sip/timers.h.
api.timer_defaults = {
  T1 = "0.5", T2 = "4", T4 = "5", A = "T1", B = "64*T1", C = "181", D = "64*T1", E = "T1", F = "64*T1", G = "T1", H = "64*T1", I = "T4", J = "64*T1", K = "T4",
  L = "64*T1", M = "64*T1", trying = "0.2",
}

return api
