"""One story a file: a system that runs in a Chinese city, told through HTTP alone."""
