# Copyright (c) the mko team. MIT License (see LICENSE of the collection).
"""The state of MicroK8s on this node: locks, services, role, API, datastore. Reading only; what changes things is in change.py.

What a command prints and returns is evidence, never proof (status returns 0 for a stopped node, join for a failed one).
Every answer here comes from files, the API or the datastore. Unknown is None.
"""
from __future__ import (absolute_import, division, print_function)
__metaclass__ = type

import base64
import datetime
import hashlib
import json
import os
import re
import socket

from ansible_collections.mko.microk8s.plugins.module_utils import host, snapd
from ansible_collections.mko.microk8s.plugins.module_utils.proc import finding, read, run

MICROK8S = '/snap/bin/microk8s'
SNAP_DIR = '/snap/microk8s/current'
DATA = '/var/snap/microk8s/current'
COMMON = '/var/snap/microk8s/common'
LOCKS = DATA + '/var/lock'
BACKEND = DATA + '/var/kubernetes/backend'
LAUNCHER = COMMON + '/etc/launcher'
UNITS = ('kubelite', 'containerd', 'k8s-dqlite', 'cluster-agent', 'apiserver-kicker', 'apiserver-proxy', 'etcd', 'flanneld')
DQLITE_PORT = 19001
ROLE_NAMES = {0: 'voter', 1: 'standby', 2: 'spare'}
LABEL_CONTROL = 'node.kubernetes.io/microk8s-controlplane'
# What Kubernetes and MicroK8s themselves write on a node; all other labels are somebody's wish.
OWN_LABELS = ('beta.kubernetes.io/arch', 'beta.kubernetes.io/os', 'kubernetes.io/arch', 'kubernetes.io/os', 'kubernetes.io/hostname', 'microk8s.io/cluster',
              'node.kubernetes.io/microk8s-controlplane', 'node.kubernetes.io/microk8s-worker')
LABELS_MAX = 64
LABEL_WORKER = 'node.kubernetes.io/microk8s-worker'
LEASE_OLD_S = 60            # a lease is renewed every 10 s; Ready with an older one is bug #5386
SYSTEM_NAMESPACES = ('kube-system', 'kube-public', 'kube-node-lease', 'ingress', 'metallb-system', 'container-registry', 'cert-manager',
                     'observability', 'gpu-operator-resources', 'openebs', 'minio-operator')


# -- parsing: pure functions -------------------------------------------------------------------------------------------------

def parse_status_yaml(text):
    """`microk8s status --format yaml`, also its not-ready form. The nodes have no PyYAML, and the format is fixed."""
    status = {'running': None, 'high_availability': None, 'nodes': [], 'addons': [], 'message': None}
    section = None
    for line in text.splitlines():
        key, colon, value = line.strip().lstrip('- ').partition(':')
        value = value.strip().strip('"\'')
        if line and not line[0].isspace() and not line.startswith('-') and colon:
            section = key
        elif section == 'microk8s' and key == 'running':
            status['running'] = value == 'True'
        elif section == 'high-availability':
            if key == 'enabled':
                status['high_availability'] = value == 'True'
            elif key == 'message':
                status['message'] = value
            elif key == 'address':
                status['nodes'].append({'address': value, 'role': None})
            elif key == 'role' and status['nodes']:
                status['nodes'][-1]['role'] = value
            continue
        if section == 'addons' and colon and line[0] in ' -':
            if line.lstrip().startswith('- name'):
                status['addons'].append({'name': value, 'repository': None, 'status': None, 'version': None})
            elif status['addons'] and key in ('repository', 'status', 'version'):
                status['addons'][-1][key] = value
    return status


def parse_members(text):
    """cluster.yaml of the datastore: [{address, id, role}]."""
    members = []
    for line in text.splitlines():
        key, colon, value = line.strip().lstrip('- ').partition(':')
        if line.startswith('-'):
            members.append({'id': None, 'address': None, 'role': None})
        if colon and members and key in ('Address', 'ID', 'Role'):
            value = value.strip().strip('"\'')
            members[-1][key.lower()] = ROLE_NAMES.get(int(value), value) if key == 'Role' and value.isdigit() else value
    return [one for one in members if one['address']]


