-- Clusters that a cluster needs, and clusters that rules of power leave alone.

ALTER TABLE clusters ADD COLUMN depends_on TEXT NOT NULL DEFAULT '[]';
ALTER TABLE clusters ADD COLUMN power_maintenance INTEGER NOT NULL DEFAULT 0 CHECK (power_maintenance IN (0, 1));
