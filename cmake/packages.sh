# shellcheck shell=bash disable=SC2034
# Debian packages: looked at first, installed only when one is missing. To be sourced.

build_packages=(build-essential cmake ninja-build pkg-config liblua5.4-dev libosip2-dev libssl-dev)
test_packages=(libcmocka-dev clang libclang-rt-14-dev llvm lua5.4 tshark kamailio sip-tester baresip-core python3)

# need_packages PACKAGE...: afterwards they are installed, or the script ends and says what to do.
need_packages() {
	local missing=() package sudo=()

	for package in "$@"; do
		dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii' || missing+=("$package")
	done
	if [ ${#missing[@]} -eq 0 ]; then
		echo "packages: all $# are installed"
		return
	fi
	echo "packages: installing ${missing[*]}"
	if ! command -v apt-get >/dev/null; then
		echo "This is no Debian. Please install what these packages are called here, then run it again: ${missing[*]}" >&2
		exit 3
	fi
	if [ "$(id -u)" -ne 0 ]; then
		if ! command -v sudo >/dev/null; then
			echo "Packages are missing and there is no sudo. As root: apt-get install ${missing[*]}" >&2
			exit 3
		fi
		sudo=(sudo)
	fi
	"${sudo[@]}" apt-get update -qq &&
		"${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null || {
		echo "apt-get could not install ${missing[*]}" >&2
		exit 3
	}
}
