"""The accounts of the service, as SQL; passwords only as their hashes."""

import hashlib

from galera.machine import literal, name, sql

USER = "mysqldb"
RIGHTS = (
    "SELECT, INSERT, UPDATE, DELETE, CREATE, DROP, REFERENCES, INDEX, ALTER, SHOW DATABASES, CREATE TEMPORARY TABLES, "
    "LOCK TABLES, EXECUTE, CREATE VIEW, SHOW VIEW, CREATE ROUTINE, ALTER ROUTINE, EVENT, TRIGGER, DELETE HISTORY, "
    "CREATE USER, PROCESS"
)
DONOR = "RELOAD, PROCESS, LOCK TABLES, BINLOG MONITOR, REPLICA MONITOR"  # what mariabackup needs
TABLE = "mysql.conpaas"  # what the members remember together


def hashed(password):
    """As mysql_native_password keeps it."""
    return "*" + hashlib.sha1(hashlib.sha1(password.encode()).digest()).hexdigest().upper()


def statements(passwords, databases):
    """What has to be so; safe to repeat. Every one of the passwords is accepted."""
    ways = " OR ".join(f"mysql_native_password USING {literal(hashed(each))}" for each in dict.fromkeys(passwords))
    user = f"{literal(USER)}@'%'"
    return [
        f"CREATE USER IF NOT EXISTS {user} IDENTIFIED VIA {ways};",
        f"ALTER USER {user} IDENTIFIED VIA {ways};",
        f"GRANT {RIGHTS} ON *.* TO {user} WITH GRANT OPTION;",
        "CREATE USER IF NOT EXISTS 'mysql'@'localhost' IDENTIFIED VIA unix_socket;",
        f"GRANT {DONOR} ON *.* TO 'mysql'@'localhost';",
        f"CREATE TABLE IF NOT EXISTS {TABLE} (name VARCHAR(64) PRIMARY KEY, value LONGTEXT NOT NULL) ENGINE=InnoDB;",
        *(f"CREATE DATABASE IF NOT EXISTS {name(each)};" for each in databases),
    ]


def as_wanted(passwords, databases):
    """Whether all is so already; asking disturbs nobody."""
    text = " ".join(line for row in sql(f"SHOW CREATE USER '{USER}'@'%'") for line in row)
    wanted = {hashed(each) for each in passwords}
    found = {word.strip("',;") for word in text.split() if word.startswith("'*")}
    there = {row[0] for row in sql("SHOW DATABASES")}
    return wanted == found and set(databases) <= there


def apply(passwords, databases):
    sql("\n".join(statements(passwords, databases)), 60.0)


def recall(key):
    found = sql(f"SELECT value FROM {TABLE} WHERE name = {literal(key)}")
    return "\n".join(found[0]) if found else ""


def remember(key, value):
    sql(f"REPLACE INTO {TABLE} VALUES ({literal(key)}, {literal(value)});")


def forget(key):
    sql(f"DELETE FROM {TABLE} WHERE name = {literal(key)};")
