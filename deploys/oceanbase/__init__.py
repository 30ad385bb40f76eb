"""OceanBase: a primary and a standby that follows it."""
