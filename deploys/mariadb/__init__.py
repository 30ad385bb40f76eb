"""MariaDB on OceanBase's hosts, in place of OceanBase: only while the two are compared."""
