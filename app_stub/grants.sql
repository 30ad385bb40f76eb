-- Rights of the three users, least privilege. The users are made by the deploy, which alone knows the passwords:
--   CREATE USER IF NOT EXISTS loan_owner IDENTIFIED BY '...';   and so for loan_app and probe.
-- Idempotent. Users and rights reach the standby with the log (a second or two), so apply this to the primary only.

-- Seeding and schema changes.
GRANT ALL PRIVILEGES ON loan.* TO loan_owner;

-- The services: no DELETE, no DDL. A journal row, once written, can be changed only in ways an audit would see.
GRANT SELECT, INSERT, UPDATE ON loan.* TO loan_app;

-- A least-privileged user may not read the role without this; everyone who must find the primary needs it.
GRANT SELECT ON oceanbase.__all_virtual_server_stat TO loan_app;
GRANT SELECT ON oceanbase.__all_virtual_server_stat TO loan_owner;
GRANT SELECT ON oceanbase.__all_virtual_server_stat TO probe;
GRANT SELECT ON oceanbase.`V$OB_LOG_STAT` TO probe;
