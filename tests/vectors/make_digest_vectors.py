#!/usr/bin/env python3
"""Prints digest.tsv: digest responses worked out from the text of RFC 7616 3.4 with hashlib alone, for what no RFC gives
an example of: SHA-512-256, and every -sess form with each qop.

    python3 tests/vectors/make_digest_vectors.py > tests/vectors/digest.tsv
"""
import hashlib

COLUMNS = ("id source algorithm qop username realm password nonce nc cnonce method uri body_hex response must_match "
           "note").split()
HASHES = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
SDP = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n"


def response(row):
    name = row["algorithm"] or "MD5"
    sess = name.endswith("-sess")
    digest = HASHES[name.removesuffix("-sess")]

    def h(*parts):
        return hashlib.new(digest, b":".join(p if isinstance(p, bytes) else p.encode() for p in parts)).hexdigest()

    ha1 = h(row["username"], row["realm"], row["password"])
    if sess:
        ha1 = h(ha1, row["nonce"], row["cnonce"])
    if row["qop"] == "auth-int":
        ha2 = h(row["method"], row["uri"], h(bytes.fromhex(row["body_hex"])))
    else:
        ha2 = h(row["method"], row["uri"])
    if row["qop"]:
        return h(ha1, row["nonce"], row["nc"], row["cnonce"], row["qop"], ha2)
    return h(ha1, row["nonce"], ha2)


def rows():
    common = dict(source="own", realm="example.test", password="correct horse", nonce="9f3c2e7a51d04b88",
                  must_match="yes", note="")
    for algorithm in ("", "MD5", "MD5-sess", "SHA-256", "SHA-256-sess", "SHA-512-256", "SHA-512-256-sess"):
        for qop in ("", "auth", "auth-int"):
            counted = bool(qop)
            yield dict(common, id=f"{algorithm or 'none'}-{qop or 'rfc2069'}", algorithm=algorithm, qop=qop,
                       username="alice", method="INVITE", uri="sip:bob@example.test", body_hex=SDP.hex(),
                       nc="0000001f" if counted else "", cnonce="c0ffee42" if counted or "-sess" in algorithm else "")
    sess = dict(common, algorithm="SHA-512-256-sess", nc="00000001", cnonce="x", method="REGISTER", uri="sip:example.test")
    yield dict(sess, id="empty-body", qop="auth-int", username="alice", body_hex="")
    yield dict(sess, id="binary-body", qop="auth-int", username="alice", body_hex=bytes(range(256)).hex())
    yield dict(sess, id="empty-password", qop="auth", username="alice", body_hex="", password="")
    yield dict(sess, id="escaped-username", qop="auth", username='al\\"ice', body_hex="",
               note="hashed as it stands between the quotes (RFC 7616 3.4)")
    yield dict(sess, id="utf8-username", qop="auth", username="J\u00e4s\u00f8n Doe", body_hex="")
    yield dict(sess, id="plain-for-sess", qop="auth", username="alice", body_hex="", must_match="no",
               note="the response of SHA-512-256 without -sess")


print("\t".join(COLUMNS))
for row in rows():
    wrong = row["must_match"] == "no"
    row["response"] = response(dict(row, algorithm="SHA-512-256") if wrong else row)
    print("\t".join(row[c] for c in COLUMNS))
