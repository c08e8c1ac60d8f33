-- The messages of RFC 4475, byte for byte; what each one is about, and what its answers mean. Section numbers are of that RFC.
-- right and tolerable: statuses, classes, or "silence". well_formed: an answer by policy (404, 407, ...) is tolerable too.
-- flaw: what scanning it finds (nil: nothing; a UAS may still find its values malformed). reads: fields that must come out.
local text = require "_torture.text"
local lines, empty, session = text.lines, text.empty, text.session

local messages = {}
local function add(message)
  message.rfc = 4475
  messages[#messages + 1] = message
end

add {
  name = "wsinv", section = "3.1.1.1", what = "INVITE full of white space and folded lines, within an unknown dialog",
  right = { 481 }, tolerable = { "2xx", "1xx" }, well_formed = true,
  because = "To has a tag and there is no such dialog: RFC 3261 12.2.2",
  means = { ["2xx"] = "it does not look for the dialog" },
  reads = { method = "INVITE", cseq = 9, to_tag = "1918181833n", from_tag = "98asjd8", branch = "390skdjuw" },
  bytes = lines {
    "INVITE sip:vivekg@chair-dnrc.example.com;unknownparam SIP/2.0",
    "TO :",
    " sip:vivekg@chair-dnrc.example.com ;   tag    = 1918181833n",
    "from   : \"J Rosenberg \\\\\\\"\"       <sip:jdrosen@example.com>",
    "  ;",
    "  tag = 98asjd8",
    "MaX-fOrWaRdS: 0068",
    "Call-ID: wsinv.ndaksdj@192.0.2.1",
    "Content-Length   : 150",
    "cseq: 0009",
    "  INVITE",
    "Via  : SIP  /   2.0",
    " /UDP",
    "    192.0.2.2;branch=390skdjuw",
    "s :",
    "NewFangledHeader:   newfangled value",
    " continued newfangled value",
    "UnknownHeaderWithUnusualValue: ;;,,;;,;",
    "Content-Type: application/sdp",
    "Route:",
    " <sip:services.example.com;lr;unknownwith=value;unknown-no-value>",
    "v:  SIP  / 2.0  / TCP     spindle.example.com   ;",
    "  branch  =   z9hG4bK9ikj8  ,",
    " SIP  /    2.0   / UDP  192.168.255.111   ; branch=",
    " z9hG4bK30239",
    "m:\"Quoted string \\\"\\\"\" <sip:jdrosen@example.com> ; newparam =",
    "      newvalue ;",
    "  secondparam ; q = 0.33",
  } .. empty .. session("192.0.2.3", "192.0.2.4"),
}

add {
  name = "intmeth", section = "3.1.1.2", what = "a method, names and values of every byte that is allowed",
  right = { 501 }, tolerable = { 404 }, well_formed = true,
  because = "the method is unknown: RFC 3261 8.2.1",
  reads = { method = "!interesting-Method0123456789_*+`.%indeed'~", cseq = 139122385, from_tag = "_token~1'+`*%!-." },
  bytes = lines {
    "!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0",
    "Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~",
    "To: \"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f\" <sip:1_unusual.URI~(to-be!sure)&isn't+it$/crazy?,/;;*@example.com>",
    "From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>;fromParam''~+*_!.-%=\"\xd1\x80\xd0\xb0\xd0\xb1\xd0\xbe\xd1\x82\xd0\xb0\xd1\x8e\xd1\x89\xd0\xb8\xd0\xb9\";tag=_token~1'+`*%!-.",
    "Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{",
    "CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~",
    "Max-Forwards: 255",
    "extensionHeader-!.%*+_`'~:\xef\xbb\xbf\xe5\xa4\xa7\xe5\x81\x9c\xe9\x9b\xbb",
    "Content-Length: 0",
  } .. empty,
}

add {
  name = "esc01", section = "3.1.1.3", what = "escaped bytes in URIs",
  right = { "2xx", "1xx" }, well_formed = true,
  reads = { request_uri = "sip:sips%3Auser%40example.com@example.net", from_tag = "938" },
  bytes = lines {
    "INVITE sip:sips%3Auser%40example.com@example.net SIP/2.0",
    "To: sip:%75se%72@example.com",
    "From: <sip:I%20have%20spaces@example.net>;tag=938",
    "Max-Forwards: 87",
    "i: esc01.239409asdfakjkn23onasd0-3234",
    "CSeq: 234234 INVITE",
    "Via: SIP/2.0/UDP host5.example.net;branch=z9hG4bKkdjuw",
    "C: application/sdp",
    "Contact:",
    "  <sip:cal%6Cer@host5.example.net;%6C%72;n%61me=v%61lue%25%34%31>",
    "Content-Length: 150",
  } .. empty .. session "192.0.2.1",
}

add {
  name = "escnull", section = "3.1.1.4", what = "two Contacts that differ in escaped NULs alone",
  right = { "2xx" }, tolerable = { 405, 501 }, well_formed = true,
  because = "who is no registrar answers 405 or 501: RFC 3261 8.2.1",
  reads = { method = "REGISTER", cseq = 14398234 },
  bytes = lines {
    "REGISTER sip:example.com SIP/2.0",
    "To: sip:null-%00-null@example.com",
    "From: sip:null-%00-null@example.com;tag=839923423",
    "Max-Forwards: 70",
    "Call-ID: escnull.39203ndfvkjdasfkq3w4otrq0adsfdfnavd",
    "CSeq: 14398234 REGISTER",
    "Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw",
    "Contact: <sip:%00@host5.example.com>",
    "Contact: <sip:%00%00@host5.example.com>",
    "L:0",
  } .. empty,
}

add {
  name = "esc02", section = "3.1.1.5", what = "% in a method and in a header name is no escape",
  right = { 501 }, tolerable = { 405 }, well_formed = true,
  because = "RE%47IST%45R is not REGISTER: RFC 3261 7.1, 8.2.1",
  means = { ["2xx"] = "it took the method for REGISTER" },
  reads = { method = "RE%47IST%45R", branch = "z9hG4bK209%fzsnel234" },
  bytes = lines {
    "RE%47IST%45R sip:registrar.example.com SIP/2.0",
    "To: \"%Z%45\" <sip:resource@example.com>",
    "From: \"%Z%45\" <sip:resource@example.com>;tag=f232jadfj23",
    "Call-ID: esc02.asdfnqwo34rq23i34jrjasdcnl23nrlknsdf",
    "Via: SIP/2.0/TCP host.example.com;branch=z9hG4bK209%fzsnel234",
    "CSeq: 29344 RE%47IST%45R",
    "Max-Forwards: 70",
    "Contact: <sip:alias1@host1.example.com>",
    "C%6Fntact: <sip:alias2@host2.example.com>",
    "Contact: <sip:alias3@host3.example.com>",
    "l: 0",
  } .. empty,
}

add {
  name = "lwsdisp", section = "3.1.1.6", what = "no space between a display name and <",
  right = { "2xx" }, well_formed = true,
  reads = { from_tag = "323" },
  bytes = lines {
    "OPTIONS sip:user@example.com SIP/2.0",
    "To: sip:user@example.com",
    "From: caller<sip:caller@example.com>;tag=323",
    "Max-Forwards: 70",
    "Call-ID: lwsdisp.1234abcd@funky.example.com",
    "CSeq: 60 OPTIONS",
    "Via: SIP/2.0/UDP funky.example.com;branch=z9hG4bKkdjuw",
    "l: 0",
  } .. empty,
}

add {
  name = "longreq", section = "3.1.1.7", what = "long values and 34 Via values",
  right = { "2xx", "1xx" }, tolerable = { 413, 414, 513 }, well_formed = true,
  means = { [413] = "too long for it", [513] = "too long for it" },
  reads = { cseq = 3882340 },
  bytes = lines {
    "INVITE sip:user@example.com SIP/2.0",
    "To: \"I have a user name of " .. ("extreme"):rep(10) .. " proportion\"<sip:user@example.com:6000;unknownparam1=very" .. ("long"):rep(20) .. "value;longparam" .. ("name"):rep(25) .. "=shortvalue;very" .. ("long"):rep(25) .. "ParameterNameWithNoValue>",
    "F: sip:" .. ("amazinglylongcallername"):rep(5) .. "@example.net;tag=1" .. ("298"):rep(50) .. "2424;unknownheaderparam" .. ("name"):rep(20) .. "=unknowheaderparam" .. ("value"):rep(15) .. ";unknownValueless" .. ("paramname"):rep(10),
    "Call-ID: longreq.one" .. ("really"):rep(20) .. "longcallid",
    "CSeq: 3882340 INVITE",
    "Unknown-" .. ("Long"):rep(20) .. "-Name: unknown-" .. ("long"):rep(20) .. "-value; unknown-" .. ("long"):rep(20) .. "-parameter-name = unknown-" .. ("long"):rep(20) .. "-parameter-value",
    "Via: SIP/2.0/TCP sip33.example.com",
    "v: SIP/2.0/TCP sip32.example.com",
    "V: SIP/2.0/TCP sip31.example.com",
    "Via: SIP/2.0/TCP sip30.example.com",
    "ViA: SIP/2.0/TCP sip29.example.com",
    "VIa: SIP/2.0/TCP sip28.example.com",
    "VIA: SIP/2.0/TCP sip27.example.com",
    "via: SIP/2.0/TCP sip26.example.com",
    "viA: SIP/2.0/TCP sip25.example.com",
    "vIa: SIP/2.0/TCP sip24.example.com",
    "vIA: SIP/2.0/TCP sip23.example.com",
    "V :  SIP/2.0/TCP sip22.example.com",
    "v :  SIP/2.0/TCP sip21.example.com",
    "V  : SIP/2.0/TCP sip20.example.com",
    "v  : SIP/2.0/TCP sip19.example.com",
    "Via : SIP/2.0/TCP sip18.example.com",
    "Via  : SIP/2.0/TCP sip17.example.com",
    "Via: SIP/2.0/TCP sip16.example.com",
    "Via: SIP/2.0/TCP sip15.example.com",
    "Via: SIP/2.0/TCP sip14.example.com",
    "Via: SIP/2.0/TCP sip13.example.com",
    "Via: SIP/2.0/TCP sip12.example.com",
    "Via: SIP/2.0/TCP sip11.example.com",
    "Via: SIP/2.0/TCP sip10.example.com",
    "Via: SIP/2.0/TCP sip9.example.com",
    "Via: SIP/2.0/TCP sip8.example.com",
    "Via: SIP/2.0/TCP sip7.example.com",
    "Via: SIP/2.0/TCP sip6.example.com",
    "Via: SIP/2.0/TCP sip5.example.com",
    "Via: SIP/2.0/TCP sip4.example.com",
    "Via: SIP/2.0/TCP sip3.example.com",
    "Via: SIP/2.0/TCP sip2.example.com",
    "Via: SIP/2.0/TCP sip1.example.com",
    "Via: SIP/2.0/TCP host.example.com;received=192.0.2.5;branch=very" .. ("long"):rep(50) .. "branchvalue",
    "Max-Forwards: 70",
    "Contact: <sip:" .. ("amazinglylongcallername"):rep(5) .. "@host5.example.net>",
    "Content-Type: application/sdp",
    "l: 150",
  } .. empty .. session "192.0.2.1",
}

add {
  name = "dblreq", section = "3.1.1.8", what = "a REGISTER with another request behind it in the datagram",
  right = { "2xx" }, tolerable = { 405, 501 }, well_formed = true,
  because = "one answer: what follows the body is dropped, RFC 3261 18.3",
  reads = { method = "REGISTER", body = "" },
  bytes = lines {
    "REGISTER sip:example.com SIP/2.0",
    "To: sip:j.user@example.com",
    "From: sip:j.user@example.com;tag=43251j3j324",
    "Max-Forwards: 8",
    "I: dblreq.0ha0isndaksdj99sdfafnl3lk233412",
    "Contact: sip:j.user@host.example.com",
    "CSeq: 8 REGISTER",
    "Via: SIP/2.0/UDP 192.0.2.125;branch=z9hG4bKkdjuw23492",
    "Content-Length: 0",
  } .. empty .. lines {
    "",
    "INVITE sip:joe@example.com SIP/2.0",
    "t: sip:joe@example.com",
    "From: sip:caller@example.net;tag=141334",
    "Max-Forwards: 8",
    "Call-ID: dblreq.0ha0isnda977644900765@192.0.2.15",
    "CSeq: 8 INVITE",
    "Via: SIP/2.0/UDP 192.0.2.15;branch=z9hG4bKkdjuw380234",
    "Content-Type: application/sdp",
    "Content-Length: 150",
    "",
    "v=0",
    "o=mhandley 29739 7272939 IN IP4 192.0.2.15",
    "s=-",
    "c=IN IP4 192.0.2.15",
    "t=0 0",
    "m=audio 49217 RTP/AVP 0 12",
    "m =video 3227 RTP/AVP 31",
    "a=rtpmap:31 LPC",
    "",
  },
}

add {
  name = "semiuri", section = "3.1.1.9", what = "semicolons in the user part of a URI",
  right = { "2xx" }, well_formed = true,
  reads = { request_uri = "sip:user;par=u%40example.net@example.com" },
  bytes = lines {
    "OPTIONS sip:user;par=u%40example.net@example.com SIP/2.0",
    "To: sip:j_user@example.com",
    "From: sip:caller@example.org;tag=33242",
    "Max-Forwards: 3",
    "Call-ID: semiuri.0ha0isndaksdj",
    "CSeq: 8 OPTIONS",
    "Accept: application/sdp, application/pkcs7-mime,",
    "        multipart/mixed, multipart/signed,",
    "        message/sip, message/sipfrag",
    "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKkdjuw",
    "l: 0",
  } .. empty,
}

add {
  name = "transports", section = "3.1.1.10", what = "Via values of unknown transports below the top",
  right = { "2xx" }, well_formed = true,
  reads = { branch = "z9hG4bKkdjuw" },
  bytes = lines {
    "OPTIONS sip:user@example.com SIP/2.0",
    "To: sip:user@example.com",
    "From: <sip:caller@example.com>;tag=323",
    "Max-Forwards: 70",
    "Call-ID:  transports.kijh4akdnaqjkwendsasfdj",
    "Accept: application/sdp",
    "CSeq: 60 OPTIONS",
    "Via: SIP/2.0/UDP t1.example.com;branch=z9hG4bKkdjuw",
    "Via: SIP/2.0/SCTP t2.example.com;branch=z9hG4bKklasjdhf",
    "Via: SIP/2.0/TLS t3.example.com;branch=z9hG4bK2980unddj",
    "Via: SIP/2.0/UNKNOWN t4.example.com;branch=z9hG4bKasd0f3en",
    "Via: SIP/2.0/TCP t5.example.com;branch=z9hG4bK0a9idfnee",
    "l: 0",
  } .. empty,
}

add {
  name = "mpart01", section = "3.1.1.11", what = "a multipart body with NUL bytes and bare CR and LF",
  right = { "2xx" }, tolerable = { 405, 415, 501 }, well_formed = true,
  because = "a UA without MESSAGE answers 405 or 501: RFC 3261 8.2.1",
  reads = { body_length = 553 },
  bytes = lines {
    "MESSAGE sip:kumiko@example.org SIP/2.0",
    "Via: SIP/2.0/UDP 127.0.0.1:5070;branch=z9hG4bK-d87543-4dade06d0bdb11ee-1--d87543-;rport",
    "Max-Forwards: 70",
    "Route: <sip:127.0.0.1:5080>",
    "Identity: r5mwreLuyDRYBi/0TiPwEsY3rEVsk/G2WxhgTV1PF7hHuLIK0YWVKZhKv9Mj8UeXqkMVbnVq37CD+813gvYjcBUaZngQmXc9WNZSDNGCzA+fWl9MEUHWIZo1CeJebdY/XlgKeTa0Olvq0rt70Q5jiSfbqMJmQFteeivUhkMWYUA=",
    "Contact: <sip:fluffy@127.0.0.1:5070>",
    "To: <sip:kumiko@example.org>",
    "From: <sip:fluffy@example.com>;tag=2fb0dcc9",
    "Call-ID: 3d9485ad0c49859b@Zmx1ZmZ5LW1hYy0xNi5sb2NhbA..",
    "CSeq: 1 MESSAGE",
    "Content-Transfer-Encoding: binary",
    "Content-Type: multipart/mixed;boundary=7a9cbec02ceef655",
    "Date: Sat, 15 Oct 2005 04:44:56 GMT",
    "User-Agent: SIPimp.org/0.2.5 (curses)",
    "Content-Length: 553",
  } .. empty .. table.concat {
    "--7a9cbec02ceef655\r\n",
    "Content-Type: text/plain\r\n",
    "Content-Transfer-Encoding: binary\r\n",
    "\r\n",
    "Hello\r\n",
    "--7a9cbec02ceef655\r\n",
    "Content-Type: application/octet-stream\r\n",
    "Content-Transfer-Encoding: binary\r\n",
    "\r\n",
    "0\x82\x01R\x06\t*\x86H\x86\xf7\r\x01\x07\x02\xa0\x82\x01C0\x82\x01?\x02\x01\x011\t0\x07\x06\x05+\x0e\x03\x02",
    "\x1a0\x0b\x06\t*\x86H\x86\xf7\r\x01\x07\x011\x82\x01 0\x82\x01\x1c\x02\x01\x010|0p1\x0b0\t\x06\x03U",
    "\x04\x06\x13\x02US1\x130\x11\x06\x03U\x04\x08\x13\nCalifornia1\x110\x0f\x06\x03U\x04\x07",
    "\x13\x08San Jose1\x0e0\x0c\x06\x03U\x04\n\x13\x05sipit1)0'\x06\x03U\x04\x0b\x13",
    " Sipit Test Certificate Authority\x02\x08\x01",
    "\x95\x00q\x023\x01\x130\x07\x06\x05+\x0e\x03\x02\x1a0\r\x06\t*\x86H\x86\xf7\r\x01\x01\x01\x05\x00\x04\x81\x80\x8e\xf4",
    "f\xf9H\xf0R-\xd2\xe5\x97\x8e\x9d\x95\xaa\xe9\xf2\xfe\x15\xa0fYqb\x92\xe8\xda*\xa8\xd85\nh\xce\xff\xae<\xbd",
    "+\xff\x16u\xdd\xd5d\x8eY=\xd6G(\xf2b \xf7\xe9At\x9e3\r\x9a\x15\xed\xab\xdb\x93\xd1\x0cB\x10.{r",
    "\x89\xd2\x9c\xc0\xc9\xae.\xfb\xc7\xc0\xcf\xf9\x17/;\x02~O\xc0'\xe1Tm\xe4\xb6\xaa:\xbb>f\xcc\xcb]\xd6\xc6K",
    "\x83\x83\x14\x9c\xb8\xe6\xff\x18-\x94O\xe5{e\xbc\x99\xd0\x05\r\n",
    "--7a9cbec02ceef655--\r\n",
  },
}

add {
  name = "unreason", section = "3.1.1.12", what = "a response with a reason phrase in UTF-8",
  right = { "silence" }, well_formed = true,
  because = "a response is never answered: RFC 3261 18.1.2",
  reads = { status = 200, cseq = 35 },
  bytes = lines {
    "SIP/2.0 200 = 2**3 * 5**2 \xd0\xbd\xd0\xbe \xd1\x81\xd1\x82\xd0\xbe \xd0\xb4\xd0\xb5\xd0\xb2\xd1\x8f\xd0\xbd\xd0\xbe\xd1\x81\xd1\x82\xd0\xbe \xd0\xb4\xd0\xb5\xd0\xb2\xd1\x8f\xd1\x82\xd1\x8c - \xd0\xbf\xd1\x80\xd0\xbe\xd1\x81\xd1\x82\xd0\xbe\xd0\xb5",
    "Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923",
    "Call-ID: unreason.1234ksdfak3j2erwedfsASdf",
    "CSeq: 35 INVITE",
    "From: sip:user@example.com;tag=11141343",
    "To: sip:user@example.edu;tag=2229",
    "Content-Length: 154",
    "Content-Type: application/sdp",
    "Contact: <sip:user@host198.example.com>",
  } .. empty .. session "192.0.2.198",
}

add {
  name = "noreason", section = "3.1.1.13", what = "a response with an empty reason phrase",
  right = { "silence" }, well_formed = true,
  because = "a response is never answered: RFC 3261 18.1.2",
  reads = { status = 100, reason = "" },
  bytes = lines {
    "SIP/2.0 100 ",
    "Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe",
    "Call-ID: noreason.asndj203insdf99223ndf",
    "CSeq: 35 INVITE",
    "From: <sip:user@example.com>;tag=39ansfi3",
    "To: <sip:user@example.edu>;tag=902jndnke3",
    "Content-Length: 0",
    "Contact: <sip:user@host105.example.com>",
  } .. empty,
}

add {
  name = "badinv01", section = "3.1.2.1", what = "parameters without names in Via and Contact",
  right = { 400 },
  means = { ["2xx"] = "it read past the separators" },
  bytes = lines {
    "INVITE sip:user@example.com SIP/2.0",
    "To: sip:j.user@example.com",
    "From: sip:caller@example.net;tag=134161461246",
    "Max-Forwards: 7",
    "Call-ID: badinv01.0ha0isndaksdjasdf3234nas",
    "CSeq: 8 INVITE",
    "Via: SIP/2.0/UDP 192.0.2.15;;,;,,",
    "Contact: \"Joe\" <sip:joe@example.org>;;;;",
    "Content-Length: 152",
    "Content-Type: application/sdp",
  } .. empty .. session "192.0.2.15",
}

add {
  name = "clerr", section = "3.1.2.2", what = "Content-Length beyond the end of the datagram",
  right = { 400 },
  because = "RFC 3261 18.3",
  means = { ["2xx"] = "it took a cut-off body for a whole one" },
  flaw = "the body is shorter than Content-Length",
  bytes = lines {
    "INVITE sip:user@example.com SIP/2.0",
    "Max-Forwards: 80",
    "To: sip:j.user@example.com",
    "From: sip:caller@example.net;tag=93942939o2",
    "Contact: <sip:caller@hungry.example.net>",
    "Call-ID: clerr.0ha0isndaksdjweiafasdk3",
    "CSeq: 8 INVITE",
    "Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bK-39234-23523",
    "Content-Type: application/sdp",
    "Content-Length: 9999",
  } .. empty .. session "192.0.2.155",
}

add {
  name = "ncl", section = "3.1.2.3", what = "a negative Content-Length",
  right = { 400 },
  flaw = "Content-Length is malformed",
  bytes = lines {
    "INVITE sip:user@example.com SIP/2.0",
    "Max-Forwards: 254",
    "To: sip:j.user@example.com",
    "From: sip:caller@example.net;tag=32394234",
    "Call-ID: ncl.0ha0isndaksdj2193423r542w35",
    "CSeq: 0 INVITE",
    "Via: SIP/2.0/UDP 192.0.2.53;branch=z9hG4bKkdjuw",
    "Contact: <sip:caller@example53.example.net>",
    "Content-Type: application/sdp",
    "Content-Length: -999",
  } .. empty .. session "192.0.2.53",
}

add {
  name = "scalar02", section = "3.1.2.4", what = "CSeq beyond 2**31, Max-Forwards beyond 255, Expires beyond 2**32",
  right = { 400 },
  because = "RFC 3261 8.1.1.5, 20.22",
  means = { ["2xx"] = "its numbers wrap, or are cut" },
  flaw = "CSeq is malformed",
  bytes = lines {
    "REGISTER sip:example.com SIP/2.0",
    "Via: SIP/2.0/TCP host129.example.com;branch=z9hG4bK342sdfoi3",
    "To: <sip:user@example.com>",
    "From: <sip:user@example.com>;tag=239232jh3",
    "CSeq: 36893488147419103232 REGISTER",
    "Call-ID: scalar02.23o0pd9vanlq3wnrlnewofjas9ui32",
    "Max-Forwards: 300",
    "Expires: 1" .. ("0000"):rep(25),
    "Contact: <sip:user@host129.example.com>",
    "  ;expires=280297596632815",
    "Content-Length: 0",
  } .. empty,
}

add {
  name = "scalarlg", section = "3.1.2.5", what = "a response whose CSeq is beyond 2**31",
  right = { "silence" },
  because = "a response is never answered: RFC 3261 18.1.2",
  flaw = "CSeq is malformed",
  bytes = lines {
    "SIP/2.0 503 Service Unavailable",
    "Via: SIP/2.0/TCP host129.example.com;branch=z9hG4bKzzxdiwo34sw;received=192.0.2.129",
    "To: <sip:user@example.com>",
    "From: <sip:other@example.net>;tag=2easdjfejw",
    "CSeq: 9292394834772304023312 OPTIONS",
    "Call-ID: scalarlg.noase0of0234hn2qofoaf0232aewf2394r",
    "Retry-After: 949302838503028349304023988",
    "Warning: 1812 overture \"In Progress\"",
    "Content-Length: 0",
  } .. empty,
}

add {
  name = "quotbal", section = "3.1.2.6", what = "a quoted display name that does not end",
  right = { 400 }, tolerable = { "2xx", "1xx", "policy" },
  means = { ["2xx"] = "it guessed where the quotation ends", ["1xx"] = "it guessed where the quotation ends" },
  bytes = lines {
    "INVITE sip:user@example.com SIP/2.0",
    "To: \"Mr. J. User <sip:j.user@example.com>",
    "From: sip:caller@example.net;tag=93334",
    "Max-Forwards: 10",
    "Call-ID: quotbal.aksdj",
    "Contact: <sip:caller@host59.example.net>",
    "CSeq: 8 INVITE",
    "Via: SIP/2.0/UDP 192.0.2.59:5050;branch=z9hG4bKkdjuw39234",
    "Content-Type: application/sdp",
    "Content-Length: 152",
  } .. empty .. session "192.0.2.15",
}

add {
  name = "ltgtruri", section = "3.1.2.7", what = "a Request-URI in <>",
  right = { 400 }, tolerable = { "2xx", "1xx", 416, "policy" },
  means = { ["2xx"] = "it left the brackets out", ["1xx"] = "it left the brackets out", [416] = "it took <sip for a scheme" },
  bytes = lines {
    "INVITE <sip:user@example.com> SIP/2.0",
    "To: sip:user@example.com",
    "From: sip:caller@example.net;tag=39291",
    "Max-Forwards: 23",
    "Call-ID: ltgtruri.1@192.0.2.5",
    "CSeq: 1 INVITE",
    "Via: SIP/2.0/UDP 192.0.2.5",
    "Contact: <sip:caller@host5.example.net>",
    "Content-Type: application/sdp",
    "Content-Length: 159",
  } .. empty .. lines {
    "v=0",
    "o=mhandley 29739 7272939 IN IP4 192.0.2.5",
    "s=-",
    "c=IN IP4 192.0.2.5",
    "t=3149328700 0",
    "m=audio 49217 RTP/AVP 0 12",
    "m=video 3227 RTP/AVP 31",
    "a=rtpmap:31 LPC",
  },
}

add {
  name = "lwsruri", section = "3.1.2.8", what = "a space in the Request-URI",
  right = { 400 }, tolerable = { 481, "2xx", "1xx", "policy" },
  means = { [481] = "it put up with the space, and To has a tag" },
  flaw = "the start line is malformed",
  bytes = lines {
    "INVITE sip:user@example.com; lr SIP/2.0",
    "To: sip:user@example.com;tag=3xfe-9921883-z9f",
    "From: sip:caller@example.net;tag=231413434",
    "Max-Forwards: 5",
    "Call-ID: lwsruri.asdfasdoeoi2323-asdfwrn23-asd834rk423",
    "CSeq: 2130706432 INVITE",
    "Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKkdjuw2395",
    "Contact: <sip:caller@host1.example.net>",
    "Content-Type: application/sdp",
    "Content-Length: 159",
  } .. empty .. lines {
    "v=0",
    "o=mhandley 29739 7272939 IN IP4 192.0.2.1",
    "s=-",
    "c=IN IP4 192.0.2.1",
    "t=3149328700 0",
    "m=audio 49217 RTP/AVP 0 12",
    "m=video 3227 RTP/AVP 31",
    "a=rtpmap:31 LPC",
  },
}

add {
  name = "lwsstart", section = "3.1.2.9", what = "several spaces in the request line",
  right = { 400 }, tolerable = { "2xx", "1xx", "policy" },
  means = { ["2xx"] = "it put up with the spaces", ["1xx"] = "it put up with the spaces" },
  flaw = "the start line is malformed",
  bytes = lines {
    "INVITE  sip:user@example.com  SIP/2.0",
    "Max-Forwards: 8",
    "To: sip:user@example.com",
    "From: sip:caller@example.net;tag=8814",
    "Call-ID: lwsstart.dfknq234oi243099adsdfnawe3@example.com",
    "CSeq: 1893884 INVITE",
    "Via: SIP/2.0/UDP host1.example.com;branch=z9hG4bKkdjuw3923",
    "Contact: <sip:caller@host1.example.net>",
    "Content-Type: application/sdp",
    "Content-Length: 150",
  } .. empty .. session "192.0.2.1",
}

add {
  name = "trws", section = "3.1.2.10", what = "spaces at the end of the request line",
  right = { 400 }, tolerable = { "2xx", "policy" },
  means = { ["2xx"] = "it put up with the spaces" },
  flaw = "the start line is malformed",
  bytes = lines {
    "OPTIONS sip:remote-target@example.com SIP/2.0  ",
    "Via: SIP/2.0/TCP host1.examle.com;branch=z9hG4bK299342093",
    "To: <sip:remote-target@example.com>",
    "From: <sip:local-resource@example.com>;tag=329429089",
    "Call-ID: trws.oicu34958239neffasdhr2345r",
    "Accept: application/sdp",
    "CSeq: 238923 OPTIONS",
    "Max-Forwards: 70",
    "Content-Length: 0",
  } .. empty,
}

add {
  name = "escruri", section = "3.1.2.11", what = "header parameters in the Request-URI",
  right = { 400 }, tolerable = { "2xx", "1xx", "policy" },
  because = "RFC 3261 19.1.1",
  means = { ["2xx"] = "it ignored them, or obeyed them: see where its requests go", ["1xx"] = "it ignored them, or obeyed them: see where its requests go" },
  bytes = lines {
    "INVITE sip:user@example.com?Route=%3Csip:example.com%3E SIP/2.0",
    "To: sip:user@example.com",
    "From: sip:caller@example.net;tag=341518",
    "Max-Forwards: 7",
    "Contact: <sip:caller@host39923.example.net>",
    "Call-ID: escruri.23940-asdfhj-aje3br-234q098w-fawerh2q-h4n5",
    "CSeq: 149209342 INVITE",
    "Via: SIP/2.0/UDP host-of-the-hour.example.com;branch=z9hG4bKkdjuw",
    "Content-Type: application/sdp",
    "Content-Length: 150",
  } .. empty .. session "192.0.2.1",
}

add {
  name = "baddate", section = "3.1.2.12", what = "a Date in another time zone than GMT",
  right = { "2xx", "1xx" }, tolerable = { 400, "policy" },
  because = "a Date that nobody uses is no reason to refuse: RFC 4475 3.1.2.12",
  means = { [400] = "it refuses for a header it does not need" },
  bytes = lines {
    "INVITE sip:user@example.com SIP/2.0",
    "To: sip:user@example.com",
    "From: sip:caller@example.net;tag=2234923",
    "Max-Forwards: 70",
    "Call-ID: baddate.239423mnsadf3j23lj42--sedfnm234",
    "CSeq: 1392934 INVITE",
    "Via: SIP/2.0/UDP host.example.com;branch=z9hG4bKkdjuw",
    "Date: Fri, 01 Jan 2010 16:00:00 EST",
    "Contact: <sip:caller@host5.example.net>",
    "Content-Type: application/sdp",
    "Content-Length: 150",
  } .. empty .. session "192.0.2.5",
}

add {
  name = "regbadct", section = "3.1.2.13", what = "a Contact with header parameters but without <>",
  right = { 400 }, tolerable = { "2xx", 405, 501 },
  because = "RFC 3261 20.10",
  means = { ["2xx"] = "it inferred the brackets" },
  bytes = lines {
    "REGISTER sip:example.com SIP/2.0",
    "To: sip:user@example.com",
    "From: sip:user@example.com;tag=998332",
    "Max-Forwards: 70",
    "Call-ID: regbadct.k345asrl3fdbv@10.0.0.1",
    "CSeq: 1 REGISTER",
    "Via: SIP/2.0/UDP 135.180.130.133:5060;branch=z9hG4bKkdjuw",
    "Contact: sip:user@example.com?Route=%3Csip:sip.example.com%3E",
    "l: 0",
  } .. empty,
}

add {
  name = "badaspec", section = "3.1.2.14", what = "spaces within <> about a URI",
  right = { 400 }, tolerable = { "2xx", "policy" },
  means = { ["2xx"] = "it left the spaces out" },
  bytes = lines {
    "OPTIONS sip:user@example.org SIP/2.0",
    "Via: SIP/2.0/UDP host4.example.com:5060;branch=z9hG4bKkdju43234",
    "Max-Forwards: 70",
    "From: \"Bell, Alexander\" <sip:a.g.bell@example.com>;tag=433423",
    "To: \"Watson, Thomas\" < sip:t.watson@example.org >",
    "Call-ID: badaspec.sdf0234n2nds0a099u23h3hnnw009cdkne3",
    "Accept: application/sdp",
    "CSeq: 3923239 OPTIONS",
    "l: 0",
  } .. empty,
}

add {
  name = "baddn", section = "3.1.2.15", what = "commas in a display name without quotes; no empty line ends the headers",
  right = { 400 }, tolerable = { "2xx", "silence", "policy" },
  because = "the headers do not end: RFC 3261 7",
  means = { ["silence"] = "a message without its empty line is not whole", ["2xx"] = "it inferred the quotes and the end" },
  flaw = "the message ends within its headers",
  bytes = lines {
    "OPTIONS sip:t.watson@example.org SIP/2.0",
    "Via:     SIP/2.0/UDP c.example.com:5060;branch=z9hG4bKkdjuw",
    "Max-Forwards:      70",
    "From:    Bell, Alexander <sip:a.g.bell@example.com>;tag=43",
    "To:      Watson, Thomas <sip:t.watson@example.org>",
    "Call-ID: baddn.31415@c.example.com",
    "Accept: application/sdp",
    "CSeq:    3923239 OPTIONS",
    "l: 0",
  },
}

add {
  name = "badvers", section = "3.1.2.16", what = "SIP/7.0",
  right = { 505 },
  because = "RFC 3261 21.5.6",
  flaw = "the version is not SIP/2.0",
  bytes = lines {
    "OPTIONS sip:t.watson@example.org SIP/7.0",
    "Via:     SIP/7.0/UDP c.example.com;branch=z9hG4bKkdjuw",
    "Max-Forwards:     70",
    "From:    A. Bell <sip:a.g.bell@example.com>;tag=qweoiqpe",
    "To:      T. Watson <sip:t.watson@example.org>",
    "Call-ID: badvers.31417@c.example.com",
    "CSeq:    1 OPTIONS",
    "l: 0",
  } .. empty,
}

add {
  name = "mismatch01", section = "3.1.2.17", what = "OPTIONS whose CSeq says INVITE",
  right = { 400 },
  because = "RFC 3261 8.1.1.5",
  flaw = "the method of CSeq differs from the request line",
  bytes = lines {
    "OPTIONS sip:user@example.com SIP/2.0",
    "To: sip:j.user@example.com",
    "From: sip:caller@example.net;tag=34525",
    "Max-Forwards: 6",
    "Call-ID: mismatch01.dj0234sxdfl3",
    "CSeq: 8 INVITE",
    "Via: SIP/2.0/UDP host.example.com;branch=z9hG4bKkdjuw",
    "l: 0",
  } .. empty,
}

add {
  name = "mismatch02", section = "3.1.2.18", what = "an unknown method whose CSeq says INVITE",
  right = { 501 }, tolerable = { 400, 405 },
  because = "the method comes first: RFC 3261 8.2.1",
  flaw = "the method of CSeq differs from the request line",
  bytes = lines {
    "NEWMETHOD sip:user@example.com SIP/2.0",
    "To: sip:j.user@example.com",
    "From: sip:caller@example.net;tag=34525",
    "Max-Forwards: 6",
    "Call-ID: mismatch02.dj0234sxdfl3",
    "CSeq: 8 INVITE",
    "Contact: <sip:caller@host.example.net>",
    "Via: SIP/2.0/UDP host.example.net;branch=z9hG4bKkdjuw",
    "Content-Type: application/sdp",
    "l: 138",
  } .. empty .. lines {
    "v=0",
    "o=mhandley 29739 7272939 IN IP4 192.0.2.1",
    "c=IN IP4 192.0.2.1",
    "m=audio 49217 RTP/AVP 0 12",
    "m=video 3227 RTP/AVP 31",
    "a=rtpmap:31 LPC",
  },
}

add {
  name = "bigcode", section = "3.1.2.19", what = "a response with a status of 33 bits",
  right = { "silence" },
  because = "a response is never answered: RFC 3261 18.1.2",
  flaw = "the start line is malformed",
  bytes = lines {
    "SIP/2.0 4294967301 better not break the receiver",
    "Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398ndaoe",
    "Call-ID: bigcode.asdof3uj203asdnf3429uasdhfas3ehjasdfas9i",
    "CSeq: 353494 INVITE",
    "From: <sip:user@example.com>;tag=39ansfi3",
    "To: <sip:user@example.edu>;tag=902jndnke3",
    "Content-Length: 0",
    "Contact: <sip:user@host105.example.com>",
  } .. empty,
}

add {
  name = "badbranch", section = "3.2.1", what = "a branch that is the magic cookie and nothing more",
  right = { 400 }, tolerable = { "2xx", "policy" },
  means = { ["2xx"] = "it matches transactions as RFC 2543 did" },
  bytes = lines {
    "OPTIONS sip:user@example.com SIP/2.0",
    "To: sip:user@example.com",
    "From: sip:caller@example.org;tag=33242",
    "Max-Forwards: 3",
    "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK",
    "Accept: application/sdp",
    "Call-ID: badbranch.sadonfo23i420jv0as0derf3j3n",
    "CSeq: 8 OPTIONS",
    "l: 0",
  } .. empty,
}

add {
  name = "insuf", section = "3.3.1", what = "no Call-ID, From, To",
  right = { 400 }, tolerable = { "silence" },
  because = "RFC 3261 8.1.1",
  means = { ["silence"] = "it drops what it cannot answer well" },
  flaw = "a mandatory header (Via, From, To, Call-ID, CSeq) is missing",
  bytes = lines {
    "INVITE sip:user@example.com SIP/2.0",
    "CSeq: 193942 INVITE",
    "Via: SIP/2.0/UDP 192.0.2.95;branch=z9hG4bKkdj.insuf",
    "Content-Type: application/sdp",
    "l: 152",
  } .. empty .. session "192.0.2.95",
}

add {
  name = "unkscm", section = "3.3.2", what = "a Request-URI of an unknown scheme",
  right = { 416 }, well_formed = true,
  because = "RFC 3261 8.2.2.1",
  bytes = lines {
    "OPTIONS nobodyKnowsThisScheme:totallyopaquecontent SIP/2.0",
    "To: sip:user@example.com",
    "From: sip:caller@example.net;tag=384",
    "Max-Forwards: 3",
    "Call-ID: unkscm.nasdfasser0q239nwsdfasdkl34",
    "CSeq: 3923423 OPTIONS",
    "Via: SIP/2.0/TCP host9.example.com;branch=z9hG4bKkdjuw39234",
    "Content-Length: 0",
  } .. empty,
}

add {
  name = "novelsc", section = "3.3.3", what = "a Request-URI of a known scheme that is not SIP",
  right = { 416 }, well_formed = true,
  because = "RFC 3261 8.2.2.1",
  bytes = lines {
    "OPTIONS soap.beep://192.0.2.103:3002 SIP/2.0",
    "To: sip:user@example.com",
    "From: sip:caller@example.net;tag=384",
    "Max-Forwards: 3",
    "Call-ID: novelsc.asdfasser0q239nwsdfasdkl34",
    "CSeq: 3923423 OPTIONS",
    "Via: SIP/2.0/TCP host9.example.com;branch=z9hG4bKkdjuw39234",
    "Content-Length: 0",
  } .. empty,
}

add {
  name = "unksm2", section = "3.3.4", what = "To, From and Contact of other schemes",
  right = { 400 }, tolerable = { 405, 501 }, well_formed = true,
  because = "a registrar cannot bind them; who is none answers 405 or 501: RFC 3261 8.2.1",
  means = { ["2xx"] = "it bound a URI that it cannot reach" },
  bytes = lines {
    "REGISTER sip:example.com SIP/2.0",
    "To: isbn:2983792873",
    "From: <http://www.example.com>;tag=3234233",
    "Call-ID: unksm2.daksdj@hyphenated-host.example.com",
    "CSeq: 234902 REGISTER",
    "Max-Forwards: 70",
    "Via: SIP/2.0/UDP 192.0.2.21:5060;branch=z9hG4bKkdjuw",
    "Contact: <name:John_Smith>",
    "l: 0",
  } .. empty,
}

add {
  name = "bext01", section = "3.3.5", what = "unknown extensions in Require and Proxy-Require",
  right = { 420 }, well_formed = true,
  because = "RFC 3261 8.2.2.3",
  means = { ["2xx"] = "it ignored Require" },
  bytes = lines {
    "OPTIONS sip:user@example.com SIP/2.0",
    "To: sip:j_user@example.com",
    "From: sip:caller@example.net;tag=242etr",
    "Max-Forwards: 6",
    "Call-ID: bext01.0ha0isndaksdj",
    "Require: nothingSupportsThis, nothingSupportsThisEither",
    "Proxy-Require: noProxiesSupportThis, norDoAnyProxiesSupportThis",
    "CSeq: 8 OPTIONS",
    "Via: SIP/2.0/TLS fold-and-staple.example.com;branch=z9hG4bKkdjuw",
    "Content-Length: 0",
  } .. empty,
}

add {
  name = "invut", section = "3.3.6", what = "an unknown Content-Type",
  right = { 415 }, well_formed = true,
  because = "RFC 3261 8.2.3",
  means = { ["2xx"] = "it ignored a body that it had to understand" },
  bytes = lines {
    "INVITE sip:user@example.com SIP/2.0",
    "Contact: <sip:caller@host5.example.net>",
    "To: sip:j.user@example.com",
    "From: sip:caller@example.net;tag=8392034",
    "Max-Forwards: 70",
    "Call-ID: invut.0ha0isndaksdjadsfij34n23d",
    "CSeq: 235448 INVITE",
    "Via: SIP/2.0/UDP somehost.example.com;branch=z9hG4bKkdjuw",
    "Content-Type: application/unknownformat",
    "Content-Length: 40",
  } .. empty .. lines {
    "<audio>",
    " <pcmu port=\"443\"/>",
    "</audio>",
  },
}

add {
  name = "regaut01", section = "3.3.7", what = "an Authorization of an unknown scheme",
  right = { 401 }, tolerable = { "2xx", 405, 501 }, well_formed = true,
  because = "only a registrar that authenticates looks at it: RFC 3261 8.2.1",
  means = { ["2xx"] = "it does not authenticate" },
  bytes = lines {
    "REGISTER sip:example.com SIP/2.0",
    "To: sip:j.user@example.com",
    "From: sip:j.user@example.com;tag=87321hj23128",
    "Max-Forwards: 8",
    "Call-ID: regaut01.0ha0isndaksdj",
    "CSeq: 9338 REGISTER",
    "Via: SIP/2.0/TCP 192.0.2.253;branch=z9hG4bKkdjuw",
    "Authorization: NoOneKnowsThisScheme opaque-data=here",
    "Content-Length:0",
  } .. empty,
}

add {
  name = "multi01", section = "3.3.8", what = "CSeq, Call-ID, From, To, Max-Forwards twice",
  right = { 400 },
  because = "RFC 3261 7.3.1",
  means = { ["2xx"] = "it took one of them" },
  flaw = "a header stands twice that may stand once",
  bytes = lines {
    "INVITE sip:user@company.com SIP/2.0",
    "Contact: <sip:caller@host25.example.net>",
    "Via: SIP/2.0/UDP 192.0.2.25;branch=z9hG4bKkdjuw",
    "Max-Forwards: 70",
    "CSeq: 5 INVITE",
    "Call-ID: multi01.98asdh@192.0.2.1",
    "CSeq: 59 INVITE",
    "Call-ID: multi01.98asdh@192.0.2.2",
    "From: sip:caller@example.com;tag=3413415",
    "To: sip:user@example.com",
    "To: sip:other@example.net",
    "From: sip:caller@example.net;tag=2923420123",
    "Content-Type: application/sdp",
    "l: 154",
    "Contact: <sip:caller@host36.example.net>",
    "Max-Forwards: 5",
  } .. empty .. lines {
    "v=0",
    "o=mhandley 29739 7272939 IN IP4 192.0.2.25",
    "s=-",
    "c=IN IP4 192.0.2.25",
    "t=0 0",
    "m=audio 49217 RTP/AVP 0 12",
    "m=video 3227 RTP/AVP 31",
    "a=rtpmap:31 LPC",
    "",
  },
}

add {
  name = "mcl01", section = "3.3.9", what = "Content-Length twice",
  right = { 400 },
  because = "RFC 3261 7.3.1, 18.3",
  flaw = "a header stands twice that may stand once",
  bytes = lines {
    "OPTIONS sip:user@example.com SIP/2.0",
    "Via: SIP/2.0/UDP host5.example.net;branch=z9hG4bK293423",
    "To: sip:user@example.com",
    "From: sip:other@example.net;tag=3923942",
    "Call-ID: mcl01.fhn2323orihawfdoa3o4r52o3irsdf",
    "CSeq: 15932 OPTIONS",
    "Content-Length: 13",
    "Max-Forwards: 60",
    "Content-Length: 5",
    "Content-Type: text/plain",
  } .. empty .. lines {
    "There's no way to know how many octets are supposed to be here.",
    "",
  },
}

add {
  name = "bcast", section = "3.3.10", what = "a response with a broadcast address in its second Via",
  right = { "silence" }, well_formed = true,
  because = "a UA drops it and sends nothing on: RFC 3261 18.1.2",
  reads = { status = 200 },
  bytes = lines {
    "SIP/2.0 200 OK",
    "Via: SIP/2.0/UDP 192.0.2.198;branch=z9hG4bK1324923",
    "Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bK1saber23",
    "Call-ID: bcast.0384840201234ksdfak3j2erwedfsASdf",
    "CSeq: 35 INVITE",
    "From: sip:user@example.com;tag=11141343",
    "To: sip:user@example.edu;tag=2229",
    "Content-Length: 154",
    "Content-Type: application/sdp",
    "Contact: <sip:user@host28.example.com>",
  } .. empty .. session "192.0.2.198",
}

add {
  name = "zeromf", section = "3.3.11", what = "Max-Forwards is 0",
  right = { "2xx" }, tolerable = { 483 }, well_formed = true,
  because = "only who forwards looks at it: RFC 3261 8.1.1.6, 16.3",
  means = { [483] = "it is a proxy" },
  bytes = lines {
    "OPTIONS sip:user@example.com SIP/2.0",
    "To: sip:user@example.com",
    "From: sip:caller@example.net;tag=3ghsd41",
    "Call-ID: zeromf.jfasdlfnm2o2l43r5u0asdfas",
    "CSeq: 39234321 OPTIONS",
    "Via: SIP/2.0/UDP host1.example.com;branch=z9hG4bKkdjuw2349i",
    "Max-Forwards: 0",
    "Content-Length: 0",
  } .. empty,
}

add {
  name = "cparam01", section = "3.3.12", what = "a REGISTER whose Contact has an unknown parameter",
  right = { "2xx" }, tolerable = { 405, 501 }, well_formed = true,
  because = "who is no registrar answers 405 or 501: RFC 3261 8.2.1",
  bytes = lines {
    "REGISTER sip:example.com SIP/2.0",
    "Via: SIP/2.0/UDP saturn.example.com:5060;branch=z9hG4bKkdjuw",
    "Max-Forwards: 70",
    "From: sip:watson@example.com;tag=DkfVgjkrtMwaerKKpe",
    "To: sip:watson@example.com",
    "Call-ID: cparam01.70710@saturn.example.com",
    "CSeq: 2 REGISTER",
    "Contact: sip:+19725552222@gw1.example.net;unknownparam",
    "l: 0",
  } .. empty,
}

add {
  name = "cparam02", section = "3.3.13", what = "a REGISTER whose Contact URI has an unknown parameter",
  right = { "2xx" }, tolerable = { 405, 501 }, well_formed = true,
  because = "who is no registrar answers 405 or 501: RFC 3261 8.2.1",
  bytes = lines {
    "REGISTER sip:example.com SIP/2.0",
    "Via: SIP/2.0/UDP saturn.example.com:5060;branch=z9hG4bKkdjuw",
    "Max-Forwards: 70",
    "From: sip:watson@example.com;tag=838293",
    "To: sip:watson@example.com",
    "Call-ID: cparam02.70710@saturn.example.com",
    "CSeq: 3 REGISTER",
    "Contact: <sip:+19725552222@gw1.example.net;unknownparam>",
    "l: 0",
  } .. empty,
}

add {
  name = "regescrt", section = "3.3.14", what = "a REGISTER whose Contact URI has header parameters",
  right = { "2xx" }, tolerable = { 405, 501 }, well_formed = true,
  because = "who is no registrar answers 405 or 501: RFC 3261 8.2.1",
  bytes = lines {
    "REGISTER sip:example.com SIP/2.0",
    "To: sip:user@example.com",
    "From: sip:user@example.com;tag=8",
    "Max-Forwards: 70",
    "Call-ID: regescrt.k345asrl3fdbv@192.0.2.1",
    "CSeq: 14398234 REGISTER",
    "Via: SIP/2.0/UDP host5.example.com;branch=z9hG4bKkdjuw",
    "M: <sip:user@example.com?Route=%3Csip:sip.example.com%3E>",
    "L:0",
  } .. empty,
}

add {
  name = "sdp01", section = "3.3.15", what = "an INVITE whose Accept leaves no session description",
  right = { 406 }, tolerable = { 400 }, well_formed = true,
  because = "RFC 3261 21.4.7",
  means = { ["2xx"] = "it answers with what the caller cannot read" },
  bytes = lines {
    "INVITE sip:user@example.com SIP/2.0",
    "To: sip:j_user@example.com",
    "Contact: <sip:caller@host15.example.net>",
    "From: sip:caller@example.net;tag=234",
    "Max-Forwards: 5",
    "Call-ID: sdp01.ndaksdj9342dasdd",
    "Accept: text/nobodyKnowsThis",
    "CSeq: 8 INVITE",
    "Via: SIP/2.0/UDP 192.0.2.15;branch=z9hG4bKkdjuw",
    "Content-Length: 150",
    "Content-Type: application/sdp",
  } .. empty .. session "192.0.2.5",
}

add {
  name = "inv2543", section = "3.4.1", what = "an INVITE of RFC 2543: no branch, no tag, no Contact, no Max-Forwards",
  right = { "2xx", "1xx" }, tolerable = { 400 }, well_formed = true,
  because = "RFC 3261 is to work with RFC 2543: 8.1.1.3, 17.2.3",
  means = { [400] = "it does not speak with elements of RFC 2543" },
  reads = { cseq = 56 },
  bytes = lines {
    "INVITE sip:UserB@example.com SIP/2.0",
    "Via: SIP/2.0/UDP iftgw.example.com",
    "From: <sip:+13035551111@ift.client.example.net;user=phone>",
    "Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>",
    "To: sip:+16505552222@ss1.example.net;user=phone",
    "Call-ID: inv2543.1717@ift.client.example.com",
    "CSeq: 56 INVITE",
    "Content-Type: application/sdp",
  } .. empty .. lines {
    "v=0",
    "o=mhandley 29739 7272939 IN IP4 192.0.2.5",
    "s=-",
    "c=IN IP4 192.0.2.5",
    "t=0 0",
    "m=audio 49217 RTP/AVP 0",
  },
}

add {
  name = "test", section = "-", what = "no version, a line without a colon, no Via (in the archive, not in the text)",
  right = { "silence" }, tolerable = { 400 },
  because = "without Via an answer has nowhere to go: RFC 3261 18.2.2",
  flaw = "not a SIP message",
  bytes = lines {
    "INVITE sip:alan@jasomi.com",
    "TO : alan@jasomi.com",
    "From: ralph@example.com",
    "MaX-fOrWaRdS: 0068",
    "Call-ID: test.0ha0isndaksdj@192.0.2.1",
    "Xyzzy-2: this is the number ten : 10",
    "Xyzzy-3: INVITE",
    "Xyzzy: 10000000000",
    "Meaning: foo bar spam",
    "Foobar roobar",
    "Content-Length: 18",
    "Content-Type: application/sdp",
  } .. empty .. lines {
    "v=0",
    "testing=123",
  },
}

add {
  name = "baddn_terminated", section = "3.1.2.15", what = "baddn with its empty line",
  right = { 400 }, tolerable = { "2xx", "policy" },
  means = { ["2xx"] = "it inferred the quotes" },
  bytes = text.of(messages, "baddn") .. empty,
}

return messages
