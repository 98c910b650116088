#!/usr/bin/env bash
# ./dev test: builds the tree with AddressSanitizer and UBSan and runs the suites.
set -euo pipefail
# shellcheck source=tools/dev/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

need build run lab test
configure "$BUILD/asan" gcc -Db_sanitize=address,undefined -Doptimization=1 || {
	echo "0 passed, 1 failed"
	exit 1
}
exec "$PYTHON" tools/dev/suites.py "$BUILD/asan" "$@"
