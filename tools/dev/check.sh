#!/usr/bin/env bash
# ./dev tsan | valgrind | cov | fuzz: the same tests looked at in other ways, each in a tree of its own.
set -euo pipefail
# shellcheck source=tools/dev/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

verb=$1
shift
need build run test check

# Quiet unless something fails: the lines of suites.py are the output.
suites() {
	"$PYTHON" tools/dev/suites.py "$@"
}

check_tsan() {
	configure "$BUILD/tsan" gcc -Db_sanitize=thread -Doptimization=1
	[ $# -gt 0 ] || set -- unit store
	# A kernel that randomises more bits than ThreadSanitizer expects would stop it at its start.
	MKO_TEST_WRAP="setarch $(uname -m) -R" suites "$BUILD/tsan" "$@"
}

check_valgrind() {
	configure "$BUILD/valgrind" gcc -Doptimization=1
	[ $# -gt 0 ] || set -- unit
	MKO_TEST_WRAP="valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite,indirect --child-silent-after-fork=yes --suppressions=$ROOT/tools/dev/valgrind.supp" \
		suites "$BUILD/valgrind" "$@"
}

check_cov() {
	configure "$BUILD/cov" gcc -Db_coverage=true -Doptimization=0
	find "$BUILD/cov" -name '*.gcda' -delete
	suites "$BUILD/cov" "${@:-unit}" "${@:-store}" | tail -n 1
	gcovr --root . --filter 'src/' --exclude-unreachable-branches --json-summary "$BUILD/cov/summary.json" \
		--html-details "$BUILD/cov/index.html" --object-directory "$BUILD/cov" "$BUILD/cov" >"$BUILD/cov/gcovr.log" 2>&1 ||
		{ tail -n 5 "$BUILD/cov/gcovr.log" >&2 && exit 1; }
	"$PYTHON" tools/dev/coverage.py "$BUILD/cov/summary.json"
}

# fuzz [NAME|all] [SECONDS]
check_fuzz() {
	local name=${1:-all} seconds=${2:-30} passed=0 failed=0 program new programs
	case $name in [0-9]*) seconds=$name name=all ;; esac
	configure "$BUILD/fuzz" "$(clang_tool clang)" -Dfuzz=true -Dtests=false -Db_sanitize=address,undefined -Doptimization=1
	mapfile -t programs < <(ninja -C "$BUILD/fuzz" -t targets all | sed -n 's/^\(tests\/fuzz_[a-z0-9_]*\): .*/\1/p')
	compile "$BUILD/fuzz" "${programs[@]}"
	for program in "$BUILD"/fuzz/tests/fuzz_*; do
		if [ ! -f "$program" ] || [ ! -x "$program" ]; then continue; fi
		case $name in all | "$(basename "$program")") ;; *) continue ;; esac
		new=$BUILD/fuzz/new/$(basename "$program")
		mkdir -p "$new" "$BUILD/fuzz/crashes"
		say "$(basename "$program") for $seconds s"
		if "$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 -verbosity=0 \
			-artifact_prefix="$BUILD/fuzz/crashes/$(basename "$program")-" "$new" \
			"$ROOT/tests/fuzz/corpus/$(basename "$program")" >"$new.log" 2>&1; then
			passed=$((passed + 1))
			printf 'pass  %s  %s runs\n' "$(basename "$program")" \
				"$(sed -n 's/^stat::number_of_executed_units: *//p' "$new.log")"
		else
			failed=$((failed + 1))
			printf 'FAIL  %s\n' "$(basename "$program")"
			tail -n 40 "$new.log" | sed 's/^/      /'
		fi
	done
	if [ $((passed + failed)) = 0 ]; then
		failed=1
		printf 'FAIL  no fuzzer %s\n' "$name"
	fi
	printf '%d passed, %d failed\n' $passed $failed
	[ $failed = 0 ]
}

"check_$verb" "$@"
