-- What mko wrote down about a cluster to bring it back as it was: JSON with the keys shutdown, paused, suspended.

ALTER TABLE clusters ADD COLUMN saved TEXT;
