# Targets that set up the machine themselves: they need no pg_config, and the
# Makefile reads nothing of PostgreSQL's for them.
#
#   make check            every kind of test, one private server, one count
#   make check-KIND       one kind of $(CHECK_KINDS)
#   make check-orms       the examples of $(ORM_KINDS)
#   make check-pretix     pretix's own tests under rules, not in make check
#   make check-versions   the kinds that depend on PostgreSQL's version
#   make check-assert     some of them with a paysafe that is built with assertions
#   make check-core       PostgreSQL's own regression tests with paysafe preloaded
#   make check-crash ROUNDS=100   crashes, for longer; so check-seal
#   make accept           take the answers of pg_regress and isolation as right
#   make demo [KEEP=1]    a payment's life in SQL; KEEP=1 leaves the server up
#   make bench [QUICK=1]  what the rules cost; the plot goes to bench/out
#   make fuzz [RUNS=1000000] [MUTATIONS=200000] [SEED=1]
#                         libFuzzer over the status machine's parser, mutated inputs over the rest
#   make sim [SEED=n] [MINUTES=10] [JOBS=n]
#                         worlds at random, judged from outside: doc/simulator.md
#   make sim-exam [MUTANT=name]   does the simulator find each fault of test/sim/mutants?
#   make sanitize         the tests under AddressSanitizer and UndefinedBehaviorSanitizer
#   make sanitize VALGRIND=1   pg_regress under valgrind
#
# PG_CONFIG=path or PGVERSION=N choose the PostgreSQL.

CHECK_KINDS = layout regress isolation pgtap encoding dump upgrade replication property reading torture guard services clock retention url crash seal django oscar client node $(ORM_KINDS) webhook attacks evidence passkey token throttle shape desk fuzz sim fits rollout
ORM_KINDS = sqlalchemy drizzle prisma gorm hibernate

.PHONY: check check-orms check-versions check-assert check-core accept demo bench fuzz sim sim-exam sanitize $(CHECK_KINDS:%=check-%) check-pretix

check:
	@test/lib/check.sh $(CHECK_KINDS)

check-orms:
	@test/lib/check.sh $(ORM_KINDS)

# random machines and floods meet the same code everywhere: a part of them will do
check-versions:
	@MACHINES=250 PAIRS=75 FLOOD=5000 test/lib/check.sh regress isolation pgtap encoding dump upgrade replication property reading guard services throttle shape passkey seal attacks fits

check-assert:
	@FLOOD=5000 test/lib/assert.sh regress isolation pgtap guard

check-core:
	@test/core/run

$(CHECK_KINDS:%=check-%) check-pretix: check-%:
	@test/lib/check.sh $*

accept:
	@ACCEPT=1 test/lib/check.sh regress isolation

demo:
	@demo/demo.sh

bench:
	@bench/run

fuzz:
	@test/fuzz/run

sim:
	@test/sim/run $(if $(SEED),--seed $(SEED)) --minutes $(or $(MINUTES),10) $(if $(JOBS),--jobs $(JOBS))

sanitize:
	@test/sanitize/run

sim-exam:
	@test/sim/exam

# goals named beside these, as in "make clean check"
ifdef SETUP_GOALS
OTHER_GOALS = $(filter-out $(SETUP_GOALS),$(MAKECMDGOALS))
ifneq ($(OTHER_GOALS),)
.PHONY: $(OTHER_GOALS)
$(OTHER_GOALS):
	@$(MAKE) --no-print-directory $@
endif
endif
