#!/bin/sh
# What a machine is made of, read with the tools that are there. POSIX sh; changes nothing, installs nothing.
# Each section is "@NAME" (or "@NAME missing" when its tool is not there), its lines behind a space, and a last line " !CODE".
# With ONLY=" usage meminfo " it reads no more than these sections.
# Every tool has a time limit and a size limit, so none can hold up the report or fill it.
LC_ALL=C
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin
export LC_ALL PATH
LIMIT_S=10
LIMIT_BYTES=262144

wanted() {
    case "${ONLY:- $1 }" in
        *" $1 "*) ;;
        *) return 1 ;;
    esac
}

section() {
    wanted "$1" || return 0
    echo "@$1${3:+ $3}"
    { eval "$2" 2>/dev/null </dev/null; printf '\n!%s\n' "$?"; } | head -c "$LIMIT_BYTES" | tr -d '\000' | sed 's/^/ /'
    echo
}

tool() {
    name=$1
    argument=$2
    shift 2
    wanted "$name" || return 0
    if command -v "$1" >/dev/null 2>&1; then
        section "$name" "timeout -k 2 $LIMIT_S $*" "$argument"
    else
        echo "@$name missing"
    fi
}

each() {
    for path in $1; do
        [ -r "$path" ] && printf '%s|%s\n' "$path" "$(head -c 256 "$path" 2>/dev/null | tr '\n' ' ')"
    done
}

section stat_begin 'grep ^cpu /proc/stat'
section uname 'uname -srm'
section os 'cat /etc/os-release'
section uptime 'cat /proc/uptime /proc/loadavg'
tool lscpu '' lscpu -J
section cpuinfo 'head -c 65536 /proc/cpuinfo'
section meminfo 'cat /proc/meminfo'
section zram 'each "/sys/block/zram*/disksize"'
tool dmidecode '' dmidecode -t 0,1,2,16,17
section dmi 'each "/sys/class/dmi/id/*_vendor /sys/class/dmi/id/product_* /sys/class/dmi/id/bios_* /sys/class/dmi/id/board_*"'
section devicetree 'each "/proc/device-tree/model /proc/device-tree/serial-number"'
tool virt '' systemd-detect-virt
tool lsblk '' lsblk -J -b -o NAME,KNAME,TYPE,SIZE,MODEL,SERIAL,ROTA,TRAN,FSTYPE,MOUNTPOINT,LABEL,UUID,RO,RM,VENDOR,REV
if ! wanted smart; then
    :
elif command -v smartctl >/dev/null 2>&1; then
    for disk in /sys/block/*; do
        disk=${disk##*/}
        case $disk in
            loop* | ram* | zram* | dm-* | md* | sr* | nbd* | *[!a-zA-Z0-9_-]*) continue ;;
        esac
        tool smart "$disk" smartctl -j -a "/dev/$disk"
    done
else
    echo '@smart missing'
fi
tool df '' df -PkT
tool df_inodes '' df -Pi
section mdstat 'cat /proc/mdstat'
tool pvs '' pvs --reportformat json --units b --nosuffix
tool vgs '' vgs --reportformat json --units b --nosuffix
tool lvs '' lvs --reportformat json --units b --nosuffix
tool zpool '' zpool list -Hp -o name,size,alloc,free,health
tool btrfs '' btrfs filesystem show --raw
# Volumes are arrays of three, containers of four.
engine() {
    wanted "$1" || return 0
    if command -v "$1" >/dev/null 2>&1; then
        section "$1" "timeout -k 2 $LIMIT_S $1 volume ls --format '[{{json .Name}},{{json .Driver}},{{json .Mountpoint}}]' &&
            timeout -k 2 $LIMIT_S $1 ps -aq | head -n 500 |
            xargs -r timeout -k 2 $LIMIT_S $1 inspect --format '[{{json .Name}},{{json .Config.Image}},{{json .State.Status}},{{json .Mounts}}]'"
    else
        echo "@$1 missing"
    fi
}
engine docker
engine podman
objects() {
    timeout -k 2 $LIMIT_S microk8s kubectl get "$1" -A -o "jsonpath={range .items[*]}$2{\"\\n\"}{end}"
}
containers() {
    timeout -k 2 $LIMIT_S du -skx /var/snap/microk8s/common/var/lib/containerd | sed 's/^/du|/'
    timeout -k 2 $LIMIT_S microk8s ctr containers ls -q | head -n 2000 | sed 's/^/container|/'
}
volumes() {
    objects persistentvolumeclaims 'claim|{.metadata.namespace}|{.metadata.name}|{.status.phase}|{.spec.volumeName}|{.status.capacity.storage}|{.spec.storageClassName}|{.spec.accessModes[0]}'
    objects persistentvolumes 'volume|{.metadata.name}|{.spec.capacity.storage}|{.status.phase}|{.spec.storageClassName}|{.spec.claimRef.namespace}/{.spec.claimRef.name}|{.spec.persistentVolumeReclaimPolicy}|{.spec.hostPath.path}{.spec.local.path}{.spec.nfs.server}{.spec.csi.driver}'
    objects storageclasses 'class|{.metadata.name}|{.provisioner}|{.reclaimPolicy}|{.volumeBindingMode}|{.metadata.annotations.storageclass\.kubernetes\.io/is-default-class}'
    objects pods 'pod|{.metadata.namespace}|{.metadata.name}{range .spec.volumes[*]}|{.persistentVolumeClaim.claimName}{end}'
}
if wanted kubernetes && command -v microk8s >/dev/null 2>&1; then
    section containerd containers
    timeout -k 2 $LIMIT_S microk8s kubectl get --raw /readyz >/dev/null 2>&1 </dev/null && section kubernetes volumes
fi
tool ip '' ip -j -s -d addr
section net 'each "/sys/class/net/*/speed /sys/class/net/*/duplex /sys/class/net/*/device/uevent"'
section thermal 'each "/sys/class/thermal/thermal_zone*/type /sys/class/thermal/thermal_zone*/temp"'
section hwmon 'each "/sys/class/hwmon/hwmon*/name /sys/class/hwmon/hwmon*/*_label /sys/class/hwmon/hwmon*/*_input"'
section throttled 'each "/sys/devices/platform/soc/soc:firmware/get_throttled"'
tool vcgencmd '' vcgencmd get_throttled
tool lspci '' lspci -Dvmmk
tool lsusb '' lsusb
tool nvidia '' nvidia-smi --query-gpu=name,memory.total,driver_version,temperature.gpu --format=csv,noheader,nounits
section stat_end 'sleep 0.3; grep ^cpu /proc/stat'
echo '@end'
