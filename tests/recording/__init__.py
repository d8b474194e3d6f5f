"""Recording over HTTP: events of every kind, their corrections, sales of scales, and input that is none."""
