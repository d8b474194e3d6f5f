"""All SQL: tables, queries, dialect differences, transactions, the writer and the change feed."""
