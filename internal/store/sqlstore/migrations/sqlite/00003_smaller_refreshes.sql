-- +goose Up

-- Spent tokens are packed bytes instead of JSON, whose values are of use for seconds only; and one index that each refresh
-- changes serves for two.
UPDATE refresh_tokens SET spent = x'' WHERE spent <> '';
DROP INDEX refresh_tokens_by_end;
DROP INDEX refresh_tokens_by_expires_at;
CREATE INDEX refresh_tokens_by_expires_at ON refresh_tokens (expires_at, ended_at, session_expires_at);
