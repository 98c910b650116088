"""Archives of the datastore: what is a backup and what is not."""
import io
import os
import sys
import tarfile
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, 'ansible'), '/usr/lib/python3/dist-packages']
from ansible_collections.mko.microk8s.plugins.module_utils import archive  # noqa: E402
from ansible_collections.mko.microk8s.plugins.modules import backup_archive, microk8s_dbctl  # noqa: E402

from ansible_collections.mko.microk8s.plugins.modules import microk8s_drill  # noqa: E402

ROWS = {'/registry/namespaces/default': b'x' * 500, '/registry/services/specs/default/kubernetes': b'y' * 700}


class ArchiveTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.path = self.folder.name + '/12/datastore.tar.gz'
        os.mkdir(self.folder.name + '/12')

    def write(self, rows, extra=()):
        with tarfile.open(self.path, 'w:gz') as tar:
            for number, (key, value) in enumerate(rows.items()):
                for name, body in (('%d.key' % number, key.encode()), ('%d.data' % number, value)):
                    self.add(tar, name, body)
            for name, body in extra:
                self.add(tar, name, body)

    @staticmethod
    def add(tar, name, body):
        info = tarfile.TarInfo('backup/' + name)
        info.size = len(body)
        tar.addfile(info, io.BytesIO(body))

    def broken(self, word):
        with self.assertRaises(archive.Broken) as caught:
            archive.read(self.path)
        self.assertIn(word, str(caught.exception))

    def test_a_whole_archive_is_counted(self):
        self.write(ROWS)
        self.assertEqual(archive.read(self.path), {key: len(value) for key, value in ROWS.items()})

    def test_an_archive_without_keys_is_no_backup(self):
        self.write({})
        self.broken('holds no key')

    def test_an_archive_of_empty_values_is_no_backup(self):
        self.write({key: b'' for key in ROWS})
        self.broken('empty')

    def test_an_archive_of_something_else_is_no_backup(self):
        self.write({'/etc/passwd': b'root'})
        self.broken('nothing of Kubernetes')

    def test_a_key_without_its_value_is_no_backup(self):
        self.write(ROWS, [('7.key', b'/registry/x')])
        self.broken('do not fit together')

    def test_a_cut_archive_is_no_backup_wherever_it_was_cut(self):
        self.write({'/registry/x/%d' % number: os.urandom(300) for number in range(20)})
        with open(self.path, 'rb') as handle:
            body = handle.read()
        for part in (0, 1, len(body) // 2, len(body) - 1):
            with open(self.path, 'wb') as handle:
                handle.write(body[:part])
            with self.subTest(part=part):
                self.broken('')

    def test_what_comes_and_goes_by_itself_is_not_missed_after_a_restore(self):
        for key, want in (('/registry/leases/kube-node-lease/n1', True), ('/registry/services/endpoints/default/web', True), ('/registry/services/specs/default/web', False),
                          ('/registry/pods/default/web', True), ('/registry/podtemplates/default/web', False), ('/registry/secrets/default/x', False),
                          ('compact_rev_key', False)):
            self.assertIs(microk8s_dbctl.passing(key), want, key)

    def test_a_changed_archive_does_not_pass_its_manifest_and_old_backups_are_retired(self):
        folder = os.path.dirname(self.path)
        self.write(ROWS)
        manifest = backup_archive.describe({'folder': folder, 'sha256': archive.sha256(self.path), 'manifest': {'id': '12'}})
        self.assertEqual((manifest['keys'], manifest['id'], manifest['verified']), (2, '12', True))
        self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o600)
        self.assertEqual(backup_archive.check({'folder': folder})['keys'], 2)
        self.write(dict(ROWS, **{'/registry/new': b'1'}))
        with self.assertRaises(archive.Broken):
            backup_archive.check({'folder': folder})
        for name in ('3', '9', 'notes', '11'):
            os.mkdir(self.folder.name + '/' + name)
        for name in ('3', '9'):
            with open('%s/%s/manifest.json' % (self.folder.name, name), 'w', encoding='utf-8') as handle:
                handle.write('{"created_at": "2026-11-0%sT03:00:00Z"}' % name)
        self.assertEqual(backup_archive.retire(folder, {'last': 2}), ['3'])
        self.assertEqual(sorted(os.listdir(self.folder.name)), ['11', '12', '9', 'notes'])

    def test_objects_are_found_by_their_keys_and_what_comes_and_goes_is_not_compared(self):
        keys = list(ROWS) + ['/registry/pods/shop/till-1', '/registry/deployments/shop/till', '/registry/services/endpoints/default/kubernetes']
        self.assertEqual(archive.objects(keys), {'namespaces': ['default'], 'services': ['default/kubernetes'], 'deployments.apps': ['shop/till']})
        self.assertTrue(microk8s_dbctl.passing('/registry/services/endpoints/default/kubernetes'))
        self.assertFalse(microk8s_dbctl.passing('/registry/services/specs/default/kubernetes'))

    def test_a_drill_refuses_a_backup_that_knows_the_spare_machine_and_one_that_shows_no_keys(self):
        self.write(dict(ROWS, **{'/registry/minions/n5': b'x'}))
        folder = os.path.dirname(self.path)
        for name, kind, word in (('n5', 'datastore', 'knows a node called n5'), ('n6', 'physical', 'physical')):
            with self.assertRaises(archive.Broken) as caught:
                backup_archive.objects(folder, name, {'kind': kind})
            self.assertIn(word, str(caught.exception))
        self.assertIn('namespaces', backup_archive.objects(folder, 'n6', {'kind': 'datastore'}))

    def test_the_controllers_that_make_pods_are_switched_off_once_whatever_was_said_before(self):
        text = microk8s_drill.without_controllers('--v=2\n--controllers=*\n--controllers-x=1\n')
        self.assertEqual(text.splitlines()[:2], ['--v=2', '--controllers-x=1'])
        self.assertIn('-daemonset', text.splitlines()[2])
        self.assertEqual(microk8s_drill.without_controllers(text), text)


if __name__ == '__main__':
    unittest.main()
