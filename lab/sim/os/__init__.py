"""Stand-ins for operating-system commands that cannot be real inside a lab node."""
