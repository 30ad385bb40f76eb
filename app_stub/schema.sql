-- Schema of the loan services, for OceanBase (MySQL mode) and MariaDB alike. Idempotent: apply it as often as you like, on the primary:
--   loanstack-db sql < schema.sql        and then grants.sql for the users, and oceanbase.sql.
-- Amounts are integers in fen. Each row belongs to one legal entity, and every statement of the services names it.

CREATE DATABASE IF NOT EXISTS loan DEFAULT CHARACTER SET utf8mb4;

-- Products are data: a row here is a product that can be lent at once, with the entity's own thresholds.
CREATE TABLE IF NOT EXISTS loan.product (
  entity_code        VARCHAR(8)   NOT NULL,
  product_code       VARCHAR(16)  NOT NULL,
  name               VARCHAR(64)  NOT NULL,
  min_fen            BIGINT       NOT NULL,
  max_fen            BIGINT       NOT NULL,
  min_age_years      INT          NOT NULL,
  max_age_years      INT          NOT NULL,
  min_income_fen     BIGINT       NOT NULL COMMENT 'yearly income an applicant must have',
  min_herd_size      INT          NOT NULL COMMENT 'head of livestock; 0 where the product asks for none',
  min_score          INT          NOT NULL COMMENT 'a lower score grades D, which is never granted',
  income_multiple_pct INT         NOT NULL COMMENT 'a grant is at most this share of the yearly income',
  is_active          TINYINT      NOT NULL DEFAULT 1,
  PRIMARY KEY (entity_code, product_code)
);

CREATE TABLE IF NOT EXISTS loan.customer (
  customer_id        BIGINT       NOT NULL,
  entity_code        VARCHAR(8)   NOT NULL,
  name               VARCHAR(64)  NOT NULL,
  village            VARCHAR(64)  NOT NULL,
  household_type     VARCHAR(16)  NOT NULL COMMENT 'herder, farmer, caterpillar-fungus, noodle-shop or shop',
  birth_year         INT          NOT NULL,
  annual_income_fen  BIGINT       NOT NULL,
  herd_size          INT          NOT NULL,
  land_mu            INT          NOT NULL,
  is_credit_village  TINYINT      NOT NULL COMMENT '1 where the village committee has rated its households',
  years_as_customer  INT          NOT NULL,
  overdue_count      INT          NOT NULL,
  PRIMARY KEY (customer_id),
  KEY customer_by_village (entity_code, village)
);

CREATE TABLE IF NOT EXISTS loan.application (
  application_id     BIGINT       NOT NULL,
  entity_code        VARCHAR(8)   NOT NULL,
  customer_id        BIGINT       NOT NULL,
  product_code       VARCHAR(16)  NOT NULL,
  requested_fen      BIGINT       NOT NULL,
  status             VARCHAR(12)  NOT NULL COMMENT 'declined | admitted | assessed | granted',
  score              INT          NULL,
  grade              CHAR(1)      NULL,
  created_at         TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  PRIMARY KEY (application_id),
  KEY application_by_customer (entity_code, customer_id)
);

-- The CHECK is the last defence: the services' own conditional UPDATE already refuses an overdraw.
CREATE TABLE IF NOT EXISTS loan.credit_limit (
  limit_id           BIGINT       NOT NULL,
  entity_code        VARCHAR(8)   NOT NULL,
  customer_id        BIGINT       NOT NULL,
  product_code       VARCHAR(16)  NOT NULL,
  cap_fen            BIGINT       NOT NULL,
  used_fen           BIGINT       NOT NULL DEFAULT 0,
  status             VARCHAR(8)   NOT NULL DEFAULT 'active' COMMENT 'active | frozen',
  status_reason      VARCHAR(64)  NULL COMMENT 'the warning that froze it, or why it was unfrozen',
  status_changed_at  TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  PRIMARY KEY (limit_id),
  KEY limit_by_customer (entity_code, customer_id),
  CONSTRAINT used_within_cap CHECK (used_fen >= 0 AND used_fen <= cap_fen)
);

-- One row per acknowledged write: idempotency record, double-entry record and answer in one, so that a
-- drawdown needs two statements and no more. The key is unique within its legal entity.
-- A client makes the key. Where it grows with time (UUID version 7) the rows of a day lie together, and a merge
-- reuses all blocks but theirs; by random keys it rewrites them all. Measured on 1.1 million rows, 70,000 of them
-- new: 1.1 s in place of 12 to 14 s.
CREATE TABLE IF NOT EXISTS loan.journal (
  entity_code        VARCHAR(8)   NOT NULL,
  idempotency_key    CHAR(32)     CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  request_hash       CHAR(32)     CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  kind               VARCHAR(12)  NOT NULL COMMENT 'admission | assessment | grant | drawdown | repayment | freeze | unfreeze',
  limit_id           BIGINT       NULL,
  customer_id        BIGINT       NULL,
  amount_fen         BIGINT       NOT NULL DEFAULT 0,
  debit_account      VARCHAR(32)  NULL,
  credit_account     VARCHAR(32)  NULL,
  answer             VARCHAR(512) NOT NULL COMMENT 'JSON body of the first answer, given again to a repeated key',
  epoch              BIGINT       NOT NULL COMMENT 'of the primary that took the write, as it stood in leadership',
  created_at         TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  PRIMARY KEY (entity_code, idempotency_key),
  KEY journal_by_limit (limit_id)
);

-- Which promotion the primary owes its role to: one row, read by every write, changed by the failover agent alone.
-- A write brings the epoch its service believes in, and ends in a NULL journal.epoch where the primary has another.
CREATE TABLE IF NOT EXISTS loan.leadership (
  one                TINYINT      NOT NULL COMMENT 'always 1: there is one row',
  epoch              BIGINT       NOT NULL COMMENT 'grows with each promotion; 0 until an agent has claimed the lead',
  PRIMARY KEY (one)
);
INSERT IGNORE INTO loan.leadership(one, epoch) VALUES (1, 0);

-- What the invented customers were made by: one row, so that those of two seeds never mix. Empty in a bank.
CREATE TABLE IF NOT EXISTS loan.seeding (
  one                TINYINT      NOT NULL COMMENT 'always 1: there is one row',
  scheme             INT          NOT NULL COMMENT 'version of the rules that make the rows',
  seed               BIGINT       NOT NULL,
  PRIMARY KEY (one)
);
