-- What ends when a node goes down, as the last scan of its cluster saw it: JSON with pods, stay, volumes, emptydir, counts, at.

ALTER TABLE nodes ADD COLUMN impact TEXT;
