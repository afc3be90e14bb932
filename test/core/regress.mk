# regress.so of PostgreSQL's regression tests, against an installed server
MODULES = regress
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)