def parse_dqlite_json(text):
    """`dqlite -f json k8s .cluster`: as parse_members(), or None when it is not JSON (no leader)."""
    try:
        rows = json.loads(text)
    except ValueError:
        return None
    if not isinstance(rows, list):
        return None
    return [{'id': str(row.get('ID')), 'address': row.get('Address'), 'role': ROLE_NAMES.get(row.get('Role'), str(row.get('Role')))} for row in rows]


def parse_time(text):
    """A Kubernetes time as an aware-less UTC datetime, or None."""
    match = re.match(r'(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)', text or '')
    return datetime.datetime(*[int(part) for part in match.groups()]) if match else None


def parse_node(item):
    """A Kubernetes Node object as what we report."""
    metadata, status, spec = item.get('metadata') or {}, item.get('status') or {}, item.get('spec') or {}
    labels = metadata.get('labels') or {}
    ready = next((one.get('status') for one in status.get('conditions') or () if one.get('type') == 'Ready'), None)
    address = next((one.get('address') for one in status.get('addresses') or () if one.get('type') == 'InternalIP'), None)
    role = 'control_plane' if LABEL_CONTROL in labels else 'worker' if LABEL_WORKER in labels else 'none'
    return {'name': metadata.get('name'), 'ready': ready == 'True', 'role': role, 'address': address,
            'version': (status.get('nodeInfo') or {}).get('kubeletVersion'), 'unschedulable': bool(spec.get('unschedulable')),
            'labels': dict(sorted((key, value) for key, value in labels.items() if key not in OWN_LABELS)[:LABELS_MAX])}


def parse_args_file(text, key):
    """The value of --key in an arguments file of MicroK8s (one "--key=value" a line), or None."""
    match = re.search(r'^\s*--%s[= ]["\']?([^"\'\s]+)' % re.escape(key), text, re.M)
    return match.group(1) if match else None


def parse_env(text, key):
    """The value of KEY=value in a file of shell assignments, or None."""
    match = re.search(r'^\s*(?:export\s+)?%s=["\']?([^"\'\s]+)' % re.escape(key), text, re.M)
    return match.group(1) if match else None


def parse_provider(text):
    """The control planes that a worker's proxy knows: addresses without port."""
    return re.findall(r'address:\s*["\']?(\d+\.\d+\.\d+\.\d+):\d+', text)


def fingerprint(pem):
    """The CHECK of a join URL: the first 12 hex digits of the SHA-256 of the certificate; also good to compare two CAs."""
    match = re.search('-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----', pem or '', re.S)
    if not match:
        return None
    try:
        return hashlib.sha256(base64.b64decode(match.group(1))).hexdigest()
    except ValueError:
        return None


def classify(has_snap, snap_active, locks, kubelite_active, api_ready, node_ready):
    """microk8s_status out of the evidence: not_installed, installed (snap disabled), stopped, running, error."""
    if not has_snap:
        return 'not_installed'
    if not snap_active:
        return 'installed'
    if 'stopped.lock' in locks or not kubelite_active:
        return 'stopped'
    return 'running' if api_ready and node_ready else 'error'


# -- reading this node -------------------------------------------------------------------------------------------------------

def locks():
    try:
        return sorted(os.listdir(LOCKS))
    except OSError:
        return []


def role(found=None):
    """control_plane, worker, or none when MicroK8s is absent."""
    found = locks() if found is None else found
    if 'clustered.lock' in found:
        return 'worker'
    return 'control_plane' if os.path.isdir(DATA) and found else 'none'


def node_name():
    """The name under which the kubelet registers: the host name in lower case, unless an argument overrides it."""
    return parse_args_file(read(DATA + '/args/kubelet'), 'hostname-override') or socket.gethostname().lower()


def half_joined(found):
    """Why this node looks like one whose join was cut off, or None.

    join leaves its lock behind on every failure; after the datastore was moved away there is no info.yaml, or still the
    init.yaml that the first contact with the cluster consumes.
    """
    if 'join-in-progress' in found:
        return 'the lock join-in-progress is there'
    if 'clustered.lock' in found or 'ha-cluster' not in found:
        return None
    if os.path.isdir(BACKEND + '.backup') and not os.path.exists(BACKEND + '/info.yaml'):
        return 'the datastore was moved away and never came back'
    if os.path.exists(BACKEND + '/init.yaml') and not os.path.exists(BACKEND + '/info.yaml'):
        return 'the datastore never reached the cluster'
    return None


