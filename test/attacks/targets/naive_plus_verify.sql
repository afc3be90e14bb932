\ir naive_verify.sql
