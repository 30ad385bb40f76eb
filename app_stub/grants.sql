-- Rights of the five users, least privilege. The users are made by the deploy, which alone knows the passwords:
--   CREATE USER IF NOT EXISTS loan_owner IDENTIFIED BY '...';   and so for loan_app, probe, report and tongweb.
-- Idempotent. Users and rights reach the standby with the log (a second or two), so apply this to the primary only.

-- Seeding and schema changes.
GRANT ALL PRIVILEGES ON loan.* TO loan_owner;

-- The services, table by table: no DELETE, no DDL, a journal row once written stays as it is, and the epoch is
-- not theirs to change: a service that could would let itself write under an old one.
GRANT SELECT ON loan.product TO loan_app;
GRANT SELECT ON loan.customer TO loan_app;
GRANT SELECT, INSERT, UPDATE ON loan.application TO loan_app;
GRANT SELECT, INSERT, UPDATE ON loan.credit_limit TO loan_app;
GRANT SELECT, INSERT ON loan.journal TO loan_app;
GRANT SELECT ON loan.leadership TO loan_app;

-- Reports beside the transactions: rows are read, none is written, on either side of the pair.
GRANT SELECT ON loan.* TO report;

-- The applications on TongWeb, by its JDBC pool: what their pages show.
GRANT SELECT ON loan.product TO tongweb;
GRANT SELECT ON loan.leadership TO tongweb;
