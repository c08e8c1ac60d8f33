# What tests of the program share that see it as a person does. A script sources this first, its own first argument being the program;
# from then on it is in a fresh directory, $work, which is removed at its end.
# shellcheck shell=bash
# shellcheck disable=SC2034 # $root and $skipped are the script's

offhook=$(realpath "${1:-build/sanitize/offhook}")
[ -x "$offhook" ] || { echo "usage: ${0##*/} OFFHOOK" >&2; exit 2; }
root=$(realpath "$(dirname "$0")/..")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
unset NO_COLOR COLUMNS
export LC_ALL=C.UTF-8

passed=0 failed=0 skipped=0
# Of the program's last run, beside the files out and err.
code=0
# check WHAT CONDITION...: the condition is a command.
check() {
	local what=$1
	shift
	if "$@" >why 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "not ok: $what"
		echo "  exit $code"
		sed 's/^/  /' why | tail -n 5
		cut -c 1-200 out | sed 's/^/  stdout: /' | tail -n 30
		cut -c 1-200 err | sed 's/^/  stderr: /' | tail -n 30
	fi
}
exits() { [ "$code" -eq "$1" ]; }
out_has() { grep -qF -- "$1" out; }
err_has() { grep -qF -- "$1" err; }
