#!/usr/bin/env python3
"""Line coverage of each room against its floor: `coverage.py SUMMARY.json` (gcovr --json-summary)."""
import json
import sys

FLOOR = {"base": 90, "model": 90, "service": 90, "driver": 80}
ROOMS = ["base", "model", "power", "hardware", "loop", "store", "driver", "service", "api", "cli", "app"]


def main():
    with open(sys.argv[1], encoding="utf-8") as source:
        files = json.load(source)["files"]
    passed = failed = 0
    for room in ROOMS:
        mine = [f for f in files if f["filename"].startswith(f"src/{room}/")]
        total = sum(f["line_total"] for f in mine)
        if not total:
            continue
        percent = 100 * sum(f["line_covered"] for f in mine) / total
        floor = FLOOR.get(room, 0)
        ok = percent >= floor
        passed += ok
        failed += not ok
        print(f"{'pass' if ok else 'FAIL'}  {room:8} {percent:5.1f} % of {total} lines" + (f", floor {floor} %" if floor else ""))
    print("details: build/cov/index.html")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
