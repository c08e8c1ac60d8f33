#!/usr/bin/env bash
# The scenarios of this folder over a bad network in virtual time, with 200 seeds and those that ever failed: run.sh OFFHOOK
set -u
here=$(cd "$(dirname "$0")" && pwd)
offhook=$1
passed=0 failed=0

# count OPTION...: one run, which counts what it says.
count() {
	local text
	text=$("$offhook" run --virtual --record off --network delay=0.02,jitter=0.05,loss=0.2,duplicate=0.2 "$@" "$here")
	read -r p _ f _ < <(tail -n 1 <<<"$text")
	passed=$((passed + p)) failed=$((failed + f))
	[ "$f" -eq 0 ] || printf '%s\n' "$text"
}

count --seed 1 --repeat 200 -j 2
while read -r seed _; do
	[[ $seed == \#* ]] || count --seed "$seed"
done <"$here/kept.txt"
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
