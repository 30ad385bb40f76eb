"""`loanstack-mariadb`: one database of the MariaDB pair that OceanBase is compared with.

Its administrator comes through the socket, without a password.
"""
