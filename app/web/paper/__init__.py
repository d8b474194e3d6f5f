"""Receipts as things to print: text, ESC/POS, picture; all of one layout."""
