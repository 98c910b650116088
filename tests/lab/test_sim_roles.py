"""V7: which member of a dqlite cluster gets which role (facts 3.1)."""

import sys
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "lab"))

from sim.dqlite import roles  # noqa: E402
from sim.dqlite.raft import member  # noqa: E402


def plane(*role_list: int, domains: tuple[int, ...] = ()) -> list[dict]:
    """Members a, b, c ... with these roles."""
    return [member(chr(97 + i), i + 1, role, domains[i] if domains else 1) for i, role in enumerate(role_list)]


def settle(members: list[dict], leader: str = "a", offline: str = "") -> str:
    """Apply the leader's corrections until none is left; the roles as digits in member order."""
    online = {m["Address"] for m in members} - set(offline)
    for _ in range(50):
        change = roles.adjust(members, leader, online)
        if change is None:
            return "".join(str(m["Role"]) for m in members)
        next(m for m in members if m["Address"] == change[0])["Role"] = change[1]
    raise AssertionError("roles never settle")


class RolesTest(unittest.TestCase):
    def test_sizes(self):
        for size, wanted in ((1, "0"), (2, "02"), (3, "000"), (4, "0001"), (5, "00011"), (6, "000111"), (7, "0001112"), (9, "000111222")):
            with self.subTest(size):
                self.assertEqual(settle(plane(0, *[2] * (size - 1))), wanted)

    def test_shrinking_to_two_leaves_one_voter(self):
        self.assertEqual(settle(plane(0, 0)), "02")
        self.assertEqual(settle(plane(0, 0), leader="b"), "20")

    def test_a_dead_voter_of_five_is_replaced(self):
        self.assertEqual(settle(plane(0, 0, 0, 1, 1), offline="c"), "00201")

    def test_a_dead_voter_of_three_stays_listed(self):
        self.assertEqual(settle(plane(0, 0, 0), offline="c"), "000")

    def test_a_voter_that_comes_back_is_standby(self):
        self.assertEqual(settle(plane(0, 0, 2, 0, 1)), "00101")

    def test_two_dead_voters_of_five_are_no_majority(self):
        self.assertEqual(roles.majority(plane(0, 0, 0, 1, 1)), 2)

    def test_voters_are_spread_over_failure_domains(self):
        self.assertEqual(settle(plane(0, 2, 2, 2, 2, domains=(1, 1, 2, 3, 3))), "01001")

    def test_handover(self):
        everyone = set("abcde")
        self.assertEqual(roles.handover(plane(0, 0, 0, 1, 2), "a", everyone), ("d", 0))
        self.assertEqual(roles.handover(plane(0, 0, 0, 1, 2), "a", everyone - {"d"}), ("e", 0))
        self.assertEqual(roles.handover(plane(0, 0, 0, 1, 2), "d", everyone), ("e", 1))
        self.assertEqual(roles.handover(plane(0, 2), "a", set("ab")), ("b", 0))
        self.assertIsNone(roles.handover(plane(0, 0, 0), "a", set("abc")))
        self.assertIsNone(roles.handover(plane(0, 2), "b", set("ab")))


if __name__ == "__main__":
    unittest.main()
