# shellcheck shell=bash
# Shared by `dev` and the scripts beside this one. Knows where things are; has no verbs.

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=$ROOT/build
export ROOT BUILD
# Ansible refuses to start without a UTF-8 locale, and a minimal system has only this one.
export LC_ALL=C.UTF-8
export PYTHONDONTWRITEBYTECODE=1
# The distribution's Python: it is the one that has Ansible's modules.
PYTHON=/usr/bin/python3
[ -x $PYTHON ] || PYTHON=python3
export PYTHON
JOBS=${JOBS:-$(nproc 2>/dev/null || echo 2)}
export JOBS

say() {
	printf '==> %s\n' "$*" >&2
}

die() {
	printf 'dev: %s\n' "$*" >&2
	exit "${2:-1}"
}

have() {
	command -v "$1" >/dev/null 2>&1
}

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif have sudo; then
		sudo "$@"
	else
		die "this needs root: run it as root, or install sudo"
	fi
}

# need PURPOSE...: installs what is missing for these purposes; silent when nothing is.
need() {
	[ "${MKO_DEV_NO_INSTALL:-}" = 1 ] && return 0
	"$ROOT/tools/dev/setup.sh" --quiet "$@"
}

# clang_tool NAME: the pinned version 14 where the distribution has it.
clang_tool() {
	if have "$1-14"; then
		printf '%s-14\n' "$1"
	else
		printf '%s\n' "$1"
	fi
}

# configure DIR COMPILER [MESON OPTION...]: makes the build folder or brings its options up to date.
# Never wipes: build/ also holds data, labs and the other trees.
configure() {
	local dir=$1 cc=$2 want
	shift 2
	want="$cc $*"
	mkdir -p "$dir"
	if [ ! -e "$dir/build.ninja" ]; then
		say "configuring ${dir#"$ROOT"/}"
		CC=$cc meson setup "$dir" "$ROOT" "$@" >"$dir/configure.log" 2>&1 || {
			tail -n 20 "$dir/configure.log" >&2
			return 1
		}
	elif [ "$(cat "$dir/configure.options" 2>/dev/null)" != "$want" ] && [ $# -gt 0 ]; then
		meson configure "$dir" "$@" >/dev/null || return 1
	fi
	printf '%s\n' "$want" >"$dir/configure.options"
}

# compile DIR [TARGET...]: quiet when it goes well.
compile() {
	local dir=$1
	shift
	# Reconfiguring alone first: what Meson has to say of it matters only when it fails.
	ninja -C "$dir" build.ninja >"$dir/configure.log" 2>&1 || {
		tail -n 20 "$dir/configure.log" >&2
		return 1
	}
	ninja -C "$dir" -j "$JOBS" --quiet "$@" | sed '/^ninja: /d'
}

build_user() {
	need build run
	configure "$BUILD" gcc -Dtests=false && compile "$BUILD"
}

build_asan() {
	need build run test
	configure "$BUILD/asan" gcc -Db_sanitize=address,undefined -Doptimization=1 && compile "$BUILD/asan" "$@"
}
