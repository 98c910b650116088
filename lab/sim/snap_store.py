"""What the simulated snap store offers: channels of microk8s with version, revision and confinement, and rules of channel names."""

PUBLISHER = "canonical"
SUMMARY = "Kubernetes for workstations and appliances"
RISKS = ("stable", "candidate", "beta", "edge")
DEFAULT_TRACK = "latest"
BASES = {"core20": ("20250730", "2669", "latest/stable", "base"), "snapd": ("2.71", "25202", "latest/stable", "snapd")}

# track -> (version, revision of the stable release, released)
TRACKS = {
    "latest": ("v1.33.5", 8494, "2025-10-01"),
    "1.27": ("v1.27.16", 7019, "2024-07-26"),
    "1.28": ("v1.28.15", 7231, "2024-11-05"),
    "1.29": ("v1.29.15", 8123, "2025-04-09"),
    "1.30": ("v1.30.14", 8302, "2025-07-04"),
    "1.31": ("v1.31.13", 8466, "2025-09-24"),
    "1.32": ("v1.32.9", 8511, "2025-10-01"),
    "1.33": ("v1.33.5", 8494, "2025-10-01"),
    "1.34": ("v1.34.1", 8537, "2025-10-03"),
    "1.32-strict": ("v1.32.9", 8512, "2025-10-01"),
    "1.33-strict": ("v1.33.5", 8495, "2025-10-01"),
}
SIZE = "174MB"


def full_channel(text, current=None):
    """`1.32`, `stable` or `1.32/stable` as track/risk; a bare risk keeps the track of `current`. None when it is no channel name."""
    parts = text.split("/")
    if len(parts) == 1 and parts[0] in RISKS:
        track = current.split("/")[0] if current else DEFAULT_TRACK
        return f"{track}/{parts[0]}"
    if len(parts) == 1:
        return f"{parts[0]}/stable"
    if len(parts) == 2 and parts[1] in RISKS:
        return text
    return None


def release(channel):
    """{"channel", "version", "revision", "confinement", "released"} of a full channel name; None when nothing is released there."""
    track = channel.split("/")[0]
    if track not in TRACKS:
        return None
    version, revision, released = TRACKS[track]
    return {"channel": channel, "version": version, "revision": str(revision), "released": released,
            "confinement": "strict" if track.endswith("-strict") else "classic"}


def find_revision(revision):
    """The release with that revision number, or None."""
    for track, (_, number, _) in TRACKS.items():
        if str(number) == revision and track != DEFAULT_TRACK:
            return release(f"{track}/stable")
    return None
