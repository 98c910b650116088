-- Figures over time, a block of 60 values of each series of a subject a row.

CREATE TABLE samples (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	subject TEXT NOT NULL,
	tier INTEGER NOT NULL,
	begin INTEGER NOT NULL,
	series ANY NOT NULL
) STRICT;
CREATE UNIQUE INDEX samples_block ON samples (subject, tier, begin);
CREATE INDEX samples_age ON samples (tier, begin);
