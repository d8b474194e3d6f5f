"""EPCIS 2.0 documents: what they say, whether they may, and the custody graph that follows from their events."""
