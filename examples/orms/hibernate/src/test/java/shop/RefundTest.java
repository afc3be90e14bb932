package shop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;

import jakarta.persistence.RollbackException;
import org.hibernate.exception.AuthException;
import org.junit.jupiter.api.Test;

import shop.Database.Actor;

/** A second person before the money leaves, and the money leaves once. */
class RefundTest extends Fixture {
	private static final String APPROVAL = "paysafe_refund_approval";
	private static final String APPROVER = "paysafe_approval_record_approval";
	private static final Actor ANN = new Actor("user:17", "arrived broken");
	private static final Actor BOB = new Actor("user:23", "photo checked");

	private final Provider provider = new Provider();
	private final Refunds refunds = new Refunds(DATABASE, provider);

	private Long requested(String amount) {
		return refunds.request(captured("2000"), money(amount), ANN);
	}

	private static RefundStatus status(Long refund) {
		return find(Refund.class, refund).getStatus();
	}

	@Test
	void belowTheThreshold() {
		Long refund = requested("500");
		assertNotEquals("", refunds.pay(refund));
		assertEquals(RefundStatus.PAID, status(refund));
	}

	@Test
	void theGateIsBeforeTheProvider() {
		Long refund = requested("900");
		// refused as COMMIT flushes
		Refusal refusal = refused(RollbackException.class, "42501", APPROVAL, () -> refunds.pay(refund));
		assertTrue(refusal.hint().contains("paysafe.approve"));
		assertEquals(0, provider.calls);
		assertEquals(RefundStatus.REQUESTED, status(refund));
	}

	@Test
	void notByWhoRequestedIt() {
		Long refund = requested("900");
		refused(AuthException.class, "42501", APPROVER,
				() -> refunds.approve(refund, new Actor("User:17", "it is fine")));
	}

	@Test
	void approvedBySomebodyElse() {
		Long refund = requested("900");
		assertThrows(RuntimeException.class, () -> refunds.pay(refund));
		refunds.approve(refund, BOB);
		String reference = refunds.pay(refund);
		assertEquals(reference, refunds.pay(refund));
		assertEquals(1, provider.calls);
		assertEquals(RefundStatus.PAID, status(refund));
	}

	@Test
	void anAnswerIsLost() {
		Long refund = requested("100");
		provider.losesAnswers = true;
		assertThrows(Provider.AnswerLost.class, () -> refunds.pay(refund));
		assertEquals(RefundStatus.EXECUTING, status(refund));
		provider.losesAnswers = false;
		String reference = refunds.pay(refund);
		assertEquals(Map.of("refund-" + refund, reference), provider.sent);
	}

	@Test
	void declined() {
		Long refund = requested("100");
		provider.declines = true;
		assertEquals("", refunds.pay(refund));
		provider.declines = false;
		assertEquals("", refunds.pay(refund));
		assertEquals(RefundStatus.FAILED, status(refund));
		assertTrue(provider.sent.isEmpty());
	}

	@Test
	void rejected() {
		Long refund = requested("900");
		DATABASE.run(BOB, entities -> {
			entities.find(Refund.class, refund).setStatus(RefundStatus.REJECTED);
			return null;
		});
		assertThrows(Refunds.NotOpen.class, () -> refunds.pay(refund));
		assertEquals(0, provider.calls);
	}

	@Test
	void theClaimEndsWithTheTransaction() {
		Long refund = requested("900");
		DATABASE.run(BOB, entities -> entities.find(Refund.class, refund));
		refused(AuthException.class, "42501", APPROVER,
				() -> refunds.approve(refund, new Actor("", "me?")));
	}
}
