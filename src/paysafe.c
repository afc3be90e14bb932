/*-------------------------------------------------------------------------
 *
 * paysafe.c
 *	  Entry point of the library.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "abuse/counter.h"
#include "abuse/recent.h"
#include "check/check_own.h"
#include "engine/deferral.h"
#include "engine/enforce.h"
#include "engine/proposal.h"
#include "engine/rule.h"
#include "evidence/alarm/alarm.h"
#include "evidence/audit_log.h"
#include "evidence/outliving.h"
#include "evidence/publish/publish_worker.h"
#include "evidence/publish/publisher.h"
#include "evidence/refusal_log.h"
#include "evidence/refusal_queue.h"
#include "evidence/refusal_writer.h"
#include "evidence/seal/seal_worker.h"
#include "evidence/signal.h"
#include "guard/hooks.h"
#include "guard/lockdown.h"
#include "guard/maintenance.h"
#include "guard/subscription.h"
#include "identity/issuer.h"
#include "people/acting.h"
#include "people/actor.h"
#include "people/approval.h"
#include "people/registry.h"
#include "people/tenant.h"
#include "people/tried.h"
#include "rules/replica.h"
#include "services/expiry.h"
#include "services/idempotency/idempotency.h"
#include "services/request/request.h"
#include "services/throttle/failed.h"
#include "services/throttle/limit.h"
#include "services/webhook/webhook.h"
#include "store/catalog.h"
#include "store/partition.h"
#include "values/money.h"
#include "vault/keyring.h"
#include "vault/master_key.h"

#ifdef PG_MODULE_MAGIC_EXT
PG_MODULE_MAGIC_EXT(.name = "paysafe", .version = PAYSAFE_VERSION);
#else
PG_MODULE_MAGIC;
#endif

void		_PG_init(void);

void
_PG_init(void)
{
	paysafe_catalog_init();
	paysafe_partition_init();
	paysafe_actor_init();
	paysafe_registry_init();
	paysafe_acting_init();
	paysafe_tenant_init();
	paysafe_tried_init();
	paysafe_money_init();
	paysafe_rule_init();
	paysafe_approval_init();
	paysafe_enforce_init();
	paysafe_proposal_init();
	paysafe_deferral_init();
	paysafe_audit_log_init();
	paysafe_refusal_log_init();
	paysafe_outliving_init();
	paysafe_signal_init();
	paysafe_publish_worker_init();
	paysafe_maintenance_init();
	paysafe_replica_init();
	paysafe_subscription_init();
	paysafe_hooks_init();
	paysafe_keyring_init();
	paysafe_issuer_init();
	paysafe_throttle_init();
	paysafe_failed_init();
	paysafe_idempotency_init();
	paysafe_webhook_init();
	paysafe_request_init();
	paysafe_check_own_init();
	if (process_shared_preload_libraries_in_progress)
	{
		paysafe_refusal_queue_preload();
		paysafe_counter_preload();
		paysafe_recent_preload();
		paysafe_refusal_writer_preload();
		paysafe_seal_worker_preload();
		paysafe_alarm_preload();
		paysafe_expiry_preload();
		paysafe_lockdown_init();
		paysafe_master_key_preload();
		paysafe_publisher_preload();
		MarkGUCPrefixReserved("paysafe");
	}
}
