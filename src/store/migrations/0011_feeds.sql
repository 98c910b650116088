-- Which UPSes feed a cluster, and how many of them it needs.

ALTER TABLE clusters ADD COLUMN feeds TEXT NOT NULL DEFAULT '[]';
ALTER TABLE clusters ADD COLUMN feed_policy INTEGER NOT NULL DEFAULT 1 CHECK (feed_policy BETWEEN 0 AND 1);
ALTER TABLE clusters ADD COLUMN min_feeds INTEGER NOT NULL DEFAULT 1;