def units_active():
    """{name: "active"|"inactive"|...} of MicroK8s' services, in one call."""
    names = ['snap.microk8s.daemon-%s.service' % unit for unit in UNITS]
    result = run(['/usr/bin/systemctl', 'is-active'] + names, 15)
    states = result.out.split()
    return dict(zip(UNITS, states)) if len(states) == len(UNITS) else {}


def kubectl(argv, timeout=20):
    """kubectl as administrator on a control plane, as the kubelet on a worker (microk8s kubectl refuses there)."""
    if 'clustered.lock' in locks():
        command = [SNAP_DIR + '/kubectl', '--kubeconfig=' + DATA + '/credentials/kubelet.config']
    else:
        command = [MICROK8S, 'kubectl']
    return run(command + ['--request-timeout=%ds' % max(2, timeout - 5)] + list(argv), timeout)


def kubectl_json(argv, timeout=20):
    """The parsed output, or None when the API does not answer."""
    result = kubectl(list(argv) + ['-o', 'json'], timeout)
    if result.rc != 0:
        return None
    try:
        return json.loads(result.out)
    except ValueError:
        return None


def api_nodes(timeout=20):
    """[{name, ready, role, ...}] from the API (a worker may only ask for itself), or None."""
    if 'clustered.lock' in locks():
        own = kubectl_json(['get', 'node', node_name()], timeout)
        return [parse_node(own)] if own and own.get('metadata') else None
    reply = kubectl_json(['get', 'nodes'], timeout)
    return [parse_node(item) for item in reply.get('items') or ()] if reply is not None else None


def dqlite(words, timeout=15):
    """A word of the datastore's shell."""
    argv = [SNAP_DIR + '/bin/dqlite', '-s', 'file://%s/cluster.yaml' % BACKEND, '-c', BACKEND + '/cluster.crt', '-k', BACKEND + '/cluster.key',
            '-f', 'json', 'k8s', words]
    result = run(argv, timeout)
    if result.rc == 127 and 'shared librar' in result.err:
        triplet = os.uname()[4] + '-linux-gnu'
        path = ':'.join([SNAP_DIR + part + triplet for part in ('/usr/lib/', '/lib/')] + [SNAP_DIR + '/usr/lib', SNAP_DIR + '/lib'])
        result = run(argv, timeout, env={'LD_LIBRARY_PATH': path})
    return result


def dqlite_members(tries=1):
    """The members as the leader knows them, or None without a leader."""
    for unused in range(tries):
        result = dqlite('.cluster')
        members = parse_dqlite_json(result.out) if result.rc == 0 else None
        if members:
            return members
    return None


def file_members():
    """The members as this node last wrote them (each 30 s)."""
    return parse_members(read(BACKEND + '/cluster.yaml'))


def ip_of(address):
    return (address or '').rpartition(':')[0]


def can_connect(address, timeout=1.0):
    """Whether something listens at "IP:PORT"."""
    ip, unused, port = (address or '').rpartition(':')
    try:
        socket.create_connection((ip, int(port)), timeout).close()
        return True
    except (OSError, ValueError):
        return False


def network_cidr():
    """The pod network that this node uses."""
    return parse_env(read(DATA + '/args/cni-env'), 'IPv4_CLUSTER_CIDR') or parse_args_file(read(DATA + '/args/kube-proxy'), 'cluster-cidr')


def service_cidr():
    return (parse_env(read(DATA + '/args/cni-env'), 'IPv4_SERVICE_CIDR')
            or parse_args_file(read(DATA + '/args/kube-apiserver'), 'service-cluster-ip-range'))


def install_done():
    """Whether the launch configuration of the installation has been worked off (before that no join may start)."""
    return not os.path.exists(LAUNCHER + '/install.yaml')


