"""Pure rules of food traceability: no clock, no database, no framework; the standard library only."""
