#!/usr/bin/env bash
# npm.sh FOLDER: brings the packages that FOLDER/package-lock.json pins, and the folder's own files, into
# build/npm/NAME and prints two lines: the node to run them with, and that folder. Says why and exits with 3 when there is no npm.
set -euo pipefail
# shellcheck source=tools/dev/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

NODE_VERSION=22.23.3 # when the machine's own is older than 20.19

if [ $# != 1 ] || [ ! -f "$1/package-lock.json" ]; then die "usage: tools/dev/npm.sh FOLDER" 2; fi
have npm || die "npm is missing: ./dev setup test" 3

new_enough() {
	"$1" -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' 2>/dev/null
}

# Debian 12 has node 18. The registry's package holds the program itself and runs no script.
own_node() {
	local arch dir=$BUILD/npm/node
	case $(uname -m) in
	x86_64) arch=x64 ;;
	aarch64) arch=arm64 ;;
	*) die "no node for $(uname -m): install node 20.19 or newer" 3 ;;
	esac
	node=$dir/node_modules/node-linux-$arch/bin/node
	if [ -x "$node" ]; then return 0; fi
	mkdir -p "$dir"
	say "fetching node $NODE_VERSION"
	npm install --prefix "$dir" --no-save --ignore-scripts --no-audit --no-fund --loglevel error "node-linux-$arch@$NODE_VERSION" >&2
}

node=$(command -v node || true)
if [ -z "$node" ] || ! new_enough "$node"; then own_node; fi

source=$(cd "$1" && pwd)
target=$BUILD/npm/$(basename "$source")
mkdir -p "$target"
exec 9>"$target.lock" # two test runs at once
flock 9
if ! cmp -s "$source/package-lock.json" "$target/installed.json"; then
	rm -rf "$target"
	mkdir -p "$target"
	cp "$source/package.json" "$source/package-lock.json" "$target/"
	say "installing the npm packages of ${source#"$ROOT"/}"
	(cd "$target" && npm ci --ignore-scripts --no-audit --no-fund --loglevel error >&2)
	cp "$source/package-lock.json" "$target/installed.json"
fi
cp -r "$source/." "$target/" # the scripts run beside their packages
printf '%s\n%s\n' "$node" "$target"
