# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""What changes MicroK8s on this node: install, hold, start, wait until ready, purge, join.

Each function looks at the state first, changes only what differs, and verifies afterwards. A failure is a Failed with a
text for people and a code for programs; the caller holds the NodeLock.
"""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

import calendar
import grp
import json
import os
import re
import time

from ansible_collections.mko.microk8s.plugins.module_utils import mk8s, snapd
from ansible_collections.mko.microk8s.plugins.module_utils.proc import read, run, wait_until, write_atomic

LAUNCH_FILE = mk8s.COMMON + '/.microk8s.yaml'
POLL_S = 1.0


class Failed(Exception):
    """code: stable word; message: what happened and what to do; more: facts for the caller."""

    def __init__(self, code, message, **more):
        super(Failed, self).__init__(message)
        self.code = code
        self.message = message
        self.more = more


# -- install -----------------------------------------------------------------------------------------------------------------

def install(params, log, check_mode=False):
    """Install MicroK8s from params['channel'], or see that it is. Returns True when something changed."""
    snap = snapd.microk8s_snap()
    if snap is not None:
        return _installed_already(snap, params, log, check_mode)
    if check_mode:
        return True
    write_launch_config(params.get('launch_config'))
    argv = ['install', 'microk8s', '--channel=' + params['channel']]
    if '-strict' not in params['channel']:
        argv.append('--classic')
    result, tries = snapd.changing(argv, params['install_timeout'], params['download_attempts'], params['retry_delay'], log)
    snap = snapd.microk8s_snap()
    if snap is None:
        if result.timed_out:
            raise Failed('install_timeout', 'MicroK8s was not installed within %d s. Latest changes of snapd:\n%s'
                         % (params['install_timeout'], snapd.snap(['changes'], 15).short(800)))
        raise Failed('install_failed', 'MicroK8s could not be installed (%d tries). snap says:\n%s' % (tries, result.short()))
    if snapd.split_channel(snap['channel']) != snapd.split_channel(params['channel']):
        raise Failed('other_channel', 'MicroK8s was installed from channel %s although %s was asked for.' % (snap['channel'], params['channel']))
    return True


def _installed_already(snap, params, log, check_mode):
    have, want = snapd.split_channel(snap['channel']), snapd.split_channel(params['channel'])
    if have[0] != want[0]:
        raise Failed('other_channel', 'MicroK8s is installed here from channel %s, but %s was asked for. Installing does not change the version: '
                     'use the upgrade, or remove MicroK8s first (snap remove --purge microk8s deletes its data).'
                     % (snap['channel'], params['channel']))
    if have[1] != want[1]:
        log('The channel is %s instead of %s; the track is the same, so it is left.' % (snap['channel'], params['channel']))
    if snap['active']:
        return False
    if not check_mode:
        result = snapd.snap(['enable', 'microk8s'], 300)
        if not (snapd.microk8s_snap() or {}).get('active'):
            raise Failed('disabled', 'The snap of MicroK8s is disabled, and "snap enable microk8s" did not help:\n%s' % result.short())
    return True


def write_launch_config(config):
    """The launch configuration is read once, at the installation. JSON is valid YAML. None: the built-in one applies."""
    if config is None:
        return
    body = json.dumps(dict({'version': '0.1.0'}, **config), indent=2, sort_keys=True) + '\n'
    if read(LAUNCH_FILE) != body:
        os.makedirs(mk8s.COMMON, mode=0o755, exist_ok=True)
        write_atomic(LAUNCH_FILE, body, 0o600)


def hold(check_mode=False):
    """Keep snapd from updating MicroK8s by itself. Returns True when something changed."""
    snap = snapd.microk8s_snap()
    if snap is None or snap['held']:
        return False
    if check_mode:
        return True
    if snapd.version(snapd.snap(['version'], 15).out) >= (2, 58):
        result = snapd.snap(['refresh', '--hold', 'microk8s'], 120)
        if not (snapd.microk8s_snap() or {}).get('held'):
            raise Failed('hold', 'The snap could not be held: %s' % result.short())
        return True
    until = time.time() + 60 * 86400
    old = re.match(r'(\d{4}-\d\d-\d\d)', snapd.snap(['get', 'system', 'refresh.hold'], 15).out)
    if old and old.group(1) >= time.strftime('%Y-%m-%d', time.gmtime(until - 30 * 86400)):
        return False
    result = snapd.snap(['set', 'system', 'refresh.hold=' + time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime(until))], 60)
    if result.rc != 0:
        raise Failed('hold', 'Updates of snaps could not be put off: %s' % result.short())
    return True


def join_group(user, check_mode=False):
    """Let a user call microk8s without sudo."""
    if not user or user == 'root':
        return False
    for name in ('microk8s', 'snap_microk8s'):
        try:
            group = grp.getgrnam(name)
        except KeyError:
            continue
        if user in group.gr_mem:
            return False
        if not check_mode:
            result = run(['/usr/sbin/usermod', '-a', '-G', name, user], 30)
            if result.rc != 0:
                raise Failed('group', 'The user %s could not be added to the group %s: %s' % (user, name, result.short(300)))
        return True
    return False


def start(check_mode=False):
    """Start a stopped MicroK8s. Returns True when something changed."""
    found = mk8s.locks()
    units = mk8s.units_active()
    wanted = ['kubelite', 'containerd', 'cluster-agent'] + (['apiserver-proxy'] if 'clustered.lock' in found else
                                                           ['k8s-dqlite'] if 'ha-cluster' in found else [])
    down = [name for name in wanted if units.get(name) not in ('active', 'activating', 'reloading')]
    if 'stopped.lock' not in found and not down:
        return False
    if check_mode:
        return True
    if 'stopped.lock' in found and 'clustered.lock' not in found:
        run([mk8s.MICROK8S, 'start'], 180)      # waits up to 60 s for a node that is Ready; its exit code says nothing
    down = [name for name in wanted if mk8s.units_active().get(name) not in ('active', 'activating', 'reloading')]
    if down:
        result = snapd.snap(['start', '--enable', 'microk8s'], 180)
        if result.rc != 0:
            raise Failed('start', 'MicroK8s could not be started: %s' % result.short())
    return True


def wait_ready(timeout):
    """Until this node is Ready and, on a control plane, MicroK8s agrees (its own test is weaker: any node may be Ready)."""
    last = ''

    def own_ready():
        own = next((one for one in mk8s.api_nodes(15) or () if one['name'] == mk8s.node_name()), None)
        return bool(own and own['ready'])

    if own_ready():
        return
    if wait_until(own_ready, timeout, POLL_S):
        if mk8s.role() == 'worker':
            return
        result = run([mk8s.MICROK8S, 'status', '--wait-ready', '--timeout', '60'], 180)
        if result.out.startswith('microk8s is running'):
            return
        last = result.short(400)
    raise Failed('not_ready', 'MicroK8s did not become ready within %d s. %s%s' % (timeout, last + '\n' if last else '', why_not_ready()))


def why_not_ready():
    """What the services say, for a message. The known patterns first: they name the cause."""
    log = run(['/usr/bin/journalctl', '-u', 'snap.microk8s.daemon-kubelite.service', '-u', 'snap.microk8s.daemon-k8s-dqlite.service',
               '-n', '200', '--no-pager', '-o', 'cat'], 20).out
    known = (
        ('failed to initialize top level QOS containers', 'The kubelet cannot create its control groups: reboot the node.'),
        ('raft_start()', 'The datastore on this node is damaged: let the node leave the cluster, purge MicroK8s, and join again.'),
        ('no available dqlite leader', 'The datastore has no leader: start the other control planes.'),
        ('no space left', 'The disk is full.'), ('too many open files', 'The limits of inotify are reached: prepare the node.'),
        ('x509: certificate has expired', 'A certificate has expired: microk8s refresh-certs -e server.crt'),
    )
    hints = [text for pattern, text in known if pattern in log]
    down = sorted(name for name, value in mk8s.units_active().items()
                  if value in ('failed', 'inactive', 'activating') and name in ('kubelite', 'containerd', 'k8s-dqlite', 'cluster-agent'))
    tail = [line for line in log.splitlines() if line.strip()][-3:]
    return ' '.join(hints + (['Not active: %s.' % ', '.join(down)] if down else []) + (['Last lines of the log: ' + ' | '.join(tail)] if tail else []))


def wait_install_done(timeout):
    """Until the cluster agent has worked off the launch configuration: a join before that breaks. Not on a worker: it never does there."""
    if mk8s.role() != 'worker' and not wait_until(mk8s.install_done, timeout, POLL_S):
        raise Failed('launch_config', 'MicroK8s did not finish its first configuration (%s/install.yaml) within %d s. See: journalctl -u '
                     'snap.microk8s.daemon-cluster-agent' % (mk8s.LAUNCHER, timeout))


def purge(log):
    """Remove MicroK8s with all its data."""
    log('Removing MicroK8s with its data.')
    result, unused = snapd.changing(['remove', '--purge', 'microk8s'], 900, 3, 5, log)
    if snapd.microk8s_snap() is not None:
        raise Failed('purge', 'MicroK8s could not be removed: %s' % result.short())


# -- join --------------------------------------------------------------------------------------------------------------------

# (pattern in the output, code, message, what may help: retry | seed (clean up there) | never)
JOIN_ERRORS = (
    ('already known to dqlite', 'known_to_dqlite', 'The datastore of the cluster still knows this address from an earlier membership.', 'seed'),
    ('does not resolve to the IP', 'hostname_unresolved',
     'The cluster refused the join: the control plane cannot resolve the host name of this node to its address. '
     'Its /etc/hosts needs a line for this node (prepare all nodes with mko_hosts_entries).', 'seed'),
    ('Invalid token', 'invalid_token', 'The cluster refused the token of this join.', 'seed'),
    ('Could not verify the identity', 'fingerprint', 'The certificate of the control plane is not the one that was expected.', 'seed'),
    ('Peer node verification failed', 'tls', 'The TLS connection to the control plane failed.', 'retry'),
    ('This is not an HA MicroK8s cluster', 'not_ha', 'The cluster runs without dqlite (ha-cluster is off): no control plane can join it.', 'never'),
    ('cluster agent port has to be set to 25000', 'agent_port', 'The cluster agent of this node does not use port 25000.', 'never'),
    ('has the same IP', 'same_ip', 'The joining node comes from the same address as the control plane: NAT between them, or a wrong address.', 'never'),
    ('was not found in any host interface', 'bind_address', 'The control plane has no interface with the address that was used to reach it.', 'never'),
    ('does not have enough RAM', 'low_memory', 'This node has too little memory for a control plane.', 'never'),
    ('Invalid connection', 'bad_url', 'MicroK8s does not accept the address of the control plane (it must be an IPv4 address).', 'never'),
    ('Connection refused', 'refused', 'Nothing listens on port 25000 of the control plane: its cluster agent is down, or a firewall rejects.', 'retry'),
    ('ConnectionRefusedError', 'refused', 'Nothing listens on port 25000 of the control plane: its cluster agent is down, or a firewall rejects.', 'retry'),
    ('TimeoutError', 'unreachable', 'The control plane does not answer on port 25000: a firewall drops, or there is no route.', 'retry'),
    ('No route to host', 'unreachable', 'There is no route to the control plane.', 'retry'),
    ('Connection failed', 'join_failed', 'The control plane refused the join.', 'seed'),
    ('Failed to sign', 'join_failed', 'The control plane did not sign the certificates of this worker.', 'seed'),
)


def classify_join(out, err, rc, timed_out):
    """(code, message, help) of what join printed. code "done" when it claims success, which proves nothing."""
    text = out + '\n' + err
    for pattern, code, message, remedy in JOIN_ERRORS:
        if pattern in text:
            return code, message, remedy
    if timed_out:
        return 'timeout', 'The join did not come to an end in time.', 'seed'
    if 'Successfully joined the cluster' in out:
        return 'done', '', ''
    return 'join_failed', 'The join failed (exit code %d).' % rc, 'seed'


def is_member(role, own, seed, ca=None):
    """Whether this node really is a member of the seed's cluster. ca: fingerprint of the cluster's CA, when it is known."""
    found = mk8s.locks()
    if role == 'worker':
        if 'clustered.lock' not in found:
            return False
        nodes = mk8s.api_nodes(15)
        remote = mk8s.fingerprint(read(mk8s.DATA + '/certs/ca.remote.crt') or read(mk8s.DATA + '/certs/ca.crt'))
        return bool(nodes) and (not ca or not remote or ca == remote)
    if 'clustered.lock' in found:
        return False
    return in_datastore(own, seed) and any(one['name'] == mk8s.node_name() for one in mk8s.api_nodes(15) or ())


def in_datastore(own, seed):
    """Whether this node's datastore has a leader and both this node and the seed as members."""
    return {own, seed} <= {mk8s.ip_of(one['address']) for one in mk8s.dqlite_members() or ()}


