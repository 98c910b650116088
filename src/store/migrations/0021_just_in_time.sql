-- Rules that begin at the last safe moment.

ALTER TABLE ups_cluster_rules ADD COLUMN just_in_time INTEGER NOT NULL DEFAULT 0 CHECK (just_in_time IN (0, 1));
