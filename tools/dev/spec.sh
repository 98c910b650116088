#!/usr/bin/env bash
# ./dev spec: what the program's tables say about it. docs/reference holds the written form; --check compares.
set -euo pipefail
# shellcheck source=tools/dev/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
cd "$ROOT"

mode=print
case ${1:-} in
--check | --write) mode=${1#--} ;;
'') ;;
*) die "usage: ./dev spec [--check] [--write]" 2 ;;
esac
build_user
[ -x build/mko ] || die "build/mko is not there yet"

# KIND FILE
specs() {
	printf '%s\n' 'openapi openapi.json' 'cli cli.md' 'config config.md'
}

out=docs/reference
[ "$mode" = write ] || out=build/reference
mkdir -p $out
while read -r kind file; do
	# Away from the user's own configuration and data: the tables alone decide.
	env -i PATH="$PATH" LC_ALL=C.UTF-8 HOME=/nonexistent MKO_DATA_DIR="$BUILD/reference/no-data" \
		build/mko spec "$kind" >"$out/$file"
	[ -s "$out/$file" ] || die "mko spec $kind printed nothing"
done < <(specs)

case $mode in
print) cat $out/* ;;
write) say "wrote $out" ;;
check)
	while read -r _ file; do
		diff -u "docs/reference/$file" "$out/$file" || die "docs/reference/$file is out of date: ./dev spec --write"
	done < <(specs)
	;;
esac
