"""The lab's UPS: a real upsd that tells what the lab says."""

import pathlib
import socket
import tempfile
import unittest

from labcase import LabCase


class TheUps(LabCase):
    name = "t-ups"
    up = ("--nodes", "1", "--bare", "--ups")

    def talk(self, *lines):
        """Send protocol lines to upsd; the answer lines."""
        ups = self.description["ups"]
        with socket.create_connection((ups["host"], ups["port"]), 3) as connection:
            connection.sendall("".join(f"{line}\n" for line in (*lines, "LOGOUT")).encode())
            with connection.makefile() as reader:
                return reader.read().splitlines()

    def status(self):
        return self.talk(f"GET VAR {self.description['ups']['name']} ups.status")[0].partition('"')[2].rstrip('"')

    def test_it_is_on_line_when_the_lab_is_up(self):
        self.assertIn("OL", self.status())
        self.assertEqual(self.talk(f"USERNAME {self.description['ups']['username']}", f"PASSWORD {self.description['ups']['password']}",
                                   f"LOGIN {self.description['ups']['name']}")[:3], ["OK", "OK", "OK"])

    def test_what_is_set_is_told(self):
        for status in ("OB DISCHRG", "OB DISCHRG LB", "OL CHRG"):
            self.lab("ups", "set", "ups.status", status)
            self.eventually(lambda wanted=status: self.status() == wanted)

    def test_files_are_loaded_and_replayed(self):
        with tempfile.TemporaryDirectory() as folder:
            dev, seq = pathlib.Path(folder, "x.dev"), pathlib.Path(folder, "x.seq")
            dev.write_text("ups.status: OL BYPASS\nbattery.charge: 33\n")
            seq.write_text("ups.status: OB\nTIMER 1\nups.status: OL\nTIMER 1\n")
            self.lab("ups", "load", str(dev))
            self.eventually(lambda: self.status() == "OL BYPASS")
            self.lab("ups", "replay", str(seq))
            seen = set()
            self.eventually(lambda: seen.add(self.status()) or {"OB", "OL"} <= seen)
            self.lab("ups", "set", "ups.status", "OL")
            self.eventually(lambda: self.talk(f"GET VAR {self.description['ups']['name']} battery.charge")[0].endswith('"33"'))


if __name__ == "__main__":
    unittest.main()
