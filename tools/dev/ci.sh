#!/usr/bin/env bash
# ./dev ci: everything that continuous integration runs, in one go and with one summary. Goes on after a failure.
set -uo pipefail
# shellcheck source=tools/dev/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT" || exit 1
export CI=true

passed=0 failed=0 skipped=0 summary=()
logs=$BUILD/ci
rm -rf "$logs"
mkdir -p "$logs"

# step NAME COMMAND...: runs it with its own log. When its last line is a count, that is what counts; else the step is one.
step() {
	local name=$1 begin=$SECONDS code=0 last result=pass
	shift
	say "$name"
	"$@" </dev/null 2>&1 | tee "$logs/$name.log" || code=${PIPESTATUS[0]}
	last=$(tail -n 1 "$logs/$name.log")
	if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
		passed=$((passed + BASH_REMATCH[1]))
		failed=$((failed + BASH_REMATCH[2]))
		skipped=$((skipped + ${BASH_REMATCH[4]:-0}))
		if [ "$code" != 0 ] && [ "${BASH_REMATCH[2]}" = 0 ]; then failed=$((failed + 1)); fi
	elif [ "$code" = 0 ]; then
		passed=$((passed + 1))
		last=
	else
		failed=$((failed + 1))
		last=
	fi
	[ "$code" = 0 ] || result=FAIL
	summary+=("$(printf '%s  %-10s %5d s  %s' $result "$name" $((SECONDS - begin)) "$last")")
}

build_clang() {
	configure "$BUILD/clang" "$(clang_tool clang)" -Doptimization=1 && compile "$BUILD/clang"
}

step setup tools/dev/setup.sh
export MKO_DEV_NO_INSTALL=1
step build-gcc ./dev build
step build-clang build_clang
step lint ./dev lint
step test ./dev test
step valgrind ./dev valgrind
step fuzz ./dev fuzz all 10
step spec ./dev spec --check
step demo ./dev demo --once

printf '\n'
printf '%s\n' "${summary[@]}"
printf 'whole run: %d min %d s\n' $((SECONDS / 60)) $((SECONDS % 60))
if [ $skipped -gt 0 ]; then
	printf '%d passed, %d failed, %d skipped\n' $passed $failed $skipped
else
	printf '%d passed, %d failed\n' $passed $failed
fi
[ $failed = 0 ]
