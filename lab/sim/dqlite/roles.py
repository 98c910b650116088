"""Which member gets which role: the rules of go-dqlite, as pure functions.

A member is a dict `{"ID", "Address", "Role", "domain", "weight"}`; `online` is the set of addresses that answer. Each function returns
what to do next or None; callers apply it and ask again until None. Source: facts 3.1 (go-dqlite app/roles.go).
"""

VOTER, STANDBY, SPARE = 0, 1, 2
NAMES = {VOTER: "voter", STANDBY: "stand-by", SPARE: "spare"}
VOTERS = 3
STANDBYS = 3
MIN_VOTERS = 3  # smaller clusters have exactly one voter


def voters(members: list[dict]) -> list[dict]:
    return [m for m in members if m["Role"] == VOTER]


def majority(members: list[dict]) -> int:
    """How many voters make a quorum."""
    return len(voters(members)) // 2 + 1


def _pick(members: list[dict], role: int, online: set[str], is_online: bool = True) -> list[dict]:
    return [m for m in members if m["Role"] == role and (m["Address"] in online) == is_online]


def _sorted(candidates: list[dict], taken: list[dict]) -> list[dict]:
    """Members of failure domains that have none yet first, then by weight; the order is stable otherwise."""
    domains = {m["domain"] for m in taken}
    return sorted(candidates, key=lambda m: (m["domain"] in domains, m["weight"]))


def adjust(members: list[dict], leader: str, online: set[str]) -> tuple[str, int] | None:
    """The leader's next correction as (address, new role), or None when all is well or nothing can be done."""
    if len(members) == 1:
        return None
    if len(members) < MIN_VOTERS:
        extra = [m for m in voters(members) if m["Address"] != leader]
        return (extra[0]["Address"], SPARE) if extra else None
    online_voters = _pick(members, VOTER, online)
    online_standbys = _pick(members, STANDBY, online)
    spares = _pick(members, SPARE, online)
    if len(online_voters) < VOTERS:
        candidates = _sorted(online_standbys, online_voters) + _sorted(spares, online_voters)
        return _first(candidates, VOTER)
    if len(online_voters) > VOTERS:
        return _first([m for m in online_voters if m["Address"] != leader], SPARE)
    offline_voters = _pick(members, VOTER, online, False)
    if offline_voters:
        return _first(offline_voters, SPARE)
    if len(online_standbys) < STANDBYS and spares:
        return _first(_sorted(spares, online_standbys), STANDBY)
    if len(online_standbys) > STANDBYS:
        return _first(online_standbys, SPARE)
    return _first(_pick(members, STANDBY, online, False), SPARE)


def _first(candidates: list[dict], role: int) -> tuple[str, int] | None:
    return (candidates[0]["Address"], role) if candidates else None


def handover(members: list[dict], address: str, online: set[str]) -> tuple[str, int] | None:
    """Who takes the role of a member that stops, as (address, role), or None when nobody can or nothing is to hand over."""
    me = next((m for m in members if m["Address"] == address), None)
    if me is None or me["Role"] == SPARE:
        return None
    others = [m for m in members if m["Address"] != address]
    peers = _pick(others, me["Role"], online)
    candidates = _sorted(_pick(others, SPARE, online), peers)
    if me["Role"] == VOTER:
        candidates = _sorted(_pick(others, STANDBY, online), peers) + candidates
    return _first(candidates, me["Role"])
