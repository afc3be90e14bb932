\ir naive_pre_dump.sql
