"""SQLite through sqlite-utils: rows in, domain values out. SQL stands in this folder only.

`connection` opens and writes, `schema` holds the tables' text, `audit` the log; one file per table family.
"""
