-- What only OceanBase knows; applied after schema.sql and grants.sql, on the primary. Idempotent.

-- Plans of the grouped movements (one for each size of a group, up to 0.1 MiB each) do not fit into the default
-- 2 % of memory: seen under load, 150 of 239 cached plans had run less than three times before they were evicted.
SET GLOBAL ob_plan_cache_percentage = 10;

-- A least-privileged user may not read the role without this; everyone who must find the primary needs it.
GRANT SELECT ON oceanbase.__all_virtual_server_stat TO loan_app;
GRANT SELECT ON oceanbase.__all_virtual_server_stat TO loan_owner;
GRANT SELECT ON oceanbase.__all_virtual_server_stat TO probe;
GRANT SELECT ON oceanbase.__all_virtual_server_stat TO tongweb;
-- Positions in the log: the services wait for the standby's to pass their commit, the probe measures the lag.
GRANT SELECT ON oceanbase.`V$OB_LOG_STAT` TO loan_app;
GRANT SELECT ON oceanbase.`V$OB_LOG_STAT` TO probe;
