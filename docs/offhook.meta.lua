---@meta sip
-- Made by docs/make.lua from docs/api.lua and the sources. Change those, then run: lua5.4 docs/make.lua
--
-- For lua-language-server: put the path of this file into "workspace.library" of a .luarc.json beside your scripts.

---Where a message goes: a SIP URI, or an actor, which stands for its `uri`. Endpoint methods also take `host`, `host:port` and `udp:host:port`.
---@alias sip.target string|sip.endpoint|sip.ua|sip.proxy|sip.registrar

---Headers: a list of `{ name, value }` goes out in its order, a map sorted by name.
---@alias sip.headers [string, string|number|false][]|table<string, string|number|false>

---What is expected: a status (`200`), a class (`"2xx"`), a method (`"BYE"`), or a list of these.
---@alias sip.what integer|string|(integer|string)[]

---RFC 3261 figures 5 to 8, RFC 6026.
---@alias sip.transaction_state "Calling"|"Trying"|"Proceeding"|"Accepted"|"Completed"|"Confirmed"|"Terminated"

---State of a call.
---@alias sip.call_state "calling"|"proceeding"|"incoming"|"confirmed"|"terminated"

---What ended a call. For an INVITE that nobody answered it is the `cause` of the local response.
---@alias sip.ended_by "final response"|"local BYE"|"remote BYE"|"CANCEL"|"CANCEL, crossed by a 2xx"|"no ACK to the 2xx"|"replaced"|"session expired"|"session refresh failed"|string

---RFC 6665 figures 4 and 5. A subscriber begins in `notify_wait`, a notifier in `resp_wait`.
---@alias sip.subscription_state "init"|"notify_wait"|"resp_wait"|"pending"|"active"|"terminated"

---What ended a subscription. For a request that nobody answered it is the `cause` of the local response.
---@alias sip.subscription_ended_by "remote NOTIFY"|"local NOTIFY"|"final response"|"timer N"|"expired"|"failed NOTIFY"|"Refer-Sub: false"|string

---Why a local response was made (RFC 3261 8.1.3.1): 408 or 503.
---@alias sip.cause "timer B"|"timer F"|"no final response after CANCEL"|"nothing listens at that address"|"that address cannot be reached"

---What happens to a server transaction.
---@alias sip.transaction_event "cancelled"|"acked"|"no ack"|"terminated"

---Why credentials are not accepted.
---@alias sip.verdict "missing"|"wrong"|"stale"|"replay"|"malformed"|"uri"

---@class (exact) sip.timers
---@field T1? number|false Seconds: estimate of the round trip. Default: 0.5.
---@field T2? number|false Seconds: longest interval of retransmissions other than INVITE requests. Default: 4.
---@field T4? number|false Seconds: how long a message lives in the network. Default: 5.
---@field A? number|false Seconds: INVITE request: first retransmission. Default: T1.
---@field B? number|false Seconds: INVITE request: time-out. Default: 64*T1.
---@field C? number|false Seconds: proxy: INVITE without a final response. Default: 181.
---@field D? number|false Seconds: INVITE client: absorbs repeated non-2xx responses. Default: 64*T1.
---@field E? number|false Seconds: other request: first retransmission. Default: T1.
---@field F? number|false Seconds: other request: time-out. Default: 64*T1.
---@field G? number|false Seconds: INVITE response: first retransmission. Default: T1.
---@field H? number|false Seconds: INVITE response: wait for the ACK. Default: 64*T1.
---@field I? number|false Seconds: INVITE server: absorbs repeated ACKs. Default: T4.
---@field J? number|false Seconds: other server: absorbs repeated requests. Default: 64*T1.
---@field K? number|false Seconds: other client: absorbs repeated responses. Default: T4.
---@field L? number|false Seconds: INVITE server: absorbs repeated requests after a 2xx (RFC 6026). Default: 64*T1.
---@field M? number|false Seconds: INVITE client: takes repeated 2xx (RFC 6026). Default: 64*T1.
---@field trying? number|false Seconds: INVITE server: automatic 100 (RFC 3261 17.2.1). Default: 0.2.

---@class (exact) sip.options.wait
---@field within? number Seconds. A test's own deadline cuts it short. Default: 5, unless the function says otherwise.
---@field optional? boolean Return `nil, "timeout"` when the time is over, in place of raising. Default: false.

---@class (exact) sip.options.message
---@field uri? string Request-URI, where the function does not take a target.
---@field to? string Value of To. Default: the Request-URI.
---@field from? string Value of From, without a tag; the tag is added. Default: display name and AOR of the UA.
---@field headers? sip.headers Further headers. One that the engine would write too takes its place; `false` as value leaves it out.
---@field content_type? string Value of Content-Type.
---@field body? string|number The body. Content-Length follows.
---@field call_id? string Call-ID. Default: a fresh one.
---@field cseq? integer CSeq number. Default: 1; within a dialog the next one.
---@field contact? boolean `false` leaves Contact out, where the method takes one. Default: true.
---@field destination? sip.target Where the datagram goes, whatever Route and Request-URI say.
---@field outbound_proxy? false Not by way of the actor's outbound proxy. Default: through it.

---@class (exact) sip.options.invite
---@field sdp? string|boolean Session description; `false` sends none. Default: one audio stream, PCMU and PCMA.
---@field direction? "sendrecv"|"sendonly"|"recvonly"|"inactive" Of the session description of our own; it stays for later ones. Default: as it was.
---@field ack? boolean `false`: a 2xx is not acknowledged, see `call:ack`. Default: true.
---@field reliable? boolean|"supported"|"required" Reliable provisionals (RFC 3262): 100rel in Supported (`true`) or in Require. Default: false.
---@field prack? boolean `false`: reliable provisionals come as they are and are not acknowledged, see `call:prack`. Default: true.
---@field keep_forks? boolean A second 2xx is kept, see `call:fork`; else it is acknowledged and hung up. Default: false.
---@field max_redirects? integer So many 3xx are followed before one is final, each to its Contact of the highest q. See also `call:follow`. Default: 0.
---@field session_expires? integer Session interval in seconds (RFC 4028). Default: that of the UA.
---@field min_se? integer The least interval. Default: that of the UA.
---@field refresher? "uac"|"uas" Who is to refresh. Default: that of the UA.
---@field retransmit? boolean `false`: the INVITE goes out once. Default: true.
---@field uri? string Request-URI, where the function does not take a target.
---@field to? string Value of To. Default: the Request-URI.
---@field from? string Value of From, without a tag; the tag is added. Default: display name and AOR of the UA.
---@field headers? sip.headers Further headers. One that the engine would write too takes its place; `false` as value leaves it out.
---@field content_type? string Value of Content-Type.
---@field body? string|number The body. Content-Length follows.
---@field call_id? string Call-ID. Default: a fresh one.
---@field cseq? integer CSeq number. Default: 1; within a dialog the next one.
---@field contact? boolean `false` leaves Contact out, where the method takes one. Default: true.
---@field destination? sip.target Where the datagram goes, whatever Route and Request-URI say.
---@field outbound_proxy? false Not by way of the actor's outbound proxy. Default: through it.

---@class (exact) sip.options.in_call
---@field sdp? string|boolean Session description; `true`: our own, `false`: none. Default: our own in an INVITE, none in others.
---@field direction? "sendrecv"|"sendonly"|"recvonly"|"inactive" Of the session description of our own; it stays for later ones. Default: as it was.
---@field ack? boolean Of an INVITE, `false`: its 2xx is not acknowledged, see `request:ack`. Default: true.
---@field retry? boolean Of an INVITE: after a 491 it goes out again at the time of RFC 3261 14.1, ten times at most. Default: false.
---@field uri? string Request-URI, where the function does not take a target.
---@field to? string Value of To. Default: the Request-URI.
---@field from? string Value of From, without a tag; the tag is added. Default: display name and AOR of the UA.
---@field headers? sip.headers Further headers. One that the engine would write too takes its place; `false` as value leaves it out.
---@field content_type? string Value of Content-Type.
---@field body? string|number The body. Content-Length follows.
---@field call_id? string Call-ID. Default: a fresh one.
---@field cseq? integer CSeq number. Default: 1; within a dialog the next one.
---@field contact? boolean `false` leaves Contact out, where the method takes one. Default: true.
---@field destination? sip.target Where the datagram goes, whatever Route and Request-URI say.
---@field outbound_proxy? false Not by way of the actor's outbound proxy. Default: through it.

---@class (exact) sip.options.ack
---@field sdp? string Session description. Default: none.
---@field uri? string Request-URI, where the function does not take a target.
---@field to? string Value of To. Default: the Request-URI.
---@field from? string Value of From, without a tag; the tag is added. Default: display name and AOR of the UA.
---@field headers? sip.headers Further headers. One that the engine would write too takes its place; `false` as value leaves it out.
---@field content_type? string Value of Content-Type.
---@field body? string|number The body. Content-Length follows.
---@field call_id? string Call-ID. Default: a fresh one.
---@field cseq? integer CSeq number. Default: 1; within a dialog the next one.
---@field contact? boolean `false` leaves Contact out, where the method takes one. Default: true.
---@field destination? sip.target Where the datagram goes, whatever Route and Request-URI say.
---@field outbound_proxy? false Not by way of the actor's outbound proxy. Default: through it.

