#!/usr/bin/env bash
# The floors of the house: no include runs upwards, and Lua's headers stay in bindings/.
set -u
cd "$(dirname "$0")/.." || exit 1

rank() {
	case $1 in
	engine/core/*) echo 1 ;;
	engine/net/*) echo 2 ;;
	engine/sip/*) echo 3 ;;
	engine/media/* | engine/load/*) echo 4 ;;
	pcap/*) echo 5 ;;
	bindings/*) echo 6 ;;
	cli/*) echo 7 ;;
	*) echo 0 ;;
	esac
}

files=0 bad=0
for file in $(find engine pcap bindings cli -name '*.[ch]' | sort); do
	files=$((files + 1))
	floor=$(rank "$file")
	if [ "$floor" -eq 0 ]; then
		echo "$file stands on no floor: name it in tests/floors.sh"
		bad=$((bad + 1))
		continue
	fi
	if [ "$floor" -ne 6 ] && grep -nE '^#[[:space:]]*include[[:space:]]*[<"](lua|lauxlib|lualib|luaconf)\.h' "$file"; then
		echo "$file includes Lua, which only bindings/ may"
		bad=$((bad + 1))
	fi
	while read -r header; do
		for path in "$header" "engine/$header"; do
			[ -f "$path" ] || continue
			if [ "$(rank "$path")" -gt "$floor" ]; then
				echo "$file includes $path, which is above it"
				bad=$((bad + 1))
			fi
		done
	done < <(sed -nE 's/^#[[:space:]]*include[[:space:]]*"([^"]+)".*/\1/p' "$file")
done
echo "$((files - (bad < files ? bad : files))) passed, $bad failed, 0 skipped"
[ "$bad" -eq 0 ]
