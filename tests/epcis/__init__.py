"""The EPCIS repository, through its REST interface."""
