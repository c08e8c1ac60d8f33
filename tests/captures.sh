#!/usr/bin/env bash
# captures.sh DIR...: every capture below is one that Wireshark reads without a complaint: nothing malformed, right
# checksums, actors by their names.
#
# What a script sent as raw bytes may be malformed on purpose, and so may the answers to it in a directory "negative": there the
# checksums and names count.
set -u

if [ "${1:-}" = --one ]; then
	file=$2
	# Every port is SIP's here: a free one may be another protocol's, whose dissector would complain.
	fields=$(tshark -r "$file" -N n -d 'udp.port==1-65535,sip' -o ip.check_checksum:TRUE -o udp.check_checksum:TRUE -T fields -E separator='|' \
		-e frame.number -e _ws.malformed -e ip.checksum.status -e udp.checksum.status -e ip.src_host -e ip.dst_host \
		-e ipv6.src_host -e ipv6.dst_host -e frame.comment 2>/dev/null) || {
		echo "bad $file: tshark cannot read it to its end"
		exit
	}
	purpose=0
	grep -qaE '(^|/)negative/[^ ]*\.lua: ' "$file" && purpose=1 # the capture's comment names the script
	printf '%s\n' "$fields" | awk -F'|' -v file="$file" -v purpose=$purpose '
		function named(host) { return host != "" && host !~ /[.:]/ }   # an address has one of these
		NF < 9 { next }
		{ frames++ }
		$2 != "" && !purpose && $9 !~ /, raw bytes: / { why = "frame " $1 " is malformed" }
		$3 ~ /0/ { why = "frame " $1 " has a bad IP checksum" }   # 0 bad, 1 good, 2 not checked
		$4 ~ /0/ { why = "frame " $1 " has a bad UDP checksum" }
		$4 ~ /2/ { why = "frame " $1 " has an UDP checksum that was not checked" }
		!named($5) && !named($6) && !named($7) && !named($8) { why = "frame " $1 " names no actor: " $5 $7 " to " $6 $8 }
		END { print (why == "" ? "good " : "bad ") file (why == "" ? " " frames + 0 : ": " why) }'
	exit
fi

if ! command -v tshark >/dev/null; then
	echo "tshark is not installed"
	exit 77
fi
result=$(find "$@" -name '*.pcapng' -print0 | sort -z | xargs -0 -r -n 1 -P "$(nproc)" "$0" --one)
good=$(printf '%s\n' "$result" | grep -c '^good ')
bad=$(printf '%s\n' "$result" | grep -c '^bad ')
printf '%s\n' "$result" | sed -n 's/^bad //p'
if [ $((good + bad)) -eq 0 ]; then
	echo "no captures in $*"
	bad=1
fi
echo "$(printf '%s\n' "$result" | awk '/^good /{n += $NF} END{print n + 0}') frames read by tshark"
echo "$good passed, $bad failed, 0 skipped"
[ "$bad" -eq 0 ]
