\ir naive_anchor.sql
