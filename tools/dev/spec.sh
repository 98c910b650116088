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

# FILE ARGUMENTS of `mko spec`
specs() {
	cat <<'EOF'
docs/reference/openapi.json openapi
docs/reference/api.md api
docs/reference/cli.md cli
docs/reference/config.md config
docs/reference/checks.md checks
config/mko.yaml config -o yaml
docs/reference/cluster-file.schema.json cluster-file
EOF
}

out=$BUILD/spec
if [ "$mode" = write ]; then out=$ROOT; fi
while read -r file arguments; do
	mkdir -p "$(dirname "$out/$file")"
	# Away from the user's own configuration and data: the tables alone decide.
	# shellcheck disable=SC2086 # several arguments
	env -i PATH="$PATH" LC_ALL=C.UTF-8 HOME=/nonexistent MKO_DATA_DIR="$BUILD/spec/no-data" \
		"$BUILD/mko" spec $arguments >"$out/$file"
	[ -s "$out/$file" ] || die "mko spec $arguments printed nothing"
done < <(specs)

case $mode in
print) while read -r file _; do cat "$out/$file"; done < <(specs) ;;
write) say "wrote $(specs | cut -d ' ' -f 1 | tr '\n' ' ')" ;;
check)
	while read -r file _; do
		diff -u "$file" "$out/$file" || die "$file is out of date: ./dev spec --write"
	done < <(specs)
	;;
esac