def node_state(address=None):
    """The node status fields of the brief, plus what decisions need (see microk8s_info)."""
    facts = host.hardware(address)
    state = {
        'microk8s_status': 'not_installed', 'microk8s_version': None, 'channel': None, 'revision': None, 'held': None, 'role': 'none',
        'clustered': False, 'services': {}, 'node_ready': None, 'microk8s_message': None,
    }
    state.update(facts)
    state.update({'hostname': socket.gethostname(), 'node_name': node_name(), 'machine_id': read('/etc/machine-id').strip() or None,
                  'locks': [], 'half_joined': None, 'members': [], 'nodes': None, 'ca': None, 'proxy_servers': [], 'installed_ok': None})
    try:
        snap = snapd.microk8s_snap()
    except snapd.SnapdError as error:
        if os.path.isdir(SNAP_DIR) or os.path.exists(snapd.SNAP):
            state.update({'microk8s_status': 'error' if os.path.isdir(SNAP_DIR) else 'not_installed', 'microk8s_message': str(error)})
        return state
    if snap is None:
        return state
    found = locks()
    state.update({'microk8s_version': snap['version'], 'revision': snap['revision'], 'channel': snap['channel'], 'held': snap['held'],
                  'locks': found, 'role': role(found), 'half_joined': half_joined(found), 'installed_ok': install_done()})
    if not snap['active']:
        state.update({'microk8s_status': 'installed', 'microk8s_message': 'The snap is disabled: "snap enable microk8s" brings it back.'})
        return state
    units = units_active()
    services = {name: units.get(name, 'active' if value['active'] else 'inactive') for name, value in snap['services'].items()}
    state['services'] = services
    kubelite = services.get('kubelite') in ('active', 'activating')
    nodes = api_nodes() if kubelite and 'stopped.lock' not in found else None
    own = next((one for one in nodes or () if one['name'] == state['node_name']), None)
    members = file_members() if state['role'] == 'control_plane' else []
    state.update({
        'node_ready': own['ready'] if own else (False if nodes is not None else None), 'nodes': nodes, 'members': members,
        'clustered': state['role'] == 'worker' or len(members) > 1 or len(nodes or ()) > 1,
        'ca': fingerprint(read(DATA + '/certs/ca.remote.crt') if state['role'] == 'worker' and os.path.exists(DATA + '/certs/ca.remote.crt')
                          else read(DATA + '/certs/ca.crt')),
        'proxy_servers': parse_provider(read(DATA + '/args/traefik/provider.yaml')) if state['role'] == 'worker' else [],
    })
    state['microk8s_status'] = classify(True, True, found, kubelite, nodes is not None, bool(own and own['ready']))
    state['microk8s_message'] = explain(state, kubelite)
    return state


def explain(state, kubelite):
    """Why the node is not running, in a sentence; None when it is."""
    status = state['microk8s_status']
    if status == 'running':
        return None
    if status == 'stopped':
        return 'MicroK8s was stopped by a user.' if 'stopped.lock' in state['locks'] else 'The service kubelite does not run.'
    if state['half_joined']:
        return 'A join was cut off here: %s.' % state['half_joined']
    if not kubelite:
        return 'The service kubelite does not run.'
    if state['nodes'] is None:
        if state['role'] == 'control_plane' and len(state['members']) > 1 and not dqlite_members():
            silent = [one['address'] for one in state['members'] if not can_connect(one['address'])]
            return ('The Kubernetes API does not answer, since the datastore has no leader: more than half of its voters must run.%s'
                    % (' Not reached: %s.' % ', '.join(silent) if silent else ''))
        return 'The Kubernetes API does not answer.'
    if state['node_ready'] is False and not any(one['name'] == state['node_name'] for one in state['nodes']):
        return 'Kubernetes does not know a node named %s.' % state['node_name']
    return 'Kubernetes says that this node is not Ready.'


# -- the whole cluster, seen from a control plane ------------------------------------------------------------------------------

def lease_ages():
    """{node: seconds since its last heartbeat}; empty when the API does not answer."""
    reply = kubectl_json(['get', 'leases', '-n', 'kube-node-lease'])
    now, ages = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None), {}
    for item in (reply or {}).get('items') or ():
        renewed = parse_time((item.get('spec') or {}).get('renewTime'))
        if renewed:
            ages[item['metadata']['name']] = (now - renewed).total_seconds()
    return ages


