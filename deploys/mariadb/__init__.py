"""MariaDB on OceanBase's hosts and in its place: only while the two are compared."""