def started(unit):
    """When a service of MicroK8s was started, in seconds since 1970; 0 when it does not run."""
    shown = run(['/usr/bin/systemctl', 'show', '-p', 'ExecMainStartTimestamp', 'snap.microk8s.daemon-%s.service' % unit], 10, env={'TZ': 'UTC'}).out
    match = re.search(r'(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d) UTC', shown)
    return calendar.timegm(tuple(int(part) for part in match.groups())) if match else 0


def settled(role, own):
    """Evidence that a fresh member has come to rest: (Ready, nothing more to come).

    About 5 s after its join a control plane gets a new server.crt from the new CA and restarts its services once. So: Ready;
    server.crt signed by the CA; kubelite started after that; the datastore has written the member down.
    """
    node = next((one for one in mk8s.api_nodes(15) or () if one['name'] == mk8s.node_name()), None)
    if not node or not node['ready']:
        return False, False
    if role == 'worker':
        return True, True     # nothing is restarted on a worker after its join
    certs = mk8s.DATA + '/certs/'
    signed = run(['/usr/bin/openssl', 'verify', '-CAfile', certs + 'ca.crt', certs + 'server.crt'], 10).rc == 0
    if not signed:
        return True, False
    try:
        after = started('kubelite') + 1 >= int(os.stat(certs + 'server.crt').st_mtime)
    except OSError:
        after = False
    written = any(mk8s.ip_of(one['address']) == own for one in mk8s.file_members())
    return True, after and written


def wait_settled(role, own, timeout, least, most):
    """Wait until Ready lasts: least seconds with all evidence, most seconds without. Failed when timeout is over."""
    deadline = time.monotonic() + timeout
    since = None
    while time.monotonic() < deadline:
        ready, rest = settled(role, own)
        now = time.monotonic()
        since = (since if since is not None else now) if ready else None
        if since is not None and (now - since >= most or (rest and (role == 'worker' or now - since >= least))):
            return
        time.sleep(POLL_S)
    raise Failed('not_settled', 'The node joined, but did not stay Ready within %d s. %s' % (timeout, why_not_ready()))


def workloads():
    """Pods of users on this node's own cluster: a join would delete them."""
    result = mk8s.kubectl(['get', 'pods', '-A', '--no-headers'], 20)
    if result.rc != 0:
        return []
    rows = [line.split() for line in result.out.splitlines() if line.strip()]
    return ['%s/%s' % (row[0], row[1]) for row in rows if len(row) > 1 and row[0] not in mk8s.SYSTEM_NAMESPACES]


def local_volumes():
    """Data of users that a purge would delete."""
    path = mk8s.COMMON + '/default-storage'
    try:
        return [path + '/' + name for name in sorted(os.listdir(path))]
    except OSError:
        return []
