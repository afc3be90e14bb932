# paysafe: see CONTRIBUTING.md for the targets
EXTENSION   = paysafe
EXTVERSION := $(shell sed -n "s/^default_version *= *'\(.*\)'.*/\1/p" $(EXTENSION).control)

MODULE_big  = $(EXTENSION)
# src/bin holds programs of their own
OBJS        = $(patsubst %.c,%.o,$(sort $(filter-out src/bin/%,$(wildcard src/*.c src/*/*.c src/*/*/*.c))))
PG_CPPFLAGS = -I$(srcdir)/src -DPAYSAFE_VERSION='"$(EXTVERSION)"'
# Debian builds the server with -Wdeclaration-after-statement; the extension is C11
PG_CFLAGS   = -std=gnu11 -Wall -Wextra -Wno-unused-parameter -Wno-sign-compare \
              -Wno-missing-field-initializers -Wno-declaration-after-statement

# for monitoring
SCRIPTS = src/bin/paysafe-check

# Programs in C: libcrypto, and libpq where its header is
PROGRAMS       = src/bin/paysafe-evidence src/bin/paysafe-key src/bin/paysafe-ship src/bin/paysafe-verify
PROGRAM_COMMON = $(patsubst %.c,%.o,$(wildcard src/bin/*.c src/tlog/*.c))
PROGRAM_OBJS   = $(patsubst %.c,%.o,$(wildcard src/bin/*.c src/bin/*/*.c))
EXTRA_CLEAN    = $(PROGRAMS) $(PROGRAM_OBJS)

# The install script is these parts in order, named after the rooms of src/;
# released versions and upgrade scripts stand beside them under their full names.
SQL_ORDER = preamble redact base_payload people_actor people_tenant people_registry identity_delegation engine_rule engine_row_mark engine_breach evidence_retention evidence_audit evidence_seal evidence_export rules_status \
            rules_columns people_approval people_passkey rules_refund rules_break_glass rules_ledger rules_balance rules_row_lock rules_tenant rules_owner rules_payload rules_schedule rules_velocity rules_first_seen rules_replica \
            engine_test_database evidence_refusal evidence_signal evidence_alarm guard_maintenance engine_proposal identity_token evidence_publish engine_validate services_queue \
            services_secret services_throttle services_idempotency services_api_key engine_protection \
            services_url services_outbox services_webhook services_request services_decision check check_locked check_suggest check_metrics check_books grants
INSTALL_SQL = sql/$(EXTENSION)--$(EXTVERSION).sql
SQL_PARTS   = $(SQL_ORDER:%=sql/%.sql)
DATA_built  = $(INSTALL_SQL)
DATA        = $(filter-out $(INSTALL_SQL),$(wildcard sql/$(EXTENSION)--*.sql))

REGRESS      = $(shell cat test/schedule)
REGRESS_OPTS = --inputdir=test --load-extension=$(EXTENSION)

# These goals set up the machine first: no PostgreSQL is needed to read them
SETUP_GOALS = check check-% accept demo bench fuzz sim sim-exam sanitize
ifneq ($(filter $(SETUP_GOALS),$(MAKECMDGOALS)),)
include test/check.mk
else

PG_CONFIG ?= pg_config
PGXS      := $(shell $(PG_CONFIG) --pgxs)
ifeq ($(PGXS),)
$(error no pg_config: test/lib/setup.sh installs what is missing, or says how)
endif
ifneq ($(wildcard $(dir $(PGXS))../test/isolation/pg_isolation_regress),)
ISOLATION      = $(patsubst test/isolation/specs/%.spec,%,$(sort $(wildcard test/isolation/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test/isolation --load-extension=$(EXTENSION)
endif
include $(PGXS)

ifneq ($(with_ssl),openssl)
$(error paysafe needs a PostgreSQL built with OpenSSL)
endif
# link the OpenSSL that the server links
SHLIB_LINK += $(filter -lcrypto,$(LIBS))

ifneq ($(wildcard $(includedir)/libpq-fe.h),)
PROGRAM_CPPFLAGS = -DHAVE_LIBPQ -I$(includedir)
# only where it is used
PROGRAM_LIBPQ    = -L$(libdir) -Wl,--as-needed -lpq -Wl,--no-as-needed
endif
$(PROGRAM_OBJS): override CPPFLAGS += $(PROGRAM_CPPFLAGS)
$(PROGRAM_OBJS): $(wildcard src/bin/*.h src/bin/*/*.h src/tlog/*.h)

all: $(PROGRAMS)
src/bin/paysafe-evidence: $(patsubst %.c,%.o,$(wildcard src/bin/evidence/*.c))
src/bin/paysafe-key: $(patsubst %.c,%.o,$(wildcard src/bin/key/*.c))
src/bin/paysafe-verify: $(patsubst %.c,%.o,$(wildcard src/bin/verify/*.c))
src/bin/paysafe-ship: $(patsubst %.c,%.o,$(wildcard src/bin/ship/*.c) $(filter-out %/main.c,$(wildcard src/bin/verify/*.c)))
$(PROGRAMS): $(PROGRAM_COMMON)
	$(CC) $(CFLAGS) $^ $(PROGRAM_LIBPQ) $(filter -lcrypto,$(LIBS)) -o $@

install: install-programs
.PHONY: install-programs uninstall-programs
install-programs: $(PROGRAMS) | installdirs
	$(INSTALL_PROGRAM) $(PROGRAMS) '$(DESTDIR)$(bindir)/'
uninstall: uninstall-programs
uninstall-programs:
	rm -f $(PROGRAMS:src/bin/%='$(DESTDIR)$(bindir)/%')

$(INSTALL_SQL): $(SQL_PARTS) sql/own_table.awk $(EXTENSION).control
	awk -f sql/own_table.awk $(SQL_PARTS) > $@

# errors.h and what else is made from errcodes.txt
.PHONY: errcodes
errcodes:
	test/lib/errcodes.sh

# no other library of the server's may be given these for its own, nor these another's
$(filter src/tlog/% src/token/%,$(OBJS)): override CFLAGS += -fvisibility=hidden

# PGXS tracks no header dependencies
$(OBJS): $(wildcard src/*.h src/*/*.h src/*/*/*.h) $(EXTENSION).control

endif