---@class (exact) sip.options.endpoint
---@field name? string Name in ladder, capture and messages. A name that is taken gets a number behind it. Default: "endpoint".
---@field address? string Numeric address to bind to. Default: one of the actor's own.
---@field port? integer UDP port; needs `address` beside it on a run without `--target`. Default: virtual: 5060; real sockets: a free one.
---@field ipv6? boolean An IPv6 address. Default: as the option `--ipv6` says.
---@field timers? sip.timers Timers of its transactions, see [Timers](#timers).

---@class (exact) sip.options.ua
---@field aor? string Address of record, e.g. `sip:alice@example.test`. Needed.
---@field display? string Display name in From.
---@field username? string User name of the account. Default: the user of the AOR.
---@field password? string Password of the account, for every realm.
---@field ha1? string H(user:realm:password) in place of the password.
---@field outbound_proxy? sip.target Goes out as Route; requests go there.
---@field contact_user? string User of the Contact URI. Default: the user of the AOR.
---@field user_agent? string|false Value of User-Agent; `false` for none. Default: "offhook".
---@field max_auth_attempts? integer Answers to challenges of one realm before the UA gives up; 0 answers none. Default: 1 (RFC 3261 22.2).
---@field algorithms? string[] Digest algorithms that the UA knows. Default: all.
---@field auth_int? boolean Prefer `auth-int` where it is offered. Default: false.
---@field answers? table<string, boolean> Switches off what the UA answers by itself, e.g. `{ OPTIONS = false }`: see [What a UA answers by itself](#what-a-ua-answers-by-itself).
---@field limits? sip.options.limits Sizes beyond which requests are refused.
---@field claims? string[] Methods whose requests wait for the script from the beginning, in calls and outside, also when they come before it expects them; an INVITE outside is a call in any case.
---@field supports? string[]|string Option tags of Supported; what Require asks for beyond them gets 420. Default: 100rel, replaces, timer.
---@field requires? string[]|string Option tags that a caller must support, e.g. `{ "100rel" }`: an INVITE without one of them in Supported or Require gets 421 with Require. Default: none.
---@field session_expires? integer Session interval in seconds that its calls ask for (RFC 4028). Default: none.
---@field min_se? integer The least that it takes; less gets 422. Default: 90.
---@field refresher? "uac"|"uas" Who is to refresh the session. Default: left to the other side.
---@field endpoint? sip.endpoint An endpoint that is there already, in place of a new one. `name`, `address`, `port`, `ipv6` and `timers` are then those it has.
---@field name? string Name in ladder, capture and messages. A name that is taken gets a number behind it. Default: "endpoint".
---@field address? string Numeric address to bind to. Default: one of the actor's own.
---@field port? integer UDP port; needs `address` beside it on a run without `--target`. Default: virtual: 5060; real sockets: a free one.
---@field ipv6? boolean An IPv6 address. Default: as the option `--ipv6` says.
---@field timers? sip.timers Timers of its transactions, see [Timers](#timers).

---@class (exact) sip.options.auth
---@field realm? string Realm. Needed.
---@field users? table<string, string> Passwords by user name. Needed.
---@field algorithm? string The one algorithm that is offered. Default: "MD5".
---@field algorithms? string[] Several, the preferred one first: one challenge each.
---@field qop? string "auth", "auth-int", "auth,auth-int", or "none". Default: "auth".
---@field status? 401|407 Status of the challenge. Default: 401 to REGISTER, 407 to others.
---@field nonce_lifetime? number Seconds after which a nonce is stale; 0: never. Default: 0.
---@field check_uri? boolean `false` takes a digest for another URI than the Request-URI too, as SIPp makes them without -auth_uri. Default: true.

---@class (exact) sip.options.access
---@field allow? string[] Patterns that pass.
---@field deny? string[] Patterns that get 403.

---@class (exact) sip.options.limits
---@field uri? integer Of a Request-URI: 414. Default: 8192.
---@field body? integer Of a body: 413. Default: 65535.
---@field message? integer Of a message: 513. Default: 65535.

---@class (exact) sip.options.sip_test
---@field timeout? number Seconds of script time; `--timeout` wins. Default: 60.
---@field strict? boolean A message that no script line read fails the test, as with `--strict`. Default: false.

---@class (exact) sip.options.sip_symptom
---@field title? string Short name.
---@field seen? string What the user sees.
---@field cause? string The likely cause.
---@field remedy? string What helps.

---@class (exact) sip.options.sip_load
---@field rate? number Arrivals a second, whether those before have ended or not.
---@field arrivals? string `"poisson:N"` or `"constant:N"` a second, in place of `rate`.
---@field ramp? number|string Seconds from 0 to the rate; or `"A:B:T"`, from A to B a second within T seconds, then B, in place of `rate`. Default: 0.
---@field users? integer The closed model: so many virtual users, each one iteration after the other, in place of arrivals.
---@field duration? number Seconds of arrivals. Default: until a signal, or the key q.
---@field calls? integer Arrivals in all. Default: any number.
---@field max_live? integer Iterations at a time. An arrival beyond is dropped, and counted. Default: 10000.
---@field timeout? number Seconds of script time for one iteration; then it fails. Default: none; 60 under `offhook run`.
---@field setup? fun(t: sip.t): any Runs once in each shard before the first arrival. What it returns is `shared`.
---@field teardown? fun(t: sip.t, shared: any) Runs once in each shard behind the last iteration, whatever happened.
---@field thresholds? string|string[] What must hold at the end, e.g. `"call.setup: p99 < 0.5"`: see [Thresholds](#thresholds).

---@class (exact) sip.options.sip_serve
---@field max_live? integer Calls at a time. A call beyond is dropped, and refused with 503. Default: 10000.
---@field timeout? number Seconds of script time for one call; then its iteration fails and it is hung up. Default: none.
---@field setup? fun(t: sip.t): any As of `sip.load`.
---@field teardown? fun(t: sip.t, shared: any) As of `sip.load`.
---@field thresholds? string|string[] As of `sip.load`.
---@field aor? string Address of record, e.g. `sip:alice@example.test`. Needed.
---@field display? string Display name in From.
---@field username? string User name of the account. Default: the user of the AOR.
---@field password? string Password of the account, for every realm.
---@field ha1? string H(user:realm:password) in place of the password.
---@field outbound_proxy? sip.target Goes out as Route; requests go there.
---@field contact_user? string User of the Contact URI. Default: the user of the AOR.
---@field user_agent? string|false Value of User-Agent; `false` for none. Default: "offhook".
---@field max_auth_attempts? integer Answers to challenges of one realm before the UA gives up; 0 answers none. Default: 1 (RFC 3261 22.2).
---@field algorithms? string[] Digest algorithms that the UA knows. Default: all.
---@field auth_int? boolean Prefer `auth-int` where it is offered. Default: false.
---@field answers? table<string, boolean> Switches off what the UA answers by itself, e.g. `{ OPTIONS = false }`: see [What a UA answers by itself](#what-a-ua-answers-by-itself).
---@field limits? sip.options.limits Sizes beyond which requests are refused.
---@field claims? string[] Methods whose requests wait for the script from the beginning, in calls and outside, also when they come before it expects them; an INVITE outside is a call in any case.
---@field supports? string[]|string Option tags of Supported; what Require asks for beyond them gets 420. Default: 100rel, replaces, timer.
---@field requires? string[]|string Option tags that a caller must support, e.g. `{ "100rel" }`: an INVITE without one of them in Supported or Require gets 421 with Require. Default: none.
---@field session_expires? integer Session interval in seconds that its calls ask for (RFC 4028). Default: none.
---@field min_se? integer The least that it takes; less gets 422. Default: 90.
---@field refresher? "uac"|"uas" Who is to refresh the session. Default: left to the other side.
---@field endpoint? sip.endpoint An endpoint that is there already, in place of a new one. `name`, `address`, `port`, `ipv6` and `timers` are then those it has.
---@field name? string Name in ladder, capture and messages. A name that is taken gets a number behind it. Default: "endpoint".
---@field address? string Numeric address to bind to. Default: one of the actor's own.
---@field port? integer UDP port; needs `address` beside it on a run without `--target`. Default: virtual: 5060; real sockets: a free one.
---@field ipv6? boolean An IPv6 address. Default: as the option `--ipv6` says.
---@field timers? sip.timers Timers of its transactions, see [Timers](#timers).

---@class (exact) sip.options.sip_csv
---@field pick? "sequential"|"random"|"unique" Sequential: one after the other, from the first again after the last. Unique: each once. Default: "sequential".

---@class (exact) sip.options.sip_challenge
---@field realm? string Realm. Needed.
---@field nonce? string Nonce. Needed.
---@field algorithm? string MD5, SHA-256, SHA-512-256, or one of these with `-sess`. Default: "MD5".
---@field qop? string "auth", "auth-int", "auth,auth-int", or "none" to leave it out. Default: "auth".
---@field opaque? string Opaque.
---@field stale? boolean `stale=true`. Default: false.
---@field domain? string Domain.

---@class (exact) sip.options.sip_reason
---@field protocol? string Where the cause is from: "SIP", "Q.850", ... Default: "SIP".
---@field cause? integer A status, or a cause of Q.850.
---@field text? string For people.

---@class (exact) sip.options.sip_diversion
---@field uri? string|sip.ua Who diverted. Needed.
---@field display? string Its display name.
---@field reason? string "user-busy", "no-answer", "unconditional", ...
---@field counter? integer How often it was diverted.
---@field limit? integer How often it may be.
---@field privacy? string "full", "name", "uri", "off".
---@field screen? string "yes" or "no".

---@class (exact) sip.options.sip_replaces
---@field call_id? string Call-ID.
---@field to_tag? string The tag of who gets it.
---@field from_tag? string The tag of the other side.
---@field early_only? boolean Only while it rings. Default: false.

---@class (exact) sip.options.sip_refer_to
---@field method? string What shall be sent. Default: INVITE, unsaid.
---@field replaces? string Value of Replaces. Default: of a call: that call's.
---@field headers? [string, string][] Headers of the new request.

---@class (exact) sip.options.t_proxy
---@field to? sip.target New Request-URI of every request outside a dialog.
---@field next_hop? sip.target Where requests go with their Request-URI as it was.
---@field route? fun(request: sip.message, failed: sip.message?, st: sip.server_transaction): sip.target? Gives the target of a request outside a dialog. Called again with the response when a target failed (3xx, 4xx, 5xx): the next target, or `nil` to send the best response back. May `st:reply` itself: a 181, or a final response in place of a target.
---@field no_answer? number Seconds that a target may ring; then it is cancelled, and `route` is called with its 487. Default: none.
---@field rewrite? fun(message: sip.message): sip.message Changes each request, response and ACK that passes, just before it is sent.
---@field registrar? sip.registrar Handles REGISTER and looks up where others go: 404 to a user who never registered, 480 to one whose binding has run out.
---@field record_route? boolean Stay on the way of the dialog. Default: true.
---@field auth? sip.options.auth Challenge requests outside dialogs.
---@field access? sip.options.access Refuse with 403 by From.
---@field delay? number Seconds before each request is handled. Default: 0.
---@field silent? boolean Answer nothing at all. Default: false.
---@field endpoint? sip.endpoint An endpoint that is there already, in place of a new one.
---@field name? string Name in ladder, capture and messages. A name that is taken gets a number behind it. Default: "endpoint".
---@field address? string Numeric address to bind to. Default: one of the actor's own.
---@field port? integer UDP port; needs `address` beside it on a run without `--target`. Default: virtual: 5060; real sockets: a free one.
---@field ipv6? boolean An IPv6 address. Default: as the option `--ipv6` says.
---@field timers? sip.timers Timers of its transactions, see [Timers](#timers).

---@class (exact) sip.options.t_registrar
---@field domain? string Users of other domains get 404. Default: any.
---@field auth? sip.options.auth Challenge with 401.
---@field min_expires? number Shorter registrations get 423. Default: 1.
---@field max_expires? number Longer registrations are cut. Default: 3600.
---@field default_expires? number For a REGISTER that names no time. Default: 3600.
---@field serve? boolean `false` makes no endpoint: for the option `registrar` of a proxy. Default: true.
---@field name? string Name in ladder, capture and messages. A name that is taken gets a number behind it. Default: "endpoint".
---@field address? string Numeric address to bind to. Default: one of the actor's own.
---@field port? integer UDP port; needs `address` beside it on a run without `--target`. Default: virtual: 5060; real sockets: a free one.
---@field ipv6? boolean An IPv6 address. Default: as the option `--ipv6` says.
---@field timers? sip.timers Timers of its transactions, see [Timers](#timers).

---@class (exact) sip.options.t_network
---@field from? string|sip.endpoint|sip.ua|sip.proxy Sender, an actor or its name. Default: any.
---@field to? string|sip.endpoint|sip.ua|sip.proxy Receiver. Default: any.
---@field delay? number Seconds, one way. Default: 0.
---@field jitter? number Seconds added at random, from 0 to this. Default: 0.
---@field loss? number Share of datagrams lost, 0 to 1. Default: 0.
---@field duplicate? number Share sent twice. Default: 0.
---@field reorder? number Share held back until after the next one. Default: 0.

---@class (exact) sip.options.t_hold
---@field from? string|sip.endpoint|sip.ua|sip.proxy Sender, an actor or its name. Default: any.
---@field to? string|sip.endpoint|sip.ua|sip.proxy Receiver. Default: any.
---@field only? sip.what What is held, as for `expect`: a status, a class, a method (its requests), or a list of these. Default: everything, SIP or not.
---@field method? string Requests of this method and responses to it: the 200 to an INVITE, not to the CANCEL. Default: any.

---@class (exact) sip.options.endpoint_request
---@field timers? sip.timers Of this transaction. Default: those of the endpoint.
---@field retransmit? boolean `false`: timers A and E never fire. Default: true.
---@field ack? boolean `false`: no ACK to a non-2xx. Default: true.

---@class (exact) sip.options.ua_register
---@field registrar? sip.target Request-URI. Default: `sip:` and the domain of the AOR.
---@field expires? integer Seconds; 0 removes the binding. Default: 3600.
---@field refresh? boolean `false` lets the binding run out. Default: true.
---@field headers? sip.headers Further headers.

---@class (exact) sip.options.ua_subscribe
---@field event? string Event package. Needed.
---@field id? string Parameter id of Event.
---@field accept? string Value of Accept.
---@field expires? integer Seconds. Default: 3600.
---@field refresh? boolean `false` lets it run out. Default: true.
---@field forks? boolean The NOTIFY of another fork makes another subscription, see `sub:forked`; else it gets 481. Default: false.
---@field uri? string Request-URI, where the function does not take a target.
---@field to? string Value of To. Default: the Request-URI.
---@field from? string Value of From, without a tag; the tag is added. Default: display name and AOR of the UA.
---@field headers? sip.headers Further headers. One that the engine would write too takes its place; `false` as value leaves it out.
---@field content_type? string Value of Content-Type.
---@field body? string|number The body. Content-Length follows.
---@field call_id? string Call-ID. Default: a fresh one.
---@field cseq? integer CSeq number. Default: 1; within a dialog the next one.
---@field contact? boolean `false` leaves Contact out, where the method takes one. Default: true.
---@field destination? sip.target Where the datagram goes, whatever Route and Request-URI say.
---@field outbound_proxy? false Not by way of the actor's outbound proxy. Default: through it.

---@class (exact) sip.options.ua_refer
---@field subscribe? boolean `false`: Refer-Sub: false, nobody tells of the outcome (RFC 4488). Default: true.
---@field referred_by? string|false Referred-By (RFC 3892). Default: the AOR.
---@field uri? string Request-URI, where the function does not take a target.
---@field to? string Value of To. Default: the Request-URI.
---@field from? string Value of From, without a tag; the tag is added. Default: display name and AOR of the UA.
---@field headers? sip.headers Further headers. One that the engine would write too takes its place; `false` as value leaves it out.
---@field content_type? string Value of Content-Type.
---@field body? string|number The body. Content-Length follows.
---@field call_id? string Call-ID. Default: a fresh one.
---@field cseq? integer CSeq number. Default: 1; within a dialog the next one.
---@field contact? boolean `false` leaves Contact out, where the method takes one. Default: true.
---@field destination? sip.target Where the datagram goes, whatever Route and Request-URI say.
---@field outbound_proxy? false Not by way of the actor's outbound proxy. Default: through it.

---@class (exact) sip.options.ua_publish
---@field event? string Event package. Needed.
---@field expires? integer Seconds. Default: 3600.
---@field uri? string Request-URI, where the function does not take a target.
---@field to? string Value of To. Default: the Request-URI.
---@field from? string Value of From, without a tag; the tag is added. Default: display name and AOR of the UA.
---@field headers? sip.headers Further headers. One that the engine would write too takes its place; `false` as value leaves it out.
---@field content_type? string Value of Content-Type.
---@field body? string|number The body. Content-Length follows.
---@field call_id? string Call-ID. Default: a fresh one.
---@field cseq? integer CSeq number. Default: 1; within a dialog the next one.
---@field contact? boolean `false` leaves Contact out, where the method takes one. Default: true.
---@field destination? sip.target Where the datagram goes, whatever Route and Request-URI say.
---@field outbound_proxy? false Not by way of the actor's outbound proxy. Default: through it.

---@class (exact) sip.options.call_reply
---@field reason? string Reason phrase. Default: the RFC's.
---@field headers? sip.headers Further headers.
---@field sdp? string|boolean Session description; `true`: our own, `false`: none. Default: of our own in a 2xx, none in others.
---@field direction? "sendrecv"|"sendonly"|"recvonly"|"inactive" Of the session description of our own; it stays for later ones. Default: as it was.
---@field reliable? boolean A provisional is repeated until its PRACK (RFC 3262). Default: when the caller requires it.
---@field body? string Another body.
---@field content_type? string Its Content-Type.

---@class (exact) sip.options.call_cancel
---@field now? boolean Do not wait for a provisional. Default: false.
---@field keep? boolean A 2xx that crosses the CANCEL is kept; else it is hung up. Default: false.

---@class (exact) sip.options.call_follow
---@field choice? integer Which Contact, in the order of q. Default: 1.
---@field sdp? string|boolean Session description; `false` sends none. Default: one audio stream, PCMU and PCMA.
---@field direction? "sendrecv"|"sendonly"|"recvonly"|"inactive" Of the session description of our own; it stays for later ones. Default: as it was.
---@field ack? boolean `false`: a 2xx is not acknowledged, see `call:ack`. Default: true.
---@field reliable? boolean|"supported"|"required" Reliable provisionals (RFC 3262): 100rel in Supported (`true`) or in Require. Default: false.
---@field prack? boolean `false`: reliable provisionals come as they are and are not acknowledged, see `call:prack`. Default: true.
---@field keep_forks? boolean A second 2xx is kept, see `call:fork`; else it is acknowledged and hung up. Default: false.
---@field max_redirects? integer So many 3xx are followed before one is final, each to its Contact of the highest q. See also `call:follow`. Default: 0.
---@field session_expires? integer Session interval in seconds (RFC 4028). Default: that of the UA.
---@field min_se? integer The least interval. Default: that of the UA.
---@field refresher? "uac"|"uas" Who is to refresh. Default: that of the UA.
---@field retransmit? boolean `false`: the INVITE goes out once. Default: true.
---@field uri? string Request-URI, where the function does not take a target.
---@field to? string Value of To. Default: the Request-URI.
---@field from? string Value of From, without a tag; the tag is added. Default: display name and AOR of the UA.
---@field headers? sip.headers Further headers. One that the engine would write too takes its place; `false` as value leaves it out.
---@field content_type? string Value of Content-Type.
---@field body? string|number The body. Content-Length follows.
---@field call_id? string Call-ID. Default: a fresh one.
---@field cseq? integer CSeq number. Default: 1; within a dialog the next one.
---@field contact? boolean `false` leaves Contact out, where the method takes one. Default: true.
---@field destination? sip.target Where the datagram goes, whatever Route and Request-URI say.
---@field outbound_proxy? false Not by way of the actor's outbound proxy. Default: through it.

---@class (exact) sip.options.call_refer
---@field subscribe? boolean `false`: Refer-Sub: false, nobody tells of the outcome (RFC 4488). Default: true.
---@field referred_by? string|false Referred-By (RFC 3892). Default: the AOR.
---@field uri? string Request-URI, where the function does not take a target.
---@field to? string Value of To. Default: the Request-URI.
---@field from? string Value of From, without a tag; the tag is added. Default: display name and AOR of the UA.
---@field headers? sip.headers Further headers. One that the engine would write too takes its place; `false` as value leaves it out.
---@field content_type? string Value of Content-Type.
---@field body? string|number The body. Content-Length follows.
---@field call_id? string Call-ID. Default: a fresh one.
---@field cseq? integer CSeq number. Default: 1; within a dialog the next one.
---@field contact? boolean `false` leaves Contact out, where the method takes one. Default: true.
---@field destination? sip.target Where the datagram goes, whatever Route and Request-URI say.
---@field outbound_proxy? false Not by way of the actor's outbound proxy. Default: through it.

---@class (exact) sip.options.call_prack
---@field sdp? string|boolean Session description. Default: the answer, where the provisional brings an offer.
---@field uri? string Request-URI, where the function does not take a target.
---@field to? string Value of To. Default: the Request-URI.
---@field from? string Value of From, without a tag; the tag is added. Default: display name and AOR of the UA.
---@field headers? sip.headers Further headers. One that the engine would write too takes its place; `false` as value leaves it out.
---@field content_type? string Value of Content-Type.
---@field body? string|number The body. Content-Length follows.
---@field call_id? string Call-ID. Default: a fresh one.
---@field cseq? integer CSeq number. Default: 1; within a dialog the next one.
---@field contact? boolean `false` leaves Contact out, where the method takes one. Default: true.
---@field destination? sip.target Where the datagram goes, whatever Route and Request-URI say.
---@field outbound_proxy? false Not by way of the actor's outbound proxy. Default: through it.

---@class (exact) sip.options.request_cancel
---@field now? boolean Do not wait for a provisional. Default: false.

---@class (exact) sip.options.registration_refresh
---@field expires? integer Seconds. Default: as before.

---@class (exact) sip.options.subscription_refresh
---@field expires? integer Seconds. Default: as before.
---@field headers? sip.headers Further headers.
---@field body? string The body.
---@field content_type? string Its Content-Type.

---@class (exact) sip.options.subscription_unsubscribe
---@field headers? sip.headers Further headers.
---@field body? string The body.
---@field content_type? string Its Content-Type.

---@class (exact) sip.options.subscription_notify
---@field reason? string Parameter reason.
---@field expires? integer Parameter expires. Default: what is left.
---@field retry_after? integer Parameter retry-after.
---@field headers? sip.headers Further headers; one of the engine's gives way.
---@field body? string The body. It is said again after a refresh.
---@field content_type? string Its Content-Type.

---@class (exact) sip.options.publication_refresh
---@field expires? integer Seconds. Default: as before.
---@field headers? sip.headers Further headers.
---@field content_type? string For the next `modify`.

---@class (exact) sip.options.publication_remove
---@field headers? sip.headers Further headers.

---@class (exact) sip.options.client_transaction_cancel
---@field now? boolean Do not wait for a provisional. Default: false.

---@class (exact) sip.options.server_transaction_reply
---@field reason? string Reason phrase. Default: the RFC's.
---@field headers? sip.headers Further headers.
---@field body? string The body.
---@field content_type? string Its Content-Type.
---@field to_tag? string Tag in To. Default: `st.to_tag`.
---@field contact? string Value of Contact, e.g. `<sip:bob@192.0.2.1>`.
---@field sdp? string A body with Content-Type application/sdp.

---@class (exact) sip.options.server_transaction_expect
---@field within? number Seconds. Default: 5.

---@class (exact) sip.options.server_transaction_accept
---@field status? integer 200 to 299. Default: 200, to a REFER 202.
---@field expires? integer Most seconds; less if less was asked for. Default: 3600.
---@field headers? sip.headers Further headers.
---@field body? string The body.
---@field content_type? string Its Content-Type.

---@class (exact) sip.options.server_transaction_proxy
---@field to? sip.target New Request-URI.
---@field next_hop? sip.target Where it goes with its Request-URI as it was.
---@field record_route? boolean Stay on the way of the dialog. Default: false.

---@class (exact) sip.options.message_authorized
---@field realm? string Credentials of other realms are passed over.
---@field username? string User that is known.
---@field password? string His password.
---@field ha1? string H(user:realm:password) in place of it.
---@field nonce? string The one nonce that is right.
---@field nonces? sip.nonces Or a memory of nonces.
---@field nonce_lifetime? number Seconds; 0: for ever. Default: 0.
---@field check_uri? boolean The `uri` must be the Request-URI. Default: true.

---@class (exact) sip.options.barrier_wait
---@field within? number Seconds. Default: as long as the test lives.

---@class sip.counters
---@field not_sip integer Datagrams that are not SIP.
---@field flawed integer Messages with a flaw.
---@field stray_responses integer Responses without a transaction.
---@field retransmissions_in integer Absorbed.
---@field retransmissions_out integer Sent.

---@class sip.uri
---@field raw string
---@field scheme string
---@field user string?
---@field password string?
---@field host string? IPv6 without brackets.
---@field port integer?
---@field opaque string? What follows the scheme of another URI than sip and sips.
---@field params table<string, string|true>

---@class sip.name_addr
---@field raw string
---@field star true? It is `*`; the other fields are then missing.
---@field display string?
---@field uri sip.uri
---@field params table<string, string|true>
---@field tag string?

---@class sip.via
---@field raw string
---@field transport string
---@field host string
---@field port integer?
---@field branch string?
---@field received string?
---@field rport integer|true|nil `true` without a value.
---@field params table<string, string|true>

---@class sip.credentials
---@field header string Authorization or Proxy-Authorization.
---@field scheme string Digest; of another scheme nothing else is set.
---@field username string?
---@field realm string?
---@field nonce string?
---@field uri string?
---@field response string?
---@field cnonce string?
---@field opaque string?
---@field algorithm string? As written.
---@field qop string? As written.
---@field nc integer 0 without one.

---The library. Roles are modules of their own: `require "sip.proxy"`, `require "sip.registrar"`.
---@class sip
---@field env table<string, string?> The same as `t.env`, for what is read when the script is loaded.
local sip = {}

---Declares a test. A file may hold any number.
---Raises: No name, no function, or a name that is taken.
---@param name string Unique in its file.
---@param given? sip.options.sip_test Options.
---@param f fun(t: sip.t) The test.
---@overload fun(name: string, f: fun(t: sip.t))
function sip.test(name, given, f) end

---Says what the file reproduces. The texts are printed as a row of a table after the run.
---@param given sip.options.sip_symptom Texts.
function sip.symptom(given) end

---Declares what `offhook load` does again and again: see [Load](#load). The command line wins over the options. Under `offhook run` it is a test of one iteration.
---Raises: No name, no function, a name that is taken, or an option of a wrong type.
---@param name string Unique in its file.
---@param given? sip.options.sip_load Options.
---@param f fun(vu: sip.t, shared: any) One iteration: `vu` is its virtual user, `shared` is what `setup` returned.
---@overload fun(name: string, f: fun(vu: sip.t, shared: any))
function sip.load(name, given, f) end

---A callee: a UA whose incoming calls are iterations, one task each. `offhook load` of a file without `sip.load` answers; with one, `t:target()` is this UA unless `--target` names another. Under `offhook run` it serves the tests of the file. The `aor` is sip:answer@example.test unless given.
---Raises: As `sip.load`.
---@param name string Unique in its file.
---@param given? sip.options.sip_serve Options.
---@param f fun(call: sip.call, t: sip.t, shared: any) What becomes of one call that comes in; `shared` is what `setup` returned.
---@overload fun(name: string, f: fun(call: sip.call, t: sip.t, shared: any))
function sip.serve(name, given, f) end

---The rows of a file. Its first line has the names of the columns. It is read once, and all shards and workers pick from the same position.
---RFC 4180
---Raises: The file cannot be read, or is no CSV: with the line.
---@param path string Absolute, or beside the script.
---@param given? sip.options.sip_csv Options.
---@return sip.rows rows
function sip.csv(path, given) end

---A message of these bytes.
---@param bytes string Any bytes.
---@return sip.message message They need not be SIP.
function sip.message(bytes) end

---The value of a challenge header.
---RFC 3261 22.4, RFC 8760
---Raises: No realm, no nonce, or an algorithm that is not known.
---@param given sip.options.sip_challenge Options.
---@return string value For WWW-Authenticate or Proxy-Authenticate.
function sip.challenge(given) end

---A memory of nonces, for `msg:authorized`: it finds stale nonces and replays.
---@return sip.nonces nonces
function sip.nonces() end

---Takes a URI apart.
---RFC 3261 19.1
---@param text string A URI.
---@return sip.uri? uri
---@return string? why What is wrong.
function sip.uri(text) end

---Compares two URIs.
---RFC 3261 19.1.4
---Raises: One of them is not a URI.
---@param a string A URI.
---@param b string Another.
---@return boolean equal
function sip.uri_equal(a, b) end

---Takes a name-addr or addr-spec apart.
---RFC 3261 20.10
---@param text string Value of From, To, Contact, Route, ...
---@return sip.name_addr? value
---@return string? why What is wrong.
function sip.name_addr(text) end

---Takes a Via value apart.
---RFC 3261 20.42
---@param text string One Via value.
---@return sip.via? value
---@return string? why What is wrong.
function sip.via(text) end

---The value of Reason, both ways.
---RFC 3326
---Raises: A cause that the protocol does not have, or a text of several lines.
---@param given table|string Options; or a value of Reason, to be taken apart.
---@return string|table|nil value The value; of a text a table with the same fields.
---@return string? why What is wrong with the text.
function sip.reason(given) end

---The value of P-Asserted-Identity or P-Preferred-Identity. `sip.name_addr` is the way back.
---RFC 3325
---Raises: It is no URI.
---@param uri string|sip.ua Who: a URI, or an actor, which stands for its AOR.
---@param display? string Display name.
---@return string value
function sip.identity(uri, display) end

---The value of Diversion, both ways.
---RFC 5806
---Raises: No URI, or a value that cannot stand there.
---@param given table|string Options; or one value of Diversion, to be taken apart.
---@return string|table|nil value The value; of a text a table with the same fields.
---@return string? why What is wrong with the text.
function sip.diversion(given) end

---The value of History-Info, both ways. `cause` and `text` stand as Reason in the entry's URI; `rc`, `mp` and `np` are the index that it came from.
---RFC 7044
---Raises: An entry without URI, or whose index is no text of numbers and dots.
---@param given table|string Entries `{ uri, index, cause, text, rc, mp, np }`; or values of History-Info, to be taken apart.
---@return string|table|nil value The value; of texts a list of entries.
---@return string? why What is wrong with the text.
function sip.history_info(given) end

---The value of Replaces, both ways. Of a call: what names that call to its other side.
---RFC 3891 6.1
---Raises: The call has no dialog yet.
---@param given sip.call|table|string A call; options; or a value of Replaces, to be taken apart.
---@return string|table|nil value The value; of a text a table with the same fields.
---@return string? why What is wrong with the text.
function sip.replaces(given) end

---The value of Refer-To, both ways.
---RFC 3515 2.1, RFC 3261 19.1.5
---Raises: It is no URI.
---@param target sip.target|sip.call A URI, an actor, or a call, whose other side is then meant. A text in `<>` is taken apart.
---@param given? sip.options.sip_refer_to Options.
---@return string|table|nil value The value, escaped; of a text a table `{ uri, display, method, headers, replaces }`.
---@return string? why What is wrong with the text.
function sip.refer_to(target, given) end

---For roles of your own: checks the names of options as the library does.
---Raises: An unknown option, with the nearest known name.
---@param where string For the error text.
---@param given table? The options.
---@param names string[] Those that are known.
---@return table given The options, or an empty table.
function sip.check_options(where, given, names) end

---The context of one test, or of one virtual user under load. Actors, tasks and the network that it makes end with the test; see [Load](#load) for what ends with an iteration.
---@class sip.t
---@field env table<string, string?> Settings: `--set NAME=VALUE`, else the environment variable; `nil` when neither is there. Read only.
---@field name string Name of the test.
---@field virtual boolean Whether the run has the virtual clock.
---@field id integer Under load the number of the virtual user, from 1 on, unique in the run; 0 in `setup`, `teardown` and what is served; 1 in a test.
---@field iteration integer Under load how many iterations this virtual user has begun; 1 in a test.
local t = {}

---An actor at transaction level. It answers nothing by itself.
---Raises: The address is not local or the port is in use (exit 3).
---@param given? sip.options.endpoint Options.
---@return sip.endpoint endpoint
function t:endpoint(given) end

---A user agent: an endpoint with an address of record, an account, and the manners of a decent UA.
---Raises: The AOR is not a SIP URI; as `t:endpoint`.
---@param given sip.options.ua Options.
---@return sip.ua ua
function t:ua(given) end

---A stateful proxy: record-routing, loose-routing. It is written in Lua (`bindings/lua/proxy.lua`), to be copied and changed.
---RFC 3261 16
---Raises: As `t:endpoint`.
---@param given? sip.options.t_proxy Options.
---@return sip.proxy proxy
function t:proxy(given) end

---A registrar. It is written in Lua (`bindings/lua/registrar.lua`), to be copied and changed.
---RFC 3261 10.3
---Raises: As `t:endpoint`.
---@param given? sip.options.t_registrar Options.
---@return sip.registrar registrar
function t:registrar(given) end

---The URI under test: `--target`, or what `role` returns, or a UA of our own that answers calls.
---@param role? fun(): string|sip.ua|sip.endpoint|sip.proxy|sip.registrar Makes the stand-in.
---@return string uri
function t:target(role) end

---A task beside the test that must finish: the test waits for it at its end.
---@param name? string For error texts.
---@param f fun() The task.
---@return sip.task task
---@overload fun(self: sip.t, f: fun()): sip.task
function t:spawn(name, f) end

---A task that runs until the test ends and is cancelled then.
---@param name? string For error texts.
---@param f fun() The task.
---@return sip.task task
---@overload fun(self: sip.t, f: fun()): sip.task
function t:serve(name, f) end

---Waits.
---@param seconds number
function t:sleep(seconds) end

---Script time since the test, or the iteration, began.
---@return number seconds
function t:now() end

---What `f` returned when this virtual user came here first: a UA, a row of a file, a counter. Actors that `f` makes stay from iteration to iteration. Where `f` raises, nothing is kept, and the next iteration tries again.
---@param name string
---@param f fun(): any
---@return any value `false` where `f` returned nothing.
function t:once(name, f) end

---A time that the script takes itself: under load it is `custom.NAME` in the tables and in thresholds. In a test it goes nowhere.
---@param name string 1 to 47 letters, digits, `_`, `.`, `-`; 16 names in a run.
---@param seconds number
function t:measure(name, seconds) end

---Counts something: under load `custom.NAME` in the tables and in thresholds.
---@param name string As for `measure`; 32 names in a run.
---@param delta? integer 1 unless given.
function t:count(name, delta) end

---A meeting point of tasks.
---@param n integer How many tasks meet.
---@return sip.barrier barrier
function t:barrier(n) end

---Faults of links. The most exact pair of `from` and `to` wins; a later call for the same pair replaces the earlier one whole, so `t:network { from = a, to = b }` heals it. On real sockets faults apply to what this run sends.
---@param given sip.options.t_network Options.
function t:network(given) end

---From now on messages that match stay at their sender until the script lets them go: see [Holds](#holds).
---@param given? sip.options.t_hold Options.
---@return sip.hold hold
function t:hold(given) end

---A random word, from the seed.
---@param length? integer 1 to 256; 16 unless given.
---@return string text Letters and digits.
function t:token(length) end

---A random number, from the seed. `t.random` has more, see [random](#random).
---@type sip.random
t.random = {}

---A comment in the capture: at a frame, or with the text alone at the capture as a whole.
---@param about sip.message|integer|nil A message or the number of a frame.
---@param text string
---@overload fun(self: sip.t, text: string)
function t:note(about, text) end

---Tables are compared by what they hold.
---Raises: They differ.
---@param got any
---@param wanted any
---@param what? string For the error text.
---@return any got
function t:equal(got, wanted, what) end

---Compares numbers.
---Raises: They differ by more than the tolerance.
---@param got number
---@param wanted number
---@param tolerance number
---@param what? string For the error text.
---@return number got
function t:near(got, wanted, tolerance, what) end

---Wants a true value.
---Raises: The value is `nil` or `false`.
---@param value any
---@param what? string The error text.
---@return any value
function t:ok(value, what) end

---Fails the test.
---Raises: Always.
---@param text? string
function t:fail(text) end

---Ends the test as skipped.
---Raises: Always.
---@param why? string
function t:skip(why) end

---The text with its only `old` replaced.
---Raises: `old` occurs not at all or more than once.
---@param text string|sip.message
---@param old string Plain text, no pattern.
---@param new string
---@return string text
function t:replace(text, old, new) end

---An actor at transaction level, with a socket of its own.
---@class sip.endpoint
---@field name string Name in ladder and capture.
---@field uri string `sip:ADDRESS:PORT`.
---@field address string `ADDRESS:PORT`.
---@field host string Address, IPv6 in brackets.
---@field port integer Port.
---@field kind string Name of its class.
local endpoint = {}

---Sends these bytes and nothing else. No transaction, no retransmission.
---Raises: No destination, or too long for a datagram.
---@param bytes string|sip.message
---@param to sip.target Also `host:port`.
---@return sip.message message As sent.
function endpoint:send(bytes, to) end

---The next message that no transaction and no dialog claimed.
---Raises: Nothing came.
---@param given? number|sip.options.wait Seconds, or options.
---@return sip.message message
---@return "timeout"? why With `optional`.
function endpoint:take(given) end

---As `take`, and the message must fit. Provisionals that were not asked for are skipped.
---Raises: Another message came, or none.
---@param what sip.what
---@param given? number|sip.options.wait Seconds, or options.
---@param check? fun(message: sip.message)
---@return sip.message message
---@return "timeout"? why With `optional`.
function endpoint:expect(what, given, check) end

---Nothing unclaimed comes for that long.
---Raises: An unclaimed message came.
---@param seconds number
function endpoint:expect_none(seconds) end

---What nobody claimed, as it comes, until its task ends.
---@return fun(): sip.message next For a `for` loop.
function endpoint:messages() end

---Everything the endpoint sends and receives from now on.
---@return sip.watch watch
function endpoint:watch() end

---Requests as server transactions: all from now on, and those that wait already. ACK and CANCEL belong to theirs; the ACK to a 2xx stays unclaimed. On the endpoint of a UA the UA answers nothing any more.
---@return fun(): sip.server_transaction next For a `for` loop.
function endpoint:requests() end

---The next request as server transaction. Claims requests as `requests` does.
---Raises: None came, or one of another method.
---@param method? string The method it must have.
---@param given? number|sip.options.wait Seconds, or options.
---@return sip.server_transaction st
---@return "timeout"? why With `optional`.
---@overload fun(self: sip.endpoint, given: sip.options.wait): sip.server_transaction
function endpoint:incoming(method, given) end

---Sends it as a client transaction.
---RFC 3261 17.1
---Raises: Not a request, or no branch.
---@param message string|sip.message A request whose Via has a branch.
---@param destination sip.target Also `host:port`.
---@param given? sip.options.endpoint_request Options.
---@return sip.client_transaction ct
function endpoint:request(message, destination, given) end

---What the endpoint counted.
---@return sip.counters counters
function endpoint:counters() end

---A Via value with a fresh branch.
---@return string value
function endpoint:via() end

---A fresh tag.
---@return string tag
function endpoint:tag() end

---A fresh Call-ID.
---@return string callid
function endpoint:new_call_id() end

---A user agent.
---@class sip.ua
---@field endpoint sip.endpoint One level down.
---@field name string Name of its endpoint.
---@field aor string Address of record.
---@field contact string Contact URI.
---@field uri string The same.
---@field kind string Name of its class.
local ua = {}

---Builds a request.
---@param method string
---@param given sip.options.message Options; `uri` is needed.
---@return sip.message message A valid request, unsent.
function ua:build(method, given) end

---Sends a request outside dialogs and answers challenges.
---Raises: The target cannot be resolved.
---@param method string
---@param target sip.target Request-URI.
---@param given? sip.options.message Options.
---@return sip.request request
function ua:request(method, target, given) end

---Sends OPTIONS.
---RFC 3261 11
---@param target sip.target
---@param given? sip.options.message Options.
---@return sip.request request
function ua:options(target, given) end

---Sends MESSAGE; `text/plain` unless `content_type` says otherwise, and without Contact.
---RFC 3428
---@param target sip.target
---@param text string The body.
---@param given? sip.options.message Options.
---@return sip.request request
function ua:message(target, text, given) end

---Calls.
---RFC 3261 13
---Raises: The target cannot be resolved.
---@param target sip.target
---@param given? sip.options.invite Options.
---@return sip.call call
function ua:invite(target, given) end

---Registers its Contact and keeps it registered. A 423 is answered with the time that the registrar wants.
---RFC 3261 10.2
---@param given? sip.options.ua_register Options.
---@return sip.registration registration
function ua:register(given) end

---Subscribes, and keeps the subscription alive.
---RFC 6665 4.1
---Raises: No event, or the target cannot be resolved.
---@param target sip.target
---@param given sip.options.ua_subscribe Options.
---@return sip.subscription sub
function ua:subscribe(target, given) end

---REFER outside of calls, in a dialog of its own.
---RFC 3515
---Raises: No target.
---@param target sip.target Who gets the REFER.
---@param to sip.target|sip.call Whom it is referred to: a URI, an actor, or a call that is to be replaced. A text in `<>` is Refer-To as it is.
---@param given? sip.options.ua_refer Options.
---@return sip.subscription refer
function ua:refer(target, to, given) end

---Publishes the state that `body` tells. It is not refreshed by itself.
---RFC 3903
---Raises: No event or no body.
---@param target sip.target
---@param given sip.options.ua_publish Options.
---@return sip.publication pub
function ua:publish(target, given) end

---The next incoming call.
---Raises: No call came.
---@param given? number|sip.options.wait Seconds, or options.
---@return sip.call call
---@return "timeout"? why With `optional`.
function ua:incoming(given) end

---Incoming calls, until its task ends.
---@return fun(): sip.call next For a `for` loop.
function ua:calls() end

---Requests outside calls. From now on all of them wait for the script: the UA answers no OPTIONS any more.
---@return fun(): sip.server_transaction next For a `for` loop.
function ua:requests() end

---The next request outside calls, to be answered with `st:reply`. Claims the method for good: its requests wait for the script from now on, others are answered as before.
---Raises: None came, or one of another method.
---@param method string
---@param given? number|sip.options.wait Seconds, or options.
---@return sip.server_transaction st
---@return "timeout"? why With `optional`.
function ua:expect(method, given) end

---A call, either way: the INVITE and its dialogs. While the script does something else it acknowledges each 2xx and its repetitions, sends the PRACK to reliable provisionals, repeats its own 2xx until the ACK comes, refreshes the session, and answers BYE, re-INVITE, UPDATE and PRACK.
---@class sip.call
---@field state sip.call_state
---@field outgoing boolean Whether this side called.
---@field invite sip.message The INVITE as it was sent last, with credentials.
---@field response sip.message? The last final response.
---@field why string? Why a 401 or 407 was not answered.
---@field ua sip.ua
---@field actor string Name of the actor it belongs to.
---@field dialog sip.dialog? That of the 2xx; before one came, of the last provisional with a To tag.
---@field forks sip.dialog[] The dialogs of all forks that answered, in order.
---@field transaction sip.client_transaction|sip.server_transaction That of the INVITE: one level down.
---@field replaces sip.call? The call whose place an incoming one takes (RFC 3891). Answering hangs that up.
---@field redirects integer 3xx that were followed (`max_redirects`).
---@field repeated_reliable integer Reliable provisionals that came again.
---@field session_expires integer? Session interval agreed on, in seconds; `nil` without a session timer.
---@field refresher "local"|"remote"|nil Who refreshes the session.
---@field session_refreshes integer Refreshes that this side sent.
---@field challenges integer 401 and 407 that came.
---@field retransmissions integer Of the INVITE: sent, or absorbed.
---@field repeated_responses integer Responses that came again.
---@field ended_by sip.ended_by? `nil` while the call lives.
---@field setup_time number? Seconds from INVITE to 2xx.
---@field post_dial_delay number? Seconds from INVITE to the first 18x, or the 2xx (RFC 6076 4.3).
---@field trying_time number? Seconds from INVITE to the first provisional.
---@field duration number? Seconds from 2xx to the end.
---@field kind string Name of its class.
local call = {}

---Waits for a response to the INVITE, or for what the other side sends. Provisionals that were not asked for are skipped. ACK, BYE, CANCEL and PRACK are answered already. Another method is claimed for good: its requests wait for the script from now on, others are answered as before.
---Raises: Another final response or request came, the call ended, or nothing came.
---@param what sip.what Of a response: statuses or classes. Of the other side: "ACK", "BYE", "CANCEL", "PRACK", or another method.
---@param given? number|sip.options.wait Seconds, or options.
---@param check? fun(message: sip.message) For responses.
---@return sip.message it The response; the message of ACK, BYE, CANCEL or PRACK; for other methods the server transaction, which the script then answers.
---@return "timeout"? why With `optional`.
---@overload fun(self: sip.call, what: "INVITE"|"UPDATE"|"INFO"|"OPTIONS"|"MESSAGE"|"NOTIFY"|"REFER", given?: number|sip.options.wait): sip.server_transaction
function call:expect(what, given, check) end

---Waits for the final response. Any status is an outcome and does not raise.
---RFC 3261 8.1.3.1
---Raises: With `within`: no final response in that time.
---@param given? number|sip.options.wait Seconds, or options.
---@return sip.message message The final response, also when it was read before. `locally` is true when nobody sent it.
---@return "timeout"? why With `optional`.
function call:final(given) end

---Nothing comes for that long.
---Raises: A response came.
---@param seconds number How long.
function call:expect_none(seconds) end

---Every response to its INVITE, as it comes.
---@return fun(): sip.message next For a `for` loop.
function call:responses() end

---Requests within the call, from now on all but ACK, BYE, PRACK and CANCEL.
---@return fun(): sip.server_transaction next For a `for` loop.
function call:requests() end

---Waits for the end of the call, whoever ends it.
---Raises: The call still lives.
---@param given? number|sip.options.wait Seconds, or options.
---@return sip.ended_by by
---@return "timeout"? why With `optional`.
function call:ended(given) end

---Answers the INVITE, or a re-INVITE.
---Raises: No INVITE waits for an answer.
---@param status integer 100 to 699.
---@param given? sip.options.call_reply Options, or the list of headers alone.
---@return sip.message message As sent.
function call:reply(status, given) end

---`call:reply(180)`.
---@param given? sip.options.call_reply As `reply`.
---@return sip.message message
function call:ring(given) end

---`call:reply(200)`.
---@param given? sip.options.call_reply As `reply`.
---@return sip.message message
function call:answer(given) end

---Refuses the call, or redirects it.
---Raises: A status below 300; as `reply`.
---@param status? integer 486 unless given.
---@param given? sip.options.call_reply As `reply`.
---@return sip.message message
function call:reject(status, given) end

---CANCEL, once a provisional came.
---RFC 3261 9.1
---Raises: Not the caller, or the INVITE is over.
---@param given? sip.options.call_cancel Options.
---@return sip.call call
function call:cancel(given) end

---The dialog of another fork's 2xx, for a call made with `keep_forks = true`. It is acknowledged.
---RFC 3261 13.2.2.4
---Raises: None came.
---@param given? number|sip.options.wait Seconds, or options.
---@return sip.dialog dialog
---@return "timeout"? why With `optional`.
function call:fork(given) end

---A new call to the Contact of the 3xx that it got: same Call-ID, From and To, the CSeq counted up.
---RFC 3261 8.1.3.4
---Raises: Its final response is no 3xx with so many Contacts.
---@param given? sip.options.call_follow Options: those of `ua:invite`, and
---@return sip.call call
function call:follow(given) end

---A request within the call. BYE ends it.
---RFC 3261 12.2
---Raises: There is no dialog yet.
---@param method string
---@param given? sip.options.in_call Options.
---@return sip.request request
function call:request(method, given) end

---REFER within the call: a transfer. The call goes on; `call:bye` ends it.
---RFC 3515, RFC 5589
---Raises: There is no dialog yet, or no more.
---@param target sip.target|sip.call A URI, an actor, or another call, whose other side is to replace that call by a new one. A text in `<>` is Refer-To as it is.
---@param given? sip.options.call_refer Options.
---@return sip.subscription refer
function call:refer(target, given) end

---An INVITE within the call as a phone sends it: after a 491 again.
---RFC 3261 14.1
---Raises: There is no dialog yet.
---@param given? sip.options.in_call Options of `request`; `retry` is `true` unless given.
---@return sip.request request
function call:reinvite(given) end

---Puts the other side on hold: a re-INVITE with `sendonly`.
---RFC 3264 8.4
---@param given? sip.options.in_call As `reinvite`.
---@return sip.request request
function call:hold(given) end

---Ends the hold: a re-INVITE with `sendrecv`.
---@param given? sip.options.in_call As `reinvite`.
---@return sip.request request
function call:resume(given) end

---UPDATE, also in an early dialog; with an offer where `sdp` says so.
---RFC 3311
---@param given? sip.options.in_call As `request`.
---@return sip.request request
function call:update(given) end

---INFO.
---RFC 6086
---@param given? sip.options.in_call As `request`.
---@return sip.request request
function call:info(given) end

---Sends the PRACK, for a call made with `prack = false`.
---RFC 3262 4
---Raises: It is no reliable provisional of this call.
---@param provisional sip.message The reliable provisional.
---@param given? sip.options.call_prack Options.
---@return sip.request request
function call:prack(provisional, given) end

---Hangs up.
---RFC 3261 15.1.1
---Raises: The call is not up.
---@param given? sip.options.in_call Options.
---@return sip.request request
function call:bye(given) end

---Sends the ACK to the 2xx, for a call made with `ack = false`; another one each time.
---RFC 3261 13.2.2.4
---Raises: There is no 2xx.
---@param given? sip.options.ack Options.
function call:ack(given) end

---A dialog of a call (RFC 3261 12): one of each fork that answered.
---@class sip.dialog
---@field state "early"|"confirmed"|"terminated"
---@field call sip.call
---@field call_id string
---@field local_tag string
---@field remote_tag string
---@field ["local"] string This side's From value.
---@field remote string The other side's To value.
---@field remote_target string URI of the other side's Contact.
---@field local_cseq integer Number of the last request sent.
---@field remote_cseq integer Of the last received; 0 before one came.
---@field confirmed boolean A 2xx was sent or received.
---@field route_set string[] Values of Route in the order they are sent.
---@field kind string Name of its class.
local dialog = {}

---A request within this dialog.
---RFC 3261 12.2
---@param method string
---@param given? sip.options.in_call As `call:request`.
---@return sip.request request
function dialog:request(method, given) end

---Hangs up this dialog.
---RFC 3261 15.1.1
---Raises: The dialog is over.
---@param given? sip.options.in_call As `call:request`.
---@return sip.request request
function dialog:bye(given) end

---Sends the ACK to its 2xx.
---Raises: There is no 2xx.
---@param given? sip.options.ack As `call:ack`.
function dialog:ack(given) end

---A request with its retries: challenges are answered with the account of the UA.
---@class sip.request
---@field request sip.message As sent last.
---@field response sip.message? The final response.
---@field challenges integer 401 and 407 that came.
---@field state sip.transaction_state Of the transaction under way.
---@field retransmissions integer Of the request.
---@field repeated_responses integer Responses that came again.
---@field why string? Why a 401 or 407 was not answered.
---@field actor string Name of the actor it belongs to.
---@field kind string Name of its class.
local request = {}

---The next response that fits. Provisionals that were not asked for are skipped.
---Raises: Another final response came, or none within the time.
---@param what sip.what Statuses or classes.
---@param given? number|sip.options.wait Seconds, or options.
---@param check? fun(message: sip.message) Called with the response; may raise.
---@return sip.message message The response.
---@return "timeout"? why With `optional`.
function request:expect(what, given, check) end

---Waits for the final response. Any status is an outcome and does not raise.
---RFC 3261 8.1.3.1
---Raises: With `within`: no final response in that time.
---@param given? number|sip.options.wait Seconds, or options.
---@return sip.message message The final response, also when it was read before. `locally` is true when nobody sent it.
---@return "timeout"? why With `optional`.
function request:final(given) end

---Nothing comes for that long.
---Raises: A response came.
---@param seconds number How long.
function request:expect_none(seconds) end

---Every response that is not a challenge it answers.
---@return fun(): sip.message next For a `for` loop.
function request:responses() end

---CANCEL of an INVITE within a call.
---RFC 3261 9.1
---Raises: It is over, or no INVITE.
---@param given? sip.options.request_cancel Options.
---@return sip.request request
function request:cancel(given) end

---Sends the ACK to its 2xx, for an INVITE within a call made with `ack = false`.
---Raises: It is no INVITE within a call, or has no 2xx.
---@param given? sip.options.ack As `call:ack`.
function request:ack(given) end

---A registration. It refreshes itself before it runs out.
---@class sip.registration
---@field request sip.message The last REGISTER.
---@field response sip.message? The last final response.
---@field challenges integer 401 and 407 that came to the last one.
---@field expires integer Seconds that the registrar granted.
---@field refreshes integer How often it refreshed itself.
---@field why string? Why a 401 or 407 was not answered.
---@field actor string Name of the actor it belongs to.
---@field kind string Name of its class.
local registration = {}

---The next response that fits. Provisionals that were not asked for are skipped.
---Raises: Another final response came, or none within the time.
---@param what sip.what Statuses or classes.
---@param given? number|sip.options.wait Seconds, or options.
---@param check? fun(message: sip.message) Called with the response; may raise.
---@return sip.message message The response.
---@return "timeout"? why With `optional`.
function registration:expect(what, given, check) end

---Waits for the final response. Any status is an outcome and does not raise.
---RFC 3261 8.1.3.1
---Raises: With `within`: no final response in that time.
---@param given? number|sip.options.wait Seconds, or options.
---@return sip.message message The final response, also when it was read before. `locally` is true when nobody sent it.
---@return "timeout"? why With `optional`.
function registration:final(given) end

---Every response, those to its own refreshes too.
---@return fun(): sip.message next For a `for` loop.
function registration:responses() end

---Registers again now. Expect the response anew.
---RFC 3261 10.2.4
---@param given? sip.options.registration_refresh Options.
---@return sip.registration registration
function registration:refresh(given) end

---Removes the binding. Expect the response anew.
---RFC 3261 10.2.2
---@return sip.registration registration
function registration:unregister() end

---A subscription, either side. A subscriber answers NOTIFY with 200 and refreshes a SUBSCRIBE before its time is over; a notifier answers refreshes with 200 and the last state, and says when the time is over. One that a REFER made outlasts its call.
---@class sip.subscription
---@field state sip.subscription_state
---@field reason string? Parameter reason of the last Subscription-State.
---@field ended_by sip.subscription_ended_by? `nil` while it lives.
---@field event string Event package; of a REFER `refer`.
---@field id string? Parameter id of Event; of a REFER within a call its CSeq.
---@field expires integer Seconds that were granted last; 0 at the end.
---@field subscriber boolean Whether this side subscribed.
---@field request sip.message The SUBSCRIBE or REFER that was sent last; of a notifier the one that came.
---@field response sip.message? The last final response.
---@field refreshes integer How often it refreshed itself.
---@field challenges integer 401 and 407 that came to the last one.
---@field why string? Why a 401 or 407 was not answered.
---@field actor string Name of the actor it belongs to.
---@field kind string Name of its class.
local sub = {}

---Waits for a response to the SUBSCRIBE or REFER, or for what the other side sends; that is answered already.
---Raises: Another final response came, the subscription ended, or nothing came.
---@param what sip.what Of the response: statuses or classes. Of the other side: "NOTIFY", or "SUBSCRIBE": the next refresh.
---@param given? number|sip.options.wait Seconds, or options.
---@param check? fun(message: sip.message) Called with the message; may raise.
---@return sip.message message
---@return "timeout"? why With `optional`.
function sub:expect(what, given, check) end

---Waits for the final response. Any status is an outcome and does not raise.
---RFC 3261 8.1.3.1
---Raises: With `within`: no final response in that time.
---@param given? number|sip.options.wait Seconds, or options.
---@return sip.message message The final response, also when it was read before. `locally` is true when nobody sent it.
---@return "timeout"? why With `optional`.
function sub:final(given) end

---No NOTIFY (of a notifier: no SUBSCRIBE) for that long.
---Raises: One came.
---@param seconds number How long.
function sub:expect_none(seconds) end

---NOTIFYs as they come, until the subscription ends.
---@return fun(): sip.message next For a `for` loop.
function sub:notifications() end

---What a REFER led to: the first final status that a NOTIFY told, also when that was read before.
---RFC 3515 2.4.5
---Raises: The REFER was refused, or its subscription ended without a final status.
---@param given? number|sip.options.wait Seconds, or options.
---@return integer status
---@return string? reason Its reason phrase; "timeout" with `optional`.
function sub:outcome(given) end

---With `forks = true`: the subscription that the NOTIFY of another fork made.
---RFC 6665 4.1.4
---Raises: None came.
---@param given? number|sip.options.wait Seconds, or options.
---@return sip.subscription sub
---@return "timeout"? why With `optional`.
function sub:forked(given) end

---Waits for its end, whoever ends it.
---Raises: It still lives.
---@param given? number|sip.options.wait Seconds, or options.
---@return sip.subscription_ended_by by
---@return "timeout"? why With `optional`.
function sub:ended(given) end

---SUBSCRIBE within its dialog, now. Expect the response anew.
---RFC 6665 4.1.2.2
---Raises: There is no dialog yet, or it has ended.
---@param given? sip.options.subscription_refresh Options.
---@return sip.subscription sub
function sub:refresh(given) end

---SUBSCRIBE with `Expires: 0`. The notifier's last NOTIFY ends the subscription.
---RFC 6665 4.1.2.3
---Raises: As `refresh`.
---@param given? sip.options.subscription_unsubscribe Options.
---@return sip.subscription sub
function sub:unsubscribe(given) end

---A NOTIFY. A 481 and the like, or no answer, ends the subscription.
---RFC 6665 4.2.2
---Raises: It has ended, or this is the subscriber.
---@param state "active"|"pending"|"terminated" "terminated" ends it.
---@param given? sip.options.subscription_notify Options.
---@return sip.request request
function sub:notify(state, given) end

---State that a server keeps for us, named by the entity-tag of its last 2xx. Each change is a request of its own; expect its response anew.
---@class sip.publication
---@field etag string? The entity-tag; `nil` before the first 2xx, after a 412, and when it was removed.
---@field expires integer? Seconds that the last 2xx granted.
---@field request sip.message The last PUBLISH.
---@field response sip.message? Its final response.
---@field challenges integer 401 and 407 that came to it.
---@field why string? Why a 401 or 407 was not answered.
---@field actor string Name of the actor it belongs to.
local pub = {}

---The next response that fits. Provisionals that were not asked for are skipped.
---Raises: Another final response came, or none within the time.
---@param what sip.what Statuses or classes.
---@param given? number|sip.options.wait Seconds, or options.
---@param check? fun(message: sip.message) Called with the response; may raise.
---@return sip.message message The response.
---@return "timeout"? why With `optional`.
function pub:expect(what, given, check) end

---Waits for the final response. Any status is an outcome and does not raise.
---RFC 3261 8.1.3.1
---Raises: With `within`: no final response in that time.
---@param given? number|sip.options.wait Seconds, or options.
---@return sip.message message The final response, also when it was read before. `locally` is true when nobody sent it.
---@return "timeout"? why With `optional`.
function pub:final(given) end

---The same state for longer.
---RFC 3903 4.3
---Raises: Nothing is published.
---@param given? sip.options.publication_refresh Options.
---@return sip.publication pub
function pub:refresh(given) end

---Another state in its place.
---RFC 3903 4.4
---Raises: Nothing is published.
---@param body string The new state.
---@param given? sip.options.publication_refresh As `refresh`.
---@return sip.publication pub
function pub:modify(body, given) end

---Removes the state.
---RFC 3903 4.5
---Raises: Nothing is published.
---@param given? sip.options.publication_remove Options.
---@return sip.publication pub
function pub:remove(given) end

---A client transaction. It retransmits, and acknowledges a non-2xx to an INVITE. It answers no challenge and sends no ACK to a 2xx.
---@class sip.client_transaction
---@field request sip.message
---@field response sip.message? The final response.
---@field state sip.transaction_state
---@field retransmissions integer Of the request.
---@field repeated_responses integer Responses that came again and were absorbed.
---@field actor string Name of the actor it belongs to.
---@field kind string Name of its class.
local ct = {}

---The next response that fits. Provisionals that were not asked for are skipped.
---Raises: Another final response came, or none within the time.
---@param what sip.what Statuses or classes.
---@param given? number|sip.options.wait Seconds, or options.
---@param check? fun(message: sip.message) Called with the response; may raise.
---@return sip.message message The response.
---@return "timeout"? why With `optional`.
function ct:expect(what, given, check) end

---Waits for the final response. Any status is an outcome and does not raise.
---RFC 3261 8.1.3.1
---Raises: With `within`: no final response in that time.
---@param given? number|sip.options.wait Seconds, or options.
---@return sip.message message The final response, also when it was read before. `locally` is true when nobody sent it.
---@return "timeout"? why With `optional`.
function ct:final(given) end

---Nothing comes for that long.
---Raises: A response came.
---@param seconds number How long.
function ct:expect_none(seconds) end

---Every response, provisionals and a repeated 2xx too.
---@return fun(): sip.message next For a `for` loop.
function ct:responses() end

---CANCEL, once a provisional came.
---RFC 3261 9.1
---Raises: There is nothing to cancel.
---@param given? sip.options.client_transaction_cancel Options.
function ct:cancel(given) end

---A server transaction. It absorbs retransmissions, repeats its last response, sends 100 to an INVITE after 200 ms, and answers a CANCEL with 200.
---@class sip.server_transaction
---@field request sip.message
---@field response sip.message? The response sent last; of a call that was answered `nil` from its ACK on, unless `call.transaction` was read before.
---@field state sip.transaction_state
---@field retransmissions integer Of the request, absorbed.
---@field repeated_responses integer Responses that were sent again.
---@field cancelled boolean Whether a CANCEL came in time.
---@field to_tag string The tag this side adds to To.
---@field owner sip.endpoint|sip.ua|sip.call Whom it came to.
---@field actor string Name of the actor it belongs to.
---@field kind string Name of its class.
local st = {}

---Builds a response and sends it.
---RFC 3261 8.2.6
---Raises: It has had its final response.
---@param status integer 100 to 699.
---@param given? sip.options.server_transaction_reply Options, or the list of headers alone.
---@return sip.message message As sent.
function st:reply(status, given) end

---Sends a response made by hand; the transaction repeats it as any other.
---Raises: As `reply`.
---@param response string|sip.message Any bytes with a status.
---@return sip.message message As sent.
function st:respond(response) end

---What happens to it next.
---Raises: With `within`: nothing happened.
---@param given? number|sip.options.wait Seconds, or options.
---@return sip.transaction_event event
---@return sip.message|"timeout"|nil message That brought it, or "timeout".
function st:event(given) end

---The ACK to a non-2xx, or the CANCEL.
---Raises: It did not come.
---@param what "ACK"|"CANCEL"
---@param given? number|sip.options.server_transaction_expect Seconds, or options.
---@return sip.message message
function st:expect(what, given) end

---Accepts a SUBSCRIBE or REFER. To a `Refer-Sub: false` the same is said back, and the subscription has ended.
---RFC 6665 4.2.1, RFC 3515 2.4.2, RFC 4488
---Raises: Neither SUBSCRIBE nor REFER, or it came to an endpoint.
---@param given? sip.options.server_transaction_accept Options.
---@return sip.subscription sub To notify.
function st:accept(given) end

---Does what a REFER asks: 202, an INVITE to Refer-To with Replaces and other headers from there and with Referred-By, and a NOTIFY for 100, each further provisional and the final response.
---RFC 3515 2.4, RFC 5589, RFC 3892
---Raises: No REFER, a Refer-To that cannot be taken apart, or one that wants another method than INVITE.
---@param given? table Options of `ua:invite`.
---@return sip.call call The new call.
---@return sip.subscription sub
function st:follow(given) end

---Relays the request, its responses, CANCEL and ACK.
---RFC 3261 16
---@param given? sip.options.server_transaction_proxy Options.
---@return sip.client_transaction? ct Towards the next hop; `nil` when the request was answered (404, 483).
function st:proxy(given) end

---The bytes that were on the wire. It never changes: an edit makes a new message and leaves every other byte as it was. `msg["Call-ID"]` (first letter upper case, as on the wire) is the first header of that name or `nil`. `tostring(msg)` is its first line; `==` compares bytes.
---@class sip.message
---@field status integer? Of a response.
---@field reason string? Reason phrase.
---@field method string? Of a request; of a response that of its CSeq.
---@field request_uri string?
---@field body string Empty when there is none.
---@field bytes string All of it.
---@field is_request boolean
---@field is_response boolean
---@field call_id string?
---@field cseq integer? The number; `nil` when it is malformed.
---@field branch string? Of the top Via.
---@field from_tag string?
---@field to_tag string?
---@field source string? `ADDRESS:PORT` it came from.
---@field destination string? `ADDRESS:PORT` it went to.
---@field time number Script time in seconds.
---@field frame integer? Number of its packet in the recording; under load without a recording, of what a watch saw, in order.
---@field locally boolean Nobody sent it: a 408 or 503 of RFC 3261 8.1.3.1.
---@field cause sip.cause? Why, if so.
---@field flaw string? What is wrong with it, if the engine found something.
---@field [string] string? A header as on the wire, first letter upper case.
local msg = {}

---The value of one header line.
---@param name string Any case, compact form too.
---@param n? integer The n-th line of that name; 1 unless given.
---@return string? value
function msg:header(name, n) end

---All values in order; a line of Via, Route, Record-Route or Contact with commas gives several.
---@param name string Any case, compact form too.
---@return string[] values
function msg:headers(name) end

---All header lines as they stand.
---@return [string, string][] list `{ name, value }` each.
function msg:header_list() end

---Another value.
---Raises: There is no such header.
---@param name string Any case, compact form too.
---@param value string
---@param n? integer
---@return sip.message message
function msg:replace_header(name, value, n) end

---One header more.
---Raises: There is no header `before`.
---@param name string
---@param value string
---@param before? string The header it goes before; at the end unless given.
---@return sip.message message
function msg:insert_header(name, value, before) end

---One header less.
---Raises: There is no such header.
---@param name string Any case, compact form too.
---@param n? integer
---@return sip.message message
function msg:remove_header(name, n) end

---Another order; the others stay behind as they were.
---Raises: There is no such header.
---@param names string[] These first; a name twice means its first two lines.
---@return sip.message message
function msg:reorder_headers(names) end

---Another body.
---@param body string
---@param keep_length? boolean Leave Content-Length as it is.
---@return sip.message message
function msg:with_body(body, keep_length) end

---The verdict of libosip2 on the whole message.
---@return true? ok
---@return string? why What a conventional stack refuses.
function msg:strict() end

---Credentials, taken apart.
---RFC 3261 22
---@return sip.credentials[] list Of all Authorization and Proxy-Authorization headers.
function msg:credentials() end

---Whether the request carries right credentials.
---RFC 3261 22.4, RFC 7616
---@param given sip.options.message_authorized Options.
---@return boolean ok
---@return sip.verdict? why
---@return string? text In words.
function msg:authorized(given) end

---A copy of everything that an endpoint sends and receives: retransmissions too, and what is not SIP.
---@class sip.watch
---@field actor string Name of the actor that is watched.
---@field kind string Name of its class.
local watch = {}

---The next one.
---Raises: Nothing came.
---@param given? number|sip.options.wait Seconds, or options.
---@return sip.message message
---@return "timeout"? why With `optional`.
function watch:take(given) end

---All, until its task ends.
---@return fun(): sip.message next For a `for` loop.
function watch:messages() end

---How many there are that nobody took.
---@return integer n
function watch:count() end

---Messages that stay at their sender until the script lets them go, so that a race comes out the same every time. Rules: [Holds](#holds).
---@class sip.hold
---@field messages sip.message[] Those held now, oldest first.
---@field kind string Name of its class.
local hold = {}

---The next message held that fits. Others stay held and may be expected later. A retransmission is a message of its own.
---Raises: None came to be held, or the hold has ended.
---@param what sip.what
---@param given? number|sip.options.wait Seconds, or options.
---@param check? fun(message: sip.message)
---@return sip.message message It is still held.
---@return "timeout"? why With `optional`.
function hold:expect(what, given, check) end

---The message goes on, as if it were sent now. Without one all go on in their order, and the hold ends.
---Raises: It is not held (any more).
---@param message? sip.message One that is held: from `expect` or `messages`.
function hold:release(message) end

---The message is lost. Without one all are lost, and the hold ends.
---Raises: It is not held (any more).
---@param message? sip.message One that is held.
function hold:drop(message) end

---A task.
---@class sip.task
---@field name string
---@field done boolean
---@field kind string Name of its class.
local task = {}

---Waits until it is done.
function task:join() end

---Cancels it: its wait raises, `<close>` handlers run.
function task:cancel() end

---Random numbers, from the seed. `t:random()` is `t.random:uniform()`.
---@class sip.random
---@overload fun(t: sip.t): number
local random = {}

---How long calls last, or how far apart arrivals of a Poisson process are.
---Raises: No number, or one below 0.
---@param mean number
---@return number x
function random:exponential(mean) end

---Any number between two.
---@param from? number 0 unless given.
---@param to? number 1 unless given.
---@return number x `from` <= x < `to`
function random:uniform(from, to) end

---A whole number, each as likely as the others.
---Raises: Not two whole numbers in order.
---@param from integer
---@param to integer
---@return integer n `from` <= n <= `to`
function random:integer(from, to) end

---The rows of a CSV file; `#rows` is how many there are.
---@class sip.rows
local rows = {}

---Picks a row, as `pick` says.
---Raises: `pick = "unique"`: each row was picked once.
---@return table<string, string> row By the names of the first line.
function rows:next() end

---A meeting point of tasks.
---@class sip.barrier
local barrier = {}

---Returns when as many tasks wait as the barrier is for. It can then be used again.
---Raises: Not all came in time.
---@param given? number|sip.options.barrier_wait Seconds, or options.
function barrier:wait(given) end

---A memory of nonces that a server issued.
---@class sip.nonces
local nonces = {}

---Remembers it.
---@param nonce string
---@return string nonce
function nonces:issue(nonce) end

---A proxy. Policy fields may be changed while it runs.
---@class sip.proxy
---@field endpoint sip.endpoint
---@field name string
---@field uri string Of its endpoint.
---@field address string Of its endpoint.
---@field challenges integer How often it challenged.
---@field refusals sip.verdict[] Why, one for each challenge.
---@field requests integer How many it saw.
---@field to sip.target|false Policy, see `t:proxy`.
---@field next_hop sip.target|false Policy.
---@field route function|false Policy.
---@field no_answer number|false Policy.
---@field rewrite function|false Policy.
---@field auth sip.options.auth|false Policy.
---@field access sip.options.access|false Policy.
---@field delay number|false Policy.
---@field silent boolean Policy.
---@field registrar sip.registrar|false Policy.
---@field record_route boolean Policy.
---@field timer_c number|false Seconds that a call may ring; the timer C of `timers`, else 181.
local proxy = {}

---Challenges unless the credentials are right.
---@param st sip.server_transaction
---@return boolean ok
function proxy:authenticate(st) end

---What it does with a request.
---@param st sip.server_transaction
function proxy:handle(st) end

---A registrar. With `serve = false` it has no endpoint, and no `uri`, `name` and `server`.
---@class sip.registrar
---@field endpoint sip.endpoint?
---@field uri string?
---@field name string?
---@field server sip.proxy? The proxy that challenges for it.
---@field domain string? Policy, see `t:registrar`.
---@field min_expires number Policy.
---@field max_expires number Policy.
---@field default_expires number Policy.
local registrar = {}

---The Contact registered last for an address of record.
---@param uri string
---@return string? contact
function registrar:lookup(uri) end

---Whether it was ever registered here.
---@param uri string
---@return boolean known
function registrar:knows(uri) end

---Answers it.
---@param st sip.server_transaction A REGISTER.
function registrar:handle(st) end

return sip
