#!/usr/bin/env bash
# ./dev test: builds the tree with AddressSanitizer and UBSan and runs the suites.
set -euo pipefail
# shellcheck source=tools/dev/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

# Debian's kubectl 1.20 beside another one that is installed: unpacked, never installed, for they own the same path.
unpack_kubectl() {
	local dir=$BUILD/tmp/kubectl
	if [ -x "$BUILD/kubectl-1.20" ] || [ "$(dpkg-query -W -f '${db:Status-Status}' kubernetes-client 2>/dev/null)" = installed ]; then return 0; fi
	rm -rf "$dir" && mkdir -p "$dir"
	if (cd "$dir" && apt-get download -qq kubernetes-client && dpkg -x kubernetes-client_1.20*.deb .) >/dev/null 2>&1; then
		mv "$dir/usr/bin/kubectl" "$BUILD/kubectl-1.20"
	else
		say "Debian's kubectl 1.20 is not to be had here: its tests are skipped"
	fi
	rm -rf "$dir"
}

need build run lab test
unpack_kubectl
configure "$BUILD/asan" gcc -Db_sanitize=address,undefined -Doptimization=1 || {
	echo "0 passed, 1 failed"
	exit 1
}
exec "$PYTHON" tools/dev/suites.py "$BUILD/asan" "$@"
