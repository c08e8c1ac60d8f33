#!/bin/sh
# The scripts of _failing/ under both clocks. Their first lines say how each must end:
#   -- exit 1: TEXT of the output     -- says: TEXT more of it     -- with: OPTIONS     -- clock: virtual | real
# FILE stands for the script's own path.
#
# run.sh OFFHOOK [virtual|real]...
set -u
offhook=$1
shift
here=$(dirname "$0")
out=$(mktemp -d) || exit 3
trap 'rm -rf "$out"' EXIT
passed=0 failed=0

for clock in ${*:-virtual real}; do
	case $clock in virtual) how=--virtual ;; *) how="--timer-scale 0.1" ;; esac
	for file in "$here"/_failing/*.lua; do
		case $(sed -n 's/^-- clock: //p' "$file") in "" | "$clock") ;; *) continue ;; esac
		want=$(sed -n '1s/^-- exit \([0-9]*\):.*/\1/p' "$file")
		# shellcheck disable=SC2046,SC2086
		"$offhook" run --record off --no-colour --seed 1 $how $(sed -n 's/^-- with: //p' "$file") "$file" >"$out/text" 2>&1
		got=$?
		wrong=
		[ "$got" = "$want" ] || wrong="; exit $got, not $want"
		sed -n -e '1s/^-- exit [0-9]*: //p' -e 's/^-- says: //p' "$file" | sed "s|FILE|$file|g" >"$out/says"
		while IFS= read -r text; do
			grep -qF -e "$text" "$out/text" || wrong="$wrong; it does not say: $text"
		done <"$out/says"
		if [ -z "$wrong" ]; then
			passed=$((passed + 1))
		else
			failed=$((failed + 1))
			echo "FAIL  $file, $clock clock$wrong"
			sed 's/^/    /' "$out/text"
		fi
	done
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ]