def cluster_view(state, with_addons=True):
    """The cluster{} of the brief, or None when this node cannot see it (worker, API down)."""
    if state['role'] != 'control_plane' or not state['nodes']:
        return None
    live = dqlite_members(3)
    members = live if live is not None else state['members']
    leader = parse_leader(dqlite('.leader').out) if live else None
    addons = []
    if with_addons:
        status = parse_status_yaml(run([MICROK8S, 'status', '--format', 'yaml'], 120).out)
        addons = status['addons']
    view = {
        'high_availability': sum(1 for one in members if one['role'] == 'voter') >= 3,
        'nodes': state['nodes'],
        'dqlite': [dict(one, alive=can_connect(one['address'])) for one in members],
        'leader': leader, 'addons': addons, 'network_cidr': network_cidr(), 'service_cidr': service_cidr(),
    }
    view['findings'] = cluster_findings(view, lease_ages(), live is not None)
    return view


def parse_leader(text):
    match = re.search(r'(\d+\.\d+\.\d+\.\d+:\d+)', text or '')
    return match.group(1) if match else None


def cluster_findings(view, ages, has_leader=True):
    """What is wrong with a cluster as a whole. Codes are stable, see the README."""
    found = []
    nodes, members = view['nodes'], view['dqlite']
    planes = [one for one in nodes if one['role'] == 'control_plane']
    node_ips = {one['address'] for one in nodes}
    member_ips = {ip_of(one['address']) for one in members}
    single = len(members) == 1 and member_ips == {'127.0.0.1'}
    if not has_leader:
        found.append(finding('MKO-SCAN-001', 'blocking', 'The datastore has no leader: more than half of the voters are missing.',
                             'Start the missing control planes. If they are lost for good, recover the quorum.'))
    for one in members:
        if not single and ip_of(one['address']) not in node_ips:
            found.append(finding('MKO-SCAN-002', 'warning', 'The datastore has the member %s, which is no node of the cluster.' % one['address'],
                                 'On a control plane: microk8s remove-node %s --force' % ip_of(one['address'])))
        if not one.get('alive'):
            found.append(finding('MKO-SCAN-003', 'warning', 'The datastore member %s (%s) does not answer.' % (one['address'], one['role']),
                                 'Start MicroK8s on that node; open port 19001/tcp between the control planes.'))
    for one in planes:
        if not single and one['address'] not in member_ips:
            found.append(finding('MKO-SCAN-004', 'warning', 'The control plane %s is no member of the datastore.' % one['name'],
                                 'Let it leave the cluster, remove MicroK8s there with --purge, and join it again.'))
    for one in nodes:
        age = ages.get(one['name'])
        if not one['ready']:
            found.append(finding('MKO-SCAN-005', 'warning', 'The node %s is not Ready.' % one['name'], 'Look at the status of the node.'))
        elif age is not None and age > LEASE_OLD_S:
            found.append(finding('MKO-SCAN-006', 'warning', 'The node %s is called Ready, but its last heartbeat is %d s old.' % (one['name'], age),
                                 'Restart the service on the control planes one by one: snap restart microk8s.daemon-kubelite'))
    if len(members) == 2:
        found.append(finding('MKO-SCAN-007', 'warning', 'There are two control planes: only one holds the data, its loss loses the cluster.',
                             'Add a third control plane.'))
    versions = sorted({minor(one['version']) for one in nodes if minor(one['version'])})
    if len(versions) > 1:
        found.append(finding('MKO-SCAN-008', 'warning', 'The nodes run different versions: %s.' % ', '.join('1.%d' % one[1] for one in versions),
                             'Upgrade the older nodes; control planes first.'))
    return found


def node_findings(state):
    """What is wrong with one node; reported with the cluster by scan_cluster."""
    found = []
    name = state['hostname']
    if state['microk8s_status'] not in ('not_installed',) and state['held'] is False:
        found.append(finding('MKO-SCAN-010', 'warning', 'On %s the snap is not held: it may update itself at any time.' % name,
                             'snap refresh --hold microk8s'))
    if 'join-in-progress' in state['locks']:
        found.append(finding('MKO-SCAN-011', 'warning', 'On %s a join was cut off.' % name, 'Set up the cluster again: it repairs the node.'))
    if state['role'] == 'worker' and not state['proxy_servers']:
        found.append(finding('MKO-SCAN-012', 'warning', 'The worker %s knows no control plane.' % name,
                             'Write the control planes into %s/args/traefik/provider.yaml and restart microk8s.daemon-apiserver-proxy.' % DATA))
    return found


def minor(text):
    """(1, 32) of "v1.32.9"."""
    match = re.match(r'v?(\d+)\.(\d+)', text or '')
    return (int(match.group(1)), int(match.group(2))) if match else None
