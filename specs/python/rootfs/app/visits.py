"""Counts its own runs in /write and says what it runs on: a program that needs two of Python's C libraries."""
import sqlite3
import ssl
import sys

with sqlite3.connect("/write/visits.db") as db:
    db.execute("create table if not exists visit (at text default current_timestamp)")
    db.execute("insert into visit default values")
    (count,) = db.execute("select count(*) from visit").fetchone()

print(f"visit {count}, from Python {sys.version.split()[0]} with SQLite {sqlite3.sqlite_version} and {ssl.OPENSSL_VERSION}")
