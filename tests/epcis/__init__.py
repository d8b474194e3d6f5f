"""The EPCIS repository: what it shows, how it is asked, and who may read it."""
