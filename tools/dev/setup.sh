#!/usr/bin/env bash
# ./dev setup: installs the distribution's packages that are missing, in one apt call. Safe to run again.
set -euo pipefail
# shellcheck source=tools/dev/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

usage() {
	cat <<'EOF'
usage: ./dev setup [--print] [PURPOSE...]
Installs what is missing of the packages in tools/dev/packages.txt (without PURPOSE: build run lab test lint check; also: bench).
  --print   only say what would be installed
Nothing but packages of Debian or Ubuntu is installed, and no service is started by it.
EOF
}

print=0 quiet=0 purposes=()
for arg in "$@"; do
	case $arg in
	--print) print=1 ;;
	--quiet) quiet=1 ;;
	-h | --help) usage && exit 0 ;;
	-*) usage >&2 && exit 2 ;;
	*) purposes+=("$arg") ;;
	esac
done
[ ${#purposes[@]} -gt 0 ] || purposes=(build run lab test lint check)

declare -A is_installed=()
read_installed() {
	local name status
	while read -r name status; do
		[ "$status" != installed ] || is_installed[$name]=1
	done < <(dpkg-query -W -f '${Package} ${db:Status-Status}\n')
}

available() {
	[ -n "$(apt-cache show --no-all-versions "$1" 2>/dev/null)" ]
}

# One line a package that is to be installed: NAME or NAME|NAME.
missing() {
	local purpose spec condition name found
	while read -r purpose spec condition _; do
		case " ${purposes[*]} " in *" $purpose "*) ;; *) continue ;; esac
		case $condition in
		'?'*) if have "${condition:1}"; then continue; fi ;;
		esac
		found=0
		for name in ${spec//|/ }; do
			if [ -n "${is_installed[$name]:-}" ]; then found=1; fi
		done
		[ $found = 1 ] || printf '%s\n' "$spec"
	done < <(grep -E '^[a-z]' "$ROOT/tools/dev/packages.txt")
}

if ! have dpkg-query || ! have apt-get; then
	[ $quiet = 1 ] || say "no apt here: install by hand what tools/dev/packages.txt names"
	exit 0
fi
read_installed
mapfile -t specs < <(missing | sort -u)
if [ ${#specs[@]} = 0 ]; then
	[ $quiet = 1 ] || say "everything is installed (${purposes[*]})"
	exit 0
fi
if [ $print = 1 ]; then
	echo "would install: ${specs[*]}"
	exit 0
fi

apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=400 -o Dpkg::Use-Pty=0)
log=$BUILD/setup.log
mkdir -p "$BUILD"

refresh() {
	say "refreshing the package lists"
	as_root "${apt[@]}" update >>"$log" 2>&1 || true
}

# Fails when a name is unknown to the lists at hand.
choose() {
	local spec name chosen
	packages=()
	for spec in "${specs[@]}"; do
		chosen=
		for name in ${spec//|/ }; do
			if available "$name"; then chosen=$name && break; fi
		done
		[ -n "$chosen" ] || { unknown=$spec && return 1; }
		packages+=("$chosen")
	done
}

# Packages of the lab bring services (sshd, NUT). They are wanted as programs only: while apt runs, a policy keeps
# those that are new from being started; one that is there already is not among them and is left alone.
services=()
policy=/usr/sbin/policy-rc.d
policy_made=0
forbid_services() {
	local name patterns=
	for name in "${packages[@]}"; do
		case $name in
		openssh-server) services+=(ssh.service ssh.socket) patterns+='|ssh|ssh.*' ;;
		nut-server) services+=(nut-server.service nut-driver-enumerator.path) patterns+='|nut-server*|nut-driver*' ;;
		nut-client) services+=(nut-client.service nut-monitor.service) patterns+='|nut-client*|nut-monitor*' ;;
		esac
	done
	if [ -z "$patterns" ] || [ -e $policy ]; then return 0; fi
	as_root tee $policy >/dev/null <<-EOF
		#!/bin/sh
		# Made by ./dev setup of mko for the time of one apt call; safe to remove.
		case \$1 in ${patterns:1}) exit 101 ;; esac
		exit 0
	EOF
	as_root chmod 755 $policy
	policy_made=1
}
# shellcheck disable=SC2317 # called by trap
allow_services() {
	if [ $policy_made = 1 ]; then as_root rm -f $policy; fi
}
trap allow_services EXIT

: >"$log"
unknown=
compgen -G '/var/lib/apt/lists/*_Packages*' >/dev/null || refresh
choose || { refresh && choose; } || die "no package for $unknown in the lists of apt (see ${log#"$ROOT"/})"
forbid_services
say "installing ${#packages[@]} packages: ${packages[*]}"
install=("${apt[@]}" install --no-install-recommends "${packages[@]}")
if ! as_root "${install[@]}" >>"$log" 2>&1 </dev/null; then
	refresh # stale lists name versions that the mirror no longer has
	as_root "${install[@]}" >>"$log" 2>&1 </dev/null || {
		tail -n 20 "$log" >&2
		die "apt could not install them (whole output: ${log#"$ROOT"/})"
	}
fi
if [ -d /run/systemd/system ] && [ ${#services[@]} -gt 0 ]; then
	as_root systemctl disable --quiet "${services[@]}" >>"$log" 2>&1 || true
	say "not started and not enabled: ${services[*]} (the lab uses only their programs)"
fi
say "installed"
