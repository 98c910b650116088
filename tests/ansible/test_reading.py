"""What the collection reads of a machine: details that change over the months, and journals that a terminal may show."""
import os
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path[:0] = [os.path.join(ROOT, 'ansible'), '/usr/lib/python3/dist-packages']
PLUGINS = 'ansible_collections.mko.microk8s.plugins.'


def load(name):
    __import__(PLUGINS + name)
    return sys.modules[PLUGINS + name]


details = load('module_utils.details')
logs = load('modules.microk8s_logs')


class DetailsTest(unittest.TestCase):
    def test_cards_of_pods_are_no_hardware(self):
        found = [('eth0', '10.0.0.1', '52:54:00:00:00:01'), ('cali123', None, 'ee:ee:ee:ee:ee:ee'), ('vxlan.calico', '10.1.0.1', '66:00:00:00:00:01'),
                 ('wlan0', None, '52:54:00:00:00:02'), ('tun0', '10.9.0.1', None), ('veth9', None, '52:54:00:00:00:03')]
        self.assertEqual(details.cards(found), {'eth0': '52:54:00:00:00:01', 'wlan0': '52:54:00:00:00:02'})

    def test_only_installed_packages_count(self):
        text = 'ii  snapd 2.63-1\nrc  lvm2 2.0\nun  chrony \nii  linux-image-6.1.0-18-arm64 6.1.76-1\nnonsense\n'
        self.assertEqual(details.parse_packages(text.replace('  ', ' ')), {'linux-image-6.1.0-18-arm64': '6.1.76-1', 'snapd': '2.63-1'})

    def test_a_machine_with_very_many_packages_gives_a_bounded_answer(self):
        self.assertEqual(len(details.parse_packages(''.join('ii p%d %s\n' % (number, '1' * 500) for number in range(500)))), details.ITEMS)

    def test_disks_have_their_size_and_loops_are_none(self):
        with tempfile.TemporaryDirectory() as folder:
            for name, size in (('sda', '2048\n'), ('loop0', '8\n'), ('nvme0n1', '4096\n'), ('odd', 'x')):
                os.mkdir(os.path.join(folder, name))
                with open(os.path.join(folder, name, 'size'), 'w', encoding='ascii') as out:
                    out.write(size)
            self.assertEqual(details.disks(folder), {'sda': 1048576, 'nvme0n1': 2097152})
        self.assertEqual(details.disks('/nowhere'), {})


class LogsTest(unittest.TestCase):
    def test_one_service_or_all_are_asked_for(self):
        self.assertEqual(logs.command('kubelite', 60, 5)[-4:], ['-u', 'snap.microk8s.daemon-kubelite.service', '--since', '-60sec'])
        self.assertEqual(logs.command('all', 0, 5).count('-u'), len(logs.SERVICES))
        self.assertNotIn('--since', logs.command('all', 0, 5))

    def test_control_characters_are_shown_and_not_sent(self):
        self.assertEqual(logs.tidy('a\x1b[31m\tb\x9b\n-- No entries --\n\nc\r\n', 1000), (['a\\x1b[31m\tb\\x9b', 'c\\x0d'], False))

    def test_the_newest_whole_lines_are_kept(self):
        self.assertEqual(logs.tidy('first\nsecond\nthird\n', 13), (['second', 'third'], True))
        self.assertEqual(logs.tidy('f\u00fcnf\n', 5), ([], True))
        self.assertEqual(logs.tidy('', 10), ([], False))


if __name__ == '__main__':
    unittest.main()
